//go:build faultpoints

package simulator

import (
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/till"
	"github.com/asan-kiosk/kiosk/drivers/bench/validator"
	"github.com/asan-kiosk/kiosk/drivers/faultpoint"
	"github.com/asan-kiosk/kiosk/drivers/money"
)

var tenManat = money.Manat(10)

// The canonical story: 25.40 AZN with three notes, 0.60 left over.
func payment(seed uint64) Story {
	return Story{Seed: seed, Number: "200000001", Notes: []int64{20, 5, 1}, Finish: "finish"}
}

// Raw frames that somebody else's controller may have sent while ours was dead
// (protocols/cash-ccnet.md section 3).
var (
	rawEnableNoEscrow = []byte{0x02, 0x03, 0x0C, 0x34, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0xB5, 0xC1}
	rawStack          = []byte{0x02, 0x03, 0x06, 0x35, 0xEC, 0xE4}
	rawPoll           = []byte{0x02, 0x03, 0x06, 0x33, 0xDA, 0x81}
	rawAck            = []byte{0x02, 0x03, 0x06, 0x00, 0xC2, 0x82}
)

// raw puts frames on the validator's line, one each 40 ms.
func (s *Sim) raw(at time.Duration, frames ...[]byte) {
	for i, f := range frames {
		s.after(at+time.Duration(i)*40*time.Millisecond, 0, func() { s.device(s.validator.Receive(s.now, f)) })
	}
}

