// Package inventory keeps the endpoints and parameters that nodes have seen.
package inventory

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/gabionhq/gabion/engine/profile"
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
		e = store.Endpoint{ID: store.NewID(), Identity: identity(group, d.Endpoint), Began: millis(d.FirstUnix, now), Group: group,
			Key: append([]byte{}, d.Endpoint.Key[:min(len(d.Endpoint.Key), maxKey)]...), Sources: []byte{}}
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
	name := hex.EncodeToString(e.Key[:min(len(e.Key), maxKey)])
	if name == "" {
		name = clean(e.Host) + " " + clean(e.Method) + " " + clean(e.Path)
	}
	return fmt.Sprintf("%s\n%d\n%s", group, e.Application, name)
}

// merge adds a delta's counts and takes its names, which get more literal
// as they are revealed.
func merge(e *store.Endpoint, d *wirepb.EndpointDelta, now int64) {
	e.At = max(e.At, millis(d.LastUnix, now))
	e.Began = min(e.Began, millis(d.FirstUnix, now))
	e.Application = d.Endpoint.Application
	e.Host, e.Method, e.Path = clean(d.Endpoint.Host), clean(d.Endpoint.Method), clean(d.Endpoint.Path)
	e.Count = sum(e.Count, d.Count)
	classes := [5]*int64{&e.Status1, &e.Status2, &e.Status3, &e.Status4, &e.Status5}
	for i, n := range d.StatusClass[:min(len(d.StatusClass), 5)] {
		*classes[i] = sum(*classes[i], n)
	}
	e.Sources = union(e.Sources, d.Sources)
}

// union merges two encoded cardinalities. What cannot be read counts as
// empty: the estimate is for people.
func union(a, b []byte) []byte {
	var all, more profile.Cardinality
	if more.UnmarshalBinary(b) != nil {
		return a
	}
	if all.UnmarshalBinary(a) != nil {
		return b
	}
	all.Merge(&more)
	out, err := all.MarshalBinary()
	if err != nil {
		return a
	}
	return out
}

// addParam merges the sketch of a parameter. One that cannot be read, from
// a node of another version, is left out; the parameter is still counted.
func addParam(ctx context.Context, s store.Scope, endpoint string, d *wirepb.ParamDelta, now int64) error {
	p := store.Param{Endpoint: endpoint, Key: int64(d.Key), Sketch: []byte{}}
	err := s.Find(ctx, &p)
	fresh := errors.Is(err, store.ErrNotFound)
	if err != nil && !fresh {
		return err
	}
	p.Point, p.Changed = clean(d.Point), now
	p.Count = sum(p.Count, d.Count)
	var stored, delta profile.Sketch
	if len(p.Sketch) > 0 {
		if err := stored.UnmarshalBinary(p.Sketch); err != nil {
			return fmt.Errorf("parameter %s: %w", p.Point, err)
		}
	}
	if delta.UnmarshalBinary(d.Sketch) == nil {
		stored.Merge(&delta)
		if p.Sketch, err = stored.MarshalBinary(); err != nil {
			return err
		}
	}
	if fresh {
		return s.Insert(ctx, &p)
	}
	return s.Update(ctx, &p)
}

// Sources estimates how many sources an endpoint has had.
func Sources(e store.Endpoint) int64 {
	var c profile.Cardinality
	if c.UnmarshalBinary(e.Sources) != nil {
		return 0
	}
	return int64(math.Round(c.Estimate()))
}

// Param is a parameter as people see it.
type Param struct {
	store.Param
	Values  int64            `json:"values" doc:"distinct values, estimated"`
	Sources int64            `json:"sources" doc:"distinct sources, estimated"`
	Formats map[string]int64 `json:"formats" doc:"values per format"`
}

// Params returns the parameters of an endpoint, by point.
func Params(ctx context.Context, s store.Scope, endpoint string) ([]Param, error) {
	var rows []store.Param
	if err := s.Select(&rows).Where("endpoint_id = ?", endpoint).Order("point", "key").Scan(ctx); err != nil {
		return nil, err
	}
	params := make([]Param, len(rows))
	for i, row := range rows {
		p := Param{Param: row, Formats: map[string]int64{}}
		var sketch profile.Sketch
		if len(row.Sketch) > 0 {
			if err := sketch.UnmarshalBinary(row.Sketch); err != nil {
				return nil, fmt.Errorf("parameter %s: %w", row.Point, err)
			}
		}
		p.Values, p.Sources = int64(math.Round(sketch.Values.Estimate())), int64(math.Round(sketch.Sources.Estimate()))
		for f, n := range sketch.Formats {
			if n > 0 {
				p.Formats[profile.Format(f).String()] = int64(n)
			}
		}
		params[i] = p
	}
	return params, nil
}

// millis turns a node's seconds into milliseconds, within what can be.
func millis(seconds, now int64) int64 {
	return max(0, min(seconds, now/1000)) * 1000
}

// sum adds and saturates.
func sum(a int64, b uint64) int64 {
	return a + int64(min(b, uint64(math.MaxInt64-a)))
}

// maxName bounds a name; nodes send shorter ones.
const maxName = 1 << 10

// maxKey bounds a node's key of an endpoint, which has 8 bytes.
const maxKey = 32

func clean(s string) string {
	s = strings.ReplaceAll(s, "\x00", "")
	return strings.ToValidUTF8(s[:min(len(s), maxName)], "")
}
