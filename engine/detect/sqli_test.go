package detect

import (
	"strings"
	"testing"

	"github.com/gabionhq/gabion/engine/internal/sqllex"
	"time"

	libinjection "github.com/corazawaf/libinjection-go"
)

// attackWeight is the weight from which a finding alone makes a request an
// attack.
const attackWeight = 0.5

// weighs returns the weight of the strongest finding of the class in v.
func weighs(s *Scanner, c Class, v string, w Where) float32 {
	best := float32(0)
	for _, f := range s.Scan([]byte(v), &w) {
		if f.Class == c {
			best = max(best, f.Weight)
		}
	}
	return best
}

var sqlAttacks = []string{
	// conditions
	"1 or 1=1", "1' or '1'='1", `1" or "1"="1`, "') or ('a'='a", "1)) or ((1=1", "x' or 'x'='x' -- -", "' or 1=1#", "1 && 1=1", "1 || 1=1--",
	"' or true--", "' or 2 > 1--", "admin' or 5 between 1 and 7#", "' or 'a' like 'a", "x' and 1 in (1)--", "1 and not 5=6--", "0 xor 1=1#",
	"' or username is not null or 'x'='y", "' or name like '%a%' --", "1 and ascii(substring((select database()),1,1))>64",
	"-1) and 1=user-- ", "1) and a=1--", "1 or id=5#", "1 or id>0", "1 or id in (1,2)", "1 or name like '%a%'", "1 union select user", "0); select inet_server_port() --", "1;select my_function(1)#",
	// comments and blanks
	"0 union#a*/*b\r\nselect#a\r\n1,2", "1/**/or/**/1=1", "'/**/or/**/'1'='1", "1\nor\t1=1", "1\xa0or\xa01=1", "1'or'1'='1", "/*!50000union*/ /*!50000select*/ 1", "1/*!or*/1=1",
	"1'--x\nor'1'='1", "1e0union select 1,2", "1.union select 1,2", "'\nOR\n1=1\n#", "admin'--", "admin')--", "admin'/*", "') #",
	// queries
	"1 union select null,null", "' UNION ALL SELECT username,password FROM users--", "-1 union(select 1,2,3)", "1 uNiOn SeLeCt @@version,2",
	"1 union select * from users", "') union select 1 from dual--", "1' union select`x`,2 from t#", "x' union all select 1,group_concat(a) from b where 'c'='c",
	"(select 1 from(select count(*),concat(version(),floor(rand(0)*2))x from information_schema.tables group by x)a)",
	"'||(select password from users where rownum=1)||'", "1 and (select count(*) from users)>0", "1-(select 1)", "x' and exists(select 1 from users)--",
	// statements
	"1; drop table users", "1'; drop table users--", "'; exec master..xp_cmdshell 'dir'--", "1; shutdown--", "x'; insert into users values (1,2)--",
	"1;declare @s varchar(99);set @s=0x730065;exec(@s)", "'; waitfor delay '0:0:5'--", "1 waitfor delay '0:0:5'", "';select pg_sleep(5)--",
	"1;update users set role='admin' where id=1--", "'; copy t from program 'id'--",
	// functions
	"1 and sleep(5)", "sleep(5)#", "1' and benchmark(5000000,md5(1))#", "1 or pg_sleep(5)--", "'+sleep(5)+'", "1 and extractvalue(1,concat(0x7e,version()))",
	"updatexml(1,concat(0x7e,user()),1)", "1 and load_file('/etc/passwd')", "1' and dbms_pipe.receive_message('a',5)='a", "1 procedure analyse(1,1)",
	"utl_inaddr.get_host_address((select user from dual))", "1 into outfile '/var/www/x.php'", "if(now()=sysdate(),sleep(5),0)", "elt(1=1,2)--",
	"1 and 1=char(65)+char(66)", "concat(0x71,0x72)", "1 order by 10--", "1' order by 3#", "1' group by 1,2,3--", "x' having 1=1--",
	"case when (1=1) then 1 else 0 end", "1' rlike (select 1)--", "'='", "' like '", "'||'", "a'-1.and '1",
	// without spaces
	"1'and(1)=(1)and'1'='1", "'or(1)=(1)#", "1'or\"a\"=\"a\"#", "\\' or 1=1 -- ",
}

