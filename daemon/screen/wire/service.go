package wire

import "github.com/asan-kiosk/kiosk/drivers/money"

// Service mode is the inside of the cabinet on the screen (ui.md 12). The daemon
// alone opens it: an open door shows service_login, the right PIN shows service.
// The customer's screens are off meanwhile; Visit has step, language, warning and
// nothing else, and its ID is "".
//
// The page writes it with its own texts, in the languages of ServiceMode.Langs.
// Only Cause and Detail are words of the daemon: English, for a technician, as
// they stand in the journal.
//
// Commands: Service.Login says who (Person); the PIN follows key by key
// (Secret.Key with field FieldServicePIN), Visit.Next sends it, Visit.Back goes
// back to the number. Service.Act does something (Device, Act, Confirm; of a note in
// doubt also Note and Minor), and
// Visit.Back takes its question away (can_back is set while there is one).
// Service.Leave ends service mode (OutOfService). Visit.Touch and Visit.MoreTime
// restart the five minutes, Visit.Language changes the language.

// FieldServicePIN is the field of Secret.Key for the PIN of a member of staff.
const FieldServicePIN = "service_pin"

// ServiceMode is set on service_login and service. On service_login it holds
// Langs, Login and Doors; all the rest is for who has signed in.
type ServiceMode struct {
	Langs  []Lang         `json:"langs"`
	Login  *ServiceLogin  `json:"login,omitempty"`
	Person *ServicePerson `json:"person,omitempty"` // who is in
	Doors  []ServiceDoor  `json:"doors"`            // every contact that is wired; empty without a board
	// Holds is why no customer is served, worst first. Those that do not end with
	// service mode by themselves must be dealt with before customers come back.
	Holds    []ServiceHold    `json:"holds"`
	Out      *ServiceOut      `json:"out,omitempty"` // it was taken out of service; absent: it was not
	Alarms   []ServiceAlarm   `json:"alarms"`        // that stand, oldest first
	Devices  []ServiceDevice  `json:"devices"`
	Counters *ServiceCounters `json:"counters,omitempty"`
	Doubts   []ServiceDoubt   `json:"doubts"`            // notes in doubt, oldest first, 20 at most
	Faults   []ServiceFault   `json:"faults"`            // last 20 of all devices, newest first
	Confirm  *ServiceConfirm  `json:"confirm,omitempty"` // an act that waits for its second yes
	Result   *ServiceResult   `json:"result,omitempty"`  // of the latest act
	// CanLeave: the doors are closed, and Service.Leave may do without OutOfService.
	CanLeave bool `json:"can_leave"`
}

// ServiceLogin is the way in. Person is the number that was given; "" asks for
// it. Of the PIN only its length is told.
type ServiceLogin struct {
	Person   string        `json:"person"`
	Length   int           `json:"length"`
	Min      int           `json:"min"`
	Max      int           `json:"max"`
	CanSend  bool          `json:"can_send"`
	Checking bool          `json:"checking"` // the PIN is being checked
	Problem  *LoginProblem `json:"problem,omitempty"`
	WaitS    int           `json:"wait_s"` // seconds left of a pause; 0: none
}

// LoginProblem says why nobody is in.
type LoginProblem string

const (
	LoginWrong  LoginProblem = "wrong"  // the number or the PIN; which is not told
	LoginPaused LoginProblem = "paused" // too often: wait
)

// ServicePerson is the member of staff who is in.
type ServicePerson struct {
	Number  string      `json:"number"`
	Name    string      `json:"name"`
	Role    ServiceRole `json:"role"`
	Since   string      `json:"since"`   // YYYY-MM-DDThh:mm in the terminal's own time
	Minutes int         `json:"minutes"` // whole ones since then
}

// ServiceRole is what a member of staff may do.
type ServiceRole string

const (
	RoleTechnician ServiceRole = "technician" // devices
	RoleCollector  ServiceRole = "collector"  // cassette
	RoleBoth       ServiceRole = "both"
)

// ServiceDoor is a contact of the cabinet.
type ServiceDoor struct {
	Input ServiceInput   `json:"input"`
	State ServiceContact `json:"state"`
}

