// Package cpu measures the processor time of this process.
//
// Other than time on the wall it hardly depends on what else the machine
// does. It holds the garbage collector's share, whichever thread that ran on.
package cpu

import (
	"slices"
	"syscall"
	"time"
)

// Used returns the processor time that the process has used so far, user and
// system together.
func Used() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic("BUG: " + err.Error()) // fails only for a wrong argument
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Spread is the median of some repeats of a measurement and their extremes.
type Spread struct{ Median, Low, High float64 }

// Of returns the spread of v, which must not be empty.
func Of(v []float64) Spread {
	v = slices.Sorted(slices.Values(v))
	m := v[len(v)/2]
	if len(v)%2 == 0 {
		m = (m + v[len(v)/2-1]) / 2
	}
	return Spread{m, v[0], v[len(v)-1]}
}
