package detect

import (
	"bytes"

	"github.com/gabionhq/gabion/engine/internal/lexicon"
	"github.com/gabionhq/gabion/engine/internal/pair"
)

// A value that is nothing but a construct of some language, as scanners and
// people who try things out send it: in a text it would be a quotation.

const (
	readsPage    = "The value reaches into the page, as script that a page would run."
	callsHide    = "The value is a call that is spelled so that filters do not read it."
	timedCode    = "The value is a call that makes script of a string."
	cutMarkup    = "The value is an attribute or tag of markup, cut off, as scanners probe."
	hidMarkup    = "Markup is spelled so that filters do not read it."
	callsVar     = "A function is called by a name in a variable or string."
	serverCode   = "The value is a piece of a program for the server."
	shellWord    = "The value is an expression that only a shell expands."
	reasonEntity = "The declaration of an entity has lost its first sign, as where a filter takes it out."
	shellLine    = "The value is a command of a shell."
)

// whenWhole: what the constructs hold beside words where a value stands for itself,
// and those that are looked for elsewhere, too.
var whenWhole = []feature{
	asSingle | hasOpen | ofFive, asSingle | hasLess | ofFive, asSingle | hasGreater | hasSlash | ofSix, asSingle | hasDollar, asSingle | hasBracket,
	asSingle | hasBrace, asSingle | hasEqual, asSingle | hasBackslash | ofSix, asSingle | hasMarkWord | ofNine,
	asSingle | hasBang, asSingle | hasSlash | ofNine, asSingle | hasBacktick | ofFive,
	hasLess | hasSpace | ofSix, hasBang | hasPercent | ofNine, hasObjectWord,
}

// maxWhole is the length up to which a value may be one construct.
const maxWhole = 120

// wholeWeight is just enough: what a value is alone tells less than how it
// leaves the place where it stands.
const wholeWeight = 0.55

var wholeVocabulary = lexicon.New("document cookie location window self console process require module function new reflect call cat ls cd alias ksh powershell etc tmp")

// A construct is what a whole value is.
type construct struct {
	class  Class
	reason string
}

// whole finds values that are nothing but a construct of some language.
func (s *Scanner) whole(v []byte, w *Where) {
	single := w.Place.single()
	if single && w.Place != InHeader && s.any(hasLess) {
		s.schema(v)
	}
	if len(v) > maxWhole {
		return
	}
	if s.all(hasLess | hasSpace) {
		s.spacedTag(v)
	}
	if w.Place == InBody && w.Container && s.any(hasObjectWord) && isSystemName(v, w) {
		s.follow(SQLi, v, lead{weight: wholeWeight, to: len(v), reason: reasonSystemName}, wholeVocabulary)
	}
	if w.Place == InUserAgent && s.have&hasBang != 0 && isDeclaration(v) {
		s.follow(XXE, v, lead{weight: wholeWeight, to: len(v), reason: reasonEntity}, wholeVocabulary)
	}
	if !single {
		return
	}
	from, body := 0, v
	if s.any(hasSpace | hasLine | hasControl) {
		from = skipBlank(v, 0)
		body = bytes.TrimRight(v[from:], " \t\r\n")
	}
	if len(body) < 2 || s.any(hasLine) && bytes.IndexByte(body, '\n') >= 0 {
		return
	}
	if c := s.construct(body, w, from > 0); c.class != NoClass {
		s.follow(c.class, v, lead{weight: wholeWeight, from: from, to: len(v), reason: c.reason}, wholeVocabulary)
	}
}

// mayBeConstruct reports whether a value may be one: by its first byte or name, by its
// last byte, or by two bytes in it. Constructs that anything else may stand before are
// longer than what is short.
func (s *Scanner) mayBeConstruct(v []byte) bool {
	if len(v) >= len(scriptedURL) || s.any(beginsConstruct[v[0]]) || s.endsConstruct(v) || signPairs.Next(v, 0) < len(v) {
		return true
	}
	n := 0
	for n < len(v) && wordASCII[v[n]] {
		n++
	}
	return n > 0 && n < len(v) && (v[n] == '{' || constructNames.Has(v[:n]))
}

