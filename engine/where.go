package engine

import (
	"bytes"
	"unicode/utf8"

	"github.com/gabionhq/gabion/engine/detect"
	"github.com/gabionhq/gabion/engine/internal/magic"
	"github.com/gabionhq/gabion/engine/parse"
)

// headerPlace remembers the place of the header field being walked.
type headerPlace struct {
	root  parse.Keys
	place detect.Place
}

// where tells the detectors where the value at n sits. It fills in w, because
// to copy it right after takes longer than all else here.
func (tx *Tx) where(w *detect.Where, t *parse.Tree, n parse.Node, value []byte) {
	*w = detect.Where{}
	w.Place = tx.placeOf(t, n)
	marks := t.Marks(n)
	w.Name = marks&parse.IsName != 0
	w.Container = marks&parse.IsContainer != 0
	w.Markup = marks&parse.IsMarkup != 0
	w.Encoded = marks&parse.IsEncoded != 0
	w.Binary = marks&parse.IsBinary != 0
	w.Decoded = uint8(t.Opaque(n))
	w.Unescaped = t.Kind(n) == parse.HTMLJS
	w.Excerpt = t.Excerpt(n) > binarySample
	if w.Name {
		switch w.Place {
		case detect.InQuery, detect.InForm:
			w.Referrer = tx.referrer()
		case detect.InJSON:
			if above := t.NearestNamed(t.Parent(n)); above >= 0 && string(value) == detect.Prototype {
				w.Parent = t.Key(above)
			}
		}
		return
	}
	if (w.Place == detect.InBody || w.Decoded > 0) && (w.Binary || t.Excerpt(n) > 0 || isBinary(value)) {
		w.Place = detect.InFile // a pack or an archive, whatever it is declared to be
	}
	if w.Place == detect.InBody && tx.sendsScript() {
		w.Place = detect.InFile
	}
	w.Host = tx.request.Host
	key := t.NearestNamed(n)
	packed := marks&parse.InArchive != 0
	if packed {
		w.Place = detect.InFile
	}
	w.Listing = packed || t.Base(n) == parse.Post && (tx.isLine(t, n, value) || isShownCode(t, key))
	if key < 0 {
		return
	}
	w.Key = t.Key(key)
	if len(w.Key) > 0 && w.Key[0] == '$' || w.Place == detect.InQuery && t.Kind(key) == parse.Hash {
		above := t.NearestNamed(t.Parent(key))
		for range maxOperators {
			if above < 0 || w.Place != detect.InJSON || !bytes.HasPrefix(t.Key(above), []byte{'$'}) {
				break
			}
			w.Key, w.Within = t.Key(above), true
			above = t.NearestNamed(t.Parent(above))
		}
		if above >= 0 {
			w.Parent = t.Key(above)
		}
	}
}

// maxOperators is how many operators in each other are looked through for the
// member that they compare: more say nothing new.
const maxOperators = 4

// referrer tells whether the page that led here is of the same site. It is read
// once per request.
func (tx *Tx) referrer() detect.Referrer {
	if tx.from == detect.Unread {
		tx.from = referrer(tx.fields, tx.request.Host)
	}
	return tx.from
}

// referrer reads the fields for it. What a page of another site loads without
// leaving it, as do counters and chats, was led here by nobody.
func referrer(fields []HeaderField, host []byte) detect.Referrer {
	from := detect.Unsaid
	for _, f := range fields {
		switch name := f.Name; {
		case bytes.EqualFold(name, []byte("referer")):
			if page := refererHost(f.Value); len(page) == 0 || len(host) == 0 {
				continue
			} else if sameSite(page, host) {
				return detect.SameSite
			}
			from = detect.CrossSite
		case bytes.EqualFold(name, []byte("origin")), bytes.EqualFold(name, []byte("sec-fetch-mode")) && string(f.Value) != "navigate":
			host = nil
		}
	}
	if host == nil && from == detect.CrossSite {
		return detect.Unsaid
	}
	return from
}

// sendsScript reports whether the body is declared to be a script for pages,
// which is then a file that is stored: editors and stores of packages put it.
// The fields are read for it once per request.
func (tx *Tx) sendsScript() bool {
	if !tx.typed {
		tx.typed, tx.script = true, isScript(tx.fields)
	}
	return tx.script
}

func isScript(fields []HeaderField) bool {
	for i := range fields {
		if f := &fields[i]; bytes.EqualFold(f.Name, []byte("content-type")) {
			return magic.ByType(f.Value).JavaScript()
		}
	}
	return false
}

// refererHost returns the host of an address with a scheme of the web, without
// its port.
func refererHost(v []byte) []byte {
	i := bytes.Index(v[:min(len(v), len("https://"))], []byte("://"))
	if i < 0 {
		return nil
	}
	v = v[i+len("://"):]
	if i := bytes.IndexAny(v, "/?#"); i >= 0 {
		v = v[:i]
	}
	if i := bytes.LastIndexByte(v, ':'); i > bytes.LastIndexByte(v, ']') {
		v = v[:i]
	}
	return v
}

// sameSite reports whether two hosts share their last two labels: what one
// owner has under one name links to itself.
func sameSite(a, b []byte) bool {
	return bytes.EqualFold(lastLabels(a), lastLabels(b))
}

func lastLabels(host []byte) []byte {
	if i := bytes.LastIndexByte(host, '.'); i > 0 {
		if j := bytes.LastIndexByte(host[:i], '.'); j >= 0 {
			return host[j+1:]
		}
	}
	return host
}

