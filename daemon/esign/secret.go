package esign

import (
	"fmt"
	"os"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// MaxSecret is how many characters a Secret takes.
const MaxSecret = 64

// Secret is what a person types and nobody may see: a PIN, a password, a one-time
// code. It lives in a page of its own outside of Go's heap, which the collector
// does not copy, which is not swapped (mlock) and is left out of core dumps
// (MADV_DONTDUMP). It is never a string. It belongs to one goroutine at a time;
// Wipe ends it.
type Secret struct {
	page []byte
	n    int // bytes
}

// NewSecret makes an empty one.
func NewSecret() (*Secret, error) {
	page, err := unix.Mmap(-1, 0, os.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return nil, fmt.Errorf("memory for a secret: %w", err)
	}
	s := &Secret{page: page}
	if err := unix.Madvise(page, unix.MADV_DONTDUMP); err != nil {
		s.Wipe()
		return nil, fmt.Errorf("keep a secret out of core dumps: %w", err)
	}
	if err := unix.Mlock(page); err != nil {
		s.Wipe()
		return nil, fmt.Errorf("keep a secret from being swapped: %w", err)
	}
	return s, nil
}

// Add appends a character; false if there is no room for it.
func (s *Secret) Add(r rune) bool {
	if s == nil || s.page == nil || s.Len() >= MaxSecret || !utf8.ValidRune(r) {
		return false
	}
	s.n += utf8.EncodeRune(s.page[s.n:s.n+utf8.UTFMax], r)
	return true
}

// Erase takes the last character away.
func (s *Secret) Erase() {
	if s == nil || s.n == 0 {
		return
	}
	_, size := utf8.DecodeLastRune(s.page[:s.n])
	clear(s.page[s.n-size : s.n])
	s.n -= size
}

// Clear takes everything away; it can be typed into again.
func (s *Secret) Clear() {
	if s != nil && s.page != nil {
		clear(s.page)
		s.n = 0
	}
}

// Len is the number of characters.
func (s *Secret) Len() int {
	if s == nil {
		return 0
	}
	return utf8.RuneCount(s.page[:s.n])
}

// Bytes lends the content until the next change; nobody may keep it or make a
// string of it.
func (s *Secret) Bytes() []byte {
	if s == nil {
		return nil
	}
	return s.page[:s.n:s.n]
}

// Wipe overwrites the content and gives the memory back. It may be called twice,
// and on nil.
func (s *Secret) Wipe() {
	if s == nil || s.page == nil {
		return
	}
	clear(s.page)
	_ = unix.Munmap(s.page)
	s.page, s.n = nil, 0
}

// String shows nothing.
func (*Secret) String() string { return "secret" }

// GoString shows nothing.
func (*Secret) GoString() string { return "secret" }
