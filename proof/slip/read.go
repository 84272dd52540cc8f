package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/asan-kiosk/kiosk/daemon/admin"
	"github.com/asan-kiosk/kiosk/daemon/journal"
	"github.com/asan-kiosk/kiosk/daemon/journal/record"
	"github.com/asan-kiosk/kiosk/daemon/screen/wire"
	"github.com/asan-kiosk/kiosk/proof/robot"
)

// maxStrip bounds what is read of a strip: over two metres of picture, in bytes.
const maxStrip = 4 << 20

// picture is the body of a binary PBM (netpbm's P4): rows of width/8 bytes, black is 1.
type picture struct {
	height int
	bits   []byte
}

const stride = width / 8

func (p picture) rows(from, to int) []byte { return p.bits[from*stride : to*stride] }

// hash is the journal's: SHA-256 of the dots, hexadecimal.
func (p picture) hash() string {
	sum := sha256.Sum256(p.bits)
	return hex.EncodeToString(sum[:])
}

func (p picture) pbm() []byte {
	return append(fmt.Appendf(nil, "P4\n%d %d\n", width, p.height), p.bits...)
}

func parsePBM(b []byte) (p picture, err error) {
	var w int
	head, bits, ok := cutLines(b, 2)
	if n, _ := fmt.Sscanf(head, "P4\n%d %d", &w, &p.height); !ok || n != 2 || w != width || len(bits) != p.height*stride {
		return p, fmt.Errorf("no PBM of %d dots width: %q and %d bytes", width, head, len(bits))
	}
	p.bits = bits
	return p, nil
}

// cutLines takes the first n lines off.
func cutLines(b []byte, n int) (head string, rest []byte, ok bool) {
	at := 0
	for range n {
		i := bytes.IndexByte(b[at:], '\n')
		if i < 0 {
			return "", nil, false
		}
		at += i + 1
	}
	return string(b[:at]), b[at:], true
}

// install fetches the reader by its lock file, unless it is there. What it could
// fetch besides (drivers for printers at USB) is left out, and no script is run.
func install(ctx context.Context, reader string) error {
	if _, err := os.Stat(filepath.Join(reader, "node_modules", "npos")); err == nil {
		return nil
	}
	cmd := exec.CommandContext(ctx, "npm", "ci", "--omit=optional", "--ignore-scripts", "--loglevel=error")
	cmd.Dir = reader
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("install npos (needs the npm registry the first time): %w: %s", err, out)
	}
	return nil
}

// newestStrip fetches the bytes and the paper of the newest strip at the bench.
func newestStrip(ctx context.Context, t robot.Terminal) (raw []byte, paper picture, err error) {
	var state struct {
		Strips []struct {
			N   int    `json:"n"`
			End string `json:"end"`
		} `json:"strips"`
	}
	if err := robot.Get(ctx, "http://"+t.Bench+"/api/state", &state); err != nil {
		return nil, paper, err
	}
	if len(state.Strips) == 0 || state.Strips[0].End != "cut" {
		return nil, paper, errors.New("no slip has been cut off")
	}
	url := fmt.Sprintf("http://%s/api/strips/%d", t.Bench, state.Strips[0].N)
	if raw, err = fetch(ctx, url+".bin"); err != nil {
		return nil, paper, err
	}
	b, err := fetch(ctx, url+".pbm")
	if err != nil {
		return nil, paper, err
	}
	paper, err = parsePBM(b)
	return raw, paper, err
}

func fetch(ctx context.Context, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", url, resp.Status)
	}
	return io.ReadAll(io.LimitReader(resp.Body, maxStrip))
}

// readBack gives a strip's bytes to npos.
func readBack(ctx context.Context, reader string, raw []byte) (p picture, report string, err error) {
	f, err := os.CreateTemp("", "slip-*.bin")
	if err != nil {
		return p, "", err
	}
	defer os.Remove(f.Name())
	if _, err = f.Write(raw); err == nil {
		err = f.Close()
	}
	if err != nil {
		return p, "", err
	}
	var out, says bytes.Buffer
	cmd := exec.CommandContext(ctx, "node", filepath.Join(reader, "read.mjs"), f.Name(), fmt.Sprint(width))
	cmd.Stdout, cmd.Stderr = &out, &says
	if err := cmd.Run(); err != nil {
		return p, "", fmt.Errorf("npos cannot read the slip: %w: %s", err, says.String())
	}
	if p, err = parsePBM(out.Bytes()); err != nil {
		return p, "", fmt.Errorf("read by npos: %w", err)
	}
	lines := strings.Split(strings.TrimSpace(says.String()), "\n")
	var n struct{ Commands, Pictures, Feeds, Cuts int }
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &n); err != nil {
		return p, "", fmt.Errorf("read by npos: %w", err)
	}
	if n.Cuts != 1 || n.Pictures == 0 {
		return p, "", fmt.Errorf("npos finds %d pictures and %d cuts; a slip is cut once", n.Pictures, n.Cuts)
	}
	return p, fmt.Sprintf("%d commands, %d pictures, %d rows", n.Commands, n.Pictures, p.height), nil
}

// drawnHash is what kioskd wrote down of the picture before it sent the last slip.
func drawnHash(ctx context.Context, socket string) (hash string, err error) {
	err = admin.NewClient(socket).Records(ctx, admin.Filter{Last: 1, Kind: string(record.SlipQueued{}.Kind())}, func(r journal.Record) error {
		var body record.SlipQueued
		if err := json.Unmarshal(r.Body, &body); err != nil {
			return err
		}
		hash = body.Picture
		return nil
	})
	if err == nil && hash == "" {
		err = errors.New("the journal has no slip")
	}
	return hash, err
}

// readCode reads the code with zbarimg and compares it with what the person was
// told: the reference, and what was left over, in qəpik.
func readCode(ctx context.Context, p picture, told *wire.Outcome) error {
	f, err := os.CreateTemp("", "slip-*.pbm")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if _, err = f.Write(p.pbm()); err == nil {
		err = f.Close()
	}
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "zbarimg", "--quiet", "--raw", f.Name())
	cmd.Env = append(os.Environ(), "DBUS_SYSTEM_BUS_ADDRESS=disabled:")
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("zbarimg finds no code on the slip: %w", err)
	}
	code := strings.TrimSpace(string(out))
	fields := strings.Split(code, ";")
	const reference, leftover, least = 2, 5, 6
	if len(fields) < least || strings.Contains(code, "\n") {
		return fmt.Errorf("zbarimg reads %q, and that is not one code of a slip", code)
	}
	if fields[reference] != told.Reference || fields[leftover] != fmt.Sprint(told.Leftover.Minor) {
		return fmt.Errorf("the code says %q and %q, the person was told %q and %d", fields[reference], fields[leftover], told.Reference, told.Leftover.Minor)
	}
	return nil
}
