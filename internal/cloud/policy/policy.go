package policy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/gabionhq/gabion/internal/cloud/store"
)

// A Change of one rule. Before is nil for a new rule, After for one that is
// deleted.
type Change struct {
	Before *Rule `json:"before"`
	After  *Rule `json:"after"`
}

func (c Change) id() int64 {
	if c.After != nil {
		return c.After.ID
	}
	return c.Before.ID
}

// Rules returns all rules in order of their ids.
func Rules(ctx context.Context, s store.Scope) ([]Rule, error) {
	var rows []store.Rule
	if err := s.Select(&rows).Order("id").Scan(ctx); err != nil {
		return nil, err
	}
	rules := make([]Rule, len(rows))
	for i, row := range rows {
		if err := json.Unmarshal(row.Body, &rules[i]); err != nil {
			return nil, fmt.Errorf("reading rule %d: %w", row.ID, err)
		}
	}
	return rules, nil
}

// Find returns one rule.
func Find(ctx context.Context, s store.Scope, id int64) (Rule, error) {
	row := store.Rule{ID: id}
	if err := s.Find(ctx, &row); err != nil {
		return Rule{}, err
	}
	var r Rule
	return r, json.Unmarshal(row.Body, &r)
}

// Create adds a rule.
func Create(ctx context.Context, s store.Scope, actor string, r Rule) (Rule, error) {
	err := s.Tx(ctx, func(s store.Scope) error {
		var err error
		if r.ID, err = NewID(ctx, s); err != nil {
			return err
		}
		_, err = Apply(ctx, s, actor, "create rule "+strconv.FormatInt(r.ID, 10), []Change{{After: &r}})
		return err
	})
	return r, err
}

// NewID returns the id of a new rule; ids are never used again.
func NewID(ctx context.Context, s store.Scope) (int64, error) {
	return s.Next(ctx, "rule")
}

// Replace changes a rule.
func Replace(ctx context.Context, s store.Scope, actor string, r Rule) error {
	return s.Tx(ctx, func(s store.Scope) error {
		before, err := Find(ctx, s, r.ID)
		if err != nil {
			return err
		}
		if before.Kind == "profile" { // what was learned is not for people to write
			learned := before
			learned.Disabled, learned.Comment = r.Disabled, r.Comment
			r = learned
		}
		_, err = Apply(ctx, s, actor, "change rule "+strconv.FormatInt(r.ID, 10), []Change{{&before, &r}})
		return err
	})
}

// Remove deletes a rule.
func Remove(ctx context.Context, s store.Scope, actor string, id int64) error {
	return s.Tx(ctx, func(s store.Scope) error {
		before, err := Find(ctx, s, id)
		if err != nil {
			return err
		}
		_, err = Apply(ctx, s, actor, "delete rule "+strconv.FormatInt(id, 10), []Change{{Before: &before}})
		return err
	})
}

// Apply makes changes as one new version of the policy and returns its
// number; 0 if they change nothing. A policy that nodes could not load is
// refused whole.
func Apply(ctx context.Context, s store.Scope, actor, why string, changes []Change) (int64, error) {
	changes = slices.DeleteFunc(slices.Clone(changes), func(c Change) bool { return reflect.DeepEqual(c.Before, c.After) })
	if len(changes) == 0 {
		return 0, nil
	}
	var version int64
	err := s.Tx(ctx, func(s store.Scope) error {
		var err error
		if version, err = s.Next(ctx, "policy/"+s.Tenant()); err != nil {
			return err
		}
		for _, c := range changes {
			if err := write(ctx, s, version, c); err != nil {
				return fmt.Errorf("rule %d: %w", c.id(), err)
			}
		}
		rules, err := Rules(ctx, s)
		if err != nil {
			return err
		}
		if _, err := Blob(rules, ""); err != nil {
			return fmt.Errorf("%w: with it the whole policy would be refused: %w", ErrInvalid, err)
		}
		text, err := json.Marshal(changes)
		if err != nil {
			return err
		}
		row := store.PolicyVersion{ID: store.NewID(), Version: version, At: time.Now().UnixMilli(), Actor: actor, Why: why, Changes: text}
		return errors.Join(
			s.Insert(ctx, &row),
			s.Record(ctx, actor, why, "policy "+strconv.FormatInt(version, 10), changes),
			s.Emit(ctx, "policy", strconv.FormatInt(version, 10), map[string]string{"actor": actor, "why": why}))
	})
	return version, err
}

