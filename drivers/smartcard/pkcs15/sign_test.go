package pkcs15

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/asan-kiosk/kiosk/drivers/smartcard"
	"github.com/asan-kiosk/kiosk/drivers/smartcard/pin"
)

var digest = sha256.Sum256([]byte("what is signed"))

const (
	login = "45"
	sign  = "46"
)

var (
	pin1 = []byte("1234")
	pin2 = []byte("54321")
)

// instructions is what was sent, as INS with P1 where it matters.
func instructions(c *testCard) string {
	names := map[string]string{
		"a4": "SELECT", "20": "VERIFY", "22": "MSE", "c0": "GET-RESPONSE", "cb": "GET-DATA", "b2": "READ-RECORD",
	}
	var list []string
	for _, s := range c.sent {
		name, ok := names[s[2:4]]
		switch {
		case s[2:4] == "2a" && s[4:6] == "90":
			name = "HASH"
		case s[2:4] == "2a":
			name = "PSO"
		case !ok:
			name = s
		}
		list = append(list, name)
	}
	return strings.Join(list, " ")
}

func checkSignature(t *testing.T, sig []byte, key string) {
	t.Helper()
	p := holder()
	if key == login {
		if err := rsa.VerifyPKCS1v15(&p.rsa.PublicKey, crypto.SHA256, digest[:], sig); err != nil {
			t.Error("the RSA signature is false")
		}
		return
	}
	if len(sig) != 64 {
		t.Fatalf("an EC signature of %d bytes, not r||s", len(sig))
	}
	if !ecdsa.Verify(&p.ec.PublicKey, digest[:], new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])) {
		t.Error("the EC signature is false")
	}
}

// checkWiped looks at the memory of every command that carried a PIN.
func checkWiped(t *testing.T, c *testCard) {
	t.Helper()
	for i, b := range c.kept {
		if c.sent[i][2:4] == "20" && len(bytes.Trim(b, "\x00")) > 0 {
			t.Error("the PIN is still in memory")
		}
		if c.sent[i][2:4] == "20" && cap(b) != len(b) {
			t.Error("the PIN's command is in a slice longer than it")
		}
	}
}

// A signature costs no more commands than the card's layout demands.
func TestSign(t *testing.T) {
	for _, c := range []struct {
		name string
		card func(*testCard)
		key  string
		want string
	}{
		{"RSA", nil, login, "SELECT VERIFY MSE PSO"},
		{"EC", nil, sign, "SELECT VERIFY MSE PSO"},
		{"EC, the card answers DER", func(c *testCard) { c.keys[0x82].der = true }, sign, "SELECT VERIFY MSE PSO"},
		{"over T=0", func(c *testCard) { c.t0 = true }, login, "SELECT VERIFY MSE PSO GET-RESPONSE"},
		{"the card says which length it wants", func(c *testCard) { c.exact = true }, sign, "SELECT VERIFY MSE PSO PSO"},
		{"the card names its algorithm", func(c *testCard) { c.keys[1].algs, c.keys[0x82].algs = []int{0x12}, []int{0x54} }, login, "SELECT VERIFY MSE PSO"},
		{"so for EC", func(c *testCard) { c.keys[1].algs, c.keys[0x82].algs = []int{0x12}, []int{0x54} }, sign, "SELECT VERIFY MSE PSO"},
		{"the key lies in a file of its own", func(c *testCard) { c.files[app+"4401"] = vector(t, "prkd_files") }, login, "SELECT VERIFY SELECT MSE PSO"},
		{"the key's file cannot be selected", func(c *testCard) {
			c.files[app+"4401"] = vector(t, "prkd_files")
			delete(c.files, app+"4b01")
		}, login, "SELECT VERIFY MSE PSO"},
		{"the PIN lies in a directory of its own", func(c *testCard) {
			c.files[app+"4403"] = vector(t, "aod_local")
			c.pins[1].dir, c.pins[1].block = dfPIN, []byte{0x12, 0x34}
		}, login, "SELECT SELECT VERIFY SELECT MSE PSO"},
		{"without a name, found by path", func(c *testCard) { c.names = nil }, login, "SELECT VERIFY MSE PSO"},
		{"SELECT always answers", func(c *testCard) { c.refuseP2 = "0c" }, login, "SELECT VERIFY MSE PSO"},
	} {
		t.Run(c.name, func(t *testing.T) {
			card := standardCard(t)
			if c.card != nil {
				c.card(card)
			}
			tok := opened(t, card)
			code := pin1
			if c.key == sign {
				code = pin2
			}
			for range 2 { // the second person's job costs the same
				sig, err := tok.Sign(t.Context(), card, c.key, code, crypto.SHA256, digest[:])
				if err != nil {
					t.Fatalf("%v\n%v", err, card.sent)
				}
				checkSignature(t, sig, c.key)
				if got := instructions(card); got != c.want {
					t.Errorf("got  %s\nwant %s", got, c.want)
				}
				checkWiped(t, card)
				card.reset()
			}
			if string(pin1) != "1234" || string(pin2) != "54321" {
				t.Error("the caller's PIN was changed")
			}
		})
	}
}

