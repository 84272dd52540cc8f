package rig

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPIDOf(t *testing.T) {
	for _, c := range []struct {
		name, file string
		pid        int
	}{
		{"a process", "4711\n", 4711},
		{"without a line's end", "1", 1},
		{"nothing written yet", "", 0},
		{"no number", "kioskd\n", 0},
		{"a process group", "-4711\n", 0},
		{"zero is whoever asks", "0\n", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &Rig{Dir: t.TempDir()}
			if err := os.WriteFile(filepath.Join(r.Dir, "kioskd.pid"), []byte(c.file), 0o600); err != nil {
				t.Fatal(err)
			}
			if pid, err := r.PIDOf("kioskd"); pid != c.pid || (err == nil) != (c.pid != 0) {
				t.Errorf("pid %d, error %v", pid, err)
			}
			if _, err := r.PIDOf("bench"); err == nil {
				t.Error("a program that does not run has a process")
			}
		})
	}
}

// A supervisor that cannot start must be told with its own words, and leave no
// folder behind.
func TestStartTellsWhy(t *testing.T) {
	bin := t.TempDir()
	t.Setenv("TMPDIR", t.TempDir())
	script := "#!/bin/sh\necho 'not JSON'\necho 'supervisor: no port is free' >&2\nexit 1\n"
	if err := os.WriteFile(filepath.Join(bin, "supervisor"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]Options{"no port is free": {BinDir: bin, Quiet: true}, "start the supervisor": {BinDir: filepath.Join(bin, "elsewhere"), Quiet: true}} {
		r, err := Start(context.Background(), o)
		if err == nil {
			r.Stop()
			t.Fatal("a terminal is there")
		}
		if !strings.Contains(err.Error(), name) {
			t.Errorf("the error does not tell %q: %v", name, err)
		}
	}
	if left, _ := os.ReadDir(os.TempDir()); len(left) > 0 {
		t.Errorf("%d folders are left", len(left))
	}
}

func TestLastWordsAreTheLast(t *testing.T) {
	var l lastWords
	if l.String() != "it said nothing" {
		t.Errorf("silence is %q", l.String())
	}
	for range 3 {
		_, _ = l.Write([]byte(strings.Repeat("x", mostWords)))
	}
	_, _ = l.Write([]byte("the end\n"))
	if s := l.String(); len(s) > mostWords || !strings.HasSuffix(s, "xthe end") {
		t.Errorf("%d bytes, ending %q", len(s), s[len(s)-10:])
	}
}
