package learn

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/gabionhq/gabion/engine/profile"
	"github.com/gabionhq/gabion/internal/cloud/policy"
)

// ordinary is one in how many values must show something for it to be
// ordinary; what is rarer a model finds surprising.
const ordinary = 256

// rule is what the suggestion proposes.
func (c *candidate) rule() policy.Rule {
	e := c.endpoint
	return policy.Rule{
		Kind: "profile", Point: c.param.Point,
		Comment: strings.TrimSpace(fmt.Sprintf("%s of %s %s%s", c.param.Point, e.Method, e.Host, e.Path)),
		Profile: &policy.Profile{
			Group: e.Group, Endpoint: binary.BigEndian.Uint64(e.Key), Point: uint64(c.param.Key), Model: c.model,
			Formats: c.formats(), Classes: c.classes(), Length: c.length(), Reason: c.reason(),
		},
	}
}

// widens says whether what is ordinary now was not when p was made.
func (c *candidate) widens(p *policy.Profile) bool {
	return !subset(c.formats(), p.Formats) || !subset(c.classes(), p.Classes)
}

func subset(a, b []string) bool {
	return !slices.ContainsFunc(a, func(s string) bool { return !slices.Contains(b, s) })
}

// formats are the formats that are ordinary, the most frequent first.
func (c *candidate) formats() []string {
	var all []profile.Format
	for f, n := range c.sketch.Formats {
		if c.isOrdinary(n) {
			all = append(all, profile.Format(f))
		}
	}
	slices.SortStableFunc(all, func(a, b profile.Format) int {
		return int(int64(c.sketch.Formats[b]) - int64(c.sketch.Formats[a]))
	})
	names := make([]string, len(all))
	for i, f := range all {
		names[i] = f.String()
	}
	return names
}

// classes are the classes of characters that are ordinary.
func (c *candidate) classes() []string {
	names := []string{}
	for class, n := range c.sketch.Present {
		if c.isOrdinary(n) {
			names = append(names, className(class))
		}
	}
	return names
}

func (c *candidate) isOrdinary(n uint32) bool {
	return n > 0 && uint64(n)*ordinary >= uint64(c.sketch.Count)
}

func (c *candidate) length() uint32 {
	longest := c.sketch.Longest(10_000)
	return longest + longest/2
}

// reason says in one sentence each what was seen and what that is worth.
func (c *candidate) reason() string {
	n := c.sketch.Count
	held := "no characters"
	if classes := c.classes(); len(classes) > 0 {
		held = strings.Join(classes, ", ")
	}
	return fmt.Sprintf("%d values from about %d sources were %s, held %s, and all but one in 10,000 had at most %d bytes. "+
		"By the rule of three a benign value differs at most once in %d, at 95 %% confidence.",
		n, int64(math.Round(c.sketch.Sources.Estimate())), strings.Join(c.formats(), " or "), held, c.sketch.Longest(10_000), n/3)
}

func className(class int) string {
	return [profile.NumClasses]string{
		profile.Digit: "digits", profile.Letter: "letters", profile.Dash: "- _", profile.Dot: ".", profile.Space: "spaces", profile.At: "@",
		profile.Slash: "slashes", profile.Quote: "quotes", profile.Angle: "< >", profile.Bracket: "brackets", profile.Shell: "; | & $",
		profile.Equal: "= %", profile.Punct: "other punctuation", profile.Control: "control characters", profile.High: "non-ASCII",
	}[class]
}
