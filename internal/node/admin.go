package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// serveAdmin answers /healthz, /readyz and /metrics until the context ends.
func (n *Node) serveAdmin(ctx context.Context) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok\n") })
	mux.Handle("GET /readyz", &n.health)
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		n.writeMetrics(w)
	})
	s := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute}
	stop := context.AfterFunc(ctx, func() { s.Close() })
	defer stop()
	if err := s.Serve(n.admin); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving administration: %w", err)
	}
	return nil
}

func (n *Node) writeMetrics(w io.Writer) {
	n.proxy.WriteMetrics(w)
	metrics.WriteGaugeUint64(w, "gabion_policy_revision_info", n.Ruleset())
	metrics.WriteGaugeUint64(w, "gabion_degraded_parts", uint64(len(n.health.Reasons())))
	metrics.WriteGaugeFloat64(w, "gabion_uptime_seconds", time.Since(n.started).Seconds())
	metrics.WriteProcessMetrics(w)
}
