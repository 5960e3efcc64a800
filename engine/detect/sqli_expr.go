package detect

import (
	"bytes"
	"slices"

	"github.com/gabionhq/gabion/engine/internal/lexicon"
	"github.com/gabionhq/gabion/engine/internal/sqllex"
)

// An operand is what an expression is made of, from weak to strong evidence
// that it is SQL.
type operand uint8

const (
	opNone    operand = iota
	opName            // a column, or any word
	opUnknown         // a call of a function that SQL does not know
	opSum             // arithmetic with numbers
	opLiteral         // a number, a string, null, a variable of the server
	opOpen            // a string that the query's own quote closes
	opGroup           // something else in parentheses
	opCall            // a call of a function that SQL knows
	opQuery           // a subquery
)

// constant reports whether the operand has the same value in every row.
func (o operand) constant() bool { return o >= opSum }

// A chain is the expression that begins at a token: operands joined by
// arithmetic. What operands make together does not depend on where one
// begins to join them, so each chain is the next one and an operand more.
type chain struct {
	end     int32
	op      operand // what it is
	known   bool
	call    operand // its strongest call or query
	open    bool    // an operand is opOpen
	name    bool    // an operand is a name or unknown
	numeric bool    // a number stands before an operator
	value   operand // the strongest behind what the last such operator joins
	rest    operand // the strongest but for the first
}

// A link is an operand of a chain that is being read.
type link struct {
	start, end int32
	op         operand
}

// chains are those of the tokens being read, so that none is read again for
// each of its operands.
type chains struct {
	at    []chain
	links []link
}

// reset forgets the chains, for n other tokens.
func (c *chains) reset(n int) {
	c.at = slices.Grow(c.at[:0], n)[:n]
	clear(c.at)
}

// expression reads operands joined by arithmetic from token i on, and
// returns the token after them and what they make.
func (r *sqlReader) expression(i int) (int, operand) {
	if i >= len(r.toks) {
		return i, opNone
	}
	if c := &r.chains.at[i]; c.known {
		return int(c.end), c.op
	}
	first, from := i, len(r.chains.links)
	for {
		end, op := r.operand(i)
		r.chains.links = append(r.chains.links, link{int32(i), int32(end), op})
		if op == opNone || !r.joins(end) {
			break
		}
		if i = end + 1; i >= len(r.toks) || r.chains.at[i].known {
			break
		}
	}
	for n := len(r.chains.links) - 1; n >= from; n-- {
		r.joinLink(r.chains.links[n])
	}
	r.chains.links = r.chains.links[:from]
	return int(r.chains.at[first].end), r.chains.at[first].op
}

// joins reports whether token i joins operands.
func (r *sqlReader) joins(i int) bool {
	k := r.kind(i)
	return k == sqllex.Arith || k == sqllex.Logic && r.text(i)[0] == '|'
}

// joinLink finds the chain that begins with an operand, once the one behind it
// is known.
func (r *sqlReader) joinLink(l link) {
	c := &r.chains.at[l.start]
	c.known, c.end, c.op, c.value = true, l.end, l.op, l.op
	c.open, c.name = l.op == opOpen, l.op <= opUnknown
	if l.op >= opCall {
		c.call = l.op
	}
	next := int(l.end) + 1
	if l.op == opNone || next >= len(r.toks) || !r.chains.at[next].known || r.chains.at[next].op == opNone || !r.joins(int(l.end)) {
		return
	}
	rest := &r.chains.at[next]
	c.end = rest.end
	c.call = max(c.call, rest.call)
	c.open = c.open || rest.open
	c.name = c.name || rest.name
	switch {
	case rest.numeric:
		c.numeric, c.value = true, rest.value
	case r.kind(int(l.end)-1) == sqllex.Number:
		c.numeric, c.value = true, max(opSum, rest.rest)
	default:
		c.rest, c.value = rest.value, max(c.value, rest.value)
	}
	switch {
	case c.call > 0:
		c.op = c.call
	case c.open:
		c.op = opOpen
	case c.name:
		c.op = opName
	default:
		c.op = c.value
	}
}

