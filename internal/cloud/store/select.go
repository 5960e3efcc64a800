package store

import (
	"context"

	"github.com/uptrace/bun"
)

// A SelectQuery is a read that a [Scope] began. It can only be narrowed:
// there is no way around the tenant in it.
type SelectQuery struct{ q *bun.SelectQuery }

// Where adds a condition that must hold, too.
func (s *SelectQuery) Where(condition string, args ...any) *SelectQuery {
	return &SelectQuery{s.q.Where(condition, args...)}
}

// Order sorts by columns, such as "at DESC".
func (s *SelectQuery) Order(columns ...string) *SelectQuery {
	return &SelectQuery{s.q.Order(columns...)}
}

// Limit bounds the rows.
func (s *SelectQuery) Limit(n int) *SelectQuery {
	return &SelectQuery{s.q.Limit(int64(n))}
}

// Column reads these columns only.
func (s *SelectQuery) Column(columns ...string) *SelectQuery {
	return &SelectQuery{s.q.Column(columns...)}
}

// ExcludeColumn reads all but these columns.
func (s *SelectQuery) ExcludeColumn(columns ...string) *SelectQuery {
	return &SelectQuery{s.q.ExcludeColumn(columns...)}
}

// Scan reads the rows into the model, or into into.
func (s *SelectQuery) Scan(ctx context.Context, into ...any) error {
	return s.q.Scan(ctx, into...)
}

// Count counts the rows.
func (s *SelectQuery) Count(ctx context.Context) (int64, error) {
	return s.q.Count(ctx)
}
