package admin

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/journal"
	"github.com/asan-kiosk/kiosk/daemon/journal/record"
	"github.com/asan-kiosk/kiosk/drivers/cash"
	"github.com/asan-kiosk/kiosk/drivers/money"
)

var ctx = context.Background()

// sum is a fold and its own equation: it holds while no note is in doubt.
type sum struct {
	Minor int64 `json:"minor"`
	Doubt int   `json:"doubt"`
}

func (s *sum) Name() string                   { return "sum" }
func (s *sum) Save() (json.RawMessage, error) { return json.Marshal(s) }
func (s *sum) Load(b json.RawMessage) error   { return json.Unmarshal(b, s) }
func (s sum) Holds() bool                     { return s.Doubt == 0 }
func (s sum) String() string                  { return fmt.Sprintf("stacked %d", s.Minor) }
func ledger() (journal.Fold, func() Equation) { s := &sum{}; return s, func() Equation { return *s } }
func (s *sum) Apply(r journal.Record) error {
	b, _, err := r.Decode()
	switch b := b.(type) {
	case record.NoteStacked:
		s.Minor += b.Note.Value.Minor
	case record.NoteInDoubt:
		s.Doubt++
	}
	return err
}

func stacked(visit string, manat int64) journal.Draft {
	return journal.Draft{Visit: visit, Body: record.NoteStacked{NoteID: "n", Note: cash.Note{Value: money.Manat(manat)}}}
}

func openJournal(t *testing.T) *journal.Journal {
	t.Helper()
	now := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	j, err := journal.Open(journal.Options{
		Dir: filepath.Join(t.TempDir(), "journal"), Terminal: "0192c5d4-8a00-7000-8000-0000000000a1", Create: true, Enrolment: []byte("e"),
		SigningKey: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, 32)), KeyID: "k", Synchronous: true, Folds: []journal.Fold{&sum{}},
		Clock: func() time.Time { return now }, Mono: func() time.Duration { return 0 }, BootID: "b",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(j.Abandon)
	for _, d := range []journal.Draft{
		{Body: record.Started{Version: "1"}},
		{Body: record.PeriodOpened{Period: 1, Why: "first start"}},
		stacked("v1", 5), stacked("v2", 10),
		{Visit: "v1", Body: record.NoteReturned{NoteID: "m"}},
		{Body: record.PeriodOpened{Period: 2, Why: "cassette change"}},
		stacked("v1", 20),
	} {
		if _, err := j.Append(ctx, d); err != nil {
			t.Fatal(err)
		}
	}
	return j
}

// serve runs a handler on a socket until the test ends.
func serve(t *testing.T, h http.Handler) (*Client, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.sock")
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	running, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- Serve(running, l, h) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return NewClient(path), path
}

func TestStatus(t *testing.T) {
	j := openJournal(t)
	if err := j.SetAcked(3); err != nil {
		t.Fatal(err)
	}
	c, _ := serve(t, Handler(Options{Journal: j}))
	got, err := c.Status(ctx)
	seq, hash := j.Head()
	if want := (Status{j.Terminal(), 1, seq, hash, 3}); err != nil || got != want || seq != 7 {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
}

func TestRecords(t *testing.T) {
	j := openJournal(t)
	c, _ := serve(t, Handler(Options{Journal: j}))
	for name, tc := range map[string]struct {
		f    Filter
		want []uint64
	}{
		"all":                {Filter{}, []uint64{1, 2, 3, 4, 5, 6, 7}},
		"from":               {Filter{From: 6}, []uint64{6, 7}},
		"from and limit":     {Filter{From: 2, Limit: 2}, []uint64{2, 3}},
		"kind":               {Filter{Kind: "note.stacked"}, []uint64{3, 4, 7}},
		"family of kinds":    {Filter{Kind: "note."}, []uint64{3, 4, 5, 7}},
		"part of a name":     {Filter{Kind: "note"}, nil},
		"visit":              {Filter{Visit: "v1"}, []uint64{3, 5, 7}},
		"visit and kind":     {Filter{Visit: "v1", Kind: "note.stacked"}, []uint64{3, 7}},
		"last":               {Filter{Last: 2}, []uint64{6, 7}},
		"last of a kind":     {Filter{Last: 2, Kind: "note.stacked"}, []uint64{4, 7}},
		"last, more than is": {Filter{Last: 50, Visit: "v2"}, []uint64{4}},
		"behind the head":    {Filter{From: 100}, nil},
	} {
		var got []uint64
		err := c.Records(ctx, tc.f, func(r journal.Record) error { got = append(got, r.Seq); return nil })
		if err != nil || !reflect.DeepEqual(got, tc.want) {
			t.Errorf("%s: %v, %v, want %v", name, got, err, tc.want)
		}
		var offline []uint64
		err = Select(ctx, j, tc.f, func(r journal.Record) error { offline = append(offline, r.Seq); return nil })
		if err != nil || !reflect.DeepEqual(got, offline) {
			t.Errorf("%s: on the files %v, %v", name, offline, err)
		}
	}
	for _, f := range []Filter{{Limit: -1}, {Last: MaxLast + 1}, {Last: 1, From: 1}} {
		if err := Select(ctx, j, f, func(journal.Record) error { return nil }); err == nil {
			t.Errorf("%+v was taken", f)
		}
		if err := c.Records(ctx, f, func(journal.Record) error { return nil }); err == nil {
			t.Errorf("%+v was sent", f)
		}
	}
	var got []journal.Record
	if err := c.Records(ctx, Filter{}, func(r journal.Record) error { got = append(got, r); return nil }); err != nil {
		t.Fatal(err)
	}
	if want, err := j.Read(1, 100); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("records changed on the way: %v", err)
	}
	stop := errors.New("stop")
	if err := c.Records(ctx, Filter{}, func(journal.Record) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("the reader's own error: %v", err)
	}
}

