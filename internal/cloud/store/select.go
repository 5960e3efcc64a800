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

// A Tally is how many rows share a key in a stretch of time.
type Tally struct {
	At      int64  `bun:"at" json:"at" doc:"start of the stretch, Unix milliseconds"`
	Key     string `bun:"key" json:"key"`
	Hits    int64  `bun:"hits" json:"hits"`
	Blocked int64  `bun:"blocked" json:"blocked"`
}

// TallyHits counts hits by a column and stretches of that many milliseconds,
// the first limit in order of time and count.
func TallyHits(ctx context.Context, s *SelectQuery, column string, stretch int64, limit int) ([]Tally, error) {
	var out []Tally
	err := s.q.ColumnExpr("(at / ?) * ? AS at", stretch, stretch).ColumnExpr("? AS key", bun.Ident(column)).ColumnExpr("COUNT(*) AS hits").
		ColumnExpr("SUM(CASE WHEN decision = 'block' THEN 1 ELSE 0 END) AS blocked").
		GroupExpr("1, 2").OrderExpr("1, 3 DESC, 2").Limit(int64(limit)).Scan(ctx, &out)
	return out, err
}
