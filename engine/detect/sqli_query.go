package detect

import (
	"bytes"

	"github.com/gabionhq/gabion/engine/internal/lexicon"
	"github.com/gabionhq/gabion/engine/internal/sqllex"
)

// union looks at UNION [ALL] [(] SELECT.
func (r *sqlReader) union(i int) {
	j := i + 1
	for n := 0; n < 8 && (r.role(j) == sqllex.All || r.kind(j) == sqllex.LParen || r.kind(j) == sqllex.Arith && r.text(j)[0] == '+'); n++ {
		j++ // a plus is a space that nobody decoded
	}
	if r.kind(i-1) == sqllex.Dot && r.kind(i+1) == sqllex.LParen && r.texts {
		return // a method of sets
	}
	if r.role(j) != sqllex.Select {
		if r.role(j) == sqllex.Values && (r.kind(j+1) == sqllex.LParen || r.is(j+1, "row")) || r.is(j, "table") && r.cut(j+2) && r.operandBefore(i) {
			r.hit(signUnion, i, j+1)
		}
		return
	}
	r.joined = true
	end, list := r.selectList(j + 1)
	switch {
	case r.whole:
		if list == listConstants {
			r.hit(signUnionWhole, i, end)
		}
	case list >= listValues, r.kind(end) != sqllex.End && (r.cut(end) || r.role(end) == sqllex.From) && r.kind(end+1) != sqllex.Other,
		r.toks[i].Glued, r.toks[j].Glued:
		r.hit(signUnion, i, end)
	case list == listNone && (r.kind(end) == sqllex.End || r.kind(end) == sqllex.RParen) && (r.operandBefore(i) || r.broken || r.role(i+1) == sqllex.All):
		r.hit(signUnion, i, j+1)
	case j > i+1 && r.kind(j-1) == sqllex.LParen && r.kind(end) == sqllex.RParen && r.cut(end+1) && (i > 0 || r.broken) && r.kind(i-1) != sqllex.Word && r.operandBefore(i):
		r.hit(signUnion, i, end)
	case list != listNone && i == 1 && r.first && r.kind(0) == sqllex.Number && !r.texts && r.cut(end):
		r.hit(signUnion, i, end)
	case r.role(i+1) == sqllex.All && r.cut(end) && (r.kind(i-1) == sqllex.Number || r.kind(i-1) == sqllex.String || r.atBreak(i)):
		r.hit(signUnion, i, end)
	case r.cut(end), r.operandBefore(i) && r.goesOn(end):
		r.hit(signUnionNames, i, end)
	}
}

// A list grades what stands between SELECT and FROM.
type list uint8

const (
	listNone      list = iota
	listNames          // words only
	listComma          // words, with commas
	listValues         // constants, calls, or * among them
	listConstants      // constants and calls only
)

// selectList reads the columns of a query.
func (r *sqlReader) selectList(i int) (int, list) {
	grade, names := listNone, false
	if r.kind(i) == sqllex.Dot {
		i++ // select.1, select.``.x
	}
	for r.role(i) == sqllex.All {
		i++
		if r.kind(i) == sqllex.Number && r.toks[i-1].Role == sqllex.All && r.is(i-1, "top") {
			i++
		}
	}
	for n := 0; n < maxOperand; n++ {
		if r.kind(i) == sqllex.Arith && r.text(i)[0] == '*' && len(r.text(i)) == 1 {
			grade, names = max(grade, listComma), true
			i++
			if r.role(i) == sqllex.From {
				grade = listValues
			}
		} else {
			end, op := r.expression(i)
			if op == opNone {
				return i, grade
			}
			switch {
			case op == opOpen && end-i == 1 && grade == listNone:
				return i, grade // select 'text: prose in quotes
			case op >= opSum:
				grade = listValues
			default:
				grade, names = max(grade, listNames), true
			}
			i = r.comparedColumn(end)
			i = r.alias(i)
		}
		if r.kind(i) != sqllex.Comma {
			break
		}
		grade = max(grade, listComma)
		i++
	}
	if grade == listValues && !names {
		grade = listConstants
	}
	return i, grade
}

// comparedColumn skips = x after a column, as in select 1=1.
func (r *sqlReader) comparedColumn(i int) int {
	if r.kind(i) != sqllex.Compare {
		return i
	}
	if end, op := r.expression(i + 1); op != opNone {
		return end
	}
	return i
}

