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
	for i := indexFrom(v, 0, '<'); i+2 < len(v); i = indexFrom(v, i+1, '<') {
		switch next := v[i+1]; {
		case next != '!':
			if startsElement[next] && s.have&hasColon != 0 {
				judgeElement(&best, v, i)
			}
		case v[i+2]|0x20 == 'd' && hasPrefixFold(v[i:], "<!doctype"):
			doctype = i
			judgeDoctype(&best, v, i)
		case v[i+2]|0x20 == 'e' && hasPrefixFold(v[i:], "<!entity"):
			entities++
			judgeEntity(&best, v, i, doctype, entities)
		}
	}
	if w.Place == InXML && hasSuffixFold(w.Key, ":schemalocation") && bytes.Contains(v, []byte("://")) && !bytes.ContainsAny(v, " \t\r\n") {
		best.offer(0.6, 0, len(v), loneLocation)
	}
	s.follow(XXE, v, best, xmlVocabulary)
}

// judgeElement weighs elements that read another document or run a program.
func judgeElement(best *lead, v []byte, i int) {
	switch rest := v[i:]; {
	case hasPrefixFold(rest, "<xi:include"), hasPrefixFold(rest, "<xinclude:"):
		best.offer(0.88, i, min(len(v), i+maxDeclaration), "An inclusion reads another document into this one.")
	case hasPrefixFold(rest, "<xsl:"), hasPrefixFold(rest, "<msxsl:script"):
		judgeTransform(best, v, i)
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

func judgeTransform(best *lead, v []byte, at int) {
	head := v[at:min(len(v), at+maxDeclaration)]
	switch {
	case hasFold(head, "php:function"), hasFold(head, "msxsl:script"), hasFold(head, "rt:exec"), hasFold(head, "system-property"):
		best.offer(0.88, at, at+len(head), "A style sheet calls functions of the server.")
	case hasFold(head, "getenv("), hasFold(head, "environment-variable("), hasFold(head, "file:read-"), hasFold(head, "unparsed-text"):
		best.offer(0.75, at, at+len(head), "A style sheet reads files or variables of the server.")
	case hasFold(head, "doc('file:"), hasFold(head, "doc('/"), hasFold(head, "doc('http"), hasPrefixFold(head, "<xsl:result-document") && hasFold(head, "file:/"):
		best.offer(0.75, at, at+len(head), "A style sheet reads or writes another document.")
	case hasFold(head, "document("), hasPrefixFold(head, "<xsl:include"), hasPrefixFold(head, "<xsl:import"):
		best.offer(0.65, at, at+len(head), "A style sheet reads another document.")
	}
}
