package detect

import (
	"bytes"

	"github.com/gabionhq/gabion/engine/internal/lexicon"
	"github.com/gabionhq/gabion/engine/internal/pair"
)

// whenSSTI: an expression needs its bracket and what marks it.
var whenSSTI = []feature{hasBrace, hasLess | hasPercent, hasLess | hasAt, hasLess | hasHash, hasBracket | ofSix, hasAt | hasOpen | ofFive, hasHash | hasOpen, hasHash | hasEqual}

// templateNames reach, from inside an expression, what the template's author
// did not mean to give.
var templateNames = lexicon.New(`__class__ __mro__ __subclasses__ __globals__ __builtins__ __import__ __init__ __base__ __bases__
	mro subclasses lipsum cycler joiner url_for get_flashed_messages _self getclass getruntime runtime processbuilder
	forname newinstance getmethod getconstructor getdeclaredconstructors getengineByName scriptenginemanager exec popen system
	passthru shell_exec open3 _context registerundefinedfiltercallback getfilter from_pyfile from_object _dispatch_err
	freemarker objectconstructor execute jythonruntime inspect linecache module constructor require child_process
	mainmodule process readfile file_get_contents fileread ioutils getattribute setattribute getsession pagecontext
	applicationscope requestscope sessionscope initparam facescontext externalcontext getresource springmacrorequestcontext
	_memberaccess ognlcontext valuestack instancemanager subprocess check_output os spawn eval
	template_name settings secret_key phpinfo phpversion _version self diagnostics`)

// weakNames are those of them that programs and templates use every day. In
// code that is shown they tell nothing.
var weakNames = lexicon.New("self inspect process module settings url_for get_flashed_messages template_name require os constructor")

// rootNames are objects that templates always have, and with them the server.
var rootNames = lexicon.New("request self config settings debug application session lipsum cycler joiner dump(app) _self this groovy /groovy")

var templateVocabulary = lexicon.New(`config self request class t java lang util io import set assign for if endif endfor in include
	extends block macro set new filter attr map join sort raw php literal fetch with each this string range lookup
	math dump env version param session application id whoami cat etc passwd
	__class__ __mro__ __subclasses__ __globals__ __builtins__ __import__ __init__ __base__ runtime getruntime exec popen
	system processbuilder getclass forname newinstance os read constructor freemarker template utility execute`)

func (s *Scanner) ssti(v []byte, w *Where) {
	if document(v, w) || w.Place == InFile && (len(v) > maxPath || w.Excerpt) {
		return
	}
	s.reads(v, readTemplate)
	first := firstOpener(v)
	if first == len(v) {
		return
	}
	var best lead
	listing := w.Listing || w.Place.holdsText() && s.any(hasLine) && bytes.IndexByte(v, '\n') >= 0
	var open [8]int  // by the upper half of a closing byte: where it has not been found up to
	var e expression // set field by field: a literal is made elsewhere and copied
	e.v, e.listing, e.shown = v, listing, w.Place.holdsText() && w.Place != InForm
	asked := false
	for i := first; i < len(v); i = openPairs.Next(v, i+1) {
		if i < open[opens[v[i]]&7] {
			continue
		}
		skip, end := opener(v, i)
		if skip == 0 || i < open[end>>4&7] {
			continue
		}
		if !asked {
			asked, e.underscore = true, bytes.Contains(v, underscoreVersion)
		}
		e.from, e.body, e.inside = i, i+skip, inside{}
		e.read(end)
		s.effort += expressionEffort + insideEffort*(e.to-e.body)
		e.quoted = e.names+e.calls > 0 && s.any(hasBacktick|hasDQuote) && e.inString(w.Place.holdsText())
		if e.listing || e.quoted {
			e.names -= e.weak
		}
		e.flow = w.Place.holdsText() && e.names == 0 && readsFlow(v[i:])
		e.judge(&best)
		if i = max(i, e.body); e.closed {
			i = e.to - 1
		} else {
			open[end>>4&7] = e.unclosed(end)
		}
	}
	s.follow(SSTI, v, best, templateVocabulary)
}

