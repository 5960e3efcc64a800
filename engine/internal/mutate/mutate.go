// Package mutate rewrites attacks so that they stay attacks, for tests of evasion.
package mutate

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
)

// A Mutator is one way to write the same otherwise. Apply returns v unchanged
// where it finds nothing to rewrite; whether the result still is an attack is
// for the caller's oracle to say.
type Mutator struct {
	Name  string
	Apply func(r *rand.Rand, v string) string
}

// SQL are the operators of WAF-A-MoLE (Demetrio et al., 2020).
var SQL = []Mutator{
	{"case", swapCase},
	{"spaces as comments", func(r *rand.Rand, v string) string { return replaceOne(r, v, " ", "/**/") }},
	{"spaces as other blanks", func(r *rand.Rand, v string) string {
		return replaceOne(r, v, " ", pick(r, "\t", "\n", "\r\n", "\f", "  ", "\t \n"))
	}},
	{"comments as spaces", func(r *rand.Rand, v string) string { return replaceOne(r, v, "/**/", " ") }},
	{"text in comments", func(r *rand.Rand, v string) string {
		return replaceOne(r, v, "/**/", "/*"+word(r)+"*/")
	}},
	{"tail of the comment", func(r *rand.Rand, v string) string {
		if i := strings.LastIndex(v, "-- "); i >= 0 {
			return v[:i+3] + word(r)
		}
		return v
	}},
	{"numbers", number},
	{"operators", func(r *rand.Rand, v string) string {
		pair := [...][2]string{{" or ", " || "}, {" and ", " && "}, {"=", " like "}, {" like ", "="}, {"=", " is "}, {"=", " in ("}}[r.IntN(5)]
		return replaceOne(r, v, pair[0], pair[1])
	}},
	{"tautologies", func(r *rand.Rand, v string) string {
		n := r.IntN(9000)
		t := pick(r, fmt.Sprintf("%d=%d", n, n), fmt.Sprintf("%d<%d", n, n+1), fmt.Sprintf("'%s'='%s'", "x", "x"), fmt.Sprintf("%d<>%d", n, n+2), fmt.Sprintf("%d in (%d)", n, n))
		return replaceOne(r, v, "1=1", t)
	}},
	{"invariants", func(r *rand.Rand, v string) string {
		i := strings.LastIndex(v, "-- ")
		if i < 0 {
			i = len(v)
		}
		return v[:i] + pick(r, " and 1 ", " and true ", " or false ", " and 7<>8 ", " or 0 ") + v[i:]
	}},
}

// Markup rewrites HTML that runs script.
var Markup = []Mutator{
	{"case", swapCase},
	{"slash between attributes", func(r *rand.Rand, v string) string { return replaceOne(r, v, " ", "/") }},
	{"blanks", func(r *rand.Rand, v string) string {
		return replaceOne(r, v, " ", pick(r, "\t", "\n", "\f", "\r", "  "))
	}},
	{"blanks around =", func(r *rand.Rand, v string) string { return replaceOne(r, v, "=", pick(r, " =", "= ", "\n=\t")) }},
	{"attribute before", func(r *rand.Rand, v string) string {
		return replaceOne(r, v, " on", pick(r, " "+word(r)+" on", " "+word(r)+"='"+word(r)+"' on", " title=\">\" on"))
	}},
	{"character references", func(r *rand.Rand, v string) string {
		for _, name := range [...]string{"alert", "confirm", "fetch", "javascript"} {
			if i := strings.Index(v, name); i >= 0 && !strings.Contains(v, "<script") {
				j := i + r.IntN(len(name))
				return v[:j] + fmt.Sprintf(pick(r, "&#%d;", "&#x%x;", "&#00%d;"), v[j]) + v[j+1:]
			}
		}
		return v
	}},
	{"element around", func(r *rand.Rand, v string) string { return pick(r, "<p>", "<b>", "text ", "<!-- -->") + v }},
	{"unclosed", func(_ *rand.Rand, v string) string { return strings.TrimSuffix(v, ">") }},
	{"calls", func(r *rand.Rand, v string) string {
		return replaceOne(r, v, "alert(1)", pick(r, "alert`1`", "(alert)(1)", "window['alert'](1)", "top.alert(1)", "self[`al`+`ert`](1)", "alert?.(1)", "alert/**/(1)"))
	}},
}

