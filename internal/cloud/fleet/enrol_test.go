package fleet

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"strings"
	"testing"
)

// Strangers send certificate requests, which are checked before the token is
// looked at: that of an RSA key of 500,000 bits took 15 seconds.
func TestLongRequest(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	f := func(length int, want error) {
		t.Helper()
		der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{DNSNames: []string{strings.Repeat("x", length)}}, key)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parseRequest(der); !errors.Is(err, want) {
			t.Errorf("%d bytes: %v", len(der), err)
		}
	}
	f(1000, nil)
	f(maxRequest, ErrRequest)
}
