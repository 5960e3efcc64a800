package profile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"
)

// A Sketch is what the values of one parameter have in common. Its zero
// value is empty. Sketches of shards, nodes and days merge to the same
// whole in any order.
type Sketch struct {
	Count   uint32             // values
	Length  [lenBuckets]uint32 // values per bucket of length, see lenBucket
	Present [NumClasses]uint32 // values that hold the class
	Total   [NumClasses]uint64 // bytes of the class
	Bigrams [256]uint32        // values that hold the bigram
	Formats [numFormats]uint32 // values of the format
	Values  Cardinality        // distinct values, by keyed tag
	Sources Cardinality        // distinct sources, by keyed tag
}

// lengths are exact below 8; from there on four buckets per power of two, up
// to 2^lenTop, which the last bucket holds with all that is longer.
const (
	lenTop     = 20
	lenBuckets = 8 + (lenTop-3)*4 + 1
)

func lenBucket(n uint32) int {
	if n < 8 {
		return int(n)
	}
	exp := bits.Len32(n) - 1
	return min(8+(exp-3)*4+int(n>>(exp-2)&3), lenBuckets-1)
}

// lenOf returns the smallest length in a bucket.
func lenOf(bucket int) uint32 {
	if bucket < 8 {
		return uint32(bucket)
	}
	bucket -= 8
	return uint32(4+bucket&3) << (bucket/4 + 1)
}

// Add counts one value. value and source are tags: hashes of the value and
// of who sent it, under a key that the reader of the sketch does not have.
func (s *Sketch) Add(v *Stat, value, source uint64) {
	if s.Count == math.MaxUint32 {
		return
	}
	s.Count++
	s.Length[lenBucket(v.Len)]++
	for c, n := range v.Class {
		if n > 0 {
			s.Present[c]++
			s.Total[c] += uint64(n)
		}
	}
	for i, word := range v.Bigrams {
		for ; word != 0; word &= word - 1 {
			s.Bigrams[i<<6|bits.TrailingZeros64(word)]++
		}
	}
	if v.Format < numFormats {
		s.Formats[v.Format]++
	}
	s.Values.Add(value)
	s.Sources.Add(source)
}

// Merge adds what o has counted to s.
func (s *Sketch) Merge(o *Sketch) {
	s.Count = sum(s.Count, o.Count)
	addAll(s.Length[:], o.Length[:])
	addAll(s.Present[:], o.Present[:])
	addAll(s.Bigrams[:], o.Bigrams[:])
	addAll(s.Formats[:], o.Formats[:])
	for c, n := range o.Total {
		s.Total[c] = sum64(s.Total[c], n)
	}
	s.Values.Merge(&o.Values)
	s.Sources.Merge(&o.Sources)
}

func addAll(dst, src []uint32) {
	for i, n := range src {
		dst[i] = sum(dst[i], n)
	}
}

func sum(a, b uint32) uint32 {
	return a + min(b, math.MaxUint32-a)
}

func sum64(a, b uint64) uint64 {
	return a + min(b, math.MaxUint64-a)
}

// Longest returns the length that at most one value in so many is longer
// than, rounded up to its bucket's end.
func (s *Sketch) Longest(oneIn uint32) uint32 {
	longer := uint64(0)
	for b := lenBuckets - 1; b > 0; b-- {
		longer += uint64(s.Length[b])
		if longer*uint64(oneIn) > uint64(s.Count) {
			return lenOf(min(b+1, lenBuckets-1)) - 1
		}
	}
	return 0
}

// sketchVersion is the first byte of an encoded sketch.
const sketchVersion = 1

// MaxSketch bounds an encoded sketch.
const MaxSketch = 4096

// AppendBinary appends the encoding of s to b: a version, the count, then
// per table its non-zero entries, each as distance from the entry before and
// value, closed by distance 0; then both cardinalities. There is one
// encoding of a sketch.
func (s *Sketch) AppendBinary(b []byte) ([]byte, error) {
	b = binary.AppendUvarint(append(b, sketchVersion), uint64(s.Count))
	for _, table := range s.tables() {
		b = appendSparse(b, table)
	}
	b = appendSparse(b, s.Total[:])
	b = s.Values.append(b)
	return s.Sources.append(b), nil
}

// MarshalBinary returns the encoding of s.
func (s *Sketch) MarshalBinary() ([]byte, error) { return s.AppendBinary(nil) }

func (s *Sketch) tables() [4][]uint32 {
	return [4][]uint32{s.Length[:], s.Present[:], s.Bigrams[:], s.Formats[:]}
}

// UnmarshalBinary makes s the sketch that b encodes. The error names the
// offset at which b is wrong.
func (s *Sketch) UnmarshalBinary(b []byte) error {
	*s = Sketch{}
	r := reader{in: b}
	if len(b) > MaxSketch {
		r.fail(fmt.Errorf("%d bytes are more than %d", len(b), MaxSketch))
	}
	if v := r.byte(); v != sketchVersion {
		r.fail(fmt.Errorf("version %d, this program reads %d", v, sketchVersion))
	}
	s.Count = uint32(r.uvarint(math.MaxUint32))
	for _, table := range s.tables() {
		readSparse(&r, table, uint64(s.Count))
	}
	readSparse(&r, s.Total[:], math.MaxUint64)
	r.cardinality(&s.Values)
	r.cardinality(&s.Sources)
	if r.err == nil && r.at != len(b) {
		r.fail(errors.New("bytes behind the end"))
	}
	if r.err != nil {
		*s = Sketch{}
		return fmt.Errorf("reading a sketch: byte %d: %w", r.at, r.err)
	}
	return nil
}

func appendSparse[T uint32 | uint64](b []byte, table []T) []byte {
	last := -1
	for i, n := range table {
		if n > 0 {
			b = binary.AppendUvarint(b, uint64(i-last))
			b = binary.AppendUvarint(b, uint64(n))
			last = i
		}
	}
	return append(b, 0)
}

func readSparse[T uint32 | uint64](r *reader, table []T, limit uint64) {
	i := -1
	for r.err == nil {
		step := r.uvarint(uint64(len(table) - 1 - i))
		if step == 0 {
			return
		}
		i += int(step)
		n := r.uvarint(limit)
		if n == 0 {
			r.fail(errors.New("an entry of zero"))
			return
		}
		table[i] = T(n)
	}
}

// A reader reads an encoding. Its first error is kept, and all reads after
// it return zero.
type reader struct {
	in  []byte
	at  int
	err error
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

func (r *reader) take(n int) []byte {
	if r.err != nil || n > len(r.in)-r.at {
		r.fail(errors.New("it ends early"))
		return nil
	}
	r.at += n
	return r.in[r.at-n : r.at]
}

func (r *reader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

// uvarint reads a varint of at most limit, in its shortest form.
func (r *reader) uvarint(limit uint64) uint64 {
	if r.err != nil {
		return 0
	}
	v, n := binary.Uvarint(r.in[r.at:])
	if n <= 0 || n > 1 && r.in[r.at+n-1] == 0 {
		r.fail(errors.New("not a varint"))
		return 0
	}
	if v > limit {
		r.fail(fmt.Errorf("%d is more than %d", v, limit))
		return 0
	}
	r.at += n
	return v
}
