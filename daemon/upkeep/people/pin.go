package people

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
)

// Iterations of PBKDF2 for a new PIN: a quarter of a second on the terminal's
// processor.
const (
	Iterations    = 600_000
	maxIterations = 10_000_000
	saltSize      = 16
	hashSize      = sha256.Size
)

// ErrEasy: a PIN that somebody tries first.
var ErrEasy = errors.New("the PIN is too easy: not one digit repeated, not a run such as 1234")

// CheckPIN says what is wrong with a PIN that a person wants to have.
func CheckPIN(pin []byte) error {
	if len(pin) < MinPIN || len(pin) > MaxPIN {
		return fmt.Errorf("a PIN has %d to %d digits", MinPIN, MaxPIN)
	}
	same, up, down := true, true, true
	for i, c := range pin {
		if c < '0' || c > '9' {
			return errors.New("a PIN has digits only")
		}
		if i > 0 {
			step := int(c) - int(pin[i-1])
			same, up, down = same && step == 0, up && step == 1, down && step == -1
		}
	}
	if same || up || down {
		return ErrEasy
	}
	return nil
}

// New makes a person with a PIN, which the caller wipes.
func New(number, name string, role Role, pin []byte, rand io.Reader) (Person, error) {
	if err := CheckPIN(pin); err != nil {
		return Person{}, err
	}
	salt := make([]byte, saltSize)
	if _, err := io.ReadFull(rand, salt); err != nil {
		return Person{}, fmt.Errorf("salt: %w", err)
	}
	p := Person{Number: number, Name: name, Role: role, Iterations: Iterations, Salt: hex.EncodeToString(salt)}
	p.Hash = hex.EncodeToString(derive(pin, salt, p.Iterations))
	return p, p.check()
}

// Nobody is compared with where there is no person with a number, so that the time
// of an answer does not tell which numbers there are.
func Nobody() Person {
	return Person{Iterations: Iterations, Salt: strings.Repeat("00", saltSize), Hash: strings.Repeat("00", hashSize)}
}

// Verify reports whether a PIN is this person's. It takes a quarter of a second of
// processor time and keeps nothing of the PIN.
func (p Person) Verify(pin []byte) bool {
	salt, err := hex.DecodeString(p.Salt)
	if err != nil {
		return false
	}
	want, err := hex.DecodeString(p.Hash)
	if err != nil {
		return false
	}
	same := subtle.ConstantTimeCompare(derive(pin, salt, p.Iterations), want) == 1
	return same && p.Number != ""
}

// derive is PBKDF2 (RFC 8018 5.2) with HMAC-SHA-256 and one block of output. It is
// written out, and not crypto/pbkdf2, for the PIN's sake alone: that function takes
// a string, which cannot be wiped, and crypto/hmac keeps the key's pads on the heap.
// Here the PIN is only ever in the caller's bytes and in the two pads below, which
// are wiped; what remains are states of the hash. A test compares it with
// crypto/pbkdf2.
func derive(pin, salt []byte, iterations int) []byte {
	var inner, outer [sha256.BlockSize]byte // HMAC's pads (RFC 2104 2); a PIN is shorter than a block
	copy(inner[:], pin)
	for i := range inner {
		outer[i] = inner[i] ^ 0x5C
		inner[i] ^= 0x36
	}
	in, out := newKeyed(inner[:]), newKeyed(outer[:])
	clear(inner[:])
	clear(outer[:])
	block := binary.BigEndian.AppendUint32(append([]byte(nil), salt...), 1)
	u := make([]byte, 0, hashSize)
	u = out.sum(u, in.sum(nil, block))
	t := append([]byte(nil), u...)
	mid := make([]byte, 0, hashSize)
	for range iterations - 1 {
		mid = in.sum(mid[:0], u)
		u = out.sum(u[:0], mid)
		subtle.XORBytes(t, t, u)
	}
	return t
}

// keyed is SHA-256 after one block, to be begun from again and again.
type keyed struct {
	h     hash.Hash
	start []byte
}

func newKeyed(pad []byte) keyed {
	h := sha256.New()
	h.Write(pad) // a whole block goes straight into the state
	start, err := h.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		panic("people: " + err.Error())
	}
	return keyed{h, start}
}

func (k keyed) sum(to, data []byte) []byte {
	if err := k.h.(encoding.BinaryUnmarshaler).UnmarshalBinary(k.start); err != nil {
		panic("people: " + err.Error())
	}
	k.h.Write(data)
	return k.h.Sum(to)
}
