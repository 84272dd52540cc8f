package config

import (
	"log/slog"
	"math"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/asan-kiosk/kiosk/daemon/screen/wire"
	"github.com/asan-kiosk/kiosk/drivers/money"
)

// key declares one key of the file.
type key struct {
	name     string             // "section.key"
	allowed  string             // what may stand there, as the errors and the sample say it
	standard any                // default, as the TOML decoder would give it; nil: the key is needed
	needed   func(*Config) bool // for a key without default: whether it is needed at all; nil: always
	set      func(*Config, any) bool
}

// Bounds of the file's numbers.
const (
	maxUnits   = 1_000_000 // greatest sum of money in whole units of the currency
	minWarning = 20        // seconds; WCAG 2.2 success criterion 2.2.1
	socketPath = 107       // bytes: sun_path of unix(7) without its final zero
)

// noteSets are the notes in circulation, by face value in whole units. A value
// that no note has is a slip of the pen, and one found at once.
var noteSets = map[money.Currency][]int64{
	money.AZN: {1, 5, 10, 20, 50, 100, 200, 500},
	"USD":     {1, 2, 5, 10, 20, 50, 100},
	"EUR":     {5, 10, 20, 50, 100, 200},
}

// keys is every key of the file, in the order of the sample. A key whose check
// needs another one's value stands after it.
var keys = []key{
	{name: "terminal.id", allowed: "a UUID, for example 3f0c8a52-6d1e-4b7a-9c55-0d2f7e61a8b4",
		set: func(c *Config, v any) bool {
			s, ok := v.(string)
			c.Terminal.ID = strings.ToLower(s)
			return ok && uuidForm.MatchString(c.Terminal.ID) && c.Terminal.ID != "00000000-0000-0000-0000-000000000000"
		}},
	{name: "terminal.number", allowed: "1 to 16 letters A-Z, digits and hyphens",
		set: func(c *Config, v any) bool { return setForm(&c.Terminal.Number, v, numberForm) }},
	{name: "terminal.owner", allowed: "text of 1 to 120 characters",
		set: func(c *Config, v any) bool { return setText(&c.Terminal.Owner, v, 120) }},
	{name: "terminal.owner_voen", allowed: "10 digits",
		set: func(c *Config, v any) bool { return setForm(&c.Terminal.OwnerVOEN, v, voenForm) }},
	{name: "terminal.address", allowed: "text of 1 to 200 characters",
		set: func(c *Config, v any) bool { return setText(&c.Terminal.Address, v, 200) }},
	{name: "terminal.phone", allowed: "3 to 24 digits, spaces and the signs + ( ) - *",
		set: func(c *Config, v any) bool { return setForm(&c.Terminal.Phone, v, phoneForm) }},
	{name: "terminal.hours", allowed: "text of 1 to 60 characters", standard: "24/7",
		set: func(c *Config, v any) bool { return setText(&c.Terminal.Hours, v, 60) }},
	{name: "terminal.pixels_per_mm", allowed: "a number from 1.0 to 12.0", standard: 3.2,
		set: func(c *Config, v any) bool {
			switch v := v.(type) {
			case float64:
				c.Terminal.PixelsPerMM = v
			case int64:
				c.Terminal.PixelsPerMM = float64(v)
			default:
				return false
			}
			// A NaN fails both comparisons.
			return c.Terminal.PixelsPerMM >= 1 && c.Terminal.PixelsPerMM <= 12
		}},
	{name: "terminal.languages", allowed: "a list of " + langNames() + `, each once, "az" among them`, standard: allLangs(),
		set: setLanguages},

	{name: "state.dir", allowed: allowedPath, set: func(c *Config, v any) bool { return setPath(&c.State.Dir, v) }},
	{name: "state.runtime_dir", allowed: allowedPath,
		set: func(c *Config, v any) bool { return setPath(&c.State.RuntimeDir, v) }},
	{name: "state.key_file", allowed: allowedPath,
		set: func(c *Config, v any) bool { return setPath(&c.State.KeyFile, v) }},

	{name: "screen.listen", allowed: "a loopback IP address with a port, for example 127.0.0.1:8480", standard: "127.0.0.1:8480",
		set: func(c *Config, v any) bool {
			s, ok := v.(string)
			c.Screen.Listen = s
			return ok && loopback(s)
		}},
	{name: "screen.token_file", allowed: allowedPath,
		set: func(c *Config, v any) bool { return setPath(&c.Screen.TokenFile, v) }},

	{name: "admin.socket", allowed: "an absolute path of at most " + strconv.Itoa(socketPath) + " bytes",
		set: func(c *Config, v any) bool {
			return setPath(&c.Admin.Socket, v) && len(c.Admin.Socket) <= socketPath
		}},

	{name: "catalogue.bundle", allowed: allowedPath,
		set: func(c *Config, v any) bool { return setPath(&c.Catalogue.Bundle, v) }},
	{name: "catalogue.root", allowed: allowedPath,
		set: func(c *Config, v any) bool { return setPath(&c.Catalogue.Root, v) }},

	{name: "central.socket", allowed: "an absolute path of at most " + strconv.Itoa(socketPath) + " bytes, or empty", standard: "",
		set: func(c *Config, v any) bool {
			if v == "" {
				return true
			}
			return setPath(&c.Central.Socket, v) && len(c.Central.Socket) <= socketPath
		}},
	{name: "central.url", allowed: "http:// with a loopback IP address and a port and nothing after it, for example http://127.0.0.1:8090",
		needed: func(c *Config) bool { return c.Central.Socket == "" }, set: setCentral},

	{name: "uplink.central", allowed: "https:// with a host, a port if it is not 443, and nothing after it, for example https://central.example.az, or empty", standard: "",
		set: setUplink},
	{name: "uplink.root_file", allowed: allowedPath, needed: hasUplink,
		set: func(c *Config, v any) bool { return setPath(&c.Uplink.RootFile, v) }},
	{name: "uplink.identity_dir", allowed: allowedPath, needed: hasUplink,
		set: func(c *Config, v any) bool { return setPath(&c.Uplink.Identity, v) }},
	{name: "uplink.socket_group", allowed: "the name of a group, or empty", standard: "",
		set: func(c *Config, v any) bool {
			s, ok := v.(string)
			c.Uplink.Group = s
			return ok && (s == "" || groupForm.MatchString(s))
		}},

	{name: "acceptor.driver", allowed: `"ccnet" or "none"`,
		set: func(c *Config, v any) bool { return setOne(&c.Acceptor.Driver, v, "ccnet", DriverNone) }},
	{name: "acceptor.port", allowed: allowedPath, needed: hasAcceptor,
		set: func(c *Config, v any) bool { return setPath(&c.Acceptor.Port, v) }},
	{name: "acceptor.baud", allowed: "0 (probe), 9600 or 19200", standard: int64(0),
		set: func(c *Config, v any) bool { return setNumber(&c.Acceptor.Baud, v, 0, 9600, 19200) }},
	{name: "acceptor.currency", allowed: `"AZN", "USD" or "EUR"`, standard: "AZN",
		set: func(c *Config, v any) bool {
			s, ok := v.(string)
			c.Acceptor.Currency = money.Currency(s)
			return ok && noteSets[c.Acceptor.Currency] != nil
		}},
	{name: "acceptor.denominations", allowed: "a list of face values in whole units of the currency, each once, of notes that exist: AZN 1 5 10 20 50 100 200 500, USD 1 2 5 10 20 50 100, EUR 5 10 20 50 100 200",
		needed: hasAcceptor, set: setDenominations},
	{name: "acceptor.high_security", allowed: "a list of face values that stand in acceptor.denominations, each once", standard: []any{},
		set: setHighSecurity},
	{name: "acceptor.coupon_digits", allowed: "0 (coupons are not read) or a whole number from 6 to 18", standard: int64(0),
		set: func(c *Config, v any) bool { return setRange(&c.Acceptor.CouponDigits, v, 6, 18) }},
	{name: "acceptor.escrow_s", allowed: "0 (the unit's own time) or a whole number of seconds from 10 to 60", standard: int64(10),
		set: func(c *Config, v any) bool {
			var s int
			ok := setRange(&s, v, 10, 60)
			c.Acceptor.UnitEscrow = time.Duration(s) * time.Second
			return ok
		}},
	{name: "acceptor.options", allowed: "a list of bit numbers from 2 to 31 without 23, each once", standard: []any{},
		set: setOptions},
	{name: "acceptor.poll_ms", allowed: "a whole number of milliseconds from 100 to 1000", standard: int64(200),
		set: func(c *Config, v any) bool { return setDuration(&c.Acceptor.Poll, v, time.Millisecond, 100, 1000) }},
	{name: "acceptor.trace", allowed: "true or false", standard: true,
		set: func(c *Config, v any) bool {
			on, ok := v.(bool)
			c.Acceptor.Trace = on
			return ok
		}},

	{name: "printer.driver", allowed: `"escpos" or "none"`,
		set: func(c *Config, v any) bool { return setOne(&c.Printer.Driver, v, "escpos", DriverNone) }},
	{name: "printer.port", allowed: allowedPath, needed: hasPrinter,
		set: func(c *Config, v any) bool { return setPath(&c.Printer.Port, v) }},
	{name: "printer.baud", allowed: "9600, 19200, 38400, 57600, 115200, 230400, 460800 or 921600", standard: int64(115200),
		set: func(c *Config, v any) bool {
			return setNumber(&c.Printer.Baud, v, 9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600)
		}},
	{name: "printer.profile", allowed: "the name of a profile: 1 to 32 letters, digits, dots, hyphens and underscores", standard: "generic80",
		set: func(c *Config, v any) bool { return setForm(&c.Printer.Profile, v, profileForm) }},

	{name: "card_reader.driver", allowed: `"pcsc" or "none"`,
		set: func(c *Config, v any) bool { return setOne(&c.Cards.Driver, v, "pcsc", DriverNone) }},
	{name: "card_reader.pcscd_socket", allowed: "an absolute path of at most " + strconv.Itoa(socketPath) + " bytes, or empty", standard: "",
		set: func(c *Config, v any) bool {
			if v == "" {
				return true
			}
			return setPath(&c.Cards.Socket, v) && len(c.Cards.Socket) <= socketPath
		}},

	{name: "panel.driver", allowed: `"numato", "gpio" or "none"`, standard: DriverNone,
		set: func(c *Config, v any) bool { return setOne(&c.Panel.Driver, v, "numato", "gpio", DriverNone) }},
	{name: "panel.port", allowed: allowedPath, needed: hasPanel,
		set: func(c *Config, v any) bool { return setPath(&c.Panel.Port, v) }},
	{name: "panel.inputs", allowed: "a table of " + inputNames() + ", each with the line it is wired to, or with two lines for a change-over contact",
		needed: hasPanel, set: setInputs},
	{name: "panel.high_at_rest", allowed: "a list of inputs of panel.inputs, each once", standard: []any{},
		set: setHighAtRest},
	{name: "panel.lamps", allowed: "a table of " + lampNames() + ", each with the line it is wired to", standard: map[string]any{},
		set: setLamps},
	{name: "panel.low_when_lit", allowed: "a list of lamps of panel.lamps, each once", standard: []any{},
		set: setLowWhenLit},

	{name: "upkeep.people", allowed: "an absolute path, or empty", standard: "",
		set: func(c *Config, v any) bool {
			if v == "" {
				return true
			}
			return setPath(&c.Upkeep.People, v)
		}},

	{name: "limits.max_cash", allowed: "a whole number of units of acceptor.currency from 1 to " + strconv.Itoa(maxUnits), standard: int64(500),
		set: func(c *Config, v any) bool {
			n, ok := v.(int64)
			if !ok || n < 1 || n > maxUnits {
				return false
			}
			c.Limits.MaxCash = units(n, c.Acceptor.Currency)
			return true
		}},
	{name: "limits.attract_s", allowed: "a whole number of seconds from 5 to 120", standard: int64(30),
		set: func(c *Config, v any) bool { return setDuration(&c.Limits.IdleAttract, v, time.Second, 5, 120) }},
	{name: "limits.read_s", allowed: "a whole number of seconds from 30 to 600", standard: int64(60),
		set: func(c *Config, v any) bool { return setDuration(&c.Limits.IdleRead, v, time.Second, 30, 600) }},
	{name: "limits.typing_s", allowed: "a whole number of seconds from 30 to 600", standard: int64(60),
		set: func(c *Config, v any) bool { return setDuration(&c.Limits.IdleTyping, v, time.Second, 30, 600) }},
	{name: "limits.warning_s", allowed: "a whole number of seconds from 20 to 120", standard: int64(minWarning),
		set: func(c *Config, v any) bool { return setDuration(&c.Limits.Warning, v, time.Second, minWarning, 120) }},

	{name: "health.metrics_socket", allowed: "an absolute path of at most " + strconv.Itoa(socketPath) + " bytes, or empty", standard: "",
		set: func(c *Config, v any) bool {
			if v == "" {
				return true
			}
			return setPath(&c.Health.MetricsSocket, v) && len(c.Health.MetricsSocket) <= socketPath
		}},

	{name: "log.level", allowed: `"debug", "info", "warn" or "error"`, standard: "info",
		set: func(c *Config, v any) bool {
			var s string
			return setOne(&s, v, "debug", "info", "warn", "error") && c.Log.Level.UnmarshalText([]byte(s)) == nil
		}},
}

