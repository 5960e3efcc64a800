package api

import (
	"context"
	"errors"
	"slices"

	"github.com/gabionhq/gabion/internal/cloud/fleet"
	"github.com/gabionhq/gabion/internal/cloud/policy"
	"github.com/gabionhq/gabion/internal/cloud/store"
	"github.com/gabionhq/gabion/internal/cloud/tenant"
)

// ruleState is a rule and where it is in force.
type ruleState struct {
	policy.Rule
	Version int64      `json:"version" doc:"of the policy that changed it last"`
	Nodes   []ruleNode `json:"nodes" nullable:"false"`
}

type ruleNode struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Ruleset int64  `json:"ruleset" doc:"version in force on it"`
	Runs    bool   `json:"runs" doc:"that version holds the rule as it is now"`
}

// RuleID names a rule.
type RuleID struct {
	ID int64 `path:"id" minimum:"1"`
}

// RuleInput is a rule as a person writes it.
type RuleInput struct{ Body policy.Rule }

type changed struct {
	Version int64 `json:"version" doc:"new version of the policy; 0 if nothing changed"`
}

func (s *server) policy() {
	type kindInput struct {
		Kind string `query:"kind" maxLength:"16" doc:"only rules of this kind"`
	}
	add(s, "GET rules", tenant.Read, "Rules in force", func(ctx context.Context, c call, in *kindInput) (*body[list[policy.Rule]], error) {
		rules, err := policy.Rules(ctx, c.Scope)
		if in.Kind != "" {
			rules = slices.DeleteFunc(rules, func(r policy.Rule) bool { return r.Kind != in.Kind })
		}
		return whole(rules, err)
	})
	add(s, "POST rules", tenant.Decide, "Make a rule and publish it", func(ctx context.Context, c call, in *RuleInput) (*body[policy.Rule], error) {
		in.Body.Profile = nil
		r, err := policy.Create(ctx, c.Scope, c.Name, in.Body)
		return &body[policy.Rule]{r}, err
	})
	add(s, "GET rules/{id}", tenant.Read, "One rule and the nodes that run it", func(ctx context.Context, c call, in *RuleID) (*body[ruleState], error) {
		r, err := stateOf(ctx, c.Scope, in.ID)
		return &body[ruleState]{r}, err
	})
	type change struct {
		RuleID
		RuleInput
	}
	add(s, "PUT rules/{id}", tenant.Decide, "Change a rule and publish it", func(ctx context.Context, c call, in *change) (*body[policy.Rule], error) {
		r := in.Body
		r.ID, r.Profile = in.ID, nil
		if err := policy.Replace(ctx, c.Scope, c.Name, r); err != nil {
			return nil, err
		}
		r, err := policy.Find(ctx, c.Scope, r.ID)
		return &body[policy.Rule]{r}, err
	})
	add(s, "DELETE rules/{id}", tenant.Decide, "Delete a rule", func(ctx context.Context, c call, in *RuleID) (*none, error) {
		return nil, policy.Remove(ctx, c.Scope, c.Name, in.ID)
	})
	s.versions()
	type preview struct {
		Group string `query:"group" maxLength:"64" doc:"whose nodes are asked; empty for the default group"`
		RuleInput
	}
	add(s, "POST rules/preview", tenant.Decide, "Ask nodes what a rule would have changed in recorded requests", func(ctx context.Context, c call, in *preview) (*body[askState], error) {
		group, err := groupOr(ctx, c.Scope, in.Group)
		if err != nil {
			return nil, err
		}
		blob, err := policy.Preview(ctx, c.Scope, group, in.Body)
		if err != nil {
			return nil, err
		}
		return s.ask(ctx, c, store.Ask{Kind: "preview", Node: group, Rule: blob})
	})
}

func (s *server) versions() {
	type version struct {
		Version int64 `path:"version" minimum:"0"`
	}
	add(s, "GET policy/versions", tenant.Read, "Versions of the policy, newest first", func(ctx context.Context, c call, in *Paging) (*body[list[store.PolicyVersion]], error) {
		return page[store.PolicyVersion](ctx, c, *in, nil)
	})
	type span struct {
		From int64 `query:"from" minimum:"0" doc:"0 is the empty policy"`
		To   int64 `query:"to" minimum:"0" required:"true"`
	}
	add(s, "GET policy/diff", tenant.Read, "What changed between two versions", func(ctx context.Context, c call, in *span) (*body[list[policy.Change]], error) {
		changes, err := policy.Diff(ctx, c.Scope, in.From, in.To)
		return whole(changes, err)
	})
	add(s, "POST policy/versions/{version}/rollback", tenant.Decide, "Make a new version that equals an old one", func(ctx context.Context, c call, in *version) (*body[changed], error) {
		v, err := policy.Rollback(ctx, c.Scope, c.Name, in.Version)
		return &body[changed]{changed{v}}, err
	})
}

// stateOf finds out which nodes run a rule.
func stateOf(ctx context.Context, s store.Scope, id int64) (ruleState, error) {
	row := store.Rule{ID: id}
	if err := s.Find(ctx, &row); err != nil {
		return ruleState{}, err
	}
	r, err := policy.Find(ctx, s, id)
	if err != nil {
		return ruleState{}, err
	}
	out := ruleState{Rule: r, Version: row.Version, Nodes: []ruleNode{}}
	var nodes []store.Node
	if err := s.Select(&nodes).Order("name", "id").Scan(ctx); err != nil {
		return out, err
	}
	for _, n := range nodes {
		runs, err := fleet.Runs(ctx, s, n, row.Version)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return out, err
		}
		out.Nodes = append(out.Nodes, ruleNode{n.ID, n.Name, n.Ruleset, runs && !r.Disabled})
	}
	return out, nil
}
