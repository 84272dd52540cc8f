package signcard

import "fmt"

// File identifiers of the EstEID 3.x kind of card, of which the AzeDIT
// ("Azerbaijani Digital Identity Token") is one.
const (
	fidEstEID      = 0xEEEE
	fidAuthCert    = 0xAACE
	fidSigningCert = 0xDDCE
	estEIDCertSize = 1536
)

// buildAzeDIT lays a card out as an AzeDIT 3.5: no PKCS#15, files with fixed
// identifiers, tries in records, and keys that are chosen by security environment
// 1. What is known of it is OpenSC's driver for EstEID 3.x (up to OpenSC 0.24).
func (c *Card) buildAzeDIT() (*file, error) {
	mf := &file{fid: fidMF, df: true}
	mf.add(&file{fid: fidPINs, records: c.tryRecords})
	df := mf.add(&file{fid: fidEstEID, df: true, name: aidAzeDIT})
	if len(c.cfg.Pairs) > 2 {
		return nil, fmt.Errorf("signcard: an AzeDIT has two pairs, not %d", len(c.cfg.Pairs))
	}
	for _, p := range c.cfg.Pairs {
		fid := fidAuthCert
		if p.Signing {
			fid = fidSigningCert
		}
		df.add(&file{fid: fid, body: c.cfg.Layout.padded(p.Certificate, estEIDCertSize)})
	}
	return mf, nil
}

// restore is the card's own environment 1: each key has its one purpose.
func (c *Card) restore() int {
	if c.cfg.Applet != AzeDIT {
		return swNotSupported
	}
	for i := range c.cfg.Pairs {
		p := &c.cfg.Pairs[i]
		if p.Signing {
			c.env.sign = p
		} else {
			c.env.auth = p
		}
	}
	return swOK
}
