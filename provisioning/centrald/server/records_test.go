package server

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/asan-kiosk/kiosk/daemon/journal/record"
	"github.com/asan-kiosk/kiosk/drivers/cash"
	"github.com/asan-kiosk/kiosk/drivers/money"
	"github.com/asan-kiosk/kiosk/provisioning/centralapi"
	"github.com/asan-kiosk/kiosk/provisioning/centralapi/canonical"
)

func mustTake(t *testing.T, s *Server, b centralapi.Batch) centralapi.Ack {
	t.Helper()
	r := upload(s, b)
	var a centralapi.Ack
	if r.status != 200 || json.Unmarshal(r.body, &a) != nil || !bool(a.Durable) {
		t.Fatalf("status %d: %s", r.status, r.body)
	}
	return a
}

func wantProblem(t *testing.T, r reply, want centralapi.ProblemType) centralapi.Problem {
	t.Helper()
	p := r.problem(t)
	if p.Type != want {
		t.Fatalf("got %s, want %s (%s)", p.Type, want, r.body)
	}
	return p
}

// The sums of central are those of the terminal's equation, however the same
// records arrive.
func TestRecordsAreAppliedOnce(t *testing.T) {
	c := newChain()
	c.sale(1)
	c.sale(2)
	n := len(c.raw)
	for name, batches := range map[string][][2]int{
		"one batch":             {{1, n}},
		"record by record":      each1(n),
		"everything twice":      {{1, n}, {1, n}},
		"a repeat of the start": {{1, 5}, {1, 5}, {6, n}, {2, 4}},
		"overlapping":           {{1, 5}, {3, 9}, {1, n}},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, storePath(t), Options{})
			top := 0
			for _, b := range batches {
				a := mustTake(t, s, c.batch(b[0], b[1]))
				top = max(top, b[1])
				if a.Seq != uint64(top) || a.Hash != c.hash[top-1] {
					t.Fatalf("acknowledged %d %s, want %d %s", a.Seq, a.Hash, top, c.hash[top-1])
				}
			}
			st := stateOfServer(t, s)
			want := centralapi.Sums{Stacked: 4000, Posted: 3600, Commission: 100, Leftover: 300}
			if len(st.Terminals) != 1 || st.Terminals[0].Ledger["AZN"] != want || !st.Terminals[0].Balanced || st.Terminals[0].Records != int64(n) {
				t.Fatalf("got %+v, want %+v", st.Terminals, want)
			}
		})
	}
}

func each1(n int) (out [][2]int) {
	for i := 1; i <= n; i++ {
		out = append(out, [2]int{i, i})
	}
	return out
}

func TestHead(t *testing.T) {
	s := open(t, storePath(t), Options{})
	head := func() (h centralapi.Head) {
		r := do(s, "GET", "/v1/terminals/"+terminalID+"/head", nil, nil)
		if r.status != 200 || json.Unmarshal(r.body, &h) != nil {
			t.Fatalf("status %d: %s", r.status, r.body)
		}
		return h
	}
	if h := head(); h != (centralapi.Head{}) {
		t.Fatalf("an unknown terminal has %+v", h)
	}
	c := newChain()
	c.sale(1)
	mustTake(t, s, c.batch(1, 3))
	if h := head(); h != (centralapi.Head{Epoch: 1, Seq: 3, Hash: c.hash[2]}) {
		t.Fatalf("got %+v", h)
	}
}

