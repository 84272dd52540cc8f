package enrol

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/asan-kiosk/kiosk/provisioning/centralapi"
)

// Bounds of a conversation with central.
const (
	connectTimeout = 30 * time.Second
	totalTimeout   = 60 * time.Second
	maxAnswer      = 64 << 10
)

// Order is what a technician brings to a terminal, and where its identity goes.
type Order struct {
	Central   *url.URL // https://host[:port]
	Code      string   // as it was shown; spent by Enrol
	Root      [sha256.Size]byte
	Dir       string             // folder of the identity; made if it is not there
	RunKey    ed25519.PrivateKey // of kioskd run; certified, never sent
	Inventory centralapi.Inventory

	Dial func(ctx context.Context, network, address string) (net.Conn, error) // nil: the system's
	Now  func() time.Time                                                     // nil: time.Now
}

// Result is what central made of it.
type Result struct {
	Terminal string    `json:"terminal"`
	Site     string    `json:"site"`
	Model    string    `json:"model"`
	NotAfter time.Time `json:"not_after"`
}

// Refusal is an answer of central that is a no.
type Refusal struct {
	Status int
	Type   centralapi.ProblemType // "" when the answer is not the contract's
	Title  string
}

func (r *Refusal) Error() string {
	if r.Title == "" {
		return fmt.Sprintf("central answers with status %d, which is not the contract's", r.Status)
	}
	return fmt.Sprintf("central refuses: %s (status %d)", r.Title, r.Status)
}

// ErrRoot: what answers at central's address has another root certificate than the
// one that the technician was given.
var ErrRoot = errors.New("the root certificate is not the one that the code came with")

// Enrol makes the terminal's identity. It may be repeated with the same code for
// 24 hours: the key and the request lie in the folder from the first try on, and
// central gives the same answer to the same request. Nothing in the folder counts
// until the certificate lies there, which is written last.
func Enrol(ctx context.Context, o Order) (Result, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Dial == nil {
		o.Dial = (&net.Dialer{Timeout: connectTimeout}).DialContext
	}
	ctx, cancel := context.WithTimeout(ctx, totalTimeout)
	defer cancel()
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return Result{}, err
	}
	root, err := o.fetchRoot(ctx)
	if err != nil {
		return Result{}, err
	}
	key, err := o.key()
	if err != nil {
		return Result{}, err
	}
	defer key.Close()
	csr, err := o.request(key)
	if err != nil {
		return Result{}, err
	}
	sum := sha256.Sum256(csr)
	body, err := json.Marshal(centralapi.Enrolment{
		Code: o.Code, Csr: requestText(csr), RunKey: o.RunKey.Public().(ed25519.PublicKey),
		RunProof: ed25519.Sign(o.RunKey, RunProof(sum)), Inventory: o.Inventory,
	})
	if err != nil {
		return Result{}, err
	}
	roots := x509.NewCertPool()
	roots.AddCert(root)
	var answer centralapi.Enrolled
	client := o.client(&tls.Config{RootCAs: roots, Time: o.Now})
	defer client.CloseIdleConnections()
	if err := post(ctx, client, o.Central.JoinPath("/v1/enrolments").String(), body, &answer); err != nil {
		return Result{}, err
	}
	return o.keep(key, root, roots, answer)
}

// keep checks an answer and writes it down, the certificate last.
func (o *Order) keep(key Key, root *x509.Certificate, roots *x509.CertPool, answer centralapi.Enrolled) (Result, error) {
	chain, err := parseCertificates([]byte(answer.Certificates))
	if err != nil {
		return Result{}, fmt.Errorf("central's answer: %w", err)
	}
	terminal, err := checkChain(chain, roots, key.Public(), o.Now())
	if err != nil {
		return Result{}, fmt.Errorf("central's answer: %w", err)
	}
	if terminal != answer.Terminal {
		return Result{}, errors.New("central's answer: it names another terminal than its certificate")
	}
	run, err := parseCertificates([]byte(answer.RunCertificate))
	if err == nil {
		err = checkRun(run, roots, o.RunKey.Public(), terminal, o.Now())
	}
	if err != nil {
		return Result{}, fmt.Errorf("central's answer, signing key: %w", err)
	}
	err = keepCertificates(filepath.Join(o.Dir, rootFile), []*x509.Certificate{root})
	if err == nil {
		err = keepCertificates(filepath.Join(o.Dir, runFile), run)
	}
	if err == nil {
		err = keepCertificates(filepath.Join(o.Dir, chainFile), chain)
	}
	if err == nil {
		err = os.Remove(filepath.Join(o.Dir, requestFile))
	}
	return Result{Terminal: terminal, Site: answer.Site, Model: answer.Model, NotAfter: chain[0].NotAfter}, err
}

