// Command centrald is the reference central API on an embedded store: what
// development, tests and pilots run in the place of the state's systems.
//
//	centrald --listen 127.0.0.1:8482 --store central.db [--demo]
//	         [--trust DIR] [--origin https://HOST] [--ocsp URL] [--ocsp-hosts HOST,HOST:PORT]
//
// People sign in with certificates from the roots in the trust folder (package
// trust says what lies in it), for the one origin. OCSP responders are asked on the
// hosts that are named, on that of --ocsp, and in the demo on this machine.
//
// It speaks plain HTTP and therefore listens on the loopback interface only; the
// terminals' uplink, or a proxy of the operator, adds TLS and identity.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/asan-kiosk/kiosk/provisioning/centrald/server"
	"github.com/asan-kiosk/kiosk/provisioning/centrald/trust"
)

// stopWithin is how long requests may still run after the order to end.
const stopWithin = 500 * time.Millisecond

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	err := run(ctx, os.Args[1:])
	stop()
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	default:
		fmt.Fprintln(os.Stderr, "centrald:", err)
		os.Exit(1)
	}
}

// responderHosts are the hosts that may be asked, that of the override included.
func responderHosts(override, named string) (hosts []string, err error) {
	for h := range strings.SplitSeq(named, ",") {
		if h = strings.TrimSpace(h); h != "" {
			hosts = append(hosts, h)
		}
	}
	if override == "" {
		return hosts, nil
	}
	u, err := url.Parse(override)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" {
		return nil, fmt.Errorf("--ocsp %q: an address is needed, for example http://127.0.0.1:8484/", override)
	}
	return append(hosts, u.Host), nil
}

func run(ctx context.Context, args []string) (err error) {
	f := flag.NewFlagSet("centrald", flag.ContinueOnError)
	listen := f.String("listen", "127.0.0.1:8482", "loopback `address:port` to listen on")
	store := f.String("store", "", "`file` of the embedded store; made if it is not there")
	demo := f.Bool("demo", false, "made-up orders, and the paths under /demo")
	origin := f.String("origin", server.DefaultOrigin, "the `origin` that login tokens are made for")
	trustDir := f.String("trust", "", "`folder` of roots, issuing authorities and revocation lists; without it no certificate is accepted")
	ocsp := f.String("ocsp", "", "`address` of the OCSP responder to ask in the place of the certificates' own")
	ocspHosts := f.String("ocsp-hosts", "", "`hosts`, with commas between, that certificates may name as OCSP responders")
	if err := f.Parse(args); err != nil {
		return err
	}
	if *store == "" || f.NArg() > 0 {
		return errors.New("usage: centrald --listen 127.0.0.1:PORT --store FILE [--demo]")
	}
	if a, err := netip.ParseAddrPort(*listen); err != nil || !a.Addr().IsLoopback() {
		return fmt.Errorf("--listen %q: a loopback address and a port are needed, for example 127.0.0.1:8482", *listen)
	}
	hosts, err := responderHosts(*ocsp, *ocspHosts)
	if err != nil {
		return err
	}
	if *trustDir != "" {
		if info, err := os.Stat(*trustDir); err != nil || !info.IsDir() {
			return fmt.Errorf("--trust %q: a folder is needed", *trustDir)
		}
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	responders := trust.NewResponders(hosts, *demo)
	defer responders.Close()
	s, err := server.Open(*store, server.Options{
		Demo: *demo, Log: log, Origin: *origin, Trust: trust.New(*trustDir, log), OCSP: *ocsp, AskOCSP: responders.Ask,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	l, err := net.Listen("tcp", *listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	h := &http.Server{
		Handler: s, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
	}
	log.Info("central listens", "address", l.Addr().String(), "demo", *demo)
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		if err := h.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve: %w", err)
		}
		return nil
	})
	g.Go(func() error {
		<-gctx.Done()
		s.End()
		end, cancel := context.WithTimeout(context.Background(), stopWithin)
		defer cancel()
		if h.Shutdown(end) != nil {
			return h.Close() // whoever is cut off asks again
		}
		return nil
	})
	return g.Wait()
}
