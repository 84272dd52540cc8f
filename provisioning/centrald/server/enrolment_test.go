package server

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/provisioning/centralapi"
	"github.com/asan-kiosk/kiosk/provisioning/centrald/authority"
	"github.com/asan-kiosk/kiosk/provisioning/enrol"
)

// gate is central with its door, in virtual time.
type gate struct {
	testing.TB
	now    time.Time
	server *Server
	door   http.Handler
}

func newGate(t *testing.T) *gate {
	t.Helper()
	g := &gate{TB: t, now: noon}
	ca, err := authority.Open(t.TempDir(), func() time.Time { return g.now })
	if err != nil {
		t.Fatal(err)
	}
	g.server = open(t, storePath(t), Options{Demo: true, Authority: ca, Now: func() time.Time { return g.now }})
	g.door = g.server.Door()
	return g
}

// machine is a terminal before and after its enrolment.
type machine struct {
	key   *ecdsa.PrivateKey
	run   ed25519.PrivateKey
	csr   []byte
	chain []*x509.Certificate
	id    string
}

func (g *gate) machine() *machine {
	g.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		g.Fatal(err)
	}
	_, run, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		g.Fatal(err)
	}
	m := &machine{key: key, run: run}
	m.sign(g)
	return m
}

func (m *machine) sign(g *gate) {
	var err error
	if m.csr, err = x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, m.key); err != nil {
		g.Fatal(err)
	}
}

func (m *machine) csrText() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: m.csr}))
}

func (m *machine) order(code string) centralapi.Enrolment {
	return centralapi.Enrolment{Code: code, Csr: m.csrText(), RunKey: m.run.Public().(ed25519.PublicKey),
		RunProof: ed25519.Sign(m.run, enrol.RunProof(sha256.Sum256(m.csr)))}
}

// ask is one request through the door; shown is what the connection has proved.
func (g *gate) ask(method, path, address string, shown []*x509.Certificate, body any) reply {
	g.Helper()
	var raw []byte
	if body != nil {
		var err error
		if raw, err = json.Marshal(body); err != nil {
			g.Fatal(err)
		}
	}
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.RemoteAddr, r.TLS = address, &tls.ConnectionState{PeerCertificates: shown}
		g.door.ServeHTTP(w, r)
	})
	return do(h, method, path, map[string]string{"Idempotency-Key": `"key-00000001"`}, raw)
}

const here = "192.0.2.10:40000"

func (g *gate) enrol(o centralapi.Enrolment) reply {
	return g.ask("POST", "/v1/enrolments", here, nil, o)
}

func (g *gate) code(o CodeOrder) string {
	g.Helper()
	text, _, err := g.server.NewCode(o)
	if err != nil {
		g.Fatal(err)
	}
	return text
}

var place = CodeOrder{Site: "Bakı, Nümunə küçəsi 1", Model: "KT-80"}

// enrolled is a machine with its certificate.
func (g *gate) enrolled() *machine {
	g.Helper()
	m := g.machine()
	m.takes(g, g.enrol(m.order(g.code(place))))
	return m
}

func (m *machine) takes(g *gate, r reply) centralapi.Enrolled {
	g.Helper()
	var e centralapi.Enrolled
	if r.status != http.StatusCreated || json.Unmarshal(r.body, &e) != nil {
		g.Fatalf("status %d: %s", r.status, r.body)
	}
	m.id, m.chain = e.Terminal, certificates(g, e.Certificates)
	return e
}

func certificates(g *gate, text string) (chain []*x509.Certificate) {
	g.Helper()
	for rest := []byte(text); ; {
		var b *pem.Block
		if b, rest = pem.Decode(rest); b == nil {
			return chain
		}
		c, err := x509.ParseCertificate(b.Bytes)
		if err != nil {
			g.Fatal(err)
		}
		chain = append(chain, c)
	}
}

