package central

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/uplink/cause"
	"github.com/asan-kiosk/kiosk/provisioning/centralapi"
)

const (
	jsonType    = "application/json"
	problemType = "application/problem+json"
)

func problemOf(t centralapi.ProblemType) string {
	return `{"type":"` + string(t) + `","retryable":true}`
}

// saysUplink is a problem of the uplink's.
func saysUplink(c cause.Cause) string { return `{"type":"` + c.Type() + `"}` }

func TestClassify(t *testing.T) {
	all := []CallKind{CallAsk, CallAct, CallState, CallRecords, CallHead}
	goodAck := `{"epoch":1,"seq":5,"hash":"ab","durable":true}`
	for _, x := range []struct {
		name    string
		kinds   []CallKind
		code    int
		media   string
		body    string
		class   ReplyClass
		problem string
	}{
		{"answer of a query", []CallKind{CallAsk}, 200, jsonType, `{"outcome":"found"}`, ReplyOK, ""},
		{"with a character set", []CallKind{CallAsk}, 200, jsonType + "; charset=utf-8", `{"outcome":"found"}`, ReplyOK, ""},
		{"action done", []CallKind{CallAct, CallState}, 200, jsonType, `{"status":"done"}`, ReplyOK, ""},
		{"action rejected", []CallKind{CallAct, CallState}, 200, jsonType, `{"status":"rejected"}`, ReplyOK, ""},
		{"action running", []CallKind{CallAct, CallState}, 200, jsonType, `{"status":"running"}`, ReplyRunning, ""},
		{"action without status", []CallKind{CallAct, CallState}, 200, jsonType, `{"state":"done"}`, ReplyNone, CauseMalformed},
		{"acknowledgement", []CallKind{CallRecords}, 200, jsonType, goodAck, ReplyOK, ""},
		{"not durable", []CallKind{CallRecords}, 200, jsonType, `{"epoch":1,"seq":5,"hash":"ab"}`, ReplyNone, CauseMalformed},
		{"acknowledgement of nothing", []CallKind{CallRecords}, 200, jsonType, `{"durable":true}`, ReplyNone, CauseMalformed},
		{"head", []CallKind{CallHead}, 200, jsonType, `{"epoch":0,"seq":0,"hash":""}`, ReplyOK, ""},
		{"head without numbers", []CallKind{CallHead}, 200, jsonType, `{"hash":""}`, ReplyNone, CauseMalformed},
		{"captive portal", all, 200, "text/html", `<p>Please sign in.`, ReplyNone, CauseContent},
		{"HTML that calls itself JSON", all, 200, jsonType, `<p>Please sign in.`, ReplyNone, CauseMalformed},
		{"no content type", all, 200, "", `{"status":"done"}`, ReplyNone, CauseContent},
		{"a list", all, 200, jsonType, `[]`, ReplyNone, CauseMalformed},
		{"cut", all, 200, jsonType, `{"status":"do`, ReplyNone, CauseMalformed},
		{"empty", all, 200, jsonType, ``, ReplyNone, CauseMalformed},
		{"another success", all, 204, "", ``, ReplyNone, CauseStatus},
		{"moved", all, 301, "text/html", ``, ReplyNone, CauseRedirect},
		{"moved, keeping the method", all, 308, jsonType, `{"status":"done"}`, ReplyNone, CauseRedirect},
		{"not known", all, 401, problemType, problemOf(centralapi.ProblemUnauthorised), ReplyDenied, string(centralapi.ProblemUnauthorised)},
		{"not allowed", all, 403, problemType, problemOf(centralapi.ProblemForbidden), ReplyDenied, string(centralapi.ProblemForbidden)},
		{"not allowed, by a firewall", all, 403, "text/html", `no`, ReplyDenied, CauseStatus},
		{"key never arrived", []CallKind{CallState}, 404, problemType, problemOf(centralapi.ProblemActionUnknown), ReplyMissing, string(centralapi.ProblemActionUnknown)},
		{"a proxy's 404 says nothing about a key", []CallKind{CallState}, 404, "text/html", `not found`, ReplyNone, CauseStatus},
		{"nor does JSON of another kind", []CallKind{CallState}, 404, jsonType, problemOf(centralapi.ProblemActionUnknown), ReplyNone, CauseStatus},
		{"unknown key, to a deed", []CallKind{CallAct}, 404, problemType, problemOf(centralapi.ProblemActionUnknown), ReplyNone, string(centralapi.ProblemActionUnknown)},
		{"kind not known", []CallKind{CallAsk, CallAct}, 404, problemType, problemOf(centralapi.ProblemKindUnknown), ReplyDenied, string(centralapi.ProblemKindUnknown)},
		{"running", []CallKind{CallAct}, 409, problemType, problemOf(centralapi.ProblemActionRunning), ReplyRunning, string(centralapi.ProblemActionRunning)},
		{"batch does not follow", []CallKind{CallRecords}, 409, problemType, `{"type":"urn:kiosk:problem:head-mismatch","head":{"epoch":1,"seq":3,"hash":"ab"}}`, ReplyMismatch, string(centralapi.ProblemHeadMismatch)},
		{"fork", []CallKind{CallRecords}, 409, problemType, `{"type":"urn:kiosk:problem:chain-forked","head":{"epoch":1,"seq":3,"hash":"ab"}}`, ReplyMismatch, string(centralapi.ProblemChainForked)},
		{"mismatch without a head", []CallKind{CallRecords}, 409, problemType, problemOf(centralapi.ProblemHeadMismatch), ReplyNone, string(centralapi.ProblemHeadMismatch)},
		{"batch too large", []CallKind{CallRecords}, 413, "text/html", ``, ReplyTooBig, CauseStatus},
		{"body too large", []CallKind{CallAsk, CallAct}, 413, problemType, problemOf(centralapi.ProblemTooLarge), ReplyDenied, string(centralapi.ProblemTooLarge)},
		{"media type", []CallKind{CallRecords}, 415, problemType, problemOf(centralapi.ProblemUnsupportedMedia), ReplyInvalid, string(centralapi.ProblemUnsupportedMedia)},
		{"record invalid", []CallKind{CallRecords}, 422, problemType, problemOf(centralapi.ProblemRecordInvalid), ReplyInvalid, string(centralapi.ProblemRecordInvalid)},
		{"chain broken", []CallKind{CallRecords}, 422, problemType, problemOf(centralapi.ProblemChainBroken), ReplyInvalid, string(centralapi.ProblemChainBroken)},
		{"body invalid", []CallKind{CallAsk, CallAct}, 422, problemType, problemOf(centralapi.ProblemBodyInvalid), ReplyRefused, string(centralapi.ProblemBodyInvalid)},
		{"body invalid, of a proxy", []CallKind{CallAsk, CallAct}, 422, "text/plain", `no`, ReplyNone, CauseStatus},
		{"body invalid with another status", []CallKind{CallAct}, 400, problemType, problemOf(centralapi.ProblemBodyInvalid), ReplyDenied, string(centralapi.ProblemBodyInvalid)},
		{"key with another body", []CallKind{CallAct}, 422, problemType, problemOf(centralapi.ProblemKeyReused), ReplyDenied, string(centralapi.ProblemKeyReused)},
		{"a problem of a later contract", all, 422, problemType, `{"type":"urn:kiosk:problem:something-new"}`, ReplyNone, "urn:kiosk:problem:something-new"},
		{"too many requests", all, 429, problemType, problemOf(centralapi.ProblemBusy), ReplyNone, string(centralapi.ProblemBusy)},
		{"too many of these", all, 429, problemType, problemOf(centralapi.ProblemTooMany), ReplyNone, string(centralapi.ProblemTooMany)},
		{"failed", all, 500, problemType, problemOf(centralapi.ProblemInternal), ReplyNone, string(centralapi.ProblemInternal)},
		{"a refusal with status 500 is none", []CallKind{CallAct}, 500, problemType, problemOf(centralapi.ProblemBodyInvalid), ReplyNone, string(centralapi.ProblemBodyInvalid)},
		{"the uplink: no connection", all, 502, problemType, saysUplink(cause.Unreachable), ReplyNone, CauseUnreachable},
		{"the uplink: in time", all, 504, problemType, saysUplink(cause.Timeout), ReplyNone, CauseTimeout},
		{"the uplink: not central", all, 502, problemType, saysUplink(cause.TLS), ReplyNone, CauseTLS},
		{"the uplink: our certificate", all, 502, problemType, saysUplink(cause.Identity), ReplyDenied, CauseIdentity},
		{"the uplink: another version", all, 404, problemType, saysUplink(cause.NotAllowed), ReplyDenied, CauseNotAllowed},
		{"the uplink: busy", all, 503, problemType, saysUplink(cause.Busy), ReplyNone, CauseBusy},
		{"the uplink: a word of a later one", all, 502, problemType, `{"type":"urn:kiosk:uplink:rain"}`, ReplyNone, "rain"},
		{"its word with 200 is no answer", all, 200, problemType, saysUplink(cause.Identity), ReplyNone, CauseContent},
		{"bad gateway", all, 502, "text/html", `bad gateway`, ReplyNone, CauseStatus},
		{"busy", all, 503, problemType, problemOf(centralapi.ProblemBusy), ReplyNone, string(centralapi.ProblemBusy)},
		{"gateway time-out", all, 504, "", ``, ReplyNone, CauseStatus},
	} {
		for _, kind := range x.kinds {
			t.Run(x.name+"/"+string(kind), func(t *testing.T) {
				h := http.Header{}
				if x.media != "" {
					h.Set("Content-Type", x.media)
				}
				r := classify(kind, x.code, h, []byte(x.body))
				if r.Class != x.class || r.Problem != x.problem {
					t.Fatalf("got %s %q, want %s %q", r.Class, r.Problem, x.class, x.problem)
				}
			})
		}
	}
}