// byTheBook is one story for each row of the recovery tables that needs a hand.
func byTheBook() []Story {
	p := func(f func(*Story)) Story {
		s := payment(1)
		f(&s)
		return s
	}
	at := func(point string, revive time.Duration, more func(*Story)) Story {
		return p(func(s *Story) {
			s.KillPoint, s.KillHit, s.Revive = point, 1, revive
			if more != nil {
				more(s)
			}
		})
	}
	snatch := func(s *Story) { s.Finish = "snatch" }
	insert := func(s *Sim) { _ = s.do(validator.Insert{Value: tenManat}) }
	stackSelf := func(s *Sim) {
		s.raw(0, rawEnableNoEscrow)
		s.after(200*time.Millisecond, 0, func() { insert(s) })
	}
	cut := func(after, back time.Duration) func(s *Sim) {
		return func(s *Sim) {
			s.after(after, 0, func() { _ = s.do(validator.PowerOff{}) })
			s.after(after+back, 0, func() { _ = s.do(validator.PowerOn{}) })
		}
	}
	both := func(fs ...func(*Sim)) func(*Sim) {
		return func(s *Sim) {
			for _, f := range fs {
				f(s)
			}
		}
	}
	jam := func(q validator.Quality) func(*Story) { return func(s *Story) { s.Quality = q } }
	const quick, soon, late = 150 * time.Millisecond, 2 * time.Second, 15 * time.Second
	return []Story{
		// 10.3
		at("visit.moved", soon, nil),
		p(func(s *Story) { // killed while the unit waits, a note is pushed in
			s.KillPoint, s.KillHit, s.Revive = "journal.store-committed", 14, soon
			s.Meanwhile = insert
		}),
		p(func(s *Story) { // a unit that stacks by itself, as another controller may have left it
			s.KillPoint, s.KillHit, s.Revive = "visit.moved", 2, 4*time.Second
			s.Meanwhile = stackSelf
		}),
		at("till.escrow.recorded", quick, nil),
		at("till.escrow.recorded", late, nil),
		at("till.escrow.recorded", late, func(s *Story) { s.Quirks.NoCounter = true }),
		at("till.escrow.recorded", soon, func(s *Story) { s.Meanwhile = func(s *Sim) { s.raw(0, rawStack) } }),
		at("till.stack-intent.recorded", quick, nil),
		at("till.stack-intent.recorded", late, nil),
		at("ccnet.stack.after-send", quick, nil),
		at("ccnet.stack.after-send", soon, nil),
		at("ccnet.stack.after-send", soon, func(s *Story) {
			s.Meanwhile = func(s *Sim) { s.raw(1300*time.Millisecond, rawPoll, rawAck, rawPoll) }
		}),
		at("ccnet.stack.after-send", soon, func(s *Story) {
			s.Quirks.NoCounter = true
			s.Meanwhile = func(s *Sim) { s.raw(1300*time.Millisecond, rawPoll, rawAck, rawPoll) }
		}),
		at("ccnet.stack.after-send", soon, jam(validator.QualityJamStacker)),
		at("till.stacked.recorded", quick, nil),
		at("till.stacked.confirmed", soon, nil),
		at("ccnet.stacked.after-ack", soon, nil),
		at("till.return-intent.recorded", quick, snatch),
		at("till.return-intent.recorded", late, snatch),
		at("till.return-intent.recorded", soon, func(s *Story) { snatch(s); s.Meanwhile = func(s *Sim) { s.raw(0, rawStack) } }),
		// 10.4
		p(func(s *Story) {
			s.KillPoint, s.KillHit, s.Revive = "visit.moved", 2, 4*time.Second
			s.Meanwhile = both(stackSelf, cut(3*time.Second, time.Second))
		}),
		p(func(s *Story) { // a jam, then the power goes
			s.Quality, s.Prepare = validator.QualityJamStacker, cut(35*time.Second, time.Second)
		}),
		p(func(s *Story) {
			s.Quality, s.Prepare, s.Finish = validator.QualityJamReturn, cut(35*time.Second, time.Second), "snatch"
		}),
		p(func(s *Story) { // a jam, and an attendant frees it
			s.Quality = validator.QualityJamStacker
			s.Prepare = func(s *Sim) {
				s.after(40*time.Second, 0, func() { _ = s.do(validator.ClearJam{To: validator.PlaceHand, Report: true}) })
			}
		}),
		p(func(s *Story) {
			s.Quality = validator.QualityJamStacker
			s.Prepare = func(s *Sim) {
				s.after(40*time.Second, 0, func() { _ = s.do(validator.ClearJam{To: validator.PlaceCassette, Report: true}) })
			}
		}),
		at("till.stacked.recorded", soon, func(s *Story) { // one copy of the journal is gone
			s.Meanwhile = func(s *Sim) { _ = os.Remove(filepath.Join(s.dir, "journal", "store.db")) }
		}),
		at("till.escrow.recorded", soon, func(s *Story) { s.Meanwhile = cut(0, time.Second) }),
		at("ccnet.stack.after-send", soon, func(s *Story) { s.Meanwhile = cut(100*time.Millisecond, time.Second) }),
		at("ccnet.stack.after-send", soon, func(s *Story) { s.Meanwhile = cut(600*time.Millisecond, time.Second) }),
		at("ccnet.stack.after-send", 4*time.Second, func(s *Story) {
			s.Quirks.PendingPowerUp10 = true
			s.Meanwhile = cut(1500*time.Millisecond, time.Second)
		}),
		at("ccnet.stack.after-send", 4*time.Second, func(s *Story) {
			s.Quirks.PendingPowerUp10, s.Quirks.ForgetsStacked = true, true
			s.Meanwhile = cut(1500*time.Millisecond, time.Second)
		}),
		at("till.stacked.recorded", 4*time.Second, func(s *Story) { s.Meanwhile = cut(0, time.Second) }),
		at("till.stacked.recorded", 4*time.Second, func(s *Story) { s.Quirks.PendingPowerUp10 = true; s.Meanwhile = cut(0, time.Second) }),
		at("till.return-intent.recorded", 4*time.Second, func(s *Story) { snatch(s); s.Meanwhile = cut(0, time.Second) }),
		at("ccnet.stack.after-send", 6*time.Second, func(s *Story) {
			s.Quality = validator.QualityJamStacker
			s.Meanwhile = cut(3*time.Second, time.Second)
		}),
	}
}

// Report is what a campaign found.
type Report struct {
	Stories  int
	Hits     map[string]int
	Rows     map[string]int
	Deaths   int
	Problems []string
}

func (r *Report) add(res Result) {
	r.Stories++
	r.Deaths += res.Deaths
	for k, n := range res.Hits {
		r.Hits[k] += n
	}
	for k, n := range res.Rows {
		r.Rows[k] += n
	}
	if res.Problem != "" {
		r.Problems = append(r.Problems, fmt.Sprintf("story %+v: %s", describe(res.Story), res.Problem))
	}
}

