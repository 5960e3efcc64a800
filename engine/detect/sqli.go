package detect

import (
	"bytes"
	"math"
	"slices"
	"unicode"
	"unicode/utf8"

	"github.com/gabionhq/gabion/engine/internal/pair"
	"github.com/gabionhq/gabion/engine/internal/sqllex"
)

// The SQL detector asks: if the value stood in a query where data is
// expected, would part of it be read as instruction? It lexes the value in
// each context that its bytes make possible (as a number or name; inside a
// string of each quote that occurs; inside a comment), and reads the tokens
// for the structures by which data becomes instruction.

// whenSQLi: a word that makes structure; or a linking word and what it can
// compare; or a quote that may end a string.
var whenSQLi = []feature{
	hasSQLWord, hasQuote, hasDQuote, hasBacktick,
	hasSQLLink | hasEqual | ofFive, hasSQLLink | hasLess | ofFive, hasSQLLink | hasGreater | ofFive, hasSQLLink | hasOpen, hasSQLLink | hasDigit | ofFive,
	hasSQLLink | hasColon | ofFive, hasSQLLink | hasHash | ofFive, hasCall | hasDigit, hasAmpAmp | hasDigit | ofFive, hasPipePipe | hasDigit | ofFive,
	hasPipePipe | hasOpen | ofFive, hasSlashStar, hasAtAt | ofFive, hasDollar | ofFive,
}

// sqlOperators: a word, or what works without one anywhere in a query.
const sqlOperators = hasSQLWord | hasSQLLink | hasPipePipe | hasAmpAmp | hasAtAt

// goesOnAsSQL reports whether more of the value than what follows the end of a
// string, and may be its end, can be instruction: where there are operators, a comment
// that hides words which the gate does not know, or one of goesOnPairs; of what is longer
// than its end, where anything is called or put in parentheses.
func (s *Scanner) goesOnAsSQL(v []byte) bool {
	return s.any(whenGoesOn) || len(v) > sqlBeginning && s.all(hasOpen|hasDigit) ||
		s.any(hasDollar|hasBackslash|hasDigit) && goesOnPairs.Next(v, 0) < len(v)
}

