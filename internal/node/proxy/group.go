package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"
)

// avoid is how long an upstream is left alone after a connection to it
// failed, while there are others.
const avoid = 5 * time.Second

// checkEvery is how often health is checked.
const checkEvery = 5 * time.Second

// A group is the upstreams of a site. Requests go to each in turn.
type group struct {
	members []*upstream
	turn    atomic.Uint64
}

// get returns a connection to a member that is well, or to any if none is.
// A member that cannot be connected to is passed over: nothing was sent.
func (g *group) get(twice bool) (*link, error) {
	var failed error
	turn := g.turn.Add(1)
	for _, well := range []bool{true, false} {
		for i := range g.members {
			u := g.members[(turn+uint64(i))%uint64(len(g.members))]
			if u.well() != well {
				continue
			}
			l, err := u.get(twice)
			if err == nil {
				return l, nil
			}
			u.down.Store(time.Now().Add(avoid).UnixNano())
			failed = errors.Join(failed, err)
			if len(g.members) == 1 {
				return nil, err
			}
		}
	}
	return nil, failed
}

// pick returns the member whose turn it is among those that are well.
func (g *group) pick() *upstream {
	turn := g.turn.Add(1)
	for i := range g.members {
		if u := g.members[(turn+uint64(i))%uint64(len(g.members))]; u.well() {
			return u
		}
	}
	return g.members[turn%uint64(len(g.members))]
}

func (g *group) prune(now time.Time) {
	for _, u := range g.members {
		u.prune(now)
	}
}

func (g *group) close() {
	for _, u := range g.members {
		u.close()
	}
}

// well says whether requests should go there.
func (u *upstream) well() bool {
	if u.sick.Load() {
		return false
	}
	until := u.down.Load()
	return until == 0 || time.Now().UnixNano() >= until
}

// watch checks the health of the site's upstreams until the context ends.
func (s *site) watch(ctx context.Context, log *slog.Logger) {
	t := time.NewTicker(checkEvery)
	defer t.Stop()
	for {
		for _, u := range s.group.members {
			err := u.check(ctx, s.Health)
			if ctx.Err() != nil {
				return
			}
			if was := u.sick.Swap(err != nil); was != (err != nil) {
				log.Warn("health of upstream changed", "site", s.name, "upstream", u.address, "healthy", err == nil, "err", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

// check asks for the path on a connection of its own.
func (u *upstream) check(ctx context.Context, path string) error {
	ctx, cancel := context.WithTimeout(ctx, u.times.Dial)
	defer cancel()
	scheme, config := "http", (*tls.Config)(nil)
	if u.tls != nil {
		scheme, config = "https", u.tls.Clone()
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+u.address+path, nil)
	if err != nil {
		return fmt.Errorf("checking health: %w", err)
	}
	r.Header.Set("User-Agent", "gabion-health")
	tr := &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}
	res, err := tr.RoundTrip(r)
	if err != nil {
		return fmt.Errorf("checking health: %w", err)
	}
	res.Body.Close()
	if res.StatusCode >= 400 {
		return fmt.Errorf("checking health: %s", res.Status)
	}
	return nil
}
