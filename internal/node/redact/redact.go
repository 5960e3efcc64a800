// Package redact removes values from a request before it is kept.
//
// What it does not understand it removes whole: a body whose format is not
// one of form, JSON or multipart.
package redact

import (
	"bytes"
	"encoding/json"
	"mime"
	"strings"

	"github.com/gabionhq/gabion/engine"
	"github.com/gabionhq/gabion/engine/parse"
)

// removed stands where a credential was.
const removed = "removed"

// A Rules says which values go. Its zero value keeps everything.
type Rules struct {
	Name    func(name string) bool  // values of parameters and fields of these names; nil for none
	Value   func(value []byte) bool // values that are like this; nil for none
	Cookies bool                    // the values of all cookies
	Body    bool                    // the body as a whole
}

// Credentials remove what proves who sent a request, or pays.
func Credentials() *Rules { return &Rules{Name: secretName, Value: tellsSecret, Cookies: true} }

// Masks remove the values at points that a ruleset masks: those of the last
// name in the point, wherever a request has it, and the body for post. That
// is more than was asked rather than less.
func Masks(points []string) *Rules {
	names := map[string]bool{}
	r := &Rules{}
	for _, p := range points {
		steps, err := parse.ParsePoint(p)
		if err != nil {
			continue
		}
		name := ""
		for _, s := range steps {
			if len(s.Key) > 0 {
				name = strings.ToLower(string(s.Key))
			}
		}
		switch {
		case name != "":
			names[name] = true
		case steps[0].Kind == parse.Post:
			r.Body = true
		}
	}
	if len(names) > 0 {
		r.Name = func(name string) bool { return names[strings.ToLower(name)] }
	}
	return r
}

// Request returns a copy of the request without the values that go. The
// request itself is not changed; what stays is shared with it.
func (r *Rules) Request(head *engine.Head, body []byte) (*engine.Head, []byte) {
	if r.keepsAll() {
		return head, body
	}
	clean := *head
	clean.Target = r.target(head.Target)
	clean.Header = make([]engine.HeaderField, len(head.Header))
	kind := ""
	for i, f := range head.Header {
		name := strings.ToLower(string(f.Name))
		switch {
		case name == "content-type":
			kind = string(f.Value)
		case r.name(name):
			f.Value = []byte(removed)
		case name == "cookie":
			f.Value = r.cookies(f.Value)
		case name == "referer":
			f.Value = r.target(f.Value)
		}
		clean.Header[i] = f
	}
	return &clean, r.body(kind, body)
}

func (r *Rules) keepsAll() bool {
	return r == nil || r.Name == nil && r.Value == nil && !r.Cookies && !r.Body
}

func (r *Rules) name(name string) bool   { return r.Name != nil && r.Name(name) }
func (r *Rules) value(value []byte) bool { return r.Value != nil && r.Value(value) }

func (r *Rules) body(kind string, body []byte) []byte {
	media, params, err := mime.ParseMediaType(kind)
	switch {
	case err != nil || len(body) == 0 || r.Body:
		return nil
	case media == "application/x-www-form-urlencoded":
		return r.pairs(body, '&')
	case media == "application/json" || strings.HasSuffix(media, "+json"):
		return r.json(body)
	case media == "multipart/form-data":
		return r.multipart(body, params["boundary"])
	}
	return nil
}

// secretWords are parts of names of parameters and header fields whose
// values prove identity or pay.
var secretWords = []string{"pass", "pwd", "secret", "token", "auth", "credential", "apikey", "api-key", "api_key", "access-key", "access_key",
	"session", "csrf", "xsrf", "signature", "private", "jwt", "bearer", "cvv", "cvc", "card", "iban", "ssn", "otp", "recovery"}

// secretNames are whole names of the same kind.
var secretNames = map[string]bool{"key": true, "pin": true, "sid": true, "sig": true, "code": true, "hash": true, "pan": true, "mfa": true, "nonce": true}

func secretName(name string) bool {
	name = strings.ToLower(name)
	if secretNames[name] {
		return true
	}
	for _, w := range secretWords {
		if strings.Contains(name, w) {
			return true
		}
	}
	return false
}

// tellsSecret says whether a value talks of credentials itself: a query
// language, JSON in a string.
func tellsSecret(value []byte) bool {
	return secretName(string(unescape(value)))
}

// target removes credentials from a URL or request target.
func (r *Rules) target(target []byte) []byte {
	path, query, ok := bytes.Cut(target, []byte("?"))
	if i := bytes.Index(path, []byte("://")); i >= 0 {
		if at := bytes.IndexByte(path[i:], '@'); at >= 0 && bytes.IndexByte(path[i+3:i+at], '/') < 0 {
			path = append(append([]byte(nil), path[:i+3]...), path[i+at+1:]...)
		}
	}
	if !ok {
		return path
	}
	clean := append(append([]byte(nil), path...), '?')
	return append(clean, r.pairs(query, '&')...)
}

