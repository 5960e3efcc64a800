package detect

import (
	"bytes"

	"github.com/gabionhq/gabion/engine/internal/lexicon"
)

// Operators of MongoDB's query language turn a comparison with a value into
// one that the sender chose: {"password":{"$ne":""}} is true of every row.
// Interfaces that let their users query send the same operators with values
// that a program would send, so the operand decides.

var whenNoSQLi = []feature{
	hasDollar | hasColon, hasDollar | hasBracket, hasDollar | hasNoSQLWord, hasNoSQLWord | hasOpen, hasNoSQLWord | hasSemi, hasNoSQLWord | hasPipe, hasNoSQLWord | hasAmp,
	hasBrace | hasColon | hasStar | ofSix,
}

const noSQLGateWords = "where function accumulator return sleep db while new this"

var (
	comparing = lexicon.New("ne gt gte lt lte eq in nin not exists type regex all size mod elemmatch func or and nor options expr jsonschema where function accumulator")
	ordering  = lexicon.New("gt gte lt lte")
	// fieldless are operators that a document of conditions does not begin with.
	fieldless = lexicon.New("ne gt gte lt lte in nin exists regex")
	// takesList are operators whose operand holds conditions.
	takesList = lexicon.New("or and nor not elemmatch")
	// credentials are the members by which people sign in. What is compared
	// with them is a text.
	credentials = lexicon.New(`username user login uname userid email mail password passwd pass pwd token secret pin otp apikey
		user_name loginname login_name user_password userpassword user_pass userpass passcode api_key resettoken reset_token resetpasswordtoken
		reset_password_token passwordresettoken accesstoken access_token authtoken auth_token sessiontoken session_token verificationtoken
		verification_token verificationcode verification_code`)
	collections = lexicon.New("insert insertone find findone update updateone remove drop deleteone deletemany aggregate mapreduce count eval save getcollection getcollectionnames dropdatabase")
)

func (s *Scanner) nosqli(v []byte, w *Where) {
	s.reads(v, readNoSQL)
	best, named := memberOperand(v, w), false
	signs := seeker{v: v, b: '$'}
	for i := signs.from(0); i+1 < len(v); i = signs.from(i + 1) {
		if byteClass[v[i+1]] != cLetter {
			continue
		}
		s.effort += operatorEffort
		if f := operatorAt(v, i, w); f.Weight > best.Weight {
			best, named = f, true
		}
	}
	f := s.mongoScript(v, w)
	if f.Weight > 0 && (w.Listing || w.Place.holdsText() && bytes.IndexByte(v, '\n') >= 0) {
		f.Weight *= 0.6 // a script of the database's shell
	}
	if f.Weight > best.Weight {
		best, named = f, false
	}
	if best.Weight == 0 {
		return
	}
	mark := s.mark()
	s.tok(int(best.From), int(best.To), Operator, named)
	best.Tokens = s.since(mark)
	s.add(best)
}

// memberOperand weighs a value whose name is an operator, as in
// {"password":{"$gt":""}}.
func memberOperand(v []byte, w *Where) Finding {
	f := Finding{Class: NoSQLi, To: int32(len(v)), Reason: "A database operator stands where a value is expected."}
	if w.Name || len(w.Key) < 3 || w.Key[0] != '$' || !comparing.Has(w.Key[1:]) {
		return f
	}
	name := w.Key[1:]
	switch {
	case w.Within:
	case equalFold(name, "where"):
		f.Weight = 0.9
	case equalFold(name, "regex"):
		f.Weight = anyPattern(v)
	case w.Parent == nil && w.Place == InJSON && fieldless.Has(name):
		f.Weight, f.Reason = 0.6, "A database operator compares what has no name."
	case equalFold(name, "func"):
		f.Weight, f.Reason = 0.6, "An operator is given the name of a function."
	case len(v) == 0, equalFold(v, "undefined"):
		f.Weight = 0.8
	case ordering.Has(name) && (string(v) == "{}" || string(v) == "[]" || equalFold(v, "true") || equalFold(v, "false")):
		f.Weight, f.Reason = 0.65, "A database operator compares by size what has none."
	case w.Place == InJSON && takesList.Has(name):
		f.Weight, f.Reason = 0.6, "A database operator that takes conditions is given a text, or one that always holds."
	case equalFold(name, "ne") && trivialOperand(v):
		f.Weight = 0.35
	}
	if credentials.Has(w.Parent) && !equalFold(name, "eq") {
		f.Weight = 0.8
	}
	return f
}

