package enrol_test

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/provisioning/centralapi"
	"github.com/asan-kiosk/kiosk/provisioning/centrald/authority"
	"github.com/asan-kiosk/kiosk/provisioning/centrald/server"
	"github.com/asan-kiosk/kiosk/provisioning/enrol"
)

// office is central behind real TLS, and what stands before it.
type office struct {
	*testing.T
	server *server.Server
	ca     *authority.Authority
	url    *url.URL
	now    atomic.Int64 // offset of its clock
	before atomic.Pointer[http.HandlerFunc]
}

func newOffice(t *testing.T, change func(*tls.Config)) *office {
	t.Helper()
	o := &office{T: t}
	clock := func() time.Time { return time.Now().Add(time.Duration(o.now.Load())) }
	var err error
	if o.ca, err = authority.Open(t.TempDir(), clock); err != nil {
		t.Fatal(err)
	}
	if o.server, err = server.Open(filepath.Join(t.TempDir(), "central.db"), server.Options{Authority: o.ca, Now: clock}); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o.url = &url.URL{Scheme: "https", Host: l.Addr().String()}
	door := o.server.Door()
	config := o.ca.ServerConfig([]string{"127.0.0.1"})
	if change != nil {
		change(config)
	}
	srv := &http.Server{TLSConfig: config, ErrorLog: log.New(io.Discard, "", 0), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f := o.before.Load(); f != nil && r.URL.Path != "/v1/root" {
			(*f)(w, r)
			return
		}
		door.ServeHTTP(w, r)
	})}
	done := make(chan struct{})
	go func() { defer close(done); _ = srv.ServeTLS(l, "", "") }()
	t.Cleanup(func() { srv.Close(); <-done; o.server.Close() })
	return o
}

func (o *office) order() enrol.Order {
	o.Helper()
	code, _, err := o.server.NewCode(server.CodeOrder{Site: "s", Model: "m"})
	if err != nil {
		o.Fatal(err)
	}
	_, run, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		o.Fatal(err)
	}
	return enrol.Order{Central: o.url, Code: code, Root: o.ca.RootSum(), Dir: filepath.Join(o.TempDir(), "identity"), RunKey: run}
}

func (o *office) instead(f http.HandlerFunc) { o.before.Store(&f) }

func TestEnrolsOverTLS(t *testing.T) {
	o := newOffice(t, nil)
	order := o.order()
	if _, ok := enrol.Enrolled(order.Dir, time.Now()); ok {
		t.Error("enrolled before it was")
	}
	// The first answer is lost after central has written it down.
	o.instead(func(w http.ResponseWriter, r *http.Request) {
		o.server.Door().ServeHTTP(httpDeaf{http.Header{}}, r)
		panic(http.ErrAbortHandler)
	})
	if _, err := enrol.Enrol(t.Context(), order); err == nil {
		t.Fatal("enrolled without an answer")
	}
	if _, ok := enrol.Enrolled(order.Dir, time.Now()); ok {
		t.Error("enrolled without an answer")
	}
	o.before.Store(nil)
	r, err := enrol.Enrol(t.Context(), order)
	if err != nil {
		t.Fatal(err)
	}
	id, ok := enrol.Enrolled(order.Dir, time.Now())
	if !ok || id.Terminal != r.Terminal || r.Site != "s" || r.Model != "m" || !r.NotAfter.Equal(id.Leaf().NotAfter) {
		t.Fatalf("%+v %v", r, ok)
	}
	for name, mode := range map[string]os.FileMode{"terminal.key": 0o400, "terminal.pem": 0o644, "root.pem": 0o644, "run.pem": 0o644} {
		if info, err := os.Stat(filepath.Join(order.Dir, name)); err != nil || info.Mode() != mode {
			t.Errorf("%s: %v %v", name, info, err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(order.Dir, "*request*")); left != nil {
		t.Errorf("left behind: %v", left)
	}
	// A second machine with the same code is no terminal.
	other := o.order()
	other.Code = order.Code
	var no *enrol.Refusal
	if _, err := enrol.Enrol(t.Context(), other); !errors.As(err, &no) || no.Type != centralapi.ProblemCodeRefused {
		t.Errorf("the same code elsewhere: %v", err)
	}
	// The next certificate, under this one.
	roots, err := enrol.LoadRoots(enrol.RootFile(order.Dir))
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{*id.TLS()}}}}
	defer client.CloseIdleConnections()
	chain, err := enrol.Renew(t.Context(), client, o.url, id, roots, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	next, err := id.Renewed(order.Dir, chain)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := enrol.Load(order.Dir)
	if err != nil || kept.Leaf().SerialNumber.Cmp(next.Leaf().SerialNumber) != 0 || next.Leaf().SerialNumber.Cmp(id.Leaf().SerialNumber) == 0 {
		t.Errorf("renewed: %v", err)
	}
}

// httpDeaf takes an answer that nobody hears.
type httpDeaf struct{ h http.Header }

func (d httpDeaf) Header() http.Header         { return d.h }
func (d httpDeaf) Write(b []byte) (int, error) { return len(b), nil }
func (d httpDeaf) WriteHeader(int)             {}

