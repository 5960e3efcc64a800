// Crs runs the requests of the Core Rule Set's own regression tests through
// the engine in mode block.
//
// A test names rules that shall match or that shall not. Those that expect a
// rule of paranoia level 1 are attacks that the rule set means to stop as it
// is installed. A test that refuses rules says nothing of all the others,
// and often holds an attack for one of them: the rule set itself, run by
// Coraza on the same request, tells which.
package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"golang.org/x/sync/errgroup"

	"github.com/gabionhq/gabion/engine"
	"github.com/gabionhq/gabion/internal/replay"
)

// families are the kinds of attacks of the suite. 911 and 920 are about what
// a site allows and how requests are formed; the responses are another
// engine's work.
var families = []string{"913", "920", "921", "922", "930", "931", "932", "933", "934", "941", "942", "943", "944"}

// policy is the family that is counted apart: most of its rules are limits
// and manners that a site sets for itself, not attacks.
const policy = "920"

func main() {
	family := flag.String("family", "", "only the `FAMILY`, such as 942")
	misses := flag.Bool("misses", false, "list the attacks of paranoia level 1 that pass")
	alarms := flag.Bool("alarms", false, "list the requests of no attack that are blocked")
	flag.Parse()
	if err := run(os.Stdout, *family, *misses, *alarms); err != nil {
		fmt.Fprintln(os.Stderr, "crs:", err)
		os.Exit(1)
	}
}

// A result is what came of a stage.
type result struct {
	*stage
	crs     sentence
	level   int // of the rules that shall match; 0 when none shall
	verdict replay.Verdict
}

func run(out io.Writer, family string, misses, alarms bool) error {
	chosen := families
	if family != "" {
		chosen = []string{family}
	}
	stages, err := suite(chosen)
	if err != nil {
		return err
	}
	if len(stages) == 0 {
		return fmt.Errorf("no tests of family %s", family)
	}
	levels, err := levels()
	if err != nil {
		return err
	}
	results, err := inspect(stages, levels)
	if err != nil {
		return err
	}
	if misses {
		list(out, "attacks of paranoia level 1 that pass", results, func(r *result) bool { return r.level == 1 && !r.blocked() })
	}
	if alarms {
		list(out, "requests that the rule set passes, blocked", results, func(r *result) bool { return r.benign() && r.blocked() })
	}
	return table(out, results)
}

// inspect runs all stages through both engines.
func inspect(stages []stage, levels map[int]int) ([]result, error) {
	judge, err := newJudge(levels)
	if err != nil {
		return nil, err
	}
	in := replay.NewInspector(engine.New(engine.Options{}), nil)
	results := make([]result, len(stages))
	var g errgroup.Group
	g.SetLimit(2)
	for i := range stages {
		s, r := &stages[i], &results[i]
		*r = result{stage: s, level: lowest(levels, s.expect)}
		if s.unusable != nil {
			continue
		}
		g.Go(func() (err error) {
			r.verdict = in.Inspect(s.request)
			r.crs, err = judge.judge(s.request)
			return err
		})
	}
	return results, g.Wait()
}

func (r *result) blocked() bool { return r.verdict.Verdict == replay.Block }

// benign tells whether a stage refuses rules only, and the rule set as it is
// installed passes its request.
func (r *result) benign() bool {
	return len(r.expect) == 0 && len(r.refuse) > 0 && r.crs.level != 1
}

// faithful tells whether the rule set says of our request what its authors
// say of theirs.
func (r *result) faithful() bool {
	for _, id := range r.expect {
		if !slices.Contains(r.crs.rules, id) {
			return false
		}
	}
	return !slices.ContainsFunc(r.refuse, func(id int) bool { return slices.Contains(r.crs.rules, id) })
}

// list prints the results that want holds for.
func list(out io.Writer, title string, results []result, want func(*result) bool) {
	fmt.Fprintf(out, "%s:\n", title)
	for i := range results {
		r := &results[i]
		if r.unusable != nil || !want(r) {
			continue
		}
		fmt.Fprintf(out, "\n%s  score %.2f, rules %v\n  %s %s\n", r.name, r.verdict.Score, r.crs.scored, r.request.Method, clip(r.request.Target))
		for _, h := range r.request.Headers {
			if !slices.Contains([]string{"host", "accept", "connection", "content-length", "accept-language", "accept-encoding"}, strings.ToLower(h[0])) &&
				h[1] != "OWASP CRS test agent" {
				fmt.Fprintf(out, "  %s: %s\n", h[0], clip(h[1]))
			}
		}
		if len(r.request.Body) > 0 {
			fmt.Fprintf(out, "  | %s\n", clip(string(r.request.Body)))
		}
		for _, f := range r.verdict.Findings {
			fmt.Fprintf(out, "  %s at %s: %s\n", f.Class, f.Point, f.Reason)
		}
	}
	fmt.Fprintln(out)
}

// clip shortens what is listed to a line.
func clip(s string) string {
	const width = 300
	if len(s) > width {
		s = s[:width] + "..."
	}
	return strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%q", s), `"`), `"`)
}

// A tally counts stages of one kind and how many of them are right.
type tally struct{ right, all int }

func (t *tally) add(right bool) {
	t.all++
	if right {
		t.right++
	}
}

func (t tally) String() string {
	if t.all == 0 {
		return "-\t\t"
	}
	return fmt.Sprintf("%.1f %%\t%d of %d\t", 100*float64(t.right)/float64(t.all), t.right, t.all)
}

// row is a line of the table.
type row struct {
	first, higher, crs tally // attacks of paranoia level 1, of higher ones, and level 1 by the rule set
	benign, elsewhere  tally // refusing tests: those the rule set passes, and those that hold another attack
}

func (w *row) add(r *result) {
	switch {
	case r.level == 1:
		w.first.add(r.blocked())
		w.crs.add(r.crs.level == 1)
	case r.level > 1:
		w.higher.add(r.blocked())
	case r.benign():
		w.benign.add(!r.blocked())
	case len(r.refuse) > 0:
		w.elsewhere.add(r.blocked())
	}
}

func table(out io.Writer, results []result) error {
	rows := map[string]*row{}
	var all row
	var faithful tally
	unusable := 0
	for i := range results {
		r := &results[i]
		if r.unusable != nil {
			unusable++
			continue
		}
		if rows[r.family] == nil {
			rows[r.family] = &row{}
		}
		faithful.add(r.faithful())
		rows[r.family].add(r)
		if r.family != policy {
			all.add(r)
		}
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "family\tPL1 blocked\t\tby CRS\t\tPL2-4 blocked\t\tbenign passed\t\tother attack blocked\t\t\n")
	line := func(name string, r *row) {
		fmt.Fprintf(w, "%s\t%v%v%v%v%v\n", name, r.first, r.crs, r.higher, r.benign, r.elsewhere)
	}
	for _, f := range families {
		if rows[f] != nil && f != policy {
			line(f, rows[f])
		}
	}
	line("all", &all)
	if r := rows[policy]; r != nil {
		line("apart: "+policy, r)
	}
	err := w.Flush()
	_, print := fmt.Fprintf(out, "\n%d of %d stages match the rules that their authors say (%.1f %%); %d cannot be read as a request\n",
		faithful.right, faithful.all, 100*float64(faithful.right)/float64(cmp.Or(faithful.all, 1)), unusable)
	return errors.Join(err, print)
}
