// Package journal is the terminal's durable truth: an append-only, hash-chained
// list of records in two independent copies (a bbolt store and a segment file).
// See protocols/central-sync.md section 2.
package journal

import (
	"encoding/json"

	"github.com/asan-kiosk/kiosk/daemon/journal/record"
)

// Draft is a record before it has a number.
type Draft struct {
	Visit string // visit it belongs to, or ""
	Key   string // idempotency key, if the record is an intent towards anyone
	Body  record.Body
}

// Record is one entry of the chain: the hashed envelope and its hash.
type Record struct {
	V        int             `json:"v"`     // envelope version, 1
	Terminal string          `json:"t"`     // terminal id (UUID)
	Epoch    uint64          `json:"epoch"` // changes only when a technician begins a new chain
	Seq      uint64          `json:"seq"`   // 1, 2, 3 ... without holes, per epoch
	Prev     string          `json:"prev"`  // hash of the record before, hexadecimal
	Kind     record.Kind     `json:"kind"`
	Wall     int64           `json:"wall"` // UTC, milliseconds since 1970
	Mono     int64           `json:"mono"` // milliseconds since boot
	Boot     string          `json:"boot"` // boot id
	Sync     string          `json:"sync"` // trust of Wall: synced, held, unknown
	Visit    string          `json:"visit,omitempty"`
	Key      string          `json:"key,omitempty"`
	Body     json.RawMessage `json:"body"`

	Hash string `json:"-"` // SHA-256 of the envelope's canonical JSON (RFC 8785), hexadecimal
}

// Fold is a state that is computed from records and from nothing else. Apply
// sees every record once, in order. Save and Load carry it across a checkpoint;
// Load(Save()) followed by the same records must give the same state.
type Fold interface {
	Name() string
	Apply(Record) error
	Save() (json.RawMessage, error)
	Load(json.RawMessage) error
}