// firstOpener returns where the first opener in v is, len(v) for none.
func firstOpener(v []byte) int {
	i := openPairs.Next(v, 0)
	for ; i < len(v); i = openPairs.Next(v, i+1) {
		if skip, _ := opener(v, i); skip > 0 {
			break
		}
	}
	return i
}

// opener returns how many bytes at i, the first of which is one of opens, open
// an expression, or 0, and the byte that closes it.
func opener(v []byte, i int) (int, byte) {
	a, b := v[i], v[i+1]
	switch {
	case b == '{' && i > 0 && (a == '*' && v[i-1] == '*' || a == '%' && isDigit(v[i-1]) || a == '*' && isProperty(v[i+2:])): // arguments of Python, a step or selector of a style sheet
		return 0, 0
	case a == '{' && b == '{' && bytes.HasPrefix(v[i:], []byte("{{{\n")): // code in a wiki
		return 0, 0
	case a == '{' && b == '#' && isAnchor(v[i+2:]):
		return 0, 0
	case b == '{' && (a == '{' || a == '$' || a == '#' || a == '*' || a == '@' || a == '~' || a == '%'):
		n := 2
		for i+n < len(v) && n < 4 && (v[i+n] == '{' || v[i+n] == '=' || v[i+n] == '!') {
			n++
		}
		return n, '}'
	case a == '{' && isDigit(b) && (i == 0 || v[i-1] == '+' || v[i-1] == '\'' || v[i-1] == '"'):
		return 1, '}'
	case a == '{' && (b == '%' && !isEscape(v[i+1:]) || b == '#' || b == '$' || b == '@' && hasPrefixFold(v[i:], "{@if ") || hasSmarty(v[i:])):
		return 1, '}'
	case a == '{' && b == '.' && isMacro(v[i+2:]):
		return 2, '}'
	case a == '<' && b == '%':
		return 2, '>'
	case a == '<' && (b == '#' || b == '@'):
		return 2, '>'
	case a == '[' && (b == '#' || b == '='), a == '[' && (b == '[' || b == '(') && i+2 < len(v) && (v[i+2] == '$' || v[i+2] == '*' || isDigit(v[i+2])):
		return 2, ']'
	case (a == '#' || a == '@') && hasDirective(v[i:]):
		return 1, ')'
	case a == '@' && b == '(':
		return 2, ')'
	}
	return 0, 0
}

// openPairs are those with which openers begin.
var openPairs = pair.New(pair.Of{"{$#*@~%", "{"}, pair.Of{"{", "%#$@.0123456789pslimfPSLIMF"}, pair.Of{"<", "%#@"}, pair.Of{"[", "#=[("},
	pair.Of{"#", "sipefSIPEF"}, pair.Of{"@", "sS("})

// opens are the bytes with which openers begin, by what closes all of theirs: its
// upper half, or 1 where there are several.
var opens = [256]uint8{
	'{': '}' >> 4, '$': '}' >> 4, '*': '}' >> 4, '~': '}' >> 4, '%': '}' >> 4, '<': '>' >> 4, '[': ']' >> 4, '#': 1, '@': 1,
}

// isMacro reports whether v is what is behind the bracket of a macro of the file
// server HFS, as in {.exec|cmd.}
func isMacro(v []byte) bool {
	n := run(v, 0, min(len(v), maxCommandWord), isLetter)
	return n > 2 && n < len(v) && v[n] == '|'
}

// maxCommandWord is longer than the names of macros.
const maxCommandWord = 24

// hasSmarty reports whether v begins with a tag of Smarty.
func hasSmarty(v []byte) bool {
	switch lower(v[1]) {
	case 'p':
		return hasPrefixFold(v, "{php}")
	case 's':
		return hasPrefixFold(v, "{system")
	case 'l':
		return hasPrefixFold(v, "{literal}")
	case 'i':
		return hasPrefixFold(v, "{if ")
	case 'm':
		return hasPrefixFold(v, "{math ")
	case 'f':
		return hasPrefixFold(v, "{fetch ")
	}
	return false
}

// isProperty reports whether v begins with a property of a style sheet.
func isProperty(v []byte) bool {
	i := skipBlank(v, 0)
	n := run(v, i, len(v), func(c byte) bool { return isLetter(c) || c == '-' })
	return n > i && n < len(v) && v[n] == ':' && !bytes.Contains(v[n:min(len(v), n+maxExpression)], []byte("url("))
}

