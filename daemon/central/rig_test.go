package central_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/central"
	"github.com/asan-kiosk/kiosk/daemon/central/centraltest"
	"github.com/asan-kiosk/kiosk/daemon/journal"
	"github.com/asan-kiosk/kiosk/daemon/journal/record"
	"github.com/asan-kiosk/kiosk/drivers/money"
	"github.com/asan-kiosk/kiosk/provisioning/centralapi"
	"github.com/asan-kiosk/kiosk/provisioning/centralapi/canonical"
	"github.com/asan-kiosk/kiosk/provisioning/centrald/server"
)

const terminalID = "0196a000-0000-7000-8000-000000000001"

var noon = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)

// tb is what testing.T and rapid.T share.
type tb interface {
	Helper()
	Fatalf(format string, args ...any)
}

// book is a journal in memory.
type book struct {
	records []journal.Record
	epoch   uint64
	now     func() time.Time
	apply   func(journal.Record) error
}

func (b *book) Read(from uint64, max int) ([]journal.Record, error) {
	if from == 0 || from > uint64(len(b.records)) {
		return nil, nil
	}
	return b.records[from-1 : min(len(b.records), int(from)-1+max)], nil
}

func (b *book) Head() (uint64, string) {
	if len(b.records) == 0 {
		return 0, canonical.Hash([]byte("enrolment"))
	}
	r := b.records[len(b.records)-1]
	return r.Seq, r.Hash
}

func (b *book) Epoch() uint64 { return b.epoch }

func (b *book) append(d journal.Draft) error {
	body, err := json.Marshal(d.Body)
	if err != nil {
		return err
	}
	return b.appendRaw(d, body)
}

func (b *book) appendRaw(d journal.Draft, body json.RawMessage) error {
	seq, prev := b.Head()
	r := journal.Record{V: 1, Terminal: terminalID, Epoch: b.epoch, Seq: seq + 1, Prev: prev, Kind: d.Body.Kind(), Wall: b.now().UnixMilli(),
		Mono: b.now().Sub(noon).Milliseconds(), Boot: "boot", Sync: "synced", Visit: d.Visit, Key: d.Key, Body: body}
	if _, err := journal.Seal(&r); err != nil {
		return err
	}
	b.records = append(b.records, r)
	return b.apply(r)
}

// rig is a terminal's central room, the wire and central, in one thread and in
// virtual time.
type rig struct {
	tb
	now     time.Time
	seed    uint64
	book    *book
	courier *central.Courier
	client  *central.Client
	server  *server.Server
	path    string
	probe   func(step string)

	portal  *central.Client // what answers in central's place
	instead *http.Response

	// fate decides what becomes of a request; nil means nothing happens to it.
	fate func(call central.Call) fate

	events  []event
	wake    time.Time
	answers []central.Answer
	acked   uint64
	calls   []central.Call // all that were asked for
	life    int            // counts restarts of the terminal
}

type event struct {
	at time.Time
	do func()
}

// fate of a request on its way.
type fate struct {
	loseRequest bool
	loseAnswer  bool
	twice       bool          // it arrives once more, after
	delay       time.Duration // on the way there
	after       time.Duration // of the second arrival
	back        time.Duration // of the answer
	instead     *http.Response
}

func newRig(t tb, seed uint64) (*rig, func()) {
	dir, err := os.MkdirTemp("/dev/shm", "central")
	if err != nil {
		if dir, err = os.MkdirTemp("", "central"); err != nil {
			t.Fatalf("%v", err)
		}
	}
	r := &rig{tb: t, now: noon, seed: seed, path: filepath.Join(dir, "central.db"), probe: func(string) {}}
	r.openServer()
	r.book = &book{epoch: 1, now: func() time.Time { return r.now }, apply: func(rec journal.Record) error { return r.courier.Apply(rec) }}
	r.portal, err = central.NewClient("http://central.invalid", terminalID, roundTrip(func(*http.Request) (*http.Response, error) { return r.instead, nil }), r.book)
	r.must(err)
	r.newTerminal()
	return r, func() { r.server.Close(); os.RemoveAll(dir) }
}

