// Package central is the terminal's side of the contract with the central API.
//
// Asks live in memory and end with the visit. Actions change the world: each has
// a key that was journaled (payment.intent, action.intent) before anything is
// sent, the same key has the same effect once, and action.result settles it. The
// package has two parts:
//
//   - Courier, a pure state machine. It folds the journal: an intent without a
//     result is open. Open actions are sent until central has answered for good;
//     after a restart, and after any answer that was lost, the first question is
//     what became of the key. Records go up in batches, one in flight, in order.
//     It deletes nothing and gives up on nothing, whatever the answer says.
//   - Client, which carries out the Courier's Calls with the generated client: over
//     the uplink's Unix socket in a cabinet, over loopback in development.
//
// Nothing here decides about money; the till and the visit read the results.
package central

import (
	"encoding/json"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/journal"
	"github.com/asan-kiosk/kiosk/daemon/uplink/cause"
)

// CallKind is what a Call asks of central.
type CallKind string

const (
	CallAsk     CallKind = "ask"     // POST queries/{kind}
	CallAct     CallKind = "act"     // POST actions/{kind} with Idempotency-Key
	CallState   CallKind = "state"   // GET actions/{kind}/{key}
	CallRecords CallKind = "records" // POST records
	CallHead    CallKind = "head"    // GET head
)

// Call is one request to be carried out; exactly one Reply with the same ID
// follows, at the latest after Timeout.
type Call struct {
	ID      uint64
	Kind    CallKind
	Name    string          // kind of query or action
	Key     string          // idempotency key
	Body    json.RawMessage // query or action body
	From    uint64          // records: first sequence number
	Max     int             // records: at most so many
	Timeout time.Duration

	// Quarantine, on records, is why central refused record From: it is sent once
	// more, alone and as opaque bytes, so that the chain can go on.
	Quarantine string
}

// ReplyClass is what an answer means to the terminal, whatever its status was.
type ReplyClass string

const (
	ReplyOK       ReplyClass = "ok"       // as the contract says; Body holds it
	ReplyRefused  ReplyClass = "refused"  // a final no: Problem says why; repeating is useless
	ReplyMissing  ReplyClass = "missing"  // state: central has never seen this key
	ReplyRunning  ReplyClass = "running"  // state: central works on it
	ReplyMismatch ReplyClass = "mismatch" // records: Head says where to go on
	ReplyNone     ReplyClass = "none"     // no usable answer: whether it had an effect is unknown
	ReplyDenied   ReplyClass = "denied"   // 401, 403, or a request the contract does not know: keep everything, back off
	ReplyTooBig   ReplyClass = "too_big"  // 413: halve the batch
	ReplyInvalid  ReplyClass = "invalid"  // 415, 422 on records: bisect
)

// Reply is the end of a Call.
type Reply struct {
	ID         uint64
	Class      ReplyClass
	Body       json.RawMessage
	Problem    string        // type of the problem document (RFC 9457), or a word for a local cause
	RetryAfter time.Duration // what the server asked for
	Date       time.Time     // central's clock when it answered, to a second; zero: not told
	Head       *Head
	Known      bool // Head is a place in our own chain: the hash at that number is ours
}

// Words for local causes in Reply.Problem.
const (
	CauseUnreachable = "unreachable"  // no connection, or it broke
	CauseTimeout     = "timeout"      // no answer in time
	CauseStatus      = "status"       // a status without a problem document
	CauseContent     = "content_type" // an answer that is not the contract's: a captive portal, a proxy
	CauseMalformed   = "malformed"    // the right type, and not what the contract says
	CauseOversize    = "oversize"     // longer than any answer may be
	CauseRedirect    = "redirect"     // never followed
	CauseJournal     = "journal"      // our own records cannot be read; central is not to blame
	CauseUplink      = "uplink"       // the other process, which has the network, does not answer
)

// Words that the uplink says in central's place (package cause); the others of its
// words are the ones above.
const (
	CauseTLS        = string(cause.TLS)        // what answers there does not prove to be central
	CauseIdentity   = string(cause.Identity)   // central does not take this terminal's certificate
	CauseBusy       = string(cause.Busy)       // too many requests at a time
	CauseNotAllowed = string(cause.NotAllowed) // the uplink does not know our requests: another version
)

// Head is how far central has this terminal's journal.
type Head struct {
	Epoch uint64 `json:"epoch"`
	Seq   uint64 `json:"seq"`
	Hash  string `json:"hash"`
}

// AskOutcome is how a query ended.
type AskOutcome string

const (
	AskFound       AskOutcome = "found"
	AskNone        AskOutcome = "none"
	AskBlocked     AskOutcome = "blocked" // Reason says why
	AskUnavailable AskOutcome = "unavailable"
)

// Answer is the end of an ask.
type Answer struct {
	AskID   string
	Outcome AskOutcome
	Reason  string          // for AskBlocked: paid, cancelled, ...
	Body    json.RawMessage // for AskFound
}

// Out is what the Courier wants after an input. The caller carries it out in the
// order of the members: Write durably, with Apply for every record, before any of
// Calls goes out and before the next input; then Acked, if it is not 0; then
// Answers to whoever asked. Each of Calls must be ended by exactly one Reply. At
// Wake, if it is not zero, Tick is due; a Wake replaces the one before.
type Out struct {
	Write   []journal.Draft
	Acked   uint64 // central holds everything up to here, durably
	Answers []Answer
	Calls   []Call
	Wake    time.Time
}

// Health is whether central can be reached, for the services that need it.
type Health struct {
	Online bool      `json:"online"`
	Why    string    `json:"why,omitempty"` // offline: "starting", or the last Reply's Problem
	Since  time.Time `json:"since"`
	Unsent uint64    `json:"unsent"`           // records that central does not hold yet
	Open   int       `json:"open"`             // actions without a result
	Retry  time.Time `json:"retry"`            // after a failure: when the records are sent again
	Alarms []string  `json:"alarms,omitempty"` // what an operator must look at, sorted
}

// Alarms of the Courier. None of them deletes anything.
const (
	AlarmIdentity   = "identity.refused"   // central does not accept this terminal
	AlarmForked     = "chain.forked"       // central has another journal under our name; upload rests
	AlarmQuarantine = "quarantine.limit"   // too many poison records in a day; upload rests
	AlarmRecord     = "record.stuck"       // a record that central takes in no form
	AlarmKey        = "action.key_reused"  // central has this key with another body
	AlarmContract   = "contract.refused"   // central does not know our requests: another version
	AlarmJournal    = "journal.unreadable" // records that central needs cannot be read
)
