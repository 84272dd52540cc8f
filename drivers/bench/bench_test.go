package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image/png"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// rig is a bench that runs, and its interface.
type rig struct {
	t    *testing.T
	b    *bench
	dir  string
	base string
	stop func()
}

func startRig(t *testing.T, dir string, change ...func(*options)) *rig {
	t.Helper()
	opt := options{dir: dir, wallet: walletFolder, networkListen: "127.0.0.1:0", seed: 1, initTime: 50 * time.Millisecond, take: 50 * time.Millisecond}
	for _, c := range change {
		c(&opt)
	}
	b, err := openBench(opt)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(nil)
	server.Config.Handler = b.handler(server.Listener.Addr().String())
	ctx, cancel := context.WithCancel(context.Background())
	server.Config.BaseContext = func(net.Listener) context.Context { return ctx }
	server.Start()
	ran := make(chan error, 1)
	go func() { ran <- b.run(ctx) }()
	stopped := false
	r := &rig{t: t, b: b, dir: dir, base: server.URL}
	r.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ran; err != nil {
			t.Error(err)
		}
		server.Close()
		if err := b.close(); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(r.stop)
	return r
}

// call sends a request and decodes the answer into out.
func (r *rig) call(method, path string, body, out any) int {
	r.t.Helper()
	var in io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			r.t.Fatal(err)
		}
		in = bytes.NewReader(b)
	}
	req, err := http.NewRequest(method, r.base+path, in)
	if err != nil {
		r.t.Fatal(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	if out != nil {
		if raw, ok := out.(*[]byte); ok {
			*raw = b
		} else if err := json.Unmarshal(b, out); err != nil {
			r.t.Fatalf("%s %s: %v: %s", method, path, err, b)
		}
	}
	return resp.StatusCode
}

func (r *rig) post(path string, body any) {
	r.t.Helper()
	var raw []byte
	if code := r.call("POST", path, body, &raw); code != http.StatusOK {
		r.t.Fatalf("POST %s %v: %d %s", path, body, code, raw)
	}
}

func (r *rig) state() benchState {
	r.t.Helper()
	var s benchState
	if code := r.call("GET", "/api/state", nil, &s); code != http.StatusOK {
		r.t.Fatalf("state: %d", code)
	}
	return s
}

// eventually waits for something that takes real time.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("not in ten seconds: %s", what)
}

// A note's whole way over a real pseudo-terminal.
func TestNoteOverPTY(t *testing.T) {
	r := startRig(t, t.TempDir(), func(o *options) { o.record = filepath.Join(t.TempDir(), "line.log") })
	p := openPort(t, deviceLink(r.dir, "validator"))
	events := r.listen("?frames=1")
	p.until(0x10)
	p.ask(0x30) // RESET
	p.until(0x19)
	if got := p.ask(0x37); len(got) != 34 { // with a SYNC inside its data
		t.Fatalf("identification % X", got)
	}
	p.write(frame(0x00))
	p.ask(0x34, 0, 0, 0xFF, 0, 0, 0xFF)
	p.until(0x14)
	var taken noteAnswer
	if code := r.call("POST", "/api/notes", map[string]any{"denomination": 5}, &taken); code != 200 || !taken.Taken || taken.Note.Serial == "" {
		t.Fatalf("%d %+v", code, taken)
	}
	p.until(0x80, 2)
	p.ask(0x35) // STACK
	eventually(t, "81h", func() bool { return bytes.Equal(p.ask(0x33), []byte{0x81, 2}) })
	s := r.state() // waits for the step to be over
	before := time.Now().UnixMicro()
	if len(s.Validator.World.Cassette) != 1 || len(s.Validator.World.Pending) != 1 || s.Validator.CassetteTotal[0].Minor != 500 {
		t.Errorf("world %+v", s.Validator.World)
	}
	p.until(0x14)
	var sent, acked event
	for e := range events {
		switch e.Kind {
		case "stacked_sent":
			if sent.Seq == 0 {
				sent = e
			}
		case "acked":
			acked = e
		}
		if acked.Seq != 0 {
			break
		}
	}
	if sent.Frame == 0 || sent.US > before || sent.Data != "02" || acked.Frame <= sent.Frame || acked.US < sent.US {
		t.Errorf("told %+v, acknowledged %+v", sent, acked)
	}
	log, err := os.ReadFile(r.b.opt.record)
	if err != nil || !strings.Contains(string(log), "validator > "+fmt.Sprintf("%x", frame(0x33))) || !strings.Contains(string(log), "validator < "+fmt.Sprintf("%x", frame(0x81, 2))) {
		t.Errorf("line log: %v\n%.300s", err, log)
	}
}

