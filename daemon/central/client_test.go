package central_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/central"
	"github.com/asan-kiosk/kiosk/daemon/central/centraltest"
)

func TestNewClient(t *testing.T) {
	for _, bad := range []string{"", "central", "ftp://central", "http://", "://", "unix:///x"} {
		if _, err := central.NewClient(bad, terminalID, nil, nil); err == nil {
			t.Fatalf("%q was taken", bad)
		}
	}
}

// seen is what a request carried.
type seen struct {
	method, path string
	header       http.Header
	body         string
}

func watch(t *testing.T, r *rig, reply *http.Response) (*central.Client, *[]seen) {
	t.Helper()
	all := &[]seen{}
	c, err := central.NewClient("http://central.invalid/", terminalID, roundTrip(func(req *http.Request) (*http.Response, error) {
		s := seen{method: req.Method, path: req.URL.Path, header: req.Header}
		if req.Body != nil {
			b, _ := io.ReadAll(req.Body)
			s.body = string(b)
		}
		*all = append(*all, s)
		if reply == nil {
			return nil, errors.New("no network")
		}
		return reply, nil
	}), r.book)
	r.must(err)
	return c, all
}

func TestRequests(t *testing.T) {
	r := mustRig(t)
	r.notes(3)
	base := "/v1/terminals/" + terminalID
	for _, x := range []struct {
		call         central.Call
		method, path string
		key          string
	}{
		{central.Call{ID: 1, Kind: central.CallAsk, Name: "notification.lookup", Body: json.RawMessage(`{"a":1}`)}, "POST", base + "/queries/notification.lookup", ""},
		{central.Call{ID: 2, Kind: central.CallAct, Name: "notification.pay", Key: "key-00000001", Body: json.RawMessage(`{"a":1}`)}, "POST", base + "/actions/notification.pay", `"key-00000001"`},
		{central.Call{ID: 3, Kind: central.CallState, Name: "notification.pay", Key: "key-00000001"}, "GET", base + "/actions/notification.pay/key-00000001", ""},
		{central.Call{ID: 4, Kind: central.CallHead}, "GET", base + "/head", ""},
		{central.Call{ID: 5, Kind: central.CallRecords, From: 2, Max: 100}, "POST", base + "/records", `"1-2-3"`},
	} {
		c, all := watch(t, r, nil)
		got := c.Do(context.Background(), x.call)
		if got.ID != x.call.ID || got.Class != central.ReplyNone || got.Problem != central.CauseUnreachable {
			t.Fatalf("%s: %+v", x.call.Kind, got)
		}
		s := (*all)[0]
		if s.method != x.method || s.path != x.path || s.header.Get("Idempotency-Key") != x.key {
			t.Fatalf("%s: %+v", x.call.Kind, s)
		}
		if !regexp.MustCompile(`^00-[0-9a-f]{32}-[0-9a-f]{16}-00$`).MatchString(s.header.Get("traceparent")) {
			t.Fatalf("traceparent %q", s.header.Get("traceparent"))
		}
		if x.call.Body != nil && s.body != string(x.call.Body) {
			t.Fatalf("body %s", s.body)
		}
	}
	c, all := watch(t, r, nil) // all tries of one key are one trace
	c.Do(context.Background(), central.Call{Kind: central.CallAct, Name: "a", Key: "key-00000001", Body: json.RawMessage(`{}`)})
	c.Do(context.Background(), central.Call{Kind: central.CallState, Name: "a", Key: "key-00000001"})
	a, b := (*all)[0].header.Get("traceparent"), (*all)[1].header.Get("traceparent")
	if a[:35] != b[:35] || a == b {
		t.Fatalf("traces %s and %s", a, b)
	}
}

// A central that lacks a coding gets the next one, and only once.
func TestCodingFallback(t *testing.T) {
	r := mustRig(t)
	r.notes(3)
	for lacks, want := range map[string][]string{"": {"zstd"}, "zstd": {"zstd", "gzip"}, "zstd gzip": {"zstd", "gzip", ""}} {
		var tried []string
		c, err := central.NewClient("http://central.invalid", terminalID, &centraltest.Transport{
			Handler: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				coding := req.Header.Get("Content-Encoding")
				tried = append(tried, coding)
				if coding != "" && strings.Contains(lacks, coding) {
					w.Header().Set("Content-Type", "application/problem+json")
					w.WriteHeader(415)
					io.WriteString(w, `{"type":"urn:kiosk:problem:unsupported-coding"}`)
					return
				}
				r.server.ServeHTTP(w, req)
			})}, r.book)
		r.must(err)
		for range 2 {
			if got := c.Do(context.Background(), central.Call{Kind: central.CallRecords, From: 1, Max: 100}); got.Class != central.ReplyOK || !got.Known || got.Head.Seq != 3 {
				t.Fatalf("lacks %q: %+v", lacks, got)
			}
		}
		if got := strings.Join(tried, ","); got != strings.Join(append(want, want[len(want)-1]), ",") {
			t.Fatalf("lacks %q: tried %s", lacks, got)
		}
	}
}

