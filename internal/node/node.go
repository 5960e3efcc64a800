// Package node is the filtering node: the data plane, the ruleset it runs, and what it tells about itself.
package node

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gabionhq/gabion/engine"
	"github.com/gabionhq/gabion/engine/rule"
	"github.com/gabionhq/gabion/internal/config"
	"github.com/gabionhq/gabion/internal/node/agent"
	"github.com/gabionhq/gabion/internal/node/descriptors"
	"github.com/gabionhq/gabion/internal/node/health"
	"github.com/gabionhq/gabion/internal/node/proxy"
	"github.com/gabionhq/gabion/wire/wirepb"
)

// A Node receives, inspects and forwards traffic. It decides alone.
type Node struct {
	log     *slog.Logger
	engine  *engine.Engine
	proxy   *proxy.Proxy
	health  health.Board
	agent   *agent.Agent // nil when the data directory cannot be used
	mode    string
	traffic []proxy.Listener // the first is that of plain HTTP
	admin   net.Listener
	started time.Time
}

// New returns a node that listens but does not answer until Run. data is
// the directory of its state.
func New(cfg config.Node, data string, log *slog.Logger) (*Node, error) {
	n := &Node{log: log, engine: engine.New(engine.Options{}), started: time.Now()}
	if len(cfg.Sites) > 0 {
		n.mode = cfg.Sites[0].Mode
	}
	o, err := options(cfg)
	if err != nil {
		return nil, err
	}
	o.Log = log
	n.remember(cfg, data, &o)
	o.Begin = func(s *rule.Set, env engine.Env) proxy.Inspection { return n.engine.Begin(s, env) }
	if n.proxy, err = proxy.New(o); err != nil {
		n.close()
		return nil, err
	}
	err = n.listen(cfg, data)
	if err == nil && n.agent != nil {
		err = n.agent.Join(n)
	}
	if err != nil {
		n.close()
		return nil, err
	}
	return n, nil
}

// close gives back what New opened.
func (n *Node) close() {
	for _, l := range n.traffic {
		l.Close()
	}
	if n.admin != nil {
		n.admin.Close()
	}
	if n.agent != nil {
		n.agent.Close()
	}
}

// remember opens the node's memory. A node without it (a full disk, a key
// file that others can read) still protects, and says what is wrong.
func (n *Node) remember(cfg config.Node, data string, o *proxy.Options) {
	a, err := agent.Open(agent.Options{Config: cfg, Data: data, Engine: n.engine, Health: &n.health, Log: n.log})
	if err != nil {
		n.health.Degrade("memory", "no hits are kept or sent: "+err.Error())
		n.log.Error("the node's memory cannot be used", "err", err)
		return
	}
	n.agent, o.Observer = a, a.Observer()
}

// options translates the configuration of the data plane.
func options(cfg config.Node) (proxy.Options, error) {
	o := proxy.Options{Hold: int64(cfg.Inspect.Hold), Responses: cfg.Inspect.Responses}
	for _, s := range cfg.TrustedProxies {
		p, err := prefix(s)
		if err != nil {
			return o, fmt.Errorf("trusted proxy %q: %w", s, err)
		}
		o.Trusted = append(o.Trusted, p)
	}
	for i, s := range cfg.Sites {
		site, err := siteOf(s)
		if err != nil {
			return o, fmt.Errorf("site %d: %w", i+1, err)
		}
		o.Sites = append(o.Sites, site)
	}
	return o, nil
}

// prefix reads a network, or an address as the network of itself.
func prefix(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	return netip.ParsePrefix(s)
}

func siteOf(s config.Site) (proxy.Site, error) {
	site := proxy.Site{Hosts: s.Hosts, Application: s.Application, FailOpen: s.OnError != "closed", Forwarded: s.Forwarded, Health: s.Health, Mode: rule.Monitoring}
	for _, text := range append([]string{s.Upstream}, s.Upstreams...) {
		u, err := url.Parse(text)
		if err != nil {
			return site, fmt.Errorf("upstream: %w", err)
		}
		site.Upstreams = append(site.Upstreams, u)
	}
	var err error
	if site.Schema, err = descriptors.Load(s.Descriptors); err != nil {
		return site, err
	}
	if s.Mode != "" {
		if site.Mode, err = rule.ParseMode(s.Mode); err != nil {
			return site, err
		}
	}
	if s.Override != "" {
		site.Override, err = rule.ParseOverride(s.Override)
	}
	return site, err
}

// Addr returns where traffic arrives.
func (n *Node) Addr() net.Addr { return n.traffic[0].Addr() }

// AdminAddr returns where the node tells about itself.
func (n *Node) AdminAddr() net.Addr { return n.admin.Addr() }

// Counts returns the totals since the start.
func (n *Node) Counts() proxy.Counts { return n.proxy.Counts() }

// Status returns what the node tells the cloud of itself.
func (n *Node) Status() *wirepb.Status {
	c := n.Counts()
	return &wirepb.Status{
		StartedUnix: n.started.Unix(), Received: c.Received, Inspected: c.Inspected, Bypassed: c.Bypassed,
		Attacks: c.Attacks, Blocked: c.Blocked, Degraded: n.health.Reasons(), Mode: n.mode,
	}
}

// Health returns the board on which parts of the node note their troubles.
func (n *Node) Health() *health.Board { return &n.health }

// Run serves until the context ends, then lets open exchanges come to their
// end.
func (n *Node) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	adminCtx, stopAdmin := context.WithCancel(context.WithoutCancel(ctx))
	g.Go(func() error {
		defer stopAdmin()
		// Load balancers look elsewhere while open exchanges end.
		context.AfterFunc(ctx, func() { n.health.Ready(false) })
		return n.proxy.Serve(ctx, n.traffic...)
	})
	g.Go(func() error { return n.serveAdmin(adminCtx) })
	if n.agent != nil {
		g.Go(func() error { return n.agent.Run(adminCtx) })
		defer n.agent.Close()
	}
	n.health.Ready(true)
	return g.Wait()
}