// listen subscribes to events; it returns when the stream is open.
func (r *rig) listen(query string) <-chan event {
	r.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	req, err := http.NewRequestWithContext(ctx, "GET", r.base+"/api/events"+query, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	out := make(chan event, 10_000)
	done := make(chan struct{})
	lines := bufio.NewScanner(resp.Body)
	lines.Scan() // ": bench" is sent once the subscription stands
	go func() {
		defer close(done)
		defer close(out)
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				var e event
				if json.Unmarshal([]byte(data), &e) == nil {
					out <- e
				}
			}
		}
	}()
	r.t.Cleanup(func() {
		cancel()
		_ = resp.Body.Close()
		<-done
	})
	return out
}

// A slip over a real pseudo-terminal, at line speed, dot for dot.
func TestSlipOverPTY(t *testing.T) {
	r := startRig(t, t.TempDir(), func(o *options) { o.baud = 500_000 })
	events := r.listen("")
	p := openPort(t, deviceLink(r.dir, "printer"))
	p.write([]byte{0x10, 0x04, 0x01})
	if got := p.read(1); got[0] != 0x16 {
		t.Fatalf("status %X", got)
	}
	const rows = 600
	dots := make([]byte, 72*rows)
	for i := range dots {
		dots[i] = byte(i*7 + i/72)
		if dots[i] == 0x10 {
			dots[i] = 0
		}
	}
	job := append([]byte{0x1B, '@', 0x1D, 'v', '0', 0, 72, 0, rows & 0xFF, rows >> 8}, dots...)
	job = append(job, 0x1D, 'V', 'A', 0, 0x1D, '(', 'H', 6, 0, 0x30, 0x30, '0', '0', '0', '1')
	began := time.Now()
	for rest := job; len(rest) > 0; {
		n := min(256, len(rest))
		p.write(rest[:n])
		rest = rest[n:]
	}
	got := bytes.Trim(p.read(7), "\x11\x13")
	if string(got) != "7\x220001\x00" {
		t.Fatalf("barrier answer %q", got)
	}
	if took := time.Since(began); took < 800*time.Millisecond {
		t.Errorf("43 KB took %v at 50 KB/s", took)
	}
	for e := range events {
		if e.Kind == "strip" {
			break
		}
	}
	strip := r.state().Strips[0]
	if strip.N != 1 || strip.Height != rows+96 || strip.End != "cut" {
		t.Fatalf("strip %+v", strip)
	}
	var pbm, raw, picture []byte
	r.call("GET", "/api/strips/1.pbm", nil, &pbm)
	r.call("GET", "/api/strips/1.bin", nil, &raw)
	r.call("GET", "/api/strips/1.png", nil, &picture)
	if want := append(append([]byte("P4\n576 696\n"), make([]byte, 72*96)...), dots...); !bytes.Equal(pbm, want) {
		t.Errorf("the picture differs (%d bytes, want %d)", len(pbm), len(want))
	}
	if !bytes.Equal(raw, job[:len(job)-11]) {
		t.Errorf("%d raw bytes, want %d", len(raw), len(job)-11)
	}
	if img, err := png.Decode(bytes.NewReader(picture)); err != nil || img.Bounds().Dx() != 576 {
		t.Errorf("PNG: %v", err)
	}
	if code := r.call("GET", "/api/strips/hanging.png", nil, &picture); code != 200 {
		t.Errorf("hanging paper: %d", code)
	}
	for _, path := range []string{"/api/strips/2.png", "/api/strips/1.gif", "/api/strips/..%2Fbench.json", "/api/strips/x.png"} {
		if code := r.call("GET", path, nil, nil); code != http.StatusNotFound {
			t.Errorf("%s: %d", path, code)
		}
	}
}

// Pulled, the port is gone; plugged in, it is back under its name.
func TestUnplug(t *testing.T) {
	r := startRig(t, t.TempDir())
	for _, name := range []string{"validator", "printer", "panel"} {
		link := deviceLink(r.dir, name)
		p := openPort(t, link)
		r.post("/api/"+name, map[string]string{"action": "unplug"})
		if _, err := os.Lstat(link); !os.IsNotExist(err) {
			t.Errorf("%s: the link is still there: %v", name, err)
		}
		if err := p.f.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := p.f.Read(make([]byte, 1)); err == nil || os.IsTimeout(err) {
			t.Errorf("%s: the daemon's end did not hang up: %v", name, err)
		}
		if code := r.call("POST", "/api/"+name, map[string]string{"action": "unplug"}, nil); code != http.StatusConflict {
			t.Errorf("%s: unplugging twice is %d", name, code)
		}
		r.post("/api/"+name, map[string]string{"action": "plug"})
		p = openPort(t, link)
		switch name {
		case "validator":
			p.until(0x10)
		case "printer":
			p.write([]byte{0x10, 0x04, 0x01})
			p.read(1)
		case "panel":
			p.command("ver")
		}
	}
}

