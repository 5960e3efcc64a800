// Package learn proposes to the policy what the statistics of traffic support: a profile for each parameter.
//
// A suggestion is made once a parameter has shown enough values from enough
// sources, and only as many as fit the declared false-positive budget. In
// automatic mode it waits out a shadow period, in which traffic may
// contradict it, and is then accepted; otherwise it waits for a person.
// Nothing here reaches nodes but through policy.
package learn

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/gabionhq/gabion/engine/profile"
	"github.com/gabionhq/gabion/internal/cloud/policy"
	"github.com/gabionhq/gabion/internal/cloud/store"
)

// Settings are how sure learning must be.
type Settings struct {
	Every      time.Duration // the clock
	Shadow     time.Duration // between a suggestion and its automatic acceptance
	MinValues  int64         // of a parameter
	MinSources int64         // distinct ones, of a parameter
	Budget     float64       // expected share of benign requests that a profile calls odd
}

// The states of a suggestion.
const (
	Open      = "open"      // waits for a person
	Shadow    = "shadow"    // waits for its period to end
	Accepted  = "accepted"  // is a rule
	Dismissed = "dismissed" // a person said no
	Withdrawn = "withdrawn" // was accepted, turned out wrong, waits for a person
)

// Actor is who learning is in the audit log.
const Actor = "learning"

// Learner runs the clock.
type Learner struct {
	db  *store.DB
	set Settings
	log *slog.Logger
}

// New returns a learner.
func New(db *store.DB, set Settings, log *slog.Logger) *Learner {
	return &Learner{db, set, log}
}

// Run learns at every tick until ctx ends.
func (l *Learner) Run(ctx context.Context) error {
	tick := time.NewTicker(l.set.Every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-tick.C:
			tenants, err := l.db.Tenants(ctx)
			for _, t := range tenants {
				err = errors.Join(err, l.Tick(ctx, l.db.Tenant(t.ID), now))
			}
			if err != nil && ctx.Err() == nil {
				l.log.Error("learning", "err", err)
			}
		}
	}
}

// A candidate is a parameter with enough evidence.
type candidate struct {
	param    store.Param
	endpoint store.Endpoint
	sketch   profile.Sketch
	model    profile.Model
}

func (c *candidate) identity() string {
	return fmt.Sprintf("profile %s %016x", c.endpoint.ID, uint64(c.param.Key))
}

// Tick brings the tenant's suggestions up to what has been seen by now, and
// publishes at most one new version of the policy.
func (l *Learner) Tick(ctx context.Context, s store.Scope, now time.Time) error {
	candidates, requests, err := l.candidates(ctx, s)
	if err != nil || len(candidates) == 0 {
		return err
	}
	return s.Tx(ctx, func(s store.Scope) error {
		modes, err := learning(ctx, s)
		if err != nil {
			return err
		}
		t := tick{Learner: l, scope: s, now: now.UnixMilli(), used: map[int32]int{}}
		if t.known, err = suggestions(ctx, s); err != nil {
			return err
		}
		for i := range candidates {
			c := &candidates[i]
			app := c.endpoint.Application
			mode, ok := modes[app]
			if !ok {
				mode = modes[0]
			}
			if mode == "frozen" || !t.affords(app, requests[app]) {
				continue
			}
			if err := t.consider(ctx, c, mode); err != nil {
				return fmt.Errorf("learning %s: %w", c.identity(), err)
			}
		}
		_, err = policy.Apply(ctx, s, Actor, "publish what was learned", t.changes)
		return err
	})
}

// A tick is one run over one tenant.
type tick struct {
	*Learner
	scope   store.Scope
	now     int64
	known   map[string]store.Suggestion // by identity
	used    map[int32]int               // profiles per application
	changes []policy.Change
}

// affords counts a profile against the budget of its application. By the
// rule of three a value of a parameter with n values leaves its profile with
// probability of at most 3/n; weighed with the parameter's n of N requests
// that is 3/N a request, for each profile.
func (t *tick) affords(app int32, requests int64) bool {
	if float64(t.used[app]+1)*3 > t.set.Budget*float64(requests) {
		return false
	}
	t.used[app]++
	return true
}

