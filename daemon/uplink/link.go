package uplink

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/uplink/cause"
	"github.com/asan-kiosk/kiosk/provisioning/enrol"
)

// Times of the connection to central (protocols/central-sync.md section 5.4).
const (
	connectTimeout = 30 * time.Second
	pingAfter      = 15 * time.Second // without a byte, while a request waits
	pingTimeout    = 10 * time.Second
)

// link is the connection to central: one, kept alive, HTTP/2 where central speaks
// it. It is made anew with a new identity, and when it is no longer trusted to be
// alive.
type link struct {
	base  *url.URL
	roots *x509.CertPool
	dial  func(ctx context.Context, network, address string) (net.Conn, error)

	mu  sync.Mutex
	id  *enrol.Identity
	now *http.Transport
}

func newLink(base *url.URL, roots *x509.CertPool, dial func(context.Context, string, string) (net.Conn, error), id *enrol.Identity) *link {
	l := &link{base: &url.URL{Scheme: "https", Host: base.Host}, roots: roots, dial: dial}
	l.use(id)
	return l
}

func (l *link) identity() *enrol.Identity {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.id
}

func (l *link) transport() *http.Transport {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now
}

// use shows another identity from now on. Requests under way end on the connection
// they are on.
func (l *link) use(id *enrol.Identity) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.id = id
	l.renewTransport()
}

// retire gives up a transport, if it is still the one in use.
func (l *link) retire(t *http.Transport) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.now == t {
		l.renewTransport()
	}
}

func (l *link) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now.CloseIdleConnections()
}

func (l *link) renewTransport() {
	old := l.now
	l.now = &http.Transport{
		// No Proxy: the environment has no say in where a client certificate goes.
		DialContext:         l.dial,
		TLSClientConfig:     l.tlsConfig(),
		TLSHandshakeTimeout: connectTimeout, IdleConnTimeout: 90 * time.Second,
		MaxIdleConns: 2, MaxResponseHeaderBytes: 16 << 10,
		ForceAttemptHTTP2: true, DisableCompression: true,
		HTTP2: &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingTimeout},
	}
	if old != nil {
		old.CloseIdleConnections()
	}
}

// tlsConfig is our end of a connection to central. The caller holds mu.
func (l *link) tlsConfig() *tls.Config {
	shown := l.id.TLS()
	return &tls.Config{
		MinVersion: tls.VersionTLS13, RootCAs: l.roots,
		// Whatever authorities the server names: there is one identity.
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return shown, nil },
	}
}

// turnedAway asks whether central refuses our certificate, on a connection made for
// that alone. In TLS 1.3 our handshake is over before the server has looked at our
// certificate (RFC 8446 sections 2 and 4.4.2.4): its alert comes when the first
// request is already being written, and the transport then tells of the broken write
// or of the alert, whichever it meets first. Who writes nothing meets the alert.
func (l *link) turnedAway(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, slowExchange)
	defer cancel()
	l.mu.Lock()
	config := l.tlsConfig()
	l.mu.Unlock()
	config.ServerName = l.base.Hostname()
	config.NextProtos = []string{"h2", "http/1.1"} // as the transport offers
	address := l.base.Host
	if l.base.Port() == "" {
		address = net.JoinHostPort(l.base.Hostname(), "443")
	}
	raw, err := l.dial(ctx, "tcp", address)
	if err != nil {
		return false
	}
	defer raw.Close()
	stop := context.AfterFunc(ctx, func() { raw.Close() })
	defer stop()
	c := tls.Client(raw, config)
	if err = c.HandshakeContext(ctx); err == nil {
		_, err = c.Read(make([]byte, 1)) // central's first frame: we are let in
	}
	return err != nil && causeOf(err) == cause.Identity
}

// causeOf says what a failed exchange means to run.
func causeOf(err error) cause.Cause {
	var timeout interface{ Timeout() bool }
	var verification *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var op *net.OpError
	switch {
	case errors.Is(err, errOversize):
		return cause.Oversize
	case errors.Is(err, errContent):
		return cause.Content
	case errors.As(err, &verification), errors.As(err, &record):
		return cause.TLS
	case errors.As(err, &op) && op.Op == "remote error":
		// An alert of the other side (RFC 8446 section 6.2); the type of alerts is not
		// exported, and their words are.
		if s := op.Err.Error(); strings.Contains(s, "certificate") || strings.Contains(s, "access denied") {
			return cause.Identity
		}
		return cause.TLS
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return cause.Timeout
	case strings.Contains(err.Error(), "tls: "):
		return cause.TLS
	}
	return cause.Unreachable
}
