// Package cloud is the control and analytics side of one region, put together.
package cloud

//go:generate env GABION_GEN=1 go test -run ^TestDescription$ .

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gabionhq/gabion/internal/cloud/api"
	"github.com/gabionhq/gabion/internal/cloud/compile"
	"github.com/gabionhq/gabion/internal/cloud/fleet"
	"github.com/gabionhq/gabion/internal/cloud/ingest"
	"github.com/gabionhq/gabion/internal/cloud/learn"
	"github.com/gabionhq/gabion/internal/cloud/store"
	"github.com/gabionhq/gabion/internal/cloud/tenant"
	"github.com/gabionhq/gabion/internal/cloud/web"
	"github.com/gabionhq/gabion/internal/config"
)

const (
	// shutdown is how long requests may go on when the cloud stops.
	shutdown = 5 * time.Second
	// sweepEvery is how often expired rows are deleted.
	sweepEvery = 10 * time.Minute
	// probeEvery is how old /readyz may be.
	probeEvery = 10 * time.Second
	// keepHits is a quarter: what is older is no longer looked at.
	keepHits = 90 * 24 * time.Hour
	// keepEvents bounds how long a consumer or browser may be away.
	keepEvents = 7 * 24 * time.Hour
)

// Cloud is one region.
type Cloud struct {
	cfg   config.Cloud
	data  string
	log   *slog.Logger
	db    *store.DB
	fleet *fleet.Fleet
	dir   *tenant.Directory

	console, wire net.Listener
	authority     *fleet.Authority
	degraded      atomic.Pointer[string] // why, or nil
}

// New opens the region's state in the directory data and its listeners, so
// that addresses are known (port 0 is fine) before Run serves them.
func New(cfg config.Cloud, data string, log *slog.Logger) (*Cloud, error) {
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, fmt.Errorf("making the data directory: %w", err)
	}
	standard := config.Default().Cloud
	if cfg.Publish <= 0 {
		cfg.Publish = standard.Publish
	}
	if cfg.Learn == (config.Learn{}) {
		cfg.Learn = standard.Learn
	}
	authority, err := fleet.OpenAuthority(data, cfg.Region)
	if err != nil {
		return nil, err
	}
	db, err := store.Open(context.Background(), filepath.Join(data, "cloud.db"))
	if err != nil {
		return nil, err
	}
	c := &Cloud{cfg: cfg, data: data, log: log, db: db, authority: authority}
	if c.console, err = net.Listen("tcp", cfg.Listen); err != nil {
		c.Close()
		return nil, fmt.Errorf("opening the console's address: %w", err)
	}
	if c.wire, err = net.Listen("tcp", cfg.Wire); err != nil {
		c.Close()
		return nil, fmt.Errorf("opening the wire's address: %w", err)
	}
	c.fleet = fleet.New(db, authority, c.WireAddr, log)
	c.dir = tenant.New(db, cfg.Region, time.Now)
	return c, nil
}

// Close frees what New opened. Run does so itself.
func (c *Cloud) Close() error {
	var errs []error
	for _, l := range []net.Listener{c.console, c.wire} {
		if l != nil {
			errs = append(errs, l.Close())
		}
	}
	return errors.Join(append(errs, c.db.Close())...)
}

// APIAddr is the address of console and API.
func (c *Cloud) APIAddr() string { return c.console.Addr().String() }

// WireAddr is the address of the wire as nodes see it.
func (c *Cloud) WireAddr() string {
	if c.cfg.Public != "" {
		return c.cfg.Public
	}
	return c.wire.Addr().String()
}

// Run serves until ctx ends.
func (c *Cloud) Run(ctx context.Context) error {
	defer c.db.Close()
	host, _, err := net.SplitHostPort(c.WireAddr())
	if err != nil {
		return fmt.Errorf("reading the wire's public address: %w", err)
	}
	wire := tls.NewListener(c.wire, &tls.Config{
		GetCertificate: c.authority.Server(host, "localhost", "127.0.0.1", "::1"),
		// Verified by ingest, so that a foreign certificate gets an answer
		// that says so instead of a broken handshake.
		ClientAuth: tls.RequestClientCert,
		MinVersion: tls.VersionTLS13,
		NextProtos: []string{"h2", "http/1.1"},
	})
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return c.serve(ctx, c.console, c.consoleHandler()) })
	g.Go(func() error { return c.serve(ctx, wire, ingest.New(c.db, c.fleet, c.log).Handler()) })
	g.Go(func() error { return c.fleet.Run(ctx) })
	g.Go(func() error { return compile.New(c.db, c.authority.RulesetKey, c.log).Run(ctx) })
	g.Go(func() error { return learn.New(c.db, c.learning(), c.log).Run(ctx) })
	g.Go(func() error { return c.sweep(ctx) })
	g.Go(func() error { return c.probe(ctx) })
	c.log.Info("cloud serves", "region", c.cfg.Region, "console", c.APIAddr(), "wire", c.WireAddr())
	return g.Wait()
}

func (c *Cloud) consoleHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/api/", api.Handler(api.Parts{
		Region: c.cfg.Region, Version: version(), DB: c.db, Fleet: c.fleet, Tenants: c.dir, Log: c.log}))
	mux.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /readyz", c.ready)
	mux.Handle("/", web.Handler())
	return mux
}

