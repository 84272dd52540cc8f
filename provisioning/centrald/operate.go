package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/asan-kiosk/kiosk/provisioning/centrald/server"
)

// operatorSocket is where the running central answers its operator.
func operatorSocket(caDir string) string { return filepath.Join(caDir, "operator.sock") }

// command is the whole program: central itself, or a word with it.
func command(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 || strings.HasPrefix(args[0], "-") {
		return run(ctx, args)
	}
	act := ""
	if len(args) > 1 {
		act = args[0] + " " + args[1]
	}
	switch act {
	case "code new":
		return newCode(ctx, args[2:], out)
	case "terminal list", "terminal block", "terminal unblock":
		return terminals(ctx, args[1], args[2:], out)
	}
	return errors.New("usage: centrald [flags]; centrald code new; centrald terminal list|block|unblock")
}

// newCode makes a one-time code and shows it, this once.
func newCode(ctx context.Context, args []string, out io.Writer) error {
	f := flag.NewFlagSet("centrald code new", flag.ContinueOnError)
	caDir := f.String("ca-dir", "", "`folder` of the authority, as the running central has it")
	var o server.CodeOrder
	f.StringVar(&o.Site, "site", "", "where the terminal stands")
	f.StringVar(&o.Model, "model", "", "of the cabinet")
	f.StringVar(&o.Terminal, "terminal", "", "`UUID` of a terminal that is enrolled anew")
	asJSON := f.Bool("json", false, "answer in JSON")
	if err := f.Parse(args); err != nil {
		return err
	}
	if *caDir == "" || f.NArg() > 0 {
		return errors.New("usage: centrald code new --ca-dir DIR --site SITE --model MODEL [--terminal UUID] [--json]")
	}
	var made server.CodeMade
	if err := operate(ctx, *caDir, http.MethodPost, "/codes", o, &made); err != nil {
		return err
	}
	if *asJSON {
		return json.NewEncoder(out).Encode(made)
	}
	_, err := fmt.Fprintf(out, "code         %s\nroot SHA-256 %s\nvalid until  %s, for one terminal\nIt is not shown again. At the terminal:\n  kioskctl enrol --central https://HOST --code %s --root-sha256 %s\n",
		made.Code, made.Root, made.Expires.Local().Format(time.DateTime), made.Code, made.Root)
	return err
}

// terminals lists the terminals, or shuts one out or lets it in.
func terminals(ctx context.Context, act string, args []string, out io.Writer) error {
	f := flag.NewFlagSet("centrald terminal "+act, flag.ContinueOnError)
	caDir := f.String("ca-dir", "", "`folder` of the authority, as the running central has it")
	if err := f.Parse(args); err != nil {
		return err
	}
	if want := map[string]int{"list": 0, "block": 1, "unblock": 1}[act]; *caDir == "" || f.NArg() != want {
		return errors.New("usage: centrald terminal list|block|unblock --ca-dir DIR [UUID]")
	}
	if act != "list" {
		return operate(ctx, *caDir, http.MethodPost, "/terminals/"+url.PathEscape(f.Arg(0))+"/"+act, nil, nil)
	}
	var rows []server.TerminalRow
	if err := operate(ctx, *caDir, http.MethodGet, "/terminals", nil, &rows); err != nil {
		return err
	}
	for _, r := range rows {
		state := "certificate until " + r.NotAfter.Local().Format(time.DateOnly)
		if r.Blocked {
			state = "BLOCKED"
		}
		if _, err := fmt.Fprintf(out, "%s  %-20q %-16q %s\n", r.Terminal, r.Site, r.Model, state); err != nil {
			return err
		}
	}
	return nil
}

// operate asks the running central.
func operate(ctx context.Context, caDir, method, path string, body, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://central"+path, bytes.NewReader(raw))
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", operatorSocket(caDir))
		}}}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("central does not answer at %s (does it run, with this --ca-dir?): %w", operatorSocket(caDir), err)
	}
	defer resp.Body.Close()
	raw, err = io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		var p struct{ Error string }
		if json.Unmarshal(raw, &p) != nil || p.Error == "" {
			p.Error = resp.Status
		}
		return errors.New(p.Error)
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(raw, answer)
}
