package cpu

import "time"

// A Gauge tells whether the processor is shared at the moment with what another
// guest of the machine does. Time of the process does not hold that, but a core
// that runs two threads takes up to twice as long for each. Its zero value is
// ready.
type Gauge struct {
	least time.Duration
	text  [4096]byte
	sum   uint32
}

// slack is how much longer the gauge may take than it ever did: a quarter.
const slack = 4

// Quiet reports whether fixed work takes hardly longer than it did at best.
func (g *Gauge) Quiet() bool {
	if g.least == 0 {
		g.least = time.Hour
		for i, x := 0, uint32(1); i < len(g.text); i++ {
			x = x*1664525 + 1013904223 // of Numerical Recipes
			g.text[i] = byte(x >> 24)
		}
	}
	took := min(g.work(), g.work())
	g.least = min(g.least, took)
	return took <= g.least+g.least/slack
}

// rounds is how often the work walks over the text.
const rounds = 12

// PerByte returns the nanoseconds that a byte of the work took at best, by which
// figures of two machines may be compared.
func (g *Gauge) PerByte() float64 { return float64(g.least) / float64(rounds*len(g.text)) }

// work walks over the text with branches that nobody can guess, as lexers do over
// random signs, and returns how long that took.
func (g *Gauge) work() time.Duration {
	start := Used()
	for range rounds {
		for _, b := range g.text {
			switch {
			case b&1 == 0:
				g.sum = g.sum*31 + uint32(b)
			case b&6 == 2:
				g.sum ^= g.sum >> 7
			default:
				g.sum += uint32(g.text[(uint32(b)*7+g.sum)%uint32(len(g.text))])
			}
		}
	}
	return Used() - start
}
