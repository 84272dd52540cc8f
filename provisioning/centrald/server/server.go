// Package server is the reference central API: the executable truth of the
// contract in centralapi, on an embedded store for one machine. It stands in for
// the state's systems in development, tests and pilots.
//
// What it promises a terminal:
//
//   - A journal record has its effect exactly once and in order, or not at all.
//     One store transaction holds the head, the rows, the ledger and the incidents
//     of a batch; the answer goes out after the commit. The head is the memory of
//     what has been applied: a repeated batch is recognised by it.
//   - An action has its effect once per key. The key, the digest of its body and
//     its answer are written in the transaction that has the effect.
//   - What it refuses it has not touched.
//   - A terminal that comes through the Door is the one that its certificate names,
//     and not blocked. Who has a one-time code is enrolled once.
//   - Who signs in is proved here, for this origin; a session belongs to the
//     terminal at which it began, and no secret of a sign-in is in the store, in
//     the log or in an error.
//
// It keeps two accounts apart: the ledger, which comes from records alone, and
// the payments, which come from actions alone. A check from outside may compare
// them.
//
// A Server is an http.Handler without a network of its own, and time comes in
// through Options: a simulator calls ServeHTTP from its single thread.
package server

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"
	bolt "go.etcd.io/bbolt"

	"github.com/asan-kiosk/kiosk/provisioning/centralapi"
	"github.com/asan-kiosk/kiosk/provisioning/centrald/authority"
	"github.com/asan-kiosk/kiosk/provisioning/centrald/identity"
	"github.com/asan-kiosk/kiosk/provisioning/centrald/signin"
	"github.com/asan-kiosk/kiosk/provisioning/centrald/trust"
)

// Options are what a Server needs from outside. The zero value is that of a real
// central without the demo's paths.
type Options struct {
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Sleep waits for d or until ctx ends; nil means a timer. Only the demo's
	// behaviour "slow" uses it.
	Sleep func(ctx context.Context, d time.Duration) error
	// Demo serves the paths under /demo and fills an empty store with made-up
	// orders.
	Demo bool
	// Probe, if set, is called between the steps of what happens once; a test
	// that panics there has killed the server at that step.
	Probe func(step string)
	// Origin is what a login token has to be made for; "" means DefaultOrigin.
	Origin string
	// Trust is where the roots and lists for login certificates come from; nil
	// trusts nobody.
	Trust *trust.Folder
	// OCSP is a responder that is asked in the place of the certificates' own.
	OCSP string
	// AskOCSP reaches responders; nil: none is ever asked.
	AskOCSP identity.Ask
	// Authority issues and checks the terminals' certificates; nil: there is no Door,
	// and no terminal is enrolled here.
	Authority *authority.Authority
	// Rand is where nonces, codes and session ids come from; nil means crypto/rand.
	Rand io.Reader
	// Log may be nil. Nothing that was sent is ever logged.
	Log *slog.Logger
}

// DefaultOrigin is the origin of the demo's relying party.
const DefaultOrigin = "https://asanlogin.example.az"

// hashedAtOnce is how many passwords are hashed at the same time.
const hashedAtOnce = 2

// Steps that Probe sees, in their order.
const (
	StepHeadRead  = "records.head-read" // batch parsed, head known, nothing written
	StepRows      = "records.rows"      // rows written, not committed
	StepEffects   = "records.effects"   // ledger written, not committed
	StepHead      = "records.head"      // head moved, not committed
	StepCommitted = "records.committed" // durable, not answered
	StepKey       = "actions.key"       // key looked up, nothing written
	StepDone      = "actions.done"      // effect and answer written, not committed
	StepDurable   = "actions.durable"   // durable, not answered
)

// Server is central. It is safe for concurrent use.
type Server struct {
	db  *bolt.DB
	o   Options
	log *slog.Logger
	mux *http.ServeMux
	zst *zstd.Decoder

	desk     *signin.Desk
	verifier identity.Verifier
	phones   *phones       // nil: there is no way to a telephone
	hashing  chan struct{} // a token for each password that is being hashed

	mu        sync.Mutex
	behaviour centralapi.Behaviour
	guessing  limiter // wrong codes, by address
	renewing  limiter // renewals, by terminal

	ending context.Context // ends with Close
	end    context.CancelFunc
}

