package detect

import (
	"bytes"

	"github.com/gabionhq/gabion/engine/internal/lexicon"
)

// Databases compare JSON by operators of their own, which readers of SQL that
// do not know them take for noise: OR '{"a":1}'::jsonb @> '{"a":1}'.

// whenSQLJSON: a document in a string, and an operator.
var whenSQLJSON = []feature{hasQuote | hasBrace, hasQuote | hasBracket}

var jsonVocabulary = lexicon.New("or and json jsonb array select where")

// jsonOperators are those of PostgreSQL (9.16.1), and of MySQL and SQLite
// the first two. The longer ones stand first.
var jsonOperators = [...]string{"->>", "->", "#>>", "#>", "#-", "@>", "<@", "@?", "@@", "?|", "?&"}

// sqlJSON finds a document in quotes that an operator of a database reads.
func (s *Scanner) sqlJSON(v []byte, w *Where) {
	if w.Name {
		return
	}
	var best lead
	for from := 0; from < len(v); {
		open, end := documentString(v, from)
		if end < 0 {
			break
		}
		from = end
		rest, cast := v[end:], false
		if c := hasPrefixFold(rest, "::json"); c {
			cast, rest = true, bytes.TrimLeft(rest[len("::json"):], "bB")
		}
		rest = afterGap(rest)
		switch n := jsonOperator(rest); {
		case n > 0 && isOperand(afterGap(rest[n:])), comparesPath(rest):
			best.offer(0.75, open, end+2, "A document is read by an operator of a database.")
		case cast:
			best.offer(0.6, open, end+2, "A document is given a type of a database.")
		}
	}
	s.follow(SQLi, v, best, jsonVocabulary)
}

// documentString returns where the next string that holds a document begins
// and ends, -1 for none.
func documentString(v []byte, from int) (open, end int) {
	for i := from; i < len(v); i++ {
		n := bytes.IndexByte(v[i:], '\'')
		if n < 0 || i+n+2 >= len(v) {
			return -1, -1
		}
		i += n
		shut := byte('}')
		switch v[i+1] {
		case '{':
		case '[':
			shut = ']'
		default:
			continue
		}
		n = bytes.IndexByte(v[i+1:], '\'')
		if n < 0 {
			return -1, -1
		}
		if v[i+n] == shut {
			return i, i + n + 2
		}
	}
	return -1, -1
}

// afterGap cuts spaces and comments from the start of v, as far as attacks
// put them there.
func afterGap(v []byte) []byte {
	const most, long = 4, 64
	for range most {
		v = bytes.TrimLeft(v, " \t\r\n+")
		if !bytes.HasPrefix(v, []byte("/*")) {
			break
		}
		n := bytes.Index(v[:min(len(v), long)], []byte("*/"))
		if n < 0 {
			break
		}
		v = v[n+2:]
	}
	return v
}

func jsonOperator(v []byte) int {
	for _, op := range jsonOperators {
		if bytes.HasPrefix(v, []byte(op)) {
			return len(op)
		}
	}
	return 0
}

// comparesPath reports whether v compares with a path into a document.
func comparesPath(v []byte) bool {
	if len(v) == 0 || v[0] != '<' && v[0] != '>' && v[0] != '=' {
		return false
	}
	v = afterGap(bytes.TrimLeft(v, "<>="))
	return bytes.HasPrefix(v, []byte("'$.")) || bytes.HasPrefix(v, []byte("'$["))
}

func isOperand(v []byte) bool {
	return len(v) > 0 && (v[0] == '\'' || v[0] == '"') || hasPrefixFold(v, "array[")
}
