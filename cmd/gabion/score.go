package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/gabionhq/gabion/internal/program"
	"github.com/gabionhq/gabion/internal/score"
)

type scoreCmd struct {
	rulesetFlag
	Corpus []string `required:"" help:"Labelled .jsonl and .jsonl.gz files, or directories that hold them." placeholder:"DIR"`
	Output string   `short:"o" enum:"table,json" default:"table" help:"table or json."`
	Class  []string `help:"Score only these attack classes or kinds of benign traffic."`
	Misses int      `help:"List the N worst misses of each class." placeholder:"N"`
	Sealed bool     `help:"Include the sealed part, and write down that it was opened."`
	Log    string   `help:"Where --sealed writes it down." default:"corpus/sealed.log" placeholder:"FILE"`
}

// Help is shown by gabion score --help.
func (scoreCmd) Help() string {
	return `Each line of a corpus is a request as in gabion inspect, with the labels
id, source, label (attack or benign), class, ctx, tier and family.

The headline counts attacks of the tiers gold and silver against benign
requests of the tiers real and synth. A fifth of the families is sealed
(sha256 of the family, as a number, is divisible by 5): work on detection
never sees it, so that it can tell learning from memorising.`
}

// Run scores.
func (c *scoreCmd) Run(ctx context.Context, std program.Stdio) error {
	files, err := score.Files(c.Corpus...)
	if err != nil {
		return err
	}
	in, err := c.inspector()
	if err != nil {
		return err
	}
	if c.Sealed {
		if err := c.writeDown("opened"); err != nil {
			return err
		}
	}
	tally := &score.Tally{Sealed: c.Sealed, Misses: c.Misses}
	for _, f := range files {
		if err := tally.AddFile(ctx, f, in, c.wants); err != nil {
			return err
		}
	}
	r := tally.Report()
	if c.Sealed {
		if err := c.writeDown(fmt.Sprintf("sealed: %s; all: %s", line(*r.Sealed), line(r.Headline))); err != nil {
			return err
		}
	}
	if c.Output == "json" {
		return json.NewEncoder(std.Out).Encode(r)
	}
	return printScore(std.Out, r)
}

func (c *scoreCmd) wants(s *score.Sample) bool {
	return len(c.Class) == 0 || slices.Contains(c.Class, s.Class)
}

// writeDown appends to the log of openings, before the sealed part is read
// and with what it said, so that nobody can look often and report once.
func (c *scoreCmd) writeDown(what string) error {
	f, err := os.OpenFile(c.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("logging that the sealed part was opened: %w", err)
	}
	b := program.ThisBuild()
	_, err = fmt.Fprintf(f, "%s commit=%s dirty=%t corpus=%q class=%q %s\n",
		time.Now().UTC().Format(time.RFC3339), b.Commit, b.Dirty, c.Corpus, c.Class, what)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}

// line is a headline for people.
func line(h score.Headline) string {
	return fmt.Sprintf("TPR %s  TNR %s  BA %.2f", rate(h.Attack), rate(h.Benign), h.Balanced())
}

func rate(r score.Rate) string {
	low, high := r.Interval()
	return fmt.Sprintf("%.2f %% (n=%d, 95 %% %.2f-%.2f)", r.Percent(), r.N, low, high)
}

func printScore(out io.Writer, r *score.Report) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for i, row := range r.Rows {
		if i == 0 || row.By != r.Rows[i-1].By {
			fmt.Fprintf(w, "\n%s\tlabel\ttiers\tn\tright %%\twrong %%\t95 %% interval\n", row.By)
		}
		tiers := "other"
		if row.Headline {
			tiers = "headline"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%.2f\t%.2f\t%.2f-%.2f\n",
			row.Name, row.Label, tiers, row.N, row.Percent(), 100-row.Percent(), row.Low, row.High)
	}
	fmt.Fprintf(w, "\ncost\tmean us\tp50\tp99\tmax\n")
	for _, c := range []struct {
		name string
		score.Cost
	}{{"attack", r.Attack}, {"benign", r.Benign}} {
		fmt.Fprintf(w, "%s\t%.1f\t%.1f\t%.1f\t%.1f\n", c.name, us(c.Mean), us(c.P50), us(c.P99), us(c.Max))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	printMisses(out, r.Misses)
	fmt.Fprintf(out, "\nTPR %s\nTNR %s\n", rate(r.Headline.Attack), rate(r.Headline.Benign))
	if r.Worst != "" {
		fmt.Fprintf(out, "macro TPR %.2f %%; worst class %s\n", r.Macro, r.Worst)
	}
	if r.Sealed != nil {
		fmt.Fprintf(out, "sealed part alone: %s\n", line(*r.Sealed))
	}
	if r.LeftOut > 0 {
		fmt.Fprintf(out, "%d requests are sealed and were left out\n", r.LeftOut)
	}
	_, err := fmt.Fprintf(out, "TPR %.2f TNR %.2f BA %.2f\n", r.Headline.Attack.Percent(), r.Headline.Benign.Percent(), r.Balanced)
	return err
}

func printMisses(out io.Writer, misses []score.Miss) {
	for _, m := range misses {
		fmt.Fprintf(out, "\n%s %s %s %s %s %s score %.3f\n  %q\n", m.Label, m.Class, m.Source, m.Tier, m.Ctx, m.ID, m.Score, m.Text)
		for _, f := range m.Findings {
			fmt.Fprintf(out, "  %s at %s: %.100q: %s\n", f.Class, f.Point, f.Value, f.Reason)
		}
	}
}

func us(ns int64) float64 { return float64(ns) / 1e3 }