// Where neither card nor model tells the form of what is signed, it is found out
// with one PIN, and known from then on.
func TestRecipes(t *testing.T) {
	for _, c := range []struct {
		name   string
		card   func(*testCard)
		key    string
		second string
	}{
		{"RSA, the card takes no algorithm", func(c *testCard) { c.keys[1].algs = []int{-1} }, login, "SELECT VERIFY MSE PSO"},
		{"RSA, the card wants the hash first", func(c *testCard) { c.keys[1].form = "hash" }, login, "SELECT VERIFY MSE HASH PSO"},
		{"RSA, the card does not pad", func(c *testCard) { c.keys[1].form = "padded" }, login, "SELECT VERIFY MSE PSO PSO"},
		{"EC, the card wants the hash first", func(c *testCard) { c.keys[0x82].form = "hash" }, sign, "SELECT VERIFY MSE HASH PSO"},
	} {
		t.Run(c.name, func(t *testing.T) {
			card := standardCard(t)
			card.files[app+"5032"] = vector(t, "tokeninfo_plain")
			c.card(card)
			tok := opened(t, card)
			code := pin1
			if c.key == sign {
				code = pin2
			}
			for n := range 2 {
				sig, err := tok.Sign(t.Context(), card, c.key, code, crypto.SHA256, digest[:])
				if err != nil {
					t.Fatalf("%v\n%v", err, card.sent)
				}
				checkSignature(t, sig, c.key)
				if card.count("20") != 1 {
					t.Errorf("%d VERIFY for one PIN", card.count("20"))
				}
				if got := instructions(card); n == 1 && got != c.second {
					t.Errorf("the second signature: %s, want %s", got, c.second)
				}
				card.reset()
			}
		})
	}
}

// A card that wants the PIN before every operation is not given it twice for one
// entry: what was learnt serves the next entry.
func TestConsent(t *testing.T) {
	card := standardCard(t)
	card.keys[0x82].consent, card.keys[0x82].form = true, "hash"
	tok := opened(t, card)
	var entries int
	for {
		entries++
		sig, err := tok.Sign(t.Context(), card, sign, pin2, crypto.SHA256, digest[:])
		if card.count("20") != 1 {
			t.Fatalf("%d VERIFY for one entry", card.count("20"))
		}
		card.reset()
		if err == nil {
			checkSignature(t, sig, sign)
			break
		}
		if !errors.Is(err, smartcard.ErrKeyRefused) || entries > 4 {
			t.Fatalf("entry %d: %v", entries, err)
		}
	}
	if _, err := tok.Sign(t.Context(), card, sign, pin2, crypto.SHA256, digest[:]); err != nil || instructions(card) != "SELECT VERIFY MSE HASH PSO" {
		t.Errorf("after %d entries: %v, %s", entries, err, instructions(card))
	}
}

// A model's recipe is used and no other.
func TestModel(t *testing.T) {
	card := standardCard(t)
	card.keys[1].form, card.keys[1].algs = "hash", []int{0x42}
	model := Model{Name: "test", ATR: card.atr, RSA: []Recipe{{Algorithm: 0x42, Form: HashFirst, Hash: crypto.SHA256}}}
	tok := opened(t, card, Model{ATR: []byte{0x3B}}, model)
	sig, err := tok.Sign(t.Context(), card, login, pin1, crypto.SHA256, digest[:])
	if err != nil || instructions(card) != "SELECT VERIFY MSE HASH PSO" {
		t.Fatalf("%v: %s", err, instructions(card))
	}
	checkSignature(t, sig, login)
	if _, err := tok.Sign(t.Context(), card, login, pin1, crypto.SHA384, make([]byte, 48)); !errors.Is(err, smartcard.ErrKeyRefused) {
		t.Errorf("a hash that no recipe serves: %v", err)
	}
}

