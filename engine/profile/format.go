package profile

import (
	"bytes"
	"fmt"
)

// Format is the most specific format that a value has. Numbers never change
// their meaning: sketches are stored.
type Format uint8

// The formats.
const (
	Other      Format = iota
	Empty             //
	Bool              // true false yes no on off null
	Int               // 42 -7
	Float             // 3.14 1e9
	UUID              //
	Date              // 2024-02-29
	DateTime          // 2024-02-29T10:00:00Z, RFC 3339 and close to it
	Email             //
	URL               // with a scheme
	Host              // example.com
	IP                // v4 or v6
	Hex               // 8 digits or more, with a letter
	ULID              // Crockford base 32, 26 characters
	Base64            // 16 characters or more, mixed case with digits, or padded
	JWT               //
	Identifier        // letters, digits, - and _, not all letters
	Word              // letters of any script
	Words             // words, numbers and identifiers with spaces between
	Sentence          // words with the punctuation of prose
	JSON              // { } or [ ]
	Markup            // < >
	Path              // /a/b
	Phone             // +49 30 123456
	List              // 1,2,3 or a,b,c
	Time              // 10:30, 10:30:59
	Color             // #a0b1c2
	Version           // 1.2.3

	numFormats
)

var formatNames = [numFormats]string{"other", "empty", "bool", "int", "float", "uuid", "date", "date-time", "email",
	"url", "host", "ip", "hex", "ulid", "base64", "jwt", "identifier", "word", "words", "sentence", "json", "markup",
	"path", "phone", "list", "time", "color", "version"}

// String returns the name of f, as the API and templates spell it.
func (f Format) String() string {
	if f < numFormats {
		return formatNames[f]
	}
	return fmt.Sprintf("format(%d)", uint8(f))
}

// Sets of classes that decide which recognisers are worth asking.
const (
	inInt        = 1<<Digit | 1<<Dash
	inNumber     = inInt | 1<<Dot | 1<<Letter | 1<<Punct
	inIdentifier = 1<<Digit | 1<<Letter | 1<<Dash
	inWord       = 1<<Letter | 1<<High
	inWords      = inIdentifier | 1<<High | 1<<Space
)

// formatOf returns the format of v, which holds the classes in set, as far as
// syntax tells it.
func formatOf(v []byte, set uint16) Format {
	switch {
	case len(v) == 0:
		return Empty
	case set == 1<<Digit:
		return Int
	case set == 1<<Letter:
		return letters(v)
	case set&^inIdentifier == 0:
		return identifier(v)
	case set&^inWord == 0:
		return Word
	}
	if f := structured(v, set); f != Other {
		return f
	}
	if set&^inWords == 0 && set&(1<<Letter|1<<High) != 0 {
		return Words
	}
	return Other
}

func letters(v []byte) Format {
	switch string(v) {
	case "true", "false", "True", "False", "TRUE", "FALSE", "yes", "no", "on", "off", "null":
		return Bool
	}
	switch {
	case isHex(v) && len(v) >= 16:
		return Hex
	case len(v) >= 24 && isMixed(v):
		return Base64
	}
	return Word
}

// identifier returns the format of a value of letters, digits, - and _.
func identifier(v []byte) Format {
	switch {
	case isInt(v):
		return Int
	case isUUID(v):
		return UUID
	case isDate(v):
		return Date
	case isHex(v) && len(v) >= 8:
		return Hex
	case isULID(v):
		return ULID
	case isFloat(v):
		return Float
	case len(v) >= 16 && isMixed(v):
		return Base64
	case isPhone(v):
		return Phone
	}
	return Identifier
}