var sqlTexts = []string{
	"select a plan from the list", "drop table reservations", "O'Brien and sons", "union of select members", "Union members select delegates from each group",
	"a=1 or b=2", "If A=B and B=C then A=C, or 1=1 as she likes to joke.", "Don't drop the database class; select it from the union of electives #99",
	"insert coin; select level; sleep well (benchmark score 86)", "having 2 kids, support has to group by age and order by height",
	"Waitfor delay at gate 72; union strike and/or weather.", "Create a table for 4 and join us where the char grill is.",
	"rock'n'roll", "D'Angelo St. John", "Wiki's #1 pass", "the '90s and the '00s", "5'10\" tall and 6'2\" wide", "it's 5 o'clock -- don't be late",
	"I'd like to update my order; where from can I delete an item? Thanks! #336", "She said 'yes' and 'no' -- then left",
	"3 + 4 = 7 and 5 + 6 = 11", "x > 5 && y < 3", "365 - 1 = <<365-1=364>>364 days", "64 < 400 and 400 > 300", "f(x) = x^2 or g(x) = 1/x",
	"project = ABC AND status in (Open, \"In Progress\") AND id < 1487 ORDER BY created DESC", "author:\"O'Reilly\" AND year:4327",
	"contains(Title,'union') or Year eq 4850", "Price gt 1881 and startswith(Name,'Al')", "event.source matches regex 'db[0-9]+-server'",
	"if (a() == b()) { sleep(5); }", "import time; time.sleep(5)", "const q = `SELECT name FROM users WHERE id = $1`", "char(10) is a line feed",
	"SELECT * FROM `customers` WHERE 1", "DELETE FROM sessions WHERE last_seen < DATE_SUB(NOW(), INTERVAL 30 DAY);",
	"SELECT c.name, COUNT(o.id) AS n FROM customers c LEFT JOIN orders o ON o.cid = c.id GROUP BY c.id HAVING COUNT(*) > 1;",
	"WITH RECURSIVE t AS (SELECT a FROM b UNION ALL SELECT c.a FROM c JOIN t ON c.p = t.a) SELECT * FROM t", "SHOW VARIABLES LIKE '%char%'",
	"query($where: ProductWhere) { products(where: $where) { id } }", "/*! jQuery UI - v1.12 | MIT and others */", "node -- select", "C# or F#?",
	"Find all files whose names begin with '-'", "*:%!)#|}1\"+'", "X&Y%1!X\">9;:", "1).].'=\"/]`_", "Hello -- it's me", "order by date", "like '%foo%'", "or 1 or 2",
}

func TestSQLi(t *testing.T) {
	var s Scanner
	w := Where{Place: InQuery, Key: []byte("id")}
	for _, v := range sqlAttacks {
		if got := weighs(&s, SQLi, v, w); got < attackWeight {
			t.Errorf("attack %q weighs %.2f", v, got)
		}
	}
	for _, v := range sqlTexts {
		if got := weighs(&s, SQLi, v, w); got >= 0.4 {
			t.Errorf("text %q weighs %.2f", v, got)
		}
	}
}

// TestSQLiAgainstOracle prints where libinjection judges otherwise. The two
// need not agree.
func TestSQLiAgainstOracle(t *testing.T) {
	missed, alarmed := 0, 0
	for _, v := range sqlAttacks {
		if ok, _ := libinjection.IsSQLi(v); !ok {
			missed++
			t.Logf("libinjection passes %q", v)
		}
	}
	for _, v := range sqlTexts {
		if ok, _ := libinjection.IsSQLi(v); ok {
			alarmed++
			t.Logf("libinjection alarms at %q", v)
		}
	}
	t.Logf("libinjection passes %d of %d attacks and alarms at %d of %d texts", missed, len(sqlAttacks), alarmed, len(sqlTexts))
}

// TestSQLiMutations holds the detector to rewritings that keep a payload's
// meaning.
func TestSQLiMutations(t *testing.T) {
	var s Scanner
	rewrite := map[string]func(string) string{
		"upper":    strings.ToUpper,
		"comments": func(v string) string { return strings.ReplaceAll(v, " ", "/**/") },
		"lines":    func(v string) string { return strings.ReplaceAll(v, " ", "\r\n") },
		"filled":   func(v string) string { return strings.ReplaceAll(v, " ", "/*x y*/") },
		"plain":    func(v string) string { return v },
		"dash":     func(v string) string { return strings.ReplaceAll(v, " ", "--abc\n") },
	}
	for _, v := range []string{
		"1 or 1=1", "' or '1'='1", "1 union select null,null", "1' union all select 1,user from users where '1'='1", "1 and sleep(5)",
		"1 order by 10#", "x' having 1=1#", "1 and (select count(*) from users)>0", "') or ('a'='a",
	} {
		for name, f := range rewrite {
			if got := weighs(&s, SQLi, f(v), Where{Place: InForm}); got < attackWeight {
				t.Errorf("%s %q weighs %.2f", name, f(v), got)
			}
		}
	}
}

// TestSQLiEndsAnywhere ends values behind each word and what may follow it: whoever
// looks for the next token must see that there is none.
func TestSQLiEndsAnywhere(t *testing.T) {
	var all []sqllex.Role
	for r := sqllex.And; r <= sqllex.Type; r++ {
		all = append(all, r)
	}
	names := "len strcmp recursive with iif double precision div convert cast set use begin dbo sys return match call vacuum sp_password a 1 'a' @a @@a $a"
	var s Scanner
	for _, word := range strings.Fields(sqllex.Words(all...) + " " + names) {
		for _, before := range []string{"", "1", "1'", "'", "a\"", "1)", "a`", "(", "1.e("} {
			for _, joint := range []string{"", " ", "||", " && ", ";", " or ", ",", "=", "::", " union select ", ".", "-", "@"} {
				for _, behind := range []string{"", "(", "(1", "()", ".", "=", " as", "::", ",", "--", "'"} {
					s.Scan([]byte(before+joint+word+behind), &Where{Place: InQuery, Key: []byte("id")})
				}
			}
		}
	}
}