// anyPattern weighs a pattern by how much it matches.
func anyPattern(v []byte) float32 {
	if bytes.HasPrefix(v, []byte("^.")) && len(v) < 8 {
		return 0.55
	}
	times := false // {1,2}
	for _, c := range v {
		switch {
		case c == '{' || c == '}':
			times = c == '{'
		case times && (isDigit(c) || c == ','):
		case c != '^' && c != '$' && c != '.' && c != '*' && c != '+' && c != '?':
			return 0
		}
	}
	if len(v) == 0 || v[0] != '^' && v[0] != '$' && (v[0] != '.' || len(v) == 1) {
		return 0
	}
	return 0.55
}

// maxNamed is longer than what names credentials in front of an operator, with blanks
// and brackets around it.
const maxNamed = 128

// operatorAt weighs the operator at the dollar sign i.
func operatorAt(v []byte, i int, w *Where) Finding {
	end := i + 1
	for end < len(v) && byteClass[v[end]] == cLetter {
		end++
	}
	name := v[i+1 : end]
	f := Finding{Class: NoSQLi, From: int32(i), To: int32(end)}
	if !comparing.Has(name) {
		return f
	}
	if end < len(v) && v[end] == ']' && i > 0 && v[i-1] == '[' && bracketed(v, i, w) {
		f.Reason = "A database operator stands in the name of a parameter."
		f.Weight = bracketWeight(name)
		if i == 1 && !w.Name && w.Place.single() { // where names are, a library reads it
			f.Weight = max(f.Weight, 0.6)
		}
		if f.Weight < 0.5 && i < maxNamed && credentials.Has(bytes.Trim(v[:i-1], "[] .")) {
			f.Weight = 0.8
		}
		return f
	}
	if w.Name && i == 0 && end == len(v) && (equalFold(name, "where") || equalFold(name, "function") || equalFold(name, "accumulator")) {
		f.Reason = "A member hands code to the database."
		f.Weight = 0.85
		return f
	}
	operand, quoted, ok := operandAfter(v, end)
	if !ok {
		return f
	}
	f.Reason = "A database operator stands where a value is expected."
	f.Weight = operandWeight(name, operand, quoted)
	if f.Weight >= 0.3 && f.Weight < 0.6 && i <= 2 && v[0] == '{' && !w.Name {
		f.Weight = 0.6 // nothing but a comparison, for a value
	}
	if f.Weight < 0.5 && credentials.Has(memberBefore(v, i)) && !quotedText(operand, name) {
		f.Weight = 0.8
	}
	if !quoted && f.Weight >= 0.3 {
		f.Weight = max(f.Weight, 0.7) // { $ne: 1 }: no JSON that a program writes
	}
	return f
}

// bracketed reports whether the brackets around i are in a parameter's name.
func bracketed(v []byte, i int, w *Where) bool {
	return w.Name || i == 1 || bytes.IndexByte(v[i:min(len(v), i+32)], '=') > 0
}

func bracketWeight(name []byte) float32 {
	// comparisons with these are offered by libraries that parse queries
	if equalFold(name, "or") || equalFold(name, "and") || equalFold(name, "options") || equalFold(name, "in") || len(name) > 1 && (name[0]|0x20 == 'g' || name[0]|0x20 == 'l') {
		return 0.35
	}
	return 0.86
}

// operandAfter returns what follows the colon after an operator's name.
func operandAfter(v []byte, i int) (operand []byte, quoted, ok bool) {
	if i < len(v) && (v[i] == '"' || v[i] == '\'') {
		quoted = true
		i++
	}
	for i < len(v) && v[i] == ' ' {
		i++
	}
	if i >= len(v) || v[i] != ':' {
		return nil, quoted, false
	}
	end := min(len(v), i+40)
	for i++; i < end && (v[i] == ' ' || v[i] == '\t' || v[i] == '\r' || v[i] == '\n'); i++ {
	}
	return v[i:end], quoted, true
}

