package escpos

import "github.com/asan-kiosk/kiosk/drivers/printer"

// condition is the printer's state as its status bytes tell it.
type condition struct {
	offline, cover              bool
	mechanical, cutter          bool
	unrecoverable, selfClearing bool
	nearEnd, paperEnd           bool
	paperStop                   bool // DLE EOT 2 only: printing stopped for paper
}

// realtime takes in the answer to DLE EOT n.
func (c *condition) realtime(p Profile, n, b byte) {
	switch n {
	case eotPrinter:
		c.offline = b&bitPrinterOffline != 0
	case eotOffline:
		c.cover = b&bitCauseCover != 0
		c.paperStop = b&bitCausePaperEnd != 0
	case eotError:
		c.errors(b)
	case eotPaper:
		c.nearEnd = b&p.NearEnd != 0
		c.paperEnd = b&p.PaperEnd != 0
	}
}

// automatic takes in the four bytes of the automatic status.
func (c *condition) automatic(b []byte) {
	c.offline = b[0]&bitASBOffline != 0
	c.cover = b[0]&bitASBCover != 0
	c.errors(b[1])
	c.nearEnd = b[2]&bitASBNearEnd != 0
	c.paperEnd = b[2]&bitASBPaperEnd != 0
	if !c.offline {
		c.paperStop = false
	}
}

func (c *condition) errors(b byte) {
	c.mechanical = b&bitErrorMechanical != 0
	c.cutter = b&bitErrorCutter != 0
	c.unrecoverable = b&bitErrorUnrecoverable != 0
	c.selfClearing = b&bitErrorSelfClearing != 0
}

// named reports a fault that stops a slip and has a name.
func (c condition) named() bool {
	return c.cover || c.mechanical || c.cutter || c.unrecoverable || c.paperEnd || c.paperStop
}

// same compares what DLE EOT n tells of the two.
func (c condition) same(o condition, n byte) bool {
	switch n {
	case eotPrinter:
		return c.offline == o.offline
	case eotOffline:
		return c.cover == o.cover
	case eotError:
		return c.mechanical == o.mechanical && c.cutter == o.cutter &&
			c.unrecoverable == o.unrecoverable && c.selfClearing == o.selfClearing
	default:
		return c.nearEnd == o.nearEnd && c.paperEnd == o.paperEnd
	}
}

// status is the condition in the family's words. stuck: it answers polls and
// does nothing else.
func (c condition) status(stuck bool) printer.Status {
	s := printer.Status{
		Online:      !c.offline,
		PaperOut:    c.paperEnd || c.paperStop,
		PaperLow:    c.nearEnd,
		CoverOpen:   c.cover,
		CutterError: c.cutter,
		Jam:         c.mechanical,
		Error:       c.unrecoverable || stuck,
		Waiting:     c.selfClearing,
	}
	switch {
	case c.unrecoverable:
		s.Cause = CauseError
	case c.cutter:
		s.Cause = CauseCutter
	case c.mechanical:
		s.Cause = CauseJam
	case c.cover:
		s.Cause = CauseCover
	case c.paperEnd, c.paperStop:
		s.Cause = CausePaper
	case c.selfClearing:
		s.Cause = CauseHot
	case c.offline:
		s.Cause = CauseOffline
	case stuck:
		s.Cause = CauseStuck
	}
	return s
}

// Causes: the words of printer.Status.Cause, printer.Finished.Cause and
// printer.Offline.Cause. CausePicture, CauseIdentity and CauseLink may be
// followed by a colon and details.
const (
	CausePaper   = "paper end"
	CauseCover   = "cover open"
	CauseJam     = "paper jam"
	CauseCutter  = "cutter error"
	CauseError   = "unrecoverable error"
	CauseHot     = "print head too hot"
	CauseOffline = "off-line"
	CauseStuck   = "answers polls but executes nothing"

	CauseSilent   = "no answer"
	CauseNoise    = "answers without meaning"
	CauseLink     = "port lost"
	CauseIdentity = "another model than the profile's"

	CauseBusy      = "busy"
	CausePicture   = "picture cannot be printed"
	CauseLate      = "no answer to a barrier"
	CauseSkipped   = "a barrier's answer is missing"
	CausePower     = "the printer has lost power"
	CauseASB       = "automatic status has gone silent"
	CauseUnwatched = "could not be watched for too long"
	CauseHeld      = "held back by the printer for too long"
	CausePrepare   = "could not be made ready in time"
	CauseNotBegun  = "was not begun in time"
	CauseTooLong   = "took too long"
)
