package visit

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/catalogue"
	"github.com/asan-kiosk/kiosk/daemon/journal/record"
	"github.com/asan-kiosk/kiosk/daemon/paper"
	"github.com/asan-kiosk/kiosk/daemon/screen/wire"
	"github.com/asan-kiosk/kiosk/daemon/till"
	"github.com/asan-kiosk/kiosk/drivers/money"
	"github.com/asan-kiosk/kiosk/drivers/printer"
)

// beginDeliver records what is left over, then prints the slip. Money comes
// before paper: the voucher exists in the journal whether or not the printer
// works. After a restart both are looked for first.
func (e *Engine) beginDeliver(now time.Time) {
	m := e.money()
	if m.Held.IsPositive() {
		if e.r.Code == "" {
			e.r.Code = e.newCode()
			e.save() // the code must not be lost once its hash is in the journal
		}
		why := "change"
		if m.Paid.IsZero() && m.Pending.IsZero() {
			why = "unused"
		}
		atLeftover.Hit()
		e.write(record.LeftoverIssued{LeftoverID: e.ports.NewID(), Amount: m.Held, CodeHash: hash(e.r.Code), Why: why})
		atLeftoverOK.Hit()
	}
	e.r.Document = e.document()
	if e.r.JobID != "" {
		if j := e.desk.Log().Last(); j != nil && j.ID == e.r.JobID && j.Cause != paper.CauseRestartBefore {
			return // printing, printed, or not to be printed again
		}
	}
	e.r.JobID = e.ports.NewID()
	e.save()
	if !e.desk.Busy() {
		e.print(now)
	}
}

// newCode makes the voucher's code: 80 random bits.
func (e *Engine) newCode() string {
	b := make([]byte, 16)
	if _, err := io.ReadFull(e.ports.Rand, b); err != nil {
		panic("visit: no randomness: " + err.Error())
	}
	return grouped(b, 16)
}

// document is the one the step names, or, where the engine delivers by itself,
// the one that the state of the money asks for.
func (e *Engine) document() string {
	m := e.money()
	if e.step != nil {
		return e.step.Document
	}
	if m.Pending.IsPositive() || m.Paid.IsPositive() {
		return catalogue.DocumentPending
	}
	return catalogue.DocumentLeftover
}

func (e *Engine) print(now time.Time) {
	e.desk.Print(now, paper.Request{ID: e.r.JobID, Visit: e.r.Visit, Document: e.r.Document, Lang: string(e.r.Lang), Values: e.values(now)})
}

func (e *Engine) observeDeliver(now time.Time) {
	if e.desk.Busy() {
		return
	}
	j := e.desk.Log().Last()
	if j == nil || j.ID != e.r.JobID {
		// Another slip was on its way when this one was to begin, or this one was
		// given up before it was queued.
		if now.Sub(e.since) < time.Minute {
			e.print(now)
			return
		}
		e.delivered(now, "fault")
		return
	}
	if j.Verdict == printer.Printed {
		e.delivered(now, "ok")
		return
	}
	e.delivered(now, "fault")
}

// delivered leaves the step. The engine's own delivery after a power loss ends in
// its own farewell: the person, if still there, is told.
func (e *Engine) delivered(now time.Time, outcome string) {
	if e.step != nil {
		e.finish(now, outcome)
		return
	}
	e.r.Step = stepFarewellLost
	e.save()
	e.write(record.VisitMoved{Step: stepFarewellLost, Outcome: outcome})
	e.stepSeq++
	e.begin(now)
}

// reprint is what the person may have printed once more at the farewell. After an
// interruption the terminal belongs to whoever opened it.
func (e *Engine) reprint() wire.Again {
	if !e.atFarewell() || e.r.JobID == "" || e.interrupted || e.hold {
		return wire.AgainNo
	}
	switch n, ok := e.desk.Again(e.r.Visit); {
	case !ok:
		return wire.AgainNo
	case n == 0:
		return wire.AgainOriginal
	}
	return wire.AgainCopy
}

// slipAgain prints the slip once more. The farewell waits for it.
func (e *Engine) slipAgain(now time.Time) error {
	if e.reprint() == wire.AgainNo {
		return ErrNotHere
	}
	e.r.JobID = e.ports.NewID()
	e.save()
	e.idle = time.Time{}
	e.desk.PrintAgain(now, e.r.Visit, e.r.JobID)
	return nil
}

// printing: a slip that was asked for at the farewell is on its way. Its end is
// certain: the desk has a limit of its own.
func (e *Engine) printing() bool { return e.atFarewell() && e.idle.IsZero() }

// observeAgain gives the person the farewell's time anew when that slip has ended.
func (e *Engine) observeAgain(now time.Time) {
	if e.printing() && !e.desk.Busy() {
		e.idle = now.Add(e.times.Farewell)
	}
}

