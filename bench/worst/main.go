// Worst searches for requests that cost the engine more than they should.
//
// It builds requests that are hostile to each parser and detector in sizes
// from 1 KB up, and prints the processor time per byte on the wire and how
// it grows with the size. Cost that grows faster than the size, or is high
// per byte, is what a flood would be made of.
package main

import (
	"cmp"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"runtime/pprof"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/gabionhq/gabion/bench/cpu"
	"github.com/gabionhq/gabion/engine"
	"github.com/gabionhq/gabion/engine/rule"
)

// What is marked.
const (
	dearest  = 60.0 // nanoseconds per byte
	steepest = 1.05 // slope of cost over size, both as logarithms
)

// sizes are those that each case is measured at, those above small only for
// cases that stand out.
var sizes = [...]int{1 << 10, 8 << 10, 24 << 10, 64 << 10, 512 << 10, 8 << 20}

const small = 4

func main() {
	var o options
	flag.StringVar(&o.match, "match", "", "only the cases whose name contains `TEXT`")
	flag.IntVar(&o.show, "show", 40, "print the dearest `N` cases, 0 for all")
	flag.IntVar(&o.largest, "largest", 40, "measure the dearest `N` cases, and all steep ones, up to 8 MB")
	flag.IntVar(&o.every, "every", 1, "measure only every `N`th case")
	flag.IntVar(&o.again, "again", 2, "measure what stands out `N` times more")
	flag.DurationVar(&o.search, "search", 0, "search for dearer values for this long")
	flag.IntVar(&o.size, "size", 16<<10, "`BYTES` of the values that -search tries: long enough that growth with the square shows")
	flag.BoolVar(&o.raw, "raw", false, "print times as measured, not at the pace that the goal goes with")
	flag.StringVar(&o.profile, "cpuprofile", "", "write a profile of all that is measured to `FILE`")
	flag.Parse()
	if err := run(os.Stdout, o); err != nil {
		fmt.Fprintln(os.Stderr, "worst:", err)
		os.Exit(1)
	}
}

// options are what the flags say.
type options struct {
	match, profile                    string
	show, largest, every, again, size int
	search                            time.Duration
	raw                               bool
}

func run(out io.Writer, o options) error {
	m := &meter{engine: engine.New(engine.Options{}), waits: o.profile == ""}
	switch {
	case o.profile != "": // of the engine alone
		stop, err := startProfile(o.profile)
		if err != nil {
			return err
		}
		defer stop()
	case !o.raw:
		p, err := newPace()
		if err != nil {
			return err
		}
		m.pace = p
	}
	if o.search > 0 {
		hunt(out, m, o.search, max(o.size, 1))
	} else {
		survey(out, m, o)
	}
	m.print(out)
	return nil
}

// startProfile begins a profile of the processor. The function that it returns ends
// it.
func startProfile(name string) (stop func(), err error) {
	f, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		f.Close()
		return nil, err
	}
	return func() {
		pprof.StopCPUProfile()
		f.Close() // a file that was cut short is no profile, which its reader says
	}, nil
}

// A meter measures single requests.
type meter struct {
	engine *engine.Engine
	pace   *pace // nil for none
	gauge  cpu.Gauge
	waits  bool // for the machine to be quiet
	blocks bool // whether the last one was blocked
	loud   int  // measurements at which it seldom was
}

// least is what is measured at once: less is noise.
const least = time.Millisecond

// repeats is how often each request is measured, and fewRepeats one that takes
// long.
const (
	repeats    = 5
	fewRepeats = 2
	long       = 100 * least
	patience   = 5 // repeats at which the machine is not quiet
)

// cost returns the nanoseconds per byte that a request takes, at the pace that the
// goal goes with: the least of several measurements, because what else runs can only
// add to it, with a quiet machine before and after if there is one in time. Inspection
// goes on after a verdict, as it does in mode monitoring, where it takes longest.
func (m *meter) cost(q *request) float64 {
	scale := m.pace.scale()
	best, loud := math.Inf(1), 0
	for most := repeats; most > 0; most-- {
		before := !m.waits || m.gauge.Quiet()
		used, n := m.repeat(q)
		best = min(best, float64(used)/float64(n)/float64(q.size()))
		if used > long {
			most = min(most, fewRepeats)
		} else if m.waits && (!before || !m.gauge.Quiet()) && loud < patience {
			most, loud = most+1, loud+1
		}
	}
	if loud == patience {
		m.loud++
	}
	return best * scale
}

// print writes how fast the machine was.
func (m *meter) print(out io.Writer) {
	fmt.Fprintf(out, "the machine was seldom quiet at %d measurements; a byte of fixed work took %.2f ns at best\n", m.loud, m.gauge.PerByte())
	if m.pace != nil {
		s := cpu.Of(m.pace.spread)
		fmt.Fprintf(out, "times are those of a machine on which Coraza takes %.1f ms for a GET; here it took %.2f ms (%.2f-%.2f)\n",
			goesWith.Seconds()*1e3, s.Median, s.Low, s.High)
	}
}

// repeat inspects a request as often as it takes to measure that, and returns how
// long it took and how often it was.
func (m *meter) repeat(q *request) (used time.Duration, n int) {
	for start := cpu.Used(); n == 0 || used < least; used = cpu.Used() - start {
		m.inspect(q)
		n++
	}
	return used, n
}

// chunk is how much of a body arrives at once.
const chunk = 64 << 10

