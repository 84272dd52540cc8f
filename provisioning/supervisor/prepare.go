package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"text/template"
	"time"

	"github.com/asan-kiosk/kiosk/provisioning/enrol"
)

//go:embed kioskd.toml.tmpl
var configText string

// demoPeople may look after the terminal of "make run": technicians 101 (PIN 2580)
// and 102 (3690), collector 201 (1470). kioskctl people has made the file; at a
// cabinet every terminal gets one of its own.
//
//go:embed people.json
var demoPeople []byte

// configTemplate is kioskd's configuration for the bench. quote writes a TOML
// basic string; what Go's quoting can write and TOML cannot read (\x, \a, \v)
// only stands for control characters and broken UTF-8, which paths are refused
// for before.
var configTemplate = template.Must(template.New("kioskd.toml").
	Funcs(template.FuncMap{"quote": strconv.Quote}).Parse(configText))

// identity is what a first start makes and every later one keeps.
type identity struct {
	terminal string // UUID
	token    string // of the screen
}

// prepare makes what is missing: folders, identity, keys, bundle, and the
// configuration for these ports.
func prepare(ctx context.Context, o *options, p ports) (identity, error) {
	if strings.ContainsFunc(o.dir, func(r rune) bool { return !strconv.IsPrint(r) }) {
		return identity{}, fmt.Errorf("--dir %q has characters that no configuration file can name", o.dir)
	}
	for _, d := range []struct {
		name string
		mode fs.FileMode
	}{{"etc", 0o700}, {"etc/catalogue", 0o700}, {"state", 0o700}, {"runtime", 0o700}, {"central", 0o700}, {"dev", 0o755}, {"trust", 0o755}, {"log", 0o755}} {
		if err := os.MkdirAll(o.path(d.name), d.mode); err != nil {
			return identity{}, err
		}
	}
	var id identity
	var err error
	if id.terminal, err = keepOnce(o.path("etc", "terminal.id"), 0o644, newUUID); err != nil {
		return id, fmt.Errorf("identity of the terminal: %w", err)
	}
	if _, err = keepOnce(o.path("etc", "signing.key"), 0o400, newSeed); err != nil {
		return id, fmt.Errorf("signing key: %w", err)
	}
	if id.token, err = keepOnce(o.path("etc", "screen.token"), 0o600, newToken); err != nil {
		return id, fmt.Errorf("token of the screen: %w", err)
	}
	if _, err = keepOnce(o.path("etc", "people.json"), 0o600, func() ([]byte, error) { return demoPeople, nil }); err != nil {
		return id, fmt.Errorf("people: %w", err)
	}
	if err := prepareBundle(ctx, o); err != nil {
		return id, err
	}
	return id, writeConfig(o, p, id)
}

// configValues is what the template may name.
type configValues struct {
	ID, Screen, Socket, Uplink, Central, Readers, LogLevel string
	PrinterBaud                                            int
	folder                                                 *options
}

// Path is a path in the terminal's folder.
func (v configValues) Path(parts ...string) string { return v.folder.path(parts...) }

func writeConfig(o *options, p ports, id identity) error {
	var b bytes.Buffer
	err := configTemplate.Execute(&b, configValues{ID: id.terminal, PrinterBaud: o.printerBaud, Screen: address(p.Screen), Socket: o.socket(), Uplink: o.uplink(),
		Central: door(p), Readers: o.readers(), LogLevel: o.logLevel, folder: o})
	if err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	return keep(o.config(), b.Bytes(), 0o600)
}

// newUUID is a random UUID (RFC 9562 5.4) and a line feed.
func newUUID() ([]byte, error) {
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		return nil, err
	}
	b[6] = b[6]&0x0f | 4<<4    // version 4
	b[8] = b[8]&0x3f | 0b10<<6 // variant
	return fmt.Appendf(nil, "%x-%x-%x-%x-%x\n", b[:4], b[4:6], b[6:8], b[8:10], b[10:]), nil
}

// newSeed is a new ed25519 seed as kioskd's state.key_file wants it.
func newSeed() ([]byte, error) {
	b := make([]byte, ed25519.SeedSize)
	if _, err := rand.Read(b); err != nil {
		return nil, err
	}
	return []byte(hex.EncodeToString(b) + "\n"), nil
}

// newToken is a new screen token of 256 bits.
func newToken() ([]byte, error) {
	b := make([]byte, 32)
	if _, err := rand.Read(b); err != nil {
		return nil, err
	}
	return []byte(base64.RawURLEncoding.EncodeToString(b) + "\n"), nil
}