// operand reads one operand with its signs.
func (r *sqlReader) operand(i int) (int, operand) {
	r.operands++
	for n := 0; n < 8 && (r.kind(i) == sqllex.Arith || r.role(i) == sqllex.Not || r.role(i) == sqllex.All); n++ {
		i++
	}
	switch r.kind(i) {
	case sqllex.Number, sqllex.String:
		return r.casts(i + 1), opLiteral
	case sqllex.Variable:
		return i + 1, opLiteral
	case sqllex.Open:
		return i + 1, opOpen
	case sqllex.LParen:
		return r.group(i)
	case sqllex.Word:
		return r.name(i)
	case sqllex.Key:
		return r.keyOperand(i)
	case sqllex.Other:
		if r.text(i)[0] == '{' && (r.kind(i+1) == sqllex.Word && r.toks[i+1].Quote == 0 || r.kind(i+1) == sqllex.Key) && r.kind(i+2) != sqllex.Arith {
			return r.braced(i)
		}
	}
	return i, opNone
}

// braced reads an operand in the braces of ODBC, {x 1} or {fn user()}, which
// MySQL and others read as what is in them.
func (r *sqlReader) braced(i int) (int, operand) {
	end, op := r.expression(i + 2)
	if op == opNone || r.kind(end) != sqllex.Other || r.text(end)[0] != '}' {
		return i, opNone
	}
	return end + 1, op
}

// casts skips ::type after an operand, and a string that directly follows
// another.
func (r *sqlReader) casts(i int) int {
	for n := 0; n < 4 && r.kind(i) == sqllex.Dot && (r.kind(i+1) == sqllex.Word || r.kind(i+1) == sqllex.Key); n++ {
		i += 2
	}
	return i
}

// group reads a parenthesised operand.
func (r *sqlReader) group(i int) (int, operand) {
	inner := i
	for r.kind(inner) == sqllex.LParen {
		inner++
		if inner-i > maxOperand {
			return i + 1, opNone
		}
	}
	end := len(r.toks)
	if n := r.pair(i); n > 0 {
		end = i + n + 1
	}
	if r.role(inner) == sqllex.Select {
		return end, opQuery
	}
	if end == len(r.toks) && r.pair(i) == 0 {
		return r.expression(inner) // it is never closed
	}
	last, op := r.expression(inner)
	switch {
	case op == opNone:
		return i + 1, opNone
	case op == opLiteral && last == end-1:
		return r.casts(end), opLiteral
	case op == opCall || op == opQuery:
		return r.casts(end), op
	case op == opName || op == opUnknown:
		return r.casts(end), opName
	}
	return r.casts(end), opGroup
}

// name reads a dotted name, or the call of an unknown function.
func (r *sqlReader) name(i int) (int, operand) {
	i++
	for n := 0; n < 8 && r.kind(i) == sqllex.Dot && (r.kind(i+1) == sqllex.Word || r.kind(i+1) == sqllex.Key); n++ {
		i += 2
	}
	if r.kind(i) != sqllex.LParen {
		return i, opName
	}
	op := opUnknown
	if r.role(i-1) >= sqllex.Func && r.role(i-1) <= sqllex.Danger {
		op = opCall
	}
	return r.afterArguments(i), op
}

// afterArguments returns the token after the parenthesis that token i opens, or
// would open behind the last.
func (r *sqlReader) afterArguments(i int) int {
	if n := r.pair(i); n > 0 {
		return r.casts(i + n + 1)
	}
	return len(r.toks)
}

