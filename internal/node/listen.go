package node

import (
	"fmt"
	"net"

	"github.com/gabionhq/gabion/internal/config"
	"github.com/gabionhq/gabion/internal/node/certs"
	"github.com/gabionhq/gabion/internal/node/proxy"
)

// listen opens all listeners of the configuration.
func (n *Node) listen(cfg config.Node) error {
	if err := n.open("traffic", cfg.Listen, proxy.Listener{Proxy: cfg.ProxyProtocol}); err != nil {
		return err
	}
	if cfg.ListenTLS != "" {
		store, err := certs.New(pairs(cfg.Certificates), n.log)
		if err != nil {
			return fmt.Errorf("listening for traffic over TLS: %w", err)
		}
		if err := n.open("traffic over TLS", cfg.ListenTLS, proxy.Listener{Proxy: cfg.ProxyProtocol, TLS: store.Config()}); err != nil {
			return err
		}
	}
	if cfg.Auth != "" {
		if err := n.open("questions of other proxies", cfg.Auth, proxy.Listener{Asked: true}); err != nil {
			return err
		}
	}
	var err error
	if n.admin, err = net.Listen("tcp", cfg.Admin); err != nil {
		return fmt.Errorf("listening for administration: %w", err)
	}
	return nil
}

func (n *Node) open(what, address string, l proxy.Listener) (err error) {
	if l.Listener, err = net.Listen("tcp", address); err != nil {
		return fmt.Errorf("listening for %s: %w", what, err)
	}
	n.traffic = append(n.traffic, l)
	return nil
}

func pairs(list []config.Certificate) (out []certs.Pair) {
	for _, c := range list {
		out = append(out, certs.Pair{Cert: c.Cert, Key: c.Key})
	}
	return out
}
