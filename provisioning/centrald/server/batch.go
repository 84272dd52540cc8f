package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"

	"github.com/asan-kiosk/kiosk/provisioning/centralapi"
	"github.com/asan-kiosk/kiosk/provisioning/centralapi/canonical"
)

// entry is one record of a batch, checked and linked into the chain.
type entry struct {
	seq        uint64
	hash       string
	envelope   []byte // canonical, with prev; opaque if quarantined
	quarantine string // why, or ""

	kind, visit, key string
	body             []byte // canonical
}

// link is the record before e in the chain.
type link struct {
	seq  uint64
	hash string
}

// parseBatch checks every record of a batch in one pass and recomputes the chain
// over them. It is a function of its arguments alone. Its error is a *problem.
func parseBatch(terminal string, b *centralapi.Batch) ([]entry, error) {
	switch {
	case b.Epoch == 0 || b.First == 0 || b.Epoch > canonical.MaxInteger || b.First > canonical.MaxInteger-centralapi.MaxBatchRecords:
		return nil, refuse(centralapi.ProblemMalformed, "epoch or first is out of range")
	case !canonical.IsHash(b.Prev) || !canonical.IsHash(b.LastHash):
		return nil, refuse(centralapi.ProblemMalformed, "prev or last_hash is not a hash")
	case len(b.Records) == 0:
		return nil, refuse(centralapi.ProblemMalformed, "no records")
	case len(b.Records) > centralapi.MaxBatchRecords:
		return nil, refuse(centralapi.ProblemTooLarge, "too many records")
	}
	entries := make([]entry, 0, len(b.Records))
	at := link{b.First - 1, b.Prev}
	for _, raw := range b.Records {
		e, err := parseRecord(terminal, b.Epoch, at, raw)
		if err != nil {
			return nil, refuse(centralapi.ProblemRecordInvalid, err.Error()).withSeq(at.seq + 1)
		}
		entries = append(entries, e)
		at = link{e.seq, e.hash}
	}
	if at.hash != b.LastHash {
		return nil, refuse(centralapi.ProblemChainBroken, "").withSeq(at.seq)
	}
	return entries, nil
}

// Why a record is refused. The texts are fixed so that nothing of the record's
// content travels back or into a log.
var (
	errForm    = errors.New("the envelope has no canonical form")
	errLarge   = errors.New("the envelope is too large")
	errVersion = errors.New("the envelope's version is not known")
	errForeign = errors.New("the record belongs to another terminal or epoch")
	errNumber  = errors.New("the record does not have the next number")
	errMember  = errors.New("a member of the envelope is missing or has another type")
	errWrapper = errors.New("the quarantine wrapper is not well-formed")
	errBody    = errors.New("the body is not valid for its kind")
)

func parseRecord(terminal string, epoch uint64, at link, raw []byte) (entry, error) {
	if len(raw) > 2*centralapi.MaxRecord {
		return entry{}, errLarge
	}
	env, err := canonical.Link(at.hash, raw)
	if err != nil {
		return entry{}, errForm
	}
	if env.Get("quarantine") != nil {
		return parseQuarantine(at, raw)
	}
	e := entry{envelope: env.Bytes()}
	if len(e.envelope) > centralapi.MaxRecord {
		return entry{}, errLarge
	}
	e.hash = canonical.Hash(e.envelope)
	switch v, ok := integer(env, "v"); {
	case !ok:
		return entry{}, errMember
	case v != 1:
		return entry{}, errVersion
	}
	t, okT := text(env, "t")
	epochOf, okE := integer(env, "epoch")
	seq, okS := integer(env, "seq")
	switch {
	case !okT || !okE || !okS:
		return entry{}, errMember
	case t != terminal || epochOf < 0 || uint64(epochOf) != epoch:
		return entry{}, errForeign
	case seq < 0 || uint64(seq) != at.seq+1:
		return entry{}, errNumber
	}
	e.seq = uint64(seq)
	ok := true
	must := func(name string, optional bool) string {
		if optional && env.Get(name) == nil {
			return ""
		}
		s, good := text(env, name)
		ok = ok && good && len(s) <= maxText
		return s
	}
	e.kind, e.visit, e.key = must("kind", false), must("visit", true), must("key", true)
	must("boot", false)
	must("sync", false)
	for _, name := range []string{"wall", "mono"} {
		_, good := integer(env, name)
		ok = ok && good
	}
	if e.body = env.Get("body"); !ok || e.kind == "" || len(e.body) == 0 || e.body[0] != '{' {
		return entry{}, errMember
	}
	return e, nil
}

// maxText bounds the strings of an envelope.
const maxText = 256

// parseQuarantine takes a record as opaque bytes: its place in the chain is their
// hash, whatever they say.
func parseQuarantine(at link, raw []byte) (entry, error) {
	var q centralapi.Quarantine
	if json.Unmarshal(raw, &q) != nil || q.Quarantine == "" || len(q.Quarantine) > 200 || len(q.Envelope) == 0 {
		return entry{}, errWrapper
	}
	switch {
	case len(q.Envelope) > centralapi.MaxRecord:
		return entry{}, errLarge
	case q.Seq != at.seq+1:
		return entry{}, errNumber
	}
	return entry{seq: q.Seq, hash: canonical.Hash(q.Envelope), envelope: bytes.Clone(q.Envelope), quarantine: q.Quarantine}, nil
}

func integer(o *canonical.Object, name string) (int64, bool) {
	n, err := strconv.ParseInt(string(o.Get(name)), 10, 64)
	return n, err == nil
}

func text(o *canonical.Object, name string) (s string, ok bool) {
	v := o.Get(name)
	if len(v) == 0 || v[0] != '"' {
		return "", false
	}
	return s, json.Unmarshal(v, &s) == nil
}
