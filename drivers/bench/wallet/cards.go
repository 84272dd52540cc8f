package wallet

import (
	"time"

	"github.com/asan-kiosk/kiosk/drivers/bench/authority"
	"github.com/asan-kiosk/kiosk/drivers/bench/signcard"
)

// spec is a card as it is described here.
type spec struct {
	name     string
	title    string
	subject  authority.Subject
	issuer   authority.Issuer
	kind     authority.KeyKind
	pairs    []pair
	validity authority.Validity
	standing authority.Status // of the certificates when they are new
	token    bool
	change   func(*signcard.Config)
}

// pair is a key with its certificate. One for signing documents is guarded by
// PIN2, all others by PIN1.
type pair struct {
	label   string
	purpose authority.Purpose
	subject *authority.Subject // nil: the card's
}

// usual is what cards carry: a pair for logging in and one for documents.
var usual = []pair{{"Login", authority.Login, nil}, {"Signature", authority.Signing, nil}}

// The people. Their FINs have the real form and no real owner.
var (
	aysel  = authority.Subject{CommonName: "AYSEL NÜMUNƏ", GivenName: "AYSEL", Surname: "NÜMUNƏ", FIN: "5ABC3T7"}
	elcin  = authority.Subject{CommonName: "ELÇİN SINAQ", GivenName: "ELÇİN", Surname: "SINAQ", FIN: "6DEF4K8"}
	leyla  = authority.Subject{CommonName: "LEYLA NÜMUNƏ", GivenName: "LEYLA", Surname: "NÜMUNƏ", FIN: "2GHJ7P1"}
	ugur   = authority.Subject{CommonName: "UĞUR SINAQ", GivenName: "UĞUR", Surname: "SINAQ", FIN: "7KLM9R4"}
	sebine = authority.Subject{CommonName: "ŞƏBİNƏ NÜMUNƏ", GivenName: "ŞƏBİNƏ", Surname: "NÜMUNƏ", FIN: "3NPQ5V2"}
	// The firm's VÖEN has ten digits and belongs to nobody.
	firm = authority.Subject{CommonName: "NÜMUNƏ MMC", Organisation: "NÜMUNƏ MMC", VOEN: "0000000001"}
)

// specs are the cards in the order in which a person is shown them: good ones
// first. RSA keys take a moment to make, so only the first card has them.
var specs = []spec{
	{name: "citizen", title: "a citizen's card, RSA-2048", subject: aysel, issuer: authority.ESign, kind: authority.RSA2048, pairs: usual},
	{name: "citizen-p256", title: "another citizen's card, P-256", subject: elcin, issuer: authority.ESign, kind: authority.P256, pairs: usual},
	{name: "two-logins", title: "two certificates for logging in: the person's and the seal of a firm", subject: leyla, issuer: authority.ESign, kind: authority.P256,
		pairs: []pair{usual[0], {"Seal", authority.Seal, &firm}, usual[1]}},
	{name: "bsxm-token", title: "a USB token of the banks' centre", subject: ugur, issuer: authority.BSXM, kind: authority.P256, pairs: usual, token: true},
	{name: "slow", title: "a slow card: 2 s for a signature", subject: sebine, issuer: authority.ESign, kind: authority.P256, pairs: usual,
		change: func(c *signcard.Config) {
			c.Speed = signcard.Speed{Command: 80 * time.Millisecond, Signature: 2 * time.Second}
		}},

	{name: "last-try", title: "one try left for each PIN", subject: elcin, issuer: authority.ESign, kind: authority.P256, pairs: usual,
		change: func(c *signcard.Config) { c.PIN1.Left, c.PIN2.Left = 1, 1 }},
	{name: "blocked", title: "both PINs blocked", subject: leyla, issuer: authority.ESign, kind: authority.P256, pairs: usual,
		change: func(c *signcard.Config) { c.PIN1.Blocked, c.PIN2.Blocked = true, true }},
	{name: "not-activated", title: "PINs never activated", subject: ugur, issuer: authority.ESign, kind: authority.P256, pairs: usual,
		change: func(c *signcard.Config) { c.PIN1.NotSet, c.PIN2.NotSet = true, true }},

	{name: "expired", title: "certificates that expired a month ago", subject: sebine, issuer: authority.ESign, kind: authority.P256, pairs: usual,
		validity: authority.Expired},
	{name: "revoked", title: "certificates that were revoked", subject: aysel, issuer: authority.ESign, kind: authority.P256, pairs: usual,
		standing: authority.Revoked},
	{name: "suspended", title: "certificates that are suspended", subject: elcin, issuer: authority.ESign, kind: authority.P256, pairs: usual,
		standing: authority.Suspended},
	{name: "unknown-issuer", title: "certificates of an issuer that nobody knows", subject: leyla, issuer: authority.Stranger, kind: authority.P256, pairs: usual},

	{name: "national-id", title: "a national identity card, which terminals cannot read", subject: ugur,
		change: func(c *signcard.Config) { c.Applet = signcard.NationalID }},
	{name: "mute", title: "a card that does not answer: upside down, or dirty", subject: sebine,
		change: func(c *signcard.Config) { c.Mute = true }},
}
