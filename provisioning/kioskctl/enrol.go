package main

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/config"
	"github.com/asan-kiosk/kiosk/provisioning/centralapi"
	"github.com/asan-kiosk/kiosk/provisioning/enrol"
	"github.com/spf13/cobra"
)

// Where a terminal that was installed as a package keeps its identity and its
// signing key.
const (
	defaultIdentity   = "/var/lib/kiosk-uplink/identity"
	defaultSigningKey = "/etc/kiosk/signing.key"
)

// enrolment is what the technician gives to "kioskctl enrol".
type enrolment struct {
	central, code, root, dir, signingKey, model string
	again                                       bool
}

// enrol is the command "kioskctl enrol".
func (p *program) enrol() *cobra.Command {
	var e enrolment
	cmd := &cobra.Command{
		Use:   "enrol",
		Short: "Make this machine a terminal of central's, with a one-time code",
		Long: "enrol makes the key of the terminal's connection, and gets a certificate for it and one for\n" +
			"the key that signs slips and checkpoints. The code and the SHA-256 of the root certificate\n" +
			"come from the operator (centrald code new). With --code - the code is read from the\n" +
			"standard input, where no list of processes shows it.\n\n" +
			"If the answer is lost, give the same command again: for 24 hours it gets the same answer.",
		Args: cobra.NoArgs,
	}
	f := cmd.Flags()
	f.StringVar(&e.central, "central", "", "address of central, for example https://central.example.az (needed)")
	f.StringVar(&e.code, "code", "", "one-time code, or - to read it (needed)")
	f.StringVar(&e.root, "root-sha256", "", "SHA-256 of central's root certificate, 64 hexadecimal digits (needed)")
	f.StringVar(&e.dir, "dir", defaultIdentity, "folder of the identity; what is made in it belongs to the folder's owner")
	f.StringVar(&e.signingKey, "signing-key", defaultSigningKey, "file with the key that signs slips and checkpoints; made if it is not there")
	f.StringVar(&e.model, "model", "", "model of the cabinet; if it is given it must be the one that the code was made for")
	f.BoolVar(&e.again, "again", false, "also when this machine is enrolled already; needs a new code")
	for _, name := range []string{"central", "code", "root-sha256"} {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic(err) // the names above
		}
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		o, err := e.order(p.in) // a wrong flag is an error of usage
		if err != nil {
			return err
		}
		p.running = true
		if id, ok := enrol.Enrolled(e.dir, time.Now()); ok && !e.again {
			return hinted{fmt.Errorf("this machine is enrolled already, as terminal %s until %s", id.Terminal, clock(id.Leaf().NotAfter.UnixMilli())),
				"a certificate renews itself; to enrol the machine anew give --again and a new code"}
		}
		if o.RunKey, err = signingKey(e.signingKey); err != nil {
			return hinted{err, "run kioskctl as root, or give another file with --signing-key"}
		}
		return p.enrolNow(cmd.Context(), o)
	}
	return cmd
}

// order reads the flags.
func (e *enrolment) order(in io.Reader) (o enrol.Order, err error) {
	o = enrol.Order{Code: e.code, Dir: e.dir}
	u, err := url.Parse(e.central)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || strings.TrimSuffix(u.Path, "/") != "" || u.RawQuery != "" {
		return o, fmt.Errorf("--central %q: an address such as https://central.example.az is needed", e.central)
	}
	o.Central = &url.URL{Scheme: u.Scheme, Host: u.Host}
	sum, err := hex.DecodeString(strings.NewReplacer(":", "", " ", "").Replace(e.root))
	if err != nil || len(sum) != len(o.Root) {
		return o, errors.New("--root-sha256: 64 hexadecimal digits are needed")
	}
	copy(o.Root[:], sum)
	if e.code == "-" {
		line, err := bufio.NewReader(io.LimitReader(in, 1024)).ReadString('\n')
		if o.Code = strings.TrimSpace(line); o.Code == "" {
			return o, errors.Join(errors.New("--code -: no code came on the standard input"), ignoreEOF(err))
		}
	}
	protection, software, machine := "file", Version, ""
	if name, err := os.Hostname(); err == nil {
		machine = name
	}
	o.Inventory = centralapi.Inventory{KeyProtection: &protection, Software: &software, Machine: &machine}
	if e.model != "" {
		o.Inventory.Model = &e.model
	}
	return o, nil
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func (p *program) enrolNow(ctx context.Context, o enrol.Order) error {
	r, err := enrol.Enrol(ctx, o)
	if err != nil {
		return explainEnrol(err)
	}
	if p.json {
		return p.writeJSON(r)
	}
	_, err = fmt.Fprintf(p.out, "enrolled as terminal %s\nsite %s, model %s\ncertificate until %s; it renews itself\nidentity in %s\n",
		r.Terminal, harmless(r.Site), harmless(r.Model), clock(r.NotAfter.UnixMilli()), o.Dir)
	return err
}

// explainEnrol says what to do about it.
func explainEnrol(err error) error {
	var no *enrol.Refusal
	var bad *tls.CertificateVerificationError
	switch {
	case errors.Is(err, enrol.ErrRoot):
		return hinted{err, "compare --root-sha256 with the operator's; if it is right, somebody stands between this machine and central: do not go on"}
	case errors.As(err, &bad):
		return hinted{err, "see whether this machine's clock is right (timedatectl), and whether the name in --central is central's own"}
	case errors.As(err, &no) && no.Type == centralapi.ProblemCodeRefused:
		return hinted{err, "see whether the code is typed rightly and not older than a day; each code is for one machine: ask the operator for a new one"}
	case errors.As(err, &no) && no.Status == http.StatusTooManyRequests:
		return hinted{err, "wait an hour, or let the operator look at the codes"}
	case errors.As(err, &no) && no.Type == "":
		return hinted{err, "what answers there is not central: a proxy, or the sign-in page of a network"}
	case errors.Is(err, fs.ErrPermission):
		return hinted{err, "run kioskctl as root"}
	case errors.As(err, &no):
		return err
	}
	return hinted{err, "see whether this machine reaches central; the same command may be given again"}
}

// signingKey reads the key of kioskd run, or makes it.
func signingKey(path string) (ed25519.PrivateKey, error) {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		seed := make([]byte, ed25519.SeedSize)
		defer clear(seed)
		if _, err := rand.Read(seed); err != nil {
			return nil, err
		}
		if err := enrol.Keep(path, []byte(hex.EncodeToString(seed)+"\n"), 0o400); err != nil {
			return nil, err
		}
	}
	return config.SigningKey(path)
}