// Open opens the store at path, creating it if there is none.
func Open(path string, o Options) (*Server, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Sleep == nil {
		o.Sleep = sleep
	}
	if o.Probe == nil {
		o.Probe = func(string) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Origin == "" {
		o.Origin = DefaultOrigin
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if err := identity.CheckOrigin(o.Origin); err != nil {
		return nil, fmt.Errorf("origin %q: %w", o.Origin, err)
	}
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: time.Second, FreelistType: bolt.FreelistMapType, NoFreelistSync: true})
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", path, err)
	}
	s := &Server{db: db, o: o, log: o.Log, behaviour: centralapi.Behaviour{Mode: centralapi.BehaviourNormal},
		guessing: limiter{most: wrongCodes, span: wrongCodesSpan}, renewing: limiter{most: renewals, span: renewalsSpan},
		desk: signin.New(o.Rand), hashing: make(chan struct{}, hashedAtOnce),
		verifier: identity.Verifier{Origin: o.Origin, OCSP: o.OCSP, Ask: o.AskOCSP, Rand: o.Rand}}
	if o.Demo {
		s.phones = &phones{}
	}
	s.ending, s.end = context.WithCancel(context.Background())
	if err := s.prepare(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.zst, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(centralapi.MaxBatchDecoded),
		zstd.WithDecoderMaxWindow(centralapi.MaxBatchDecoded))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("zstd: %w", err), s.Close())
	}
	s.mux = http.NewServeMux()
	strict := centralapi.NewStrictHandlerWithOptions(s, nil, centralapi.StrictHTTPServerOptions{
		RequestErrorHandlerFunc: s.badRequest, ResponseErrorHandlerFunc: s.failed,
	})
	centralapi.HandlerWithOptions(strict, centralapi.StdHTTPServerOptions{BaseRouter: s.mux, ErrorHandlerFunc: s.badRequest})
	s.mux.HandleFunc("/", s.noSuchPath)
	return s, nil
}

// End gives up requests that only wait (the demo's behaviour "slow"), so that an
// orderly shutdown is quick.
func (s *Server) End() { s.end() }

// Close lets go of the store. No request may come after it.
func (s *Server) Close() error {
	s.end()
	if s.zst != nil {
		s.zst.Close()
	}
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("close store: %w", err)
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Server) now() time.Time { return s.o.Now().UTC().Truncate(time.Millisecond) }

// GetTime is central's clock.
func (s *Server) GetTime(context.Context, centralapi.GetTimeRequestObject) (centralapi.GetTimeResponseObject, error) {
	now := s.now()
	return centralapi.GetTime200JSONResponse{Time: now, UnixMs: now.UnixMilli()}, nil
}

// maxName bounds ids, kinds and keys, which are parts of store keys.
const maxName = 64

// validName reports whether s may be an id, a kind or a key.
func validName(s string) bool {
	if s == "" || len(s) > maxName {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_', c == '.':
		default:
			return false
		}
	}
	return true
}

// checkNames refuses a request whose terminal id or kind cannot be one.
func checkNames(names ...string) error {
	for _, n := range names {
		if !validName(n) {
			return refuse(centralapi.ProblemMalformed, "an id, a kind or a key is not well-formed")
		}
	}
	return nil
}

// unquote takes the key out of a structured field string (RFC 8941 section
// 3.3.3). The keys of this contract contain nothing that is escaped in one.
func unquote(header string) (string, error) {
	if n := len(header); n >= 2 && header[0] == '"' && header[n-1] == '"' {
		header = header[1 : n-1]
	}
	return header, checkNames(header)
}

func digest(parts ...[]byte) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write(p)
		h.Write([]byte{'\n'})
	}
	return hex.EncodeToString(h.Sum(nil))
}
