package signin

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/provisioning/centrald/identity"
)

var (
	noon  = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	aysel = identity.Person{FIN: "5ABC3T7", Name: "AYSEL NÜMUNƏ"}
)

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// A nonce is random, is given out once, to the terminal that asked, for five
// minutes.
func TestChallenge(t *testing.T) {
	d := New(rand.Reader)
	open := func() Challenge { t.Helper(); return must[Challenge](t)(d.Challenge(noon, "t1", "bsxm")) }
	take := func(c Challenge, terminal string, after time.Duration, want string) {
		t.Helper()
		method, nonce, reason := d.TakeChallenge(noon.Add(after), terminal, c.Attempt)
		if reason != want || (want == "") != (method == "bsxm" && nonce == c.Nonce) {
			t.Fatalf("%q %q %q, want %q", method, nonce, reason, want)
		}
	}
	a, b := open(), open()
	raw, err := base64.StdEncoding.DecodeString(a.Nonce)
	if err != nil || len(raw) != 32 || len(a.Nonce) != 44 || a.Nonce == b.Nonce || len(a.Attempt) != 32 || a.Ends != noon.Add(5*time.Minute) {
		t.Fatalf("%+v", a)
	}
	take(a, "t2", 0, ChallengeUnknown)
	take(a, "t1", 5*time.Minute-1, "")
	take(a, "t1", 5*time.Minute-1, ChallengeUnknown)
	take(b, "t1", 5*time.Minute, ChallengeExpired)
	take(b, "t1", 0, ChallengeUnknown)
	take(open(), "t1", 11*time.Minute, ChallengeUnknown)
	take(Challenge{Attempt: "x"}, "t1", 0, ChallengeUnknown)
	code := must[Code](t)(d.OpenCode(noon, "t1", aysel, "g"))
	take(Challenge{Attempt: code.Attempt}, "t1", 0, ChallengeUnknown)
	if _, _, reason, _ := d.TryCode(noon, "t1", code.Attempt, code.Code); reason != "" {
		t.Fatalf("a code was used up as a challenge: %s", reason)
	}
}

// Many at once get a nonce once.
func TestChallengeOnce(t *testing.T) {
	d := New(rand.Reader)
	c := must[Challenge](t)(d.Challenge(noon, "t1", "bsxm"))
	var got atomic.Int32
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			if _, _, reason := d.TakeChallenge(noon, "t1", c.Attempt); reason == "" {
				got.Add(1)
			}
		})
	}
	if wg.Wait(); got.Load() != 1 {
		t.Fatalf("given out %d times", got.Load())
	}
}

func TestCode(t *testing.T) {
	for _, x := range []struct {
		name  string
		tries string // r right, w wrong, s short, o another terminal; digits wait seconds
		want  []string
	}{
		{"right", "r", []string{""}},
		{"right and once more", "rr", []string{"", Expired}},
		{"wrong, then right", "wr", []string{"wrong 2", ""}},
		{"two wrong, then right", "wwr", []string{"wrong 2", "wrong 1", ""}},
		{"three wrong, then right", "wwwr", []string{"wrong 2", "wrong 1", Locked, Locked}},
		{"too short", "sr", []string{"wrong 2", ""}},
		{"another terminal", "or", []string{Expired, ""}},
	} {
		t.Run(x.name, func(t *testing.T) {
			d := New(rand.Reader)
			c := must[Code](t)(d.OpenCode(noon, "t1", aysel, "g"))
			if len(c.Code) != 6 || strings.Trim(c.Code, "0123456789") != "" {
				t.Fatalf("code %q", c.Code)
			}
			wrong := fmt.Sprintf("%06d", (1+atoi(c.Code))%1_000_000)
			for i, try := range x.tries {
				terminal, code := "t1", c.Code
				switch try {
				case 'w':
					code = wrong
				case 's':
					code = code[:5]
				case 'o':
					terminal = "t2"
				}
				s, left, reason, err := d.TryCode(noon.Add(time.Minute), terminal, c.Attempt, code)
				if err != nil {
					t.Fatal(err)
				}
				if reason == Wrong {
					reason = fmt.Sprint(reason, " ", left)
				}
				if reason != x.want[i] || (reason == "") != (s.Person == aysel && s.Level == Low && s.Method == FINPassword) {
					t.Fatalf("try %d: %q, want %q; %+v", i, reason, x.want[i], s)
				}
			}
		})
	}
	d := New(rand.Reader)
	c := must[Code](t)(d.OpenCode(noon, "t1", aysel, "g"))
	for after, want := range map[time.Duration]string{120 * time.Second: Expired, time.Hour: Expired} {
		if _, _, reason, _ := d.TryCode(noon.Add(after), "t1", c.Attempt, c.Code); reason != want {
			t.Fatalf("after %v: %q", after, reason)
		}
	}
}

func atoi(s string) (n int) {
	_, _ = fmt.Sscanf(s, "%d", &n)
	return n
}

