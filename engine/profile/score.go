package profile

import "math/bits"

// A Deviation is how far a value is from what its parameter has held. The
// zero Deviation is not at all.
type Deviation struct {
	// Surprise is the largest -ln p of what the value shows: its length,
	// classes, format and bigrams. It is never their sum, so that a value
	// that is odd in one way is not made to look impossible.
	Surprise float32
	// Strong marks a value that breaks the type of its parameter and holds
	// several kinds of characters of syntax that the parameter never held.
	// At most Model.Bound of benign values do.
	Strong bool
	// Weight is the probability, 0 to 1, that a request with this evidence
	// alone is an attack: above one half if it is Strong.
	Weight float32
	// Reason names the statistic; a constant.
	Reason string
}

// The reasons.
const (
	reasonStrong  = "the value is not of the type this parameter has always held, and holds characters it has never held"
	reasonNearly  = "the value is not of the type 99.9 % of this parameter's values are, and holds characters they do not hold"
	reasonFormat  = "the value is not of the type this parameter has always held"
	reasonClass   = "the value holds characters this parameter has never held"
	reasonLength  = "the value is longer than any this parameter has held"
	reasonBigram  = "the value orders its characters as this parameter has never held them"
	reasonRare    = "the value is of a kind that less than one in 1,000 of this parameter's values are"
	reasonLongest = "the value is longer than 99.9 % of what this parameter has held"
)

// What is ordinary, and what mild and strong deviations weigh. A request has
// many values, so that mild ones are frequent: one in 1,024 values.
const (
	minRare      = 10 // bits from which on what was seen is odd
	minNew       = 7  // and what never was: from 64 values on
	mildWeight   = 0.1
	perBit       = 0.02
	mostMild     = 0.3
	nearlyWeight = 0.45 // for a type that few learned values broke: an attack among them, or users
	strongWeight = 0.8
)

// ln2 turns bits into nats.
const ln2 = 0.6931472

// Score compares a value with m. It allocates nothing.
func (m Model) Score(v *Stat) Deviation {
	format := m.format(v.Format)
	class := m.class(v)
	length := m.at(lengthAt + lenBucket(v.Len-v.Len/3)) // half as long again is no news
	worst, reason := byte(0), ""
	for _, s := range [...]struct {
		surprise  byte
		new, rare string
	}{{format, reasonFormat, reasonRare}, {class, reasonClass, reasonRare},
		{length, reasonLength, reasonLongest}, {m.bigram(v), reasonBigram, reasonRare}} {
		if s.surprise <= worst {
			continue
		}
		if worst, reason = s.surprise, s.rare; worst == never {
			reason = s.new
		}
	}
	odd := m.bits(worst)
	if worst == never && odd < minNew || worst != never && odd < minRare {
		return Deviation{}
	}
	d := Deviation{
		Surprise: float32(odd) * ln2,
		Weight:   min(mostMild, mildWeight+perBit*float32(odd-minNew)),
		Reason:   reason,
	}
	switch {
	case m.breaks(v, format, never):
		d.Strong, d.Weight, d.Reason = true, strongWeight, reasonStrong
	case m.breaks(v, format, minRare):
		d.Weight, d.Reason = nearlyWeight, reasonNearly
	}
	return d
}

// bits returns the surprise in bits: what was never seen has one bit more
// than what was seen once.
func (m Model) bits(surprise byte) int {
	if surprise == never {
		return int(m[1]) + 1
	}
	return int(surprise)
}

// class returns the surprise of the least likely class of v.
func (m Model) class(v *Stat) (worst byte) {
	for c, n := range v.Class {
		if n > 0 {
			worst = max(worst, m.at(classAt+c))
		}
	}
	return worst
}

func (m Model) bigram(v *Stat) (worst byte) {
	for i, word := range v.Bigrams {
		for ; word != 0; word &= word - 1 {
			worst = max(worst, m.at(bigramAt+(i<<6|bits.TrailingZeros64(word))))
		}
	}
	return worst
}

// syntax are the classes that injections cannot do without.
const syntax = 1<<Quote | 1<<Angle | 1<<Bracket | 1<<Shell | 1<<Equal | 1<<Slash | 1<<Control

