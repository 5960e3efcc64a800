// Package tenant knows the tenants, their people and what each may do.
//
// Every secret (API token, login link, browser session) is random, shown
// once and stored as a hash.
package tenant

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/gabionhq/gabion/internal/cloud/store"
)

// ErrRefused is what everybody gets whose secret is unknown or expired.
var ErrRefused = errors.New("not accepted")

// ErrThrottled is what an address gets that tried too often.
var ErrThrottled = errors.New("too many attempts; wait a minute")

const (
	// SessionLife is a working day.
	SessionLife = 12 * time.Hour
	// LinkLife is short: a link travels through chats and mails.
	LinkLife = time.Hour
	// bootstrapLife bounds the first token if no administrator appears.
	bootstrapLife = 24 * time.Hour
	// maxFailures is how many wrong links an address may try per minute.
	maxFailures = 10
)

// Access is what an operation needs.
type Access string

// The kinds of access.
const (
	Self   Access = "self"   // one's own session
	Read   Access = "read"   // look at everything but people and secrets
	Decide Access = "decide" // rules, suggestions, asks
	Deploy Access = "deploy" // enrolment tokens and nodes
	Admin  Access = "admin"  // people, tokens, applications, groups
)

// roles is who may do what.
var roles = map[string][]Access{
	"admin":     {Self, Read, Decide, Deploy, Admin},
	"analyst":   {Self, Read, Decide},
	"read-only": {Self, Read},
	"deploy":    {Self, Deploy},
}

// An Actor is who calls.
type Actor struct {
	Tenant string
	ID     string
	Name   string // for the audit log
	Role   string
}

// May says whether the actor has an access.
func (a Actor) May(what Access) bool {
	return slices.Contains(roles[a.Role], what)
}

// Directory is all tenants of the region.
type Directory struct {
	db     *store.DB
	region string
	now    func() time.Time

	mu       sync.Mutex
	failures map[string]int // by address, in this minute
	minute   int64
}

// New returns the directory.
func New(db *store.DB, region string, now func() time.Time) *Directory {
	return &Directory{db: db, region: region, now: now, failures: map[string]int{}}
}

// Bearer finds the actor of an API token.
func (d *Directory) Bearer(ctx context.Context, text string) (Actor, error) {
	t, err := d.db.Token(ctx, digest(text))
	if errors.Is(err, store.ErrNotFound) || err == nil && t.Expires != 0 && t.Expires <= d.now().UnixMilli() {
		return Actor{}, ErrRefused
	}
	return Actor{Tenant: t.Tenant, ID: t.ID, Name: "token " + t.Name, Role: t.Role}, err
}

// Cookie finds the actor of a browser session.
func (d *Directory) Cookie(ctx context.Context, text string) (Actor, error) {
	s, err := d.db.Session(ctx, digest(text))
	if errors.Is(err, store.ErrNotFound) || err == nil && s.Expires <= d.now().UnixMilli() {
		return Actor{}, ErrRefused
	}
	if err != nil {
		return Actor{}, err
	}
	u := store.User{ID: s.User}
	err = d.db.Tenant(s.Tenant).Find(ctx, &u)
	if errors.Is(err, store.ErrNotFound) {
		return Actor{}, ErrRefused
	}
	return Actor{Tenant: s.Tenant, ID: u.ID, Name: u.Name, Role: u.Role}, err
}

// NewToken makes an API token. life 0 is for ever.
func (d *Directory) NewToken(ctx context.Context, s store.Scope, name, role string, life time.Duration, bootstrap bool) (string, store.Token, error) {
	text := d.secret("gba1")
	now := d.now()
	row := store.Token{ID: store.NewID(), Name: name, Role: role, Hash: digest(text), Created: now.UnixMilli(), Bootstrap: bootstrap}
	if life > 0 {
		row.Expires = now.Add(life).UnixMilli()
	}
	return text, row, s.Insert(ctx, &row)
}

// NewLink makes a login link's secret for a user.
func (d *Directory) NewLink(ctx context.Context, s store.Scope, user string) (string, error) {
	return d.newLink(ctx, s, store.Link{User: user, Expires: d.now().Add(LinkLife).UnixMilli()})
}

func (d *Directory) newLink(ctx context.Context, s store.Scope, l store.Link) (string, error) {
	text := d.secret("gbl1")
	l.Hash = digest(text)
	return text, s.Insert(ctx, &l)
}

// Login exchanges a link's secret for a session's. The link that bootstraps
// a tenant makes its first administrator, which ends the bootstrap token.
func (d *Directory) Login(ctx context.Context, address, link string) (string, Actor, error) {
	if d.throttled(address) {
		return "", Actor{}, ErrThrottled
	}
	l, err := d.db.Link(ctx, digest(link))
	if errors.Is(err, store.ErrNotFound) || err == nil && l.Expires <= d.now().UnixMilli() {
		d.failed(address)
		return "", Actor{}, ErrRefused
	}
	if err != nil {
		return "", Actor{}, err
	}
	var u store.User
	text := d.secret("gbs1")
	err = d.db.Tenant(l.Tenant).Tx(ctx, func(s store.Scope) error {
		if !l.Reusable {
			if err := s.Delete(ctx, &l); err != nil { // not found: somebody was faster
				return fmt.Errorf("%w: %w", ErrRefused, err)
			}
		}
		var err error
		if u, err = d.user(ctx, s, l.User); err != nil {
			return err
		}
		now := d.now()
		return errors.Join(
			s.Insert(ctx, &store.Session{Hash: digest(text), User: u.ID, Created: now.UnixMilli(), Expires: now.Add(SessionLife).UnixMilli()}),
			s.Record(ctx, u.Name, "login", "user "+u.ID, nil))
	})
	if err != nil {
		return "", Actor{}, err
	}
	return text, Actor{Tenant: l.Tenant, ID: u.ID, Name: u.Name, Role: u.Role}, nil
}

