package proxy

import (
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// timing measures the requests of one site.
type timing struct {
	request metrics.Histogram
	inspect metrics.Histogram
}

func (t *timing) update(took, cpu time.Duration) {
	t.request.Update(took.Seconds())
	if cpu > 0 {
		t.inspect.Update(cpu.Seconds())
	}
}
