// Package wire is what the daemon and the screen say to each other: the whole
// state of the screen downward, commands upward, both in the envelope of
// XFS4IoT 2024-03 over one websocket. These Go types are the only source; the
// TypeScript types in kiosk-ui are generated from them.
//
// The page holds no truth. On connect, and on every change, it is sent the whole
// State (a few kilobytes), so that a reload at any moment gives the same screen.
package wire

import (
	"encoding/json"

	"github.com/asan-kiosk/kiosk/drivers/money"
)

// Contract is the version of this wire. A page of another contract reloads.
const Contract = 3

// Lang is one of the nine languages of the screen (BCP 47 language subtag).
type Lang string

const (
	LangAz Lang = "az"
	LangEn Lang = "en"
	LangFr Lang = "fr"
	LangEs Lang = "es"
	LangDe Lang = "de"
	LangIt Lang = "it"
	LangAr Lang = "ar"
	LangFa Lang = "fa"
	LangRu Lang = "ru"
)

// Langs lists the languages in the order in which they are offered.
func Langs() []Lang {
	return []Lang{LangAz, LangEn, LangRu, LangAr, LangFa, LangFr, LangEs, LangDe, LangIt}
}

// Step is what is on the screen. A new step without a screen does not compile
// in the page.
type Step string

const (
	StepAttract      Step = "attract"        // nobody is here
	StepLanguage     Step = "language"       // choose a language
	StepServices     Step = "services"       // choose a service
	StepPresent      Step = "present"        // read something and go on, or refuse
	StepForm         Step = "form"           // fill in fields
	StepQuery        Step = "query"          // central is being asked
	StepNotice       Step = "notice"         // it ends here and no money was taken
	StepQuote        Step = "quote"          // what is owed, before the first note
	StepPay          Step = "pay"            // put notes in
	StepSettle       Step = "settle"         // the last note is on its way; then it goes on by itself
	StepSubmit       Step = "submit"         // it is being posted
	StepDeliver      Step = "deliver"        // the slip is being printed
	StepFarewell     Step = "farewell"       // done: outcome, reference, slip
	StepOutOfService Step = "out_of_service" // the terminal cannot serve
	StepMethod       Step = "method"         // choose how to sign in
	StepCard         Step = "card"           // put the signature card in; it is being read
	StepCardProblem  Step = "card_problem"   // the card cannot be used, and why
	StepCertificate  Step = "certificate"    // choose one of the card's certificates
	StepPIN          Step = "pin"            // enter the card's PIN
	StepPINLast      Step = "pin_last"       // one try is left: a yes of its own before it may be spent
	StepPhone        Step = "phone"          // compare the control code, confirm on the phone
	StepList         Step = "list"           // read a list of records
	StepServiceLogin Step = "service_login"  // a door is open: a member of staff signs in
	StepService      Step = "service"        // service mode
)

// Steps lists every step.
func Steps() []Step {
	return []Step{StepAttract, StepLanguage, StepServices, StepPresent, StepForm, StepQuery, StepNotice, StepQuote,
		StepPay, StepSettle, StepSubmit, StepDeliver, StepFarewell, StepOutOfService, StepMethod, StepCard, StepCardProblem,
		StepCertificate, StepPIN, StepPINLast, StepPhone, StepList, StepServiceLogin, StepService}
}

// Text is a sentence from the signed catalogue in the visit's language, with its
// values. The page formats it with the same formatter as its own texts: values
// are isolated, money and numbers written in the language's way. Pattern is a
// message in the small ICU subset that kiosk-ui documents ({name},
// {name, plural, one {...} other {...}}).
type Text struct {
	Pattern string         `json:"pattern"`
	Values  map[string]Val `json:"values,omitempty"`
}

// Val is one value inside a Text: exactly one of its members is set.
type Val struct {
	Str   *string       `json:"str,omitempty"`
	Num   *int64        `json:"num,omitempty"`
	Money *money.Amount `json:"money,omitempty"`
	Code  *string       `json:"code,omitempty"` // reference, number: always left to right, 0-9
}

// State is everything the page draws. Seq rises with every change; StepSeq only
// when the step changes, and a command carries the StepSeq its sender saw.
type State struct {
	Contract int      `json:"contract"`
	Asset    string   `json:"asset"` // hash of the embedded page; another one reloads on attract
	Seq      uint64   `json:"seq"`
	StepSeq  uint64   `json:"step_seq"`
	Terminal Terminal `json:"terminal"`
	Visit    Visit    `json:"visit"`
	Money    Money    `json:"money"`
	Devices  Devices  `json:"devices"`
	// Service is service mode; absent on the customer's screens.
	Service *ServiceMode `json:"service,omitempty"`
}

