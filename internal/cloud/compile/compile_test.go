package compile

import (
	"context"
	"crypto/ed25519"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/gabionhq/gabion/internal/cloud/fleet"
	"github.com/gabionhq/gabion/internal/cloud/policy"
	"github.com/gabionhq/gabion/internal/cloud/store"
	"github.com/gabionhq/gabion/wire"
)

// TestLate: a policy that changed while nothing compiled is published when
// something does, once, to each group, under the tenant's key.
func TestLate(t *testing.T) {
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "cloud.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	keys := map[string]ed25519.PrivateKey{}
	for i, tenant := range []string{"a", "b"} {
		seed := make([]byte, ed25519.SeedSize)
		seed[0] = byte(i)
		keys[tenant] = ed25519.NewKeyFromSeed(seed)
		s := db.Tenant(tenant)
		for _, group := range []string{"1", "2"} {
			if err := s.Insert(t.Context(), &store.Group{ID: tenant + group, Name: group}); err != nil {
				t.Fatal(err)
			}
		}
		for range 3 {
			if _, err := policy.Create(t.Context(), s, "ana", policy.Rule{Kind: "mode", Mode: "block"}); err != nil {
				t.Fatal(err)
			}
		}
	}
	c := New(db, func(tenant string) ed25519.PrivateKey { return keys[tenant] }, slog.Default())
	newest := func(tenant, group string) store.Ruleset {
		t.Helper()
		r, err := fleet.Newest(t.Context(), db.Tenant(tenant), group)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			t.Fatal(err)
		}
		return r
	}
	for range 2 { // a second run finds nothing to do
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- c.Run(ctx) }()
		for deadline := time.Now().Add(10 * time.Second); newest("b", "b2").Policy != 3; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("nothing is published")
			}
		}
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		for _, at := range [][2]string{{"a", "a1"}, {"a", "a2"}, {"b", "b1"}, {"b", "b2"}} {
			r := newest(at[0], at[1])
			if err := db.Tenant(at[0]).Find(t.Context(), &r); err != nil {
				t.Fatal(err)
			}
			if r.Version != 1 || r.Policy != 3 {
				t.Errorf("group %s has version %d of policy %d", at[1], r.Version, r.Policy)
			}
			public := keys[at[0]].Public().(ed25519.PublicKey)
			if !wire.Verify(public, at[1], 1, r.Blob, r.Signature) || wire.Verify(public, "other", 1, r.Blob, r.Signature) {
				t.Errorf("group %s: the signature does not hold for it alone", at[1])
			}
		}
	}
}
