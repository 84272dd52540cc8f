package identity

import (
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/asan-kiosk/kiosk/provisioning/centrald/identity/identitytest"
)

// FuzzOCSP: whatever a responder sends, nothing fails, and nothing that the issuer
// has not signed is a word.
func FuzzOCSP(f *testing.F) {
	noon := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	root, other := identitytest.Root(f, "Root", noon), identitytest.Root(f, "Root", noon)
	card := root.Issue(identitytest.ECKey(), nil)
	id, err := idOf(card.Cert, root.Cert)
	if err != nil {
		f.Fatal(err)
	}
	nonce := make([]byte, 32)
	f.Add(other.OCSP(card.Cert, nil, nil))
	f.Add(other.OCSP(card.Cert, &card, nil))
	f.Add(ocsp.InternalErrorErrorResponse)
	f.Fuzz(func(t *testing.T, raw []byte) {
		if w := ocspResponseWord(raw, card.Cert, root.Cert, id, nonce, noon); w != noWord {
			t.Fatalf("word %d", w)
		}
		sameQuestion(raw, id, nonce)
	})
}
