package signcard

// Instructions (ISO/IEC 7816-4 table 4, ISO/IEC 7816-8).
const (
	insVerify         = 0x20
	insMSE            = 0x22 // MANAGE SECURITY ENVIRONMENT
	insChangePIN      = 0x24 // CHANGE REFERENCE DATA
	insPSO            = 0x2A // PERFORM SECURITY OPERATION
	insResetRetry     = 0x2C // RESET RETRY COUNTER
	insGetChallenge   = 0x84
	insGeneralAuth    = 0x87 // GENERAL AUTHENTICATE
	insInternalAuth   = 0x88 // INTERNAL AUTHENTICATE
	insSelect         = 0xA4
	insReadBinary     = 0xB0
	insReadRecord     = 0xB2
	insGetResponse    = 0xC0
	insGetData        = 0xCA
	insGetDataOdd     = 0xCB
	claChaining       = 0x10
	claSecure         = 0x0C // both bits of secure messaging
	claChannel        = 0x03
	claInterindustry  = 0xE0 // zero in the first interindustry class
	selectByID        = 0x00
	selectChildDF     = 0x01
	selectChildEF     = 0x02
	selectParent      = 0x03
	selectByName      = 0x04
	selectFromMF      = 0x08
	selectFromCurrent = 0x09
	answerFCI         = 0x00
	answerFCP         = 0x04
	answerNothing     = 0x0C
)

// Status words (ISO/IEC 7816-4 tables 5 and 6).
const (
	swOK                = 0x9000
	swMore              = 0x6100 // SW2: bytes waiting
	swEndOfFile         = 0x6282
	swPINWrong          = 0x6300
	swPINWrongLeft      = 0x63C0 // low nibble: tries left
	swWrongLength       = 0x6700
	swNoChannel         = 0x6881
	swNoSecureMessaging = 0x6882
	swLastOfChain       = 0x6883
	swNoChaining        = 0x6884
	swFileStructure     = 0x6981
	swSecurityStatus    = 0x6982
	swBlocked           = 0x6983
	swUnusable          = 0x6984
	swConditions        = 0x6985
	swNoCurrentFile     = 0x6986
	swWrongData         = 0x6A80
	swNotSupported      = 0x6A81
	swNotFound          = 0x6A82
	swNoRecord          = 0x6A83
	swWrongP1P2         = 0x6A86
	swNoReference       = 0x6A88
	swOutside           = 0x6B00
	swWrongLe           = 0x6C00 // SW2: the right one
	swNoInstruction     = 0x6D00
	swNoClass           = 0x6E00
)

// Tags of file control information (ISO/IEC 7816-4 table 12).
const (
	tagFCP        = 0x62
	tagFCI        = 0x6F
	tagSize       = 0x80
	tagDescriptor = 0x82
	tagFID        = 0x83
	tagDFName     = 0x84
	tagLifeCycle  = 0x8A
)

// File descriptor bytes (ISO/IEC 7816-4 table 14).
const (
	descDF          = 0x38
	descTransparent = 0x01
	descLinearVar   = 0x04
)

// Elements of a security environment (ISO/IEC 7816-4 table 55, ISO/IEC 7816-8).
const (
	crtSignature      = 0xB6
	crtAuthentication = 0xA4
	tagAlgorithm      = 0x80
	tagKey            = 0x84
	tagHash           = 0x90
	psoSignature      = 0x9E9A
	psoHash           = 0x90A0
	mseSet            = 0x41
	mseRestore        = 0xF3
)

// File identifiers.
const (
	fidMF        = 0x3F00
	fidDIR       = 0x2F00
	fidPINs      = 0x0016 // EstEID 3.x: one record of tries for each PIN
	fidApp       = 0x5015 // DF.CIA at its usual place
	fidAppISO    = 0x4F00 // DF.CIA of a card that is found only by its EF.DIR
	fidSigningDF = 0x5016
	fidODF       = 0x5031
	fidTokenInfo = 0x5032
	fidAODF      = 0x4401
	fidPrKDF     = 0x4402
	fidCDF       = 0x4404
	fidCert      = 0x4331 // of the first pair; the others count on
)

// Application identifiers.
var (
	aidPKCS15    = []byte("\xA0\x00\x00\x00\x63PKCS-15")
	aidISO15     = []byte("\xE8\x28\xBD\x08\x0F\xA0\x00\x00\x00\x63") // ISO/IEC 7816-15's form, with an issuer's RID
	aidIsoApplet = []byte("\xF2\x76\xA2\x88\xBC\xFB\xA6\x9D\x34\xF3\x10\x01")
	aidAzeDIT    = []byte("\xD0\x31\x00\x00\x00DigiID")
	aidPIV       = []byte("\xA0\x00\x00\x03\x08\x00\x00\x10\x00")
)

// Features of IsoApplet 0.6 in its answer to SELECT.
const (
	isoAppletExtended = 0x01
	isoAppletECC      = 0x04
)

// Algorithm references. IsoApplet's are its own; the others are this card's.
const (
	algRSA          = 0x02
	algECDSA        = 0x04
	algSHA256       = 0x40 // upper nibble in the mode in which the card is given the hash
	algSHA384       = 0x50
	algSHA512       = 0x60
	algIsoAppletRSA = 0x11
	algIsoAppletEC  = 0x21
)