// isAnchor reports whether v is the name of a heading, as in {#name}.
func isAnchor(v []byte) bool {
	n := bytes.IndexByte(v[:min(len(v), maxExpression/4)], '}')
	for i := range max(n, 0) {
		if !isWordASCII(v[i]) && v[i] != '-' && v[i] != ':' {
			return false
		}
	}
	return n > 0
}

// isEscape reports whether v begins with a percent escape, as JSON in addresses
// does: {%22a%22:1}.
func isEscape(v []byte) bool {
	return len(v) > 2 && isHexDigit(v[1]) && isHexDigit(v[2]) && (isDigit(v[1]) || isDigit(v[2]))
}

// callsField reports whether text begins with a field or method of a template
// of Go and a string that it is handed.
func callsField(text []byte) bool {
	if i := bytes.Index(text, []byte(":=")); i > 0 && text[0] == '$' {
		text = bytes.TrimLeft(text[i+2:], " ")
	}
	if len(text) < 3 || text[0] != '.' || text[1]-'A' >= 26 {
		return false
	}
	n := run(text, 0, len(text), func(c byte) bool { return isWordASCII(c) || c == '.' })
	return n+1 < len(text) && text[n] == ' ' && text[n+1] == '"' && bytes.IndexByte(text[n+2:], '"') >= 0
}

// takesMember reports whether text begins with a literal of nothing and the sign
// that takes a member of it.
func takesMember(text []byte) bool {
	if len(text) < 4 {
		return false
	}
	switch string(text[:2]) {
	case "''", `""`, "()", "[]", "{}":
		return text[2] == '[' && (isLetter(text[3]) || text[3] == '\'' || text[3] == '"') || text[2] == '.' && (isLetter(text[3]) || text[3] == '_') || hasPrefixFold(text[2:], "|attr")
	}
	return false
}

// printers are functions that every template of Go has.
var printers = lexicon.New("print printf println html js urlquery call")

// isAction reports whether text sets a variable as templates of Go do, or has
// one of their functions print a string: who fills in templates does neither.
func isAction(text []byte) bool {
	n := run(text, 0, len(text), isWordASCII)
	switch {
	case len(text) < 4:
	case text[0] == '$':
		n = run(text, 1, len(text), isWordASCII)
		return n > 1 && bytes.HasPrefix(bytes.TrimLeft(text[n:], " "), []byte(":="))
	case n > 0:
		return printers.Has(text[:n]) && n+1 < len(text) && text[n] == ' ' && text[n+1] == '"'
	case text[0] == '"':
		i := bytes.LastIndexByte(text, '|')
		return i > 1 && printers.Has(bytes.TrimSpace(text[i+1:]))
	}
	return false
}

// readsFlow reports whether v begins with an expression on a variable or step
// of a flow, as {{ $json.name }} and {{ $('Step').item }}, or with one of what
// calculates for every program.
func readsFlow(v []byte) bool {
	if !bytes.HasPrefix(v, []byte("{{")) {
		return false
	}
	i := bytes.IndexByte(v[:min(len(v), maxExpression/4)], '$')
	if i > 0 && i+2 < len(v) && (isLetter(v[i+1]) || v[i+1] == '(' && (v[i+2] == '\'' || v[i+2] == '"')) {
		return true
	}
	i = skipBlank(v, len("{{"))
	return pureNames.Has(v[i:run(v, i, len(v), isLetter)])
}

var pureNames = lexicon.New("math json date number array object new parseint parsefloat encodeuricomponent")

// isName reports whether the text of an expression is a name with dots.
func isName(text []byte) bool {
	text = bytes.Trim(text, "=-%> \t\r\n")
	n := 0
	for _, c := range text {
		if !isWordASCII(c) && c != '.' && c != '@' {
			return false
		}
		n += int(pick(isLetter(c), 1, 0))
	}
	return n > 0
}