func (r *sqlReader) keyOperand(i int) (int, operand) {
	open := r.kind(i+1) == sqllex.LParen
	switch r.role(i) {
	case sqllex.Literal:
		return r.casts(i + 1), opLiteral
	case sqllex.Niladic:
		if open {
			return r.afterArguments(i + 1), opCall
		}
		return i + 1, opCall
	case sqllex.Func, sqllex.Spy, sqllex.Sleep, sqllex.Danger, sqllex.Like, sqllex.Verb, sqllex.Type, sqllex.Object, sqllex.Values:
		if open {
			return r.afterArguments(i + 1), opCall
		}
		if r.kind(i+1) == sqllex.Dot {
			return r.name(i)
		}
		if r.role(i) == sqllex.Like || r.role(i) == sqllex.Verb {
			return i, opNone
		}
		return i + 1, opName
	case sqllex.System, sqllex.Delay, sqllex.Analyse, sqllex.Procedure, sqllex.Stop:
		return r.name(i)
	case sqllex.Case:
		return r.afterCase(i), opCall
	case sqllex.In:
		if open {
			return r.afterArguments(i + 1), opCall
		}
	case sqllex.Select:
		return i, opNone
	}
	return i, opNone
}

// afterCase returns the token after CASE ... END.
func (r *sqlReader) afterCase(i int) int {
	j, s := i+1, &r.stops
	if s.from <= j && j <= s.to {
		j = s.to
	} else {
		s.from = j
	}
	for ; j < len(r.toks) && j < i+4*maxOperand; j++ {
		if n := r.pair(j); n > 0 {
			j += n
			s.from = j + 1
			continue
		}
		if r.role(j) == sqllex.Stop {
			s.to = j
			return j + 1
		}
	}
	s.to = j
	return len(r.toks)
}

// stops are the tokens between which no CASE ends, so that they are not read
// again for each that is open.
type stops struct{ from, to int }

// condition looks at what follows a word or sign that adds a condition.
func (r *sqlReader) condition(i int) {
	if r.kind(i) == sqllex.Logic && r.first && !r.broken && r.kind(0) == sqllex.Compare {
		return // >=16 || 14: a range of versions, and no operand
	}
	if r.kind(i) == sqllex.Logic && (r.is(i+1, "len") || r.is(i+1, "strcmp") && r.equals(r.afterArguments(i+2))) {
		return // which only databases have that know no such operator, or no ==
	}
	before := r.operandBefore(i)
	start, open := i+1, 0
	for r.role(start) == sqllex.Not || r.kind(start) == sqllex.Arith && r.v[r.toks[start].From] == '!' {
		start++
	}
	left, a := r.expression(start)
	if a == opNone || a == opName && r.kind(left) == sqllex.End {
		// and ((('x'='x: the parentheses are closed by the query
		for start += open; r.kind(start) == sqllex.LParen && open < maxOperand; open++ {
			start++
		}
		if open == 0 {
			return
		}
		left, a = r.expression(start)
	}
	r.compare(i, start, left, a, before)
}

// equals reports whether token i is ==, as programs compare.
func (r *sqlReader) equals(i int) bool {
	return r.kind(i) == sqllex.Compare && (string(r.text(i)) == "==" || r.kind(i+1) == sqllex.Compare)
}

// quotedName reports whether token i is a name as the standard quotes it, that
// the operator at next compares with a string, as no database does with two
// texts that differ.
func (r *sqlReader) quotedName(i, next int) bool {
	name, text := r.text(i), r.text(next+1)
	return next == i+1 && len(name) > 2 && len(text) > 1 && name[0] == '"' && text[0] == '\'' && isLetter(name[1]) &&
		!bytes.Equal(name[1:len(name)-1], text[1:len(text)-1])
}

