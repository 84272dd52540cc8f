package journal

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/asan-kiosk/kiosk/daemon/journal/record"
)

// checkpointBytes is what is signed: the canonical JSON of the checkpoint
// without its signature. Terminal and epoch are bound through the hash.
func checkpointBytes(c record.Checkpoint) ([]byte, error) {
	folds := c.Folds
	if folds == nil {
		folds = map[string]json.RawMessage{}
	}
	raw, err := json.Marshal(struct {
		UpTo  uint64                     `json:"up_to"`
		Hash  string                     `json:"hash"`
		Folds map[string]json.RawMessage `json:"folds"`
		KeyID string                     `json:"key_id"`
	}{c.UpTo, c.Hash, folds, c.KeyID})
	if err != nil {
		return nil, err
	}
	return Canonical(raw)
}

// SignCheckpoint fills in the signature.
func SignCheckpoint(c *record.Checkpoint, key ed25519.PrivateKey) error {
	b, err := checkpointBytes(*c)
	if err != nil {
		return fmt.Errorf("sign checkpoint: %w", err)
	}
	c.Signature = ed25519.Sign(key, b)
	return nil
}

// VerifyCheckpoint checks the signature; the error wraps ErrSignature.
func VerifyCheckpoint(c record.Checkpoint, key ed25519.PublicKey) error {
	b, err := checkpointBytes(c)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSignature, err)
	}
	if len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, b, c.Signature) {
		return fmt.Errorf("%w: after record %d, key %q", ErrSignature, c.UpTo, c.KeyID)
	}
	return nil
}

// DropKey wipes the signing key from the journal's memory (a terminal whose tamper
// loop is broken). Records go on: what makes them true is the chain of hashes, which
// central holds too. Checkpoints rest until SetKey, because an unsigned one is worth
// nothing: the next start folds from the last signed one, which takes longer and
// comes to the same state.
func (j *Journal) DropKey() {
	j.keyMu.Lock()
	defer j.keyMu.Unlock()
	clear(j.key)
	j.key = nil
}

// SetKey lets checkpoints go on with the key that KeyID names. Another key than the
// one the journal was opened with is refused.
func (j *Journal) SetKey(key ed25519.PrivateKey) error {
	if len(key) != ed25519.PrivateKeySize || !j.o.Keys[j.o.KeyID].Equal(key.Public()) {
		return fmt.Errorf("journal: not the key %q that the journal was opened with", j.o.KeyID)
	}
	j.keyMu.Lock()
	defer j.keyMu.Unlock()
	j.key = slices.Clone(key)
	return nil
}

func (j *Journal) hasKey() bool {
	j.keyMu.Lock()
	defer j.keyMu.Unlock()
	return j.key != nil
}

// errNoKey: a checkpoint was wanted after DropKey.
var errNoKey = errors.New("the signing key was dropped")

func (j *Journal) signCheckpoint(c *record.Checkpoint) error {
	j.keyMu.Lock()
	defer j.keyMu.Unlock()
	if j.key == nil {
		return errNoKey
	}
	return SignCheckpoint(c, j.key)
}

// checkpointOf reads the checkpoint in a record and checks that it speaks of the
// record before it.
func checkpointOf(r Record) (record.Checkpoint, error) {
	var c record.Checkpoint
	if r.Kind != c.Kind() {
		return c, fmt.Errorf("%w: record %d is no checkpoint but %s", ErrRecord, r.Seq, r.Kind)
	}
	if err := json.Unmarshal(r.Body, &c); err != nil {
		return c, fmt.Errorf("%w: checkpoint %d: %w", ErrRecord, r.Seq, err)
	}
	if c.UpTo+1 != r.Seq || c.Hash != r.Prev {
		return c, fmt.Errorf("%w: checkpoint %d speaks of record %d", ErrRecord, r.Seq, c.UpTo)
	}
	return c, nil
}

// saveFolds is the state of every fold by name, in canonical form.
func saveFolds(folds []Fold) (map[string]json.RawMessage, error) {
	out := make(map[string]json.RawMessage, len(folds))
	for _, f := range folds {
		raw, err := f.Save()
		if err == nil && len(raw) == 0 {
			raw = json.RawMessage("null")
		}
		if err == nil {
			raw, err = Canonical(raw)
		}
		if err != nil {
			return nil, fmt.Errorf("fold %s: %w", f.Name(), err)
		}
		out[f.Name()] = raw
	}
	return out, nil
}

// writeCheckpoint makes a checkpoint of what is committed. Only the owner of the
// commits calls it. A fold that cannot be saved costs the checkpoint and not the
// terminal: the records are safe, and the next start folds from further back.
func (j *Journal) writeCheckpoint() error {
	j.foldMu.RLock()
	states, err := saveFolds(j.o.Folds)
	j.foldMu.RUnlock()
	c := record.Checkpoint{UpTo: j.committed.seq, Hash: j.committed.hash, Folds: states, KeyID: j.o.KeyID}
	if err == nil {
		err = j.signCheckpoint(&c)
	}
	if err == nil {
		r := &request{drafts: []Draft{{Body: c}}, done: make(chan struct{})}
		j.commit([]*request{r})
		err = r.err
	}
	if err != nil && !errors.Is(err, ErrFailed) {
		j.o.Log.Error("no checkpoint", "error", err, "records_since", j.sinceCheckpoint)
		j.oldest = j.o.Mono() // try again one interval later
		j.skipCheckpoint = j.sinceCheckpoint + j.o.CheckpointEvery
	} else {
		j.skipCheckpoint = 0
	}
	return err
}

// checkpointDue reports whether enough was appended, or something long ago.
func (j *Journal) checkpointDue() bool {
	return j.hasKey() && (j.sinceCheckpoint >= max(j.o.CheckpointEvery, j.skipCheckpoint) ||
		j.sinceCheckpoint > 0 && j.o.Mono()-j.oldest >= j.o.CheckpointAge)
}
