package escpos

import (
	"time"

	"github.com/asan-kiosk/kiosk/drivers/faultpoint"
	"github.com/asan-kiosk/kiosk/drivers/printer"
)

var (
	atFirstByte    = faultpoint.New("escpos.before-first-byte")
	atBetweenBands = faultpoint.New("escpos.between-bands")
	atBeforeCut    = faultpoint.New("escpos.before-cut")
	atAfterCut     = faultpoint.New("escpos.after-cut")
	atVerdict      = faultpoint.New("escpos.before-verdict")
)

// phase is where a job stands.
type phase int

const (
	phasePreflight phase = iota // the status is asked afresh
	phasePreparing              // the printer is made ready
	phaseReady                  // Ready was told; waiting for Begin
	phaseSending
	phaseClosing // the last barrier is answered; is the status clean?
)

// job is the slip under way.
type job struct {
	printer.Job
	phase   phase
	limit   time.Time // for the whole job
	until   time.Time // for this phase; zero: only limit
	cleanAt time.Time // phaseClosing: the status is asked then; zero: it was

	sentAt time.Time // when the last barrier was on the line; zero: not yet

	touched bool // something of the job has been sent
	black   bool // something of a band has been sent
	rows    int  // confirmed
	doubt   bool // off-line for a reason that is being asked
}

// begun reports that bytes of the job go out or have gone out.
func (j *job) begun() bool { return j.phase >= phaseSending }

// due is when jobTimer has something to do.
func (j *job) due() time.Time {
	at := j.limit
	for _, t := range []time.Time{j.until, j.cleanAt} {
		if !t.IsZero() && t.Before(at) {
			at = t
		}
	}
	return at
}

// print takes up a job, or ends it at once.
func (m *Machine) print(j printer.Job) {
	no := func(cause string) {
		m.emit(printer.Finished{JobID: j.ID, Verdict: printer.NotPrinted, Cause: cause})
	}
	if m.job != nil {
		no(CauseBusy)
		return
	}
	if err := checkPicture(m.p, j.Picture); err != nil {
		no(CausePicture + ": " + err.Error())
		return
	}
	if !m.up || m.standing != standingOnline {
		no(CauseSilent)
		return
	}
	m.job = &job{Job: j, limit: m.now.Add(jobLimit), until: m.now.Add(prepareWait)}
	m.poll.ask()
}

// begin starts the sending.
func (m *Machine) begin(id string) {
	j := m.job
	if j == nil || j.phase != phaseReady || j.ID != id {
		return
	}
	j.phase, j.until = phaseSending, time.Time{}
	m.tx.queue = append(m.tx.queue, compile(m.p, j.Picture)...)
	atFirstByte.Hit()
}

// holding reports that the next item has to wait: the printer is off-line, and
// either that passes by itself or the reason is being asked.
func (m *Machine) holding() bool {
	return m.job != nil && m.job.begun() && m.seen.offline
}

// starts: the first byte of an item is about to go out.
func (m *Machine) starts(it *item) {
	j := m.job
	if j == nil || !j.begun() {
		return
	}
	j.touched, m.dirty = true, true
	switch {
	case it.kind == itemBand:
		if j.black {
			atBetweenBands.Hit()
		}
		j.black = true
	case it.kind == itemCut:
		atBeforeCut.Hit()
	case it.kind == itemBarrier && it.last:
		atAfterCut.Hit()
	}
}

// judge looks at the printer's condition on behalf of what is under way.
func (m *Machine) judge() {
	s := m.seen.status(m.stuck)
	if m.prep != nil && !m.seen.status(false).Fit() {
		m.prepAgain()
	}
	j := m.job
	if j == nil {
		return
	}
	switch j.phase {
	case phasePreflight:
		if !m.poll.complete() {
			return
		}
		if !s.Fit() {
			m.spoil(s.Cause)
			return
		}
		j.phase = phasePreparing
		m.poll.alive = m.poll.at
		m.set = m.set && m.prep != nil // the settings are made anew for every job
	case phasePreparing:
		switch {
		case !s.Fit():
			m.spoil(s.Cause)
		case m.prep == nil && !m.needsPrep():
			j.phase, j.until = phaseReady, m.now.Add(beginWait)
			m.emit(printer.Ready{JobID: j.ID})
		}
	case phaseReady:
		if !s.Fit() {
			m.spoil(s.Cause)
		}
	default:
		m.judgeBegun(j, s)
	}
}

// judgeBegun: a fault with a name ends the job; off-line without one is asked
// about first, and a hot head is waited for.
func (m *Machine) judgeBegun(j *job, s printer.Status) {
	switch {
	case m.seen.named():
		m.spoil(s.Cause)
	case m.seen.selfClearing:
		j.doubt = false
	case m.seen.offline:
		if !j.doubt {
			j.doubt = true
			m.poll.ask()
		} else if m.poll.complete() {
			m.spoil(CauseOffline)
		}
	case j.doubt:
		j.doubt = false
	case j.phase == phaseClosing && j.cleanAt.IsZero() && m.poll.complete():
		m.finish(printer.Printed, "")
	}
}

// jobConfirmed: all up to the barrier is on paper.
func (m *Machine) jobConfirmed(b *barrier) {
	j := m.job
	if j == nil {
		return
	}
	j.rows = b.rows
	if !b.last {
		m.emit(printer.Progress{JobID: j.ID, Rows: b.rows})
		return
	}
	j.phase = phaseClosing
	j.cleanAt = m.now
	if m.p.Barrier == printer.LevelC {
		j.cleanAt = m.now.Add(cleanTime)
	}
}

// jobTimer acts on time that has passed.
func (m *Machine) jobTimer() {
	j := m.job
	switch {
	case !m.now.Before(j.limit):
		m.spoil(CauseTooLong)
	case !j.until.IsZero() && !m.now.Before(j.until):
		if j.phase == phaseReady {
			m.spoil(CauseNotBegun)
		} else {
			m.spoil(CausePrepare)
		}
	case !j.cleanAt.IsZero() && !m.now.Before(j.cleanAt):
		j.cleanAt = time.Time{}
		m.poll.ask()
	}
}

// spoil ends a job that cannot be proved to be printed.
func (m *Machine) spoil(cause string) {
	m.prepAgain()
	m.breakOff()
	if m.job.touched && m.up {
		m.tx.urgent(m.p.ClearBuffer)
	}
	m.poll.ask()
	if m.job.black {
		m.finish(printer.Unknown, cause)
	} else {
		m.finish(printer.NotPrinted, cause)
	}
}

// finish gives the verdict.
func (m *Machine) finish(v printer.Verdict, cause string) {
	j := m.job
	if j.begun() {
		atVerdict.Hit()
	}
	m.job = nil
	ev := printer.Finished{JobID: j.ID, Verdict: v, Rows: j.rows, Cause: cause}
	if v == printer.Printed {
		m.dirty = false
		ev.Level = m.p.Barrier
	}
	m.emit(ev)
}
