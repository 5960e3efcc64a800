package detect

import (
	"bytes"

	"github.com/gabionhq/gabion/engine/internal/lexicon"
)

// A form is a way to write a value that is nothing but a construct of some
// language, as scanners and people who try things out send it. In a text it
// would be a quotation.
//
// In a pattern, beside characters that stand for themselves in any case:
//
//	_   blanks and comments, or none
//	' ' blanks and comments
//	A   a word
//	9   a number
//	Q   a quote of any kind
//	*   at the end: whatever follows, also nothing
type form struct {
	pattern string
	class   Class
	reason  string
}

const (
	readsPage  = "The value reaches into the page, as script that a page would run."
	callsHide  = "The value is a call that is spelled so that filters do not read it."
	timedCode  = "The value is a call that makes script of a string."
	cutMarkup  = "The value is an attribute or tag of markup, cut off, as scanners probe."
	hidMarkup  = "Markup is spelled so that filters do not read it."
	callsVar   = "A function is called by a name in a variable or string."
	serverCode = "The value is a piece of a program for the server."
	shellWord  = "The value is an expression that only a shell expands."
	shellLine  = "The value is a command of a shell."
)

var forms = [...]form{
	{"document_._cookie", XSS, readsPage},
	{"document_._A_(*", XSS, readsPage},
	{"document_._A_._A_(*", XSS, readsPage},
	{"(_document_)_[*", XSS, readsPage},
	{"self_[_Q*", XSS, readsPage},
	{"window_[_Q*", XSS, readsPage},
	{"setinterval_(*", XSS, timedCode},
	{"settimeout_(*", XSS, timedCode},
	{"new function_(*", XSS, timedCode},
	{"[_]_._A_._call_`*", XSS, callsHide},
	{"reflect_._A_`*", XSS, callsHide},
	{"reflect_._A_._call_`*", XSS, callsHide},
	{"(![_]*", XSS, callsHide},
	{"+!![]*", XSS, callsHide},
	{"!![]*", XSS, callsHide},
	{"QonA_=_", XSS, cutMarkup},
	{"Qformaction_=_", XSS, cutMarkup},
	{"<_QonA_=_", XSS, cutMarkup},
	{"<_A_:_script*", XSS, cutMarkup},
	{"<:A*", XSS, cutMarkup},
	{"<style>_@_\\*", XSS, cutMarkup},
	{"<style>_=_\\*", XSS, cutMarkup},
	{"<link_/_A href_/*", XSS, cutMarkup},
	{"<base A href_/*", XSS, cutMarkup},
	{"A_=_A:url(javascript*", XSS, cutMarkup},
	{"javascript_:_\\*", XSS, cutMarkup},
	{"data_:_,_<*", XSS, cutMarkup},
	{"A&tab;A_:*", XSS, hidMarkup},
	{"A&newline;A_:*", XSS, hidMarkup},
	{`\xbcA\xbe*`, XSS, hidMarkup},
	{`\xc2\xbcA\xc2\xbe*`, XSS, hidMarkup},
	{`\xd0\xbcA\xd0\xbe*`, XSS, hidMarkup},

	{"console_._A_(*", Code, serverCode},
	{"console_._A_._A_(*", Code, serverCode},
	{"console_[_Q*", Code, serverCode},
	{"A\\uA.A_(*", Code, callsHide},
	{"process_[*", Code, serverCode},
	{"require_[*", Code, serverCode},
	{"module_._exports_=*", Code, serverCode},
	{"function_(_)_{_", Code, serverCode},
	{"$ {_A*", Code, callsVar},
	{"$ {_Q*", Code, callsVar},
	{"$ {_$*", Code, callsVar},
	{"$ {_@*", Code, callsVar},
	{"$$A_(*", Code, callsVar},
	{"$$$A_(*", Code, callsVar},
	{"${$A}_[*", Code, callsVar},
	{"A::$A_(*", Code, callsVar},
	{"returnQAQ(*", Code, callsVar},
	{"(_string_)_Q*", Code, callsVar},
	{"(_string_)_{*", Code, callsVar},
	{"[_A_]_[_9_]_(*", Code, callsVar},
	{"(AA.(*", Code, callsVar},

	{"cd /_;*", RCE, shellLine},
	{"alias +A A_=*", RCE, shellLine},
	{"alias +A+ A_=*", RCE, shellLine},
	{"$shell -c *", RCE, shellLine},
	{"ksh -c *", RCE, shellLine},
	{"powershell A:\\*", RCE, shellLine},
	{"cat /etc/*", RCE, shellLine},
	{"cat /[*", RCE, shellLine},
	{"ls /A[*", RCE, shellLine},
	{"/[A//*", RCE, shellWord},
	{"{,A}", RCE, shellWord},
	{"{,A,A}", RCE, shellWord},
	{"{A,}", RCE, shellWord},
	{"$[_]", RCE, shellWord},
	{"${A#{*", RCE, shellWord},
	{">_/tmp/*", RCE, shellLine},
	{";_A<<<*", RCE, shellLine},
	{";_A.9<<<*", RCE, shellLine},
	{";_rmt*", RCE, shellLine},
	{";_iwmi -*", RCE, shellLine},
	{"&_aptitude*", RCE, shellLine},
	{"A_;_ansible-*", RCE, shellLine},
	{"A_;_chef-*", RCE, shellLine},
	{"if not {%9*", RCE, shellLine},
	{"!-9!-9", RCE, shellWord},
	{";_cd /_;*", RCE, shellLine},
	{"A_=_/dev&&*", RCE, shellLine},
	{"A_=_;_A /A *", RCE, shellLine},
	{"whoami;*", RCE, shellLine},
	{"if cmdextversion *", RCE, shellLine},

	{"http:127.*", SSRF, "An address of the server itself leaves out its slashes."},
	{"/sys/A", PathTraversal, "An absolute path leads to the devices of the server."},
}

