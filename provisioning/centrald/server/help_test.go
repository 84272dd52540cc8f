package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/journal/record"
	"github.com/asan-kiosk/kiosk/drivers/cash"
	"github.com/asan-kiosk/kiosk/drivers/money"
	"github.com/asan-kiosk/kiosk/provisioning/centralapi"
	"github.com/asan-kiosk/kiosk/provisioning/centralapi/canonical"
)

const terminalID = "0196a000-0000-7000-8000-000000000001"

var (
	genesis = canonical.Hash([]byte("enrolment"))
	noon    = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
)

// storePath is a file in memory where the machine has such a folder, so that the
// tests do not wait for a disk.
func storePath(tb testing.TB) string {
	tb.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "centrald")
	if err != nil {
		return filepath.Join(tb.TempDir(), "central.db")
	}
	tb.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "central.db")
}

func open(tb testing.TB, path string, o Options) *Server {
	tb.Helper()
	if o.Now == nil {
		o.Now = func() time.Time { return noon }
	}
	s, err := Open(path, o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { s.Close() })
	return s
}

// chain is a terminal's journal.
type chain struct {
	terminal string
	epoch    uint64
	raw      []json.RawMessage // without prev
	hash     []string
	envelope [][]byte
}

func newChain() *chain { return &chain{terminal: terminalID, epoch: 1} }

func (c *chain) prev() string {
	if len(c.hash) == 0 {
		return genesis
	}
	return c.hash[len(c.hash)-1]
}

func (c *chain) add(visit, key string, body record.Body) {
	b, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	c.addRaw(string(body.Kind()), visit, key, b, nil)
}

// addRaw adds a record that need not be valid; more are further members.
func (c *chain) addRaw(kind, visit, key string, body []byte, more map[string]any) {
	m := map[string]any{"v": 1, "t": c.terminal, "epoch": c.epoch, "seq": len(c.raw) + 1, "kind": kind,
		"wall": noon.UnixMilli(), "mono": 1000, "boot": "b1", "sync": "synced", "body": json.RawMessage(body)}
	if visit != "" {
		m["visit"] = visit
	}
	if key != "" {
		m["key"] = key
	}
	for k, v := range more {
		m[k] = v
	}
	raw, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	c.push(raw)
}

func (c *chain) push(raw []byte) {
	env, err := canonical.Link(c.prev(), raw)
	hash, bytes := "", []byte(nil)
	if err == nil {
		bytes = env.Bytes()
		hash = canonical.Hash(bytes)
	}
	c.raw, c.hash, c.envelope = append(c.raw, raw), append(c.hash, hash), append(c.envelope, bytes)
}

// batch is the records first..last (1-based).
func (c *chain) batch(first, last int) centralapi.Batch {
	prev := genesis
	if first > 1 {
		prev = c.hash[first-2]
	}
	return centralapi.Batch{Epoch: c.epoch, First: uint64(first), Prev: prev, LastHash: c.hash[last-1], Records: c.raw[first-1 : last]}
}

// sale puts a note of 20 manat in and pays 18 of it.
func (c *chain) sale(n int) {
	visit, key, noteID := fmt.Sprintf("visit-%d", n), fmt.Sprintf("key-%08d", n), fmt.Sprintf("note-%d", n)
	twenty := cash.Note{Value: money.Manat(20)}
	c.add(visit, "", record.VisitStarted{Bundle: "b"})
	c.add(visit, "", record.NoteEscrowed{NoteID: noteID, Note: twenty})
	c.add(visit, "", record.NoteStackIntent{NoteID: noteID})
	c.add(visit, "", record.NoteStacked{NoteID: noteID, Note: twenty})
	c.add(visit, key, record.PaymentIntent{Action: "notification.pay", Amount: money.Manat(18), Commission: money.New(50, money.AZN),
		Received: money.Manat(20), Body: json.RawMessage(`{}`)})
	c.add(visit, key, record.ActionResult{Status: record.ActionDone})
	c.add(visit, "", record.LeftoverIssued{LeftoverID: "l", Amount: money.New(150, money.AZN), Why: "change"})
	c.add(visit, "", record.VisitEnded{Why: "finished"})
}

// reply is one answer.
type reply struct {
	status int
	header http.Header
	body   []byte
	cut    bool // the connection was closed without an answer
}

func (r reply) problem(tb testing.TB) centralapi.Problem {
	tb.Helper()
	var p centralapi.Problem
	if got := r.header.Get("Content-Type"); got != centralapi.MediaProblem {
		tb.Fatalf("status %d, content type %q, body %s", r.status, got, r.body)
	}
	if err := json.Unmarshal(r.body, &p); err != nil || p.Status != r.status {
		tb.Fatalf("problem %s: %v", r.body, err)
	}
	return p
}

func do(h http.Handler, method, path string, header map[string]string, body []byte) (out reply) {
	r := httptest.NewRequest(method, path, bytes.NewReader(body))
	if body != nil {
		r.Header.Set("Content-Type", centralapi.MediaJSON)
	}
	for k, v := range header {
		r.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	defer func() {
		if p := recover(); p == http.ErrAbortHandler {
			out = reply{cut: true}
		} else if p != nil {
			panic(p)
		}
	}()
	h.ServeHTTP(w, r)
	b, _ := io.ReadAll(w.Result().Body)
	return reply{status: w.Code, header: w.Result().Header, body: b}
}

func upload(h http.Handler, b centralapi.Batch) reply {
	raw, err := json.Marshal(b)
	if err != nil {
		panic(err)
	}
	return do(h, "POST", "/v1/terminals/"+terminalID+"/records", map[string]string{
		"Content-Type":    centralapi.MediaRecords,
		"Idempotency-Key": fmt.Sprintf(`"%d-%d-%d"`, b.Epoch, b.First, b.First+uint64(len(b.Records))-1),
	}, raw)
}

func pay(h http.Handler, key, number string, minor int64) reply {
	body, err := json.Marshal(centralapi.NotificationPay{NotificationNumber: number, Amount: money.New(minor, money.AZN),
		Commission: money.Zero(money.AZN), Received: money.New(minor+200, money.AZN), Reference: "R-1", PaidAt: noon})
	if err != nil {
		panic(err)
	}
	return do(h, "POST", "/v1/terminals/"+terminalID+"/actions/notification.pay", map[string]string{"Idempotency-Key": `"` + key + `"`}, body)
}

func stateOfServer(tb testing.TB, s *Server) centralapi.State {
	tb.Helper()
	st, err := s.State()
	if err != nil {
		tb.Fatal(err)
	}
	return st
}

func outcome(tb testing.TB, r reply) centralapi.ActionOutcome {
	tb.Helper()
	var o centralapi.ActionOutcome
	if r.status != 200 {
		tb.Fatalf("status %d: %s", r.status, r.body)
	}
	if err := json.Unmarshal(r.body, &o); err != nil {
		tb.Fatal(err)
	}
	return o
}

func incidents(st centralapi.State, kind string) (n int) {
	for _, i := range st.Incidents {
		if i.Kind == kind {
			n++
		}
	}
	return n
}