// A daemon that dies and comes back finds the line as it was.
func TestDaemonDies(t *testing.T) {
	r := startRig(t, t.TempDir())
	for range 3 {
		p := openPort(t, deviceLink(r.dir, "validator"))
		p.until(0x10)
		if err := p.f.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// The bench itself may be started again without losing a note or a strip.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	r := startRig(t, dir)
	p := openPort(t, deviceLink(dir, "validator"))
	p.ask(0x30)
	p.until(0x19)
	p.ask(0x34, 0, 0, 0xFF, 0, 0, 0xFF)
	r.post("/api/notes", map[string]any{"denomination": 20})
	p.until(0x80, 4)
	p.ask(0x35)
	eventually(t, "81h", func() bool { return bytes.Equal(p.ask(0x33), []byte{0x81, 4}) })
	r.post("/api/validator", map[string]any{"action": "swap", "serial": "NEWUNIT", "quietly": true})
	q := openPort(t, deviceLink(dir, "printer"))
	q.write([]byte("slip\n\x1dVA\x00"))
	eventually(t, "a slip", func() bool { return len(r.state().Strips) == 1 })
	if _, err := openBench(options{dir: dir, wallet: walletFolder, networkListen: "127.0.0.1:0"}); err == nil {
		t.Error("two benches share a folder")
	}
	r.stop()
	if _, err := os.Lstat(deviceLink(dir, "validator")); !os.IsNotExist(err) {
		t.Error("the link outlived the bench")
	}

	r = startRig(t, dir)
	s := r.state()
	if len(s.Validator.World.Cassette) != 1 || s.Validator.World.Counter != 1 || len(s.Strips) != 1 || s.Validator.Config.Serial != "NEWUNIT" {
		t.Fatalf("after the restart: %+v", s)
	}
	p = openPort(t, deviceLink(dir, "validator"))
	p.until(0x12) // the report was not acknowledged
	p.ask(0x30)
	eventually(t, "81h again", func() bool { return bytes.Equal(p.ask(0x33), []byte{0x81, 4}) })
	p.until(0x19)
	r.post("/api/reset", map[string]any{})
	if s = r.state(); len(s.Validator.World.Cassette) != 0 || len(s.Strips) != 0 {
		t.Errorf("after a reset: %+v", s)
	}
}

// A page that reads too slowly is dropped and can go on where it was.
func TestEventsAfter(t *testing.T) {
	h := newHub()
	slow := h.subscribe(false, 0)
	for range queueLen + 2*keptEvents + 1 {
		h.publish(event{Kind: "x"})
	}
	n := 0
	for range slow.queue {
		n++
	}
	if n != queueLen+2*keptEvents {
		t.Errorf("%d events before the drop", n)
	}
	h.publish(event{Kind: "y", frame: true})
	h.publish(event{Kind: "z"})
	again := h.subscribe(false, uint64(n))
	if e := <-again.queue; e.Seq != uint64(n)+1 {
		t.Errorf("goes on at %d, want %d", e.Seq, n+1)
	}
	if e := <-again.queue; e.Kind != "z" {
		t.Errorf("then %+v", e)
	}
}

func TestOptions(t *testing.T) {
	for _, c := range []struct{ args, says string }{
		{"", "--dir"},
		{"--dir x --listen 0.0.0.0:1", "loopback"},
		{"--dir x --network-listen :1", "loopback"},
		{"--dir x --central nowhere", "--central"},
		{"--dir x --screen-url javascript:1", "--screen-url"},
		{"--dir x y", "unexpected"},
		{"--dir x --init -1s", "--init"},
	} {
		if _, err := parseOptions(strings.Fields(c.args), io.Discard); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q: %v", c.args, err)
		}
	}
	o, err := parseOptions(strings.Fields("--dir x --central 127.0.0.1:9 --take -1s"), io.Discard)
	if err != nil || o.centralDemo != "http://127.0.0.1:9" || o.take != -time.Second {
		t.Errorf("%+v %v", o, err)
	}
}

// The program ends within a second, with its links removed, although pages
// listen.
func TestEndsQuickly(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{"--dir", dir, "--wallet", walletFolder, "--listen", "127.0.0.1:0"}, io.Discard)
	}()
	var addresses struct{ Page, Network string }
	eventually(t, "the bench to be ready", func() bool {
		b, err := os.ReadFile(filepath.Join(dir, "addresses.json"))
		return err == nil && json.Unmarshal(b, &addresses) == nil
	})
	resp, err := http.Get(addresses.Page + "api/events")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	conn, err := net.Dial("tcp", addresses.Network)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	began := time.Now()
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("ending took %v", took)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "dev", "*")); len(left) != 0 {
		t.Errorf("links left: %v", left)
	}
}
