// Package pace allows so many events a second.
package pace

import (
	"sync/atomic"
	"time"
)

// idle is how long a pause may be that is made up for: what a second allows may
// come at once when nothing came before.
const idle = time.Second

// A Pace allows events evenly spaced once what a pause allowed is spent (the
// generic cell rate algorithm, ITU-T I.371): a busy node would stall at the
// beginning of each second for the events of all of it. Its zero value is ready,
// and it is safe for concurrent use.
type Pace struct {
	due atomic.Int64 // when the next event were due if all came evenly, in Unix nanoseconds
}

// Allows says whether one more event now is within so many a second.
func (p *Pace) Allows(now time.Time, perSecond int64) bool {
	at, each := now.UnixNano(), int64(time.Second)/perSecond
	for {
		due := p.due.Load()
		next := max(due, at-int64(idle)) + each
		if next > at {
			return false
		}
		if p.due.CompareAndSwap(due, next) {
			return true
		}
	}
}