// structured returns the format of a value with a syntax of its own. What
// its classes rule out is not asked.
func structured(v []byte, set uint16) Format {
	has := func(classes uint16) bool { return set&classes != 0 }
	switch {
	case isJSON(v):
		return JSON
	case has(1<<Angle) && v[0] == '<' && v[len(v)-1] == '>':
		return Markup
	case has(1<<Digit) && isDateTime(v):
		return DateTime
	case !has(1<<Letter) && (v[0] == '+' || has(1<<Space)) && isPhone(v):
		return Phone
	case has(1 << Space):
		return Other
	case !has(^uint16(inNumber)) && isFloat(v):
		return Float
	case isIP(v):
		return IP
	case set == 1<<Digit|1<<Dot && isVersion(v):
		return Version
	case set == 1<<Digit|1<<Punct && isTime(v):
		return Time
	case !has(1<<Letter) && isPhone(v):
		return Phone
	case has(1<<Punct) && isColor(v):
		return Color
	case has(1<<Dot) && isJWT(v):
		return JWT
	case has(1<<At) && isEmail(v):
		return Email
	case has(1<<Dot) && isHost(v):
		return Host
	case has(1<<Slash) && isURL(v):
		return URL
	case has(1<<Punct) && isList(v):
		return List
	case isBase64(v):
		return Base64
	case has(1<<Slash) && isPath(v):
		return Path
	}
	return Other
}

// isJSON looks at both ends alone: whether the document is one to its end is
// for a parser to find out.
func isJSON(v []byte) bool {
	open, last := v[0], v[len(v)-1]
	if len(v) < 2 || (open != '{' || last != '}') && (open != '[' || last != ']') {
		return false
	}
	first := bytes.TrimLeft(v[1:], " \t\r\n")[0]
	if open == '{' {
		return first == '"' || first == '}'
	}
	return bytes.IndexByte([]byte("]\"[{-0123456789tfn"), first) >= 0
}

func digits(v []byte) int {
	n := 0
	for n < len(v) && classOf[v[n]] == Digit {
		n++
	}
	return n
}

func isInt(v []byte) bool {
	if v[0] == '-' {
		v = v[1:]
	}
	return len(v) > 0 && digits(v) == len(v)
}

func isFloat(v []byte) bool {
	if v[0] == '-' || v[0] == '+' {
		v = v[1:]
	}
	whole := digits(v)
	v = v[whole:]
	if len(v) > 0 && v[0] == '.' {
		n := digits(v[1:])
		whole += n
		v = v[1+n:]
	}
	if whole == 0 {
		return false
	}
	if len(v) > 0 && v[0]|0x20 == 'e' {
		v = v[1:]
		if len(v) > 0 && (v[0] == '-' || v[0] == '+') {
			v = v[1:]
		}
		return len(v) > 0 && digits(v) == len(v)
	}
	return len(v) == 0
}

func isHex(v []byte) bool {
	for _, c := range v {
		if hexVal[c] > 15 {
			return false
		}
	}
	return true
}

// isMixed says whether a token changes so often between upper case, lower
// case and digits that no person wrote it.
func isMixed(v []byte) bool {
	turns, last, seen := 0, 0, 0
	for _, c := range v {
		kind := last
		switch {
		case classOf[c] == Digit:
			kind = 1
		case 'a' <= c && c <= 'z':
			kind = 2
		case 'A' <= c && c <= 'Z':
			kind = 4
		}
		if kind != last {
			turns++
		}
		seen |= kind
		last = kind
	}
	return seen&6 == 6 && turns*4 >= len(v)
}

func isUUID(v []byte) bool {
	return len(v) == 36 && matches(v, "hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh")
}

// matches says whether v has the shape, in which d stands for a digit, h for
// a hexadecimal one and any other character for itself.
func matches(v []byte, shape string) bool {
	if len(v) != len(shape) {
		return false
	}
	for i, c := range v {
		switch s := shape[i]; s {
		case 'd':
			if classOf[c] != Digit {
				return false
			}
		case 'h':
			if hexVal[c] > 15 {
				return false
			}
		default:
			if c != s {
				return false
			}
		}
	}
	return true
}

func isULID(v []byte) bool {
	if len(v) != 26 || v[0] > '7' {
		return false
	}
	for _, c := range v {
		if c |= 0x20; classOf[c] != Letter && (c < '0' || '9' < c) || c == 'i' || c == 'l' || c == 'o' || c == 'u' {
			return false
		}
	}
	return true
}

