//go:build faultpoints

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/admin"
	"github.com/asan-kiosk/kiosk/daemon/screen/wire"
	"github.com/asan-kiosk/kiosk/daemon/till"
	"github.com/asan-kiosk/kiosk/drivers/faultpoint"
	"github.com/asan-kiosk/kiosk/drivers/money"
	"github.com/asan-kiosk/kiosk/proof/robot"
	"github.com/asan-kiosk/kiosk/provisioning/centralapi"
)

// together is how many terminals run at a time: a story waits most of its time for
// the machine it stands at.
const together = 3

// place is one terminal of real processes: supervisor, bench, centrald, kioskd.
type place struct {
	robot.Terminal
	Dir    string `json:"dir"`
	Socket string `json:"socket"`
	cmd    *exec.Cmd
	out    io.ReadCloser
}

// open starts a terminal in dir; kioskd's first life dies at fault, if one is
// named.
func open(ctx context.Context, bin, dir, fault string) (*place, error) {
	args := []string{"--dir", dir, "--bin-dir", bin, "--port-zero", "--quiet"}
	if fault != "" {
		args = append(args, "--fault", fault+":1")
	}
	p := &place{cmd: exec.CommandContext(ctx, filepath.Join(bin, "supervisor"), args...)}
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGTERM) }
	p.cmd.WaitDelay = 5 * time.Second
	p.cmd.Stderr = io.Discard
	var err error
	if p.out, err = p.cmd.StdoutPipe(); err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(p.out)
	for lines.Scan() {
		if json.Unmarshal(lines.Bytes(), p) == nil && p.Screen != "" {
			go func() { // what it says later is in its logs
				_, _ = io.Copy(io.Discard, p.out)
			}()
			return p, nil
		}
	}
	p.close()
	return nil, errors.New("the supervisor did not say where the terminal is")
}

func (p *place) close() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	_ = p.cmd.Wait()
}

// died reports whether kioskd was killed at the point.
func died(dir, point string) bool {
	logs, _ := filepath.Glob(filepath.Join(dir, "log", "kioskd*"))
	for _, f := range logs {
		if b, err := os.ReadFile(f); err == nil && strings.Contains(string(b), "faultpoint: killed at "+point+"\n") {
			return true
		}
	}
	return false
}

// killProcesses kills kioskd once at every fault point, as a real process, in the
// middle of a payment, and compares the accounts afterwards.
func killProcesses(bin, only string) (wrong int, err error) {
	points := faultpoint.Names()
	if only != "" {
		points = []string{only}
	}
	results := make([]string, len(points))
	slots := make(chan struct{}, together)
	var wg sync.WaitGroup
	for i, point := range points {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			results[i] = killAt(bin, point)
		})
	}
	wg.Wait()
	fmt.Printf("\nreal processes, kill -9 once at each of %d fault points:\n", len(points))
	for i, point := range points {
		verdict := "ok"
		if results[i] != "" {
			verdict = "WRONG: " + results[i]
			wrong++
		}
		fmt.Printf("  %-34s %s\n", point, verdict)
	}
	return wrong, nil
}

// killAt tells one story; "" means that kioskd died there and all accounts agree.
func killAt(bin, point string) string {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	pay := robot.Payment{Number: "200000001", Notes: []int64{20, 5, 1}}
	if strings.Contains(point, "return") {
		pay.Snatch = true
	}
	base, err := os.MkdirTemp("", "kiosk-crash-")
	if err != nil {
		return err.Error()
	}
	defer os.RemoveAll(base)
	if strings.HasPrefix(point, "journal.recover") {
		if err := prepare(ctx, bin, base, point); err != nil {
			return "the journal to be recovered: " + err.Error()
		}
	}
	p, err := open(ctx, bin, base, point)
	if err != nil {
		return err.Error()
	}
	defer p.close()
	quick := map[string]any{"action": "set_timing", "accept_ms": 300, "stack_ms": 500, "point_of_no_return_ms": 200, "return_ms": 200, "take_ms": 200}
	for { // the supervisor says where everything is before it is there
		err := p.BenchDo(ctx, "/api/validator", quick)
		if err == nil {
			break
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return err.Error()
		}
	}
	told, err := p.Pay(ctx, pay)
	if err != nil {
		return err.Error()
	}
	if !died(base, point) {
		return "kioskd never came to this point"
	}
	if told == nil {
		return "the person was told nothing"
	}
	return p.audit(ctx, told)
}

