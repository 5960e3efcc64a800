package detect

import (
	"bytes"

	"github.com/gabionhq/gabion/engine/internal/lexicon"
)

// whenRedirect: an address needs slashes, with what browsers drop between
// them, or its scheme's colon.
var whenRedirect = []feature{hasSlashSlash, hasBackslash, hasSlashDot, hasSlash | hasSpace, hasSlash | hasLine, hasColon | hasHTTPWord}

var redirectVocabulary = lexicon.New("http https")

// redirect finds addresses that browsers read as another host although they
// look local. Plain addresses of other hosts are ordinary values.
func (s *Scanner) redirect(v []byte, w *Where) {
	if len(v) > maxPath || w.Container || w.Name || w.Place == InTarget || w.Place == InPath || w.Place == InReferer || w.Place == InHeader {
		return
	}
	i := skipBlank(v, 0)
	if i == len(v) || !beginsAddress[v[i]] {
		return
	}
	var best lead
	slashes, mixed := 0, false
	for i < len(v) && (v[i] == '/' || v[i] == '\\' || slashes > 0 && (v[i] == '\t' || v[i] == '\r' || v[i] == '\n' || v[i] == '.' && slashes == 1)) {
		mixed = mixed || v[i] == '\\' || v[i] < ' '
		slashes++
		i++
	}
	host := run(v, i, len(v), isHostByte)
	named := bytes.IndexByte(v[i:host], '.') > 0
	switch {
	case slashes > 2 && named, slashes > 1 && mixed && named:
		best.offer(0.45, 0, host, "An address looks local but names another host to a browser.")
	case slashes == 2 && named:
		best.offer(0.3, 0, host, "An address names another host without its scheme.")
	case hasPrefixFold(v[i:], "http") && bytes.IndexByte(authority(v[i:]), '@') > 0:
		best.offer(0.48, 0, len(v), "An address puts a trusted name before the host it leads to.")
	case hasPrefixFold(v[i:], "https:") && len(v) > i+6 && v[i+6] != '/', hasPrefixFold(v[i:], "http:") && len(v) > i+5 && v[i+5] != '/':
		best.offer(0.35, 0, len(v), "An address leaves out the slashes before its host.")
	}
	s.follow(Redirect, v, best, redirectVocabulary)
}

// beginsAddress are the bytes with which begins what redirect finds.
var beginsAddress = [256]bool{'/': true, '\\': true, 'h': true, 'H': true}

func isHostByte(c byte) bool {
	return isLetter(c) || isDigit(c) || c == '.' || c == '-' || c == '@' || c == ':'
}

// authority returns the part of an address between // and the next slash,
// query or fragment.
func authority(v []byte) []byte {
	i := bytes.Index(v, []byte("//"))
	if i < 0 {
		return nil
	}
	v = v[i+2:]
	if j := bytes.IndexAny(v, `/?#\`); j >= 0 {
		v = v[:j]
	}
	return v
}