// A PIN that is refused is one VERIFY, and says what the card says.
func TestWrongPIN(t *testing.T) {
	wrong := []byte("9999")
	for _, c := range []struct {
		name string
		card func(*testCard)
		key  string
		pin  []byte
		want smartcard.PINError
		sent string
	}{
		{"wrong", nil, login, wrong, smartcard.PINError{Left: 2, SW: 0x63C2}, "SELECT VERIFY"},
		{"wrong, the last but one", func(c *testCard) { c.pins[1].left = 2 }, login, wrong, smartcard.PINError{Left: 1, SW: 0x63C1}, "SELECT VERIFY"},
		{"wrong, the last", func(c *testCard) { c.pins[1].left = 1 }, login, wrong, smartcard.PINError{Blocked: true, SW: 0x63C0}, "SELECT VERIFY"},
		{"blocked before", func(c *testCard) { c.pins[1].left = 0 }, login, pin1, smartcard.PINError{Blocked: true, SW: 0x6983}, "SELECT VERIFY"},
		{"the card names no number and is asked", func(c *testCard) { c.verifySW = 0x6300 }, login, wrong, smartcard.PINError{Left: 2, SW: 0x6300}, "SELECT VERIFY VERIFY"},
		{"it does not tell then", func(c *testCard) { c.verifySW, c.mute = 0x6300, true }, login, wrong, smartcard.PINError{Left: -1, SW: 0x6300}, "SELECT VERIFY VERIFY"},
		{"never activated, the card says", func(c *testCard) { c.verifySW = 0x6984 }, login, wrong, smartcard.PINError{Left: -1, NotSet: true, SW: 0x6984}, "SELECT VERIFY"},
		{"a form that the card refuses", func(c *testCard) { c.verifySW = 0x6A80 }, login, wrong, smartcard.PINError{Left: -1, Format: true, SW: 0x6A80}, "SELECT VERIFY"},
		{"too short: not sent", nil, login, []byte("123"), smartcard.PINError{Left: -1, Format: true}, "SELECT"},
		{"too long: not sent", nil, sign, []byte("123456789"), smartcard.PINError{Left: -1, Format: true}, "SELECT"},
		{"letters: not sent", nil, login, []byte("12a4"), smartcard.PINError{Left: -1, Format: true}, "SELECT"},
		{"none: not sent", nil, login, nil, smartcard.PINError{Left: -1, Format: true}, "SELECT"},
		{"never activated, EF.AOD says: not sent", func(c *testCard) { c.files[app+"4403"] = vector(t, "aod_local") }, sign, []byte("123456"), smartcard.PINError{Left: -1, NotSet: true}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			card := standardCard(t)
			if c.card != nil {
				c.card(card)
			}
			tok := opened(t, card)
			sig, err := tok.Sign(t.Context(), card, c.key, c.pin, crypto.SHA256, digest[:])
			var got *smartcard.PINError
			if !errors.As(err, &got) || sig != nil {
				t.Fatalf("%v", err)
			}
			if *got != c.want {
				t.Errorf("got %+v, want %+v", *got, c.want)
			}
			if sent := instructions(card); sent != c.sent {
				t.Errorf("sent %s, want %s", sent, c.sent)
			}
			checkWiped(t, card)
		})
	}
}

func TestPINState(t *testing.T) {
	for _, c := range []struct {
		name  string
		card  func(*testCard)
		model Model
		want  smartcard.PINState
		sent  string
	}{
		{"full", nil, Model{}, smartcard.PINState{Left: 3}, "SELECT VERIFY"},
		{"one left", func(c *testCard) { c.pins[1].left = 1 }, Model{}, smartcard.PINState{Left: 1}, "SELECT VERIFY"},
		{"blocked", func(c *testCard) { c.pins[1].left = 0 }, Model{}, smartcard.PINState{Blocked: true}, "SELECT VERIFY"},
		{"somebody's PIN is verified", func(c *testCard) { c.pins[1].verified = true }, Model{}, smartcard.PINState{Left: -1, Verified: true}, "SELECT VERIFY"},
		{"the card does not tell", func(c *testCard) { c.mute = true }, Model{}, smartcard.PINState{Left: -1}, "SELECT VERIFY"},
		{"a model that has it as data", func(c *testCard) { c.mute = true }, Model{Counter: pin.ByGetData}, smartcard.PINState{Left: 3}, "SELECT VERIFY GET-DATA"},
		{"a model that must not be asked", nil, Model{Mute: true}, smartcard.PINState{Left: -1}, "SELECT"},
		{"a model that has records", func(c *testCard) {
			c.files["3f000016"] = []byte{0x80, 0x01, 0x03, 0x90, 0x01, 0x02}
			c.records, c.mute = true, true
		}, Model{Mute: true, Counter: pin.ByRecord}, smartcard.PINState{Left: -1}, "SELECT SELECT SELECT READ-RECORD"},
		{"a PIN in its own directory", func(c *testCard) {
			c.files[app+"4403"] = vector(t, "aod_local")
			c.pins[1].dir = dfPIN
		}, Model{}, smartcard.PINState{Left: 3}, "SELECT SELECT VERIFY"},
	} {
		t.Run(c.name, func(t *testing.T) {
			card := standardCard(t)
			if c.card != nil {
				c.card(card)
			}
			c.model.ATR = card.atr
			tok := opened(t, card, c.model)
			if c.want.Verified {
				card.pins[1].verified = true
			}
			got, err := tok.PINState(t.Context(), card, login)
			if err != nil || got != c.want {
				t.Errorf("got %+v (%v), want %+v", got, err, c.want)
			}
			if sent := instructions(card); sent != c.sent {
				t.Errorf("sent %s, want %s", sent, c.sent)
			}
			if left := card.pins[1].left; c.want.Left > 0 && left != c.want.Left {
				t.Errorf("asking cost a try: %d left", left)
			}
		})
	}
}