func TestAsan(t *testing.T) {
	const phone = "+994501234567"
	d := New(rand.Reader)
	open := func(at time.Time) Request {
		t.Helper()
		return must[Request](t)(d.OpenAsan(at, "t1", aysel, phone, "g"))
	}
	poll := func(at time.Time, r Request, want string) (s Session) {
		t.Helper()
		s, reason, err := d.PollAsan(at, "t1", r.Attempt)
		if err != nil || reason != want || (reason == "") != (s.Person == aysel && s.Level == High && s.Method == AsanImza) {
			t.Fatalf("%q %v, want %q; %+v", reason, err, want, s)
		}
		return s
	}
	r := open(noon)
	if len(r.ControlCode) != 4 || strings.Trim(r.ControlCode, "0123456789") != "" {
		t.Fatalf("control code %q", r.ControlCode)
	}
	poll(noon, r, Waiting)
	if _, reason, _ := d.PollAsan(noon, "t2", r.Attempt); reason != Unknown {
		t.Fatalf("another terminal: %q", reason)
	}
	if d.Answer(noon, "x", true) || !d.Answer(noon.Add(time.Minute), r.Attempt, true) || d.Answer(noon.Add(time.Minute), r.Attempt, false) {
		t.Fatal("a request is answered once")
	}
	s := poll(noon.Add(time.Minute), r, "")
	if again := poll(noon.Add(time.Minute), r, ""); again != s {
		t.Fatal("a repeated poll makes another session")
	}
	d.End(noon.Add(time.Minute), "t1", s.ID)
	poll(noon.Add(time.Minute), r, Expired)

	r = open(noon)
	if !d.Answer(noon, r.Attempt, false) {
		t.Fatal("not answered")
	}
	poll(noon, r, Refused)

	r = open(noon)
	poll(noon.Add(120*time.Second), r, Expired)
	if d.Answer(noon.Add(120*time.Second), r.Attempt, true) {
		t.Fatal("answered too late")
	}
	poll(noon.Add(time.Hour), r, Unknown)

	r = open(noon)
	if !d.Answer(noon.Add(119*time.Second), r.Attempt, true) {
		t.Fatal("not answered")
	}
	poll(noon.Add(121*time.Second), r, "")
	r = open(noon)
	if !d.Answer(noon.Add(119*time.Second), r.Attempt, true) {
		t.Fatal("not answered")
	}
	poll(noon.Add(136*time.Second), r, Expired)

	first := open(noon.Add(time.Hour))
	second := open(noon.Add(time.Hour))
	poll(noon.Add(time.Hour), first, Expired)
	poll(noon.Add(time.Hour), second, Waiting)
	all := d.Requests(noon.Add(time.Hour))
	if len(all) != 2 || all[0].Attempt != second.Attempt || all[0].State != StateWaiting || all[1].State != StateExpired || all[0].Phone != phone {
		t.Fatalf("%+v", all)
	}
}

func TestSessions(t *testing.T) {
	d := New(rand.Reader)
	s := must[Session](t)(d.Begin(noon, "t1", "esign_card", High, aysel))
	if got, ok := d.Session(noon.Add(30*time.Minute-1), "t1", s.ID); !ok || got != s || len(s.ID) != 32 {
		t.Fatalf("%+v", got)
	}
	if _, ok := d.Session(noon, "t2", s.ID); ok {
		t.Fatal("another terminal has it")
	}
	d.End(noon, "t2", s.ID)
	if _, ok := d.Session(noon, "t1", s.ID); !ok {
		t.Fatal("another terminal has ended it")
	}
	if _, ok := d.Session(noon.Add(30*time.Minute), "t1", s.ID); ok {
		t.Fatal("it does not end")
	}
	s = must[Session](t)(d.Begin(noon, "t1", "esign_card", High, aysel))
	d.End(noon, "t1", s.ID)
	d.End(noon, "t1", s.ID)
	if _, ok := d.Session(noon, "t1", s.ID); ok {
		t.Fatal("it was not ended")
	}
}

