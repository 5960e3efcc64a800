package fleet

import (
	"context"
	"errors"
	"time"

	"github.com/gabionhq/gabion/internal/cloud/store"
)

// AskLife is how long nodes may answer, and how long the answer is kept.
const AskLife = 5 * time.Minute

// Ask asks the nodes that a.Node names: one node, a group or, empty, all.
// The answers are stored until the ask expires.
func Ask(ctx context.Context, s store.Scope, a store.Ask) (store.Ask, error) {
	now := time.Now()
	a.ID, a.At, a.Expires = store.NewID(), now.UnixMilli(), now.Add(AskLife).UnixMilli()
	if a.Rule == nil {
		a.Rule = []byte{}
	}
	if a.ReplyKey == nil {
		a.ReplyKey = []byte{}
	}
	return a, s.Tx(ctx, func(s store.Scope) error {
		return errors.Join(
			s.Insert(ctx, &a),
			s.Record(ctx, a.Actor, "ask "+a.Kind, "evidence "+a.Evidence, map[string]string{"ask": a.ID, "of": a.Node}),
			s.Emit(ctx, "ask", a.ID, a))
	})
}

// Asked returns the nodes that an ask is for.
func Asked(ctx context.Context, s store.Scope, a store.Ask) ([]store.Node, error) {
	var nodes []store.Node
	q := s.Select(&nodes).Order("id")
	if a.Node != "" {
		q = q.Where("id = ? OR group_id = ?", a.Node, a.Node)
	}
	return nodes, q.Scan(ctx)
}