// operandWeight weighs an operator with what it compares.
func operandWeight(name, operand []byte, quoted bool) float32 {
	var room [maxOperator]byte
	switch string(lexicon.Fold(room[:0], name)) {
	case "where", "function", "accumulator":
		// $where: Type declares a variable of GraphQL
		if len(operand) > 0 && classOf(operand[0]) == cLetter && !bytes.HasPrefix(operand, []byte("function")) && !bytes.HasPrefix(operand, []byte("this")) {
			return 0
		}
		return 0.9
	case "or", "and", "nor":
		if len(operand) > 0 && operand[0] == '[' && !quoted {
			return 0.7
		}
	case "ne", "nin":
		if emptyOperand(operand) {
			return 0.4
		}
		if trivialOperand(operand) {
			return 0.3
		}
	case "gt", "gte", "lt", "lte":
		if emptyOperand(operand) {
			return 0.8
		}
	case "regex":
		if bytes.HasPrefix(operand, []byte(`".*"`)) || bytes.HasPrefix(operand, []byte(`".+"`)) || bytes.HasPrefix(operand, []byte(`"^.`)) {
			return 0.55
		}
	}
	return 0.05
}

// maxOperator is the length of the longest of their names.
const maxOperator = len("accumulator")

// emptyOperand reports whether an operand is "", undefined or null, which
// sort below every text.
func emptyOperand(b []byte) bool {
	if len(b) < 2 {
		return false
	}
	switch b[0] {
	case '"', '\'':
		return b[1] == b[0]
	case '{':
		return b[1] == '}'
	case '[':
		return b[1] == ']'
	case 'u':
		return bytes.HasPrefix(b, []byte("undefined"))
	case 'n':
		return bytes.HasPrefix(b, []byte("null"))
	}
	return false
}

// trivialOperand reports whether an operand is a number of one digit.
func trivialOperand(b []byte) bool {
	return len(b) > 0 && classOf(b[0]) == cDigit && (len(b) == 1 || classOf(b[1]) != cDigit && b[1] != '.')
}

// quotedText reports whether the operator compares a text for equality, as
// any program that signs people in may.
func quotedText(operand, name []byte) bool {
	return equalFold(name, "eq") && len(operand) > 2 && operand[0] == '"' && operand[1] != '"'
}

// memberBefore returns the name of the member whose value is the object that
// holds the operator at i, as in "user": {"$ne".
func memberBefore(v []byte, i int) []byte {
	i = behindMember(v, i)
	if i == 0 || v[i-1] != '{' {
		return nil
	}
	for i--; i > 0 && isSpace(v[i-1]); i-- {
	}
	if i == 0 || v[i-1] != ':' {
		return nil
	}
	end := behindMember(v, i-1)
	i = end
	for i > 0 && end-i < 32 && classOf(v[i-1]) == cLetter {
		i--
	}
	return v[i:end]
}

// isMemberBlank are the bytes that may stand around the name of a member.
var isMemberBlank = [256]bool{' ': true, '\t': true, '\r': true, '\n': true, '"': true, '\'': true}

// behindMember returns where what ends before i and such bytes ends.
func behindMember(v []byte, i int) int {
	for i > 0 && isMemberBlank[v[i-1]] {
		i--
	}
	return i
}

// mongoScript looks for JavaScript that only a database's interpreter would
// run where a text is expected.
func (s *Scanner) mongoScript(v []byte, w *Where) Finding {
	f := Finding{Class: NoSQLi}
	if s.any(hasNoSQLWord) && mongoCall(&f, v) {
		return f
	}
	if s.all(hasBrace|hasDollar|hasColon) && s.any(hasQuote|hasDQuote) {
		if n := brokenMember(v); n > 0 {
			f.To = int32(n)
			f.Weight, f.Reason = 0.7, "The value ends the member it stands in and adds an operator."
			return f
		}
	}
	if s.any(hasNoSQLWord) && mongoFunction(&f, v, w) {
		return f
	}
	if s.all(hasSemi | hasOpen | ofNine) {
		if from, to := busyLoop(v); to > 0 {
			f.From, f.To = int32(from), int32(to)
			f.Weight, f.Reason = 0.75, "The value ends a statement and adds a loop that waits for the clock."
			return f
		}
	}
	if s.all(hasBrace | hasColon | hasStar | hasSlash) {
		if i := bytes.Index(v, []byte(": /.*/")); i > 0 && bytes.IndexByte(v[:i], '}') >= 0 {
			f.From, f.To = int32(i), int32(i+6)
			f.Weight, f.Reason = 0.7, "The value ends the query and adds a condition that matches everything."
		}
	}
	return f
}

