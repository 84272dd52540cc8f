package central

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/asan-kiosk/kiosk/daemon/journal"
	"github.com/asan-kiosk/kiosk/provisioning/centralapi"
	"github.com/asan-kiosk/kiosk/provisioning/centralapi/canonical"
)

// batchBytes is where a batch ends although more records were allowed.
const batchBytes = 512 << 10

// codings of a batch, the best first. Central says with 415 that it lacks one.
var codings = [...]string{"zstd", "gzip", ""}

// sendRecords reads records and sends them.
func (c *Client) sendRecords(ctx context.Context, call Call) Reply {
	records, err := c.journal.Read(call.From, max(1, call.Max))
	if err != nil || len(records) == 0 || records[0].Seq != call.From {
		return Reply{Class: ReplyNone, Problem: CauseJournal}
	}
	b, err := batchOf(records, call.Quarantine)
	if err != nil {
		return Reply{Class: ReplyNone, Problem: CauseJournal}
	}
	raw, err := json.Marshal(b)
	if err != nil {
		return Reply{Class: ReplyNone, Problem: CauseJournal}
	}
	for {
		at := c.coding.Load()
		r := c.post(ctx, b, raw, codings[at])
		if r.Class == ReplyInvalid && r.Problem == string(centralapi.ProblemUnsupportedCoding) && int(at) < len(codings)-1 {
			c.coding.CompareAndSwap(at, at+1)
			continue
		}
		return r
	}
}

func (c *Client) post(ctx context.Context, b centralapi.Batch, raw []byte, coding string) Reply {
	params := &centralapi.PostRecordsParams{
		IdempotencyKey: quote(fmt.Sprintf("%d-%d-%d", b.Epoch, b.First, b.First+uint64(len(b.Records))-1)),
		Traceparent:    c.trace(""),
	}
	body := raw
	switch coding {
	case "zstd":
		body = c.zstd.EncodeAll(raw, nil)
	case "gzip":
		var buf bytes.Buffer
		z := gzip.NewWriter(&buf)
		if _, err := z.Write(raw); err != nil {
			return Reply{Class: ReplyNone, Problem: CauseJournal}
		}
		if err := z.Close(); err != nil {
			return Reply{Class: ReplyNone, Problem: CauseJournal}
		}
		body = buf.Bytes()
	}
	if coding != "" {
		params.ContentEncoding = &coding
	}
	var resp *http.Response
	resp, err := c.api.PostRecordsWithBody(ctx, c.terminal, params, centralapi.MediaRecords, bytes.NewReader(body))
	return c.answer(CallRecords)(resp, err)
}

// batchOf puts records into a batch, without prev, until batchBytes are reached
// (one record at least). With a reason, the first record goes alone, as opaque
// bytes.
func batchOf(records []journal.Record, quarantine string) (centralapi.Batch, error) {
	first := records[0]
	b := centralapi.Batch{Epoch: first.Epoch, First: first.Seq, Prev: first.Prev}
	size := 0
	for i, r := range records {
		if r.Seq != first.Seq+uint64(i) || r.Epoch != first.Epoch {
			return b, errors.New("central: records are not in a row")
		}
		raw, err := wireRecord(r)
		if err != nil {
			return b, fmt.Errorf("central: record %d: %w", r.Seq, err)
		}
		if quarantine != "" {
			if raw, err = wrap(r, raw, quarantine); err != nil {
				return b, fmt.Errorf("central: record %d: %w", r.Seq, err)
			}
		}
		if size += len(raw); i > 0 && size > batchBytes {
			break
		}
		b.Records, b.LastHash = append(b.Records, raw), r.Hash
		if quarantine != "" {
			break
		}
	}
	return b, nil
}

// wireRecord is a record's envelope as it travels. All members but prev stand
// there as they are in the journal.
func wireRecord(r journal.Record) (json.RawMessage, error) {
	raw, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	o, err := canonical.ParseObject(raw)
	if err != nil {
		return nil, err
	}
	o.Delete("prev")
	return o.Bytes(), nil
}

// wrap makes the quarantine of a record whose wire form is raw. Central takes the
// hash of the bytes for the record's place in the chain.
func wrap(r journal.Record, raw json.RawMessage, why string) (json.RawMessage, error) {
	o, err := canonical.Link(r.Prev, raw)
	if err != nil {
		return nil, err
	}
	envelope := o.Bytes()
	if canonical.Hash(envelope) != r.Hash {
		return nil, errors.New("the hash is not that of the record")
	}
	if len(why) > 200 {
		why = why[:200]
	}
	return json.Marshal(centralapi.Quarantine{Seq: r.Seq, Quarantine: why, Envelope: envelope})
}