// alias skips [AS] name.
func (r *sqlReader) alias(i int) int {
	if r.is(i, "as") {
		i++
		if r.kind(i) == sqllex.Word || r.kind(i) == sqllex.String {
			return i + 1
		}
		return i
	}
	if r.kind(i) == sqllex.Word && (r.kind(i+1) == sqllex.Comma || r.role(i+1) == sqllex.From || r.kind(i+1) == sqllex.RParen) {
		return i + 1
	}
	return i
}

// A sqlGrade says how much tokens look like a statement.
type sqlGrade uint8

const (
	no      sqlGrade = iota
	likely           // its words are in order
	sure             // and nothing else would read like this
	harmful          // and it reaches outside the database, or hides what it does
)

// query grades SELECT list FROM table at i.
func (r *sqlReader) query(i int) (int, sqlGrade) {
	end, list := r.selectList(i + 1)
	if r.role(end) == sqllex.From || r.role(end) == sqllex.Into {
		switch r.kind(end + 1) {
		case sqllex.LParen:
			return end + 1, sure
		case sqllex.Word, sqllex.Key:
			if list >= listComma || r.toks[end].Glued {
				return end + 2, sure
			}
			if list != listNone && r.afterTable(end+2) {
				return end + 2, likely
			}
		}
		return end, no
	}
	if list >= listValues && (r.cut(end) || r.kind(end) == sqllex.RParen || r.goesOn(end) && r.kind(end) == sqllex.Key) {
		return end, likely
	}
	return end, no
}

// afterTable reports whether token i may follow the table of a query.
func (r *sqlReader) afterTable(i int) bool {
	switch r.kind(i) {
	case sqllex.End, sqllex.Cut, sqllex.Semicolon, sqllex.RParen, sqllex.Dot, sqllex.Comma:
		return true
	case sqllex.Key:
		switch r.role(i) {
		case sqllex.As, sqllex.From:
			return true
		case sqllex.Where:
			return r.kind(i+1) == sqllex.End || r.kind(i+1) == sqllex.LParen || r.kind(i+2) == sqllex.Compare || r.role(i+2) == sqllex.Like || r.role(i+2) == sqllex.In || r.kind(i+2) == sqllex.Dot
		case sqllex.Order:
			return r.role(i+1) == sqllex.By
		case sqllex.Limit, sqllex.Union, sqllex.Having:
			return true
		}
	}
	return false
}

// subquery looks at ( SELECT.
func (r *sqlReader) subquery(i int) {
	if _, c := r.query(i + 1); c == sure || c == likely && (r.asked(i+1) || r.operandBefore(i) || r.broken) {
		r.hit(signSubquery, i, i+3)
	}
}

// orderBy looks at ORDER BY 1, and GROUP BY x HAVING.
func (r *sqlReader) orderBy(i int) {
	if r.role(i+1) != sqllex.By {
		return
	}
	end, op := r.expression(i + 2)
	for n := 0; n < maxOperand && r.kind(end) == sqllex.Comma; n++ {
		if r.kind(end+1) == sqllex.Cut {
			end++
			break
		}
		end, op = r.expression(end + 1)
	}
	if r.is(end, "asc") || r.is(end, "desc") {
		end++
	}
	if op.constant() {
		end = r.conditionsEnd(end)
	}
	having := false
	if r.role(end) == sqllex.Having {
		next := r.havingEnd(end)
		having = r.kind(next-1) == sqllex.Number && r.kind(next-2) == sqllex.Compare
		end = next
	}
	if op == opOpen && bytes.IndexByte(r.text(end-1), ' ') >= 0 {
		return // a quotation in a text, with words behind
	}
	here := r.operandBefore(i) && (r.kind(i-1) != sqllex.Word || r.toks[i-1].Quote != 0)
	switch {
	case op == opNone || !here:
	case op >= opCall && (r.atBreak(i) || r.atStart(i)):
		r.hit(signOrderBy, i, end)
	case r.kind(end) == sqllex.Cut && r.cutEnds(end),
		op.constant() && (r.kind(i-1) == sqllex.Number || r.kind(i-1) == sqllex.RParen) && r.atStart(i) && (r.kind(end) == sqllex.Cut || r.role(end) == sqllex.And):
		r.hit(signOrderBy, i, end)
	case op.constant() && r.cut(end) && (r.broken || i > 0 && r.kind(i-1) != sqllex.String):
		r.hit(signOrderBy, i, end)
	case r.cut(end) && (r.atBreak(i) || having && r.atStart(i)):
		r.hit(signOrderBy, i, end)
	}
}

