package rooms

import (
	"strings"
)

// rule is one sentence about imports inside this module. Packages are named by
// their folder; a name that ends in "/..." means the folder and all below it,
// and a name that begins with "!" takes out again what stood before it.
type rule struct {
	who   []string
	only  []string // nothing else of this module may be imported; nil: see not
	not   []string // must not be imported
	tests bool     // holds for the tests of who as well
	why   string
}

// leaf as rule.only: nothing of this module.
var leaf = []string{}

var rules = []rule{
	{
		who: []string{"drivers/..."}, not: []string{"daemon/...", "provisioning/...", "kiosk-ui/...", "proof/..."}, tests: true,
		why: "a driver knows nothing of visits, services or the record: it must be usable and testable by itself",
	},
	{
		who: []string{"drivers/money", "drivers/faultpoint", "provisioning/centralapi/canonical"}, only: leaf, tests: true,
		why: "leaves: every room may import them, so they import none",
	},
	{
		who: []string{"provisioning/centralapi"}, only: []string{"provisioning/centralapi/canonical", "drivers/money"},
		why: "the contract with central is read by both sides and belongs to neither",
	},
	{
		who: []string{"provisioning/centrald/identity"}, only: leaf,
		why: "who has signed is decided without store, network or clock",
	},
	{
		who: []string{"daemon/journal/..."},
		only: []string{"daemon/journal/...", "drivers/money", "drivers/cash", "drivers/printer", "drivers/panel", "drivers/faultpoint",
			"provisioning/centralapi/canonical"},
		why: "the journal keeps records and understands none of them beyond their value types",
	},
	{
		who: []string{"daemon/till/...", "daemon/paper/...", "daemon/central/...", "daemon/catalogue/...", "daemon/journal/..."},
		not: []string{"daemon/visit/...", "daemon/upkeep/...", "daemon/screen/...", "daemon/kioskd/...", "daemon/terminal/...", "daemon/admin/...", "daemon/config/..."},
		why: "arrows run downward: the rooms below do not know who uses them",
	},
	{
		who: []string{"daemon/till/..."}, not: []string{"daemon/paper/...", "daemon/central/...", "daemon/catalogue/..."},
		why: "rooms of one height do not know each other: the till decides about notes without paper, network or catalogue",
	},
	{
		// The documents of slips are a part of the catalogue: paper reads them.
		who: []string{"daemon/paper", "daemon/paper/draw"}, not: []string{"daemon/till/...", "daemon/central/..."},
		why: "rooms of one height do not know each other: paper prints what it is given",
	},
	{
		who: []string{"daemon/paper/draw"}, only: []string{"drivers/printer", "drivers/money", "daemon/paper/draw/..."},
		why: "drawing turns text into dots and knows neither journal nor catalogue",
	},
	{
		who: []string{"daemon/central/..."}, not: []string{"daemon/till/...", "daemon/paper/...", "daemon/catalogue/..."},
		why: "rooms of one height do not know each other: central carries bodies and does not read them",
	},
	{
		who: []string{"daemon/catalogue/..."}, not: []string{"daemon/till/...", "daemon/paper/...", "daemon/central/...", "daemon/journal/..."},
		why: "rooms of one height do not know each other: a bundle is checked without a terminal",
	},
	{
		who: []string{"daemon/esign/..."}, only: []string{"daemon/esign/...", "drivers/smartcard"},
		why: "signing knows cards through their family's interface, and neither visits nor the network",
	},
	{
		who: []string{"daemon/upkeep/people"}, only: leaf,
		why: "the file of enrolled people is read by the daemon and written by the technician's program",
	},
	{
		who: []string{"daemon/upkeep"},
		only: []string{"daemon/upkeep/people", "daemon/till", "daemon/paper", "daemon/central", "daemon/esign", "daemon/journal/...", "daemon/screen/wire",
			"drivers/money", "drivers/cash", "drivers/printer", "drivers/panel"},
		why: "upkeep stands beside the visit and does not know it: what it asks of one goes through its ports",
	},
	{
		who: []string{"daemon/health"}, only: []string{"daemon/health", "daemon/journal/...", "drivers/cash", "drivers/printer", "drivers/smartcard", "drivers/panel", "drivers/faultpoint"},
		why: "health hears the families and asks no room: the terminal tells it what the rooms decide by",
	},
	{
		who: []string{"daemon/visit/..."},
		only: []string{"daemon/visit/...", "daemon/till", "daemon/paper", "daemon/central", "daemon/esign", "daemon/catalogue", "daemon/journal/...", "daemon/screen/wire",
			"drivers/money", "drivers/cash", "drivers/printer", "drivers/faultpoint"},
		why: "the visit talks to the rooms below it and draws through the wire's types; it never calls a driver",
	},
	{
		who: []string{"daemon/screen/..."}, only: []string{"daemon/screen/...", "drivers/money", "drivers/faultpoint"},
		why: "the screen carries state and commands and decides nothing",
	},
	{
		who: []string{"...", "!drivers/cash/ccnet/...", "!daemon/kioskd/...", "!proof/..."}, not: []string{"drivers/cash/ccnet/..."}, tests: true,
		why: "the daemon meets an acceptor through package cash; only its main program knows protocols",
	},
	{
		who: []string{"...", "!drivers/printer/escpos/...", "!daemon/kioskd/...", "!proof/..."}, not: []string{"drivers/printer/escpos/..."}, tests: true,
		why: "the daemon meets a printer through package printer; only its main program knows command languages",
	},
	{
		who: []string{"...", "!drivers/panel/...", "!daemon/kioskd/...", "!proof/..."}, not: []string{"drivers/panel/numato/...", "drivers/panel/gpio/..."}, tests: true,
		why: "the daemon meets doors and lamps through package panel; only its main program knows boards",
	},
	{
		who: []string{"...", "!drivers/smartcard/pcsc/...", "!daemon/kioskd/...", "!proof/..."}, not: []string{"drivers/smartcard/pcsc/..."}, tests: true,
		why: "the daemon meets a card through package smartcard; only its main program needs the PC/SC library, and with it C",
	},
	{
		who: []string{"drivers/bench/..."}, not: []string{"drivers/cash/...", "drivers/printer/...", "drivers/smartcard/...", "drivers/panel/...", "drivers/line/..."}, tests: true,
		why: "the bench is the witness: it shares no code with the drivers that it tests",
	},
	{
		who: []string{"...", "!drivers/bench/...", "!proof/..."}, not: []string{"drivers/bench/..."},
		why: "the product does not know whether a device is virtual",
	},
	{
		who: []string{"daemon/...", "!daemon/uplink/..."}, not: []string{"provisioning/...", "!provisioning/centralapi/...", "proof/..."},
		why: "the daemon needs the contract with central and nothing else of the provisioning side",
	},
	{
		who: []string{"daemon/uplink/..."}, only: []string{"daemon/uplink/...", "provisioning/centralapi", "provisioning/enrol"},
		why: "the network half knows the contract and the device's identity: no record, no money, no device",
	},
	{
		who: []string{"provisioning/enrol"}, only: []string{"provisioning/centralapi"},
		why: "the uplink, the technician's program and central share what an identity is; it knows none of them",
	},
	{
		who: []string{"daemon/uplink/cause", "daemon/socket"}, only: leaf, tests: true,
		why: "leaves: words and listeners for both processes",
	},
	{
		who: []string{"...", "!proof/..."}, not: []string{"proof/..."}, tests: true,
		why: "proofs of the whole product stand above everything",
	},
	{
		who: []string{"...", "!daemon/kioskd/...", "!proof/..."}, not: []string{"daemon/kioskd/..."},
		why: "a main program is not a library",
	},
}

// matches applies patterns to a package in order; the last one that fits
// decides.
func matches(patterns []string, pkg string) bool {
	in := false
	for _, p := range patterns {
		p, out := strings.CutPrefix(p, "!")
		base, tree := strings.CutSuffix(p, "...")
		base = strings.TrimSuffix(base, "/")
		if pkg == base || (tree && (base == "" || strings.HasPrefix(pkg, base+"/"))) {
			in = !out
		}
	}
	return in
}

// breaks reports whether a package of this module may not import another one.
// A package's own tests may import it.
func (r rule) breaks(from, to string, test bool) bool {
	if (test && !r.tests) || (from == to && test) || !matches(r.who, from) {
		return false
	}
	if r.only != nil {
		return !matches(r.only, to)
	}
	return matches(r.not, to)
}
