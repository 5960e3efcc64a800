package h1

import (
	"bytes"
	"net/http"
	"strings"

	"github.com/gabionhq/gabion/engine"
)

// NewRequest makes h the head of a request that did not arrive as HTTP/1.1;
// Add adds its fields and Check ends it. size is -1 if the length of the
// body is unknown.
func (h *Head) NewRequest(method, target, authority, proto string, size int64) {
	*h = Head{Fields: h.Fields[:0], roles: h.roles[:0], buf: h.buf[:0], Minor: 1, Size: size}
	h.Method, h.Target, h.Proto = []byte(method), []byte(target), []byte(proto)
	switch {
	case size > 0:
		h.Framing = Length
	case size < 0:
		h.Framing = Chunked
	}
	h.Add("Host", authority)
}

// NewResponse makes h the head of a response that did not arrive as
// HTTP/1.1. size is -1 if the length of the body is unknown.
func (h *Head) NewResponse(status int, size int64, bodyless bool) {
	*h = Head{Fields: h.Fields[:0], roles: h.roles[:0], buf: h.buf[:0], Minor: 1, Status: status, Size: size}
	h.Reason = []byte(http.StatusText(status))
	switch {
	case bodyless:
	case size >= 0:
		h.Framing = Length
	default:
		h.Framing = Chunked
	}
}

// Add appends a field. What concerns the connection is not forwarded.
func (h *Head) Add(name, value string) {
	f := engine.HeaderField{Name: []byte(name), Value: []byte(value)}
	r := roleOf(f.Name)
	if r == transferEncoding || r == connection || r == upgrade {
		r = hopByHop
	}
	h.Fields = append(h.Fields, f)
	h.roles = append(h.roles, r)
}

// Check refuses what could not have arrived as HTTP/1.1, since that is what
// it will be forwarded as.
func (h *Head) Check() error {
	if !IsToken(h.Method) || len(h.Target) == 0 || !all(h.Target, targetByte) {
		return refuse(400, "malformed method or request target")
	}
	if len(h.Fields) > MaxFields {
		return refuse(431, "more than 256 fields")
	}
	lengths := 0
	for i, f := range h.Fields {
		if !IsToken(f.Name) || !all(f.Value, valueByte) {
			return refuse(400, "malformed field")
		}
		if h.roles[i] == contentLength {
			n, ok := decimal(f.Value)
			if lengths++; !ok || lengths > 1 || h.Framing == Chunked || n != h.Size {
				return refuse(400, "Content-Length disagrees with the body")
			}
		}
	}
	return h.hostRules()
}

// requestRules derives host, framing and persistence of a request.
func (h *Head) requestRules() error {
	if err := h.hostRules(); err != nil {
		return err
	}
	if err := h.framingRules(400); err != nil {
		return err
	}
	if h.Framing == Chunked && h.Minor == 0 {
		return refuse(400, "transfer coding in HTTP/1.0") // RFC 9112 6.1
	}
	return h.connectionRules(400)
}

// hostRules finds the effective host (RFC 9112 3.2).
func (h *Head) hostRules() error {
	n := 0
	for i, r := range h.roles {
		if r == host {
			h.Host = h.Fields[i].Value
			n++
		}
	}
	if n > 1 {
		return refuse(400, "more than one Host field")
	}
	if n == 0 && h.Minor == 1 {
		return refuse(400, "no Host field")
	}
	if !validHost(h.Host) {
		return refuse(400, "malformed Host field")
	}
	return h.targetRules(n)
}

// targetRules checks the form of the target (RFC 9112 3.2). A host in it
// must agree with the field: servers differ in which of them they believe.
func (h *Head) targetRules(hosts int) error {
	if Is(h.Method, "connect") {
		return refuse(501, "CONNECT is not forwarded")
	}
	if h.Target[0] == '/' || len(h.Target) == 1 && h.Target[0] == '*' && string(h.Method) == "OPTIONS" {
		return nil
	}
	i := bytes.Index(h.Target, []byte("://"))
	if i < 0 || !Is(h.Target[:i], "http") && !Is(h.Target[:i], "https") {
		return refuse(400, "request target is neither a path nor an absolute URL")
	}
	authority := h.Target[i+3:]
	if j := bytes.IndexAny(authority, "/?#"); j >= 0 {
		authority = authority[:j]
	}
	if len(authority) == 0 || !validHost(authority) {
		return refuse(400, "malformed authority in the request target")
	}
	if hosts == 1 && !bytes.EqualFold(authority, h.Host) {
		return refuse(400, "request target and Host field name different hosts")
	}
	h.Host = authority
	return nil
}

// validHost refuses what no reg-name, address or port holds, above all
// '@', '/' and space, by which servers split it differently.
func validHost(b []byte) bool {
	for _, c := range b {
		ok := c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 0x80 ||
			strings.IndexByte("-._~%!$&'()*+;=:[]", c) >= 0
		if !ok {
			return false
		}
	}
	return true
}

// framingRules applies RFC 9112 6.3, without its leniencies.
func (h *Head) framingRules(status int) error {
	lengths, codings := 0, 0
	for i, r := range h.roles {
		value := h.Fields[i].Value
		switch r {
		case contentLength:
			n, ok := decimal(value)
			if !ok {
				return refuse(status, "malformed Content-Length")
			}
			if lengths++; lengths > 1 && (status == 400 || n != h.Size) {
				return refuse(status, "more than one Content-Length")
			}
			h.Size, h.Framing = n, Length
		case transferEncoding:
			if codings++; codings > 1 {
				return refuse(status, "more than one Transfer-Encoding")
			}
			if !Is(value, "chunked") {
				return refuse(max(status, 501), "transfer coding other than chunked")
			}
		}
	}
	if codings > 0 && lengths > 0 {
		return refuse(status, "both Content-Length and Transfer-Encoding")
	}
	if codings > 0 {
		h.Framing = Chunked
	}
	return nil
}