func (r *rig) openServer() {
	s, err := server.Open(r.path, server.Options{Demo: true, Now: func() time.Time { return r.now }, Probe: func(step string) { r.probe(step) },
		Sleep: func(context.Context, time.Duration) error { return nil }})
	if err != nil {
		r.Fatalf("open central: %v", err)
	}
	r.server = s
}

// died is what the probe panics with to kill central.
type died struct{}

// ServeHTTP is central behind its wire: when it dies in the middle of a request it
// is started again, and the request has no answer.
func (r *rig) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	defer func() {
		if p := recover(); p == (died{}) {
			if err := r.server.Close(); err != nil {
				r.Fatalf("close central: %v", err)
			}
			r.openServer()
			panic(http.ErrAbortHandler)
		} else if p != nil {
			panic(p)
		}
	}()
	r.server.ServeHTTP(w, req)
}

func (r *rig) newCourier() *central.Courier {
	return central.NewCourier(central.CourierConfig{Terminal: terminalID}, rand.NewChaCha8([32]byte{byte(r.seed), byte(r.seed >> 8), byte(r.seed >> 16), byte(r.life)}))
}

func (r *rig) newTerminal() {
	r.life++
	r.courier = r.newCourier()
	var err error
	if r.client, err = central.NewClient("http://central.invalid", terminalID, &centraltest.Transport{Handler: r}, r.book); err != nil {
		r.Fatalf("%v", err)
	}
}

// restart kills the terminal and starts it again from its records: through a
// checkpoint after record at, if at is not 0. What was under way is not heard of.
func (r *rig) restart(at uint64) {
	r.newTerminal()
	records := r.book.records
	if at > 0 {
		before := r.newCourier()
		for _, rec := range records[:at] {
			r.must(before.Apply(rec))
		}
		saved, err := before.Save()
		r.must(err)
		r.must(r.courier.Load(saved))
		records = records[at:]
	}
	for _, rec := range records {
		r.must(r.courier.Apply(rec))
	}
	r.start()
}

func (r *rig) start() { r.take(r.courier.Start(r.now)) }

func (r *rig) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatalf("%v", err)
	}
}

func (r *rig) schedule(at time.Time, do func()) {
	i, _ := slices.BinarySearchFunc(r.events, at, func(e event, t time.Time) int {
		if e.at.After(t) {
			return 1
		}
		return -1
	})
	r.events = slices.Insert(r.events, i, event{at, do})
}

// write is what another room writes: records, and then the courier is told.
func (r *rig) write(drafts ...journal.Draft) {
	for _, d := range drafts {
		r.must(r.book.append(d))
	}
	head, _ := r.book.Head()
	r.take(r.courier.Appended(r.now, head))
}

// take carries out what the courier wants, as the terminal does.
func (r *rig) take(o central.Out) {
	r.wake = o.Wake
	if o.Acked > 0 {
		if o.Acked <= r.acked && r.life == 1 {
			r.Fatalf("acknowledged %d after %d", o.Acked, r.acked)
		}
		r.acked = max(r.acked, o.Acked)
	}
	r.answers = append(r.answers, o.Answers...)
	if len(o.Write) > 0 {
		for _, d := range o.Write {
			r.must(r.book.append(d))
		}
	}
	for _, c := range o.Calls {
		r.send(c)
	}
	if len(o.Write) > 0 {
		head, _ := r.book.Head()
		r.take(r.courier.Appended(r.now, head))
	}
}

