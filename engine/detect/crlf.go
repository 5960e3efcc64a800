package detect

import (
	"bytes"
	"unicode/utf8"

	"github.com/gabionhq/gabion/engine/internal/lexicon"
)

// whenCRLF: a line must end, or a request begin with its version behind.
var whenCRLF = []feature{hasLine, hasHigh, hasHTTPWord | hasSlash | hasSpace, hasSessionWord | hasColon | hasEqual, hasDollar | hasEqual, hasBackslash | hasColon}

// responseHeaders are fields whose injection changes the response.
var responseHeaders = lexicon.New(`set-cookie location content-length content-type transfer-encoding refresh
	access-control-allow-origin x-xss-protection link header-test content-encoding connection host
	x-forwarded-for x-forwarded-host contentlength contenttype content-disposition last-modified cache-control etag status`)

// lineHeaders are more of them, which texts and configurations list, too.
var lineHeaders = lexicon.New(`access-control-allow-credentials access-control-allow-headers access-control-allow-methods access-control-expose-headers
	content-security-policy content-security-policy-report-only x-frame-options x-content-type-options strict-transport-security
	referrer-policy permissions-policy www-authenticate proxy-authenticate proxy-authorization clear-site-data set-cookie2
	x-accel-redirect x-sendfile x-forwarded-proto x-forwarded-user x-original-url x-rewrite-url x-http-method-override`)

// bareHeaders are fields whose names texts have, too, but no line of data that
// begins with a line end. Of those, no text begins a line with unspokenHeaders.
var (
	bareHeaders     = lexicon.New("authorization cookie expires pragma vary server date upgrade via warning")
	unspokenHeaders = lexicon.New("authorization cookie pragma vary")
)

// crlf finds line ends that begin a header field or a response in values
// that are sent on in headers. Text of several lines is common in bodies, so
// there the value must look like one that was a single line.
func (s *Scanner) crlf(v []byte, w *Where) {
	var best lead
	if w.Place == InCookie && w.Container && hasPrefixFold(v, "$version=") {
		hiddenCookie(&best, v)
		s.follow(CRLF, v, best, responseHeaders)
		return
	}
	if w.Place == InFile || w.Place == InXML || document(v, w) {
		return
	}
	s.reads(v, readLines)
	line := w.Place == InQuery || w.Place == InPath || w.Place == InCookie || w.Place == InHeader || w.Place == InReferer || w.Place == InTarget || w.Place == InUserAgent
	if s.any(hasLine | hasHigh) {
		brokenLines(&best, v, w, line)
	}
	if line && s.any(hasBackslash) && !w.Container && len(v) <= maxPath {
		writtenLine(&best, v)
	}
	if s.any(hasLine) {
		if line {
			forgedLine(&best, v)
		} else if w.Place == InForm || w.Place == InJSON {
			lastField(&best, v)
		}
	}
	requestLine(&best, v, w.Place)
	if s.spells(cookieLetters) {
		setCookie(&best, v)
	}
	s.follow(CRLF, v, best, responseHeaders)
}

// brokenLines judges the line ends of v by what follows each, and by there being
// any; line says that the value is sent on as one.
func brokenLines(best *lead, v []byte, w *Where, line bool) {
	for i := 0; i < len(v); i++ {
		n := lineEnd(v, i)
		if n == 0 {
			continue
		}
		newLine(best, v, i, i+n, line, v[i] >= 0x80)
		i += n - 1
	}
	if (w.Place == InPath || w.Place == InQuery && w.Name) && (w.Decoded == 0 || len(v) >= shortestIdentity && isPrinted(v)) {
		if i := bytes.IndexAny(v, "\r\n"); i >= 0 {
			best.offer(0.6, i, min(len(v), i+24), "A line ends inside a path or a name.")
		}
	}
	if i := bytes.Index(v, []byte("\r\r\n\n")); i >= 0 {
		best.offer(0.6, i, i+4, "Line ends of several systems follow each other, so that one is left whichever a filter takes out.")
	}
}

