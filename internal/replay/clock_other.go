//go:build !linux

package replay

import "time"

// cpuTime returns the time in nanoseconds that f takes.
func cpuTime(f func()) int64 {
	start := time.Now()
	f()
	return time.Since(start).Nanoseconds()
}
