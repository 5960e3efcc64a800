package detect

import (
	"bytes"

	"github.com/gabionhq/gabion/engine/internal/lexicon"
)

// whenSSI: a directive stands in a comment, behind a sign, or is a tag of a namespace.
var whenSSI = []feature{hasLessMark | hasDashDash | hasHash | ofNine, hasLessMark | hasDashDash | hasPercent | ofNine, hasLessLetter | hasColon}

var (
	ssiDirectives = lexicon.New(`exec include echo printenv config set fsize flastmod if elif else endif`)
	ssiVocabulary = lexicon.New(`exec include echo printenv config set fsize flastmod if elif else endif cmd cgi var virtual
		file value errmsg sizefmt timefmt expr esi vars remove src date_local document_name document_root`)
)

// ssi finds directives of server-side includes and edge-side includes.
func (s *Scanner) ssi(v []byte, w *Where) {
	s.reads(v, readDirectives)
	var best lead
	for i := indexFrom(v, 0, '<'); i+2 < len(v); i = indexFrom(v, i+1, '<') {
		if v[i+1] == '!' && v[i+2] == '-' || v[i+1]|0x20 == 'e' && v[i+2]|0x20 == 's' {
			directive(&best, v, i)
		}
	}
	s.follow(SSI, v, best, ssiVocabulary)
}

func directive(best *lead, v []byte, at int) {
	rest := v[at:]
	end := min(len(v), at+80)
	if hasPrefixFold(rest, "<esi:") {
		best.offer(0.88, at, end, "A tag of edge-side includes is inserted.")
		return
	}
	if !bytes.HasPrefix(rest, []byte("<!--")) {
		return
	}
	i := 4
	for i < len(rest) && i < 16 && (isSpace(rest[i]) || rest[i] == '-') {
		i++
	}
	switch {
	case i < len(rest) && rest[i] == '#':
		i++
	case hasPrefixFold(rest[i:], "%23"):
		i += 3
	default:
		return
	}
	i = skipBlank(rest, i)
	j := run(rest, i, len(rest), isLetter)
	switch {
	case !ssiDirectives.Has(rest[i:j]):
	case hasPrefixFold(rest[i:j], "exec"), hasPrefixFold(rest[i:j], "include"):
		best.certain(0.96, at, end, "A server-side include runs a command or reads a file.")
	default:
		best.offer(0.88, at, end, "A directive of server-side includes is inserted.")
	}
}
