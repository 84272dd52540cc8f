package uplink

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/central"
	"github.com/asan-kiosk/kiosk/daemon/journal"
	"github.com/asan-kiosk/kiosk/daemon/journal/record"
	"github.com/asan-kiosk/kiosk/daemon/uplink/cause"
	"github.com/asan-kiosk/kiosk/drivers/cash"
	"github.com/asan-kiosk/kiosk/drivers/money"
	"github.com/asan-kiosk/kiosk/provisioning/centralapi/canonical"
)

// book is a journal in memory.
type book struct {
	mu       sync.Mutex
	terminal string
	records  []journal.Record
}

func (b *book) Read(from uint64, most int) ([]journal.Record, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if from == 0 || from > uint64(len(b.records)) {
		return nil, nil
	}
	return slices.Clone(b.records[from-1 : min(len(b.records), int(from)-1+most)]), nil
}

func (b *book) Head() (uint64, string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.records) == 0 {
		return 0, canonical.Hash([]byte("enrolment"))
	}
	r := b.records[len(b.records)-1]
	return r.Seq, r.Hash
}

func (b *book) Epoch() uint64 { return 1 }

// post is the half of a terminal that speaks to central, as run drives it.
type post struct {
	w       *world
	book    *book
	courier *central.Courier
	client  *central.Client
	in      chan func()
	acked   uint64
	calls   int
	wg      sync.WaitGroup
	cancel  context.CancelFunc
}

func newPost(w *world) *post {
	p := &post{w: w, book: &book{terminal: w.id}, in: make(chan func(), 64)}
	p.courier = central.NewCourier(central.CourierConfig{Terminal: w.id}, rand.NewChaCha8([32]byte{1}))
	var err error
	if p.client, err = central.NewClient(central.UplinkBase, w.id, w.client().Transport, p.book); err != nil {
		w.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	p.wg.Go(func() { p.run(ctx) })
	return p
}

func (p *post) stop() {
	p.cancel()
	p.wg.Wait()
}

func (p *post) run(ctx context.Context) {
	wake := p.take(ctx, p.courier.Start(time.Now()))
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		wait := time.Hour
		if !wake.IsZero() {
			wait = max(0, time.Until(wake))
		}
		timer.Reset(wait)
		select {
		case f := <-p.in:
			f()
			head, _ := p.book.Head()
			wake = p.take(ctx, p.courier.Appended(time.Now(), head))
		case <-timer.C:
			wake = p.take(ctx, p.courier.Tick(time.Now()))
		case <-ctx.Done():
			return
		}
	}
}

// take carries out what the courier wants, as run does.
func (p *post) take(ctx context.Context, o central.Out) time.Time {
	p.append(o.Write...)
	if o.Acked > 0 {
		if o.Acked < p.acked {
			p.w.Errorf("acknowledged %d after %d", o.Acked, p.acked)
		}
		p.acked = o.Acked
	}
	for _, c := range o.Calls {
		p.calls++
		p.wg.Go(func() {
			r := p.client.Do(ctx, c)
			select {
			case p.in <- func() { p.later(ctx, r) }:
			case <-ctx.Done():
			}
		})
	}
	return o.Wake
}

func (p *post) later(ctx context.Context, r central.Reply) {
	p.take(ctx, p.courier.Reply(time.Now(), r))
}

func (p *post) append(drafts ...journal.Draft) {
	for _, d := range drafts {
		seq, prev := p.book.Head()
		body, err := json.Marshal(d.Body)
		if err != nil {
			p.w.Error(err)
			return
		}
		r := journal.Record{V: 1, Terminal: p.w.id, Epoch: 1, Seq: seq + 1, Prev: prev, Kind: d.Body.Kind(), Wall: time.Now().UnixMilli(),
			Boot: "boot", Sync: "synced", Visit: d.Visit, Key: d.Key, Body: body}
		if _, err := journal.Seal(&r); err != nil {
			p.w.Error(err)
			return
		}
		p.book.mu.Lock()
		p.book.records = append(p.book.records, r)
		p.book.mu.Unlock()
		if err := p.courier.Apply(r); err != nil {
			p.w.Error(err)
		}
	}
}

// do runs f among the terminal's own thoughts and waits for it.
func (p *post) do(f func()) {
	done := make(chan struct{})
	p.in <- func() { f(); close(done) }
	<-done
}

// pays is somebody who puts a note in, pays and goes: what the visit and the till
// write of it.
func (p *post) pays(visit, number string, minor int64) {
	amount, commission := money.New(minor, money.AZN), money.New(50, money.AZN)
	body, err := json.Marshal(map[string]any{"notification_number": number, "amount": amount, "commission": commission,
		"received": amount.Add(commission), "reference": "R-" + visit, "paid_at": "2000-01-01T00:00:00Z"})
	if err != nil {
		p.w.Fatal(err)
	}
	n := cash.Note{Value: amount.Add(commission)}
	p.do(func() {
		p.append(journal.Draft{Visit: visit, Body: record.NoteEscrowed{NoteID: visit, Note: n}},
			journal.Draft{Visit: visit, Body: record.NoteStacked{NoteID: visit, Note: n}},
			journal.Draft{Visit: visit, Key: "key-" + visit, Body: record.PaymentIntent{Action: "notification.pay", Service: "pay.notification",
				Amount: amount, Commission: commission, Received: amount.Add(commission), Reference: "R-" + visit, Body: body}})
	})
	time.Sleep(30 * time.Second)
	p.do(func() { p.append(journal.Draft{Visit: visit, Body: record.VisitEnded{Why: "finished"}}) })
}

