// Package shlex finds the commands in fragments of shell language, whichever quotes they began in.
package shlex

import "bytes"

// Lead is what puts a word in the position of a command.
type Lead uint8

// The leads.
const (
	Start    Lead = iota // the beginning of the text
	Semi                 // ;
	Pipe                 // |
	Amp                  // &
	Or                   // ||, as far from | as && from &
	And                  // &&
	Line                 // a line end
	Backtick             // `
	Subst                // $( and <( and >(
	Group                // ( and {
)

// A Command is a word in command position with what its arguments show.
// Name is valid until the next call of Next.
type Command struct {
	Lead     Lead
	At       int // of the lead
	Line     int // the start of the line that the lead is on
	Tick     int // of the last backtick before the lead, -1 for none
	From, To int // of the name as written
	End      int // of the arguments
	Name     []byte
	Path     bool // the name was given with its directory
	Bin      bool // that directory is one of programs
	Split    bool // quotes, escapes or empty variables split the name
	Glob     bool // wildcards stand in the path of the name
	Glued    bool // no space between the lead and the name
	IFS      bool // the variable IFS stands for a space
	Assigned bool // the name is what a variable is set to, and nothing is run

	Words    int  // arguments that are plain words
	Option   bool // an argument like -c or /c
	File     bool // an argument like a path
	Number   bool
	Var      bool // $x, $(x), %x%
	Redirect bool
	Quote    bool
	URL      bool
	Secret   bool // an argument names the system's files or shells
	Torn     bool // empty quotes, escapes or variables split an argument's word
}

// maxName is longer than the path of every program of interest.
const maxName = 64

// A Lexer yields the commands of src.
type Lexer struct {
	src  []byte
	pos  int
	lead Lead
	at   int
	line int
	tick int
	done bool
	name [maxName]byte
}

// New returns a lexer of src.
func New(src []byte) Lexer { return Lexer{src: src, tick: -1} }

// Next makes c the next command, or reports false at the end. It writes where
// the caller keeps the command: to return one took longer than to read it.
func (l *Lexer) Next(c *Command) bool {
	for !l.done {
		gap := l.pos
		l.skip()
		if l.runsNothing() {
			l.separator()
			continue
		}
		l.command(c, gap)
		l.separator()
		if len(c.Name) > 0 || c.IFS {
			return true
		}
	}
	return false
}

// skip goes to where something other than blanks and quotes follows.
func (l *Lexer) skip() {
	for l.pos < len(l.src) && skipped[l.src[l.pos]] {
		l.pos++
	}
}

// runsNothing reports whether a separator stands at pos, or what is no name and is handed
// nothing of interest, and goes to where that ends.
func (l *Lexer) runsNothing() bool {
	if l.pos == len(l.src) {
		return true
	}
	b := l.src[l.pos]
	return separators[b] || b == '$' && l.peek(l.pos+1) == '(' || nameSigns[b] == 0 && !inNames[b] && !l.spaced()
}

// skipped are the bytes that may stand in front of a name.
var skipped = func() (t [256]bool) {
	for b := range t {
		t[b] = blank(byte(b))
	}
	t['\''], t['"'], t['@'] = true, true, true
	return t
}()

// separators are the bytes that separate commands, wherever they stand.
var separators = [256]bool{';': true, '|': true, '\n': true, '\r': true, '`': true, '(': true, ')': true}

// command reads the word at pos, behind what may stand in front of it, which begins at
// gap, and its arguments.
func (l *Lexer) command(c *Command, gap int) {
	*c = Command{}
	c.Lead, c.At, c.Line, c.Tick = l.lead, l.at, l.line, l.tick
	l.prefix()
	c.Glued = l.pos == gap
	c.From = l.pos
	l.word(c)
	c.To = l.pos
	if !l.bounded() && !(c.Split && l.peek(c.From) == '{') {
		c.Name = nil
	}
	c.Bin = c.Path && programDir(c.Name)
	c.Glob = c.Glob && c.Path && wildPath(c.Name)
	c.Name = base(c.Name, c.Path)
	if len(c.Name) > 0 || c.IFS || l.spaced() {
		l.arguments(c)
	}
	c.End = l.pos
}

// prefix skips what may stand in front of a name.
func (l *Lexer) prefix() {
	for i := l.pos; i < len(l.src); i++ {
		switch b := l.src[i]; {
		case skipped[b]:
		case b == '{' && (l.peek(i+1) == '{' || i > 0 && l.src[i-1] == '{'):
		case b == '^' && letter(l.peek(i+1)) && l.peek(i+2) == '^':
		default:
			return
		}
		l.pos = i + 1
	}
}