// consider makes, renews or accepts the suggestion of a candidate.
func (t *tick) consider(ctx context.Context, c *candidate, mode string) error {
	row, ok := t.known[c.identity()]
	switch {
	case !ok:
		row = store.Suggestion{ID: store.NewID(), Identity: c.identity(), Application: c.endpoint.Application,
			Endpoint: c.endpoint.ID, Point: c.param.Point}
		if err := t.propose(&row, c, mode); err != nil {
			return err
		}
		return errors.Join(t.scope.Insert(ctx, &row), t.scope.Emit(ctx, "suggestion", row.ID, row))
	case row.State == Dismissed || row.State == Withdrawn:
		return nil
	}
	var r policy.Rule
	if err := json.Unmarshal(row.Body, &r); err != nil {
		return err
	}
	contradicted := c.widens(r.Profile)
	switch {
	case row.State == Accepted:
		return t.refine(ctx, row, c, contradicted)
	case contradicted || row.State == Shadow && mode != "auto" || row.State == Open && mode == "auto":
		if err := t.propose(&row, c, mode); err != nil {
			return err
		}
		return t.save(ctx, row)
	case row.State == Shadow && row.Ready <= t.now:
		if err := t.propose(&row, c, mode); err != nil {
			return err
		}
		change, err := accept(ctx, t.scope, &row)
		if err != nil {
			return err
		}
		t.changes = append(t.changes, change)
		return t.save(ctx, row)
	}
	return nil
}

// propose writes the rule of a suggestion and lets its period begin.
func (t *tick) propose(row *store.Suggestion, c *candidate, mode string) error {
	body, err := json.Marshal(c.rule())
	if err != nil {
		return err
	}
	row.State, row.Reason, row.Body, row.At = Open, c.reason(), body, t.now
	if mode == "auto" {
		row.State, row.Ready = Shadow, t.now+t.set.Shadow.Milliseconds()
	}
	return nil
}

func (t *tick) save(ctx context.Context, row store.Suggestion) error {
	return errors.Join(t.scope.Update(ctx, &row), t.scope.Emit(ctx, "suggestion", row.ID, row))
}

// refine replaces the model of an accepted profile by one of more evidence.
// One that traffic contradicts is taken back instead, and begins anew with
// what is ordinary now: learning loosens only what learning made.
func (t *tick) refine(ctx context.Context, row store.Suggestion, c *candidate, contradicted bool) error {
	before, err := policy.Find(ctx, t.scope, row.Rule)
	if errors.Is(err, store.ErrNotFound) { // somebody deleted or undid the rule
		row.State, row.Rule, row.At = Dismissed, 0, t.now
		return t.save(ctx, row)
	}
	if err != nil {
		return err
	}
	sources, err := accused(ctx, t.scope, row)
	if err != nil {
		return err
	}
	if contradicted || sources >= t.set.MinSources {
		row.Rule = 0
		t.changes = append(t.changes, policy.Change{Before: &before})
		if err := t.propose(&row, c, "auto"); err != nil {
			return err
		}
		why := "values of a new kind have become ordinary"
		if !contradicted {
			row.State, why = Withdrawn, fmt.Sprintf("%d sources sent what it calls odd", sources)
		}
		row.Reason = "Taken back, because " + why + ". " + row.Reason
		return t.save(ctx, row)
	}
	if evidence(c.model) <= evidence(before.Profile.Model) {
		return nil
	}
	after := before
	fresh := c.rule()
	after.Profile, after.Comment = fresh.Profile, fresh.Comment
	t.changes = append(t.changes, policy.Change{Before: &before, After: &after})
	if row.Body, err = json.Marshal(fresh); err != nil {
		return err
	}
	row.Reason, row.At = c.reason(), t.now
	return t.save(ctx, row)
}

// maxAccused bounds what is read to count sources.
const maxAccused = 10_000

// accused counts the sources of requests in which the profile, and nothing
// else, has found something since it changed. Few are attackers; as many as it was learned from are users,
// whose values nodes did not let into the statistics because they blocked
// them. Then a person must say what is right.
func accused(ctx context.Context, s store.Scope, row store.Suggestion) (int64, error) {
	var sources []string
	err := s.Select((*store.Hit)(nil)).Column("source").Where("rule = ?", row.Rule).Where("at >= ?", row.At).
		Where("class = 'anomaly'").
		Where("NOT EXISTS (SELECT 1 FROM hits AS o WHERE o.tenant = hit.tenant AND o.request_id = hit.request_id AND o.class <> 'anomaly')").
		Limit(maxAccused).Scan(ctx, &sources)
	slices.Sort(sources)
	return int64(len(slices.Compact(sources))), err
}

// evidence is the power of two of the values behind a model.
func evidence(m profile.Model) byte { return m[1] }

