package engine

import (
	"testing"

	"github.com/gabionhq/gabion/engine/rule"
)

// traffic is what ordinary clients send and what was blocked once: texts, code
// and settings, as they stand in a field or file.
var traffic = map[string]string{
	"icon":              "data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCA4IDgiPjxkZXNjPkEgZGVzY3JpcHRpb24gb24gaXQ8L2Rlc2M+PHBhdGggZD0iTTAgMGg4djhIMHoiLz48L3N2Zz4=",
	"icon in style":     `.a{background:url("data:image/svg+xml,%3csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 8'%3e%3cpath d='M0 0h8v8H0z'/%3e%3c/svg%3e")}`,
	"summary of a diff": "Fix the range of this week\n---\n CHANGELOG.md                             |  6 +++\n .../lib/core_ext/date_and_time/calc.rb   | 13 ++--\n .../test/core_ext/date_ext_test.rb       |  9 +++\n 3 files changed\n",
	"quoted names":      "The `import` method is public. An `alert` will show unless `hx-confirm` is set, see [`htmx:confirm`](events.md); `db.eval`, `Function`, and `prompt`: all gone.\n",
	"quoted tags":       "Add it with a `<script>` tag, then call start(document.title); alert the others.\nOr use `<script setup>` and\n`<script src=\"/client.js\"></script>` in the page.\n",
	"indented fence":    "1. Register the worker:\n\n    ```html\n    <script>\n      navigator.serviceWorker.register('/sw.js').then(done);\n    </script>\n    ```\n\n2. Done.\n",
	"class":             "class Player extends Entity {\n  constructor(name) {\n    super(name);\n  }\n  clone() { return new this.constructor(this.name); }\n  ask() { this.args.confirm(); }\n}\n",
	"comment":           "/**\n * Copyright (c) 2012 R. M.\n * eval: none\n */\nabstract Obj? eval()\n",
	"lines of comments": ";;;;;;;;;;;;;;;;;;;;\n; Include\n\"#include\" @keyword.import\n(include_path (eval x))\n",
	"strings of ruby":   "raise ArgumentError, \"Can't change both: #{options.inspect}\" if options[:usec]\nraise NotFound.new(\"Couldn't find #{self.class.name} with ID=#{id}\")\n",
	"line of ruby":      "              parts << \"column: #{foreign_key.column.inspect}\"",
	"flask":             "Add {{ url_for('static', filename='style.css') }} to the page.\n{% with messages = get_flashed_messages() %}\n",
	"step of a flow":    "={{ $('Settings').first().json.words }} of {{ Math.round(($('Settings').item.json.words - 120) / 2) }}",
	"prompt of a tool":  "={{ $fromAI(\"pipeline\", \"The pipeline to execute\", \"string\") }}",
	"arguments":         "base_unit = dt.timedelta(\n    **{self.precision: 1})\nreturn int(value.total_seconds())\n",
	"headings":          "## Runtime {#process}\n\nSee {#system-keys}.\n",
	"code in a wiki":    "== SYNOPSIS\n\n{{{\nrequire 'creole'\nhtml = Creole.creolize('== Title')\n}}}\n",
	"steps of a style":  "@keyframes bar{0%{background-position-x:var(--height)}}",
	"helpers":           "Comments:\n{{#each comments}}\n- {{this.title}} {{this}}\n{{/each}}\n",
	"ranges":            "// CHECK: %{{[0-9]+}} = addi %arg3\n(regexp \"[[0-9:, ]*\\]\")\n",
	"settings":          "config: {{config_data}}\n",
	"identifier":        "{93995380-89BD-4b04-88EB-625FBE52EBFB}",
	"step of another":   "={{ $('Set Variables').item.json.id }} and $('date').val()",
	"search of logs":    "index=web sourcetype=access | eval phase=\"operate\" | eval hour=strftime(_time, \"%H\") | stats count by hour",
	"pattern of files":  "export function list() {\n  return glob('/etc/init.d/*').map(stat);\n}\nRemove entries in `/etc/cron*` and `/tmp/build*`.\n",
	"continued command": "process top {\n  script:\n  \"\"\"\n  blastp -query q.fa -outfmt 6 \\\n    | head -n 10 \\\n    | cut -f 2 > top\n  \"\"\"\n  // the first ten hits of each query, by score, and nothing else of the table\n  // that the program writes; see the manual for the columns it has by default\n}\n",
	"small script":      "function f(e){var n=[];if(0===this.count)return n;if(1&e.flag&&this.x)return e;if(e>0&&Math.abs(e)>=2){return 1}}",
	"conditions":        "while length(a) > 0 and length(b) > 0 do\n  if num && self.value >= v.lower()\n  elif seen( files ) and Length( files ) > 0 then\n",
	"sets":              "ack' = ack.setBy(p, a => a.union(Set(q))),",
	"comments of lisp":  "(let ((allowed\n        ;; if not in the map, return false\n        (unwrap (get x)))))\n",
	"mailbox":           "From mike@example.com\r\nReturn-Path: <mike@example.com>\r\nFrom: Mike <mike@example.com>\r\nTo: Ann <ann@example.com>\r\nSubject: hi\r\n\r\nHello\r\n",
	"password":          "p'w\"d;--%$#@!<>",
	"line of python":    "            send(k, v)",
	"signature":         "    def copy(self) -> Self:",
	"method of vue":     "return this.$id('disclosure-panel')",
	"loop":              "do{h=g[w++].value}while(!h&&w<_);for(var w=0;w<x.length;w++){}",
	"strings in ticks":  "r===`Map`||r===`Set`?Array.from(e):r===`Arguments`",
	"any element":       ".modal-footer>*{margin:calc(var(--gap) * .5)}",
	"page directive":    "<%@ page language=\"java\" contentType=\"text/html\" %>\n<html>\n<body>\n${name}\n</body>\n</html>\n",
	"escapes":           "{\"quotes\": \"\\\\\\\"\\uCAFE\\uBABE\\b\\f\\n`1~!@#$%^&*()_+\"}\n",
}

