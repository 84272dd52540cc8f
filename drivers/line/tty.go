package line

import "time"

// Parity of a serial line.
type Parity int

const (
	ParityNone Parity = iota
	ParityEven
	ParityOdd
)

// Flow is who may hold back the sender.
type Flow int

const (
	FlowNone    Flow = iota
	FlowRTSCTS       // the modem lines, in the kernel
	FlowXONXOFF      // 11h and 13h vanish from the input
)

// Level is what a modem line of the host is held at while the port is open.
type Level int

const (
	LevelOn Level = iota
	LevelOff
)

// Mode is how a tty is set. The zero value is 9600 baud 8N1 without flow
// control, DTR and RTS on, writes given up after DefaultWriteTimeout.
type Mode struct {
	Baud     int // bits per second; 0 is 9600
	DataBits int // 7 or 8; 0 is 8
	Parity   Parity
	StopBits int // 1 or 2; 0 is 1
	Flow     Flow
	DTR, RTS Level // not every port has them; one that has none is used without
	// WriteTimeout bounds one Write as a whole; 0 is DefaultWriteTimeout.
	WriteTimeout time.Duration
}

func (m Mode) withDefaults() Mode {
	if m.Baud == 0 {
		m.Baud = 9600
	}
	if m.DataBits == 0 {
		m.DataBits = 8
	}
	if m.StopBits == 0 {
		m.StopBits = 1
	}
	if m.WriteTimeout == 0 {
		m.WriteTimeout = DefaultWriteTimeout
	}
	return m
}