func (m *meter) inspect(q *request) {
	tx := m.engine.Begin(nil, engine.Env{Mode: rule.Monitoring, Observe: true})
	defer tx.Close()
	tx.Headers(&q.head)
	for body := q.body; len(body) > 0; {
		n := min(len(body), chunk)
		tx.Body(body[:n])
		body = body[n:]
	}
	m.blocks = tx.End().Attack
}

// A result is the cost of a case by size; 0 where it was not measured.
type result struct {
	c      *testCase
	perB   [len(sizes)]float64
	worst  float64
	slope  float64
	attack bool
}

// tooSlow is the time for one request after which larger ones are not tried.
const tooSlow = 5 * time.Second

func (r *result) measure(m *meter, i int) {
	size := sizes[i]
	if r.c.most > 0 && size > r.c.most {
		return
	}
	if i > 0 && r.perB[i-1]*float64(size)*float64(size)/float64(sizes[i-1]) > float64(tooSlow)*8 {
		return
	}
	q := r.c.build(size)
	c := m.cost(&q)
	if r.perB[i] > 0 {
		c = min(c, r.perB[i])
	}
	r.perB[i], r.attack = c, m.blocks
	r.sum()
}

// measureAgain measures what stood out anew, later: what else ran then has passed.
func (r *result) measureAgain(m *meter) {
	for i, c := range r.perB {
		if c > 0 {
			r.measure(m, i)
		}
	}
}

// sum finds the dearest size, and the slope of the cost over the size, both as
// logarithms: least squares over all sizes from sloped up.
func (r *result) sum() {
	r.worst, r.slope = 0, 0
	var n, sx, sy, sxx, sxy float64
	for i, c := range r.perB {
		r.worst = max(r.worst, c)
		if c == 0 || sizes[i] < sloped {
			continue
		}
		x := math.Log(float64(sizes[i]))
		y := x + math.Log(c)
		n, sx, sy, sxx, sxy = n+1, sx+x, sy+y, sxx+x*x, sxy+x*y
	}
	if n > 1 {
		r.slope = (n*sxy - sx*sy) / (n*sxx - sx*sx)
	}
}

// sloped is the size from which growth counts: small requests have costs of
// their own that hide it.
const sloped = 8 << 10

func (r *result) marks() string {
	var marks []string
	if r.worst > dearest {
		marks = append(marks, "DEAR")
	}
	if r.slope > steepest && r.worst > dearest/3 {
		marks = append(marks, "STEEP")
	}
	return strings.Join(marks, " ")
}

func survey(out io.Writer, m *meter, o options) {
	var results []*result
	for i, c := range cases() {
		if i%max(o.every, 1) == 0 && strings.Contains(c.name, o.match) {
			results = append(results, &result{c: c})
		}
	}
	if len(results) == 0 {
		fmt.Fprintf(out, "no case's name contains %q\n", o.match)
		return
	}
	measureAll(m, results, o.largest, o.again)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "case\tns/B 1K\t8K\t24K\t64K\t512K\t8M\tslope\tattack\t\t\n")
	for i, r := range results {
		if o.show <= 0 || i < o.show || strings.Contains(r.marks(), "STEEP") {
			r.print(w)
		}
	}
	w.Flush()
	summarize(out, results)
}

// measureAll measures all cases, large requests only for the dearest and the steep
// ones, what stands out again, and sorts them.
func measureAll(m *meter, results []*result, largest, again int) {
	for _, r := range results {
		for i := range small {
			r.measure(m, i)
		}
	}
	rank := func() {
		slices.SortFunc(results, func(a, b *result) int { return cmp.Compare(b.worst, a.worst) })
	}
	rank()
	for i, r := range results {
		if i < largest || strings.Contains(r.marks(), "STEEP") {
			for i := small; i < len(sizes); i++ {
				r.measure(m, i)
			}
		}
	}
	for range again {
		for _, r := range results {
			if r.marks() != "" {
				r.measureAgain(m)
			}
		}
	}
	rank()
}

// print writes the row of a table.
func (r *result) print(w io.Writer) {
	fmt.Fprintf(w, "%s\t", r.c.name)
	for _, c := range r.perB {
		if c == 0 {
			fmt.Fprintf(w, "-\t")
			continue
		}
		fmt.Fprintf(w, "%.1f\t", c)
	}
	fmt.Fprintf(w, "%.2f\t%t\t%s\t\n", r.slope, r.attack, r.marks())
}

// summarize writes how many cases stand out.
func summarize(out io.Writer, results []*result) {
	dear, steep := 0, 0
	for _, r := range results {
		if strings.Contains(r.marks(), "DEAR") {
			dear++
		}
		if strings.Contains(r.marks(), "STEEP") {
			steep++
		}
	}
	share := func(n int) float64 { return 100 * float64(n) / float64(len(results)) }
	fmt.Fprintf(out, "%d cases: %d (%.1f %%) beyond %.0f ns per byte at some size, %d (%.1f %%) of a slope beyond %.2f; the median of the dearest sizes is %.1f ns per byte\n",
		len(results), dear, share(dear), dearest, steep, share(steep), steepest, results[len(results)/2].worst)
	for i, size := range sizes {
		n, of := 0, 0
		for _, r := range results {
			if r.perB[i] > 0 {
				of++
			}
			if r.perB[i] > dearest {
				n++
			}
		}
		fmt.Fprintf(out, "%8d bytes: %d of %d beyond\n", size, n, of)
	}
}
