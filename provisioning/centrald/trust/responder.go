package trust

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"time"
)

// Bounds of a question to a responder.
const (
	answerWithin = 3 * time.Second
	maxAnswer    = 64 << 10
)

// Media types of OCSP over HTTP (RFC 6960 appendix C).
const (
	mediaRequest  = "application/ocsp-request"
	mediaResponse = "application/ocsp-response"
)

// Responders asks OCSP responders over HTTP (RFC 6960 appendix A). The address may
// come from a certificate, so only hosts that were configured are asked; plain
// HTTP is enough because answers are signed.
type Responders struct {
	hosts    []string // host or host:port, as they stand in an address
	loopback bool
	client   http.Client
}

// NewResponders asks these hosts, and the machine's own if loopback.
func NewResponders(hosts []string, loopback bool) *Responders {
	return &Responders{hosts: hosts, loopback: loopback, client: http.Client{
		Timeout: answerWithin,
		// No proxy of the environment, and no way to elsewhere.
		Transport:     &http.Transport{DialContext: (&net.Dialer{Timeout: answerWithin}).DialContext, MaxIdleConns: 4, IdleConnTimeout: time.Minute},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Close lets go of idle connections.
func (r *Responders) Close() { r.client.CloseIdleConnections() }

// Ask is an identity.Ask.
func (r *Responders) Ask(ctx context.Context, address string, request []byte) ([]byte, error) {
	if !r.mayAsk(address) {
		return nil, errors.New("ocsp: the responder's host is not configured")
	}
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(request))
	if err != nil {
		return nil, errors.New("ocsp: not an address")
	}
	q.Header.Set("Content-Type", mediaRequest)
	a, err := r.client.Do(q)
	if err != nil {
		return nil, fmt.Errorf("ocsp: %w", err)
	}
	defer a.Body.Close()
	if media, _, err := mime.ParseMediaType(a.Header.Get("Content-Type")); a.StatusCode != http.StatusOK || err != nil || media != mediaResponse {
		return nil, fmt.Errorf("ocsp: status %d, not an OCSP response", a.StatusCode)
	}
	b, err := io.ReadAll(io.LimitReader(a.Body, maxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("ocsp: %w", err)
	}
	if len(b) > maxAnswer {
		return nil, errors.New("ocsp: the answer is too long")
	}
	return b, nil
}

func (r *Responders) mayAsk(address string) bool {
	u, err := url.Parse(address)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.User != nil || u.Hostname() == "" {
		return false
	}
	if slices.Contains(r.hosts, u.Host) {
		return true
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return r.loopback && (u.Hostname() == "localhost" || (err == nil && ip.IsLoopback()))
}
