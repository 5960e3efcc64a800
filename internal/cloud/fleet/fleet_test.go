package fleet

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/gabionhq/gabion/internal/cloud/store"
	"github.com/gabionhq/gabion/wire/wirepb"
)

func TestAuthority(t *testing.T) {
	dir := t.TempDir()
	a, err := OpenAuthority(dir, "eu1")
	if err != nil {
		t.Fatal(err)
	}
	b, err := OpenAuthority(dir, "eu1")
	if err != nil {
		t.Fatal(err)
	}
	if !a.cert.Equal(b.cert) || !a.RulesetKey("t").Equal(b.RulesetKey("t")) {
		t.Error("another start made other keys")
	}
	if a.RulesetKey("t").Equal(a.RulesetKey("u")) {
		t.Error("two tenants have one key")
	}
	for _, name := range []string{"region.key", "region-ca.der"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	if _, err := OpenAuthority(dir, "us1"); err == nil || !strings.Contains(err.Error(), "eu1") {
		t.Errorf("opened as another region: %v", err)
	}
	wrong := func(name string, content []byte, want string) {
		t.Helper()
		broken := t.TempDir()
		for _, f := range []string{"region.key", "region-ca.der"} {
			b, err := os.ReadFile(filepath.Join(dir, f))
			if err != nil {
				t.Fatal(err)
			}
			if f == name {
				b = content
			}
			if err := os.WriteFile(filepath.Join(broken, f), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := OpenAuthority(broken, "eu1"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s of %d bytes: %v, wants %q", name, len(content), err, want)
		}
	}
	wrong("region.key", nil, "0 bytes instead of 32")
	wrong("region.key", bytes.Repeat([]byte{1}, 32), "does not belong")
	wrong("region-ca.der", []byte("x"), "reading the region's CA")
}

// TestTokenOnce: of many nodes with one token, one enrols; and it may ask
// again, if it did not hear the answer.
func TestTokenOnce(t *testing.T) {
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "cloud.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	a, err := OpenAuthority(t.TempDir(), "eu1")
	if err != nil {
		t.Fatal(err)
	}
	f := New(db, a, func() string { return "127.0.0.1:1" }, slog.Default())
	s := db.Tenant("a")
	if err := s.Insert(t.Context(), &store.Group{ID: "g", Name: "default"}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := f.NewToken(t.Context(), s, "none"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a token for no group: %v", err)
	}
	token, _, err := f.NewToken(t.Context(), s, "g")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	winners := map[string][]byte{}
	for range 8 {
		wg.Go(func() {
			_, key, err := ed25519.GenerateKey(rand.Reader)
			if err != nil {
				t.Error(err)
			}
			csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
			if err != nil {
				t.Error(err)
			}
			res, err := f.Enroll(t.Context(), &wirepb.EnrollRequest{Token: token, Csr: csr})
			if err != nil && !errors.Is(err, ErrRefused) {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				winners[res.NodeId] = csr
			}
		})
	}
	wg.Wait()
	if len(winners) != 1 {
		t.Fatalf("%d nodes enrolled with one token", len(winners))
	}
	for id, csr := range winners {
		res, err := f.Enroll(t.Context(), &wirepb.EnrollRequest{Token: token, Csr: csr})
		if err != nil || res.NodeId != id {
			t.Errorf("again: %v", err)
		}
		cert, err := x509.ParseCertificate(res.Certificate)
		if err != nil {
			t.Fatal(err)
		}
		if node, err := f.Authenticate(t.Context(), cert); err != nil || node.ID != id || node.Tenant != "a" {
			t.Errorf("its certificate: %+v, %v", node, err)
		}
		if _, err := f.Authenticate(t.Context(), a.cert); !errors.Is(err, ErrRefused) {
			t.Errorf("the CA as a node: %v", err)
		}
		csr[len(csr)-1]++
		if _, err := f.Enroll(t.Context(), &wirepb.EnrollRequest{Token: token, Csr: csr}); !errors.Is(err, ErrRequest) {
			t.Errorf("a forged request: %v", err)
		}
	}
}
