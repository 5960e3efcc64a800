package main

import (
	"slices"
	"time"

	"github.com/gabionhq/gabion/bench/cpu"
	"github.com/gabionhq/gabion/bench/peer"
	"github.com/gabionhq/gabion/bench/traffic"
)

// What the goal of nanoseconds per byte goes with: it was set on a machine on which
// Coraza takes 1.6 to 1.8 ms for a GET with five parameters.
const (
	ordinary = "GET, 5 parameters"
	goesWith = 1700 * time.Microsecond
)

// A pace tells how fast the machine is, which is shared and not the same from one
// minute to the next: by what Coraza takes for ordinary requests in between. It takes
// the least of several times for each, as is done for what is measured.
type pace struct {
	coraza *peer.Coraza
	round  int
	took   [batch][window]time.Duration
	last   time.Time
	spread []float64 // of what it was, in milliseconds
}

// How often the pace is taken, of how many requests, and from how many times.
const (
	interval = 300 * time.Millisecond
	batch    = 8
	window   = 4
)

func newPace() (*pace, error) {
	coraza, err := peer.New()
	if err != nil {
		return nil, err
	}
	requests, err := traffic.Pool(ordinary, batch)
	if err != nil {
		return nil, err
	}
	coraza.Load(requests)
	p := &pace{coraza: coraza}
	for range window {
		p.take()
	}
	p.spread = p.spread[window-1:]
	return p, nil
}

// take measures each request once.
func (p *pace) take() {
	for i := range p.took {
		start := cpu.Used()
		if p.coraza.Inspect(i) {
			panic("BUG: Coraza blocks an ordinary request")
		}
		p.took[i][p.round%window] = cpu.Used() - start
	}
	p.round++
	p.last = time.Now()
	p.spread = append(p.spread, p.mean().Seconds()*1e3)
}

// mean returns what a request takes.
func (p *pace) mean() (sum time.Duration) {
	for i := range p.took {
		sum += slices.Min(p.took[i][:])
	}
	return sum / batch
}

// scale returns what times measured now are multiplied by to get those that the goal
// goes with. Without a pace it is 1.
func (p *pace) scale() float64 {
	if p == nil {
		return 1
	}
	if time.Since(p.last) > interval {
		p.take()
	}
	return float64(goesWith) / float64(p.mean())
}