func isDate(v []byte) bool {
	return matches(v, "dddd-dd-dd") && number(v[5:7], 1, 12) && number(v[8:10], 1, 31)
}

// number says whether the digits v are a number within low and high.
func number(v []byte, low, high int) bool {
	n := 0
	for _, c := range v {
		n = n*10 + int(c-'0')
	}
	return low <= n && n <= high
}

func isDateTime(v []byte) bool {
	if len(v) < 16 || len(v) > 35 || !isDate(v[:10]) || v[10] != 'T' && v[10] != 't' && v[10] != ' ' {
		return false
	}
	clock := v[11:]
	n := 0
	for n < len(clock) && (classOf[clock[n]] == Digit || clock[n] == ':' || clock[n] == '.') {
		n++
	}
	zone := clock[n:]
	fraction := bytes.IndexByte(clock[:n], '.')
	if fraction >= 0 && digits(clock[fraction+1:n]) == n-fraction-1 {
		n = fraction
	}
	return isTime(clock[:n]) && isZone(zone)
}

func isZone(v []byte) bool {
	if len(v) == 0 || len(v) == 1 && v[0]|0x20 == 'z' {
		return true
	}
	return (v[0] == '+' || v[0] == '-' || v[0] == ' ') && (matches(v[1:], "dd:dd") || matches(v[1:], "dddd"))
}

func isTime(v []byte) bool {
	return (matches(v, "dd:dd") || matches(v, "dd:dd:dd")) && number(v[:2], 0, 24) && number(v[3:5], 0, 59)
}

func isColor(v []byte) bool {
	return v[0] == '#' && (len(v) == 4 || len(v) == 7 || len(v) == 9) && isHex(v[1:])
}

// isJWT: three parts in base64url of which the first begins with {".
func isJWT(v []byte) bool {
	if len(v) < 20 || v[0] != 'e' || v[1] != 'y' {
		return false
	}
	dots := 0
	for _, c := range v {
		if c == '.' {
			dots++
		} else if inIdentifier>>classOf[c]&1 == 0 {
			return false
		}
	}
	return dots == 2
}

func isEmail(v []byte) bool {
	at := bytes.IndexByte(v, '@')
	if at < 1 || at > 64 || !isHost(v[at+1:]) {
		return false
	}
	for _, c := range v[:at] {
		if (inIdentifier|1<<Dot)>>classOf[c]&1 == 0 && c != '+' {
			return false
		}
	}
	return true
}

// isHost: labels of letters, digits and -, at least two, the last one
// letters; a port may follow.
func isHost(v []byte) bool {
	if i := bytes.LastIndexByte(v, ':'); i >= 0 {
		if n := len(v) - i - 1; n == 0 || n > 5 || digits(v[i+1:]) != n {
			return false
		}
		v = v[:i]
	}
	if len(v) < 4 || len(v) > 253 {
		return false
	}
	label, dots, last := 0, 0, Letter
	for i, c := range v {
		class := int(classOf[c])
		switch {
		case class == Dot:
			if label == 0 || v[i-1] == '-' {
				return false
			}
			label, last = 0, Letter
			dots++
			continue
		case class == Digit || c == '-' && label > 0:
			last = Digit
		case class != Letter:
			return false
		}
		label++
	}
	return dots > 0 && label > 1 && last == Letter
}

func isIP(v []byte) bool {
	if len(v) < 2 || len(v) > 45 {
		return false
	}
	if classOf[v[0]] == Digit && bytes.Count(v, dot) == 3 && isIPv4(v) {
		return true
	}
	colons := 0
	for i, c := range v {
		if c == ':' {
			colons++
		} else if hexVal[c] > 15 {
			return colons >= 2 && c == '.' && isIPv4(v[bytes.LastIndexByte(v[:i], ':')+1:])
		}
	}
	return colons == 7 || colons >= 2 && colons <= 7 && bytes.Contains(v, colonColon)
}

