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
	And                  // &&
	Or                   // ||
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
		if l.nothing() {
			l.separator()
			continue
		}
		l.command(c)
		l.separator()
		if len(c.Name) > 0 || c.IFS {
			return true
		}
	}
	return false
}

// nothing reports whether another separator follows at once, or behind blanks
// and quotes, and goes there.
func (l *Lexer) nothing() bool {
	i := l.pos
	for i < len(l.src) && class[l.src[i]] == skipped {
		i++
	}
	if i == len(l.src) || class[l.src[i]] != separates && !(l.src[i] == '$' && l.peek(i+1) == '(') {
		return false
	}
	l.pos = i
	return true
}

// The classes of bytes.
const (
	other     uint8 = iota
	skipped         // in front of a name
	separates       // commands, wherever it stands
	plain           // in an argument, says nothing
	letters
	digits
)

var class = makeClass()

func makeClass() *[256]uint8 {
	t := new([256]uint8)
	for i := range t {
		b := byte(i)
		switch {
		case blank(b) || b == '"' || b == '\'' || b == '@':
			t[i] = skipped
		case letter(b):
			t[i] = letters
		case digit(b):
			t[i] = digits
		default:
			t[i] = plain
		}
	}
	for _, b := range ";|\n\r`()" {
		t[b] = separates
	}
	for _, b := range "&$%<>/~\\-\x1a" {
		t[b] = other
	}
	return t
}

// command reads the word and the arguments at pos.
func (l *Lexer) command(c *Command) {
	*c = Command{}
	c.Lead, c.At, c.Line, c.Tick = l.lead, l.at, l.line, l.tick
	gap := l.pos
	for l.pos < len(l.src) && (blank(l.src[l.pos]) || l.src[l.pos] == '"' || l.src[l.pos] == '\'' || l.src[l.pos] == '@' || l.src[l.pos] == '{' && (l.peek(l.pos+1) == '{' || l.pos > 0 && l.src[l.pos-1] == '{') || l.src[l.pos] == '^' && letter(l.peek(l.pos+1)) && l.peek(l.pos+2) == '^') {
		l.pos++
	}
	c.Glued = gap == l.pos
	c.From = l.pos
	l.word(c)
	c.To = l.pos
	if !l.bounded() && !(c.Split && l.peek(c.From) == '{') {
		c.Name = nil
	}
	c.Bin = c.Path && programDir(c.Name)
	c.Glob = c.Glob && wildPath(c.Name)
	c.Name = base(c.Name, c.Path)
	l.arguments(c)
	c.End = l.pos
}