// ServiceInput is what a contact watches.
type ServiceInput string

const (
	InputServiceDoor ServiceInput = "service_door"
	InputSafeDoor    ServiceInput = "safe_door"
	InputCassette    ServiceInput = "cassette" // sits in its place
	InputTamper      ServiceInput = "tamper"   // loop through the walls
	InputTilt        ServiceInput = "tilt"
	InputTemperature ServiceInput = "temperature"
	InputMains       ServiceInput = "mains" // power from the wall
	InputProximity   ServiceInput = "proximity"
)

// ServiceContact is the state of a contact. The page has its own word for each
// pair: closed and open, in and out, whole and cut.
type ServiceContact string

const (
	ContactRest    ServiceContact = "rest"    // as in a cabinet that is closed and in service
	ContactActive  ServiceContact = "active"  // open, out, cut, tilted, too hot, lost, somebody
	ContactFault   ServiceContact = "fault"   // it cannot be believed: cable, or a loose contact
	ContactUnknown ServiceContact = "unknown" // no board answers
)

// ServiceHold is a cause for which customers are not served.
type ServiceHold string

const (
	HoldTamper      ServiceHold = "tamper"       // until two people have cleared it
	HoldDoor        ServiceHold = "door"         // a door is open
	HoldIntrusion   ServiceHold = "intrusion"    // one was opened without anybody who had signed in; a sign-in ends it
	HoldMains       ServiceHold = "mains"        // power from the wall is lost
	HoldCassetteOut ServiceHold = "cassette_out" // no notes
	HoldCassetteNew ServiceHold = "cassette_new" // no notes until a collector has confirmed the cassette
	HoldDoubt       ServiceHold = "doubt"        // no notes until the note in doubt has been decided upon
	HoldPanel       ServiceHold = "panel"        // the board of the contacts is lost: no new visits
	HoldTilt        ServiceHold = "tilt"         // no new visits
	HoldTemperature ServiceHold = "temperature"  // no new visits
	HoldOut         ServiceHold = "out"          // taken out of service, see Out
	HoldService     ServiceHold = "service"      // service mode itself
)

// ServiceOut says who has taken the terminal out of service. Person is "" when
// nobody did: the terminal itself, at a restart.
type ServiceOut struct {
	Person string    `json:"person"` // number
	Why    OutReason `json:"why"`
	At     string    `json:"at"` // YYYY-MM-DDThh:mm
}

// OutReason is why the terminal is out of service.
type OutReason string

const (
	OutByPerson  OutReason = "person"  // an act, or left so
	OutTimeout   OutReason = "timeout" // nobody touched the service screen for five minutes
	OutRestarted OutReason = "restart" // the daemon restarted in service mode
)

// ServiceAlarm is an alarm that stands. Persons are the numbers of those who have
// cleared it so far (tamper needs two).
type ServiceAlarm struct {
	Alarm   Alarm    `json:"alarm"`
	At      string   `json:"at"` // YYYY-MM-DDThh:mm
	Detail  string   `json:"detail"`
	Persons []string `json:"persons"`
}

// Alarm is what somebody must know of.
type Alarm string

const (
	AlarmTamper      Alarm = "tamper"
	AlarmDoor        Alarm = "door" // service door or safe opened without anybody who had signed in
	AlarmCassette    Alarm = "cassette"
	AlarmPIN         Alarm = "wrong_pin" // three wrong PINs
	AlarmPanel       Alarm = "panel"     // the board is lost
	AlarmTilt        Alarm = "tilt"
	AlarmTemperature Alarm = "temperature"
	AlarmMains       Alarm = "mains"
)

// ServiceDevice is one row of the device table.
type ServiceDevice struct {
	ID     DeviceID     `json:"id"`
	State  Health       `json:"state"`
	Cause  string       `json:"cause"`  // why it is not online; "" if it is
	Detail string       `json:"detail"` // what it says of itself: model, serial number, count
	Acts   []ServiceAct `json:"acts"`   // that this person may do
}

// DeviceID names a row of the device table.
type DeviceID string

