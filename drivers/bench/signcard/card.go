package signcard

import (
	"bytes"
	"slices"
	"sync"
	"time"
)

// Answer is what a command brought about.
type Answer struct {
	// Bytes is the response APDU. Empty: the card stays silent, and the reader waits
	// until the card is taken out. One byte: a garbled answer.
	Bytes []byte
	// Delay is how long the chip takes before it answers. The card has no clock: its
	// owner waits.
	Delay time.Duration
	// Drop: the card is pulled out of the reader at this moment; its owner removes
	// it.
	Drop bool
}

// Card is one card. Its methods may be called from several goroutines; commands
// are answered one after the other.
type Card struct {
	mu  sync.Mutex
	cfg Config
	mf  *file // nil: the card has no files

	// kept over resets
	left    [PUK + 1]int // tries of each PIN
	faults  []*armed
	journal []Entry
	count   uint64

	// lost at every reset
	verified [PUK + 1]bool
	df, ef   *file
	openSC   bool // IsoApplet was selected
	app      bool // an application that is not a folder of files was selected (PIV)
	env      environment
	chain    *command // what came so far of a chain
	pending  []byte   // what GET RESPONSE gives
	last     int      // status word that ends it
}

// New makes a card, or says why there can be no such card.
func New(cfg Config) (*Card, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	c := &Card{cfg: cfg}
	for n := PIN1; n <= PUK; n++ {
		c.left[n] = cfg.pin(n).Left
	}
	switch cfg.Applet {
	case PKCS15:
		c.mf, err = c.buildPKCS15()
	case AzeDIT:
		c.mf, err = c.buildAzeDIT()
	}
	if err != nil {
		return nil, err
	}
	for _, f := range cfg.Faults {
		c.inject(f)
	}
	c.reset()
	return c, nil
}

// ATR is the answer to reset, nil of a card that is mute.
func (c *Card) ATR() []byte {
	if c.cfg.Mute {
		return nil
	}
	return bytes.Clone(c.cfg.ATR)
}

// Reset is power on, reset and power off: verified PINs, the selected file, a
// chain and an answer that waits are gone.
func (c *Card) Reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.append(Entry{Reset: true})
	c.reset()
}

func (c *Card) reset() {
	c.verified = [PUK + 1]bool{}
	c.df, c.ef, c.openSC, c.app = c.mf, nil, false, false
	c.env = environment{}
	c.chain, c.pending, c.last = nil, nil, 0
}

// Command gives the card a command and returns the response. See Answer.Bytes for
// what may be strange about it; nil also when the card was pulled out.
func (c *Card) Command(apdu []byte) []byte { return c.Exchange(apdu).Bytes }

// Exchange gives the card a command and returns all that came of it.
func (c *Card) Exchange(apdu []byte) Answer {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.strike(apdu)
	a := Answer{Delay: c.cfg.Speed.Command}
	var fault FaultKind
	if f != nil {
		fault = f.Kind
	}
	switch {
	case c.cfg.Mute:
	case fault == Silence:
	case fault == Drop:
		a.Drop = true
	case fault == Garble:
		a.Bytes = []byte{0x90}
	case fault == StatusWords:
		sw := f.SW[f.struck-1]
		a.Bytes = []byte{byte(sw >> 8), byte(sw)}
	default:
		switch fault {
		case Delay:
			a.Delay += f.Delay
		case SelfReset:
			c.reset()
		}
		signatures := c.env.signatures
		a.Bytes = c.answer(apdu)
		if c.env.signatures != signatures {
			a.Delay += c.cfg.Speed.Signature
		}
	}
	c.note(apdu, a.Bytes, fault)
	return a
}

