package journal

import (
	"math/bits"

	"github.com/gabionhq/gabion/engine/profile"
)

// Sketches hold no counts by source, so what one source may add to them is
// bounded here: whoever sends a lot of odd values shall not teach a
// parameter that they are ordinary.
const (
	// share is the part of a parameter's values that one source may add: an
	// eighth of them moves what was common by less than a fifth of a bit,
	// and eight sources or more that send alike all count whole.
	share = 8
	// votes are what each source may add beyond that, so that a parameter
	// that few use has statistics too.
	votes = 32
	// buckets tell sources apart. Those that share one share its part,
	// too: with more sources than buckets each still has a 64th on average.
	buckets = 64
)

// A crowd is who has sent the values of one parameter, or requests to one
// endpoint, as far as it is needed to bound what each adds.
type crowd struct {
	first   uint64 // the only source so far; of no interest once there are more
	several bool
	total   uint32
	counted [buckets]uint32
	known   uint64           // traits that several sources have shown
	witness map[uint8]uint64 // the source of each other trait that was shown
}

// admit says whether a value of a source counts. As long as there is one
// source all of its values do. Once there are more, a format or class of
// characters counts from the second source on that shows it.
func (c *crowd) admit(v *profile.Stat, source uint64) bool {
	known := c.confirm(traits(v), source)
	return !c.several || known && c.vote(source)
}

// heeds says whether what a source shows still counts.
func (c *crowd) heeds(source uint64) bool {
	return c.counted[source%buckets] < votes+c.total/share && c.total < 1<<32-1
}

// vote counts what a source shows, if it still counts.
func (c *crowd) vote(source uint64) bool {
	if !c.heeds(source) {
		return false
	}
	c.counted[source%buckets]++
	c.total++
	return true
}

// joins notes the source and says whether it is the second one.
func (c *crowd) joins(source uint64) bool {
	if c.first == 0 {
		c.first = source
	}
	if c.several || source == c.first {
		return false
	}
	c.several = true
	return true
}

// confirm notes who has shown the traits and says whether each was shown by
// several sources.
func (c *crowd) confirm(shown, source uint64) bool {
	for rest := shown &^ c.known; rest != 0; rest &= rest - 1 {
		trait := uint8(bits.TrailingZeros64(rest))
		switch who, ok := c.witness[trait]; {
		case !ok:
			if c.witness == nil {
				c.witness = map[uint8]uint64{}
			}
			c.witness[trait] = source
		case who != source:
			delete(c.witness, trait)
			c.known |= 1 << trait
		}
	}
	return shown&^c.known == 0
}

// traits are the format and the classes of characters of a value, a bit
// each: what a model tells apart as never seen.
func traits(v *profile.Stat) uint64 {
	t := uint64(1) << (profile.NumClasses + int(v.Format))
	for class, n := range v.Class {
		if n > 0 {
			t |= 1 << class
		}
	}
	return t
}