const (
	DeviceAcceptor DeviceID = "acceptor"
	DevicePrinter  DeviceID = "printer"
	DeviceCards    DeviceID = "card_reader"
	DevicePanel    DeviceID = "panel"
	DeviceCentral  DeviceID = "central"
	DeviceCassette DeviceID = "cassette"
	DeviceTerminal DeviceID = "terminal" // the whole: out of service and back
)

// ServiceAct is one thing that can be done. Twice: it touches money or an alarm,
// so the daemon answers the first Service.Act with ServiceMode.Confirm and does it
// at the second one with Confirm set.
type ServiceAct struct {
	Act       Act  `json:"act"`
	Twice     bool `json:"twice"`
	Available bool `json:"available"` // now
}

// Act is the name of something that can be done.
type Act string

const (
	ActSelfTest     Act = "self_test"      // acceptor: who it is and how it stands, counting nothing; card_reader: its readers
	ActTestPage     Act = "test_page"      // printer
	ActPaperChanged Act = "paper_changed"  // printer: written down
	ActLampTest     Act = "lamp_test"      // panel: every lamp shines for five seconds
	ActPing         Act = "ping"           // central
	ActClearTamper  Act = "clear_tamper"   // panel: two people, one after the other
	ActNewCassette  Act = "new_cassette"   // cassette: an empty one is in, a new period begins (collector)
	ActNoteInside   Act = "note_inside"    // cassette: this note in doubt is in it, and is booked (collector)
	ActNoteOutside  Act = "note_outside"   // cassette: it is not; nothing is booked
	ActNoteAside    Act = "note_aside"     // cassette: it is not on its way, the count will show; notes are taken again
	ActOutOfService Act = "out_of_service" // terminal
	ActBack         Act = "back"           // terminal: into service again
)

// ServiceCounters is what is in the cassette and what the terminal has done. While
// Open is false the cassette is out or not confirmed, and the numbers are those
// with which the last period was closed.
type ServiceCounters struct {
	Period   uint64         `json:"period"`
	Open     bool           `json:"open"`
	Notes    []NoteCount    `json:"notes"`  // by denomination
	Totals   []money.Amount `json:"totals"` // by currency
	Count    int            `json:"count"`  // notes
	InDoubt  int            `json:"in_doubt"`
	Rejected int64          `json:"rejected"` // refused by the unit, ever
	Slips    uint64         `json:"slips"`    // number of the last slip
	Unsent   uint64         `json:"unsent"`   // records that central does not hold yet
}

// ServiceDoubt is a note of which nobody knows whether it is in the cassette. As long
// as there is one that was not laid aside, no note is taken.
type ServiceDoubt struct {
	Note  string         `json:"note"`            // its id
	Value *money.Amount  `json:"value,omitempty"` // absent: it was not recognised
	Worth []money.Amount `json:"worth"`           // what ActNoteInside can book it as
	At    string         `json:"at"`              // YYYY-MM-DDThh:mm, when it was put in
	Why   string         `json:"why"`
	Aside bool           `json:"aside"` // it waits for the count and keeps nothing up
	Acts  []ServiceAct   `json:"acts"`  // on DeviceCassette, that this person may do
}

// ServiceFault is one device fault of the journal.
type ServiceFault struct {
	At     string `json:"at"` // YYYY-MM-DDThh:mm
	Device string `json:"device"`
	Fault  string `json:"fault"`
	Detail string `json:"detail"`
}

// ServiceConfirm asks for the second yes to an act. Visit.Back, any other act, and
// twenty seconds take the question away.
type ServiceConfirm struct {
	Device DeviceID `json:"device"`
	Act    Act      `json:"act"`
	// Of an act on a note in doubt: which, and what it would be booked as.
	Note  string        `json:"note,omitempty"`
	Value *money.Amount `json:"value,omitempty"`
}

// ServiceResult is how the latest act went. N rises with each.
type ServiceResult struct {
	N      uint64    `json:"n"`
	Device DeviceID  `json:"device"`
	Act    Act       `json:"act"`
	Result ActResult `json:"result"`
	Detail string    `json:"detail"`
}

// ActResult is how an act went.
type ActResult string

const (
	ActRunning ActResult = "running"
	ActOK      ActResult = "ok"
	ActFailed  ActResult = "failed"
)
