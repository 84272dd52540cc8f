package signcard

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// A terminal that knows the card signs with four commands.
func TestSignature(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		cfg    Config
		mse    string
		pso    func(r rig, i int) []byte
		length int
	}{
		"RSA":       {rsaCard(), "02", psoDigest, 256},
		"P-256 raw": {ecCard(), "04", psoDigest, 64},
		"P-256 DER": {ecCard(func(c *Config) { c.Layout.ECDSA = ECDSADER }), "04", psoDigest, 0},
		"RSA, the card is given the hash": {rsaCard(func(c *Config) { c.Layout.Input = SignHash }), "42", func(r rig, i int) []byte {
			r.want(swOK, "002A90A0229020", digest("message"))
			return r.want(swOK, "002A9E9A00")
		}, 256},
		"P-256, the card is given the hash": {ecCard(func(c *Config) { c.Layout.Input = SignHash }), "44", func(r rig, i int) []byte {
			r.want(swOK, "002A90A0229020", digest("message"))
			return r.want(swOK, "002A9E9A00")
		}, 64},
		"RSA, padded by the terminal, in two parts": {rsaCard(func(c *Config) { c.Layout.Input = SignRaw }), "02", func(r rig, i int) []byte {
			block := rawBlock(info(r.cfg.Pairs[i].Key, "message"))
			r.want(swOK, "102A9E9AFF", block[:255])
			return r.want(swOK, "002A9E9A01", block[255:], []byte{0})
		}, 256},
		"RSA, padded by the terminal, extended length": {rsaCard(func(c *Config) { c.Layout.Input, c.Layout.Extended = SignRaw, true }), "02", func(r rig, i int) []byte {
			return r.want(swOK, "002A9E9A000100", rawBlock(info(r.cfg.Pairs[i].Key, "message")), []byte{0, 0})
		}, 256},
	} {
		t.Run(name, func(t *testing.T) {
			for i, verify := range []string{verify1, verify2} {
				r := newRig(t, test.cfg)
				r.want(swOK, selectApp)
				mse := "002241B6068001" + test.mse + "8401" + hex.EncodeToString([]byte{0x11 + byte(i)})
				r.want(swOK, mse)
				r.want(swOK, verify)
				sig := test.pso(r, i)
				if test.length != 0 && len(sig) != test.length {
					t.Errorf("the signature has %d bytes, want %d", len(sig), test.length)
				}
				if !valid(r.cfg.Pairs[i].Key, "message", sig) {
					t.Errorf("key %d: the signature is false", i+1)
				}
			}
		})
	}
}

func psoDigest(r rig, i int) []byte {
	a := r.Command(apdu("002A9E9A", info(r.cfg.Pairs[i].Key, "message")))
	return a[:len(a)-2]
}

// rawBlock is EMSA-PKCS1-v1_5 for 2048 bits (RFC 8017 9.2).
func rawBlock(info []byte) []byte {
	b := append([]byte{0, 1}, bytes.Repeat([]byte{0xFF}, 256-3-len(info))...)
	return append(append(b, 0), info...)
}

func TestPINTries(t *testing.T) {
	t.Parallel()
	r := newRig(t, ecCard())
	r.want(swOK, selectApp)
	r.want(0x63C3, "00200001")
	r.want(0x63C2, wrong1)
	r.want(swOK, verify1)
	r.want(swOK, "00200001") // verified
	r.want(0x63C3, "00200002")
	r.want(0x63C2, wrong1) // takes the verification back
	if r.Verified() {
		t.Error("a PIN is verified after a wrong one")
	}
	r.want(swWrongData, "0020000104AABBCCDD") // no digits: costs no try
	r.want(swWrongLength, "00200001203131313131313131313131313131313131313131313131313131313131313131")
	r.want(swWrongData, "00200001023131") // too short
	r.want(0x63C1, wrong1)
	r.want(0x63C0, wrong1)
	r.want(swBlocked, verify1)
	r.want(swBlocked, "00200001")
	if got := r.Tries(PIN1); got != 0 {
		t.Errorf("%d tries left", got)
	}

	// The bench is started again: the card is still blocked.
	state, err := r.Save()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(state), "1234") {
		t.Errorf("a PIN is kept: %s", state)
	}
	again := newRig(t, ecCard())
	if err := again.Restore(state); err != nil {
		t.Fatal(err)
	}
	again.want(swOK, selectApp)
	again.want(swBlocked, "00200001")
	again.want(0x63C9, "002C0101083938373635343332")
	again.want(swOK, "002C0101083132333435363738")
	again.want(0x63C3, "00200001")
	if err := newRig(t, ecCard(func(c *Config) { c.Serial = []byte{9} })).Restore(state); err == nil {
		t.Error("one card took another's counters")
	}
}

