package detect

import (
	"bytes"

	"github.com/gabionhq/gabion/engine/internal/lexicon"
)

// A media type (RFC 9110, 8.3.1) names the format of a body and its charset.
// One that names two formats, or a field that is written in another charset
// than its form, is there to be read differently behind a filter.

// whenMediaType: the value is one, or the charset of a form.
var whenMediaType = []feature{asMediaType}

var mediaVocabulary = lexicon.New("application text multipart form data json xml x www urlencoded plain html charset boundary utf ibm type")

// charsetField is the field of a form that says how the form is encoded
// (HTML, 4.10.21.5).
const charsetField = "_charset_"

// isMediaTypeField reports whether a field of a form, or of the head of its
// part, holds a media type or a charset.
func isMediaTypeField(name []byte) bool {
	return equalFold(name, "content-type") || string(name) == charsetField
}

// mediaType judges the Content-Type of a request and of its parts.
func (s *Scanner) mediaType(v []byte, w *Where) {
	if w.Name || w.Place != InContentType && (w.Place != InForm || !isMediaTypeField(w.Key)) {
		return
	}
	var best lead
	switch i := indexFold(v, "charset="); {
	case string(w.Key) == charsetField:
		oddCharset(&best, v, 0)
		if hasPrefixFold(v, "utf") && !hasPrefixFold(v, "utf-8") && !hasPrefixFold(v, "utf8") {
			best.offer(0.6, 0, len(v), "A form claims a charset that no client encodes forms in.")
		}
	case w.Place == InForm && i >= 0:
		oddCharset(&best, v, i+len("charset="))
	default:
		secondType(&best, v)
	}
	s.follow(Smuggling, v, best, mediaVocabulary)
}

// oddCharset judges the name of a field's charset at v[at:]: those in which
// ASCII is spelled otherwise. Whole documents may be in one, and are read in it.
func oddCharset(best *lead, v []byte, at int) {
	for at < len(v) && (v[at] == '"' || v[at] == '\'' || v[at] == ' ') {
		at++
	}
	name := v[at:run(v, at, len(v), isToken)]
	for _, odd := range [...]string{"utf-7", "utf7", "unicode-1-1-utf-7", "ibm", "cp037", "cp500", "cp1026", "cp1047", "utf-16", "utf-32"} {
		if hasPrefixFold(name, odd) {
			best.offer(0.6, at, at+len(name), "A field of a form claims a charset that no client encodes fields in.")
		}
	}
}

// secondType judges a parameter whose value is a media type of its own.
// Multipart types say in one what their root is (RFC 2387).
func secondType(best *lead, v []byte) {
	semi := bytes.IndexByte(v, ';')
	if semi < 0 || hasPrefixFold(v, "multipart/") || hasPrefixFold(v, "message/") {
		return
	}
	for i := semi; i < len(v); i++ {
		if v[i] != '=' {
			continue
		}
		from := i + 1
		for from < len(v) && (v[from] == '"' || v[from] == ' ') {
			from++
		}
		if hasPrefixFold(v[from:], "application/") || hasPrefixFold(v[from:], "text/") || hasPrefixFold(v[from:], "multipart/") {
			best.offer(0.6, semi, min(len(v), from+40), "The type of the body hides another type in a parameter.")
			return
		}
	}
}
