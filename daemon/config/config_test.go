package config

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/asan-kiosk/kiosk/daemon/screen/wire"
	"github.com/asan-kiosk/kiosk/drivers/money"
)

const sampleFile = "kioskd.sample.toml"

func sample(t testing.TB) string {
	t.Helper()
	b, err := os.ReadFile(sampleFile)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// with replaces one line of the sample, found by its beginning.
func with(t testing.TB, text, begin, line string) string {
	t.Helper()
	re := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(begin) + `.*$`)
	if n := len(re.FindAllString(text, -1)); n != 1 {
		t.Fatalf("%q begins %d lines of the sample; want 1", begin, n)
	}
	return re.ReplaceAllLiteralString(text, line)
}

func TestSampleLoads(t *testing.T) {
	c, err := Load(sampleFile)
	if err != nil {
		t.Fatal(err)
	}
	if c.Path != sampleFile || len(c.Digest) != 64 {
		t.Errorf("path %q, digest %q", c.Path, c.Digest)
	}
	if c.Terminal.ID != "3f0c8a52-6d1e-4b7a-9c55-0d2f7e61a8b4" || c.Terminal.OwnerVOEN != "1400057421" {
		t.Errorf("terminal: %+v", c.Terminal)
	}
	if fmt.Sprint(c.Terminal.Languages) != fmt.Sprint(wire.Langs()) {
		t.Errorf("languages: %v", c.Terminal.Languages)
	}
	var notes []money.Amount
	for _, n := range []int64{1, 5, 10, 20, 50, 100, 200} {
		notes = append(notes, money.Manat(n))
	}
	if fmt.Sprint(c.Acceptor.Denominations) != fmt.Sprint(notes) {
		t.Errorf("denominations: %v", c.Acceptor.Denominations)
	}
	if c.Limits.MaxCash != money.Manat(500) || c.Limits.Warning != 20*time.Second || c.Acceptor.Poll != 200*time.Millisecond {
		t.Errorf("limits: %+v, poll %v", c.Limits, c.Acceptor.Poll)
	}
	if c.Central.URL.String() != "http://127.0.0.1:8090" || c.Log.Level != slog.LevelInfo {
		t.Errorf("central %v, level %v", c.Central.URL, c.Log.Level)
	}
}

// TestSampleDocumentsEveryKey holds the sample to the table: each key stands in
// it once, under its own section, in the table's order, with what is allowed and
// its default in the words of the table, and with the default as its value.
func TestSampleDocumentsEveryKey(t *testing.T) {
	type entry struct{ comment, value string }
	found := map[string]entry{}
	var order []string
	var comment []string
	section := ""
	scan := bufio.NewScanner(strings.NewReader(sample(t)))
	for scan.Scan() {
		line := scan.Text()
		switch {
		case strings.HasPrefix(line, "#"):
			comment = append(comment, strings.TrimSpace(strings.TrimPrefix(line, "#")))
		case strings.HasPrefix(line, "["):
			section, comment = strings.Trim(line, "[]"), nil
		case line == "":
			comment = nil
		default:
			name, value, _ := strings.Cut(line, " = ")
			key := section + "." + name
			order = append(order, key)
			found[key] = entry{strings.Join(comment, " "), value}
			comment = nil
		}
	}
	var want []string
	for i := range keys {
		k := &keys[i]
		want = append(want, k.name)
		e, ok := found[k.name]
		if !ok {
			t.Errorf("%s: not in the sample", k.name)
			continue
		}
		tail := "Allowed: " + k.allowed + "."
		if k.standard == nil {
			tail += " No default."
		} else {
			tail += " Default: " + show(k.standard) + "."
			if e.value != show(k.standard) {
				t.Errorf("%s: the sample sets %s; the default is %s", k.name, e.value, show(k.standard))
			}
		}
		if !strings.HasSuffix(e.comment, tail) {
			t.Errorf("%s: the sample says\n%s\nand should end with\n%s", k.name, e.comment, tail)
		}
		if len(e.comment) < len(tail)+20 {
			t.Errorf("%s: the sample does not say what it is for", k.name)
		}
	}
	if fmt.Sprint(order) != fmt.Sprint(want) {
		t.Errorf("order of the sample:\n%v\nof the table:\n%v", order, want)
	}
}

