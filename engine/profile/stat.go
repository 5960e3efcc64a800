// Package profile is the value-free statistics of parameters: sketches, their merge, and the score of a value against them.
//
// A Stat is what one value tells, a Sketch what many values of a parameter
// tell, a Model what is left of a Sketch for the engine to Score against.
// None of them holds a byte of a value, nor a hash of one.
package profile

// NumClasses is the number of character classes.
const NumClasses = 15

// The character classes, as indexes of Stat.Class.
const (
	Digit   = iota
	Letter  // of ASCII
	Dash    // - _
	Dot     // .
	Space   // and tab
	At      // @
	Slash   // / \
	Quote   // ' " `
	Angle   // < >
	Bracket // ( ) [ ] { }
	Shell   // ; | & $
	Equal   // = %
	Punct   // all other ASCII punctuation
	Control // including line ends
	High    // bytes from 0x80 on

	edge // before the first and behind the last byte, in bigrams only
)

// classNames are the names of the classes.
var classNames = [NumClasses]string{"digit", "letter", "dash", "dot", "space", "at", "slash", "quote", "angle",
	"bracket", "shell", "equal", "punctuation", "control", "non-ascii"}

// classOf is the class of each byte.
var classOf = func() (t [256]uint8) {
	for c := range t {
		switch {
		case c < ' ' || c == 0x7f:
			t[c] = Control
		case c >= 0x80:
			t[c] = High
		case '0' <= c && c <= '9':
			t[c] = Digit
		case 'a' <= c|0x20 && c|0x20 <= 'z':
			t[c] = Letter
		default:
			t[c] = Punct
		}
	}
	for class, set := range [...]string{
		Dash: "-_", Dot: ".", Space: " \t", At: "@", Slash: `/\`, Quote: "'\"`", Angle: "<>",
		Bracket: "()[]{}", Shell: ";|&$", Equal: "=%",
	} {
		for _, c := range []byte(set) {
			t[c] = uint8(class)
		}
	}
	return t
}()

// maxStat bounds the bytes of a value that Of reads behind its length, so
// that its counts fit. A longer value is remarkable by its length alone.
const maxStat = 1<<16 - 1

// A Stat is the statistics of one value.
type Stat struct {
	Len    uint32 // bytes, saturating
	Class  [NumClasses]uint16
	Format Format
	// Bigrams is the set of pairs of neighbouring classes: bit a*16+b is
	// set if a byte of class b follows one of class a. Both ends of the
	// value are of class 15.
	Bigrams [4]uint64
}

// Of makes s the statistics of value.
func (s *Stat) Of(value []byte) {
	*s = Stat{Len: uint32(min(len(value), 1<<32-1))}
	value = value[:min(len(value), maxStat)]
	last, set := uint8(edge), uint16(0)
	for i := 0; i < len(value); { // a run of one class at a time
		class, from := classOf[value[i]]&15, i
		for i++; i < len(value) && classOf[value[i]] == class; i++ {
		}
		s.Class[class] += uint16(i - from)
		set |= 1 << class
		s.follow(last, class)
		if i-from > 1 {
			s.follow(class, class)
		}
		last = class
	}
	if len(value) > 0 {
		s.follow(last, edge)
	}
	if s.Format = formatOf(value, set); s.Format == Other {
		s.Format = s.prose()
	}
}

// follow adds the bigram of two classes.
func (s *Stat) follow(a, b uint8) { s.Bigrams[a>>2&3] |= 1 << (a<<4&63 | b) }