// word reads the command's name and takes out what splits it.
func (l *Lexer) word(c *Command) {
	n, signs, assigned, quoted, open := 0, uint16(0), false, false, byte(0)
	src, i := l.src, l.pos
	if i > 0 && (src[i-1] == '\'' || src[i-1] == '"') {
		open = src[i-1]
	}
name:
	for i < len(src) {
		b := src[i]
		if sign := nameSigns[b]; sign != 0 {
			if n < maxName {
				l.name[n] = byte(sign)
				n++
			}
			signs |= sign
			i++
			continue
		}
		switch {
		case !inNames[b]:
			break name
		case b == '+':
			if n > 1 && (letter(l.peek(i+1)) || l.peek(i+1) == '-') { // a space that nobody decoded
				break name
			}
			if n < maxName {
				l.name[n] = b
				n++
			}
		case b == '\\':
			switch {
			case n > 1 && l.name[1] == ':' && letter(l.peek(i+1)): // a drive
				if n < maxName {
					l.name[n] = '/'
					n++
				}
				signs |= pathSign
			case n > 0 && letter(l.peek(i+1)):
				c.Split = true
			default:
				break name
			}
		case (b == '\'' || b == '"') && assigned && n == 0 && l.stringEnd(i) > 0:
			i, quoted = l.stringEnd(i), true
			continue
		case b == '\'' || b == '"' || b == '^':
			next := l.peek(i + 1)
			pair := letter(next) && (b == '^' || b == open || l.pairs(i+1, b)) // and no apostrophe
			if n == 0 || !pair && next != b && next != '/' {
				break name
			}
			c.Split = c.Split || next == b || pair && l.closes(i+1, b)
			switch {
			case open == b:
				open = 0
			case next != b:
				open = b
			}
			if next == b {
				i++
			}
		case b == '$':
			k := l.variable(i)
			if k == 0 {
				break name
			}
			if k < 0 {
				c.IFS = true
				i += -k
				break name
			}
			c.Split = c.Split || n > 0
			i += k
			continue
		case b == '=' && n > 0: // an assignment stands before a command
			n, signs, c.Split, assigned = 0, 0, false, true
			c.From = i + 1
		case blank(b) && assigned && (n > 0 || quoted) && l.named(l.skipBlank(i)):
			n, signs, c.Split, assigned = 0, 0, false, false
			i = l.skipBlank(i)
			c.From = i
			continue
		case b == '{' && n == 0 && l.brace(i):
			c.Split = true
		default:
			break name
		}
		i++
	}
	c.Path, c.Glob = signs&pathSign != 0, signs&globSign != 0
	c.Name, c.Assigned, l.pos = l.name[:n], assigned && (i == len(src) || !blank(src[i])), i
	if assigned && i < len(src) && src[i] == '%' && !has(src[i:], "%20") {
		c.Name = nil // the beginning of a text that was escaped
	}
}

// What is added to the signs of names that say what they are.
const (
	pathSign uint16 = 0x100 << iota
	globSign
)

// nameSigns are the bytes that names are made of, as they are compared, and inNames
// others that may stand in them.
var nameSigns, inNames = makeNameSigns()

func makeNameSigns() (*[256]uint16, *[256]bool) {
	signs, others := new([256]uint16), new([256]bool)
	for b := range signs {
		if letter(byte(b)) || digit(byte(b)) {
			signs[b] = uint16(lower(byte(b)))
		}
		others[b] = blank(byte(b)) // behind what is set
	}
	for _, b := range []byte("_.-:/?*[]") {
		signs[b] = uint16(b)
	}
	signs['/'] |= pathSign
	for _, b := range []byte("?*[]") {
		signs[b] |= globSign
	}
	for _, b := range []byte(`+\'"^$={`) {
		others[b] = true
	}
	return signs, others
}

// skipBlank returns where something other than blanks follows from i on.
func (l *Lexer) skipBlank(i int) int {
	for i < len(l.src) && blank(l.src[i]) {
		i++
	}
	return i
}

// named reports whether the name of a command, or its path, begins at i.
func (l *Lexer) named(i int) bool {
	b := l.peek(i)
	return letter(b) || b == '/' || b == '.' && l.peek(i+1) == '/'
}

// maxAssigned bounds the text that is assigned to a variable before a command.
const maxAssigned = 160

// stringEnd returns where the string that begins at i ends, or 0.
func (l *Lexer) stringEnd(i int) int {
	for j, end := i+1, min(len(l.src), i+maxAssigned); j < end; j++ {
		if l.src[j] == l.src[i] {
			return j + 1
		}
	}
	return 0
}