func TestEnrolment(t *testing.T) {
	g := newGate(t)
	m := g.machine()
	code := g.code(place)
	e := m.takes(g, g.enrol(m.order(code)))
	leaf := m.chain[0]
	if e.Site != place.Site || e.Model != place.Model || !enrol.ValidTerminal(e.Terminal) || leaf.Subject.String() != "CN="+e.Terminal {
		t.Errorf("%+v, subject %s", e, leaf.Subject)
	}
	if life := leaf.NotAfter.Sub(noon); life != enrol.Life {
		t.Errorf("life %v", life)
	}
	run := certificates(g, e.RunCertificate)[0]
	if !run.PublicKey.(ed25519.PublicKey).Equal(m.run.Public()) || run.URIs[0].String() != enrol.RunURI(e.Terminal) {
		t.Errorf("signing key's certificate: %v", run.URIs)
	}
	if r := g.ask("GET", "/v1/terminals/"+m.id+"/head", here, m.chain, nil); r.status != 200 {
		t.Errorf("head: %d %s", r.status, r.body)
	}
	// The answer was lost: the same request has the same answer, for a day.
	g.now = noon.Add(23 * time.Hour)
	if again := g.enrol(m.order(code)); again.status != 201 || !strings.Contains(string(again.body), e.Terminal) || string(again.body) != string(g.enrol(m.order(code)).body) {
		t.Errorf("repeated: %d %s", again.status, again.body)
	}
	g.now = noon.Add(24 * time.Hour)
	if late := g.enrol(m.order(code)); late.status != 403 {
		t.Errorf("repeated a day later: %d", late.status)
	}
	// A terminal that is known gets its number back, with a new key.
	m2 := g.machine()
	anew := place
	anew.Terminal = m.id
	if e2 := m2.takes(g, g.enrol(m2.order(g.code(anew)))); e2.Terminal != m.id {
		t.Errorf("enrolled anew as %s", e2.Terminal)
	}
}

// The code is written down nowhere, and neither is a part of it.
func TestCodeIsNotStored(t *testing.T) {
	g := newGate(t)
	code := g.code(place)
	raw, err := readCode(code)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range buckets {
		for k, v := range g.dump(b) {
			if strings.Contains(k+v, string(raw)) || strings.Contains(k+v, code) {
				t.Errorf("bucket %s holds the code", b)
			}
		}
	}
	if len(raw) != 16 || strings.Count(code, "-") != 5 {
		t.Errorf("code %q of %d bytes", code, len(raw))
	}
	for _, typed := range []string{strings.ToLower(code), strings.ReplaceAll(code, "-", " "), strings.NewReplacer("0", "o", "1", "l").Replace(code)} {
		if got, err := readCode(typed); err != nil || string(got) != string(raw) {
			t.Errorf("typed as %q: %x %v", typed, got, err)
		}
	}
	for _, typed := range []string{"", code[1:], code + "0", "U" + code[1:], strings.Repeat("é", 20)} {
		if _, err := readCode(typed); err == nil {
			t.Errorf("%q is a code", typed)
		}
	}
}

func (g *gate) dump(bucket []byte) map[string]string {
	out := map[string]string{}
	tx, err := g.server.db.Begin(false)
	if err != nil {
		g.Fatal(err)
	}
	defer tx.Rollback()
	if err := tx.Bucket(bucket).ForEach(func(k, v []byte) error { out[string(k)] = string(v); return nil }); err != nil {
		g.Fatal(err)
	}
	return out
}