// user finds the user of a link; without one it is the first administrator.
func (d *Directory) user(ctx context.Context, s store.Scope, id string) (store.User, error) {
	u := store.User{ID: id}
	if id != "" {
		return u, s.Find(ctx, &u)
	}
	err := store.First(ctx, s.Select(&u).Where("role = 'admin'").Order("created"))
	if errors.Is(err, store.ErrNotFound) {
		u = store.User{ID: store.NewID(), Name: "admin", Role: "admin", Created: d.now().UnixMilli()}
		err = s.Insert(ctx, &u)
	}
	if err != nil {
		return u, err
	}
	return u, s.DeleteWhere(ctx, (*store.Token)(nil), "bootstrap")
}

// Logout ends a session.
func (d *Directory) Logout(ctx context.Context, a Actor, text string) error {
	return d.db.Tenant(a.Tenant).Delete(ctx, &store.Session{Hash: digest(text)})
}

// Bootstrap is how the first administrator gets in.
type Bootstrap struct {
	Link, Token string // empty once there is an administrator
}

// Default returns the first tenant, which it makes at the first start.
func (d *Directory) Default(ctx context.Context) (store.Tenant, error) {
	tenants, err := d.db.Tenants(ctx)
	if err != nil || len(tenants) > 0 {
		return append(tenants, store.Tenant{})[0], err
	}
	t, err := d.Create(ctx, "default")
	if err != nil {
		return t, fmt.Errorf("creating the default tenant: %w", err)
	}
	return t, nil
}

// Bootstrap makes the default tenant at the first start and, while it has
// no administrator (or always, for a demo, whose link can be used again), a
// link and a token. last is what an earlier start returned: what still holds
// of it is kept, so that a restart takes nothing from anybody.
func (d *Directory) Bootstrap(ctx context.Context, last Bootstrap, demo bool) (Bootstrap, error) {
	tenants, err := d.db.Tenants(ctx)
	if err != nil {
		return Bootstrap{}, err
	}
	if len(tenants) == 0 {
		t, err := d.Create(ctx, "default")
		if err != nil {
			return Bootstrap{}, fmt.Errorf("creating the default tenant: %w", err)
		}
		tenants = append(tenants, t)
	}
	s := d.db.Tenant(tenants[0].ID)
	var b Bootstrap
	err = s.Tx(ctx, func(s store.Scope) error {
		b, err = d.bootstrap(ctx, s, last, demo)
		return err
	})
	return b, err
}

func (d *Directory) bootstrap(ctx context.Context, s store.Scope, last Bootstrap, demo bool) (Bootstrap, error) {
	err := store.First(ctx, s.Select(&store.User{}).Where("role = 'admin'"))
	if err == nil && !demo {
		return Bootstrap{}, nil
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return Bootstrap{}, err
	}
	now := d.now()
	b := last
	err = store.First(ctx, s.Select(&store.Token{}).Where("hash = ?", digest(last.Token)).Where("expires = 0 OR expires > ?", now.UnixMilli()))
	if errors.Is(err, store.ErrNotFound) {
		life := bootstrapLife
		if demo {
			life = 0
		}
		if err := s.DeleteWhere(ctx, (*store.Token)(nil), "bootstrap"); err != nil {
			return b, err
		}
		b.Token, _, err = d.NewToken(ctx, s, "bootstrap", "admin", life, !demo)
	}
	if err != nil {
		return b, err
	}
	err = store.First(ctx, s.Select(&store.Link{}).Where("hash = ?", digest(last.Link)).Where("expires > ?", now.UnixMilli()).Where("reusable = ?", demo))
	if errors.Is(err, store.ErrNotFound) {
		if err := s.DeleteWhere(ctx, (*store.Link)(nil), "user_id = ''"); err != nil {
			return b, err
		}
		b.Link, err = d.newLink(ctx, s, store.Link{Expires: now.Add(bootstrapLife).UnixMilli(), Reusable: demo})
	}
	return b, err
}

// Create adds a tenant with its default node group and application.
func (d *Directory) Create(ctx context.Context, name string) (store.Tenant, error) {
	now := d.now().UnixMilli()
	t := store.Tenant{ID: store.NewID(), Name: name, Created: now}
	if err := d.db.CreateTenant(ctx, &t); err != nil {
		return t, err
	}
	s := d.db.Tenant(t.ID)
	return t, s.Tx(ctx, func(s store.Scope) error {
		return errors.Join(
			s.Insert(ctx, &store.Group{ID: store.NewID(), Name: "default", Created: now}),
			s.Insert(ctx, &store.Application{ID: 0, Name: "default", Learning: "auto", Created: now}))
	})
}

// secret makes 256 random bits with a prefix that secret scanners know.
func (d *Directory) secret(prefix string) string {
	b := make([]byte, 32)
	if _, err := rand.Read(b); err != nil {
		panic("BUG: crypto/rand never fails: " + err.Error())
	}
	return prefix + "_" + d.region + "_" + base64.RawURLEncoding.EncodeToString(b)
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func (d *Directory) throttled(address string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if m := d.now().Unix() / 60; m != d.minute {
		d.minute = m
		clear(d.failures)
	}
	return d.failures[address] >= maxFailures
}

func (d *Directory) failed(address string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failures[address]++
}