// bounded reports whether a name ends at pos: what follows can stand behind
// a command.
func (l *Lexer) bounded() bool {
	b := l.peek(l.pos)
	if !binds[b] {
		return true
	}
	next := l.peek(l.pos + 1)
	return (b == '"' || b == '\'') && next != ',' && next != ':' && next != ']' && !letter(next)
}

// binds are the bytes that make what stands before them no name, quotes not always.
var binds = [256]bool{',': true, '(': true, '=': true, ':': true, '!': true, '{': true, '"': true, '\'': true}

// closes reports whether the quote b ends within a few bytes from i, with
// letters only before it.
func (l *Lexer) closes(i int, b byte) bool {
	for end := min(i+8, len(l.src)); i < end; i++ {
		if l.src[i] == b {
			return true
		}
		if !letter(l.src[i]) {
			return false
		}
	}
	return false
}

// maxQuoted is longer than what is quoted in the name of a command.
const maxQuoted = 24

// pairs reports whether the quote b ends in the word that goes on at i.
func (l *Lexer) pairs(i int, b byte) bool {
	for end := min(i+maxQuoted, len(l.src)); i < end && l.src[i] > ' '; i++ {
		if l.src[i] == b {
			return true
		}
	}
	return false
}

// brace reports whether a word{,word} expansion begins at at: {cat,/etc/passwd}.
func (l *Lexer) brace(at int) bool {
	for i := at + 1; i < len(l.src) && i < at+24; i++ {
		switch b := l.src[i]; {
		case b == ',':
			return i > at+2
		case !letter(b) && b != '/':
			return false
		}
	}
	return false
}

// maxVariable bounds the length of a variable that is taken to be unset.
const maxVariable = 12

// variable returns the length of a variable at i that expands to nothing,
// minus the length of one that expands to a space, or 0.
func (l *Lexer) variable(i int) int {
	rest := l.src[i:]
	if len(rest) < 2 {
		return 0
	}
	switch rest[1] {
	case '@', '*', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '!', '?', '$', '_', '-':
		return 2
	case '(':
		if has(rest, "$()") {
			return 3
		}
	case 'I':
		if !has(rest, "$IFS") {
			return 0
		}
		n := 4
		if n+1 < len(rest) && rest[n] == '$' && digit(rest[n+1]) {
			n += 2
		}
		return -n
	case '{':
		return bracedVariable(rest)
	}
	return 0
}

// bracedVariable is variable for one in braces.
func bracedVariable(rest []byte) int {
	if has(rest, "${IFS") {
		for i := 5; i < len(rest) && i < 24; i++ {
			if rest[i] == '}' {
				return -(i + 1)
			}
		}
		return 0
	}
	if len(rest) < 4 {
		return 0
	}
	for i := 2; i < len(rest) && i < maxVariable; i++ {
		if b := rest[i]; b == '}' && i > 2 {
			return i + 1
		} else if !letter(b) && !digit(b) && b != '_' && b != '@' {
			return 0
		}
	}
	return 0
}

// sub ends what cmd.exe reads as a line.
const sub = 0x1a

// cuts reports whether the byte at i is a sub, early in the text and beside
// what may be a command, and so not one of binary data.
func (l *Lexer) cuts(i int) bool {
	return l.src[i] == sub && i < maxName && letter(l.peek(i+1)) && (i == 0 || l.src[i-1] >= ' ' && l.src[i-1] < 0x7f)
}

// redirected reports whether the & at i belongs to >& or &>.
func (l *Lexer) redirected(i int) bool {
	return i > 0 && l.src[i-1] == '>' || l.peek(i+1) == '>'
}

// entity returns the length of the character reference at at, or 0.
func (l *Lexer) entity(at int) int {
	for i := at + 1; i < len(l.src) && i < at+10; i++ {
		switch b := l.src[i]; {
		case b == ';':
			switch string(l.src[at+1 : i]) {
			case "id", "ls", "ps", "w", "sh", "cat", "dir", "env", "pwd", "who", "date", "whoami", "uname", "bash", "curl", "wget", "nc", "netstat", "reboot", "ifconfig", "ipconfig":
				return 0 // no reference of HTML has these names
			}
			return i + 1 - at
		case !letter(b) && !digit(b) && b != '#':
			return 0
		}
	}
	return 0
}

