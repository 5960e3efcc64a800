package node_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/gabionhq/gabion/engine/detect"
	"github.com/gabionhq/gabion/engine/rule"
	"github.com/gabionhq/gabion/internal/testenv/fakecloud"
)

// A cloud that was taken over signs rulesets as it likes. Each abuse comes in
// a ruleset of its own and then all in one: attacks stay blocked, ordinary
// requests pass as they came, and each abuse is reported.
func TestHostileRulesets(t *testing.T) {
	var c fakecloud.Cloud
	c.Start(t)
	n := startPrivate(t, &c, t.TempDir(), io.Discard)
	status := func(target string) (int, http.Header) {
		t.Helper()
		res, err := http.Get(n.url + target)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		io.Copy(io.Discard, res.Body)
		return res.StatusCode, res.Header
	}
	attack := "/search?q=1%27%20UNION%20SELECT%20name%2C%20password%20FROM%20users--%20"
	var ordinary []string
	for i := range 60 {
		ordinary = append(ordinary, fmt.Sprintf("/search?q=shoes+%d&page=%d", i, i))
	}
	check := func(abuse string) {
		t.Helper()
		if got, _ := status(attack); got != http.StatusForbidden {
			t.Errorf("%s: an attack is answered %d", abuse, got)
		}
		got, header := status(ordinary[0])
		if got != http.StatusOK {
			t.Errorf("%s: an ordinary request is answered %d", abuse, got)
		}
		for _, field := range []string{"Set-Cookie", "Location", "Access-Control-Allow-Origin"} {
			if header.Get(field) != "" {
				t.Errorf("%s: the response holds %s: %s", abuse, field, header.Get(field))
			}
		}
	}
	for _, target := range ordinary { // for the recorder
		status(target)
	}
	check("before")

	rules := []rule.Rule{
		{Kind: rule.SetMode, Mode: rule.Off},
		{Kind: rule.SetMode, Mode: rule.Off, Scope: rule.Scope{Path: "/search"}},
		{Kind: rule.Ignore},
		{Kind: rule.Ignore, Class: detect.SQLi},
		{Kind: rule.Ignore, Class: detect.SQLi, Scope: rule.Scope{Path: "/{{.}}"}},
		{Kind: rule.Shift, Shift: 1000, Point: "get.q"},
		{Kind: rule.Parser, Name: "percent"},
		{Kind: rule.Detector, Class: detect.Custom, Expr: "."},
		{Kind: rule.Detector, Class: detect.Custom, Expr: "shoes"}, // honest by its looks, but all of the traffic
		{Kind: rule.SetHeader, Name: "Set-Cookie", Value: "session=theirs"},
		{Kind: rule.SetHeader, Name: "Location", Value: "https://elsewhere.example"},
		{Kind: rule.SetHeader, Name: "Access-Control-Allow-Origin", Value: "*"},
	}
	version := uint64(0)
	publish := func(abuse string, w rule.Writer) {
		t.Helper()
		blob, err := w.Bytes()
		if err != nil {
			t.Fatalf("%s: %v", abuse, err)
		}
		version++
		before := len(c.Refusals())
		c.Publish(version, blob)
		c.Wait(t, "a report on "+abuse, func() bool {
			s := c.Status()
			return len(c.Refusals()) > before && (s.Ruleset == version || s.RulesetError != "")
		})
		check(abuse)
	}
	for i := range rules {
		rules[i].ID = uint64(i + 1)
		publish(rules[i].String(), rule.Writer{Rules: rules[i : i+1]})
	}
	publish("general mode off", rule.Writer{General: rule.Off})
	publish("a threshold that nothing passes", rule.Writer{Threshold: 1000})
	publish("a threshold that everything passes", rule.Writer{Threshold: 1})
	publish("all at once", rule.Writer{Rules: rules})

	all := ""
	for _, r := range c.Refusals() {
		all += r.Ceiling + " " + r.What + "\n"
	}
	for _, want := range []string{"would block", "general mode off", "threshold", "Set-Cookie", "lowest_mode"} {
		if !strings.Contains(all, want) {
			t.Errorf("no report of %q in\n%s", want, all)
		}
	}
}
