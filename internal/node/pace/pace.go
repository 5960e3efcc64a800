// Package pace allows so many events a second.
package pace

import "sync/atomic"

// A Pace counts the events of the current second. Its zero value is ready,
// and it is safe for concurrent use.
type Pace struct {
	second, n atomic.Int64
}

// Allows says whether one more event at unix seconds is within most.
func (p *Pace) Allows(unix, most int64) bool {
	if last := p.second.Load(); last != unix && p.second.CompareAndSwap(last, unix) {
		p.n.Store(0)
	}
	return p.n.Load() < most && p.n.Add(1) <= most
}
