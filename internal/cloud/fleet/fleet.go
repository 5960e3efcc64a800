package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/gabionhq/gabion/internal/cloud/store"
	"github.com/gabionhq/gabion/wire/wirepb"
)

const (
	// offlineAfter is the silence after which a node without a stream
	// counts as gone: three of its heartbeats.
	offlineAfter = 45 * time.Second
	// pingEvery keeps streams alive through proxies, whose idle limits start at 30 s.
	pingEvery = 15 * time.Second
)

// Fleet is all nodes of the region.
type Fleet struct {
	db        *store.DB
	authority *Authority
	address   func() string // of the wire listener, as nodes see it
	log       *slog.Logger

	mu      sync.Mutex
	streams map[*stream]struct{}
}

// stream is one connected node.
type stream struct {
	tenant, group, node string
	wake                chan struct{} // something may be new for it
}

// New returns the fleet. address is asked when a token is made.
func New(db *store.DB, a *Authority, address func() string, log *slog.Logger) *Fleet {
	return &Fleet{db: db, authority: a, address: address, log: log, streams: map[*stream]struct{}{}}
}

// Run wakes connected nodes when there is something for them.
func (f *Fleet) Run(ctx context.Context) error {
	seq, err := f.db.Tenant("").LastEvent(ctx)
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return fmt.Errorf("watching events for nodes: %w", err)
	}
	for {
		changed := f.db.Changed()
		events, err := f.db.EventsAfter(ctx, seq, 1000, "ruleset", "ask", "node.removed")
		if err != nil && ctx.Err() == nil {
			f.log.Error("reading events for nodes", "err", err)
		}
		for _, e := range events {
			seq = e.Seq
			f.wake(e)
		}
		if len(events) == 1000 {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-time.After(pingEvery): // another process may have written
		}
	}
}

func (f *Fleet) wake(e store.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for s := range f.streams {
		if s.tenant != e.Tenant || e.Kind == "ruleset" && s.group != e.Ref {
			continue
		}
		select {
		case s.wake <- struct{}{}:
		default: // awake already
		}
	}
}

// Watch tells a node what is for it until ctx ends: first the current
// ruleset if it does not run it, then every new one, and asks.
func (f *Fleet) Watch(ctx context.Context, node store.Node, ruleset uint64, send func(*wirepb.Order) error) error {
	st := f.join(node)
	s := f.db.Tenant(node.Tenant)
	defer func() {
		f.leave(st)
		if err := f.tell(context.WithoutCancel(ctx), s, node); err != nil {
			f.log.Error("noting that a node left", "node", node.ID, "err", err)
		}
	}()
	if err := f.report(ctx, s, &node, int64(ruleset), node.RulesetError); err != nil {
		return err
	}
	if err := f.tell(ctx, s, node); err != nil {
		return err
	}
	asked := map[string]bool{}
	tick := time.NewTicker(pingEvery)
	defer tick.Stop()
	ping := func() error { return send(&wirepb.Order{Order: &wirepb.Order_Ping{Ping: &wirepb.Ping{}}}) }
	for first := true; ; first = false {
		if err := s.Find(ctx, &store.Node{ID: node.ID}); err != nil {
			return fmt.Errorf("%w: the node was removed", ErrRefused)
		}
		newest, err := Newest(ctx, s, node.Group)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err == nil && uint64(newest.Version) != ruleset {
			if err := s.Find(ctx, &newest); err != nil {
				return err
			}
			ruleset = uint64(newest.Version)
			order := &wirepb.Ruleset{Version: ruleset, GroupId: node.Group, Blob: newest.Blob, Signature: newest.Signature}
			if err := send(&wirepb.Order{Order: &wirepb.Order_Ruleset{Ruleset: order}}); err != nil {
				return err
			}
		}
		if err := sendAsks(ctx, s, node, asked, send); err != nil {
			return err
		}
		if first { // behind the ruleset; it tells the node that the stream stands
			if err := ping(); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-st.wake:
		case <-tick.C:
			if err := ping(); err != nil {
				return err
			}
		}
	}
}