// ready says whether the cloud can do its work, and if not, why.
func (c *Cloud) ready(w http.ResponseWriter, _ *http.Request) {
	reasons := []string{}
	if why := c.degraded.Load(); why != nil {
		reasons = append(reasons, *why)
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	json.NewEncoder(w).Encode(map[string][]string{"reasons": reasons}) //nolint:errcheck // the client is gone
}

// probe tries a write now and then: a full disk shows there first.
func (c *Cloud) probe(ctx context.Context) error {
	for {
		err := c.db.Check(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			c.degraded.Store(nil)
		default:
			c.log.Error("the database takes no writes", "err", err)
			why := "the database takes no writes: " + err.Error()
			c.degraded.Store(&why)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(probeEvery):
		}
	}
}

// version is that of the module the program was built from.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

func (c *Cloud) learning() learn.Settings {
	l := c.cfg.Learn
	return learn.Settings{Every: c.cfg.Publish, Shadow: l.Shadow, MinValues: int64(l.Values), MinSources: int64(l.Sources), Budget: l.Budget}
}

// serve serves one listener until ctx ends. Requests see ctx end too, which
// ends their streams.
func (c *Cloud) serve(ctx context.Context, l net.Listener, h http.Handler) error {
	srv := &http.Server{
		Handler:           c.recovering(h),
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(c.log.Handler(), slog.LevelDebug),
	}
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		until, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdown)
		defer cancel()
		stopped <- srv.Shutdown(until)
	}()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving %s: %w", l.Addr(), err)
	}
	return <-stopped
}

// recovering logs a broken promise of ours where operators look.
func (c *Cloud) recovering(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if broken := recover(); broken != nil && broken != http.ErrAbortHandler {
				c.log.Error("serving a request failed", "method", r.Method, "path", r.URL.Path, "err", broken, "stack", string(debug.Stack()))
				panic(http.ErrAbortHandler)
			}
		}()
		h.ServeHTTP(w, r)
	})
}

func (c *Cloud) sweep(ctx context.Context) error {
	for {
		if err := c.db.Sweep(ctx, time.Now(), store.Retention{Hits: keepHits, Events: keepEvents}); err != nil && ctx.Err() == nil {
			c.log.Error("deleting what has expired", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(sweepEvery):
		}
	}
}

// Bootstrap is what the first start tells the operator, and the content of
// bootstrap.json. The URL and token are empty once there is an administrator.
type Bootstrap struct {
	ConsoleURL string `json:"console_url"` // logs in, once
	APIURL     string `json:"api_url"`
	APIToken   string `json:"api_token"`
	NodeURL    string `json:"node_url"`
}

// Bootstrap prepares the default tenant and, while it has no administrator,
// a login link and a token, and writes them to bootstrap.json (0600) in the
// data directory. nodeURL is passed through. A demo keeps its token, and its
// link can be used again.
func (c *Cloud) Bootstrap(ctx context.Context, nodeURL string, demo bool) (Bootstrap, error) {
	path := filepath.Join(c.data, "bootstrap.json")
	var last Bootstrap
	if text, err := os.ReadFile(path); err == nil {
		if err := json.Unmarshal(text, &last); err != nil {
			c.log.Warn("reading what an earlier start wrote", "file", path, "err", err)
		}
	}
	_, link, _ := strings.Cut(last.ConsoleURL, "#")
	first, err := c.dir.Bootstrap(ctx, tenant.Bootstrap{Link: link, Token: last.APIToken}, demo)
	if err != nil {
		return Bootstrap{}, fmt.Errorf("preparing the first start: %w", err)
	}
	b := Bootstrap{ConsoleURL: origin(c.APIAddr()) + "/", APIURL: origin(c.APIAddr()) + "/api/v1", APIToken: first.Token, NodeURL: nodeURL}
	if first.Link == "" {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return b, fmt.Errorf("removing what the first start wrote: %w", err)
		}
		return b, nil
	}
	b.ConsoleURL = loginURL(c.APIAddr(), first.Link)
	text, err := json.MarshalIndent(b, "", "  ")
	if err != nil {
		return b, err
	}
	if err := os.WriteFile(path+".new", append(text, '\n'), 0o600); err != nil {
		return b, fmt.Errorf("writing bootstrap.json: %w", err)
	}
	return b, os.Rename(path+".new", path)
}

// loginURL is a link that logs in. Behind '#' its secret stays out of
// requests, logs and referrers.
func loginURL(address, link string) string { return origin(address) + "/login#" + link }

// origin is where browsers on this machine find the console. It is named,
// not numbered, on loopback: some cookies and keys need a name.
func origin(address string) string {
	host, port, _ := net.SplitHostPort(address)
	if ip := net.ParseIP(host); ip.IsLoopback() || ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// NodeToken makes an enrolment token for the default group, for the node
// that runs beside the cloud.
func (c *Cloud) NodeToken(ctx context.Context) (string, error) {
	t, err := c.dir.Default(ctx)
	if err != nil {
		return "", fmt.Errorf("making an enrolment token: %w", err)
	}
	s := c.db.Tenant(t.ID)
	var g store.Group
	if err := store.First(ctx, s.Select(&g).Order("created", "id")); err != nil {
		return "", fmt.Errorf("making an enrolment token: %w", err)
	}
	text, _, err := c.fleet.NewToken(ctx, s, g.ID)
	return text, err
}
