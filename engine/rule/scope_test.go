package rule

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fieldList is a Fields of name, value, name, value.
type fieldList []string

func (f fieldList) Field(i int) (name, value []byte, ok bool) {
	if 2*i+1 >= len(f) {
		return nil, nil, false
	}
	return []byte(f[2*i]), []byte(f[2*i+1]), true
}

// request reads "METHOD host/target, App: v".
func request(line string, fields ...string) *Request {
	method, rest, _ := strings.Cut(line, " ")
	host, target, _ := strings.Cut(rest, "/")
	return &Request{
		Method: []byte(method), Host: []byte(host), Target: []byte("/" + target),
		Scheme: []byte("https"), Proto: []byte("HTTP/1.1"), Fields: fieldList(fields),
	}
}

func holds(t *testing.T, s Scope, q *Request) bool {
	t.Helper()
	set := load(t, Writer{Rules: []Rule{{ID: 1, Kind: Mask, Scope: s, Point: "get.x"}}})
	var m Match
	set.Match(&m, q)
	return len(m.Masks) == 1
}

func TestPathPatterns(t *testing.T) {
	f := func(pattern string, yes, no string) {
		t.Helper()
		s, err := ParseScope("", "", pattern)
		if err != nil {
			t.Errorf("ParseScope(%q): %v", pattern, err)
			return
		}
		for target := range strings.FieldsSeq(yes) {
			if !holds(t, s, request("GET example.com"+target)) {
				t.Errorf("%s does not hold %s", pattern, target)
			}
		}
		for target := range strings.FieldsSeq(no) {
			if holds(t, s, request("GET example.com"+target)) {
				t.Errorf("%s holds %s", pattern, target)
			}
		}
	}
	f("", "/ /a /a/b.c /a/?x", "")
	f("/", "/ /?x=1 //", "/a /a/")
	f("example.com", "/ /a /a/b.c", "")
	f("example.com/", "/", "/a")
	f("https://example.com/a", "/a", "/ /b")
	f("example.com/*/create/*.*", "/api/create/user.php /api/create/a.b.c", "/create/user.php /api/create/user /api/v1/create/user.php")
	f("example.com/**/user", "/api/create/user /api/user", "/user /user/api/index.php /api/user/?w=delete")
	f("/user/{{[0-9]}}", "/user/3445 /user/a1b", "/user/3445/888 /user/abc /user/")
	f("/user/{{^[0-9]{2,3}$}}", "/user/34 /user/345", "/user/3 /user/3456")
	f("/user/{{a/b}}", "", "/user/a/b")
	f("/api/**", "/api/ /api/x /api/x/y", "/api /apis/x")
	f("/**", "/ /x /x/y", "")
	f("/*", "/x /x.php", "/ /x/y /x/")
	f("/*.php", "/x.php", "/x /x.php.bak /.php")
	f("/index.*", "/index.php /index.tar.gz", "/index /other.php")
	f("/{{^[ab]$}}.{{^j}}", "/a.js /b.json", "/c.js /a.css")
	f("/a/**/b/*.js", "/a/x/b/y.js /a/x/z/b/y.js", "/a/b/y.js /a/x/b/y")
	f("/user.php", "/user.php /user%2Ephp /x/../user.php", "/userxphp /user")
	f("/a?debug=1", "/a?debug=1 /a?x&debug=1 /a?debug=2&debug=1 /a?%64ebug=1", "/a /a?debug=12 /a?debug")
	f("/caf\u00e9", "/caf%C3%A9", "/cafe")
	f("/caf%C3%A9/a%20b", "/caf%C3%A9/a%20b /café/%61%20b", "/cafe/a%2520b")
	f("/100%/{{%41|A}}", "/100%/%41 /100%/A", "/100%/B")
	f("/{{^a{2}$}}/b?c=d", "/aa/b?c=d", "/aa/b /a/b?c=d")
	// Spellings of the path that servers read as the same.
	f("/admin/x", "/admin/x //admin///x /./admin/x /y/../admin/x /admin;v=1/x /%61dmin/%78 /admin%2fx /admin/x#f", "/admin /x /admin/x/ /%2561dmin/x")
}

func TestScopeConditions(t *testing.T) {
	f := func(want bool, q *Request, host, method, pattern string, conds ...string) {
		t.Helper()
		s, err := ParseScope(host, method, pattern, conds...)
		if err != nil {
			t.Errorf("ParseScope(%q, %q, %q, %q): %v", host, method, pattern, conds, err)
		} else if got := holds(t, s, q); got != want {
			t.Errorf("%v holds %s %s%s %v: %v", s, q.Method, q.Host, q.Target, q.Fields, got)
		}
	}
	q := request("POST Shop.Example.COM/a/b?p=1&q=a%20b", "X-Tenant", "Blue", "x-tenant", "green", "Accept", "")
	f(true, q, "shop.example.com", "", "")
	f(true, q, "SHOP.example.com.", "post", "")
	f(true, q, "*", "*", "")
	f(true, q, "*.example.com", "", "")
	f(false, q, "*.shop.example.com", "", "")
	f(false, q, "example.com", "", "")
	f(true, q, "{{example}}", "", "")
	f(false, q, "{{^example}}", "", "")
	f(false, q, "", "GET", "")
	f(true, q, "", "", "", "header X-Tenant equal Blue")
	f(true, q, "", "", "", "header x-tenant equal green")
	f(false, q, "", "", "", "header X-Tenant equal blue")
	f(true, q, "", "", "", "header X-Tenant iequal BLUE")
	f(true, q, "", "", "", "header X-Tenant regex ^gr")
	f(false, q, "", "", "", "header X-Tenant regex ^lu")
	f(false, q, "", "", "", "header X-Tenant absent")
	f(true, q, "", "", "", "header X-Other absent")
	f(true, q, "", "", "", "header Accept equal")
	f(false, q, "", "", "", "header Accept absent")
	f(true, q, "", "", "", "query p equal 1", "query r absent", "scheme equal HTTPS", "proto equal HTTP/1.1")
	f(true, q, "", "", "", "query q equal a b")
	f(true, q, "", "", "", "query q regex ^a b$")
	f(false, q, "", "", "", "query p equal 1", "query q absent")
	f(false, q, "", "", "", "scheme equal http")
	f(false, q, "", "", "", "proto regex ^HTTP/2")
}