// answer is the response to a command: class, chaining and the ways of handing
// out data (ISO/IEC 7816-4 5.1 and 7.6.1), around what the command does.
func (c *Card) answer(apdu []byte) []byte {
	cmd, ok := parse(apdu)
	if !ok || (cmd.extended && !c.cfg.Layout.Extended) {
		return c.shape(cmd, nil, swWrongLength)
	}
	switch chained := cmd.cla&claChaining != 0; {
	case cmd.cla&claInterindustry != 0:
		return c.shape(cmd, nil, swNoClass)
	case cmd.cla&claSecure != 0:
		return c.shape(cmd, nil, swNoSecureMessaging)
	case cmd.cla&claChannel != 0:
		return c.shape(cmd, nil, swNoChannel)
	case cmd.ins == insGetResponse:
		return c.getResponse(cmd)
	case chained && c.cfg.Layout.NoChaining:
		return c.shape(cmd, nil, swNoChaining)
	case c.chain != nil && (c.chain.ins != cmd.ins || c.chain.p1p2() != cmd.p1p2()):
		c.chain = nil
		return c.shape(cmd, nil, swLastOfChain)
	case c.chain != nil:
		cmd.data = append(c.chain.data, cmd.data...)
		c.chain = nil
		fallthrough
	default:
		if len(cmd.data) > chainMax {
			return c.shape(cmd, nil, swWrongLength)
		}
		if chained {
			cmd.data = bytes.Clone(cmd.data)
			c.chain = &cmd
			return c.shape(cmd, nil, swOK)
		}
	}
	c.pending = nil
	if c.selectsIsoApplet(cmd) {
		return status(c.isoApplet(), swOK)
	}
	data, sw := c.execute(cmd)
	return c.shape(cmd, data, sw)
}

// chainMax is the card's buffer for a command.
const chainMax = 4096

// execute does what a command asks for.
func (c *Card) execute(cmd command) ([]byte, int) {
	switch c.cfg.Applet {
	case NationalID:
		return c.unknownApplet(cmd)
	case PIV:
		return c.piv(cmd)
	}
	switch cmd.ins {
	case insSelect:
		return c.selectFile(cmd)
	case insReadBinary:
		return c.readBinary(cmd)
	case insReadRecord:
		return c.readRecord(cmd)
	case insGetChallenge:
		return c.getChallenge(cmd)
	case insVerify:
		return nil, c.verify(cmd)
	case insResetRetry:
		return nil, c.resetRetry(cmd)
	case insGetDataOdd:
		return c.getTries(cmd)
	case insMSE:
		return nil, c.manageEnvironment(cmd)
	case insPSO:
		return c.perform(cmd)
	case insInternalAuth:
		return c.internalAuthenticate(cmd)
	}
	return nil, swNoInstruction
}

// shape hands out data: whole, or by GET RESPONSE where the command left no room
// for it or the card works that way.
func (c *Card) shape(cmd command, data []byte, sw int) []byte {
	if len(data) == 0 {
		return status(nil, sw)
	}
	room := cmd.ne
	switch {
	case cmd.ne == noNe: // T=0: a command with data has no Le
		room = 0
	case c.cfg.Layout.GetResponse && len(cmd.data) > 0:
		room = 0
	case c.cfg.Layout.ExactLe && len(cmd.data) == 0 && cmd.ne != len(data) && len(data) <= 256:
		return status(nil, swWrongLe|len(data)&0xFF)
	}
	if len(data) <= room {
		return status(data, sw)
	}
	c.pending, c.last = data[room:], sw
	return status(data[:room], c.more())
}

// more says how many bytes wait.
func (c *Card) more() int { return swMore | min(len(c.pending), 256)&0xFF }

// getResponse gives what waits (ISO/IEC 7816-4 7.6.1).
func (c *Card) getResponse(cmd command) []byte {
	n := min(len(c.pending), 256)
	switch {
	case n == 0:
		return status(nil, swConditions)
	case cmd.p1p2() != 0:
		return status(nil, swWrongP1P2)
	case len(cmd.data) > 0 || cmd.ne == noNe:
		return status(nil, swWrongLength)
	case cmd.ne > n && cmd.exact, c.cfg.Layout.ExactLe && cmd.ne != n:
		return status(nil, swWrongLe|n&0xFF)
	}
	n = min(n, cmd.ne)
	data := c.pending[:n]
	c.pending = c.pending[n:]
	if len(c.pending) > 0 {
		return status(data, c.more())
	}
	return status(data, c.last)
}

func status(data []byte, sw int) []byte {
	return append(slices.Clip(data), byte(sw>>8), byte(sw))
}

// getChallenge gives random bytes (ISO/IEC 7816-4 7.5.3).
func (c *Card) getChallenge(cmd command) ([]byte, int) {
	if cmd.ne == noNe || len(cmd.data) > 0 {
		return nil, swWrongLength
	}
	n := 8
	if cmd.exact {
		n = min(cmd.ne, 256)
	}
	b := make([]byte, n)
	if _, err := c.cfg.Rand.Read(b); err != nil {
		return nil, swConditions
	}
	return b, swOK
}

// unknownApplet is a card of which nothing is known: no name that a terminal can
// select, and no command without one.
func (c *Card) unknownApplet(cmd command) ([]byte, int) {
	if cmd.ins == insSelect {
		return nil, swNotFound
	}
	return nil, swNoInstruction
}