// Terminal is the machine itself: what a person quotes when calling for help.
type Terminal struct {
	Number      string         `json:"number"`
	Owner       string         `json:"owner"`
	Address     string         `json:"address"`
	Phone       string         `json:"phone"`
	Hours       string         `json:"hours"`
	PixelsPerMM float64        `json:"pixels_per_mm"` // CSS pixels in a millimetre of this panel
	Langs       []Lang         `json:"langs"`
	Notes       []money.Amount `json:"notes"` // which notes it takes
	GivesChange bool           `json:"gives_change"`
}

// Modes are the person's choices for this visit.
type Modes struct {
	Contrast bool `json:"contrast"` // light on black
	Large    bool `json:"large"`    // text 1.4 times
	Reach    bool `json:"reach"`    // all controls in the lower 45 %
	MoreTime bool `json:"more_time"`
}

// Visit is where the person is. Of the pointers at the end only the one that
// belongs to Step is set.
type Visit struct {
	ID       string    `json:"id"` // opaque; "" when nobody is here
	Step     Step      `json:"step"`
	Lang     Lang      `json:"lang"`
	Modes    Modes     `json:"modes"`
	Title    *Text     `json:"title,omitempty"` // from the catalogue; absent: the page's own for the step
	Body     *Text     `json:"body,omitempty"`
	Service  *Text     `json:"service,omitempty"` // name of the chosen service
	Progress *Progress `json:"progress,omitempty"`
	CanNext  bool      `json:"can_next"`
	CanBack  bool      `json:"can_back"`
	Cancel   Cancel    `json:"cancel"`
	Warning  *Warning  `json:"warning,omitempty"` // shown over everything
	Resumed  bool      `json:"resumed"`           // the daemon restarted during this step

	Services []Service `json:"services,omitempty"`
	Form     *Form     `json:"form,omitempty"`
	Wait     *Wait     `json:"wait,omitempty"` // query, settle, submit, deliver
	Quote    *Quote    `json:"quote,omitempty"`
	Outcome  *Outcome  `json:"outcome,omitempty"`  // notice, farewell, out_of_service
	Identify *Identify `json:"identify,omitempty"` // method, card, card_problem, certificate, pin, pin_last, phone
	List     *List     `json:"list,omitempty"`
	Person   *Person   `json:"person,omitempty"` // who is signed in; absent: nobody
	// CardIn: a card of this visit is still in the reader. An ending says so until
	// it has been taken.
	CardIn bool `json:"card_in"`
}

// Progress: "step 2 of 4".
type Progress struct {
	At int `json:"at"`
	Of int `json:"of"`
}

// Cancel says what leaving now does; the button's text depends on it.
type Cancel string

const (
	CancelNone     Cancel = "none"     // not possible now (something must finish first)
	CancelLeave    Cancel = "leave"    // no money is in: just leave
	CancelReturn   Cancel = "return"   // gives back the note that is waiting
	CancelLeftover Cancel = "leftover" // what is in is recorded on a voucher slip
	CancelSignOut  Cancel = "sign_out" // ends the sign-in and the visit
)

// Warning: the person has not touched anything for long.
type Warning struct {
	SecondsLeft int  `json:"seconds_left"`
	MoneyIn     bool `json:"money_in"`
}

// Service is one button of the start screen.
type Service struct {
	ID        string       `json:"id"`
	Title     Text         `json:"title"`
	Hint      *Text        `json:"hint,omitempty"`
	Available bool         `json:"available"`
	Why       *Unavailable `json:"why,omitempty"`
}

// Unavailable says why a service is not offered now.
type Unavailable string

const (
	UnavailableCentral  Unavailable = "central"  // the state systems cannot be reached
	UnavailableAcceptor Unavailable = "acceptor" // banknotes cannot be taken
	UnavailablePrinter  Unavailable = "printer"  // no receipt can be printed
)

// Form is a page of fields.
type Form struct {
	Fields []Field `json:"fields"`
	Active string  `json:"active"` // name of the field being typed into
}

// Keyboard is what is drawn under a field.
type Keyboard string

const (
	KeyboardDigits Keyboard = "digits"
	KeyboardText   Keyboard = "text"
	KeyboardLatin  Keyboard = "latin" // capital Latin letters and digits
	KeyboardPhone  Keyboard = "phone"
	KeyboardNone   Keyboard = "none" // choices
)

