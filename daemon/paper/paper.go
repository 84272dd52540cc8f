// Package paper turns a document of the catalogue and its values into a slip on
// paper and a verdict in the journal. It owns the printer as the till owns the
// acceptor. The Desk is a state machine without clock, goroutine or I/O:
//
//	Print -> drawing (elsewhere) -> Drawn -> slip.queued -> printer's Ready ->
//	slip.sending -> Begin -> slip.progress ... -> slip.verdict
//
// A slip that has its verdict may be asked for again while its visit lasts (Again,
// PrintAgain): the same slip, as a copy that says so, or as the original where nothing
// of it has come out.
//
// "Sending" is durable before the first byte, so a restart knows the difference
// between a slip of which nothing was sent (it may be printed again) and one of
// which part may hang in the printer (it may not).
package paper

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/catalogue"
	"github.com/asan-kiosk/kiosk/daemon/journal"
	"github.com/asan-kiosk/kiosk/daemon/journal/record"
	"github.com/asan-kiosk/kiosk/drivers/faultpoint"
	"github.com/asan-kiosk/kiosk/drivers/printer"
)

var (
	atQueue   = faultpoint.New("paper.before-queued")
	atQueued  = faultpoint.New("paper.queued")
	atSending = faultpoint.New("paper.sending-recorded")
	atVerdict = faultpoint.New("paper.before-verdict")
	atDone    = faultpoint.New("paper.verdict-recorded")
)

// Request is one slip to be made.
type Request struct {
	ID       string // job id
	Visit    string
	Number   uint64 // the slip's number; printed on it, the same on its copies
	Copy     int    // 0: the original
	Why      string // of record.SlipQueued
	Document string // id in the catalogue
	Lang     string
	Values   Values
	Test     *TestPage // a test page instead of a document: no slip, no number
}

// Values fill a document: texts as they are to be read, already in the right
// digits; amounts stay amounts and are written in the language of their line.
type Values map[string]any // string, int64, money.Amount or Key

// Key is a value that is itself a text of the catalogue: it is looked up in the
// language of the line it stands in.
type Key string

// Job is a slip on its way, as the journal knows it.
type Job struct {
	ID       string          `json:"id"`
	Visit    string          `json:"visit"`
	Number   uint64          `json:"number"`
	Document string          `json:"document"`
	Copy     int             `json:"copy,omitempty"`
	Sending  bool            `json:"sending,omitempty"`
	Verdict  printer.Verdict `json:"verdict,omitempty"`
	Cause    string          `json:"cause,omitempty"`
}

// Causes the Desk itself gives to a verdict.
const (
	CauseNoPrinter      = "no printer"
	CauseDrawing        = "the slip could not be drawn"
	CauseRestartBefore  = "restarted before the first byte"
	CauseRestartSending = "restarted while sending"
	CauseSilent         = "the printer driver gave no verdict"
)

type deskState struct {
	Number uint64 `json:"number"`
	Last   *Job   `json:"last,omitempty"` // open until it has a verdict
}

// Log is the fold of the slips' records.
type Log struct{ s deskState }

// NewLog is the log of an empty journal.
func NewLog() *Log { return &Log{} }

// Name is "paper".
func (l *Log) Name() string { return "paper" }

// Save writes the state for a checkpoint.
func (l *Log) Save() (json.RawMessage, error) { return json.Marshal(l.s) }

// Load takes up a saved state.
func (l *Log) Load(b json.RawMessage) error {
	l.s = deskState{}
	return json.Unmarshal(b, &l.s)
}

// Apply takes one record into account.
func (l *Log) Apply(r journal.Record) error {
	fail := func(err error) error {
		if err != nil {
			return fmt.Errorf("paper: record %d (%s): %w", r.Seq, r.Kind, err)
		}
		return nil
	}
	switch r.Kind {
	case record.SlipQueued{}.Kind():
		var b record.SlipQueued
		if err := json.Unmarshal(r.Body, &b); err != nil {
			return fail(err)
		}
		l.s.Number = b.Number
		l.s.Last = &Job{ID: b.JobID, Visit: r.Visit, Number: b.Number, Document: b.Document, Copy: b.Copy}
	case record.SlipSending{}.Kind():
		if l.s.Last != nil {
			l.s.Last.Sending = true
		}
	case record.SlipVerdict{}.Kind():
		var b record.SlipVerdict
		if err := json.Unmarshal(r.Body, &b); err != nil {
			return fail(err)
		}
		if l.s.Last != nil && l.s.Last.ID == b.JobID {
			l.s.Last.Verdict, l.s.Last.Cause = b.Verdict, b.Cause
		}
	}
	return nil
}

