// Package score counts how often verdicts agree with the labels of a corpus.
package score

import (
	"cmp"
	"math"
	"slices"

	"github.com/gabionhq/gabion/internal/replay"
)

// A Rate is how many of N requests got the right verdict.
type Rate struct {
	Right int `json:"right"`
	N     int `json:"n"`
}

func (r *Rate) add(right bool) {
	r.N++
	if right {
		r.Right++
	}
}

// Percent is the share of right verdicts; 0 without requests.
func (r Rate) Percent() float64 {
	return 100 * float64(r.Right) / float64(max(r.N, 1))
}

// Interval is the 95 % confidence interval of Percent after Wilson, which
// unlike the textbook one stays inside 0 to 100 near both ends.
func (r Rate) Interval() (low, high float64) {
	if r.N == 0 {
		return 0, 0
	}
	const z = 1.96
	n := float64(r.N)
	p := float64(r.Right) / n
	d := 1 + z*z/n
	c := p + z*z/(2*n)
	h := z * math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	return 100 * (c - h) / d, 100 * (c + h) / d
}

// A Headline is the pair of rates by which releases are judged: attacks of
// the tiers gold and silver against benign requests of real and synth.
type Headline struct {
	Attack Rate `json:"attack"`
	Benign Rate `json:"benign"`
}

// Balanced is the mean of both rates in percent, which a corpus with more
// requests of one kind does not tilt.
func (h Headline) Balanced() float64 {
	return (h.Attack.Percent() + h.Benign.Percent()) / 2
}

func (h *Headline) add(attack, right bool) {
	if attack {
		h.Attack.add(right)
	} else {
		h.Benign.add(right)
	}
}

// A Row is the rate of one group of requests.
type Row struct {
	Label    string `json:"label"` // attack, benign
	By       string `json:"by"`    // class, source, context, tier
	Name     string `json:"name"`
	Headline bool   `json:"headline"` // the requests are of the headline tiers
	Rate
	Low  float64 `json:"low"` // 95 % interval, percent
	High float64 `json:"high"`
}

// A Cost is the engine time that requests took, in nanoseconds.
type Cost struct {
	Mean int64 `json:"mean"`
	P50  int64 `json:"p50"`
	P99  int64 `json:"p99"`
	Max  int64 `json:"max"`
}

// A Miss is a request with the wrong verdict.
type Miss struct {
	Label  string  `json:"label"`
	Class  string  `json:"class"`
	Source string  `json:"source"`
	Tier   string  `json:"tier"`
	Ctx    string  `json:"ctx"`
	ID     string  `json:"id"`
	Score  float32 `json:"score"`
	Text   string  `json:"text"` // method, target and body, cut

	Findings []replay.Finding `json:"findings"`
}

// A Report is what a corpus says of the engine.
type Report struct {
	Headline Headline  `json:"headline"`
	Sealed   *Headline `json:"sealed,omitempty"` // of the sealed part alone
	LeftOut  int       `json:"left_out"`         // requests of the sealed part that were not scored
	Balanced float64   `json:"balanced"`         // percent
	Macro    float64   `json:"macro"`            // mean rate of the attack classes with at least minClass requests, percent
	Worst    string    `json:"worst"`            // the weakest of them
	Rows     []Row     `json:"rows"`
	Attack   Cost      `json:"attack_ns"`
	Benign   Cost      `json:"benign_ns"`
	Misses   []Miss    `json:"misses,omitempty"`
}

// minClass is how many requests a class needs before its rate means much:
// at 20 the interval is still 30 points wide.
const minClass = 20

type group struct {
	label, by, name string
	headline        bool
}

// A Tally collects verdicts. Its zero value is ready.
type Tally struct {
	// Sealed includes the sealed part of the corpus.
	Sealed bool
	// Misses is how many wrong verdicts to report of each label and class.
	Misses int

	all, sealed    Headline
	leftOut        int
	groups         map[group]*Rate
	attack, benign []int64
	misses         []Miss
}

