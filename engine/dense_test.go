package engine

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gabionhq/gabion/engine/rule"
)

// denseUnits were found by a search for what takes longest: nothing is long in them, and
// everything begins.
var denseUnits = []string{
	"[:||a<%*)N=?;../Y N\\${||\t(<a|(a^:/W(O);r:;||/*' {`*/\"u:`6\"/D<(;/e).$a.;/4;h<[=[a||1/a<L/;z/o:9;/R\\;/n|/[~)/",
	"{fa\";Y'( s\"/s<#?4(k\xae r ={q)(..\\(H(?h:*ps://a\rw${n/!3|()*/1=: or dl|/b?1+u=) v|//[]<|u?\\\"G[xaw`a@\"*)if\\(g1<! ;r g<a=$(m\\;[]/./???/-)[ ",
	"|d:%|\\)${(.;|:/h`|x-7\\DF$w(..)R<L@&a;$N",
	"${1;2;?\na\";1'( i\"./a/://a\r)a[]$*/dl||H|/b?1+c=[]+, %%/a||(a/J|T/[]<%u?#/\\\"[(7)`s@\"z~<! {#;c<a=$(a;(O&amp;[]/1<%/a.b(1;2;Y\nw/a;|a</]9(a=*)",
}

// sparing escapes what would end a value in a target or a form, and nothing else.
var sparing = strings.NewReplacer("%", "%25", "&", "%26", "+", "%2B", "#", "%23", "?", "%3F", " ", "%20")

func jsonString(v string) string {
	b, _ := json.Marshal(v) // strings always marshal
	return string(b)
}

// TestDenseEnds makes sure that what is made to take long does not, wherever it stands:
// a short value may take some effort however short it is, all else ends in a verdict.
func TestDenseEnds(t *testing.T) {
	const most = 130 // effort per byte, of all readings
	e, ended := New(Options{}), 0
	for _, u := range denseUnits {
		v := strings.Repeat(u, 16<<10/len(u))
		line := strings.NewReplacer("\r", "", "\n", "").Replace(v)
		for name, q := range map[string]request{
			"text":   {"POST", "/a", []string{"Content-Type", "text/plain"}, v},
			"JSON":   {"POST", "/a", []string{"Content-Type", "application/json"}, `{"a":` + jsonString(v) + `}`},
			"form":   {"POST", "/a", []string{"Content-Type", "application/x-www-form-urlencoded"}, "a=" + sparing.Replace(v)},
			"query":  {"GET", "/?a=" + sparing.Replace(line), nil, ""},
			"path":   {"GET", "/" + sparing.Replace(line), nil, ""},
			"cookie": {"GET", "/", []string{"Cookie", "a=" + line}, ""},
			"field":  {"GET", "/", []string{"X-A", line}, ""},
			"agent":  {"GET", "/", []string{"User-Agent", line}, ""},
		} {
			tx := e.Begin(nil, Env{Mode: rule.Monitoring})
			tx.Headers(q.head())
			tx.Body([]byte(q.body))
			if tx.End().Attack && slices.Contains(tx.Report().Limits, "density") {
				ended++
			}
			size := len(q.target) + len(q.body) + len(strings.Join(q.fields, ""))
			if tx.work.took > most*size {
				t.Errorf("%.20q as %s: takes %d per byte, want at most %d", u, name, tx.work.took/size, most)
			}
			tx.Close()
		}
	}
	if ended < 12 {
		t.Errorf("%d of %d ended so", ended, 8*len(denseUnits))
	}
}

// TestProgramsAreNotDense reads programs as texts: nothing that people write is as dense.
func TestProgramsAreNotDense(t *testing.T) {
	e := New(Options{})
	for _, file := range []string{"detect/sqli.go", "detect/xss.go", "detect/whole_shell.go", "parse/json.go", "internal/shlex/shlex.go", "depth_test.go", "../console/src/app.tsx", "../Makefile"} {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, size := range []int{1 << 10, 8 << 10, 64 << 10} {
			text := string(b[:min(len(b), size)])
			for name, q := range map[string]request{
				"text":                           {"POST", "/a", []string{"Content-Type", "text/plain"}, text},
				"JSON":                           {"POST", "/a", []string{"Content-Type", "application/json"}, `{"a":` + jsonString(text) + `}`},
				"JSON that is said to be a form": {"POST", "/a", []string{"Content-Type", "application/x-www-form-urlencoded"}, `{"a":` + jsonString(text) + `}`},
			} {
				tx := e.Begin(nil, Env{Mode: rule.Monitoring})
				tx.Headers(q.head())
				tx.Body([]byte(q.body))
				tx.End()
				if limits := tx.Report().Limits; slices.Contains(limits, "density") {
					t.Errorf("%d bytes of %s as %s: limits %v", len(text), file, name, limits)
				}
				tx.Close()
			}
		}
	}
}
