package bidi

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestBidiCharacterTest runs Unicode's own cases: every tenth of
// BidiCharacterTest.txt 17.0.0 (testdata/characters.txt.gz), the format is in the
// file's head.
func TestBidiCharacterTest(t *testing.T) {
	f, err := os.Open("testdata/characters.txt.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	cases, bad := 0, 0
	for in := bufio.NewScanner(z); in.Scan(); {
		row := in.Text()
		if row == "" || row[0] == '#' {
			continue
		}
		if cases++; !checkCase(t, row) {
			if bad++; bad > 10 {
				t.Fatal("and more")
			}
		}
	}
	if cases < 5000 {
		t.Errorf("%d cases only", cases)
	}
}

// checkCase runs "text;direction;paragraph level;levels;order".
func checkCase(t *testing.T, row string) bool {
	t.Helper()
	field := strings.Split(row, ";")
	var text []rune
	for _, h := range strings.Fields(field[0]) {
		r, err := strconv.ParseUint(h, 16, 32)
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, rune(r))
	}
	base := map[string]Level{"0": 0, "1": 1, "2": Auto}[field[1]]
	levels, got := Levels(text, base)
	line := Line(text, levels, 0, len(text), got)
	var words []string
	for i, l := range line {
		if removed(Class(text[i])) {
			words = append(words, "x")
		} else {
			words = append(words, fmt.Sprint(l))
		}
	}
	var order []string
	for _, i := range Order(line) {
		if !removed(Class(text[i])) {
			order = append(order, fmt.Sprint(i))
		}
	}
	have := fmt.Sprint(got) + ";" + strings.Join(words, " ") + ";" + strings.Join(order, " ")
	if want := strings.Join(field[2:5], ";"); have != want {
		t.Errorf("%s: got %s", row, have)
		return false
	}
	return true
}

// TestFribidi compares with the fribidi program on random lines of what stands
// on a slip. Isolates and brackets are covered by Unicode's own cases.
func TestFribidi(t *testing.T) {
	if _, err := exec.LookPath("fribidi"); err != nil {
		t.Fatal("fribidi is missing: apt-get install libfribidi-bin")
	}
	alphabet := []rune("aЯə א ب ڤ پ 1 2 ۳ ٤ , . - + / : % # № ₼")
	var lines []string
	gen := rapid.Custom(func(t *rapid.T) string {
		return "x" + string(rapid.SliceOfN(rapid.SampledFrom(alphabet), 1, 24).Draw(t, "line")) + "x"
	})
	for i := range 2000 {
		lines = append(lines, gen.Example(i))
	}
	for _, dir := range []string{"--ltr", "--rtl"} {
		cmd := exec.Command("fribidi", dir, "--nobreak", "--nopad", "--novisual", "--levels")
		cmd.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Split(strings.TrimSpace(string(out)), "\n")
		if len(got) != len(lines) {
			t.Fatalf("%d lines in, %d out", len(lines), len(got))
		}
		base := Level(0)
		if dir == "--rtl" {
			base = 1
		}
		for i, l := range lines {
			text := []rune(l)
			levels, _ := Levels(text, base)
			if have := strings.Trim(fmt.Sprint(levels), "[]"); have != strings.TrimSpace(got[i]) {
				t.Errorf("%s %q: %s, fribidi says %s", dir, l, have, got[i])
			}
		}
	}
}

// TestNumberBehindArabic is the line that the libraries get wrong.
func TestNumberBehindArabic(t *testing.T) {
	text := []rune("Ad: علي 45 kv")
	levels, _ := Levels(text, 0)
	var seen []rune
	for _, i := range Order(levels) {
		seen = append(seen, text[i])
	}
	if got, want := string(seen), "Ad: 45 يلع kv"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func FuzzLevels(f *testing.F) {
	f.Add("abc علي 45 (۱۲) \u2067x\u2069", uint8(0))
	f.Add("\u202e\u202b\u2066\u2068]\u2069)", uint8(1))
	f.Add(strings.Repeat("\u2067\u202a(", 200), uint8(2))
	f.Fuzz(func(t *testing.T, s string, b uint8) {
		text := []rune(s)
		base := []Level{0, 1, Auto}[b%3]
		levels, got := Levels(text, base)
		if len(levels) != len(text) || got > 1 {
			t.Fatal("lengths")
		}
		line := Line(text, levels, 0, len(text), got)
		for _, l := range line {
			if l > maxDepth+1 {
				t.Fatalf("level %d", l)
			}
		}
		order := Order(line)
		slices.Sort(order)
		for i, k := range order {
			if i != k {
				t.Fatal("the order is no permutation")
			}
		}
	})
}
