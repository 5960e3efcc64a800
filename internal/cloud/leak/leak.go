// Package leak keeps what responses gave away, by endpoint and kind, and marks the hits whose effect it is.
package leak

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/gabionhq/gabion/internal/cloud/store"
)

// A Sighting is a leak as a node tells of it.
type Sighting struct {
	store.Leak          // of one response
	Node       string   // that tells
	Confirms   []string // the classes of the request's hits whose effect it is
}

// Add counts what nodes saw, and marks hits that were stored before. It runs
// inside of the caller's transaction, which makes each sighting count once.
func Add(ctx context.Context, s store.Scope, seen []Sighting) error {
	for i := range seen {
		if err := add(ctx, s, &seen[i]); err != nil {
			return fmt.Errorf("adding a leak: %w", err)
		}
	}
	return nil
}

func add(ctx context.Context, s store.Scope, seen *Sighting) error {
	confirmed, err := confirm(ctx, s, seen)
	if err != nil {
		return err
	}
	var l store.Leak
	err = store.First(ctx, s.Select(&l).Where("identity = ?", identity(&seen.Leak)))
	fresh := errors.Is(err, store.ErrNotFound)
	if err != nil && !fresh {
		return err
	}
	if fresh {
		l = seen.Leak
		l.ID, l.Identity, l.Began = store.NewID(), identity(&seen.Leak), seen.At
	}
	merge(&l, &seen.Leak)
	l.Told++
	l.Hits += confirmed
	if fresh {
		err = s.Insert(ctx, &l)
	} else {
		err = s.Update(ctx, &l)
	}
	return errors.Join(err, s.Emit(ctx, "leak", l.ID, l))
}

// merge takes from a sighting what is the latest, and names, which get more
// literal as they are revealed.
func merge(l, seen *store.Leak) {
	l.Began, l.Weight = min(l.Began, seen.At), max(l.Weight, seen.Weight)
	if seen.At < l.At {
		return
	}
	l.At, l.Host, l.Method, l.Path = seen.At, seen.Host, seen.Method, seen.Path
	l.Status, l.RequestID, l.Reason = seen.Status, seen.RequestID, seen.Reason
}

// identity is what the leaks of one endpoint and kind share. The node's key
// tells names apart that look alike because they are not revealed.
func identity(l *store.Leak) string {
	endpoint := cmp.Or(hex.EncodeToString(l.EndpointKey), l.Host+" "+l.Method+" "+l.Path)
	return strings.Join([]string{l.Group, fmt.Sprint(l.Application), endpoint, l.Kind}, "\n")
}

// Of returns what the responses of an endpoint give away, by kind.
func Of(ctx context.Context, s store.Scope, e store.Endpoint) ([]store.Leak, error) {
	leaks := []store.Leak{}
	err := s.Select(&leaks).Where("group_id = ?", e.Group).Where("application = ?", e.Application).
		Where("endpoint_key = ?", e.Key).Order("kind").Scan(ctx)
	return leaks, err
}

// confirm marks the hits of the request, and their attacks, and returns how
// many hits these are.
func confirm(ctx context.Context, s store.Scope, seen *Sighting) (int64, error) {
	if seen.RequestID == "" || len(seen.Confirms) == 0 {
		return 0, nil
	}
	var hits []store.Hit
	if err := s.Select(&hits).Where("request_id = ?", seen.RequestID).Where("node_id = ?", seen.Node).Scan(ctx); err != nil {
		return 0, err
	}
	confirmed := int64(0)
	for i := range hits {
		h := &hits[i]
		for _, class := range seen.Confirms {
			if h.Class != class {
				continue
			}
			if err := mark(ctx, s, h, seen.Kind); err != nil {
				return 0, err
			}
			confirmed++
		}
	}
	return confirmed, nil
}

func mark(ctx context.Context, s store.Scope, h *store.Hit, kind string) error {
	h.Leak = kind
	return errors.Join(
		s.Update(ctx, h, "leak"),
		s.UpdateWhere(ctx, (*store.Attack)(nil), "leak = ?", kind, "id = ?", h.Attack),
		s.Emit(ctx, "hit", h.ID, h),
	)
}