func decimal(b []byte) (n int64, ok bool) {
	if len(b) == 0 || len(b) > 18 {
		return 0, false
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// maxOptions bounds the options of Connection, each of which is compared with
// every field. Those that are in use are three.
const maxOptions = 32

// connectionRules marks what RFC 9110 7.6.1 keeps from being forwarded.
func (h *Head) connectionRules(status int) error {
	persist := h.Minor == 1
	upgrading := false
	options := 0
	for i, r := range h.roles {
		if r == expect {
			h.Expect = Is(h.Fields[i].Value, "100-continue") && h.Minor == 1
		}
		if r != connection {
			continue
		}
		for list := h.Fields[i].Value; len(list) > 0; {
			var option []byte
			option, list = NextItem(list)
			options++
			switch {
			case options > maxOptions:
				return refuse(status, "Connection names too many options")
			case Is(option, "close"):
				persist = false
			case Is(option, "keep-alive"):
			case Is(option, "upgrade"):
				upgrading = true
			case !h.nominate(option):
				return refuse(status, "Connection names a field that is meant for all recipients")
			}
		}
	}
	h.Close = !persist
	if upgrading {
		h.findUpgrade()
	}
	return nil
}

// NextItem returns the first item of a comma-separated list and the rest.
func NextItem(list []byte) (item, rest []byte) {
	item = list
	if i := bytes.IndexByte(list, ','); i >= 0 {
		item, rest = list[:i], list[i+1:]
	}
	return trim(item), rest
}

// nominate makes a field hop-by-hop. It refuses fields that decide how the
// message is understood or trusted: removing them after inspection would
// show the upstream another message than the engine saw.
func (h *Head) nominate(option []byte) bool {
	for i := range h.Fields {
		name := h.Fields[i].Name
		if !bytes.EqualFold(name, option) {
			continue
		}
		switch {
		case h.roles[i] == te, h.roles[i] == hopByHop, h.roles[i] == upgrade, h.roles[i] == transferEncoding:
		case h.roles[i] != endToEnd, forAll(name):
			return false
		default:
			h.roles[i] = hopByHop
		}
	}
	return true
}

func forAll(name []byte) bool {
	for _, s := range []string{"content-", "x-forwarded-", "sec-", "x-http-method"} {
		if len(name) > len(s) && Is(name[:len(s)], s) {
			return true
		}
	}
	for _, s := range []string{"forwarded", "authorization", "cookie", "origin", "x-real-ip", "soapaction"} {
		if Is(name, s) {
			return true
		}
	}
	return false
}

// findUpgrade notes an upgrade that may be forwarded. Upgrades to another
// version of HTTP are not: they would carry requests past inspection.
func (h *Head) findUpgrade() {
	for i, r := range h.roles {
		if r != upgrade {
			continue
		}
		for list := h.Fields[i].Value; len(list) > 0; {
			var item []byte
			item, list = NextItem(list)
			name, _, _ := bytes.Cut(item, []byte("/"))
			if Is(name, "h2c") || Is(name, "h2") || Is(name, "http") || Is(name, "tls") {
				h.Upgrade = nil
				return
			}
		}
		h.Upgrade = h.Fields[i].Value
	}
}

// responseRules derives the framing of a response (RFC 9112 6.3).
func (h *Head) responseRules(method []byte) error {
	if err := h.framingRules(502); err != nil {
		return err
	}
	if err := h.connectionRules(502); err != nil {
		return err
	}
	switch {
	case string(method) == "HEAD", h.Status < 200, h.Status == 204, h.Status == 304:
		h.Framing = NoBody
	case h.Framing == NoBody:
		h.Framing = UntilClose
		h.Close = true
	}
	return nil
}

// Unwrap makes h the head of the request that another proxy asks about, as
// nginx (X-Original-*), Caddy and Traefik (X-Forwarded-*) name it. Fields
// that disagree are refused: one of them is the client's.
func (h *Head) Unwrap() error {
	target, ok := h.take("x-forwarded-uri", "x-original-uri")
	if !ok || len(target) == 0 {
		return refuse(400, "no X-Forwarded-Uri or X-Original-URI, or contradicting ones")
	}
	method, ok := h.take("x-forwarded-method", "x-original-method")
	if !ok || len(method) > 0 && !IsToken(method) || !all(target, targetByte) {
		return refuse(400, "malformed or contradicting original method or target")
	}
	name, ok := h.take("x-forwarded-host", "x-original-host")
	if !ok {
		return refuse(400, "contradicting original hosts")
	}
	h.Target = target
	if len(method) > 0 {
		h.Method = method
	}
	if len(name) > 0 {
		for i, r := range h.roles {
			if r == host {
				h.Fields[i].Value = name
			}
		}
	}
	return h.hostRules()
}

// take removes all fields of these names and returns their value. ok is
// false if they have more than one.
func (h *Head) take(names ...string) (value []byte, ok bool) {
	n, ok := 0, true
	for i, f := range h.Fields {
		taken := false
		for _, name := range names {
			taken = taken || Is(f.Name, name)
		}
		if !taken {
			h.Fields[n], h.roles[n] = f, h.roles[i]
			n++
			continue
		}
		ok = ok && (value == nil || bytes.Equal(value, f.Value))
		value = f.Value
	}
	h.Fields, h.roles = h.Fields[:n], h.roles[:n]
	return value, ok
}
