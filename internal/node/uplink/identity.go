package uplink

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"time"

	"connectrpc.com/connect"

	"github.com/gabionhq/gabion/wire"
	"github.com/gabionhq/gabion/wire/wirepb"
)

// identity is who the node is to its cloud. It is written once at enrolment
// and again when the certificate is renewed; the key is in a file of its own.
type identity struct {
	Node        string `json:"node_id"`
	Group       string `json:"group_id"`
	Region      string `json:"region"`
	Address     string `json:"address"` // of the cloud, as the token said
	Certificate []byte `json:"certificate"`
	CA          []byte `json:"ca"`
	RulesetKey  []byte `json:"ruleset_key"`

	certificate tls.Certificate
	ca          *x509.CertPool
}

const (
	identityFile = "identity.json"
	keyName      = "node.key"     // PKCS #8, DER
	nextKeyName  = "node.key.new" // of a renewal that is under way
)

// loadIdentity reads what enrolment left. Without any, the error is
// fs.ErrNotExist.
func loadIdentity(dir string) (*identity, error) {
	b, err := os.ReadFile(filepath.Join(dir, identityFile))
	if err != nil {
		return nil, fmt.Errorf("reading the node's identity: %w", err)
	}
	id := new(identity)
	if err := json.Unmarshal(b, id); err != nil {
		return nil, fmt.Errorf("reading the node's identity: %s is damaged: restore it, or remove it and enrol again: %w", identityFile, err)
	}
	// A renewal may have ended between its two files.
	for _, name := range []string{keyName, nextKeyName} {
		key, err := readKey(filepath.Join(dir, name))
		if err != nil {
			continue
		}
		if err = id.use(key); err == nil {
			return id, nil
		}
	}
	return nil, fmt.Errorf("reading the node's identity: no key in %s fits its certificate: restore it, or remove %s and enrol again", dir, identityFile)
}

// use checks that all parts fit together and makes them ready.
func (id *identity) use(key *ecdsa.PrivateKey) error {
	leaf, err := x509.ParseCertificate(id.Certificate)
	if err != nil {
		return fmt.Errorf("parsing the node's certificate: %w", err)
	}
	if !key.PublicKey.Equal(leaf.PublicKey) {
		return errors.New("the node's certificate is for another key")
	}
	ca, err := x509.ParseCertificate(id.CA)
	if err != nil {
		return fmt.Errorf("parsing the cloud's CA: %w", err)
	}
	if len(id.RulesetKey) != ed25519.PublicKeySize {
		return errors.New("the key that signs rulesets has a wrong size")
	}
	id.certificate = tls.Certificate{Certificate: [][]byte{id.Certificate}, PrivateKey: key, Leaf: leaf}
	id.ca = x509.NewCertPool()
	id.ca.AddCert(ca)
	return nil
}

func (id *identity) save(dir string) error {
	b, err := json.MarshalIndent(id, "", "  ")
	if err != nil {
		return err
	}
	return replace(filepath.Join(dir, identityFile), b)
}

// expires is when the certificate ends.
func (id *identity) expires() time.Time { return id.certificate.Leaf.NotAfter }

// renewAt is when a third of the certificate's life is left.
func (id *identity) renewAt() time.Time {
	leaf := id.certificate.Leaf
	return leaf.NotAfter.Add(-leaf.NotAfter.Sub(leaf.NotBefore) / 3)
}

// loadKey reads the key in dir, or makes it. It is kept before it is used, so
// that a repeated enrolment comes from the same key and is the same node.
func loadKey(dir string) (*ecdsa.PrivateKey, error) {
	path := filepath.Join(dir, keyName)
	key, err := readKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	return makeKey(path)
}

func readKey(path string) (*ecdsa.PrivateKey, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the node's key: %w", err)
	}
	key, err := x509.ParsePKCS8PrivateKey(b)
	if k, ok := key.(*ecdsa.PrivateKey); ok && err == nil {
		return k, nil
	}
	return nil, fmt.Errorf("reading the node's key: %s is damaged: restore it, or remove it and enrol again", path)
}

func makeKey(path string) (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making the node's key: %w", err)
	}
	b, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("making the node's key: %w", err)
	}
	return key, replace(path, b)
}

