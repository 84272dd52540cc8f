package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/asan-kiosk/kiosk/drivers/bench/vpcd"
)

func main() {
	if vpcd.Inside() {
		os.Exit(vpcd.Hold())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func parseOptions(args []string, stderr io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&o.dir, "dir", "", "folder of the devices' links and of the world that is kept (needed)")
	f.StringVar(&o.listen, "listen", "127.0.0.1:8481", "loopback address of the page and the interface")
	f.StringVar(&o.networkListen, "network-listen", "127.0.0.1:0", "loopback address of the terminal's end of the network cable")
	f.StringVar(&o.central, "central", "", "host:port of central, the other end of the cable")
	f.StringVar(&o.centralDemo, "central-demo", "", "base address of central's demonstration switches (http://CENTRAL unless given)")
	f.StringVar(&o.screenURL, "screen-url", "", "address of the terminal's screen, for the link on the page")
	f.StringVar(&o.record, "record", "", "file to which every byte of every line is added")
	f.Uint64Var(&o.seed, "seed", 1, "where the devices' random choices begin")
	f.IntVar(&o.baud, "baud", 0, "line speed of the printer (115200 unless given)")
	f.DurationVar(&o.take, "take", 0, "after what time a returned note is taken (800ms unless given; negative: only by hand)")
	f.DurationVar(&o.initTime, "init", 0, "how long the validator takes to start (3s unless given)")
	f.BoolVar(&o.readers, "readers", true, "start a PC/SC daemon of the bench's own, with two virtual card readers")
	f.StringVar(&o.cardPIN, "card-pin", "", "PIN1 of the cards (1234 unless given)")
	f.StringVar(&o.wallet, "wallet", "", "folder of the cards and of their issuers' keys (DIR/wallet unless given)")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	switch {
	case f.NArg() > 0:
		return o, fmt.Errorf("unexpected argument %q", f.Arg(0))
	case o.dir == "":
		return o, errors.New("--dir is needed")
	case o.baud < 0 || o.initTime < 0:
		return o, errors.New("--baud and --init: not negative")
	}
	for name, address := range map[string]string{"--listen": o.listen, "--network-listen": o.networkListen} {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return o, fmt.Errorf("%s: %w", name, err)
		}
		if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
			return o, fmt.Errorf("%s %s: only a loopback address such as 127.0.0.1 is allowed", name, address)
		}
	}
	if o.central != "" {
		if _, _, err := net.SplitHostPort(o.central); err != nil {
			return o, fmt.Errorf("--central: %w", err)
		}
		if o.centralDemo == "" {
			o.centralDemo = "http://" + o.central
		}
	}
	for name, address := range map[string]string{"--central-demo": o.centralDemo, "--screen-url": o.screenURL} {
		if u, err := url.Parse(address); address != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
			return o, fmt.Errorf("%s %q: want an http address", name, address)
		}
	}
	return o, nil
}

// shutdownTime is how long requests under way may take at the end.
const shutdownTime = 300 * time.Millisecond

// run is the program: it ends when ctx does, with its links removed.
func run(ctx context.Context, args []string, stderr io.Writer) (err error) {
	opt, err := parseOptions(args, stderr)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", opt.listen)
	if err != nil {
		return err
	}
	host := listener.Addr().String()
	opt.pki = "http://" + host + pkiPath
	b, err := openBench(opt)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer func() { err = errors.Join(err, b.close()) }()
	addresses, err := json.Marshal(map[string]string{"page": "http://" + host + "/", "network": b.cable.status().Listen})
	if err == nil {
		err = replaceFile(filepath.Join(opt.dir, "addresses.json"), addresses)
	}
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	slog.Info("bench is ready", "page", "http://"+host+"/", "network", b.cable.status().Listen,
		"validator", b.validator.link, "printer", b.printer.link, "panel", b.panel.link)

	ctx, cancel := context.WithCancel(ctx) // streams of events end with it
	defer cancel()
	server := &http.Server{
		Handler: b.handler(host), ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 16 << 10,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	ran := make(chan error, 1)
	go func() { ran <- b.run(ctx) }()

	var runErr, serveErr error
	select {
	case <-ctx.Done():
		runErr = <-ran
		serveErr = stop(server, served)
	case runErr = <-ran:
		cancel()
		serveErr = stop(server, served)
	case serveErr = <-served:
		cancel()
		runErr = <-ran
	}
	return errors.Join(runErr, serveErr)
}

// stop ends the server: politely for a moment, then at once.
func stop(server *http.Server, served <-chan error) error {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTime)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		if err := server.Close(); err != nil {
			return err
		}
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
