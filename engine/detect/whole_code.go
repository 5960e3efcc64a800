package detect

import (
	"bytes"

	"github.com/gabionhq/gabion/engine/internal/lexicon"
)

// pageAddress are the properties by which a script sends the page elsewhere.
var pageAddress = lexicon.New("window.location document.location")

// timers make script of a string.
var timers = lexicon.New("setinterval settimeout")

// A host is an object that browsers or Node give a script to act on.
type host struct {
	class Class
	// calls: its methods are called, or those of what it holds.
	calls bool
	// strings: its properties are named by strings, which hides the names.
	strings bool
	// any: whatever stands in brackets behind it, it tells of the server.
	any bool
}

// hostOf returns what scripts do with the object of the name.
func hostOf(name []byte) host {
	var buf [12]byte
	if len(name) > len(buf) {
		return host{}
	}
	switch string(lexicon.Fold(buf[:0], name)) {
	case "document":
		return host{class: XSS, calls: true, strings: true}
	case "window", "self", "top", "parent", "frames", "globalthis":
		return host{class: XSS, strings: true}
	case "console":
		return host{class: Code, calls: true, strings: true}
	case "process", "require":
		return host{class: Code, strings: true, any: true}
	case "os", "io", "thread":
		return host{class: Code}
	}
	return host{}
}

// serverActs are methods that run commands or end or stop the program.
var serverActs = lexicon.New("exit kill abort execute popen dlopen sleep")

// codeMakers make code of a string.
var codeMakers = lexicon.New("function loadstring")

// takesString reports whether the bracket at i opens before a string, and of
// what is loaded from elsewhere before the address of another host.
func takesString(v []byte, i int, remote bool) bool {
	if v[i] != '(' {
		return false
	}
	i = gap(v, i+1)
	if i >= len(v) || v[i] != '"' && v[i] != '\'' && v[i] != '`' {
		return false
	}
	return !remote || bytes.HasPrefix(v[i+1:], []byte("//"))
}

// beginsRun are the bytes with which begins what runsText knows.
var beginsRun = [256]bool{'%': true, 'o': true, 'O': true, 'p': true, 'P': true, 'e': true, 'E': true, 'i': true, 'I': true, 'r': true, 'R': true}

// runsText reports whether v hands a text to a shell or reads a file as code,
// as Ruby, Perl and PHP write it.
func runsText(v []byte) bool {
	n := run(v, 0, len(v), isWordASCII)
	k := gap(v, n)
	switch {
	case len(v) > 3 && v[0] == '%' && v[1] == 'x' && (v[2] == '(' || v[2] == '{' || v[2] == '['):
		return isLetter(v[3])
	case n == 0 || k+2 >= len(v):
	case equalFold(v[:n], "open"):
		return v[k] == '(' && (v[k+1] == '"' || v[k+1] == '\'') && v[k+2] == '|'
	case equalFold(v[:n], "print"), equalFold(v[:n], "echo"), equalFold(v[:n], "puts"):
		return k > n && v[k] == '`' && bytes.IndexByte(v[k+1:], '`') > 0 && len(v) <= 64
	case equalFold(v[:n], "include"), equalFold(v[:n], "require"), equalFold(v[:n], "include_once"), equalFold(v[:n], "require_once"):
		return (v[k] == '"' || v[k] == '\'') && (v[k+1] == '/' || bytes.Contains(v[k:], []byte("://")))
	}
	return false
}

// script tells whether v is an expression of script that acts on one of
// the host's objects, or calls in a way that hides what it calls.
func (s *Scanner) script(v []byte, w *Where) construct {
	if s.all(hasBang|hasBracket) && isBrackets(v) {
		return construct{XSS, callsHide}
	}
	i, open := 0, 0
	for i < len(v) && v[i] == '(' && open < 2 {
		open++
		i = gap(v, i+1)
	}
	if i < len(v) && v[i] == '[' {
		if shut := gap(v, i+1); shut < len(v) && v[shut] == ']' && calledByTemplate(v, shut+1) {
			return construct{XSS, callsHide}
		}
		return construct{}
	}
	j := run(v, i, len(v), isWordASCII)
	name := v[i:j]
	if j+1 < len(v) && v[j] == '\\' && v[j+1] == 'u' && escapedCall(v[j:]) {
		return construct{Code, callsHide}
	}
	if !scriptNames.Has(name) {
		return construct{}
	}
	for k := gap(v, j); open > 0 && k < len(v) && v[k] == ')'; k = gap(v, j) {
		j, open = k+1, open-1
	}
	k := gap(v, j)
	if k >= len(v) {
		return construct{}
	}
	return scriptNamed(v, name, j, k, w)
}