// A signature that the certificate does not confirm is never handed out.
func TestFalseSignature(t *testing.T) {
	for name, shape := range map[string]func(*testCard){
		"a bit of it is wrong": func(c *testCard) { c.keys[1].flip, c.keys[0x82].flip = true, true },
		"another key answers":  func(c *testCard) { c.keys[1].signer, c.keys[0x82].signer = otherRSA(), otherEC() },
		"the key is not the certificate's": func(c *testCard) {
			c.keys[1], c.keys[0x82] = c.keys[0x82], c.keys[1]
			c.keys[1].pin, c.keys[0x82].pin = 1, 0x82
			c.keys[1].form, c.keys[0x82].form = "info", "digest"
		},
	} {
		t.Run(name, func(t *testing.T) {
			card := standardCard(t)
			shape(card)
			tok := opened(t, card)
			for key, code := range map[string][]byte{login: pin1, sign: pin2} {
				sig, err := tok.Sign(t.Context(), card, key, code, crypto.SHA256, digest[:])
				if !errors.Is(err, smartcard.ErrFalseSignature) || sig != nil {
					t.Errorf("key %s: %v", key, err)
				}
			}
		})
	}
}

// What the caller asks for in vain costs no command.
func TestSignRefuses(t *testing.T) {
	card := standardCard(t)
	weak := issue(weakRSA(), 9, 0)
	card.files[app+"4501"] = weak
	tok := opened(t, card)
	for name, c := range map[string]struct {
		key    string
		hash   crypto.Hash
		digest []byte
		want   error
	}{
		"no such key":          {"99", crypto.SHA256, digest[:], smartcard.ErrNoKey},
		"SHA-1":                {sign, crypto.SHA1, make([]byte, 20), smartcard.ErrKeyRefused},
		"a digest that is cut": {sign, crypto.SHA256, digest[:31], smartcard.ErrKeyRefused},
		"RSA of 1024 bits":     {login, crypto.SHA256, digest[:], smartcard.ErrKeyRefused},
	} {
		if _, err := tok.Sign(t.Context(), card, c.key, pin2, c.hash, c.digest); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if len(card.sent) > 0 {
			t.Errorf("%s: sent %v", name, card.sent)
		}
	}
	if len(tok.Keys()) != 2 || !slices.Equal(tok.Keys()[0].Certificate, weak) {
		t.Error("a key that cannot be used is not shown")
	}
	if _, err := tok.PINState(t.Context(), card, "99"); !errors.Is(err, smartcard.ErrNoKey) {
		t.Errorf("the PIN of a key that is not there: %v", err)
	}
}

// The key's refusal, and an exchange that fails, end the job where they happen.
func TestSignEnds(t *testing.T) {
	card := standardCard(t)
	card.keys[1].dir = "3f00" // the card wants something that it did not say
	tok := opened(t, card)
	_, err := tok.Sign(t.Context(), card, login, pin1, crypto.SHA256, digest[:])
	if !errors.Is(err, smartcard.ErrKeyRefused) || instructions(card) != "SELECT VERIFY MSE PSO" {
		t.Errorf("%v: %s", err, instructions(card))
	}

	for n := 1; n <= 4; n++ {
		card := standardCard(t)
		tok := opened(t, card)
		pulled := &pulledCard{testCard: card, after: n}
		if _, err := tok.Sign(t.Context(), pulled, login, pin1, crypto.SHA256, digest[:]); !errors.Is(err, smartcard.ErrRemoved) {
			t.Errorf("pulled at command %d: %v", n, err)
		}
		if pulled.calls != n {
			t.Errorf("pulled at command %d, and %d were sent", n, pulled.calls)
		}
		checkWiped(t, card)
	}
}