// isLine reports whether the value is one line of a text that JSON holds as an
// array of lines, as notebooks do. Its last line has no end of its own.
func (tx *Tx) isLine(t *parse.Tree, n parse.Node, value []byte) bool {
	for t.Opaque(n) > 0 && t.Kind(n) != parse.Array && t.Kind(n) != parse.Hash && t.Kind(n) != parse.Tag {
		n = t.Parent(n)
	}
	if t.Kind(n) != parse.Array {
		return false
	}
	if len(value) > 0 && value[len(value)-1] == '\n' {
		tx.lines = t.Keys(t.Parent(n)).Exact
		return true
	}
	return tx.lines != 0 && tx.lines == t.Keys(t.Parent(n)).Exact
}

// isShownCode reports whether the named point is an element of markup that
// shows code as it is written, inside a value of the body: markup in it was
// escaped, or it would be an element itself.
func isShownCode(t *parse.Tree, n parse.Node) bool {
	for n >= 0 && t.Kind(n) == parse.Tag {
		if isCodeTag(t, n) {
			return true
		}
		if n = markup(t, n); n < 0 {
			return false
		}
		n = t.NearestNamed(t.Parent(n)) // whose text that markup is
	}
	return false
}

// isCodeTag reports whether the element at n shows code. Other documents have
// elements of some of these names, too.
func isCodeTag(t *parse.Tree, n parse.Node) bool {
	switch string(t.Key(n)) {
	case "pre", "samp", "kbd":
		return true
	case "code", "textarea":
	default:
		return false
	}
	switch string(t.Key(t.Parent(n))) {
	case "p", "pre", "li", "td", "dd", "div":
		return true
	}
	n = markup(t, n)
	return n >= 0 && t.Kind(t.Parent(n)) != parse.Post
}

// maxElements is deeper than elements of pages that people write are.
const maxElements = 48

// markup returns the document that the element at n is in, negative for an
// element too deep for a page.
func markup(t *parse.Tree, n parse.Node) parse.Node {
	doc := t.Markup(n)
	if doc >= 0 && t.Steps(n)-t.Steps(doc) >= maxElements {
		return -1
	}
	return doc
}

// placeOf returns the place of n: the innermost format that it is part of,
// else the part of the request.
func (tx *Tx) placeOf(t *parse.Tree, n parse.Node) detect.Place {
	if t.Kind(n) == parse.FileName {
		return detect.InFileName
	}
	switch t.Format(n) {
	case parse.Form, parse.Multipart:
		if t.InFile(n) {
			return detect.InFile
		}
		if isArgument(t, n) {
			return detect.InJSON
		}
		return detect.InForm
	case parse.Archive:
		if t.IsName(n) {
			return detect.InFileName
		}
		return detect.InFile
	case parse.JSON, parse.Calendar:
		return detect.InJSON
	case parse.XML:
		return detect.InXML
	case parse.GraphQL:
		return detect.InGraphQL
	case parse.Cookie:
		return detect.InCookie
	}
	switch t.Base(n) {
	case parse.URI:
		if t.Kind(n) == parse.URI && t.IsContainer(n) {
			return detect.InTarget
		}
		return detect.InPath
	case parse.Path, parse.ActionName, parse.ActionExt:
		return detect.InPath
	case parse.Get, parse.GetName:
		return detect.InQuery
	case parse.Header:
		return tx.header(t)
	case parse.HeaderName:
		return detect.InHeader
	case parse.Post:
		return detect.InBody
	}
	return detect.InOther
}

// isArgument reports whether n is in a form that is a string of JSON. Those are
// mostly none: --config=/etc/x and NAME=value are arguments and settings, and
// stand for themselves no more than other strings there.
func isArgument(t *parse.Tree, n parse.Node) bool {
	for t.Format(n) == parse.Form {
		if n = t.Parent(n); n < 0 {
			return false
		}
	}
	return t.Format(n) == parse.JSON
}

// header returns the place of the field that t is at, the root of its tree.
func (tx *Tx) header(t *parse.Tree) detect.Place {
	if k := t.Keys(0); k != tx.place.root {
		tx.place = headerPlace{k, fieldPlace(t.Key(0))}
	}
	return tx.place.place
}

func fieldPlace(name []byte) detect.Place {
	switch string(name) {
	case "USER-AGENT":
		return detect.InUserAgent
	case "REFERER", "ORIGIN":
		return detect.InReferer
	case "ACCEPT", "ACCEPT-LANGUAGE", "ACCEPT-ENCODING", "ACCEPT-CHARSET", "TE", "CONNECTION", "UPGRADE":
		return detect.InAccept
	case "CONTENT-TYPE":
		return detect.InContentType
	case "COOKIE":
		return detect.InCookie
	}
	return detect.InHeader
}

// binarySample is how much of a value is looked at to tell binary data.
const binarySample = 1024

// isBinary reports whether a value is data and not text: a twentieth of it
// are controls, or a third is beyond ASCII without being UTF-8.
func isBinary(v []byte) bool {
	v = v[:min(len(v), binarySample)]
	controls, high := 0, 0
	for i := 0; i < len(v); {
		if b := v[i]; b < utf8.RuneSelf {
			if b < ' ' && b != '\n' && b != '\r' && b != '\t' {
				controls++
			}
			i++
			continue
		}
		if i+1 == len(v) || v[i+1]&0xc0 != 0x80 { // no UTF-8, as random bytes are
			high++
			i++
			continue
		}
		r, n := utf8.DecodeRune(v[i:])
		if r == utf8.RuneError {
			high++
		}
		i += n
	}
	return controls*20 > len(v) || high*3 > len(v)
}