var (
	whenGoesOn = feature(sqlOperators | hasSlashStar)
	// goesOnPairs end the number in front of an empty exponent that hides a call, and the
	// first part of the name of a catalogue, and begin null and numbers, behind which
	// the gate does not see where a word begins: \Nor, 0xaor.
	goesOnPairs = pair.New(pair.Of{".", "eE"}, pair.Of{"vVbBnNxX", "$"}, pair.Of{`\`, "N"}, pair.Of{"0", "xX"})
)

// beginsAsSQL reports whether anything may be instruction where no string was ended:
// operators, a number that is called; and what sets up a script, behind which quotes
// leave nothing. Without operators that takes a word, of two letters at least, or signs
// that stand for null or hide a call.
func (s *Scanner) beginsAsSQL(v []byte) bool {
	return s.any(sqlOperators) || s.all(hasOpen|hasDigit) && s.any(hasCall|hasSemi) && sqlPairs.Next(v, 0) < len(v)
}

// leavesAsSQL reports whether anything may be instruction behind the end of a string or
// comment. Without operators it compares, ends the line or statement or stands before
// another quote; or it calls what is named like a kind of object, or hides a call.
func (s *Scanner) leavesAsSQL(v []byte) bool {
	switch quoted := s.any(hasQuote | hasDQuote | hasBacktick); {
	case s.all(hasStar | hasSlash):
		return true
	case !quoted:
		return false
	case s.any(sqlOperators | sqlEnds), leavePairs.Next(v, 0) < len(v), s.any(hasOpen) && sqlPairs.Next(v, 0) < len(v):
		return true
	}
	quotes := 0
	for _, b := range v {
		quotes += int(isQuote[b])
	}
	return quotes > 1
}

// sqlEnds are the features of comparisons, of comments, among them dashes that editors
// make, and of white space beyond ASCII.
const sqlEnds = hasEqual | hasLess | hasGreater | hasDashDash | hasHash | hasSlashStar | hasSlashSlash | hasControl | hasHigh

var (
	// sqlPairs are two letters, and what null and an empty exponent begin with.
	sqlPairs = pair.New(pair.Of{pair.Letters, pair.Letters}, pair.Of{`\`, "N"}, pair.Of{".", "eE"})
	// leavePairs are other comparisons, a quote and the end of a statement, and what
	// the gate takes for part of a word: null, a number in hexadecimal digits, and the
	// names that hold a dollar sign.
	leavePairs = pair.New(pair.Of{"~", "*"}, pair.Of{"!", "~"}, pair.Of{"?", ""}, pair.Of{"'\"`", "; \t\r\n"},
		pair.Of{`\`, "N"}, pair.Of{"0", "xX"}, pair.Of{pair.Letters, "$"})
	isQuote = [256]uint8{'\'': 1, '"': 1, '`': 1}
)

// sqlGateWords make structure by themselves; sqlGateLinks only around what
// they join or call.
var (
	sqlGateWords = sqllex.Words(sqllex.Union, sqllex.Select, sqllex.Having, sqllex.Order, sqllex.Outfile, sqllex.Verb,
		sqllex.Exec, sqllex.Declare, sqllex.Waitfor, sqllex.Case, sqllex.Sleep, sqllex.Danger, sqllex.System,
		sqllex.Procedure, sqllex.Values) + " begin"
	sqlGateLinks = sqllex.Words(sqllex.And, sqllex.Not, sqllex.Like, sqllex.In, sqllex.Is, sqllex.From, sqllex.Where,
		sqllex.Limit, sqllex.When, sqllex.Func, sqllex.Spy, sqllex.Niladic, sqllex.Literal, sqllex.Type) + " nor nand nxor nlike" // behind a null: \Nor
)

// sqlSign is a structure that the reader knows.
type sqlSign uint8

const (
	signTautology sqlSign = iota
	signTautologyOpen
	signCompare
	signCompareCall
	signBreakCompare
	signBreakValue
	signBreakOperator
	signBreakCut
	signUnion
	signUnionNames
	signUnionWhole
	signSubquery
	signStacked
	signStatement
	signQuery
	signDelay
	signDanger
	signDangerName
	signOrderBy
	signLimit
	signCase
	signCatalogue
	signSpy
	signEncode
	signProbe
	signOutfile
	signAnalyse
	signHint
	signGlue
	signWholeCut
	signDangling
	signDeclare
	signName
	signExponent
	numSigns
)

// sqlSigns gives each structure its weight alone, and its reason.
var sqlSigns = [numSigns]struct {
	weight float32
	hard   bool
	reason string
}{
	signTautology:     {0.92, false, "A condition that is always true is added to the query."},
	signTautologyOpen: {0.95, true, "The value ends the string it stands in and adds a condition that the query's own quote completes."},
	signCompare:       {0.72, false, "A condition that compares two constants is added to the query."},
	signCompareCall:   {0.82, false, "A condition on the result of a function or subquery is added to the query."},
	signBreakCompare:  {0.85, false, "The value ends the string it stands in and adds a condition."},
	signBreakValue:    {0.80, false, "The value ends the string it stands in and adds an alternative that is always true."},
	signBreakOperator: {0.72, false, "The value ends the string it stands in and joins it to another by an operator."},
	signBreakCut:      {0.78, false, "The value ends the string it stands in and comments out the rest of the query."},
	signUnion:         {0.97, true, "A second query is joined by UNION."},
	signUnionNames:    {0.45, false, "The words of a UNION query follow each other."},
	signUnionWhole:    {0.40, false, "A statement joins a query of constants by UNION."},
	signSubquery:      {0.86, false, "A subquery stands where a value is expected."},
	signStacked:       {0.95, true, "A second statement follows the end of the first."},
	signStatement:     {0.15, false, "The value is a whole SQL statement that changes data."},
	signQuery:         {0.12, false, "The value is a whole SQL query."},
	signDelay:         {0.95, true, "A function that delays the database is called in a condition."},
	signDanger:        {0.92, true, "A database function that delays, reads files, or runs commands is called."},
	signDangerName:    {0.30, false, "A dangerous database function is named."},
	signOrderBy:       {0.80, false, "ORDER BY or GROUP BY is added, as to count the columns of a query."},
	signLimit:         {0.45, false, "LIMIT is added after the end of the value."},
	signCase:          {0.80, false, "A CASE expression with a constant condition is added."},
	signCatalogue:     {0.55, false, "A catalogue of the database is read."},
	signSpy:           {0.40, false, "The database is asked about itself."},
	signProbe:         {0.82, false, "A value of the database is read character by character."},
	signEncode:        {0.75, false, "Text is built from character codes so that it cannot be read."},
	signOutfile:       {0.92, true, "The result of a query is written to a file."},
	signAnalyse:       {0.95, true, "PROCEDURE ANALYSE is called."},
	signHint:          {0.92, true, "SQL is hidden in a version comment."},
	signDangling:      {0.45, false, "A statement ends where its condition would begin."},
	signDeclare:       {0.55, false, "A variable of the database is declared."},
	signName:          {0.52, false, "The value is a call of a database function or another piece of a query alone, as scanners probe."},
	signExponent:      {0.80, true, "A number with an empty exponent, which the database drops, hides a call."},
	signWholeCut:      {0.30, false, "A statement ends in a comment that hides what would follow."},
	signGlue:          {0.72, false, "Comments stand for the spaces between SQL words."},
}

const (
	// sqlChunk tokens are read at a time, so that long values need no long
	// buffer; the last sqlOverlap of them are read again with the next.
	sqlChunk   = 512
	sqlOverlap = 96
	// sqlContextTokens are so many bytes before the evidence, and tokens at most,
	// that are shown.
	sqlContextTokens = 12
	// sqlBeginning are the tokens that are read of a value that cannot go on.
	sqlBeginning = 96
	// shortestSQL is what it takes to leave a string and go on.
	shortestSQL = 3
	// maxOperand bounds the tokens of one expression that are followed.
	maxOperand = 24
	maxNesting = 64
)

// sqlScratch is what the SQL detector keeps between values.
type sqlScratch struct {
	toks    []sqllex.Token
	chains  chains
	end     int // of the value without the white space behind it
	tail    int // see tailOf
	best    sqlReader
	texts   bool
	listing bool
	segment bool
	goesOn  bool // more of the value than its beginning may be instruction
}

// leaves reports whether what follows the end of a string or comment may be
// instruction: where the value cannot go on, not what begins with an operand but for
// a clause and an assignment, and one byte only where it ends a statement or a line.
func (s *sqlScratch) leaves(after []byte) bool {
	i := skipBlank(after, 0)
	switch {
	case i == len(after) || s.goesOn:
		return i < len(after)
	case beginsOperand[after[i]]:
		word := after[i:run(after, i, len(after), isLetter)]
		return len(word) > 1 && (clauses.Has(word) || graphs.Has(word)) || bytes.HasPrefix(after[i:], assign)
	}
	return i+1 < len(after) || after[i] == ';' || after[i] == '#'
}

var assign = []byte(":=")

// beginsOperand are the bytes that names, numbers, strings and lists begin with, and what
// joins nothing behind a string. Variables are not among them: @> is an operator.
var beginsOperand = func() (t [256]bool) {
	for _, b := range []byte(pair.Letters + "_0123456789'\"`([{].:?$\\") {
		t[b] = true
	}
	return t
}()

// A sqlReader reads the tokens of one context.
type sqlReader struct {
	v      []byte
	toks   []sqllex.Token
	broken bool // the value began inside a string, which byte start-1 ends
	first  bool // toks[0] is the first token of the context
	last   bool // no token follows the last one
	glue   int  // keywords between comments
	// whole: a complete statement began before, outside any operand. What
	// statements contain is then no evidence of an injection.
	whole bool
	at    int32 // where it began
	texts bool  // people send whole statements there
	// listing: the value is a text of several lines.
	listing bool
	// segment: the value is part of a path, where names look like calls.
	segment bool
	// joined: a UNION was read.
	joined   bool
	operands int // that were read, some of them several times

	chains   *chains
	stops    stops
	cutKnown bool // cutAt is that of the tokens being read
	cutAt    int
	paired   bool // the parentheses of the tokens being read are linked
	end      int  // of the value without the white space behind it
	tail     int  // see tailOf

	seen  uint64 // signs
	miss  float32
	sign  sqlSign
	from  int32 // of the strongest sign
	near  int32 // where some token begins not far before
	to    int32
	start int
}

func (s *Scanner) sqli(v []byte, w *Where) {
	if len(v) < shortestSQL || w.Place == InFile && len(v) > maxPath {
		return
	}
	begins := s.beginsAsSQL(v)
	leaves := s.leavesAsSQL(v)
	if !begins && !leaves {
		return
	}
	s.sql.best.seen, s.sql.best.miss, s.sql.best.sign = 0, 1, 0
	s.sql.end = len(v)
	if s.any(hasSpace | hasLine | hasControl | hasHigh) {
		s.sql.end = len(bytes.TrimRightFunc(v, unicode.IsSpace))
	}
	s.sql.tail = tailOf(v[:s.sql.end])
	s.sql.texts, s.sql.segment = w.Place.holdsText(), w.Place == InPath
	s.sql.listing = isListing(v, w.Place)
	whole := int32(len(v))
	if w.Listing {
		whole = -1 // its statement began on a line before
	}
	s.sql.goesOn = s.goesOnAsSQL(v) || w.Listing && s.all(hasOpen|hasDigit)
	if begins {
		whole = s.sqlContext(v, w, 0, false, whole)
	}
	if leaves {
		s.sqlBroken(v, w, whole)
	}
	if s.sql.best.seen != 0 {
		s.sqlReport(v, w)
	}
}

// sqlBroken reads the value from the ends of a string of each quote, and of a comment,
// on.
func (s *Scanner) sqlBroken(v []byte, w *Where, whole int32) {
	for n, q := range [...]byte{'\'', '"', '`'} {
		if s.have&(hasQuote<<n) == 0 || w.Container && q == '"' || s.settles(s.sqlWeight(&s.sql.best, w)) {
			continue // the quotes of JSON and of markup
		}
		if i := bytes.IndexByte(v, q); i >= 0 && s.sql.leaves(v[i+1:]) {
			s.sqlContext(v, w, i+1, true, whole)
		}
	}
	if s.all(hasStar | hasSlash) {
		if i := bytes.Index(v, endOfComment); i >= 0 && s.sql.leaves(v[i+2:]) && !s.settles(s.sqlWeight(&s.sql.best, w)) {
			s.sqlContext(v, w, i+2, true, whole)
		}
	}
}

// containerShare is what remains of soft evidence in a value that was also
// parsed: escapes of its own syntax distort it, and its parts are scanned.
const containerShare = 0.6

var endOfComment = []byte("*/")

// sqlContext reads the value from start on, and keeps what it found if that
// is more than any context showed before. A whole statement may have begun
// at whole, outside; sqlContext returns where one began here.
func (s *Scanner) sqlContext(v []byte, w *Where, start int, broken bool, whole int32) int32 {
	var r sqlReader // set field by field: a literal is made elsewhere and copied
	r.v, r.start, r.end, r.tail, r.broken, r.first, r.miss = v, start, s.sql.end, s.sql.tail, broken, true, 1
	r.texts, r.listing, r.segment = s.sql.texts, s.sql.listing, s.sql.segment
	r.at, r.whole, r.chains = whole, int(whole) < start, &s.sql.chains
	lex := sqllex.New(v, start)
	buf := s.sql.toks[:0]
	most := int(pick(s.sql.goesOn, sqlChunk, sqlBeginning))
	for {
		for r.last = false; len(buf) < most && !r.last; {
			buf = slices.Grow(buf, 1)
			room := buf[len(buf):min(cap(buf), most)]
			n := lex.Fill(room)
			buf, r.last = buf[:len(buf)+n], n < len(room)
		}
		s.effort += sqlEffort * len(buf)
		r.toks, r.stops, r.cutKnown, r.paired = buf, stops{}, false, false
		r.chains.reset(len(buf))
		end := len(buf)
		if !r.last && s.sql.goesOn {
			end -= sqlOverlap
		}
		for i := range buf[:end] {
			if t := &buf[i]; t.To-t.From >= leastToken[t.Kind] || i == 0 {
				r.read(i)
			}
		}
		if r.last || !s.sql.goesOn || s.settles(s.sqlWeight(&r, w)) {
			break
		}
		buf = buf[:copy(buf, buf[end:])]
		r.first = false
	}
	s.effort += sqlEffort * r.operands
	s.sql.toks = buf
	if r.seen != 0 && r.miss < s.sql.best.miss {
		s.sql.best = r
	}
	return r.at
}

// pair returns the distance from the parenthesis that token i opens to the one that
// closes it, 0 for none. They are linked once per chunk, and only if anything asks.
func (r *sqlReader) pair(i int) int {
	if r.kind(i) != sqllex.LParen {
		return 0
	}
	if !r.paired {
		r.paired = true
		pairParens(r.toks)
	}
	return int(r.toks[i].Pair)
}

// pairParens links each opening parenthesis to its closing one.
func pairParens(toks []sqllex.Token) {
	var open [maxNesting]int16
	depth := 0
	for i := range toks {
		switch toks[i].Kind {
		case sqllex.LParen:
			toks[i].Pair = 0
			if depth < maxNesting {
				open[depth] = int16(i)
			}
			depth++
		case sqllex.RParen:
			if depth == 0 {
				continue
			}
			depth--
			if depth < maxNesting {
				toks[open[depth]].Pair = int16(i) - open[depth]
			}
		}
	}
}

// sqlWeight returns what the signs of a context weigh together.
func (s *Scanner) sqlWeight(r *sqlReader, w *Where) float32 {
	weight := 1 - r.miss
	if w.Container && !sqlSigns[r.sign].hard {
		weight *= containerShare
	}
	if w.Place == InFile && s.sql.listing { // nobody makes a query of a program
		weight = min(weight, 0.45)
	}
	return weight
}

func (s *Scanner) sqlReport(v []byte, w *Where) {
	r := &s.sql.best
	sign := sqlSigns[r.sign]
	f := Finding{Class: SQLi, Weight: s.sqlWeight(r, w), Hard: sign.hard, Reason: sign.reason, From: r.from, To: r.to}
	if w.Place == InFile && s.sql.listing {
		f.Hard = false
	}
	mark := s.mark()
	lex := sqllex.New(v, int(r.near))
	if r.broken {
		s.tok(r.start-1, r.start, Punct, true)
	}
	// Tokens some bytes before the evidence give it context.
	for one := s.sql.toks[:1]; len(s.tokens)-mark < maxTokens && lex.Fill(one) > 0; {
		if t := &one[0]; t.To > r.from-sqlContextTokens {
			s.tok(int(t.From), int(t.To), sqlTokenKind(t.Kind), sqlKnown(t.Kind))
		}
	}
	f.Tokens = s.since(mark)
	s.add(f)
}

func sqlTokenKind(k sqllex.Kind) TokenKind {
	switch k {
	case sqllex.Key, sqllex.Word:
		return Word
	case sqllex.Number:
		return Number
	case sqllex.String, sqllex.Open:
		return String
	case sqllex.Variable:
		return Variable
	case sqllex.Compare, sqllex.Arith, sqllex.Logic:
		return Operator
	case sqllex.Cut:
		return Comment
	case sqllex.Other:
		return Other
	}
	return Punct
}

// sqlKnown reports whether tokens of the kind have no text but SQL's own.
func sqlKnown(k sqllex.Kind) bool {
	switch k {
	case sqllex.Word, sqllex.Number, sqllex.String, sqllex.Open, sqllex.Variable, sqllex.Other:
		return false
	}
	return true
}

// ordinary are the signs that any longer statement may show.
const ordinary uint64 = 1<<signCompare | 1<<signCompareCall | 1<<signSubquery | 1<<signStacked | 1<<signSpy | 1<<signOrderBy |
	1<<signLimit | 1<<signCase | 1<<signEncode | 1<<signCatalogue | 1<<signProbe

// hit records a sign over the tokens i up to, not including, j.
func (r *sqlReader) hit(sign sqlSign, i, j int) {
	if r.whole && r.texts && sign == signTautology && r.at >= 0 && (r.at == 0 || r.v[r.at-1] == '\n') {
		sign = signQuery // of who wrote the statement
	}
	if r.whole && ordinary&(1<<sign) != 0 && !(r.joined && (sign == signSpy || sign == signCatalogue)) {
		sign = signQuery
	}
	if sign == signQuery && r.seen&(1<<signStatement) != 0 {
		return
	}
	if r.seen&(1<<sign) != 0 {
		return
	}
	if r.seen == 0 || sqlSigns[sign].weight > sqlSigns[r.sign].weight {
		r.sign, r.from, r.to = sign, r.toks[i].From, r.toks[min(j, len(r.toks))-1].To
		r.near = r.toks[max(0, i-sqlContextTokens)].From
	}
	r.seen |= 1 << sign
	r.miss *= 1 - sqlSigns[sign].weight
}

func (r *sqlReader) kind(i int) sqllex.Kind {
	if i < 0 || i >= len(r.toks) {
		return sqllex.End
	}
	return r.toks[i].Kind
}

func (r *sqlReader) role(i int) sqllex.Role {
	if i < 0 || i >= len(r.toks) {
		return sqllex.None
	}
	return r.toks[i].Role
}

func (r *sqlReader) text(i int) []byte { return r.v[r.toks[i].From:r.toks[i].To] }

// is reports whether token i is the word w, given in lower case.
func (r *sqlReader) is(i int, w string) bool {
	return i >= 0 && i < len(r.toks) && equalFold(r.text(i), w)
}

func equalFold(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i, c := range b {
		if c-'A' < 26 {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// leastToken is the length from which on tokens of a kind begin anything: of a
// name, WITH, of a number, 1.e, of a variable, one of the server. Most tokens of
// text that is no SQL are passed over by this, and without a guess at their kind.
var leastToken = func() (t [sqllex.Other + 1]int32) {
	for k := range t {
		t[k] = math.MaxInt32
	}
	for _, k := range [...]sqllex.Kind{sqllex.Key, sqllex.Logic, sqllex.Semicolon, sqllex.Cut, sqllex.LParen} {
		t[k] = 0
	}
	t[sqllex.Word], t[sqllex.Number], t[sqllex.Variable] = 4, 3, 5
	return t
}()

// read looks for what begins at token i.
func (r *sqlReader) read(i int) {
	t := &r.toks[i]
	if t.Hint && t.Kind == sqllex.Key && t.Role != sqllex.And {
		r.hit(signHint, i, i+1)
	}
	if i == 0 && r.first {
		r.begin()
		if !r.whole && !r.broken && r.opensScript() {
			r.whole, r.at = true, t.From
		}
	}
	switch t.Kind {
	case sqllex.Key:
		r.key(i, t.Role)
		if !r.whole && r.opensStatement(i) {
			r.whole, r.at = true, t.From
		}
	case sqllex.Word:
		if !r.whole && r.is(i, "with") && r.opensCommon(i+1) {
			r.whole, r.at = true, t.From
		}
	case sqllex.Logic:
		r.condition(i)
	case sqllex.Semicolon:
		r.stacked(i)
	case sqllex.Cut:
		switch {
		case isUnlogged(r.v[t.To:max(int(t.To), r.end)]):
			r.hit(signBreakCut, i, i+1)
		case r.whole && r.cutEnds(i):
			r.hit(signWholeCut, i, i+1)
		}
	case sqllex.Variable:
		if t.To-t.From > 4 && r.v[t.From+1] == '@' && r.asked(i) {
			r.hit(signSpy, i, i+1)
		}
	case sqllex.LParen:
		if r.role(i+1) == sqllex.Select {
			r.subquery(i)
		}
		if i > 0 && r.toks[i].Glued && (r.kind(i-1) == sqllex.Key || r.whole) && bytes.HasPrefix(r.v[r.toks[i-1].To:], []byte("/**/(")) {
			r.hit(signGlue, i-1, i+1)
		}
	case sqllex.Number:
		if n := len(r.text(i)); n > 2 && r.text(i)[n-1]|0x20 == 'e' && r.text(i)[n-2] == '.' && r.kind(i+1) == sqllex.LParen && r.toks[i+1].From == r.toks[i].To {
			r.hit(signExponent, i, i+2)
		}
	}
}

func (r *sqlReader) key(i int, role sqllex.Role) {
	if r.toks[i].Glued && i+1 < len(r.toks) && r.toks[i+1].Glued {
		switch role {
		case sqllex.And, sqllex.Union, sqllex.Select, sqllex.From, sqllex.Where, sqllex.Order, sqllex.Like, sqllex.Having, sqllex.In, sqllex.Case, sqllex.When, sqllex.Then:
			r.glue++
			if r.glue == 2 || role == sqllex.Union || role == sqllex.Where {
				r.hit(signGlue, i, i+1)
			}
		}
	}
	switch role {
	case sqllex.And, sqllex.Where, sqllex.Having:
		r.condition(i)
		if role == sqllex.Where && r.whole && r.last && i > 0 && i == len(r.toks)-1 {
			r.hit(signDangling, i, i+1)
		}
	case sqllex.Union:
		r.union(i)
	case sqllex.Order:
		r.orderBy(i)
	case sqllex.Limit:
		if r.atBreak(i) && r.kind(i+1) == sqllex.Number {
			r.hit(signLimit, i, i+2)
		}
	case sqllex.Exec:
		switch c := r.execute(i); {
		case c == harmful && r.operandBefore(i):
			r.hit(signStacked, i, i+2)
		case c >= sure && i == 0 && r.first && r.systemProcedure(i+1) && r.quoteAt(i+2):
			r.hit(signDeclare, i, i+3)
		}
	case sqllex.Declare:
		switch c := r.declare(i); {
		case c == harmful && r.operandBefore(i):
			r.hit(signStacked, i, i+2)
		case c == sure && i == 0 && r.first:
			r.hit(signDeclare, i, i+2)
		}
	case sqllex.Into:
		if r.role(i+1) == sqllex.Outfile && (r.quoteAt(i+2) || r.kind(i+2) == sqllex.LParen || r.kind(i+2) == sqllex.Word && r.kind(i+3) != sqllex.Word || r.kind(i+3) == sqllex.LParen) {
			r.hit(signOutfile, i, i+3)
		}
	case sqllex.Waitfor:
		if (r.role(i+1) == sqllex.Delay || r.is(i+1, "time")) && r.quoteAt(i+2) {
			r.hit(signDelay, i, i+3)
		}
	case sqllex.Procedure:
		if r.role(i+1) == sqllex.Analyse && r.kind(i+2) == sqllex.LParen {
			r.hit(signAnalyse, i, i+3)
		}
	case sqllex.Case:
		r.caseWhen(i)
	case sqllex.Sleep:
		if r.called(i) && r.long(i) && (r.asked(i) || r.argument(i)) {
			r.hit(signDelay, i, i+2)
		} else if i == 0 && r.first && r.is(i, "benchmark") && r.called(i) && r.long(i) {
			r.hit(signName, i, i+2)
		}
	case sqllex.Danger:
		r.danger(i)
	case sqllex.System:
		if r.role(i-1) == sqllex.From && !r.is(i, "master") || r.kind(i-1) == sqllex.Dot && r.role(i-3) == sqllex.From || r.qualifies(i) {
			r.hit(signCatalogue, i, i+1)
		}
	case sqllex.Spy, sqllex.Func:
		r.function(i)
	case sqllex.Like:
		if r.kind(i+1) == sqllex.LParen && r.role(i+2) == sqllex.Select && r.operandBefore(i) {
			r.hit(signSubquery, i, i+3)
		}
	}
}

// begin looks at the first tokens of the context.
func (r *sqlReader) begin() {
	if !r.broken {
		r.statementValue(0)
		r.probe()
		return
	}
	i := 0
	for r.kind(i) == sqllex.RParen {
		i++
	}
	switch k := r.kind(i); {
	case r.cutPiece():
		r.hit(signName, 0, len(r.toks))
	case r.role(i) == sqllex.Is && r.role(i+1) == sqllex.Literal && r.cut(i+2):
		r.hit(signBreakCompare, i, i+2)
	case k == sqllex.Cut:
		if r.start == 1 && len(r.v) > 1 && r.v[len(r.v)-1] == r.v[0] {
			return // '--' and "#" in quotes
		}
		if r.cutEnds(i) && (i > 0 || r.v[r.toks[i].From] != '#' || r.hashEnds(i)) {
			r.hit(signBreakCut, 0, i+1)
		}
	case k == sqllex.Semicolon && r.kind(i+1) == sqllex.Cut && r.cutEnds(i+1):
		r.hit(signBreakCut, 0, i+2)
	case r.clauseCut(i), r.graphCut(i):
		r.hit(signBreakCut, i, len(r.toks))
	case k == sqllex.Comma:
		r.listGoesOn(i)
	case k == sqllex.Compare, k == sqllex.Arith, k == sqllex.Logic, r.role(i) == sqllex.Like, r.role(i) == sqllex.In:
		r.breakOperator(i)
	default:
		c := r.statement(i)
		if c >= harmful || c == sure && r.shortPrefix() && r.v[r.start-1] != '`' {
			r.hit(signStacked, 0, i+2)
		}
	}
}

// probe looks at a value that is nothing but the call of a database function
// without its end, a cast, or an expression in parentheses before a comment.
func (r *sqlReader) probe() {
	n := len(r.toks)
	if !r.last {
		return
	}
	switch role := r.role(0); {
	case n == 1 && r.kind(0) == sqllex.Variable && len(r.v) > 4 && r.v[1] == '@' && r.v[0] == '@' && !r.texts:
		r.hit(signName, 0, n)
	case r.wholeCall(n), r.wholePiece(n):
		r.hit(signName, 0, n)
	case n == 2 && r.kind(1) == sqllex.LParen && r.is(0, "insert") && r.toks[1].From == r.toks[0].To:
		r.hit(signName, 0, n)
	case n == 2 && r.kind(1) == sqllex.LParen && role >= sqllex.Niladic && role <= sqllex.Danger:
		r.hit(signName, 0, n)
	case n > 2 && n < 2*maxOperand && r.kind(n-2) == sqllex.Dot && r.v[r.toks[n-2].From] == ':' && r.role(n-1) == sqllex.Type:
		r.hit(signName, 0, n)
	case r.kind(0) == sqllex.LParen && r.pair(0) == n-2 && r.kind(n-1) == sqllex.Cut && r.onlySQL(n-1):
		r.hit(signName, 0, n)
	}
}

// wholeCall reports whether the n tokens are a call that delays the database,
// behind a comma as in a list to sort by, or a query or condition that is cut
// off in a call.
func (r *sqlReader) wholeCall(n int) bool {
	function := func(i int) bool { return r.role(i) >= sqllex.Niladic && r.role(i) <= sqllex.Danger }
	switch {
	case n < 3 || n > maxOperand || r.segment:
		return false
	case r.kind(0) == sqllex.LParen:
		return n == 6 && r.pair(0) == 5 && r.is(1, "sleep") && r.kind(2) == sqllex.LParen && r.kind(3) == sqllex.Number
	case r.role(0) == sqllex.Sleep:
		return n == 4 && r.kind(1) == sqllex.LParen && r.kind(2) == sqllex.Number && r.kind(3) == sqllex.RParen || r.is(0, "benchmark") && r.kind(1) == sqllex.LParen && r.kind(2) == sqllex.Number
	case r.kind(0) == sqllex.Comma:
		return function(1) && r.kind(2) == sqllex.LParen && r.pair(2) == n-3
	case r.is(0, "div"):
		return r.kind(1) == sqllex.LParen && r.pair(1) == n-2 && r.kind(2) == sqllex.Number && r.kind(3) == sqllex.Comma
	case r.role(0) == sqllex.Select && r.testsNumbers(1):
		return true
	case r.role(0) == sqllex.Select:
		return r.kind(n-1) == sqllex.LParen && function(n-2) || n == 4 && function(1) && r.kind(2) == sqllex.LParen && r.toks[2].From == r.toks[1].To && r.kind(3) == sqllex.Word
	case r.is(0, "cast"), r.is(0, "convert"):
		return r.kind(1) == sqllex.LParen && r.pair(1) == n-2 && r.serverVariable(n)
	case r.is(0, "if"):
		return n == 4 && r.kind(1) == sqllex.LParen && r.kind(2) == sqllex.Number && r.kind(3) == sqllex.Compare
	case r.role(0) == sqllex.Exec:
		return n == 3 && r.kind(1) == sqllex.LParen && r.v[r.toks[2].From] == '@'
	}
	return false
}

// serverVariable reports whether one of the first n tokens is a variable of the
// server, as @@version.
func (r *sqlReader) serverVariable(n int) bool {
	for i := range n {
		if t := r.text(i); r.kind(i) == sqllex.Variable && len(t) > 4 && t[1] == '@' {
			return true
		}
	}
	return false
}

// testsNumbers reports whether IF(1 < 2 and the like begins at i.
func (r *sqlReader) testsNumbers(i int) bool {
	return (r.is(i, "if") || r.is(i, "iif")) && r.kind(i+1) == sqllex.LParen && r.kind(i+2) == sqllex.Number &&
		r.kind(i+3) == sqllex.Compare && r.kind(i+4) == sqllex.Number
}

// wholePiece reports whether the n tokens are a piece of a query that makes
// sense in nothing else.
func (r *sqlReader) wholePiece(n int) bool {
	switch {
	case n < 3 || n > maxOperand:
		return false
	case r.kind(0) == sqllex.RParen:
		return n == 3 && r.role(1) == sqllex.Like && r.kind(2) == sqllex.LParen
	case r.kind(0) == sqllex.Number:
		if r.role(1) == sqllex.As {
			return r.kind(2) == sqllex.String && r.role(3) == sqllex.From || n == 3 && r.kind(2) == sqllex.Open && hasSuffixFold(bytes.TrimSpace(r.v), " from")
		}
		return n == 3 && r.role(1) == sqllex.And && r.role(2) == sqllex.Literal && r.toks[2].Glued
	case r.kind(0) == sqllex.Semicolon:
		return r.role(1) == sqllex.Verb && r.role(n-1) == sqllex.Values
	}
	return r.is(n-1, "precision") && r.is(n-2, "double") && r.kind(n-3) == sqllex.Dot && r.v[r.toks[n-3].From] == ':'
}

// cutPiece reports whether what follows the quote at which the value broke
// out is nothing but a piece of a query: a name for the string and FROM, a
// query of one name, or the end of the statement.
func (r *sqlReader) cutPiece() bool {
	n := len(r.toks)
	if k := r.kind(0); k != sqllex.Key && k != sqllex.Semicolon || !r.last || n > 7 || !r.shortPrefix() {
		return false
	}
	i := 0
	if r.kind(0) == sqllex.Semicolon {
		if n == 1 {
			return r.start > 1
		}
		i = 1
	}
	switch r.role(i) {
	case sqllex.And:
		return r.role(i+1) == sqllex.Not && r.kind(n-1) == sqllex.Cut && r.cutEnds(n-1)
	case sqllex.As:
		return n == 3 && r.role(2) == sqllex.From
	case sqllex.Select:
		return r.start == 1 && n == i+2 && r.kind(i+1) == sqllex.Word && r.toks[i+1].To == r.toks[i+1].From+1
	case sqllex.Union:
		return n < 5 && r.start == 1 && r.role(i+1) == sqllex.Select
	case sqllex.Like:
		return r.start == 1 && n == 1 && r.v[0] == '`'
	}
	return false
}

// onlySQL reports whether the first n tokens hold no names, but at least one
// word of SQL.
func (r *sqlReader) onlySQL(n int) bool {
	keys := 0
	for i := range n {
		switch r.kind(i) {
		case sqllex.Word, sqllex.Other:
			return false
		case sqllex.Key:
			keys++
		}
	}
	return keys > 0
}

// maxPrefix is how much may stand before the quote by which a value breaks
// out, for the signs that are weak by themselves.
const maxPrefix = 24

// shortPrefix reports whether the break is near the value's start, after
// nothing but a word, a number or the like. Passwords of random signs, and
// quotes in texts, have more before it.
func (r *sqlReader) shortPrefix() bool {
	if r.start > maxPrefix {
		return false
	}
	for _, c := range r.v[:r.start-1] {
		switch byteClass[c] {
		case cLetter, cDigit, cSpace, cDash, cDot, cPercent, cAt, cHigh, cClose, cBackslash:
		default:
			return false
		}
	}
	return true
}

// breakOperator looks at an operator that follows the end of the string:
// the value goes on with an operand that the query's own quote closes, as
// in '=' or '||(select 1)||'.
func (r *sqlReader) breakOperator(i int) {
	j := i + 1
	if r.role(j) == sqllex.Like {
		j++ // not like
	}
	words := r.kind(i) == sqllex.Key
	if r.text(i)[0] == '!' && r.kind(i) == sqllex.Arith {
		return // which joins nothing
	}
	if r.kind(j) == sqllex.Open {
		size := r.toks[j].To - r.toks[j].From
		if r.start > 1 && r.v[r.start-2] == ' ' && size <= 2 {
			return // a sign in quotes, in a text
		}
		if (size <= 2 || size < 16 && (words || r.kind(i) != sqllex.Arith)) && r.shortPrefix() && (words || r.closedByQuery()) {
			r.hit(signBreakOperator, i, j+1)
		}
		return
	}
	end, op := r.expression(j)
	right, b, ok := r.rightSide(end)
	joined := r.role(end) == sqllex.And || r.kind(end) == sqllex.Logic || ok && b.constant()
	switch {
	case op == opNone:
	case op == opQuery, op == opCall && (r.goesOn(end) || ok):
		r.hit(signCompareCall, i, end)
	case !r.shortPrefix() || r.v[r.start-1] == '`':
	case joined && (op.constant() || words):
		r.hit(signBreakCompare, i, max(end, right))
	case r.kind(i) == sqllex.Arith && r.kind(j) == sqllex.Number && op == opOpen && r.closedByQuery() && r.toks[end-1].To-r.toks[end-1].From <= 2,
		r.kind(i) == sqllex.Arith && (op.constant() || r.tightPrefix() && r.text(i)[0] != '~' && r.text(min(end, len(r.toks)-1))[0] == '-') && r.kind(end) == sqllex.Cut && r.cutEnds(end) && (r.kind(j) == sqllex.LParen || !r.quotesAll() && (!op.constant() || !r.measure())):
		r.hit(signBreakOperator, i, end)
	case (r.kind(i) == sqllex.Compare || words) && op.constant() && r.cut(end) && (r.kind(end) != sqllex.End || words):
		r.hit(signBreakCompare, i, end)
	}
}

// closedByQuery reports whether the value ends with the kind of quote at
// which it broke out, or with what stands in the string that this opens.
func (r *sqlReader) closedByQuery() bool {
	return len(r.toks) > 0 && r.v[r.start-1] == r.toks[len(r.toks)-1].Quote
}

// atBreak reports whether only closing parentheses stand between the end of
// the string, or the start of the value, and token i.
func (r *sqlReader) atBreak(i int) bool {
	if !r.broken || !r.first || i > 8 {
		return false
	}
	for i--; i >= 0; i-- {
		if r.kind(i) != sqllex.RParen && r.kind(i) != sqllex.Semicolon {
			return false
		}
	}
	return true
}

// atStart reports whether token i follows at most a number or name with
// which the value begins.
func (r *sqlReader) atStart(i int) bool {
	if r.broken || !r.first || i > 12 {
		return false
	}
	j := i - 1
	for j >= 0 && (r.kind(j) == sqllex.Number || r.kind(j) == sqllex.Arith || r.kind(j) == sqllex.LParen || r.kind(j) == sqllex.RParen) {
		j--
	}
	if j < 0 {
		return true
	}
	for i--; i > 0 && r.kind(i) == sqllex.RParen; i-- {
	}
	if i > 0 && (r.kind(i-1) == sqllex.Arith || r.kind(i-1) == sqllex.Other) {
		i-- // a sign
	}
	return i <= 0
}

// operandBefore reports whether what precedes token i can be the left side
// of an operator.
func (r *sqlReader) operandBefore(i int) bool {
	if i == 0 {
		return r.first
	}
	switch r.kind(i - 1) {
	case sqllex.Number, sqllex.String, sqllex.RParen, sqllex.Variable, sqllex.Semicolon:
		return true
	case sqllex.Word:
		return r.toks[i-1].Quote != 0 || i == 1 && r.first
	case sqllex.Key:
		switch r.role(i - 1) {
		case sqllex.Literal, sqllex.Niladic, sqllex.Stop, sqllex.Is:
			return true
		}
		return r.toks[i].Glued
	case sqllex.Other:
		return true
	}
	return false
}

// asked reports whether token i stands where a query evaluates: after an
// operator, SELECT or a comma, or where a string was ended.
func (r *sqlReader) asked(i int) bool {
	if r.atBreak(i) {
		return r.kind(i+1) != sqllex.Dot
	}
	for r.kind(i-1) == sqllex.LParen || r.role(i-1) == sqllex.Not || r.role(i-1) == sqllex.All {
		i--
	}
	switch r.kind(i - 1) {
	case sqllex.Key:
		switch r.role(i - 1) {
		case sqllex.And, sqllex.Select, sqllex.Like, sqllex.In, sqllex.Where, sqllex.Having, sqllex.When, sqllex.Then, sqllex.By,
			sqllex.Case, sqllex.Exec, sqllex.Func, sqllex.Spy, sqllex.Sleep, sqllex.Danger:
			return true
		}
	case sqllex.Logic:
		return r.operandBefore(i - 1)
	case sqllex.Compare, sqllex.Arith, sqllex.Comma:
		return r.joined || r.role(i-2) == sqllex.As && r.atStart(i-2) || r.kind(i-2) == sqllex.Number || r.kind(i-2) == sqllex.String || r.kind(i-2) == sqllex.RParen || r.role(i-2) == sqllex.Literal ||
			r.broken && i-1 < 4 && r.first
	}
	return false
}

// qualifies reports whether the catalogue at i is the first part of a name where
// a query may read it. The databases of SQL Server have names that other things
// have, too.
func (r *sqlReader) qualifies(i int) bool {
	if r.kind(i+1) != sqllex.Dot || r.kind(i+2) == sqllex.End || r.toks[i+2].From != r.toks[i+1].To {
		return false
	}
	if r.is(i, "master") || r.is(i, "tempdb") || r.is(i, "msdb") {
		return r.kind(i+2) == sqllex.Dot || r.is(i+2, "dbo") || r.is(i+2, "sys") || r.role(i+2) == sqllex.System || r.role(i+2) == sqllex.Danger
	}
	return r.asked(i) || r.operandBefore(i)
}

// called reports whether a function name at i is followed by its arguments
// and is no method of something else.
func (r *sqlReader) called(i int) bool {
	return r.kind(i+1) == sqllex.LParen && r.kind(i-1) != sqllex.Dot
}

// argument reports whether the call at i with a plain number is all that
// the value holds, but for what could end the text before and after it.
func (r *sqlReader) argument(i int) bool {
	if r.kind(i+2) != sqllex.Number || r.kind(i+3) != sqllex.RParen {
		return false
	}
	return r.kind(i+4) == sqllex.Cut && r.cutEnds(i+4) || r.kind(i+4) == sqllex.Open || r.kind(i+4) == sqllex.Arith && r.kind(i+5) == sqllex.Open
}

// longBenchmark is the digits of the smallest repetition of BENCHMARK that
// takes noticeable time.
const longBenchmark = 6

// long reports whether the call at i delays for long: any SLEEP does.
func (r *sqlReader) long(i int) bool {
	if !r.is(i, "benchmark") {
		return true
	}
	return r.kind(i+2) != sqllex.Word && (r.kind(i+2) != sqllex.Number || len(r.text(i+2)) >= longBenchmark)
}

// quoteAt reports whether a string begins at token i.
func (r *sqlReader) quoteAt(i int) bool {
	return r.kind(i) == sqllex.String || r.kind(i) == sqllex.Open
}

// What may follow a comment mark that ends a value: tools put a dash, a plus
// or a short random word there.
const (
	maxTail     = 24 // bytes
	maxTailWord = 5  // letters and digits among them
	// unlogged is the procedure whose name kept old SQL Servers from writing a
	// statement into their traces.
	unlogged = "sp_password"
)

// tailOf returns from where on a comment mark in v has nothing behind it but white space
// and at most maxTail bytes. Many conditions may end in one mark, and what is white is
// not passed over for each.
func tailOf(v []byte) int {
	return len(bytes.TrimRightFunc(v[:lastBytes(v)], unicode.IsSpace))
}

// lastBytes returns where the last maxTail bytes of v begin, or the character that their
// first is in.
func lastBytes(v []byte) int {
	i := max(0, len(v)-maxTail)
	for n := 0; n < utf8.UTFMax && i > 0 && i < len(v) && !utf8.RuneStart(v[i]); n++ {
		i--
	}
	return i
}

// cutEnds reports whether the comment mark at i ends the value.
func (r *sqlReader) cutEnds(i int) bool {
	to := int(r.toks[i].To)
	if isUnlogged(r.v[to:max(to, r.end)]) {
		return true
	}
	if to < r.tail {
		return false
	}
	tail := bytes.TrimSpace(r.v[max(to, lastBytes(r.v[:r.end])):max(to, r.end)])
	if len(tail) > maxTail {
		return false
	}
	if r.v[r.toks[i].From] == '/' {
		return true // such a comment needs an end, and has none
	}
	letters := 0
	for _, c := range tail {
		switch byteClass[c] {
		case cLetter, cDigit:
			letters++
		case cDash, cSlash, cStar, cHash, cQuote, cDQuote, cOpen, cClose, cSemi:
		default:
			if c != '+' {
				return false
			}
		}
	}
	return letters <= maxTailWord
}

// isUnlogged reports whether the comment ends in the name of that procedure.
func isUnlogged(comment []byte) bool {
	before := len(comment) - len(unlogged)
	return hasSuffixFold(comment, unlogged) && (before == 0 || isSpace(comment[before-1]))
}

// cut reports whether token i ends what the value added: the value's end, a
// comment, a second statement, or a string that the query closes.
func (r *sqlReader) cut(i int) bool {
	switch r.kind(i) {
	case sqllex.End:
		return r.last
	case sqllex.Cut:
		return r.cutEnds(i)
	case sqllex.Semicolon, sqllex.Open:
		return true
	}
	return false
}

// goesOn reports whether token i can follow an expression.
func (r *sqlReader) goesOn(i int) bool {
	switch r.kind(i) {
	case sqllex.Word, sqllex.Number, sqllex.Variable, sqllex.Dot:
		return false
	case sqllex.Other:
		return r.toks[i].To-r.toks[i].From == 1 && (r.text(i)[0] == ']' || r.text(i)[0] == '}' || r.text(i)[0] == '\\' || r.text(i)[0] == 0)
	case sqllex.Key:
		switch r.role(i) {
		case sqllex.Select, sqllex.Case, sqllex.Func, sqllex.Spy, sqllex.Object, sqllex.Literal, sqllex.Niladic, sqllex.Values:
			return r.toks[i].Glued
		case sqllex.As:
			return r.is(i, "asc") || r.is(i, "desc") || r.is(i, "collate") || r.toks[i].Glued
		}
	case sqllex.String:
		return false
	}
	return true
}