// send gives a call to the wire.
func (r *rig) send(c central.Call) {
	r.calls = append(r.calls, c)
	var f fate
	if r.fate != nil {
		f = r.fate(c)
	}
	life, client := r.life, r.client
	reply := func(at time.Time, a central.Reply) {
		a.ID = c.ID
		r.schedule(at, func() {
			if life == r.life {
				r.take(r.courier.Reply(r.now, a))
			}
		})
	}
	deadline := r.now.Add(c.Timeout)
	if f.twice {
		r.schedule(r.now.Add(f.delay+f.after), func() { client.Do(context.Background(), c) })
	}
	if f.loseRequest {
		reply(deadline, central.Reply{Class: central.ReplyNone, Problem: central.CauseTimeout})
		return
	}
	r.schedule(r.now.Add(f.delay), func() {
		a := r.exchange(client, c, f)
		at := r.now.Add(f.back)
		if f.loseAnswer || at.After(deadline) {
			a, at = central.Reply{Class: central.ReplyNone, Problem: central.CauseTimeout}, deadline
			if at.Before(r.now) {
				at = r.now
			}
		}
		reply(at, a)
	})
	if f.delay > c.Timeout { // given up before it arrives
		reply(deadline, central.Reply{Class: central.ReplyNone, Problem: central.CauseTimeout})
	}
}

// exchange is one request and its answer; with an answer instead, central is never
// reached.
func (r *rig) exchange(client *central.Client, c central.Call, f fate) central.Reply {
	if f.instead == nil {
		return client.Do(context.Background(), c)
	}
	instead := *f.instead
	body, err := io.ReadAll(f.instead.Body)
	r.must(err)
	f.instead.Body = io.NopCloser(bytes.NewReader(body))
	instead.Body = io.NopCloser(bytes.NewReader(body))
	r.instead = &instead
	return r.portal.Do(context.Background(), c)
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// answered is an answer that central did not give.
func answered(status int, media, body string, header ...string) *http.Response {
	h := http.Header{"Content-Type": {media}}
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}
}

// run lets time pass up to t.
func (r *rig) run(t time.Time) {
	for range 200_000 {
		next, tick := t, false
		if !r.wake.IsZero() && !r.wake.After(next) {
			next, tick = r.wake, true
		}
		if len(r.events) > 0 && !r.events[0].at.After(next) {
			e := r.events[0]
			r.events = r.events[1:]
			if e.at.After(r.now) {
				r.now = e.at
			}
			e.do()
			continue
		}
		if next.After(r.now) {
			r.now = next
		}
		if !tick {
			return
		}
		r.take(r.courier.Tick(r.now))
	}
	r.Fatalf("the courier does not come to rest (wake %v, now %v)", r.wake, r.now)
}

func (r *rig) pass(d time.Duration) { r.run(r.now.Add(d)) }

func (r *rig) state() centralapi.State {
	st, err := r.server.State()
	r.must(err)
	return st
}

// payment is what the visit writes when somebody pays.
func payment(visit, key, number string, amount money.Amount) journal.Draft {
	commission := money.New(50, money.AZN)
	body, err := json.Marshal(map[string]any{"notification_number": number, "amount": amount, "commission": commission,
		"received": amount.Add(commission), "reference": "R-" + visit, "paid_at": "2026-03-02T08:00:00Z"})
	if err != nil {
		panic(err)
	}
	return journal.Draft{Visit: visit, Key: key, Body: record.PaymentIntent{Action: "notification.pay", Service: "pay.notification",
		Amount: amount, Commission: commission, Received: amount.Add(commission), Reference: "R-" + visit, Body: body}}
}

// results are the results in the journal by key; more than one is an error.
func (r *rig) results() map[string]record.ActionResult {
	out := map[string]record.ActionResult{}
	for _, rec := range r.book.records {
		if rec.Kind != (record.ActionResult{}).Kind() {
			continue
		}
		if _, twice := out[rec.Key]; twice {
			r.Fatalf("key %s has two results", rec.Key)
		}
		var b record.ActionResult
		r.must(json.Unmarshal(rec.Body, &b))
		out[rec.Key] = b
	}
	return out
}

func (r *rig) callsOf(kinds ...central.CallKind) (out []string) {
	for _, c := range r.calls {
		if slices.Contains(kinds, c.Kind) {
			out = append(out, string(c.Kind))
		}
	}
	return out
}

func keyOf(n int) string { return fmt.Sprintf("key-%08d", n) }
