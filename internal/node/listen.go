package node

import (
	"fmt"
	"net"
	"os"
	"path/filepath"

	"github.com/gabionhq/gabion/internal/config"
	"github.com/gabionhq/gabion/internal/node/certs"
	"github.com/gabionhq/gabion/internal/node/proxy"
)

// listen opens all listeners of the configuration.
func (n *Node) listen(cfg config.Node, data string) error {
	if err := n.open("traffic", cfg.Listen, proxy.Listener{Proxy: cfg.ProxyProtocol}); err != nil {
		return err
	}
	if cfg.ListenTLS != "" {
		store, err := n.certificates(cfg, data)
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

// certificates are those of the configured files, and of the authority.
func (n *Node) certificates(cfg config.Node, data string) (*certs.Store, error) {
	a := cfg.ACME
	if len(a.Hosts) == 0 {
		return certs.New(pairs(cfg.Certificates), nil, n.log)
	}
	authority := &certs.ACME{Hosts: a.Hosts, Email: a.Email, Directory: a.Directory, Agree: a.Agree, Dir: filepath.Join(data, "acme")}
	if a.CA != "" {
		var err error
		if authority.Roots, err = os.ReadFile(a.CA); err != nil {
			return nil, fmt.Errorf("reading node.acme.ca: %w", err)
		}
	}
	return certs.New(pairs(cfg.Certificates), authority, n.log)
}

func pairs(list []config.Certificate) (out []certs.Pair) {
	for _, c := range list {
		out = append(out, certs.Pair{Cert: c.Cert, Key: c.Key})
	}
	return out
}