// RunProof is what a signing key signs to show that the terminal has it; csr is
// the SHA-256 of the request's DER form.
func RunProof(csr [sha256.Size]byte) []byte {
	return []byte("kiosk-run-key:" + hex.EncodeToString(csr[:]))
}

// key is the folder's, made at the first try.
func (o *Order) key() (Key, error) {
	path := filepath.Join(o.Dir, keyFile)
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return CreateFileKey(path)
	}
	return OpenFileKey(path)
}

// request is the folder's CSR, made at the first try: a signature on P-256 is
// another one each time, and central knows a repeated request by its bytes.
func (o *Order) request(key Key) ([]byte, error) {
	path := filepath.Join(o.Dir, requestFile)
	if text, err := os.ReadFile(path); err == nil {
		if block, _ := pem.Decode(text); block != nil {
			if r, err := x509.ParseCertificateRequest(block.Bytes); err == nil && samePublic(r.PublicKey, key.Public()) {
				return block.Bytes, nil
			}
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	csr, err := newRequest(key)
	if err != nil {
		return nil, err
	}
	return csr, Keep(path, []byte(requestText(csr)), 0o644)
}

// newRequest is a CSR that says nothing but its key: central knows the rest.
func newRequest(key Key) ([]byte, error) {
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		return nil, fmt.Errorf("certificate request: %w", err)
	}
	return csr, nil
}

func requestText(csr []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: csr}))
}

// fetchRoot asks whoever answers at central's address for the root, believes only
// its hash, and lets go of the connection: nothing else is ever sent on it.
func (o *Order) fetchRoot(ctx context.Context) (*x509.Certificate, error) {
	client := o.client(&tls.Config{InsecureSkipVerify: true}) // the hash decides
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, o.Central.JoinPath("/v1/root").String(), nil)
	if err != nil {
		return nil, err
	}
	req.Close = true
	resp, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("central cannot be reached: %w", err)
	}
	defer resp.Body.Close()
	der, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("root certificate: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, refusal(resp, der)
	}
	if sum := sha256.Sum256(der); subtle.ConstantTimeCompare(sum[:], o.Root[:]) != 1 {
		return nil, ErrRoot
	}
	root, err := x509.ParseCertificate(der)
	if err != nil || !root.IsCA {
		return nil, errors.New("what has the hash of the root certificate is none")
	}
	return root, nil
}

// client speaks TLS 1.3 to central, past no proxy and after no redirect.
func (o *Order) client(t *tls.Config) *http.Client {
	t.MinVersion = tls.VersionTLS13
	return &http.Client{
		Transport: &http.Transport{DialContext: o.Dial, TLSClientConfig: t, TLSHandshakeTimeout: connectTimeout, ForceAttemptHTTP2: true,
			DisableCompression: true, MaxResponseHeaderBytes: 16 << 10},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Renew asks for the next certificate of i with the same key. client shows i to
// central at base; what comes back has been checked.
func Renew(ctx context.Context, client *http.Client, base *url.URL, i *Identity, roots *x509.CertPool, now time.Time) ([]*x509.Certificate, error) {
	csr, err := newRequest(i.Key)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(centralapi.CertificateOrder{Csr: requestText(csr)})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, totalTimeout)
	defer cancel()
	var answer centralapi.CertificateChain
	if err := post(ctx, client, base.JoinPath("/v1/terminals", i.Terminal, "certificate").String(), body, &answer); err != nil {
		return nil, err
	}
	chain, err := parseCertificates([]byte(answer.Certificates))
	if err != nil {
		return nil, fmt.Errorf("central's answer: %w", err)
	}
	terminal, err := checkChain(chain, roots, i.Key.Public(), now)
	if err == nil && terminal != i.Terminal {
		err = errors.New("the certificate names another terminal")
	}
	if err != nil {
		return nil, fmt.Errorf("central's answer: %w", err)
	}
	return chain, nil
}

// post sends JSON and reads the answer of status 201.
func post(ctx context.Context, client *http.Client, to string, body []byte, answer any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", centralapi.MediaJSON)
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("central cannot be reached: %w", err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("central's answer: %w", err)
	}
	media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if resp.StatusCode != http.StatusCreated || media != centralapi.MediaJSON {
		return refusal(resp, raw)
	}
	if err := json.Unmarshal(raw, answer); err != nil {
		return errors.New("central's answer is not what the contract says")
	}
	return nil
}

func refusal(resp *http.Response, body []byte) error {
	r := &Refusal{Status: resp.StatusCode}
	media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	var p centralapi.Problem
	if media == centralapi.MediaProblem && json.Unmarshal(body, &p) == nil && p.Type.Valid() {
		r.Type, r.Title = p.Type, p.Title
	}
	return r
}
