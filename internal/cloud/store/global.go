package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"
)

// Record notes in the audit log what actor did.
func (s Scope) Record(ctx context.Context, actor, action, object string, detail any) error {
	text, err := marshal(detail)
	if err != nil {
		return err
	}
	return s.Insert(ctx, &Audit{ID: NewID(), At: time.Now().UnixMilli(), Actor: actor, Action: action, Object: object, Detail: text})
}

// Tenants returns all tenants.
func (db *DB) Tenants(ctx context.Context) ([]Tenant, error) {
	var ts []Tenant
	err := db.read.NewSelect().Model(&ts).Order("id").Scan(ctx)
	return ts, err
}

// CreateTenant adds a tenant.
func (db *DB) CreateTenant(ctx context.Context, t *Tenant) error {
	_, err := db.write.NewInsert().Model(t).Exec(ctx)
	return err
}

// Node finds a node of any tenant, as its certificate names it.
func (db *DB) Node(ctx context.Context, id string) (Node, error) {
	return one[Node](ctx, db, "id", id)
}

// Token finds an API token by its hash.
func (db *DB) Token(ctx context.Context, hash string) (Token, error) {
	return one[Token](ctx, db, "hash", hash)
}

// NodeToken finds an enrolment token by its hash.
func (db *DB) NodeToken(ctx context.Context, hash string) (NodeToken, error) {
	return one[NodeToken](ctx, db, "hash", hash)
}

// Link finds a login link by its hash.
func (db *DB) Link(ctx context.Context, hash string) (Link, error) {
	return one[Link](ctx, db, "hash", hash)
}

// Session finds a browser session by its hash.
func (db *DB) Session(ctx context.Context, hash string) (Session, error) {
	return one[Session](ctx, db, "hash", hash)
}

func one[T any](ctx context.Context, db *DB, column, value string) (T, error) {
	var row T
	err := notFound(db.read.NewSelect().Model(&row).Where("? = ?", bun.Ident(column), value).Limit(1).Scan(ctx))
	return row, err
}

// Consume hands the events after the consumer's cursor to f, oldest first,
// at most limit, and moves the cursor behind them if f succeeds. It returns
// how many there were. A crash between f and the move repeats them: f must
// bear that.
func (db *DB) Consume(ctx context.Context, consumer string, limit int, f func([]Event) error) (int, error) {
	c := Cursor{Consumer: consumer}
	if err := notFound(db.read.NewSelect().Model(&c).WherePK().Scan(ctx)); err != nil && err != ErrNotFound {
		return 0, err
	}
	var events []Event
	if err := db.read.NewSelect().Model(&events).Where("seq > ?", c.Seq).Order("seq").Limit(int64(limit)).Scan(ctx); err != nil {
		return 0, err
	}
	if len(events) == 0 {
		return 0, nil
	}
	if err := f(events); err != nil {
		return 0, err
	}
	c.Seq = events[len(events)-1].Seq
	_, err := db.write.NewInsert().Model(&c).On("CONFLICT (consumer) DO UPDATE").Set("seq = excluded.seq").Exec(ctx)
	return len(events), err
}

// Retention says how long things are kept.
type Retention struct {
	Hits, Events time.Duration
}

// Sweep deletes what has expired at now: sessions, links, asks and their
// answers, and what is older than the retention.
func (db *DB) Sweep(ctx context.Context, now time.Time, keep Retention) error {
	expired := now.UnixMilli()
	for _, d := range []struct {
		model any
		where string
		limit int64
	}{
		{(*Session)(nil), "expires < ?", expired},
		{(*Link)(nil), "expires < ?", expired},
		{(*Answer)(nil), "ask_id IN (SELECT id FROM asks WHERE expires < ?)", expired},
		{(*Ask)(nil), "expires < ?", expired},
		{(*NodeToken)(nil), "expires < ?", now.Add(-keep.Hits).UnixMilli()},
		{(*Event)(nil), "at < ?", now.Add(-keep.Events).UnixMilli()},
		{(*Hit)(nil), "at < ?", now.Add(-keep.Hits).UnixMilli()},
		{(*Attack)(nil), "at < ?", now.Add(-keep.Hits).UnixMilli()},
		{(*Leak)(nil), "at < ?", now.Add(-keep.Hits).UnixMilli()},
		{(*Refusal)(nil), "at < ?", now.Add(-keep.Hits).UnixMilli()},
	} {
		if _, err := db.write.NewDelete().Model(d.model).Where(d.where, d.limit).Exec(ctx); err != nil {
			return err
		}
	}
	_, err := db.write.NewDelete().Model((*AttackSource)(nil)).
		Where("NOT EXISTS (SELECT 1 FROM attacks AS a WHERE a.tenant = attack_source.tenant AND a.id = attack_source.attack_id)").Exec(ctx)
	return err
}

// EventsAfter returns the events of all tenants after seq that are of one
// of these kinds, oldest first, at most limit.
func (db *DB) EventsAfter(ctx context.Context, seq int64, limit int, kinds ...string) ([]Event, error) {
	var events []Event
	err := db.read.NewSelect().Model(&events).Where("seq > ?", seq).Where("kind IN (?)", bun.List(kinds)).
		Order("seq").Limit(int64(limit)).Scan(ctx)
	return events, err
}
