// Package pace allows so many events a second.
package pace

import (
	"sync/atomic"
	"time"
)

// burst is the part of a second whose events may come at once. A page loads
// its parts together; what a whole second allows would stall a busy node at the
// beginning of each.
const burst = 10

// A Pace spaces events evenly, once a burst of them was spent (the generic cell
// rate algorithm, ITU-T I.371). Its zero value is ready, and it is safe for
// concurrent use.
type Pace struct {
	due atomic.Int64 // when the next event were due if all came evenly, in Unix nanoseconds
}

// Allows says whether one more event now is within so many a second.
func (p *Pace) Allows(now time.Time, perSecond int64) bool {
	at, each := now.UnixNano(), int64(time.Second)/perSecond
	for {
		due := p.due.Load()
		next := max(due, at-int64(time.Second)/burst) + each
		if next > at {
			return false
		}
		if p.due.CompareAndSwap(due, next) {
			return true
		}
	}
}
