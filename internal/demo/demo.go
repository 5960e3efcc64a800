// Package demo is a small shop of our own to try Gabion on: pages, a JSON
// API, GraphQL, XML and uploads, each with a vulnerable twin below /legacy,
// together with simulated shoppers and an attacker.
//
// The twins are really vulnerable but cannot hurt whoever runs them: their
// SQL runs in a database made in memory for the one request, their files are
// in memory, their shell is an interpreter that starts no process, and their
// outbound requests never leave the process.
package demo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// Limits of one request, so that an attack on a twin ends soon and small.
const (
	maxBody    = 1 << 20
	maxOutput  = 64 << 10
	maxRuntime = time.Second
)

// A Shop is the application. Its state is in memory and starts over with it.
type Shop struct {
	log     *slog.Logger
	ln      net.Listener
	orders  ledger[order]
	reviews ledger[review]
	uploads ledger[upload]
}

// Listen opens the shop on addr, which must be a loopback address: what is
// vulnerable on purpose is not shown to a network.
func Listen(addr string, log *slog.Logger) (*Shop, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("demo address %q: %w", addr, err)
	}
	if !loopback(host) {
		return nil, fmt.Errorf("demo address %q: the demo is vulnerable on purpose and listens on loopback only", addr)
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	return &Shop{log: log, ln: ln}, nil
}

// URL is where the shop answers.
func (s *Shop) URL() string { return "http://" + s.ln.Addr().String() }

// Run serves until ctx ends.
func (s *Shop) Run(ctx context.Context) error {
	srv := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	stop := context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		srv.Shutdown(grace)
	})
	defer stop()
	if err := srv.Serve(s.ln); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("demo: %w", err)
	}
	return nil
}

// Handler is the shop with all its routes.
func (s *Shop) Handler() http.Handler {
	mux := http.NewServeMux()
	s.pages(mux)
	s.api(mux)
	for _, twin := range []struct {
		prefix     string
		vulnerable bool
	}{{"", false}, {"/legacy", true}} {
		mux.HandleFunc("GET "+twin.prefix+"/search", s.search(twin.vulnerable))
		mux.HandleFunc("POST "+twin.prefix+"/login", s.login(twin.vulnerable))
		mux.HandleFunc("GET "+twin.prefix+"/files", s.files(twin.vulnerable))
		mux.HandleFunc("GET "+twin.prefix+"/ping", s.ping(twin.vulnerable))
		mux.HandleFunc("GET "+twin.prefix+"/preview", s.preview(twin.vulnerable))
		mux.HandleFunc("GET "+twin.prefix+"/hello", s.hello(twin.vulnerable))
		mux.HandleFunc("POST "+twin.prefix+"/stock", s.stock(twin.vulnerable))
	}
	return localOnly(mux)
}

// localOnly refuses requests for other hosts, so that no page elsewhere can
// reach the twins through DNS rebinding.
func localOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		if !loopback(strings.Trim(host, "[]")) {
			http.Error(w, "the demo answers for localhost only", http.StatusMisdirectedRequest)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}

func loopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
