package detect

import (
	"bytes"

	"github.com/gabionhq/gabion/engine/internal/lexicon"
	"github.com/gabionhq/gabion/engine/internal/pair"
)

// whenDeser: formats of text need their punctuation, binary ones their
// controls; base64 forms are told by their first letters, which the gate
// knows as words.
var whenDeser = []feature{
	hasColon | hasDQuote | ofSix, hasColon | hasBackslash | ofSix, hasBang | ofSix, hasControl, hasHigh, hasLine | ofSix, hasObjectWord, hasDQuote | hasSlash | ofNine,
}

// objectGateWords begin serialised objects in base64, or name what makes them.
const objectGateWords = "ro rO AAEAAAD aced __js_function nd_func publickeytoken"

var deserVocabulary = lexicon.New(`o c a s i b python java javax ruby php object apply new name module org com sun net type
	nd_func function py reduce os system subprocess popen builtins eval exec gem installer lang runtime processbuilder`)

// deser finds serialised objects and the types in them that run code.
func (s *Scanner) deser(v []byte, w *Where) {
	s.reads(v, readObjects)
	var best lead
	if s.any(hasControl | hasHigh | hasObjectWord) {
		binaryObject(&best, v)
		marshal(&best, v)
	}
	if s.any(hasObjectWord) {
		hexObject(&best, v)
		assembly(&best, v)
		funcster(&best, v)
	}
	if s.all(hasColon|hasDigit) && s.any(hasDQuote|hasBackslash) && s.letters&objectLetters != 0 {
		phpObject(&best, v)
	}
	if s.have.any(whenTypeTags) && s.spellsAny(tagLetters[:]) {
		typeTags(&best, v)
	}
	if s.any(hasControl | hasHigh | hasLine) {
		pickle(&best, v)
	}
	if s.all(hasLess|hasSpace) && s.spells(voidLetters) && w.Place != InFile {
		beans(&best, v)
	}
	s.follow(Deserialization, v, best, deserVocabulary)
}

// Letters without which there are no objects of PHP, and no elements of beans.
var (
	objectLetters = lettersOf("oc")
	voidLetters   = lettersOf("void")
)

// beans finds a document of java.beans.XMLDecoder, which calls what it names:
// in <void> elements it invokes methods and fills arrays.
func beans(best *lead, v []byte) {
	i := bytes.Index(v, []byte("<void "))
	if i < 0 {
		return
	}
	attribute := v[i+len("<void "):]
	for _, name := range [...]string{"index=", "method=", "property=", "class="} {
		if hasPrefixFold(attribute, name) && (bytes.Contains(v[:i], []byte("<java")) || bytes.Contains(v[:i], []byte("<object ")) || bytes.Contains(v[:i], []byte("<array class="))) {
			best.offer(0.85, i, min(len(v), i+24), "A document makes objects of Java and calls their methods.")
			return
		}
	}
}

// funcster finds the member by which a library of that name makes a function
// of a text.
func funcster(best *lead, v []byte) {
	const name = "__js_function"
	i := bytes.Index(v, []byte(name))
	end := i + len(name)
	if i < 0 || i > 0 && isWordASCII(v[i-1]) || end < len(v) && isWordASCII(v[end]) {
		return
	}
	best.offer(0.85, i, end, "A member names the text that is made a function of.")
}

// object finds serialised objects in data, by what it begins and ends with.
func (s *Scanner) object(v []byte) {
	var best lead
	binaryObject(&best, v)
	pickle(&best, v)
	marshal(&best, v)
	s.follow(Deserialization, v, best, deserVocabulary)
}

