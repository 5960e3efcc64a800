package rule

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gabionhq/gabion/engine/detect"
	"github.com/gabionhq/gabion/engine/profile"
)

func randomWriter(r *rand.Rand) Writer {
	w := Writer{General: Mode(r.IntN(len(modeNames))), Threshold: uint16(r.IntN(1001)), Rules: randomRules(r, r.IntN(40))}
	for i := range r.IntN(20) {
		var s profile.Sketch
		for range 1 + r.IntN(50) {
			var v profile.Stat
			v.Of([]byte("abc123-'"[:1+r.IntN(8)]))
			s.Add(&v, r.Uint64(), r.Uint64())
		}
		w.Profiles = append(w.Profiles, Profile{ID: uint64(1000 + i), Endpoint: r.Uint64N(5), Point: r.Uint64(), Model: profile.Compile(&s)})
	}
	return w
}

func writerOf(s *Set) Writer {
	return Writer{
		General: s.General(), Threshold: uint16(s.Threshold()*1000 + 0.5),
		Rules: slices.Collect(s.Rules()), Profiles: slices.Collect(s.Profiles()),
	}
}

// What is read is what was written, and one set has one blob, whatever the
// order in which it was written.
func TestRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		w := randomWriter(r)
		blob, err := w.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		set, err := Load(blob)
		if err != nil {
			t.Fatal(err)
		}
		got := writerOf(set)
		slices.SortFunc(w.Profiles, compareProfiles)
		if diff := cmp.Diff(w.Rules, got.Rules); len(w.Rules) > 0 && diff != "" {
			t.Fatal(diff)
		}
		if diff := cmp.Diff(w.Profiles, got.Profiles); len(w.Profiles) > 0 && diff != "" {
			t.Fatal(diff)
		}
		if got.General != w.General || got.Threshold != w.Threshold {
			t.Fatalf("general %v, threshold %d; want %v, %d", got.General, got.Threshold, w.General, w.Threshold)
		}
		r.Shuffle(len(got.Rules), func(i, j int) { got.Rules[i], got.Rules[j] = got.Rules[j], got.Rules[i] })
		r.Shuffle(len(got.Profiles), func(i, j int) { got.Profiles[i], got.Profiles[j] = got.Profiles[j], got.Profiles[i] })
		again, err := got.Bytes()
		if err != nil || !bytes.Equal(again, blob) {
			t.Fatalf("another blob in another order: %v", err)
		}
	}
}

// A scope that is written in another form is the same scope.
func TestWriterNormalises(t *testing.T) {
	a, err := (&Writer{Rules: []Rule{{ID: 1, Kind: Mask, Scope: Scope{
		Host: "Example.COM", Method: "get", Path: "/x?b=2&a=1",
		Conds: []Cond{{Part: Header, Name: "x-b", Op: IEqual, Value: "V"}, {Part: Header, Name: "x-b", Op: IEqual, Value: "v"}},
	}}}}).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	s, err := ParseScope("example.com", "GET", "/x", "query a equal 1", "query b equal 2", "header X-B iequal v")
	if err != nil {
		t.Fatal(err)
	}
	b, err := (&Writer{Rules: []Rule{{ID: 1, Kind: Mask, Scope: s}}}).Bytes()
	if err != nil || !bytes.Equal(a, b) {
		t.Errorf("two blobs of one scope: %v", err)
	}
}

