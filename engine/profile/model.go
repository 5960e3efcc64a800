package profile

import (
	"fmt"
	"math"
	"strings"
)

// A Model is what the engine scores values of one parameter against. It is
// a fixed table of surprises, each the rounded -log2 of a share of values:
//
//	version | log2 of count, rounded down | log2 of distinct values, rounded up |
//	surprises, two per byte, low one first
//
//	length  lenBuckets   that a value is at least so long
//	class   NumClasses   that a value holds the class
//	format  numFormats   that a value has the format
//	bigram  256          that a value holds the bigram
//
// The surprise 15 stands for what no value has shown.
type Model []byte

const (
	modelVersion = 1
	modelHead    = 3

	lengthAt  = 0
	classAt   = lengthAt + lenBuckets
	formatAt  = classAt + NumClasses
	bigramAt  = formatAt + int(numFormats)
	surprises = bigramAt + 256
	modelSize = modelHead + (surprises+1)/2

	never = 15
)

// Compile returns the model of s, nil if s is empty. It is a pure function.
func Compile(s *Sketch) Model {
	if s.Count == 0 {
		return nil
	}
	m := make(Model, modelSize)
	m[0], m[1] = modelVersion, byte(math.Log2(float64(s.Count)))
	m[2] = byte(math.Ceil(math.Log2(max(1, math.Round(s.Values.Estimate())))))
	tail := uint64(0)
	for b := lenBuckets - 1; b >= 0; b-- {
		tail += uint64(s.Length[b])
		m.set(lengthAt+b, s.surprise(tail))
	}
	for c, n := range s.Present {
		m.set(classAt+c, s.surprise(uint64(n)))
	}
	for f, n := range s.Formats {
		m.set(formatAt+f, s.surprise(uint64(n)))
	}
	for i, n := range s.Bigrams {
		m.set(bigramAt+i, s.surprise(uint64(n)))
	}
	return m
}

// surprise returns the rounded -log2 of the share of what n of the values
// have shown.
func (s *Sketch) surprise(n uint64) byte {
	if n == 0 {
		return never
	}
	share := min(float64(n)/float64(s.Count), 1)
	return byte(min(math.Round(-math.Log2(share)), never-1))
}

func (m Model) set(i int, surprise byte) {
	m[modelHead+i/2] |= surprise << (i & 1 * 4)
}

func (m Model) at(i int) byte {
	return m[modelHead+i/2] >> (i & 1 * 4) & 15
}

// Check says whether m is a model that this program can score against.
func (m Model) Check() error {
	if len(m) == 0 || m[0] != modelVersion {
		return fmt.Errorf("not a model of version %d", modelVersion)
	}
	if len(m) != modelSize {
		return fmt.Errorf("a model of %d bytes, not %d", len(m), modelSize)
	}
	if m[1] > 32 || m[2] > 64 {
		return fmt.Errorf("a model of 2^%d values, 2^%d of them distinct", m[1], m[2])
	}
	return nil
}

// Count returns how many values m was learned from, rounded down to a power
// of two.
func (m Model) Count() uint64 { return 1 << m[1] }

// Bound returns the rule-of-three bound on how often, at 95 % confidence, a
// benign value shows what none of the n values learned has shown: 3/n. The
// sum over the rules in force bounds their false positives.
func (m Model) Bound() float64 { return 3 / float64(m.Count()) }

// String describes m for people: what at least one value in 1,024 has shown.
func (m Model) String() string {
	var formats, classes []string
	for f := range numFormats {
		if m.at(formatAt+int(f)) < minRare {
			formats = append(formats, f.String())
		}
	}
	for c, name := range classNames {
		if m.at(classAt+c) < minRare {
			classes = append(classes, name)
		}
	}
	longest := lenBuckets - 1
	for longest > 0 && m.at(lengthAt+longest) >= minRare {
		longest--
	}
	return fmt.Sprintf("%s of %s, shorter than %d bytes, from %d values or more",
		strings.Join(formats, " or "), strings.Join(classes, ", "), lenOf(longest+1), m.Count())
}