// endsConstruct reports whether v ends as the call of a string, a cut attribute or a
// tag of PHP in brackets does.
func (s *Scanner) endsConstruct(v []byte) bool {
	switch v[len(v)-1] {
	case ';':
		return s.all(hasOpen) && s.any(hasQuote|hasDQuote)
	case '=':
		return true
	case ']', '}':
		return lower(v[len(v)-2]) == 'p'
	}
	return false
}

// beginsConstruct are the features of which a value that begins with a byte has one if
// it is a construct. Of those that begin with a word more is asked.
var beginsConstruct = func() (t [256]feature) {
	for c := range t {
		t[c] = hasObjectWord
		if wordASCII[c] {
			t[c] |= hasEqual
		}
	}
	for c, has := range map[byte]feature{
		'$': hasSpace | hasLine | hasControl, '%': hasPercent, '<': hasLess, '(': hasOpen, '[': hasOpen | hasBacktick, '{': hasBrace,
		'/': hasBracket, '>': hasSlash, ';': hasLess, '|': hasLess, '&': hasLess,
	} {
		t[c] |= has
	}
	return t
}()

// signPairs are directories that a shell was in and what was typed there, variables in
// which something stands and those that hold the request, methods of classes, script in
// brackets, tags of PHP, escapes of strings, and a route to the name of a class.
var signPairs = pair.New(pair.Of{"~", "+-"}, pair.Of{"!", "-["}, pair.Of{"$", "[{$/#_aAgGhHpP"}, pair.Of{":", ":"}, pair.Of{"[{", "pP"},
	pair.Of{`\`, "uxX"}, pair.Of{"/", `\`})

// constructNames begin constructs.
var constructNames = lexicon.New("return javascript data open print echo puts include require include_once require_once", scriptNames.Words())

// construct tells what a value of one line is, without the blanks around
// it; inset says that there were some before it.
func (s *Scanner) construct(v []byte, w *Where, inset bool) construct {
	switch {
	case !s.mayBeConstruct(v):
		return construct{}
	case s.any(hasObjectWord) && isSystemName(v, w):
		return construct{SQLi, reasonSystemName}
	case (s.any(hasBrace) || shellMark[v[0]]) && !(s.any(hasSpace) && bytes.IndexByte(v, ' ') >= 0) && isShellWord(v):
		return construct{RCE, shellWord}
	case (s.all(hasEqual|hasSlash|hasDollar) || shellMark[v[0]] && s.any(hasSlash|hasLess|hasSpace)) && isShellPiece(v):
		return construct{RCE, shellLine}
	case s.any(hasEqual|hasColon) && cutOff(v), w.Name && inset && isHandler(v):
		return construct{XSS, cutMarkup}
	case v[0] == '<' && loneControl(v):
		return construct{XSS, "The value is an element that changes how the page is read, or asks its reader for something."}
	case s.all(hasBackslash|ofNine) && s.spells(sevenBitLetters) && sevenBit(v):
		return construct{XSS, hidMarkup}
	case s.any(hasDollar|hasOpen) && s.callsComputed(v):
		return construct{Code, callsVar}
	case w.Place == InQuery && !w.Name && s.any(hasBracket|hasBrace) && phpTagged(v):
		return construct{Code, "Brackets that some templates take for a tag of PHP hold code."}
	case w.Name && v[0] == '$' && superglobals.Has(v[1:]):
		return construct{Code, "A parameter is called like a variable of PHP that holds the request."}
	case s.any(hasMarkWord) && reachesPage(v, w):
		return construct{XSS, readsPage}
	case s.all(hasBang|hasPercent) && isDeclaration(v):
		return construct{XXE, reasonEntity}
	case s.all(hasSlash|hasBackslash) && routesToClass(v):
		return construct{Code, "A route leads to a class by its whole name, and to any of its methods."}
	case beginsRun[v[0]] && (v[0] == '%' || s.any(hasQuote|hasDQuote|hasBacktick)) && runsText(v):
		return construct{Code, serverCode}
	case s.any(hasSlashSlash) && s.spellsAny(sentLetters[:]) && sendsCookie(v):
		return construct{XSS, "A script sends the cookie to another host."}
	}
	return s.script(v, w)
}

// shellMark are the bytes by which isShellWord and isShellPiece know what a value
// may be.
var shellMark = [256]bool{'~': true, '!': true, '/': true, '$': true, '>': true, ';': true, '|': true, '&': true}

// reachesPage reports whether v is a property by which a script sends the page
// elsewhere, or holds the cookie or the domain of it in parentheses.
func reachesPage(v []byte, w *Where) bool {
	return (w.Name || w.Place == InForm) && pageAddress.Has(v) || hasFold(v, "(document.domain)") || hasFold(v, "(document.cookie)")
}

// single reports whether a value there stands for itself: applications put
// documents and texts into the others.
func (p Place) single() bool {
	switch p {
	case InQuery, InCookie, InHeader, InForm:
		return true
	}
	return false
}

// isDeclaration reports whether v declares a parameter entity from an address,
// without the sign before it.
func isDeclaration(v []byte) bool {
	i := indexFold(v, "!entity")
	if i < 0 {
		return false
	}
	i = gap(v, i+len("!entity"))
	if i >= len(v) || v[i] != '%' {
		return false
	}
	i = gap(v, i+1)
	i = gap(v, run(v, i, len(v), isWordASCII))
	return hasPrefixFold(v[i:], "system") || hasPrefixFold(v[i:], "public")
}

// maxSpacedTag is the length of the longest name of an element that is worth
// hiding.
const maxSpacedTag = 10

// spacedTags are elements that act, or that ask for something.
var spacedTags = lexicon.New("script iframe form object embed dialog style link base meta svg img input button applet audio video body html")

// spacedTag finds the names of elements with a blank behind each letter, which
// markup becomes again where an application drops blanks.
func (s *Scanner) spacedTag(v []byte) {
	for i := bytes.IndexByte(v, '<'); i >= 0 && i+1 < len(v); {
		var name [maxSpacedTag]byte
		n, j := 0, i+1
		for j < len(v) && isLetter(v[j]) && n < len(name) && (j+1 == len(v) || !isWordASCII(v[j+1])) {
			name[n] = v[j]
			n++
			if j++; j < len(v) && v[j] == ' ' {
				j++
			}
		}
		if n > 2 && spacedTags.Has(name[:n]) {
			s.follow(XSS, v, lead{weight: wholeWeight, from: i, to: j, reason: hidMarkup}, wholeVocabulary)
			return
		}
		next := bytes.IndexByte(v[i+1:], '<')
		if next < 0 {
			return
		}
		i += 1 + next
	}
}

// maxSchema bounds what is a document with nothing in it.
const maxSchema = 400

// schema finds a document that says nothing but where its schema is: who reads
// it is made to ask there.
func (s *Scanner) schema(v []byte) {
	if len(v) > maxSchema || len(v) == 0 || v[0] != '<' || bytes.Count(v, []byte("<")) > 2 {
		return
	}
	i := indexFold(v, "schemalocation")
	if i < 0 || !bytes.Contains(v[i:], []byte("://")) {
		return
	}
	s.follow(XXE, v, lead{weight: wholeWeight, from: i, to: len(v), reason: "A document without content names the address of its schema."}, wholeVocabulary)
}

// sentLetters are those of the cookie and of the storage.
var sentLetters = [...]letters{lettersOf("document.cookie"), lettersOf("localstorage")}

// sendsCookie reports whether the cookie or the storage is joined to an
// address in a string.
func sendsCookie(v []byte) bool {
	slashes := bytes.Index(v, []byte("//"))
	if slashes < 1 || bytes.IndexByte([]byte("'\"`:"), v[slashes-1]) < 0 {
		return false
	}
	for _, what := range [...]string{"document.cookie", "localstorage"} {
		i := indexFold(v, what)
		for i > 0 && v[i-1] == ' ' {
			i--
		}
		if i > slashes && bytes.IndexByte([]byte("+({,"), v[i-1]) >= 0 {
			return true
		}
	}
	return false
}
