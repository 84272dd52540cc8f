package signcard

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"io"
	"time"
)

// Applet is a kind of card.
type Applet string

const (
	PKCS15     Applet = "pkcs15" // also the empty Applet
	PIV        Applet = "piv"
	AzeDIT     Applet = "azedit"
	NationalID Applet = "national-id" // the national identity card: its applet is not known
)

// The PINs of a card, as Tries and Pair.PIN count them.
const (
	PIN1 = 1 // for logging in
	PIN2 = 2 // for signing documents
	PUK  = 3
)

// Config is one card. What is left zero takes the value that the comment names.
type Config struct {
	Applet Applet
	ATR    []byte // nil: the applet's own
	// Mute: something is in the reader and does not answer at all (upside down,
	// dirty contacts). ATR is nil and Command is silent.
	Mute bool

	Serial       []byte // nil: eight bytes, always the same
	Manufacturer string // "e-imza"
	Label        string // "Elektron imza"

	Pairs           []Pair
	PIN1, PIN2, PUK PIN // a PIN with no Value is not on the card
	Layout          Layout
	Speed           Speed
	Faults          []Fault

	Rand io.Reader // for ECDSA and GET CHALLENGE; nil: crypto/rand
}

// Pair is a certificate with its private key.
type Pair struct {
	Label       string        // "Certificate n"
	ID          []byte        // one byte, 45h for the first and so on
	Certificate []byte        // DER
	Key         crypto.Signer // RSA of 2048 bits or more, or P-256, P-384
	KeyRef      byte          // 11h for the first and so on
	PIN         int           // PIN1 or PIN2; zero: PIN1
	Signing     bool          // for documents: the key's usage is non-repudiation
	UserConsent bool          // the PIN must be verified before every signature
}

// PINType is how digits become bytes (ISO/IEC 7816-15, PasswordType).
type PINType string

const (
	PINASCII   PINType = "ascii" // also the empty PINType
	PINUTF8    PINType = "utf-8"
	PINBCD     PINType = "bcd"      // two digits a byte
	PINHalfBCD PINType = "half-bcd" // one digit a byte, upper nibble F
	PINISO9564 PINType = "iso9564"  // 2n, two digits a byte, FF to the end
)

// PIN is one PIN or PUK of the card.
type PIN struct {
	Value     string
	Reference byte // PIN1 01, PIN2 02, PUK 03; on a PIV card 80 for all; upper bit: local
	Tries     int  // 3; PUK 10
	Left      int  // on the new card: as Tries. Blocked says none
	Blocked   bool
	NotSet    bool // never activated
	Min       int  // 4; PIN2 6; PUK 8
	Max       int  // 12
	Type      PINType
	// Padded: what is sent is filled with Pad up to Stored bytes.
	Padded bool
	Pad    byte
	Stored int // 12; with Padded 16
}

// ECDSAForm is how the card writes a signature of an EC key.
type ECDSAForm string

const (
	ECDSARaw ECDSAForm = "raw" // r||s, also the empty form
	ECDSADER ECDSAForm = "der" // SEQUENCE { r, s }
)

// SignInput is what the card wants of the terminal for a signature.
type SignInput string

const (
	SignDigest SignInput = "digest" // PSO with DigestInfo (RSA) or hash (ECDSA); also the empty one
	SignHash   SignInput = "hash"   // PSO: HASH with the hash, then PSO without data
	SignRaw    SignInput = "raw"    // RSA: PSO with the whole padded block; ECDSA as SignDigest
)

// Compression of certificates in their files.
type Compression string

const (
	Plain Compression = ""
	Zlib  Compression = "zlib"
	Gzip  Compression = "gzip"
)

// TryCounter is how the card tells how many tries are left, besides VERIFY.
type TryCounter string

const (
	CounterNone    TryCounter = ""
	CounterGetData TryCounter = "get-data" // 00 CB 00 FF, tag DF21
	CounterRecord  TryCounter = "record"   // EF 0016 in the MF
)

