package server

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/asan-kiosk/kiosk/provisioning/centralapi"
	"github.com/asan-kiosk/kiosk/provisioning/centrald/authority"
	"github.com/asan-kiosk/kiosk/provisioning/enrol"
)

// Paths of the contract that a terminal without a certificate may use, and the one
// that takes a certificate that ran out.
const (
	pathRoot        = "/v1/root"
	pathEnrolments  = "/v1/enrolments"
	pathTerminals   = "/v1/terminals/"
	pathCertificate = "certificate" // below a terminal
)

// peer is who a request over TLS comes from.
type peer struct {
	address  string // for the counting of guesses
	terminal string // "" without a certificate
	expired  bool
	leaf     *x509.Certificate
}

func (p peer) sameKey(k crypto.PublicKey) bool {
	own, ok := p.leaf.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
	return ok && own.Equal(k)
}

type peerKey struct{}

func peerOf(ctx context.Context) (peer, bool) {
	p, ok := ctx.Value(peerKey{}).(peer)
	return p, ok
}

// Door is central as it stands in the network, behind TLS: who comes in has shown
// a certificate of the authority, is the terminal that the path names, and is not
// blocked; this is asked for each request, because a connection may outlive all
// three. The demo's paths are not here.
func (s *Server) Door() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, no := s.admit(r)
		if no != nil {
			writeProblem(w, no.Problem)
			return
		}
		s.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), peerKey{}, p)))
	})
}

func (s *Server) admit(r *http.Request) (peer, *problem) {
	p := peer{address: addressOf(r.RemoteAddr)}
	path := r.URL.Path
	switch {
	case s.o.Authority == nil || r.TLS == nil || !strings.HasPrefix(path, "/v1/"):
		return p, refuse(centralapi.ProblemNotFound, "")
	case r.URL.EscapedPath() != path || strings.Contains(path, "//") || strings.Contains(path, "/."):
		// No path of the contract needs an escape, and one path must not have two
		// readings, here and in the routes.
		return p, refuse(centralapi.ProblemMalformed, "")
	case path == pathRoot || path == pathEnrolments:
		return p, nil
	}
	id, rest, _ := strings.Cut(strings.TrimPrefix(path, pathTerminals), "/")
	ofTerminal := strings.HasPrefix(path, pathTerminals)
	grace := time.Duration(0)
	if ofTerminal && rest == pathCertificate {
		grace = enrol.Grace
	}
	var err error
	p.terminal, err = s.o.Authority.Client(r.TLS.PeerCertificates, grace)
	switch p.expired = errors.Is(err, authority.ErrExpired); {
	case err != nil && !p.expired:
		return p, refuse(centralapi.ProblemUnauthorised, "")
	case ofTerminal && p.terminal != id:
		return p, refuse(centralapi.ProblemForbidden, "")
	}
	p.leaf = r.TLS.PeerCertificates[0]
	t, known, err := s.terminalRow(p.terminal)
	switch {
	case err != nil:
		s.log.Error("the row of a terminal cannot be read", "terminal", p.terminal, "err", err)
		return p, refuse(centralapi.ProblemInternal, "")
	case !known:
		return p, refuse(centralapi.ProblemUnauthorised, "")
	case t.Blocked:
		return p, refuse(centralapi.ProblemForbidden, "")
	}
	return p, nil
}

func (s *Server) terminalRow(id string) (t terminal, known bool, err error) {
	err = s.db.View(func(tx *bolt.Tx) (err error) {
		t, known, err = get[terminal](tx.Bucket(bTerminals), []byte(id))
		return err
	})
	return t, known, err
}

// addressOf is an address as guesses are counted: a network of one subscriber has
// 64 bits of IPv6.
func addressOf(remote string) string {
	a, err := netip.ParseAddrPort(remote)
	if err != nil {
		return "unknown"
	}
	ip := a.Addr().Unmap().WithZone("")
	if ip.Is6() {
		if p, err := ip.Prefix(64); err == nil {
			return p.String()
		}
	}
	return ip.String()
}
