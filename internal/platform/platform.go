// Package platform is node and cloud in one process, over the same wire as when they are apart.
package platform

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gabionhq/gabion/internal/cloud"
	"github.com/gabionhq/gabion/internal/config"
	"github.com/gabionhq/gabion/internal/demo"
	"github.com/gabionhq/gabion/internal/node"
	"github.com/gabionhq/gabion/internal/node/agent"
)

// The demo's crowd: enough people for names to be shared and for profiles to
// learn, few enough for a laptop.
const (
	demoUsers = 60
	demoPause = 4 * time.Second
)

// hurry lets learning be watched, unless it is configured: a quarter of an
// hour is long. It is sure too soon for real traffic; the crowd's is regular.
func hurry(cfg *config.Cloud) {
	standard := config.Default().Cloud
	if cfg.Publish == standard.Publish {
		cfg.Publish = time.Minute
	}
	if cfg.Learn == standard.Learn {
		cfg.Learn = config.Learn{Values: 300, Sources: 20, Budget: 0.02, Shadow: time.Minute}
	}
}

// A Platform is a node and a cloud.
type Platform struct {
	log   *slog.Logger
	shop  *demo.Shop // nil without a demo
	cloud *cloud.Cloud
	node  *node.Node
	first cloud.Bootstrap
}

// New opens everything below cfg.Data and listens, but serves nothing before
// Run. With withDemo, the node protects the demo shop instead of the
// configured sites.
func New(ctx context.Context, cfg config.Config, withDemo bool, log *slog.Logger) (p *Platform, err error) {
	p = &Platform{log: log}
	if withDemo {
		if err := p.openDemo(&cfg.Node); err != nil {
			return nil, err
		}
		hurry(&cfg.Cloud)
	}
	if p.cloud, err = cloud.New(cfg.Cloud, cfg.Data, log.With("part", "cloud")); err != nil {
		return nil, err
	}
	if err := p.openNode(ctx, cfg); err != nil {
		p.cloud.Close()
		return nil, err
	}
	if p.first, err = p.cloud.Bootstrap(ctx, p.NodeURL(), withDemo); err != nil {
		p.cloud.Close()
		return nil, err
	}
	return p, nil
}

// openDemo opens the shop and puts the node in front of it. The shop is
// vulnerable on purpose, so nobody but this machine may reach it through the
// node either.
func (p *Platform) openDemo(cfg *config.Node) error {
	host, _, err := net.SplitHostPort(cfg.Listen)
	if err != nil {
		return fmt.Errorf("reading node.listen: %w", err)
	}
	if ip := net.ParseIP(host); host != "localhost" && !ip.IsLoopback() {
		return fmt.Errorf("the demo is vulnerable on purpose and listens on loopback only; node.listen is %s", cfg.Listen)
	}
	if p.shop, err = demo.Listen("127.0.0.1:0", p.log.With("part", "demo")); err != nil {
		return err
	}
	cfg.Sites = []config.Site{{Upstream: p.shop.URL(), Mode: "block"}}
	// The crowd arrives through a trusted proxy, each with an address of
	// its own; in a crowd this small, three sources share a name.
	cfg.TrustedProxies = append(cfg.TrustedProxies, "127.0.0.0/8")
	cfg.Privacy.RevealK = 3
	return nil
}

// NodeData is the node's part of a platform's data directory.
func NodeData(data string) string { return filepath.Join(data, "node") }

// openNode enrols the node, at the first start, by a token like any other.
func (p *Platform) openNode(ctx context.Context, cfg config.Config) error {
	dir := NodeData(cfg.Data)
	// The wire's address may have changed since.
	cfg.Node.Uplink.URL = "https://" + p.cloud.WireAddr()
	// What is damaged is the node's to report: it protects all the same.
	if state, _, err := agent.Enrolment(dir); err == nil && state.Node == "" {
		if cfg.Node.Uplink.Token, err = p.cloud.NodeToken(ctx); err != nil {
			return err
		}
	}
	var err error
	p.node, err = node.New(cfg.Node, dir, p.log.With("part", "node"))
	return err
}

// NodeURL is where applications are reached through the node.
func (p *Platform) NodeURL() string {
	return (&url.URL{Scheme: "http", Host: p.node.Addr().String()}).String()
}

// AdminURL is where the node tells about itself.
func (p *Platform) AdminURL() string { return "http://" + p.node.AdminAddr().String() }

// Bootstrap is what the first start tells the operator.
func (p *Platform) Bootstrap() cloud.Bootstrap { return p.first }

// Run serves until ctx ends: first the traffic stops, then the cloud, so
// that what the node has seen last arrives.
func (p *Platform) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	cloudCtx, stopCloud := context.WithCancel(context.WithoutCancel(ctx))
	g.Go(func() error { return p.cloud.Run(cloudCtx) })
	g.Go(func() error {
		defer stopCloud()
		return p.node.Run(ctx)
	})
	if p.shop != nil {
		crowd := &demo.Crowd{Target: p.NodeURL(), Users: demoUsers, Pause: demoPause}
		g.Go(func() error { return p.shop.Run(ctx) })
		g.Go(func() error { return crowd.Run(ctx) })
	}
	return g.Wait()
}
