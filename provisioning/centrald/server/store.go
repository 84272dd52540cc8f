package server

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/asan-kiosk/kiosk/provisioning/centralapi"
)

// Buckets. Keys begin with the terminal's id and a zero byte; numbers in keys are
// big-endian, so that a cursor walks them in order.
var (
	bHeads     = []byte("heads")     // terminal -> centralapi.Head
	bRecords   = []byte("records")   // terminal 0 epoch seq -> row
	bLedger    = []byte("ledger")    // terminal 0 epoch seq n -> posting
	bSums      = []byte("sums")      // terminal 0 currency 0 account -> int64
	bNotes     = []byte("notes")     // terminal 0 note id -> note
	bIntents   = []byte("intents")   // terminal 0 key -> intent
	bCounts    = []byte("counts")    // terminal 0 what -> int64
	bActions   = []byte("actions")   // terminal 0 key -> action
	bPayments  = []byte("payments")  // terminal 0 key -> centralapi.Payment
	bOrders    = []byte("orders")    // notification number -> centralapi.Order
	bIncidents = []byte("incidents") // n -> centralapi.Incident
	bCitizens  = []byte("citizens")  // FIN -> citizen
	bPhones    = []byte("phones")    // telephone number -> FIN
	bTies      = []byte("ties")      // hash of a session's id -> tie
	bHistory   = []byte("history")   // FIN, or nothing, 0 n -> centralapi.HistoryEntry
	bTerminals = []byte("terminals") // id -> terminal
	bCodes     = []byte("codes")     // SHA-256 of a one-time code -> code
	bMeta      = []byte("meta")

	buckets = [][]byte{bHeads, bRecords, bLedger, bSums, bNotes, bIntents, bCounts, bActions, bPayments, bOrders, bIncidents,
		bCitizens, bPhones, bTies, bHistory, bTerminals, bCodes, bMeta}
)

var keySchema = []byte("schema")

const schema = "1"

// prepare makes the buckets of a new store, or checks that the store is ours.
func (s *Server) prepare() error {
	return s.db.Update(func(tx *bolt.Tx) error {
		for _, b := range buckets {
			if _, err := tx.CreateBucketIfNotExists(b); err != nil {
				return fmt.Errorf("bucket %s: %w", b, err)
			}
		}
		meta := tx.Bucket(bMeta)
		switch v := meta.Get(keySchema); {
		case v == nil:
			if err := meta.Put(keySchema, []byte(schema)); err != nil {
				return err
			}
		case string(v) != schema:
			return fmt.Errorf("store has schema %q, this program knows %q", v, schema)
		}
		if err := s.dropTies(tx); err != nil {
			return err
		}
		if s.o.Demo {
			return s.seed(tx)
		}
		return nil
	})
}

// own is a key of this terminal's part of a bucket.
func own(terminal, rest string) []byte {
	return append(append([]byte(terminal), 0), rest...)
}

func recordKey(terminal string, epoch, seq uint64) []byte {
	k := own(terminal, "")
	k = binary.BigEndian.AppendUint64(k, epoch)
	return binary.BigEndian.AppendUint64(k, seq)
}

func get[T any](b *bolt.Bucket, key []byte) (v T, ok bool, err error) {
	raw := b.Get(key)
	if raw == nil {
		return v, false, nil
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		return v, false, fmt.Errorf("stored value: %w", err)
	}
	return v, true, nil
}

func put(b *bolt.Bucket, key []byte, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("value to store: %w", err)
	}
	return b.Put(key, raw)
}

// add moves a counter or a sum.
func add(b *bolt.Bucket, key []byte, by int64) error {
	n := int64(0)
	if raw := b.Get(key); len(raw) == 8 {
		n = int64(binary.BigEndian.Uint64(raw))
	}
	return b.Put(key, binary.BigEndian.AppendUint64(nil, uint64(n+by)))
}

func number(raw []byte) int64 {
	if len(raw) != 8 {
		return 0
	}
	return int64(binary.BigEndian.Uint64(raw))
}

// Rows of the records bucket: when it arrived (UTC ms), how it was taken, and the
// canonical envelope with prev, whose SHA-256 is the record's hash.
type taken byte

const (
	takenApplied     taken = 'a' // a known kind, its effects are in the ledger
	takenStored      taken = 's' // a kind that is not known here
	takenQuarantined taken = 'q' // opaque bytes
)

const rowHead = 9 // bytes before the envelope

func row(at time.Time, how taken, envelope []byte) []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, rowHead+len(envelope)), uint64(at.UnixMilli()))
	return append(append(b, byte(how)), envelope...)
}

func rowEnvelope(b []byte) ([]byte, error) {
	if len(b) < rowHead {
		return nil, errors.New("stored record is cut short")
	}
	return b[rowHead:], nil
}

// incident notes something that a person must look at.
func (s *Server) incident(tx *bolt.Tx, terminal, kind string, seq uint64, detail string) error {
	b := tx.Bucket(bIncidents)
	n, err := b.NextSequence()
	if err != nil {
		return err
	}
	i := centralapi.Incident{Terminal: terminal, Kind: kind, At: s.now()}
	if seq > 0 {
		i.Seq = &seq
	}
	if detail != "" {
		i.Detail = &detail
	}
	s.log.Warn("incident", "terminal", terminal, "kind", kind, "seq", seq)
	return put(b, binary.BigEndian.AppendUint64(nil, n), i)
}
