//go:build faultpoints

package simulator

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/screen/wire"
	"github.com/asan-kiosk/kiosk/drivers/bench/validator"
	"github.com/asan-kiosk/kiosk/drivers/money"
)

var background = context.Background()

// Story is what happens in one run.
type Story struct {
	Seed   uint64
	Number string  // notification number that the person types
	Notes  []int64 // manat, or a coupon, put in one after another as long as money is missing
	// Finish is what the person does once the notes are in: "finish", "cancel",
	// "walk" (away), or "snatch" (cancels while the first note is being drawn in).
	Finish string
	// Copies is how often the person has the slip printed once more.
	Copies int

	// KillAt kills the daemon at the n-th hit of any fault point, counted from 1
	// over the whole story; 0 never. KillPoint and KillHit name a point instead.
	KillAt    int
	KillPoint string
	KillHit   int
	// CutAt cuts the validator's power at the n-th frame; Back is for how long.
	CutAt int
	Back  time.Duration
	// LoseBefore and LoseAfter lose the n-th request to central, before its work or
	// the answer after it.
	LoseBefore, LoseAfter int
	// Quirks and Prepare shape the unit before the story.
	Quirks  validator.Quirks
	Prepare func(s *Sim)
	// Meanwhile runs when the daemon has died, before it starts again.
	Meanwhile func(s *Sim)
	// Revive is how long the daemon stays dead; two seconds if zero.
	Revive time.Duration
	// Quality is how the notes behave in the unit; empty: good.
	Quality validator.Quality
	// Strict: nothing but the daemon dies, so no note may be in doubt afterwards.
	Strict bool
	// PowerLoss: with the daemon, what lies in the runtime folder is lost too.
	PowerLoss bool
}

// coupon among a story's notes is a barcode coupon.
const coupon int64 = 0

// person is somebody who does what the screen asks, as well as people can.
type person struct {
	s       *Sim
	story   Story
	notes   []int64
	started bool
	done    bool
	walked  bool
	lastTap string
	tapped  time.Time
	copies  int            // that they asked for
	ended   []wire.Outcome // what they were told
}

// look is the person looking at the screen, three times a second.
func (p *person) look() {
	s := p.s
	s.after(300*time.Millisecond, 0, p.look)
	if s.d == nil || p.done {
		return
	}
	st := s.shown
	v := st.Visit
	tap := func(name string, c wire.Command) {
		c.StepSeq = st.StepSeq
		what := fmt.Sprintf("%s %d %s", name, st.StepSeq, c.Value)
		if what == p.lastTap && s.now.Sub(p.tapped) < 3*time.Second {
			return
		}
		p.lastTap, p.tapped = what, s.now
		life := s.life
		s.after(s.hop(), life, func() {
			_ = s.d.term.Command(s.now, name, c) // a refused tap changes nothing; the person looks again
			s.rearm()
		})
	}
	if p.walked {
		if v.ID == "" {
			p.done = true
		}
		return
	}
	switch v.Step {
	case wire.StepAttract:
		if p.started {
			p.done = true
			return
		}
		if len(v.Services) > 0 && v.Services[0].Available {
			tap(wire.NameStart, wire.Command{Lang: wire.LangAz})
		}
	case wire.StepLanguage:
		tap(wire.NameLanguage, wire.Command{Lang: wire.LangEn})
	case wire.StepServices:
		if len(v.Services) > 0 && v.Services[0].Available {
			tap(wire.NameService, wire.Command{Service: v.Services[0].ID})
		}
	case wire.StepForm:
		p.started = true
		if v.Form.Fields[0].Value != p.story.Number {
			tap(wire.NameInput, wire.Command{Field: v.Form.Fields[0].Name, Value: p.story.Number})
		} else {
			tap(wire.NameNext, wire.Command{})
		}
	case wire.StepQuote, wire.StepPresent:
		tap(wire.NameNext, wire.Command{})
	case wire.StepPay:
		p.pay(st, tap)
	case wire.StepNotice, wire.StepFarewell:
		switch {
		case v.Wait != nil: // a copy is being printed
		case v.Outcome.Again != wire.AgainNo && p.copies < p.story.Copies:
			p.copies++
			tap(wire.NameSlipAgain, wire.Command{Key: fmt.Sprint("copy ", p.copies), Value: fmt.Sprint(p.copies)})
		default:
			p.ended = append(p.ended, *v.Outcome)
			tap(wire.NameNext, wire.Command{})
		}
	}
}