func TestEquation(t *testing.T) {
	j := openJournal(t)
	c, _ := serve(t, Handler(Options{Journal: j, Ledger: ledger}))
	collect := func(periods bool) (out []Moment) {
		t.Helper()
		if err := c.Equations(ctx, periods, func(m Moment) error { out = append(out, m); return nil }); err != nil {
			t.Fatal(err)
		}
		return out
	}
	wall := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC).UnixMilli()
	now := Moment{7, wall, false, true, "stacked 3500", json.RawMessage(`{"minor":3500,"doubt":0}`)}
	before := Moment{5, wall, true, true, "stacked 1500", json.RawMessage(`{"minor":1500,"doubt":0}`)}
	if got := collect(false); !reflect.DeepEqual(got, []Moment{now}) {
		t.Errorf("now: %+v", got)
	}
	if got := collect(true); !reflect.DeepEqual(got, []Moment{before, now}) {
		t.Errorf("by period: %+v", got)
	}
	if _, err := j.Append(ctx, journal.Draft{Body: record.NoteInDoubt{NoteID: "x"}}); err != nil {
		t.Fatal(err)
	}
	if got := collect(false); got[0].Holds {
		t.Error("an equation that does not hold is said to")
	}

	bare, _ := serve(t, Handler(Options{Journal: j}))
	var refused *RemoteError
	if err := bare.Equations(ctx, false, func(Moment) error { return nil }); !errors.As(err, &refused) || refused.Status != http.StatusNotFound {
		t.Errorf("without a ledger: %v", err)
	}
}

func TestVerify(t *testing.T) {
	j := openJournal(t)
	c, _ := serve(t, Handler(Options{Journal: j, Folds: func() []journal.Fold { return []journal.Fold{&sum{}} }}))
	if err := j.Checkpoint(ctx); err != nil {
		t.Fatal(err)
	}
	rep, err := c.Verify(ctx)
	if err != nil || !rep.OK() || rep.Store.Seq != 8 || rep.Signed != 1 || !reflect.DeepEqual(rep.Folds, []string{"sum"}) {
		t.Errorf("%+v, %v", rep, err)
	}
}

// brokenJournal ends in the middle of a list.
type brokenJournal struct{ *journal.Journal }

func (b brokenJournal) Walk(ctx context.Context, from uint64, keep func(journal.Record) error) error {
	return errors.Join(b.Journal.Walk(ctx, from, func(r journal.Record) error {
		if r.Seq == 3 {
			return errors.New("disk is gone")
		}
		return keep(r)
	}))
}

func (brokenJournal) Verify(context.Context, func() []journal.Fold) (journal.Report, error) {
	return journal.Report{}, &journal.RecoveryError{Class: journal.ErrLost, What: "gone", Do: "call somebody"}
}