// scriptNames are those that scriptNamed knows.
var scriptNames = lexicon.New("document window self top parent frames globalthis console process require os io thread reflect import new module",
	codeMakers.Words(), timers.Words())

// scriptNamed tells what a script does that begins with a name, which ends at
// end; what follows it stands at next.
func scriptNamed(v, name []byte, end, next int, w *Where) construct {
	host := hostOf(name)
	switch {
	case equalFold(name, "reflect") && calledByTemplate(v, end):
		return construct{XSS, callsHide}
	case equalFold(name, "import") && takesString(v, next, true), codeMakers.Has(name) && takesString(v, next, false):
		return construct{XSS, timedCode}
	case timers.Has(name) && v[next] == '(', equalFold(name, "new") && next > end && functionOpens(v, next):
		return construct{XSS, timedCode}
	case equalFold(name, "function") && opensBody(v, next), equalFold(name, "module") && v[len(v)-1] == '=' && hasFold(v[next:], "exports"):
		return construct{Code, serverCode}
	case host.class == NoClass || !acts(host, v, next, w):
		return construct{}
	case host.class == Code:
		return construct{Code, serverCode}
	}
	return construct{XSS, readsPage}
}

// opensBody reports whether v goes on at i with an empty list of parameters,
// and ends where the body of a function begins.
func opensBody(v []byte, i int) bool {
	if v[i] != '(' || v[len(v)-1] != '{' {
		return false
	}
	i = gap(v, i+1)
	return i < len(v) && v[i] == ')'
}

// isBrackets reports whether v is script that is written in brackets and
// signs alone.
func isBrackets(v []byte) bool {
	for _, c := range v {
		switch c {
		case '[', ']', '(', ')', '!', '+', ' ':
		default:
			return false
		}
	}
	return bytes.Contains(v, []byte("![]")) && !bytes.Contains(v, []byte("![](")) // a picture of Markdown
}

// calledByTemplate reports whether the methods named from i on end in one that
// is called by a template, with a backtick.
func calledByTemplate(v []byte, i int) bool {
	for n := 0; ; n++ {
		i = gap(v, i)
		if i >= len(v) || v[i] != '.' {
			return n > 0 && i < len(v) && v[i] == '`'
		}
		i = gap(v, i+1)
		i = run(v, i, len(v), isWordASCII)
	}
}

// functionOpens reports whether Function ( stands at i.
func functionOpens(v []byte, i int) bool {
	if !hasPrefixFold(v[i:], "function") {
		return false
	}
	i = gap(v, i+len("function"))
	return i < len(v) && v[i] == '('
}

// escapedCall reports whether a method is called behind a name of which v is
// the rest, from an escape on.
func escapedCall(v []byte) bool {
	i := run(v, 1, len(v), isWordASCII)
	if i >= len(v) || v[i] != '.' {
		return false
	}
	i = gap(v, run(v, i+1, len(v), isWordASCII))
	return i < len(v) && v[i] == '('
}

// acts reports whether what follows the object at i does something with it.
func acts(h host, v []byte, i int, w *Where) bool {
	if v[i] == '[' {
		i = gap(v, i+1)
		quoted := i < len(v) && (v[i] == '"' || v[i] == '\'' || v[i] == '`' || v[i] == '\\')
		return !w.Name && (quoted && h.strings || h.any && i < len(v) && isLetter(v[i]))
	}
	for v[i] == '.' {
		from := gap(v, i+1)
		end := run(v, from, len(v), isWordASCII)
		if i = gap(v, end); i >= len(v) {
			return h.calls && equalFold(v[from:end], "cookie")
		}
		if end == from {
			return false
		}
		if v[i] == '(' {
			return h.calls || h.class == Code && serverActs.Has(v[from:end])
		}
	}
	return false
}

