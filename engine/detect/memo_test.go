package detect

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestMemo checks that values are judged alike whether or not others, or they themselves,
// came before them in the request, at this place or another, and whatever else the
// request is known to be.
func TestMemo(t *testing.T) {
	places := []Where{
		{Place: InQuery, Key: []byte("id")}, {Place: InQuery, Key: []byte("file")}, {Place: InQuery, Key: []byte("cmd")}, {Place: InForm, Name: true},
		{Place: InJSON, Key: []byte("$ne"), Parent: []byte("password")}, {Place: InJSON, Key: []byte("$ne")}, {Place: InJSON},
		{Place: InJSON, Key: []byte{}}, {Place: InXML, Key: []byte("href")}, {Place: InPath}, {Place: InCookie, Decoded: 1},
		{Place: InForm, Listing: true}, {Place: InBody, Container: true}, {Place: InFile, Excerpt: true},
	}
	r := rand.New(rand.NewPCG(7, 7))
	known, fresh := new(Scanner), new(Scanner)
	remembered, found, recalled := 0, 0, 0
	f := func(v []byte, w *Where) {
		t.Helper()
		var classes Classes
		if r.IntN(4) == 0 {
			classes = classes.With(SQLi).With(RCE)
		}
		most := 1 << (8 + r.IntN(8))
		for _, s := range []*Scanner{known, fresh} {
			s.Look(classes)
			s.Settle(0.7, most)
		}
		k, ok := known.memo.knows(v, w)
		if ok {
			remembered++
		}
		got := slices.Clone(known.Scan(v, w))
		fresh.Close()
		want := fresh.Scan(v, w)
		if !slices.EqualFunc(got, want, func(a, b Finding) bool {
			return a.Class == b.Class && a.Weight == b.Weight && a.Hard == b.Hard && a.Reason == b.Reason && a.From == b.From && a.To == b.To && slices.Equal(a.Tokens, b.Tokens)
		}) {
			t.Fatalf("%q at %+v: %v, want %v", v, w, got, want)
		}
		if len(want) > 0 {
			found++
			recalled += int(bit(ok && k.from < k.to))
		}
		if known.Effort() != fresh.Effort() {
			t.Fatalf("%q at %+v took %d, want %d", v, w, known.Effort(), fresh.Effort())
		}
	}
	for range 20_000 {
		class := Class(r.IntN(int(numClasses)))
		if len(seeds[class]) == 0 {
			continue
		}
		seed := seeds[class][r.IntN(len(seeds[class]))]
		from := r.IntN(len(seed) + 1)
		v := []byte(seed[from:min(len(seed), from+r.IntN(maxMemo+4))])
		if r.IntN(8) == 0 {
			v = bytes.Repeat(v, r.IntN(maxDecodedMemo/64))
		}
		for range 3 {
			w := places[r.IntN(len(places))]
			f(v, &w)
			f(v, &w)
			f(v, &w)
			w.Key = v
			f(v, &w)
			w.Parent = v
			f(v, &w)
		}
	}
	if remembered < 1000 || found < 1000 || recalled < 1000 {
		t.Errorf("%d values were remembered, and something was found in %d, of which %d were remembered", remembered, found, recalled)
	}
}

// TestMemoOfNames checks that a harmless value which is what its name is does not stand
// for another such value in its slot.
func TestMemoOfNames(t *testing.T) {
	s, attack := new(Scanner), []byte(";id")
	same := func(v []byte) *Where { return &Where{Place: InQuery, Key: v} }
	s.memo.knows(attack, same(attack))
	slot, kept := s.memo.slot, 0
	for i := range 10_000 {
		v := fmt.Appendf(nil, "x;%d", i)
		if s.memo.knows(v, same(v)); s.memo.slot != slot || len(s.Scan(v, same(v))) > 0 {
			continue
		}
		if kept++; len(s.Scan(attack, same(attack))) == 0 {
			t.Fatalf("%q hides %q", v, attack)
		}
	}
	if kept == 0 {
		t.Error("no value was kept there")
	}
}

// TestMemoIsBounded checks that a memo keeps little, whatever is found.
func TestMemoIsBounded(t *testing.T) {
	var s Scanner
	w := &Where{Place: InQuery}
	for i := range 2000 {
		v := fmt.Appendf(nil, "%d' union select 1,a,b from t where c=%d or 1=1 or 2=2-- -", i, i)
		for range 2 {
			if len(s.Scan(v, w)) == 0 {
				t.Fatalf("nothing is found in %q", v)
			}
		}
		if len(s.memo.found) > maxFound || len(s.memo.tokens) > maxFoundTokens+maxFindings*maxTokens {
			t.Fatalf("%d findings with %d tokens are kept", len(s.memo.found), len(s.memo.tokens))
		}
	}
}
