package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// options is what the command line said.
type options struct {
	dir         string
	bin         string
	catalogue   string
	screenPort  int
	benchPort   int
	portZero    bool
	fault       string
	record      bool
	quiet       bool
	bare        bool   // both processes of kioskd are left to another service manager
	logLevel    string // of kioskd
	cardPIN     string // of the bench's cards; empty: the bench's own
	printerBaud int    // bits a second
}

// programs are the programs that must be in the folder of programs.
var programs = []string{"bench", "centrald", "kioskd", "kioskctl"}

// kept are the processes that are kept running. The uplink is kioskd's other half.
var kept = []string{"bench", "centrald", "uplink", "kioskd"}

var faultForm = regexp.MustCompile(`^[a-z0-9._-]+:[1-9][0-9]{0,8}(:stall)?$`)

var pinForm = regexp.MustCompile(`^[0-9]{4,12}$`)

// maxSocketPath is sun_path of unix(7) without its final zero, in bytes.
const maxSocketPath = 107

func (o *options) completeDir() error {
	dir, err := filepath.Abs(o.dir)
	if err != nil {
		return fmt.Errorf("folder %s: %w", o.dir, err)
	}
	o.dir = dir
	if s := o.uplink(); len(s) > maxSocketPath { // the longest of them
		return fmt.Errorf("--dir %s is too long a path: %s has %d bytes and a Unix socket's path has at most %d; choose another with --dir",
			o.dir, s, len(s), maxSocketPath)
	}
	return nil
}

// complete checks the options, makes paths absolute, and finds the programs.
func (o *options) complete() error {
	if err := o.completeDir(); err != nil {
		return err
	}
	for _, p := range []*string{&o.bin, &o.catalogue} {
		abs, err := filepath.Abs(*p)
		if err != nil {
			return fmt.Errorf("folder %s: %w", *p, err)
		}
		*p = abs
	}
	if o.fault != "" && !faultForm.MatchString(o.fault) {
		return fmt.Errorf("--fault %q; allowed: NAME:N, for example till.stacked.durable:1", o.fault)
	}
	if o.cardPIN != "" && !pinForm.MatchString(o.cardPIN) {
		return errors.New("--card-pin; allowed: 4 to 12 digits")
	}
	for _, p := range []struct {
		flag string
		port int
	}{{"--screen-port", o.screenPort}, {"--bench-port", o.benchPort}} {
		if p.port < 1 || p.port > 65535 {
			return fmt.Errorf("%s %d; allowed: 1 to 65535", p.flag, p.port)
		}
	}
	if o.screenPort == o.benchPort && !o.portZero {
		return fmt.Errorf("--screen-port and --bench-port are both %d; each page has a port of its own", o.screenPort)
	}
	var missing []string
	for _, name := range programs {
		info, err := os.Stat(filepath.Join(o.bin, name))
		if err != nil || info.IsDir() || info.Mode()&0o111 == 0 {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("%s has no %s: run \"make build\" first, or name another folder with --bin-dir", o.bin, strings.Join(missing, ", "))
	}
	if info, err := os.Stat(o.catalogue); err != nil || !info.IsDir() {
		return errors.New("the services' source is not at " + o.catalogue + ": start in the checkout's folder, or name another with --catalogue")
	}
	return nil
}

func (o *options) path(parts ...string) string {
	return filepath.Join(append([]string{o.dir}, parts...)...)
}
func (o *options) socket() string   { return o.path("runtime", "admin.sock") }
func (o *options) uplink() string   { return o.path("runtime", "uplink.sock") }
func (o *options) identity() string { return o.path("etc", "identity") }
func (o *options) ca() string       { return o.path("central", "ca") }
func (o *options) readers() string  { return o.path("pcscd.comm") } // of the bench's PC/SC daemon
func (o *options) trust() string    { return o.path("trust") }      // of the bench's card issuers
func (o *options) config() string   { return o.path("etc", "kioskd.toml") }

func (o *options) program(name string) string {
	if name == "uplink" {
		name = "kioskd"
	}
	return filepath.Join(o.bin, name)
}