// conditionsEnd skips conditions on constants, which change no order.
func (r *sqlReader) conditionsEnd(i int) int {
	end := i
	for n := 0; n < maxOperand && (r.role(end) == sqllex.And || r.kind(end) == sqllex.Logic); n++ {
		next, op := r.expression(end + 1)
		if !op.constant() {
			return i
		}
		end = next
	}
	if r.cut(end) {
		return end
	}
	return i
}

func (r *sqlReader) havingEnd(i int) int {
	left, _ := r.expression(i + 1)
	right, _, ok := r.rightSide(left)
	if !ok {
		return left
	}
	return right
}

// function looks at a call of a function by which attackers learn of the
// server or hide text.
func (r *sqlReader) function(i int) {
	if !r.called(i) {
		return
	}
	switch {
	case r.encodes(i):
		r.hit(signEncode, i, i+3)
	case r.probes(i):
		r.hit(signProbe, i, i+4)
	case r.role(i) == sqllex.Spy && r.asked(i) && r.goesOn(r.afterArguments(i+1)):
		r.hit(signSpy, i, i+2)
	case r.is(i, "if") || r.is(i, "iif") || r.is(i, "elt") || r.is(i, "make_set"):
		r.conditional(i)
	}
}

// probes reports whether one character of something is turned into its
// code, as in ascii(substring(x,1,1)).
func (r *sqlReader) probes(i int) bool {
	return (r.is(i, "ascii") || r.is(i, "ord") || r.is(i, "unicode")) && r.kind(i+3) == sqllex.LParen &&
		(r.is(i+2, "substring") || r.is(i+2, "substr") || r.is(i+2, "mid") || r.is(i+2, "substrb"))
}

// encodes reports whether text is built of codes: char(65), as a part of an
// expression, or concat(0x41.
func (r *sqlReader) encodes(i int) bool {
	end := r.afterArguments(i + 1)
	switch {
	case r.is(i, "char"), r.is(i, "chr"), r.is(i, "nchar"):
		if r.kind(i+2) != sqllex.Number {
			return false
		}
		joined := r.kind(end) == sqllex.Arith && r.text(end)[0] != '&' || r.kind(end) == sqllex.Logic
		compared := r.kind(i-1) == sqllex.Compare || r.role(i-1) == sqllex.Select || r.role(i-1) == sqllex.Like
		return r.kind(i+3) == sqllex.Comma && r.asked(i) || joined && r.role(end+1) == sqllex.Spy || compared && r.asked(i) && r.goesOn(end)
	case r.is(i, "concat"), r.is(i, "concat_ws"), r.is(i, "group_concat"), r.is(i, "make_set"), r.is(i, "elt"):
		for j := i + 2; j < min(end, i+2+maxOperand) && j < len(r.toks); j++ {
			if r.kind(j) == sqllex.Number && len(r.text(j)) > 3 && r.text(j)[1]|0x20 == 'x' {
				return true
			}
		}
	}
	return false
}

// conditional looks at IF(condition, x, y).
func (r *sqlReader) conditional(i int) {
	left, a := r.expression(i + 2)
	right, b, ok := r.rightSide(left)
	if ok && r.kind(right) == sqllex.Comma && a.constant() && b.constant() && a != opSum && b != opSum {
		r.hit(signCompareCall, i, right)
	}
}

// danger looks at the names of functions and procedures that do harm.
func (r *sqlReader) danger(i int) {
	j := i + 1
	for r.kind(j) == sqllex.Dot && (r.kind(j+1) == sqllex.Word || r.kind(j+1) == sqllex.Key) && j < i+8 {
		j += 2
	}
	before := i
	for before > 1 && r.kind(before-1) == sqllex.Dot {
		before -= 2
		if r.kind(before) == sqllex.Dot {
			before++ // master..xp_cmdshell
		}
	}
	switch {
	case r.role(before-1) == sqllex.Exec, r.kind(before-1) == sqllex.Semicolon, r.role(before-1) == sqllex.Select, r.is(before-1, "begin"):
		r.hit(signDanger, i, j)
	case before < i && !r.databaseOwns(before), r.sharedName(i) && !r.asked(i) && !r.atBreak(i):
		// a method, or a function of a program
	case r.kind(j) == sqllex.LParen && (before == 0 || r.kind(before-1) != sqllex.Word):
		r.hit(signDanger, i, j+1)
	case r.quoteAt(j) || r.atBreak(i) || r.cut(j) && before <= 1:
		r.hit(signDangerName, i, j)
	}
}