// Every code that is not good is refused in the same words.
func TestRefusedCodes(t *testing.T) {
	for _, x := range []struct {
		name string
		do   func(g *gate, m *machine) centralapi.Enrolment
	}{
		{"made up", func(_ *gate, m *machine) centralapi.Enrolment { return m.order("00000-00000-00000-00000-00000-0") }},
		{"no code at all", func(_ *gate, m *machine) centralapi.Enrolment { return m.order("hello") }},
		{"a day old", func(g *gate, m *machine) centralapi.Enrolment {
			c := g.code(place)
			g.now = noon.Add(24 * time.Hour)
			return m.order(c)
		}},
		{"of another model", func(g *gate, m *machine) centralapi.Enrolment {
			o, model := m.order(g.code(place)), "KT-100"
			o.Inventory.Model = &model
			return o
		}},
		{"spent by another machine", func(g *gate, m *machine) centralapi.Enrolment {
			c := g.code(place)
			first := g.machine()
			first.takes(g, g.enrol(first.order(c)))
			return m.order(c)
		}},
		{"spent, with another signing key", func(g *gate, m *machine) centralapi.Enrolment {
			c := g.code(place)
			m.takes(g, g.enrol(m.order(c)))
			m.run = g.machine().run
			return m.order(c)
		}},
	} {
		t.Run(x.name, func(t *testing.T) {
			g := newGate(t)
			r := g.enrol(x.do(g, g.machine()))
			p := r.problem(t)
			if p.Type != centralapi.ProblemCodeRefused || p.Status != 403 || p.Detail != nil || p.Retryable {
				t.Errorf("%+v", p)
			}
		})
	}
}

