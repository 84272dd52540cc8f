// Package health says how the terminal is: which devices it has and how they are,
// what can be done with them, why nothing can be offered, and whether every loop
// of the daemon still gets round.
//
// It decides nothing about visits or money. The rooms decide by what they know
// themselves (till.Ready, paper.Desk.Fit, esign.Desk.Ready, central.Courier.Online);
// health puts the same facts and what the devices have said into words, for the
// technician and for whoever looks after the fleet:
//
//   - Table hears what the devices say, and gives a Report: devices with states in
//     the words of XFS4IoT 2024-03 (Common.Status, member device), functions with
//     the reason why they cannot be had.
//   - Watch holds each loop to its own limit. A ping of the watchdog goes out only
//     when every loop has shown within its limit that it gets round; a ping from a
//     bare timer would prove nothing.
//   - Manager speaks to the service manager: ready, status, watchdog, stopping
//     (sd_notify(3)).
//   - Starts is the fold that knows how often the daemon was started, and after how
//     many of its lives it had not ended in order.
//
// The figures for Prometheus are in health/metrics.
package health

import (
	"strings"
	"time"
)

// State is what a device is, in the words of XFS4IoT's Common.Status.
type State string

const (
	Online        State = "online"        // it answers and works
	Offline       State = "offline"       // it should be there and does not answer
	NoDevice      State = "noDevice"      // this terminal has none, and needs none
	HardwareError State = "hardwareError" // it answers and cannot work until somebody helps
	Starting      State = "starting"      // not yet known, or coming up
)

// States lists every State.
func States() []State { return []State{Online, Offline, NoDevice, HardwareError, Starting} }

// DeviceID names a device; the same name stands in the journal.
type DeviceID string

const (
	Acceptor   DeviceID = "acceptor"
	Printer    DeviceID = "printer"
	CardReader DeviceID = "card_reader"
	Panel      DeviceID = "panel"
	Central    DeviceID = "central" // not a device of the cabinet, but gone in the same way
)

// Device is one row of the device table.
type Device struct {
	ID    DeviceID  `json:"id"`
	Name  string    `json:"name"` // as a technician calls it
	State State     `json:"state"`
	Cause string    `json:"cause,omitempty"` // why it is not online, or what it complains of
	Model string    `json:"model,omitempty"` // what it says of itself
	Since time.Time `json:"since"`           // of State
}

// FunctionID names something a visit may need.
type FunctionID string

const (
	FunctionCash    FunctionID = "cash"
	FunctionPrinter FunctionID = "printer"
	FunctionCard    FunctionID = "card"
	FunctionPanel   FunctionID = "panel"
	FunctionCentral FunctionID = "central"
)

// Function is whether something can be had now.
type Function struct {
	ID        FunctionID `json:"id"`
	Available bool       `json:"available"`
	Cause     string     `json:"cause,omitempty"` // why not
}

// Report is how the terminal is at one moment.
type Report struct {
	At        time.Time  `json:"at"`
	Devices   []Device   `json:"devices"`
	Functions []Function `json:"functions"`
	// OutOfService is why nothing can be offered to anybody, in words; empty while
	// something can.
	OutOfService []string      `json:"out_of_service"`
	InVisit      bool          `json:"in_visit"` // somebody stands here
	Central      CentralReport `json:"central"`
	Alarms       []string      `json:"alarms"` // what an operator must look at, sorted
	Loops        []Loop        `json:"loops"`
}

// CentralReport is how far the records are, and what waits for an answer.
type CentralReport struct {
	Unsent  uint64 `json:"unsent"` // records that central does not hold
	Open    int    `json:"open"`   // actions without a result
	Backoff int64  `json:"backoff_ms"`
}

// Loop is how long ago one of the daemon's loops last got round.
type Loop struct {
	Name  string `json:"name"`
	Still int64  `json:"still_ms"`
	Limit int64  `json:"limit_ms"`
}

// InOrder reports whether a technician has nothing to do: everything that the
// terminal has works, and nothing stands against offering services.
func (r Report) InOrder() bool {
	if len(r.OutOfService) > 0 || len(r.Alarms) > 0 {
		return false
	}
	for _, f := range r.Functions {
		if !f.Available {
			return false
		}
	}
	for _, d := range r.Devices {
		if d.State != Online && d.State != NoDevice || d.Cause != "" {
			return false
		}
	}
	return true
}

// Words is the report in one line, for the service manager's status.
func (r Report) Words() string {
	if len(r.OutOfService) > 0 {
		return "out of service: " + strings.Join(r.OutOfService, "; ")
	}
	var trouble []string
	for _, d := range r.Devices {
		if d.State != Online && d.State != NoDevice || d.Cause != "" {
			trouble = append(trouble, d.Words())
		}
	}
	trouble = append(trouble, r.Alarms...)
	if len(trouble) == 0 {
		return "in service"
	}
	return "in service, but " + strings.Join(trouble, "; ")
}

// Words is a device with its state as a technician reads it.
func (d Device) Words() string {
	words := map[State]string{Online: "works", Offline: "does not answer", NoDevice: "not fitted", HardwareError: "is out of order", Starting: "is starting"}[d.State]
	if d.State == Online && d.Cause != "" {
		return d.Name + ": " + d.Cause
	}
	if d.Cause != "" {
		words += " (" + d.Cause + ")"
	}
	return d.Name + " " + words
}