// sharedName reports whether programs, too, have functions of that name.
func (r *sqlReader) sharedName(i int) bool { return r.is(i, "readfile") || r.is(i, "writefile") }

// databaseOwns reports whether the name at i, the first part of a longer one, is
// a schema or package of a database, and no object of a program.
func (r *sqlReader) databaseOwns(i int) bool {
	return r.kind(i) == sqllex.Key || r.toks[i].Quote != 0 || r.is(i, "sys") || r.is(i, "dbo") || r.is(i, "public")
}

// stacked looks at what follows a semicolon.
func (r *sqlReader) stacked(i int) {
	c := r.statement(i + 1)
	if c == no && r.role(i+1) == sqllex.Select && r.kind(i+2) == sqllex.Word && r.kind(i+3) == sqllex.LParen {
		if end := r.afterArguments(i + 3); r.kind(end) == sqllex.Cut && r.cutEnds(end) {
			c = sure // a function that nobody listed, and nothing behind it counts
		}
	}
	if c <= likely && r.statementCut(i) {
		r.hit(signBreakCut, i, len(r.toks))
		return
	}
	if c == no || r.texts && r.kind(i-1) == sqllex.Semicolon && i > 1 {
		return // ;; begins comments of some languages
	}
	// The end of the first statement: a constant, or where a string ended.
	if r.texts && r.listing && i+1 < len(r.toks) && bytes.IndexByte(r.v[r.toks[i].To:r.toks[i+1].From], '\n') >= 0 {
		r.hit(signQuery, i, i+2) // the next statement of a script
		return
	}
	if c >= sure && (r.operandBefore(i) && r.kind(i-1) != sqllex.Word || r.atBreak(i) || r.atStart(i)) {
		r.hit(signStacked, i, i+3)
	}
}

// statementValue looks at a value that is a statement from its beginning.
func (r *sqlReader) statementValue(i int) {
	for r.kind(i) == sqllex.LParen || r.kind(i) == sqllex.Semicolon {
		i++
	}
	if r.role(i) == sqllex.Select {
		if _, c := r.query(i); c != no {
			r.hit(signQuery, i, i+2)
		}
		return
	}
	switch c := r.statement(i); {
	case c == sure && !r.texts && r.definesFunction(i):
		r.hit(signDeclare, i, i+2)
	case r.role(i) == sqllex.Declare && c == sure:
	case c == harmful:
		r.hit(signDanger, i, i+2)
	case c != no:
		r.hit(signStatement, i, i+2)
	}
}

// definesFunction reports whether CREATE FUNCTION name (...) RETURNS and the like
// begins at i: with what it does, and not only its name.
func (r *sqlReader) definesFunction(i int) bool {
	if !r.is(i, "create") {
		return false
	}
	i++
	if r.is(i, "or") {
		i += 2
	}
	if !r.is(i, "function") && !r.is(i, "procedure") || r.pair(i+2) == 0 {
		return false
	}
	i += 2 + r.pair(i+2) + 1
	return r.is(i, "returns") || r.is(i, "return") || r.is(i, "as") || r.is(i, "begin") || r.is(i, "language")
}

// maxSelect bounds the tokens between SELECT and FROM of a statement that
// begins a value.
const maxSelect = 64

// selects reports whether the value begins with a query in whose list are
// words of another program, as dashboards put there. Sentences have more words
// one after the other.
func (r *sqlReader) selects() bool {
	pairs := 0
	for i := 1; i < maxSelect; i++ {
		switch r.kind(i) {
		case sqllex.End, sqllex.Semicolon, sqllex.Open, sqllex.Cut:
			return false
		case sqllex.Word:
			if r.kind(i-1) == sqllex.Word {
				pairs++
			}
		case sqllex.Key:
			if r.role(i) == sqllex.From {
				return pairs < 2 && i > 1 && (r.kind(i+1) == sqllex.Word || r.kind(i+1) == sqllex.String) && r.kind(i+2) != sqllex.Word
			}
		}
	}
	return false
}

