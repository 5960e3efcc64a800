package api

import (
	"context"

	"github.com/gabionhq/gabion/internal/cloud/learn"
	"github.com/gabionhq/gabion/internal/cloud/query"
	"github.com/gabionhq/gabion/internal/cloud/store"
	"github.com/gabionhq/gabion/internal/cloud/tenant"
)

func suggestionTable() query.Table {
	return query.Table{Words: []string{"point", "reason"}, Fields: map[string]query.Field{
		"state": {Column: "state"}, "app": {Column: "application", Kind: query.Number}, "endpoint": {Column: "endpoint_id"},
		"point": {Column: "point"}, "param": {Column: "point"}, "rule": {Column: "rule", Kind: query.Number},
	}}
}

func (s *server) suggestions() {
	add(s, "GET suggestions", tenant.Read, "What learning proposes", func(ctx context.Context, c call, in *Search) (*body[list[store.Suggestion]], error) {
		return searched[store.Suggestion](ctx, c, *in, suggestionTable(), all)
	})
	add(s, "GET suggestions/{id}", tenant.Read, "One suggestion", func(ctx context.Context, c call, in *ByID) (*body[store.Suggestion], error) {
		row := store.Suggestion{ID: in.ID}
		err := c.Find(ctx, &row)
		return &body[store.Suggestion]{row}, err
	})
	add(s, "POST suggestions/{id}/accept", tenant.Decide, "Make it a rule and publish it", func(ctx context.Context, c call, in *ByID) (*body[store.Suggestion], error) {
		row, err := learn.Accept(ctx, c.Scope, c.Name, in.ID)
		return &body[store.Suggestion]{row}, err
	})
	add(s, "POST suggestions/{id}/dismiss", tenant.Decide, "Say no, and take back the rule it has become", func(ctx context.Context, c call, in *ByID) (*body[store.Suggestion], error) {
		row, err := learn.Dismiss(ctx, c.Scope, c.Name, in.ID)
		return &body[store.Suggestion]{row}, err
	})
}
