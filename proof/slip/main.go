// Command slip pays one order at a whole terminal and reads the slip back with
// programs that others wrote.
//
//	slip [--bin-dir bin]
//
// The bytes that the printer received are cut into their rasters and feeds; each
// becomes a PBM file, and netpbm puts them together: the payload of GS v 0 is the
// body of a binary PBM. The picture must equal, dot for dot, the one that was
// drawn (its SHA-256 is in the journal, record slip.queued) and the one that came
// out of the bench's printer. zbarimg reads the QR code, which must name the
// payment's reference. The last line is the verdict.
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/admin"
	"github.com/asan-kiosk/kiosk/daemon/journal"
	"github.com/asan-kiosk/kiosk/daemon/journal/record"
	"github.com/asan-kiosk/kiosk/proof/rig"
	"github.com/asan-kiosk/kiosk/proof/robot"
)

// width is the head's, in dots.
const width = 576

func main() {
	bin := flag.String("bin-dir", "bin", "folder of the programs")
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	if err := check(ctx, *bin); err != nil {
		fmt.Println("check-slip: WRONG:", err)
		cancel()
		os.Exit(1)
	}
}

func check(ctx context.Context, bin string) error {
	r, err := rig.Start(ctx, rig.Options{BinDir: bin, Quiet: true})
	if err != nil {
		return err
	}
	defer r.Stop()
	told, err := r.Terminal.Pay(ctx, robot.Payment{Number: "200000001", Notes: []int64{20, 5, 1}})
	if err != nil {
		return err
	}
	if told == nil || told.Slip != "printed" {
		return fmt.Errorf("the person was told %+v", told)
	}
	drawn, err := drawnPicture(ctx, r.Socket)
	if err != nil {
		return err
	}
	return compare(ctx, r, drawn, told.Reference)
}

