package paperprinter

// Bytes of ESC/POS under the manual's names.

const (
	nul = 0x00
	eot = 0x04
	enq = 0x05
	ht  = 0x09
	lf  = 0x0A
	ff  = 0x0C
	cr  = 0x0D
	dle = 0x10
	xon = 0x11
	dc4 = 0x14
	// xoff is sent while the buffer is nearly full.
	xoff = 0x13
	can  = 0x18
	esc  = 0x1B
	fs   = 0x1C
	gs   = 0x1D
)

// op is a command: its leading byte and its second one. A printable character
// is its own op.
type op uint16

func opOf(lead, second byte) op { return op(lead)<<8 | op(second) }

const (
	opInit        op = esc<<8 | '@'
	opSelect      op = esc<<8 | '='
	opStandard    op = esc<<8 | 'S'
	opAlign       op = esc<<8 | 'a'
	opPitch       op = esc<<8 | '3'
	opPitchUsual  op = esc<<8 | '2'
	opFeedUnits   op = esc<<8 | 'J'
	opFeedLines   op = esc<<8 | 'd'
	opCutOldFull  op = esc<<8 | 'i'
	opCutOldPart  op = esc<<8 | 'm'
	opColumns     op = esc<<8 | '*'
	opUserChars   op = esc<<8 | '&'
	opTabs        op = esc<<8 | 'D'
	opMotionUnits op = gs<<8 | 'P'
	opLeftMargin  op = gs<<8 | 'L'
	opPrintWidth  op = gs<<8 | 'W'
	opCut         op = gs<<8 | 'V'
	opRaster      op = gs<<8 | 'v'
	opParen       op = gs<<8 | '('
	opEight       op = gs<<8 | '8'
	opBarcode     op = gs<<8 | 'k'
	opAutoStatus  op = gs<<8 | 'a'
	opTransmit    op = gs<<8 | 'r'
	opIdentity    op = gs<<8 | 'I'
	opDownload    op = gs<<8 | '*'
	opPaperLeft   op = gs<<8 | 0xE1 // Custom: counters, answered as text
	opCuts        op = gs<<8 | 0xE2
	opPrinted     op = gs<<8 | 0xE3
	opRetracted   op = gs<<8 | 0xE4
	opPowerUps    op = gs<<8 | 0xE5

	// ops that are no commands
	opPayload op = 0xFFFE // a piece of the payload of the command before
	opDone    op = 0xFFFF // its end
)

// Functions of GS ( by letter.
const (
	parenGraphics = 'L'
	parenResponse = 'H'
	parenSymbol   = 'k'
	parenControl  = 'K'
	parenRealTime = 'D'
)

// GS ( L function codes, and the m byte before them.
const (
	graphicsM        = 0x30
	graphicsStore    = 0x70 // 112
	graphicsPrint    = 0x32 // 50
	graphicsPrintOld = 0x02
	graphicsDefine   = 0x43 // 67
	graphicsPrintKey = 0x45 // 69
	graphicsTone     = 0x30
	graphicsBlack    = 0x31
	storeHeader      = 10 // bytes before the dots
	defineHeader     = 11
	printKeyLen      = 6
)

// GS ( H and its answer.
const (
	responseFn48  = 0x30
	responseM     = 0x30
	responseLen   = 6
	blockHeader   = 0x37 // 37h ... 00h
	blockProcess  = 0x22
	blockCleared  = 0x25
	blockSymbol   = 0x36
	textHeader    = 0x5F
	unitSeparator = 0x1F
)

// GS ( k, symbol type QR.
const (
	symbolQR        = 0x31
	symbolModel     = 0x41
	symbolModule    = 0x43
	symbolLevel     = 0x45
	symbolStore     = 0x50
	symbolPrint     = 0x51
	symbolSize      = 0x52
	symbolStoreHead = 3
	levelL          = 0x30
	maxModule       = 16
	maxSymbolData   = 2953 // bytes of a version 40 symbol, level L
)

// DLE commands.
const (
	realTimeContinue = 1 // DLE ENQ: recover and go on from the failed line
	realTimeClear    = 2 // DLE ENQ: recover and clear buffers
	dc4Clear         = 8
	statusPrinter    = 1 // DLE EOT
	statusOffline    = 2
	statusError      = 3
	statusPaper      = 4
	statusFull       = 0x14 // Custom and Pyramid
)

// dc4ClearTail is what must follow DLE DC4 8.
var dc4ClearTail = []byte{0x01, 0x03, 0x14, 0x01, 0x06, 0x02, 0x08}

// Status bits.
const (
	rtFixed         = 0x12 // bits 1 and 4 of every real-time answer
	rtDrawer        = 0x04
	rtOffline       = 0x08
	rtCover         = 0x04
	rtPaperStop     = 0x20
	rtError         = 0x40
	rtRecoverable   = 0x04
	rtCutter        = 0x08
	rtUnrecoverable = 0x20
	rtAutoRecover   = 0x40
	rtNearEnd       = 0x0C
	rtPaperEnd      = 0x60

	asb1Fixed         = 0x10
	asb1Offline       = 0x08
	asb1Cover         = 0x20
	asb2Recoverable   = 0x04
	asb2Cutter        = 0x08
	asb2Unrecoverable = 0x20
	asb2AutoRecover   = 0x40
	asb3NearEnd       = 0x03
	asb3PaperEnd      = 0x0C
	asb4Fixed         = 0x0F
	asbOnline         = 0x02 // bits of GS a n
	asbError          = 0x04
	asbPaper          = 0x08

	transmitPaper   = 1
	transmitDrawer  = 2
	transmitNearEnd = 0x03
	transmitEnd     = 0x0C

	fullHeader1    = 0x10
	fullHeader2    = 0x0F
	fullAbsent     = 0x01
	fullNearEnd    = 0x04
	fullCover      = 0x02
	fullSpooled    = 0x04
	fullMotor      = 0x08
	fullHead       = 0x01
	fullJam        = 0x40
	fullCutter     = 0x01
	fullBroken     = 0x04
	identityModel  = 1
	identityType   = 2
	identityFirm   = 3
	identityTextLo = 0x41 // firmware, maker, model, serial number
	identityTextHi = 0x44
	typeCutter     = 0x02 // bit of GS I 2: an autocutter is fitted
)

const (
	maxRowBytes  = 1024    // of one raster row; the rest of a wider row is swallowed
	maxGraphics  = 1 << 18 // bytes of one command's payload that are kept
	pieceLen     = 256     // payloads other than raster travel in pieces of this
	maxStrip     = 40_000  // rows hanging out before they tear by their own weight
	maxRaw       = 1 << 20 // raw bytes kept of one strip
	maxBacklog   = 1 << 20
	maxReplies   = 1024
	columnDots   = 8  // ESC * in its 8-dot modes
	column24Dots = 24 // and in its 24-dot ones
	column24From = 32 // modes from here on have 24 dots
	bitsPerByte  = 10 // on the line: start, 8 data, stop
)