func request(key *ecdsa.PrivateKey) ([]byte, error) {
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		return nil, fmt.Errorf("making a certificate request: %w", err)
	}
	return csr, nil
}

// enrol turns a token into an identity.
func (u *Uplink) enrol(ctx context.Context, token wire.Token) (*identity, error) {
	key, err := loadKey(u.opts.Dir)
	if err != nil {
		return nil, err
	}
	csr, err := request(key)
	if err != nil {
		return nil, err
	}
	address, err := u.address(token.Address)
	if err != nil {
		return nil, err
	}
	client := u.client(address, pinned(token.CA, hostOf(address)))
	res, err := client.Enroll(ctx, connect.NewRequest(&wirepb.EnrollRequest{
		Token: u.opts.Token, Name: u.opts.Name, Csr: csr, WireVersion: wire.Version, Version: u.opts.Version,
	}))
	if err != nil {
		return nil, fmt.Errorf("enrolling at %s: %w", address, err)
	}
	m := res.Msg
	if m.Region != token.Region {
		return nil, fmt.Errorf("enrolling at %s: it is of region %q, the token is for %q", address, m.Region, token.Region)
	}
	id := &identity{Node: m.NodeId, Group: m.GroupId, Region: m.Region, Address: token.Address,
		Certificate: m.Certificate, CA: m.Ca, RulesetKey: m.RulesetKey}
	if err := id.use(key); err != nil {
		return nil, fmt.Errorf("enrolling at %s: %w", address, err)
	}
	if ca, err := x509.ParseCertificate(id.CA); err != nil || wire.Fingerprint(ca) != token.CA {
		return nil, fmt.Errorf("enrolling at %s: it sent a CA that the token does not name", address)
	}
	return id, id.save(u.opts.Dir)
}

// renew replaces the certificate, with a new key.
func (u *Uplink) renew(ctx context.Context, old *identity) (*identity, error) {
	next := filepath.Join(u.opts.Dir, nextKeyName)
	key, err := makeKey(next)
	if err != nil {
		return nil, err
	}
	csr, err := request(key)
	if err != nil {
		return nil, err
	}
	res, err := u.cloud().Renew(ctx, connect.NewRequest(&wirepb.RenewRequest{Csr: csr}))
	if err != nil {
		return nil, fmt.Errorf("renewing the node's certificate: %w", err)
	}
	id := &identity{Node: old.Node, Group: old.Group, Region: old.Region, Address: old.Address,
		Certificate: res.Msg.Certificate, CA: old.CA, RulesetKey: old.RulesetKey}
	if err := id.use(key); err != nil {
		return nil, fmt.Errorf("renewing the node's certificate: %w", err)
	}
	// Between these two steps both keys are there, and loadIdentity finds
	// the one that fits.
	if err := id.save(u.opts.Dir); err != nil {
		return nil, fmt.Errorf("keeping the renewed certificate: %w", err)
	}
	return id, os.Rename(next, filepath.Join(u.opts.Dir, keyName))
}

// pinned trusts exactly the CA with that fingerprint, which the server must
// send, for the host that was dialled.
func pinned(fingerprint [32]byte, host string) *tls.Config {
	verify := func(s tls.ConnectionState) error {
		roots, between := x509.NewCertPool(), x509.NewCertPool()
		found := false
		for _, c := range s.PeerCertificates {
			between.AddCert(c)
			if wire.Fingerprint(c) == fingerprint {
				roots.AddCert(c)
				found = true
			}
		}
		if !found {
			return errors.New("the server does not show the CA that the token names: it is another cloud, or somebody in between")
		}
		_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{DNSName: host, Roots: roots, Intermediates: between})
		return err
	}
	// The usual verification has no root to start from; verify replaces it.
	return &tls.Config{InsecureSkipVerify: true, VerifyConnection: verify, MinVersion: tls.VersionTLS13} //nolint:gosec
}

func hostOf(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return host
}

// replace writes a file that only its owner can read, in one step.
func replace(path string, b []byte) error {
	f, err := os.OpenFile(path+".tmp", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(path+".tmp", path)
}