// Five wrong codes in an hour from one address, and it waits; a terminal elsewhere
// does not. A right code costs nobody anything.
func TestGuessing(t *testing.T) {
	g := newGate(t)
	m := g.machine()
	good := g.code(place)
	from := func(address, code string) reply { return g.ask("POST", "/v1/enrolments", address, nil, m.order(code)) }
	for i := range 5 {
		if r := from(here, "wrong"); r.status != 403 {
			t.Fatalf("guess %d: %d", i, r.status)
		}
		g.now = g.now.Add(time.Minute)
	}
	r := from("192.0.2.10:50000", good)
	if r.status != 429 || r.problem(t).Type != centralapi.ProblemTooMany || r.header.Get("Retry-After") != "3300" {
		t.Fatalf("sixth: %d, Retry-After %q", r.status, r.header.Get("Retry-After"))
	}
	if r := from("192.0.2.11:50000", good); r.status != 201 {
		t.Errorf("elsewhere: %d %s", r.status, r.body)
	}
	g.now = g.now.Add(55 * time.Minute)
	if r := from(here, good); r.status != 201 {
		t.Errorf("an hour after the first: %d %s", r.status, r.body)
	}
	for in, want := range map[string]string{"192.0.2.1:80": "192.0.2.1", "[::ffff:192.0.2.1]:80": "192.0.2.1",
		"[2001:db8:1:2:3:4:5:6]:80": "2001:db8:1:2::/64", "[fe80::1%eth0]:1": "fe80::/64", "@": "unknown"} {
		if got := addressOf(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

// A code that is refused twenty times is locked, from wherever it came.
func TestLockedCode(t *testing.T) {
	g := newGate(t)
	m, model := g.machine(), "KT-100"
	code := g.code(place)
	o := m.order(code)
	o.Inventory.Model = &model
	for i := range codeRefused {
		if r := g.ask("POST", "/v1/enrolments", "198.51.100."+string(rune('1'+i/4))+":1", nil, o); r.status != 403 {
			t.Fatalf("%d: %d", i, r.status)
		}
	}
	if r := g.enrol(m.order(code)); r.status != 403 {
		t.Errorf("the right model after that: %d", r.status)
	}
}

func TestBadOrders(t *testing.T) {
	g := newGate(t)
	m := g.machine()
	long := strings.Repeat("x", 65)
	for name, alter := range map[string]func(*centralapi.Enrolment){
		"no request":              func(o *centralapi.Enrolment) { o.Csr = "" },
		"a key too short":         func(o *centralapi.Enrolment) { o.RunKey = o.RunKey[:31] },
		"no proof":                func(o *centralapi.Enrolment) { o.RunProof = nil },
		"a proof of another key":  func(o *centralapi.Enrolment) { o.RunKey = g.machine().run.Public().(ed25519.PublicKey) },
		"a proof of another CSR":  func(o *centralapi.Enrolment) { o.Csr = g.machine().csrText() },
		"an inventory too long":   func(o *centralapi.Enrolment) { o.Inventory.Machine = &long },
		"a request with an extra": func(o *centralapi.Enrolment) { o.Csr += "x" },
	} {
		o := m.order(g.code(place))
		alter(&o)
		if p := g.enrol(o).problem(t); p.Type != centralapi.ProblemBodyInvalid {
			t.Errorf("%s: %+v", name, p)
		}
	}
	if r := do(g.server, "POST", "/v1/enrolments", nil, []byte(`{}`)); r.status != 404 {
		t.Errorf("on the plain listener: %d", r.status)
	}
	for _, o := range []CodeOrder{{}, {Site: "s"}, {Site: "a\nb", Model: "m"}, {Site: "s", Model: "m", Terminal: "T-1"}} {
		if _, _, err := g.server.NewCode(o); err == nil {
			t.Errorf("%+v has a code", o)
		}
	}
}

func TestDoor(t *testing.T) {
	g := newGate(t)
	m, other := g.enrolled(), g.enrolled()
	head := "/v1/terminals/" + m.id + "/head"
	blocked := g.enrolled()
	if known, err := g.server.Block(blocked.id, true); err != nil || !known {
		t.Fatal(err)
	}
	for _, x := range []struct {
		name, method, path string
		shown              []*x509.Certificate
		want               int
	}{
		{"itself", "GET", head, m.chain, 200},
		{"without a certificate", "GET", head, nil, 401},
		{"another terminal", "GET", head, other.chain, 403},
		{"another terminal's action", "POST", "/v1/terminals/" + m.id + "/actions/notification.pay", other.chain, 403},
		{"another terminal's certificate", "POST", "/v1/terminals/" + m.id + "/certificate", other.chain, 403},
		{"blocked", "GET", "/v1/terminals/" + blocked.id + "/head", blocked.chain, 403},
		{"blocked, for its renewal", "POST", "/v1/terminals/" + blocked.id + "/certificate", blocked.chain, 403},
		{"blocked, for the time", "GET", "/v1/time", blocked.chain, 403},
		{"the time", "GET", "/v1/time", m.chain, 200},
		{"the time without a certificate", "GET", "/v1/time", nil, 401},
		{"the root", "GET", "/v1/root", nil, 200},
		{"the demo", "GET", "/demo/v1/state", m.chain, 404},
		{"an escape in the path", "GET", "/v1/terminals/" + m.id + "/%68ead", m.chain, 400},
		{"a way round", "GET", "/v1/terminals/" + m.id + "/../" + other.id + "/head", m.chain, 400},
		{"a way round by an escape", "GET", "/v1/terminals/" + m.id + "/..%2f" + other.id + "/head", m.chain, 400},
		{"two slashes", "GET", "/v1//terminals/" + m.id + "/head", m.chain, 400},
		{"no path of the contract", "GET", "/v1/terminals/" + m.id + "/secrets", m.chain, 404},
	} {
		if r := g.ask(x.method, x.path, here, x.shown, nil); r.status != x.want {
			t.Errorf("%s: %d %s, want %d", x.name, r.status, r.body, x.want)
		}
	}
	if known, err := g.server.Block(blocked.id, false); err != nil || !known {
		t.Fatal(err)
	}
	if r := g.ask("GET", "/v1/terminals/"+blocked.id+"/head", here, blocked.chain, nil); r.status != 200 {
		t.Errorf("unblocked: %d", r.status)
	}
	// Without its row a genuine certificate is one of a terminal that is not known.
	stranger := newGate(t)
	stranger.server.o.Authority = g.server.o.Authority
	if r := stranger.ask("GET", head, here, m.chain, nil); r.status != 401 {
		t.Errorf("without a row: %d", r.status)
	}
	// The demo's reset forgets orders and records and not who is enrolled.
	if _, err := g.server.PostReset(context.Background(), centralapi.PostResetRequestObject{}); err != nil {
		t.Fatal(err)
	}
	if r := g.ask("GET", head, here, m.chain, nil); r.status != 200 {
		t.Errorf("after the demo's reset: %d", r.status)
	}
}

func TestRenewal(t *testing.T) {
	g := newGate(t)
	m := g.enrolled()
	path := "/v1/terminals/" + m.id + "/certificate"
	renew := func(csr string) reply {
		return g.ask("POST", path, here, m.chain, centralapi.CertificateOrder{Csr: csr})
	}
	other := g.machine()
	for _, x := range []struct {
		name  string
		after time.Duration
		csr   string
		want  int
	}{
		{"in time", 60 * 24 * time.Hour, m.csrText(), 201},
		{"in time, with a new key", 60 * 24 * time.Hour, other.csrText(), 201},
		{"run out", 91 * 24 * time.Hour, m.csrText(), 201},
		{"run out, with a new key", 91 * 24 * time.Hour, other.csrText(), 403},
		{"run out for too long", 121 * 24 * time.Hour, m.csrText(), 401},
		{"with nonsense", 60 * 24 * time.Hour, "hello", 422},
	} {
		g.now = noon.Add(x.after)
		r := renew(x.csr)
		if r.status != x.want {
			t.Errorf("%s: %d %s", x.name, r.status, r.body)
		}
		if r.status == 201 {
			var c centralapi.CertificateChain
			if err := json.Unmarshal(r.body, &c); err != nil {
				t.Fatal(err)
			}
			leaf := certificates(g, c.Certificates)[0]
			if id, err := enrol.TerminalOf(leaf); err != nil || id != m.id || leaf.NotAfter != g.now.Add(enrol.Life) {
				t.Errorf("%s: %s %v until %v", x.name, id, err, leaf.NotAfter)
			}
		}
	}
	// The other paths are shut the day it runs out.
	g.now = noon.Add(91 * 24 * time.Hour)
	if r := g.ask("GET", "/v1/terminals/"+m.id+"/head", here, m.chain, nil); r.status != 401 {
		t.Errorf("head with a certificate that ran out: %d", r.status)
	}
	// A terminal that has gone mad does not keep the authority busy.
	g.now = noon
	for range renewals {
		if r := renew(m.csrText()); r.status != 201 && r.status != 429 {
			t.Fatalf("%d %s", r.status, r.body)
		}
	}
	if r := renew(m.csrText()); r.status != 429 || r.header.Get("Retry-After") == "" {
		t.Errorf("the next: %d", r.status)
	}
}

func TestOperator(t *testing.T) {
	g := newGate(t)
	h := g.server.Operator()
	r := do(h, "POST", "/codes", nil, []byte(`{"site":"s","model":"m"}`))
	var made CodeMade
	if err := json.Unmarshal(r.body, &made); err != nil || r.status != 200 {
		t.Fatalf("%d %s", r.status, r.body)
	}
	sum := g.server.o.Authority.RootSum()
	if made.Root != hex.EncodeToString(sum[:]) || !made.Expires.Equal(noon.Add(24*time.Hour)) {
		t.Errorf("%+v", made)
	}
	m := g.machine()
	m.takes(g, g.enrol(m.order(made.Code)))
	if r := do(h, "POST", "/terminals/"+m.id+"/block", nil, nil); r.status != 200 {
		t.Errorf("block: %d %s", r.status, r.body)
	}
	var rows []TerminalRow
	if r := do(h, "GET", "/terminals", nil, nil); json.Unmarshal(r.body, &rows) != nil || len(rows) != 1 || !rows[0].Blocked || rows[0].Terminal != m.id {
		t.Errorf("list: %s", r.body)
	}
	for path, want := range map[string]int{"/terminals/" + m.id + "/melt": 404, "/terminals/nobody/block": 404, "/codes": 400} {
		if r := do(h, "POST", path, nil, []byte("x")); r.status != want {
			t.Errorf("%s: %d", path, r.status)
		}
	}
}
