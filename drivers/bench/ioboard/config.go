package ioboard

import (
	"fmt"
	"slices"
	"time"
)

// Config is one module.
type Config struct {
	Channels  int           // 8, 16 or 32
	Firmware  string        // answer to "ver"
	EndOfLine string        // "\n\r" or "\r\n"
	Response  time.Duration // from a command's end to its answer
}

// DefaultConfig is a module of 16 channels.
func DefaultConfig() Config {
	return Config{Channels: 16, Firmware: "00000008", EndOfLine: "\n\r", Response: time.Millisecond}
}

// Validate says why a configuration cannot be a module.
func (c Config) Validate() error {
	switch {
	case !slices.Contains([]int{8, 16, 32}, c.Channels):
		return fmt.Errorf("channels: %d is not 8, 16 or 32", c.Channels)
	case c.EndOfLine != "\n\r" && c.EndOfLine != "\r\n":
		return fmt.Errorf("end of line %q: want CR and LF in either order", c.EndOfLine)
	case c.Firmware == "" || len(c.Firmware) > 16:
		return fmt.Errorf("firmware %q: want 1 to 16 characters", c.Firmware)
	case c.Response < 0:
		return fmt.Errorf("response %v is negative", c.Response)
	}
	return nil
}

// Channels of the cabinet's wiring; see the package comment.
const (
	channelServiceDoor = 0
	channelSafeDoor    = 1
	channelCassette    = 2
	channelTamper      = 3
	channelTamperOther = 4
	channelMains       = 5
)

// Lamp is a lamp's name.
type Lamp string

const (
	LampAcceptor Lamp = "acceptor"
	LampPrinter  Lamp = "printer"
	LampCard     Lamp = "card"
	LampStatus   Lamp = "status"
)

// lampChannels says where each lamp is wired, in the order in which they are
// told of.
var lampChannels = []struct {
	lamp    Lamp
	channel int
}{{LampAcceptor, 8}, {LampPrinter, 9}, {LampCard, 10}, {LampStatus, 11}}

// Loop is how the tamper loop truly is.
type Loop string

const (
	LoopWhole Loop = "whole"
	LoopOpen  Loop = "open"  // a wall was moved: the contact has changed over
	LoopCut   Loop = "cut"   // the cable was cut through
	LoopShort Loop = "short" // somebody bridged the cable
)

// World is what outlives every power cut: how the cabinet stands, and the
// module's ID.
type World struct {
	ServiceDoorOpen bool   `json:"service_door_open"`
	SafeDoorOpen    bool   `json:"safe_door_open"`
	CassetteOut     bool   `json:"cassette_out"`
	Tamper          Loop   `json:"tamper"`
	MainsLost       bool   `json:"mains_lost"`
	ID              string `json:"id"`
}

// NewWorld is a closed cabinet.
func NewWorld() World { return World{Tamper: LoopWhole, ID: "00000000"} }