// TestDefaults leaves out every key that has a default.
func TestDefaults(t *testing.T) {
	text := sample(t)
	full, err := Parse("k", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for i := range keys {
		if keys[i].standard != nil {
			_, name, _ := strings.Cut(keys[i].name, ".") // a name may stand in two sections
			text = with(t, text, name+" = "+show(keys[i].standard), "")
		}
	}
	short, err := Parse("k", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	full.Digest, short.Digest = "", ""
	if fmt.Sprintf("%+v", full) != fmt.Sprintf("%+v", short) {
		t.Errorf("the sample gives\n%+v\nthe defaults give\n%+v", full, short)
	}
}

// TestAcceptorSettings: what the file says of the acceptor arrives.
func TestAcceptorSettings(t *testing.T) {
	text := with(t, sample(t), "high_security", "high_security = [200, 100]")
	text = with(t, text, "coupon_digits", "coupon_digits = 18")
	text = with(t, text, "escrow_s", "escrow_s = 30")
	text = with(t, text, "options", "options = [30, 2]")
	text = with(t, text, "trace", "trace = false")
	c, err := Parse("k", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	a := c.Acceptor
	if fmt.Sprint(a.HighSecurity) != fmt.Sprint([]money.Amount{money.Manat(100), money.Manat(200)}) ||
		a.CouponDigits != 18 || a.UnitEscrow != 30*time.Second || a.Options != 1<<30|1<<2 || a.Trace {
		t.Errorf("%+v", a)
	}
}

// TestThroughTheUplink: central is reached through a Unix socket, and the network
// process reads the same file.
func TestThroughTheUplink(t *testing.T) {
	text := with(t, sample(t), `socket = ""`, `socket = "/run/kiosk-uplink/uplink.sock"`)
	text = with(t, text, "url", "")
	text = with(t, text, "central = ", `central = "https://central.example.az:8443/"`)
	text = with(t, text, "socket_group", `socket_group = "kioskd"`)
	c, err := Parse("k", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if c.Central.URL != nil || c.Central.Socket != "/run/kiosk-uplink/uplink.sock" || c.Uplink.Central.String() != "https://central.example.az:8443" ||
		c.Uplink.Identity != "/var/lib/kiosk-uplink/identity" || c.Uplink.Group != "kioskd" {
		t.Errorf("%+v %+v", c.Central, c.Uplink)
	}
}

func TestNoDevices(t *testing.T) {
	text := with(t, sample(t), `driver = "ccnet"`, `driver = "none"`)
	text = with(t, text, `driver = "escpos"`, `driver = "none"`)
	text = with(t, text, "denominations", "")
	text = with(t, text, `port = "/dev/serial/by-id/usb-acceptor"`, "")
	text = with(t, text, `port = "/dev/serial/by-id/usb-printer"`, "")
	c, err := Parse("k", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if c.Acceptor.Driver != DriverNone || c.Printer.Driver != DriverNone || len(c.Acceptor.Denominations) != 0 {
		t.Errorf("%+v %+v", c.Acceptor, c.Printer)
	}
}

// TestMistakes: what the technician reads for one mistake in an otherwise right
// file. %d in want is the line of the changed line.
func TestMistakes(t *testing.T) {
	uuid := `; allowed: a UUID, for example 3f0c8a52-6d1e-4b7a-9c55-0d2f7e61a8b4`
	central := `; allowed: http:// with a loopback IP address and a port and nothing after it, for example http://127.0.0.1:8090`
	uplink := `; allowed: https:// with a host, a port if it is not 443, and nothing after it, for example https://central.example.az, or empty`
	listen := `; allowed: a loopback IP address with a port, for example 127.0.0.1:8480`
	langs := `; allowed: a list of "az" "en" "ru" "ar" "fa" "fr" "es" "de" "it", each once, "az" among them`
	notes := `; allowed: a list of face values in whole units of the currency, each once, of notes that exist: AZN 1 5 10 20 50 100 200 500, USD 1 2 5 10 20 50 100, EUR 5 10 20 50 100 200`
	ppm := `; allowed: a number from 1.0 to 12.0`
	for _, c := range []struct{ name, begin, line, want string }{
		{"id is no UUID", "id = ", `id = "kiosk-7"`, `k:%d: terminal.id = "kiosk-7" is not allowed` + uuid},
		{"id is all zero", "id = ", `id = "00000000-0000-0000-0000-000000000000"`, `k:%d: terminal.id = "00000000-0000-0000-0000-000000000000" is not allowed` + uuid},
		{"id is a number", "id = ", `id = 7`, `k:%d: terminal.id = 7 is not allowed` + uuid},
		{"id is missing", "id = ", ``, `k: terminal.id is missing` + uuid},
		{"owner with a line feed", "owner = ", `owner = "a\nb"`, `k:%d: terminal.owner = "a\nb" is not allowed; allowed: text of 1 to 120 characters`},
		{"owner is empty", "owner = ", `owner = ""`, `k:%d: terminal.owner = "" is not allowed; allowed: text of 1 to 120 characters`},
		{"taxpayer number too short", "owner_voen", `owner_voen = "140005742"`, `k:%d: terminal.owner_voen = "140005742" is not allowed; allowed: 10 digits`},
		{"taxpayer number without quotes", "owner_voen", `owner_voen = 1400057421`, `k:%d: terminal.owner_voen = 1400057421 is not allowed; allowed: 10 digits`},
		{"phone with letters", "phone", `phone = "call us"`, `k:%d: terminal.phone = "call us" is not allowed; allowed: 3 to 24 digits, spaces and the signs + ( ) - *`},
		{"panel of nothing", "pixels_per_mm", `pixels_per_mm = nan`, `k:%d: terminal.pixels_per_mm = NaN is not allowed` + ppm},
		{"panel too fine", "pixels_per_mm", `pixels_per_mm = 40`, `k:%d: terminal.pixels_per_mm = 40 is not allowed` + ppm},
		{"unknown language", "languages", `languages = ["az", "tr"]`, `k:%d: terminal.languages = ["az", "tr"] is not allowed` + langs},
		{"language twice", "languages", `languages = ["az", "az"]`, `k:%d: terminal.languages = ["az", "az"] is not allowed` + langs},
		{"no state language", "languages", `languages = ["en"]`, `k:%d: terminal.languages = ["en"] is not allowed` + langs},
		{"relative path", "dir = ", `dir = "var"`, `k:%d: state.dir = "var" is not allowed; allowed: an absolute path`},
		{"state in the runtime folder", "runtime_dir", `runtime_dir = "/var/lib/kioskd/run"`, `k:%d: state.runtime_dir = "/var/lib/kioskd/run" is not apart from state.dir; what a power loss must clear may not lie with what it must leave`},
		{"screen open to the net", "listen", `listen = "0.0.0.0:8480"`, `k:%d: screen.listen = "0.0.0.0:8480" is not allowed` + listen},
		{"screen by name", "listen", `listen = "localhost:8480"`, `k:%d: screen.listen = "localhost:8480" is not allowed` + listen},
		{"screen without port", "listen", `listen = "127.0.0.1"`, `k:%d: screen.listen = "127.0.0.1" is not allowed` + listen},
		{"screen on port 0", "listen", `listen = "127.0.0.1:0"`, `k:%d: screen.listen = "127.0.0.1:0" is not allowed` + listen},
		{"one file for two secrets", "token_file", `token_file = "/etc/kioskd/signing.key"`, `k:%d: screen.token_file = "/etc/kioskd/signing.key" is the signing key's file too; each secret has a file of its own`},
		{"socket's path too long", `socket = "/run/kioskd/admin`, `socket = "/` + strings.Repeat("s", 107) + `"`, `k:%d: admin.socket = "/` + strings.Repeat("s", 78) + `… is not allowed; allowed: an absolute path of at most 107 bytes`},
		{"central far away", "url", `url = "http://10.0.0.1:80"`, `k:%d: central.url = "http://10.0.0.1:80" is not allowed` + central},
		{"central with a path", "url", `url = "http://127.0.0.1:80/v1"`, `k:%d: central.url = "http://127.0.0.1:80/v1" is not allowed` + central},
		{"central with a password", "url", `url = "http://a:b@127.0.0.1:80"`, `k:%d: central.url = "http://a:b@127.0.0.1:80" is not allowed` + central},
		{"central at two places", `socket = ""`, `socket = "/run/kiosk/uplink.sock"`, `k:%d: central.url = "http://127.0.0.1:8090" stands beside central.socket; the terminal has one way to central; take one of the two out`},
		{"an uplink without a socket", "central = ", `central = "https://central.example.az"`, `k:%d: uplink.central = "https://central.example.az" needs central.socket, on which the uplink listens; set central.socket and take central.url out`},
		{"an uplink without TLS", "central = ", `central = "http://central.example.az"`, `k:%d: uplink.central = "http://central.example.az" is not allowed` + uplink},
		{"an uplink with a path", "central = ", `central = "https://central.example.az/v1"`, `k:%d: uplink.central = "https://central.example.az/v1" is not allowed` + uplink},
		{"a group of no form", "socket_group", `socket_group = "Kiosk Group"`, `k:%d: uplink.socket_group = "Kiosk Group" is not allowed; allowed: the name of a group, or empty`},
		{"central over TLS", "url", `url = "https://127.0.0.1:80"`, `k:%d: central.url = "https://127.0.0.1:80" is not allowed` + central},
		{"unknown driver", `driver = "ccnet"`, `driver = "id003"`, `k:%d: acceptor.driver = "id003" is not allowed; allowed: "ccnet" or "none"`},
		{"no acceptor's port", `port = "/dev/serial/by-id/usb-acceptor"`, ``, `k: acceptor.port is missing; allowed: an absolute path`},
		{"odd speed", `baud = 0`, `baud = 1200`, `k:%d: acceptor.baud = 1200 is not allowed; allowed: 0 (probe), 9600 or 19200`},
		{"speed as text", `baud = 115200`, `baud = "115200"`, `k:%d: printer.baud = "115200" is not allowed; allowed: 9600, 19200, 38400, 57600, 115200, 230400, 460800 or 921600`},
		{"unknown currency", "currency", `currency = "azn"`, `k:%d: acceptor.currency = "azn" is not allowed; allowed: "AZN", "USD" or "EUR"`},
		{"minor units by mistake", "denominations", `denominations = [1000]`, `k:%d: acceptor.denominations = [1000] is not allowed` + notes},
		{"note twice", "denominations", `denominations = [5, 5]`, `k:%d: acceptor.denominations = [5, 5] is not allowed` + notes},
		{"no note", "denominations", `denominations = []`, `k:%d: acceptor.denominations = [] is not allowed` + notes},
		{"note as fraction", "denominations", `denominations = [5.0]`, `k:%d: acceptor.denominations = [5] is not allowed` + notes},
		{"note as text", "denominations", `denominations = ["5 AZN"]`, `k:%d: acceptor.denominations = ["5 AZN"] is not allowed` + notes},
		{"secured but not taken", "high_security", `high_security = [500]`, `k:%d: acceptor.high_security = [500] is not allowed; allowed: a list of face values that stand in acceptor.denominations, each once`},
		{"secured twice", "high_security", `high_security = [100, 100]`, `k:%d: acceptor.high_security = [100, 100] is not allowed; allowed: a list of face values that stand in acceptor.denominations, each once`},
		{"coupon too short", "coupon_digits", `coupon_digits = 5`, `k:%d: acceptor.coupon_digits = 5 is not allowed; allowed: 0 (coupons are not read) or a whole number from 6 to 18`},
		{"patience shorter than the decision", "escrow_s", `escrow_s = 5`, `k:%d: acceptor.escrow_s = 5 is not allowed; allowed: 0 (the unit's own time) or a whole number of seconds from 10 to 60`},
		{"table of 48", "options", `options = [23]`, `k:%d: acceptor.options = [23] is not allowed; allowed: a list of bit numbers from 2 to 31 without 23, each once`},
		{"option twice", "options", `options = [30, 30]`, `k:%d: acceptor.options = [30, 30] is not allowed; allowed: a list of bit numbers from 2 to 31 without 23, each once`},
		{"trace as text", "trace", `trace = "on"`, `k:%d: acceptor.trace = "on" is not allowed; allowed: true or false`},
		{"poll too fast", "poll_ms", `poll_ms = 20`, `k:%d: acceptor.poll_ms = 20 is not allowed; allowed: a whole number of milliseconds from 100 to 1000`},
		{"two devices on one line", `port = "/dev/serial/by-id/usb-printer"`, `port = "/dev/serial/by-id/../by-id/usb-acceptor"`, `k:%d: printer.port = "/dev/serial/by-id/../by-id/usb-acceptor" is the acceptor's port too; each device has a line of its own`},
		{"no cash at all", "max_cash", `max_cash = 0`, `k:%d: limits.max_cash = 0 is not allowed; allowed: a whole number of units of acceptor.currency from 1 to 1000000`},
		{"sum as fraction", "max_cash", `max_cash = 500.5`, `k:%d: limits.max_cash = 500.5 is not allowed; allowed: a whole number of units of acceptor.currency from 1 to 1000000`},
		{"warning too short", "warning_s", `warning_s = 19`, `k:%d: limits.warning_s = 19 is not allowed; allowed: a whole number of seconds from 20 to 120`},
		{"warning longer than the rest", "warning_s", `warning_s = 55`, `k:%d: limits.read_s = 60 leaves less than 10 s before the warning of limits.warning_s begins; make it longer, or the warning shorter`},
		{"unknown level", "level", `level = "trace"`, `k:%d: log.level = "trace" is not allowed; allowed: "debug", "info", "warn" or "error"`},
		{"misspelt key", "poll_ms", `poll_mss = 200`, `k:%d: acceptor.poll_mss is not known; did you mean acceptor.poll_ms?`},
		{"key of another section", "poll_ms", `max_cash = 200`, `k:%d: acceptor.max_cash is not known; did you mean limits.max_cash, in section [limits]?`},
		{"key of no meaning", "level", `weather = "fine"`, `k:%d: log.weather is not known; section [log] has level`},
		{"misspelt section", "[log]", `[logs]`, `k:%d: logs is not known; did you mean [log]?`},
		{"section in capitals", "[log]", `[Log]`, `k:%d: Log is not known; did you mean [log]?`},
		{"section of no meaning", "[log]", "[telemetry]", `k:%d: telemetry is not known; the sections are terminal, state, screen, admin, catalogue, central, uplink, acceptor, printer, card_reader, panel, upkeep, limits, health, log`},
		{"broken line", "level", `level = `, `k:%d: `},
		{"same key twice", "level", "level = \"info\"\nlevel = \"info\"", `k:%d: key level is already defined; the line reads "level = \"info\""`},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := with(t, sample(t), c.begin, c.line)
			_, err := Parse("k", []byte(text))
			if err == nil {
				t.Fatal("was taken")
			}
			where := c.begin // the line that is told, where it is not the changed one
			switch c.name {
			case "warning longer than the rest":
				where = "read_s"
			case "central at two places":
				where = "url"
			case "section in capitals", "same key twice":
				where = "level"
			}
			line := 1 + strings.Count(sample(t)[:strings.Index(sample(t), "\n"+where)+1], "\n")
			if c.name == "same key twice" {
				line++
			}
			want := strings.ReplaceAll(c.want, "%d", fmt.Sprint(line))
			got, _, _ := strings.Cut(err.Error(), "\n")
			if strings.HasSuffix(want, ": ") { // the parser's own words follow
				if !strings.HasPrefix(got, want) || !strings.Contains(got, "the line reads") {
					t.Errorf("got\n%s\nwant a beginning\n%s", got, want)
				}
				return
			}
			if got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// TestAllMistakesTogether: a technician at a cabinet wants to drive there once.
func TestAllMistakesTogether(t *testing.T) {
	text := with(t, sample(t), "id = ", "")
	text = with(t, text, "listen", `listen = "0.0.0.0:80"`)
	text = with(t, text, "poll_ms", "polls_ms = 5")
	text = with(t, text, "currency", `currency = "TRY"`)
	text = with(t, text, "warning_s", "warning_s = 5")
	_, err := Parse("k", []byte(text))
	var errs Errors
	if !errors.As(err, &errs) {
		t.Fatalf("%T %v", err, err)
	}
	var got []string
	last := 0
	for _, e := range errs {
		got = append(got, e.Key)
		if e.Line < last {
			t.Errorf("%s on line %d stands after line %d", e.Key, e.Line, last)
		}
		last = e.Line
	}
	if want := "[terminal.id screen.listen acceptor.currency acceptor.polls_ms limits.warning_s]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
	if n := strings.Count(err.Error(), "\n") + 1; n != len(errs) {
		t.Errorf("%d lines for %d mistakes:\n%v", n, len(errs), err)
	}
	var one *Error
	if !errors.As(err, &one) || one.Key != "terminal.id" {
		t.Errorf("a single Error cannot be found: %v", one)
	}
}

func TestSectionThatIsNone(t *testing.T) {
	_, err := Parse("k", []byte("log = 5\n"+sample(t)[:strings.Index(sample(t), "[log]")]))
	if err == nil || !strings.Contains(err.Error(), "k:1: log = 5 is not a section; allowed: [log] with its keys below") {
		t.Errorf("%v", err)
	}
}

func TestFileAsAWhole(t *testing.T) {
	dir := t.TempDir()
	if _, err := Load(filepath.Join(dir, "none.toml")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	big := filepath.Join(dir, "big.toml")
	if err := os.WriteFile(big, bytes.Repeat([]byte("# x\n"), MaxSize/4+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(big); err == nil || !strings.Contains(err.Error(), "greater than 32768 bytes") {
		t.Errorf("too great a file: %v", err)
	}
	if _, err := Parse("k", nil); err == nil || !strings.Contains(err.Error(), "terminal.id is missing") {
		t.Errorf("empty file: %v", err)
	}
}

func TestSecrets(t *testing.T) {
	dir := t.TempDir()
	seed := bytes.Repeat([]byte{7}, ed25519.SeedSize)
	write := func(name, text string, mode os.FileMode) string {
		t.Helper()
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(p, mode); err != nil {
			t.Fatal(err)
		}
		return p
	}
	good := write("key", hex.EncodeToString(seed)+"\n", 0o400)
	key, err := SigningKey(good)
	if err != nil || !key.Equal(ed25519.NewKeyFromSeed(seed)) {
		t.Errorf("good key: %v", err)
	}
	token := strings.Repeat("aZ0_-", 5)
	if got, err := ReadToken(write("token", token+"\n", 0o600)); err != nil || got != token {
		t.Errorf("good token: %q %v", got, err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(good, link); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, path, want string }{
		{"readable by the group", write("k1", hex.EncodeToString(seed), 0o440), "has mode 0440; allowed: 0400 and less (chmod 0400)"},
		{"writable", write("k2", hex.EncodeToString(seed), 0o600), "has mode 0600; allowed: 0400"},
		{"too short", write("k3", "abcd", 0o400), "allowed: 64 hexadecimal digits"},
		{"no digits", write("k4", strings.Repeat("z", 64), 0o400), "allowed: 64 hexadecimal digits"},
		{"a link", link, "is a symbolic link"},
		{"a folder", dir, "is not an ordinary file"},
		{"missing", filepath.Join(dir, "nothing"), "no such file"},
	} {
		if _, err := SigningKey(c.path); err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "state.key_file: ") {
			t.Errorf("%s: %v; want %q", c.name, err, c.want)
		}
	}
	if _, err := ReadToken(write("t1", "short", 0o600)); err == nil || !strings.Contains(err.Error(), "allowed: 22 to 128") {
		t.Errorf("short token: %v", err)
	}
	if _, err := SigningKey(write("k5", strings.Repeat("q", 64), 0o400)); err == nil || strings.Contains(err.Error(), "qqq") {
		t.Errorf("the error shows the secret: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(sample(f)))
	f.Add([]byte("log = 5"))
	f.Add([]byte("[log]\nlevel = {a = [[[1]]]}\n[[acceptor]]\nport = 1979-05-27"))
	f.Add([]byte("terminal.id = \"x\"\n[limits]\nmax_cash = 9223372036854775807\n\"\" = inf"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse("k", data)
		if err == nil {
			if len(c.Terminal.Languages) == 0 || !loopback(c.Screen.Listen) || !c.Limits.MaxCash.IsPositive() {
				t.Fatalf("a configuration without meaning was taken: %+v", c)
			}
			return
		}
		var errs Errors
		if !errors.As(err, &errs) || len(errs) == 0 {
			t.Fatalf("no Errors: %T %v", err, err)
		}
		for _, e := range errs {
			if e.Allowed == "" && e.Problem == "" {
				t.Fatalf("a mistake without words: %+v", e)
			}
			if e.Line < 0 || e.Line > bytes.Count(data, []byte("\n"))+1 {
				t.Fatalf("line %d of a file with fewer: %v", e.Line, e)
			}
		}
	})
}
