package detect

import (
	"bytes"

	"github.com/gabionhq/gabion/engine/internal/lexicon"
)

// whenXXE: declarations are markup, and so are inclusions and style sheets, whose
// elements are of another namespace; the attributes of a document come one by one.
var whenXXE = []feature{hasLessMark | ofNine, hasLessLetter | hasColon | ofNine, hasColonSlash}

var xmlVocabulary = lexicon.New(`doctype entity element attlist system public any xml xi include xinclude xmlns href parse
	text file http https ftp php expect gopher netdoc jar data ndata xsl stylesheet value of select document function
	etc passwd boot ini version encoding utf`)

// xxe finds document types that declare entities, above all external ones,
// and inclusions of other documents.
func (s *Scanner) xxe(v []byte, w *Where) {
	var best lead
	s.reads(v, readDocument)
	entities, doctype := 0, -1
	sheet := transform{v: v}
	for i := indexFrom(v, 0, '<'); i+2 < len(v); i = indexFrom(v, i+1, '<') {
		switch next := v[i+1]; {
		case next != '!':
			if startsElement[next] && s.have&hasColon != 0 {
				judgeElement(&best, &sheet, v, i)
			}
		case v[i+2]|0x20 == 'd' && hasPrefixFold(v[i:], "<!doctype"):
			doctype = i
			judgeDoctype(&best, v, i)
		case v[i+2]|0x20 == 'e' && hasPrefixFold(v[i:], "<!entity"):
			entities++
			judgeEntity(&best, v, i, doctype, entities)
		}
	}
	s.effort += markupEffort * sheet.elements
	if w.Place == InXML && hasSuffixFold(w.Key, ":schemalocation") && bytes.Contains(v, []byte("://")) && !bytes.ContainsAny(v, " \t\r\n") {
		best.offer(0.6, 0, len(v), loneLocation)
	}
	s.follow(XXE, v, best, xmlVocabulary)
}

// judgeElement weighs elements that read another document or run a program.
func judgeElement(best *lead, sheet *transform, v []byte, i int) {
	switch rest := v[i:]; {
	case hasPrefixFold(rest, "<xi:include"), hasPrefixFold(rest, "<xinclude:"):
		best.offer(0.88, i, min(len(v), i+maxDeclaration), "An inclusion reads another document into this one.")
	case hasPrefixFold(rest, "<xsl:"), hasPrefixFold(rest, "<msxsl:script"):
		sheet.judge(best, i)
	case hasPrefixFold(rest, "<xalan:script"), hasPrefixFold(rest, "<lxslt:script"):
		best.offer(0.88, i, min(len(v), i+maxDeclaration), "A style sheet holds a program.")
	case hasPrefixFold(rest, "<exsl:document"), hasPrefixFold(rest, "<redirect:write"), hasPrefixFold(rest, "<redirect:open"):
		best.offer(0.75, i, min(len(v), i+maxDeclaration), "A style sheet writes a file.")
	}
}

// startsElement are the bytes with which the names of those begin.
var startsElement = [256]bool{'x': true, 'X': true, 'm': true, 'M': true, 'l': true, 'L': true, 'e': true, 'E': true, 'r': true, 'R': true}

// loneLocation: xsi:schemaLocation holds pairs of a namespace and where its
// schema is.
const loneLocation = "The location of a schema is an address alone, which is there only to be fetched."

// maxDeclaration bounds what is read of one declaration.
const maxDeclaration = 256

func judgeEntity(best *lead, v []byte, at, doctype, count int) {
	head := v[at:min(len(v), at+maxDeclaration)]
	if end := bytes.IndexAny(head[1:], "<>"); end >= 0 {
		head = head[:end+1]
	}
	if len(head) < 10 || !isSpace(head[8]) {
		return
	}
	from, end := at, at+len(head)
	if doctype >= 0 && at-doctype < maxDeclaration {
		from = doctype
	}
	parameter := bytes.IndexByte(head[8:min(len(head), 16)], '%') >= 0
	switch {
	case hasFold(head, "system") || hasFold(head, "public"):
		best.certain(0.95, from, end, "An entity is declared that reads a file or an address.")
	case parameter:
		best.offer(0.88, from, end, "A parameter entity is declared.")
	case count > 2 && bytes.Count(head, []byte("&")) > 1:
		best.offer(0.92, from, end, "Entities are declared that expand each other many times.")
	default:
		best.offer(0.7, from, end, "An entity is declared in the document.")
	}
}