// word reads the command's name and takes out what splits it.
func (l *Lexer) word(c *Command) {
	n, assigned, quoted, open := 0, false, false, byte(0)
	if l.pos > 0 && (l.src[l.pos-1] == '\'' || l.src[l.pos-1] == '"') {
		open = l.src[l.pos-1]
	}
	put := func(b byte) {
		if n < maxName {
			l.name[n] = b
			n++
		}
	}
	for l.pos < len(l.src) {
		b := l.src[l.pos]
		if k := class[b]; k == letters || k == digits {
			if n < maxName {
				l.name[n] = lower(b)
				n++
			}
			l.pos++
			continue
		}
		switch {
		case b == '+' && n > 1 && (letter(l.peek(l.pos+1)) || l.peek(l.pos+1) == '-'): // a space that nobody decoded
			c.Name = l.name[:n]
			return
		case b == '_' || b == '.' || b == '-' || b == ':' || b == '+':
			put(b)
		case b == '/':
			put('/')
			c.Path = true
		case b == '\\':
			switch {
			case n > 1 && l.name[1] == ':' && letter(l.peek(l.pos+1)): // a drive
				put('/')
				c.Path = true
			case n > 0 && letter(l.peek(l.pos+1)):
				c.Split = true
			default:
				c.Name = l.name[:n]
				return
			}
		case (b == '\'' || b == '"') && assigned && n == 0 && l.stringEnd(l.pos) > 0:
			l.pos, quoted = l.stringEnd(l.pos), true
			continue
		case b == '\'' || b == '"' || b == '^':
			next := l.peek(l.pos + 1)
			pair := letter(next) && (b == '^' || b == open || l.pairs(l.pos+1, b)) // and no apostrophe
			if n > 0 && (pair || next == b || next == '/') {
				c.Split = c.Split || next == b || pair && l.closes(l.pos+1, b)
				switch {
				case open == b:
					open = 0
				case next != b:
					open = b
				}
				if next == b {
					l.pos++
				}
			} else {
				c.Name = l.name[:n]
				return
			}
		case b == '?' || b == '*' || b == '[' || b == ']':
			c.Glob = c.Path
			put(b)
		case b == '$':
			k := l.variable()
			if k == 0 {
				c.Name = l.name[:n]
				return
			}
			if k < 0 {
				c.IFS = true
				l.pos += -k
				c.Name = l.name[:n]
				return
			}
			c.Split = c.Split || n > 0
			l.pos += k
			continue
		case b == '=' && n > 0: // an assignment stands before a command
			n, c.Path, c.Split, c.Glob, assigned = 0, false, false, false, true
			c.From = l.pos + 1
		case blank(b) && assigned && (n > 0 || quoted) && letter(l.peek(l.pos+1)):
			n, c.Path, c.Split, c.Glob, assigned = 0, false, false, false, false
			c.From = l.pos + 1
		case b == '{' && n == 0 && l.brace():
			c.Split = true
		default:
			c.Name = l.name[:n]
			return
		}
		l.pos++
	}
	c.Name = l.name[:n]
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
	switch b := l.peek(l.pos); b {
	case ',', '(', '=', ':', '!', '{':
		return false
	case '"', '\'':
		next := l.peek(l.pos + 1)
		return next != ',' && next != ':' && next != ']' && !letter(next)
	}
	return true
}

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

// brace reports whether a word{,word} expansion begins here: {cat,/etc/passwd}.
func (l *Lexer) brace() bool {
	for i := l.pos + 1; i < len(l.src) && i < l.pos+24; i++ {
		switch b := l.src[i]; {
		case b == ',':
			return i > l.pos+2
		case !letter(b) && b != '/':
			return false
		}
	}
	return false
}

// maxVariable bounds the length of a variable that is taken to be unset.
const maxVariable = 12

// variable returns the length of a variable at pos that expands to nothing,
// minus the length of one that expands to a space, or 0.
func (l *Lexer) variable() int {
	rest := l.src[l.pos:]
	switch {
	case has(rest, "${IFS"):
		for i := 5; i < len(rest) && i < 24; i++ {
			if rest[i] == '}' {
				return -(i + 1)
			}
		}
	case has(rest, "$IFS"):
		n := 4
		if n+1 < len(rest) && rest[n] == '$' && digit(rest[n+1]) {
			n += 2
		}
		return -n
	case has(rest, "$()"):
		return 3
	case len(rest) > 1 && (rest[1] == '@' || rest[1] == '*' || digit(rest[1]) || rest[1] == '!' || rest[1] == '?' || rest[1] == '$' || rest[1] == '_' || rest[1] == '-'):
		return 2
	case len(rest) > 3 && rest[1] == '{':
		for i := 2; i < len(rest) && i < maxVariable; i++ {
			if b := rest[i]; b == '}' && i > 2 {
				return i + 1
			} else if !letter(b) && !digit(b) && b != '_' && b != '@' {
				return 0
			}
		}
	}
	return 0
}

