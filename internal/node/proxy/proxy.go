package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/gabionhq/gabion/engine"
	"github.com/gabionhq/gabion/engine/rule"
	"github.com/gabionhq/gabion/internal/node/pace"
	"github.com/gabionhq/gabion/internal/node/source"
)

// Timeouts bound each wait of an exchange. A wait may end an eighth of its
// time early.
type Timeouts struct {
	Head          time.Duration // from the first byte of a request to the end of its head
	Idle          time.Duration // of a client connection between requests
	Body          time.Duration // between two reads of a request body
	Write         time.Duration // for one write to the client
	Dial          time.Duration // to the upstream, TLS handshake included
	UpstreamWrite time.Duration // for one write to the upstream
	UpstreamIdle  time.Duration // of an upstream connection between requests
	Response      time.Duration // from the end of the request to the head of the response
	ResponseBody  time.Duration // between two reads of a response body
	Drain         time.Duration // for open exchanges when the node stops
}

// DefaultTimeouts are those of common reverse proxies, except that a
// response may pause for longer: event streams do.
func DefaultTimeouts() Timeouts {
	return Timeouts{
		Head: 15 * time.Second, Idle: 75 * time.Second, Body: 60 * time.Second, Write: 60 * time.Second,
		Dial: 5 * time.Second, UpstreamWrite: 60 * time.Second, UpstreamIdle: 30 * time.Second,
		Response: 60 * time.Second, ResponseBody: time.Hour, Drain: 30 * time.Second,
	}
}

// Options are what a Proxy is made of. Begin, Log and Sites are required.
type Options struct {
	Sites     []Site
	Trusted   []netip.Prefix // proxies whose X-Forwarded-For is believed
	Hold      int64          // bytes of a body held back until the verdict; default 1 MiB
	MaxActive int64          // exchanges per site that are inspected at a time; default 4096
	Timeouts  *Timeouts      // default DefaultTimeouts
	Upstream  *tls.Config    // for https upstreams; default the system's roots
	Begin     func(*rule.Set, engine.Env) Inspection
	Observer  Observer // may be nil
	Responses bool     // look for what responses give away
	Log       *slog.Logger
}

// A Snapshot is the ruleset in force. It is immutable.
type Snapshot struct {
	Set     *rule.Set
	Version uint64 // 0 for the empty set of a node that never got one
}

// A Proxy receives, inspects and forwards requests.
type Proxy struct {
	router    *router
	sites     []*site
	none      *site // counts what belongs to no site
	source    *source.Finder
	hold      int
	maxActive int64
	times     Timeouts
	begin     func(*rule.Set, engine.Env) Inspection
	observer  Observer
	responses bool
	log       *slog.Logger

	snapshot             atomic.Pointer[Snapshot]
	active               atomic.Int64
	buffers              buffers
	copies               sync.Pool
	unpackers            sync.Pool // of *gzip.Reader
	ordinary, suspicious pace.Pace // responses that are looked at
	warned, failed       throttle
	conns                conns
	http2                *http2
}

// New returns a Proxy that runs the empty ruleset until Use is called.
func New(o Options) (*Proxy, error) {
	p := &Proxy{
		source: source.New(o.Trusted), hold: 1 << 20, maxActive: 4096, times: DefaultTimeouts(),
		begin: o.Begin, observer: o.Observer, responses: o.Responses && o.Observer != nil, log: o.Log,
		none: &site{name: "none"},
	}
	if o.Hold > 0 {
		p.hold = int(o.Hold)
	}
	if o.MaxActive > 0 {
		p.maxActive = o.MaxActive
	}
	if o.Timeouts != nil {
		p.times = *o.Timeouts
	}
	if o.Upstream == nil {
		o.Upstream = &tls.Config{}
	}
	p.copies.New = func() any { b := make([]byte, 32<<10); return &b }
	for _, s := range o.Sites {
		w := &site{Site: s, name: s.label()}
		for _, u := range s.Upstreams {
			up, err := newUpstream(u, o.Upstream, &p.times)
			if err != nil {
				return nil, fmt.Errorf("site %s: %w", s.label(), err)
			}
			w.group.members = append(w.group.members, up)
		}
		if len(w.group.members) == 0 {
			return nil, fmt.Errorf("site %s: no upstream", s.label())
		}
		p.sites = append(p.sites, w)
	}
	p.router = newRouter(p.sites)
	p.snapshot.Store(&Snapshot{Set: new(rule.Set)})
	p.conns.open = map[*conn]struct{}{}
	p.http2 = newHTTP2(p)
	return p, nil
}

