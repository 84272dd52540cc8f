package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/asan-kiosk/kiosk/daemon/central"
	"github.com/asan-kiosk/kiosk/daemon/config"
	"github.com/asan-kiosk/kiosk/daemon/journal"
	"github.com/asan-kiosk/kiosk/daemon/journal/record"
	"github.com/asan-kiosk/kiosk/daemon/terminal"
	"github.com/asan-kiosk/kiosk/drivers/cash"
	"github.com/asan-kiosk/kiosk/drivers/money"
	"github.com/asan-kiosk/kiosk/drivers/printer"
)

// zeros is no source of randomness, for a courier that sends nothing.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

var _ io.Reader = zeros{}

// fill brings a stopped terminal's journal to so many records, with the visits of
// some months: everything that a start reads is as a terminal would have written
// it, checkpoints included.
func fill(cfg *config.Config, records uint64) (err error) {
	key, err := config.SigningKey(cfg.State.KeyFile)
	if err != nil {
		return err
	}
	folds := terminal.NewFolds(central.NewCourier(central.CourierConfig{Terminal: cfg.Terminal.ID}, zeros{}))
	j, err := journal.Open(journal.Options{Dir: filepath.Join(cfg.State.Dir, "journal"), Terminal: cfg.Terminal.ID,
		SigningKey: key, KeyID: "terminal", Folds: folds.List()})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	const together = 30 // visits in one write: the disk is not what is measured here
	for n := 0; ; n += together {
		if head, _ := j.Head(); head >= records {
			break
		}
		var group []journal.Draft
		for i := range together {
			group = append(group, aVisit(n+i)...)
		}
		if _, err := j.Append(context.Background(), group...); err != nil {
			return err
		}
	}
	if e := folds.Ledger.Equation(); !e.Holds() {
		return fmt.Errorf("the records that were made up do not add up:\n%s", e)
	}
	return nil
}

// aVisit is a payment of 25.40 AZN with two notes, as the terminal writes it.
func aVisit(n int) []journal.Draft {
	id := fmt.Sprintf("01900000-0000-7000-8000-%012x", n)
	azn := func(minor int64) money.Amount { return money.New(minor, money.AZN) }
	of := func(bodies ...record.Body) (out []journal.Draft) {
		for _, b := range bodies {
			out = append(out, journal.Draft{Visit: id, Body: b})
		}
		return out
	}
	out := of(record.VisitStarted{Bundle: hash}, record.VisitMoved{Step: "@language"}, record.VisitMoved{Step: "@services"},
		record.VisitMoved{Journey: "pay.notification", Step: "number", Outcome: "chosen"},
		record.VisitMoved{Journey: "pay.notification", Step: "look", Outcome: "ok"},
		record.VisitMoved{Journey: "pay.notification", Step: "quote", Outcome: "found"},
		record.VisitMoved{Journey: "pay.notification", Step: "pay", Outcome: "ok"},
		record.TenderOpened{TenderID: id + "-t", Owed: azn(2540), Limit: azn(50000), MaxNotes: 40})
	for i, minor := range []int64{2000, 1000} {
		note := cash.Note{Type: 4 - i, Value: azn(minor)}
		noteID := fmt.Sprintf("%s-%d", id, i)
		out = append(out, of(record.NoteEscrowed{NoteID: noteID, Note: note, Serial: "0012345678", TableHash: hash, Raw: make([]byte, 7)},
			record.NoteStackIntent{NoteID: noteID},
			record.NoteStacked{NoteID: noteID, Note: note, TableHash: hash, Raw: make([]byte, 7)}, record.NoteClosed{NoteID: noteID})...)
	}
	out = append(out, of(record.TenderClosed{TenderID: id + "-t", Held: azn(3000), Why: "finished"})...)
	out = append(out, journal.Draft{Visit: id, Key: id + "-k", Body: record.PaymentIntent{Action: "pay", Service: "notification", Amount: azn(2500), Commission: azn(40),
		Received: azn(3000), Reference: "0000-0000-0000", Body: []byte(`{"amount":2500,"order":"200000001"}`)}},
		journal.Draft{Visit: id, Key: id + "-k", Body: record.ActionResult{Status: record.ActionDone}})
	return append(out, of(record.LeftoverIssued{LeftoverID: id + "-l", Amount: azn(460), CodeHash: hash, Why: "change"},
		record.SlipQueued{JobID: id + "-s", Number: uint64(n + 1), Document: "receipt", Picture: hash},
		record.SlipSending{JobID: id + "-s"}, record.SlipVerdict{JobID: id + "-s", Verdict: printer.Printed, Level: printer.LevelC, Rows: 900},
		record.VisitEnded{Why: "finished"})...)
}

const hash = "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"