// maxScriptOpening is how many tokens follow the first of a statement that sets up
// others.
const maxScriptOpening = 7

// opensScript reports whether the value begins with a statement that sets up
// others: what follows it is no injection into a query, which cannot end there.
func (r *sqlReader) opensScript() bool {
	end := 1
	for end < maxScriptOpening && r.kind(end) != sqllex.Semicolon {
		end++
	}
	if r.kind(end) != sqllex.Semicolon {
		return false
	}
	for _, word := range [...]string{"begin", "start", "set", "use", "pragma", "explain", "show", "describe", "prepare", "commit", "savepoint", "vacuum"} {
		if r.is(0, word) {
			return true
		}
	}
	return false
}

// opensCommon reports whether [RECURSIVE] name [(...)] AS ( begins at i.
func (r *sqlReader) opensCommon(i int) bool {
	if r.is(i, "recursive") {
		i++
	}
	i++
	if n := r.pair(i); n > 0 {
		i += n + 1
	}
	return r.is(i, "as") && r.kind(i+1) == sqllex.LParen
}

// opensStatement reports whether a whole statement begins at token i, that
// is, where neither a query nor a value ended.
func (r *sqlReader) opensStatement(i int) bool {
	if i == 0 && (r.broken || !r.first) {
		return false
	}
	switch r.kind(i - 1) {
	case sqllex.Number, sqllex.String, sqllex.RParen, sqllex.Variable, sqllex.LParen, sqllex.Arith, sqllex.Logic, sqllex.Comma, sqllex.Key:
		return false
	}
	switch r.role(i) {
	case sqllex.Select:
		_, c := r.query(i)
		return c != no || i == 0 && r.selects()
	case sqllex.Verb:
		return r.statement(i) != no || i == 0 && r.object(1)
	}
	return false
}

// statement grades the statement that begins at token i.
func (r *sqlReader) statement(i int) sqlGrade {
	name := func(i int) bool {
		return r.kind(i) == sqllex.Word || r.kind(i) == sqllex.Key && r.role(i) >= sqllex.Func || r.kind(i) == sqllex.String && r.toks[i].Quote == '"'
	}
	switch r.role(i) {
	case sqllex.Select:
		_, c := r.query(i)
		if c == likely || c == no && r.kind(i+1) == sqllex.Number && r.is(i+2, "into") && r.kind(i+3) == sqllex.Variable {
			c = sure // what follows a semicolon needs no more
		}
		return c
	case sqllex.Exec:
		return r.execute(i)
	case sqllex.Declare:
		return r.declare(i)
	case sqllex.Waitfor:
		if r.role(i+1) == sqllex.Delay && r.quoteAt(i+2) {
			return sure
		}
	case sqllex.Sleep, sqllex.Danger:
		// programs have a function of the first name, too
		if r.kind(i+1) == sqllex.LParen && r.kind(i+2) == sqllex.Number && (r.role(i) == sqllex.Danger || r.atBreak(i) || r.atStart(i-1)) {
			return sure
		}
	case sqllex.Func:
		if r.is(i, "if") && (r.role(i+1) == sqllex.Not || r.kind(i+1) == sqllex.LParen && (r.kind(i+2) == sqllex.Number || r.role(i+2) == sqllex.Select || r.kind(i+2) == sqllex.LParen && r.kind(i+3) == sqllex.Number)) && r.guards(i+1) {
			return sure
		}
	case sqllex.Values:
		if r.is(i, "set") && r.kind(i+1) == sqllex.Variable && r.kind(i+2) == sqllex.Compare {
			return sure
		}
	case sqllex.Verb:
		return r.change(i, name)
	}
	if r.is(i, "prepare") && r.role(i+2) == sqllex.From && (r.kind(i+3) == sqllex.Variable || r.quoteAt(i+3) || r.kind(i+4) == sqllex.LParen) {
		return sure
	}
	if r.is(i, "begin") && (r.role(i+1) == sqllex.Declare || r.role(i+1) == sqllex.Exec) {
		return sure
	}
	return no
}

// maxGuard is how many tokens the condition of an IF has.
const maxGuard = 48

