package rule

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/gabionhq/gabion/engine/detect"
	"github.com/gabionhq/gabion/engine/parse"
	"github.com/gabionhq/gabion/engine/profile"
)

// Kind says what a rule does. The fields that each kind uses are named.
type Kind uint8

// The kinds of rules.
const (
	_ Kind = iota

	// SetMode sets the filtration mode: Mode.
	SetMode
	// Patch blocks what finds Class (NoClass for any) at Point, in every
	// mode but Off.
	Patch
	// Ignore drops findings of Class (NoClass for any) at Point. With Rule
	// set it drops only the findings of that rule, a detector.
	Ignore
	// Mask removes the value at Point from whatever is stored or sent.
	Mask
	// Detector finds Class where Expr, an RE2 expression, matches the value
	// at Point. Experimental ones are recorded and never block.
	Detector
	// SetHeader sets the response header field Name to Value, or appends it
	// with Append.
	SetHeader
	// Parser turns the parser Name off, or on again with On, at Point.
	Parser
	// Shift moves the threshold of Point by Shift thousandths: positive
	// ones need more evidence before a request counts as an attack.
	Shift
	// GraphQL limits the documents of a request: Query. Mode decides what
	// becomes of one that passes a limit; Inherit leaves it to the mode of
	// the request, Off lifts the limits of wider scopes.
	GraphQL
	// Upload limits the files of a request, those at Point if there is one:
	// Files. Mode is as for GraphQL.
	Upload

	numKinds
)

var kindNames = [numKinds]string{"", "mode", "patch", "ignore", "mask", "detector", "header", "parser", "shift", "graphql", "upload"}

// String returns the name of k as the API spells it.
func (k Kind) String() string { return nameOf(kindNames[:], uint8(k)) }

// ParseKind returns the kind of that name.
func ParseKind(s string) (Kind, error) {
	i, err := indexOf("kind of rule", kindNames[1:], s)
	return Kind(i + 1), err
}

// A Rule is one decision of a tenant. Fields that its Kind does not use are
// zero.
type Rule struct {
	ID    uint64 // unique in a set, not zero; findings name it
	Kind  Kind
	Scope Scope

	// Point is get.id, post.json.items[2].id, or with [*] for every element;
	// path, get, header or post alone for all in that part of the request;
	// "" for every point. A rule at a point holds for all that is decoded
	// from its value too.
	Point string

	Class        detect.Class
	Mode         Mode
	Expr         string // RE2, at most maxExprLen bytes
	Experimental bool
	Name, Value  string
	Append       bool
	On           bool
	Shift        int16  // thousandths, -1000 to 1000
	Rule         uint64 // the detector that an Ignore is for, 0 for all
	Query        QueryLimits
	Files        FileLimits
}

// A Profile is the learned model of the parameter at a point of an endpoint.
type Profile struct {
	ID       uint64
	Endpoint uint64 // profile.Endpoint
	Point    uint64 // key of the point, array indexes folded
	Model    profile.Model
}

// limits of the texts in a rule.
const (
	maxText = 4096
	maxID   = 1<<63 - 1 // so that stores can keep it as a signed integer
)

// check says whether r is whole and in normal form.
func (r *Rule) check() error {
	if r.ID == 0 || r.ID > maxID || r.Rule > maxID {
		return fmt.Errorf("id %d is not within 1 and %d", r.ID, uint64(maxID))
	}
	if err := r.checkKind(); err != nil {
		return err
	}
	if c, _ := detect.ParseClass(r.Class.String()); c != r.Class {
		return fmt.Errorf("no such class: %d", r.Class)
	}
	used := r.used()
	if !r.equal(&used) {
		return fmt.Errorf("a %v rule with fields of another kind", r.Kind)
	}
	if used.Scope = r.Scope.normal(); !r.equal(&used) {
		return fmt.Errorf("scope %v is not in normal form %v", r.Scope, used.Scope)
	}
	for _, text := range []string{r.Point, r.Name, r.Value, r.Scope.Path, r.Scope.Host, r.Scope.Method} {
		if len(text) > maxText {
			return fmt.Errorf("text of %d bytes: more than %d", len(text), maxText)
		}
	}
	_, _, _, err := parsePoint(r.Point)
	return err
}

// checkKind checks what the kind asks of its own fields.
func (r *Rule) checkKind() error {
	switch r.Kind {
	case Patch, Ignore, Mask:
		return nil
	case SetMode:
		if int(r.Mode) >= len(modeNames) {
			return fmt.Errorf("no such mode: %v", r.Mode)
		}
	case Detector:
		if r.Expr == "" {
			return errors.New("a detector needs an expression")
		}
	case SetHeader:
		if !isToken(r.Name) || strings.ContainsFunc(r.Value, isControl) {
			return fmt.Errorf("header %q: not a field that RFC 9110 section 5 allows", r.Name)
		}
	case Parser:
		if r.Name == "" {
			return errors.New("a parser rule needs the name of a parser")
		}
	case Shift:
		if r.Shift < -1000 || r.Shift > 1000 {
			return fmt.Errorf("shift %d is not within -1000 and 1000", r.Shift)
		}
	case GraphQL, Upload:
		return r.checkLimits()
	default:
		return fmt.Errorf("no such kind: %d", r.Kind)
	}
	return nil
}

