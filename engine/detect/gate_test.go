package detect

import (
	"math/bits"
	"math/rand"
	"slices"
	"strings"
	"testing"
)

// places are the places the tests try every value in.
var places = []Where{
	{}, {Place: InQuery, Key: []byte("id")}, {Place: InJSON, Key: []byte("$where")}, {Place: InJSON, Name: true},
	{Place: InQuery, Name: true}, {Place: InQuery, Name: true, Referrer: CrossSite}, {Place: InPath}, {Place: InTarget}, {Place: InCookie}, {Place: InUserAgent}, {Place: InReferer},
	{Place: InAccept}, {Place: InContentType}, {Place: InHeader}, {Place: InForm}, {Place: InXML}, {Place: InGraphQL},
	{Place: InForm, Key: []byte("_charset_")}, {Place: InForm, Key: []byte("CONTENT-TYPE")},
	{Place: InFileName}, {Place: InFile}, {Place: InBody, Container: true},
}

// gateHolds fails when a detector finds something in v that the gate would
// not have let it see, or that it misses by a short cut.
func gateHolds(t *testing.T, s *Scanner, v []byte) {
	t.Helper()
	bytesHave, _, _ := features(v)
	for i, d := range detectors {
		for _, w := range places {
			have := bytesHave | w.features()
			n, weight := findsWith(s, ^feature(0), d, v, w)
			if n == 0 {
				continue
			}
			if len(v) < d.least {
				t.Fatalf("class %d finds %q at %+v, which is too short: %s", d.class, v, w, s.findings[0].Reason)
			}
			if have.admits()>>i&1 == 0 {
				t.Fatalf("class %d finds %q at %+v, the gate hides it: %s", d.class, v, w, s.findings[0].Reason)
			}
			if m, short := findsWith(s, have, d, v, w); m != n || short != weight {
				t.Fatalf("class %d misses %q at %+v by a short cut", d.class, v, w)
			}
		}
	}
}

// findsWith runs a detector on a value that is said to have some features,
// and returns how much it finds and the weight of the first. With all of them
// detectors take no short cut.
func findsWith(s *Scanner, have feature, d detector, v []byte, w Where) (int, float32) {
	s.findings, s.tokens, s.have = s.findings[:0], s.tokens[:0], have
	d.scan(s, v, &w)
	if len(s.findings) == 0 {
		return 0, 0
	}
	return len(s.findings), s.findings[0].Weight
}

func TestGateIsNecessary(t *testing.T) {
	rng := rand.New(rand.NewSource(1))
	var all []string
	for c := Class(0); c < numClasses; c++ {
		all = append(all, seeds[c]...)
	}
	var s Scanner
	gateHolds(t, &s, nil)
	for range 4 {
		for _, seed := range all {
			gateHolds(t, &s, []byte(seed))
			for range 20 {
				gateHolds(t, &s, mutate(rng, []byte(seed), all))
			}
		}
	}
}

// TestGateOfLongValues runs the detectors on values of SQL that are longer than what
// is read of those in which nothing can go on.
func TestGateOfLongValues(t *testing.T) {
	var s Scanner
	for _, n := range []int{20, 45, sqlBeginning/2 - 2, sqlBeginning/2 - 1, sqlBeginning / 2, sqlBeginning - 4, sqlBeginning - 3, sqlBeginning - 2, sqlBeginning - 1, sqlBeginning, 120, sqlChunk} {
		for _, head := range []string{"' collate", "'; vacuum", "',(1", "') return call", "'}) return 1", "' , (1,'a')", "'-'", "' = '"} {
			for _, unit := range []string{" a", " a.b", ",'x'", " (b)", "-"} {
				for _, tail := range []string{" --", " #", " -- ", " //", "", "'"} {
					gateHolds(t, &s, []byte(head+strings.Repeat(unit, n)+tail))
				}
			}
		}
	}
}

// plainFeatures is features byte by byte and word by word.
func plainFeatures(v []byte) (f feature, pieces int) {
	last, low := cOther, false
	var shown []byte // to who ignores control bytes
	for _, b := range v {
		f |= pairFeatures[uint(classOf(b))<<5|uint(last)]
		last = classOf(b)
		if b < 0x80 && wordByte[b] == 0 && !isDigit(b) {
			pieces++
		}
		if low = low || b < ' ' && b != '\n'; b >= ' ' {
			shown = append(shown, b)
		}
	}
	if f&^hasHigh == 0 && len(v) > maxWordOnly {
		return f | lengths, 0
	}
	f |= plainFamilies(v) | lengthFeatures[min(len(v), len(lengthFeatures)-1)]
	if low {
		f |= plainFamilies(shown)
	}
	return f, pieces
}