// prepare leaves a journal behind whose next start comes to the point.
func prepare(ctx context.Context, bin, dir, point string) error {
	p, err := open(ctx, bin, dir, "")
	if err != nil {
		return err
	}
	page, err := p.Open(ctx)
	if err != nil {
		p.close()
		return err
	}
	page.Close()
	p.close()
	j := filepath.Join(dir, "state", "journal")
	switch point {
	case "journal.recover.store-rebuilt", "journal.recovering":
		return os.Remove(filepath.Join(j, "store.db"))
	case "journal.recover.segment-cut":
		segs, err := filepath.Glob(filepath.Join(j, "segments", "*.seg"))
		if err != nil || len(segs) == 0 {
			return fmt.Errorf("no segment: %v", err)
		}
		f, err := os.OpenFile(segs[len(segs)-1], os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = f.WriteString("half a li") // an unfinished write
		return err
	}
	return nil
}

// audit compares cassette, journal and central, and what the person was told.
func (p *place) audit(ctx context.Context, told *wire.Outcome) string {
	var eq till.Equation
	var c centralapi.State
	var bench struct {
		Validator struct {
			World struct {
				Cassette []struct {
					Value money.Amount `json:"value"`
				} `json:"cassette"`
			} `json:"world"`
		} `json:"validator"`
	}
	problem := ""
	for range 40 { // central may need a moment to have everything
		problem = ""
		err := admin.NewClient(p.Socket).Equations(ctx, false, func(m admin.Moment) error { return json.Unmarshal(m.Terms, &eq) })
		if err == nil {
			err = robot.Get(ctx, "http://"+p.Central+"/demo/v1/state", &c)
		}
		if err == nil {
			err = robot.Get(ctx, "http://"+p.Bench+"/api/state", &bench)
		}
		if err != nil {
			problem = err.Error()
		} else {
			problem = differ(eq, c, sum(bench.Validator.World.Cassette), told)
		}
		if problem == "" {
			return ""
		}
		select {
		case <-time.After(250 * time.Millisecond):
		case <-ctx.Done():
			return problem
		}
	}
	return problem
}

func sum(notes []struct {
	Value money.Amount `json:"value"`
}) (minor int64) {
	for _, n := range notes {
		minor += n.Value.Minor
	}
	return minor
}

func differ(eq till.Equation, c centralapi.State, cassette int64, told *wire.Outcome) string {
	var t till.Line
	if len(eq.Total) > 0 {
		t = eq.Total[0]
	}
	var paid int64
	for _, x := range c.Payments {
		paid += x.Amount.Minor + x.Commission.Minor
	}
	switch {
	case !eq.Holds():
		return "the equation does not hold: " + eq.String()
	case cassette != t.Stacked || t.InDoubt != 0:
		return fmt.Sprintf("the cassette holds %d, the journal says %d and %d notes in doubt", cassette, t.Stacked, t.InDoubt)
	case t.Held != 0 || t.Pending != 0:
		return fmt.Sprintf("held %d, pending %d with nobody there", t.Held, t.Pending)
	case paid != t.Posted+t.Commission:
		return fmt.Sprintf("central was paid %d, the journal says %d", paid, t.Posted+t.Commission)
	case t.Stacked > 0 && told.Money == wire.FateNone:
		return "the person was told that nothing was taken"
	}
	return ""
}
