package recorder

import (
	"bytes"
	"encoding/json"
	"mime"
	"strings"

	"github.com/gabionhq/gabion/engine"
)

// removed stands where a credential was.
const removed = "removed"

// withoutCredentials returns a copy of the request without what proves who
// sent it. A body in which credentials cannot be found for sure, because its
// format is not one of form, JSON or multipart, is left out.
func withoutCredentials(head *engine.Head, body []byte) (*engine.Head, []byte) {
	clean := *head
	clean.Target = cleanTarget(head.Target)
	clean.Header = make([]engine.HeaderField, len(head.Header))
	kind := ""
	for i, f := range head.Header {
		name := strings.ToLower(string(f.Name))
		switch {
		case name == "content-type":
			kind = string(f.Value)
		case name == "cookie":
			f.Value = cleanCookies(f.Value)
		case name == "referer":
			f.Value = cleanTarget(f.Value)
		case secretName(name):
			f.Value = []byte(removed)
		}
		clean.Header[i] = f
	}
	return &clean, cleanBody(kind, body)
}

func cleanBody(kind string, body []byte) []byte {
	media, params, err := mime.ParseMediaType(kind)
	switch {
	case err != nil || len(body) == 0:
		return nil
	case media == "application/x-www-form-urlencoded":
		return cleanPairs(body, '&')
	case media == "application/json" || strings.HasSuffix(media, "+json"):
		return cleanJSON(body)
	case media == "multipart/form-data":
		return cleanMultipart(body, params["boundary"])
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

// cleanTarget removes credentials from a URL or request target.
func cleanTarget(target []byte) []byte {
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
	return append(clean, cleanPairs(query, '&')...)
}

// cleanPairs removes the values of secret names from name=value pairs.
func cleanPairs(pairs []byte, separator byte) []byte {
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
		if secretName(string(unescape(name))) || tellsSecret(value) {
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

// cleanCookies removes every value: a cookie's name does not tell whether it
// is a session.
func cleanCookies(cookies []byte) []byte {
	var clean []byte
	for i, c := range bytes.Split(cookies, []byte(";")) {
		if i > 0 {
			clean = append(clean, ';')
		}
		name, _, ok := bytes.Cut(c, []byte("="))
		if !ok {
			name = []byte(removed) // a value without a name
		}
		clean = append(clean, name...)
		if ok {
			clean = append(append(clean, '='), removed...)
		}
	}
	return clean
}

// cleanMultipart removes the content of parts with secret names and of files.
func cleanMultipart(body []byte, boundary string) []byte {
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
		if ok && (secretName(name) || strings.Contains(name, "filename") || tellsSecret(content)) {
			parts[i] = append(append([]byte(nil), head...), "\r\n\r\n"+removed+"\r\n"...)
		}
	}
	return bytes.Join(parts, []byte("--"+boundary))
}

// cleanJSON removes the values of members with secret names. It copes with
// text that is not JSON or was cut: what is inside quotes is judged as names
// or values, all else is copied.
func cleanJSON(text []byte) []byte {
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
			if tellsSecret([]byte(unquote(word))) {
				word = []byte(`"` + removed + `"`)
			}
			clean, i = append(clean, word...), end
			continue
		}
		clean, i = append(clean, text[i:value+1]...), value+1
		if secretName(unquote(word)) {
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
