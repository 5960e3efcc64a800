package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// write makes a self-signed certificate for the name.
func write(t *testing.T, p Pair, name string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{p.Cert: {Type: "CERTIFICATE", Bytes: der}, p.Key: {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// served returns the name in the certificate that a client gets.
func served(t *testing.T, s *Store, name string) string {
	t.Helper()
	c, err := s.get(&tls.ClientHelloInfo{
		ServerName: name, SupportedVersions: []uint16{tls.VersionTLS13}, SignatureSchemes: []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256},
	})
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(c.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	return leaf.DNSNames[0]
}

func TestStore(t *testing.T) {
	dir := t.TempDir()
	one := Pair{filepath.Join(dir, "1.crt"), filepath.Join(dir, "1.key")}
	two := Pair{filepath.Join(dir, "2.crt"), filepath.Join(dir, "2.key")}
	write(t, one, "one.example")
	write(t, two, "two.example")
	s, err := New([]Pair{one, two}, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	f := func(asked, want string) {
		t.Helper()
		if got := served(t, s, asked); got != want {
			t.Errorf("%s got %s, want %s", asked, got, want)
		}
	}
	f("one.example", "one.example")
	f("two.example", "two.example")
	f("other.example", "one.example")

	// A renewal is noticed, half of one is not taken.
	later := time.Now().Add(time.Minute)
	if err := os.WriteFile(two.Key, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	os.Chtimes(two.Key, later, later)
	s.looked = time.Time{}
	f("two.example", "two.example")
	write(t, two, "three.example")
	later = later.Add(time.Minute)
	os.Chtimes(two.Cert, later, later)
	s.looked = time.Time{}
	f("three.example", "three.example")
}
