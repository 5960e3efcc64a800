package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"
)

// A Scope reaches the rows of one tenant and no others.
type Scope struct {
	db     *DB
	tenant string
	tx     *tx // nil outside of a transaction
}

type tx struct {
	bun.Tx
	events []Event // emitted so far; numbered and stored at the end
}

// Tenant returns the scope of one tenant.
func (db *DB) Tenant(id string) Scope {
	return Scope{db: db, tenant: id}
}

// Tenant is the tenant's identifier.
func (s Scope) Tenant() string { return s.tenant }

// Tx runs f in one transaction; f's error rolls it back. Inside of a
// transaction f joins it.
func (s Scope) Tx(ctx context.Context, f func(Scope) error) error {
	if s.tx != nil {
		return f(s)
	}
	var t tx
	err := s.db.write.RunInTx(ctx, nil, func(ctx context.Context, b bun.Tx) error {
		t = tx{Tx: b}
		inner := Scope{s.db, s.tenant, &t}
		if err := f(inner); err != nil {
			return err
		}
		return inner.storeEvents(ctx)
	})
	if err == nil && len(t.events) > 0 {
		s.db.announce()
	}
	return err
}

func (s Scope) reader() bun.IDB {
	if s.tx != nil {
		return s.tx
	}
	return s.db.read
}

func (s Scope) writer() bun.IDB {
	if s.tx != nil {
		return s.tx
	}
	return s.db.write
}

// Select begins a read of the tenant's rows of model's table.
func (s Scope) Select(model any) *SelectQuery {
	return &SelectQuery{s.reader().NewSelect().Model(model).Where("?TableAlias.tenant = ?", s.tenant)}
}

// A Row is a model that a tenant owns.
type Row interface{ own(tenant string) }

// Insert adds a row to the tenant.
func (s Scope) Insert(ctx context.Context, r Row) error {
	r.own(s.tenant)
	_, err := s.writer().NewInsert().Model(r).Exec(ctx)
	return err
}

// chunkSize bounds the rows of one statement, for the size of its text.
const chunkSize = 100

// InsertAll adds rows to the tenant.
func InsertAll[R Row](ctx context.Context, s Scope, rows []R) error {
	for _, r := range rows {
		r.own(s.tenant)
	}
	for chunk := range slices.Chunk(rows, chunkSize) {
		if _, err := s.writer().NewInsert().Model(&chunk).Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

// InsertNew adds a row unless its key is taken, and says whether it did.
func (s Scope) InsertNew(ctx context.Context, r Row) (bool, error) {
	r.own(s.tenant)
	return affected(s.writer().NewInsert().Model(r).On("CONFLICT DO NOTHING").Exec(ctx))
}

// Update writes the named columns of the row (all if none), found by its key.
func (s Scope) Update(ctx context.Context, r Row, columns ...string) error {
	r.own(s.tenant)
	ok, err := affected(s.writer().NewUpdate().Model(r).Column(columns...).WherePK().Exec(ctx))
	if err == nil && !ok {
		return ErrNotFound
	}
	return err
}

// Delete removes the row, found by its key.
func (s Scope) Delete(ctx context.Context, r Row) error {
	r.own(s.tenant)
	ok, err := affected(s.writer().NewDelete().Model(r).WherePK().Exec(ctx))
	if err == nil && !ok {
		return ErrNotFound
	}
	return err
}

// DeleteWhere removes the tenant's rows of model's table that match.
func (s Scope) DeleteWhere(ctx context.Context, model any, where string, args ...any) error {
	_, err := s.writer().NewDelete().Model(model).Where("?TableAlias.tenant = ?", s.tenant).Where(where, args...).Exec(ctx)
	return err
}

// UpdateWhere runs a SET expression on the tenant's rows that match.
func (s Scope) UpdateWhere(ctx context.Context, model any, set string, value any, where string, args ...any) error {
	_, err := s.writer().NewUpdate().Model(model).Set(set, value).
		Where("?TableAlias.tenant = ?", s.tenant).Where(where, args...).Exec(ctx)
	return err
}

func affected(res sql.Result, err error) (bool, error) {
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

// Find reads the tenant's one row of r's table with r's key into r.
func (s Scope) Find(ctx context.Context, r Row) error {
	r.own(s.tenant)
	return notFound(s.reader().NewSelect().Model(r).WherePK().Scan(ctx))
}

// First reads the first row of q into its model.
func First(ctx context.Context, q *SelectQuery) error {
	return notFound(q.Limit(1).Scan(ctx))
}

func notFound(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound
	}
	return err
}

// Next returns the next number of a counter, from 1. The row stays locked
// until the transaction ends, so numbers commit in order.
func (s Scope) Next(ctx context.Context, counter string) (int64, error) {
	return s.db.next(ctx, s.writer(), counter, 1)
}

// next advances a counter by n and returns its new value.
func (db *DB) next(ctx context.Context, w bun.IDB, counter string, n int) (int64, error) {
	var v int64
	err := w.NewRaw(`INSERT INTO counters AS c (name, n) VALUES (?, ?)
		ON CONFLICT (name) DO UPDATE SET n = c.n + excluded.n RETURNING n`, counter, n).Scan(ctx, &v)
	if err != nil {
		return 0, fmt.Errorf("advancing counter %s: %w", counter, err)
	}
	return v, nil
}

// Emit adds an event to the tenant's stream; it is seen when the
// transaction commits. data is encoded as JSON.
func (s Scope) Emit(ctx context.Context, kind, ref string, data any) error {
	if s.tx == nil {
		panic("BUG: Emit outside of a transaction")
	}
	text, err := marshal(data)
	if err != nil {
		return err
	}
	s.tx.events = append(s.tx.events, Event{Tenant: s.tenant, At: time.Now().UnixMilli(), Kind: kind, Ref: ref, Data: text})
	return nil
}

func (s Scope) storeEvents(ctx context.Context) error {
	events := s.tx.events
	if len(events) == 0 {
		return nil
	}
	last, err := s.db.next(ctx, s.tx, "event", len(events))
	if err != nil {
		return err
	}
	for i := range events {
		events[i].Seq = last - int64(len(events)-1-i)
	}
	for chunk := range slices.Chunk(events, chunkSize) {
		if _, err := s.tx.NewInsert().Model(&chunk).Exec(ctx); err != nil {
			return fmt.Errorf("storing events: %w", err)
		}
	}
	return nil
}

// Events returns the tenant's events after seq, oldest first, at most limit.
func (s Scope) Events(ctx context.Context, after int64, limit int) ([]Event, error) {
	var events []Event
	err := s.Select(&events).Where("seq > ?", after).Order("seq").Limit(limit).Scan(ctx)
	return events, err
}

// LastEvent is the number of the newest event of all tenants.
func (s Scope) LastEvent(ctx context.Context) (int64, error) {
	var seq int64
	err := s.reader().NewRaw("SELECT COALESCE(MAX(n), 0) FROM counters WHERE name = 'event'").Scan(ctx, &seq)
	return seq, err
}

func marshal(v any) (json.RawMessage, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encoding %T: %w", v, err)
	}
	return b, nil
}

// Known says which of ids the tenant has rows for in model's table.
func Known(ctx context.Context, s Scope, model any, ids []string) (map[string]bool, error) {
	known := map[string]bool{}
	if len(ids) == 0 {
		return known, nil
	}
	var found []string
	if err := s.Select(model).Column("id").Where("id IN (?)", bun.List(ids)).Scan(ctx, &found); err != nil {
		return nil, err
	}
	for _, id := range found {
		known[id] = true
	}
	return known, nil
}
