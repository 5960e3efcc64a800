package journal

import (
	"fmt"
	"testing"

	"github.com/gabionhq/gabion/engine/profile"
	"github.com/gabionhq/gabion/wire/wirepb"
)

// TestOneSourceOneVote: one source among 40 sends more odd values than all
// others send ordinary ones, first, last or in between, slowly or at once.
// The model stays that of a number; once a second source shows the odd kind,
// it does not.
func TestOneSourceOneVote(t *testing.T) {
	const odd = `{"$ne": "<x>'"}`
	const attacker = "203.0.113.66"
	type step = func(send func(source, value string), flush func())
	learn := func(steps ...step) (profile.Model, profile.Sketch) {
		f := newFixture(t, 20)
		var sum profile.Sketch
		add := func(deltas []*wirepb.EndpointDelta) {
			for _, d := range deltas {
				for _, p := range d.Params {
					var s profile.Sketch
					if len(p.Sketch) == 0 {
						continue
					}
					if err := s.UnmarshalBinary(p.Sketch); err != nil {
						t.Fatal(err)
					}
					sum.Merge(&s)
				}
			}
		}
		send := func(source, value string) { f.Done(f.record(source, "GET", "/item", 200, "get.id", value)) }
		flush := func() { add(f.flush(t, false)) }
		for _, s := range steps {
			s(send, flush)
		}
		add(f.flush(t, true))
		return profile.Compile(&sum), sum
	}
	var v profile.Stat
	v.Of([]byte(odd))
	f := func(name string, strong bool, steps ...step) {
		t.Helper()
		m, sum := learn(steps...)
		if d := m.Score(&v); d.Strong != strong || m.Closed() != strong {
			t.Errorf("%s: %+v of %v, from %d values", name, d, m, sum.Count)
		}
		if sum.Count < 300 {
			t.Errorf("%s: %d values of the others count", name, sum.Count)
		}
	}
	ordinary := func(send func(source, value string), _ func()) {
		for i := range 400 {
			send(fmt.Sprintf("198.51.%d.7", i%40), fmt.Sprint(10000+i*37))
		}
	}
	at := func(send func(source, value string), _ func()) {
		for range 1000 {
			send(attacker, odd)
		}
	}
	f("nobody", true, ordinary)
	f("last", true, ordinary, at)
	f("first", true, at, ordinary)
	f("between intervals", true, ordinary, func(send func(source, value string), flush func()) {
		for range 1000 {
			flush()
			send(attacker, odd)
		}
	})
	f("in between", true, func(send func(source, value string), flush func()) {
		for i := range 400 {
			send(fmt.Sprintf("198.51.%d.7", i%40), fmt.Sprint(10000+i*37))
			send(attacker, odd)
			send(attacker, odd)
		}
	})
	f("two sources", false, ordinary, at, func(send func(source, value string), flush func()) {
		send("192.0.2.1", odd)
		send("192.0.2.1", odd)
	})
}

// TestShare: of ordinary values, too, one source adds no more than its part.
func TestShare(t *testing.T) {
	var c crowd
	var v profile.Stat
	v.Of([]byte("17"))
	for i := range uint64(4000) {
		c.joins(i % 40)
		c.admit(&v, i%40)
	}
	before := c.total
	for range 100_000 {
		c.admit(&v, 41)
	}
	if added := c.total - before; added < before/share/2 || added > votes+c.total/share {
		t.Errorf("one source added %d to %d values", added, before)
	}
}