// guards reports whether a statement follows the condition in brackets at i, or
// nothing is known of what follows.
func (r *sqlReader) guards(i int) bool {
	if r.kind(i) != sqllex.LParen {
		return true
	}
	for depth, j := 0, i; j < i+maxGuard; j++ {
		switch r.kind(j) {
		case sqllex.End, sqllex.Cut, sqllex.Open:
			return true
		case sqllex.LParen:
			depth++
		case sqllex.RParen:
			if depth--; depth == 0 {
				next := r.role(j + 1)
				return r.kind(j+1) == sqllex.Key && !r.is(j+1, "return") || next == sqllex.Select || r.cut(j+1)
			}
		case sqllex.Compare:
			if n := r.toks[j].To - r.toks[j].From; n > 2 || r.text(j)[0] == '=' && n > 1 {
				return false // ===, as programs compare
			}
		}
	}
	return true
}

// declare grades DECLARE @x type; with a number in hexadecimal, hidden text.
func (r *sqlReader) declare(i int) sqlGrade {
	if r.kind(i+1) != sqllex.Variable {
		return no
	}
	for j := i + 2; j < i+maxOperand && j < len(r.toks); j++ {
		if r.kind(j) == sqllex.Number && len(r.text(j)) > 4 && r.text(j)[1]|0x20 == 'x' || r.role(j) == sqllex.Exec {
			return harmful
		}
	}
	return sure
}

// execute grades EXEC procedure and EXEC(@s).
func (r *sqlReader) execute(i int) sqlGrade {
	open := r.kind(i+1) == sqllex.LParen
	switch {
	case r.role(i+1) == sqllex.Danger, r.is(i+1, "immediate") && r.quoteAt(i+2), r.kind(i+1) == sqllex.Variable,
		r.role(i+1) == sqllex.System && r.kind(i+2) == sqllex.Dot, r.is(i+1, "as") && (r.is(i+2, "login") || r.is(i+2, "user")) && r.kind(i+3) == sqllex.Compare:
		return harmful
	case open && !r.is(i, "call") && (r.kind(i+2) == sqllex.Variable || r.role(i+2) >= sqllex.Func || r.quoteAt(i+2) && r.kind(i+3) == sqllex.Arith):
		return harmful
	case r.role(i+1) >= sqllex.Func && r.kind(i+2) == sqllex.LParen && !r.is(i, "execute"), r.systemProcedure(i + 1):
		return sure
	}
	return no
}

// systemProcedure reports whether token i is named like the procedures that
// SQL Server comes with.
func (r *sqlReader) systemProcedure(i int) bool {
	if r.kind(i) != sqllex.Word {
		return false
	}
	name := r.text(i)
	return len(name) > 5 && name[2] == '_' && (equalFold(name[:2], "sp") || equalFold(name[:2], "xp"))
}

// change grades the statements that change data or structure.
func (r *sqlReader) change(i int, name func(int) bool) sqlGrade {
	ends := func(i int) bool { return r.cut(i) || r.kind(i) == sqllex.Cut }
	verb := i
	if r.is(i, "insert") || r.is(i, "update") || r.is(i, "delete") || r.is(i, "replace") {
		i = r.afterModifiers(i)
	}
	switch {
	case r.is(verb, "insert"), r.is(verb, "replace"), r.is(verb, "merge"):
		into := i + 1
		if r.role(into) == sqllex.Into {
			into++
		} else if !r.is(verb, "replace") && (r.role(into+1) != sqllex.Values || r.kind(into+2) != sqllex.LParen) {
			return no
		}
		if name(into) {
			if r.is(verb, "merge") && r.is(into+1, "using") {
				return sure
			}
			for j := into + 1; j < into+4; j++ {
				if r.kind(j) == sqllex.LParen || r.role(j) == sqllex.Values || r.role(j) == sqllex.Select {
					return sure
				}
			}
		}
	case r.is(verb, "update"):
		if name(i+1) && (r.is(i+2, "set") && r.kind(i+4) == sqllex.Compare || r.kind(i+2) == sqllex.Dot && r.is(i+4, "set")) {
			return sure
		}
	case r.is(verb, "delete"):
		if r.is(i+1, "from") && name(i+2) && (ends(i+3) || r.role(i+3) == sqllex.Where && r.kind(i+5) == sqllex.Compare) {
			return sure
		}
	case r.is(i, "drop"), r.is(i, "truncate"), r.is(i, "alter"):
		if !r.object(i + 1) {
			return no
		}
		j := i + 2
		if r.is(j, "if") {
			j += 2
		}
		if !name(j) && r.role(j) != sqllex.Object {
			return no
		}
		if ends(j+1) || r.kind(j+1) == sqllex.Comma || r.kind(j+1) == sqllex.Dot || r.role(j+1) == sqllex.Verb || r.is(j+1, "add") || r.is(j+1, "modify") || r.is(j+1, "with") && r.kind(j+3) == sqllex.Compare {
			return sure
		}
	case r.is(i, "handler"):
		if r.is(i+2, "open") {
			return sure
		}
	case r.is(i, "create"):
		return r.create(i+1, name)
	case r.is(i, "grant"), r.is(i, "revoke"):
		for j := i + 2; j < i+6; j++ {
			if r.role(j) == sqllex.Where && (name(j+1) || r.kind(j+1) == sqllex.Arith) {
				return sure
			}
		}
	case r.is(i, "shutdown"):
		if ends(i+1) && i > 0 {
			return sure
		}
	}
	return r.fileAccess(i, name)
}