// compare looks at the condition whose left side a spans the tokens from
// start to left.
func (r *sqlReader) compare(i, start, left int, a operand, before bool) {
	if a == opGroup || a == opLiteral && r.kind(start) == sqllex.LParen {
		// (1=1) and ('a'='a
		r.inner(i, start, before)
	}
	if a == opQuery && before {
		r.hit(signSubquery, i, left)
	}
	right, b, ok := r.rightSide(left)
	if !ok {
		r.alone(i, left, a, before)
		return
	}
	next := r.goesOn(right)
	switch {
	case b == opNone:
		return
	case a == opLiteral && b == opOpen && before, a == opLiteral && b == opLiteral && r.kind(right) == sqllex.Open && before:
		r.hit(signTautologyOpen, i, right)
	case a == opLiteral && b == opLiteral && before && r.runsOn(left-1, right-1):
		r.hit(signBreakCompare, i, right)
	case a == opLiteral && b == opLiteral && r.role(i) == sqllex.Where && !r.broken && r.quotedName(start, left):
		return // WHERE "host" = 'a'
	case a == opName && b == opName && left == start+1 && right == left+2 && before && r.behindNumber(i) && bytes.EqualFold(r.text(start), r.text(left+1)) && r.cut(right):
		r.hit(signTautology, i, right)
	case a == opName && b.constant() && b < opCall && i == 1 && left == start+1 && r.is(i, "or") && !r.texts && r.behindNumber(i) && r.kind(right) == sqllex.End && r.last:
		r.hit(signCompare, i, right)
	case a == opLiteral && b == opLiteral:
		r.constants(i, start, left, right, before, next)
	case (a == opName && b == opCall || a == opCall && b == opName) && r.kind(i) == sqllex.Logic && !r.broken:
		return // && i < len(x), as programs compare their variables
	case !r.broken && (a == opName && r.is(left+1, "now") || b == opName && r.is(start, "now")):
		return // a column and the time: of a search
	case r.texts && r.kind(i) == sqllex.Logic && (r.method(start) || r.method(left+1)), r.texts && !r.broken && (a == opCall || b == opCall) && (r.method(start) || r.method(left+1) || r.controlled(i)):
		return // of a program
	case (a == opName || b == opName) && (a == opLiteral || b == opLiteral) && r.kind(i) != sqllex.Arith && r.behindNumber(i) && r.kind(right) == sqllex.Cut && r.cutEnds(right):
		r.hit(signCompare, i, right) // 1) and a=1--
	case (a >= opCall || b >= opCall) && a != opUnknown && b != opUnknown && (a.constant() || b.constant()) && (before || r.atBreak(i) || r.role(i) != sqllex.And):
		if next || a == opQuery || b == opQuery {
			r.hit(signCompareCall, i, right)
		}
	case a.constant() && b.constant() && before && next:
		if r.atBreak(i) || r.atStart(i) && r.ended(right) {
			r.hit(signCompare, i, right)
		}
	case a == opName && r.kind(right-2) == sqllex.Key && r.role(right-1) == sqllex.Literal && r.atStart(i) && r.kind(i-1) == sqllex.Number && r.cut(right):
		r.hit(signCompare, i, right) // 1 or x is not null
	case r.atBreak(i) && r.kind(i) != sqllex.Arith && (b == opOpen || next && (a.constant() || b.constant() || r.cut(right))):
		r.hit(signBreakCompare, i, right)
	}
}

// behindNumber reports whether nothing but a number and the ends of brackets stand
// before token i.
func (r *sqlReader) behindNumber(i int) bool {
	i--
	for i > 0 && i < maxBreakTokens && r.kind(i) == sqllex.RParen {
		i--
	}
	return r.first && r.kind(i) == sqllex.Number && (i == 0 || i == 1 && r.kind(0) == sqllex.Arith)
}

// method reports whether the operand at i is the call of a method.
func (r *sqlReader) method(i int) bool {
	return r.kind(i) == sqllex.Word && r.kind(i+1) == sqllex.Dot && !r.databaseOwns(i) && r.toks[i+1].From == r.toks[i].To
}

// maxControl bounds the line before a condition that is looked at.
const maxControl = 200

// controlled reports whether the condition that goes on at i is that of a
// statement of a program, which begins the line: where a query has a number,
// no such word can stand, and no string was left.
func (r *sqlReader) controlled(i int) bool {
	at := r.toks[i].From
	line := r.v[max(0, at-maxControl):at]
	if n := bytes.LastIndexByte(line, '\n'); n >= 0 {
		line = line[n+1:]
	} else if len(line) == maxControl {
		return false
	}
	line = bytes.TrimLeft(line, " \t}(+-")
	n := run(line, 0, len(line), isLetter)
	return controlWords.Has(line[:n]) && n < len(line) && !isWord(line[n]) && bytes.IndexByte(line, ';') < 0 && bytes.IndexByte(line, '\'') < 0
}

