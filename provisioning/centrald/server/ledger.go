package server

import (
	"encoding/json"
	"fmt"
	"strings"

	bolt "go.etcd.io/bbolt"

	"github.com/asan-kiosk/kiosk/daemon/journal/record"
	"github.com/asan-kiosk/kiosk/drivers/money"
	"github.com/asan-kiosk/kiosk/provisioning/centralapi"
)

// account is one term of the conservation equation, per terminal and currency.
// The ledger reads it from records alone, by the same kinds as the terminal does:
// stacked = held + pending + posted + commission + leftover + unassigned.
type account string

const (
	accStacked    account = "stacked"
	accHeld       account = "held"
	accPending    account = "pending"
	accPosted     account = "posted"
	accCommission account = "commission"
	accLeftover   account = "leftover"
	accUnassigned account = "unassigned"
	accInDoubt    account = "in_doubt" // notes in doubt, beside the equation
)

// posting is one movement. Its place in the store, (terminal, epoch, seq, n), is
// its identity: no record can post twice.
type posting struct {
	Account account      `json:"account"`
	Amount  money.Amount `json:"amount"`
	Visit   string       `json:"visit,omitempty"`
	Key     string       `json:"key,omitempty"`
}

// note is what the records say of one physical note.
type note struct {
	Value   money.Amount `json:"value"`
	Stacked bool         `json:"stacked,omitempty"`
	InDoubt bool         `json:"in_doubt,omitempty"`
}

// intent is a payment.intent and how it ended.
type intent struct {
	Visit      string              `json:"visit,omitempty"`
	Amount     money.Amount        `json:"amount"`
	Commission money.Amount        `json:"commission"`
	Settled    record.ActionStatus `json:"settled,omitempty"`
}

// maxMinor bounds one amount of a record: a sum of a lifetime of records cannot
// leave the range of int64.
const maxMinor = 1_000_000_000_000

// poster applies the records of one batch within its transaction.
type poster struct {
	s        *Server
	tx       *bolt.Tx
	terminal string
	epoch    uint64

	e    entry
	n    byte
	sums map[string]int64
}

// apply has the record's effects. A record of a kind that touches money whose
// body is not valid is refused; then nothing of the batch is stored.
func (p *poster) apply(e entry) error {
	f := effects[record.Kind(e.kind)]
	if f == nil {
		return nil
	}
	p.e, p.n = e, 0
	return f(p, e.body)
}

func (p *poster) invalid() error {
	return refuse(centralapi.ProblemRecordInvalid, errBody.Error()).withSeq(p.e.seq)
}

// effect reads a body and applies it.
func effect[T record.Body](f func(p *poster, b T) error) func(*poster, []byte) error {
	return func(p *poster, raw []byte) error {
		var b T
		if json.Unmarshal(raw, &b) != nil {
			return p.invalid()
		}
		return f(p, b)
	}
}

// valid reports whether amounts may be added up: none negative or beyond reason,
// and all of one currency. Nothing may stand without a currency.
func valid(amounts ...money.Amount) bool {
	var c money.Currency
	for _, a := range amounts {
		if a == (money.Amount{}) {
			continue
		}
		if !a.Currency.Valid() || a.Minor < 0 || a.Minor > maxMinor || c != "" && a.Currency != c {
			return false
		}
		c = a.Currency
	}
	return true
}

func (p *poster) post(a account, amount money.Amount) error {
	if amount.IsZero() {
		return nil
	}
	key := append(recordKey(p.terminal, p.epoch, p.e.seq), p.n)
	p.n++
	b := p.tx.Bucket(bLedger)
	if b.Get(key) != nil {
		return fmt.Errorf("record %d has posted already", p.e.seq)
	}
	if err := put(b, key, posting{a, amount, p.e.visit, p.e.key}); err != nil {
		return fmt.Errorf("post record %d: %w", p.e.seq, err)
	}
	if p.sums == nil {
		p.sums = map[string]int64{}
	}
	p.sums[string(amount.Currency)+"\x00"+string(a)] += amount.Minor
	return nil
}

// move takes an amount from one account to others.
func (p *poster) move(from account, amounts map[account]money.Amount) error {
	for _, to := range []account{accHeld, accPending, accPosted, accCommission, accLeftover, accUnassigned} {
		a, ok := amounts[to]
		if !ok {
			continue
		}
		if err := p.post(from, a.Neg()); err != nil {
			return err
		}
		if err := p.post(to, a); err != nil {
			return err
		}
	}
	return nil
}

// flush adds the batch's postings to the sums.
func (p *poster) flush() error {
	for name, by := range p.sums {
		if err := add(p.tx.Bucket(bSums), own(p.terminal, name), by); err != nil {
			return fmt.Errorf("sum: %w", err)
		}
	}
	return nil
}

func (p *poster) incident(kind, detail string) error {
	return p.s.incident(p.tx, p.terminal, kind, p.e.seq, detail)
}

