package fleet

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gabionhq/gabion/internal/cloud/store"
	"github.com/gabionhq/gabion/wire"
	"github.com/gabionhq/gabion/wire/wirepb"
)

// ErrRefused is what a node gets for a token or a certificate that is not,
// or no longer, accepted here.
var ErrRefused = errors.New("not accepted")

// TokenLife is how long an enrolment token can be used.
const TokenLife = time.Hour

// NewToken makes an enrolment token for a group. Its text is returned once;
// only the hash of its secret is stored.
func (f *Fleet) NewToken(ctx context.Context, s store.Scope, group string) (string, store.NodeToken, error) {
	if err := s.Find(ctx, &store.Group{ID: group}); err != nil {
		return "", store.NodeToken{}, fmt.Errorf("node group %s: %w", group, err)
	}
	t := wire.Token{Region: f.authority.region, CA: wire.Fingerprint(f.authority.cert), Address: f.address()}
	if _, err := rand.Read(t.Secret[:]); err != nil {
		return "", store.NodeToken{}, err
	}
	now := time.Now()
	row := store.NodeToken{ID: store.NewID(), Group: group, Hash: digest(t.Secret[:]), Created: now.UnixMilli(), Expires: now.Add(TokenLife).UnixMilli()}
	return t.String(), row, s.Insert(ctx, &row)
}

// Enroll makes a node of a token. The same node (by its key) may repeat the
// call: its first answer may have been lost.
func (f *Fleet) Enroll(ctx context.Context, req *wirepb.EnrollRequest) (*wirepb.EnrollResponse, error) {
	csr, err := parseRequest(req.Csr)
	if err != nil {
		return nil, err
	}
	text, err := wire.ParseToken(req.Token)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	if text.Region != f.authority.region {
		return nil, fmt.Errorf("%w: the token is of region %s, this is %s", ErrRefused, text.Region, f.authority.region)
	}
	token, err := f.db.NodeToken(ctx, digest(text.Secret[:]))
	if errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("%w: unknown token", ErrRefused)
	}
	if err != nil {
		return nil, err
	}
	key := digest(csr.RawSubjectPublicKeyInfo)
	s := f.db.Tenant(token.Tenant)
	err = s.Tx(ctx, func(s store.Scope) error {
		if err := s.Find(ctx, &token); err != nil { // again: another node may be faster
			return err
		}
		if token.Used != 0 && token.Key == key {
			return nil
		}
		if token.Used != 0 {
			return fmt.Errorf("%w: the token was used before", ErrRefused)
		}
		now := time.Now().UnixMilli()
		if now >= token.Expires {
			return fmt.Errorf("%w: the token has expired", ErrRefused)
		}
		node := store.Node{ID: uuid.Must(uuid.NewV7()).String(), Group: token.Group, Name: clip(req.Name, 253), Version: clip(req.Version, 64),
			Wire: req.WireVersion, Enrolled: now, Seen: now, Status: []byte("{}")}
		token.Used, token.Node, token.Key = now, node.ID, key
		if err := errors.Join(s.Insert(ctx, &node), s.Update(ctx, &token)); err != nil {
			return err
		}
		return errors.Join(
			s.Record(ctx, "node "+node.Name, "enrol", "node "+node.ID, map[string]string{"group": node.Group, "token": token.ID}),
			s.Emit(ctx, "node", node.ID, node))
	})
	if err != nil {
		return nil, err
	}
	return f.welcome(token.Tenant, token.Group, token.Node, csr)
}

// Renew signs a new key for a node that is known.
func (f *Fleet) Renew(node store.Node, req *wirepb.RenewRequest) (*wirepb.EnrollResponse, error) {
	csr, err := parseRequest(req.Csr)
	if err != nil {
		return nil, err
	}
	return f.welcome(node.Tenant, node.Group, node.ID, csr)
}

func (f *Fleet) welcome(tenant, group, node string, csr *x509.CertificateRequest) (*wirepb.EnrollResponse, error) {
	cert, err := f.authority.node(node, csr)
	if err != nil {
		return nil, fmt.Errorf("signing the certificate of node %s: %w", node, err)
	}
	return &wirepb.EnrollResponse{
		NodeId: node, GroupId: group, Region: f.authority.region,
		Certificate: cert, Ca: f.authority.cert.Raw,
		RulesetKey: f.authority.RulesetKey(tenant).Public().(ed25519.PublicKey),
	}, nil
}

// ErrRequest is a certificate request that cannot be signed.
var ErrRequest = errors.New("certificate request")

// maxRequest bounds a certificate request, which strangers send: checking the
// signature of a key of a million bits takes seconds.
const maxRequest = 4 << 10

func parseRequest(der []byte) (*x509.CertificateRequest, error) {
	if len(der) > maxRequest {
		return nil, fmt.Errorf("%w: of %d bytes, more than %d", ErrRequest, len(der), maxRequest)
	}
	csr, err := x509.ParseCertificateRequest(der)
	if err == nil {
		err = csr.CheckSignature()
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRequest, err)
	}
	return csr, nil
}

// Authenticate finds the node that presents a certificate.
func (f *Fleet) Authenticate(ctx context.Context, cert *x509.Certificate) (store.Node, error) {
	if cert == nil {
		return store.Node{}, fmt.Errorf("%w: no client certificate", ErrRefused)
	}
	id, err := f.authority.nodeID(cert)
	if err != nil {
		return store.Node{}, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	node, err := f.db.Node(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return node, fmt.Errorf("%w: node %s is not known here", ErrRefused, id)
	}
	return node, err
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// clip bounds a text of a node and removes what no database stores.
func clip(s string, n int) string {
	return strings.ToValidUTF8(strings.ReplaceAll(s[:min(len(s), n)], "\x00", ""), "")
}
