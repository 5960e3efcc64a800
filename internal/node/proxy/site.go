package proxy

import (
	"bytes"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/gabionhq/gabion/engine/parse"
	"github.com/gabionhq/gabion/engine/rule"
	"github.com/gabionhq/gabion/internal/node/h1"
)

// A Site is one protected application and the upstream that serves it.
type Site struct {
	Hosts       []string   // names, or *.name for all below it; empty for any host
	Upstreams   []*url.URL // http, https, h2c or h2, host and optional port; nothing else is used
	Health      string     // path that a healthy upstream answers below 400; empty for no checks
	Mode        rule.Mode
	Override    rule.Override
	FailOpen    bool // forward uninspected when inspection fails
	Forwarded   bool // tell the upstream the source in X-Forwarded-For
	Application int32
	Schema      *parse.Schema // of its gRPC services, nil for not known
}

// label names the site in metrics and records.
func (s *Site) label() string {
	if len(s.Hosts) == 0 {
		return "default"
	}
	return strings.ToLower(s.Hosts[0])
}

// A site is a Site at work.
type site struct {
	Site
	name   string
	group  group
	tally  tally
	timing timing
	active atomic.Int64 // exchanges now
}

// A router finds the site of a host.
type router struct {
	exact map[string]*site
	below map[string]*site // by the name after "*."
	any   *site
}

func newRouter(sites []*site) *router {
	r := &router{exact: map[string]*site{}, below: map[string]*site{}}
	for _, s := range sites {
		if len(s.Hosts) == 0 && r.any == nil {
			r.any = s
		}
		for _, host := range s.Hosts {
			host = strings.ToLower(host)
			table := r.exact
			if base, ok := strings.CutPrefix(host, "*."); ok {
				table, host = r.below, base
			}
			if table[host] == nil {
				table[host] = s
			}
		}
	}
	return r
}

// find returns the site of a host without port, nil if there is none. The
// longest name wins.
func (r *router) find(host []byte) *site {
	var buf [256]byte
	if len(host) > len(buf) {
		return r.any
	}
	name := buf[:copy(buf[:], bytes.TrimSuffix(host, []byte(".")))]
	for i, c := range name {
		if 'A' <= c && c <= 'Z' {
			name[i] = c | 0x20
		}
	}
	if s := r.exact[string(name)]; s != nil {
		return s
	}
	for {
		i := bytes.IndexByte(name, '.')
		if i < 0 {
			return r.any
		}
		name = name[i+1:]
		if s := r.below[string(name)]; s != nil {
			return s
		}
	}
}

// hostname cuts the port and the brackets of an address from an authority.
func hostname(authority []byte) []byte {
	if len(authority) > 0 && authority[0] == '[' {
		if i := bytes.IndexByte(authority, ']'); i > 0 {
			return authority[1:i]
		}
		return authority
	}
	if i := bytes.IndexByte(authority, ':'); i >= 0 {
		return authority[:i]
	}
	return authority
}

// idempotent says whether a request may be sent twice (RFC 9110 9.2.2).
func idempotent(h *h1.Head) bool {
	switch string(h.Method) {
	case "GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE":
		return true
	}
	return false
}