// formsAt are the forms that a value may have, by its first byte.
var formsAt = func() (t [256][]uint8) {
	for i := range forms {
		for b := range t {
			if begins(forms[i].pattern[0], byte(b)) {
				t[b] = append(t[b], uint8(i))
			}
		}
	}
	return t
}()

// begins reports whether a value that begins with b may be of a pattern that
// begins with c.
func begins(c, b byte) bool {
	switch c {
	case '_', ' ', '*':
		return true
	case 'A':
		return isWordASCII(b)
	case '9':
		return isDigit(b)
	case 'Q':
		return b == '\'' || b == '"' || b == '`'
	}
	return lower(b) == c
}

// namedForms are those of names: a parameter may be called like a word that a
// value may not be.
var namedForms = [...]form{
	{"onA_=*", XSS, cutMarkup},
	{"window_._location", XSS, readsPage},
	{"document_._location", XSS, readsPage},
	{"$A", Code, "A parameter is called like a variable of PHP that holds the request."},
}

// whenWhole: what the patterns hold beside words.
var whenWhole = []feature{
	hasOpen, hasLess, hasGreater, hasDollar, hasBracket, hasBrace, hasSemi, hasEqual, hasBackslash, hasMarkWord,
	hasShellWord | hasSlash, hasShellWord | hasSpace, hasBang, hasColon, hasAmp, hasSlash, hasBacktick,
}

// maxWhole is the length up to which a value may be one construct.
const maxWhole = 120

// wholeWeight is just enough: what a value is alone tells less than how it
// leaves the place where it stands.
const wholeWeight = 0.55

var wholeVocabulary = lexicon.New("document cookie location window self console process require module function new reflect call cat ls cd alias ksh powershell etc tmp")

