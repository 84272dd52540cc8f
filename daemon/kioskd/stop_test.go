package main

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/screen/wire"
	"github.com/asan-kiosk/kiosk/drivers/bench/validator"
)

// TestStopFinishesTheNote: the order to stop comes while a note is on its way into
// the cassette. The daemon waits for it and ends in order, the note is counted,
// and the next life knows it.
func TestStopFinishesTheNote(t *testing.T) {
	p := newPlace(t)
	defer p.central.Close()
	synctest.Test(t, func(t *testing.T) {
		l := p.start()
		pg := l.open()
		pg.toPay()
		l.insert(20)
		pg.until("the note being stacked", func(s wire.State) bool { return s.Money.Moving != nil && *s.Money.Moving == wire.MovingStacking })
		began := time.Now()
		l.stop()
		if err := <-l.ended; err != nil {
			t.Errorf("ended with %v", err)
		}
		if took := time.Since(began); took > finishWithin {
			t.Errorf("the stop took %v", took)
		}
		_ = pg.c.Close()
		l.away()
		if n := len(p.unit.World().Cassette); n != 1 {
			t.Errorf("%d notes in the cassette", n)
		}
		l = p.start()
		pg = l.open()
		pg.until("the note's sum", func(s wire.State) bool { return s.Visit.Step == wire.StepPay && s.Money.Held.Minor == 2000 })
		_ = pg.c.Close()
		l.end()
	})
}

// TestStopTakesNoNote: a note that comes after the order to stop is given back.
func TestStopTakesNoNote(t *testing.T) {
	p := newPlace(t)
	defer p.central.Close()
	synctest.Test(t, func(t *testing.T) {
		l := p.start()
		pg := l.open()
		pg.toPay()
		l.insert(20) // the unit begins to draw it in
		l.stop()
		if err := <-l.ended; err != nil {
			t.Errorf("ended with %v", err)
		}
		_ = pg.c.Close()
		l.away()
		w := p.unit.World()
		back := len(w.Hand) > 0 || w.Path != nil && w.Path.Place == validator.PlaceSlot
		if len(w.Cassette) != 0 || !back {
			t.Errorf("%+v", w)
		}
	})
}