// Shell rewrites commands.
var Shell = []Mutator{
	{"quotes in words", func(r *rand.Rand, v string) string { return inWord(r, v, pick(r, "''", `""`)) }},
	{"backslash in words", func(r *rand.Rand, v string) string { return inWord(r, v, `\`) }},
	{"empty variables", func(r *rand.Rand, v string) string { return inWord(r, v, pick(r, "$@", "${x}", "$*")) }},
	{"spaces as IFS", func(r *rand.Rand, v string) string { return replaceOne(r, v, " ", pick(r, "${IFS}", "$IFS$9")) }},
	{"blanks", func(r *rand.Rand, v string) string { return replaceOne(r, v, " ", pick(r, "\t", "  ", " \t")) }},
	{"separators", func(r *rand.Rand, v string) string {
		return replaceOne(r, v, ";", pick(r, "|", "||", "&&", "&", "\n", " ; "))
	}},
	{"wildcards", func(r *rand.Rand, v string) string {
		return replaceOne(r, v, "/etc/passwd", pick(r, "/et?/passwd", "/etc/pass*", "/e*c/p?sswd", "//etc///passwd", "/etc/./passwd"))
	}},
	{"directory of programs", func(r *rand.Rand, v string) string {
		return replaceOne(r, v, "cat ", pick(r, "/bin/cat ", "/usr/bin/cat "))
	}},
	{"tail", func(r *rand.Rand, v string) string { return v + pick(r, " #", ";", " &", " 2>&1", " #"+word(r)) }},
}

// Path rewrites steps up.
var Path = []Mutator{
	{"escaped dots", func(r *rand.Rand, v string) string { return replaceOne(r, v, ".", pick(r, "%2e", "%2E")) }},
	{"escaped slashes", func(r *rand.Rand, v string) string { return replaceOne(r, v, "/", pick(r, "%2f", "%2F")) }},
	{"doubled slashes", func(r *rand.Rand, v string) string { return replaceOne(r, v, "/", "//") }},
	{"steps in place", func(r *rand.Rand, v string) string { return replaceOne(r, v, "/", "/./") }},
	{"there and back", func(r *rand.Rand, v string) string { return replaceOne(r, v, "/", "/"+word(r)+"/../") }},
	{"letters", func(r *rand.Rand, v string) string {
		i := r.IntN(len(v))
		if c := v[i] | 0x20; c < 'a' || c > 'z' || i > 1 && v[i-2] == '%' || i > 0 && v[i-1] == '%' {
			return v
		}
		return v[:i] + fmt.Sprintf("%%%02x", v[i]) + v[i+1:]
	}},
	{"prefix", func(r *rand.Rand, v string) string { return pick(r, "./", word(r)+"/../") + v }},
}

func pick(r *rand.Rand, of ...string) string { return of[r.IntN(len(of))] }

func word(r *rand.Rand) string {
	b := make([]byte, 3+r.IntN(6))
	for i := range b {
		b[i] = 'a' + byte(r.IntN(26))
	}
	return string(b)
}

// replaceOne replaces one occurrence of old, whichever.
func replaceOne(r *rand.Rand, v, old, by string) string {
	n := strings.Count(v, old)
	if n == 0 {
		return v
	}
	from := 0
	for range r.IntN(n) {
		from += strings.Index(v[from:], old) + len(old)
	}
	at := from + strings.Index(v[from:], old)
	return v[:at] + by + v[at+len(old):]
}

func swapCase(r *rand.Rand, v string) string {
	b := []byte(v)
	for i, c := range b {
		if c |= 0x20; c >= 'a' && c <= 'z' && r.IntN(3) == 0 {
			b[i] ^= 0x20
		}
	}
	return string(b)
}

// number writes one number otherwise.
func number(r *rand.Rand, v string) string {
	for range 4 {
		i := r.IntN(len(v))
		if v[i] < '0' || v[i] > '9' || i > 0 && v[i-1] >= '0' && v[i-1] <= '9' {
			continue
		}
		j := i
		for j < len(v) && v[j] >= '0' && v[j] <= '9' {
			j++
		}
		n, err := strconv.Atoi(v[i:j])
		if err != nil {
			continue
		}
		return v[:i] + pick(r, fmt.Sprintf("0x%x", n), fmt.Sprintf("(select %d)", n), fmt.Sprintf("%d+0", n), fmt.Sprintf("%d.0", n), fmt.Sprintf("(%d)", n)) + v[j:]
	}
	return v
}

// inWord puts s between two letters.
func inWord(r *rand.Rand, v, s string) string {
	for range 8 {
		i := 1 + r.IntN(max(len(v)-1, 1))
		if i < len(v) && letter(v[i-1]) && letter(v[i]) {
			return v[:i] + s + v[i:]
		}
	}
	return v
}

func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
