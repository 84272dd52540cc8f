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
	shown := l.id.TLS()
	l.now = &http.Transport{
		// No Proxy: the environment has no say in where a client certificate goes.
		DialContext: l.dial,
		TLSClientConfig: &tls.Config{
			MinVersion: tls.VersionTLS13, RootCAs: l.roots,
			// Whatever authorities the server names: there is one identity.
			GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return shown, nil },
		},
		TLSHandshakeTimeout: connectTimeout, IdleConnTimeout: 90 * time.Second,
		MaxIdleConns: 2, MaxResponseHeaderBytes: 16 << 10,
		ForceAttemptHTTP2: true, DisableCompression: true,
		HTTP2: &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingTimeout},
	}
	if old != nil {
		old.CloseIdleConnections()
	}
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
