// Command centrald is the reference central API on an embedded store: what
// development, tests and pilots run in the place of the state's systems.
//
//	centrald --listen 127.0.0.1:8482 --store central.db [--demo]
//	         [--tls-listen ADDRESS:PORT --ca-dir DIR [--tls-names HOST,ADDRESS]]
//	         [--trust DIR] [--origin https://HOST] [--ocsp URL] [--ocsp-hosts HOST,HOST:PORT]
//	centrald code new --ca-dir DIR --site SITE --model MODEL [--terminal UUID]
//	centrald terminal list|block|unblock --ca-dir DIR [UUID]
//
// People sign in with certificates from the roots in the trust folder (package
// trust says what lies in it), for the one origin. OCSP responders are asked on the
// hosts that are named, on that of --ocsp, and in the demo on this machine.
//
// Terminals come in over TLS 1.3 with certificates of central's own authority, which
// is made in its folder at the first start (package authority). The other two
// commands speak to the running program through a Unix socket in that folder:
// whoever may open it is the operator.
//
// The other listener speaks plain HTTP, asks nobody for a certificate and is
// therefore on the loopback interface only: for the demo, for tests, and for a proxy
// of the operator that adds TLS and identity of its own.
package main

import (
	"context"
	"crypto/tls"
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

	"github.com/asan-kiosk/kiosk/daemon/socket"
	"github.com/asan-kiosk/kiosk/provisioning/centrald/authority"
	"github.com/asan-kiosk/kiosk/provisioning/centrald/server"
	"github.com/asan-kiosk/kiosk/provisioning/centrald/trust"
)

// stopWithin is how long requests may still run after the order to end.
const stopWithin = 500 * time.Millisecond

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	err := command(ctx, os.Args[1:], os.Stdout)
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
	tlsListen := f.String("tls-listen", "", "`address:port` for terminals, over TLS; needs --ca-dir")
	caDir := f.String("ca-dir", "", "`folder` of the authority that issues the terminals' certificates; made if it is not there")
	tlsNames := f.String("tls-names", "localhost,127.0.0.1,::1", "`names` and addresses of this machine, with commas between, as terminals dial them")
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
	if (*tlsListen == "") != (*caDir == "") {
		return errors.New("--tls-listen and --ca-dir go together")
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
	var ca *authority.Authority
	if *caDir != "" {
		if ca, err = authority.Open(*caDir, time.Now); err != nil {
			return err
		}
	}
	s, err := server.Open(*store, server.Options{
		Demo: *demo, Log: log, Origin: *origin, Trust: trust.New(*trustDir, log), OCSP: *ocsp, AskOCSP: responders.Ask, Authority: ca,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	p := places{end: s.End, log: log}
	defer p.close()
	if err := p.open("tcp", *listen, s, nil); err != nil {
		return err
	}
	if ca != nil {
		if err := p.open("tcp", *tlsListen, s.Door(), ca.ServerConfig(strings.Split(*tlsNames, ","))); err != nil {
			return err
		}
		if err := p.open("unix", operatorSocket(*caDir), s.Operator(), nil); err != nil {
			return err
		}
	}
	log.Info("central listens", "address", *listen, "tls", *tlsListen, "demo", *demo)
	return p.serve(ctx)
}

// places are where central listens.
type places struct {
	end     func() // gives up requests that only wait
	log     *slog.Logger
	servers []*http.Server
	listens []net.Listener
}

// open listens at an address; with a configuration it speaks TLS there.
func (p *places) open(network, address string, h http.Handler, t *tls.Config) error {
	var l net.Listener
	var err error
	if network == "unix" {
		l, err = socket.Listen(address, 0o600, "")
	} else {
		l, err = net.Listen(network, address)
	}
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	p.listens = append(p.listens, l)
	p.servers = append(p.servers, &http.Server{
		Handler: h, ErrorLog: slog.NewLogLogger(p.log.Handler(), slog.LevelWarn), TLSConfig: t,
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
	})
	return nil
}

func (p *places) close() {
	for _, l := range p.listens {
		_ = l.Close() // most are closed already
	}
}

// serve answers at every place until ctx ends.
func (p *places) serve(ctx context.Context) error {
	g, gctx := errgroup.WithContext(ctx)
	for i, h := range p.servers {
		g.Go(func() error {
			var err error
			if h.TLSConfig != nil {
				err = h.ServeTLS(p.listens[i], "", "")
			} else {
				err = h.Serve(p.listens[i])
			}
			if !errors.Is(err, http.ErrServerClosed) {
				return fmt.Errorf("serve: %w", err)
			}
			return nil
		})
	}
	g.Go(func() error {
		<-gctx.Done()
		p.end()
		end, cancel := context.WithTimeout(context.Background(), stopWithin)
		defer cancel()
		var stopping errgroup.Group
		for _, h := range p.servers {
			stopping.Go(func() error {
				if h.Shutdown(end) != nil {
					return h.Close() // whoever is cut off asks again
				}
				return nil
			})
		}
		return stopping.Wait()
	})
	return g.Wait()
}
