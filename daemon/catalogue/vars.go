package catalogue

import "slices"

// Variables that every document may use: the visit engine sets each of them for
// every slip, whatever the journey was and even after a power loss has taken what
// the person entered. One that does not apply is empty or zero; a block's When
// leaves its line out then.
const (
	VarTerminal      = "terminal"       // number of the machine
	VarOwner         = "owner"          // operator of the terminal
	VarOwnerVOEN     = "owner_voen"     // its taxpayer number
	VarAddress       = "address"        // where the machine stands
	VarPhone         = "phone"          // help line
	VarReceiptNumber = "receipt_number" // of this slip, rising without gaps
	VarCopy          = "copy"           // number of the copy; empty on the original
	VarReplaces      = "replaces"       // 1 on a copy made because the slip before it may be incomplete
	VarDate          = "date"           // DD.MM.YYYY, Gregorian
	VarTime          = "time"           // hh:mm:ss with the zone
	VarService       = "service"        // title of the service
	VarPayee         = "payee"          // from the quote
	VarPurpose       = "purpose"        // from the quote
	VarSubject       = "subject"        // what was paid for, masked: "12*****72"
	VarAmount        = "amount"         // owed, without commission
	VarCommission    = "commission"
	VarTotal         = "total"          // amount and commission
	VarReceived      = "received"       // all notes that were stacked
	VarReceivedNotes = "received_notes" // by denomination: "20 AZN x 1, 5 AZN x 2"
	VarLeftover      = "leftover"       // recorded on this slip as a voucher
	VarLeftoverCode  = "leftover_code"
	VarLeftoverUntil = "leftover_until" // DD.MM.YYYY
	VarInDoubt       = "in_doubt"       // number of notes whose fate is not known yet
	VarReference     = "reference"      // what the person quotes; follows from the visit
	VarTransaction   = "transaction"    // central's number of the posting, or the reference
	VarStatus        = "status"         // one of StatusKeys
	VarQR            = "qr"             // signed record of the visit, for an operator
)

// VarKind is what a variable holds.
type VarKind int

const (
	VarIsText    VarKind = iota + 1 // running text
	VarIsCode                       // left to right, 0-9
	VarIsMoney                      // an amount
	VarIsNumber                     // a count, may choose a plural
	VarIsList                       // records of central; shown as a list and nowhere else
	VarIsSession                    // the sign-in; goes to queries and nowhere else
)

// DocumentVar is one variable of documents.
type DocumentVar struct {
	Name string
	Kind VarKind
	// MaxBytes is the greatest length of a code, for the budget of a QR code; zero
	// for what does not belong into one.
	MaxBytes int
	// Maybe is set where the variable may be empty or zero: a line with it alone
	// needs a When.
	Maybe bool
}

// DocumentVars lists them.
func DocumentVars() []DocumentVar {
	return []DocumentVar{
		{VarTerminal, VarIsCode, 16, false}, {VarOwner, VarIsText, 0, false}, {VarOwnerVOEN, VarIsCode, 10, false},
		{VarAddress, VarIsText, 0, false}, {VarPhone, VarIsCode, 20, false},
		{VarReceiptNumber, VarIsCode, 32, false}, {VarCopy, VarIsNumber, 2, true}, {VarReplaces, VarIsNumber, 1, true},
		{VarDate, VarIsCode, 10, false}, {VarTime, VarIsCode, 24, false},
		{VarService, VarIsText, 0, true}, {VarPayee, VarIsText, 0, true}, {VarPurpose, VarIsText, 0, true},
		{VarSubject, VarIsCode, 64, true},
		{VarAmount, VarIsMoney, 0, true}, {VarCommission, VarIsMoney, 0, true}, {VarTotal, VarIsMoney, 0, true},
		{VarReceived, VarIsMoney, 0, true}, {VarReceivedNotes, VarIsCode, 0, true},
		{VarLeftover, VarIsMoney, 0, true}, {VarLeftoverCode, VarIsCode, 24, true}, {VarLeftoverUntil, VarIsCode, 10, true},
		{VarInDoubt, VarIsNumber, 4, true}, {VarReference, VarIsCode, 16, false}, {VarTransaction, VarIsCode, 64, false},
		{VarStatus, VarIsText, 0, false}, {VarQR, VarIsCode, 240, false},
	}
}