// used returns r with the fields that its kind uses.
func (r *Rule) used() Rule {
	u := Rule{ID: r.ID, Kind: r.Kind, Scope: r.Scope, Point: r.Point}
	switch r.Kind {
	case SetMode:
		u.Point, u.Mode = "", r.Mode
	case Patch:
		u.Class = r.Class
	case Ignore:
		u.Class, u.Rule = r.Class, r.Rule
	case Detector:
		u.Class, u.Expr, u.Experimental = r.Class, r.Expr, r.Experimental
	case SetHeader:
		u.Point, u.Name, u.Value, u.Append = "", r.Name, r.Value, r.Append
	case Parser:
		u.Name, u.On = r.Name, r.On
	case Shift:
		u.Shift = r.Shift
	case GraphQL:
		u.Point, u.Mode, u.Query = "", r.Mode, r.Query
	case Upload:
		u.Mode, u.Files = r.Mode, r.Files
	}
	return u
}

// equal says whether two rules have one encoding.
func (r *Rule) equal(o *Rule) bool { return bytes.Equal(r.append(nil), o.append(nil)) }

// String returns r in one line for people.
func (r *Rule) String() string {
	var what string
	switch r.Kind {
	case SetMode:
		what = r.Mode.String()
	case Patch, Ignore:
		what = r.Class.String()
		if r.Class == detect.NoClass {
			what = "any class"
		}
		if r.Rule != 0 {
			what += fmt.Sprintf(" of rule %d", r.Rule)
		}
	case Detector:
		what = fmt.Sprintf("%v %q", r.Class, r.Expr)
		if r.Experimental {
			what += " experimental"
		}
	case SetHeader:
		what = fmt.Sprintf("%s: %s", r.Name, r.Value)
		if r.Append {
			what += " appended"
		}
	case Parser:
		what = r.Name + " off"
		if r.On {
			what = r.Name + " on"
		}
	case Shift:
		what = fmt.Sprintf("%+.3f", float64(r.Shift)/1000)
	case GraphQL, Upload:
		what = r.Query.String() + r.Files.String()
		if r.Mode != Inherit {
			what += " in mode " + r.Mode.String()
		}
	}
	if r.Point != "" {
		what = strings.TrimSpace(what + " at " + r.Point)
	}
	return strings.Join(strings.Fields(fmt.Sprintf("%d %v %s for %v", r.ID, r.Kind, what, r.Scope)), " ")
}

// An Active is a rule that holds for a request, made ready.
type Active struct {
	Rule
	key   uint64
	base  parse.Kind // a whole part of the request, anywhere, or None: see key
	steps int        // of the point with that key
	expr  *regexp.Regexp
	scope *scope
}

// Steps returns how many steps lead to the one point that the rule names, 0 where it names
// whole parts of the request.
func (a *Active) Steps() int { return a.steps }

// At says whether the rule names this point: base is its first step. A rule
// also holds for what is decoded or parsed from its point, so the caller
// asks for the point of a value and, among those it came from, for the one to which
// Steps lead.
func (a *Active) At(base parse.Kind, k parse.Keys) bool {
	return a.base == anywhere || a.base == base || a.base == parse.None && (a.key == k.Exact || a.key == k.Folded)
}

// Find returns the first span of value in which a detector's expression is
// found.
func (a *Active) Find(value []byte) (from, to int, ok bool) {
	if loc := a.expr.FindIndex(value); loc != nil {
		return loc[0], loc[1], true
	}
	return 0, 0, false
}

// A budget is what is left for the rules of a set that are still to come.
type budget struct {
	exprs int // expressions
	cost  int // of them, as costOf counts
	parts int // components of paths, and conditions
}

// spend takes the rule from the budget.
func (b *budget) spend(r *Rule) error {
	b.parts -= len(r.Scope.Conds) + strings.Count(r.Scope.Path, "/")
	if b.parts < 0 {
		return fmt.Errorf("the scopes of the set have more than %d components and conditions", maxParts)
	}
	for _, e := range r.exprs() {
		cost, err := costOf(e)
		if err != nil {
			return err
		}
		b.exprs--
		b.cost -= cost
	}
	if b.exprs < 0 || b.cost < 0 {
		return fmt.Errorf("the expressions of the set are more than %d or cost more than %d", maxExprs, maxCost)
	}
	return nil
}

// prepare checks a and compiles what it needs to run.
func (a *Active) prepare(left *budget) error {
	if err := a.check(); err != nil {
		return err
	}
	if err := left.spend(&a.Rule); err != nil {
		return err
	}
	var err error
	if a.base, a.key, a.steps, err = parsePoint(a.Point); err != nil {
		return err
	}
	if a.Kind == Detector {
		if a.expr, err = compileExpr(a.Expr); err != nil {
			return err
		}
	}
	a.scope, err = a.Scope.compile()
	return err
}

// exprs returns the expressions of r and its scope.
func (r *Rule) exprs() []string {
	var all []string
	if r.Expr != "" {
		all = append(all, r.Expr)
	}
	for _, c := range r.Scope.Conds {
		if c.Op == Regex {
			all = append(all, c.Value)
		}
	}
	for _, s := range []string{r.Scope.Host, r.Scope.Path} {
		for i := strings.Index(s, "{{"); i >= 0; i = strings.Index(s, "{{") {
			n := exprEnd(s[i:])
			all = append(all, strings.TrimSuffix(s[i+2:i+n], "}}"))
			s = s[i+n:]
		}
	}
	return all
}

func isToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune("\"(),/:;<=>?@[\\]{}", r)
	})
}

func isControl(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }
