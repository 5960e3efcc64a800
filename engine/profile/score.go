package profile

import "math/bits"

// A Deviation is how far a value is from what its parameter has held.
type Deviation struct {
	// Surprise is the largest -ln p of what the value shows: its length,
	// classes, format and bigrams. It is never their sum, so that a value
	// odd in one way is not made to look impossible.
	Surprise float32
	// Strong marks a value that breaks the closed type of its parameter
	// and holds characters of syntax that the parameter has never held.
	Strong bool
	// Reason names the statistic; a constant. Empty without surprise.
	Reason string
}

// The reasons.
const (
	reasonStrong = "the value is not of the type this parameter has always held and holds characters it has never held"
	reasonFormat = "the value is not of the type this parameter has always held"
	reasonClass  = "the value holds characters this parameter has never held"
	reasonLength = "the value is longer than almost all this parameter has held"
	reasonBigram = "the value orders its characters as this parameter has hardly ever held them"
)

// floor is the surprise in bits below which a value is ordinary: what at
// least one value in 256 shows.
const floor = 8

const ln2 = 0.6931472

// syntax are the classes that injections need and plain data rarely holds.
const syntax = 1<<Space | 1<<Quote | 1<<Angle | 1<<Bracket | 1<<Shell | 1<<Equal | 1<<Slash | 1<<Control | 1<<Punct

// Score compares a value with m. It allocates nothing.
func (m Model) Score(v *Stat) Deviation {
	length := m.at(lengthAt + lenBucket(v.Len-v.Len/3)) // half as long again is no news
	format := m.format(v.Format)
	class, never := byte(0), uint16(0)
	for c, n := range v.Class {
		if n == 0 {
			continue
		}
		s := m.at(classAt + c)
		class = max(class, s)
		if s >= floor {
			never |= 1 << c
		}
	}
	bigram := byte(0)
	for i, word := range v.Bigrams {
		for ; word != 0; word &= word - 1 {
			bigram = max(bigram, m.at(bigramAt+(i<<6|bits.TrailingZeros64(word))))
		}
	}
	worst, reason := bigram, reasonBigram
	for _, s := range [...]struct {
		surprise byte
		reason   string
	}{{length, reasonLength}, {class, reasonClass}, {format, reasonFormat}} {
		if s.surprise >= worst {
			worst, reason = s.surprise, s.reason
		}
	}
	if worst < floor {
		return Deviation{}
	}
	d := Deviation{Surprise: float32(worst) * ln2, Reason: reason}
	if format >= floor && never&syntax != 0 && m.Closed() {
		d.Strong, d.Reason = true, reasonStrong
	}
	return d
}

// Closed says whether the parameter has held nothing but values of closed
// types: those whose syntax leaves no room for text.
func (m Model) Closed() bool {
	for f := range numFormats {
		if closed>>f&1 == 0 && m.at(formatAt+int(f)) < floor {
			return false
		}
	}
	return true
}

const closed = 1<<Empty | 1<<Bool | 1<<Int | 1<<Float | 1<<UUID | 1<<Date | 1<<DateTime | 1<<IP | 1<<Hex | 1<<ULID |
	1<<Base64 | 1<<JWT | 1<<Time | 1<<Color | 1<<Version | 1<<Phone

// format returns the surprise of a format. A format that is a special case
// of another is as ordinary as that one.
func (m Model) format(f Format) byte {
	if f >= numFormats {
		return 0
	}
	s := m.at(formatAt + int(f))
	for wide := range numFormats {
		if widens[wide]>>f&1 == 1 {
			s = min(s, m.at(formatAt+int(wide)))
		}
	}
	return s
}

// widens are the formats whose every value, or nearly so, could by chance or
// by its kind appear where the wider one is held.
var widens = [numFormats]uint32{
	Float:      1 << Int,
	Hex:        1<<Int | 1<<Float | 1<<Identifier | 1<<Word,
	Base64:     1<<Identifier | 1<<Word | 1<<Hex | 1<<Int,
	Identifier: 1<<Word | 1<<Int | 1<<Hex | 1<<Date | 1<<Bool | 1<<Phone,
	Word:       1<<Bool | 1<<Hex,
	Words:      1<<Word | 1<<Identifier | 1<<Int | 1<<Bool | 1<<Float,
	Sentence:   1<<Words | 1<<Word | 1<<Identifier | 1<<Int | 1<<Bool | 1<<Float | 1<<List,
	List:       1<<Int | 1<<Word | 1<<Identifier | 1<<Float,
	Phone:      1 << Int,
	Host:       1 << IP,
	URL:        1 << Path,
	DateTime:   1 << Date,
}
