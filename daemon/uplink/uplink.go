// Package uplink is the other process of a terminal: a forwarder between kioskd
// run, which has no network, and central. Run sends plain HTTP/1.1 through a Unix
// socket; the uplink adds TLS 1.3, the device's identity and nothing else.
//
// It is built to be taken over without harm to money. It holds no state of it,
// reads no body and logs none; it can ask central only for what is on a short list
// (filter.go), for its own terminal alone; it has the key of the connection and not
// the one that signs slips and checkpoints. It may die at any moment: whatever was
// under way has no answer, and run asks again.
//
// Everything is bounded: connections, requests at a time, headers, bodies, answers,
// and the time for each. What central answers is passed on as it is, whole or not at
// all, with the headers that run reads and no others. When there is no answer, run
// is told why in a word of its own (package cause), so that it can tell a pulled
// cable from a refused certificate.
//
// The uplink also keeps its certificate fresh (renew.go). Who may open the socket is
// decided by the socket's group; the folder of the identity belongs to the uplink's
// user alone.
package uplink

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/asan-kiosk/kiosk/provisioning/enrol"
)

// Bounds of what run may ask.
const (
	maxConnections = 16
	maxRequests    = 8 // at a time; run has four callers
	maxHeaders     = 8 << 10
	maxAnswer      = 1 << 20 // bytes; run takes no more
	headerTimeout  = 5 * time.Second
	bodyTimeout    = 10 * time.Second
	idleTimeout    = 2 * time.Minute
)

// Options are what an uplink is made from.
type Options struct {
	Terminal string // must be the one that the certificate names
	Central  *url.URL
	RootFile string // the only roots that are believed
	Identity string // folder of the identity
	Log      *slog.Logger

	// Dial reaches central; nil: the system's.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Uplink is a forwarder. It is safe for concurrent use.
type Uplink struct {
	o     Options
	link  *link
	slots chan struct{}
	seen  seen
	renew *renewer
}

// New reads identity and roots. That the certificate has run out is no reason not to
// start: its renewal goes the same way.
func New(o Options) (*Uplink, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Dial == nil {
		o.Dial = (&net.Dialer{Timeout: connectTimeout, KeepAlive: 30 * time.Second}).DialContext
	}
	roots, err := enrol.LoadRoots(o.RootFile)
	if err != nil {
		return nil, fmt.Errorf("root certificate of central: %w", err)
	}
	id, err := enrol.Load(o.Identity)
	if err != nil {
		return nil, err
	}
	if id.Terminal != o.Terminal {
		return nil, errors.Join(fmt.Errorf("the certificate in %s is that of terminal %s; the configuration says %s", o.Identity, id.Terminal, o.Terminal), id.Key.Close())
	}
	u := &Uplink{o: o, link: newLink(o.Central, roots, o.Dial, id), slots: make(chan struct{}, maxRequests)}
	u.seen.log, u.seen.since = o.Log, time.Now()
	u.renew = newRenewer(o.Log, id.Leaf, u.nextCertificate)
	return u, nil
}

// Leaf is the current certificate.
func (u *Uplink) Leaf() *x509.Certificate { return u.link.identity().Leaf() }

// nextCertificate asks central for a fresh one and shows it from then on.
func (u *Uplink) nextCertificate(ctx context.Context) (*x509.Certificate, error) {
	old := u.link.identity()
	t := u.link.transport()
	client := &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	chain, err := enrol.Renew(ctx, client, u.o.Central, old, u.link.roots, time.Now())
	if err != nil {
		u.link.retire(t) // it may be the connection
		return nil, err
	}
	next, err := old.Renewed(u.o.Identity, chain)
	if err != nil {
		return nil, err
	}
	u.link.use(next)
	return next.Leaf(), nil
}

// Serve answers on l until ctx ends, and then ends at once: run asks again. It
// closes l.
func (u *Uplink) Serve(ctx context.Context, l net.Listener) error {
	srv := &http.Server{
		Handler: u, ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaders,
		BaseContext: func(net.Listener) context.Context { return ctx },
		ErrorLog:    slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), // it would repeat what was sent
	}
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		if err := srv.Serve(&narrow{Listener: l, room: make(chan struct{}, maxConnections)}); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve: %w", err)
		}
		return nil
	})
	g.Go(func() error {
		u.renew.run(gctx)
		return nil
	})
	g.Go(func() error {
		<-gctx.Done()
		return srv.Close()
	})
	err := g.Wait()
	u.link.close()
	return errors.Join(err, u.link.identity().Key.Close())
}

// narrow is a listener with room for so many connections; more wait.
type narrow struct {
	net.Listener
	room chan struct{}
}

func (n *narrow) Accept() (net.Conn, error) {
	c, err := n.Listener.Accept()
	if err != nil {
		return nil, err
	}
	select {
	case n.room <- struct{}{}:
		return &guest{Conn: c, leave: n.room}, nil
	default:
		// Closed and not kept waiting: a listener that blocks here could not be closed.
		_ = c.Close()
		return &guest{Conn: c}, nil
	}
}

// guest gives its room back once.
type guest struct {
	net.Conn
	leave chan struct{} // nil: it was never let in
	once  sync.Once
}

func (g *guest) Close() error {
	g.once.Do(func() {
		if g.leave != nil {
			<-g.leave
		}
	})
	return g.Conn.Close()
}