// values fills the documents; the catalogue lists the names.
func (e *Engine) values(now time.Time) paper.Values {
	m := e.money()
	local := now.In(Baku)
	ref := Reference(e.r.Visit)
	v := paper.Values{
		"terminal": e.terminal.Number, "owner": e.terminal.Owner, "owner_voen": e.terminal.OwnerVOEN,
		"address": e.terminal.Address, "phone": e.terminal.Phone,
		"receipt_number": fmt.Sprintf("%s-%06d", e.terminal.Number, e.desk.Log().Next()), "copy": int64(0), "replaces": int64(0),
		"date": local.Format("02.01.2006"), "time": local.Format("15:04:05") + " (UTC+04:00)",
		"service": "", "payee": "", "purpose": "", "subject": "",
		"amount": e.r.Amount, "commission": e.r.Commission, "total": e.owed(),
		"received": received(m), "received_notes": notesLine(m), "leftover": m.Over, "leftover_code": e.r.Code,
		"leftover_until": "", "in_doubt": int64(e.till.Ledger().Undecided(e.r.Visit)), "reference": ref, "transaction": ref, "status": status(m),
	}
	if m.Over.IsPositive() {
		v["leftover_until"] = local.AddDate(1, 0, 0).Format("02.01.2006")
		if e.r.Code == "" {
			v["leftover_code"] = ref
		}
	}
	for name, val := range e.r.Vars {
		if val.Money != nil {
			v[name] = *val.Money
		} else {
			v[name] = val.text()
		}
	}
	if m.Last != nil && e.r.Lost {
		v["amount"], v["commission"], v["total"] = m.Last.Amount, m.Last.Commission, m.Last.Amount.Add(m.Last.Commission)
	}
	if s := e.service(); s != nil {
		v["service"] = paper.Key(s.Title)
	}
	if e.journey != nil {
		v["payee"] = e.fill(e.quoteStep().Payee)
		v["purpose"] = e.fill(e.quoteStep().Purpose)
		v["subject"] = e.subject()
	}
	v["qr"] = e.qr(m, local)
	return v
}

// Baku is the country's time: UTC+04:00, no summer time (domain.md 9).
var Baku = time.FixedZone("+04", 4*60*60)

// status is the word on the slip: what became of the payment.
func status(m till.VisitMoney) paper.Key {
	switch {
	case m.Paid.IsPositive():
		return catalogue.StatusPosted
	case m.Pending.IsPositive():
		return catalogue.StatusPending
	}
	return catalogue.StatusRecorded
}

// received is everything that was put in: whatever has become of it since.
func received(m till.VisitMoney) money.Amount {
	return m.Held.Add(m.Pending).Add(m.Paid).Add(m.Over)
}

// qr is what the slip's code and the screen's code hold: enough for an operator
// to find the case, signed with the terminal's own key.
func (e *Engine) qr(m till.VisitMoney, local time.Time) string {
	s := strings.Join([]string{"KIOSK1", e.terminal.Number, Reference(e.r.Visit), local.Format("20060102T150405"),
		fmt.Sprint(received(m).Minor), fmt.Sprint(m.Over.Minor), string(e.fate())}, ";")
	return s + ";" + base64.RawURLEncoding.EncodeToString(e.ports.Sign([]byte(s)))
}

// subject is what was paid for, masked: the first two and the last two characters
// (domain.md 5).
func (e *Engine) subject() string {
	for i := range e.journey.Steps {
		for _, f := range e.journey.Steps[i].Fields {
			if v, ok := e.r.Vars[f.Name]; ok && v.Code != "" {
				return mask(v.Code)
			}
		}
	}
	return ""
}

func mask(s string) string {
	r := []rune(s)
	if len(r) <= 4 {
		return s
	}
	return string(r[:2]) + strings.Repeat("*", len(r)-4) + string(r[len(r)-2:])
}

// notesLine is what was put in by denomination, in a form that every language
// reads: "20 AZN x 1, 5 AZN x 2".
func notesLine(m till.VisitMoney) string {
	type pair struct {
		minor int64
		count int
	}
	var ps []pair
	for k, n := range m.Notes {
		minor, err := strconv.ParseInt(k, 10, 64)
		if err == nil {
			ps = append(ps, pair{minor, n})
		}
	}
	slices.SortFunc(ps, func(a, b pair) int { return cmp.Compare(b.minor, a.minor) })
	parts := make([]string, len(ps))
	for i, p := range ps {
		parts[i] = fmt.Sprintf("%d %s x %d", p.minor/100, received(m).Currency, p.count)
	}
	return strings.Join(parts, ", ")
}