// hasDirective reports whether v begins with a directive of Velocity or an
// expression of Razor that is no e-mail or hash tag.
func hasDirective(v []byte) bool {
	if v[0] == '@' {
		return v[1] == '{' || lower(v[1]) == 's' && hasPrefixFold(v, "@system.")
	}
	switch lower(v[1]) {
	case 's':
		return hasPrefixFold(v, "#set(") || hasPrefixFold(v, "#set (")
	case 'i':
		return hasPrefixFold(v, "#include(") || hasPrefixFold(v, "#if(")
	case 'p':
		return hasPrefixFold(v, "#parse(")
	case 'e':
		return hasPrefixFold(v, "#evaluate(")
	case 'f':
		return hasPrefixFold(v, "#foreach(")
	}
	return false
}

// maxExpression bounds the text of one expression.
const maxExpression = 512

// An expression is the text between the delimiters of a template.
type expression struct {
	v              []byte
	listing        bool // a text of several lines, which may show templates
	shown          bool // in a place of documents
	underscore     bool // the version of Underscore is named in the value
	pageEnd        int  // where the next %> is behind the last place it was asked for, len(v) for nowhere
	from, body, to int
	inside
}

// endsPage reports whether a block of page code that begins at the body ends.
func (e *expression) endsPage() bool {
	if e.pageEnd < e.body {
		e.pageEnd = len(e.v)
		if i := bytes.Index(e.v[e.body:], []byte("%>")); i >= 0 {
			e.pageEnd = e.body + i
		}
	}
	return e.pageEnd+len("%>") <= min(len(e.v), e.body+maxExpression)
}

// inside is what is known of an expression.
type inside struct {
	closed bool
	flow   bool // it reads the data of a flow, as {{ $json.x }}
	quoted bool // in a string of a program that the value shows
	math   bool // numbers with an operator between, or a string times a number
	filter bool
	concat bool
	names  int // of templateNames
	weak   int // of weakNames among them
	words  int // names of any kind
	calls  int // names with an open bracket behind
	dotted int
}

var underscoreVersion = []byte("_.VERSION")

func (e *expression) read(end byte) {
	v, limit := e.v, min(len(e.v), e.body+maxExpression)
	last := byte(0) // kind of the last operand: 'n' number, 's' string, 'w' word
	op := byte(0)
	i := e.body
	if end == ']' && i+2 < limit && v[i+1] == '-' {
		i += 2 // [[0-9] of a regular expression
	}
	for i < limit {
		c := v[i]
		if c == end {
			e.closed = true
			i++
			break
		}
		switch insideByte[c] {
		case insideWord:
			i = e.word(i, limit)
			last, op = 'w', 0
			continue
		case insideDigit:
			e.math = e.math || op != 0 && last == 'n' || op == '*' && last == 's'
			last, op, i = 'n', 0, run(v, i, limit, isDigit)
			continue
		case insideRange: // a range of a regular expression, a numbered variable
			if i+1 < limit && isDigit(v[i+1]) && (c == '$' || i+3 < limit && v[i+2] == '-') {
				i++
			}
			last, op = 0, 0
		case insideQuote:
			if j := bytes.IndexByte(v[i+1:min(limit, i+65)], c); j >= 0 {
				e.math = e.math || op != 0 && last == 'n'
				e.concat = e.concat || op == '+' && last == 's' || op == '~' && last == 's'
				e.stringNames(i+1, i+1+j)
				i += j + 1
				last, op = 's', 0
			}
		case insideOperator:
			if last != 0 {
				op = c
			}
		case insideFilter:
			e.filter = true
			last, op = 0, 0
		case insideOpen:
			if op == 0 {
				last = 0
			}
		case insideClose:
			op = 0
		case insideBlank:
		default:
			last, op = 0, 0
		}
		i++
	}
	e.to = i
}

// The kinds of bytes inside an expression.
const (
	_ uint8 = iota
	insideWord
	insideDigit
	insideRange
	insideQuote
	insideOperator
	insideFilter
	insideOpen
	insideClose
	insideBlank
)