// Layout holds the ways in which cards differ. The zero Layout is a plain card:
// it is found by its AID, by EF.DIR and at 3F00/5015, answers SELECT with FCI or
// FCP as asked, gives sizes, takes short commands and chains, gives answers at
// once, wants DigestInfo for RSA and the hash for ECDSA, answers r||s, and tells
// the tries by VERIFY without data.
type Layout struct {
	// Finding the application.
	PathOnly   bool // files are selected by path from the MF only, not by AID or one by one
	FIDOnly    bool // files are selected one by one only, not by path
	NoDIR      bool // no EF.DIR
	ISOForm    bool // the AID has ISO/IEC 7816-15's form, and the application lies at 3F00/4F00
	DIRRecords bool // EF.DIR is made of records

	// Answers to SELECT.
	FCP    bool // only FCP (tag 62); SELECT that asks for FCI is refused with 6A86
	NoSize bool // no size of a file is told

	// Contents.
	NonMinimal     bool // lengths are written longer than needed
	PadFF          bool // unused bytes of files are FF and not 00
	RelativePaths  bool // paths count from the application's folder
	PaddedCert     bool // a certificate's file is longer than the certificate
	Compressed     Compression
	InlineCert     bool // certificates stand in the CDF itself
	NoAlgorithms   bool // TokenInfo does not tell algorithm references
	SignedKeyRef   bool // key references of 80 and more are written as negative integers
	SigningDF      bool // PIN2 and its pairs live in a folder of their own, and PIN2 is local to it
	DirectorySize  int  // bytes of a directory file; zero: its contents and 32 more
	SpareDirectory bool // ODF names kinds of objects that are of no use for signing, too

	// Transport.
	GetResponse bool // 61xx: every answer to a command with data must be fetched
	ExactLe     bool // 6Cxx: an answer of another length than asked must be asked for again
	Extended    bool // extended lengths are understood, and the ATR says so
	NoChaining  bool // chains are refused

	// PINs.
	NoTryQuery bool // VERIFY without data is refused
	Counter    TryCounter
	Wrong6300  bool // a wrong PIN is answered with 6300, without the number of tries left

	// Signing.
	Input SignInput
	ECDSA ECDSAForm
}

// Speed is how long a chip takes; see Answer.Delay.
type Speed struct {
	Command   time.Duration // any command
	Signature time.Duration // one that signs, in addition
}