// TestTraffic sends it.
func TestTraffic(t *testing.T) {
	e := New(Options{})
	for name, v := range traffic {
		for place, r := range documents(v) {
			expect(t, e, &r, Pass, name+" as "+place)
		}
	}
}

// TestSettings sends what the documents of orchestrators and collectors of logs
// hold, and forms do not.
func TestSettings(t *testing.T) {
	e := New(Options{})
	for _, v := range []string{"/etc/ssl/certs", "/etc/ceph/admin.secret", "/dev/termination-log", "/var/log/nginx/access.log", "java.lang.IllegalStateException: no session\n\tat Thread.java:1",
		`ancestor = 123 and label = "how-to" and lastmodified > now("-4w")`, "  ActiveRecord: <%= defined? ActiveRecord %>"} {
		r := placed(v)["json"]
		if verdict, rep := inspect(e, nil, Env{Mode: rule.Block}, &r, whole); verdict.Decision != Pass {
			t.Errorf("%s: blocked: %+v", v, rep.Findings)
		}
	}
}

// disguises look like it and are none.
var disguises = map[string]string{
	"icon with script":   "data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciPjxzY3JpcHQ+YWxlcnQoMSk8L3NjcmlwdD48L3N2Zz4=",
	"icon with event":    "data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciICBvbmxvYWQgID0gImFsZXJ0KDEpIj48L3N2Zz4=",
	"dots":               ".../.../.../.../etc/passwd",
	"out of a template":  "x `;alert`1`;` y",
	"script, no quote":   "`><script src=//evil.example/x.js></script>`",
	"comment left":       "*/;alert(document.domain)/*",
	"method of the page": "x\n';window.alert(1)//",
	"classes":            "x\n{{ self.__init__.__globals__.os.popen('id') }}",
	"string of ruby":     "x #{7*7} y\nz",
	"settings of flask":  "x\n{{ config.items() }}",
	"erb with commands":  "<%= `ls /` %>",
	"path of secrets":    "/etc/shadow",
	"named substitution": "x$('id')",
	"hidden directory":   "x; /b?n/c?t /etc/passwd",
	"stacked condition":  "1;if(1=1) waitfor delay '0:0:5'--",
	"condition":          "x\n1 and length(database())>0",
	"left by a quote":    "if x' and length(database())>0-- -",
	"header of mail":     "ann@example.com\r\nTo: bob@example.com",
	"single braces":      "'+{7*7}+'",
	"constructor":        "x\n{{[].constructor.constructor('alert(1)')()}}",
}

// TestDisguises sends them.
func TestDisguises(t *testing.T) {
	e := New(Options{})
	for name, v := range disguises {
		for place, r := range placed(v) {
			expect(t, e, &r, Block, name+" as "+place)
		}
	}
}
