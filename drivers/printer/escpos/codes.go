package escpos

// Control characters, under the names of the ESC/POS Command Reference.
const (
	nul  = 0x00
	eot  = 0x04
	enq  = 0x05
	dle  = 0x10
	xon  = 0x11
	xoff = 0x13
	dc4  = 0x14
	esc  = 0x1B
	gs   = 0x1D
)

// Real-time requests DLE EOT n.
const (
	eotPrinter = 1 // printer status
	eotOffline = 2 // off-line cause
	eotError   = 3 // error cause
	eotPaper   = 4 // roll paper sensors
	eotFirst   = eotPrinter
	eotLast    = eotPaper
)

// Bits of the answer to DLE EOT 1.
const bitPrinterOffline = 0x08

// Bits of the answer to DLE EOT 2.
const (
	bitCauseCover    = 0x04
	bitCausePaperEnd = 0x20
)

// Bits of the answer to DLE EOT 3, and of byte 2 of the automatic status.
const (
	bitErrorMechanical    = 0x04
	bitErrorCutter        = 0x08
	bitErrorUnrecoverable = 0x20
	bitErrorSelfClearing  = 0x40
)

// Bits of byte 1 of the automatic status.
const (
	bitASBOffline = 0x08
	bitASBCover   = 0x20
)

// Bits of byte 3 of the automatic status.
const (
	bitASBNearEnd  = 0x03
	bitASBPaperEnd = 0x0C
)

// Patterns that tell incoming bytes apart: b & mask == want.
const (
	realtimeMask, realtimeWant   = 0x93, 0x12 // 0xx1xx10
	automaticMask, automaticWant = 0x93, 0x10 // 0xx1xx00
	followMask, followWant       = 0x90, 0x00 // 0xx0xxxx
)

// Heads of blocks that end with NUL.
const (
	blockData = 0x37 // second byte: what it is
	blockText = 0x5F // answer to GS I 65..68

	dataProcessID = 0x22 // GS ( H function 48
	dataCleared   = 0x25 // DLE DC4 function 8
)

// Kinds of GS I n that are answered as text.
const (
	identFirmware = 65
	identMaker    = 66
	identModel    = 67
	identSerial   = 68
)

// asbUseful is the mask of GS a n: on/off-line, error, paper.
const asbUseful = 0x0E

// feedMost is the greatest n of ESC J n.
const feedMost = 255

// pollRequest is DLE EOT n.
func pollRequest(n byte) []byte { return []byte{dle, eot, n} }

// initialize is ESC @. It ends automatic status.
func initialize() []byte { return []byte{esc, '@'} }

// motionUnits is GS P x y: units of 1/x and 1/y inch.
func motionUnits(dpi byte) []byte { return []byte{gs, 'P', dpi, dpi} }

// alignLeft is ESC a 0.
func alignLeft() []byte { return []byte{esc, 'a', 0} }

// leftMargin is GS L nL nH, in motion units.
func leftMargin(n int) []byte { return []byte{gs, 'L', byte(n), byte(n >> 8)} }

// automaticStatus is GS a n.
func automaticStatus(mask byte) []byte { return []byte{gs, 'a', mask} }

// feed is ESC J n for any number of units. None ends with DLE: a poll may follow, and
// a printer that takes DLE DLE EOT for nothing would not answer it.
func feed(units int) []byte {
	var out []byte
	for ; units > feedMost; units -= feedMost {
		out = append(out, esc, 'J', feedMost)
	}
	if units == dle {
		out = append(out, esc, 'J', dle/2)
		units -= dle / 2
	}
	if units > 0 {
		out = append(out, esc, 'J', byte(units))
	}
	return out
}

// rasterHead is the length of what stands before the dots.
const rasterHead = 8

// raster is GS v 0: the head of a picture of wide bytes by rows.
func raster(wide, rows int) []byte {
	return []byte{gs, 'v', '0', 0, byte(wide), byte(wide >> 8), byte(rows), byte(rows >> 8)}
}

// transmitPaper is GS r 1: answered in queue order.
func transmitPaper() []byte { return []byte{gs, 'r', 1} }

// processID is GS ( H function 48: the id, four digits, comes back when printing
// of all that came before has ended.
func processID(id int) []byte {
	return append([]byte{gs, '(', 'H', 6, 0, '0', '0'}, digits4(id)...)
}

func digits4(id int) []byte {
	return []byte{'0' + byte(id/1000%10), '0' + byte(id/100%10), '0' + byte(id/10%10), '0' + byte(id%10)}
}

// identify is GS I n.
func identify(n byte) []byte { return []byte{gs, 'I', n} }

// recoverAndClear is DLE ENQ 2: recover from a recoverable error and drop the
// buffers. (DLE ENQ 1, go on from the failed line, is never used: half a money
// receipt must not be finished on the next roll.)
func recoverAndClear() []byte { return []byte{dle, enq, 2} }

// clearBuffers is DLE DC4 function 8: drop the buffers now; answered by
// dataCleared.
func clearBuffers() []byte { return []byte{dle, dc4, 8, 1, 3, 20, 1, 6, 2, 8} }

// cutFullFeeding is GS V 65 0: feed to the cutter, then cut through.
func cutFullFeeding() []byte { return []byte{gs, 'V', 65, 0} }