var dot, colonColon = []byte("."), []byte("::")

func isIPv4(v []byte) bool {
	for i := range 4 {
		n := digits(v)
		if n == 0 || n > 3 || !number(v[:n], 0, 255) {
			return false
		}
		if v = v[n:]; i < 3 {
			if len(v) == 0 || v[0] != '.' {
				return false
			}
			v = v[1:]
		}
	}
	return len(v) == 0
}

// isVersion: three numbers or more with dots between.
func isVersion(v []byte) bool {
	parts := 0
	for {
		n := digits(v)
		if n == 0 {
			return false
		}
		parts++
		if v = v[n:]; len(v) == 0 {
			return parts > 2
		}
		v = v[1:]
	}
}

// isURL: a scheme and only characters that RFC 3986 allows.
func isURL(v []byte) bool {
	i := 0
	for i < len(v) && (classOf[v[i]] == Letter || i > 0 && (classOf[v[i]] == Digit || v[i] == '+')) {
		i++
	}
	if i < 2 || len(v) < i+4 || v[i] != ':' || v[i+1] != '/' || v[i+2] != '/' {
		return false
	}
	for _, c := range v[i:] {
		const not = 1<<Space | 1<<Angle | 1<<Control | 1<<High
		if not>>classOf[c]&1 == 1 || c == '"' || c == '`' || c == '\\' || c == '{' || c == '}' || c == '|' || c == '^' {
			return false
		}
	}
	return true
}

func isPhone(v []byte) bool {
	if len(v) < 7 || len(v) > 24 || v[0] != '+' && v[0] != '(' && classOf[v[0]] != Digit {
		return false
	}
	n, marks, wasMark := 0, 0, false
	for i, c := range v {
		switch {
		case classOf[c] == Digit:
			n++
			wasMark = false
			continue
		case c == '+' && i == 0:
		case (c == ' ' || c == '-' || c == '.' || c == '/') && !wasMark:
			wasMark = true
		case c == '(' || c == ')':
		default:
			return false
		}
		marks++
	}
	return n >= 7 && n <= 15 && marks > 0 && marks <= 6
}

// isList: tokens with commas between.
func isList(v []byte) bool {
	commas, token := 0, 0
	for _, c := range v {
		switch {
		case c == ',' && token > 0:
			commas++
			token = 0
		case (inIdentifier|1<<Dot|1<<High)>>classOf[c]&1 == 1:
			token++
		default:
			return false
		}
	}
	return commas > 0
}

func isBase64(v []byte) bool {
	if len(v) < 16 {
		return false
	}
	body := bytes.TrimRight(v, "=")
	if len(v)-len(body) > 2 {
		return false
	}
	for _, c := range body {
		if classOf[c] != Letter && classOf[c] != Digit && c != '+' && c != '/' && c != '-' && c != '_' {
			return false
		}
	}
	return len(v)%4 == 0 && len(body) < len(v) || isMixed(body)
}

// isPath: segments of ordinary characters with single slashes between.
func isPath(v []byte) bool {
	slashes, last := 0, byte(0)
	for _, c := range v {
		switch {
		case c == '/':
			if last == '/' {
				return false
			}
			slashes++
		case c == '.' && last == '.':
			return false
		case (inIdentifier|1<<Dot|1<<High)>>classOf[c]&1 == 0 && c != '~' && c != '+':
			return false
		}
		last = c
	}
	return slashes > 0
}

// prose tells a Sentence, a text mostly of words, from what has no format.
func (s *Stat) prose() Format {
	count := func(classes ...int) (n int) {
		for _, c := range classes {
			n += int(s.Class[c])
		}
		return n
	}
	size := int(min(s.Len, maxStat))
	words, odd := count(Letter, High, Space, Digit), count(Angle, Shell, Equal, Control)
	if count(Letter, High) == 0 || words*4 < size*3 || odd*20 > size || count(Bracket)*10 > size {
		return Other
	}
	return Sentence
}