// What does not follow is refused with the head, and nothing of it is stored.
func TestBatchesThatDoNotFollow(t *testing.T) {
	c := newChain()
	c.sale(1)
	other := newChain() // the same terminal's copy, which went another way from record 4
	other.raw, other.hash, other.envelope = append(other.raw, c.raw[:3]...), append(other.hash, c.hash[:3]...), append(other.envelope, c.envelope[:3]...)
	other.add("visit-9", "", record.VisitEnded{Why: "cancelled"})
	other.add("visit-9", "", record.VisitStarted{Bundle: "b"})
	other.sale(9)
	for _, x := range []struct {
		name  string
		batch centralapi.Batch
		want  centralapi.ProblemType
	}{
		{"a gap", c.batch(7, 8), centralapi.ProblemHeadMismatch},
		{"a copy's next record", other.batch(6, 7), centralapi.ProblemChainForked},
		{"a copy's same record", other.batch(5, 5), centralapi.ProblemChainForked},
		{"a copy from before the fork", other.batch(1, 8), centralapi.ProblemChainForked},
		{"a copy's part of what is here", other.batch(2, 4), centralapi.ProblemChainForked},
		{"a later epoch that does not begin", func() centralapi.Batch { b := c.batch(6, 7); b.Epoch = 2; return b }(), centralapi.ProblemRecordInvalid},
		{"wrong last hash", func() centralapi.Batch { b := c.batch(6, 7); b.LastHash = genesis; return b }(), centralapi.ProblemChainBroken},
		{"wrong prev", func() centralapi.Batch { b := c.batch(6, 7); b.Prev = genesis; return b }(), centralapi.ProblemChainBroken},
	} {
		t.Run(x.name, func(t *testing.T) {
			s := open(t, storePath(t), Options{})
			mustTake(t, s, c.batch(1, 5))
			p := wantProblem(t, upload(s, x.batch), x.want)
			if p.Status == 409 && (p.Head == nil || p.Head.Seq != 5 || p.Head.Hash != c.hash[4]) {
				t.Fatalf("head in the answer: %+v", p.Head)
			}
			if st := stateOfServer(t, s); st.Terminals[0].Records != 5 || st.Terminals[0].Head.Seq != 5 {
				t.Fatalf("something was stored: %+v", st.Terminals)
			}
			mustTake(t, s, c.batch(6, 8)) // the true chain goes on
		})
	}
}

func TestNewEpoch(t *testing.T) {
	s := open(t, storePath(t), Options{})
	old := newChain()
	old.sale(1)
	mustTake(t, s, old.batch(1, 8))
	next := newChain()
	next.epoch = 2
	next.sale(2)
	wantProblem(t, upload(s, next.batch(3, 4)), centralapi.ProblemHeadMismatch)
	mustTake(t, s, next.batch(1, 8))
	wantProblem(t, upload(s, old.batch(1, 8)), centralapi.ProblemChainForked)
	st := stateOfServer(t, s)
	if st.Terminals[0].Head.Epoch != 2 || st.Terminals[0].Ledger["AZN"].Stacked != 4000 || incidents(st, "epoch.opened") != 1 {
		t.Fatalf("got %+v, %+v", st.Terminals, st.Incidents)
	}
}