const allowedPath = "an absolute path"

var (
	uuidForm    = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
	numberForm  = regexp.MustCompile(`^[A-Z0-9][A-Z0-9-]{0,15}$`)
	voenForm    = regexp.MustCompile(`^[0-9]{10}$`)
	phoneForm   = regexp.MustCompile(`^[0-9+(*][0-9 +()*-]{2,23}$`)
	groupForm   = regexp.MustCompile(`^[a-z_][a-z0-9_-]{0,31}$`)
	profileForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$`)
)

func hasAcceptor(c *Config) bool { return c.Acceptor.Driver != DriverNone }
func hasUplink(c *Config) bool   { return c.Uplink.Central != nil }
func hasPrinter(c *Config) bool  { return c.Printer.Driver != DriverNone }
func hasPanel(c *Config) bool    { return c.Panel.Driver != DriverNone }

func units(n int64, cur money.Currency) money.Amount {
	scale := int64(1)
	for range cur.Decimals() {
		scale *= 10
	}
	return money.New(n*scale, cur)
}

// setText takes text that can be shown and printed: valid UTF-8, no control
// characters, no white space at its ends.
func setText(to *string, v any, most int) bool {
	s, ok := v.(string)
	if !ok || !utf8.ValidString(s) || strings.TrimSpace(s) != s {
		return false
	}
	n := 0
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return false
		}
		n++
	}
	*to = s
	return n >= 1 && n <= most
}

func setForm(to *string, v any, form *regexp.Regexp) bool {
	s, ok := v.(string)
	*to = s
	return ok && form.MatchString(s)
}

func setOne(to *string, v any, allowed ...string) bool {
	s, ok := v.(string)
	*to = s
	return ok && slices.Contains(allowed, s)
}

func setNumber(to *int, v any, allowed ...int64) bool {
	n, ok := v.(int64)
	if !ok || !slices.Contains(allowed, n) {
		return false
	}
	*to = int(n)
	return true
}

// setRange takes 0, which stands for none, or a number from least to most.
func setRange(to *int, v any, least, most int64) bool {
	n, ok := v.(int64)
	if !ok || n != 0 && (n < least || n > most) {
		return false
	}
	*to = int(n)
	return true
}

func setDuration(to *time.Duration, v any, unit time.Duration, least, most int64) bool {
	n, ok := v.(int64)
	if !ok || n < least || n > most || n > math.MaxInt64/int64(unit) {
		return false
	}
	*to = time.Duration(n) * unit
	return true
}

func setPath(to *string, v any) bool {
	s, ok := v.(string)
	if !ok || !filepath.IsAbs(s) || len(s) > 4095 || strings.ContainsFunc(s, unicode.IsControl) || !utf8.ValidString(s) {
		return false
	}
	*to = filepath.Clean(s)
	return true
}

// loopback reports whether s is an address of this machine alone, with a port.
// A name is not enough: what it resolves to is decided elsewhere.
func loopback(s string) bool {
	a, err := netip.ParseAddrPort(s)
	return err == nil && a.Addr().IsLoopback() && a.Addr().Zone() == "" && a.Port() > 0
}

func setCentral(c *Config, v any) bool {
	s, ok := v.(string)
	if !ok {
		return false
	}
	u := bareURL(s, "http")
	if u == nil {
		return false
	}
	host, port, err := net.SplitHostPort(u.Host)
	if err != nil || !loopback(net.JoinHostPort(host, port)) {
		return false
	}
	c.Central.URL = &url.URL{Scheme: u.Scheme, Host: u.Host}
	return true
}

// bareURL reads an address that is scheme, host and port, and no more; nil if s is
// none.
func bareURL(s, scheme string) *url.URL {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != scheme || u.User != nil || u.Opaque != "" || (u.Path != "" && u.Path != "/") ||
		u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.HasSuffix(s, "#") {
		return nil
	}
	return u
}

func setUplink(c *Config, v any) bool {
	s, ok := v.(string)
	if s == "" {
		return ok
	}
	u := bareURL(s, "https")
	if u == nil || u.Hostname() == "" || strings.HasSuffix(u.Host, ":") {
		return false
	}
	c.Uplink.Central = &url.URL{Scheme: u.Scheme, Host: u.Host}
	return true
}

func setLanguages(c *Config, v any) bool {
	list, ok := v.([]any)
	if !ok {
		return false
	}
	var langs []wire.Lang
	for _, one := range list {
		s, ok := one.(string)
		l := wire.Lang(s)
		if !ok || !slices.Contains(wire.Langs(), l) || slices.Contains(langs, l) {
			return false
		}
		langs = append(langs, l)
	}
	c.Terminal.Languages = langs
	return slices.Contains(langs, wire.LangAz) // the state language is always offered
}

// setDenominations checks the notes against the currency, which stands before it
// in the table. A currency that is wrong itself is told once, not twice.
func setDenominations(c *Config, v any) bool {
	notes, ok := faces(c, v)
	c.Acceptor.Denominations = notes
	return ok && len(notes) > 0
}

// setHighSecurity checks them against the notes that are taken, which stand
// before it in the table.
func setHighSecurity(c *Config, v any) bool {
	notes, ok := faces(c, v)
	if !ok {
		return false
	}
	for _, n := range notes {
		if c.Acceptor.Denominations != nil && !slices.Contains(c.Acceptor.Denominations, n) {
			return false
		}
	}
	c.Acceptor.HighSecurity = notes
	return true
}

// Bits of a CCNET unit's options that are not for a configuration: they change
// what its masks, its bill table and its counterfeit notes mean.
var keptOptions = []int64{0, 1, 23}

func setOptions(c *Config, v any) bool {
	list, ok := v.([]any)
	if !ok {
		return false
	}
	var options uint32
	for _, one := range list {
		n, ok := one.(int64)
		if !ok || n < 0 || n > 31 || slices.Contains(keptOptions, n) || options&(1<<n) != 0 {
			return false
		}
		options |= 1 << n
	}
	c.Acceptor.Options = options
	return true
}

// faces reads a list of face values, ascending.
func faces(c *Config, v any) ([]money.Amount, bool) {
	list, ok := v.([]any)
	if !ok {
		return nil, false
	}
	set := noteSets[c.Acceptor.Currency]
	var notes []money.Amount
	for _, one := range list {
		n, ok := one.(int64)
		if !ok || n < 1 || n > maxUnits || (set != nil && !slices.Contains(set, n)) {
			return nil, false
		}
		a := units(n, c.Acceptor.Currency)
		if slices.Contains(notes, a) {
			return nil, false
		}
		notes = append(notes, a)
	}
	slices.SortFunc(notes, money.Amount.Cmp)
	return notes, true
}

func allLangs() []any {
	var out []any
	for _, l := range wire.Langs() {
		out = append(out, string(l))
	}
	return out
}

func langNames() string {
	var names []string
	for _, l := range wire.Langs() {
		names = append(names, strconv.Quote(string(l)))
	}
	return strings.Join(names, " ")
}

// compare checks values against each other. Only values that are right by
// themselves are compared, so that one mistake is told once.
func compare(c *Config, doc *document, good map[string]bool) Errors {
	var errs Errors
	fail := func(key, problem, hint string) {
		v, present := doc.take(key)
		e := &Error{File: doc.name, Line: doc.line(key), Key: key, Problem: problem, Hint: hint}
		if present {
			e.Value = show(v)
		}
		errs = append(errs, e)
	}
	all := func(names ...string) bool {
		for _, n := range names {
			if !good[n] {
				return false
			}
		}
		return true
	}
	if all("acceptor.denominations", "limits.max_cash") && hasAcceptor(c) {
		if least := c.Acceptor.Denominations[0]; c.Limits.MaxCash.Cmp(least) < 0 {
			fail("limits.max_cash", "is less than the smallest note that is taken, "+least.String(), "no note could ever be put in")
		}
	}
	for _, name := range []string{"limits.read_s", "limits.typing_s"} {
		rest := c.Limits.IdleRead
		if name == "limits.typing_s" {
			rest = c.Limits.IdleTyping
		}
		if all(name, "limits.warning_s") && rest < c.Limits.Warning+10*time.Second {
			fail(name, "leaves less than 10 s before the warning of limits.warning_s begins", "make it longer, or the warning shorter")
		}
	}
	if all("acceptor.port", "printer.port") && hasAcceptor(c) && hasPrinter(c) && c.Acceptor.Port == c.Printer.Port {
		fail("printer.port", "is the acceptor's port too", "each device has a line of its own")
	}
	comparePanel(c, all, fail)
	if all("panel.driver", "upkeep.people") && hasPanel(c) && c.Upkeep.People == "" {
		fail("upkeep.people", "is missing, and the cabinet's doors are watched", "without people nobody could sign in at an open door, and the terminal would stay shut: kioskctl people add")
	}
	if all("state.dir", "state.runtime_dir") && (inside(c.State.RuntimeDir, c.State.Dir) || inside(c.State.Dir, c.State.RuntimeDir)) {
		fail("state.runtime_dir", "is not apart from state.dir", "what a power loss must clear may not lie with what it must leave")
	}
	if all("central.socket") && c.Central.Socket != "" {
		if c.Central.URL != nil && all("central.url") {
			fail("central.url", "stands beside central.socket", "the terminal has one way to central; take one of the two out")
		}
		if all("admin.socket") && c.Central.Socket == c.Admin.Socket {
			fail("central.socket", "is the technician's socket too", "each socket has a path of its own")
		}
	}
	if all("central.socket", "uplink.central") && hasUplink(c) && c.Central.Socket == "" {
		fail("uplink.central", "needs central.socket, on which the uplink listens", "set central.socket and take central.url out")
	}
	if all("state.key_file", "screen.token_file") && c.State.KeyFile == c.Screen.TokenFile {
		fail("screen.token_file", "is the signing key's file too", "each secret has a file of its own")
	}
	return errs
}

func inside(path, dir string) bool {
	return path == dir || strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/")
}

// LogHandlerOptions is how the daemon's log is to be written.
func (l Log) LogHandlerOptions() *slog.HandlerOptions { return &slog.HandlerOptions{Level: l.Level} }