// Field is one question.
type Field struct {
	Name     string   `json:"name"`
	Label    Text     `json:"label"`
	Hint     *Text    `json:"hint,omitempty"`
	Value    string   `json:"value"` // as typed so far
	Keyboard Keyboard `json:"keyboard"`
	Group    []int    `json:"group,omitempty"` // how to group the characters for reading
	MaxLen   int      `json:"max_len"`
	Required bool     `json:"required"`
	Problem  *Problem `json:"problem,omitempty"`
	Choices  []Choice `json:"choices,omitempty"`
	// Secret: what is typed goes to the daemon key by key (Secret.Key) and never
	// comes back; Value is empty and Length says how many characters there are.
	// Visit.Input opens such a field and has no value: it changes nothing in it.
	Secret bool `json:"secret"`
	Length int  `json:"length"`
}

// Choice is one answer of a choice field.
type Choice struct {
	Value string `json:"value"`
	Label Text   `json:"label"`
}

// Problem says what is wrong with a field.
type Problem string

const (
	ProblemRequired Problem = "required"
	ProblemTooShort Problem = "too_short"
	ProblemTooLong  Problem = "too_long"
	ProblemFormat   Problem = "format"
	ProblemUnusual  Problem = "unusual" // soft: "please check", Next a second time goes on
	ProblemWrong    Problem = "wrong"   // what was entered is not right (password, one-time code, user id)
)

// WaitFor says what is going on while the person waits.
type WaitFor string

const (
	WaitCentral  WaitFor = "central"  // asking
	WaitNote     WaitFor = "note"     // the last note is being put away
	WaitPosting  WaitFor = "posting"  // the payment is being posted
	WaitPrinting WaitFor = "printing" // the slip is being printed
	WaitCard     WaitFor = "card"     // the card is working: leave it in
	WaitSignIn   WaitFor = "sign_in"  // the sign-in is being checked
)

// Wait: nothing to do but wait. Slow is set by the daemon after 5 s; CanLeave
// after 15 s where leaving is true to the money.
type Wait struct {
	For      WaitFor `json:"for"`
	Slow     bool    `json:"slow"`
	CanLeave bool    `json:"can_leave"`
}

// Quote is what is owed, shown before the first note.
type Quote struct {
	Payee      *Text        `json:"payee,omitempty"`
	Purpose    *Text        `json:"purpose,omitempty"`
	Rows       []QuoteRow   `json:"rows"`
	Amount     money.Amount `json:"amount"`
	Commission money.Amount `json:"commission"`
	Total      money.Amount `json:"total"`
	Change     ChangePolicy `json:"change"`
	NoReceipt  bool         `json:"no_receipt"` // the printer cannot print: said before money is taken
}

// QuoteRow is one line of the summary.
type QuoteRow struct {
	Label Text `json:"label"`
	Value Text `json:"value"`
}

// ChangePolicy says what happens to more money than is owed.
type ChangePolicy string

const (
	ChangeNone     ChangePolicy = "none"     // a voucher slip ("leftover")
	ChangeDispense ChangePolicy = "dispense" // notes and coins come back
)

// Money is the tender: what has been put in for this visit.
type Money struct {
	Open      bool           `json:"open"` // notes are being accepted right now
	Owed      money.Amount   `json:"owed"`
	Held      money.Amount   `json:"held"`
	Missing   money.Amount   `json:"missing"`
	Over      money.Amount   `json:"over"` // more than owed: goes on a voucher
	Count     int            `json:"count"`
	Notes     []NoteCount    `json:"notes,omitempty"`
	Accepted  []money.Amount `json:"accepted,omitempty"` // notes that are taken now
	Moving    *Moving        `json:"moving,omitempty"`
	Last      *NoteEvent     `json:"last,omitempty"`
	InDoubt   int            `json:"in_doubt"` // notes whose fate is not known yet
	CanFinish bool           `json:"can_finish"`
}

// NoteCount is how many notes of one denomination are in.
type NoteCount struct {
	Value money.Amount `json:"value"`
	Count int          `json:"count"`
}

// Moving is the note in the acceptor now.
type Moving string

const (
	MovingIn        Moving = "in"        // being read
	MovingStacking  Moving = "stacking"  // being put away
	MovingReturning Moving = "returning" // coming back: take it
	MovingPaused    Moving = "paused"    // a second note was pushed in: take it out
)

// NoteEvent is what happened to the last note. N rises with each, so that the
// page can tell two equal ones apart.
type NoteEvent struct {
	N     uint64       `json:"n"`
	What  NoteWhat     `json:"what"`
	Value money.Amount `json:"value"`
}

// NoteWhat is the fate of a note in the person's words.
type NoteWhat string

