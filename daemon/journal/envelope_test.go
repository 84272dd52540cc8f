package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/asan-kiosk/kiosk/daemon/journal/record"
)

type recordVectors struct {
	Enrolment string
	Records   []struct {
		Record    json.RawMessage
		Canonical string
		SHA256    string
	}
}

func loadVectors(t testing.TB) (v recordVectors) {
	t.Helper()
	if err := json.Unmarshal(readFile(t, "testdata/records.json"), &v); err != nil || len(v.Records) == 0 {
		t.Fatalf("%d vectors, %v", len(v.Records), err)
	}
	return v
}

func TestRecordVectors(t *testing.T) {
	v := loadVectors(t)
	at := link{0, hashOf([]byte(v.Enrolment))}
	id := identity{testTerminal, 1, at.hash}
	for _, vec := range v.Records {
		var r Record
		if err := json.Unmarshal(vec.Record, &r); err != nil {
			t.Fatal(err)
		}
		raw, err := Seal(&r)
		if err != nil || string(raw) != vec.Canonical || r.Hash != vec.SHA256 {
			t.Fatalf("record %d:\n got %s %s, %v\nwant %s %s", r.Seq, raw, r.Hash, err, vec.Canonical, vec.SHA256)
		}
		back, err := DecodeEnvelope(raw)
		if err != nil || !reflect.DeepEqual(back, r) {
			t.Fatalf("record %d reads back as %+v, %v", r.Seq, back, err)
		}
		if err := at.follows(id, r); err != nil {
			t.Fatal(err)
		}
		at = r.link()
		if body, ok, err := r.Decode(); !ok || err != nil || body.Kind() != r.Kind {
			t.Fatalf("record %d: body %v, %v, %v", r.Seq, body, ok, err)
		}
	}
}

func TestDecodeEnvelopeRefuses(t *testing.T) {
	good := loadVectors(t).Records[1].Canonical
	for name, b := range map[string]string{
		"empty":             "",
		"white space":       " " + good,
		"line break":        good + "\n",
		"two":               good + good,
		"unknown member":    strings.Replace(good, `"v":1`, `"u":2,"v":1`, 1),
		"version":           strings.Replace(good, `"v":1`, `"v":2`, 1),
		"other order":       strings.Replace(strings.Replace(good, `"t":`, `"x":`, 1), `"x":`, `"T":`, 1),
		"empty visit":       strings.Replace(good, `"0192c5d4-8a00-7000-8000-0000000000b1"`, `""`, 1),
		"number as float":   strings.Replace(good, `"epoch":1`, `"epoch":1.0`, 1),
		"negative number":   strings.Replace(good, `"seq":2`, `"seq":-2`, 1),
		"body is no object": strings.Replace(good, `{"bundle":"sha256:ab"}`, `[]`, 1),
		"body is missing":   strings.Replace(good, `"body":{"bundle":"sha256:ab"},`, ``, 1),
		"escaped needless":  strings.Replace(good, `visit.started`, `visit\u002estarted`, 1),
		"too long":          strings.Replace(good, `sha256:ab`, strings.Repeat("x", MaxRecord), 1),
	} {
		if b == good {
			t.Fatalf("%s: the situation was not made", name)
		}
		if r, err := DecodeEnvelope([]byte(b)); !errors.Is(err, ErrRecord) {
			t.Errorf("%s: got %+v, %v", name, r, err)
		}
	}
}

// Every kind of the schema survives the journal's encoding.
func TestDecodeEveryKind(t *testing.T) {
	for _, b := range record.All() {
		body, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		r := Record{V: 1, Terminal: testTerminal, Epoch: 1, Seq: 1, Kind: b.Kind(), Body: body}
		if _, err := Seal(&r); err != nil {
			t.Errorf("%s: %v", b.Kind(), err)
			continue
		}
		got, ok, err := r.Decode()
		if !ok || err != nil || reflect.TypeOf(got) != reflect.TypeOf(b) {
			t.Errorf("%s: decoded as %T, %v, %v", b.Kind(), got, ok, err)
		}
	}
	if _, ok, err := (Record{Kind: "of.tomorrow", Body: []byte("{}")}).Decode(); ok || err != nil {
		t.Errorf("a kind of a newer program: %v, %v; it is not known and no error", ok, err)
	}
}

func FuzzDecodeEnvelope(f *testing.F) {
	for _, v := range loadVectors(f).Records {
		f.Add([]byte(v.Canonical))
	}
	f.Add([]byte(`{"body":{},"boot":"","epoch":1,"kind":"","mono":0,"prev":"","seq":1,"sync":"","t":"","v":1,"wall":0}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := DecodeEnvelope(b)
		if err != nil {
			return
		}
		whole, err := Canonical(b)
		if err != nil || !bytes.Equal(whole, b) {
			t.Fatalf("not canonical: %q, %v", b, err)
		}
		again, err := Seal(&r)
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("one record, two forms: %q and %q, %v", b, again, err)
		}
	})
}
