package main

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/asan-kiosk/kiosk/daemon/admin"
	"github.com/asan-kiosk/kiosk/daemon/journal"
)

// How kioskctl speaks. Short lines that can be read over a telephone; times as on
// the clock in the hall; no colours, no boxes. Whatever comes out of a record is
// made harmless first: a terminal emulator obeys control characters.

const timeFormat = "2006-01-02 15:04:05.000"

// widthOfContent is how many characters of a record's content a line shows.
const widthOfContent = 100

var baku = func() *time.Location {
	l, err := time.LoadLocation("Asia/Baku")
	if err != nil { // cannot be: the zones are built in
		return time.FixedZone("+04", 4*60*60)
	}
	return l
}()

// clock is a time as on the clock in the hall.
func clock(wall int64) string { return time.UnixMilli(wall).In(baku).Format(timeFormat) }

// trustMark follows a time that nobody vouches for.
func trustMark(sync string) string {
	switch sync {
	case journal.SyncSynced:
		return " "
	case journal.SyncHeld:
		return "~"
	}
	return "?"
}

func (p *program) writeRecord(r journal.Record, full bool) error {
	visit := harmless(r.Visit)
	if visit == "" {
		visit = "-"
	}
	content := harmless(string(r.Body))
	if !full {
		content = shorten(content, widthOfContent)
	}
	_, err := fmt.Fprintf(p.out, "%8d  %s%s %-22s %-36s  %s\n", r.Seq, clock(r.Wall), trustMark(r.Sync), harmless(string(r.Kind)), visit, content)
	return err
}

func (p *program) writeMoment(m admin.Moment, title bool) error {
	head := ""
	switch {
	case m.UpTo == 0:
		head = "the journal has no record yet\n"
	case title && m.Closed:
		head = fmt.Sprintf("== at the end of a cassette period: record %d, %s\n", m.UpTo, clock(m.Wall))
	case title:
		head = fmt.Sprintf("== now: record %d, %s\n", m.UpTo, clock(m.Wall))
	}
	verdict := "the equation holds"
	if !m.Holds {
		verdict = "THE EQUATION DOES NOT HOLD: keep the journal, take the terminal out of service, call the office"
	}
	_, err := fmt.Fprintf(p.out, "%s%s\n%s\n", head, strings.TrimRight(m.Text, "\n"), verdict)
	return err
}

// harmless replaces what a terminal emulator would act upon.
func harmless(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}

func shorten(s string, n int) string {
	count := 0
	for i := range s {
		if count++; count > n {
			return s[:i] + "…"
		}
	}
	return s
}

// parseKey reads a public ed25519 key: a PEM block "PUBLIC KEY" (RFC 8410), or 64
// hexadecimal digits.
func parseKey(b []byte) (ed25519.PublicKey, error) {
	if block, _ := pem.Decode(b); block != nil {
		k, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("public key: %w", err)
		}
		key, ok := k.(ed25519.PublicKey)
		if !ok {
			return nil, errors.New("public key: it is not an ed25519 key")
		}
		return key, nil
	}
	raw, err := hex.DecodeString(strings.TrimSpace(string(b)))
	if err != nil || len(raw) != ed25519.PublicKeySize {
		return nil, errors.New("public key: neither PEM nor 64 hexadecimal digits")
	}
	return raw, nil
}
