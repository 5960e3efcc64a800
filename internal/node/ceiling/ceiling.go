// Package ceiling holds a ruleset from the cloud to what the node's own configuration allows.
//
// The cloud is not trusted blindly: whoever takes it over can sign rulesets.
// A rule that passes a ceiling is left out, reported, and the rest is used;
// since all such rules loosen, that fails safe. What cannot be left out by
// itself, such as an absurd threshold, refuses the ruleset as a whole: the
// one before stays in force.
package ceiling

import (
	"fmt"
	"strings"

	"github.com/gabionhq/gabion/engine/detect"
	"github.com/gabionhq/gabion/engine/rule"
	"github.com/gabionhq/gabion/internal/config"
)

const (
	// A threshold of the whole tenant outside of these, in thousandths,
	// would block about everything or about nothing.
	minThreshold, maxThreshold = 0.3, 0.98
	// maxShift is how far a rule may raise the threshold of a parameter, in
	// thousandths. More would be a hidden "off".
	maxShift = 300
	// minTotal is the least size, in bytes, to which a rule may limit all
	// bodies of all paths: ordinary forms are larger.
	minTotal = 1024
	// maxRefusals bounds the report on a ruleset of thousands of abuses.
	maxRefusals = 100
)

// A Refusal is something that a ruleset asked and the node does not do.
type Refusal struct {
	Ceiling string // key of cloud_may, or "built in" for what nobody may ask
	What    string
}

// Hold returns set without the rules that pass a ceiling, and what was left
// out. An error means that the ruleset as a whole is refused.
func Hold(set *rule.Set, may config.CloudMay) (*rule.Set, []Refusal, error) {
	lowest, err := rule.ParseMode(may.LowestMode)
	if may.LowestMode == "" {
		lowest, err = rule.Monitoring, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("reading cloud_may.lowest_mode: %w", err)
	}
	if t := set.Threshold(); t != 0 && (t < minThreshold || t > maxThreshold) {
		return nil, []Refusal{{"built in", fmt.Sprintf("a threshold of %.3f for all requests", t)}},
			fmt.Errorf("the ruleset's threshold of %.3f is not within %.2f and %.2f", t, minThreshold, maxThreshold)
	}
	if g := set.General(); g > rule.Default && g < rule.Block && len(may.NeverOff) > 0 {
		return nil, []Refusal{{"never_off", fmt.Sprintf("the general mode %v", g)}},
			fmt.Errorf("the ruleset's general mode %v reaches what cloud_may.never_off protects", g)
	}
	c := checker{lowest: lowest, never: patterns(may.NeverOff)}
	var refusals []Refusal
	if g := set.General(); g > rule.Default && g < lowest {
		refusals = append(refusals, Refusal{"lowest_mode", fmt.Sprintf("the general mode %v: the node's own decides", g)})
	}
	held, out := set.Restrict(lowest, c.why)
	for _, r := range out {
		if len(refusals) == maxRefusals {
			refusals = append(refusals, Refusal{"", fmt.Sprintf("and %d more", len(out)-maxRefusals)})
			break
		}
		name, why, _ := strings.Cut(r.Why, ": ")
		refusals = append(refusals, Refusal{name, fmt.Sprintf("rule %d: %s", r.Rule.ID, why)})
	}
	return held, refusals, nil
}

type checker struct {
	lowest rule.Mode
	never  []pattern
}