// shortestIdentity is the length of values that random identifiers hardly decode
// to with nothing but printed ASCII in them.
const shortestIdentity = 12

// isPrinted reports whether v holds nothing but ASCII that is printed, and line
// ends. Identifiers in paths decode to anything.
func isPrinted(v []byte) bool {
	for _, c := range v {
		if c >= 0x7f || c < ' ' && !isSpace(c) {
			return false
		}
	}
	return true
}

// writtenLine judges a line end that is written as an escape of a string and
// followed by a header field: \r\nSet-Cookie:a=b.
func writtenLine(best *lead, v []byte) {
	most := len(v)
	if i := bytes.IndexAny(v, " {<\"'"); i >= 0 {
		most = i
	}
	at := 0
	for i := escapedEnd(v, 0); i < most; i = escapedEnd(v, at) {
		at = skipEscaped(v, i)
		j := run(v, at, min(len(v), at+40), isToken)
		if j == at || j == len(v) || v[j] != ':' || !isLetter(v[at]) {
			continue
		}
		if bytes.Contains(v[i:min(at, most)], []byte(`\r\n`)) || isField(v[at:j]) {
			best.offer(0.6, i, min(len(v), j+24), "An escaped line end is followed by a header field.")
			return
		}
	}
}

// isField reports whether a name is that of a field and no word of a text.
func isField(name []byte) bool {
	return bytes.IndexByte(name, '-') > 0 && (responseHeaders.Has(name) || lineHeaders.Has(name))
}

// escapedEnd returns the index of the first escape of a line end from i on, len(v) for
// none.
func escapedEnd(v []byte, i int) int {
	for ; i+1 < len(v); i++ {
		if v[i] == '\\' && (v[i+1] == 'r' || v[i+1] == 'n') {
			return i
		}
	}
	return len(v)
}

// skipEscaped returns the index behind escapes and blanks from i on.
func skipEscaped(v []byte, i int) int {
	for i < len(v) {
		switch {
		case v[i] == ' ' || v[i] == '\t':
			i++
		case v[i] == '\\' && i+1 < len(v) && (v[i+1] == 'r' || v[i+1] == 'n' || v[i+1] == 't'):
			i += 2
		default:
			return i
		}
	}
	return i
}

// forgedLine judges a line of a log behind a piece of data: one of a web server,
// which begins with an address, or one that begins with a time.
func forgedLine(best *lead, v []byte) {
	i := bytes.IndexAny(v[:min(len(v), maxMailField)], "\r\n")
	if i < 0 || bytes.IndexByte(v[:i], ' ') >= 0 {
		return
	}
	at := run(v, i, len(v), isSpace)
	end := run(v, at, min(len(v), at+24), func(c byte) bool { return isDigit(c) || c == '.' || c == '-' || c == ':' || c == '/' || c == 'T' })
	switch head := v[at:end]; {
	case isIPv4(head) && bytes.HasPrefix(v[end:], []byte(" - ")),
		len(head) >= len("2006-01-02") && head[4] == '-' && head[7] == '-' && run(head, 0, 4, isDigit) == 4 && end < len(v) && v[end] == ' ' && bytes.IndexByte(v[end:], ':') > 0:
		best.offer(0.6, i, min(len(v), end+24), "A line end is followed by a line of a log.")
	}
}

// isProbe reports whether the name of a field is one that only tests have.
func isProbe(name []byte) bool {
	return bytes.IndexByte(name, '-') > 0 && (hasFold(name, "inject") || hasFold(name, "evil") || hasFold(name, "crlf"))
}