// pairs removes the values of names that go from name=value pairs.
func (r *Rules) pairs(pairs []byte, separator byte) []byte {
	var clean []byte
	for i, pair := range bytes.Split(pairs, []byte{separator}) {
		if i > 0 {
			clean = append(clean, separator)
		}
		name, value, ok := bytes.Cut(pair, []byte("="))
		clean = append(clean, name...)
		if !ok {
			continue
		}
		if r.name(string(unescape(name))) || r.value(value) {
			value = []byte(removed)
		}
		clean = append(append(clean, '='), value...)
	}
	return clean
}

// unescape undoes percent-encoding as far as it is well-formed.
func unescape(s []byte) []byte {
	if bytes.IndexByte(s, '%') < 0 {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]) {
			out = append(out, hexValue(s[i+1])<<4|hexValue(s[i+2]))
			i += 2
			continue
		}
		out = append(out, s[i])
	}
	return out
}

func isHex(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f' }

func hexValue(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c&7 + 9
}

// cookies removes every value, because a cookie's name does not tell whether
// it is a session, or those of names that go.
func (r *Rules) cookies(cookies []byte) []byte {
	var clean []byte
	for i, c := range bytes.Split(cookies, []byte(";")) {
		if i > 0 {
			clean = append(clean, ';')
		}
		name, _, ok := bytes.Cut(c, []byte("="))
		switch {
		case !r.Cookies && !r.name(strings.TrimSpace(string(name))):
			clean = append(clean, c...)
		case !ok: // a value without a name
			clean = append(clean, removed...)
		default:
			clean = append(append(append(clean, name...), '='), removed...)
		}
	}
	return clean
}

// part says whether a part of a multipart body goes: by any word in its head
// for credentials, whose names are told by their parts, and by its name.
func (r *Rules) part(head string) bool {
	if r.name(head) {
		return true
	}
	_, rest, _ := strings.Cut(head, "name=")
	name, _, _ := strings.Cut(rest, ";")
	name, _, _ = strings.Cut(name, "\r")
	return r.name(strings.Trim(strings.TrimSpace(name), `"`))
}

// multipart removes the content of parts whose names go, and of files when
// values are judged too.
func (r *Rules) multipart(body []byte, boundary string) []byte {
	if boundary == "" {
		return nil
	}
	parts := bytes.Split(body, []byte("--"+boundary))
	if len(parts) < 2 {
		return nil
	}
	for i, part := range parts {
		head, content, ok := bytes.Cut(part, []byte("\r\n\r\n"))
		name := strings.ToLower(string(head))
		if ok && (r.part(name) || r.Value != nil && strings.Contains(name, "filename") || r.value(content)) {
			parts[i] = append(append([]byte(nil), head...), "\r\n\r\n"+removed+"\r\n"...)
		}
	}
	return bytes.Join(parts, []byte("--"+boundary))
}

// json removes the values of members whose names go. It copes with
// text that is not JSON or was cut: what is inside quotes is judged as names
// or values, all else is copied.
func (r *Rules) json(text []byte) []byte {
	var clean []byte
	for i := 0; i < len(text); {
		if text[i] != '"' {
			clean = append(clean, text[i])
			i++
			continue
		}
		end := stringEnd(text, i)
		word := text[i:end]
		value := skipSpace(text, end)
		if value >= len(text) || text[value] != ':' {
			if r.value([]byte(unquote(word))) {
				word = []byte(`"` + removed + `"`)
			}
			clean, i = append(clean, word...), end
			continue
		}
		clean, i = append(clean, text[i:value+1]...), value+1
		if r.name(unquote(word)) {
			clean = append(clean, `"`+removed+`"`...)
			i = valueEnd(text, skipSpace(text, i))
		}
	}
	return clean
}

func unquote(quoted []byte) string {
	var s string
	if json.Unmarshal(quoted, &s) != nil {
		return string(quoted)
	}
	return s
}

func skipSpace(text []byte, i int) int {
	for i < len(text) && strings.IndexByte(" \t\r\n", text[i]) >= 0 {
		i++
	}
	return i
}

// stringEnd returns the index behind the string that begins at i.
func stringEnd(text []byte, i int) int {
	for i++; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}

// valueEnd returns the index behind the value that begins at i.
func valueEnd(text []byte, i int) int {
	for depth := 0; i < len(text); {
		switch text[i] {
		case '"':
			i = stringEnd(text, i)
			if depth == 0 {
				return i
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth < 0 {
				return i
			}
			if depth == 0 {
				return i + 1
			}
		case ',', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return i
			}
		}
		i++
	}
	return len(text)
}