// candidates returns the parameters with enough evidence, the most valuable
// first, and the requests of each application. The order does not depend on
// the clock or the database.
func (l *Learner) candidates(ctx context.Context, s store.Scope) ([]candidate, map[int32]int64, error) {
	var endpoints []store.Endpoint
	if err := s.Select(&endpoints).ExcludeColumn("sources").Scan(ctx); err != nil {
		return nil, nil, err
	}
	byID := map[string]store.Endpoint{}
	requests := map[int32]int64{}
	for _, e := range endpoints {
		byID[e.ID] = e
		requests[e.Application] += e.Count
	}
	var params []store.Param
	if err := s.Select(&params).Where("count >= ?", l.set.MinValues).Scan(ctx); err != nil {
		return nil, nil, err
	}
	var out []candidate
	for _, p := range params {
		c := candidate{param: p, endpoint: byID[p.Endpoint]}
		if len(c.endpoint.Key) != 8 || len(p.Sketch) == 0 || !isParameter(p.Point) { // 8: or nodes could not resolve it
			continue
		}
		if err := c.sketch.UnmarshalBinary(p.Sketch); err != nil {
			return nil, nil, fmt.Errorf("parameter %s: %w", p.Point, err)
		}
		if int64(c.sketch.Count) < l.set.MinValues || int64(math.Round(c.sketch.Sources.Estimate())) < l.set.MinSources {
			continue
		}
		c.model = profile.Compile(&c.sketch)
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b candidate) int {
		return cmp.Or(closedFirst(a, b), cmp.Compare(b.sketch.Count, a.sketch.Count),
			strings.Compare(a.endpoint.Identity, b.endpoint.Identity), cmp.Compare(uint64(a.param.Key), uint64(b.param.Key)))
	})
	return out, requests, nil
}

// closedFirst prefers parameters of a closed type: their profiles say most.
func closedFirst(a, b candidate) int {
	if a.model.Closed() == b.model.Closed() {
		return 0
	}
	if a.model.Closed() {
		return -1
	}
	return 1
}

// learning is what each application does with suggestions.
func learning(ctx context.Context, s store.Scope) (map[int32]string, error) {
	var apps []store.Application
	modes := map[int32]string{}
	err := s.Select(&apps).Scan(ctx)
	for _, a := range apps {
		modes[a.ID] = a.Learning
	}
	return modes, err
}

func suggestions(ctx context.Context, s store.Scope) (map[string]store.Suggestion, error) {
	var rows []store.Suggestion
	known := map[string]store.Suggestion{}
	err := s.Select(&rows).Scan(ctx)
	for _, r := range rows {
		known[r.Identity] = r
	}
	return known, err
}

// Accept makes a suggestion a rule.
func Accept(ctx context.Context, s store.Scope, actor, id string) (store.Suggestion, error) {
	row := store.Suggestion{ID: id}
	err := s.Tx(ctx, func(s store.Scope) error {
		if err := s.Find(ctx, &row); err != nil {
			return err
		}
		if row.State == Accepted {
			return nil
		}
		change, err := accept(ctx, s, &row)
		if err != nil {
			return err
		}
		row.At = time.Now().UnixMilli()
		_, err = policy.Apply(ctx, s, actor, "accept suggestion "+row.ID, []policy.Change{change})
		return errors.Join(err, s.Update(ctx, &row), s.Emit(ctx, "suggestion", row.ID, row))
	})
	return row, err
}

// accept notes that the suggestion becomes a rule and returns the change.
func accept(ctx context.Context, s store.Scope, row *store.Suggestion) (policy.Change, error) {
	var r policy.Rule
	if err := json.Unmarshal(row.Body, &r); err != nil {
		return policy.Change{}, err
	}
	var err error
	if r.ID, err = policy.NewID(ctx, s); err != nil {
		return policy.Change{}, err
	}
	row.State, row.Rule = Accepted, r.ID
	return policy.Change{After: &r}, nil
}

// Dismiss says no to a suggestion for good, and removes its rule if it had
// become one.
func Dismiss(ctx context.Context, s store.Scope, actor, id string) (store.Suggestion, error) {
	row := store.Suggestion{ID: id}
	err := s.Tx(ctx, func(s store.Scope) error {
		if err := s.Find(ctx, &row); err != nil {
			return err
		}
		if row.Rule != 0 {
			if err := policy.Remove(ctx, s, actor, row.Rule); err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
		}
		row.State, row.Rule, row.At = Dismissed, 0, time.Now().UnixMilli()
		return errors.Join(s.Update(ctx, &row), s.Record(ctx, actor, "dismiss", "suggestion "+row.ID, nil),
			s.Emit(ctx, "suggestion", row.ID, row))
	})
	return row, err
}
