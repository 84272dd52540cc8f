// Package people is the file of the people who may look after a terminal: who they
// are, what they may do, and a derivation of each one's PIN. The technician's
// program writes it (kioskctl people), the daemon reads it when it starts.
//
// # The file
//
// JSON, mode 0600 or 0640 at most:
//
//	{
//	  "version": 1,
//	  "people": [
//	    {
//	      "number": "101",                  2 to 8 digits, what is typed at the cabinet
//	      "name": "R. Məmmədov",            as the service screen shows it
//	      "role": "technician",             technician, collector or both
//	      "iterations": 600000,             of PBKDF2 with HMAC-SHA-256
//	      "salt": "00112233445566778899aabbccddeeff",
//	      "hash": "…"                       32 bytes, hexadecimal
//	    }
//	  ]
//	}
//
// A PIN has four to eight digits, so whoever has the file can try them all in
// minutes, however slow the derivation is: the file is a secret. What makes the PIN
// strong is that it counts only at a cabinet that a key has opened, three times a
// minute (protocols/terminal-hardening.md 11).
//
// A number stands for a person for ever: the journal names people by it. A number
// that has left is not given to somebody else.
package people

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"
)

// Limits of the file.
const (
	version   = 1
	maxSize   = 256 << 10
	maxPeople = 500
	maxName   = 60 // characters
)

// Limits of a PIN.
const (
	MinPIN = 4
	MaxPIN = 8
)

// Role is what a person may do.
type Role string

const (
	RoleTechnician Role = "technician" // devices
	RoleCollector  Role = "collector"  // cassette
	RoleBoth       Role = "both"
)

// Roles lists every role.
func Roles() []Role { return []Role{RoleTechnician, RoleCollector, RoleBoth} }

// Technician reports whether the role may look after devices.
func (r Role) Technician() bool { return r == RoleTechnician || r == RoleBoth }

// Collector reports whether the role may look after the cassette.
func (r Role) Collector() bool { return r == RoleCollector || r == RoleBoth }

// Person is one member of staff.
type Person struct {
	Number     string `json:"number"`
	Name       string `json:"name"`
	Role       Role   `json:"role"`
	Iterations int    `json:"iterations"`
	Salt       string `json:"salt"`
	Hash       string `json:"hash"`
}

// String shows who it is and nothing of the PIN.
func (p Person) String() string { return p.Number + " " + p.Name }

// People is the file's content, by number.
type People []Person

// Find is the person with a number, or nil.
func (ps People) Find(number string) *Person {
	for i := range ps {
		if ps[i].Number == number {
			return &ps[i]
		}
	}
	return nil
}

// With is the people and one more.
func (ps People) With(p Person) (People, error) {
	if ps.Find(p.Number) != nil {
		return nil, fmt.Errorf("the number %s is %s's", p.Number, ps.Find(p.Number).Name)
	}
	out := append(slices.Clone(ps), p)
	slices.SortFunc(out, func(a, b Person) int { return strings.Compare(a.Number, b.Number) })
	return out, out.check()
}

// Without is the people without one.
func (ps People) Without(number string) (People, error) {
	if ps.Find(number) == nil {
		return nil, fmt.Errorf("nobody has the number %s", number)
	}
	return slices.DeleteFunc(slices.Clone(ps), func(p Person) bool { return p.Number == number }), nil
}

var numberForm = regexp.MustCompile(`^[0-9]{2,8}$`)

// IsNumber reports whether s can be a person's number.
func IsNumber(s string) bool { return numberForm.MatchString(s) }

