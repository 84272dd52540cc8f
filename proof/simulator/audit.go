//go:build faultpoints

package simulator

import (
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/catalogue"
	"github.com/asan-kiosk/kiosk/daemon/central"
	"github.com/asan-kiosk/kiosk/daemon/journal/record"
	"github.com/asan-kiosk/kiosk/daemon/terminal"
	"github.com/asan-kiosk/kiosk/drivers/bench/paperprinter"
	"github.com/asan-kiosk/kiosk/drivers/bench/validator"
	"github.com/asan-kiosk/kiosk/drivers/faultpoint"
	"github.com/asan-kiosk/kiosk/drivers/money"
	"github.com/asan-kiosk/kiosk/provisioning/centralapi"
	"github.com/asan-kiosk/kiosk/provisioning/centrald/server"
)

// Env is what all stories share.
type Env struct {
	Bundle *catalogue.Bundle
}

func (e *Env) newSim(story Story) (*Sim, error) {
	dir, err := tempDir()
	if err != nil {
		return nil, err
	}
	s := &Sim{now: epoch, rng: rand.New(rand.NewPCG(story.Seed, 1)), dir: dir, hits: map[string]int{}, bundle: e.Bundle,
		key: ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))}
	s.network.handler, s.closeCentral, err = openCentral(dir, func() time.Time { return s.now })
	if err != nil {
		return nil, err
	}
	cfg := validator.DefaultConfig()
	cfg.Quirks = story.Quirks
	s.validator = validator.New(cfg, story.Seed)
	s.printer = paperprinter.New(paperprinter.DefaultConfig(), story.Seed)
	faultpoint.SetHook(s.hit)
	return s, nil
}

func (s *Sim) close() {
	faultpoint.SetHook(nil)
	if s.d != nil && s.d.journal != nil {
		s.d.journal.Abandon()
	}
	s.closeCentral()
	_ = os.RemoveAll(s.dir)
}

// Trace, if set, is written every record of every story: for looking into one.
var Trace io.Writer

// audit compares the cassette, the journal and central. "" means they agree.
func (s *Sim) audit(res *Result, settled bool) string {
	var wrong []string
	say := func(format string, a ...any) { wrong = append(wrong, fmt.Sprintf(format, a...)) }
	if s.d == nil {
		return "the daemon does not live"
	}
	if !settled {
		say("not settled in time: visit %v, step %s, notes %+v, acked %d of %d", s.d.term.InVisit(), s.shown.Visit.Step,
			s.d.term.Ledger().Notes(), s.acked(), s.d.head())
	}
	l := s.d.term.Ledger()
	eq := l.Equation()
	if !eq.Holds() {
		say("the equation does not hold: %s", eq)
	}
	// The cassette is the witness.
	w := s.validator.World()
	for _, n := range w.Notes()[validator.PlaceCassette] {
		if n.Kind == validator.KindCoupon && res.Story.Meanwhile == nil {
			say("coupon %s was stacked", n.Serial)
		}
	}
	inside := validator.Total(w.Notes()[validator.PlaceCassette], money.AZN)
	var stacked int64
	var line struct{ posted, commission, leftover, unassigned, held, pending int64 }
	for _, t := range eq.Total {
		stacked += t.Stacked
		line.posted, line.commission, line.leftover = line.posted+t.Posted, line.commission+t.Commission, line.leftover+t.Leftover
		line.unassigned, line.held, line.pending = line.unassigned+t.Unassigned, line.held+t.Held, line.pending+t.Pending
	}
	res.Inside, res.Stacked = inside, money.New(stacked, money.AZN)
	// Whoever opens the cassette can settle every doubt, and then nothing is missing.
	var doubts []int64
	for _, n := range l.Doubts() {
		doubts = append(doubts, n.Note.Value.Minor)
	}
	if !sumOfSome(doubts, inside.Minor-stacked) {
		say("the cassette holds %s, the journal says %s, and the notes in doubt are %d", inside, res.Stacked, doubts)
	}
	if res.Story.Strict && inside.Minor != stacked {
		say("the cassette holds %s, the journal says %s, and no unit has failed", inside, res.Stacked)
	}
	if on := s.validator.State().Enabled; len(on) > 0 {
		say("the unit takes notes of types %v although nobody is here", on)
	}
	if line.held != 0 {
		say("%d is held although nobody is here", line.held)
	}
	if line.pending != 0 {
		say("%d is pending although central answers", line.pending)
	}
	if n := int(w.Inserted); n != len(w.Notes()[validator.PlaceCassette])+len(w.Notes()[validator.PlaceHand])+len(w.Notes()[validator.PlaceSlot]) {
		say("%d notes were put in, but they lie %v", n, w.Notes())
	}
	s.auditJournal(res, say)
	s.auditCentral(line.posted, line.commission, stacked, say)
	return strings.Join(wrong, "; ")
}

