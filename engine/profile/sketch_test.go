package profile

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func randomSketch(r *rand.Rand, n int) *Sketch {
	var s Sketch
	for range n {
		v := make([]byte, r.IntN(40))
		for i := range v {
			v[i] = "abcXYZ0123456789-_. @/'\"<>()[]{};|&$=%!\n\xc3\xa9"[r.IntN(42)]
		}
		s.add(v, r.Uint64N(1000))
	}
	return &s
}

// tag stands in for the keyed hash that callers use.
func tag(v []byte) uint64 { return uint64(Hash(42).Add(v)) }

func (s *Sketch) add(value []byte, source uint64) {
	var v Stat
	v.Of(value)
	s.Add(&v, tag(value), tag([]byte(fmt.Sprint(source))))
}

func encode(t testing.TB, s *Sketch) []byte {
	b, err := s.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func merged(a, b *Sketch) *Sketch {
	s := *a
	s.Merge(b)
	return &s
}

func TestMergeLaws(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 50 {
		a, b, c := randomSketch(r, r.IntN(50)), randomSketch(r, r.IntN(500)), randomSketch(r, r.IntN(50))
		b.Count, b.Length[3], b.Total[2] = math.MaxUint32-10, math.MaxUint32-1, math.MaxUint64-1 // saturates
		if !bytes.Equal(encode(t, merged(a, b)), encode(t, merged(b, a))) {
			t.Fatal("merging does not commute")
		}
		if !bytes.Equal(encode(t, merged(merged(a, b), c)), encode(t, merged(a, merged(b, c)))) {
			t.Fatal("merging is not associative")
		}
		if !bytes.Equal(encode(t, merged(a, &Sketch{})), encode(t, a)) {
			t.Fatal("the empty sketch is not neutral")
		}
		twice := merged(a, a)
		if twice.Values != a.Values || twice.Sources != a.Sources {
			t.Fatal("merging cardinalities is not idempotent")
		}
	}
}

// Any sharding gives the sketch of the whole.
func TestShardsMergeToTheWhole(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	var whole Sketch
	shards := make([]Sketch, 7)
	for i := range 5000 {
		v := fmt.Appendf(nil, "value-%d", r.IntN(900))
		whole.add(v, uint64(i%30))
		shards[r.IntN(7)].add(v, uint64(i%30))
	}
	var sum Sketch
	for _, i := range r.Perm(7) {
		var s Sketch
		if err := s.UnmarshalBinary(encode(t, &shards[i])); err != nil {
			t.Fatal(err)
		}
		sum.Merge(&s)
	}
	if diff := cmp.Diff(encode(t, &whole), encode(t, &sum)); diff != "" {
		t.Error(diff)
	}
}

func TestSketchRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for n := range 300 {
		s := randomSketch(r, n*n/10)
		b := encode(t, s)
		var got Sketch
		if err := got.UnmarshalBinary(b); err != nil {
			t.Fatal(err)
		}
		if got != *s {
			t.Fatalf("%d values: not what was written", s.Count)
		}
		for range 20 {
			if err := got.UnmarshalBinary(b[:r.IntN(len(b))]); err == nil {
				t.Fatal("the beginning of a sketch is taken for one")
			}
		}
	}
}

func TestSketchIsSmall(t *testing.T) {
	f := func(name string, limit int, value func(i int) string) {
		var s Sketch
		for i := range 100_000 {
			s.add([]byte(value(i)), uint64(i%5000))
		}
		n := len(encode(t, &s))
		t.Logf("%s: %d bytes", name, n)
		if n > limit {
			t.Errorf("%s: %d bytes, want at most %d", name, n, limit)
		}
	}
	r := rand.New(rand.NewPCG(4, 4))
	f("bool", 700, func(i int) string { return []string{"true", "false"}[i%2] })
	f("int", 900, func(i int) string { return fmt.Sprint(i * 17) })
	f("uuid", 900, func(i int) string { return fmt.Sprintf("%08x-e29b-41d4-a716-%012x", r.Uint32(), i) })
	f("text", 1300, func(i int) string {
		return strings.Repeat("Some text, (of) any \"kind\" & length: 42 ", r.IntN(20)) + fmt.Sprint(i)
	})
	noise := make([]byte, 60)
	f("noise", 2048, func(i int) string {
		for j := range noise {
			noise[j] = byte(r.Uint32())
		}
		return string(noise)
	})
}

func TestCardinality(t *testing.T) {
	f := func(n int, tolerance float64) {
		t.Helper()
		var c Cardinality
		for i := range n * 3 {
			c.Add(tag(fmt.Appendf(nil, "%d", i%n)))
		}
		if e := c.Estimate(); math.Abs(e-float64(n)) > tolerance*float64(n) {
			t.Errorf("%d distinct tags: %.1f", n, e)
		}
	}
	f(1, 0.01)
	f(3, 0.01)
	f(20, 0.1)
	f(100, 0.15)
	f(1000, 0.15)
	f(100_000, 0.15)
	if e := new(Cardinality).Estimate(); e != 0 {
		t.Errorf("nothing: %f", e)
	}
}

func TestLenBuckets(t *testing.T) {
	last := -1
	for n := range uint32(1 << 21) {
		b := lenBucket(n)
		if b < last || b >= lenBuckets || b > last+1 {
			t.Fatalf("length %d is in bucket %d behind %d", n, b, last)
		}
		if b != last && lenOf(b) != n {
			t.Fatalf("bucket %d begins at %d, not %d", b, n, lenOf(b))
		}
		last = b
	}
	if lenBucket(math.MaxUint32) != lenBuckets-1 {
		t.Error("the longest value is not in the last bucket")
	}
}

func TestLongest(t *testing.T) {
	var s Sketch
	var v Stat
	for i := range 1000 {
		v.Of([]byte(strings.Repeat("a", 5+i/999*95))) // one of 1000 is longer
		s.Add(&v, uint64(i), uint64(i))
	}
	if got := s.Longest(100); got != 5 {
		t.Errorf("99 %%: %d, want 5", got)
	}
	if got := s.Longest(10_000); got < 100 || got > 127 {
		t.Errorf("99.99 %%: %d, want the bucket of 100", got)
	}
}

func FuzzSketch(f *testing.F) {
	r := rand.New(rand.NewPCG(5, 5))
	for _, n := range []int{0, 1, 10, 1000} {
		f.Add(encode(f, randomSketch(r, n)))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var s Sketch
		if s.UnmarshalBinary(b) != nil {
			return
		}
		if !bytes.Equal(encode(t, &s), b) {
			t.Fatal("not the one encoding of its sketch")
		}
		if m := Compile(&s); m != nil && m.Check() != nil {
			t.Fatal(m.Check())
		}
		s.Merge(&s)
	})
}

func TestAddAllocatesNothing(t *testing.T) {
	var s Sketch
	var v Stat
	if n := testing.AllocsPerRun(100, func() { v.Of(benchValue); s.Add(&v, 1, 2) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkAdd(b *testing.B) {
	var s Sketch
	var v Stat
	b.SetBytes(int64(len(benchValue)))
	b.ReportAllocs()
	for i := uint64(0); b.Loop(); i++ {
		v.Of(benchValue)
		s.Add(&v, i*k, i*k)
	}
}

const k = 0x9e3779b97f4a7c15
