package validator

import "time"

// EventKind says what an Event is about.
type EventKind string

const (
	EventFrameIn     EventKind = "frame_in"     // a good frame from the host, whole
	EventFrameOut    EventKind = "frame_out"    // the last byte of an answer is in Output.Send
	EventBadFrame    EventKind = "bad_frame"    // a frame from the host with a wrong check sum
	EventStackedSent EventKind = "stacked_sent" // the last byte of an 81h frame is in Output.Send
	EventAcked       EventKind = "acked"        // the host acknowledged a report (Code is its Z1)
	EventState       EventKind = "state"        // what POLL would say has changed (Code is Z1)
	EventNote        EventKind = "note"         // a note went from From to To
	EventInserted    EventKind = "inserted"     // a note came into being in the customer's hand
	EventNotTaken    EventKind = "not_taken"    // the unit did not draw a note in; Text says why
	EventPower       EventKind = "power"        // Text is "on" or "off"
	EventLine        EventKind = "line"         // Text is "plugged", "unplugged" or a line fault that struck
	EventCassette    EventKind = "cassette"     // Text is "removed", "inserted", "full" or "not full"
	EventStacked     EventKind = "stacked"      // the unit has made a report 81h; it is not told yet
)

// Event is something that happened.
type Event struct {
	Kind  EventKind `json:"kind"`
	At    time.Time `json:"-"`
	Frame uint64    `json:"frame,omitempty"` // number of the frame, both directions counted together, from 1
	Bytes []byte    `json:"bytes,omitempty"` // the frame
	Code  byte      `json:"code,omitempty"`
	Data  byte      `json:"data,omitempty"`
	Note  *Note     `json:"note,omitempty"`
	From  Place     `json:"from,omitempty"`
	To    Place     `json:"to,omitempty"`
	Text  string    `json:"text,omitempty"`
}

// Output is what a call of the machine asks for: Send first, then Events.
type Output struct {
	Send   []byte    // to be put on the line at once
	Wake   time.Time // call Tick no later than this; zero for no timer
	Events []Event
}