// separator reads what stands at pos and sets the lead of the next command.
func (l *Lexer) separator() {
	if l.pos >= len(l.src) {
		l.done = true
		return
	}
	if l.at != l.pos { // not the first one
		switch l.src[l.at] {
		case '\n':
			l.line = l.at + 1
		case '`':
			l.tick = l.at
		}
	}
	l.at = l.pos
	b, next := l.src[l.pos], l.peek(l.pos+1)
	l.pos++
	l.lead = leads[b]
	switch {
	case next == '(' && (b == '$' || b == '<' || b == '>'):
		l.lead = Subst
		l.pos++
	case next == b && (b == '|' || b == '&'):
		l.lead += doubled
		l.pos++
	}
}

// doubled is what separates the lead of && from that of &, and of || from |.
const doubled = And - Amp

// leads are those of separators of one byte.
var leads = func() (t [256]Lead) {
	for b := range t {
		t[b] = Group
	}
	t[';'], t[sub], t['|'], t['&'] = Semi, Semi, Pipe, Amp
	t['\n'], t['\r'], t['`'] = Line, Line, Backtick
	return t
}()

// secret reports whether a path at the start of b leads to what attacks
// read or run first.
func secret(b []byte) bool {
	if len(b) < 2 {
		return false
	}
	switch lower(b[1]) {
	case 'e', 'b', 'd', 'p', 't', 'u', 'r', 'w':
	default:
		return false
	}
	for _, p := range [...]string{"/etc/", "/bin/", "/dev/", "/proc/", "/tmp/", "/passwd", "/usr/bin/", "/root", "\\windows\\", "/boot.ini", "/winnt", "\\winnt"} {
		if hasFold(b, p) {
			return true
		}
	}
	return false
}

// programDir reports whether the path is that of a program.
func programDir(name []byte) bool {
	for i := 0; i+4 <= len(name); i++ {
		if string(name[i:i+4]) != "bin/" && (i+9 > len(name) || string(name[i:i+9]) != "system32/") {
			continue
		}
		from := i
		if from > 0 && name[from-1] == 's' { // sbin
			from--
		}
		if from == 0 || !letter(name[from-1]) && name[from-1] != '_' {
			return true
		}
	}
	return false
}

// wildPath reports whether the first directory of a path with wildcards, or
// the name after it, stands for one of the system's.
func wildPath(name []byte) bool {
	if len(name) < 5 || name[0] != '/' || len(name) > 40 {
		return false
	}
	end := 1
	for end < len(name) && name[end] != '/' {
		if name[end] == '=' || name[end] == '-' {
			return false
		}
		end++
	}
	if end == len(name) || bytes.Contains(name, []byte("**")) {
		return false // a comment, or a pattern of routes
	}
	plain := !bytes.ContainsAny(name[1:end], "?*[")
	for _, dir := range [...]string{"bin", "usr", "sbin", "etc", "dev", "tmp"} {
		if match(name[1:end], dir) {
			return !plain || dir[0] == 'u' || dir[0] == 'b' || dir[0] == 's' // no program is in /etc/*.d
		}
	}
	return false
}

// match reports whether a pattern of ?, * and [x] stands for the word.
func match(pattern []byte, word string) bool {
	i := 0
	for p := 0; p < len(pattern); p++ {
		switch pattern[p] {
		case '*':
			return p > 0 || len(pattern) > 1
		case '[':
			for p < len(pattern) && pattern[p] != ']' {
				p++
			}
		case '?':
		default:
			if i >= len(word) || pattern[p] != word[i] {
				return false
			}
		}
		i++
	}
	return i == len(word)
}

// base returns the name without its directory and the extension of a
// program.
func base(name []byte, path bool) []byte {
	for i := len(name) - 1; path && i >= 0; i-- {
		if name[i] == '/' {
			name = name[i+1:]
			break
		}
	}
	return name[:len(name)-extension(name)]
}

// extension returns the length of the extension of a program that name has.
func extension(name []byte) int {
	n := len(name)
	switch {
	case n > 4 && name[n-4] == '.':
		switch string(name[n-3:]) {
		case "exe", "com", "bat", "cmd":
			return 4
		}
	case n > 3 && string(name[n-3:]) == ".sh":
		return 3
	}
	return 0
}

func (l *Lexer) peek(i int) byte {
	if i >= len(l.src) {
		return 0
	}
	return l.src[i]
}

func has(b []byte, s string) bool { return len(b) >= len(s) && string(b[:len(s)]) == s }

func hasFold(b []byte, s string) bool {
	if len(b) < len(s) {
		return false
	}
	for i := range len(s) {
		if lower(b[i]) != s[i] {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if c-'A' < 26 {
		c |= 0x20
	}
	return c
}

func blank(c byte) bool  { return c == ' ' || c == '\t' || c == '+' || c == 0 || c == 0x0b || c == 0x0c }
func digit(c byte) bool  { return c >= '0' && c <= '9' }
func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