// Five wrong guesses lock for fifteen minutes, a right one gives its own back, and
// only a whole sign-in clears the rest.
func TestGuesses(t *testing.T) {
	d := New(rand.Reader)
	guess := func(at time.Time, want string) {
		t.Helper()
		if reason, err := d.Guess(at, "g"); err != nil || reason != want {
			t.Fatalf("%q %v, want %q", reason, err, want)
		}
	}
	miss := func(at time.Time, last bool) {
		t.Helper()
		if guess(at, ""); d.Missed(at, "g") != last {
			t.Fatalf("last: %v", !last)
		}
	}
	for i := range 4 {
		miss(noon.Add(time.Duration(i)*time.Minute), false)
	}
	guess(noon, "")
	d.Hit(noon, "g")
	miss(noon.Add(5*time.Minute), true)
	guess(noon.Add(5*time.Minute), Locked)
	guess(noon.Add(20*time.Minute-1), Locked)
	guess(noon.Add(20*time.Minute), "")
	if reason, _ := d.Guess(noon, "another"); reason != "" {
		t.Fatalf("another person: %q", reason)
	}

	t.Run("a code that is right clears", func(t *testing.T) {
		d = New(rand.Reader)
		for range 4 {
			miss(noon, false)
		}
		guess(noon, "")
		d.Hit(noon, "g")
		c := must[Code](t)(d.OpenCode(noon, "t1", aysel, "g"))
		if _, _, reason, _ := d.TryCode(noon, "t1", c.Attempt, c.Code); reason != "" {
			t.Fatal(reason)
		}
		for i := range 5 {
			miss(noon, i == 4)
		}
	})
	t.Run("wasted codes count", func(t *testing.T) {
		d = New(rand.Reader)
		for range 5 {
			guess(noon, "")
			d.Hit(noon, "g")
			c := must[Code](t)(d.OpenCode(noon, "t1", aysel, "g"))
			for range 3 {
				_, _, _, _ = d.TryCode(noon, "t1", c.Attempt, "x")
			}
		}
		guess(noon, Locked)
	})
	t.Run("a telephone has enough", func(t *testing.T) {
		d = New(rand.Reader)
		for range 5 {
			guess(noon, "")
			d.Hit(noon, "g")
			d.Sent(noon, "g")
		}
		guess(noon, Flooded)
		guess(noon.Add(15*time.Minute), "")
	})
	t.Run("many at once", func(t *testing.T) {
		d = New(rand.Reader)
		var judged atomic.Int32
		var wg sync.WaitGroup
		for range 64 {
			wg.Go(func() {
				if reason, _ := d.Guess(noon, "g"); reason == "" {
					judged.Add(1)
				}
			})
		}
		if wg.Wait(); judged.Load() != 5 {
			t.Fatalf("%d were judged", judged.Load())
		}
	})
}

// Nothing grows without bound, and nobody's flood drives out another's.
func TestBounds(t *testing.T) {
	d := New(rand.Reader)
	first := must[Challenge](t)(d.Challenge(noon, "quiet", "bsxm"))
	old := must[Challenge](t)(d.Challenge(noon, "loud", "bsxm"))
	for range 8 {
		must[Challenge](t)(d.Challenge(noon, "loud", "bsxm"))
	}
	if _, _, reason := d.TakeChallenge(noon, "loud", old.Attempt); reason != ChallengeUnknown {
		t.Fatalf("a terminal's oldest stays: %q", reason)
	}
	if _, _, reason := d.TakeChallenge(noon, "quiet", first.Attempt); reason != "" {
		t.Fatalf("another's is gone: %q", reason)
	}
	small := table[int]{limit: 2}
	if !small.put(noon, "a", "", noon.Add(time.Minute), 1) || !small.put(noon, "b", "", noon.Add(time.Hour), 2) || small.put(noon, "c", "", noon, 3) {
		t.Fatal("its limit")
	}
	if !small.put(noon.Add(time.Minute), "c", "", noon.Add(time.Hour), 3) || small.get(noon, "a", "") != nil || *small.get(noon, "b", "") != 2 {
		t.Fatal("what has ended makes room")
	}
	d.attempts.limit, d.sessions.limit, d.counters.limit = len(d.attempts.rows), 0, 0
	if _, err := d.Challenge(noon, "other", "bsxm"); !errors.Is(err, ErrFull) {
		t.Fatalf("got %v", err)
	}
	if _, err := d.Begin(noon, "t1", "bsxm", High, aysel); !errors.Is(err, ErrFull) {
		t.Fatalf("got %v", err)
	}
	if _, err := d.Guess(noon, "g"); !errors.Is(err, ErrFull) {
		t.Fatalf("got %v", err)
	}
}

// Without chance there is nothing to hand out.
func TestNoChance(t *testing.T) {
	for n := range 60 {
		d := New(bytes.NewReader(make([]byte, n)))
		if c, err := d.Challenge(noon, "t1", "bsxm"); (err == nil) != (n >= 48) || (err == nil && c.Nonce == "") {
			t.Fatalf("%d bytes: %+v %v", n, c, err)
		}
	}
}

func TestPassword(t *testing.T) {
	hash := HashPassword("Şifrə 1")
	for password, want := range map[string]bool{"Şifrə 1": true, "şifrə 1": false, "": false} {
		if ok, err := CheckPassword(hash, password); err != nil || ok != want {
			t.Errorf("%q: %v %v", password, ok, err)
		}
	}
	if ok, err := CheckPassword(Nobody, ""); ok || err != nil {
		t.Errorf("nobody: %v %v", ok, err)
	}
	if strings.Contains(hash, "ifr") || hash == HashPassword("Şifrə 1") {
		t.Errorf("hash %s", hash)
	}
	for _, bad := range []string{"", "x", hash[:len(hash)-2], strings.Replace(hash, "m=19456", "m=8", 1), hash + "$"} {
		if _, err := CheckPassword(bad, "Şifrə 1"); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}