// sumOfSome reports whether some of the values, or none, add up to the sum.
func sumOfSome(values []int64, sum int64) bool {
	if sum == 0 || len(values) == 0 {
		return sum == 0
	}
	return sumOfSome(values[1:], sum) || sumOfSome(values[1:], sum-values[0])
}

// auditJournal reads every record: the chain, the folds, and what was done once.
func (s *Sim) auditJournal(res *Result, say func(string, ...any)) {
	fresh := terminal.NewFolds(central.NewCourier(central.CourierConfig{Terminal: terminalID}, source{s.rng}))
	from, credited, ended := uint64(1), map[string]int{}, map[string]int{}
	copies := map[string]int{}    // of a job
	slips := map[string]int{}     // printed of each copy, the original being 0
	doubtful := map[string]bool{} // of each, whether one may have come out already
	intents := map[string]int{}
	for {
		recs, err := s.d.journal.Read(from, 500)
		if err != nil {
			say("the journal cannot be read: %v", err)
			return
		}
		if len(recs) == 0 {
			break
		}
		for _, r := range recs {
			if Trace != nil {
				fmt.Fprintf(Trace, "%8.3f %4d %-22s %s\n", float64(r.Wall-epoch.UnixMilli())/1000, r.Seq, r.Kind, r.Body)
			}
			for _, f := range fresh.List() {
				if err := f.Apply(r); err != nil {
					say("record %d: %v", r.Seq, err)
				}
			}
			var b struct {
				NoteID  string `json:"note_id"`
				Row     string `json:"row"`
				JobID   string `json:"job_id"`
				Copy    int    `json:"copy"`
				Verdict string `json:"verdict"`
			}
			_ = json.Unmarshal(r.Body, &b)
			if strings.HasPrefix(b.Row, "10.") {
				row, _, _ := strings.Cut(b.Row, " counter")
				res.Rows[row]++
			}
			switch r.Kind {
			case record.NoteStacked{}.Kind():
				credited[b.NoteID]++
			case record.PaymentIntent{}.Kind():
				intents[r.Visit]++
			case record.SlipQueued{}.Kind():
				copies[b.JobID] = b.Copy
			case record.SlipVerdict{}.Kind():
				which := fmt.Sprintf("copy %d of visit %s", copies[b.JobID], r.Visit)
				if doubtful[which] {
					say("%s was printed once more, though one had come out or may have", which)
				}
				if b.Verdict == "printed" {
					slips[which]++
				}
				doubtful[which] = b.Verdict != "not_printed"
			case record.VisitEnded{}.Kind():
				ended[r.Visit]++
			}
			from = r.Seq + 1
		}
	}
	for id, n := range credited {
		if n > 1 {
			say("note %s was credited %d times", id, n)
		}
	}
	for v, n := range intents {
		if n > 1 {
			say("visit %s posted %d times", v, n)
		}
	}
	printed := 0
	for _, n := range slips {
		printed += n
	}
	if printed > s.slips {
		say("the journal says %d slips were printed, %d came out", printed, s.slips)
	}
	for i, f := range fresh.List() {
		want, _ := f.Save()
		got, _ := s.d.folds.List()[i].Save()
		if !sameJSON(want, got) {
			say("fold %s differs from the records: %s, rebuilt %s", f.Name(), got, want)
		}
	}
}

func sameJSON(a, b []byte) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}

func (s *Sim) auditCentral(posted, commission, stacked int64, say func(string, ...any)) {
	var c centralapi.State
	if err := s.central(&c); err != nil {
		say("%v", err)
		return
	}
	var paid, fee int64
	for _, p := range c.Payments {
		paid += p.Amount.Minor
		fee += p.Commission.Minor
	}
	if paid != posted || fee != commission {
		say("central was paid %d + %d, the journal says %d + %d", paid, fee, posted, commission)
	}
	for _, t := range c.Terminals {
		for _, l := range t.Ledger {
			if l.Stacked != stacked || l.Posted != posted || l.Commission != commission {
				say("central's ledger of the records says %+v, the journal stacked %d posted %d + %d", l, stacked, posted, commission)
			}
		}
	}
	for _, i := range c.Incidents {
		say("central opened an incident: %+v", i)
	}
}

// openCentral opens central on a store in dir, with the world's clock.
func openCentral(dir string, now func() time.Time) (http.Handler, func(), error) {
	s, err := server.Open(filepath.Join(dir, "central.db"), server.Options{Demo: true, Now: now})
	if err != nil {
		return nil, nil, err
	}
	return s, func() { _ = s.Close() }, nil
}
