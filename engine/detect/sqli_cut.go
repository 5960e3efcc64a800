package detect

import (
	"bytes"

	"github.com/gabionhq/gabion/engine/internal/lexicon"
	"github.com/gabionhq/gabion/engine/internal/sqllex"
)

// Whoever leaves a string makes the rest of the query harmless, as a rule by a
// comment. A value that ends its string soon, goes on as a query can go on
// there, and ends in a comment mark needs no proof of what stands between.

// statements begin with one of these words, in one dialect or another.
var statements = lexicon.New(`select insert update delete merge replace values table with create alter drop truncate rename comment
	grant revoke deny set reset use show desc describe explain analyze begin start commit rollback savepoint release abort lock unlock
	flush kill handler prepare execute exec call do declare waitfor print raiserror throw go while if return revert dbcc reconfigure
	shutdown checkpoint backup restore bulk load copy attach detach pragma vacuum reindex cluster discard listen notify optimize purge
	install refresh import`)

// clauses begin with one of these words, behind a value.
var clauses = lexicon.New(`and or xor not is like ilike rlike regexp similar in between div mod union intersect except minus from where
	into limit offset fetch order group having for lock natural inner outer cross left right join using on window procedure collate
	returning as asc desc`)

// graphs are the words by which queries of graph databases (Cypher) go on.
var graphs = lexicon.New("match return call with unwind merge create detach delete set remove foreach load union where or and")

var lineComment = []byte("//")

// graphCut reports whether a query of a graph database goes on behind the end
// of the string at i and of what it stands in, and ends in a comment.
func (r *sqlReader) graphCut(i int) bool {
	if !bytes.HasSuffix(r.v[:r.end], lineComment) {
		return false
	}
	for n := 0; n < 4 && (r.kind(i) == sqllex.RParen || r.kind(i) == sqllex.Other && r.text(i)[0] == '}'); n++ {
		i++
	}
	if !r.tightPrefix() || i+2 >= len(r.toks) || r.end-r.start > maxPath || !graphs.Has(r.text(i)) {
		return false
	}
	query := r.v[r.toks[i].From:r.end]
	return hasFold(query, "return ") || hasFold(query, "call ") || hasFold(query, "match ") || hasFold(query, "match(") || hasFold(query, "detach delete") || hasFold(query, "load csv")
}

// maxTailTokens is how many tokens of the tail of a comment mark are looked at.
const maxTailTokens = 4

// lastCut returns the comment mark in which a value that is not long ends, -1 for
// none. It is looked for once per chunk, however many statements ask.
func (r *sqlReader) lastCut() int {
	if !r.cutKnown {
		r.cutKnown, r.cutAt = true, r.findCut()
	}
	return r.cutAt
}

func (r *sqlReader) findCut() int {
	if !r.last || len(r.toks) >= sqlBeginning {
		return -1
	}
	for i := len(r.toks) - 1; i >= 0 && i >= len(r.toks)-maxTailTokens; i-- {
		if r.kind(i) == sqllex.Cut && r.cutEnds(i) {
			return i
		}
	}
	return -1
}

// statementCut reports whether a statement follows the semicolon at i, behind a
// number or where the string ended, and a comment ends it.
func (r *sqlReader) statementCut(i int) bool {
	if i+2 >= len(r.toks) || !statements.Has(r.text(i+1)) || i+2 > r.lastCut() {
		return false
	}
	if r.kind(i+2) == sqllex.Dot || r.kind(i+2) == sqllex.Compare {
		return false // a variable of a program
	}
	if r.broken {
		return r.atBreak(i) && r.shortPrefix() && r.v[r.start-1] != '`'
	}
	switch r.role(i + 1) {
	case sqllex.Select, sqllex.Verb, sqllex.Exec, sqllex.Declare, sqllex.Waitfor, sqllex.Values:
		return r.first && i == 1 && r.kind(0) == sqllex.Number
	}
	return false
}

// clauseCut reports whether a clause follows at i, behind one word or number
// and the end of its string, and a comment ends it.
func (r *sqlReader) clauseCut(i int) bool {
	cut := r.lastCut()
	if i+2 > cut || !r.tightPrefix() || r.quotesAll() {
		return false
	}
	if r.text(cut)[0] == '#' && r.kind(cut-1) == sqllex.Word && len(r.text(cut-1)) == 1 {
		return false // C#
	}
	if i > 0 && r.kind(i) == sqllex.Comma {
		return r.kind(i+1) == sqllex.LParen // another row
	}
	if role := r.role(i); role >= sqllex.Func && role <= sqllex.Danger && r.kind(i+1) == sqllex.LParen {
		return true // a call, where the filter took out the word before it
	}
	return clauses.Has(r.text(i)) && (r.start <= 2 || isDigit(r.v[r.start-2]) || !r.prose(i, cut))
}

// prose reports whether there are words of another language, and nothing that is
// no word, among the tokens from i up to end.
func (r *sqlReader) prose(i, end int) bool {
	words := 0
	for ; i < end; i++ {
		switch r.kind(i) {
		case sqllex.Key:
		case sqllex.Word:
			words++
		default:
			return false
		}
	}
	return words > 0
}

// tightPrefix reports whether at most one word or number stands before the end
// of the string.
func (r *sqlReader) tightPrefix() bool {
	if r.start > maxPrefix || r.v[r.start-1] == '`' {
		return false
	}
	for _, c := range r.v[:r.start-1] {
		switch byteClass[c] {
		case cLetter, cDigit, cDash, cDot, cPercent, cAt, cHigh, cBackslash:
		default:
			return false
		}
	}
	return true
}

// quotesAll reports whether the quote at which the value broke out is its first
// byte and its last.
func (r *sqlReader) quotesAll() bool {
	return r.start == 1 && len(r.v) > 1 && r.v[len(r.v)-1] == r.v[0]
}

// measure reports whether the quote stands behind a number, as for feet and
// minutes.
func (r *sqlReader) measure() bool {
	return r.start > 1 && isDigit(r.v[r.start-2])
}

// hashEnds reports whether the # at i is the end of the value, and what stands
// before the quote is one word: admin'#.
func (r *sqlReader) hashEnds(i int) bool {
	return r.start > 1 && int(r.toks[i].From) == r.start && int(r.toks[i].To) == r.end && r.tightPrefix() && isWord(r.v[r.start-2])
}

// listGoesOn looks at the comma i behind the end of the string, as in a list of
// values or of columns that are set: x',version(),'y and x',admin=1--.
func (r *sqlReader) listGoesOn(i int) {
	if !r.tightPrefix() {
		return
	}
	best, sets := opNone, false
	comma := i
	for n := 0; n < maxOperand && r.kind(i) == sqllex.Comma; n++ {
		end, op := r.expression(i + 1)
		if op == opNone {
			return
		}
		if r.kind(end) == sqllex.Compare && op == opName {
			sets = true
			end, op = r.expression(end + 1)
		}
		best = max(best, op)
		i = end
	}
	for r.kind(i) == sqllex.RParen {
		i++
	}
	switch {
	case r.lastCut() >= i && !r.quotesAll() && (r.kind(i) == sqllex.Cut || sets):
		r.hit(signBreakCut, comma, i)
	case best >= opCall && r.kind(i) == sqllex.End && r.last && r.closedByQuery():
		r.hit(signCompareCall, comma, i)
	case sets && best == opOpen && r.kind(i) == sqllex.End && r.last && r.closedByQuery():
		r.hit(signBreakOperator, comma, i)
	}
}