// mongoCall looks for a method of a collection, which what else is found may
// outdo, and for what follows the end of a string, of which it reports true.
func mongoCall(f *Finding, v []byte) bool {
	if i := bytes.Index(v, []byte("db.")); i >= 0 && (i == 0 || classOf(v[i-1]) != cLetter && v[i-1] != '.') {
		if n := databaseCall(v[i:]); n > 0 {
			f.From, f.To = int32(i), int32(i+n)
			f.Weight, f.Reason = 0.6, "A method of a database collection is called."
		}
	}
	for i := documentRead(v); i > 2 && i < maxPrefix+8; i = -1 {
		before := bytes.TrimRight(v[:i], " (")
		if joined := bytes.TrimRight(before, "&|"); len(joined)+2 == len(before) {
			if joined = bytes.TrimRight(joined, " )"); len(joined) > 0 && (joined[len(joined)-1] == '\'' || joined[len(joined)-1] == '"') {
				f.From, f.To = int32(len(joined)-1), int32(i+len("this."))
				f.Weight, f.Reason = 0.8, "The value ends the string it stands in and adds a condition on the document."
				return true
			}
		}
	}
	for _, q := range [...]byte{'\'', '"'} {
		i := bytes.IndexByte(v, q)
		if i < 0 || i > maxPrefix {
			continue
		}
		if n := scriptStatement(v[i+1:], q); n > 0 {
			f.From, f.To = int32(i), int32(i+1+n)
			f.Weight, f.Reason = 0.8, "The value ends the string it stands in and adds a statement of a script."
			return true
		}
	}
	return false
}

// mongoFunction looks for a statement that returns at once, and for a value that
// is a function. It reports whether it found one.
func mongoFunction(f *Finding, v []byte, w *Where) bool {
	if returnsAtOnce(v) {
		f.To = int32(len(v))
		f.Weight, f.Reason = 0.6, "The value ends a statement and has the function return a truth."
		return true
	}
	if end := callback(v); end > 0 && (w.Place == InQuery || w.Place == InCookie || hasFold(v[end:], "while") && hasFold(v[end:], "date")) {
		f.To = int32(len(v))
		f.Weight, f.Reason = 0.65, "The value is a function that reads the document, takes time, or returns a truth."
		return true
	}
	return false
}

// documentRead returns where v reads the document that a script is run on, -1
// for nowhere.
func documentRead(v []byte) int {
	if i := bytes.Index(v, []byte("Object.keys(this)")); i >= 0 {
		return i
	}
	i := bytes.Index(v, []byte("this"))
	if i < 0 || i+len("this") >= len(v) {
		return -1
	}
	switch rest := bytes.TrimLeft(v[i+len("this"):], " "); {
	case len(rest) > 0 && (rest[0] == '.' || rest[0] == '[') && v[i+len("this")] != ' ', bytes.HasPrefix(rest, []byte("==")), bytes.HasPrefix(rest, []byte("!=")):
		return i
	}
	return -1
}

// brokenMember returns where an operator's name ends that follows the ends of a
// string and of what it is a member of, as in "}, {"$set":, and 0 for none.
func brokenMember(v []byte) int {
	q := bytes.IndexAny(v[:min(len(v), maxPrefix)], `'"`)
	if q < 0 {
		return 0
	}
	i := q + 1
	for i < len(v) && (v[i] == ' ' || v[i] == '}' || v[i] == ']') {
		i++
	}
	if i == q+1 || i >= len(v) || v[i] != ',' || bytes.IndexByte(v[q:i], '}') < 0 {
		return 0
	}
	for i++; i < len(v) && (v[i] == ' ' || v[i] == '{' || v[i] == '"' || v[i] == '\''); i++ {
	}
	if i >= len(v) || v[i] != '$' {
		return 0
	}
	n := run(v, i+1, len(v), isLetter)
	end := n
	for n < len(v) && (v[n] == ' ' || v[n] == '"' || v[n] == '\'') {
		n++
	}
	if end == i+1 || n >= len(v) || v[n] != ':' {
		return 0
	}
	return end
}