// bundleAge is how old a bundle may get here before it is built again: a bundle
// has an end of its validity, and a terminal that was left alone for a month
// must still start.
const bundleAge = 7 * 24 * time.Hour

// prepareBundle makes the catalogue's keys once, and builds and signs the bundle
// when its source or its builder has changed.
func prepareBundle(ctx context.Context, o *options) error {
	keys, bundle, stamp := o.path("etc", "catalogue"), o.path("etc", "bundle"), o.path("etc", "bundle.stamp")
	if _, err := os.Stat(filepath.Join(keys, "root.json")); errors.Is(err, fs.ErrNotExist) {
		// Half a set of keys, left by an interrupted start, is of no use.
		if err := os.RemoveAll(keys); err != nil {
			return err
		}
		if err := kioskctl(ctx, o, "bundle", "keys", "--out", keys); err != nil {
			return err
		}
	}
	digest, err := digestOf(o.catalogue, o.program("kioskctl"), filepath.Join(keys, "root.json"))
	if err != nil {
		return fmt.Errorf("read the services' source: %w", err)
	}
	if info, err := os.Stat(stamp); err == nil && time.Since(info.ModTime()) < bundleAge {
		old, err := os.ReadFile(stamp)
		if _, there := os.Stat(filepath.Join(bundle, "manifest.json")); err == nil && there == nil && string(old) == digest {
			return nil
		}
	}
	built := bundle + ".new"
	if err := os.RemoveAll(built); err != nil {
		return err
	}
	if err := kioskctl(ctx, o, "bundle", "build", "--source", o.catalogue, "--keys", keys, "--out", built); err != nil {
		return err
	}
	if err := os.RemoveAll(bundle); err != nil {
		return err
	}
	if err := os.Rename(built, bundle); err != nil {
		return err
	}
	return keep(stamp, []byte(digest), 0o644)
}

// kioskctl runs the technician's program; its own words are the error.
func kioskctl(ctx context.Context, o *options, args ...string) error {
	_, err := aside(ctx, "", o.program("kioskctl"), args...)
	return err
}

// door is central as the uplink dials it: through the network cable.
func door(p ports) string { return "https://" + address(p.Network) }

// enrolTerminal makes the terminal's identity at the first start, as a technician would:
// the operator makes a code, which is bound to this terminal's number, and kioskctl
// exchanges it. A certificate that ran out while nobody started the terminal is
// replaced in the same way.
func enrolTerminal(ctx context.Context, o *options, p ports, id identity) error {
	if i, ok := enrol.Enrolled(o.identity(), time.Now()); ok && i.Terminal == id.terminal {
		return nil
	}
	out, err := aside(ctx, "", o.program("centrald"), "code", "new", "--ca-dir", o.ca(), "--site", "this machine", "--model", "bench",
		"--terminal", id.terminal, "--json")
	if err != nil {
		return err
	}
	var made struct {
		Code string
		Root string `json:"root_sha256"`
	}
	if err := json.Unmarshal(out, &made); err != nil {
		return fmt.Errorf("centrald's code: %w", err)
	}
	_, err = aside(ctx, made.Code+"\n", o.program("kioskctl"), "enrol", "--central", door(p), "--code", "-", "--root-sha256", made.Root,
		"--dir", o.identity(), "--signing-key", o.path("etc", "signing.key"), "--model", "bench", "--again")
	return err
}

// aside runs a program that ends by itself and returns what it says.
func aside(ctx context.Context, input, program string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.WaitDelay = time.Second
	cmd.Env = environment(os.Environ(), "")
	cmd.Stdin = strings.NewReader(input)
	var out, trouble bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &trouble
	err := cmd.Run()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w\n%s", filepath.Base(program), strings.Join(args, " "), err, strings.TrimSpace(out.String()+trouble.String()))
	}
	return out.Bytes(), nil
}

// digestOf is a SHA-256 over the names and contents of the files in the named
// places, hexadecimal.
func digestOf(places ...string) (string, error) {
	sum := sha256.New()
	for _, place := range places {
		place, err := filepath.EvalSymlinks(place)
		if err != nil {
			return "", err
		}
		err = filepath.WalkDir(place, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			f, err := os.Open(path)
			if err != nil {
				return err
			}
			defer f.Close()
			info, err := f.Stat()
			if err != nil {
				return err
			}
			fmt.Fprintf(sum, "%d %d %s\n", info.Size(), len(path), path)
			_, err = io.Copy(sum, f)
			return err
		})
		if err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
