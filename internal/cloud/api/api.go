// Package api is the cloud's public interface: everything that console, command line and scripts can do.
package api

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/gabionhq/gabion/internal/cloud/fleet"
	"github.com/gabionhq/gabion/internal/cloud/policy"
	"github.com/gabionhq/gabion/internal/cloud/query"
	"github.com/gabionhq/gabion/internal/cloud/store"
	"github.com/gabionhq/gabion/internal/cloud/tenant"
)

// Parts are what the API gives access to.
type Parts struct {
	Region  string
	Version string // of the program
	DB      *store.DB
	Fleet   *fleet.Fleet
	Tenants *tenant.Directory
	Log     *slog.Logger
}

const prefix = "/api/v1/"

// callLimit bounds one operation, so that a search through everything does
// not occupy the database. Streams live longer: they begin after it.
const callLimit = 15 * time.Second

// cookie holds the secret of a browser session.
const cookie = "gabion_session"

type server struct {
	Parts
	huma huma.API
}

// Handler serves the API below /api/.
func Handler(p Parts) http.Handler {
	mux := http.NewServeMux()
	register(mux, p)
	// Requests that change something and that a browser sends from another
	// site are refused: the cookie's SameSite is the first line, this the
	// second.
	h := http.NewCrossOriginProtection().Handler(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if strings.ContainsRune(r.URL.Path, 0) || strings.Contains(r.URL.RawQuery, "%00") {
			http.Error(w, "NUL is part of no name here", http.StatusBadRequest)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// Description returns the OpenAPI description as JSON.
func Description() ([]byte, error) {
	return register(http.NewServeMux(), Parts{}).huma.OpenAPI().MarshalJSON()
}

func register(mux *http.ServeMux, p Parts) *server {
	c := huma.DefaultConfig("Gabion", "v1")
	c.Info.Description = "Control and analytics of one region. Lists are newest first and paged by cursor; times are Unix milliseconds."
	c.OpenAPIPath = "/api/openapi"
	c.DocsPath, c.SchemasPath = "", ""
	c.CreateHooks = nil
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"token":   {Type: "http", Scheme: "bearer"},
		"session": {Type: "apiKey", In: "cookie", Name: cookie},
	}
	s := &server{Parts: p, huma: humago.New(mux, c)}
	s.sessions()
	s.people()
	s.nodes()
	s.traffic()
	s.policy()
	s.suggestions()
	s.asks()
	s.events()
	return s
}

// A call is one authenticated request: who calls, and their tenant's rows.
type call struct {
	tenant.Actor
	store.Scope
	secret string // of the session, to end it
}

// body is a response of one value.
type body[T any] struct{ Body T }

// Paging is the input of every list.
type Paging struct {
	Limit  int    `query:"limit" default:"50" minimum:"1" maximum:"500"`
	Cursor string `query:"cursor" maxLength:"200" doc:"next of the page before"`
}

func (p Paging) page() store.Page { return store.Page{Limit: p.Limit, After: p.Cursor} }

// list is a page of a list.
type list[T any] struct {
	Items []T    `json:"items" nullable:"false"`
	Next  string `json:"next,omitempty" doc:"cursor of the next page; absent on the last"`
}

// whole is a list that is short enough for one page.
func whole[T any](items []T, err error) (*body[list[T]], error) {
	if items == nil {
		items = []T{}
	}
	return &body[list[T]]{list[T]{Items: items}}, err
}

// none is the input of operations without one.
type none struct{}

// add registers an operation that needs access. route is a method and a path
// below /api/v1/.
func add[I, O any](s *server, route string, need tenant.Access, summary string, f func(context.Context, call, *I) (*O, error)) {
	op := operation(route, summary)
	op.Security = []map[string][]string{{"token": {}}, {"session": {}}}
	op.Middlewares = huma.Middlewares{func(ctx huma.Context, next func(huma.Context)) { s.admit(ctx, need, next) }}
	huma.Register(s.huma, op, func(ctx context.Context, in *I) (*O, error) {
		c := ctx.Value(caller{}).(call)
		ctx, cancel := context.WithTimeout(ctx, callLimit)
		defer cancel()
		out, err := f(ctx, c, in)
		return out, s.problem(op.OperationID, err)
	})
}

// open registers an operation that needs no access.
func open[I, O any](s *server, route, summary string, f func(context.Context, *I) (*O, error)) {
	op := operation(route, summary)
	huma.Register(s.huma, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := f(ctx, in)
		return out, s.problem(op.OperationID, err)
	})
}

func operation(route, summary string) huma.Operation {
	method, path, _ := strings.Cut(route, " ")
	tag, _, _ := strings.Cut(path, "/")
	op := huma.Operation{Method: method, Path: prefix + path, Summary: summary, Tags: []string{tag}}
	op.OperationID = strings.ToLower(method) + "-" + strings.Trim(strings.NewReplacer("/", "-", "{", "", "}", "").Replace(path), "-")
	if method == http.MethodPost && !strings.Contains(path, "}/") { // not what is done to an object
		op.DefaultStatus = http.StatusCreated
	}
	return op
}

// caller is the context key of the call.
type caller struct{}

// admit lets a request pass that has the access, before its input is read.
func (s *server) admit(ctx huma.Context, need tenant.Access, next func(huma.Context)) {
	c, err := s.authenticate(ctx)
	if err == nil && !c.May(need) {
		err = huma.Error403Forbidden("the role " + c.Role + " does not have the access " + string(need))
	}
	if err = s.problem("authenticating", err); err != nil {
		var status huma.StatusError
		errors.As(err, &status)
		if status.GetStatus() == http.StatusUnauthorized {
			ctx.SetHeader("WWW-Authenticate", "Bearer")
		}
		huma.WriteErr(s.huma, ctx, status.GetStatus(), status.Error()) //nolint:errcheck // the client is gone
		return
	}
	next(huma.WithValue(ctx, caller{}, c))
}

func (s *server) authenticate(ctx huma.Context) (call, error) {
	var c call
	var err error
	if token, ok := strings.CutPrefix(ctx.Header("Authorization"), "Bearer "); ok {
		c.Actor, err = s.Tenants.Bearer(ctx.Context(), token)
	} else if found, e := huma.ReadCookie(ctx, cookie); e == nil {
		c.secret = found.Value
		c.Actor, err = s.Tenants.Cookie(ctx.Context(), found.Value)
	} else {
		err = tenant.ErrRefused
	}
	c.Scope = s.DB.Tenant(c.Actor.Tenant)
	return c, err
}

// problem turns an error into what the caller reads. What is our fault is
// logged and not explained.
func (s *server) problem(doing string, err error) error {
	var status huma.StatusError
	switch {
	case err == nil || errors.As(err, &status):
		return err
	case errors.Is(err, store.ErrNotFound):
		return huma.Error404NotFound("there is no such thing here")
	case errors.Is(err, store.ErrTaken):
		return huma.Error409Conflict(err.Error())
	case errors.Is(err, policy.ErrInvalid), errors.Is(err, query.ErrSyntax), errors.Is(err, store.ErrCursor):
		return huma.Error422UnprocessableEntity(err.Error())
	case errors.Is(err, tenant.ErrRefused):
		return huma.Error401Unauthorized("log in, or send a valid token")
	case errors.Is(err, tenant.ErrThrottled):
		return huma.Error429TooManyRequests(err.Error())
	case errors.Is(err, context.DeadlineExceeded):
		return huma.Error503ServiceUnavailable("that takes too long; narrow it, or a shorter time")
	case errors.Is(err, context.Canceled):
		return huma.NewError(499, "the request was cancelled")
	}
	s.Log.Error("serving the API", "operation", doing, "err", err)
	return huma.Error500InternalServerError("the cloud failed; its log says why")
}

func host(address string) string {
	h, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return h
}

// life is a duration in seconds in a request, at most ten years.
type life int64

func (l life) duration() time.Duration { return time.Duration(l) * time.Second }
