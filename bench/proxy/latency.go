package main

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"golang.org/x/sync/errgroup"
)

// share is the part of what the inspecting node can do that is asked of it:
// beyond it queues grow whatever a proxy does.
const share = 0.7

// percentiles are those that are shown.
var percentiles = [...]float64{0.5, 0.99, 0.999}

// A wait is how long the answers of one proxy took in each repeat, by
// percentile.
type wait struct {
	name  string
	proxy *proxy
	took  [len(percentiles)][]float64 // ms
}

// latency compares how long answers take with inspection and without, and
// without against itself: what differs there is noise.
func (f *fleet) latency(ctx context.Context, out io.Writer, requests [][]byte, o *options) error {
	off, block := f.find("gabion, mode off"), f.find("gabion, mode block")
	if off == nil || block == nil {
		return nil
	}
	n, err := ask(ctx, block.addr, requests, o.conns, o.latency)
	if err != nil {
		return err
	}
	most, err := sustained(ctx, block.addr, requests, float64(n)/o.latency.Seconds())
	if err != nil {
		return err
	}
	rate := share * most
	waits := []*wait{{name: "mode off", proxy: off}, {name: "mode block", proxy: block}, {name: "mode off again", proxy: off}}
	for range o.repeats {
		for _, w := range waits {
			took, err := offer(ctx, w.proxy.addr, requests, rate, o.latency)
			if err != nil {
				return fmt.Errorf("%s: %w", w.name, err)
			}
			for i, p := range percentiles {
				w.took[i] = append(w.took[i], took[int(p*float64(len(took)-1))].Seconds()*1e3)
			}
		}
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "\n%.0f requests a second\tp50 ms\tspread\tp99 ms\tspread\tp99.9 ms\tspread\t\n", rate)
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

func (w *wait) row(out io.Writer) {
	fmt.Fprintf(out, "%s\t", w.name)
	for _, took := range w.took {
		s := slices.Sorted(slices.Values(took))
		fmt.Fprintf(out, "%.2f\t%.2f-%.2f\t", s[len(s)/2], s[0], s[len(s)-1])
	}
	fmt.Fprintln(out)
}

// less returns by how much the answers of w took longer, repeat by repeat.
func (w *wait) less(o *wait, name string) *wait {
	d := &wait{name: name}
	for i := range w.took {
		for k := range w.took[i] {
			d.took[i] = append(d.took[i], w.took[i][k]-o.took[i][k])
		}
	}
	return d
}

// late is the median wait from which on a proxy does not keep up with a rate.
const late = 5 * time.Millisecond

// sustained returns the highest constant rate that a proxy keeps up with, below
// the one at which it answers when all clients wait for it: then it reads
// several requests each time it wakes up, and spends less on each.
func sustained(ctx context.Context, addr string, requests [][]byte, rate float64) (float64, error) {
	for ; ; rate *= 0.95 {
		took, err := offer(ctx, addr, requests, rate, 2*time.Second)
		if err != nil || took[len(took)/2] < late {
			return rate, err
		}
	}
}

// pending is how many requests may await their answers at a time. One that
// finds no connection waits, and its wait counts.
const pending = 256

// offer sends requests at a constant rate, whether or not the ones before are
// answered, and returns how long each took from when it was due to the end of
// its answer, shortest first.
func offer(ctx context.Context, addr string, requests [][]byte, rate float64, long time.Duration) ([]time.Duration, error) {
	total := int64(rate * long.Seconds())
	took := make([]time.Duration, total)
	var next atomic.Int64
	start := time.Now().Add(100 * time.Millisecond) // time to connect
	g, ctx := errgroup.WithContext(ctx)
	for range min(pending, total) {
		g.Go(func() error {
			c, err := net.Dial("tcp", addr)
			if err != nil {
				return err
			}
			defer c.Close()
			r := bufio.NewReader(c)
			for ctx.Err() == nil {
				i := next.Add(1) - 1
				if i >= total {
					return nil
				}
				due := start.Add(time.Duration(float64(i) / rate * float64(time.Second)))
				time.Sleep(time.Until(due))
				status, err := exchange(c, r, requests[int(i)%len(requests)])
				if err = cmp.Or(err, ok(status)); err != nil {
					return err
				}
				took[i] = time.Since(due)
			}
			return ctx.Err()
		})
	}
	err := g.Wait()
	slices.Sort(took)
	return took, err
}

func ok(status int) error {
	if status != 200 {
		return fmt.Errorf("status %d", status)
	}
	return nil
}
