package esign

import (
	"cmp"
	"slices"

	"github.com/asan-kiosk/kiosk/drivers/smartcard"
)

// Desk knows the readers, the cards in them and the job under way. It is not safe
// for concurrent use.
type Desk struct {
	card    func(Job)
	service bool
	readers map[smartcard.Reader]*reader
	order   uint64 // counts insertions over all readers
	lastJob uint64
	running *Job
	result  *Result
}

type reader struct {
	card       bool
	unreadable bool
	insertion  uint64
	order      uint64
}

// NewDesk makes a desk; card carries out a job.
func NewDesk(card func(Job)) *Desk {
	return &Desk{card: card, readers: map[smartcard.Reader]*reader{}}
}

// Event takes in what happened in the readers.
func (d *Desk) Event(ev smartcard.Event) {
	at := func(name smartcard.Reader) *reader {
		r := d.readers[name]
		if r == nil {
			r = &reader{}
			d.readers[name] = r
		}
		return r
	}
	switch e := ev.(type) {
	case smartcard.ServiceUp:
		d.service = true
	case smartcard.ServiceDown:
		d.service = false
		clear(d.readers)
	case smartcard.ReaderFound:
		at(e.Reader)
	case smartcard.ReaderLost:
		delete(d.readers, e.Reader)
	case smartcard.CardInserted:
		r := at(e.Reader)
		d.order++
		r.card, r.unreadable, r.insertion, r.order = true, false, e.Insertion, d.order
	case smartcard.CardRemoved:
		r := at(e.Reader)
		r.card, r.unreadable = false, false
	case smartcard.CardUnreadable:
		r := at(e.Reader)
		d.order++
		r.card, r.unreadable, r.order = false, true, d.order
	}
}

// Ready reports whether some reader works.
func (d *Desk) Ready() bool { return d != nil && d.service && len(d.readers) > 0 }

// Readers lists the readers by name, and whether something lies in each.
func (d *Desk) Readers() []string {
	if d == nil {
		return nil
	}
	var out []string
	for name, r := range d.readers {
		what := "empty"
		switch {
		case r.card:
			what = "a card is in"
		case r.unreadable:
			what = "a card that does not answer is in"
		}
		out = append(out, string(name)+": "+what)
	}
	slices.Sort(out)
	return out
}

// newest is the reader whose card was put in last, of those that fit.
func (d *Desk) newest(fits func(*reader) bool) (smartcard.Reader, *reader) {
	var names []smartcard.Reader
	for name, r := range d.readers {
		if fits(r) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return "", nil
	}
	name := slices.MaxFunc(names, func(a, b smartcard.Reader) int { return cmp.Compare(d.readers[a].order, d.readers[b].order) })
	return name, d.readers[name]
}

// Card is the card that was put in last, if one is in.
func (d *Desk) Card() (Slot, bool) {
	if d == nil {
		return Slot{}, false
	}
	name, r := d.newest(func(r *reader) bool { return r.card })
	if r == nil {
		return Slot{}, false
	}
	return Slot{name, r.insertion}, true
}

// Unreadable reports a card that does not answer, where none does.
func (d *Desk) Unreadable() bool {
	if d == nil {
		return false
	}
	if _, in := d.Card(); in {
		return false
	}
	_, r := d.newest(func(r *reader) bool { return r.unreadable })
	return r != nil
}

// AnyCard reports whether anything lies in a reader.
func (d *Desk) AnyCard() bool {
	if d == nil {
		return false
	}
	_, r := d.newest(func(r *reader) bool { return r.card || r.unreadable })
	return r != nil
}

// In reports whether this insertion is still there.
func (d *Desk) In(s Slot) bool {
	if d == nil {
		return false
	}
	r := d.readers[s.Reader]
	return r != nil && r.card && r.insertion == s.Insertion
}

// Busy reports a job under way. A job that nobody waits for any more still has to
// end before the next begins.
func (d *Desk) Busy() bool { return d.running != nil }

// Read lets the card be read; Result brings the end. The desk must not be busy.
func (d *Desk) Read(s Slot) uint64 { return d.start(Job{Slot: s}) }

// Sign lets the card sign; Result brings the end. The desk must not be busy. The
// PIN is the job's from here on.
func (d *Desk) Sign(s Slot, o Order) uint64 { return d.start(Job{Slot: s, Sign: &o}) }

func (d *Desk) start(j Job) uint64 {
	if d.running != nil {
		panic("esign: a job while another is under way")
	}
	d.lastJob++
	j.ID = d.lastJob
	d.running, d.result = &j, nil
	d.card(j)
	return j.ID
}

// Done takes in the end of a job.
func (d *Desk) Done(r Result) {
	if d.running == nil || d.running.ID != r.ID {
		return
	}
	d.running, d.result = nil, &r
}

// Result hands out the end of a job, once.
func (d *Desk) Result(id uint64) *Result {
	if d.result == nil || d.result.ID != id {
		return nil
	}
	r := d.result
	d.result = nil
	return r
}
