// Package inventory keeps the endpoints and parameters that nodes have seen.
package inventory

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gabionhq/gabion/internal/cloud/store"
	"github.com/gabionhq/gabion/wire/wirepb"
)

// Add merges what nodes of a group say changed. It runs inside of the
// caller's transaction, which makes each delta count once.
func Add(ctx context.Context, s store.Scope, group string, deltas []*wirepb.EndpointDelta, now time.Time) error {
	for _, d := range deltas {
		if d.Endpoint == nil {
			continue
		}
		if err := add(ctx, s, group, d, now.UnixMilli()); err != nil {
			return fmt.Errorf("merging endpoint: %w", err)
		}
	}
	return nil
}

func add(ctx context.Context, s store.Scope, group string, d *wirepb.EndpointDelta, now int64) error {
	var e store.Endpoint
	err := store.First(ctx, s.Select(&e).Where("identity = ?", identity(group, d.Endpoint)))
	fresh := errors.Is(err, store.ErrNotFound)
	if err != nil && !fresh {
		return err
	}
	if fresh {
		e = store.Endpoint{ID: store.NewID(), Identity: identity(group, d.Endpoint), Began: min(d.FirstUnix*1000, now), Group: group,
			Key: append([]byte{}, d.Endpoint.Key...), Sources: []byte{}}
	}
	merge(&e, d, now)
	if fresh {
		err = errors.Join(s.Insert(ctx, &e), s.Emit(ctx, "endpoint", e.ID, e))
	} else {
		err = s.Update(ctx, &e)
	}
	if err != nil {
		return err
	}
	for _, p := range d.Params {
		if err := addParam(ctx, s, e.ID, p, now); err != nil {
			return err
		}
	}
	return nil
}

// identity names an endpoint within the tenant: by the group's key for it,
// since names that are not revealed look alike.
func identity(group string, e *wirepb.Endpoint) string {
	name := hex.EncodeToString(e.Key)
	if name == "" {
		name = e.Host + " " + e.Method + " " + e.Path
	}
	return fmt.Sprintf("%s\n%d\n%s", group, e.Application, name)
}

// merge adds a delta's counts and takes its names, which get more literal
// as they are revealed.
func merge(e *store.Endpoint, d *wirepb.EndpointDelta, now int64) {
	e.At = max(e.At, min(d.LastUnix*1000, now))
	e.Application = d.Endpoint.Application
	e.Host, e.Method, e.Path = clean(d.Endpoint.Host), clean(d.Endpoint.Method), clean(d.Endpoint.Path)
	e.Count += int64(d.Count)
	classes := [5]*int64{&e.Status1, &e.Status2, &e.Status3, &e.Status4, &e.Status5}
	for i, n := range d.StatusClass[:min(len(d.StatusClass), 5)] {
		*classes[i] += int64(n)
	}
	if len(d.Sources) > 0 {
		e.Sources = d.Sources
	}
}

func addParam(ctx context.Context, s store.Scope, endpoint string, d *wirepb.ParamDelta, now int64) error {
	p := store.Param{Endpoint: endpoint, Key: int64(d.Key)}
	err := s.Find(ctx, &p)
	fresh := errors.Is(err, store.ErrNotFound)
	if err != nil && !fresh {
		return err
	}
	p.Point, p.Changed = clean(d.Point), now
	p.Count += int64(d.Count)
	p.Sketch = append([]byte{}, d.Sketch...)
	if fresh {
		return s.Insert(ctx, &p)
	}
	return s.Update(ctx, &p)
}

// maxName bounds a name; nodes send shorter ones.
const maxName = 1 << 10

func clean(s string) string {
	s = strings.ReplaceAll(s, "\x00", "")
	return strings.ToValidUTF8(s[:min(len(s), maxName)], "")
}
