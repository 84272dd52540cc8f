package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// echo is a central that says back what it is told.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(c, c)
				_ = c.Close()
			}()
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
	return l.Addr().String()
}

// say sends a word and waits up to d for its echo.
func say(c net.Conn, d time.Duration) error {
	if _, err := c.Write([]byte("salam")); err != nil {
		return err
	}
	if err := c.SetReadDeadline(time.Now().Add(d)); err != nil {
		return err
	}
	b := make([]byte, 5)
	if _, err := io.ReadFull(c, b); err != nil {
		return err
	}
	if string(b) != "salam" {
		return fmt.Errorf("heard %q", b)
	}
	return nil
}

func TestCable(t *testing.T) {
	c, err := openCable("127.0.0.1:0", echo(t))
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	set := func(o cableOrder) {
		t.Helper()
		if err := c.set(o); err != nil {
			t.Fatal(err)
		}
	}
	dial := func() net.Conn {
		t.Helper()
		conn, err := net.Dial("tcp", c.status().Listen)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}
	conn := dial()
	if err := say(conn, 5*time.Second); err != nil {
		t.Fatalf("on: %v", err)
	}

	set(cableOrder{Mode: cableBlackhole})
	if err := say(conn, 100*time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("black hole: %v", err)
	}
	if err := say(dial(), 100*time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("black hole, new connection: %v", err)
	}
	set(cableOrder{Mode: cableOn})
	if err := conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, make([]byte, 5)); err != nil {
		t.Errorf("what was held back did not come: %v", err)
	}

	set(cableOrder{Mode: cableSlow, DelayMS: 150})
	began := time.Now()
	if err := say(conn, 5*time.Second); err != nil || time.Since(began) < 300*time.Millisecond {
		t.Errorf("slow: %v after %v", err, time.Since(began))
	}

	set(cableOrder{Mode: cableOff})
	if err := say(conn, 5*time.Second); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("off: the connection lives on: %v", err)
	}
	if conn, err := net.Dial("tcp", c.status().Listen); err == nil {
		_ = conn.Close()
		t.Error("off: a new connection was accepted")
	}
	set(cableOrder{Mode: cableOn})
	if err := say(dial(), 5*time.Second); err != nil {
		t.Errorf("on again: %v", err)
	}
	eventually(t, "the counts", func() bool { s := c.status(); return s.BytesUp >= 20 && s.BytesDown >= 20 })
	if err := c.set(cableOrder{Mode: "odd"}); err == nil {
		t.Error("an unknown mode was taken")
	}
}

// An answer that ends is passed on while the other direction stays open.
func TestCableHalfClose(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	heard := make(chan string, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		b, _ := io.ReadAll(conn)
		heard <- string(b)
		_, _ = conn.Write([]byte("bye"))
		_ = conn.Close()
	}()
	c, err := openCable("127.0.0.1:0", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	conn, err := net.Dial("tcp", c.status().Listen)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(conn); string(b) != "bye" || err != nil || <-heard != "hello" {
		t.Errorf("%q %v", b, err)
	}
	eventually(t, "the connection to be gone", func() bool { return c.status().Connections == 0 })
}

func TestCentralSwitches(t *testing.T) {
	var got atomic.Value
	central := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method + " " + r.URL.Path {
		case "PUT /demo/v1/behaviour":
			var b behaviour
			if json.NewDecoder(r.Body).Decode(&b) != nil {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			got.Store(b)
		case "GET /demo/v1/state":
			_, _ = w.Write([]byte(`{"orders":[],"ledger":[1]}`))
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer central.Close()
	r := startRig(t, t.TempDir(), func(o *options) {
		o.central = strings.TrimPrefix(central.URL, "http://")
		o.centralDemo = central.URL
	})
	r.post("/api/central", behaviour{Mode: "fail", Status: 503, Count: 2})
	if b := got.Load(); b != (behaviour{Mode: "fail", Status: 503, Count: 2}) {
		t.Errorf("central was told %+v", b)
	}
	if s := r.state(); s.Central.Mode != "fail" || s.Network.Central != r.b.opt.central {
		t.Errorf("state %+v", s.Central)
	}
	var raw []byte
	if code := r.call("GET", "/api/central", nil, &raw); code != 200 || string(raw) != `{"orders":[],"ledger":[1]}` {
		t.Errorf("%d %s", code, raw)
	}
	if code := r.call("POST", "/api/central", behaviour{Mode: "fail", Status: 200}, nil); code != 400 {
		t.Errorf("a failure with status 200: %d", code)
	}
	central.Close()
	if code := r.call("POST", "/api/central", behaviour{Mode: "normal"}, nil); code != 502 {
		t.Errorf("without central: %d", code)
	}
	if r.state().Central.Mode != "fail" {
		t.Error("a switch that did not reach central is shown as set")
	}
}