// A record that is not valid is named; in a quarantine wrapper it is stored as
// bytes, books nothing, and the chain goes on.
func TestPoisonRecord(t *testing.T) {
	for name, body := range map[string]string{
		"money with a fraction": `{"note_id":"n","note":{"type":1,"value":{"minor":10.5,"currency":"AZN"}}}`,
		"no currency":           `{"note_id":"n","note":{"type":1,"value":{"minor":1000,"currency":"azn"}}}`,
		"negative":              `{"note_id":"n","note":{"type":1,"value":{"minor":-1000,"currency":"AZN"}}}`,
		"beyond reason":         `{"note_id":"n","note":{"type":1,"value":{"minor":9007199254740991,"currency":"AZN"}}}`,
		"another type":          `{"note_id":7}`,
		"no note":               `{"note":{"type":1,"value":{"minor":1000,"currency":"AZN"}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, storePath(t), Options{})
			c := newChain()
			c.sale(1)
			raw := fmt.Sprintf(`{"v":1,"t":%q,"epoch":1,"seq":9,"kind":"note.stacked","wall":1,"mono":1,"boot":"b","sync":"held","body":%s}`, terminalID, body)
			c.push([]byte(raw))
			if c.hash[8] == "" { // not even a canonical form: its bytes are what they are
				c.envelope[8] = []byte(raw)
				c.hash[8] = canonical.Hash(c.envelope[8])
			}
			c.sale(2)
			p := wantProblem(t, upload(s, c.batch(1, 12)), centralapi.ProblemRecordInvalid)
			if p.Seq == nil || *p.Seq != 9 || strings.Contains(deref(p.Detail), "note") {
				t.Fatalf("problem %+v", p)
			}
			if st := stateOfServer(t, s); len(st.Terminals) != 0 {
				t.Fatalf("something was stored: %+v", st.Terminals)
			}
			mustTake(t, s, c.batch(1, 8))
			b := c.batch(9, 9)
			b.Records = []json.RawMessage{json.RawMessage(fmt.Sprintf(`{"seq":9,"quarantine":"record-invalid","envelope":%q}`, base64.StdEncoding.EncodeToString(c.envelope[8])))}
			mustTake(t, s, b)
			mustTake(t, s, b) // a lost answer
			mustTake(t, s, c.batch(10, 17))
			st := stateOfServer(t, s)
			if g := st.Terminals[0]; g.Quarantined != 1 || g.Head.Seq != 17 || g.Ledger["AZN"].Stacked != 4000 || incidents(st, "record.quarantined") != 1 {
				t.Fatalf("got %+v, %+v", g, st.Incidents)
			}
		})
	}
}

// A terminal may be newer than central: what central does not know it stores and
// hashes as it is.
func TestUnknownKindsAndMembers(t *testing.T) {
	s := open(t, storePath(t), Options{})
	c := newChain()
	c.addRaw("lamp.blinked", "", "", []byte(`{"times":3}`), map[string]any{"seal": "AAAA", "later": map[string]any{"z": 1, "a": 2}})
	c.sale(1)
	mustTake(t, s, c.batch(1, 9))
	if g := stateOfServer(t, s).Terminals[0]; g.Unapplied != 1 || g.Records != 9 || g.Ledger["AZN"].Posted != 1800 {
		t.Fatalf("got %+v", g)
	}
}

func TestCodings(t *testing.T) {
	c := newChain()
	c.sale(1)
	plain, err := json.Marshal(c.batch(1, 8))
	if err != nil {
		t.Fatal(err)
	}
	var gz bytes.Buffer
	z := gzip.NewWriter(&gz)
	z.Write(plain)
	z.Close()
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	bomb := bytes.Repeat([]byte(" "), centralapi.MaxBatchDecoded+1)
	var gzBomb bytes.Buffer
	z = gzip.NewWriter(&gzBomb)
	z.Write(bomb)
	z.Close()
	for _, x := range []struct {
		name, coding string
		body         []byte
		status       int
	}{
		{"none", "", plain, 200},
		{"identity", "identity", plain, 200},
		{"gzip", "gzip", gz.Bytes(), 200},
		{"zstd", "zstd", enc.EncodeAll(plain, nil), 200},
		{"brotli", "br", plain, 415},
		{"two", "gzip, zstd", plain, 415},
		{"not gzip", "gzip", plain, 400},
		{"not zstd", "zstd", plain, 400},
		{"cut zstd", "zstd", enc.EncodeAll(plain, nil)[:40], 400},
		{"cut gzip", "gzip", gz.Bytes()[:40], 400},
		{"zstd bomb", "zstd", enc.EncodeAll(bomb, nil), 413},
		{"gzip bomb", "gzip", gzBomb.Bytes(), 413},
		{"too long as it travels", "", bytes.Repeat([]byte(" "), centralapi.MaxBatchCoded+1), 413},
		{"too long for zstd", "zstd", bytes.Repeat([]byte(" "), centralapi.MaxBatchCoded+1), 413},
		{"empty", "", []byte{}, 400},
		{"not JSON", "", []byte("{"), 400},
		{"another type", "", []byte(`{"epoch":"1"}`), 400},
	} {
		t.Run(x.name, func(t *testing.T) {
			s := open(t, storePath(t), Options{})
			h := map[string]string{"Content-Type": centralapi.MediaRecords, "Idempotency-Key": `"1-1-8"`}
			if x.coding != "" {
				h["Content-Encoding"] = x.coding
			}
			r := do(s, "POST", "/v1/terminals/"+terminalID+"/records", h, x.body)
			if r.status != x.status {
				t.Fatalf("status %d, want %d: %.200s", r.status, x.status, r.body)
			}
			if x.status != 200 {
				r.problem(t)
			}
		})
	}
}

// Notes in doubt stand beside the equation until they are settled.
func TestNotesInDoubt(t *testing.T) {
	ten := cash.Note{Value: money.Manat(10)}
	for _, x := range []struct {
		name     string
		end      []record.Body
		visit    string
		want     centralapi.Sums
		incident string
	}{
		{"still", nil, "v", centralapi.Sums{InDoubt: 1000}, ""},
		{"said twice", []record.Body{record.NoteInDoubt{NoteID: "n"}}, "v", centralapi.Sums{InDoubt: 1000}, ""},
		{"stacked after all", []record.Body{record.NoteStacked{NoteID: "n", Note: ten}}, "v", centralapi.Sums{Stacked: 1000, Held: 1000}, ""},
		{"stacked, nobody's", []record.Body{record.NoteStacked{NoteID: "n", Note: ten}}, "", centralapi.Sums{Stacked: 1000, Unassigned: 1000}, ""},
		{"returned", []record.Body{record.NoteReturned{NoteID: "n"}}, "v", centralapi.Sums{}, ""},
		{"stacked twice", []record.Body{record.NoteStacked{NoteID: "n", Note: ten}, record.NoteStacked{NoteID: "n", Note: ten}}, "v",
			centralapi.Sums{Stacked: 1000, Held: 1000}, "note.stacked-twice"},
		{"held, then nobody's", []record.Body{record.NoteStacked{NoteID: "n", Note: ten}, record.Unassigned{Amount: money.Manat(10)}}, "v",
			centralapi.Sums{Stacked: 1000, Unassigned: 1000}, ""},
	} {
		t.Run(x.name, func(t *testing.T) {
			s := open(t, storePath(t), Options{})
			c := newChain()
			c.add(x.visit, "", record.NoteEscrowed{NoteID: "n", Note: ten})
			c.add(x.visit, "", record.NoteInDoubt{NoteID: "n"})
			for _, b := range x.end {
				c.add(x.visit, "", b)
			}
			mustTake(t, s, c.batch(1, len(c.raw)))
			st := stateOfServer(t, s)
			if got := st.Terminals[0]; got.Ledger["AZN"] != x.want || !got.Balanced {
				t.Fatalf("got %+v, want %+v", got.Ledger["AZN"], x.want)
			}
			if x.incident == "" != (len(st.Incidents) == 0) || x.incident != "" && st.Incidents[0].Kind != x.incident {
				t.Fatalf("incidents %+v", st.Incidents)
			}
		})
	}
}

// What a terminal must never write is booked once and brought before a person.
func TestPaymentsWrittenTwice(t *testing.T) {
	intended := record.PaymentIntent{Amount: money.Manat(18), Commission: money.Amount{}, Body: json.RawMessage(`{}`)}
	for name, x := range map[string]struct {
		again record.Body
		want  string
	}{
		"intent":   {intended, "payment.intended-twice"},
		"result":   {record.ActionResult{Status: record.ActionDone}, "payment.settled-twice"},
		"reversal": {record.ActionResult{Status: record.ActionRejected}, "payment.settled-twice"},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, storePath(t), Options{Demo: true})
			outcome(t, pay(s, "key-00000001", "123027172", 1800))
			c := newChain()
			c.add("v", "", record.NoteStacked{NoteID: "n", Note: cash.Note{Value: money.Manat(20)}})
			c.add("v", "key-00000001", intended)
			c.add("v", "key-00000001", record.ActionResult{Status: record.ActionDone})
			c.add("v", "key-00000001", x.again)
			mustTake(t, s, c.batch(1, 4))
			st := stateOfServer(t, s)
			if got, want := st.Terminals[0].Ledger["AZN"], (centralapi.Sums{Stacked: 2000, Held: 200, Posted: 1800}); got != want || incidents(st, x.want) != 1 {
				t.Fatalf("ledger %+v, incidents %+v", got, st.Incidents)
			}
		})
	}
}

// Central compares what the terminal says of a payment with what it did itself.
func TestClaims(t *testing.T) {
	s := open(t, storePath(t), Options{Demo: true})
	c := newChain()
	c.sale(1) // says that key-00000001 is done; central never saw it
	mustTake(t, s, c.batch(1, 8))
	if o := outcome(t, pay(s, "key-00000002", "123027172", 1800)); o.Status != statusDone {
		t.Fatalf("got %+v", o)
	}
	c.sale(2)
	mustTake(t, s, c.batch(9, 16))
	if st := stateOfServer(t, s); len(st.Incidents) != 1 || st.Incidents[0].Kind != "payment.claimed" || *st.Incidents[0].Seq != 6 {
		t.Fatalf("incidents %+v", st.Incidents)
	}
}

func TestEnvelopesThatAreRefused(t *testing.T) {
	good := map[string]any{"v": 1, "t": terminalID, "epoch": 1, "seq": 1, "kind": "visit.ended", "wall": 1, "mono": 1, "boot": "b", "sync": "s", "body": map[string]any{}}
	for name, change := range map[string]map[string]any{
		"no version":          {"v": nil},
		"a later version":     {"v": 2},
		"another terminal":    {"t": "another"},
		"another epoch":       {"epoch": 7},
		"another number":      {"seq": 2},
		"a number as text":    {"seq": "1"},
		"no kind":             {"kind": ""},
		"kind of a number":    {"kind": 5},
		"a huge kind":         {"kind": strings.Repeat("k", 300)},
		"no body":             {"body": nil},
		"body is a list":      {"body": []int{}},
		"visit is a number":   {"visit": 5},
		"key is a list":       {"key": []string{"a"}},
		"clock is text":       {"wall": "now"},
		"prev travels":        {"prev": genesis},
		"wrapper cut":         {"quarantine": "why"},
		"wrapper bad base64":  {"quarantine": "why", "envelope": "*"},
		"wrapper other place": {"quarantine": "why", "envelope": "AAAA", "seq": 5},
	} {
		t.Run(name, func(t *testing.T) {
			m := map[string]any{}
			for k, v := range good {
				m[k] = v
			}
			for k, v := range change {
				if m[k] = v; v == nil {
					delete(m, k)
				}
			}
			raw, err := json.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			s := open(t, storePath(t), Options{})
			r := upload(s, centralapi.Batch{Epoch: 1, First: 1, Prev: genesis, LastHash: genesis, Records: []json.RawMessage{raw}})
			if p := wantProblem(t, r, centralapi.ProblemRecordInvalid); p.Seq == nil || *p.Seq != 1 {
				t.Fatalf("problem %+v", p)
			}
		})
	}
}

// The batch parser takes anything without harm, and what it takes is a chain.
func FuzzBatch(f *testing.F) {
	c := newChain()
	c.sale(1)
	c.sale(2)
	b, err := json.Marshal(c.batch(1, 16))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	b, _ = json.Marshal(c.batch(4, 4))
	f.Add(b)
	q := c.batch(3, 3)
	q.Records = []json.RawMessage{json.RawMessage(`{"seq":3,"quarantine":"x","envelope":"` + base64.StdEncoding.EncodeToString(c.envelope[2]) + `"}`)}
	b, _ = json.Marshal(q)
	f.Add(b)
	f.Add([]byte(`{"epoch":18446744073709551615,"first":18446744073709551615,"prev":"","last_hash":"","records":[{}]}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		var b centralapi.Batch
		if json.Unmarshal(in, &b) != nil {
			return
		}
		entries, err := parseBatch(terminalID, &b)
		if err != nil {
			if p, ok := err.(*problem); !ok || p.Status < 400 {
				t.Fatalf("error is no problem: %v", err)
			}
			return
		}
		if entries[len(entries)-1].hash != b.LastHash {
			t.Fatal("last hash is not compared")
		}
		for i, e := range entries {
			if e.seq != b.First+uint64(i) || e.hash != canonical.Hash(e.envelope) {
				t.Fatalf("record %d is not in its place", i)
			}
		}
	})
}