func plainFamilies(v []byte) feature {
	var f uint16
	for len(v) > 0 {
		h, n := uint32(0), 0
		for ; n < len(v) && wordByte[v[n]] != 0; n++ {
			h = bits.RotateLeft32(h, 5) ^ uint32(wordByte[v[n]])
		}
		if h != 0 {
			f |= familiesOf(h)
		}
		v = v[min(n+1, len(v)):]
	}
	return feature(f) * hasSQLWord
}

// TestFeatures compares features with its plain twin, on all values of two bytes, and on
// values whose words begin and end anywhere in the chunks in which it reads.
func TestFeatures(t *testing.T) {
	compare := func(v []byte) {
		t.Helper()
		f, _, pieces := features(v)
		if plain, n := plainFeatures(v); f != plain || pieces != n {
			t.Fatalf("%q: %x and %d pieces, want %x and %d", v, f, pieces, plain, n)
		}
	}
	for i := range 1 << 16 {
		compare([]byte{byte(i >> 8), byte(i)})
	}
	rng := rand.New(rand.NewSource(4))
	var words []string
	for _, family := range gateWords {
		words = append(words, strings.Fields(family.words)...)
	}
	between := strings.Split("  = ' -- . 1 é \xff \n \r\n \x00 \t ( ) / /* .. ${ <a <!", " ")
	for range 100_000 {
		var v []byte
		if rng.Intn(4) == 0 { // as many words as a chunk can hold
			v = append(v, strings.Repeat("1", rng.Intn(64))+words[rng.Intn(len(words))]+strings.Repeat("=a", gateChunk)...)
		}
		for range rng.Intn(24) {
			switch rng.Intn(3) {
			case 0:
				v = append(v, words[rng.Intn(len(words))]...)
			case 1:
				v = append(v, "abcXYZ_"[rng.Intn(7)])
			}
			v = append(v, between[rng.Intn(len(between))]...)
		}
		compare(v)
	}
}

// TestLeast runs the detectors on values that are too short for them: on all of two
// bytes, and on longer ones of signs and of the words that the gate knows.
func TestLeast(t *testing.T) {
	var s Scanner
	f := func(v []byte) {
		t.Helper()
		for _, d := range detectors {
			if d.least <= len(v) {
				continue
			}
			for _, w := range []Where{{Place: InQuery, Key: []byte("id")}, {Place: InQuery, Key: []byte("file")}, {Place: InForm, Name: true}, {Place: InFileName}, {Place: InUserAgent}} {
				if n, _ := findsWith(&s, ^feature(0), d, v, w); n > 0 {
					t.Fatalf("class %d finds %q at %+v: %s", d.class, v, w, s.findings[0].Reason)
				}
			}
		}
	}
	for i := range 1 << 16 {
		f([]byte{byte(i), byte(i >> 8)})
	}
	rng := rand.New(rand.NewSource(2))
	var parts []string
	for _, family := range gateWords {
		parts = append(parts, strings.Fields(family.words)...)
	}
	for range len(parts) / 2 {
		parts = append(parts, "'", "\"", "`", "(", ")", "[", "]", "{", "}", "$", "<", ">", "=", ";", "|", "&", "#", "%", "/", "\\", ":", "*", "@", "!", "?", "-", ".", ",", "1", "a", " ", "\n", "\x00", "\xac")
	}
	for range 200_000 {
		var v []byte
		for len(v) < mostLeast-1 {
			part := parts[rng.Intn(len(parts))]
			if len(v)+len(part) >= mostLeast {
				break
			}
			v = append(v, part...)
		}
		f(v)
	}
}

func FuzzGate(f *testing.F) {
	f.Add([]byte("d''d"))
	for _, list := range seeds {
		for _, v := range list {
			f.Add([]byte(v))
		}
	}
	f.Fuzz(func(t *testing.T, v []byte) {
		var s Scanner
		gateHolds(t, &s, v)
	})
}

// mutate cuts, doubles, joins and rewrites bytes, and removes separators and
// changes case, which is what a gate built on words would stumble over.
func mutate(rng *rand.Rand, v []byte, others []string) []byte {
	v = append([]byte(nil), v...)
	for range 1 + rng.Intn(4) {
		if len(v) == 0 {
			return v
		}
		i, j := rng.Intn(len(v)), rng.Intn(len(v))
		if i > j {
			i, j = j, i
		}
		switch rng.Intn(8) {
		case 0:
			v = append(v[:i], v[j:]...)
		case 1:
			v = append(v[:j:j], v[i:]...)
		case 2:
			v = append(v, others[rng.Intn(len(others))]...)
		case 3:
			v[i] = byte(rng.Intn(256))
		case 4:
			v[i] = "'\"`()[]{}<>$;|&#%/\\:*@!\n\t \x00-.=,0a"[rng.Intn(33)]
		case 5:
			v[i] ^= 0x20
		case 6:
			v = v[i : j+1]
		case 7:
			v = slices.Insert(v, i, "\x00\x12\x7f\t\n /"[rng.Intn(7)])
		}
	}
	return v
}