const (
	NoteTaken      NoteWhat = "taken"      // counted
	NoteUnreadable NoteWhat = "unreadable" // not recognised, given back
	NoteRefused    NoteWhat = "refused"    // recognised, but not taken now, given back
	NoteEnough     NoteWhat = "enough"     // given back: nothing more is owed
	NoteLimit      NoteWhat = "limit"      // given back: over the limit
	NoteReturned   NoteWhat = "returned"   // given back by the machine
	NoteCoupon     NoteWhat = "coupon"     // no note but a coupon, given back
	NoteStuck      NoteWhat = "stuck"      // jammed: recorded, in doubt
)

// Fate answers "where is my money?"; a screen of an ending cannot leave it out.
type Fate string

const (
	FateNone     Fate = "none"     // nothing was taken
	FateHeld     Fate = "held"     // it is held and will be dealt with
	FateReturned Fate = "returned" // it was given back
	FatePosted   Fate = "posted"   // it was paid in full to the payee
	FatePending  Fate = "pending"  // it was sent; the answer is not here yet
	FateLeftover Fate = "leftover" // all of it is recorded on a voucher
	FateDoubt    Fate = "doubt"    // a note is stuck; it is recorded under the reference
)

// Reason is the cause of an ending or of a refusal, one for each code of the
// error catalogue that this product can reach.
type Reason string

const (
	ReasonNone           Reason = ""
	ReasonUnknownNumber  Reason = "E-LOOKUP-NONE"
	ReasonAlreadyPaid    Reason = "E-LOOKUP-PAID"
	ReasonCancelledOrder Reason = "E-ORDER-EXPIRED"
	ReasonChanged        Reason = "E-LOOKUP-CHANGED"
	ReasonCentralDown    Reason = "E-CENTRAL-DOWN"
	ReasonCentralReject  Reason = "E-CENTRAL-REJECT"
	ReasonCentralUnknown Reason = "E-CENTRAL-UNKNOWN"
	ReasonQuoteExpired   Reason = "E-QUOTE-EXPIRED"
	ReasonAmountLimit    Reason = "E-AMOUNT-MAX"
	ReasonNoteJam        Reason = "E-NOTE-JAM"
	ReasonCassetteFull   Reason = "E-CASSETTE-FULL"
	ReasonAcceptor       Reason = "E-NOTE-REJECT"
	ReasonPaper          Reason = "E-PRINT-PAPER"
	ReasonPrinter        Reason = "E-PRINT-FAULT"
	ReasonAbandoned      Reason = "E-VISIT-ABANDONED"
	ReasonCancelled      Reason = "cancelled" // the person chose it
	ReasonRefused        Reason = "refused"   // the person did not accept
	ReasonRestarted      Reason = "restarted" // the terminal lost power during the visit
	ReasonSignInFailed   Reason = "E-ID-MISMATCH"
	ReasonPINBlocked     Reason = "E-PIN-BLOCKED"
	ReasonCertExpired    Reason = "E-CERT-EXPIRED"
	ReasonCertRevoked    Reason = "E-CERT-REVOKED"
	ReasonAuthTimeout    Reason = "E-AUTH-TIMEOUT"
	ReasonCardRemoved    Reason = "card_removed" // the card was taken out: the sign-in has ended
	ReasonSignedOut      Reason = "signed_out"   // the person ended the sign-in
	ReasonOutOfService   Reason = "E-SERVICE"    // the terminal was opened, or taken out of service
)

// Outcome is how it ended. Money comes first on the screen.
type Outcome struct {
	Money     Fate         `json:"money"`
	Reason    Reason       `json:"reason"`
	Text      *Text        `json:"text,omitempty"` // the catalogue's own words, if it has some
	Paid      money.Amount `json:"paid"`           // posted or pending, with commission
	Leftover  money.Amount `json:"leftover"`       // recorded on a voucher
	InDoubt   int          `json:"in_doubt"`
	Reference string       `json:"reference"` // to quote; "" when no money was in
	Slip      Slip         `json:"slip"`
	Again     Again        `json:"again"`
	QR        []string     `json:"qr,omitempty"` // rows of '0' and '1' modules, without quiet zone
}

// Slip is what became of the paper.
type Slip string

const (
	SlipNone       Slip = "none" // there was nothing to print
	SlipPrinting   Slip = "printing"
	SlipPrinted    Slip = "printed"
	SlipNotPrinted Slip = "not_printed" // use the reference on the screen
	SlipUnknown    Slip = "unknown"     // part of it may have come out
)

// Again is what Visit.SlipAgain would print now.
type Again string

const (
	AgainNo       Again = ""         // there is nothing to print, or it cannot be
	AgainOriginal Again = "original" // nothing of it has come out
	AgainCopy     Again = "copy"     // marked as such
)

