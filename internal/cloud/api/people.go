package api

import (
	"context"
	"errors"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/gabionhq/gabion/internal/cloud/store"
	"github.com/gabionhq/gabion/internal/cloud/tenant"
)

// ByID is the input of operations on one object.
type ByID struct {
	ID string `path:"id" maxLength:"64"`
}

type newUser struct {
	Body struct {
		Name string `json:"name" minLength:"1" maxLength:"200" pattern:"^[^\\x00-\\x1f]+$"`
		Role string `json:"role" enum:"admin,analyst,read-only,deploy"`
	}
}

type newToken struct {
	Body struct {
		Name string `json:"name" minLength:"1" maxLength:"200" pattern:"^[^\\x00-\\x1f]+$"`
		Role string `json:"role" enum:"admin,analyst,read-only,deploy"`
		Life life   `json:"life,omitempty" minimum:"0" maximum:"315360000" doc:"seconds; 0 is for ever"`
	}
}

// secretToken is a token with its text, which is shown once.
type secretToken struct {
	store.Token
	Text string `json:"text" doc:"send it as Authorization: Bearer; it is not shown again"`
}

type link struct {
	Link    string `json:"link" doc:"append it to <console>/login#; it works once"`
	Expires int64  `json:"expires" doc:"Unix milliseconds"`
}

func (s *server) people() {
	add(s, "GET users", tenant.Admin, "People of the tenant", func(ctx context.Context, c call, _ *none) (*body[list[store.User]], error) {
		var users []store.User
		err := c.Select(&users).Order("name").Scan(ctx)
		return whole(users, err)
	})
	add(s, "POST users", tenant.Admin, "Add a person", func(ctx context.Context, c call, in *newUser) (*body[store.User], error) {
		u := store.User{ID: store.NewID(), Name: in.Body.Name, Role: in.Body.Role, Created: time.Now().UnixMilli()}
		return &body[store.User]{u}, c.create(ctx, &u, "user "+u.ID, u)
	})
	type changeUser struct {
		ByID
		Body struct {
			Role string `json:"role" enum:"admin,analyst,read-only,deploy"`
		}
	}
	add(s, "PUT users/{id}", tenant.Admin, "Change a person's role", func(ctx context.Context, c call, in *changeUser) (*body[store.User], error) {
		u := store.User{ID: in.ID}
		err := c.Tx(ctx, func(sc store.Scope) error {
			if err := sc.Find(ctx, &u); err != nil {
				return err
			}
			u.Role = in.Body.Role
			return errors.Join(sc.Update(ctx, &u), keepsAdmin(ctx, sc), sc.Record(ctx, c.Name, "change", "user "+u.ID, u))
		})
		return &body[store.User]{u}, err
	})
	add(s, "DELETE users/{id}", tenant.Admin, "Remove a person and end their sessions", func(ctx context.Context, c call, in *ByID) (*none, error) {
		return nil, c.Tx(ctx, func(sc store.Scope) error {
			return firstError(
				sc.Delete(ctx, &store.User{ID: in.ID}),
				sc.DeleteWhere(ctx, (*store.Session)(nil), "user_id = ?", in.ID),
				sc.DeleteWhere(ctx, (*store.Link)(nil), "user_id = ?", in.ID),
				keepsAdmin(ctx, sc),
				sc.Record(ctx, c.Name, "delete", "user "+in.ID, nil))
		})
	})
	add(s, "POST users/{id}/link", tenant.Admin, "Make a one-time login link", func(ctx context.Context, c call, in *ByID) (*body[link], error) {
		var out link
		err := c.Tx(ctx, func(sc store.Scope) error {
			if err := sc.Find(ctx, &store.User{ID: in.ID}); err != nil {
				return err
			}
			var err error
			out.Link, err = s.Tenants.NewLink(ctx, sc, in.ID)
			out.Expires = time.Now().Add(tenant.LinkLife).UnixMilli()
			return errors.Join(err, sc.Record(ctx, c.Name, "make login link", "user "+in.ID, nil))
		})
		return &body[link]{out}, err
	})
	add(s, "GET tokens", tenant.Admin, "API tokens", func(ctx context.Context, c call, _ *none) (*body[list[store.Token]], error) {
		var tokens []store.Token
		err := c.Select(&tokens).Order("id").Scan(ctx)
		return whole(tokens, err)
	})
	add(s, "POST tokens", tenant.Admin, "Make an API token", func(ctx context.Context, c call, in *newToken) (*body[secretToken], error) {
		var out secretToken
		err := c.Tx(ctx, func(sc store.Scope) error {
			var err error
			out.Text, out.Token, err = s.Tenants.NewToken(ctx, sc, in.Body.Name, in.Body.Role, in.Body.Life.duration(), false)
			return errors.Join(err, sc.Record(ctx, c.Name, "create", "token "+out.ID, out.Token))
		})
		return &body[secretToken]{out}, err
	})
	add(s, "DELETE tokens/{id}", tenant.Admin, "Revoke an API token", func(ctx context.Context, c call, in *ByID) (*none, error) {
		return nil, c.remove(ctx, &store.Token{ID: in.ID}, "token "+in.ID)
	})
	type auditInput struct{ Paging }
	add(s, "GET audit", tenant.Read, "Who did what", func(ctx context.Context, c call, in *auditInput) (*body[list[store.Audit]], error) {
		return page[store.Audit](ctx, c, in.Paging, nil)
	})
}

// keepsAdmin refuses a change after which nobody could log in and repair it.
func keepsAdmin(ctx context.Context, s store.Scope) error {
	err := store.First(ctx, s.Select(&store.User{}).Where("role = 'admin'"))
	if errors.Is(err, store.ErrNotFound) {
		return huma.Error409Conflict("the tenant would have no administrator")
	}
	return err
}

// create adds a row whose name must be free, and records it.
func (c call) create(ctx context.Context, r store.Row, object string, detail any) error {
	return c.Tx(ctx, func(s store.Scope) error {
		fresh, err := s.InsertNew(ctx, r)
		if err == nil && !fresh {
			err = store.ErrTaken
		}
		return firstError(err, s.Record(ctx, c.Name, "create", object, detail))
	})
}

// remove deletes a row and records it.
func (c call) remove(ctx context.Context, r store.Row, object string) error {
	return c.Tx(ctx, func(s store.Scope) error {
		return firstError(s.Delete(ctx, r), s.Record(ctx, c.Name, "delete", object, nil))
	})
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// page reads a page of rows, narrowed by refine.
func page[T store.Positioned](ctx context.Context, c call, p Paging, refine func(*store.SelectQuery) *store.SelectQuery) (*body[list[T]], error) {
	rows, next, err := store.List[T](ctx, c.Scope, p.page(), refine)
	return &body[list[T]]{list[T]{rows, next}}, err
}
