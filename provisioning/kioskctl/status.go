package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/admin"
	"github.com/asan-kiosk/kiosk/daemon/health"
	"github.com/spf13/cobra"
)

// Standing is the answer of "kioskctl status --json".
type Standing struct {
	Terminal string        `json:"terminal"`
	Journal  admin.Status  `json:"journal"`
	Health   health.Report `json:"health"`
	InOrder  bool          `json:"in_order"`
}

// status is "kioskctl status".
func (p *program) status() *cobra.Command {
	at := &place{}
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show how the terminal is: devices, central, journal, and why it is out of service",
		Long: "status asks the running terminal. Exit code 0: everything works; 3: something is not in\n" +
			"order, and the lines that say what begin with an exclamation mark.",
		Args: cobra.NoArgs,
	}
	cmd.Flags().StringVar(&at.socket, "socket", "", "admin socket of a running terminal (default "+defaultSocket+")")
	cmd.RunE = p.do(func(ctx context.Context) error {
		client := at.client()
		j, err := client.Status(ctx)
		if err != nil {
			return at.explainStatus(err)
		}
		r, err := client.Health(ctx)
		if err != nil {
			return at.explainStatus(err)
		}
		s := Standing{j.Terminal, j, r, r.InOrder()}
		if p.json {
			err = p.writeJSON(s)
		} else {
			err = p.writeStanding(s)
		}
		if err == nil && !s.InOrder {
			err = finding{"something is not in order"}
		}
		return err
	})
	return cmd
}

// explainStatus: status has no directory to look into.
func (at *place) explainStatus(err error) error {
	if errors.Is(err, admin.ErrUnreachable) {
		err = at.explain(err)
		var h hinted
		if errors.As(err, &h) && strings.Contains(h.hint, "--dir") {
			return hinted{h.error, "see whether kioskd runs: systemctl status kioskd, kioskctl logs"}
		}
	}
	return at.explain(err)
}

func (p *program) writeStanding(s Standing) error {
	var b strings.Builder
	line := func(ok bool, format string, a ...any) {
		mark := ' '
		if !ok {
			mark = '!'
		}
		fmt.Fprintf(&b, "%c "+format+"\n", append([]any{mark}, a...)...)
	}
	r := s.Health
	at := clock(r.At.UnixMilli())
	line(true, "terminal %s at %s", harmless(s.Terminal), at)
	switch {
	case len(r.OutOfService) > 0:
		line(false, "OUT OF SERVICE")
		for _, why := range r.OutOfService {
			line(false, "  %s", harmless(why))
		}
	case r.InVisit:
		line(true, "in service, somebody is at the screen")
	default:
		line(true, "in service")
	}
	for _, a := range r.Alarms {
		line(false, "alarm: %s", harmless(a))
	}
	for _, d := range r.Devices {
		text := string(d.State)
		if d.Cause != "" {
			text += ": " + d.Cause
		}
		if d.Model != "" {
			text += " (" + d.Model + ")"
		}
		good := d.State == health.NoDevice || d.State == health.Online && d.Cause == ""
		line(good, "%-20s %s, for %s", d.Name, harmless(text), span(r.At.Sub(d.Since)))
	}
	for _, f := range r.Functions {
		if !f.Available {
			line(false, "no %s: %s", f.ID, harmless(f.Cause))
		}
	}
	line(true, "journal              record %d, central has %d (%d to go)", s.Journal.Seq, s.Journal.Acked, s.Journal.Seq-s.Journal.Acked)
	if r.Central.Open > 0 {
		line(true, "actions              %d without a result yet", r.Central.Open)
	}
	if r.Central.Backoff > 0 {
		line(false, "records              are sent again in %s", span(time.Duration(r.Central.Backoff)*time.Millisecond))
	}
	_, err := p.out.Write([]byte(b.String()))
	return err
}

// span is a length of time as one reads it out.
func span(d time.Duration) string {
	switch {
	case d < 0:
		return "0 s"
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %02d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d days", int(d.Hours())/24)
}
