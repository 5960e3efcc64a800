// Package attack groups hits into attacks: same class, point and endpoint, gaps of at most one hour.
package attack

import (
	"cmp"
	"context"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gabionhq/gabion/internal/cloud/store"
)

// Gap is the longest silence inside of one attack.
const Gap = int64(time.Hour / time.Millisecond)

// Add stores the hits that are new and groups them. It runs inside of the
// caller's transaction. The grouping does not depend on the order in which
// hits arrive: a late one may join two attacks into one.
func Add(ctx context.Context, s store.Scope, hits []store.Hit) error {
	fresh, err := unknown(ctx, s, hits)
	if err != nil || len(fresh) == 0 {
		return err
	}
	slices.SortFunc(fresh, func(a, b *store.Hit) int {
		return cmp.Or(strings.Compare(identity(a), identity(b)), cmp.Compare(a.At, b.At), strings.Compare(a.ID, b.ID))
	})
	for from := 0; from < len(fresh); {
		to := from + 1
		for to < len(fresh) && identity(fresh[to]) == identity(fresh[from]) {
			to++
		}
		if err := group(ctx, s, identity(fresh[from]), fresh[from:to]); err != nil {
			return err
		}
		from = to
	}
	slices.SortFunc(fresh, func(a, b *store.Hit) int { return strings.Compare(a.ID, b.ID) })
	for _, h := range fresh {
		if err := s.Emit(ctx, "hit", h.ID, h); err != nil {
			return err
		}
	}
	return store.InsertAll(ctx, s, fresh)
}

// unknown leaves out the hits that are stored, and repeats in the batch.
func unknown(ctx context.Context, s store.Scope, hits []store.Hit) ([]*store.Hit, error) {
	ids := make([]string, len(hits))
	for i, h := range hits {
		ids[i] = h.ID
	}
	known, err := store.Known(ctx, s, (*store.Hit)(nil), ids)
	if err != nil {
		return nil, err
	}
	var fresh []*store.Hit
	for i := range hits {
		if id := hits[i].ID; !known[id] {
			known[id] = true
			fresh = append(fresh, &hits[i])
		}
	}
	return fresh, nil
}

// identity is what the hits of one attack share. Names that are not revealed
// look alike; there the keys that nodes made of them tell them apart. Where
// all is revealed the text does, since groups of nodes have different keys.
func identity(h *store.Hit) string {
	endpoint, point := h.Host+" "+h.Method+" "+h.Path, h.Point
	if strings.Contains(endpoint, "<") && len(h.EndpointKey) > 0 {
		endpoint = hex.EncodeToString(h.EndpointKey)
	}
	if strings.Contains(point, "<") && len(h.PointKey) > 0 {
		point = hex.EncodeToString(h.PointKey)
	}
	return strings.Join([]string{strconv.Itoa(int(h.Application)), endpoint, h.Class, point}, "\n")
}

// A span is a stretch of time: a stored attack, or a new hit.
type span struct {
	began, at int64
	attack    *store.Attack
	hit       *store.Hit
}

// group puts new hits of one identity, in order of time, into attacks.
func group(ctx context.Context, s store.Scope, identity string, hits []*store.Hit) error {
	var near []store.Attack
	err := s.Select(&near).Where("identity = ?", identity).
		Where("at >= ?", hits[0].At-Gap).Where("began <= ?", hits[len(hits)-1].At+Gap).Scan(ctx)
	if err != nil {
		return err
	}
	spans := make([]span, 0, len(near)+len(hits))
	for i := range near {
		spans = append(spans, span{near[i].Began, near[i].At, &near[i], nil})
	}
	for _, h := range hits {
		spans = append(spans, span{h.At, h.At, nil, h})
	}
	slices.SortStableFunc(spans, func(a, b span) int { return cmp.Compare(a.began, b.began) })
	for from := 0; from < len(spans); {
		to, end := from+1, spans[from].at
		for to < len(spans) && spans[to].began-end <= Gap {
			end = max(end, spans[to].at)
			to++
		}
		if err := merge(ctx, s, identity, spans[from:to]); err != nil {
			return err
		}
		from = to
	}
	return nil
}

// merge makes one attack of spans: the oldest stored one, or a new one.
func merge(ctx context.Context, s store.Scope, identity string, spans []span) error {
	var into *store.Attack
	var joined []*store.Attack
	fresh := false
	for _, sp := range spans {
		if sp.attack != nil && (into == nil || sp.attack.ID < into.ID) {
			into, sp.attack = sp.attack, into
		}
		if sp.attack != nil {
			joined = append(joined, sp.attack)
		}
		fresh = fresh || sp.hit != nil
	}
	if !fresh {
		return nil
	}
	if into == nil {
		into = begin(identity, spans[0].hit)
		if err := s.Insert(ctx, into); err != nil {
			return err
		}
	}
	for _, other := range joined {
		if err := absorb(ctx, s, into, other); err != nil {
			return err
		}
	}
	for _, sp := range spans {
		if sp.hit == nil {
			continue
		}
		if err := add(ctx, s, into, sp.hit); err != nil {
			return err
		}
	}
	if err := s.Update(ctx, into); err != nil {
		return err
	}
	return s.Emit(ctx, "attack", into.ID, into)
}

func begin(identity string, h *store.Hit) *store.Attack {
	return &store.Attack{ID: store.NewID(), Identity: identity, At: h.At, Began: h.At, Application: h.Application,
		Host: h.Host, Method: h.Method, Path: h.Path, Class: h.Class, Point: h.Point, Reason: h.Reason, Fragment: h.Fragment}
}

func add(ctx context.Context, s store.Scope, a *store.Attack, h *store.Hit) error {
	h.Attack = a.ID
	a.Began, a.At = min(a.Began, h.At), max(a.At, h.At)
	a.Hits++
	if h.Decision == "block" {
		a.Blocked++
	}
	if h.Score > a.Score {
		a.Score, a.Reason, a.Fragment = h.Score, h.Reason, h.Fragment
	}
	a.Leak = cmp.Or(h.Leak, a.Leak)
	if h.Source == "" {
		return nil
	}
	fresh, err := s.InsertNew(ctx, &store.AttackSource{Attack: a.ID, Source: h.Source})
	if fresh {
		a.Sources++
	}
	return err
}

// absorb moves the hits and sources of another attack into a.
func absorb(ctx context.Context, s store.Scope, a, other *store.Attack) error {
	a.Began, a.At = min(a.Began, other.Began), max(a.At, other.At)
	a.Hits += other.Hits
	a.Blocked += other.Blocked
	a.Leak = cmp.Or(a.Leak, other.Leak)
	if other.Score > a.Score {
		a.Score, a.Reason, a.Fragment = other.Score, other.Reason, other.Fragment
	}
	if err := s.UpdateWhere(ctx, (*store.Hit)(nil), "attack_id = ?", a.ID, "attack_id = ?", other.ID); err != nil {
		return err
	}
	var sources []store.AttackSource
	if err := s.Select(&sources).Where("attack_id = ?", other.ID).Scan(ctx); err != nil {
		return err
	}
	for _, src := range sources {
		fresh, err := s.InsertNew(ctx, &store.AttackSource{Attack: a.ID, Source: src.Source})
		if err != nil {
			return err
		}
		if fresh {
			a.Sources++
		}
	}
	if err := s.DeleteWhere(ctx, (*store.AttackSource)(nil), "attack_id = ?", other.ID); err != nil {
		return err
	}
	return s.Delete(ctx, other)
}
