package rooms

import (
	"go/parser"
	"go/token"
	"path"
	"strconv"
	"strings"
	"testing"
)

// TestImports holds every Go file to every rule, whatever its build tags say.
func TestImports(t *testing.T) {
	root, module := repository(t)
	files := 0
	for _, f := range goFiles(t, root) {
		parsed, err := parser.ParseFile(token.NewFileSet(), f, source(t, root, f), parser.ImportsOnly)
		if err != nil {
			t.Errorf("%s: %v", f, err)
			continue
		}
		files++
		test := strings.HasSuffix(f, "_test.go")
		for _, imp := range parsed.Imports {
			to, err := strconv.Unquote(imp.Path.Value)
			if err != nil {
				t.Errorf("%s: %v", f, err)
				continue
			}
			to, inside := strings.CutPrefix(to, module+"/")
			if !inside {
				continue
			}
			for _, r := range rules {
				if r.breaks(path.Dir(f), to, test) {
					t.Errorf("%s imports %s\n\trule: %s", f, to, r.why)
				}
			}
		}
	}
	if files < 20 {
		t.Errorf("only %d Go files were found: the walk is broken", files)
	}
}

// TestRulesBite: each rule must refuse what it is there to refuse, and let pass
// what the product needs.
func TestRulesBite(t *testing.T) {
	for _, c := range []struct {
		from, to string
		test     bool
		allowed  bool
	}{
		{"drivers/cash", "daemon/journal", false, false},
		{"drivers/cash", "daemon/journal", true, false},
		{"drivers/cash", "drivers/money", false, true},
		{"drivers/line", "provisioning/centralapi", false, false},
		{"drivers/money", "drivers/cash", false, false},
		{"drivers/money", "drivers/money", true, true},
		{"drivers/faultpoint", "drivers/money", false, false},
		{"provisioning/centralapi", "provisioning/centralapi/canonical", false, true},
		{"provisioning/centralapi", "daemon/journal/record", false, false},
		{"provisioning/centralapi/canonical", "drivers/money", false, false},
		{"daemon/journal", "daemon/till", false, false},
		{"daemon/journal", "daemon/till", true, true},
		{"daemon/journal/record", "drivers/cash", false, true},
		{"daemon/journal", "drivers/line", false, false},
		{"daemon/till", "daemon/visit", false, false},
		{"daemon/till", "daemon/paper", false, false},
		{"daemon/till", "daemon/journal/record", false, true},
		{"daemon/paper", "daemon/paper/draw", false, true},
		{"daemon/paper", "daemon/till", false, false},
		{"daemon/paper/draw", "daemon/journal", false, false},
		{"daemon/central", "daemon/screen/wire", false, false},
		{"daemon/central", "provisioning/centralapi", false, true},
		{"daemon/central", "daemon/till", false, false},
		{"daemon/catalogue", "daemon/kioskd", false, false},
		{"daemon/catalogue", "daemon/paper", false, false},
		{"daemon/visit", "daemon/screen/wire", false, true},
		{"daemon/visit", "daemon/screen", false, false},
		{"daemon/visit", "drivers/cash/ccnet", false, false},
		{"daemon/screen", "daemon/visit", false, false},
		{"daemon/terminal", "drivers/cash/ccnet", false, false},
		{"daemon/kioskd", "drivers/cash/ccnet", false, true},
		{"daemon/kioskd", "drivers/printer/escpos", false, true},
		{"daemon/kioskd", "provisioning/centrald/server", false, false},
		{"drivers/cash/ccnet", "drivers/line", false, true},
		{"provisioning/kioskctl", "drivers/printer/escpos", true, false},
		{"proof/simulator", "drivers/printer/escpos", false, true},
		{"proof/simulator", "drivers/bench/validator", false, true},
		{"daemon/kioskd", "drivers/bench/validator", false, false},
		{"daemon/kioskd", "drivers/smartcard/pcsc", false, true},
		{"daemon/terminal", "drivers/smartcard/pcsc", false, false},
		{"daemon/terminal", "drivers/smartcard/smartcardtest", true, true},
		{"drivers/smartcard/smartcardtest", "drivers/smartcard/pcsc", true, false},
		{"drivers/bench/validator", "drivers/smartcard", true, false},
		{"drivers/bench/validator", "drivers/cash", false, false},
		{"drivers/bench", "drivers/line", true, false},
		{"drivers/bench/paperprinter", "drivers/printer", false, false},
		{"drivers/bench", "drivers/bench/validator", false, true},
		{"daemon/terminal", "proof/simulator", true, false},
		{"proof/crash", "proof/simulator", false, true},
		{"provisioning/supervisor", "daemon/kioskd", false, false},
	} {
		allowed := true
		for _, r := range rules {
			allowed = allowed && !r.breaks(c.from, c.to, c.test)
		}
		if allowed != c.allowed {
			t.Errorf("%s importing %s (test: %v): allowed %v, want %v", c.from, c.to, c.test, allowed, c.allowed)
		}
	}
}