func (p *person) pay(st wire.State, tap func(string, wire.Command)) {
	m := st.Money
	switch {
	case p.story.Finish == "snatch" && m.Moving != nil:
		tap(wire.NameCancel, wire.Command{})
	case m.CanFinish && p.story.Finish != "walk":
		tap(wire.NameFinish, wire.Command{Key: fmt.Sprint(st.StepSeq)})
	case m.Open && m.Moving == nil && m.Missing.IsPositive() && len(p.notes) > 0:
		n := p.notes[0]
		var put validator.Action = validator.Insert{Value: money.Manat(n), Quality: p.story.Quality}
		if n == coupon {
			put = validator.InsertCoupon{}
		}
		if err := p.s.do(put); err == nil {
			p.notes = p.notes[1:]
		}
	case len(p.notes) == 0 && p.story.Finish == "cancel" && m.Moving == nil:
		tap(wire.NameCancel, wire.Command{})
	case len(p.notes) == 0 && p.story.Finish == "walk":
		p.walked = true
	case len(p.notes) == 0 && m.Moving == nil && p.s.now.Sub(p.tapped) > 20*time.Second:
		tap(wire.NameCancel, wire.Command{}) // out of notes: leave
	case m.InDoubt > 0 && p.s.now.Sub(p.tapped) > 20*time.Second:
		tap(wire.NameCancel, wire.Command{})
	}
}

// Result is what a story came to.
type Result struct {
	Story   Story
	Hits    map[string]int
	Rows    map[string]int
	Frames  int
	Deaths  int
	Took    time.Duration // of virtual time
	Told    []wire.Outcome
	Problem string // "" when all accounts agree
	Inside  money.Amount
	Stacked money.Amount
}

// Tell runs one story to its end, heals the world, and compares the accounts.
func (e *Env) Tell(story Story) (res Result, err error) {
	s, err := e.newSim(story)
	if err != nil {
		return res, err
	}
	defer s.close()
	p := &person{s: s, story: story, notes: append([]int64(nil), story.Notes...)}
	total, byPoint := 0, map[string]int{}
	fired := false
	s.killAt = func(point string) bool {
		total++
		byPoint[point]++
		if fired {
			return false
		}
		if (story.KillAt > 0 && total == story.KillAt) || (story.KillPoint == point && byPoint[point] == story.KillHit) {
			fired = true
			return true
		}
		return false
	}
	requests := 0
	s.network.lose = func(after bool) bool {
		if !after {
			requests++
			return requests == story.LoseBefore
		}
		return requests == story.LoseAfter
	}
	s.start()
	s.revive(story)
	p.look()
	s.device(s.validator.Tick(s.now))
	s.paper(s.printer.Tick(s.now))
	if story.Prepare != nil {
		story.Prepare(s)
	}
	s.watchFrames(story)
	// What a story has prepared happens within its first minute, also when the person
	// has gone by then: a note in doubt is still in the unit.
	least := epoch
	if story.Prepare != nil {
		least = epoch.Add(time.Minute)
	}
	s.run(20*time.Minute, func() bool { return p.done && s.d != nil && !s.d.term.InVisit() && !s.now.Before(least) })
	res = Result{Story: story, Hits: s.hits, Frames: s.frames, Deaths: s.deaths, Told: p.ended}
	s.heal()
	settled := s.run(15*time.Minute, s.settled)
	res.Took = s.now.Sub(epoch)
	res.Rows = map[string]int{}
	res.Problem = s.audit(&res, settled)
	return res, nil
}