// add counts one verdict; nil is a sample that nobody wanted.
func (t *Tally) add(o *outcome) {
	if o == nil {
		return
	}
	if o.leftOut {
		t.leftOut++
		return
	}
	right, headline := o.right(), o.headline()
	if headline {
		t.all.add(o.attack(), right)
	}
	if headline && o.Sealed() {
		t.sealed.add(o.attack(), right)
	}
	t.addGroups(o, right, headline)
	if o.attack() {
		t.attack = append(t.attack, o.verdict.NS)
	} else {
		t.benign = append(t.benign, o.verdict.NS)
	}
	if !right && t.Misses > 0 {
		t.misses = append(t.misses, o.miss())
	}
}

func (t *Tally) addGroups(o *outcome, right, headline bool) {
	if t.groups == nil {
		t.groups = map[group]*Rate{}
	}
	for _, g := range []group{
		{o.Label, "class", o.Class, headline},
		{o.Label, "source", o.Source, headline},
		{o.Label, "context", cmp.Or(o.Ctx, "-"), headline},
		{o.Label, "tier", o.Tier, headline},
	} {
		if t.groups[g] == nil {
			t.groups[g] = new(Rate)
		}
		t.groups[g].add(right)
	}
}

// N is how many verdicts were counted.
func (t *Tally) N() int { return len(t.attack) + len(t.benign) }

// Report sums up what was added so far.
func (t *Tally) Report() *Report {
	r := &Report{
		Headline: t.all,
		LeftOut:  t.leftOut,
		Balanced: t.all.Balanced(),
		Attack:   cost(t.attack),
		Benign:   cost(t.benign),
		Misses:   worst(t.misses, t.Misses),
	}
	if t.Sealed {
		r.Sealed = &t.sealed
	}
	for g, rate := range t.groups {
		low, high := rate.Interval()
		r.Rows = append(r.Rows, Row{g.label, g.by, g.name, g.headline, *rate, low, high})
	}
	slices.SortFunc(r.Rows, compareRows)
	r.Macro, r.Worst = macro(r.Rows)
	return r
}

// compareRows puts the headline tiers first and the weakest row of each
// grouping on top.
func compareRows(a, b Row) int {
	return cmp.Or(
		cmp.Compare(a.By, b.By),
		cmp.Compare(a.Label, b.Label),
		-cmp.Compare(b2i(a.Headline), b2i(b.Headline)),
		cmp.Compare(a.Percent(), b.Percent()),
		cmp.Compare(a.Name, b.Name),
	)
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// worst returns, of each label and class, the n misses whose score was the
// furthest from right.
func worst(misses []Miss, n int) []Miss {
	slices.SortStableFunc(misses, func(a, b Miss) int {
		by := cmp.Compare(a.Score, b.Score)
		if a.Label == Benign {
			by = -by
		}
		return cmp.Or(cmp.Compare(a.Label, b.Label), cmp.Compare(a.Class, b.Class), by)
	})
	var out []Miss
	kept := 0
	for i, m := range misses {
		if i > 0 && (m.Label != misses[i-1].Label || m.Class != misses[i-1].Class) {
			kept = 0
		}
		if kept++; kept <= n {
			out = append(out, m)
		}
	}
	return out
}

func macro(rows []Row) (mean float64, worst string) {
	n, low := 0, math.Inf(1)
	for _, r := range rows {
		if r.By != "class" || r.Label != Attack || !r.Headline || r.N < minClass {
			continue
		}
		n++
		mean += r.Percent()
		if r.Percent() < low {
			low, worst = r.Percent(), r.Name
		}
	}
	return mean / float64(max(n, 1)), worst
}

func cost(ns []int64) Cost {
	if len(ns) == 0 {
		return Cost{}
	}
	slices.Sort(ns)
	var sum int64
	for _, v := range ns {
		sum += v
	}
	at := func(p int) int64 { return ns[(len(ns)-1)*p/100] }
	return Cost{sum / int64(len(ns)), at(50), at(99), at(100)}
}
