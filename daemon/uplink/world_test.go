package uplink

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/provisioning/centrald/authority"
	"github.com/asan-kiosk/kiosk/provisioning/centrald/server"
	"github.com/asan-kiosk/kiosk/provisioning/enrol"
)

// world is an enrolled terminal's network: central behind real TLS, the wire to it,
// the uplink, and the Unix socket's stand-in. Everything is in memory and in virtual
// time: it is made inside a bubble of testing/synctest.
type world struct {
	*testing.T
	ca      *authority.Authority
	server  *server.Server
	central *pipes // central's end of the wire
	socket  *pipes // where run dials
	uplink  *Uplink
	id      string
	dir     string // of the identity
	caDir   string

	front atomic.Pointer[func(http.ResponseWriter, *http.Request, http.Handler)] // stands before central
	wire  atomic.Pointer[func(net.Conn) net.Conn]                                // between the uplink and central
	tls   atomic.Pointer[tls.Config]                                             // central's; nil: its own

	mu    sync.Mutex
	conns []net.Conn // at central
	stop  func()
}

func newWorld(t *testing.T) *world {
	t.Helper()
	base := quickDir(t)
	w := &world{T: t, central: newPipes(), socket: newPipes(), dir: filepath.Join(base, "identity"), caDir: filepath.Join(base, "ca")}
	var err error
	if w.ca, err = authority.Open(w.caDir, time.Now); err != nil {
		t.Fatal(err)
	}
	if w.server, err = server.Open(filepath.Join(base, "central.db"), server.Options{Authority: w.ca, Demo: true}); err != nil {
		t.Fatal(err)
	}
	own := w.ca.ServerConfig([]string{"central.example.az"})
	config := own.Clone()
	config.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return w.tls.Load(), nil }
	door := w.server.Door()
	office := &http.Server{TLSConfig: config, ErrorLog: log.New(io.Discard, "", 0), Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if f := w.front.Load(); f != nil {
			(*f)(rw, r, door)
			return
		}
		door.ServeHTTP(rw, r)
	})}
	var wg sync.WaitGroup
	wg.Go(func() { _ = office.ServeTLS(&tapped{w.central, w}, "", "") })

	code, _, err := w.server.NewCode(server.CodeOrder{Site: "s", Model: "m"})
	if err != nil {
		t.Fatal(err)
	}
	_, run, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	at := &url.URL{Scheme: "https", Host: "central.example.az"}
	r, err := enrol.Enrol(t.Context(), enrol.Order{Central: at, Code: code, Root: w.ca.RootSum(), Dir: w.dir, RunKey: run, Dial: w.central.dial})
	if err != nil {
		t.Fatal(err)
	}
	w.id = r.Terminal
	ctx, cancel := context.WithCancel(context.Background())
	w.uplink, err = New(Options{Terminal: w.id, Central: at, RootFile: enrol.RootFile(w.dir), Identity: w.dir, Dial: w.central.dial})
	if err != nil {
		t.Fatal(err)
	}
	wg.Go(func() {
		if err := w.uplink.Serve(ctx, w.socket); err != nil {
			t.Errorf("the uplink ended with %v", err)
		}
	})
	w.stop = func() {
		cancel()
		office.Close()
		w.cut()
		wg.Wait()
		w.server.Close()
		time.Sleep(time.Minute) // connections that linger
	}
	return w
}

// quickDir is a folder in memory where the machine has such a place, so that the
// tests do not wait for a disk.
func quickDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "uplink")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// tapped is central's listener with the wire's faults in it.
type tapped struct {
	net.Listener
	w *world
}

func (l *tapped) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if f := l.w.wire.Load(); f != nil {
		c = (*f)(c)
	}
	l.w.mu.Lock()
	l.w.conns = append(l.w.conns, c)
	l.w.mu.Unlock()
	return c, nil
}

// cut breaks every connection to central.
func (w *world) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.conns {
		c.Close()
	}
	w.conns = nil
}

// connections is how many there are and were since the last cut.
func (w *world) connections() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.conns)
}

func (w *world) before(f func(http.ResponseWriter, *http.Request, http.Handler)) { w.front.Store(&f) }

func (w *world) own(path string) string { return "/v1/terminals/" + w.id + path }

// runs is a client as run is one.
func (w *world) client() *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: w.socket.dial, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// reply is what run hears.
type reply struct {
	status int
	header http.Header
	body   string
	took   time.Duration
}

func (w *world) ask(method, path, media string, body []byte) reply {
	w.Helper()
	c := w.client()
	defer c.CloseIdleConnections()
	req, err := http.NewRequestWithContext(w.Context(), method, "http://uplink"+path, bytes.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	if media != "" {
		req.Header.Set("Content-Type", media)
	}
	req.Header.Set("Idempotency-Key", `"key-00000001"`)
	began := time.Now()
	resp, err := c.Do(req)
	if err != nil {
		w.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		w.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header, string(b), time.Since(began)}
}