var controlWords = lexicon.New("if elif elsif elseif else while until unless return assert for")

// maxBreakTokens is how far behind the end of a string the condition is that
// breaks out of it.
const maxBreakTokens = 8

// rightSide reads a comparison and its right operand.
func (r *sqlReader) rightSide(i int) (int, operand, bool) {
	if r.role(i) == sqllex.Not {
		i++
	}
	switch {
	case r.kind(i) == sqllex.Compare:
		i++
		for r.kind(i) == sqllex.Compare {
			i++
		}
	case r.kind(i) == sqllex.Other && r.text(i)[0] == '?':
		for i++; r.kind(i) == sqllex.Arith; i++ { // PostgreSQL's ?| and ?&
		}
	case r.kind(i) == sqllex.Cut && r.text(i)[0] == '#' && r.kind(i+1) == sqllex.Compare && r.toks[i+1].From == r.toks[i].To:
		i += 2 // its #> and #>>
	case r.is(i, "in") && r.kind(i+1) != sqllex.LParen && !r.quoteAt(i+1):
		return i, opNone, false
	case r.role(i) == sqllex.Like, r.role(i) == sqllex.In:
		i++
		if r.role(i) == sqllex.Like {
			i++ // sounds like, similar to
		}
	case r.role(i) == sqllex.Is:
		if r.role(i+1) == sqllex.Not {
			i++
		}
		if r.role(i+1) == sqllex.Literal {
			return i + 2, opLiteral, true
		}
		number := func(i int) bool {
			return r.kind(i) == sqllex.Number || r.kind(i) == sqllex.LParen || r.kind(i) == sqllex.RParen
		}
		numbers := number(i-1) && number(i+1) && (number(0) || r.broken && r.first && i <= maxBreakTokens)
		if !r.quoteAt(i+1) && !numbers {
			return i, opNone, false
		}
		i++
	default:
		return i, opNone, false
	}
	end, op := r.expression(i)
	return end, op, true
}

// inner looks at a condition inside the parentheses at start.
func (r *sqlReader) inner(i, start int, before bool) {
	n := 0
	for r.kind(start) == sqllex.LParen && n < maxOperand {
		start++
		n++
	}
	if n == 0 {
		return
	}
	left, a := r.expression(start)
	right, b, ok := r.rightSide(left)
	if !ok || b == opNone {
		return
	}
	if a == opLiteral && (b == opLiteral || b == opOpen) {
		r.constants(i, start, left, right, before, r.goesOn(right))
	}
}

// constants weighs a comparison of two constants.
func (r *sqlReader) constants(i, start, left, right int, before, next bool) {
	ended := r.kind(right) == sqllex.Cut && r.cutEnds(right)
	if !next || !before && !ended {
		return
	}
	signs := r.kind(left) == sqllex.Compare && len(r.text(left)) == 1 && (r.text(left)[0] == '<' || r.text(left)[0] == '>')
	// the right operand is the last token before right, but for casts
	same := right-1 > left && left-1 >= start && sameConstant(r.text(left-1), r.text(right-1))
	switch {
	case same:
		r.hit(signTautology, i, right)
	case r.atBreak(i):
		r.hit(signBreakCompare, i, right)
	case !signs || r.ended(right) && r.atStart(i) || r.kind(start) == sqllex.String:
		r.hit(signCompare, i, right)
	}
}

// ended reports whether token i ends a condition: as cut does, or by another
// condition or any comment.
func (r *sqlReader) ended(i int) bool {
	return r.cut(i) || r.role(i) == sqllex.And || r.kind(i) == sqllex.Logic || r.kind(i) == sqllex.Cut
}

// sameConstant reports whether two literals are equal but for their quotes.
func sameConstant(a, b []byte) bool {
	a, b = bytes.Trim(a, `'" `), bytes.Trim(b, `'" `)
	return bytes.EqualFold(a, b)
}

