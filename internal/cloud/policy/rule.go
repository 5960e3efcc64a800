// Package policy holds everything that a tenant decides, as rules, in versions that can be compared and undone.
package policy

import (
	"errors"
	"fmt"
	"strings"

	"github.com/gabionhq/gabion/engine/detect"
	"github.com/gabionhq/gabion/engine/profile"
	"github.com/gabionhq/gabion/engine/rule"
)

// ErrInvalid is a rule that says nothing a node can follow.
var ErrInvalid = errors.New("invalid rule")

// A Rule is one decision. Fields that its kind does not use are empty.
type Rule struct {
	ID           int64    `json:"id" readOnly:"true" required:"false"`
	Kind         string   `json:"kind" enum:"mode,patch,ignore,mask,detector,graphql,upload,profile" doc:"mode: filtration mode of the scope; patch: block the class at the point in every mode but off; ignore: drop findings of the class at the point; mask: keep the value at the point out of storage; detector: find the class where the expression matches; graphql: limit GraphQL documents; upload: limit files; profile: learned, made by accepting a suggestion"`
	Scope        Scope    `json:"scope" required:"false"`
	Point        string   `json:"point,omitempty" maxLength:"4096" doc:"as in get.q or post.json.items[*].name; empty for every point"`
	Class        string   `json:"class,omitempty" maxLength:"64" doc:"attack class; empty for any"`
	Mode         string   `json:"mode,omitempty" maxLength:"16" doc:"off, monitoring, safe_blocking, block; of graphql and upload that of their limits alone, empty for the mode of the request, off to lift the limits of wider scopes"`
	Expression   string   `json:"expression,omitempty" maxLength:"4096" doc:"RE2 regular expression of a detector"`
	Experimental bool     `json:"experimental,omitempty" doc:"a detector that records and never blocks"`
	Query        *Query   `json:"query,omitempty" doc:"limits of a graphql rule; without it 100 KiB a document, 10 KiB a value, depth 10, 10 aliases, batches of 5, neither introspection nor debugging"`
	Upload       *Upload  `json:"upload,omitempty" doc:"limits of an upload rule"`
	Disabled     bool     `json:"disabled,omitempty" doc:"kept, but not published"`
	Comment      string   `json:"comment,omitempty" maxLength:"2000"`
	Profile      *Profile `json:"profile,omitempty" readOnly:"true"`
}

// A Scope says which requests a rule holds for; empty fields mean any.
type Scope struct {
	Application int32    `json:"application,omitempty" minimum:"0"`
	Host        string   `json:"host,omitempty" maxLength:"4096" doc:"example.com, *.example.com or {{expression}}"`
	Method      string   `json:"method,omitempty" maxLength:"64"`
	Path        string   `json:"path,omitempty" maxLength:"4096" doc:"pattern: /login, /api/*, /api/**, /user/{{^[0-9]+$}}"`
	Conditions  []string `json:"conditions,omitempty" maxItems:"60" doc:"such as: header X-Api-Version equal 2"`
}

// A Profile is the learned model of a parameter, as nodes of one group know
// the parameter: by keys that only they can resolve.
type Profile struct {
	Group    string   `json:"group"`
	Endpoint uint64   `json:"endpoint,string"`
	Point    uint64   `json:"point,string"`
	Model    []byte   `json:"model"`
	Formats  []string `json:"formats" doc:"that its values ordinarily have"`
	Classes  []string `json:"classes" doc:"of characters that they ordinarily hold"`
	Length   uint32   `json:"length" doc:"half as much again as all but one in 10,000 have, in bytes"`
	Reason   string   `json:"reason"`
}

// engine returns the form of the rule that nodes run.
func (r *Rule) engine() (rule.Rule, error) {
	out := rule.Rule{ID: uint64(r.ID), Point: r.Point, Expr: r.Expression, Experimental: r.Experimental}
	var err error
	if out.Kind, err = rule.ParseKind(r.Kind); err != nil {
		return out, err
	}
	s := r.Scope
	if out.Scope, err = rule.ParseScope(s.Host, s.Method, s.Path, s.Conditions...); err != nil {
		return out, err
	}
	out.Scope.App = s.Application
	if r.Class != "" {
		class, ok := detect.ParseClass(r.Class)
		if !ok {
			return out, fmt.Errorf("class %q is not an attack class", r.Class)
		}
		out.Class = class
	}
	if r.Mode != "" {
		if out.Mode, err = rule.ParseMode(r.Mode); err != nil {
			return out, err
		}
	}
	if err := r.limits(&out); err != nil {
		return out, err
	}
	switch {
	case out.Kind == rule.SetMode && out.Mode == rule.Inherit:
		return out, errors.New("a mode rule needs a mode")
	case out.Kind == rule.Mask && r.Point == "":
		return out, errors.New("a mask rule needs a point")
	case out.Kind == rule.Detector && out.Class == detect.NoClass:
		out.Class = detect.Custom
	}
	return out, nil
}

// Check says, in words for the person who wrote it, why a rule is not valid.
func (r *Rule) Check() error {
	probe := *r
	probe.ID = max(r.ID, 1)
	if _, err := Blob([]Rule{probe}, probe.group()); err != nil {
		text := err.Error() // without the layers that name the blob
		for _, layer := range []string{"writing a ruleset: ", "loading a ruleset: "} {
			text = strings.TrimPrefix(text, layer)
		}
		return fmt.Errorf("%w: %s", ErrInvalid, text)
	}
	return nil
}

func (r *Rule) group() string {
	if r.Profile == nil {
		return ""
	}
	return r.Profile.Group
}

// Blob compiles rules for a node group. The same rules in any order make
// the same bytes.
func Blob(rules []Rule, group string) ([]byte, error) {
	var w rule.Writer
	for i := range rules {
		r := &rules[i]
		if r.Disabled {
			continue
		}
		if r.Kind == "profile" {
			if r.Profile == nil {
				return nil, errors.New("a profile is made by accepting a suggestion")
			}
			if p := r.Profile; p.Group == group {
				w.Profiles = append(w.Profiles, rule.Profile{ID: uint64(r.ID), Endpoint: p.Endpoint, Point: p.Point, Model: profile.Model(p.Model)})
			}
			continue
		}
		out, err := r.engine()
		if err != nil {
			return nil, err
		}
		w.Rules = append(w.Rules, out)
	}
	return w.Bytes()
}
