package detect

import (
	"bytes"

	"github.com/gabionhq/gabion/engine/internal/lexicon"
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
	var best lead
	listing := w.Listing || w.Place.holdsText() && bytes.IndexByte(v, '\n') >= 0
	s.reads(v, readTemplate)
	var open [8]int // by half of the closing byte, which tells them apart: where it has not been found up to
	for i := 0; i+1 < len(v); i++ {
		skip, end := opener(v, i)
		if skip == 0 || i < open[end>>4&7] {
			continue
		}
		e := expression{v: v, from: i, body: i + skip, listing: listing, shown: w.Place.holdsText() && w.Place != InForm}
		e.read(end)
		s.effort += expressionEffort + insideEffort*(e.to-e.body)
		e.quoted = e.names+e.calls > 0 && e.inString(w.Place.holdsText())
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

// opener returns how many bytes at i open an expression, or 0, and the byte
// that closes it.
func opener(v []byte, i int) (int, byte) {
	a, b := v[i], v[i+1]
	if !opens[a] {
		return 0, 0
	}
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

// opens are the bytes with which openers begin.
var opens = [256]bool{'{': true, '$': true, '#': true, '*': true, '@': true, '~': true, '%': true, '<': true, '[': true}

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
	switch lower(v[1]) {
	case 's', 'i', 'p', 'e', 'f', '{':
	default:
		return false
	}
	for _, d := range [...]string{"#set(", "#set (", "#include(", "#parse(", "#evaluate(", "#foreach(", "#if(", "@system.", "@{"} {
		if hasPrefixFold(v, d) {
			return true
		}
	}
	return false
}

// maxExpression bounds the text of one expression.
const maxExpression = 512

// An expression is the text between the delimiters of a template.
type expression struct {
	v              []byte
	from, body, to int
	closed         bool
	listing        bool // a text of several lines, which may show templates
	shown          bool // in a place of documents
	flow           bool // it reads the data of a flow, as {{ $json.x }}
	quoted         bool // in a string of a program that the value shows
	names          int  // of templateNames
	weak           int  // of weakNames among them
	words          int  // names of any kind
	calls          int  // names with an open bracket behind
	dotted         int
	math           bool // numbers with an operator between, or a string times a number
	filter         bool
	concat         bool
}

func (e *expression) read(end byte) {
	limit := min(len(e.v), e.body+maxExpression)
	last := byte(0) // kind of the last operand: 'n' number, 's' string, 'w' word
	op := byte(0)
	e.to = e.body
	if end == ']' && e.body+2 < limit && e.v[e.body+1] == '-' {
		e.to += 2 // [[0-9] of a regular expression
	}
	for e.to < limit {
		c := e.v[e.to]
		switch {
		case c == end:
			e.closed = true
			e.to++
			return
		case c == '[' && e.to+3 < limit && isDigit(e.v[e.to+1]) && e.v[e.to+2] == '-', c == '$' && e.to+1 < limit && isDigit(e.v[e.to+1]):
			e.to += 2 // a range of a regular expression, a numbered variable
			last, op = 0, 0
			continue
		case isDigit(c):
			j := run(e.v, e.to, limit, isDigit)
			e.math = e.math || op != 0 && last == 'n' || op == '*' && last == 's'
			last, op, e.to = 'n', 0, j
			continue
		case isLetter(c) || c == '_':
			e.word(limit)
			last, op = 'w', 0
			continue
		case c == '"' || c == '\'':
			j := bytes.IndexByte(e.v[e.to+1:limit], c)
			if j >= 0 && j < 64 {
				e.math = e.math || op != 0 && last == 'n'
				e.concat = e.concat || op == '+' && last == 's' || op == '~' && last == 's'
				e.stringNames(e.to+1, e.to+1+j)
				e.to += j + 2
				last, op = 's', 0
				continue
			}
		case c == '*' || c == '+' || c == '-' || c == '/' || c == '%' || c == '~':
			if last != 0 {
				op = c
			}
		case c == '|':
			e.filter = true
			last, op = 0, 0
		case c == ' ' || c == '(' && op != 0:
		default:
			if c != ')' && c != ']' {
				last = 0
			}
			op = 0
		}
		e.to++
	}
}

// unclosed returns where expressions begin that may find the end that e did not
// find: farther on than e was read, where that was not to the end of the value.
func (e *expression) unclosed(end byte) int {
	if e.to == len(e.v) && bytes.IndexByte(e.v[e.body:], end) < 0 {
		return e.to
	}
	return e.to - maxExpression/4
}

// word reads a name.
func (e *expression) word(limit int) {
	j := run(e.v, e.to, limit, isWord)
	word := e.v[e.to:j]
	e.words++
	if templateNames.Has(word) && !e.isField(j) || string(word) == "class" && j < limit && e.v[j] == '.' && e.to > e.body && e.v[e.to-1] == '.' {
		e.names++
		if weakNames.Has(word) {
			e.weak++
		}
	}
	if j < limit && e.v[j] == '(' {
		e.calls++
		if len(word) == 1 && word[0] == 'T' {
			e.names += 2
		}
	}
	if j+1 < limit && e.v[j] == '.' && isLetter(e.v[j+1]) {
		e.dotted++
	}
	if hasPrefixFold(word, "java") && (len(word) == 4 || len(word) == 5 && lower(word[4]) == 'x') {
		e.names++
	}
	e.to = j
}

// makoTags are those of Mako that end without a percent sign.
var makoTags = lexicon.New("def block include namespace inherit page call doc text")

// isField reports whether the name that ends at j is os as the last part of a
// longer one: matrix.os is a field like any other, the module is used.
func (e *expression) isField(j int) bool {
	return j-e.to == 2 && e.to > e.body && e.v[e.to-1] == '.' && (j >= len(e.v) || e.v[j] != '.' && e.v[j] != '(' && e.v[j] != '[')
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
	case hasPrefixFold(text, "php}"), hasPrefixFold(text, "php "), bytes.Contains(text, []byte("_.VERSION")):
		best.offer(0.75, e.from, min(len(e.v), to+16), "A block of code is opened in a template.")
	case (e.v[e.from] == '$' || e.v[e.from] == '%') && assignsOGNL(text):
		best.offer(0.8, e.from, to, "An expression of Struts sets a variable.")
	case hasPrefixFold(text, "$smarty."):
		best.offer(pick(e.listing, 0.42, 0.7), e.from, to, "A template expression reads what Smarty knows of the server.")
	case e.v[e.from] == '{' && e.closed && rootNames.Has(bytes.Trim(text, " ={}")):
		best.offer(pick(e.listing && hasFold(text, "this"), 0.3, 0.6), e.from, to, "A template expression names objects of the server.")
	case isConfig(bytes.TrimLeft(text, " =")) && e.v[e.from] == '{', e.names > 0 && e.closed:
		best.offer(0.6, e.from, to, "A template expression names objects of the server.")
	case e.v[e.from] == '$' && e.closed && e.v[e.body] == '.' && specialNames.Has(text[1:run(text, 1, len(text), isWordASCII)]):
		best.offer(pick(e.listing, 0.3, 0.7), e.from, to, "An expression of FreeMarker reads what it knows of itself.")
	case e.v[e.from] == '{' && e.v[e.from+1] == '.':
		best.offer(0.7, e.from, to, "A macro of a file server is inserted.")
	case hasPrefixFold(text, "<%"):
		best.offer(0.7, e.from, min(len(e.v), e.body+8), "The brackets of several template languages follow each other.")
	case e.alone() && !e.shown && (hasPrefixFold(text, "request.") || hasPrefixFold(text, "request[") || bytes.HasSuffix(bytes.TrimRight(text, " }"), []byte(".class"))):
		best.offer(0.55, e.from, to, "The value is an expression that reaches the request or a class.")
	case e.closed && e.v[e.from] == '{' && filtersNumber(text):
		best.offer(0.6, e.from, to, "A template expression calculates, as probes for template injection do.")
	case e.closed && e.v[e.from] == '{' && !e.listing && callsField(bytes.TrimLeft(text, " -(")):
		best.offer(0.6, e.from, to, "A template expression of Go calls a method.")
	case e.v[e.from] == '{' && takesMember(bytes.TrimLeft(text, " -({=")):
		best.offer(0.7, e.from, to, "A template expression takes a member of an empty value, by which all classes are reached.")
	case e.closed && !e.shown && !e.listing && bytes.HasPrefix(e.v[e.from:], []byte("{{")) && len(e.v) <= 200 && isAction(bytes.Trim(text, " -}")):
		best.offer(0.55, e.from, to, "A template expression of Go sets a variable or prints.")
	case e.concat && e.closed:
		best.offer(0.75, e.from, to, "A template expression joins strings, as probes for template injection do.")
	case e.v[e.from] == '<' && e.v[e.from+1] == '%' && e.closed && len(text) > 3 && (makoTags.Has(text[:run(text, 0, len(text), isLetter)]) || bytes.Contains(e.v[e.body:min(len(e.v), e.body+maxExpression)], []byte("%>"))):
		best.offer(pick(e.listing || e.shown && e.plain(text), 0.42, 0.6), e.from, to, "A block of server page code is inserted.")
	case e.v[e.from] == '<' && (hasPrefixFold(text, "assign") || hasPrefixFold(text, "list") || hasPrefixFold(text, "include")):
		best.offer(pick(e.listing, 0.42, 0.65), e.from, to, "A directive of FreeMarker is inserted.")
	case e.v[e.from] == '#' && (e.calls+e.names > 0 || e.v[e.from+1] != '{'):
		best.offer(pick(e.quoted || e.listing && e.names == 0, 0.3, 0.55), e.from, to, "A directive of Velocity or an expression of Spring is inserted.")
	case e.calls > 0 && e.closed:
		best.offer(pick(e.quoted || e.listing || e.flow, 0.3, 0.52), e.from, to, "A template expression calls a function.")
	case e.closed && !e.listing && bytes.HasPrefix(e.v[e.from:], []byte("{%")) && len(e.v) <= 200 && bytes.IndexByte(e.v, '\n') < 0 && (text[0] == '%' && len(text) > 4 && (text[1] == ' ' || text[1] == '-' || isLetter(text[1]))):
		best.offer(0.52, e.from, to, "A statement of a template is inserted.")
	case e.closed && bytes.HasPrefix(text, []byte("#with")) || e.closed && bytes.HasPrefix(text, []byte("this.")) || e.closed && bytes.HasPrefix(text, []byte("#each")):
		best.offer(pick(e.listing || e.quoted, 0.3, 0.55), e.from, to, "A block helper of a template walks over objects.")
	case e.closed && len(text) > 1:
		best.offer(0.12, e.from, to, "A placeholder of a template is inserted.")
	}
}

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
