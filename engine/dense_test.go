package engine

import (
	"encoding/json"
	"fmt"
	"net/url"
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

// inspected says whether a request is an attack, and which limits it reached.
func inspected(e *Engine, q *request) (attack bool, limits []string) {
	tx := e.Begin(nil, Env{Mode: rule.Monitoring})
	defer tx.Close()
	tx.Headers(q.head())
	tx.Body([]byte(q.body))
	attack = tx.End().Attack
	return attack, slices.Clone(tx.Report().Limits)
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
				if _, limits := inspected(e, &q); slices.Contains(limits, "density") {
					t.Errorf("%d bytes of %s as %s: limits %v", len(text), file, name, limits)
				}
			}
		}
	}
}

// TestListsAreNotDense reads lists of what has many signs in few bytes, as schemas and
// programs have them, and paths that hold whole expressions.
func TestListsAreNotDense(t *testing.T) {
	e := New(Options{})
	passes := func(q *request) {
		t.Helper()
		if _, limits := inspected(e, q); slices.Contains(limits, "density") {
			t.Errorf("%.60q %.60q is too dense", q.target, q.body)
		}
	}
	const js, form = "application/json", "application/x-www-form-urlencoded"
	for _, v := range []string{
		`^x[1]$`, `^\w+$`, `^[a-z]$`, `^[a-z]+$`, `^[0-9]+$`, `^[A-Z]{2}$`, `[a-z]+$`, `^[a-z0-9-]+$`, `^/api/[a-z]+$`, `^[^@]+@[^@]+$`,
		`^(a|b)$`, `^[a-zA-Z0-9_]+$`, `=IF(A1>0;"x";'y')`, `x&&y||z`, "${name}", "$1.50", "C[C@@H](N)C(=O)O", "a(b);c|d&e", "id",
	} {
		list := "[" + strings.Repeat(jsonString(v)+",", 300) + "1]"
		passes(&request{"POST", "/a", []string{"Content-Type", js}, list})
		passes(&request{"POST", "/a", []string{"Content-Type", form}, list})
		passes(&request{"POST", "/a", []string{"Content-Type", form}, strings.Repeat(v+"\n", 300)})
		passes(&request{"GET", strings.Repeat("/"+url.PathEscape(v), 40), nil, ""})
		passes(&request{"GET", "/" + strings.Repeat(url.PathEscape(v+" "), 80), nil, ""})
	}
	for _, v := range []string{
		`jq '.items[] | select(.name == "x") | {id: .id, v: .value}' `, "if(a){b()} ", "cd a && ls | wc -l ", "a`b`c ", "(a|b)*c+ ",
		`{"expr":"sum(rate(http_requests_total{job=\"a\"}[5m])) by (le)","refId":"A"},`, "O'Neil & Sons (Ltd.); ", "(a=1;b=2|c=3;d='x y'),",
		"$filter=(startswith(Name,'A') or endswith(Name,'B')) and Price gt 5 ",
	} {
		for _, size := range []int{300, 800, 1600, 2400} {
			passes(&request{"GET", "/x/" + url.PathEscape(strings.Repeat(v, size/len(v))), nil, ""})
		}
	}
}

// TestEncodedBehindPrograms finds an encoded attack behind a program in the same value,
// which leaves decoders less the longer it is.
func TestEncodedBehindPrograms(t *testing.T) {
	e := New(Options{})
	escaped := func(v, format string) (out string) {
		for _, c := range []byte(v) {
			out += fmt.Sprintf(format, c)
		}
		return out
	}
	attacks := []string{escaped("' UNION SELECT username,password FROM users-- -", "%%%02x"), escaped("<script>alert(1)</script>", `\u%04x`)}
	for _, n := range []int{8, 10, 12, 13, 14, 16, 20, 30, 60} {
		for _, a := range attacks {
			v := strings.Repeat("function f(a,b){if(a[0]==b){return c.d(e)}else{x=y+1;}}\n", n) + a
			for i, q := range []request{
				{"POST", "/a", []string{"Content-Type", "text/plain"}, v},
				{"POST", "/a", []string{"Content-Type", "application/json"}, `{"id":12,"content":` + jsonString(v) + `,"ok":true}`},
				{"POST", "/a", []string{"Content-Type", "multipart/form-data; boundary=b"}, "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n" + v + "\r\n--b--\r\n"},
			} {
				if i > 0 && n > 12 {
					continue // known misses: the syntax around it takes what is left
				}
				if attack, limits := inspected(e, &q); !attack {
					t.Errorf("%.30q behind %d bytes as %s is not found, limits %v", a, len(v)-len(a), q.fields[1], limits)
				}
			}
		}
	}
}