// A batch ends at 512 KiB, and a single record goes whatever its size.
func TestBatchBytes(t *testing.T) {
	r := mustRig(t)
	big := json.RawMessage(`{"step":"` + strings.Repeat("x", 300<<10) + `"}`)
	for range 3 {
		r.must(r.book.appendRaw(moved, big))
	}
	for from := uint64(1); from <= 3; from++ {
		got := r.client.Do(context.Background(), central.Call{Kind: central.CallRecords, From: from, Max: 100})
		if got.Class != central.ReplyOK || got.Head.Seq != from {
			t.Fatalf("from %d: %+v", from, got)
		}
	}
	if got := r.client.Do(context.Background(), central.Call{Kind: central.CallRecords, From: 9, Max: 100}); got.Class != central.ReplyNone || got.Problem != central.CauseJournal {
		t.Fatalf("records that are not there: %+v", got)
	}
}

// pipes is a network of net.Pipe, which virtual time understands.
func pipes(served *sync.WaitGroup, serve func(net.Conn)) http.RoundTripper {
	return &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			a, b := net.Pipe()
			served.Go(func() { serve(b) })
			return a, nil
		},
	}
}

func read(c net.Conn) bool {
	req, err := http.ReadRequest(bufio.NewReader(c))
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, req.Body)
	return err == nil
}

// Whatever hangs on the wire, Do ends in time and says that it does not know.
func TestHostileWire(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	body := `{"status":"done","transaction":"T1"}`
	for _, x := range []struct {
		name    string
		serve   func(net.Conn)
		class   central.ReplyClass
		problem string
		after   time.Duration
	}{
		{"as it should be", func(c net.Conn) {
			read(c)
			io.WriteString(c, head+"Content-Length: 36\r\n\r\n"+body)
		}, central.ReplyOK, "", 0},
		{"a byte a second", func(c net.Conn) {
			read(c)
			for _, b := range []byte(head + "Content-Length: 36\r\n\r\n" + body) {
				time.Sleep(time.Second)
				if _, err := c.Write([]byte{b}); err != nil {
					return
				}
			}
		}, central.ReplyNone, central.CauseTimeout, 20 * time.Second},
		{"the body a byte a second", func(c net.Conn) {
			read(c)
			io.WriteString(c, head+"Content-Length: 36\r\n\r\n")
			for _, b := range []byte(body) {
				time.Sleep(time.Second)
				if _, err := c.Write([]byte{b}); err != nil {
					return
				}
			}
		}, central.ReplyNone, central.CauseTimeout, 20 * time.Second},
		{"silence", func(c net.Conn) { read(c); time.Sleep(time.Minute) }, central.ReplyNone, central.CauseTimeout, 20 * time.Second},
		{"half open: the request is not even read", func(c net.Conn) { time.Sleep(time.Minute) }, central.ReplyNone, central.CauseTimeout, 20 * time.Second},
		{"closed", func(c net.Conn) { read(c) }, central.ReplyNone, central.CauseUnreachable, 0},
		{"closed in the body", func(c net.Conn) {
			read(c)
			io.WriteString(c, head+"Content-Length: 36\r\n\r\n{\"status\":\"done\"}")
		}, central.ReplyNone, central.CauseUnreachable, 0},
		{"no HTTP", func(c net.Conn) { read(c); io.WriteString(c, "SSH-2.0-x\r\n\r\n") }, central.ReplyNone, central.CauseUnreachable, 0},
		{"without end", func(c net.Conn) {
			read(c)
			io.WriteString(c, head+"\r\n{\"status\":\"")
			for {
				if _, err := io.WriteString(c, strings.Repeat("x", 4096)); err != nil {
					return
				}
			}
		}, central.ReplyNone, central.CauseOversize, 0},
		{"moved to another place", func(c net.Conn) {
			read(c)
			io.WriteString(c, "HTTP/1.1 307 Moved\r\nLocation: http://elsewhere.invalid/\r\nContent-Length: 0\r\n\r\n")
		}, central.ReplyNone, central.CauseRedirect, 0},
		{"captive portal", func(c net.Conn) {
			read(c)
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 36\r\n\r\n"+body)
		}, central.ReplyNone, central.CauseContent, 0},
	} {
		t.Run(x.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dials := 0
				var served sync.WaitGroup
				c, err := central.NewClient("http://central.invalid", terminalID, pipes(&served, func(conn net.Conn) {
					dials++
					defer conn.Close()
					x.serve(conn)
				}), &book{epoch: 1})
				if err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				got := c.Do(t.Context(), central.Call{ID: 3, Kind: central.CallAct, Name: "notification.pay", Key: "key-00000001", Body: json.RawMessage(`{}`), Timeout: 20 * time.Second})
				if got.ID != 3 || got.Class != x.class || got.Problem != x.problem {
					t.Fatalf("got %+v", got)
				}
				if took := time.Since(began); took != x.after {
					t.Fatalf("took %v, want %v", took, x.after)
				}
				served.Wait()
				if dials != 1 {
					t.Fatalf("%d connections", dials)
				}
			})
		})
	}
}

// A caller that ends takes its calls with it.
func TestCancelledContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var served sync.WaitGroup
		c, err := central.NewClient("http://central.invalid", terminalID, pipes(&served, func(conn net.Conn) {
			defer conn.Close()
			time.Sleep(time.Minute)
		}), &book{epoch: 1})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		began := time.Now()
		if got := c.Do(ctx, central.Call{Kind: central.CallState, Name: "a", Key: "key-00000001"}); got.Class != central.ReplyNone || time.Since(began) != time.Second {
			t.Fatalf("got %+v after %v", got, time.Since(began))
		}
		served.Wait()
	})
}
