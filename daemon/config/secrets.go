package config

import (
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"syscall"
)

// SigningKey reads the terminal's ed25519 key from state.key_file: the 32 bytes
// of the seed (RFC 8032 5.1.5) as 64 hexadecimal digits and a line feed, mode
// 0400. What this key signs (checkpoints, slips, encashments) speaks for the
// terminal's money, so a file that others can read, or that its owner can change
// by accident, is refused.
func SigningKey(path string) (ed25519.PrivateKey, error) {
	s, err := readSecret(path, 0o400)
	if err != nil {
		return nil, fmt.Errorf("state.key_file: %w", err)
	}
	seed, err := hex.DecodeString(s)
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("state.key_file: %s does not hold a signing key; allowed: %d hexadecimal digits", path, 2*ed25519.SeedSize)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

var tokenForm = regexp.MustCompile(`^[A-Za-z0-9_-]{22,128}$`)

// ReadToken reads the token that the screen's page must show from
// screen.token_file: 22 to 128 characters of the URL-safe base-64 alphabet (128
// bit and more) and a line feed, mode 0400 or 0600.
func ReadToken(path string) (string, error) {
	s, err := readSecret(path, 0o600)
	if err != nil {
		return "", fmt.Errorf("screen.token_file: %w", err)
	}
	if !tokenForm.MatchString(s) {
		return "", fmt.Errorf("screen.token_file: %s does not hold a token; allowed: 22 to 128 letters, digits, hyphens and underscores", path)
	}
	return s, nil
}

// readSecret reads one short line from an ordinary file of this user or root whose mode
// has no bit beyond most.
func readSecret(path string, most fs.FileMode) (string, error) {
	// O_NONBLOCK: a pipe in the file's place must not hold up the start.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, syscall.ELOOP) {
		return "", fmt.Errorf("%s is a symbolic link; a secret is an ordinary file", path)
	}
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s is not an ordinary file", path)
	}
	if extra := info.Mode().Perm() &^ most; extra != 0 {
		return "", fmt.Errorf("%s has mode %04o; allowed: %04o and less (chmod %04o)", path, info.Mode().Perm(), most, most)
	}
	// Root may own it: a service manager hands secrets over that way. And root may
	// read it: the technician's program enrols the key of another user.
	if st, ok := info.Sys().(*syscall.Stat_t); ok && st.Uid != 0 && int(st.Uid) != os.Geteuid() && os.Geteuid() != 0 {
		return "", fmt.Errorf("%s belongs to user %d; allowed: this user, %d, or root", path, st.Uid, os.Geteuid())
	}
	data, err := io.ReadAll(io.LimitReader(f, 1024))
	if err != nil {
		return "", err
	}
	return strings.TrimSuffix(string(data), "\n"), nil
}