// note changes what is known of a note.
func (p *poster) note(id string, f func(*note) error) error {
	if id == "" || len(id) > maxText || strings.ContainsRune(id, 0) {
		return p.invalid()
	}
	b, key := p.tx.Bucket(bNotes), own(p.terminal, id)
	n, _, err := get[note](b, key)
	if err != nil {
		return fmt.Errorf("note: %w", err)
	}
	before := n
	if err := f(&n); err != nil || n == before {
		return err
	}
	return put(b, key, n)
}

func (p *poster) doubt(n *note, inDoubt bool) error {
	if n.InDoubt == inDoubt {
		return nil
	}
	n.InDoubt = inDoubt
	if !inDoubt {
		return p.post(accInDoubt, n.Value.Neg())
	}
	return p.post(accInDoubt, n.Value)
}

var effects = map[record.Kind]func(*poster, []byte) error{
	record.NoteEscrowed{}.Kind(): effect(func(p *poster, b record.NoteEscrowed) error {
		if !valid(b.Note.Value) {
			return p.invalid()
		}
		return p.note(b.NoteID, func(n *note) error {
			if !n.Stacked && !n.InDoubt {
				n.Value = b.Note.Value
			}
			return nil
		})
	}),
	record.NoteInDoubt{}.Kind(): effect(func(p *poster, b record.NoteInDoubt) error {
		return p.note(b.NoteID, func(n *note) error {
			if n.Stacked {
				return nil
			}
			return p.doubt(n, true)
		})
	}),
	record.NoteReturned{}.Kind(): effect(func(p *poster, b record.NoteReturned) error {
		return p.note(b.NoteID, func(n *note) error { return p.doubt(n, false) })
	}),
	record.NoteStacked{}.Kind(): effect(func(p *poster, b record.NoteStacked) error {
		if !valid(b.Note.Value) {
			return p.invalid()
		}
		return p.note(b.NoteID, func(n *note) error {
			if n.Stacked {
				return p.incident("note.stacked-twice", "")
			}
			if err := p.doubt(n, false); err != nil {
				return err
			}
			n.Value, n.Stacked = b.Note.Value, true
			if err := p.post(accStacked, n.Value); err != nil {
				return err
			}
			if p.e.visit == "" {
				return p.post(accUnassigned, n.Value)
			}
			return p.post(accHeld, n.Value)
		})
	}),
	record.PaymentIntent{}.Kind(): effect(func(p *poster, b record.PaymentIntent) error {
		if !valid(b.Amount, b.Commission) || p.e.key == "" || strings.ContainsRune(p.e.key, 0) {
			return p.invalid()
		}
		bucket, key := p.tx.Bucket(bIntents), own(p.terminal, p.e.key)
		if bucket.Get(key) != nil {
			return p.incident("payment.intended-twice", "")
		}
		if err := put(bucket, key, intent{Visit: p.e.visit, Amount: b.Amount, Commission: b.Commission}); err != nil {
			return err
		}
		return p.move(accHeld, map[account]money.Amount{accPending: b.Amount.Add(b.Commission)})
	}),
	record.ActionResult{}.Kind(): effect(func(p *poster, b record.ActionResult) error {
		if b.Status != record.ActionDone && b.Status != record.ActionRejected {
			return p.invalid()
		}
		bucket, key := p.tx.Bucket(bIntents), own(p.terminal, p.e.key)
		i, ok, err := get[intent](bucket, key)
		switch {
		case err != nil:
			return fmt.Errorf("intent: %w", err)
		case !ok:
			return nil // an action that moves no money
		case i.Settled != "":
			return p.incident("payment.settled-twice", "")
		}
		i.Settled = b.Status
		if err := put(bucket, key, i); err != nil {
			return err
		}
		if err := p.compare(b.Status); err != nil {
			return err
		}
		if b.Status == record.ActionDone {
			return p.move(accPending, map[account]money.Amount{accPosted: i.Amount, accCommission: i.Commission})
		}
		return p.move(accPending, map[account]money.Amount{accHeld: i.Amount.Add(i.Commission)})
	}),
	record.LeftoverIssued{}.Kind(): effect(func(p *poster, b record.LeftoverIssued) error {
		if !valid(b.Amount) {
			return p.invalid()
		}
		return p.move(accHeld, map[account]money.Amount{accLeftover: b.Amount})
	}),
	record.Unassigned{}.Kind(): effect(func(p *poster, b record.Unassigned) error {
		if !valid(b.Amount) {
			return p.invalid()
		}
		return p.move(accHeld, map[account]money.Amount{accUnassigned: b.Amount})
	}),
}

// compare looks whether the terminal's result is what central itself answered to
// that key. A difference is an incident; the ledger still says what the records
// say.
func (p *poster) compare(claimed record.ActionStatus) error {
	a, ok, err := get[action](p.tx.Bucket(bActions), own(p.terminal, p.e.key))
	if err != nil {
		return fmt.Errorf("action: %w", err)
	}
	switch {
	case claimed == record.ActionDone && (!ok || a.Status != statusDone):
		return p.incident("payment.claimed", "the terminal has a result that central did not give")
	case claimed == record.ActionRejected && ok && a.Status == statusDone:
		return p.incident("payment.denied", "the terminal has rejected what central has done")
	}
	return nil
}
