package rule

import (
	"encoding/binary"
	"slices"
)

// A Refusal is a rule that Restrict left out.
type Refusal struct {
	Rule Rule
	Why  string
}

// Restrict returns s without the rules for which why returns a reason, and
// without its general mode if that is milder than lowest: the node's own
// decides then. It is how a node holds a ruleset to its own ceilings.
func (s *Set) Restrict(lowest Mode, why func(*Rule) string) (*Set, []Refusal) {
	if s == nil {
		return nil, nil
	}
	out := *s
	if out.general > Default && out.general < lowest {
		out.general = Inherit
	}
	out.rules = nil
	var refused []Refusal
	for i := range s.rules {
		a := s.rules[i]
		if reason := why(&a.Rule); reason != "" {
			refused = append(refused, Refusal{a.Rule, reason})
			continue
		}
		out.rules = append(out.rules, a)
	}
	out.index = newIndex(out.rules)
	return &out, refused
}

// Loosens says whether fewer requests may be blocked, or less of them
// inspected, with r than without.
func (r *Rule) Loosens() bool {
	switch r.Kind {
	case SetMode:
		return r.Mode < Block
	case Ignore:
		return true
	case Parser:
		return !r.On
	case GraphQL, Upload:
		return r.Mode == Off
	}
	return r.Kind == Shift && r.Shift > 0
}

// MatchesAll says whether r is a detector that finds an attack in ordinary
// values, so that it would block most of an application's requests.
func (r *Rule) MatchesAll() bool {
	if r.Kind != Detector || r.Experimental {
		return false
	}
	re, err := compileExpr(r.Expr)
	if err != nil {
		return false
	}
	n := 0
	for _, value := range ordinary {
		if re.MatchString(value) {
			n++
		}
	}
	return n*3 > len(ordinary)
}

// ordinary are values as any application gets them all day.
var ordinary = [...]string{
	"", "1", "42", "true", "a", "en", "search", "Hello, world", "jane.doe@example.com", "2024-01-31", "10.50",
	"/index.html", "https://example.com/a?b=c", "550e8400-e29b-41d4-a716-446655440000", "en-US,en;q=0.9",
	"gzip, deflate, br", "*/*", "application/json", "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101", "keep-alive",
}

// Rekey returns s with other keys for its profiles. What the cloud knows of
// endpoints and points are keys that nodes made under a secret; the node
// turns them back into those that the engine computes.
func (s *Set) Rekey(key func(endpoint, point uint64) (uint64, uint64)) *Set {
	if s == nil {
		return nil
	}
	all := slices.Collect(s.Profiles())
	for i, p := range all {
		all[i].Endpoint, all[i].Point = key(p.Endpoint, p.Point)
	}
	slices.SortFunc(all, compareProfiles)
	out := *s
	out.profiles, out.models = appendProfiles(nil, nil, all)
	return &out
}

// appendProfiles appends the table of sorted profiles to table, and their
// models to models.
func appendProfiles(table, models []byte, sorted []Profile) (t, m []byte) {
	start := len(models)
	for _, p := range sorted {
		models = append(models, p.Model...)
		for _, v := range []uint64{p.Endpoint, p.Point, p.ID} {
			table = binary.LittleEndian.AppendUint64(table, v)
		}
		table = binary.LittleEndian.AppendUint32(table, uint32(len(models)-start))
	}
	return table, models
}
