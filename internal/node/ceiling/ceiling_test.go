package ceiling

import (
	"slices"
	"strings"
	"testing"

	"github.com/gabionhq/gabion/engine/detect"
	"github.com/gabionhq/gabion/engine/rule"
	"github.com/gabionhq/gabion/internal/config"
)

func load(t *testing.T, w rule.Writer) *rule.Set {
	t.Helper()
	b, err := w.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	set, err := rule.Load(b)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// One rule at a time: refused by which ceiling, or "" for taken.
func TestRules(t *testing.T) {
	may := config.CloudMay{LowestMode: "monitoring", NeverOff: []string{"shop.example/login", "*.bank.example", "/admin/*"}}
	f := func(want string, r rule.Rule) {
		t.Helper()
		r.ID = 1
		held, refusals, err := Hold(load(t, rule.Writer{Rules: []rule.Rule{r}}), may)
		if err != nil {
			t.Fatal(err)
		}
		left := len(slices.Collect(held.Rules()))
		switch {
		case want == "" && (left != 1 || len(refusals) != 0):
			t.Errorf("%v is refused: %v", &r, refusals)
		case want != "" && (left != 0 || len(refusals) != 1 || refusals[0].Ceiling != want || !strings.Contains(refusals[0].What, "rule 1")):
			t.Errorf("%v: %d rules left, %v; want refusal by %s", &r, left, refusals, want)
		}
	}
	at := func(host, path string) rule.Scope { return rule.Scope{Host: host, Path: path} }

	f("", rule.Rule{Kind: rule.SetMode, Mode: rule.Block})
	f("", rule.Rule{Kind: rule.SetMode, Mode: rule.Block, Scope: at("shop.example", "/login")})
	f("", rule.Rule{Kind: rule.SetMode, Mode: rule.Monitoring, Scope: at("shop.example", "/search")})
	f("lowest_mode", rule.Rule{Kind: rule.SetMode, Mode: rule.Off, Scope: at("shop.example", "/search")})
	f("never_off", rule.Rule{Kind: rule.SetMode, Mode: rule.Off})
	f("never_off", rule.Rule{Kind: rule.SetMode, Mode: rule.Monitoring})
	f("never_off", rule.Rule{Kind: rule.SetMode, Mode: rule.Monitoring, Scope: at("shop.example", "/login")})
	f("never_off", rule.Rule{Kind: rule.SetMode, Mode: rule.Monitoring, Scope: at("*.example", "/*")})
	f("never_off", rule.Rule{Kind: rule.SetMode, Mode: rule.Monitoring, Scope: at("", "/{{^l}}/**")})
	f("never_off", rule.Rule{Kind: rule.SetMode, Mode: rule.Monitoring, Scope: at("pay.bank.example", "/x")})
	f("", rule.Rule{Kind: rule.SetMode, Mode: rule.Monitoring, Scope: at("bank.example", "/x")})
	f("never_off", rule.Rule{Kind: rule.SetMode, Mode: rule.Monitoring, Scope: at("other.example", "/admin/users")})
	f("", rule.Rule{Kind: rule.SetMode, Mode: rule.Monitoring, Scope: at("other.example", "/adm")})

	f("never_off", rule.Rule{Kind: rule.Ignore, Class: detect.SQLi, Scope: at("shop.example", "/login")})
	f("", rule.Rule{Kind: rule.Ignore, Class: detect.SQLi, Point: "get.q", Scope: at("shop.example", "/search")})
	f("never_off", rule.Rule{Kind: rule.Ignore, Class: detect.SQLi, Scope: at("other.example", "/**")})
	f("never_off", rule.Rule{Kind: rule.GraphQL, Mode: rule.Off})
	f("never_off", rule.Rule{Kind: rule.Upload, Mode: rule.Off, Scope: at("shop.example", "/login")})
	f("", rule.Rule{Kind: rule.Upload, Mode: rule.Off, Scope: at("shop.example", "/upload")})
	f("", rule.Rule{Kind: rule.GraphQL, Mode: rule.Monitoring, Query: rule.DefaultQueryLimits()})
}

func TestRulesWithoutNeverOff(t *testing.T) {
	may := config.CloudMay{LowestMode: "monitoring"}
	f := func(want string, r rule.Rule) {
		t.Helper()
		r.ID = 1
		held, refusals, err := Hold(load(t, rule.Writer{Rules: []rule.Rule{r}}), may)
		if err != nil {
			t.Fatal(err)
		}
		if left := len(slices.Collect(held.Rules())); want == "" && (left != 1 || len(refusals) != 0) || want != "" && (left != 0 || len(refusals) != 1 || refusals[0].Ceiling != want) {
			t.Errorf("%v: %d rules left, %v; want %q", &r, left, refusals, want)
		}
	}
	search := rule.Scope{Path: "/search"}
	f("", rule.Rule{Kind: rule.SetMode, Mode: rule.Monitoring})
	f("lowest_mode", rule.Rule{Kind: rule.SetMode, Mode: rule.Off})
	f("lowest_mode", rule.Rule{Kind: rule.Ignore})
	f("lowest_mode", rule.Rule{Kind: rule.Ignore, Scope: rule.Scope{Path: "/**"}})
	f("lowest_mode", rule.Rule{Kind: rule.Ignore, Class: detect.SQLi})
	f("lowest_mode", rule.Rule{Kind: rule.Ignore, Class: detect.SQLi, Scope: rule.Scope{Path: "/{{.}}/**"}})
	f("", rule.Rule{Kind: rule.Ignore, Class: detect.SQLi, Scope: rule.Scope{Path: "/"}})
	f("", rule.Rule{Kind: rule.Ignore, Class: detect.ScannerTool})
	f("", rule.Rule{Kind: rule.Ignore, Class: detect.SQLi, Scope: search})
	f("", rule.Rule{Kind: rule.Ignore, Class: detect.SQLi, Point: "post.json.html"})
	f("lowest_mode", rule.Rule{Kind: rule.Parser, Name: "json"})
	f("", rule.Rule{Kind: rule.Parser, Name: "json", On: true})
	f("", rule.Rule{Kind: rule.Parser, Name: "base64", Point: "get.q"})
	f("lowest_mode", rule.Rule{Kind: rule.Shift, Shift: 900, Point: "get.q"})
	f("", rule.Rule{Kind: rule.Shift, Shift: 200, Point: "get.q"})
	f("", rule.Rule{Kind: rule.Shift, Shift: -900, Point: "get.q"})
	f("built in", rule.Rule{Kind: rule.Detector, Class: detect.Custom, Expr: ".*"})
	f("", rule.Rule{Kind: rule.Detector, Class: detect.Custom, Expr: "evil-[0-9]+"})
	f("built in", rule.Rule{Kind: rule.SetHeader, Name: "Set-Cookie", Value: "sid=1"})
	f("built in", rule.Rule{Kind: rule.SetHeader, Name: "access-control-allow-origin", Value: "*"})
	f("", rule.Rule{Kind: rule.SetHeader, Name: "X-Frame-Options", Value: "DENY"})
	f("built in", rule.Rule{Kind: rule.Upload, Files: rule.FileLimits{Total: 1}})
	f("built in", rule.Rule{Kind: rule.Upload, Files: rule.FileLimits{Total: 1023, Size: 5}, Scope: rule.Scope{Path: "/**/x"}})
	f("", rule.Rule{Kind: rule.Upload, Files: rule.FileLimits{Total: 1024}})
	f("", rule.Rule{Kind: rule.Upload, Files: rule.FileLimits{Total: 1}, Scope: search})
	f("", rule.Rule{Kind: rule.Upload, Files: rule.FileLimits{Size: 1}})
	f("", rule.Rule{Kind: rule.GraphQL, Query: rule.DefaultQueryLimits()})
	f("", rule.Rule{Kind: rule.GraphQL, Mode: rule.Off})
	f("", rule.Rule{Kind: rule.Patch, Class: detect.SQLi, Point: "get.q"})
	f("", rule.Rule{Kind: rule.Mask, Point: "post.json.password"})
}

func TestWhole(t *testing.T) {
	f := func(w rule.Writer, may config.CloudMay, general rule.Mode, refusals int, refused bool) {
		t.Helper()
		held, out, err := Hold(load(t, w), may)
		if refused != (err != nil) || len(out) != refusals || !refused && held.General() != general {
			t.Errorf("%v %d: general %v, %v, %v", w.General, w.Threshold, held.General(), out, err)
		}
	}
	f(rule.Writer{}, config.CloudMay{}, rule.Inherit, 0, false)
	f(rule.Writer{General: rule.Off}, config.CloudMay{}, rule.Inherit, 1, false)
	f(rule.Writer{General: rule.Off}, config.CloudMay{LowestMode: "off"}, rule.Off, 0, false)
	f(rule.Writer{General: rule.Monitoring}, config.CloudMay{LowestMode: "block"}, rule.Inherit, 1, false)
	f(rule.Writer{General: rule.Block}, config.CloudMay{NeverOff: []string{"/x"}}, rule.Block, 0, false)
	f(rule.Writer{General: rule.Monitoring}, config.CloudMay{NeverOff: []string{"/x"}}, 0, 1, true)
	f(rule.Writer{Threshold: 999}, config.CloudMay{}, 0, 1, true)
	f(rule.Writer{Threshold: 1}, config.CloudMay{}, 0, 1, true)
	f(rule.Writer{Threshold: 800}, config.CloudMay{}, rule.Inherit, 0, false)
	f(rule.Writer{}, config.CloudMay{LowestMode: "loud"}, 0, 0, true)

	var many []rule.Rule
	for i := range uint64(500) {
		many = append(many, rule.Rule{ID: i + 1, Kind: rule.SetMode, Mode: rule.Off})
	}
	f(rule.Writer{Rules: many}, config.CloudMay{}, rule.Inherit, maxRefusals+1, false)
}