// why says why a rule is refused, as "ceiling: reason", or "".
func (c *checker) why(r *rule.Rule) string {
	if r.Loosens() {
		for _, p := range c.never {
			if p.meets(r.Scope) {
				return "never_off: " + r.Kind.String() + " reaches " + p.text
			}
		}
	}
	switch r.Kind {
	case rule.SetMode:
		if r.Mode > rule.Default && r.Mode < c.lowest {
			return fmt.Sprintf("lowest_mode: mode %v", r.Mode)
		}
	case rule.Ignore:
		if everywhere(r) && !soft(r.Class) && r.Rule == 0 {
			return "lowest_mode: a class of attacks ignored everywhere, which is as good as off"
		}
	case rule.Parser:
		if everywhere(r) && !r.On {
			return "lowest_mode: parser " + r.Name + " off everywhere, which is as good as off"
		}
	case rule.Shift:
		if r.Shift > maxShift {
			return fmt.Sprintf("lowest_mode: a threshold raised by %.3f, which is as good as off", float64(r.Shift)/1000)
		}
	case rule.Detector:
		if r.MatchesAll() {
			return "built in: a detector that finds attacks in ordinary values"
		}
	case rule.Upload:
		if t := r.Files.Total; everywhere(r) && t > 0 && t < minTotal {
			return fmt.Sprintf("built in: bodies of at most %d bytes everywhere, which most requests pass", t)
		}
	case rule.SetHeader:
		if dangerous(r.Name) {
			return "built in: response header " + r.Name
		}
	}
	return ""
}

// everywhere says whether a rule is bound to no point and no path.
func everywhere(r *rule.Rule) bool {
	path := r.Scope.Path
	return r.Point == "" && path != "/" && len(literal(path)) <= 1
}

// soft are classes that say something of the sender or the form rather than
// of an exploit: a tenant may do without them everywhere.
func soft(c detect.Class) bool {
	switch c {
	case detect.ScannerTool, detect.Overlimit, detect.InvalidXML, detect.GraphQL, detect.Anomaly, detect.Custom, detect.Redirect:
		return true
	}
	return false
}

// dangerous are response fields by which a ruleset could take over sessions,
// lead visitors elsewhere or break the framing of responses.
func dangerous(field string) bool {
	switch field = strings.ToLower(field); field {
	case "set-cookie", "set-cookie2", "location", "refresh", "link", "content-type", "content-length", "content-encoding",
		"transfer-encoding", "connection", "keep-alive", "upgrade", "trailer", "te", "alt-svc", "www-authenticate",
		"proxy-authenticate", "clear-site-data", "service-worker-allowed", "sourcemap", "x-gabion-request-id":
		return true
	}
	return strings.HasPrefix(field, "access-control-")
}

// A pattern is an entry of never_off: host/path, where either side may be
// left out and * stands for anything from there on.
type pattern struct {
	text, host, path string
}

func patterns(texts []string) []pattern {
	var all []pattern
	for _, text := range texts {
		host, path, _ := strings.Cut(text, "/")
		all = append(all, pattern{text: text, host: strings.ToLower(host), path: "/" + literal(path)})
	}
	return all
}

// meets says whether a scope may hold for a request that p names. In doubt it
// does: conditions and expressions are not looked into.
func (p pattern) meets(s rule.Scope) bool {
	if !hostsMeet(p.host, strings.ToLower(s.Host)) {
		return false
	}
	if s.Path == "" {
		return true
	}
	own := literal(s.Path)
	if own == s.Path && !strings.HasPrefix(own, p.path) {
		return false // a path without patterns, and not below that of p
	}
	return strings.HasPrefix(own, p.path) || strings.HasPrefix(p.path, own)
}

func hostsMeet(a, b string) bool {
	if a == "" || a == "*" || b == "" || strings.Contains(b, "{{") || a == b {
		return true
	}
	suffixA, wildA := strings.CutPrefix(a, "*.")
	suffixB, wildB := strings.CutPrefix(b, "*.")
	switch {
	case wildA && wildB:
		return strings.HasSuffix("."+suffixA, "."+suffixB) || strings.HasSuffix("."+suffixB, "."+suffixA)
	case wildA:
		return strings.HasSuffix(b, "."+suffixA)
	case wildB:
		return strings.HasSuffix(a, "."+suffixB)
	}
	return false
}

// literal returns the part of a path pattern before its first wildcard or
// expression.
func literal(path string) string {
	if i := strings.IndexAny(path, "*{"); i >= 0 {
		return path[:i]
	}
	return path
}
