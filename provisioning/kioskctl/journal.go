package main

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/asan-kiosk/kiosk/daemon/admin"
	"github.com/asan-kiosk/kiosk/daemon/journal"
	"github.com/spf13/cobra"
)

// defaultSocket is where a terminal that was installed as a package answers.
const defaultSocket = "/run/kioskd/admin.sock"

// defaultLast is how many records are listed when nothing is said.
const defaultLast = 50

// place is where the journal is: behind the socket of a running terminal, or in
// the directory of a stopped one.
type place struct{ dir, socket string }

// journal is the group "kioskctl journal".
func (p *program) journal() *cobra.Command {
	at := &place{}
	group := &cobra.Command{
		Use:   "journal",
		Short: "Read the record of everything that happened to money",
		Long: "The journal is read from a running terminal (--socket) or from the directory of a\n" +
			"stopped one (--dir); without either the terminal on this machine is asked.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	group.PersistentFlags().StringVar(&at.dir, "dir", "", "journal directory of a stopped terminal, or a file in it")
	group.PersistentFlags().StringVar(&at.socket, "socket", "", "admin socket of a running terminal (default "+defaultSocket+")")
	group.MarkFlagsMutuallyExclusive("dir", "socket")
	group.AddCommand(p.journalVerify(at), p.journalEquation(at), p.journalList(at))
	return group
}

// client asks the running terminal.
func (at *place) client() *admin.Client {
	if at.socket == "" {
		return admin.NewClient(defaultSocket)
	}
	return admin.NewClient(at.socket)
}

// path is the journal's directory: the one given, the one that the given file
// lies in, or "journal" in a terminal's state directory.
func (at *place) path() (string, error) {
	info, err := os.Stat(at.dir)
	if err != nil {
		return "", hinted{err, "give the directory in which the terminal keeps its journal, for example /var/lib/kioskd/journal"}
	}
	dir := at.dir
	if !info.IsDir() {
		dir = filepath.Dir(dir)
		if filepath.Base(dir) == "segments" {
			dir = filepath.Dir(dir)
		}
	}
	if sub := filepath.Join(dir, "journal"); isDir(sub) && !isDir(filepath.Join(dir, "segments")) {
		dir = sub
	}
	return dir, nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// explain gives an error the hint that fits where the journal was looked for.
func (at *place) explain(err error) error {
	var has interface{ Hint() string }
	switch {
	case err == nil || errors.As(err, &has):
		return err
	case errors.Is(err, journal.ErrInUse):
		return hinted{err, "the terminal runs: ask it with --socket instead of --dir, or stop kioskd first"}
	case errors.Is(err, admin.ErrUnreachable) && errors.Is(err, fs.ErrPermission), errors.Is(err, fs.ErrPermission):
		return hinted{err, "run kioskctl as a member of the group that owns the socket and the journal"}
	case errors.Is(err, admin.ErrUnreachable):
		return hinted{err, "see whether kioskd runs (systemctl status kioskd); for a stopped terminal give --dir"}
	}
	return err
}

// read runs f on the records of a stopped terminal.
func (at *place) read(f func(*journal.Reader) error) (err error) {
	dir, err := at.path()
	if err != nil {
		return err
	}
	r, err := journal.OpenReader(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return f(r)
}

func (p *program) journalVerify(at *place) *cobra.Command {
	var keyFile string
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Walk both copies of the journal from the first record to the last",
		Long: "verify looks for holes, changed bytes, broken links of the chain, wrong signatures of\n" +
			"checkpoints and states that differ from the records. It changes nothing.\n" +
			"A running terminal checks signatures with its own keys; for a directory give --key.",
		Args: cobra.NoArgs,
	}
	cmd.Flags().StringVar(&keyFile, "key", "", "file with the terminal's public ed25519 key (PEM, or 64 hexadecimal digits)")
	cmd.RunE = p.do(func(ctx context.Context) error {
		rep, err := p.verify(ctx, at, keyFile)
		if err != nil {
			return at.explain(err)
		}
		if p.json {
			err = p.writeJSON(rep)
		} else {
			_, err = fmt.Fprint(p.out, rep)
		}
		if err == nil && !rep.OK() {
			err = finding{fmt.Sprintf("the journal is not whole; problems: %d", len(rep.Problems))}
		}
		return err
	})
	return cmd
}

func (p *program) verify(ctx context.Context, at *place, keyFile string) (journal.Report, error) {
	if at.dir == "" {
		if keyFile != "" {
			return journal.Report{}, hinted{errors.New("--key goes with --dir"), "a running terminal checks signatures with its own keys"}
		}
		return at.client().Verify(ctx)
	}
	o := journal.VerifyOptions{Folds: p.rooms.folds}
	if keyFile != "" {
		key, err := readKey(keyFile)
		if err != nil {
			return journal.Report{}, hinted{err, "give the terminal's public key as central shows it"}
		}
		o.Key = key
	}
	dir, err := at.path()
	if err != nil {
		return journal.Report{}, err
	}
	return journal.Verify(ctx, dir, o)
}

func (p *program) journalEquation(at *place) *cobra.Command {
	var periods bool
	cmd := &cobra.Command{
		Use:   "equation",
		Short: "Show where all the money is, and whether it adds up",
		Long: "equation computes the conservation equation from the records, from the first one on:\n" +
			"stacked notes on one side, and on the other what is held, pending, posted, taken as\n" +
			"commission, left over under a code, and unassigned; by currency, in total, for the\n" +
			"cassette period and for every open visit.",
		Args: cobra.NoArgs,
	}
	cmd.Flags().BoolVar(&periods, "periods", false, "also as it was at the end of every cassette period")
	cmd.RunE = p.do(func(ctx context.Context) error {
		wrong := 0
		show := func(m admin.Moment) error {
			if !m.Holds {
				wrong++
			}
			if p.json {
				return p.writeJSON(m)
			}
			return p.writeMoment(m, periods)
		}
		err := p.equations(ctx, at, periods, show)
		if err == nil && wrong > 0 {
			err = finding{"the equation does not hold"}
		}
		return at.explain(err)
	})
	return cmd
}

func (p *program) equations(ctx context.Context, at *place, periods bool, show func(admin.Moment) error) error {
	if at.dir == "" {
		return at.client().Equations(ctx, periods, show)
	}
	if p.rooms.ledger == nil {
		return errors.New("this kioskctl was built without the ledger")
	}
	return at.read(func(r *journal.Reader) error { return admin.Equations(ctx, r, p.rooms.ledger, periods, show) })
}

func (p *program) journalList(at *place) *cobra.Command {
	var f admin.Filter
	var full bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List records: number, time in Baku, kind, visit, content",
		Long: fmt.Sprintf("list shows the last %d records, or the ones that the flags choose. A time that nobody\n"+
			"vouches for is marked with ~ (the clock ran by itself) or ? (nothing is known of it).", defaultLast),
		Args: cobra.NoArgs,
	}
	cmd.Flags().Uint64Var(&f.From, "from", 0, "begin with this record")
	cmd.Flags().IntVar(&f.Limit, "limit", 0, "at most so many records")
	cmd.Flags().IntVar(&f.Last, "last", 0, fmt.Sprintf("the last so many records that match (at most %d)", admin.MaxLast))
	cmd.Flags().StringVar(&f.Kind, "kind", "", `only this kind, for example note.stacked; a name that ends in a point is a family: note.`)
	cmd.Flags().StringVar(&f.Visit, "visit", "", "only this visit")
	cmd.Flags().BoolVar(&full, "full", false, "show the whole content")
	cmd.MarkFlagsMutuallyExclusive("last", "from")
	cmd.MarkFlagsMutuallyExclusive("last", "limit")
	cmd.RunE = p.do(func(ctx context.Context) error {
		if f.From == 0 && f.Limit == 0 && f.Last == 0 {
			f.Last = defaultLast
		}
		show := func(r journal.Record) error {
			if p.json {
				return p.writeJSON(admin.Entry{Hash: r.Hash, Record: r})
			}
			return p.writeRecord(r, full)
		}
		if at.dir == "" {
			return at.explain(at.client().Records(ctx, f, show))
		}
		return at.explain(at.read(func(r *journal.Reader) error { return admin.Select(ctx, r, f, show) }))
	})
	return cmd
}

// writeJSON writes one JSON line.
func (p *program) writeJSON(v any) error {
	enc := json.NewEncoder(p.out)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

func readKey(path string) (ed25519.PublicKey, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return parseKey(b)
}