func binaryObject(best *lead, v []byte) {
	head := v[:min(len(v), 16)]
	end := min(len(v), 32)
	switch {
	case bytes.HasPrefix(head, []byte("\xac\xed\x00\x05")):
		best.certain(0.95, 0, end, "The value is a serialised object of Java.")
	case bytes.HasPrefix(head, []byte("rO0AB")):
		best.certain(0.95, 0, end, "The value is a serialised object of Java in base64.")
	case bytes.HasPrefix(head, []byte("\xff\x01\x32")) && bytes.Contains(head, []byte("\x00\x01\x00\x00\x00\xff\xff\xff\xff")):
		best.certain(0.95, 0, end, "The state of a page of ASP.NET is nothing but a serialised object.")
	case bytes.HasPrefix(head, []byte("\x00\x01\x00\x00\x00\xff\xff\xff\xff")), bytes.HasPrefix(head, []byte("AAEAAAD/")):
		best.certain(0.95, 0, end, "The value is a serialised object of .NET.")
	}
}

// assembly finds the full names of types of .NET that formatters make objects
// of to run commands.
func assembly(best *lead, v []byte) {
	end := indexFold(v, "publickeytoken=")
	if end < 0 {
		return
	}
	for _, name := range [...]string{"System.Diagnostics.Process", "System.Collections.Generic.SortedSet", "System.Windows.Data.", "System.Windows.Forms.AxHost",
		"System.Security.Principal.WindowsIdentity", "System.Configuration.Install.", "System.DelegateSerializationHolder", "System.Windows.ResourceDictionary"} {
		if i := bytes.Index(v[:end], []byte(name)); i >= 0 {
			best.offer(0.8, i, i+len(name), "The full name of a type of .NET is given that runs commands when it is read.")
			return
		}
	}
}

// hexObject finds objects of Java whose bytes are spelled in hexadecimal
// digits, as the pools of connections of c3p0 take them.
func hexObject(best *lead, v []byte) {
	i := indexFold(v, "aced0005")
	if i < 0 || i > 0 && isWordASCII(v[i-1]) {
		return
	}
	if end := run(v, i, len(v), isHexDigit); end-i >= 24 {
		best.offer(0.9, i, min(end, i+32), "The value is a serialised object of Java in hexadecimal digits.")
	}
}

func isHexDigit(c byte) bool { return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'f' }

// phpObject finds O:4:"Name":1:{ and its custom form C:. Arrays and scalars
// alone are data.
func phpObject(best *lead, v []byte) {
	colons := seeker{v: v, b: ':'}
	for c := colons.from(1); c+5 < len(v); c = colons.from(c + 1) {
		i := c - 1
		if v[i]|0x20 != 'o' && v[i]|0x20 != 'c' || i > 0 && isWord(v[i-1]) {
			continue
		}
		j := i + 2
		if v[j] == '+' { // O:+4 passed old filters
			j++
		}
		k := run(v, j, len(v), isDigit)
		if k == j || k+1 >= len(v) || v[k] != ':' || v[k+1] != '"' && v[k+1] != '\\' {
			continue
		}
		q := run(v, k+2, min(len(v), k+80), isClassName)
		if q > k+3 && q < len(v) && (v[q] == '"' || v[q-1] == '\\') {
			best.offer(0.88, i, q, "The value is a serialised object of PHP.")
			return
		}
	}
}

func isClassName(c byte) bool { return isWord(c) || c == '\\' }

// typeTagsAt are the names of types that a reader makes instances of, by the
// byte in front of their first letter, which is the one at.
var typeTagsAt = [...]struct {
	mark   byte
	at     int
	text   string
	weight float32
	reason string
}{
	{'$', 3, "_$$ND_FUNC$$_", 0.97, "A function of node-serialize runs when it is read."},
	{'!', 2, "!!python/", 0.92, "A YAML tag makes an object of Python."},
	{'!', 1, "!python/", 0.9, "A YAML tag makes an object of Python."},
	{'!', 2, "!!java", 0.9, "A YAML tag makes an object of Java."},
	{'!', 2, "!!org.", 0.85, "A YAML tag makes an object of Java."},
	{'!', 2, "!!com.", 0.85, "A YAML tag makes an object of Java."},
	{'!', 1, "!ruby/", 0.9, "A YAML tag makes an object of Ruby."},
	{'!', 2, "!!php/", 0.9, "A YAML tag makes an object of PHP."},
	{'@', 2, `"@type":"`, 0.55, "A JSON member names the type of Java to make."},
	{'$', 2, `"$type":"System.`, 0.8, "A JSON member names the type of .NET to make."},
	{'"', 1, `"py/object"`, 0.85, "A JSON member names the object of Python to make."},
	{'"', 1, `"py/reduce"`, 0.92, "A JSON member names the function of Python to call."},
}