func TestSQLiSpan(t *testing.T) {
	var s Scanner
	v := []byte("harmless text' union select null,null from users--")
	f := s.Scan(v, &Where{})
	if len(f) == 0 {
		t.Fatal("no finding")
	}
	if got := string(v[f[0].From:f[0].To]); !strings.HasPrefix(got, "union select") {
		t.Errorf("span %q", got)
	}
	if got := string(AppendFragment(nil, v, f[0].Tokens)); !strings.Contains(got, "union select null,null from <ident:5>") {
		t.Errorf("fragment %q", got)
	}
}

func TestSQLiAllocatesNothing(t *testing.T) {
	var s Scanner
	values := [][]byte{[]byte("1' or '1'='1"), []byte(strings.Repeat("it's a long text, or (is it) a=b; select ", 200)), []byte("plain")}
	run := func() {
		for _, v := range values {
			s.Scan(v, &Where{Place: InForm})
		}
	}
	run()
	if n := testing.AllocsPerRun(20, run); n > 0 {
		t.Errorf("%.0f allocations", n)
	}
}

// TestSQLiIsLinear compares the time for hostile values with that for values
// eight times as long. A machine that is busy gets several tries.
func TestSQLiIsLinear(t *testing.T) {
	const size, factor, slack, tries = 16 << 10, 8, 3, 6
	for _, unit := range []string{
		"(", "'", `"`, "`", "/*", "$a$", "[", "or(", "1 or ", "select(", "case when ", "@", "--\n", "#", "0x", "1e", "''", "\\'", "/*!", "*/", "a.", "and 1=", ";select ", "union select ", "order by 1,",
	} {
		ok := false
		for range tries {
			if cost(unit, size*factor) < slack*factor*max(cost(unit, size), 50*time.Microsecond) {
				ok = true
				break
			}
		}
		if !ok {
			t.Errorf("%q costs more than linear time", unit)
		}
	}
}

func cost(unit string, size int) time.Duration {
	v := []byte(strings.Repeat(unit, size/len(unit)))
	var s Scanner
	s.sqli(v, &Where{})
	best := time.Hour
	for range 2 {
		start := time.Now()
		s.sqli(v, &Where{})
		best = min(best, time.Since(start))
	}
	return best
}

func FuzzSQLi(f *testing.F) {
	for _, v := range sqlAttacks {
		f.Add([]byte(v))
	}
	for _, v := range sqlTexts {
		f.Add([]byte(v))
	}
	f.Fuzz(func(t *testing.T, v []byte) {
		var s Scanner
		s.sqli(v, &Where{})
		checkFindings(t, v, s.findings)
	})
}

// checkFindings fails when a finding is not well formed.
func checkFindings(t *testing.T, v []byte, found []Finding) {
	t.Helper()
	for _, f := range found {
		if f.Class == NoClass || f.Reason == "" || f.Weight <= 0 || f.Weight > 1 {
			t.Errorf("%q: %+v", v, f)
		}
		if f.From < 0 || f.From > f.To || int(f.To) > len(v) {
			t.Errorf("%q: span %d to %d", v, f.From, f.To)
		}
		last := int32(0)
		for _, k := range f.Tokens {
			if k.From < last || k.To < k.From || int(k.To) > len(v) {
				t.Errorf("%q: tokens %v", v, f.Tokens)
			}
			last = k.To
		}
	}
}

func BenchmarkSQLi(b *testing.B) {
	for name, v := range map[string]string{
		"attack":   "1' union all select null,concat(user,0x3a,password),null from users where '1'='1' -- -",
		"prose":    strings.Repeat("It's a text about the union of workers and their order; select any group you like. ", 12),
		"code":     strings.Repeat("if (a[i] == 'x' && f(b, \"y\")) { return g(c) || 0; } ", 20),
		"no quote": strings.Repeat("the quick brown fox jumps over the lazy dog and likes it or not (1) ", 15),
	} {
		b.Run(name, func(b *testing.B) {
			var s Scanner
			b.SetBytes(int64(len(v)))
			b.ReportAllocs()
			for b.Loop() {
				s.findings, s.tokens = s.findings[:0], s.tokens[:0]
				s.sqli([]byte(v), &Where{Place: InForm})
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(v)), "ns/B")
		})
	}
}

func BenchmarkGate(b *testing.B) {
	for name, v := range map[string]string{
		"token": strings.Repeat("c2FsdGVkX1", 100),
		"prose": strings.Repeat("It's a text about the union of workers and their order. ", 18),
	} {
		b.Run(name, func(b *testing.B) {
			var f feature
			for b.Loop() {
				have, _, _ := features([]byte(v))
				f |= have
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(v)), "ns/B")
		})
	}
}
