package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/gabionhq/gabion/internal/cloud/tenant"
	"github.com/gabionhq/gabion/wire"
)

// me is who calls.
type me struct {
	Tenant string `json:"tenant"`
	ID     string `json:"id"`
	Name   string `json:"name"`
	Role   string `json:"role" enum:"admin,analyst,read-only,deploy"`
}

func meOf(a tenant.Actor) me { return me{a.Tenant, a.ID, a.Name, a.Role} }

type status struct {
	Region  string `json:"region"`
	Version string `json:"version"`
	Wire    int    `json:"wire" doc:"version of the contract with nodes"`
}

type login struct {
	address string
	secure  bool
	Body    struct {
		Link string `json:"link" minLength:"1" maxLength:"200" doc:"what stands behind # in a login link"`
	}
}

// Resolve notes where the request came from.
func (l *login) Resolve(ctx huma.Context) []error {
	l.address, l.secure = host(ctx.RemoteAddr()), ctx.TLS() != nil
	return nil
}

type withCookie[T any] struct {
	Cookie http.Cookie `header:"Set-Cookie"`
	Body   T
}

func sessionCookie(secret string, secure bool, seconds int) http.Cookie {
	return http.Cookie{Name: cookie, Value: secret, Path: "/api/", HttpOnly: true, Secure: secure,
		SameSite: http.SameSiteStrictMode, MaxAge: seconds}
}

func (s *server) sessions() {
	open(s, "GET status", "What this is", func(context.Context, *none) (*body[status], error) {
		return &body[status]{status{s.Region, s.Version, wire.Version}}, nil
	})
	open(s, "POST session", "Log in with a one-time link", func(ctx context.Context, in *login) (*withCookie[me], error) {
		secret, actor, err := s.Tenants.Login(ctx, in.address, in.Body.Link)
		if err != nil {
			return nil, err
		}
		return &withCookie[me]{sessionCookie(secret, in.secure, int(tenant.SessionLife.Seconds())), meOf(actor)}, nil
	})
	add(s, "GET session", tenant.Self, "Who is calling", func(_ context.Context, c call, _ *none) (*body[me], error) {
		return &body[me]{meOf(c.Actor)}, nil
	})
	type ended struct {
		Cookie http.Cookie `header:"Set-Cookie"`
	}
	add(s, "DELETE session", tenant.Self, "Log out", func(ctx context.Context, c call, _ *none) (*ended, error) {
		if c.secret == "" {
			return nil, huma.Error409Conflict("a token has no session to end")
		}
		return &ended{sessionCookie("", false, -1)}, s.Tenants.Logout(ctx, c.Actor, c.secret)
	})
}