// records/s of one terminal in batches of 100 as they travel: decompressed,
// checked, linked, applied and durable.
func BenchmarkBatch100(b *testing.B) {
	c := newChain()
	for i := range 1250 {
		c.sale(i)
	}
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		b.Fatal(err)
	}
	type wire struct {
		key  string
		body []byte
	}
	var batches []wire
	for i := 1; i+99 <= len(c.raw); i += 100 {
		raw, err := json.Marshal(c.batch(i, i+99))
		if err != nil {
			b.Fatal(err)
		}
		batches = append(batches, wire{fmt.Sprintf(`"1-%d-%d"`, i, i+99), enc.EncodeAll(raw, nil)})
	}
	s := open(b, b.TempDir()+"/central.db", Options{})
	at := 0
	for b.Loop() {
		if at == len(batches) {
			b.StopTimer()
			s.Close()
			s = open(b, b.TempDir()+"/central.db", Options{})
			at = 0
			b.StartTimer()
		}
		w := batches[at]
		r := do(s, "POST", "/v1/terminals/"+terminalID+"/records", map[string]string{
			"Content-Type": centralapi.MediaRecords, "Content-Encoding": "zstd", "Idempotency-Key": w.key}, w.body)
		if r.status != 200 {
			b.Fatalf("status %d: %s", r.status, r.body)
		}
		at++
	}
	b.ReportMetric(float64(b.N)*100/b.Elapsed().Seconds(), "records/s")
}
