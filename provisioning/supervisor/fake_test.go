package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/config"
)

// The test program is also the programs that it supervises: started under one of
// their names it keeps that program's contract with the supervisor, and breaks it
// where an environment variable says so (FAKE_KIOSKD=...).
func TestMain(m *testing.M) {
	switch filepath.Base(os.Args[0]) {
	case "supervisor":
		main()
	case "bench":
		fakeBench()
	case "centrald":
		fakeCentral()
	case "kioskd":
		fakeKioskd()
	case "kioskctl":
		fakeKioskctl()
	case "squatter":
		fakeSquatter()
	default:
		os.Exit(m.Run())
	}
	os.Exit(0)
}

func die(status int, format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
	os.Exit(status)
}

// serveUntilTold answers every request with 200 until a signal comes.
func serveUntilTold(listen string, h http.Handler) {
	l, err := net.Listen("tcp", listen)
	if err != nil {
		die(1, "listen: %v", err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	srv := &http.Server{Handler: h}
	go srv.Serve(l)
	<-ctx.Done()
	srv.Close()
}

func fakeBench() {
	dir := flag.String("dir", "", "")
	listen := flag.String("listen", "", "")
	flag.String("central", "", "")
	flag.String("central-demo", "", "")
	flag.String("network-listen", "", "")
	flag.Int("baud", 0, "")
	screen := flag.String("screen-url", "", "")
	record := flag.String("record", "", "")
	flag.Parse()
	devices := []string{filepath.Join(*dir, "dev", "validator"), filepath.Join(*dir, "dev", "printer")}
	for _, d := range devices {
		os.Remove(d)
		if err := os.Symlink("/dev/null", d); err != nil {
			die(1, "device: %v", err)
		}
	}
	os.Remove(filepath.Join(*dir, "pcscd.comm"))
	if _, err := net.Listen("unix", filepath.Join(*dir, "pcscd.comm")); err != nil { // left behind on purpose
		die(1, "readers: %v", err)
	}
	if *record != "" {
		os.WriteFile(*record, []byte("line log"), 0o600)
	}
	serveUntilTold(*listen, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, *screen) }))
	for _, d := range devices {
		os.Remove(d)
	}
}

func fakeCentral() {
	if len(os.Args) > 2 && os.Args[1] == "code" {
		// The code tells whom it is for, so that the one who spends it can be checked.
		for i, a := range os.Args {
			if a == "--terminal" {
				fmt.Printf("{\"code\":\"code of %s\",\"root_sha256\":\"root\"}\n", os.Args[i+1])
			}
		}
		return
	}
	listen := flag.String("listen", "", "")
	store := flag.String("store", "", "")
	flag.Bool("demo", false, "")
	flag.String("ocsp", "", "")
	trust := flag.String("trust", "", "")
	flag.String("tls-listen", "", "")
	flag.String("ca-dir", "", "")
	flag.Parse()
	if info, err := os.Stat(*trust); err != nil || !info.IsDir() {
		die(1, "trust: %v", err)
	}
	if err := os.WriteFile(*store, []byte("ledger"), 0o600); err != nil {
		die(1, "store: %v", err)
	}
	serveUntilTold(*listen, http.NotFoundHandler())
}

func fakeKioskd() {
	if len(os.Args) != 4 || os.Args[2] != "--config" {
		die(1, "usage: kioskd run|uplink|check --config FILE")
	}
	c, err := config.Load(os.Args[3])
	if err != nil {
		die(1, "kioskd: %v", err)
	}
	if os.Args[1] == "uplink" {
		fakeUplink(c)
		return
	}
	if _, err := config.SigningKey(c.State.KeyFile); err != nil {
		die(1, "kioskd: %v", err)
	}
	token, err := config.ReadToken(c.Screen.TokenFile)
	if err != nil {
		die(1, "kioskd: %v", err)
	}
	behaviour := os.Getenv("FAKE_KIOSKD")
	if os.Args[1] == "check" {
		if behaviour == "bad-config" {
			die(1, "kioskd: kioskd.toml:3: terminal.id is wrong")
		}
		return
	}
	if f := os.Getenv(faultVariable); f != "" {
		fmt.Fprintln(os.Stderr, "faultpoint: killed at", f)
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
	switch behaviour {
	case "broken":
		die(3, "kioskd: the journal \x1b[31mcannot be read")
	case "stubborn":
		signal.Ignore(syscall.SIGTERM)
	}
	for _, d := range []string{c.Acceptor.Port, c.Printer.Port} {
		if _, err := os.Lstat(d); err != nil {
			die(1, "device: %v", err)
		}
	}
	if info, err := os.Stat(c.Cards.Socket); err != nil || info.Mode()&os.ModeSocket == 0 {
		die(1, "card readers: %v", err)
	}
	os.Remove(c.Admin.Socket)
	if _, err := net.Listen("unix", c.Admin.Socket); err != nil { // left behind on purpose
		die(1, "admin socket: %v", err)
	}
	state, _ := os.OpenFile(filepath.Join(c.State.Dir, "journal"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	fmt.Fprintln(state, c.Terminal.ID)
	serveUntilTold(c.Screen.Listen, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, token) }))
	if behaviour == "stubborn" {
		select {}
	}
}

// fakeUplink needs what enrolling has made.
func fakeUplink(c *config.Config) {
	if b, err := os.ReadFile(filepath.Join(c.Uplink.Identity, "code")); err != nil || string(b) != "code of "+c.Terminal.ID+"\n" {
		die(1, "uplink: identity %q %v", b, err)
	}
	os.Remove(c.Central.Socket)
	l, err := net.Listen("unix", c.Central.Socket) // left behind on purpose
	if err != nil {
		die(1, "uplink: %v", err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	go http.Serve(l, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	<-ctx.Done()
}

func fakeKioskctl() {
	value := func(name string) string {
		for i, a := range os.Args {
			if a == name && i+1 < len(os.Args) {
				return os.Args[i+1]
			}
		}
		die(1, "kioskctl: no %s in %v", name, os.Args)
		return ""
	}
	if os.Args[1] == "enrol" {
		code, _ := io.ReadAll(os.Stdin)
		if err := os.MkdirAll(value("--dir"), 0o700); err != nil {
			die(1, "%v", err)
		}
		os.WriteFile(filepath.Join(value("--dir"), "code"), code, 0o600)
		os.WriteFile(filepath.Join(value("--dir"), "central"), []byte(value("--central")), 0o600)
		return
	}
	out := value("--out")
	if err := os.MkdirAll(out, 0o700); err != nil {
		die(1, "%v", err)
	}
	switch strings.Join(os.Args[1:3], " ") {
	case "bundle keys":
		os.WriteFile(filepath.Join(out, "root.json"), []byte(time.Now().String()), 0o644)
	case "bundle build":
		services, err := os.ReadFile(filepath.Join(value("--source"), "services.json"))
		if err != nil {
			die(4, "kioskctl: %v", err)
		}
		root, err := os.ReadFile(filepath.Join(value("--keys"), "root.json"))
		if err != nil {
			die(4, "kioskctl: %v", err)
		}
		manifest, _ := json.Marshal(map[string]string{"services": string(services), "root": string(root), "built": time.Now().String()})
		os.WriteFile(filepath.Join(out, "manifest.json"), manifest, 0o644)
	}
}

// fakeSquatter holds the port of its first argument until its input ends.
func fakeSquatter() {
	l, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		die(1, "%v", err)
	}
	fmt.Println("holding")
	os.Stdin.Read(make([]byte, 1))
	l.Close()
}