// maxQRBytes is the budget of a slip's QR code: 80 mm paper, error level M.
const maxQRBytes = 300

func documentVar(name string) (DocumentVar, bool) {
	vars := DocumentVars()
	i := slices.IndexFunc(vars, func(v DocumentVar) bool { return v.Name == name })
	if i < 0 {
		return DocumentVar{}, false
	}
	return vars[i], true
}

// VarSession is the sign-in of the present visit. An identify step sets it; a
// query that asks for a person's own data sends it.
const VarSession = "session"

// Ways to sign in.
const (
	LoginPassword = "fin_password" // FIN and password, then a one-time code
	LoginASAN     = "asan_imza"    // mobile signature
	LoginCard     = "esign_card"   // e-signature card or token of the national centre
	LoginBSXM     = "bsxm"         // certificate of the Bank Certification Services Centre
)

// LoginMethods lists them.
func LoginMethods() []string { return []string{LoginCard, LoginASAN, LoginPassword, LoginBSXM} }

// Texts of the questions that an identify step asks by itself.
const (
	TextPasswordTitle = "identify.password.title"
	TextFIN           = "identify.fin"
	TextFINHint       = "identify.fin.hint"
	TextPassword      = "identify.password"
	TextPasswordHint  = "identify.password.hint"
	TextCodeTitle     = "identify.code.title"
	TextCode          = "identify.code"
	TextCodeHint      = "identify.code.hint" // {phone_masked}
	TextPhoneTitle    = "identify.phone.title"
	TextPhone         = "identify.phone"
	TextPhoneHint     = "identify.phone.hint"
	TextUserID        = "identify.user-id"
	TextUserIDHint    = "identify.user-id.hint"
)

// Texts that the visit engine itself asks for: what became of the payment.
const (
	StatusPosted   = "slip.status.posted"
	StatusPending  = "slip.status.pending"
	StatusRecorded = "slip.status.recorded"
)

// StatusKeys lists them.
func StatusKeys() []string { return []string{StatusPosted, StatusPending, StatusRecorded} }

// Documents that the engine prints by itself after a power loss, when the journey
// is not known any more. A bundle that takes money has both, and they use nothing
// but the variables above.
const (
	DocumentPending  = "pending"
	DocumentLeftover = "leftover"
)

// What a slip is for, Step.Case.
const (
	CaseReceipt  = "receipt"
	CasePending  = "pending"
	CaseLeftover = "leftover"
	CaseNone     = "none"
)

// Variables that texts on the screen may use beside the journey's own. The three
// amounts exist from the quote on.
var (
	screenVars = map[string]VarKind{VarReference: VarIsCode, VarTerminal: VarIsCode, VarPhone: VarIsCode}
	quoteVars  = map[string]VarKind{VarAmount: VarIsMoney, VarCommission: VarIsMoney, VarTotal: VarIsMoney}
)

// Reasons are the codes of the error catalogue that an ending can carry; the
// screen has words for each in nine languages.
func Reasons() []string {
	return []string{"E-LOOKUP-NONE", "E-LOOKUP-PAID", "E-ORDER-EXPIRED", "E-LOOKUP-CHANGED", "E-CENTRAL-DOWN",
		"E-CENTRAL-REJECT", "E-CENTRAL-UNKNOWN", "E-QUOTE-EXPIRED", "E-AMOUNT-MAX", "E-NOTE-JAM", "E-CASSETTE-FULL",
		"E-NOTE-REJECT", "E-PRINT-PAPER", "E-PRINT-FAULT", "E-VISIT-ABANDONED", "cancelled", "refused", "restarted",
		"E-ID-MISMATCH", "E-PIN-BLOCKED", "E-CERT-EXPIRED", "E-CERT-REVOKED", "E-AUTH-TIMEOUT", "card_removed", "signed_out", "E-SERVICE"}
}
