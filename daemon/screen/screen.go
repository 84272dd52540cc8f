// Package screen is the daemon's side of the screen's wire: it serves the page
// and speaks to it over one websocket on loopback.
//
// The page is sent the whole state on connect and after every change; if several
// changes come between two writes only the last is sent. A page that does not
// take what it is sent within a second is dropped and gets the whole state when
// it returns. Only one page is served at a time.
package screen

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/screen/wire"
	"github.com/gorilla/websocket"
)

// Limits of the wire.
const (
	readLimit    = 256 << 10
	writeWait    = time.Second
	beatEvery    = 2 * time.Second
	silenceLimit = 6 * time.Second // three beats of the page
	helloWait    = 3 * time.Second
	perSecond    = 100 // commands; a person cannot, a broken page can
)

// policy lets the page load what is its own and nothing else, and run nothing
// inline.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; font-src 'self'; " +
	"img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"

// Commands carries out a tap; the error's text goes back to the page's log.
type Commands func(ctx context.Context, name string, c wire.Command) error

// Secrets takes in one key of a secret. It has a way of its own, so that nothing
// that may be done with commands (logged, traced, kept) can be done with it.
type Secrets func(ctx context.Context, k wire.SecretKey) error

// Screen serves one page.
type Screen struct {
	token    string
	hosts    map[string]bool // allowed Host headers
	page     fs.FS
	asset    string
	commands Commands
	secrets  Secrets
	log      *slog.Logger

	mu      sync.Mutex
	state   []byte
	seq     uint64
	changed chan struct{} // closed and replaced on every change
	busy    bool          // a page is connected
	beat    time.Time     // last sign of life of the page
}

// Options for New.
type Options struct {
	Token    string   // what the page must present
	Hosts    []string // host:port under which the page is reached
	Page     fs.FS
	Asset    string // hash of the page
	Commands Commands
	Secrets  Secrets // nil: no secret is taken
	Log      *slog.Logger
}

// New makes a screen. It has nothing to show until the first Publish.
func New(o Options) *Screen {
	s := &Screen{token: o.Token, hosts: map[string]bool{}, page: o.Page, asset: o.Asset, commands: o.Commands, secrets: o.Secrets, log: o.Log,
		changed: make(chan struct{})}
	for _, h := range o.Hosts {
		s.hosts[h] = true
	}
	return s
}

// Publish shows a state. It numbers it, and does nothing if it is equal to the
// one that is shown.
func (s *Screen) Publish(st wire.State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st.Seq = s.seq
	b, err := json.Marshal(st)
	if err != nil {
		s.log.Error("the state of the screen cannot be written", "err", err)
		return
	}
	if string(b) == string(s.state) {
		return
	}
	s.seq++
	st.Seq = s.seq
	s.state, _ = json.Marshal(st)
	close(s.changed)
	s.changed = make(chan struct{})
}

// LastBeat is when the page last showed that it lives; zero if none is connected.
func (s *Screen) LastBeat() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.busy {
		return time.Time{}
	}
	return s.beat
}

func (s *Screen) current() ([]byte, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state, s.changed
}

// ServeHTTP serves the page and, at /wire, the websocket.
func (s *Screen) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	// A name that resolves to loopback must not become a way in (DNS rebinding).
	if !s.hosts[r.Host] {
		http.Error(w, "unknown host", http.StatusForbidden)
		return
	}
	if r.URL.Path == "/wire" {
		s.serveWire(w, r)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		http.Error(w, "only GET", http.StatusMethodNotAllowed)
		return
	}
	name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
	if name == "" || name == "." {
		name = "index.html"
	}
	if strings.HasPrefix(name, "assets/") {
		h.Set("Cache-Control", "public, max-age=31536000, immutable") // the name holds its hash
	} else {
		h.Set("Cache-Control", "no-store")
	}
	http.ServeFileFS(w, r, s.page, name)
}

func (s *Screen) serveWire(w http.ResponseWriter, r *http.Request) {
	up := websocket.Upgrader{
		CheckOrigin: func(r *http.Request) bool {
			host, ok := strings.CutPrefix(r.Header.Get("Origin"), "http://")
			return ok && s.hosts[host]
		},
	}
	c, err := up.Upgrade(w, r, nil)
	if err != nil {
		return // Upgrade has answered
	}
	defer c.Close()
	c.SetReadLimit(readLimit)
	if err := s.talk(r.Context(), c); err != nil && !errors.Is(err, net.ErrClosed) {
		s.log.Info("the page left", "why", err.Error())
	}
}

// conversation is one page's connection. All writes go through out.
type conversation struct {
	s   *Screen
	c   *websocket.Conn
	out chan wire.Envelope
}

func (s *Screen) talk(ctx context.Context, c *websocket.Conn) error {
	_ = c.SetReadDeadline(time.Now().Add(helloWait))
	hello, err := read(c)
	if err != nil {
		return err
	}
	code, why := s.admit(hello)
	if code != "success" {
		_ = c.SetWriteDeadline(time.Now().Add(writeWait))
		_ = c.WriteJSON(wire.Envelope{Header: wire.Header{Type: wire.TypeCompletion, Name: wire.NameHello, Version: wire.MessageVersion,
			RequestID: hello.Header.RequestID, CompletionCode: code, ErrorDescription: why}})
		_ = c.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.ClosePolicyViolation, why), time.Now().Add(writeWait))
		return fmt.Errorf("page refused: %s", why)
	}
	defer s.leave()
	v := &conversation{s: s, c: c, out: make(chan wire.Envelope, 64)}
	v.out <- answer(hello.Header, "success", "")
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		defer cancel()
		if err := v.write(ctx); err != nil {
			s.log.Info("the page does not take what it is sent", "why", err.Error())
		}
		_ = c.Close() // releases the reader
	})
	err = v.read(ctx)
	cancel()
	wg.Wait()
	return err
}