// lastField judges a field that browsers and servers hand on without reading it,
// as the only line behind a path or nothing. Texts have no such line. Behind
// another piece of data it says itself that it is a field.
func lastField(best *lead, v []byte) {
	i := bytes.IndexAny(v[:min(len(v), maxMailField)], "\r\n")
	if i < 0 || bytes.IndexByte(v[:i], ' ') >= 0 {
		return
	}
	path := i == 0 || v[0] == '/' && v[i-1] != '*' || v[0] == '.' // and no pattern of a list of them
	at := run(v, i, len(v), isSpace)
	j := run(v, at, min(len(v), at+40), isToken)
	if j == len(v) || v[j] != ':' || bytes.IndexByte(bytes.TrimRight(v[j:], "\r\n"), '\n') >= 0 {
		return
	}
	name := v[at:j]
	if path && (hasPrefixFold(name, "x-") && len(name) > 4 || hasFold(name, "-header")) || isProbe(name) || i == 0 && unspokenHeaders.Has(name) {
		best.offer(0.6, i, min(len(v), j+24), "A line end is followed by a header field.")
	}
}

// cookieLetters are those of the name of its field.
var cookieLetters = lettersOf("setcookie")

// setCookie judges a cookie that is set inside a value: behind a line end, or
// where a filter took the line end out.
func setCookie(best *lead, v []byte) {
	i := indexFold(v[:min(len(v), maxPath)], "set-cookie:")
	if i < 0 || i > 0 && (v[i-1] == ' ' || v[i-1] == '"' || v[i-1] == '\'' || v[i-1] == '`' || v[i-1] == '>') {
		return
	}
	j := i + len("set-cookie:")
	for j < len(v) && (isSpace(v[j]) || v[j] == '+') {
		j++
	}
	k := run(v, j, len(v), isToken)
	if k > j && k < len(v) && v[k] == '=' {
		best.offer(pick(i > 0, 0.8, 0.6), i, min(len(v), k+24), "A cookie is set inside the value.")
	}
}

// hiddenCookie judges cookies in the form of RFC 2109, in which a quote may
// hold separators, so that old servers read other cookies than filters do.
func hiddenCookie(best *lead, v []byte) {
	open := bytes.Index(v, []byte(`="`))
	if escaped := bytes.Index(v, []byte(`=\"`)); open < 0 && escaped >= 0 {
		open = escaped + 1
	}
	if open < 0 {
		return
	}
	end := bytes.IndexByte(v[open+2:], '"')
	if end < 0 {
		end = len(v) - open - 2
	}
	if bytes.IndexByte(v[open+2:open+2+end], ';') >= 0 {
		best.offer(0.6, open, open+2+end, "A quote in a cookie of the old form holds other cookies.")
	}
}

// requestLine judges a value that begins with a request of its own. In documents
// it is a line of a log.
func requestLine(best *lead, v []byte, p Place) {
	j := run(v, 0, min(len(v), 16), isLetter)
	if j < 3 || j >= len(v) || v[j] != ' ' || len(v) > maxPath {
		return
	}
	if i := indexFold(v[j:], " http/"); i > 0 && i+j+7 < len(v) && isDigit(v[i+j+6]) && methods.Has(v[:j]) {
		best.offer(pick(p == InJSON, 0.35, 0.75), 0, i+j+9, "The value holds the first line of a request.")
	} else if i > 0 && p == InBody && behindData(v[:j]) && v[j+1] == '/' && fieldFollows(v[i+j:]) {
		best.offer(0.6, 0, i+j+9, "The head of a request follows the end of another one's data.")
	}
}

// behindData reports whether a word ends in the capitals of a method.
func behindData(word []byte) bool {
	i := len(word)
	for i > 0 && word[i-1]-'A' < 26 {
		i--
	}
	return i > 0 && i < len(word) && methods.Has(word[i:])
}

// fieldFollows reports whether v is the end of a request's first line and a
// field behind it.
func fieldFollows(v []byte) bool {
	i := bytes.IndexByte(v[:min(len(v), 16)], '\n')
	if i < 0 {
		return false
	}
	j := run(v, i+1, len(v), isToken)
	return j > i+1 && j+1 < len(v) && v[j] == ':' && v[j+1] == ' '
}

var methods = lexicon.New("get post put delete head options patch trace connect propfind")

