package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"unicode/utf8"

	"github.com/asan-kiosk/kiosk/daemon/journal/record"
)

// EnvelopeVersion is the v of every record this program writes.
const EnvelopeVersion = 1

// MaxRecord bounds a record: bytes of the canonical envelope.
const MaxRecord = 1 << 20

// ErrRecord is the class of every refusal of a record's bytes or place.
var ErrRecord = errors.New("not a valid journal record")

// Seal computes the canonical bytes of the envelope (RFC 8785) and sets r.Hash,
// their SHA-256. It also brings r.Body into its canonical form. A receiver of
// records without prev fills Prev and calls Seal to recompute the chain.
func Seal(r *Record) ([]byte, error) {
	body, err := Canonical(r.Body)
	if err != nil {
		return nil, fmt.Errorf("body of %s: %w", r.Kind, err)
	}
	if len(body) == 0 || body[0] != '{' {
		return nil, fmt.Errorf("body of %s: %w: not an object", r.Kind, ErrNotCanonical)
	}
	if r.Epoch > maxInteger || r.Seq > maxInteger || r.Wall > maxInteger || r.Mono > maxInteger || r.Wall < -maxInteger || r.Mono < -maxInteger || r.V < 0 {
		return nil, fmt.Errorf("%s: %w: a number of the envelope is out of range", r.Kind, ErrNotCanonical)
	}
	r.Body = body
	out := make([]byte, 0, 320+len(body))
	sep := byte('{')
	name := func(n string) { out = append(append(append(out, sep, '"'), n...), '"', ':'); sep = ',' }
	str := func(n, s string) {
		if !utf8.ValidString(s) {
			err = fmt.Errorf("%s of %s: %w: not UTF-8", n, r.Kind, ErrNotCanonical)
		}
		name(n)
		out = appendString(out, s)
	}
	integer := func(n string, v int64) { name(n); out = strconv.AppendInt(out, v, 10) }

	name("body") // the members in the order RFC 8785 sorts them into
	out = append(out, body...)
	str("boot", r.Boot)
	integer("epoch", int64(r.Epoch))
	if r.Key != "" {
		str("key", r.Key)
	}
	str("kind", string(r.Kind))
	integer("mono", r.Mono)
	str("prev", r.Prev)
	integer("seq", int64(r.Seq))
	str("sync", r.Sync)
	str("t", r.Terminal)
	integer("v", int64(r.V))
	if r.Visit != "" {
		str("visit", r.Visit)
	}
	integer("wall", r.Wall)
	out = append(out, '}')
	if err != nil {
		return nil, err
	}
	if len(out) > MaxRecord {
		return nil, fmt.Errorf("%s: %w: %d bytes, the most is %d", r.Kind, ErrNotCanonical, len(out), MaxRecord)
	}
	r.Hash = hashOf(out)
	return out, nil
}

// DecodeEnvelope reads the canonical bytes of one record and sets its Hash. Any
// byte that Seal would not have written there is refused, so equal records have
// equal bytes. The record does not share memory with b.
func DecodeEnvelope(b []byte) (Record, error) {
	if len(b) > MaxRecord {
		return Record{}, fmt.Errorf("%w: longer than %d bytes", ErrRecord, MaxRecord)
	}
	var r Record
	if err := json.Unmarshal(b, &r); err != nil {
		return Record{}, fmt.Errorf("%w: %w", ErrRecord, err)
	}
	if r.V != EnvelopeVersion {
		return Record{}, fmt.Errorf("%w: envelope version %d, this program knows %d", ErrRecord, r.V, EnvelopeVersion)
	}
	again, err := Seal(&r)
	if err != nil {
		return Record{}, fmt.Errorf("%w: %w", ErrRecord, err)
	}
	if !bytes.Equal(again, b) {
		return Record{}, fmt.Errorf("%w: bytes are not the canonical form", ErrRecord)
	}
	return r, nil
}

// link is a place in the chain: a record's number and hash. The place before the
// first record has number 0 and the genesis hash.
type link struct {
	seq  uint64
	hash string
}

func (r Record) link() link { return link{r.Seq, r.Hash} }

// follows checks that r is the next record of this terminal's chain after l.
func (l link) follows(id identity, r Record) error {
	switch {
	case r.Terminal != id.Terminal:
		return fmt.Errorf("%w: record %d belongs to terminal %s, not %s", ErrForeign, r.Seq, r.Terminal, id.Terminal)
	case r.Epoch != id.Epoch:
		return fmt.Errorf("%w: record %d belongs to epoch %d, not %d", ErrForeign, r.Seq, r.Epoch, id.Epoch)
	case r.Seq != l.seq+1:
		return fmt.Errorf("%w: record %d follows record %d", ErrRecord, r.Seq, l.seq)
	case r.Prev != l.hash:
		return fmt.Errorf("%w: record %d does not carry the hash of record %d", ErrRecord, r.Seq, l.seq)
	}
	return nil
}

// bodyTypes maps every kind to the Go type of its body.
var bodyTypes = func() map[record.Kind]reflect.Type {
	m := map[record.Kind]reflect.Type{}
	for _, b := range record.All() {
		m[b.Kind()] = reflect.TypeOf(b)
	}
	return m
}()

// Decode gives the typed body of a record, as a value (record.NoteStacked, not a
// pointer). ok is false for a kind this program does not know, which is no
// error: a newer program may have written it.
func (r Record) Decode() (body record.Body, ok bool, err error) {
	t, ok := bodyTypes[r.Kind]
	if !ok {
		return nil, false, nil
	}
	v := reflect.New(t)
	if err := json.Unmarshal(r.Body, v.Interface()); err != nil {
		return nil, true, fmt.Errorf("record %d: body of %s: %w", r.Seq, r.Kind, err)
	}
	return v.Elem().Interface().(record.Body), true, nil
}
