package signcard

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/bench/vpcd"
)

// The tests with OpenSC put the card into the bench's own reader.

func TestMain(m *testing.M) {
	if vpcd.Inside() {
		os.Exit(vpcd.Hold())
	}
	os.Exit(m.Run())
}

// startReader starts a PC/SC daemon with virtual readers, and returns how its
// clients find it.
func startReader(t *testing.T) (s *vpcd.Service, env []string) {
	t.Helper()
	for _, tool := range []string{"pkcs15-tool", "pkcs11-tool", "openssl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("%v: needs the Debian packages opensc, opensc-pkcs11 and openssl", err)
		}
	}
	// Not t.TempDir: the path of a socket is short, and that one holds the test's name.
	dir, err := os.MkdirTemp("", "signcard")
	if err != nil {
		t.Fatal(err)
	}
	s, err = vpcd.Start(t.Context(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		_ = os.RemoveAll(dir)
	})
	return s, append(os.Environ(), vpcd.SocketVariable+"="+s.Socket(), "HOME="+dir, "OPENSC_CONF="+filepath.Join(dir, "none"))
}

// held is the card as the reader holds it.
type held struct{ *Card }

func (h held) ATR() []byte {
	if atr := h.Card.ATR(); atr != nil {
		return atr
	}
	return vpcd.NoATR()
}

func (h held) Command(apdu []byte) []byte { return h.Exchange(apdu).Bytes }

// insert puts a card in, until the test ends or the card is pulled out.
func insert(t *testing.T, s *vpcd.Service, c *Card) (remove func()) {
	t.Helper()
	conn, err := s.Dial(vpcd.CardSlot)
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	wait.Go(func() {
		if err := vpcd.Serve(conn, held{c}); err != nil {
			t.Errorf("card and reader: %v", err)
		}
	})
	remove = sync.OnceFunc(func() {
		_ = conn.Close()
		wait.Wait()
	})
	t.Cleanup(remove)
	return remove
}

// waitForCard waits until the daemon sees a card, or none.
func waitForCard(t *testing.T, env []string, there bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		out, err := run(env, "opensc-tool", "-l")
		if err == nil && strings.Contains(out, "Yes") == there {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("a card in the reader: want %v: %v\n%s", there, err, out)
		}
	}
}

func run(env []string, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Env = env
	out, err := cmd.CombinedOutput()
	return string(out), err
}
