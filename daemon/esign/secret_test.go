package esign

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
)

func TestSecret(t *testing.T) {
	s := typed(t, "12ə4")
	if s.Len() != 4 || string(s.Bytes()) != "12ə4" {
		t.Fatalf("%d characters", s.Len())
	}
	s.Erase()
	s.Erase()
	if string(s.Bytes()) != "12" || s.page[2] != 0 || s.page[3] != 0 {
		t.Error("an erased character stays in memory")
	}
	for range 2 * MaxSecret {
		s.Add('9')
	}
	if s.Len() != MaxSecret {
		t.Errorf("%d characters were taken", s.Len())
	}
	if text := fmt.Sprintf("%v %+v %#v %s", s, s, s, s); strings.ContainsAny(text, "129") {
		t.Errorf("it prints as %s", text)
	}
	page := s.page
	s.Clear()
	if s.Len() != 0 || !bytes.Equal(page, make([]byte, len(page))) {
		t.Error("cleared, and something stays")
	}
	s.Wipe()
	s.Wipe()
	if s.Add('1') || s.Len() != 0 {
		t.Error("it lives on after its end")
	}
}

// TestSecretIsLocked asks the kernel: the page is locked and not dumped.
func TestSecretIsLocked(t *testing.T) {
	s := typed(t, "1234")
	defer s.Wipe()
	raw, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("%x-", addressOf(s.page))
	_, after, found := strings.Cut(string(raw), want)
	if !found {
		t.Fatal("the page is not in the process's map")
	}
	flags, _, _ := strings.Cut(after[strings.Index(after, "VmFlags:"):], "\n")
	for _, f := range []string{" lo", " dd"} { // locked; not in a dump
		if !strings.Contains(flags, f) {
			t.Errorf("the page lacks%s: %s", f, flags)
		}
	}
}