func (p Person) check() error {
	salt, saltErr := hex.DecodeString(p.Salt)
	hash, hashErr := hex.DecodeString(p.Hash)
	switch {
	case !IsNumber(p.Number):
		return fmt.Errorf("number %q; allowed: 2 to 8 digits", p.Number)
	case p.Name == "" || utf8.RuneCountInString(p.Name) > maxName || strings.TrimSpace(p.Name) != p.Name || !utf8.ValidString(p.Name) ||
		strings.ContainsFunc(p.Name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return fmt.Errorf("name of %s; allowed: 1 to %d printable characters", p.Number, maxName)
	case !slices.Contains(Roles(), p.Role):
		return fmt.Errorf("role %q of %s; allowed: technician, collector, both", p.Role, p.Number)
	case p.Iterations < Iterations || p.Iterations > maxIterations:
		return fmt.Errorf("iterations %d of %s; allowed: %d to %d", p.Iterations, p.Number, Iterations, maxIterations)
	case saltErr != nil || len(salt) < saltSize || len(salt) > 64:
		return fmt.Errorf("salt of %s; allowed: %d to 64 bytes, hexadecimal", p.Number, saltSize)
	case hashErr != nil || len(hash) != hashSize:
		return fmt.Errorf("hash of %s; allowed: %d bytes, hexadecimal", p.Number, hashSize)
	}
	return nil
}

func (ps People) check() error {
	if len(ps) > maxPeople {
		return fmt.Errorf("%d people; allowed: %d", len(ps), maxPeople)
	}
	seen := map[string]bool{}
	for _, p := range ps {
		if err := p.check(); err != nil {
			return err
		}
		if seen[p.Number] {
			return fmt.Errorf("the number %s stands twice", p.Number)
		}
		seen[p.Number] = true
	}
	return nil
}

type file struct {
	Version int    `json:"version"`
	People  People `json:"people"`
}

// Parse reads the file's bytes.
func Parse(data []byte) (People, error) {
	if len(data) > maxSize {
		return nil, fmt.Errorf("the file is greater than %d bytes", maxSize)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	var f file
	if err := d.Decode(&f); err != nil {
		return nil, fmt.Errorf("not a file of people: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("not a file of people: something stands behind its end")
	}
	if f.Version != version {
		return nil, fmt.Errorf("version %d; allowed: %d", f.Version, version)
	}
	return f.People, f.People.check()
}

// Load reads the file at path. It must be an ordinary file that nobody but its
// owner may change and nobody but its owner and group may read.
func Load(path string) (People, error) {
	// O_NONBLOCK: a pipe in the file's place must not hold up the start.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, syscall.ELOOP) {
		return nil, fmt.Errorf("people: %s is a symbolic link; a secret is an ordinary file", path)
	}
	if err != nil {
		return nil, fmt.Errorf("people: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("people: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("people: %s is not an ordinary file", path)
	}
	if m := info.Mode().Perm(); m&^0o640 != 0 {
		return nil, fmt.Errorf("people: %s has mode %04o; allowed: 0640 and less (chmod 0640)", path, m)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return nil, fmt.Errorf("people: %w", err)
	}
	ps, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("people: %s: %w", path, err)
	}
	return ps, nil
}

// Save replaces the file in one step; its mode stays, a new one has 0600.
func Save(path string, ps People) error {
	if err := ps.check(); err != nil {
		return fmt.Errorf("people: %w", err)
	}
	if ps == nil {
		ps = People{}
	}
	data, err := json.MarshalIndent(file{version, ps}, "", "  ")
	if err != nil {
		return fmt.Errorf("people: %w", err)
	}
	mode, owner := fs.FileMode(0o600), -1
	group := -1
	if info, err := os.Lstat(path); err == nil {
		mode = info.Mode().Perm() & 0o640
		if st, ok := info.Sys().(*syscall.Stat_t); ok {
			owner, group = int(st.Uid), int(st.Gid)
		}
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".people-*")
	if err != nil {
		return fmt.Errorf("people: %w", err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(append(data, '\n'))
	if err == nil {
		err = tmp.Chmod(mode)
	}
	if err == nil && owner >= 0 {
		err = tmp.Chown(owner, group)
	}
	if err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("people: %w", err)
	}
	return nil
}