func TestWriterRefuses(t *testing.T) {
	f := func(want string, rules ...Rule) {
		t.Helper()
		if _, err := (&Writer{Rules: rules}).Bytes(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want an error with %q", rules, err, want)
		}
	}
	f("id 0", Rule{Kind: Mask})
	f("rising", Rule{ID: 1, Kind: Mask}, Rule{ID: 1, Kind: Mask})
	f("no such kind", Rule{ID: 1})
	f("no such kind", Rule{ID: 1, Kind: numKinds})
	f("no such mode", Rule{ID: 1, Kind: SetMode, Mode: 9})
	f("another kind", Rule{ID: 1, Kind: Mask, Mode: Off})
	f("another kind", Rule{ID: 1, Kind: Patch, Expr: "x"})
	f("needs an expression", Rule{ID: 1, Kind: Detector})
	f("missing closing", Rule{ID: 1, Kind: Detector, Expr: "("})
	f("costs", Rule{ID: 1, Kind: Detector, Expr: "(abcdefghijklmnopqrstuvwxyz){1000}"})
	f("needs a limit", Rule{ID: 1, Kind: GraphQL, Mode: Block})
	f("needs a limit", Rule{ID: 1, Kind: Upload, Point: "get.q"})
	f("no mode default", Rule{ID: 1, Kind: GraphQL, Mode: Default, Query: DefaultQueryLimits()})
	f("no mode %!(9)", Rule{ID: 1, Kind: Upload, Mode: 9, Files: FileLimits{Size: 1}})
	f("another kind", Rule{ID: 1, Kind: GraphQL, Query: DefaultQueryLimits(), Point: "get.q"})
	f("whole body", Rule{ID: 1, Kind: Upload, Point: "get.q", Files: FileLimits{Total: 1}})
	f("more than", Rule{ID: 1, Kind: Upload, Files: FileLimits{Size: 1 << 63}})
	f("not a field", Rule{ID: 1, Kind: SetHeader, Name: "X Y", Value: "1"})
	f("not a field", Rule{ID: 1, Kind: SetHeader, Name: "X", Value: "1\r\nSet-Cookie: a"})
	f("not a part of a request", Rule{ID: 1, Kind: Mask, Point: "nonsense"})
	f("write it as", Rule{ID: 1, Kind: Mask, Point: `get."id"`})
	f("not within", Rule{ID: 1, Kind: Shift, Shift: 1001})
	f("name of a parser", Rule{ID: 1, Kind: Parser})
	f("begin with /", Rule{ID: 1, Kind: Mask, Scope: Scope{Path: "x"}})
	f("more than 4096", Rule{ID: 1, Kind: Mask, Scope: Scope{Path: "/" + strings.Repeat("x", 5000)}})

	many := make([]Rule, 1001)
	for i := range many {
		many[i] = Rule{ID: uint64(i + 1), Kind: Detector, Expr: "a"}
	}
	f("more than 1000", many...)
	deep := make([]Rule, 3500)
	for i := range deep {
		deep[i] = Rule{ID: uint64(i + 1), Kind: Mask, Scope: Scope{Path: strings.Repeat("/x", 60)}}
	}
	f("more than 200000", deep...)
	if _, err := (&Writer{Profiles: []Profile{{ID: 1, Model: []byte("x")}}}).Bytes(); err == nil {
		t.Error("a profile without a model was written")
	}
}

// seal puts the right checksum on a blob, so that a test reaches behind it.
func seal(blob []byte) []byte {
	if len(blob) >= headerSize {
		binary.LittleEndian.PutUint32(blob[headerSize-4:], crc32.Checksum(blob[headerSize:], castagnoli))
	}
	return blob
}

func TestLoadRefuses(t *testing.T) {
	blob, err := (&Writer{Rules: []Rule{{ID: 7, Kind: Detector, Class: detect.Custom, Expr: "a+", Point: "get.id"}}}).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	f := func(want string, damage func(b []byte) []byte) {
		t.Helper()
		_, err := Load(damage(bytes.Clone(blob)))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "byte ") {
			t.Errorf("%v, want an error with an offset and %q", err, want)
		}
	}
	f("not a ruleset", func(b []byte) []byte { return nil })
	f("not a ruleset", func(b []byte) []byte { return b[:15] })
	f("not a ruleset", func(b []byte) []byte { b[0] = 'X'; return b })
	f("version 2", func(b []byte) []byte { b[8] = 2; return seal(b) })
	f("damaged", func(b []byte) []byte { b[len(b)-1] ^= 1; return b })
	f("no such mode", func(b []byte) []byte { b[headerSize] = 99; return seal(b) })
	f("behind the end", func(b []byte) []byte { return seal(append(b, 0)) })
	f("do not fit", func(b []byte) []byte {
		return seal(binary.AppendUvarint(append(b[:headerSize], 0, 0), MaxRules))
	})
	f("ends early", func(b []byte) []byte {
		return seal(binary.AppendUvarint(append(b[:headerSize], 0, 0, 0), MaxProfiles))
	})
	f("is more than", func(b []byte) []byte {
		return seal(binary.AppendUvarint(append(b[:headerSize], 0, 0), 1<<40))
	})
	for n := range len(blob) {
		if _, err := Load(seal(bytes.Clone(blob[:n]))); err == nil {
			t.Errorf("the first %d of %d bytes load", n, len(blob))
		}
	}
}

// A blob that loads is the only one of its set, and can be used.
func FuzzLoad(f *testing.F) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 20 {
		w := randomWriter(r)
		blob, err := w.Bytes()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(blob)
	}
	q := request("GET a.example/a/%62/../c.js?q=1", "X", "1")
	f.Fuzz(func(t *testing.T, blob []byte) {
		set, err := Load(seal(bytes.Clone(blob)))
		if err != nil {
			return
		}
		w := writerOf(set)
		again, err := w.Bytes()
		if err != nil || !bytes.Equal(again, seal(bytes.Clone(blob))) {
			t.Fatalf("not the one blob of its set: %v", err)
		}
		var m Match
		set.Match(&m, q)
		for r := range set.Rules() {
			_ = r.String()
		}
	})
}

func BenchmarkLoad1000Rules(b *testing.B) {
	w := writerOf(thousand(b))
	blob, err := w.Bytes()
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(blob)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Load(blob); err != nil {
			b.Fatal(err)
		}
	}
}
