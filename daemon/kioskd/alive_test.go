package main

import (
	"net"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/health"
)

func TestBootID(t *testing.T) {
	for passed, want := range map[string]string{
		"3f0c8a526d1e4b7a9c550d2f7e61a8b4":     "3f0c8a52-6d1e-4b7a-9c55-0d2f7e61a8b4", // as the service manager writes it
		"3F0C8A52-6D1E-4B7A-9C55-0D2F7E61A8B4": "3f0c8a52-6d1e-4b7a-9c55-0d2f7e61a8b4",
		"":                                     "",
		"%b":                                   "",
		"3f0c8a526d1e4b7a9c550d2f7e61a8bz":     "",
	} {
		if got := bootID(passed); got != want {
			t.Errorf("%q: %q, want %q", passed, got, want)
		}
	}
}

// TestOpeningExtends: a long start asks for more time as long as it works through
// records, and not once it is over.
func TestOpeningExtends(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	t.Setenv("NOTIFY_SOCKET", path)
	m, err := health.NewManager()
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	heard := func() (all []string) {
		for b := make([]byte, 4096); ; {
			_ = c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
			n, err := c.Read(b)
			if err != nil {
				return all
			}
			all = append(all, string(b[:n]))
		}
	}
	o := &opening{manager: m}
	o.progress()
	o.progress() // at once: nothing new
	if got := heard(); !slices.Equal(got, []string{"EXTEND_TIMEOUT_USEC=60000000", "STATUS=starting: going through the journal"}) {
		t.Errorf("heard %q", got)
	}
	o.told = o.told.Add(-extension)
	o.progress()
	if got := heard(); !slices.Equal(got, []string{"EXTEND_TIMEOUT_USEC=60000000"}) {
		t.Errorf("heard %q", got)
	}
	o.told = o.told.Add(-extension)
	o.over.Store(true)
	o.progress()
	if got := heard(); got != nil {
		t.Errorf("heard %q after the start", got)
	}
}