// Use puts a ruleset in force for all requests whose head arrives from now on.
func (p *Proxy) Use(s *Snapshot) { p.snapshot.Store(s) }

// Snapshot returns the ruleset in force.
func (p *Proxy) Snapshot() *Snapshot { return p.snapshot.Load() }

// Active returns how many exchanges are open now.
func (p *Proxy) Active() int64 { return p.active.Load() }

// Counts returns the totals of all sites and of what belongs to none.
func (p *Proxy) Counts() Counts {
	c := p.none.tally.counts()
	for _, s := range p.sites {
		c.add(s.tally.counts())
	}
	return c
}

// A Listener is where clients arrive.
type Listener struct {
	net.Listener
	TLS   *tls.Config // nil for plain TCP
	Proxy bool        // trusted proxies begin connections with a PROXY header
	Asked bool        // clients are proxies that ask whether to forward a request
}

// Serve accepts and serves connections until the context ends, then lets
// open exchanges come to their end, for at most Timeouts.Drain.
func (p *Proxy) Serve(ctx context.Context, listeners ...Listener) error {
	var wg sync.WaitGroup
	wg.Go(func() { p.prune(ctx) })
	wg.Go(func() { p.http2.server.Serve(p.http2) })
	for _, l := range listeners {
		wg.Go(func() { p.accept(ctx, l) })
	}
	for _, s := range p.sites {
		if s.Health != "" {
			wg.Go(func() { s.watch(ctx, p.log) })
		}
	}
	<-ctx.Done()
	for _, l := range listeners {
		l.Close()
	}
	p.drain()
	wg.Wait()
	for _, s := range p.sites {
		s.group.close()
	}
	return nil
}

func (p *Proxy) accept(ctx context.Context, l Listener) {
	for {
		c, err := l.Accept()
		switch {
		case err == nil:
			go p.serveConn(c, &l)
		case ctx.Err() != nil || errors.Is(err, net.ErrClosed):
			return
		default:
			// Out of file descriptors, most likely: what ends frees some.
			p.warn("accepting a connection failed", "err", err)
			time.Sleep(50 * time.Millisecond)
		}
	}
}

// prune closes idle upstream connections until the context ends.
func (p *Proxy) prune(ctx context.Context) {
	t := time.NewTicker(p.times.UpstreamIdle/2 + time.Second)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-t.C:
			for _, s := range p.sites {
				s.group.prune(now)
			}
		}
	}
}

// warn logs at most once a second, with the number of warnings left out.
func (p *Proxy) warn(msg string, args ...any) {
	if dropped, ok := p.warned.take(time.Now()); ok {
		p.log.Warn(msg, append(args, "left_out", dropped)...)
	}
}

// fail logs a panic, at most one a second.
func (p *Proxy) fail(msg string, reason any, id string) {
	if dropped, ok := p.failed.take(time.Now()); ok {
		p.log.Error(msg, "panic", fmt.Sprintf("%.1000v", reason), "request_id", id, "stack", string(debug.Stack()), "left_out", dropped)
	}
}

// A throttle lets one event through per second.
type throttle struct {
	second  atomic.Int64
	dropped atomic.Int64
}

func (t *throttle) take(now time.Time) (dropped int64, ok bool) {
	last, this := t.second.Load(), now.Unix()
	if last == this || !t.second.CompareAndSwap(last, this) {
		t.dropped.Add(1)
		return 0, false
	}
	return t.dropped.Swap(0), true
}

// newID returns a fresh request id, a ULID. It names a request and protects
// nothing, so the runtime's generator is good enough.
func newID(now time.Time) string {
	var id ulid.ULID
	_ = id.SetTime(uint64(now.UnixMilli())) // fails in the year 10889
	hi, lo := rand.Uint64(), rand.Uint64()
	for i := range 8 {
		id[6+i] = byte(hi >> (8 * i))
	}
	id[14], id[15] = byte(lo), byte(lo>>8)
	return id.String()
}