// Whatever stands in central's place, nothing counts as an identity afterwards, and
// the same command succeeds when central is itself again.
func TestWhatIsNotCentral(t *testing.T) {
	type change = func(o *office, order *enrol.Order)
	for _, x := range []struct {
		name  string
		tls   func(*tls.Config)
		do    change
		want  string
		lasts bool // it stays so
	}{
		{name: "another root", do: func(_ *office, e *enrol.Order) { e.Root = sha256.Sum256(nil) }, want: enrol.ErrRoot.Error(), lasts: true},
		{name: "TLS 1.2", tls: func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS12, tls.VersionTLS12 }, want: "protocol version", lasts: true},
		{name: "another name", do: func(_ *office, e *enrol.Order) {
			e.Central = &url.URL{Scheme: "https", Host: strings.Replace(e.Central.Host, "127.0.0.1", "localhost", 1)}
		}, want: "to match localhost", lasts: true},
		{name: "a clock that is behind", do: func(_ *office, e *enrol.Order) {
			e.Now = func() time.Time { return time.Unix(0, 0) }
		}, want: "not yet valid", lasts: true},
		{name: "a portal", do: func(o *office, _ *enrol.Order) {
			o.instead(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<p>Please sign in.</p>") })
		}, want: "not the contract's"},
		{name: "a redirect", do: func(o *office, _ *enrol.Order) {
			o.instead(func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "/v1/root", http.StatusTemporaryRedirect)
			})
		}, want: "status 307"},
		{name: "an answer without end", do: func(o *office, _ *enrol.Order) {
			o.instead(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(http.StatusCreated)
				for range 100 {
					w.Write(make([]byte, 4096))
				}
			})
		}, want: "not what the contract says"},
		{name: "certificates of another authority", do: func(o *office, _ *enrol.Order) {
			ca, err := authority.Open(o.TempDir(), time.Now)
			if err != nil {
				o.Fatal(err)
			}
			s, err := server.Open(filepath.Join(o.TempDir(), "other.db"), server.Options{Authority: ca})
			if err != nil {
				o.Fatal(err)
			}
			o.Cleanup(func() { s.Close() })
			o.instead(func(w http.ResponseWriter, r *http.Request) {
				code, _, _ := s.NewCode(server.CodeOrder{Site: "s", Model: "m"})
				body, _ := io.ReadAll(r.Body)
				i := strings.Index(string(body), `"code":"`) + len(`"code":"`)
				r.Body = io.NopCloser(strings.NewReader(string(body[:i]) + code + string(body[i+len(code):])))
				s.Door().ServeHTTP(w, r)
			})
		}, want: "does not lead to the root"},
	} {
		t.Run(x.name, func(t *testing.T) {
			o := newOffice(t, x.tls)
			order := o.order()
			good := order
			if x.do != nil {
				x.do(o, &order)
			}
			_, err := enrol.Enrol(t.Context(), order)
			if err == nil || !strings.Contains(err.Error(), x.want) {
				t.Fatalf("%v, want %q", err, x.want)
			}
			if _, ok := enrol.Enrolled(order.Dir, time.Now()); ok {
				t.Fatal("it counts as enrolled")
			}
			if o.before.Store(nil); !x.lasts {
				if _, err := enrol.Enrol(t.Context(), good); err != nil {
					t.Errorf("afterwards: %v", err)
				}
			}
		})
	}
	gone := newOffice(t, nil).order()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := enrol.Enrol(ctx, gone); err == nil {
		t.Error("enrolled with nobody there")
	}
}

func TestFileKey(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "k")
	k, err := enrol.CreateFileKey(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := enrol.CreateFileKey(path); err == nil {
		t.Error("a key was written over")
	}
	again, err := enrol.OpenFileKey(path)
	if err != nil || !k.Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(again.Public()) {
		t.Errorf("read back: %v", err)
	}
	for name, do := range map[string]func() string{
		"readable by others": func() string { os.Chmod(path, 0o444); return path },
		"a link":             func() string { os.Chmod(path, 0o400); l := filepath.Join(dir, "l"); os.Symlink(path, l); return l },
		"a folder":           func() string { return dir },
		"nothing":            func() string { return filepath.Join(dir, "none") },
		"no PEM":             func() string { p := filepath.Join(dir, "p"); os.WriteFile(p, []byte("secret words"), 0o400); return p },
		"a broken key": func() string {
			p := filepath.Join(dir, "b")
			os.WriteFile(p, []byte("-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"), 0o400)
			return p
		},
	} {
		if _, err := enrol.OpenFileKey(do()); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// An identity that does not fit together is none.
func TestLoadRefuses(t *testing.T) {
	o := newOffice(t, nil)
	first, second := o.order(), o.order()
	for _, e := range []enrol.Order{first, second} {
		if _, err := enrol.Enrol(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	put := func(from, name string, as ...string) {
		b, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			t.Fatal(err)
		}
		to := name
		if len(as) > 0 {
			to = as[0]
		}
		if err := os.Remove(filepath.Join(first.Dir, to)); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(first.Dir, to), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(second.Dir, "terminal.pem")
	if _, err := enrol.Load(first.Dir); err == nil || !strings.Contains(err.Error(), "not for the key") {
		t.Errorf("another terminal's certificate: %v", err)
	}
	put(first.Dir, "run.pem", "terminal.pem")
	if _, err := enrol.Load(first.Dir); err == nil || !strings.Contains(err.Error(), "names no terminal") {
		t.Errorf("the signing key's certificate: %v", err)
	}
	put(first.Dir, "terminal.key", "terminal.pem")
	if _, err := enrol.Load(first.Dir); err == nil || !strings.Contains(err.Error(), "allowed: one to 4") {
		t.Errorf("a key for a certificate: %v", err)
	}
	if _, err := enrol.LoadRoots(filepath.Join(second.Dir, "terminal.pem")); err == nil {
		t.Error("a terminal is a root")
	}
	if _, err := enrol.Load(t.TempDir()); err == nil || !strings.Contains(err.Error(), "not enrolled") {
		t.Errorf("an empty folder: %v", err)
	}
}