func (s *Screen) admit(m wire.Envelope) (code, why string) {
	var h wire.Hello
	if m.Header.Name != wire.NameHello || json.Unmarshal(m.Payload, &h) != nil {
		return "invalidCommand", "the first message must be " + wire.NameHello
	}
	if subtle.ConstantTimeCompare([]byte(h.Token), []byte(s.token)) != 1 {
		return "authorizationRequired", "the token is not this terminal's"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy {
		return "sequenceError", "the screen is already open on another page"
	}
	s.busy, s.beat = true, time.Now()
	return "success", ""
}

func (s *Screen) leave() {
	s.mu.Lock()
	s.busy = false
	s.mu.Unlock()
}

func read(c *websocket.Conn) (wire.Envelope, error) {
	var m wire.Envelope
	kind, b, err := c.ReadMessage()
	if err != nil {
		return m, err
	}
	if kind != websocket.TextMessage {
		_ = c.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseUnsupportedData, "text only"), time.Now().Add(writeWait))
		return m, errors.New("the page sent a binary message")
	}
	// The payload is a copy; what came over the wire may hold a key of a secret.
	err = json.Unmarshal(b, &m)
	clear(b)
	if err != nil {
		return m, errors.New("the page sent what is not a message")
	}
	return m, nil
}

func answer(h wire.Header, code, why string) wire.Envelope {
	return wire.Envelope{Header: wire.Header{Type: wire.TypeCompletion, Name: h.Name, Version: wire.MessageVersion,
		RequestID: h.RequestID, CompletionCode: code, ErrorDescription: why}}
}

// read hears the page until it leaves. Each command is acknowledged, carried out
// and completed before the next is heard: one person has one finger.
func (v *conversation) read(ctx context.Context) error {
	var lastID uint64
	budget, refill := perSecond, time.Now()
	for {
		_ = v.c.SetReadDeadline(time.Now().Add(silenceLimit))
		m, err := read(v.c)
		if err != nil {
			return err
		}
		now := time.Now()
		v.s.mu.Lock()
		v.s.beat = now
		v.s.mu.Unlock()
		if m.Header.Name == wire.NameBeat {
			continue
		}
		if now.Sub(refill) >= time.Second {
			budget, refill = perSecond, now
		}
		if budget--; budget < 0 {
			return errors.New("the page sends more commands than a person can")
		}
		ack := wire.Envelope{Header: wire.Header{Type: wire.TypeAcknowledge, Name: m.Header.Name, Version: wire.MessageVersion, RequestID: m.Header.RequestID}}
		if m.Header.Type != wire.TypeCommand || m.Header.RequestID <= lastID {
			ack.Header.Status = "invalidRequestID"
			if m.Header.Type != wire.TypeCommand {
				ack.Header.Status = "invalidMessage"
			}
			if !v.send(ctx, ack) {
				return nil
			}
			continue
		}
		lastID = m.Header.RequestID
		if !v.send(ctx, ack) {
			return nil
		}
		done := answer(m.Header, "success", "")
		var c wire.Command
		if m.Header.Name == wire.NameSecretKey {
			done = v.secret(ctx, m)
		} else if err := json.Unmarshal(m.Payload, &c); err != nil {
			done = answer(m.Header, "invalidData", "the payload is not a command's")
		} else if err := v.s.commands(ctx, m.Header.Name, c); err != nil {
			done = answer(m.Header, "sequenceError", err.Error())
		}
		if !v.send(ctx, done) {
			return nil
		}
	}
}

// secret passes one key on. Neither it nor an error that could show it is kept.
func (v *conversation) secret(ctx context.Context, m wire.Envelope) wire.Envelope {
	var k wire.SecretKey
	err := json.Unmarshal(m.Payload, &k)
	clear(m.Payload)
	if err != nil || v.s.secrets == nil {
		return answer(m.Header, "invalidData", "the payload is not a key of a secret")
	}
	if err := v.s.secrets(ctx, k); err != nil {
		return answer(m.Header, "sequenceError", err.Error())
	}
	return answer(m.Header, "success", "")
}

func (v *conversation) send(ctx context.Context, m wire.Envelope) bool {
	select {
	case v.out <- m:
		return true
	case <-ctx.Done():
		return false
	}
}

// write is the one writer: answers in order, the newest state, and a beat. The state
// that a command has brought about goes before the command's completion, so that the
// page knows with the answer what came of it.
func (v *conversation) write(ctx context.Context) error {
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()
	put := func(m wire.Envelope) error {
		_ = v.c.SetWriteDeadline(time.Now().Add(writeWait))
		return v.c.WriteJSON(m)
	}
	unsolicited := func(name string, payload json.RawMessage) wire.Envelope {
		return wire.Envelope{Header: wire.Header{Type: wire.TypeUnsolicited, Name: name, Version: wire.MessageVersion}, Payload: payload}
	}
	var shown []byte
	show := func() (changed <-chan struct{}, err error) {
		state, changed := v.s.current()
		if state != nil && string(state) != string(shown) {
			err = put(unsolicited(wire.NameState, state))
			shown = state
		}
		return changed, err
	}
	for {
		changed, err := show()
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case m := <-v.out:
			if _, err := show(); err != nil {
				return err
			}
			if err := put(m); err != nil {
				return err
			}
		case <-beat.C:
			if err := put(unsolicited(wire.NameBeat, nil)); err != nil {
				return err
			}
		}
	}
}
