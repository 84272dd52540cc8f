package identity

import (
	"bytes"
	"crypto/x509"
	"errors"
	"slices"
	"time"
)

func parseLeaf(text string) (*x509.Certificate, error) {
	der, err := decode(text)
	if err != nil {
		return nil, refuse(CertMalformed, "the certificate is no base64")
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil || !bytes.Equal(leaf.Raw, der) {
		return nil, refuse(CertMalformed, "the certificate is no X.509")
	}
	return leaf, nil
}

// checkLeaf is what can be said of a certificate before anybody vouches for it.
func checkLeaf(leaf *x509.Certificate, now time.Time) error {
	switch {
	case now.Before(leaf.NotBefore):
		return refuse(CertNotYetValid, "its time has not begun")
	case now.After(leaf.NotAfter):
		return refuse(CertExpired, "its time is over")
	case leaf.IsCA:
		return refuse(CertPurpose, "it is an issuer's")
	case leaf.KeyUsage&x509.KeyUsageDigitalSignature == 0:
		// The signing certificate of the same card has nonRepudiation alone.
		return refuse(CertPurpose, "its key usage lacks digitalSignature")
	case len(leaf.ExtKeyUsage)+len(leaf.UnknownExtKeyUsage) > 0 && !slices.Contains(leaf.ExtKeyUsage, x509.ExtKeyUsageClientAuth):
		return refuse(CertPurpose, "its extended key usage lacks clientAuth")
	case len(leaf.UnhandledCriticalExtensions) > 0:
		// It is limited in a way that is not understood here.
		return refuse(CertPurpose, "it has a critical extension that is not known")
	}
	return nil
}

// chainOf is a path from leaf to a configured root, both included.
func chainOf(leaf *x509.Certificate, trust Trust, now time.Time) ([]*x509.Certificate, error) {
	// Never nil: x509 would take the machine's own roots.
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	for _, c := range trust.Roots {
		roots.AddCert(c)
	}
	for _, c := range trust.Intermediates {
		between.AddCert(c)
	}
	chains, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.IncompatibleUsage:
		return nil, refuse(CertPurpose, "its issuer may not issue for clientAuth")
	case err != nil || len(chains[0]) < 2:
		return nil, refuse(CertUnknown, "it does not come from a configured root")
	}
	return chains[0], nil
}
