// Package config is the terminal's one configuration file: TOML, typed,
// validated as a whole before anything is opened.
//
// Every key is declared once, in the table of keys.go: its name, its default,
// what is allowed, and how it is read. From that table come the checks, the
// words of the errors and the suggestions for misspelt keys, and a test compares
// kioskd.sample.toml with it, so that the sample is the documentation.
//
// A mistake in the file is told with its key, its value, its line and what is
// allowed; all mistakes of a file are told together (Errors). A terminal with a
// mistake in its file does not start: a cabinet that runs with a guessed value
// takes people's money under rules that nobody wrote down.
//
// Load reads the file and nothing else. The secrets live in files of their own,
// named by the configuration and read by SigningKey and ReadToken, so that the
// configuration may be shown to anyone.
package config

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/screen/wire"
	"github.com/asan-kiosk/kiosk/drivers/money"
	"github.com/asan-kiosk/kiosk/drivers/panel"
)

// MaxSize is the greatest size of a configuration file, in bytes.
const MaxSize = 32 << 10

// DriverNone as a driver's name: the terminal has no such device.
const DriverNone = "none"

// Config is a whole valid configuration.
type Config struct {
	Path   string // the file it was read from; "" if it was not a file
	Digest string // SHA-256 of the file's bytes, hexadecimal; goes into record.Started

	Terminal  Terminal
	State     State
	Screen    Screen
	Admin     Admin
	Catalogue Catalogue
	Central   Central
	Uplink    Uplink
	Acceptor  Acceptor
	Printer   Printer
	Cards     CardReader
	Panel     Panel
	Upkeep    Upkeep
	Limits    Limits
	Health    Health
	Log       Log
}

// Terminal is who this terminal is.
type Terminal struct {
	ID          string      // UUID in lower case; a replaced machine gets a new one
	Number      string      // what stands on the cabinet and on slips
	Owner       string      // name of the operator
	OwnerVOEN   string      // operator's taxpayer number (VÖEN), ten digits
	Address     string      // where the cabinet stands
	Phone       string      // help line
	Hours       string      // hours of the help line
	PixelsPerMM float64     // CSS pixels in a millimetre of the panel (ui.md 7)
	Languages   []wire.Lang // in the order in which they are offered
}

// State says where the terminal keeps what it must not lose, and what it may.
type State struct {
	Dir        string // the journal; on a disk
	RuntimeDir string // what a restart needs and a power loss clears; on tmpfs
	KeyFile    string // see SigningKey
}

// Screen is the local page.
type Screen struct {
	Listen    string // IP:port on loopback
	TokenFile string // see ReadToken
}

// Admin is the door for the technician's program.
type Admin struct {
	Socket string // path of the Unix socket
}

// Catalogue says where the services come from.
type Catalogue struct {
	Bundle string // folder of the active signed bundle
	Root   string // file with the keys that may sign bundles
}

// Central says where the central API answers the terminal: at the uplink's socket,
// or at a loopback address that stands in for both. One of the two is set.
type Central struct {
	Socket string   // path of the Unix socket, or ""
	URL    *url.URL // scheme, host and port only, or nil
}

// Uplink is the other process, which has the network. It listens on Central.Socket.
type Uplink struct {
	Central  *url.URL // https, host and port only; nil: there is no uplink on this machine
	RootFile string   // root certificate of central, or two, in PEM
	Identity string   // folder of the terminal's key and certificate
	Group    string   // who may open the socket; "": the group that the process has
}

// Acceptor is the banknote acceptor.
type Acceptor struct {
	Driver        string // "ccnet" or DriverNone
	Port          string // stable name of the tty; may be a symbolic link
	Baud          int    // bits per second; 0 probes the speeds of the protocol
	Currency      money.Currency
	Denominations []money.Amount // notes that are taken, ascending
	HighSecurity  []money.Amount // those of them that the unit must verify with high security, ascending
	CouponDigits  int            // of a barcode coupon; 0: coupons are not read
	UnitEscrow    time.Duration  // told to the unit as its patience with what lies in escrow; 0: its own
	Options       uint32         // bits of the unit's options that must be on
	Poll          time.Duration  // period of the driver's polls
	Trace         bool           // what went over the line is kept for a day
}

// Printer is the receipt printer.
type Printer struct {
	Driver  string // "escpos" or DriverNone
	Port    string // stable name of the tty; may be a symbolic link
	Baud    int    // bits per second; 0 probes
	Profile string // name of the model's profile in the driver
}

// CardReader is the reader of e-signature cards and tokens.
type CardReader struct {
	Driver string // "pcsc" or DriverNone
	Socket string // of the PC/SC daemon; "": the system's own
}

// Panel is the contacts and lamps of the cabinet.
type Panel struct {
	Driver string       // "numato", "gpio" or DriverNone
	Port   string       // stable name of the board's tty, or of the GPIO chip; may be a symbolic link
	Layout panel.Layout // how it is wired; has passed Check unless Driver is DriverNone
}

// Upkeep is who may look after the terminal.
type Upkeep struct {
	People string // file of the enrolled people (package upkeep/people); "": none
}

// Limits are what one visit may do and how long it may rest.
type Limits struct {
	MaxCash     money.Amount  // greatest sum of notes in one visit; a service may set less
	IdleAttract time.Duration // how long the last screen of a visit stands before the first one returns
	IdleRead    time.Duration // rest allowed on screens that are read
	IdleTyping  time.Duration // rest allowed on screens that are filled in
	Warning     time.Duration // how long "are you still here?" stands before the end of a rest
}

// Health says where the daemon tells its figures.
type Health struct {
	MetricsSocket string // path of a Unix socket that serves Prometheus; "": none
}

// Log is the daemon's own log.
type Log struct {
	Level slog.Level
}

// Load reads and checks the file at path. The error is an Errors when the file
// could be read and holds mistakes.
func Load(path string) (*Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open configuration: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	c, err := Parse(path, data)
	if err != nil {
		return nil, err
	}
	c.Path = path
	return c, nil
}

// Parse checks the bytes of a configuration file; name stands in the errors. It
// touches nothing outside its arguments.
func Parse(name string, data []byte) (*Config, error) {
	if len(data) > MaxSize {
		return nil, Errors{{File: name, Problem: fmt.Sprintf("the file is greater than %d bytes", MaxSize)}}
	}
	doc, errs := readDocument(name, data)
	if len(errs) > 0 {
		return nil, errs
	}
	sum := sha256.Sum256(data)
	c := &Config{Digest: hex.EncodeToString(sum[:])}
	good := map[string]bool{} // keys whose value stands; only these are compared with each other
	for i := range keys {
		k := &keys[i]
		v, present := doc.take(k.name)
		switch {
		case !present && k.standard == nil:
			if k.needed == nil || k.needed(c) {
				errs = append(errs, &Error{File: name, Key: k.name, Problem: "is missing", Allowed: k.allowed})
			}
			continue
		case !present:
			v = k.standard
		}
		if !k.set(c, v) {
			errs = append(errs, &Error{File: name, Line: doc.line(k.name), Key: k.name, Value: show(v), Allowed: k.allowed})
			continue
		}
		good[k.name] = true
	}
	errs = append(errs, doc.unknown()...)
	errs = append(errs, compare(c, doc, good)...)
	if len(errs) > 0 {
		errs.sort()
		return nil, errs
	}
	return c, nil
}