// afterModifiers skips what MySQL and SQLite let stand between the verb at i and
// its object, and returns the last token of it.
func (r *sqlReader) afterModifiers(i int) int {
	for range 4 {
		switch {
		case modifiers.Has(r.text(min(i+1, len(r.toks)-1))) && i+1 < len(r.toks):
			i++
		case r.is(i+1, "or") && i+2 < len(r.toks) && conflicts.Has(r.text(i+2)):
			i += 2
		default:
			return i
		}
	}
	return i
}

var (
	modifiers = lexicon.New("low_priority high_priority delayed quick ignore")
	conflicts = lexicon.New("ignore replace abort fail rollback")
)

// fileAccess grades the statements that read or write files.
func (r *sqlReader) fileAccess(i int, name func(int) bool) sqlGrade {
	switch {
	case r.is(i, "load"):
		if r.is(i+1, "data") && (r.is(i+2, "infile") || r.is(i+3, "infile")) {
			return harmful
		}
	case r.is(i, "copy"):
		to := i + 2
		if r.kind(i+1) == sqllex.LParen {
			to += r.pair(i + 1)
		} else if !name(i+1) && r.kind(i+1) != sqllex.Number {
			return no
		}
		if n := r.pair(to); n > 0 {
			to += n + 1 // columns
		}
		if (r.role(to) == sqllex.From || r.is(to, "to")) && (r.quoteAt(to+1) || r.is(to+1, "program")) {
			return harmful
		}
	case r.is(i, "attach"):
		if r.is(i+1, "database") && r.quoteAt(i+2) {
			return harmful
		}
	case r.is(i, "backup"), r.is(i, "restore"):
		for j := i + 2; j < i+6; j++ {
			if r.is(j, "disk") && r.kind(j+1) == sqllex.Compare {
				return harmful
			}
		}
	}
	return no
}

// object reports whether token i names a kind of thing that is created and
// dropped. Two of them are functions, too.
func (r *sqlReader) object(i int) bool {
	return r.role(i) == sqllex.Object || r.role(i) == sqllex.Procedure || r.is(i, "database") || r.is(i, "user")
}

// create grades CREATE [OR REPLACE] TABLE name (.
func (r *sqlReader) create(i int, name func(int) bool) sqlGrade {
	for n := 0; n < 4 && (r.role(i) == sqllex.And || r.role(i) == sqllex.Verb || r.is(i, "temporary") || r.is(i, "temp") || r.is(i, "unique")); n++ {
		i++
	}
	if !r.object(i) {
		return no
	}
	i++
	if r.is(i, "if") {
		i += 3
	}
	if !name(i) {
		return no
	}
	for r.kind(i+1) == sqllex.Dot {
		i += 2
	}
	switch {
	case r.kind(i+1) == sqllex.LParen, r.is(i+1, "identified"), r.is(i+1, "with") && (r.quoteAt(i+3) || r.kind(i+3) == sqllex.Compare), r.is(i+1, "as") && r.role(i+2) == sqllex.Select:
		return sure
	case r.cut(i + 1):
		return likely
	}
	return no
}