// withDefaults fills in what is left out, and says what cannot be.
func (cfg Config) withDefaults() (Config, error) {
	if cfg.Applet == "" {
		cfg.Applet = PKCS15
	}
	atr, known := defaultATR[cfg.Applet]
	if !known {
		return cfg, fmt.Errorf("signcard: no applet %q", cfg.Applet)
	}
	if cfg.ATR == nil {
		cfg.ATR = atr
		if cfg.Applet == PKCS15 {
			cfg.ATR = pkcs15ATR(cfg.Layout)
		}
	}
	if len(cfg.ATR) < 2 || len(cfg.ATR) > 33 {
		return cfg, fmt.Errorf("signcard: an ATR of %d bytes: 2 to 33 are possible", len(cfg.ATR))
	}
	if cfg.Serial == nil {
		cfg.Serial = []byte{0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77}
	}
	if cfg.Manufacturer == "" {
		cfg.Manufacturer = "e-imza"
	}
	if cfg.Label == "" {
		cfg.Label = "Elektron imza"
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	for n, p := range map[int]*PIN{PIN1: &cfg.PIN1, PIN2: &cfg.PIN2, PUK: &cfg.PUK} {
		if err := p.fill(n, cfg.Applet); err != nil {
			return cfg, err
		}
	}
	if len(cfg.Pairs) > 8 {
		return cfg, fmt.Errorf("signcard: %d pairs: a card has room for 8", len(cfg.Pairs))
	}
	pairs := make([]Pair, len(cfg.Pairs))
	for i, p := range cfg.Pairs {
		if p.ID == nil {
			p.ID = []byte{0x45 + byte(i)}
		}
		if p.Label == "" {
			p.Label = fmt.Sprintf("Certificate %d", i+1)
		}
		if p.KeyRef == 0 {
			p.KeyRef = 0x11 + byte(i)
		}
		if p.PIN == 0 {
			p.PIN = PIN1
		}
		if p.PIN != PIN1 && p.PIN != PIN2 {
			return cfg, fmt.Errorf("signcard: pair %d: no PIN %d guards a key", i+1, p.PIN)
		}
		if cfg.pin(p.PIN).Value == "" {
			return cfg, fmt.Errorf("signcard: pair %d: PIN %d is not on the card", i+1, p.PIN)
		}
		if _, err := keySize(p.Key); err != nil {
			return cfg, fmt.Errorf("signcard: pair %d: %w", i+1, err)
		}
		pairs[i] = p
	}
	cfg.Pairs = pairs
	return cfg, nil
}

func (cfg *Config) pin(n int) *PIN {
	switch n {
	case PIN1:
		return &cfg.PIN1
	case PIN2:
		return &cfg.PIN2
	}
	return &cfg.PUK
}

func (p *PIN) fill(n int, applet Applet) error {
	if p.Value == "" {
		return nil
	}
	if p.Type == "" {
		p.Type = PINASCII
	}
	set := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	set(&p.Tries, map[int]int{PIN1: 3, PIN2: 3, PUK: 10}[n])
	set(&p.Left, p.Tries)
	set(&p.Min, map[int]int{PIN1: 4, PIN2: 6, PUK: 8}[n])
	set(&p.Max, 12)
	if p.Blocked {
		p.Left = 0
	}
	if applet == PIV { // SP 800-73-4 part 2, 2.4.3
		p.Padded, p.Pad, p.Stored, p.Min, p.Max = true, 0xFF, 8, 6, 8
	}
	if p.Type == PINISO9564 { // ISO 9564-1 format 2: eight bytes
		p.Padded, p.Pad, p.Stored = true, 0xFF, 8
	}
	if p.Padded {
		set(&p.Stored, 16)
	}
	set(&p.Stored, 12)
	if p.Reference == 0 && applet != AzeDIT {
		p.Reference = byte(n)
	}
	if applet == AzeDIT {
		p.Reference = byte(n % PUK) // its PUK is 0
	}
	if applet == PIV && n != PUK {
		p.Reference = 0x80
	}
	if p.Tries > 15 || p.Left > p.Tries || p.Left < 0 {
		return fmt.Errorf("signcard: PIN %d: %d of %d tries left: a card counts to 15", n, p.Left, p.Tries)
	}
	if len(p.Value) < p.Min || len(p.Value) > p.Max || len(p.block()) > p.Stored {
		return fmt.Errorf("signcard: PIN %d has %d characters: %d to %d are possible, in %d bytes",
			n, len(p.Value), p.Min, p.Max, p.Stored)
	}
	return nil
}

// keySize is how many bytes a signature takes: those of the modulus, or twice
// those of the curve's order.
func keySize(key crypto.Signer) (int, error) {
	if key == nil {
		return 0, fmt.Errorf("no private key")
	}
	switch pub := key.Public().(type) {
	case *rsa.PublicKey:
		if pub.Size() < 256 {
			return 0, fmt.Errorf("an RSA key of %d bits is too short", pub.N.BitLen())
		}
		return pub.Size(), nil
	case *ecdsa.PublicKey:
		if pub.Curve != elliptic.P256() && pub.Curve != elliptic.P384() {
			return 0, fmt.Errorf("no card of this kind has keys on %s", pub.Curve.Params().Name)
		}
		return 2 * ((pub.Curve.Params().BitSize + 7) / 8), nil
	}
	return 0, fmt.Errorf("a key of type %T is not for cards", key.Public())
}