func write(ctx context.Context, s store.Scope, version int64, c Change) error {
	if c.After == nil {
		return s.Delete(ctx, &store.Rule{ID: c.Before.ID})
	}
	if err := c.After.Check(); err != nil {
		return err
	}
	body, err := json.Marshal(c.After)
	if err != nil {
		return err
	}
	row := store.Rule{ID: c.After.ID, Kind: c.After.Kind, Body: body, Version: version}
	if c.Before == nil {
		return s.Insert(ctx, &row)
	}
	return s.Update(ctx, &row)
}

// Version is the number of the newest version, 0 before the first.
func Version(ctx context.Context, s store.Scope) (int64, error) {
	var v store.PolicyVersion
	err := store.First(ctx, s.Select(&v).Column("version").Order("version DESC"))
	if errors.Is(err, store.ErrNotFound) {
		return 0, nil
	}
	return v.Version, err
}

// Diff returns what changed between two versions, in order of rule ids.
// Version 0 is the empty policy.
func Diff(ctx context.Context, s store.Scope, from, to int64) ([]Change, error) {
	if from > to {
		changes, err := Diff(ctx, s, to, from)
		for i, c := range changes {
			changes[i] = Change{c.After, c.Before}
		}
		return changes, err
	}
	var rows []store.PolicyVersion
	if err := s.Select(&rows).Where("version > ?", from).Where("version <= ?", to).Order("version").Scan(ctx); err != nil {
		return nil, err
	}
	net := map[int64]Change{}
	for _, row := range rows {
		var changes []Change
		if err := json.Unmarshal(row.Changes, &changes); err != nil {
			return nil, fmt.Errorf("reading version %d: %w", row.Version, err)
		}
		for _, c := range changes {
			id := c.id()
			if first, ok := net[id]; ok {
				c.Before = first.Before
			}
			net[id] = c
		}
	}
	out := make([]Change, 0, len(net))
	for _, c := range net {
		if !reflect.DeepEqual(c.Before, c.After) {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b Change) int { return int(a.id() - b.id()) })
	return out, nil
}

// Rollback makes a new version that equals an old one.
func Rollback(ctx context.Context, s store.Scope, actor string, to int64) (int64, error) {
	var version int64
	err := s.Tx(ctx, func(s store.Scope) error {
		newest, err := Version(ctx, s)
		if err != nil {
			return err
		}
		if to < 0 || to > newest {
			return store.ErrNotFound
		}
		changes, err := Diff(ctx, s, newest, to)
		if err != nil {
			return err
		}
		version, err = Apply(ctx, s, actor, "roll back to version "+strconv.FormatInt(to, 10), changes)
		return err
	})
	return version, err
}

// Preview compiles what a group would run if the rule were made, or changed
// if it has an id.
func Preview(ctx context.Context, s store.Scope, group string, r Rule) ([]byte, error) {
	rules, err := Rules(ctx, s)
	if err != nil {
		return nil, err
	}
	next := int64(1)
	if n := len(rules); n > 0 {
		next = rules[n-1].ID + 1
	}
	i := slices.IndexFunc(rules, func(old Rule) bool { return old.ID == r.ID })
	if r.ID != 0 && i < 0 {
		return nil, store.ErrNotFound
	}
	if r.ID == 0 {
		r.ID = next
		i = len(rules)
		rules = append(rules, r)
	}
	if err := r.Check(); err != nil {
		return nil, err
	}
	rules[i] = r
	return Blob(rules, group)
}
