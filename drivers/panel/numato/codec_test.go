package numato

import (
	"fmt"
	"strings"
	"testing"
)

func TestCommandsOfAllSizes(t *testing.T) {
	for _, c := range []struct {
		value    uint64
		channels int
		want     string
	}{
		{0x0F, 8, "gpio iodir 0f"},
		{0xF0FF, 16, "gpio iodir f0ff"},
		{1, 32, "gpio iodir 00000001"},
		{1 << 63, 64, "gpio iodir 8000000000000000"},
	} {
		if got := with(cmdDirection, c.value, c.channels); got != c.want {
			t.Errorf("%d channels: %q, want %q", c.channels, got, c.want)
		}
	}
}

func TestAnswers(t *testing.T) {
	const command = "gpio readall"
	for _, c := range []struct{ name, in, want string }{
		{"LF CR", "gpio readall\n\r00FF\n\r>", "[00FF] true"},
		{"CR LF", "gpio readall\r\n00FF\r\n>", "[00FF] true"},
		{"CR alone", "gpio readall\r00FF\r>", "[00FF] true"},
		{"nothing to say", "gpio readall\n\r>", "[] true"},
		{"not all here yet", "gpio readall\n\r00F", "[] false"},
		{"nothing yet", "", "[] false"},
		{"a prompt of before", "\n\r>\n\r>gpio readall\n\r00FF\n\r>", "[00FF] true"},
		{"only a prompt of before", "\n\r>", "[] false"},
		{"notification between echo and answer", "gpio readall\n\r# 0011 0010 FFFF\n\r00FF\n\r>", "[00FF] true"},
		{"answer to something else", "ver\n\r00000008\n\r>", `it begins with "ver"`},
		{"echo with a bit turned", "gpio rdadall\n\r00FF\n\r>", `it begins with "gpio rdadall"`},
		{"without echo", "00FF\n\r>", `it begins with "00FF"`},
		{"notification before the echo, on its line", "\n\r# 0011 0010 FFFFgpio readall\n\r00FF\n\r>", "[00FF] true"},
		{"notification before the answer, on its line", "gpio readall\n\r\n\r# 0011 0010 FFFF00FF\n\r>", "[00FF] true"},
		{"notification cut into the answer", "gpio readall\n\r00\n\r# 0011 0010 FFFFFF\n\r>", "[00 FF] true"},
		{"notification that is cut itself", "gpio readall\n\r# 0011 00\n\r00FF\n\r>", "[00FF] true"},
		{"without end", "gpio readall\n\r" + strings.Repeat("0", 600), "it does not end"},
	} {
		lines, complete, err := parseAnswer(command, []byte(c.in))
		got := fmt.Sprint(lines, " ", complete)
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestLevels(t *testing.T) {
	for _, c := range []struct{ lines, want string }{
		{"10", "10 of 8"}, {"00fF", "ff of 16"}, {"80000001", "80000001 of 32"}, {"8000000000000001", "8000000000000001 of 64"},
		{"", `it has 0 lines, want 1`}, {"00FF/00FF", "it has 2 lines, want 1"},
		{"1", `"1" is not the value of 8, 16, 32 or 64 channels`}, {"00G0", `"00G0" is not hexadecimal`},
		{"+0FF", `"+0FF" is not hexadecimal`}, {"0x11", `"0x11" is not hexadecimal`},
		{strings.Repeat("F", 32), `"FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF" is not the value of 8, 16, 32 or 64 channels`},
	} {
		var lines []string
		if c.lines != "" {
			lines = strings.Split(c.lines, "/")
		}
		v, n, err := parseLevels(lines)
		got := fmt.Sprintf("%x of %d", v, n)
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.lines, got, c.want)
		}
	}
}

func TestTexts(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"00000008", "00000008"}, {"A0M10.01", "A0M10.01"},
		{"bad\x07", `"bad\a" is no text`}, {strings.Repeat("x", 33), "it has 33 characters"},
	} {
		s, err := parseText([]string{c.in})
		if err != nil {
			s = err.Error()
		}
		if s != c.want {
			t.Errorf("%q: %s, want %s", c.in, s, c.want)
		}
	}
}

// FuzzAnswer: whatever comes, and in however many pieces: an answer that is
// complete stays what it is, and a reading is made only of what the module said.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte("gpio readall\n\r00FF\n\r>"), 5)
	f.Add([]byte("\n\r>gpio readall\r\n# 0011 0010 FFFF\r\n0011\r\n>"), 20)
	f.Add([]byte(">>>\x00\xFF"), 1)
	f.Fuzz(func(t *testing.T, in []byte, cut int) {
		lines, complete, err := parseAnswer(cmdReadAll, in)
		if complete && err != nil {
			t.Fatalf("%q: complete and wrong: %v", in, err)
		}
		if cut >= 0 && cut < len(in) {
			early, done, _ := parseAnswer(cmdReadAll, in[:cut])
			if done && (!complete || fmt.Sprint(early) != fmt.Sprint(lines)) {
				t.Fatalf("%q: %q after %d bytes, %q in the end", in, early, cut, lines)
			}
		}
		if v, n, err := parseLevels(lines); complete && err == nil {
			if got := fmt.Sprintf("%0*x", n/4, v); got != strings.ToLower(lines[0]) {
				t.Fatalf("%q read as %s", lines[0], got)
			}
		}
	})
}