// Newest is the ruleset that a group shall run, without its blob.
func Newest(ctx context.Context, s store.Scope, group string) (store.Ruleset, error) {
	var r store.Ruleset
	err := store.First(ctx, s.Select(&r).ExcludeColumn("blob", "signature").Where("group_id = ?", group).Order("version DESC"))
	return r, err
}

// sendAsks sends the open asks for a node that are not in asked yet, and
// adds them. A node that reconnects is asked again; it may answer again.
func sendAsks(ctx context.Context, s store.Scope, node store.Node, asked map[string]bool, send func(*wirepb.Order) error) error {
	var asks []store.Ask
	now := time.Now().UnixMilli()
	if err := s.Select(&asks).Where("expires > ?", now).Where("node_id IN (?, ?, '')", node.ID, node.Group).Order("id").Scan(ctx); err != nil {
		return err
	}
	for _, a := range asks {
		if asked[a.ID] {
			continue
		}
		asked[a.ID] = true
		order := &wirepb.Ask{Id: a.ID, Kind: a.Kind, EvidenceId: a.Evidence, Rule: a.Rule, ReplyKey: a.ReplyKey,
			AskedBy: a.Actor, ExpiresUnix: a.Expires / 1000, Keys: a.Keys}
		if err := send(&wirepb.Order{Order: &wirepb.Order_Ask{Ask: order}}); err != nil {
			return err
		}
	}
	return nil
}

// tell emits that a node came or went.
func (f *Fleet) tell(ctx context.Context, s store.Scope, node store.Node) error {
	return s.Tx(ctx, func(s store.Scope) error { return s.Emit(ctx, "node", node.ID, node) })
}

func (f *Fleet) join(n store.Node) *stream {
	st := &stream{tenant: n.Tenant, group: n.Group, node: n.ID, wake: make(chan struct{}, 1)}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.streams[st] = struct{}{}
	return st
}

func (f *Fleet) leave(st *stream) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.streams, st)
}

// Online says whether the node is connected, or was heard of a moment ago.
func (f *Fleet) Online(n store.Node) bool {
	if time.Since(time.UnixMilli(n.Seen)) < offlineAfter {
		return true
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for st := range f.streams {
		if st.node == n.ID {
			return true
		}
	}
	return false
}

// Report stores what a node says of itself.
func (f *Fleet) Report(ctx context.Context, s store.Scope, node *store.Node, status *wirepb.Status) error {
	if status == nil {
		return f.report(ctx, s, node, node.Ruleset, node.RulesetError)
	}
	text, err := protojson.MarshalOptions{UseProtoNames: true, EmitUnpopulated: true}.Marshal(status)
	if err != nil {
		return err
	}
	node.Status = json.RawMessage(text)
	if status.Version != "" {
		node.Version = clip(status.Version, 64)
	}
	return f.report(ctx, s, node, int64(status.Ruleset), clip(status.RulesetError, 500))
}

// report stores the node's row. An event tells of a change of ruleset only:
// counters change all the time.
func (f *Fleet) report(ctx context.Context, s store.Scope, node *store.Node, ruleset int64, failure string) error {
	changed := node.Ruleset != ruleset || node.RulesetError != failure
	node.Ruleset, node.RulesetError, node.Seen = ruleset, failure, time.Now().UnixMilli()
	return s.Tx(ctx, func(s store.Scope) error {
		if err := s.Update(ctx, node, "ruleset", "ruleset_error", "seen", "status", "version"); err != nil || !changed {
			return err
		}
		return s.Emit(ctx, "node", node.ID, node)
	})
}

// Runs says whether the ruleset in force on a node was made from this
// version of the policy, or a later one.
func Runs(ctx context.Context, s store.Scope, n store.Node, policy int64) (bool, error) {
	r := store.Ruleset{Group: n.Group, Version: n.Ruleset}
	err := s.Find(ctx, &r)
	return err == nil && r.Policy >= policy, err
}