// revive starts the daemon again some time after each death.
func (s *Sim) revive(story Story) {
	dead := story.Revive
	if dead == 0 {
		dead = 2 * time.Second
	}
	var since time.Time
	var watch func()
	watch = func() {
		if s.d != nil {
			since = time.Time{}
		} else if since.IsZero() {
			since = s.now
			if m := story.Meanwhile; m != nil {
				story.Meanwhile = nil
				m(s)
			}
		}
		if s.d == nil && s.now.Sub(since) >= dead {
			if story.PowerLoss {
				s.resume = nil
				s.boot++
			}
			s.start()
		}
		s.after(10*time.Millisecond, 0, watch)
	}
	s.after(0, 0, watch)
}

// watchFrames cuts the validator's power when its frame has passed.
func (s *Sim) watchFrames(story Story) {
	if story.CutAt == 0 {
		return
	}
	if err := s.do(validator.CutAtFrame{Frame: uint64(story.CutAt)}); err != nil {
		panic(err)
	}
	back := story.Back
	if back == 0 {
		back = 3 * time.Second
	}
	var watch func()
	watch = func() {
		if !s.validator.State().Power {
			s.after(back, 0, func() { _ = s.do(validator.PowerOn{}) })
			return
		}
		s.after(50*time.Millisecond, 0, watch)
	}
	watch()
}

// heal ends every fault: power, line and network are good from here on.
func (s *Sim) heal() {
	s.killAt = nil
	s.network.lose, s.network.down = nil, false
	_ = s.do(validator.ClearFaults{})
	_ = s.do(validator.Plug{})
	_ = s.do(validator.PowerOn{})
	_ = s.do(validator.ClearJam{To: validator.PlaceHand, Report: true})
	_ = s.do(validator.Take{})
}

// settled: nobody is here, nothing is open at central, the unit is at rest and
// central has the whole journal.
func (s *Sim) settled() bool {
	if s.d == nil || s.d.term.InVisit() {
		return false
	}
	l := s.d.term.Ledger()
	for _, v := range l.Equation().Visits {
		if !v.Pending.IsZero() {
			return false
		}
	}
	for _, n := range l.Notes() {
		if n.State != "in_doubt" && n.State != "stacked" {
			return false
		}
	}
	if !s.validator.State().Power || s.validator.World().Path != nil {
		return false
	}
	return s.acked() == s.d.head()
}

// acked is how far central has the journal.
func (s *Sim) acked() uint64 {
	return s.d.journal.Acked()
}

// Random makes a story from a seed: any faults, at any time.
func Random(seed uint64) Story {
	r := rand.New(rand.NewPCG(seed, 77))
	numbers := []string{"123027172", "123027180", "200000001", "200000015", "123027199", "123027202", "999999999"}
	st := Story{Seed: seed, Number: numbers[r.IntN(len(numbers))], Finish: []string{"finish", "finish", "finish", "cancel", "walk"}[r.IntN(5)]}
	for range r.IntN(8) {
		st.Notes = append(st.Notes, []int64{1, 5, 10, 20, 50, 100, 200, coupon}[r.IntN(8)])
	}
	if r.IntN(2) == 0 {
		st.KillAt = 1 + r.IntN(120)
		st.PowerLoss = r.IntN(3) == 0
	}
	if r.IntN(2) == 0 {
		st.CutAt = 1 + r.IntN(400)
		st.Back = time.Duration(1+r.IntN(12)) * time.Second
	}
	switch r.IntN(4) {
	case 0:
		st.LoseBefore = 1 + r.IntN(20)
	case 1:
		st.LoseAfter = 1 + r.IntN(20)
	}
	st.Quirks = validator.Quirks{PendingPowerUp10: r.IntN(4) == 0, NoCounter: r.IntN(3) == 0, ForgetsStacked: r.IntN(8) == 0,
		AfterReturn: []validator.AfterReturn{"", validator.AfterReturnRejected, validator.AfterReturnSilent}[r.IntN(3)],
		Above51:     []validator.Above51{"", "", validator.Above51Illegal, validator.Above51Silent}[r.IntN(4)]}
	if r.IntN(3) == 0 {
		n := r.IntN(6)
		st.Prepare = func(s *Sim) { _ = s.do(validator.LoseACK{Count: n}) }
	}
	if r.IntN(3) == 0 {
		st.Copies = 1 + r.IntN(2)
	}
	return st
}