// whenTypeTags: what they hold beside words.
var whenTypeTags = []feature{hasBang | ofSix, hasDollar | ofNine, hasDQuote | hasAt | hasColon | ofNine, hasDQuote | hasSlash | ofNine}

// tagPairs are the bytes in front of their first letters, and those.
var tagPairs = pair.New(pair.Of{"$", "Nt"}, pair.Of{"!", "pjocr"}, pair.Of{"@", "t"}, pair.Of{`"`, "p"})

// tagLetters are those of the names of types, of which each has all of one kind.
var tagLetters = [...]letters{lettersOf("jav"), lettersOf("org"), lettersOf("com"), lettersOf("ph"), lettersOf("ruby"), lettersOf("py"), lettersOf("_fun")}

// typeTags finds names of types that a reader makes instances of.
func typeTags(best *lead, v []byte) {
	for last := tagPairs.Next(v, 0); last < len(v); last = tagPairs.Next(v, last+1) {
		i, mark := last+1, v[last]
		for j := range typeTagsAt {
			t := &typeTagsAt[j]
			if from := i - t.at; t.mark == mark && from >= 0 && bytes.HasPrefix(v[from:], []byte(t.text)) {
				best.offer(t.weight, from, from+len(t.text), t.reason)
			}
		}
	}
}

// pickle finds the opcodes that import a function and call it.
func pickle(best *lead, v []byte) {
	call := pickleCalls(v)
	switch {
	case len(v) > 4 && v[0] == 0x80 && v[1] >= 2 && v[1] <= 5 && call:
		best.offer(0.85, 0, min(len(v), 32), "The value is a pickle of Python that calls a function.")
	case call && bytes.IndexByte(v, '\n') > 0:
		for _, module := range [...]string{"cos\n", "cposix\n", "csubprocess\n", "c__builtin__\n", "cbuiltins\n", "cnt\n", "csys\n"} {
			if i := bytes.Index(v, []byte(module)); i >= 0 {
				best.certain(0.95, i, min(len(v), i+32), "The value is a pickle of Python that calls a function of the system.")
			}
		}
	}
}

// pickleCalls reports whether v ends as pickles do whose last object is the
// result of a call: REDUCE, perhaps a memo of it, and STOP.
func pickleCalls(v []byte) bool {
	v = bytes.TrimRight(v, "\r\n ")
	if len(v) < 3 || v[len(v)-1] != '.' {
		return false
	}
	v = v[:len(v)-1]
	switch last := len(v) - 1; {
	case v[last] == 0x94: // MEMOIZE
		v = v[:last]
	case v[last] == '\n': // PUT and a number
		for v = v[:last]; len(v) > 1 && isDigit(v[len(v)-1]); {
			v = v[:len(v)-1]
		}
		if v[len(v)-1] != 'p' {
			return false
		}
		v = v[:len(v)-1]
	case last > 1 && v[last-1] == 'q': // BINPUT and a byte
		v = v[:last-1]
	}
	return len(v) > 0 && v[len(v)-1] == 'R'
}

// marshal finds what Ruby's Marshal makes objects of; sessions are hashes.
func marshal(best *lead, v []byte) {
	if len(v) < 6 || v[0] != 4 || v[1] != 8 {
		return
	}
	if (v[2] == 'o' || v[2] == 'U') && v[3] == ':' || bytes.Contains(v[:min(len(v), 512)], []byte("Gem::")) || bytes.Contains(v, []byte("DeprecatedInstanceVariableProxy")) {
		best.offer(0.85, 0, min(len(v), 32), "The value is a serialised object of Ruby.")
	}
}
