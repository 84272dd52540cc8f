package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The test binary is centrald when it is told so.
func TestMain(m *testing.M) {
	if os.Getenv("CENTRALD_TEST_MAIN") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestRefusesArguments(t *testing.T) {
	for want, args := range map[string][]string{
		"usage":                             nil,
		"usage:":                            {"--store", "x", "more"},
		"a loopback address":                {"--store", "x", "--listen", "0.0.0.0:8482"},
		"--listen \"localhost\"":            {"--store", "x", "--listen", "localhost"},
		"flag provided but not":             {"--nonsense"},
		"open store /dev/null/x":            {"--store", "/dev/null/x", "--listen", "127.0.0.1:0"},
		"for example 127.0.0.1:8482":        {"--store", "x", "--listen", "192.0.2.1:80"},
		"centrald --listen 127.0.0.1:PORT ": {"--demo"},
		"a folder is needed":                {"--store", "x", "--trust", "/dev/null"},
		"an address is needed":              {"--store", "x", "--ocsp", "ocsp.example"},
		"an origin is":                      {"--store", "x", "--origin", "http://asan.example"},
	} {
		err := run(t.Context(), args)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Fatalf("%v: %v, want %q", args, err, want)
		}
	}
}

func TestResponderHosts(t *testing.T) {
	for in, want := range map[[2]string]string{
		{"", ""}:                                     "[]",
		{"", "a.example, b.example:8080,"}:           "[a.example b.example:8080]",
		{"http://127.0.0.1:8484/x", "a.example"}:     "[a.example 127.0.0.1:8484]",
		{"ftp://127.0.0.1:8484/x", ""}:               "error",
		{"https:///x", ""}:                           "error",
		{"http://own.example/ocsp?a=1", "b.example"}: "[b.example own.example]",
	} {
		got, err := responderHosts(in[0], in[1])
		if text := fmt.Sprint(got); err != nil && want != "error" || err == nil && text != want {
			t.Errorf("%q: %s %v, want %s", in, text, err, want)
		}
	}
}

// The program serves, keeps its store over a kill, and ends within a second of
// SIGTERM even while a client is kept waiting.
func TestProgram(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address, store := l.Addr().String(), filepath.Join(t.TempDir(), "central.db")
	l.Close()
	start := func() *exec.Cmd {
		c := exec.Command(os.Args[0], "--listen", address, "--store", store, "--demo")
		// The race detector sleeps for a second at exit unless it is told not to.
		c.Env = append(os.Environ(), "CENTRALD_TEST_MAIN=1", "GORACE=atexit_sleep_ms=0")
		out, err := c.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Process.Kill() })
		s := bufio.NewScanner(out)
		for s.Scan() {
			if strings.Contains(s.Text(), "central listens") {
				go func() { _, _ = io.Copy(io.Discard, out) }() // ends with the program
				return c
			}
		}
		t.Fatal("it did not start")
		return nil
	}
	request := func(method, path, body string) (int, string) {
		r, err := http.NewRequest(method, "http://"+address+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Idempotency-Key", `"key-00000001"`)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			return 0, err.Error()
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(b)
	}
	const pay = "/v1/terminals/t1/actions/notification.pay"
	body := `{"notification_number":"123027172","amount":{"minor":1800,"currency":"AZN"},"commission":{"minor":0,"currency":"AZN"},
		"received":{"minor":2000,"currency":"AZN"},"reference":"R","paid_at":"2026-03-02T08:00:00Z"}`
	c := start()
	if code, _ := request("PUT", "/demo/v1/behaviour", `{"mode":"drop_answer","count":1}`); code != 200 {
		t.Fatalf("behaviour: %d", code)
	}
	if code, got := request("GET", "/v1/time", ""); code != 0 && !strings.Contains(got, "unix_ms") {
		t.Fatalf("a dropped answer: %d %s", code, got) // a GET may be repeated by the client's transport
	}
	code, first := request("POST", pay, body)
	if code != 200 || !strings.Contains(first, `"done"`) {
		t.Fatalf("pay: %d %s", code, first)
	}
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	c = start()
	if code, again := request("POST", pay, body); code != 200 || again != first {
		t.Fatalf("after a kill: %d %s, first %s", code, again, first)
	}
	request("PUT", "/demo/v1/behaviour", `{"mode":"slow","delay_ms":60000}`)
	waiting := make(chan string, 1)
	go func() {
		code, got := request("GET", "/v1/time", "")
		waiting <- fmt.Sprint(code, got)
	}()
	for { // until the request waits
		_, got := request("GET", "/demo/v1/state", "")
		var st struct {
			Behaviour struct{ Mode string }
		}
		if json.Unmarshal([]byte(got), &st) == nil && st.Behaviour.Mode == "slow" {
			break
		}
	}
	began := time.Now()
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err != nil {
		t.Fatalf("ended with %v", err)
	}
	if took := time.Since(began); took > time.Second {
		t.Fatalf("took %v to end", took)
	}
	<-waiting
}