var insideByte = func() (t [256]uint8) {
	for c := range t {
		switch {
		case isLetter(byte(c)) || c == '_':
			t[c] = insideWord
		case isDigit(byte(c)):
			t[c] = insideDigit
		}
	}
	t['['], t['$'] = insideRange, insideRange
	t['"'], t['\''] = insideQuote, insideQuote
	for _, c := range "*+-/%~" {
		t[c] = insideOperator
	}
	t['|'], t['('], t[')'], t[']'], t[' '] = insideFilter, insideOpen, insideClose, insideClose, insideBlank
	return t
}()

// unclosed returns where expressions begin that may find the end that e did not
// find: farther on than e was read, where that was not to the end of the value.
func (e *expression) unclosed(end byte) int {
	if e.to == len(e.v) && bytes.IndexByte(e.v[e.body:], end) < 0 {
		return e.to
	}
	return e.to - maxExpression/4
}

// word reads the name at i and returns its end.
func (e *expression) word(i, limit int) int {
	v, j := e.v, i+1
	for j < limit && inWord[v[j]] {
		j++
	}
	word := v[i:j]
	e.words++
	if templateNames.Has(word) && !e.isField(i, j) || len(word) == len("class") && string(word) == "class" && j < limit && v[j] == '.' && i > e.body && v[i-1] == '.' {
		e.names++
		if weakNames.Has(word) {
			e.weak++
		}
	}
	if j < limit && v[j] == '(' {
		e.calls++
		if len(word) == 1 && word[0] == 'T' {
			e.names += 2
		}
	}
	if j+1 < limit && v[j] == '.' && isLetter(v[j+1]) {
		e.dotted++
	}
	if (len(word) == 4 || len(word) == 5 && lower(word[4]) == 'x') && hasPrefixFold(word, "java") {
		e.names++
	}
	return j
}

// makoTags are those of Mako that end without a percent sign.
var makoTags = lexicon.New("def block include namespace inherit page call doc text")

// isField reports whether the name e.v[i:j] is os as the last part of a longer
// one: matrix.os is a field like any other, the module is used.
func (e *expression) isField(i, j int) bool {
	return j-i == 2 && i > e.body && e.v[i-1] == '.' && (j >= len(e.v) || e.v[j] != '.' && e.v[j] != '(' && e.v[j] != '[')
}

// stringNames looks for names inside a string, as filters and attributes
// take them.
func (e *expression) stringNames(from, to int) {
	if bytes.IndexByte(e.v[from:to], ' ') >= 0 || from-e.body > 2 && string(e.v[from-3:from-1]) == "$(" {
		return // a sentence, or the name of a step
	}
	for i := from; i < to; {
		j := run(e.v, i, to, isWord)
		if j == i {
			i++
			continue
		}
		if templateNames.Has(e.v[i:j]) {
			e.names++
		}
		i = j
	}
}

// inString reports whether the expression stands in a string of a program that
// began and ends in the value: a template string, or quotes on its line.
func (e *expression) inString(texts bool) bool {
	before := e.v[max(0, e.from-maxExpression):e.from]
	after := e.v[e.to:min(len(e.v), e.to+maxExpression)]
	if e.v[e.from] == '$' && bytes.IndexByte(before, '`') >= 0 && bytes.IndexByte(after, '`') >= 0 {
		return true
	}
	if !texts || e.v[e.from] == '{' && e.v[e.from+1] != '#' {
		return false // no program puts those into strings
	}
	if bytes.IndexByte(before, '"') < 0 {
		return false
	}
	before = before[bytes.LastIndexByte(before, '\n')+1:]
	if n := bytes.IndexByte(after, '\n'); n >= 0 {
		after = after[:n]
	}
	first := bytes.IndexByte(before, '"')
	return first > 0 && (before[first-1] == ' ' || before[first-1] == '(') && bytes.Count(before, []byte{'"'})%2 == 1 && bytes.IndexByte(after, '"') >= 0
}

// plain reports whether the expression calls and calculates nothing, as one
// that shows a value.
func (e *expression) plain(text []byte) bool {
	return e.calls+e.names == 0 && !e.math && e.words > 0 && bytes.IndexByte(text, '`') < 0
}

// isConfig reports whether text begins with the name of Flask's settings.
func isConfig(text []byte) bool {
	return hasPrefixFold(text, "config") && (len(text) == len("config") || !isWordASCII(text[len("config")]))
}

