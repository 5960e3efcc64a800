package detect

import "testing"

func TestWhole(t *testing.T) {
	found := func(v string, w Where) (c Class) {
		var s Scanner
		best := float32(evident)
		for _, f := range s.Scan([]byte(v), w) {
			if f.Weight >= best {
				c, best = f.Class, f.Weight
			}
		}
		return c
	}
	for v, want := range map[string]Class{
		"document /* a */ . cookie": XSS,
		`"onzoom=`:                  XSS,
		"setInterval(code, 1)":      XSS,
		"a <f o r m":                XSS,
		"[].sort.call`${alert}1`":   XSS,
		`<a b:schemaLocation="c http://h/a.xsd">x</a>`: XXE,
		"console.info(1)":               Code,
		"$$b(2)":                        Code,
		"define('x','sys');(x)('id');":  Code,
		"base64_decode(":                Code,
		"$3:constructor:constructor":    PrototypePollution,
		"$7:Module:prototype":           PrototypePollution,
		"cd /;cd etc;fold passwd":       RCE,
		"{,ifconfig,eth0}":              RCE,
		";irb<<<1+2":                    RCE,
		"http:127.0.0.1":                SSRF,
		"$&lbrace;jndi:ldap://h/a}":     Log4Shell,
		"sleep(20)":                     SQLi,
		"SELECT group_concat(":          SQLi,
		"admin@example.com';":           SQLi,
		"` AS `a` from":                 SQLi,
		", find_in_set('2', category )": SQLi,
		"9 or /*+ hint */ true":         SQLi,
	} {
		if got := found(v, Where{Place: InQuery}); got != want {
			t.Errorf("%q is %v, want %v", v, got, want)
		}
	}
	for _, v := range []string{
		"", "<", "$", "A", "sleep", "sleep well (20)", "documents.cookies", "the document.cookie property", "${name}", "$ 5",
		"{a,b}", "a{b,c}d", "select a from b", "a <b c d", "don't", "case when x then y", "if (a", "prototype", "$1:a", "cat /home", "cd build; make",
		"ls foo bar", "require less", "(a)(b)", "[a](b)", "function", "new function", "process", "data: 5 < 6", "https://h/a:b",
		"print('a'); next('b');",
	} {
		if got := found(v, Where{Place: InQuery}); got != NoClass {
			t.Errorf("%q is %v, want nothing", v, got)
		}
	}
	for _, p := range []Place{InJSON, InBody, InFile, InPath} {
		if got := found("console.info(1)", Where{Place: p}); p != InPath && p != InJSON && got != NoClass {
			t.Errorf("a quotation at %v is %v, want nothing", p, got)
		}
	}
}