// Last is the latest slip, or nil.
func (l *Log) Last() *Job { return l.s.Last }

// Number is the number of the last slip.
func (l *Log) Number() uint64 { return l.s.Number }

// Next is the number of the next slip.
func (l *Log) Next() uint64 { return l.s.Number + 1 }

// patience is how long the Desk waits for a driver's verdict before it says
// unknown by itself: longer than the driver's own deadline for the longest slip.
const patience = 3 * time.Minute

// MaxCopies is how many copies of a slip the person may have during the visit
// (protocols/receipt-printer.md 8.4).
const MaxCopies = 3

// whyCustomer: the person before the screen asked for it.
const whyCustomer = "customer"

// Ports is what the Desk may do to the world.
type Ports struct {
	Write   func(...journal.Draft)
	Printer func(printer.Command)
	Draw    func(Request) // answered by Drawn
	HasUnit bool          // a printer is configured
}

// Desk is the state machine. It is not safe for concurrent use.
type Desk struct {
	log    *Log
	ports  Ports
	status printer.Status
	unit   printer.Identity
	online bool
	asked  *Request
	made   *Request // the slip that was drawn last, by this process: what a copy repeats
	by     time.Time
	test   *test // a test page on its way, or its end
}

// New makes a desk on its log.
func New(log *Log, ports Ports) *Desk { return &Desk{log: log, ports: ports} }

// Log is the fold the desk decides by.
func (d *Desk) Log() *Log { return d.log }

// Status is the printer's condition as last told.
func (d *Desk) Status() printer.Status { return d.status }

// Unit is what the printer says of itself.
func (d *Desk) Unit() printer.Identity { return d.unit }

// HasUnit reports whether a printer is configured.
func (d *Desk) HasUnit() bool { return d.ports.HasUnit }

// Online reports whether the printer answers.
func (d *Desk) Online() bool { return d.online }

// Fit reports whether a money receipt can be printed now.
func (d *Desk) Fit() bool { return d.ports.HasUnit && d.online && d.status.Fit() }

// Wake is when Tick is due; zero if never.
func (d *Desk) Wake() time.Time { return d.by }

// Start settles what a restart has interrupted.
func (d *Desk) Start() {
	j := d.log.Last()
	if j == nil || j.Verdict != "" {
		return
	}
	if j.Sending {
		d.verdict(j, printer.Finished{JobID: j.ID, Verdict: printer.Unknown, Cause: CauseRestartSending})
	} else {
		d.verdict(j, printer.Finished{JobID: j.ID, Verdict: printer.NotPrinted, Cause: CauseRestartBefore})
	}
}

// Busy reports whether a slip is on its way.
func (d *Desk) Busy() bool {
	j := d.log.Last()
	return d.asked != nil || (j != nil && j.Verdict == "") || d.testing()
}

// Print begins a slip. The caller waits for Busy to end and reads the log's last
// job. It must not be called while Busy.
func (d *Desk) Print(now time.Time, r Request) {
	r.Number = d.log.Next()
	d.draw(now, r)
}

func (d *Desk) draw(now time.Time, r Request) {
	d.asked, d.by = &r, now.Add(patience)
	d.ports.Draw(r)
}

// Again reports whether the visit's last slip can be printed once more, and as
// which copy. There is exactly one original: only where its verdict was NotPrinted,
// which means not one black row, is the original (0) printed again; the next copy that
// came out, or may have, is one more. A restart forgets what was on the slip, and a
// copy is the same slip and not a new one.
func (d *Desk) Again(visit string) (copy int, ok bool) {
	j := d.log.Last()
	if d.made == nil || j == nil || j.ID != d.made.ID || j.Visit != visit || d.Busy() || !d.Fit() {
		return 0, false
	}
	copy = j.Copy
	if j.Verdict != printer.NotPrinted {
		copy++
	}
	return copy, copy <= MaxCopies
}

// Forget drops what stood on the last slip: its person has left, and nobody is to have
// a copy of it any more.
func (d *Desk) Forget() { d.made = nil }

