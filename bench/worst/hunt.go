package main

import (
	"cmp"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// A catch is a unit in a carrier, and what it cost.
type catch struct {
	carrier carrier
	unit    string
	perB    float64
}

// hunt looks for dear values as evolution does: it changes the dearest ones
// that it knows and keeps what became dearer. Where it begins is random.
func hunt(out io.Writer, m *meter, long time.Duration, size int) {
	r := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	places := carriers()
	var best []catch
	const kept = 60
	for start := time.Now(); time.Since(start) < long; {
		c := catch{carrier: places[r.IntN(len(places))]}
		if len(best) < kept || r.IntN(4) == 0 {
			for range 1 + r.IntN(4) {
				c.unit += units[r.IntN(len(units))]
			}
		} else {
			from := best[r.IntN(len(best))]
			if r.IntN(3) > 0 {
				c.carrier = from.carrier
			}
			c.unit = mutate(r, from.unit)
		}
		if c.unit == "" || len(c.unit) > 200 {
			continue
		}
		q := c.carrier.put(fill(c.unit, size))
		c.perB = m.cost(&q)
		best = append(best, c)
		slices.SortFunc(best, func(a, b catch) int { return cmp.Compare(b.perB, a.perB) })
		best = distinct(best)
		best = best[:min(len(best), kept)]
	}
	for _, c := range best[:min(len(best), 25)] {
		fmt.Fprintf(out, "%8.1f ns/B  %-8s %q\n", c.perB, c.carrier.name, c.unit)
	}
}

// distinct keeps a few catches of each carrier, so that one does not crowd
// out the others.
func distinct(sorted []catch) []catch {
	const each = 8
	seen := map[string]int{}
	return slices.DeleteFunc(sorted, func(c catch) bool {
		seen[c.carrier.name]++
		seen[c.carrier.name+c.unit]++
		return seen[c.carrier.name] > each || seen[c.carrier.name+c.unit] > 1
	})
}

func mutate(r *rand.Rand, u string) string {
	at := r.IntN(len(u) + 1)
	switch r.IntN(4) {
	case 0:
		return u[:at] + units[r.IntN(len(units))] + u[at:]
	case 1:
		to := at + r.IntN(len(u)-at+1)
		return u[:at] + u[to:]
	case 2:
		return u[:at] + string(rune(' '+r.IntN(95))) + u[min(at+1, len(u)):]
	}
	return strings.Repeat(u, 1) + units[r.IntN(len(units))]
}