// arguments reads up to the next separator.
func (l *Lexer) arguments(c *Command) {
	fresh, slash := false, false
	for l.pos < len(l.src) {
		b := l.src[l.pos]
		switch class[b] {
		case plain, letters, digits:
			switch {
			case !fresh:
			case class[b] == digits:
				c.Number = true
			case class[b] == letters:
				c.Words++
			}
			fresh = false
			l.pos++
			continue
		}
		slash = b == '/' || slash && !blank(b)
		if b == '\\' && slash && letter(l.src[l.pos-1]) && letter(l.peek(l.pos+1)) {
			c.Torn = true
		}
		switch {
		case b == '&':
			n := l.entity()
			if n == 0 && !l.redirected() {
				return
			}
			if n > 0 { // of HTML; the decoded text is a value of its own
				l.pos += n
				continue
			}
		case b == ';' || b == '|' || b == '\n' || b == '\r' || l.cuts(l.pos) || b == '`' || b == ')':
			return
		case b == '(' || b == '$' && l.peek(l.pos+1) == '(' || (b == '<' || b == '>') && l.peek(l.pos+1) == '(':
			c.Var = c.Var || b == '$'
			return
		case b == '$':
			k := l.variable()
			if k < 0 {
				c.IFS = true
				fresh = true
				l.pos += -k
				continue
			}
			c.Var = true
			if k > 0 && l.pos > 0 && letter(l.src[l.pos-1]) && letter(l.peek(l.pos+k)) {
				c.Torn = true
			}
		case b == '%' && letter(l.peek(l.pos+1)):
			c.Var = true
		case blank(b):
			fresh = true
			l.pos++
			continue
		case b == '>' || b == '<':
			c.Redirect = true
		case b == '/' || b == '~' || b == '\\' && (letter(l.peek(l.pos+1)) || l.pos > 0 && l.src[l.pos-1] == ':'):
			c.File = c.File || letter(l.peek(l.pos+1)) || l.peek(l.pos+1) == '/' || l.peek(l.pos+1) == '*' || l.peek(l.pos+1) == '?'
			c.File = c.File || fresh && b == '/' && (l.pos+1 == len(l.src) || blank(l.peek(l.pos+1)))
			c.File = c.File || b == '\\' && l.pos > 0 && l.src[l.pos-1] == ':'
			c.URL = c.URL || l.peek(l.pos+1) == '/' && l.pos > 0 && l.src[l.pos-1] == ':'
			c.Secret = c.Secret || b != '~' && secret(l.src[l.pos:])
		case b == '"' || b == '\'':
			c.Quote = true
			c.Torn = c.Torn || l.peek(l.pos+1) == b && l.pos > 0 && letter(l.src[l.pos-1]) && letter(l.peek(l.pos+2))
			l.pos++
			continue
		case fresh && (b == '-' && (letter(l.peek(l.pos+1)) || l.peek(l.pos+1) == '-')):
			c.Option = true
		}
		fresh = false
		l.pos++
	}
}

// sub ends what cmd.exe reads as a line.
const sub = 0x1a

// cuts reports whether the byte at i is a sub, early in the text and beside
// what may be a command, and so not one of binary data.
func (l *Lexer) cuts(i int) bool {
	return l.src[i] == sub && i < maxName && letter(l.peek(i+1)) && (i == 0 || l.src[i-1] >= ' ' && l.src[i-1] < 0x7f)
}

// redirected reports whether the & at pos belongs to >& or &>.
func (l *Lexer) redirected() bool {
	return l.pos > 0 && l.src[l.pos-1] == '>' || l.peek(l.pos+1) == '>'
}

// entity returns the length of the character reference at pos, or 0.
func (l *Lexer) entity() int {
	for i := l.pos + 1; i < len(l.src) && i < l.pos+10; i++ {
		switch b := l.src[i]; {
		case b == ';':
			switch string(l.src[l.pos+1 : i]) {
			case "id", "ls", "ps", "w", "sh", "cat", "dir", "env", "pwd", "who", "date", "whoami", "uname", "bash", "curl", "wget", "nc", "netstat", "reboot", "ifconfig", "ipconfig":
				return 0 // no reference of HTML has these names
			}
			return i + 1 - l.pos
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
	switch b := l.src[l.at]; {
	case l.at == l.pos: // the first one
	case b == '\n':
		l.line = l.at + 1
	case b == '`':
		l.tick = l.at
	}
	l.at = l.pos
	b := l.src[l.pos]
	l.pos++
	next := l.peek(l.pos)
	switch {
	case b == ';':
		l.lead = Semi
	case b == '|' && next == '|':
		l.lead = Or
		l.pos++
	case b == '|':
		l.lead = Pipe
	case b == '&' && next == '&':
		l.lead = And
		l.pos++
	case b == '&':
		l.lead = Amp
	case b == '\n' || b == '\r':
		l.lead = Line
	case b == sub:
		l.lead = Semi
	case b == '`':
		l.lead = Backtick
	case (b == '$' || b == '<' || b == '>') && next == '(':
		l.lead = Subst
		l.pos++
	default:
		l.lead = Group
	}
}

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
