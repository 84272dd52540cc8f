package validator

// Bytes of CCNET under the manual's names (Common Specifications rev. 2.6.0).

const (
	sync          = 0x02 // first byte of every frame
	addrValidator = 0x03 // address of a bill validator

	crcPolynomial = 0x8408 // x^16+x^12+x^5+1, shifted right
)

// Host commands.
const (
	cmdACK               = 0x00
	cmdReset             = 0x30
	cmdGetStatus         = 0x31
	cmdSetSecurity       = 0x32
	cmdPoll              = 0x33
	cmdEnableBillTypes   = 0x34
	cmdStack             = 0x35
	cmdReturn            = 0x36
	cmdIdentification    = 0x37
	cmdHold              = 0x38
	cmdSetBarcode        = 0x39
	cmdExtractBarcode    = 0x3A
	cmdGetBillTable      = 0x41
	cmdGetCRC32          = 0x51
	cmdSetEscrowTimeouts = 0x5A
	cmdGetCounter        = 0x5B
	cmdGetReleaseDate    = 0x5C
	cmdSetOptions        = 0x68
	cmdGetOptions        = 0x69
	cmdNAK               = 0xFF
)

// Device answers that are not data.
const (
	ansACK     = 0x00
	ansIllegal = 0x30
	ansNAK     = 0xFF
)

// States told by POLL (Z1).
const (
	z1PowerUp             = 0x10
	z1PowerUpInValidator  = 0x11
	z1PowerUpInStacker    = 0x12
	z1Initialize          = 0x13
	z1Idling              = 0x14
	z1Accepting           = 0x15
	z1Stacking            = 0x17
	z1Returning           = 0x18
	z1Disabled            = 0x19
	z1Holding             = 0x1A
	z1Busy                = 0x1B
	z1Rejecting           = 0x1C
	z1CassetteFull        = 0x41
	z1CassetteOut         = 0x42
	z1JamInValidator      = 0x43
	z1JamInCassette       = 0x44
	z1Cheated             = 0x45
	z1Pause               = 0x46
	z1Failure             = 0x47
	z1Escrow              = 0x80
	z1Stacked             = 0x81
	z1Returned            = 0x82
	z1Suspected           = 0x84
	z1CounterfeitRetained = 0x90
)

// Reject reasons (second byte after 1Ch).
const (
	rejInsertion      = 0x60
	rejHeadBusy       = 0x62 // previous note still in the head
	rejIdentification = 0x65
	rejVerification   = 0x66
	rejInhibited      = 0x68
	rejOperation      = 0x6A
	rejBarUnreadable  = 0x92
	rejBarLength      = 0x93
)

// failStackMotor is the usual code after 47h when none is asked for.
const failStackMotor = 0x50

const (
	maxTypes       = 24          // entries of the bill table
	couponType     = 23          // the coupon's place in it
	barcodeFormat  = 1           // interleaved 2 of 5
	lastOldCommand = cmdGetCRC32 // what lies above is missing in older firmware
	tableEntryLen  = 5
	maskLen        = 3 // bytes of one mask, most significant first
	partLen        = 15
	serialLen      = 12
	assetLen       = 7
	dateLen        = 8
	minFrame       = 6   // one payload byte
	maxFrame       = 250 // one-byte length
	frameOverhead  = 5
	zerosPlaces    = 0x3F // bits 0-6 of the table's last byte that we emit
	decimalPoint   = 0x80 // bit 7: a decimal point, not zeros
	busyUnit       = 100  // ms, unit of the byte after 1Bh
	barcodeMinLen  = 6
	barcodeMaxLen  = 18
	optionsLen     = 4
	escrowTimesLen = 8

	options48Entries = 0x80 // bit of the second options byte
)