// breaks says whether v, of a format with that surprise, breaks the type of
// the parameter with what looks like code and not like a slip: "12 kg",
// "$12.50" and "n/a" are no attacks on a number. What has a surprise of least
// or more counts as not held. A parameter that held free text needs more of
// it, and a longer history, to be sure.
func (m Model) breaks(v *Stat, format, least byte) bool {
	if format < least {
		return false
	}
	strange := 0
	code := 0
	for c, n := range v.Class {
		if n > 0 && m.at(classAt+c) >= least {
			strange++
			code += syntax >> c & 1
		}
	}
	if m.closedBut(least) {
		return code >= 2 || code == 1 && strange >= 3
	}
	return code >= 3 && m.Count() >= minOpen
}

// minOpen is the number of values from which on a parameter that holds free
// text can have strong deviations.
const minOpen = 1 << 12

// Closed says whether the parameter has no room for text: all it has held, and
// not just a few values, are of closed types, such as numbers, or few
// distinct ones, such as the options of a form.
func (m Model) Closed() bool { return m.closedBut(never) }

// closedBut is Closed, but for what has a surprise of least or more.
func (m Model) closedBut(least byte) bool {
	if filled := m.at(lengthAt + 1); filled == never || int(m[1])-int(filled) < minNew-1 {
		return false
	}
	if m[1] >= minOptions && m[2] <= maxDistinct && m[1] >= m[2]+perDistinct {
		return true
	}
	for f := range numFormats {
		if closed>>f&1 == 0 && m.at(formatAt+int(f)) < least {
			return false
		}
	}
	return true
}

// A parameter of at least 2^minOptions values, at most 2^maxDistinct of them
// distinct and each seen 2^perDistinct times on average, is taken to have no
// others. What people search for begins to differ sooner.
const (
	minOptions  = 8
	maxDistinct = 5
	perDistinct = 4
)

const closed = 1<<Empty | 1<<Bool | 1<<Int | 1<<Float | 1<<UUID | 1<<Date | 1<<DateTime | 1<<Email | 1<<Host | 1<<IP |
	1<<Hex | 1<<ULID | 1<<Base64 | 1<<JWT | 1<<Phone | 1<<Time | 1<<Color | 1<<Version

// format returns the surprise of a format. A format that is a special case
// of another is as ordinary as that one.
func (m Model) format(f Format) byte {
	if f >= numFormats {
		return never
	}
	s := m.at(formatAt + int(f))
	for wide := Format(0); wide < numFormats && s >= minRare; wide++ {
		if widens[wide]>>f&1 == 1 {
			s = min(s, m.at(formatAt+int(wide)))
		}
	}
	return s
}

// widens holds, for each format, those whose values turn up by chance where
// it is held: a hexadecimal id may happen to be all digits.
var widens = [numFormats]uint32{
	Float:      1 << Int,
	Hex:        1<<Int | 1<<Float | 1<<Identifier | 1<<Word,
	ULID:       1<<Base64 | 1<<Identifier,
	Base64:     1<<Identifier | 1<<Word | 1<<Hex | 1<<Int | 1<<Path,
	Identifier: 1<<Word | 1<<Int | 1<<Hex | 1<<Date | 1<<Bool | 1<<Phone | 1<<Float | 1<<Base64,
	Word:       1<<Bool | 1<<Hex | 1<<Base64,
	Words:      1<<Word | 1<<Identifier | 1<<Int | 1<<Bool | 1<<Float | 1<<Hex | 1<<Phone,
	Sentence: 1<<Words | 1<<Word | 1<<Identifier | 1<<Int | 1<<Bool | 1<<Float | 1<<List | 1<<Hex | 1<<Phone |
		1<<Host | 1<<Email | 1<<Version | 1<<Date | 1<<Time,
	List:     1<<Int | 1<<Word | 1<<Identifier | 1<<Float,
	Phone:    1<<Int | 1<<Float,
	Host:     1 << IP,
	URL:      1 << Path,
	DateTime: 1 << Date,
	Other:    1<<numFormats - 1,
}