func TestResetForgetsThePerson(t *testing.T) {
	t.Parallel()
	r := newRig(t, ecCard())
	r.want(swOK, selectApp)
	r.want(swOK, verify1)
	if !r.Verified() {
		t.Fatal("the right PIN is not verified")
	}
	r.want(swOK, "002241B606800104840111")
	r.Reset()
	if r.Verified() {
		t.Error("a reset left a PIN verified")
	}
	r.want(swConditions, "002A9E9A2000", make([]byte, 31))
	r.want(0x63C3, "00200001")
	j := r.Journal()
	if e := j[len(j)-3]; !e.Reset {
		t.Errorf("the journal does not show the reset: %+v", e)
	}
}

// A PIN that was sent must not be found in anything that the card tells.
func TestJournalHoldsNoPIN(t *testing.T) {
	t.Parallel()
	const marker = "87654321"
	r := newRig(t, ecCard(func(c *Config) { c.PIN1.Value = marker }))
	r.want(swOK, selectApp)
	r.want(swOK, "0020000108", []byte(marker))
	r.send("102000010A", []byte(marker)) // a broken one
	r.send("8C20000108", []byte(marker)) // another class
	r.send("0024000110", []byte(marker+marker))
	b, err := json.Marshal(r.Journal())
	if err != nil {
		t.Fatal(err)
	}
	state, err := r.Save()
	if err != nil {
		t.Fatal(err)
	}
	j := r.Journal()
	var all []byte
	for _, e := range j {
		all = append(all, e.Command...)
	}
	if bytes.Contains(all, []byte(marker)) || bytes.Contains(b, []byte(marker)) || bytes.Contains(state, []byte(marker)) {
		t.Errorf("the PIN stands in the journal: %s", b)
	}
	for i, want := range []Entry{
		{N: 1, SW: swOK},
		{N: 2, SW: swOK, PIN: 8},
		{N: 3, SW: swWrongLength, PIN: 9},
		{N: 4, SW: swNoClass, PIN: 8},
		{N: 5, SW: swNoInstruction, PIN: 16},
	} {
		if e := j[i]; e.N != want.N || e.SW != want.SW || e.PIN != want.PIN {
			t.Errorf("line %d: %+v, want %+v", i, e, want)
		}
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	signature := func(r rig) []byte {
		r.want(swOK, selectApp)
		r.want(swOK, verify1)
		r.want(swOK, "002241B606800104840111")
		return psoDigest(r, 0)
	}
	t.Run("silence at the third command", func(t *testing.T) {
		r := newRig(t, ecCard(func(c *Config) { c.Faults = []Fault{{Kind: Silence, At: 3}} }))
		r.want(swOK, selectApp)
		r.want(swOK, verify1)
		r.want(0, "00200001")
		r.want(swOK, "00200001")
	})
	t.Run("pulled out at VERIFY", func(t *testing.T) {
		r := newRig(t, ecCard())
		r.Inject(Fault{Kind: Drop, INS: insVerify})
		r.want(swOK, selectApp)
		if a := r.Exchange([]byte{0, insVerify, 0, 1}); !a.Drop || a.Bytes != nil {
			t.Errorf("%+v", a)
		}
	})
	t.Run("one byte", func(t *testing.T) {
		r := newRig(t, ecCard())
		r.Inject(Fault{Kind: Garble})
		if a := r.Command([]byte{0, insVerify, 0, 1}); len(a) != 1 {
			t.Errorf("% X", a)
		}
	})
	t.Run("status words, then as ever", func(t *testing.T) {
		r := newRig(t, ecCard())
		r.Inject(Fault{Kind: StatusWords, INS: insVerify, SW: []uint16{0x6581, 0x6300}})
		r.want(swOK, selectApp)
		r.want(0x6581, wrong1)
		r.want(0x6300, wrong1)
		r.want(0x63C2, wrong1)
	})
	t.Run("a card forgets its PIN between two commands", func(t *testing.T) {
		r := newRig(t, ecCard())
		r.Inject(Fault{Kind: SelfReset, INS: insPSO})
		r.want(swOK, selectApp)
		r.want(swOK, verify1)
		r.want(swOK, "002241B606800104840111")
		r.want(swConditions, "002A9E9A20", make([]byte, 32), []byte{0})
	})
	t.Run("false signatures", func(t *testing.T) {
		r := newRig(t, ecCard())
		r.Inject(Fault{Kind: BitFlip})
		r.Inject(Fault{Kind: WrongKey})
		for i, want := range []bool{false, false, true} {
			if got := valid(ecKey(), "message", signature(r)); got != want {
				t.Errorf("signature %d is valid: %v", i, got)
			}
		}
	})
	t.Run("time", func(t *testing.T) {
		r := newRig(t, ecCard(func(c *Config) { c.Speed = Speed{Command: 20 * time.Millisecond, Signature: 500 * time.Millisecond} }))
		r.Inject(Fault{Kind: Delay, INS: insSelect, Delay: time.Second})
		if a := r.Exchange(must(hex.DecodeString(selectApp))); a.Delay != 1020*time.Millisecond {
			t.Errorf("SELECT takes %v", a.Delay)
		}
		signature(r)
		if a := r.Exchange(apdu("002A9E9A", digest("message"))); a.Delay != 520*time.Millisecond {
			t.Errorf("a signature takes %v", a.Delay)
		}
	})
}