// callback returns where the body begins of a function without parameters that
// all of v is, as an operator that runs code is given one; 0 for none.
func callback(v []byte) int {
	v = bytes.TrimRight(v, " ;")
	if !bytes.HasPrefix(v, []byte("function")) || len(v) > maxPath || v[len(v)-1] != '}' || bytes.IndexByte(v, '\n') >= 0 {
		return 0
	}
	rest := bytes.TrimLeft(v[len("function"):], " ")
	if !bytes.HasPrefix(rest, []byte("()")) && !bytes.HasPrefix(rest, []byte("( )")) {
		return 0
	}
	rest = bytes.TrimLeft(rest[2:], " )")
	if len(rest) == 0 || rest[0] != '{' || !hasFold(rest, "return") && !hasFold(rest, "sleep(") && !hasFold(rest, "while") {
		return 0
	}
	return len(v) - len(rest)
}

// busyLoop finds a statement behind ; that takes the time, and a loop that
// takes it again: a script has no sleep of its own. It returns 0 for none.
func busyLoop(v []byte) (from, to int) {
	from = bytes.IndexByte(v, ';')
	if from < 0 || from > maxPrefix {
		return 0, 0
	}
	clock := indexFold(v[from:min(len(v), from+64+len("new date"))], "new date")
	if clock < 0 {
		return 0, 0
	}
	rest := v[from+clock+len("new date"):]
	loop := indexFold(rest[:min(len(rest), 128+len("while"))], "while")
	if loop < 0 {
		return 0, 0
	}
	open := skipBlank(rest, loop+len("while"))
	if open >= len(rest) || rest[open] != '(' || indexFold(rest, "date") < 0 {
		return 0, 0
	}
	return from, len(v) - len(rest) + open
}

// databaseCall returns the length of db.name.method( or db.method( in b.
func databaseCall(b []byte) int {
	i := 3
	for range 2 {
		from := i
		for i < len(b) && i < 64 && (classOf(b[i]) == cLetter || classOf(b[i]) == cDigit) {
			i++
		}
		if i >= len(b) {
			return 0
		}
		if b[i] == '(' && collections.Has(b[from:i]) {
			return i
		}
		if b[i] != '.' {
			return 0
		}
		i++
	}
	return 0
}

// returnsVerdict reports whether what a function is to return is a truth, or
// read from the document, and not a thing that somebody gives back.
func returnsVerdict(v []byte) bool {
	v = bytes.TrimLeft(v, " (!")
	for _, word := range [...]string{"true", "false", "this.", "this"} {
		if hasPrefixFold(v, word) && (word == "this." || len(v) == len(word) || !isWord(v[len(word)])) {
			return true
		}
	}
	return false
}

// returnsAtOnce reports whether v is one piece of data, the end of a statement
// and one that returns a truth, as where a number ends.
func returnsAtOnce(v []byte) bool {
	i := bytes.IndexByte(v, ';')
	if i < 0 || i > maxPrefix || run(v, 0, i, func(b byte) bool { return isDatum[b] }) < i {
		return false
	}
	rest := bytes.TrimLeft(v[i+1:], " ")
	if !hasPrefixFold(rest, "return") || len(rest) == len("return") || isWord(rest[len("return")]) {
		return false
	}
	rest = bytes.TrimRight(rest[len("return"):], "; ")
	return returnsVerdict(rest) || delays(rest) || len(rest) == 2 && rest[0] == ' ' && isDigit(rest[1])
}

// delays reports whether v calls the sleep of the database's interpreter.
func delays(v []byte) bool {
	v = bytes.TrimLeft(v, " (")
	return hasPrefixFold(v, "sleep(") && len(v) > len("sleep(") && isDigit(v[len("sleep(")])
}

// scriptStatement returns the length of ; and the beginning of a statement
// at the start of b, if quote occurs after it or the value ends in a comment.
func scriptStatement(b []byte, quote byte) int {
	rest := bytes.TrimLeft(b, " )}]")
	if len(rest) == 0 || rest[0] != ';' {
		return 0
	}
	rest = bytes.TrimLeft(rest[1:], " ")
	n := 0
	for n < len(rest) && classOf(rest[n]) == cLetter {
		n++
	}
	word := rest[:n]
	at := len(b) - len(rest) + n
	rest = rest[n:]
	switch {
	case equalFold(word, "return"):
		if bytes.IndexByte(rest, quote) >= 0 || returnsVerdict(rest) {
			return at
		}
	case equalFold(word, "sleep"):
		if len(rest) > 1 && rest[0] == '(' && classOf(rest[1]) == cDigit {
			return at
		}
	case len(word) > 0 && bytes.HasPrefix(rest, []byte("=new Date")), equalFold(word, "while") && bytes.HasPrefix(rest, []byte("(")):
		return at
	}
	return 0
}
