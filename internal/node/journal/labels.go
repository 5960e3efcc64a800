package journal

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"

	"github.com/gabionhq/gabion/engine"
	"github.com/gabionhq/gabion/engine/parse"
	"github.com/gabionhq/gabion/internal/node/pseudonym"
	"github.com/gabionhq/gabion/internal/node/reveal"
	"github.com/gabionhq/gabion/wire/wirepb"
)

// labels says endpoints and points with the names that may leave.
type labels struct {
	names *reveal.Names
	key   *pseudonym.Key
}

// endpoint returns how the endpoint of a request is told to the cloud.
func (l *labels) endpoint(hash uint64, head *engine.Head) *wirepb.Endpoint {
	return &wirepb.Endpoint{
		Application: head.App, Host: l.host(hostOf(head)), Method: method(string(head.Method)), Path: l.path(template(head)),
		Key: binary.BigEndian.AppendUint64(nil, l.key.Seal(hash)),
	}
}

// host returns a host that is public, or stands for one that is not. An
// address that is the machine itself names nobody.
func (l *labels) host(host string) string {
	if a, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil && a.IsLoopback() || l.names.Public(host) {
		return host
	}
	return "<host>"
}

// methods are those of RFC 9110, RFC 5789 and WebDAV.
var methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "QUERY",
	"PROPFIND", "PROPPATCH", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "REPORT", "SEARCH"}

func method(m string) string {
	if slices.Contains(methods, m) {
		return m
	}
	return reveal.Token(m)
}

// maxSegments bounds a path that is told: what is deeper is no endpoint.
const maxSegments = 24

// path returns a template with its literals as they may leave.
func (l *labels) path(template string) string {
	var b strings.Builder
	for i, s := range segments(template) {
		b.WriteByte('/')
		if i == maxSegments {
			b.WriteString("<more>")
			break
		}
		placeholder, rest := cutPlaceholder(s)
		b.WriteString(placeholder)
		if rest != "" {
			b.WriteString(l.literal(rest))
		}
	}
	return b.String()
}

// literal keeps the dot of an extension with its name.
func (l *labels) literal(s string) string {
	if ext, ok := strings.CutPrefix(s, "."); ok {
		return "." + l.names.Text(ext)
	}
	return l.names.Text(s)
}

// hidden appends the names in a template that are not public.
func (l *labels) hidden(dst []string, host, template string) []string {
	if host != "" && l.host(host) != host {
		dst = append(dst, host)
	}
	for i, s := range segments(template) {
		if i == maxSegments {
			break
		}
		_, rest := cutPlaceholder(s)
		if rest = strings.TrimPrefix(rest, "."); rest != "" && !l.names.Public(rest) {
			dst = append(dst, rest)
		}
	}
	return dst
}

func segments(template string) []string {
	template = strings.TrimPrefix(template, "/")
	if template == "" {
		return []string{""}
	}
	return strings.SplitN(template, "/", maxSegments+1)
}

// placeholders are the typed segments of profile.AppendTemplate. A client
// that sends one as text is told as if it had sent the type.
var placeholders = []string{"{int}", "{float}", "{uuid}", "{date}", "{date-time}", "{email}", "{ip}", "{hex}", "{ulid}",
	"{token}", "{jwt}", "{phone}", "{list}", "{id}"}

func cutPlaceholder(segment string) (placeholder, rest string) {
	for _, p := range placeholders {
		if rest, ok := strings.CutPrefix(segment, p); ok && (rest == "" || rest[0] == '.') {
			return p, rest
		}
	}
	return "", segment
}

// point returns a rendered point with its names as they may leave, and the
// key of the folded point.
func (l *labels) point(rendered string) (text string, key []byte) {
	if rendered == "" {
		return "", nil
	}
	steps, err := parse.ParsePoint(rendered)
	if err != nil {
		return "<point>", nil
	}
	key = binary.BigEndian.AppendUint64(nil, l.key.Seal(parse.Key(steps).Folded))
	return l.steps(steps), key
}

func (l *labels) steps(steps []parse.Step) string {
	for i := range steps {
		if len(steps[i].Key) > 0 {
			steps[i].Key = []byte(l.names.Text(string(steps[i].Key)))
		}
	}
	return cut(string(parse.AppendSteps(nil, steps)), maxPoint)
}

// hiddenIn returns the names in a point that are not public.
func (l *labels) hiddenIn(steps []parse.Step) (hidden []string) {
	for _, s := range steps {
		if len(s.Key) > 0 && !l.names.Public(string(s.Key)) {
			hidden = append(hidden, string(s.Key))
		}
	}
	return hidden
}
