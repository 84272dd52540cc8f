package central

import (
	"bytes"
	"encoding/json"
	"mime"
	"net/http"
	"strconv"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/uplink/cause"
	"github.com/asan-kiosk/kiosk/provisioning/centralapi"
)

// classify says what an answer means to the terminal (protocols/central-sync.md
// section 3). It is a function of the answer alone. Two rules are above the table:
// an answer that is not the contract's says nothing about what was asked, whatever
// its status, and no text is ever acted on.
func classify(kind CallKind, code int, h http.Header, body []byte) Reply {
	media, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		media = ""
	}
	r := Reply{Class: ReplyNone, RetryAfter: retryAfter(h)}
	if code >= 300 && code < 400 {
		r.Problem = CauseRedirect
		return r
	}
	if code == http.StatusOK {
		return success(kind, media, body, r)
	}
	var p centralapi.Problem
	typed := media == centralapi.MediaProblem && json.Unmarshal(body, &p) == nil && p.Type != ""
	if r.Problem = CauseStatus; typed {
		r.Problem = string(p.Type)
		if c, ok := cause.Of(r.Problem); ok {
			return local(c, r)
		}
	}
	switch code {
	case http.StatusUnauthorized, http.StatusForbidden:
		r.Class = ReplyDenied
	case http.StatusRequestEntityTooLarge:
		if r.Class = ReplyDenied; kind == CallRecords {
			r.Class = ReplyTooBig
		}
	case http.StatusTooManyRequests:
	default:
		if typed && code < 500 {
			return refused(kind, code, p, r)
		}
	}
	return r
}

// local reads a word of the uplink's: central has said nothing.
func local(c cause.Cause, r Reply) Reply {
	r.Problem = string(c)
	if c == cause.Identity || c == cause.NotAllowed {
		r.Class = ReplyDenied
	}
	return r
}

// success reads an answer with status 200.
func success(kind CallKind, media string, body []byte, r Reply) Reply {
	if media != centralapi.MediaJSON {
		r.Problem = CauseContent
		return r
	}
	bad := func() Reply {
		r.Problem = CauseMalformed
		return r
	}
	if body = bytes.TrimSpace(body); !json.Valid(body) || body[0] != '{' {
		return bad()
	}
	switch kind {
	case CallAct, CallState:
		switch s, _ := status(body); s {
		case "":
			return bad()
		case "running":
			r.Class = ReplyRunning
			return r
		}
	case CallRecords:
		var a centralapi.Ack
		if json.Unmarshal(body, &a) != nil || !bool(a.Durable) || a.Seq == 0 {
			return bad()
		}
		r.Head = &Head{Epoch: a.Epoch, Seq: a.Seq, Hash: a.Hash}
	case CallHead:
		var h struct {
			Epoch *uint64 `json:"epoch"`
			Seq   *uint64 `json:"seq"`
			Hash  string  `json:"hash"`
		}
		if json.Unmarshal(body, &h) != nil || h.Epoch == nil || h.Seq == nil {
			return bad()
		}
		r.Head = &Head{Epoch: *h.Epoch, Seq: *h.Seq, Hash: h.Hash}
	}
	r.Class, r.Body = ReplyOK, body
	return r
}

// refused reads a problem document of status 4xx.
func refused(kind CallKind, code int, p centralapi.Problem, r Reply) Reply {
	switch p.Type {
	case centralapi.ProblemActionUnknown:
		if kind == CallState {
			r.Class = ReplyMissing
		}
	case centralapi.ProblemActionRunning:
		r.Class = ReplyRunning
	case centralapi.ProblemHeadMismatch, centralapi.ProblemChainForked:
		if kind == CallRecords && p.Head != nil {
			r.Class, r.Head = ReplyMismatch, &Head{Epoch: p.Head.Epoch, Seq: p.Head.Seq, Hash: p.Head.Hash}
		}
	case centralapi.ProblemRecordInvalid, centralapi.ProblemChainBroken:
		if kind == CallRecords {
			r.Class = ReplyInvalid
		}
	case centralapi.ProblemUnsupportedMedia, centralapi.ProblemUnsupportedCoding:
		if r.Class = ReplyDenied; kind == CallRecords {
			r.Class = ReplyInvalid
		}
	case centralapi.ProblemBodyInvalid:
		// Nothing was done. For a question or a deed that is final.
		if r.Class = ReplyDenied; code == http.StatusUnprocessableEntity && (kind == CallAct || kind == CallAsk) {
			r.Class = ReplyRefused
		}
	case centralapi.ProblemMalformed, centralapi.ProblemKindUnknown, centralapi.ProblemNotFound, centralapi.ProblemMethodNotAllowed, centralapi.ProblemKeyReused:
		r.Class = ReplyDenied
	}
	return r
}

// retryAfter reads Retry-After (RFC 9110 section 10.2.3). A date is compared with
// the answer's own Date, so that our clock does not matter.
func retryAfter(h http.Header) time.Duration {
	v := h.Get("Retry-After")
	if v == "" {
		return 0
	}
	if s, err := strconv.ParseUint(v, 10, 31); err == nil {
		return time.Duration(s) * time.Second
	}
	until, err := http.ParseTime(v)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return 0
	}
	return max(0, until.Sub(now))
}