func (e *expression) judge(best *lead) {
	text := e.v[e.body:e.to]
	to := e.to
	opener, first, begins := e.v[e.from], byte(0), byte(0) // begins is the first byte that is no bracket or blank
	if len(text) > 0 {
		first = text[0]
	}
	for i := 0; begins == 0 && i < len(text); i++ {
		if c := text[i]; !beforeText[c] {
			begins = lower(c)
		}
	}
	if e.math && e.closed && (e.words == 0 || e.v[e.from] != '{' || !isDigit(e.v[e.from+1])) && e.names+e.calls == 0 && to-e.from <= 40 && (e.words == 0 || e.v[e.from] != '@' && (e.v[e.from+1] != '$' || !e.listing)) {
		best.offer(0.85, e.from, to, "A template expression calculates, as probes for template injection do.")
	}
	switch {
	case e.names == 1 && e.quoted:
		best.offer(0.42, e.from, to, "A string of JavaScript names objects of the server.")
	case e.names > 1 && (e.calls > 0 || e.dotted > 0):
		best.offer(0.95, e.from, to, "A template expression reaches the classes or commands of the server.")
	case e.names > 0 && e.calls == 0 && e.v[e.body] == '.' && isName(e.v[e.body:e.to-1]) && e.closed:
		// a field of a template of Go
	case e.names > 0 && (e.calls > 0 || e.filter || e.dotted > 0):
		best.offer(0.82, e.from, to, "A template expression reaches objects that templates are not meant to use.")
	case first|0x20 == 'p' && (hasPrefixFold(text, "php}") || hasPrefixFold(text, "php ")), e.underscore && bytes.Contains(text, underscoreVersion):
		best.offer(0.75, e.from, min(len(e.v), to+16), "A block of code is opened in a template.")
	case (opener == '$' || opener == '%') && begins == '#' && assignsOGNL(text):
		best.offer(0.8, e.from, to, "An expression of Struts sets a variable.")
	case first == '$' && hasPrefixFold(text, "$smarty."):
		best.offer(pick(e.listing, 0.42, 0.7), e.from, to, "A template expression reads what Smarty knows of the server.")
	case opener == '{' && e.closed && startsRoot[begins] && rootNames.Has(bytes.Trim(text, " ={}")):
		best.offer(pick(e.listing && hasFold(text, "this"), 0.3, 0.6), e.from, to, "A template expression names objects of the server.")
	case opener == '{' && begins == 'c' && isConfig(bytes.TrimLeft(text, " =")), e.names > 0 && e.closed:
		best.offer(0.6, e.from, to, "A template expression names objects of the server.")
	case opener == '$' && e.closed && first == '.' && specialNames.Has(text[1:run(text, 1, len(text), isWordASCII)]):
		best.offer(pick(e.listing, 0.3, 0.7), e.from, to, "An expression of FreeMarker reads what it knows of itself.")
	case opener == '{' && e.v[e.from+1] == '.':
		best.offer(0.7, e.from, to, "A macro of a file server is inserted.")
	case first == '<' && hasPrefixFold(text, "<%"):
		best.offer(0.7, e.from, min(len(e.v), e.body+8), "The brackets of several template languages follow each other.")
	case !e.shown && e.alone() && (hasPrefixFold(text, "request.") || hasPrefixFold(text, "request[") || bytes.HasSuffix(bytes.TrimRight(text, " }"), []byte(".class"))):
		best.offer(0.55, e.from, to, "The value is an expression that reaches the request or a class.")
	case opener == '{' && e.closed && e.filter && isDigit(begins) && filtersNumber(text):
		best.offer(0.6, e.from, to, "A template expression calculates, as probes for template injection do.")
	case opener == '{' && e.closed && !e.listing && (begins == '.' || begins == '$') && callsField(bytes.TrimLeft(text, " -(")):
		best.offer(0.6, e.from, to, "A template expression of Go calls a method.")
	case opener == '{' && (begins == '\'' || begins == '"' || begins == '[') && takesMember(bytes.TrimLeft(text, " -({=")):
		best.offer(0.7, e.from, to, "A template expression takes a member of an empty value, by which all classes are reached.")
	case e.closed && !e.shown && !e.listing && len(e.v) <= 200 && bytes.HasPrefix(e.v[e.from:], []byte("{{")) && isAction(bytes.Trim(text, " -}")):
		best.offer(0.55, e.from, to, "A template expression of Go sets a variable or prints.")
	case e.concat && e.closed:
		best.offer(0.75, e.from, to, "A template expression joins strings, as probes for template injection do.")
	case opener == '<' && e.v[e.from+1] == '%' && e.closed && len(text) > 3 && (makoTags.Has(text[:run(text, 0, len(text), isLetter)]) || e.endsPage()):
		best.offer(pick(e.listing || e.shown && e.plain(text), 0.42, 0.6), e.from, to, "A block of server page code is inserted.")
	case opener == '<' && (hasPrefixFold(text, "assign") || hasPrefixFold(text, "list") || hasPrefixFold(text, "include")):
		best.offer(pick(e.listing, 0.42, 0.65), e.from, to, "A directive of FreeMarker is inserted.")
	case opener == '#' && (e.calls+e.names > 0 || e.v[e.from+1] != '{'):
		best.offer(pick(e.quoted || e.listing && e.names == 0, 0.3, 0.55), e.from, to, "A directive of Velocity or an expression of Spring is inserted.")
	case e.calls > 0 && e.closed:
		best.offer(pick(e.quoted || e.listing || e.flow, 0.3, 0.52), e.from, to, "A template expression calls a function.")
	case e.closed && !e.listing && len(e.v) <= 200 && bytes.HasPrefix(e.v[e.from:], []byte("{%")) && bytes.IndexByte(e.v, '\n') < 0 && (text[0] == '%' && len(text) > 4 && (text[1] == ' ' || text[1] == '-' || isLetter(text[1]))):
		best.offer(0.52, e.from, to, "A statement of a template is inserted.")
	case e.closed && (first == '#' || first == 't') && (bytes.HasPrefix(text, []byte("#with")) || bytes.HasPrefix(text, []byte("this.")) || bytes.HasPrefix(text, []byte("#each"))):
		best.offer(pick(e.listing || e.quoted, 0.3, 0.55), e.from, to, "A block helper of a template walks over objects.")
	case e.closed && len(text) > 1:
		best.offer(0.12, e.from, to, "A placeholder of a template is inserted.")
	}
}