// Devices is what the person should know about the machine.
type Devices struct {
	Central    Health `json:"central"`
	Acceptor   Health `json:"acceptor"`
	Printer    Health `json:"printer"`
	CardReader Health `json:"card_reader"` // "" if the terminal has none
	PaperLow   bool   `json:"paper_low"`
}

// Health is a device's state in the standard's words (XFS4IoT CommonStatus).
type Health string

const (
	HealthOnline   Health = "online"
	HealthOffline  Health = "offline"
	HealthStarting Health = "starting"
	HealthFault    Health = "hardwareError"
)

// Envelope is every message: XFS4IoT 2024-03, sections 3 and 4 of its notes.
type Envelope struct {
	Header  Header          `json:"header"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// MessageType is the kind of message in the envelope.
type MessageType string

const (
	TypeCommand     MessageType = "command"
	TypeAcknowledge MessageType = "acknowledge"
	TypeCompletion  MessageType = "completion"
	TypeEvent       MessageType = "event"
	TypeUnsolicited MessageType = "unsolicited"
)

// Header of a message. A command's RequestID is above 0 and unique on its
// connection; acknowledge and completion echo it.
type Header struct {
	Type             MessageType `json:"type"`
	Name             string      `json:"name"`
	Version          string      `json:"version"`
	RequestID        uint64      `json:"requestId,omitempty"`
	Timeout          int         `json:"timeout,omitempty"`
	Status           string      `json:"status,omitempty"`
	CompletionCode   string      `json:"completionCode,omitempty"`
	ErrorDescription string      `json:"errorDescription,omitempty"`
}

// MessageVersion is the version of every message of this contract.
const MessageVersion = "1.0"

// Names of messages. Unsolicited: Screen.State (payload State) and Screen.Beat
// every 2 s. The page sends Screen.Hello first and Screen.Beat every 2 s.
const (
	NameHello    = "Screen.Hello"
	NameBeat     = "Screen.Beat"
	NameState    = "Screen.State"
	NameStart    = "Visit.Start"
	NameLanguage = "Visit.Language"
	NameService  = "Visit.Service"
	NameInput    = "Visit.Input"
	NameNext     = "Visit.Next"
	NameBack     = "Visit.Back"
	NameCancel   = "Visit.Cancel"
	NameMoreTime = "Visit.MoreTime"
	NameTouch    = "Visit.Touch"
	NameModes    = "Visit.Modes"
	NameFinish   = "Till.Finish"
	// The slip once more (Outcome.Again).
	NameSlipAgain = "Visit.SlipAgain"
	// How to sign in, which certificate, and one key of a secret (SecretKey).
	NameMethod      = "Visit.Method"
	NameCertificate = "Visit.Certificate"
	NameSecretKey   = "Secret.Key"
	// Service mode (service.go).
	NameServiceLogin = "Service.Login"
	NameServiceAct   = "Service.Act"
	NameServiceLeave = "Service.Leave"
)

// Hello opens the conversation; nothing else is heard before it.
type Hello struct {
	Token    string `json:"token"`
	Contract int    `json:"contract"`
	Asset    string `json:"asset"`
}

// Command is the payload of every Visit.*, Till.* and Service.* command; members
// that a command does not use are left out. Key makes money commands idempotent: the
// same key twice does nothing the second time.
type Command struct {
	StepSeq uint64 `json:"step_seq"`
	Key     string `json:"key,omitempty"`
	Lang    Lang   `json:"lang,omitempty"`    // Visit.Language
	Service string `json:"service,omitempty"` // Visit.Service
	Field   string `json:"field,omitempty"`   // Visit.Input
	Value   string `json:"value,omitempty"`   // Visit.Input: the whole text so far
	Modes   *Modes `json:"modes,omitempty"`   // Visit.Modes
	Method  Method `json:"method,omitempty"`  // Visit.Method
	// Certificate is the id of the chosen one.
	Certificate string `json:"certificate,omitempty"` // Visit.Certificate

	Person       string   `json:"person,omitempty"`         // Service.Login: the number of a member of staff
	Device       DeviceID `json:"device,omitempty"`         // Service.Act
	Act          Act      `json:"act,omitempty"`            // Service.Act
	Confirm      bool     `json:"confirm,omitempty"`        // Service.Act: the second yes
	Note         string   `json:"note,omitempty"`           // Service.Act: the note in doubt
	Minor        int64    `json:"minor,omitempty"`          // Service.Act: what it is booked as, one of its Worth
	OutOfService bool     `json:"out_of_service,omitempty"` // Service.Leave: and stays out of service
}