func describe(s Story) string {
	return fmt.Sprintf("{seed %d number %s notes %v %s kill %d %s:%d dead %v cut %d back %v lose %d/%d quality %q quirks %+v powerloss %v by hand %v}",
		s.Seed, s.Number, s.Notes, s.Finish, s.KillAt, s.KillPoint, s.KillHit, s.Revive, s.CutAt, s.Back, s.LoseBefore, s.LoseAfter, s.Quality,
		s.Quirks, s.PowerLoss, s.Meanwhile != nil || s.Prepare != nil)
}

// Campaign runs the crash campaign: every fault point, every frame, every row of
// the tables, and as many random stories from seed on.
// A share above zero ends the random stories when that much time has passed.
func (e *Env) Campaign(seed uint64, random int, share time.Duration) (Report, error) {
	began := time.Now()
	r := Report{Hits: map[string]int{}, Rows: map[string]int{}}
	base, err := e.Tell(payment(1))
	if err != nil {
		return r, err
	}
	r.add(base)
	var stories []Story
	hits := 0
	for _, n := range base.Hits {
		hits += n
	}
	for i := 1; i <= hits; i++ {
		for _, lossy := range []bool{false, true} {
			s := payment(1)
			s.KillAt, s.PowerLoss, s.Strict = i, lossy, true
			s.Quirks.NoCounter = i%2 == 0
			stories = append(stories, s)
		}
	}
	for _, q := range []validator.Quirks{{}, {NoCounter: true}, {PendingPowerUp10: true, AfterReturn: validator.AfterReturnSilent}} {
		for i := 1; i <= base.Frames; i++ {
			s := payment(1)
			s.CutAt, s.Quirks = i, q
			stories = append(stories, s)
		}
	}
	snatched := payment(1)
	snatched.Finish = "snatch"
	first, err := e.Tell(snatched)
	if err != nil {
		return r, err
	}
	r.add(first)
	for i := 1; i <= first.Frames; i++ {
		s := snatched
		s.CutAt = i
		stories = append(stories, s)
	}
	stories = append(stories, byTheBook()...)
	for _, s := range stories {
		res, err := e.Tell(s)
		if err != nil {
			return r, err
		}
		r.add(res)
	}
	for i := 0; i < random && (share == 0 || time.Since(began) < share); i++ {
		res, err := e.Tell(Random(seed + uint64(i)))
		if err != nil {
			return r, err
		}
		r.add(res)
	}
	return r, nil
}

// Mutant tells the killing stories until one of them finds the planted mistake,
// and returns what was found, or "".
func (e *Env) Mutant() (string, error) {
	base, err := e.Tell(payment(1))
	if err != nil || base.Problem != "" {
		return base.Problem, err
	}
	hits := 0
	for _, n := range base.Hits {
		hits += n
	}
	for i := 1; i <= hits; i++ {
		s := payment(1)
		// Without a counter the unit gives no second chance to a lost note.
		s.KillAt, s.Strict, s.Quirks.NoCounter = i, true, true
		res, err := e.Tell(s)
		if err != nil || res.Problem != "" {
			return res.Problem, err
		}
	}
	return "", nil
}

// Print writes the report and returns how much is missing from it: discrepancies,
// fault points that were never reached, rows that were never walked.
func (r Report) Print(w io.Writer) (missing int) {
	fmt.Fprintf(w, "stories %d, deaths of the daemon %d\n\nhits per fault point:\n", r.Stories, r.Deaths)
	for _, p := range faultpoint.Names() {
		fmt.Fprintf(w, "  %7d  %s\n", r.Hits[p], p)
		if r.Hits[p] == 0 {
			missing++
		}
	}
	fmt.Fprintf(w, "\nrows of the recovery tables (records written under each):\n")
	for _, row := range till.Rows() {
		fmt.Fprintf(w, "  %7d  %s\n", r.Rows[row], row)
		if r.Rows[row] == 0 {
			missing++
		}
	}
	for _, row := range slices.Sorted(maps.Keys(r.Rows)) {
		if !slices.Contains(till.Rows(), row) {
			fmt.Fprintf(w, "  %7d  %s (not in the tables)\n", r.Rows[row], row)
		}
	}
	fmt.Fprintf(w, "\ndiscrepancies between cassette, journal and central: %d\n", len(r.Problems))
	for i, p := range r.Problems {
		if i == 20 {
			fmt.Fprintf(w, "  ... and %d more\n", len(r.Problems)-i)
			break
		}
		fmt.Fprintf(w, "  %s\n", p)
	}
	return missing + len(r.Problems)
}
