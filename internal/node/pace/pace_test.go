package pace

import (
	"testing"
	"time"
)

// TestAllows counts what is allowed of a steady stream and of bursts.
func TestAllows(t *testing.T) {
	start := time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
	count := func(p *Pace, from time.Time, long time.Duration, n int) (allowed int) {
		for i := range n {
			if p.Allows(from.Add(long*time.Duration(i)/time.Duration(n)), 500) {
				allowed++
			}
		}
		return allowed
	}
	var p Pace
	if n := count(&p, start, 0, 1000); n != 500 {
		t.Errorf("%d of 1000 at once are allowed, want 500", n)
	}
	if n := count(&p, start, time.Second, 10_000); n < 490 || n > 500 {
		t.Errorf("%d of 10000 in the second after a burst are allowed", n)
	}
	busiest := 0
	for i := range 100 {
		busiest = max(busiest, count(&p, start.Add(time.Second+time.Duration(i)*10*time.Millisecond), 10*time.Millisecond, 150))
	}
	if busiest > 6 {
		t.Errorf("%d are allowed within ten milliseconds of a steady stream", busiest)
	}
	if n := count(&p, start.Add(time.Minute), time.Second, 300); n != 300 {
		t.Errorf("%d of 300 in a second are allowed after a pause", n)
	}
}
