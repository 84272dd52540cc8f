package central

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/asan-kiosk/kiosk/daemon/journal"
	"github.com/asan-kiosk/kiosk/drivers/faultpoint"
	"github.com/asan-kiosk/kiosk/provisioning/centralapi"
)

var (
	atActSend     = faultpoint.New("central.act.before-send")
	atActSent     = faultpoint.New("central.act.after-send") // answered, and nobody knows yet
	atRecordsSend = faultpoint.New("central.records.before-send")
	atRecordsSent = faultpoint.New("central.records.after-send")
)

// Journal is what the Client reads of the terminal's records. Its methods may be
// called while records are written. journal.Journal is one.
type Journal interface {
	// Read gives at most max records, from the number from on, in order; none if
	// there are no more.
	Read(from uint64, max int) ([]journal.Record, error)
	// Head is the last record's number and hash.
	Head() (seq uint64, hash string)
	Epoch() uint64
}

// Bounds of a connection (protocols/central-sync.md section 5.4).
const (
	connectTimeout = 30 * time.Second
	defaultTimeout = 60 * time.Second
	maxAnswer      = 1 << 20 // bytes of an answer
)

// Client carries out Calls over HTTP. It holds no state that matters: what it
// does not answer is asked again. Its methods may be called from any goroutine.
type Client struct {
	api      *centralapi.Client
	terminal string
	journal  Journal
	zstd     *zstd.Encoder
	coding   atomic.Int32 // index in codings that central takes
	instance [8]byte      // tells the traces of two runs apart
	spans    atomic.Uint64
}

// NewClient makes a client of the central API at base. network carries the
// requests; nil means plain TCP. Redirects are never followed.
func NewClient(base, terminal string, network http.RoundTripper, j Journal) (*Client, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("central: %q is not the address of an API", base)
	}
	if network == nil {
		network = &http.Transport{
			DialContext:         (&net.Dialer{Timeout: connectTimeout, KeepAlive: 30 * time.Second}).DialContext,
			TLSHandshakeTimeout: connectTimeout, MaxIdleConns: 8, MaxIdleConnsPerHost: 8, IdleConnTimeout: 90 * time.Second,
			DisableCompression: true,
		}
	}
	h := &http.Client{Transport: network, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	api, err := centralapi.NewClient(base, centralapi.WithHTTPClient(h))
	if err != nil {
		return nil, fmt.Errorf("central: %w", err)
	}
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, fmt.Errorf("central: zstd: %w", err)
	}
	c := &Client{api: api, terminal: terminal, journal: j, zstd: z}
	binary.BigEndian.PutUint64(c.instance[:], uint64(time.Now().UnixNano()))
	return c, nil
}

// Socket is the way to central through the uplink's Unix socket: plain HTTP, and no
// other network. The client's base address is then UplinkBase.
func Socket(path string) http.RoundTripper {
	return &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{Timeout: connectTimeout}).DialContext(ctx, "unix", path)
		},
		MaxIdleConns: 8, MaxIdleConnsPerHost: 8, IdleConnTimeout: 90 * time.Second, DisableCompression: true,
	}
}

// UplinkBase stands for central behind the uplink's socket; the name is resolved by
// nobody.
const UplinkBase = "http://uplink"

// Do carries out one call and returns its end, at the latest when its time is
// over. It never returns anything but a Reply to that call.
func (c *Client) Do(ctx context.Context, call Call) Reply {
	timeout := call.Timeout
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var r Reply
	switch call.Kind {
	case CallAsk:
		r = c.answer(call.Kind)(c.api.PostQueryWithBody(ctx, c.terminal, call.Name,
			&centralapi.PostQueryParams{Traceparent: c.trace("")}, centralapi.MediaJSON, bytes.NewReader(call.Body)))
	case CallAct:
		atActSend.Hit()
		r = c.answer(call.Kind)(c.api.PostActionWithBody(ctx, c.terminal, call.Name,
			&centralapi.PostActionParams{IdempotencyKey: quote(call.Key), Traceparent: c.trace(call.Key)}, centralapi.MediaJSON, bytes.NewReader(call.Body)))
		atActSent.Hit()
	case CallState:
		r = c.answer(call.Kind)(c.api.GetAction(ctx, c.terminal, call.Name, call.Key, &centralapi.GetActionParams{Traceparent: c.trace(call.Key)}))
	case CallHead:
		r = c.place(c.answer(call.Kind)(c.api.GetHead(ctx, c.terminal, &centralapi.GetHeadParams{Traceparent: c.trace("")})))
	case CallRecords:
		atRecordsSend.Hit()
		r = c.place(c.sendRecords(ctx, call))
		atRecordsSent.Hit()
	default:
		r = Reply{Class: ReplyNone, Problem: CauseMalformed}
	}
	r.ID = call.ID
	return r
}

// quote makes a structured field string (RFC 8941); our keys need no escapes.
func quote(s string) string { return `"` + s + `"` }

// answer reads what a request was answered and says what it means.
func (c *Client) answer(kind CallKind) func(*http.Response, error) Reply {
	return func(resp *http.Response, err error) Reply {
		if err != nil {
			return Reply{Class: ReplyNone, Problem: causeOf(err)}
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
		switch {
		case err != nil:
			return Reply{Class: ReplyNone, Problem: causeOf(err)}
		case len(body) > maxAnswer:
			return Reply{Class: ReplyNone, Problem: CauseOversize}
		}
		r := classify(kind, resp.StatusCode, resp.Header, body)
		if r.Class == ReplyOK {
			// Not of anything else: the uplink and a captive portal have clocks, too.
			r.Date, _ = http.ParseTime(resp.Header.Get("Date")) // zero if it cannot be read
		}
		return r
	}
}

func causeOf(err error) string {
	var t interface{ Timeout() bool }
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" && op.Net == "unix" {
		return CauseUplink
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.As(err, &t) && t.Timeout() {
		return CauseTimeout
	}
	return CauseUnreachable
}

// place compares central's head with our own chain.
func (c *Client) place(r Reply) Reply {
	if r.Head == nil || r.Class != ReplyOK && r.Class != ReplyMismatch {
		return r
	}
	h := *r.Head
	if own := c.journal.Epoch(); h.Epoch < own {
		h = Head{Epoch: own} // central has nothing of this chain yet
	} else if h.Epoch > own {
		return r
	}
	r.Head = &h
	last, _ := c.journal.Head()
	switch {
	case h.Seq == 0:
		r.Known = true
	case h.Seq <= last:
		at, err := c.journal.Read(h.Seq, 1)
		if err != nil || len(at) == 0 || at[0].Seq != h.Seq {
			return Reply{Class: ReplyNone, Problem: CauseJournal}
		}
		r.Known = at[0].Hash == h.Hash
	}
	return r
}

// trace is a traceparent (W3C Trace Context). All tries of one key are one trace.
func (c *Client) trace(key string) *string {
	n := binary.BigEndian.AppendUint64(c.instance[:], c.spans.Add(1))
	of := []byte(key)
	if key == "" {
		of = n
	}
	trace, span := sha256.Sum256(of), sha256.Sum256(n)
	s := "00-" + hex.EncodeToString(trace[:16]) + "-" + hex.EncodeToString(span[:8]) + "-00"
	return &s
}
