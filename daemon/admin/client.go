package admin

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/health"
	"github.com/asan-kiosk/kiosk/daemon/journal"
)

// Bounds of the client.
const (
	dialTimeout  = 3 * time.Second
	maxAnswer    = 16 << 20                  // bytes of one JSON answer
	maxEntryLine = 2*journal.MaxRecord + 512 // bytes of one line of a list
)

// ErrUnreachable: nobody answers on the socket.
var ErrUnreachable = errors.New("no terminal answers on the admin socket")

// Client asks a running terminal.
type Client struct{ http *http.Client }

// NewClient asks the terminal behind the Unix socket at path. It connects when
// it is asked something.
func NewClient(path string) *Client {
	dialer := &net.Dialer{Timeout: dialTimeout}
	return newClient(func(ctx context.Context) (net.Conn, error) { return dialer.DialContext(ctx, "unix", path) })
}

func newClient(dial func(context.Context) (net.Conn, error)) *Client {
	return &Client{&http.Client{
		Transport: &http.Transport{
			DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
			DisableKeepAlives: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// RemoteError is a refusal of the terminal.
type RemoteError struct {
	Status int
	What   string
	Do     string
}

func (e *RemoteError) Error() string {
	return fmt.Sprintf("terminal: %s (status %d)", e.What, e.Status)
}

// Hint is what can be done, or "".
func (e *RemoteError) Hint() string { return e.Do }

func (c *Client) get(ctx context.Context, path string, v url.Values) (io.ReadCloser, error) {
	u := url.URL{Scheme: "http", Host: "terminal", Path: path, RawQuery: v.Encode()}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		var op *net.OpError
		if errors.As(err, &op) && op.Op == "dial" {
			return nil, fmt.Errorf("%w: %w", ErrUnreachable, op.Err)
		}
		return nil, fmt.Errorf("ask the terminal: %w", err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp.Body, nil
	}
	defer resp.Body.Close()
	var p problem
	if err := json.NewDecoder(io.LimitReader(resp.Body, 64<<10)).Decode(&p); err != nil || p.Error == "" {
		p.Error = http.StatusText(resp.StatusCode)
	}
	return nil, &RemoteError{resp.StatusCode, p.Error, p.Hint}
}

func (c *Client) object(ctx context.Context, path string, into any) error {
	body, err := c.get(ctx, path, nil)
	if err != nil {
		return err
	}
	defer body.Close()
	if err := json.NewDecoder(io.LimitReader(body, maxAnswer)).Decode(into); err != nil {
		return fmt.Errorf("read the terminal's answer: %w", err)
	}
	return nil
}

// list reads JSON lines up to the line that ends the list.
func list[T any](ctx context.Context, c *Client, path string, v url.Values, keep func(T) error) error {
	body, err := c.get(ctx, path, v)
	if err != nil {
		return err
	}
	defer body.Close()
	sc := bufio.NewScanner(body)
	sc.Buffer(make([]byte, 64<<10), maxEntryLine)
	for n := 0; sc.Scan(); n++ {
		var t tail
		if err := json.Unmarshal(sc.Bytes(), &t); err != nil {
			return fmt.Errorf("read the terminal's list: %w", err)
		}
		switch {
		case t.Error != "":
			return &RemoteError{http.StatusOK, t.Error, ""}
		case t.End && t.Count != n:
			return fmt.Errorf("read the terminal's list: %d lines came of %d", n, t.Count)
		case t.End:
			return nil
		}
		var item T
		if err := json.Unmarshal(sc.Bytes(), &item); err != nil {
			return fmt.Errorf("read the terminal's list: %w", err)
		}
		if err := keep(item); err != nil {
			return err
		}
	}
	if err := sc.Err(); err != nil {
		return fmt.Errorf("read the terminal's list: %w", err)
	}
	return fmt.Errorf("read the terminal's list: %w: it was cut off", io.ErrUnexpectedEOF)
}

// Status asks who the terminal is and how far its journal has come.
func (c *Client) Status(ctx context.Context) (s Status, err error) {
	return s, c.object(ctx, "/v1/status", &s)
}

// Health asks how the terminal is.
func (c *Client) Health(ctx context.Context) (r health.Report, err error) {
	return r, c.object(ctx, "/v1/health", &r)
}

// Verify has the terminal verify its journal. It may take a while.
func (c *Client) Verify(ctx context.Context) (r journal.Report, err error) {
	return r, c.object(ctx, "/v1/journal/verify", &r)
}

// Records gives keep the records that the filter chooses, in order, each checked
// against its hash.
func (c *Client) Records(ctx context.Context, f Filter, keep func(journal.Record) error) error {
	if err := f.check(); err != nil {
		return err
	}
	v := url.Values{}
	for name, n := range map[string]uint64{"from": f.From, "limit": uint64(f.Limit), "last": uint64(f.Last)} {
		if n > 0 {
			v.Set(name, strconv.FormatUint(n, 10))
		}
	}
	for name, s := range map[string]string{"kind": f.Kind, "visit": f.Visit} {
		if s != "" {
			v.Set(name, s)
		}
	}
	return list(ctx, c, "/v1/journal/records", v, func(e Entry) error {
		if _, err := journal.Seal(&e.Record); err != nil || e.Record.Hash != e.Hash {
			return fmt.Errorf("read the terminal's list: record %d does not have its hash", e.Record.Seq)
		}
		return keep(e.Record)
	})
}

// Equations gives keep the equation at each moment; see the function Equations.
func (c *Client) Equations(ctx context.Context, periods bool, keep func(Moment) error) error {
	v := url.Values{}
	if periods {
		v.Set("periods", "true")
	}
	return list(ctx, c, "/v1/journal/equation", v, keep)
}