func TestParseScopeErrors(t *testing.T) {
	f := func(want, host, pattern string, conds ...string) {
		t.Helper()
		s, err := ParseScope(host, "", pattern, conds...)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseScope(%q, %q, %q) = %v, %v; want an error with %q", host, pattern, conds, s, err, want)
		}
	}
	f("different hosts", "a.example", "b.example/x")
	f("the whole of it", "*.{{a}}.example", "")
	f("the whole of it", "*.*.example", "")
	f("once", "", "/a/**/b/**")
	f("whole component", "", "/a*/b")
	f("whole component", "", "/a{{b}}/c")
	f("whole component", "", "/{{b}}c")
	f("whole component", "", "/{{b")
	f("missing closing", "", "/{{(}}")
	f("costs", "", "/{{(abcdefghijklmnopqrstuvwxyz){1000}}}")
	f("more than 1024", "", "/{{"+strings.Repeat("a", 2000)+"}}")
	f("normalised", "", "/a/../b")
	f("normalised", "", "/a//b")
	f("normalised", "", "a.example//")
	f("more than 60", "", strings.Repeat("/a", 61))
	f("none of header", "", "", "body x equal 1")
	f("none of equal", "", "", "header x is 1")
	f("none of equal", "", "", "header x")
	f("no value", "", "", "header x absent 1")
	f("missing closing", "", "", "header x regex (")
}

func TestSpecificity(t *testing.T) {
	// Each of these is more specific than the one behind it.
	lines := []string{
		"POST example.com/api/user.php,header X equal 1", "POST example.com/api/user.php", "example.com/api/user.php",
		"/api/user.php", "/api/{{user}}", "/api/*.*", "/api/*", "/api/**", "/*/**", "",
	}
	var w Writer
	for i, line := range lines {
		pattern, cond, ok := strings.Cut(line, ",")
		method := ""
		if m, rest, ok := strings.Cut(pattern, " "); ok {
			method, pattern = m, rest
		}
		var conds []string
		if ok {
			conds = append(conds, cond)
		}
		s, err := ParseScope("", method, pattern, conds...)
		if err != nil {
			t.Fatal(err)
		}
		w.Rules = append(w.Rules, Rule{ID: uint64(i + 1), Kind: SetMode, Mode: Monitoring, Scope: s})
	}
	q := request("POST example.com/api/user.php", "x", "1")
	var got []uint64
	for len(w.Rules) > 0 {
		var m Match
		load(t, w).Match(&m, q)
		got = append(got, m.ModeRule)
		w.Rules = w.Rules[1:]
	}
	if diff := cmp.Diff([]uint64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, got); diff != "" {
		t.Error(diff)
	}
}

// A scope that can be read can be written, and holds what it held.
func FuzzParseScope(f *testing.F) {
	f.Add("*.example", "GET", "/a/**/{{^b}}.js?x=1", "header X regex ^a")
	f.Add("", "***", "%%%%%%\x00\x01%%", "query 0 absent")
	f.Add("*..", "w", "/0/?0.00*0=0", "header /0 regex ^A")
	f.Add("*.{{+", "T", "/\x19/?0\x1400*0=0", "header he\xd3ader/0 regex ^A")
	f.Add("", "", "https://h:1/%61%2f{{a{2}}}", "query q absent")
	f.Fuzz(func(t *testing.T, host, method, pattern, cond string) {
		s, err := ParseScope(host, method, pattern, cond)
		if err != nil {
			return
		}
		blob, err := (&Writer{Rules: []Rule{{ID: 1, Kind: Mask, Scope: s}}}).Bytes()
		if err != nil {
			if len(pattern)+len(host)+len(method)+len(cond) < 1000 {
				t.Fatalf("%q %q %q %q: %v", host, method, pattern, cond, err)
			}
			return
		}
		set, err := Load(blob)
		if err != nil {
			t.Fatal(err)
		}
		var m Match
		set.Match(&m, &Request{Method: []byte(method), Host: []byte(host), Target: []byte(pattern)})
		_ = set.String()
	})
}

func TestCondText(t *testing.T) {
	for _, s := range []string{"header X-A equal a  b", "query q regex ^a$", "scheme equal https", "header X absent", "query q equal"} {
		c, err := ParseCond(s)
		if err != nil || c.String() != s {
			t.Errorf("ParseCond(%q) = %q, %v", s, c, err)
		}
	}
}
