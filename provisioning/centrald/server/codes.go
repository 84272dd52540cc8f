package server

import (
	"bytes"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/asan-kiosk/kiosk/provisioning/centralapi"
	"github.com/asan-kiosk/kiosk/provisioning/enrol"
)

// One-time codes (protocols/central-sync.md section 7.2).
const (
	codeBytes   = 16 // 128 bits
	codeLives   = 24 * time.Hour
	codeRepeats = 24 * time.Hour // after it was spent, for the same request
	codeRefused = 20             // times, then it is locked
)

// codeForm is base 32 without the letters that look like digits.
var codeForm = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// code is a one-time code as it is stored: under its SHA-256, never itself.
type code struct {
	Site     string    `json:"site"`
	Model    string    `json:"model"`
	Terminal string    `json:"terminal,omitempty"` // "": a new one
	Made     time.Time `json:"made"`
	Refused  int       `json:"refused,omitempty"`
	Spent    *spent    `json:"spent,omitempty"`
}

// spent is what a code was exchanged for.
type spent struct {
	At      time.Time           `json:"at"`
	Request string              `json:"request"` // digest of CSR and run key
	Answer  centralapi.Enrolled `json:"answer"`
}

// over reports whether nobody has any more use for the code.
func (c code) over(now time.Time) bool {
	if c.Spent != nil {
		return now.Sub(c.Spent.At) >= codeRepeats
	}
	return now.Sub(c.Made) >= codeLives
}

// CodeOrder says whom a code is for.
type CodeOrder struct {
	Site  string `json:"site"`  // where the terminal stands
	Model string `json:"model"` // of the cabinet
	// Terminal is set when a terminal that is known is enrolled anew, because its
	// certificate ran out or its identity was lost: the code gives back its UUID.
	Terminal string `json:"terminal,omitempty"`
}

// NewCode makes a one-time code. It is shown here and never again.
func (s *Server) NewCode(o CodeOrder) (string, time.Time, error) {
	for what, text := range map[string]string{"site": o.Site, "model": o.Model} {
		if text == "" || len(text) > 64 || strings.TrimSpace(text) != text || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return "", time.Time{}, fmt.Errorf("%s %q: 1 to 64 bytes of text are needed", what, text)
		}
	}
	if o.Terminal != "" && !enrol.ValidTerminal(o.Terminal) {
		return "", time.Time{}, fmt.Errorf("terminal %q: a UUID in lower case is needed", o.Terminal)
	}
	raw := make([]byte, codeBytes)
	if _, err := io.ReadFull(s.o.Rand, raw); err != nil {
		return "", time.Time{}, fmt.Errorf("code: %w", err)
	}
	now := s.now()
	err := s.db.Update(func(tx *bolt.Tx) error {
		b := tx.Bucket(bCodes)
		if err := dropCodes(b, now); err != nil {
			return err
		}
		return put(b, codeKey(raw), code{Site: o.Site, Model: o.Model, Terminal: o.Terminal, Made: now})
	})
	return showCode(raw), now.Add(codeLives), err
}

func dropCodes(b *bolt.Bucket, now time.Time) error {
	var old [][]byte
	if err := each(b, func(k []byte, c code) {
		if c.over(now) {
			old = append(old, bytes.Clone(k))
		}
	}); err != nil {
		return err
	}
	for _, k := range old {
		if err := b.Delete(k); err != nil {
			return err
		}
	}
	return nil
}

func codeKey(raw []byte) []byte {
	sum := sha256.Sum256(raw)
	return sum[:]
}

// showCode groups a code for the eye.
func showCode(raw []byte) string {
	text, out := codeForm.EncodeToString(raw), strings.Builder{}
	for i, c := range text {
		if i > 0 && i%5 == 0 {
			out.WriteByte('-')
		}
		out.WriteRune(c)
	}
	return out.String()
}

var likeDigits = strings.NewReplacer("O", "0", "I", "1", "L", "1", " ", "", "-", "")

// readCode reads a code as a person types it.
func readCode(text string) ([]byte, error) {
	raw, err := codeForm.DecodeString(likeDigits.Replace(strings.ToUpper(text)))
	if err != nil || len(raw) != codeBytes {
		return nil, errors.New("not a code")
	}
	return raw, nil
}

// limiter counts what somebody does in a span of time, in memory. What it cannot
// remember it allows: a hundred thousand addresses that guess 128 bits are no
// danger, and a technician at a cabinet must not pay for them.
type limiter struct {
	most  int
	span  time.Duration
	times map[string][]time.Time
}

const limiterRows = 10_000

// left is how long who has to wait; 0: not at all.
func (l *limiter) left(now time.Time, who string) time.Duration {
	times := l.fresh(now, who)
	if len(times) < l.most {
		return 0
	}
	return l.span - now.Sub(times[len(times)-l.most])
}

func (l *limiter) count(now time.Time, who string) {
	if l.times == nil {
		l.times = map[string][]time.Time{}
	}
	times := l.fresh(now, who)
	if len(l.times) >= limiterRows && times == nil {
		for k := range l.times {
			l.fresh(now, k)
		}
		if len(l.times) >= limiterRows {
			return
		}
	}
	if len(times) >= l.most { // the last ones are enough
		times = times[1:]
	}
	l.times[who] = append(times, now)
}

func (l *limiter) fresh(now time.Time, who string) []time.Time {
	times := l.times[who]
	for len(times) > 0 && now.Sub(times[0]) >= l.span {
		times = times[1:]
	}
	if len(times) == 0 {
		delete(l.times, who)
		return nil
	}
	l.times[who] = times
	return times
}