func TestErrorsArrive(t *testing.T) {
	c, path := serve(t, Handler(Options{Journal: brokenJournal{openJournal(t)}, Ledger: ledger}))
	n := 0
	err := c.Records(ctx, Filter{}, func(journal.Record) error { n++; return nil })
	if n != 2 || err == nil || !strings.Contains(err.Error(), "disk is gone") {
		t.Errorf("after %d records: %v", n, err)
	}
	if err := c.Equations(ctx, false, func(Moment) error { t.Error("an equation of half a journal"); return nil }); err == nil {
		t.Error("no error")
	}
	var remote *RemoteError
	if _, err := c.Verify(ctx); !errors.As(err, &remote) || remote.Hint() != "call somebody" {
		t.Errorf("verify: %v", err)
	}
	raw := &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return net.Dial("unix", path) }}}
	for url, want := range map[string]int{
		"/v1/journal/records?form=5":                    http.StatusBadRequest, // mistyped
		"/v1/journal/records?from=-1":                   http.StatusBadRequest,
		"/v1/journal/records?from=1&from=2":             http.StatusBadRequest,
		"/v1/journal/records?last=99999":                http.StatusBadRequest,
		"/v1/journal/records?limit=9999999999999999999": http.StatusBadRequest,
		"/v1/journal/records?%zz":                       http.StatusBadRequest,
		"/v1/journal/equation?periods=maybe":            http.StatusBadRequest,
		"/v1/status?x=1":                                http.StatusBadRequest,
		"/v1/journal/verify?x=1":                        http.StatusBadRequest,
		"/":                                             http.StatusNotFound,
	} {
		resp, err := raw.Get("http://terminal" + url)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: %d, want %d", url, resp.StatusCode, want)
		}
	}
	resp, err := raw.Post("http://terminal/v1/journal/verify", "text/plain", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", resp.StatusCode)
	}
}

// slowJournal waits in Verify until it is let go.
type slowJournal struct {
	*journal.Journal
	begun, release chan struct{}
}

func (s slowJournal) Verify(ctx context.Context, _ func() []journal.Fold) (journal.Report, error) {
	s.begun <- struct{}{}
	select {
	case <-s.release:
	case <-ctx.Done():
	}
	return journal.Report{Problems: []journal.Problem{}}, ctx.Err()
}

func TestRequestsAreBounded(t *testing.T) {
	s := slowJournal{openJournal(t), make(chan struct{}), make(chan struct{})}
	c, _ := serve(t, Handler(Options{Journal: s}))
	results := make(chan error, maxRequests)
	for range maxRequests {
		go func() { _, err := c.Verify(ctx); results <- err }()
		<-s.begun
	}
	var remote *RemoteError
	if _, err := c.Status(ctx); !errors.As(err, &remote) || remote.Status != http.StatusServiceUnavailable || remote.Hint() == "" {
		t.Errorf("one request too many: %v", err)
	}
	close(s.release)
	for range maxRequests {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	if _, err := c.Status(ctx); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// A list that is cut off is an error, never a short list.
func TestListCutOff(t *testing.T) {
	entry := func(seq uint64) string {
		r := journal.Record{V: 1, Seq: seq, Body: []byte("{}")}
		if _, err := journal.Seal(&r); err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(Entry{r.Hash, r})
		if err != nil {
			t.Fatal(err)
		}
		return string(b) + "\n"
	}
	for name, body := range map[string]string{
		"nothing":       "",
		"no end":        entry(1) + entry(2),
		"half a line":   entry(1) + entry(2)[:20],
		"wrong count":   entry(1) + `{"end":true,"count":2}` + "\n",
		"other hash":    strings.Replace(entry(1), `"hash":"`, `"hash":"0`, 1) + `{"end":true,"count":1}` + "\n",
		"changed value": strings.Replace(entry(1), `"seq":1`, `"seq":7`, 1) + `{"end":true,"count":1}` + "\n",
		"no JSON":       "hello\n",
	} {
		c, _ := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }))
		if err := c.Records(ctx, Filter{}, func(journal.Record) error { return nil }); err == nil {
			t.Errorf("%s: taken for a whole list", name)
		}
	}
}

func TestListen(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.sock")
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if _, err := Listen(path); err == nil {
		t.Error("two programs on one socket")
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	if err := l.Close(); err != nil { // as a kill leaves it
		t.Fatal(err)
	}
	if l, err = Listen(path); err != nil {
		t.Fatalf("a socket that was left behind: %v", err)
	}
	l.Close()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(file); err == nil {
		t.Error("a file was replaced by a socket")
	}
	if _, err := NewClient(filepath.Join(dir, "none.sock")).Status(ctx); !errors.Is(err, ErrUnreachable) {
		t.Errorf("nobody there: %v", err)
	}
}
