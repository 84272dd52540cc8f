package numato

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Bounds of what a module says.
const (
	maxAnswer   = 512 // bytes from a command to its prompt, notifications between them included
	maxText     = 32  // characters of a version or an ID
	maxChannels = 64
)

// with is a command that sets a value of so many channels.
func with(command string, value uint64, channels int) string {
	return fmt.Sprintf("%s %0*x", command, channels/4, value)
}

// parseAnswer looks for the answer to command in what has come since it was sent.
// It is complete with the prompt; lines are what stands between echo and prompt,
// without empty lines and notifications.
func parseAnswer(command string, in []byte) (lines []string, complete bool, err error) {
	for {
		end := bytes.IndexByte(in, prompt)
		if end < 0 {
			if len(in) > maxAnswer {
				return nil, false, errors.New("it does not end")
			}
			return nil, false, nil
		}
		lines = split(in[:end])
		in = in[end+1:]
		if len(lines) > 0 {
			break
		} // else a prompt of before
	}
	if lines[0] != command {
		return nil, false, fmt.Errorf("it begins with %s", quote(lines[0]))
	}
	return lines[1:], true, nil
}

// split cuts into lines at CR and LF, which come in either order, and takes
// notifications out.
func split(in []byte) []string {
	var lines []string
	for _, l := range bytes.FieldsFunc(in, func(r rune) bool { return r == '\r' || r == '\n' }) {
		if s := afterNotification(strings.TrimSpace(string(l))); s != "" {
			lines = append(lines, s)
		}
	}
	return lines
}

// afterNotification is what follows a notification on its line: three values of
// equal length after the sign, of which the last has no end of its own. A line
// that begins like one and is none is dropped.
func afterNotification(s string) string {
	if s == "" || s[0] != notification {
		return s
	}
	words := strings.SplitN(strings.TrimSpace(s[1:]), " ", 3)
	if len(words) < 3 || len(words[2]) < len(words[0]) {
		return ""
	}
	return strings.TrimSpace(words[2][len(words[0]):])
}

// parseText is the one line of a version or an ID.
func parseText(lines []string) (string, error) {
	if len(lines) != 1 {
		return "", fmt.Errorf("it has %d lines, want 1", len(lines))
	}
	s := lines[0]
	if len(s) > maxText {
		return "", fmt.Errorf("it has %d characters", len(s))
	}
	for _, c := range []byte(s) {
		if c < ' ' || c > '~' {
			return "", fmt.Errorf("%s is no text", quote(s))
		}
	}
	return s, nil
}

// parseLevels is the one line of "gpio readall": a level for each channel, and
// how many channels there are.
func parseLevels(lines []string) (levels uint64, channels int, err error) {
	if len(lines) != 1 {
		return 0, 0, fmt.Errorf("it has %d lines, want 1", len(lines))
	}
	s := lines[0]
	switch 4 * len(s) {
	case 8, 16, 32, maxChannels:
	default:
		return 0, 0, fmt.Errorf("%s is not the value of 8, 16, 32 or 64 channels", quote(s))
	}
	if levels, err = strconv.ParseUint(s, 16, 64); err != nil {
		return 0, 0, fmt.Errorf("%s is not hexadecimal", quote(s))
	}
	return levels, 4 * len(s), nil
}

// quote shows what came, shortened.
func quote(s string) string {
	const most = 40
	if len(s) > most {
		return strconv.QuoteToASCII(s[:most]) + "…"
	}
	return strconv.QuoteToASCII(s)
}