// whole finds values that are nothing but a construct of some language.
func (s *Scanner) whole(v []byte, w Where) {
	if w.Place.single() && w.Place != InHeader {
		s.schema(v)
	}
	if len(v) > maxWhole {
		return
	}
	s.spacedTag(v, w)
	if !w.Place.single() {
		return
	}
	v0 := skipBlank(v, 0)
	body := bytes.TrimRight(v[v0:], " \t\r\n")
	if len(body) < 3 || bytes.IndexByte(body, '\n') >= 0 {
		return
	}
	for _, i := range formsAt[body[0]] {
		if f := &forms[i]; f.is(body) {
			s.wholeForm(f, v, v0)
			return
		}
	}
	if best := callsResult(body); best > 0 {
		s.follow(Code, v, lead{weight: wholeWeight, from: v0 + best, to: len(v), reason: callsVar}, wholeVocabulary)
		return
	}
	if w.Place == InQuery && !w.Name && phpTagged(body) {
		s.follow(Code, v, lead{weight: wholeWeight, from: v0, to: len(v), reason: "Brackets that some templates take for a tag of PHP hold code."}, wholeVocabulary)
		return
	}
	if i := max(indexFold(body, "(document.domain)"), indexFold(body, "(document.cookie)")); i >= 0 {
		s.follow(XSS, v, lead{weight: wholeWeight, from: v0 + i, to: len(v), reason: readsPage}, wholeVocabulary)
		return
	}
	if !w.Name {
		return
	}
	for i := range namedForms {
		f := &namedForms[i]
		if f.is(body) && (f.class != Code || superglobals.Has(body[1:])) && (f.pattern[0] != 'o' || v0 > 0 && len(body) > len("onabc")) {
			s.wholeForm(f, v, v0)
			return
		}
	}
}

func (s *Scanner) wholeForm(f *form, v []byte, from int) {
	s.follow(f.class, v, lead{weight: wholeWeight, from: from, to: len(v), reason: f.reason}, wholeVocabulary)
}

// callsResult returns where a statement calls the result of an expression with
// a string, as in (x)('id'); which is how names are hidden from filters. It
// returns 0 where none does.
func callsResult(v []byte) int {
	if !bytes.HasSuffix(v, []byte(";")) {
		return 0
	}
	for i := range v {
		if v[i] != ')' && v[i] != ']' {
			continue
		}
		j := gap(v, i+1)
		if j+1 < len(v) && v[j] == '(' && (v[j+1] == '\'' || v[j+1] == '"') {
			return i
		}
	}
	return 0
}

// phpTagged reports whether v begins or ends like [php] or {/php}.
func phpTagged(v []byte) bool {
	return hasPrefixFold(v, "[php]") || hasSuffixFold(v, "[/php]") || hasSuffixFold(v, `[\php]`) || hasSuffixFold(v, "{/php}") || hasPrefixFold(v, "{php}")
}

// maxSpacedTag is the length of the longest name of an element that is worth
// hiding.
const maxSpacedTag = 10

// spacedTags are elements that act, or that ask for something.
var spacedTags = lexicon.New("script iframe form object embed dialog style link base meta svg img input button applet audio video body html")

// spacedTag finds the names of elements with a blank behind each letter, which
// markup becomes again where an application drops blanks.
func (s *Scanner) spacedTag(v []byte, w Where) {
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

// single reports whether a value there stands for itself: applications put
// documents and texts into the others.
func (p Place) single() bool {
	switch p {
	case InQuery, InCookie, InHeader, InForm:
		return true
	}
	return false
}

// is reports whether v is written in the form.
func (f *form) is(v []byte) bool {
	i := 0
	for p := range len(f.pattern) {
		c := f.pattern[p]
		if c == '*' {
			return true
		}
		from := i
		switch c {
		case '_', ' ':
			i = gap(v, i)
			if c == ' ' && i == from {
				return false
			}
			continue
		case 'A':
			i = run(v, i, len(v), isWordASCII)
		case '9':
			i = run(v, i, len(v), isDigit)
		case 'Q':
			if i < len(v) && (v[i] == '\'' || v[i] == '"' || v[i] == '`') {
				i++
			}
		default:
			if i < len(v) && lower(v[i]) == c {
				i++
			}
		}
		if i == from {
			return false
		}
	}
	return i == len(v)
}