// callsComputed reports whether v calls a function of PHP whose name is the
// value of an expression: $$x(, ${$x}[, "a"(, [a][0](.
func (s *Scanner) callsComputed(v []byte) bool {
	switch v[0] {
	case '$':
		if dollarCall(v) {
			return true
		}
	case '[':
		return indexedCall(v)
	case '(':
		i := gap(v, 1)
		if hasPrefixFold(v[i:], "string") {
			if i = gap(v, i+len("string")); i < len(v) && v[i] == ')' {
				i = gap(v, i+1)
				return i < len(v) && (v[i] == '"' || v[i] == '\'' || v[i] == '{')
			}
		}
		j := run(v, i, len(v), isWordASCII)
		if j > i && j+2 < len(v) && v[j] == '.' && v[j+1] == '(' && isLetter(v[j+2]) {
			return bytes.HasSuffix(bytes.TrimRight(v, ";"), []byte(")")) // (sys.(tem))(id): names joined of words
		}
	case 'r', 'R':
		if hasPrefixFold(v, "return") {
			return stringCall(v[gap(v, len("return")):])
		}
	}
	if s.all(hasColon | hasDollar) {
		if i := run(v, 0, len(v), isWordASCII); i > 0 && bytes.HasPrefix(v[i:], []byte("::$")) {
			i = run(v, i+3, len(v), isWordASCII)
			return i < len(v) && v[i] == '('
		}
	}
	return callsResult(v)
}

// dollarCall reports whether the variable in v is named by another one, and
// called or taken an element of; or by an expression that stands apart from
// its sign, where no template has a blank.
func dollarCall(v []byte) bool {
	i := run(v, 0, len(v), isDollar)
	if i > 1 {
		n := gap(v, run(v, i, len(v), isWordASCII))
		return n > i && n < len(v) && v[n] == '(' && !bytes.HasSuffix(v, []byte("$$")) // a formula of TeX
	}
	if i = gap(v, 1); i > 1 {
		if i >= len(v) || v[i] != '{' {
			return false
		}
		i = gap(v, i+1)
		return i < len(v) && (isLetter(v[i]) || bytes.IndexByte([]byte("'\"$@_"), v[i]) >= 0)
	}
	if !bytes.HasPrefix(v, []byte("${$")) {
		return false
	}
	i = run(v, 3, len(v), isWordASCII)
	if i > 3 && i < len(v) && v[i] == '}' {
		i = gap(v, i+1)
		return i < len(v) && (v[i] == '[' || v[i] == '(')
	}
	return false
}

func isDollar(c byte) bool { return c == '$' }

// stringCall reports whether v is a string that is called.
func stringCall(v []byte) bool {
	if len(v) == 0 || v[0] != '"' && v[0] != '\'' {
		return false
	}
	i := run(v, 1, len(v), isWordASCII)
	return i > 1 && i+1 < len(v) && v[i] == v[0] && v[i+1] == '('
}

// indexedCall reports whether v calls an element of the array it begins with:
// [a][0](.
func indexedCall(v []byte) bool {
	i := 1
	for n, word := range [...]func(byte) bool{isWordASCII, isDigit} {
		i = gap(v, i)
		j := run(v, i, len(v), word)
		k := gap(v, j)
		if j == i || k >= len(v) || v[k] != ']' {
			return false
		}
		if i = gap(v, k+1); i >= len(v) || v[i] != "[("[n] {
			return false
		}
		i++
	}
	return true
}

// callsResult reports whether a statement calls the result of an expression
// with a string, as in (x)('id'); which is how names are hidden from filters.
func callsResult(v []byte) bool {
	if v[len(v)-1] != ';' {
		return false
	}
	for i := range v {
		if v[i] != ')' && v[i] != ']' {
			continue
		}
		j := gap(v, i+1)
		if i > 0 && j+1 < len(v) && v[j] == '(' && (v[j+1] == '\'' || v[j+1] == '"') {
			return true
		}
	}
	return false
}

// phpTagged reports whether v begins or ends like [php] or {/php}.
func phpTagged(v []byte) bool {
	switch v[0] {
	case '[', '{':
		if hasPrefixFold(v, "[php]") || hasPrefixFold(v, "{php}") {
			return true
		}
	}
	switch v[len(v)-1] {
	case ']', '}':
		return hasSuffixFold(v, "[/php]") || hasSuffixFold(v, `[\php]`) || hasSuffixFold(v, "{/php}")
	}
	return false
}

// routesToClass reports whether v is a route in which the name of a class
// stands, with its namespace: index/\think\app/invoke.
func routesToClass(v []byte) bool {
	i := bytes.Index(v, []byte(`/\`))
	if i < 0 || bytes.IndexByte(v, ' ') >= 0 {
		return false
	}
	names := 0
	for i++; i < len(v) && v[i] == '\\'; names++ {
		j := run(v, i+1, len(v), isWordASCII)
		if j == i+1 {
			return false
		}
		i = j
	}
	return names > 1 && i+1 < len(v) && v[i] == '/' && isLetter(v[i+1])
}
