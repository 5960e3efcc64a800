// Package store keeps everything the cloud knows in one relational database.
//
// Rows of a tenant are reached through its [Scope] only, which puts the
// tenant into every query; what has to be found before the tenant is known
// (a token's hash, a node's certificate) is listed in global.go.
package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"sync"

	"github.com/pressly/goose/v3"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	_ "modernc.org/sqlite" // registers the driver "sqlite"
)

//go:embed migrations/*.sql
var migrations embed.FS

// ErrNotFound is what a query for one row returns when the tenant has none.
var ErrNotFound = errors.New("not found")

// ErrTaken is a name or number that is in use.
var ErrTaken = errors.New("that name or number is taken")

// readers bounds concurrent reads; SQLite scales with cores, not with more.
const readers = 4

// DB is the database. All writes go through one connection, so that they
// queue in the program instead of failing as busy.
type DB struct {
	write, read *bun.DB

	mu      sync.Mutex
	changed chan struct{}
}

// Open opens the database file, creates it if it is not there (0600) and
// brings it to the current schema.
func Open(ctx context.Context, path string) (*DB, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening database: %w", err)
	}
	f.Close()
	write, err := connect(path, 1, "_txlock=immediate")
	if err != nil {
		return nil, err
	}
	if err := migrate(ctx, write.DB); err != nil {
		write.Close()
		return nil, fmt.Errorf("migrating database %s: %w", path, err)
	}
	read, err := connect(path, readers, "_pragma=query_only(1)")
	if err != nil {
		write.Close()
		return nil, err
	}
	return &DB{write: write, read: read, changed: make(chan struct{})}, nil
}

// connect opens a pool. synchronous is FULL because an acknowledged batch
// has left the node's spool: it must survive a power cut here.
func connect(path string, conns int, option string) (*bun.DB, error) {
	u := url.URL{Scheme: "file", OmitHost: true, Path: path}
	u.RawQuery = "_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)&" + option
	pool, err := sql.Open("sqlite", u.String())
	if err != nil {
		return nil, fmt.Errorf("opening database %s: %w", path, err)
	}
	pool.SetMaxOpenConns(conns)
	pool.SetMaxIdleConns(conns)
	return bun.NewDB(pool, sqlitedialect.New()), nil
}

func migrate(ctx context.Context, db *sql.DB) error {
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, dir)
	if err != nil {
		return err
	}
	current, newest, err := p.GetVersions(ctx)
	if err != nil {
		return err
	}
	if current > newest {
		return fmt.Errorf("it has schema %d, this program knows %d: use the program that wrote it, or a newer one", current, newest)
	}
	_, err = p.Up(ctx)
	return err
}

// Close closes the database.
func (db *DB) Close() error {
	return errors.Join(db.read.Close(), db.write.Close())
}

// Changed returns a channel that is closed when the next transaction with
// events commits. Take it before reading, or a commit in between is missed.
func (db *DB) Changed() <-chan struct{} {
	db.mu.Lock()
	defer db.mu.Unlock()
	return db.changed
}

func (db *DB) announce() {
	db.mu.Lock()
	defer db.mu.Unlock()
	close(db.changed)
	db.changed = make(chan struct{})
}

// Check tells whether the database takes writes.
func (db *DB) Check(ctx context.Context) error {
	_, err := db.next(ctx, db.write, "check", 1)
	return err
}
