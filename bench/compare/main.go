// Compare measures what an inspection costs: Gabion's engine against Coraza
// with the OWASP Core Rule Set, in one process and run, on the same requests.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"text/tabwriter"
	"time"

	"github.com/gabionhq/gabion/bench/cpu"
	"github.com/gabionhq/gabion/bench/peer"
	"github.com/gabionhq/gabion/bench/traffic"
)

// A waf inspects requests and says whether it would block them.
type waf interface {
	Inspect(i int) (blocked bool)
	Load([]traffic.Request) // what Inspect will be asked for, by index
}

func main() {
	repeats := flag.Int("repeats", 5, "interleaved repeats; the median counts")
	pool := flag.Int("pool", 2000, "different requests of each kind")
	slice := flag.Duration("slice", time.Second, "processor time that Coraza gets for each repeat of each kind")
	flag.Parse()
	if err := run(os.Stdout, *repeats, *pool, *slice); err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

func run(out io.Writer, repeats, size int, slice time.Duration) error {
	coraza, err := peer.New()
	if err != nil {
		return err
	}
	wafs := [2]waf{newGabion(), coraza}
	if err := inForce(wafs[:]); err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "request\tbytes\tGabion us\tspread\tallocs\tCoraza us\tspread\tallocs\tKB\tratio\tspread\t\n")
	for _, kind := range traffic.Kinds() {
		requests, err := traffic.Pool(kind, size)
		if err != nil {
			return err
		}
		for _, f := range wafs {
			f.Load(requests)
		}
		if err := benign(wafs[:], requests); err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
		var us, allocs, kb [2][]float64
		var ratio []float64
		from := 0
		for range repeats {
			g := measure(wafs[0], from, size, size, time.Hour)
			c := measure(wafs[1], from, size, size, slice)
			for i, s := range []sample{g, c} {
				us[i] = append(us[i], s.us)
				allocs[i] = append(allocs[i], s.allocs)
				kb[i] = append(kb[i], s.kb)
			}
			ratio = append(ratio, c.us/g.us)
			from += c.n
		}
		g, c, q := cpu.Of(us[0]), cpu.Of(us[1]), cpu.Of(ratio)
		fmt.Fprintf(w, "%s\t%d\t%.1f\t%.1f-%.1f\t%.2f\t%.0f\t%.0f-%.0f\t%.0f\t%.0f\t%.0fx\t%.0f-%.0f\t\n",
			kind, meanSize(requests), g.Median, g.Low, g.High, cpu.Of(allocs[0]).Median,
			c.Median, c.Low, c.High, cpu.Of(allocs[1]).Median, cpu.Of(kb[1]).Median, q.Median, q.Low, q.High)
		w.Flush()
	}
	return nil
}

// inForce makes sure that what is measured does its work.
func inForce(wafs []waf) error {
	attacks := traffic.Attacks()
	for _, f := range wafs {
		f.Load(attacks)
		for i, a := range attacks {
			if !f.Inspect(i) {
				return fmt.Errorf("%T passes an attack, so its cost means nothing: %s %s %s", f, a.Method, a.Target, a.Body)
			}
		}
	}
	return nil
}

// benign makes sure that ordinary requests take the long way of a request
// that passes. It is also the warm-up.
func benign(wafs []waf, requests []traffic.Request) error {
	for k, f := range wafs {
		for i, q := range requests {
			if k == 1 && i == 20 {
				break // a hundred times the time; measure counts the rest
			}
			if f.Inspect(i) {
				return fmt.Errorf("%T blocks an ordinary request: %s %s %s", f, q.Method, q.Target, q.Body)
			}
		}
	}
	return nil
}

type sample struct {
	n              int
	us, allocs, kb float64 // per request
}

// measure inspects up to n requests of a pool of size, from one on, for
// about the given processor time.
func measure(f waf, from, n, size int, most time.Duration) sample {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	start := cpu.Used()
	done := 0
	for done < n {
		if f.Inspect((from + done) % size) {
			panic(fmt.Sprintf("BUG: %T blocks request %d", f, (from+done)%size))
		}
		done++
		if most < time.Hour && cpu.Used()-start > most {
			break
		}
	}
	used := cpu.Used() - start
	runtime.ReadMemStats(&after)
	per := func(v uint64) float64 { return float64(v) / float64(done) }
	return sample{done, used.Seconds() * 1e6 / float64(done), per(after.Mallocs - before.Mallocs), per(after.TotalAlloc-before.TotalAlloc) / 1024}
}

func meanSize(requests []traffic.Request) int {
	n := 0
	for _, q := range requests {
		n += len(q.Method) + len(q.Target) + len(q.Body) + len(" HTTP/1.1\r\n\r\n\r\n") + 1
		for _, h := range q.Header {
			n += len(h[0]) + len(h[1]) + len(": \r\n")
		}
	}
	return n / len(requests)
}
