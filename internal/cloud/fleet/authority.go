// Package fleet knows the nodes: how they enrol, which are connected, what they run and what they are told.
package fleet

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"
)

const (
	caLife   = 20 * 365 * 24 * time.Hour
	nodeLife = 365 * 24 * time.Hour // nodes renew long before
	hostLife = 30 * 24 * time.Hour  // made anew at half of it
	backdate = time.Hour            // a node's clock may be behind ours
)

// Authority is the region's root of trust. Its only secret is region.key;
// the CA's key and every tenant's ruleset key are derived from it, so no
// private key is in the database or its backups.
type Authority struct {
	region string
	seed   []byte
	key    ed25519.PrivateKey
	cert   *x509.Certificate
	pool   *x509.CertPool
}

// OpenAuthority reads the authority in dir, or makes one at the first start.
func OpenAuthority(dir, region string) (*Authority, error) {
	seed, err := readOrMake(filepath.Join(dir, "region.key"), func() ([]byte, error) {
		seed := make([]byte, 32)
		_, err := rand.Read(seed)
		return seed, err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the region's key: %w", err)
	}
	if len(seed) != 32 {
		return nil, fmt.Errorf("reading the region's key: %s holds %d bytes instead of 32", filepath.Join(dir, "region.key"), len(seed))
	}
	a := &Authority{region: region, seed: seed, pool: x509.NewCertPool()}
	a.key = a.derive("wire ca")
	der, err := readOrMake(filepath.Join(dir, "region-ca.der"), a.makeCA)
	if err != nil {
		return nil, fmt.Errorf("reading the region's CA: %w", err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		return nil, fmt.Errorf("reading the region's CA: %w", err)
	}
	if !a.key.Public().(ed25519.PublicKey).Equal(a.cert.PublicKey) {
		return nil, errors.New("reading the region's CA: it does not belong to region.key")
	}
	if a.cert.Subject.CommonName != a.name() {
		return nil, fmt.Errorf("this data directory belongs to %q, not to region %q", a.cert.Subject.CommonName, region)
	}
	a.pool.AddCert(a.cert)
	return a, nil
}

// readOrMake reads a small secret file, or makes it. The link is atomic: two
// processes that start at once agree on one.
func readOrMake(path string, create func() ([]byte, error)) ([]byte, error) {
	b, err := os.ReadFile(path)
	if !errors.Is(err, os.ErrNotExist) {
		return b, err
	}
	if b, err = create(); err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // 0600
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(b)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, err
	}
	return os.ReadFile(path)
}

func (a *Authority) name() string { return "Gabion region " + a.region }

func (a *Authority) derive(purpose string) ed25519.PrivateKey {
	seed, err := hkdf.Key(sha256.New, a.seed, nil, "gabion "+purpose, ed25519.SeedSize)
	if err != nil {
		panic("BUG: deriving a key: " + err.Error())
	}
	return ed25519.NewKeyFromSeed(seed)
}

func (a *Authority) makeCA() ([]byte, error) {
	t, err := template(a.name(), caLife)
	if err != nil {
		return nil, err
	}
	t.IsCA, t.BasicConstraintsValid, t.MaxPathLenZero = true, true, true
	t.KeyUsage = x509.KeyUsageCertSign
	return x509.CreateCertificate(rand.Reader, t, t, a.key.Public(), a.key)
}

func template(name string, life time.Duration) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    now.Add(-backdate),
		NotAfter:     now.Add(life),
		KeyUsage:     x509.KeyUsageDigitalSignature,
	}, nil
}

// Server returns the source of the wire listener's certificate for these
// names and addresses. The CA stands behind it in the chain: a node that
// enrols pins it.
func (a *Authority) Server(hosts ...string) func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	var mu sync.Mutex
	var cert *tls.Certificate
	var made time.Time
	return func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		mu.Lock()
		defer mu.Unlock()
		if cert != nil && time.Since(made) < hostLife/2 {
			return cert, nil
		}
		fresh, err := a.server(hosts)
		if err != nil {
			return nil, fmt.Errorf("making the wire certificate: %w", err)
		}
		cert, made = fresh, time.Now()
		return cert, nil
	}
}

func (a *Authority) server(hosts []string) (*tls.Certificate, error) {
	t, err := template("Gabion wire", hostLife)
	if err != nil {
		return nil, err
	}
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, h)
		}
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.CreateCertificate(rand.Reader, t, a.cert, public, a.key)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der, a.cert.Raw}, PrivateKey: private}, nil
}

// node signs the certificate of a node.
func (a *Authority) node(id string, csr *x509.CertificateRequest) ([]byte, error) {
	t, err := template(id, nodeLife)
	if err != nil {
		return nil, err
	}
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	return x509.CreateCertificate(rand.Reader, t, a.cert, csr.PublicKey, a.key)
}

// nodeID is the node that a certificate names, if this authority made it.
func (a *Authority) nodeID(cert *x509.Certificate) (string, error) {
	_, err := cert.Verify(x509.VerifyOptions{Roots: a.pool, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	return cert.Subject.CommonName, err
}

// RulesetKey signs the rulesets of one tenant.
func (a *Authority) RulesetKey(tenant string) ed25519.PrivateKey {
	return a.derive("ruleset " + tenant)
}
