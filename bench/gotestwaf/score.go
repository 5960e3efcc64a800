package main

import (
	"fmt"
	"io"
	"math"
	"text/tabwriter"
)

// A count is what came of the requests of a set or of several. Only the
// first two are resolved, and count for a score.
type count struct {
	blocked, passed int
	unresolved      int // neither the answer of the site nor that of the node
	failed          int // the client could not send it
}

func (c *count) add(d count) {
	c.blocked += d.blocked
	c.passed += d.passed
	c.unresolved += d.unresolved
	c.failed += d.failed
}

// percent is a share as the suite rounds it.
func percent(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return round(float64(part) / float64(whole) * 100)
}

func round(f float64) float64 { return math.Round(f*100) / 100 }

func (c count) resolved() int { return c.blocked + c.passed }

// A score is what the suite calls security: of an application the mean of
// the attacks that are blocked and of the texts that pass, of an API the
// attacks alone, as long as there are no benign requests to APIs.
type score struct {
	application, applicationFalse, api, apiFalse count
}

func (s *score) add(set *set, c count) {
	switch {
	case set.api() && set.benign():
		s.apiFalse.add(c)
	case set.api():
		s.api.add(c)
	case set.benign():
		s.applicationFalse.add(c)
	default:
		s.application.add(c)
	}
}

// mean is the grade of one side, -1 where nothing was resolved.
func mean(attacks, benign count) float64 {
	sum, n := 0.0, 0.0
	if attacks.resolved() > 0 {
		sum += percent(attacks.blocked, attacks.resolved())
		n++
	}
	if benign.resolved() > 0 {
		sum += percent(benign.passed, benign.resolved())
		n++
	}
	if n == 0 {
		return -1
	}
	if attacks.blocked == 0 {
		return 0
	}
	return round(sum / n)
}

func (s *score) overall() (application, api, overall float64) {
	application, api = mean(s.application, s.applicationFalse), mean(s.api, s.apiFalse)
	sum, n := 0.0, 0.0
	for _, v := range [...]float64{application, api} {
		if v >= 0 {
			sum += v
			n++
		}
	}
	if n == 0 {
		return application, api, -1
	}
	return application, api, round(sum / n)
}

// table prints the sets and the score.
func table(out io.Writer, sets []set, counts []count) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "set\tright %%\tsent\tblocked\tpassed\tunresolved\tfailed\t\n")
	var s score
	line := func(name string, right int, c count) {
		fmt.Fprintf(w, "%s\t%.2f\t%d\t%d\t%d\t%d\t%d\t\n", name, percent(right, c.resolved()), c.resolved()+c.unresolved+c.failed, c.blocked, c.passed, c.unresolved, c.failed)
	}
	for i := range sets {
		c := counts[i]
		s.add(&sets[i], c)
		right := c.blocked
		if sets[i].benign() {
			right = c.passed
		}
		line(sets[i].group+"/"+sets[i].name, right, c)
	}
	line("application, attacks", s.application.blocked, s.application)
	line("application, texts", s.applicationFalse.passed, s.applicationFalse)
	line("API, attacks", s.api.blocked, s.api)
	if err := w.Flush(); err != nil {
		return err
	}
	application, api, overall := s.overall()
	_, err := fmt.Fprintf(out, "\napplication security %.2f, API security %.2f, overall %.2f; %d of %d texts blocked\n",
		application, api, overall, s.applicationFalse.blocked, s.applicationFalse.resolved())
	return err
}