// PrintAgain begins what Again promises, as the job id; nothing where it promises
// nothing. The number, the time and the amounts stay; a copy says that it is one.
func (d *Desk) PrintAgain(now time.Time, visit, id string) {
	n, ok := d.Again(visit)
	if !ok {
		return
	}
	r := *d.made
	r.ID, r.Copy, r.Why = id, n, whyCustomer
	r.Values = maps.Clone(r.Values)
	r.Values[catalogue.VarCopy] = int64(r.Copy)
	if d.log.Last().Verdict == printer.Unknown {
		r.Values[catalogue.VarReplaces] = int64(1)
	}
	d.draw(now, r)
}

// Drawn is the answer to Draw.
func (d *Desk) Drawn(now time.Time, id string, picture printer.Bitmap, err error) {
	if d.testing() && d.test.id == id {
		d.testDrawn(picture, err)
		return
	}
	r := d.asked
	if r == nil || r.ID != id {
		return
	}
	d.asked, d.made = nil, r
	atQueue.Hit()
	d.ports.Write(journal.Draft{Visit: r.Visit, Body: record.SlipQueued{
		JobID: r.ID, Number: r.Number, Document: r.Document, Picture: picture.Hash(), Copy: r.Copy, Why: r.Why}})
	atQueued.Hit()
	switch {
	case err != nil:
		d.verdict(d.log.Last(), printer.Finished{JobID: id, Verdict: printer.NotPrinted, Cause: CauseDrawing + ": " + err.Error()})
	case !d.ports.HasUnit:
		d.verdict(d.log.Last(), printer.Finished{JobID: id, Verdict: printer.NotPrinted, Cause: CauseNoPrinter})
	default:
		d.ports.Printer(printer.Print{Job: printer.Job{ID: id, Picture: picture}})
	}
}

// Event takes in what the printer said.
func (d *Desk) Event(now time.Time, ev printer.Event) {
	if d.testEvent(ev) {
		return
	}
	j := d.log.Last()
	mine := func(id string) bool { return j != nil && j.ID == id && j.Verdict == "" }
	switch e := ev.(type) {
	case printer.Online:
		d.online, d.unit = true, e.Identity
		if d.status.Cause == "offline" {
			d.status.Cause = ""
		}
	case printer.Offline:
		if d.online {
			d.ports.Write(journal.Draft{Body: record.DeviceFault{Device: "printer", Fault: "offline", Detail: e.Cause}})
		}
		d.online = false
		d.status = printer.Status{Cause: "offline"}
	case printer.StatusChanged:
		was := d.status.Cause
		d.status = e.Status
		switch {
		case e.Status.Cause != "" && e.Status.Cause != was:
			d.ports.Write(journal.Draft{Body: record.DeviceFault{Device: "printer", Fault: e.Status.Cause}})
		case e.Status.Cause == "" && was != "" && was != "offline":
			d.ports.Write(journal.Draft{Body: record.DeviceCleared{Device: "printer"}})
		}
	case printer.Ready:
		if mine(e.JobID) {
			d.ports.Write(journal.Draft{Visit: j.Visit, Body: record.SlipSending{JobID: e.JobID}})
			atSending.Hit()
			d.ports.Printer(printer.Begin(e))
		}
	case printer.Progress:
		if mine(e.JobID) {
			d.ports.Write(journal.Draft{Visit: j.Visit, Body: record.SlipProgress{JobID: e.JobID, Rows: e.Rows}})
		}
	case printer.Finished:
		if mine(e.JobID) {
			d.verdict(j, e)
		}
	}
}

// Tick lets time pass: a driver that never answers must not keep a person
// waiting for ever.
func (d *Desk) Tick(now time.Time) {
	if d.by.IsZero() || now.Before(d.by) {
		return
	}
	d.asked, d.by = nil, time.Time{}
	if d.testing() {
		d.test.end = &printer.Finished{JobID: d.test.id, Verdict: printer.Unknown, Cause: CauseSilent}
	}
	if j := d.log.Last(); j != nil && j.Verdict == "" {
		v := printer.Finished{JobID: j.ID, Verdict: printer.NotPrinted, Cause: CauseSilent}
		if j.Sending {
			v.Verdict = printer.Unknown
		}
		d.verdict(j, v)
	}
}

func (d *Desk) verdict(j *Job, e printer.Finished) {
	d.by = time.Time{}
	atVerdict.Hit()
	d.ports.Write(journal.Draft{Visit: j.Visit, Body: record.SlipVerdict{JobID: e.JobID, Verdict: e.Verdict, Level: e.Level, Rows: e.Rows, Cause: e.Cause}})
	atDone.Hit()
}