func compare(ctx context.Context, r *rig.Rig, drawn, reference string) error {
	dir, err := os.MkdirTemp("", "kiosk-slip-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	raw, paper, err := newest(ctx, r.Terminal)
	if err != nil {
		return err
	}
	parts, err := split(raw)
	if err != nil {
		return err
	}
	read, rows, err := assemble(ctx, dir, parts)
	if err != nil {
		return err
	}
	if got := hash(body(read)); got != drawn {
		return fmt.Errorf("read back with netpbm the picture is %s, drawn was %s", got, drawn)
	}
	// The paper begins with the white between cutter and head.
	if at := bytes.Index(body(paper), body(read)); at < 0 || at%(width/8) != 0 {
		return errors.New("the paper in the bench shows other dots than netpbm reads")
	}
	file := filepath.Join(dir, "slip.pbm")
	if err := os.WriteFile(file, read, 0o600); err != nil {
		return err
	}
	code, err := exec.CommandContext(ctx, "zbarimg", "--quiet", "--raw", file).Output()
	if err != nil {
		return fmt.Errorf("zbarimg: %w", err)
	}
	if !strings.HasPrefix(string(code), "KIOSK1;") || !strings.Contains(string(code), ";"+reference+";") {
		return fmt.Errorf("zbarimg reads %q, the reference is %s", code, reference)
	}
	fmt.Printf("zbarimg reads %s", code)
	fmt.Printf("check-slip: %d x %d dots equal in drawing, netpbm and paper; QR names reference %s: good\n", width, rows, reference)
	return nil
}

func hash(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// body is what follows the header of a binary PBM ("P4\nW H\n").
func body(pbm []byte) []byte {
	_, rest, _ := bytes.Cut(pbm, []byte("\n"))
	_, rest, _ = bytes.Cut(rest, []byte("\n"))
	return rest
}

// newest fetches the bytes and the picture of the strip with the most on it: the
// others are blank stubs.
func newest(ctx context.Context, t robot.Terminal) (raw, pbm []byte, err error) {
	var state struct {
		Strips []struct {
			N     int `json:"n"`
			Bytes int `json:"bytes"`
		} `json:"strips"`
	}
	if err := robot.Get(ctx, "http://"+t.Bench+"/api/state", &state); err != nil {
		return nil, nil, err
	}
	best, most := 0, 0
	for _, s := range state.Strips {
		if s.Bytes > most {
			best, most = s.N, s.Bytes
		}
	}
	get := func(ext string) ([]byte, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://%s/api/strips/%d.%s", t.Bench, best, ext), nil)
		if err != nil {
			return nil, err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return nil, err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("strip %d: %s", best, resp.Status)
		}
		return io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	}
	if raw, err = get("bin"); err != nil {
		return nil, nil, err
	}
	pbm, err = get("pbm")
	return raw, pbm, err
}

// part is a raster or white rows.
type part struct {
	bytesWide, rows int
	bits            []byte // nil: white
}

// split cuts ESC/POS into rasters (GS v 0) and feeds (ESC J); set-up, barriers and
// the cut carry no dots. A command it does not know is an error: it might.
func split(b []byte) (parts []part, err error) {
	need := func(n int) bool { return len(b) >= n }
	for len(b) > 0 {
		switch {
		case b[0] == 0: // zeros that fill up a command broken off before
			b = b[1:]
		case need(8) && b[0] == 0x1D && b[1] == 'v' && b[2] == '0':
			w, h := int(b[4])|int(b[5])<<8, int(b[6])|int(b[7])<<8
			if !need(8 + w*h) {
				return nil, errors.New("a raster is cut off")
			}
			parts = append(parts, part{w, h, b[8 : 8+w*h]})
			b = b[8+w*h:]
		case need(3) && b[0] == 0x1B && b[1] == 'J':
			parts = append(parts, part{rows: int(b[2])})
			b = b[3:]
		case need(2) && b[0] == 0x1B && (b[1] == '@' || b[1] == 'S' || b[1] == '2'):
			b = b[2:]
		case need(3) && b[0] == 0x1B && (b[1] == 'a' || b[1] == '3' || b[1] == '=') || need(3) && b[0] == 0x1D && (b[1] == 'a' || b[1] == 'r' || b[1] == 'I'):
			b = b[3:]
		case need(4) && b[0] == 0x1D && (b[1] == 'P' || b[1] == 'L' || b[1] == 'W'):
			b = b[4:]
		case need(5) && b[0] == 0x1D && b[1] == '(':
			n := 5 + (int(b[3]) | int(b[4])<<8)
			if !need(n) {
				return nil, errors.New("a command is cut off")
			}
			b = b[n:]
		case need(3) && b[0] == 0x1D && b[1] == 'V':
			return parts, nil // the cut: what follows is not this slip's
		default:
			return nil, fmt.Errorf("unknown bytes % x", b[:min(len(b), 8)])
		}
	}
	return parts, nil
}

// assemble lets netpbm put the parts below each other, each widened with white to
// the head.
func assemble(ctx context.Context, dir string, parts []part) (pbm []byte, rows int, err error) {
	args := []string{"-topbottom", "-jleft", "-white"}
	for i, p := range parts {
		w, bits := p.bytesWide, p.bits
		if bits == nil {
			w, bits = width/8, make([]byte, p.rows*width/8)
		}
		if p.rows == 0 {
			continue
		}
		file := filepath.Join(dir, fmt.Sprintf("%05d.pbm", i))
		if err := os.WriteFile(file, append(fmt.Appendf(nil, "P4\n%d %d\n", w*8, p.rows), bits...), 0o600); err != nil {
			return nil, 0, err
		}
		args = append(args, file)
		rows += p.rows
	}
	// One empty row of the head's whole width decides the width of all, and goes again.
	full := filepath.Join(dir, "width.pbm")
	if err := os.WriteFile(full, append(fmt.Appendf(nil, "P4\n%d 1\n", width), make([]byte, width/8)...), 0o600); err != nil {
		return nil, 0, err
	}
	out, err := exec.CommandContext(ctx, "pnmcat", append(args, full)...).Output()
	if err != nil {
		return nil, 0, fmt.Errorf("pnmcat: %w", err)
	}
	b := body(out)
	if len(b) != (rows+1)*width/8 {
		return nil, 0, fmt.Errorf("netpbm made %d bytes of %d rows", len(b), rows)
	}
	// What is fed after the last line to bring it past the cutter is not the picture.
	b = b[:rows*width/8]
	return append(fmt.Appendf(nil, "P4\n%d %d\n", width, rows), b...), rows, nil
}

// drawnPicture is what the journal says was drawn.
func drawnPicture(ctx context.Context, socket string) (string, error) {
	found := ""
	err := admin.NewClient(socket).Records(ctx, admin.Filter{Kind: string(record.SlipQueued{}.Kind())}, func(r journal.Record) error {
		var q record.SlipQueued
		if err := json.Unmarshal(r.Body, &q); err != nil {
			return err
		}
		found = q.Picture
		return nil
	})
	if err == nil && found == "" {
		err = errors.New("no slip is in the journal")
	}
	return found, err
}
