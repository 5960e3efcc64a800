package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/gabionhq/gabion/bench/cpu"
)

// share is the part of what the inspecting node can do that is asked of it:
// beyond it queues grow whatever a proxy does.
const share = 0.7

// pending is how many requests may await their answers at a time. One that
// finds no connection waits, and its wait counts.
const pending = 256

// warm is how long a rate is kept up before it counts.
const warm = time.Second

// percentiles are those that are shown.
var percentiles = [...]float64{0.5, 0.99, 0.999}

// A wait is how long the answers of one proxy took in each repeat, by
// percentile, and what the cores did meanwhile.
type wait struct {
	name  string
	proxy *proxy
	took  [len(percentiles)][]float64 // ms
	late  []float64                   // ms by which the clients were late themselves, 99 %
	used  []float64                   // % of its core, by the proxy
	asked []float64                   // % of their cores, by clients and upstream
	alien []float64                   // % of all these cores, by anything else
}

// latency compares how long answers take with inspection and without, and
// without against itself: what differs there is noise.
func (f *fleet) latency(ctx context.Context, out io.Writer, requests [][]byte, o *options) error {
	off, block := f.find("gabion, mode off"), f.find("gabion, mode block")
	if off == nil || block == nil {
		return nil
	}
	l := load{requests: requests, conns: pending, rate: o.rate, warm: warm, long: o.latency}
	if l.rate == 0 {
		most, err := sustained(ctx, block.addr, requests)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "\nmode block keeps up with %.0f requests a second\n", most)
		l.rate = share * most
	}
	waits := []*wait{{name: "mode off", proxy: off}, {name: "mode block", proxy: block}, {name: "mode off again", proxy: off}}
	for range o.repeats {
		for _, w := range waits {
			if err := w.measure(ctx, l, f); err != nil {
				return fmt.Errorf("%s: %w", w.name, err)
			}
		}
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "\n%.0f requests a second\tp50 ms\tspread\tp99 ms\tspread\tp99.9 ms\tspread\tclients late, p99\tspread\tproxy busy %%\tclients, upstream\tanything else\t\n", l.rate)
	for _, w := range waits {
		w.row(t)
	}
	waits[1].less(waits[0], "added by inspection").row(t)
	waits[2].less(waits[0], "off less off").row(t)
	return t.Flush()
}

func (f *fleet) find(name string) *proxy {
	if i := slices.IndexFunc(f.proxies, func(p *proxy) bool { return p.name == name }); i >= 0 {
		return f.proxies[i]
	}
	return nil
}

// measure offers the load once.
func (w *wait) measure(ctx context.Context, l load, f *fleet) error {
	start := time.Now()
	before, err := f.spent(w.proxy)
	if err != nil {
		return err
	}
	done, err := l.put(ctx, w.proxy.addr)
	if err != nil {
		return err
	}
	after, err := f.spent(w.proxy)
	if err != nil {
		return err
	}
	for i, p := range percentiles {
		w.took[i] = append(w.took[i], percentile(done.took, p))
	}
	w.late = append(w.late, percentile(done.late, 0.99))
	n := float64(f.cores.others.Count())
	part := func(d time.Duration) float64 { return 100 * d.Seconds() / time.Since(start).Seconds() }
	used, asked, all := part(after.proxy-before.proxy), part(after.asking-before.asking), part(after.all-before.all)
	w.used, w.asked = append(w.used, used), append(w.asked, asked/n)
	w.alien = append(w.alien, max(0, all-used-asked)/(n+1))
	return nil
}

// A spent is what processors have spent, on whom.
type spent struct{ proxy, asking, all time.Duration }

func (f *fleet) spent(p *proxy) (s spent, err error) {
	if s.proxy, err = p.cpu(); err != nil {
		return s, err
	}
	if s.asking, err = f.upstream.cpu(); err != nil {
		return s, err
	}
	s.asking += cpu.Used()
	s.all, err = busy()
	return s, err
}

// percentile returns a percentile of what is sorted, in ms.
func percentile(took []time.Duration, p float64) float64 {
	return took[int(p*float64(len(took)-1))].Seconds() * 1e3
}

func (w *wait) row(out io.Writer) {
	fmt.Fprintf(out, "%s\t", w.name)
	for _, took := range append(w.took[:], w.late) {
		s := cpu.Of(took)
		fmt.Fprintf(out, "%.2f\t%.2f-%.2f\t", s.Median, s.Low, s.High)
	}
	for _, busy := range [][]float64{w.used, w.asked, w.alien} {
		fmt.Fprintf(out, "%.0f\t", cpu.Of(busy).Median)
	}
	fmt.Fprintln(out)
}

// less returns by how much the answers of w took longer, repeat by repeat.
func (w *wait) less(o *wait, name string) *wait {
	d := &wait{name: name, late: less(w.late, o.late), used: less(w.used, o.used), asked: less(w.asked, o.asked), alien: less(w.alien, o.alien)}
	for i := range w.took {
		d.took[i] = less(w.took[i], o.took[i])
	}
	return d
}

func less(a, b []float64) []float64 {
	d := slices.Clone(a)
	for i := range d {
		d[i] -= b[i]
	}
	return d
}

// late is the median wait from which on a proxy does not keep up with a rate.
const late = 5 * time.Millisecond

// tries is how often a rate is tried: what else the machine does may only make
// a proxy look slower.
const tries = 3

// sustained returns the highest constant rate that a proxy keeps up with, below
// the one at which it answers when all clients wait for it: then it reads
// several requests each time it wakes up, and spends less on each.
func sustained(ctx context.Context, addr string, requests [][]byte) (float64, error) {
	l := load{requests: requests, conns: pending, warm: warm, long: 2 * time.Second}
	all, err := l.put(ctx, addr)
	if err != nil {
		return 0, err
	}
	for l.rate = float64(len(all.took)) / l.long.Seconds(); ; l.rate *= 0.95 {
		for range tries {
			done, err := l.put(ctx, addr)
			if err != nil || done.took[len(done.took)/2] < late {
				return l.rate, err
			}
		}
	}
}