// runsOn reports whether string b is string a with more behind it: what
// followed 'a'='a up to the next quote of a text.
func (r *sqlReader) runsOn(a, b int) bool {
	if r.kind(a) != sqllex.String || r.kind(b) != sqllex.String {
		return false
	}
	text := r.text(a)
	begun := text[:len(text)-1]
	return len(begun) > 1 && bytes.HasPrefix(r.text(b), begun) && isSpace(r.text(b)[len(begun)])
}

// alone looks at a condition that is one operand without comparison.
func (r *sqlReader) alone(i, end int, a operand, before bool) {
	switch {
	case a == opCall && before && (r.role(i) == sqllex.And || r.kind(i) == sqllex.Logic) && r.cut(end):
		if r.atBreak(i) || r.atStart(i) || r.kind(end) == sqllex.Cut && r.role(i+1) >= sqllex.Spy {
			r.hit(signCompareCall, i, end)
		}
	case a == opOpen:
		// ' or '
		if r.atBreak(i) && r.shortPrefix() && r.toks[end-1].To-r.toks[end-1].From < 24 {
			r.hit(signBreakOperator, i, end)
		}
	case a == opGroup && before && (r.role(i) == sqllex.Having && r.cut(end) || r.kind(end) == sqllex.Cut && r.cutEnds(end)):
		r.hit(signBreakValue, i, end)
	case a == opLiteral && r.aloneInValue(i, end):
		r.hit(signCompare, i, end)
	case a == opLiteral && r.atBreak(i) && r.shortPrefix() && r.tornString(i+1):
		r.hit(signBreakCompare, i, end)
	case a == opLiteral || a == opName && r.kind(end) != sqllex.End:
		later := r.role(end) == sqllex.Limit || r.role(end) == sqllex.Order || a == opLiteral && r.role(end) == sqllex.And && r.kind(end+1) == sqllex.Open
		if r.atBreak(i) && (later || r.kind(end) != sqllex.End && r.cut(end)) && (r.kind(end) != sqllex.Open || r.shortPrefix()) {
			r.hit(signBreakValue, i, end)
			return
		}
		if a == opLiteral && before && r.kind(end) == sqllex.Cut && r.cutEnds(end) && r.role(i) == sqllex.And {
			r.hit(signBreakValue, i, end)
		}
	}
}

// aloneInValue reports whether a condition on a constant is all of the value:
// 1 or 1, 1 and(1).
func (r *sqlReader) aloneInValue(i, end int) bool {
	if r.broken || !r.first || !r.last || r.kind(end) != sqllex.End || r.role(i) != sqllex.And && r.kind(i) != sqllex.Logic {
		return false
	}
	if i == 1 && r.kind(0) == sqllex.Number && r.role(end-1) == sqllex.Literal && !r.is(end-1, "null") {
		return true // 1 or true
	}
	glued := r.kind(2) == sqllex.LParen && r.toks[2].From == r.toks[1].To
	return i == 1 && r.kind(0) == sqllex.Number && (glued || r.role(1) == sqllex.And && sameConstant(r.text(0), r.text(end-1)) && end == 3)
}

// tornString reports whether the string at i follows a word without a space
// and ends in =, as in 'or'a='a.
func (r *sqlReader) tornString(i int) bool {
	if r.kind(i) != sqllex.String || r.toks[i].From != r.toks[i-1].To {
		return false
	}
	text := r.text(i)
	return len(text) > 2 && text[len(text)-2] == '='
}

// caseWhen looks at CASE WHEN x = y THEN and CASE x WHEN y THEN.
func (r *sqlReader) caseWhen(i int) {
	j := i + 1
	if r.role(j) != sqllex.When {
		end, op := r.expression(j)
		if op == opNone || op == opName {
			return
		}
		j = end
	}
	if r.role(j) != sqllex.When {
		return
	}
	end, op := r.expression(j + 1)
	if op == opNone || op == opName {
		return
	}
	for n := 0; n < maxOperand && r.role(end) != sqllex.Then && r.kind(end) != sqllex.End; n++ {
		end++
	}
	if r.role(end) == sqllex.Then {
		r.hit(signCase, i, end)
	}
}
