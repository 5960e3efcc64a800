package proxy

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/VictoriaMetrics/metrics"
)

// WriteMetrics writes the counters of every site in the text format of
// Prometheus. Labels are bounded by the configuration.
func (p *Proxy) WriteMetrics(w io.Writer) {
	for _, s := range append([]*site{p.none}, p.sites...) {
		s.writeMetrics(w)
	}
	metrics.WriteGaugeUint64(w, "gabion_http_requests_active", uint64(p.active.Load()))
	metrics.WriteGaugeUint64(w, "gabion_held_bytes", uint64(p.buffers.out.Load()))
}

func (s *site) writeMetrics(w io.Writer) {
	c := s.tally.counts()
	site := fmt.Sprintf("site=%q", s.name)
	count := func(name, labels string, n uint64) {
		metrics.WriteCounterUint64(w, "gabion_"+name+"{"+labels+"}", n)
	}
	count("http_requests_received_total", site, c.Received)
	count("http_requests_inspected_total", site, c.Inspected)
	for _, reason := range slices.Sorted(maps.Keys(c.Bypassed)) {
		count("http_requests_bypassed_total", fmt.Sprintf("%s,reason=%q", site, reason), c.Bypassed[reason])
	}
	count("http_requests_total", site+`,verdict="block"`, c.Blocked)
	count("http_requests_total", site+`,verdict="pass"`, c.Inspected-c.Blocked)
	count("attacks_total", site+`,action="block"`, c.Blocked)
	count("attacks_total", site+`,action="pass"`, c.Attacks-min(c.Attacks, c.Blocked))
	count("fail_open_total", site, c.FailedOpen)
	count("upstream_errors_total", site, c.UpstreamErrors)
	count("upgraded_bytes_total", site, c.UpgradedBytes)
	for _, reason := range slices.Sorted(maps.Keys(c.Relayed)) {
		count("upgrades_relayed_total", fmt.Sprintf("%s,reason=%q", site, reason), c.Relayed[reason])
	}
	m := c.Messages
	count("websocket_messages_inspected_total", site, m.Inspected)
	for _, reason := range slices.Sorted(maps.Keys(m.Bypassed)) {
		count("websocket_messages_bypassed_total", fmt.Sprintf("%s,reason=%q", site, reason), m.Bypassed[reason])
	}
	count("websocket_attacks_total", site+`,action="block"`, m.Blocked)
	count("websocket_attacks_total", site+`,action="pass"`, m.Attacks-min(m.Attacks, m.Blocked))
	for _, u := range s.group.members {
		metrics.WriteGaugeUint64(w, fmt.Sprintf("gabion_upstream_healthy{%s,upstream=%q}", site, u.address), one(u.well()))
	}
	s.timing.request.write(w, "gabion_http_request_duration_seconds", site)
	s.timing.inspect.write(w, "gabion_inspect_duration_seconds", site)
}
