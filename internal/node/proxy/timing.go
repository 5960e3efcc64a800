package proxy

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"sync/atomic"
	"time"
)

// timing measures the requests of one site.
type timing struct {
	request histogram
	inspect histogram
}

func (t *timing) update(took, cpu time.Duration) {
	t.request.observe(took)
	if cpu > 0 {
		t.inspect.observe(cpu)
	}
}

// bounds are the upper bounds of the buckets of a histogram: from a small
// inspection to a slow upstream.
var bounds = [...]time.Duration{
	10 * time.Microsecond, 25 * time.Microsecond, 50 * time.Microsecond, 100 * time.Microsecond, 250 * time.Microsecond,
	time.Millisecond, 5 * time.Millisecond, 25 * time.Millisecond, 100 * time.Millisecond, 500 * time.Millisecond,
	2 * time.Second, 10 * time.Second, math.MaxInt64,
}

// A histogram counts durations. Its zero value is empty.
type histogram struct {
	buckets [len(bounds)]atomic.Uint64
	sum     atomic.Int64
}

func (h *histogram) observe(d time.Duration) {
	i := 0
	for d > bounds[i] {
		i++
	}
	h.buckets[i].Add(1)
	h.sum.Add(int64(d))
}

// write writes the histogram in the text format of Prometheus.
func (h *histogram) write(w io.Writer, name, labels string) {
	total := uint64(0)
	for i, bound := range bounds {
		le := "+Inf"
		if bound != math.MaxInt64 {
			le = strconv.FormatFloat(bound.Seconds(), 'g', -1, 64)
		}
		total += h.buckets[i].Load()
		fmt.Fprintf(w, "%s_bucket{%s,le=%q} %d\n", name, labels, le, total)
	}
	fmt.Fprintf(w, "%s_sum{%s} %g\n%s_count{%s} %d\n", name, labels, time.Duration(h.sum.Load()).Seconds(), name, labels, total)
}