func TestRetryAfter(t *testing.T) {
	for v, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "-1": 0, "soon": 0, "99999999999999999999": 0,
		"Mon, 02 Mar 2026 08:00:30 GMT": 30 * time.Second, "Mon, 02 Mar 2026 07:00:00 GMT": 0,
	} {
		h := http.Header{"Retry-After": {v}, "Date": {"Mon, 02 Mar 2026 08:00:00 GMT"}}
		if got := retryAfter(h); got != want {
			t.Fatalf("%q: got %v, want %v", v, got, want)
		}
	}
	if got := retryAfter(http.Header{"Retry-After": {"Mon, 02 Mar 2026 08:00:30 GMT"}}); got != 0 {
		t.Fatalf("without Date: %v", got)
	}
}

// No answer, whatever it is, settles an action but one that says so.
func FuzzClassify(f *testing.F) {
	f.Add(uint8(1), 200, jsonType, []byte(`{"status":"done","transaction":"T1"}`))
	f.Add(uint8(3), 409, problemType, []byte(`{"type":"urn:kiosk:problem:head-mismatch","head":{"epoch":1,"seq":3,"hash":"ab"}}`))
	f.Add(uint8(2), 404, problemType, []byte(problemOf(centralapi.ProblemActionUnknown)))
	f.Add(uint8(4), 200, jsonType, []byte(`{"epoch":1,"seq":18446744073709551615,"hash":"x"}`))
	f.Fuzz(func(t *testing.T, k uint8, code int, media string, body []byte) {
		kind := []CallKind{CallAsk, CallAct, CallState, CallRecords, CallHead}[k%5]
		r := classify(kind, code, http.Header{"Content-Type": {media}}, body)
		switch r.Class {
		case ReplyOK:
			if code != 200 || !json.Valid(r.Body) {
				t.Fatalf("success with status %d: %q", code, r.Body)
			}
			if (kind == CallRecords || kind == CallHead) && r.Head == nil {
				t.Fatal("success without a head")
			}
		case ReplyRefused:
			if code != 422 || !strings.Contains(string(body), "body-invalid") && !strings.Contains(string(body), `\u`) {
				t.Fatalf("refused by %d %q", code, body)
			}
		case ReplyMissing:
			if kind != CallState {
				t.Fatalf("%s cannot be missing", kind)
			}
		case ReplyMismatch:
			if r.Head == nil {
				t.Fatal("mismatch without a head")
			}
		case ReplyNone, ReplyRunning, ReplyDenied, ReplyTooBig, ReplyInvalid:
		default:
			t.Fatalf("class %q", r.Class)
		}
	})
}