// seen is how far central has acknowledged, and how many calls were made.
func (p *post) seen() (acked uint64, calls int) {
	p.do(func() { acked, calls = p.acked, p.calls })
	return acked, calls
}

func (p *post) results() map[string]record.ActionResult {
	out := map[string]record.ActionResult{}
	p.book.mu.Lock()
	defer p.book.mu.Unlock()
	for _, r := range p.book.records {
		if r.Kind != (record.ActionResult{}).Kind() {
			continue
		}
		var b record.ActionResult
		if _, twice := out[r.Key]; twice || json.Unmarshal(r.Body, &b) != nil {
			p.w.Errorf("%s has two results, or one that cannot be read", r.Key)
		}
		out[r.Key] = b
	}
	return out
}

// TestAnHour: each fault for an hour between a terminal and central, with people who
// pay. Money goes on being recorded, nothing that central does not hold is taken for
// acknowledged, no payment gets a result that central did not give, and central is
// not hammered. Afterwards everything is there, once.
func TestAnHour(t *testing.T) {
	identity := map[string]bool{"401": true, "403": true, "403 of a firewall": true, "a server that does not take our certificate": true}
	contract := map[string]bool{"404": true}
	// One record may travel as opaque bytes for having been called poison.
	poison := map[string]bool{"413": true, "422": true}
	for i, f := range faults() {
		// An hour costs seconds under the race detector, and one of megabytes a minute.
		if testing.Short() && (i%6 != 0 || f.name == "an answer without end") {
			continue
		}
		t.Run(f.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				defer w.stop()
				p := newPost(w)
				defer p.stop()
				p.pays("before", "123027172", 1800)
				time.Sleep(time.Minute)
				before, _ := p.book.Head()
				acked, calls := p.seen()
				if acked != before || len(p.results()) != 1 {
					t.Fatalf("acknowledged %d of %d before anything was wrong", acked, before)
				}

				f.begin(w)
				if f.fresh {
					w.cut()
				}
				p.pays("during", "200000001", 2540)
				time.Sleep(30 * time.Minute)
				p.pays("later", "200000015", 700)
				time.Sleep(30 * time.Minute)
				written, _ := p.book.Head()
				var h central.Health
				p.do(func() { h = p.courier.Health() })
				acked, now := p.seen()
				if acked != before || written != before+8 || len(p.results()) != 1 || h.Open != 2 || h.Unsent != 8 {
					t.Errorf("after an hour: acknowledged %d (before %d), written %d, %d results, health %+v", acked, before, written, len(p.results()), h)
				}
				if identity[f.name] != slices.Contains(h.Alarms, central.AlarmIdentity) || contract[f.name] && !slices.Contains(h.Alarms, central.AlarmContract) {
					t.Errorf("alarms %v", h.Alarms)
				}
				if !identity[f.name] && !contract[f.name] && !poison[f.name] && h.Online {
					t.Errorf("health %+v", h)
				}
				if f.cause != "" && f.cause != cause.Identity && h.Why != string(f.cause) {
					t.Errorf("central is away because of %q, want %q", h.Why, f.cause)
				}
				if n := now - calls; n > 800 {
					t.Errorf("%d calls in an hour", n)
				}

				f.end(w)
				time.Sleep(25 * time.Minute)
				head, hash := p.book.Head()
				st, err := w.server.State()
				if err != nil {
					t.Fatal(err)
				}
				results := p.results()
				acked, _ = p.seen()
				if acked != head || head != before+10 || len(st.Terminals) != 1 || st.Terminals[0].Head.Hash != hash || st.Terminals[0].Records != int64(head) {
					t.Errorf("afterwards: acknowledged %d of %d; central has %+v", acked, head, st.Terminals)
				}
				if len(st.Payments) != 3 || len(results) != 3 {
					t.Errorf("%d payments at central, %d results here", len(st.Payments), len(results))
				}
				for _, x := range st.Payments {
					if results[x.Key].Status != record.ActionDone {
						t.Errorf("central was paid %s, and the terminal says %q", x.Key, results[x.Key].Status)
					}
				}
				if q := st.Terminals[0].Quarantined; q > 1 || q == 1 && !poison[f.name] {
					t.Errorf("%d records as opaque bytes", q)
				} else if l := st.Terminals[0].Ledger["AZN"]; q == 0 && (!st.Terminals[0].Balanced || l.Posted != 1800+2540+700) {
					t.Errorf("ledger %+v", l)
				}
				p.do(func() { h = p.courier.Health() })
				if !h.Online || h.Open != 0 || len(h.Alarms) != 0 {
					t.Errorf("health afterwards %+v", h)
				}
			})
		})
	}
}