// lineEnd returns the length of the line end at i: CR, LF, or characters
// whose low byte is one, as they become where text is narrowed.
func lineEnd(v []byte, i int) int {
	if !endsLine[v[i]] {
		return 0
	}
	switch {
	case v[i] == '\r' && i+1 < len(v) && v[i+1] == '\n':
		return 2
	case v[i] == '\r' || v[i] == '\n':
		return 1
	case v[i] == 0xc4 && i+3 < len(v) && v[i+1] == 0x8d && v[i+2] == 0xc4 && v[i+3] == 0x8a: // no language has these two letters side by side
		return 4
	case v[i] == 0xe5 && i+2 < len(v) && v[i+1] == 0x98 && (v[i+2] == 0x8a || v[i+2] == 0x8d):
		return 3
	}
	return 0
}

// endsLine are the bytes that they begin with.
var endsLine = [256]bool{'\r': true, '\n': true, 0xc4: true, 0xe5: true}

func newLine(best *lead, v []byte, from, at int, line, odd bool) {
	for at < len(v) && (v[at] == ' ' || v[at] == '\t') {
		at++
	}
	j := at
	for most := min(len(v), at+40); j < most && isToken(v[j]); j++ {
	}
	if j < len(v) && v[j] != ':' && v[j] != ' ' && v[j] != '/' && v[j] != '<' {
		return // neither a field nor a request, a response or a document
	}
	if !line && at <= maxDatum && hasPrefixFold(v[at:], "content-disposition: form-data") && bytes.Contains(v[:at], []byte("--")) && !utf8.Valid(v[:at]) {
		return // of a part of a form (RFC 7578, 4.2) in compressed data, which no response has
	}
	plain := from < maxMailField && bytes.IndexByte(v[:from], ' ') < 0
	end := min(len(v), j+24)
	switch {
	case hasPrefixFold(v[at:], "http/1.") || hasPrefixFold(v[at:], "http/2"):
		best.offer(pick(line || plain, 0.93, 0.4), from, end, "A line end is followed by the start of an HTTP response.")
	case j > at && j < len(v) && v[j] == ' ' && (line || plain) && methods.Has(v[at:j]) && hasFold(v[j:min(len(v), j+128)], " http/"):
		best.offer(0.85, from, end, "A line end is followed by a request of its own.")
	case j > at && j < len(v) && v[j] == ':' && (responseHeaders.Has(v[at:j]) || odd || (line || from == 0) && lineHeaders.Has(v[at:j])):
		best.offer(pick(line, 0.92, pick(plain, 0.8, 0.25)), from, end, "A line end is followed by a header field.")
	case j > at && j < len(v) && v[j] == ':' && line && from == 0 && bareHeaders.Has(v[at:j]):
		best.offer(0.72, from, end, "A line end is followed by a header field.")
	case j > at && j+1 < len(v) && v[j] == ':' && line && plain && isLetter(v[at]):
		best.offer(pick(isSentence(v, from, at, j), 0.42, 0.72), from, end, "A line end is followed by what looks like a header field.")
	case at < len(v) && v[at] == '<' && line && plain && from > 0 && (v[from-1] == '\n' || v[from-1] == '\r'):
		best.offer(0.7, from, end, "Two line ends are followed by a document.")
	}
}

// isSentence reports whether a word with a colon behind a plain line end goes on
// as texts do: it is no compound, and several words follow. The lines of
// messages look like that, too, and fields of responses have no such value.
func isSentence(v []byte, from, at, colon int) bool {
	if v[from] != '\n' || bytes.IndexByte(v[at:colon], '-') >= 0 || colon+1 >= len(v) || v[colon+1] != ' ' {
		return false
	}
	return bytes.IndexByte(v[colon+2:], ' ') > 0 || bytes.IndexByte(v[colon+1:], '%') >= 0
}

func pick(ok bool, a, b float32) float32 {
	if ok {
		return a
	}
	return b
}

func isToken(c byte) bool { return isLetter(c) || isDigit(c) || c == '-' || c == '_' }
