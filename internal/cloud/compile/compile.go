// Package compile turns a tenant's policy into the signed, versioned rulesets of its node groups.
package compile

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/gabionhq/gabion/internal/cloud/fleet"
	"github.com/gabionhq/gabion/internal/cloud/policy"
	"github.com/gabionhq/gabion/internal/cloud/store"
	"github.com/gabionhq/gabion/wire"
)

// Compiler publishes rulesets when policies change.
type Compiler struct {
	db  *store.DB
	key func(tenant string) ed25519.PrivateKey
	log *slog.Logger
}

// New returns a compiler that signs with a tenant's key.
func New(db *store.DB, key func(tenant string) ed25519.PrivateKey, log *slog.Logger) *Compiler {
	return &Compiler{db, key, log}
}

// consumer names the cursor of the compiler over events.
const consumer = "compile"

// Run follows the events of policies and groups until ctx ends.
func (c *Compiler) Run(ctx context.Context) error {
	for {
		changed := c.db.Changed()
		n, err := c.db.Consume(ctx, consumer, 1000, func(events []store.Event) error { return c.follow(ctx, events) })
		if err != nil && ctx.Err() == nil {
			c.log.Error("publishing rulesets", "err", err)
		}
		if n > 0 {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-time.After(5 * time.Second): // another process may have written; or try again
		}
	}
}

func (c *Compiler) follow(ctx context.Context, events []store.Event) error {
	done := map[string]bool{}
	for _, e := range events {
		if e.Kind != "policy" && e.Kind != "group" || done[e.Tenant] {
			continue
		}
		done[e.Tenant] = true
		if err := c.Publish(ctx, c.db.Tenant(e.Tenant)); err != nil {
			return err
		}
	}
	return nil
}

// Publish compiles the current policy for every group of the tenant and
// stores what differs from what the group has.
func (c *Compiler) Publish(ctx context.Context, s store.Scope) error {
	return s.Tx(ctx, func(s store.Scope) error {
		rules, err := policy.Rules(ctx, s)
		if err != nil {
			return err
		}
		version, err := policy.Version(ctx, s)
		if err != nil {
			return err
		}
		var groups []store.Group
		if err := s.Select(&groups).Order("id").Scan(ctx); err != nil {
			return err
		}
		for _, g := range groups {
			if err := c.publish(ctx, s, g.ID, version, rules); err != nil {
				return fmt.Errorf("publishing to group %s: %w", g.ID, err)
			}
		}
		return nil
	})
}

func (c *Compiler) publish(ctx context.Context, s store.Scope, group string, version int64, rules []policy.Rule) error {
	blob, err := policy.Blob(rules, group)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(blob)
	r := store.Ruleset{Group: group, At: time.Now().UnixMilli(), Policy: version, Digest: hex.EncodeToString(sum[:]), Blob: blob}
	newest, err := fleet.Newest(ctx, s, group)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if newest.Digest == r.Digest {
		newest.Policy = version // it is the ruleset of this version, too
		return s.Update(ctx, &newest, "policy")
	}
	r.Version = newest.Version + 1
	r.Signature = wire.Sign(c.key(s.Tenant()), group, uint64(r.Version), blob)
	if err := s.Insert(ctx, &r); err != nil {
		return err
	}
	if err := s.DeleteWhere(ctx, (*store.Ruleset)(nil), "group_id = ? AND version <= ?", group, r.Version-keep); err != nil {
		return err
	}
	return s.Emit(ctx, "ruleset", group, r)
}

// keep is how many rulesets of a group stay, to see what nodes ran.
const keep = 50