// judgeDoctype weighs external document types. Public ones are known by
// their name, which is registered and begins with a sign and //.
func judgeDoctype(best *lead, v []byte, at int) {
	head := v[at:min(len(v), at+maxDeclaration)]
	if i := bytes.IndexAny(head[1:], "<>[") + 1; i > 0 {
		if head[i] == '[' && bytes.IndexByte(head[i:], '%') >= 0 {
			best.offer(0.6, at, at+i+1, "A document type with parameter entities is declared.")
		}
		head = head[:i]
	}
	system := indexFold(head, "system")
	public := indexFold(head, "public")
	end := at + len(head)
	switch {
	case public >= 0 && !bytes.Contains(head[public:], []byte("-//")) && bytes.Contains(head[public:], []byte("://")):
		best.offer(0.75, at, end, "The document type is read from an address.")
	case system >= 0 && (bytes.Contains(head[system:], []byte("://")) || hasFold(head[system:], "file:")):
		best.offer(0.78, at, end, "The document type is read from an address.")
	case system >= 0 && (bytes.Contains(head[system:], []byte(`"//`)) || bytes.Contains(head[system:], []byte(`'//`)) || bytes.Contains(head[system:], []byte(`"\\`))):
		best.offer(0.7, at, end, "The document type is read from another host.")
	case system >= 0 && hasFold(head[system:], "/etc/"), system >= 0 && hasFold(head[system:], "/dev/"):
		best.offer(0.85, at, end, "The document type is read from a file of the system.")
	}
}

// A transform is a value that is read as a style sheet.
type transform struct {
	v        []byte
	elements int                // that were judged
	at       int                // up to where it has been read
	last     [lastReach + 1]int // of each kind of what style sheets reach: behind its first byte, 0 for none
}

// What style sheets reach by names that are looked for.
const (
	reachProgram uint8 = iota + 1
	reachFile
	reachDocument
	reachOutput
	reachText
	lastReach = reachText
)

// reaches are the beginnings of what those reach, by their first byte.
var reaches = [...]struct {
	word string
	kind uint8
}{
	{"php:function", reachProgram}, {"msxsl:script", reachProgram}, {"rt:exec", reachProgram}, {"system-property", reachProgram},
	{"getenv(", reachFile}, {"environment-variable(", reachFile}, {"file:read-", reachFile}, {"unparsed-text", reachFile},
	{"doc('file:", reachDocument}, {"doc('/", reachDocument}, {"doc('http", reachDocument}, {"file:/", reachOutput}, {"document(", reachText},
}

// startsReach are their first bytes, in small letters.
var startsReach = func() (t [256]bool) {
	for _, r := range reaches {
		t[r.word[0]] = true
	}
	return t
}()

// upTo reads on up to end. Elements follow each other closely, and nothing is
// read once for each.
func (t *transform) upTo(end int) {
	for ; t.at < end; t.at++ {
		c := t.v[t.at] | 0x20
		if !startsReach[c] {
			continue
		}
		for i := range reaches {
			if r := &reaches[i]; r.word[0] == c && hasPrefixFold(t.v[t.at:], r.word) {
				if t.at+len(r.word) > end {
					return // to be read again
				}
				t.last[r.kind] = t.at + 1
			}
		}
	}
}

// judge weighs the element at i by what it and what follows reach.
func (t *transform) judge(best *lead, at int) {
	t.elements++
	end := min(len(t.v), at+maxDeclaration)
	t.at = max(t.at, at)
	t.upTo(end)
	reached := func(kind uint8) bool { return t.last[kind] > at }
	head := t.v[at:end]
	switch {
	case reached(reachProgram), hasPrefixFold(head, "<msxsl:script"):
		best.offer(0.88, at, end, "A style sheet calls functions of the server.")
	case reached(reachFile):
		best.offer(0.75, at, end, "A style sheet reads files or variables of the server.")
	case reached(reachDocument), reached(reachOutput) && hasPrefixFold(head, "<xsl:result-document"):
		best.offer(0.75, at, end, "A style sheet reads or writes another document.")
	case reached(reachText), hasPrefixFold(head, "<xsl:include"), hasPrefixFold(head, "<xsl:import"):
		best.offer(0.65, at, end, "A style sheet reads another document.")
	}
}