// beforeText may stand before the text of an expression, which judge then sees
// by its first byte.
var beforeText = [256]bool{' ': true, '=': true, '-': true, '(': true, '{': true, '}': true}

// startsRoot are the first bytes of rootNames, and those that a lexicon ignores.
var startsRoot = func() (t [256]bool) {
	for c := range ' ' {
		t[c] = true
	}
	for _, c := range "rscdaljtg_/" {
		t[c] = true
	}
	return t
}()

// specialNames are variables that FreeMarker has of itself.
var specialNames = lexicon.New("version data_model globals main namespace node template_name current_template_name main_template_name vars locals output_format get_optional_template caller_template_name error incompatible_improvements")

// alone reports whether the value is the expression and nothing else.
func (e *expression) alone() bool {
	return e.closed && len(e.v) <= maxExpression && e.from == skipBlank(e.v, 0) && len(bytes.TrimRight(e.v[e.to:], "} \r\n")) == 0
}

// filtersNumber reports whether text is a number that a filter with a number
// is put on, as in 4|add:5.
func filtersNumber(text []byte) bool {
	text = bytes.Trim(text, " {}")
	i := run(text, 0, len(text), isDigit)
	if i == 0 || i == len(text) || text[i] != '|' {
		return false
	}
	j := run(text, i+1, len(text), isWordASCII)
	return j > i+1 && j+1 < len(text) && text[j] == ':' && run(text, j+1, len(text), isDigit) == len(text)
}

// assignsOGNL reports whether text begins with #name=, as the assignments of
// OGNL do.
func assignsOGNL(text []byte) bool {
	text = bytes.TrimLeft(text, "( ")
	if len(text) < 4 || text[0] != '#' || !isLetter(text[1]) {
		return false
	}
	i := run(text, 1, len(text), isWordASCII)
	return i+1 < len(text) && text[i] == '=' && text[i+1] != '='
}
