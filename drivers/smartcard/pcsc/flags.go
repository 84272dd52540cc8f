package pcsc

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// ErrUnknown: it cannot be told how pcscd was started.
var ErrUnknown = errors.New("the command line of pcscd is not known")

// LoggingFlags reads from a proc file system, usually os.DirFS("/proc"), with
// which of its flags a running pcscd writes exchanges, and so PINs, to its log.
// None is good. Every error wraps ErrUnknown; that no pcscd is seen is one, since
// it may be hidden or start later.
func LoggingFlags(proc fs.FS) ([]string, error) {
	entries, err := fs.ReadDir(proc, ".")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	seen := false
	var flags []string
	for _, e := range entries {
		if _, err := strconv.Atoi(e.Name()); err != nil {
			continue
		}
		name, err := fs.ReadFile(proc, e.Name()+"/comm")
		if err != nil || strings.TrimSuffix(string(name), "\n") != "pcscd" {
			continue // a process that ended meanwhile, or is not ours to see
		}
		line, err := fs.ReadFile(proc, e.Name()+"/cmdline")
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrUnknown, err)
		}
		if len(line) == 0 {
			continue // a zombie
		}
		seen = true
		flags = append(flags, loggingFlags(line)...)
	}
	if !seen {
		return nil, fmt.Errorf("%w: it is not seen", ErrUnknown)
	}
	return flags, nil
}

// withValue are pcscd's short options that take the rest of their word, or the
// next one, as their value.
const withValue = "ctsr"

// loggingFlags goes through a command line as getopt_long does: short options may
// stand together, long ones may be shortened.
func loggingFlags(cmdline []byte) []string {
	var flags []string
	words := bytes.Split(bytes.TrimSuffix(cmdline, []byte{0}), []byte{0})
	for i := 1; i < len(words); i++ {
		word := string(words[i])
		switch {
		case word == "--":
			return flags
		case strings.HasPrefix(word, "--"):
			name, _, valued := strings.Cut(word[2:], "=")
			if name != "" && (strings.HasPrefix("apdu", name) || strings.HasPrefix("debug", name)) {
				flags = append(flags, word)
			}
			if !valued && takesValue(name) {
				i++
			}
		case strings.HasPrefix(word, "-"):
			for j, option := range word[1:] {
				if option == 'a' || option == 'd' {
					flags = append(flags, "-"+string(option))
				}
				if strings.ContainsRune(withValue, option) {
					if j == len(word)-2 {
						i++
					}
					break
				}
			}
		}
	}
	return flags
}

func takesValue(name string) bool {
	for _, long := range []string{"config", "max-thread", "max-card-handle-per-thread", "max-card-handle-per-reader"} {
		if name == long {
			return true
		}
	}
	return false
}
