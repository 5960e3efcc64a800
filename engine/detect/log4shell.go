package detect

import (
	"bytes"

	"github.com/gabionhq/gabion/engine/internal/lexicon"
)

// whenLog4Shell: a lookup begins with ${.
var whenLog4Shell = []feature{hasDollarBrace, hasBrace | hasColonSlash, hasDollar | hasAmp | hasColon}

var lookupVocabulary = lexicon.New(`jndi ldap ldaps rmi dns iiop corba nds nis http https lower upper env sys java
	main ctx map date bundle docker k8s kubernetes log4j marker sd spring web base64 url`)

// jndiLetters are those of its name.
var jndiLetters = lettersOf("jndi")

// Limits of the lookup evaluator. Log4j itself recurses without bound; the
// word that matters is short, so what exceeds them is dropped.
const (
	maxLookupDepth = 16
	maxLookupText  = 64
)

// A lookup evaluates nested Log4j lookups as far as they hide letters:
// ${lower:j}, ${::-j} and ${env:X:-j} all give j.
type lookup struct {
	text  [maxLookupText]byte
	n     int
	start [maxLookupDepth]int
	from  [maxLookupDepth]int
	depth int
	odd   bool // a lookup hides a letter
	leaks bool // a lookup reads the environment
	loads bool // a lookup runs a script or opens an address or a file
}

func (s *Scanner) log4shell(v []byte, w *Where) {
	var best lead
	if s.have&hasDollarBrace != 0 {
		s.reads(v, readLookups)
		lookups(&best, v)
	}
	if s.all(hasBrace|hasColon|hasSlash) && s.spells(jndiLetters) && best.weight == 0 {
		if i := indexFold(v, "{jndi:"); i > 0 && bytes.Contains(v[i:min(len(v), i+16)], []byte("://")) {
			best.offer(0.8, i, min(len(v), i+40), "A JNDI lookup stands behind what other lookups or a decoder make its sign.")
		}
	}
	if s.all(hasDollar|hasAmp|hasColon) && s.spells(jndiLetters) && best.weight == 0 {
		if i := indexFold(v, "$&lbrace"); i >= 0 && indexFold(v[i:min(len(v), i+20)], "jndi:") > 0 {
			best.offer(0.8, i, min(len(v), i+40), "A JNDI lookup stands behind a bracket that markup spells.")
		}
	}
	s.follow(Log4Shell, v, best, lookupVocabulary)
}

// lookups evaluates what stands in ${ and }.
func lookups(best *lead, v []byte) {
	var l lookup
	for i := 0; i < len(v); i++ {
		if l.depth == 0 && v[i] != '$' {
			at := bytes.IndexByte(v[i:], '$')
			if at < 0 {
				break
			}
			i += at
		}
		switch c := v[i]; {
		case c == '$' && i+1 < len(v) && v[i+1] == '{':
			l.open(i)
			i++
		case l.depth == 0:
		case c == '}':
			l.close()
			if l.depth == 0 {
				l.judge(best, i+1)
			}
		default:
			l.put(c)
			if c == ':' && l.endsWith("jndi:") {
				best.certain(0.98, l.from[0], min(len(v), i+40), "A Log4j lookup loads code from another host by JNDI.")
			}
		}
	}
	if l.depth > 0 {
		l.judge(best, len(v))
	}
}

func (l *lookup) open(i int) {
	if l.depth < maxLookupDepth {
		l.start[l.depth], l.from[l.depth] = l.n, i
		l.depth++
	}
}

func (l *lookup) put(c byte) {
	if l.n == len(l.text) { // keep the half that can still matter
		copy(l.text[:], l.text[maxLookupText/2:])
		l.n = maxLookupText / 2
		for i := range l.start[:l.depth] {
			l.start[i] = max(0, l.start[i]-maxLookupText/2)
		}
	}
	l.text[l.n] = lower(c)
	l.n++
}

// close replaces the innermost lookup by its result.
func (l *lookup) close() {
	l.depth--
	start := l.start[l.depth]
	text := l.text[start:l.n]
	colon := bytes.IndexByte(text, ':')
	dash := bytes.LastIndex(text, []byte(":-"))
	keep := len(text)
	switch {
	case dash >= 0:
		keep = dash + 2
		l.odd = l.odd || len(text)-keep <= 3 && l.depth > 0
	case colon > 0 && (string(text[:colon]) == "lower" || string(text[:colon]) == "upper" || string(text[:colon]) == "date"):
		keep = colon + 1
		l.odd = l.odd || l.depth > 0
	case colon > 0 && (string(text[:colon]) == "env" || string(text[:colon]) == "sys" || string(text[:colon]) == "java" || string(text[:colon]) == "ctx" || string(text[:colon]) == "bundle"):
		l.leaks = true
	case colon > 0 && (string(text[:colon]) == "script" || string(text[:colon]) == "dns" || string(text[:colon]) == "url" && bytes.Contains(text[colon+1:], []byte(":"))):
		l.loads = true
	}
	n := copy(text, text[keep:])
	// Turkish dotless i, which upper-cases to I.
	if n == 2 && text[0] == 0xc4 && text[1] == 0xb1 {
		text[0], n = 'i', 1
	}
	l.n = start + n
	if l.depth > 0 && l.endsWith("jndi:") {
		l.put(':')
	}
}

// judge weighs a whole lookup that holds no JNDI.
func (l *lookup) judge(best *lead, end int) {
	text := l.text[:l.n]
	switch {
	case bytes.Contains(text, []byte("jndi:")):
		best.certain(0.98, l.from[0], end, "Nested Log4j lookups spell JNDI, which loads code from another host.")
	case l.odd:
		best.offer(0.78, l.from[0], end, "Nested lookups spell a word letter by letter.")
	case l.loads:
		best.offer(0.75, l.from[0], end, "A lookup of a text runs a script or opens an address.")
	case l.leaks:
		best.offer(0.55, l.from[0], end, "A lookup reads the environment of the server.")
	}
	l.n, l.odd, l.leaks, l.loads = 0, false, false, false
}

func (l *lookup) endsWith(word string) bool {
	return l.n >= len(word) && string(l.text[l.n-len(word):l.n]) == word
}
