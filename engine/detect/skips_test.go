package detect

import (
	"fmt"
	"math/rand"
	"strings"
	"testing"

	"github.com/gabionhq/gabion/engine/internal/pair"
)

// TestSkipsLoseNothing compares what is found where two bytes in a row say that
// something may begin with what is found where anything may begin anywhere, and the walk
// over a path that skips with the one that looks at each byte.
func TestSkipsLoseNothing(t *testing.T) {
	tables := []*pair.Table{constructPairs, openPairs, oddPairs, tagPairs, leadPairs, shellPairs}
	var values [][]byte
	rng := rand.New(rand.NewSource(9))
	for _, class := range []Class{RCE, XSS, SSTI, Deserialization, Code, PathTraversal} {
		for _, seed := range seeds[class] {
			for range 40 {
				values = append(values, mutate(rng, []byte(seed), seeds[class]))
			}
		}
	}
	commands := strings.Fields("id nl a aa-status aa- x.exe c at ls e2 fsck ' \" \\ ^ $ $@ $IFS { } , ( ) ; | & = : - . 7 ! # + [ 0")
	for range 40_000 {
		values = append(values, crumb(rng, commands, 7))
	}
	find := func() (found []string, efforts []int) {
		var s Scanner
		for _, v := range values {
			for _, w := range []Where{{Place: InForm}, {Place: InQuery}, {Place: InPath}} {
				f := s.Scan(v, &w)
				found, efforts = append(found, fmt.Sprintf("%q: %+v", v, f)), append(efforts, s.Effort())
				s.Close()
			}
		}
		return found, efforts
	}
	want, wantEfforts := find()
	compare := func(what string, counted bool) {
		efforts := wantEfforts
		found, took := find()
		if counted {
			efforts = took
		}
		for i, got := range found {
			if got != want[i] || efforts[i] != wantEfforts[i] {
				t.Errorf("%s: %s, effort %d\n slowly: %s, effort %d", what, want[i], wantEfforts[i], got, took[i])
			}
		}
	}
	anywhere := pair.New(pair.Of{everyByte(), ""})
	for i, table := range tables {
		kept := *table
		*table = *anywhere
		compare(fmt.Sprint("table ", i), table != shellPairs) // without which a value is not read at all
		*table = kept
	}
	kept := nowhere
	nowhere = [256]uint8{}
	compare("path", true)
	nowhere = kept
}

// crumb returns a short value of up to n pieces.
func crumb(rng *rand.Rand, pieces []string, n int) (v []byte) {
	for range 1 + rng.Intn(n) {
		v = append(v, pieces[rng.Intn(len(pieces))]...)
	}
	return v
}

// TestShortcutsLoseNothing compares what is found in short values, of pieces of several
// languages, where some are given up at once with what is found where none is.
func TestShortcutsLoseNothing(t *testing.T) {
	pieces := strings.Fields(`' " ' ( ) [ ] { } ; , . : :: := ~ ! ? * / */ /* // # -- - + % ^ & | || && @ @> @@ $ < > = \ \N \Nor(1)=(1) 1 23 1.e( 1.E( 0x1 0xa 0xaor(1)=(1)
		v$session.a rdb$types x$schema_flattened_keys /*!as /*!all() all/**/( /**/
		a e x or as do on if by go in all div end set use with then else table view index role user case where select begin vacuum
		[] ![] ~+ !-1 $[] {a,b} {,id} :: ::$ <<< php print open data: return top self os console new reflect import cookie
		xbc xbe u00 \x \u /\ [php] php] /php} on on= src= abc include/ new Function argv ${a} ${$x} ;$a a=/ string)
		javascript data: ,< :url( script style= position svg<
		$_GET $argv $globals include include$x require_once$ eval( system( $x ${' <? <?= @java. #context[ @{[ .execute`)
	pieces = append(pieces, "`", " ", "\t", "\n", "\x00", "\xa0", "\xe2\x80\x93")
	rng := rand.New(rand.NewSource(10))
	var values [][]byte
	for range 60_000 {
		values = append(values, crumb(rng, pieces, 8))
	}
	for i := range 6_000 { // longer than what is read of a value that cannot go on
		v := append([]byte([]string{"x'", "1", "*/", `x"`}[i%4]), strings.Repeat("-0", sqlBeginning/2+rng.Intn(8))...)
		values = append(values, append(append(v, crumb(rng, pieces, 8)...), "(1)"...))
	}
	for _, word := range strings.Fields(clauses.Words() + " " + statements.Words() + " " + graphs.Words()) {
		for _, around := range []string{"'%s 1-- -", "x' %s 1#", "x';%s x--", "x')\t%s(1)/*", "1'}) %s n//", "1\"}) %s return n//", "1'%s return n//", "x`%s x", "*/%s 1--"} {
			values = append(values, fmt.Appendf(nil, around, word))
		}
	}
	find := func() (found []string) {
		var s Scanner
		for _, v := range values {
			found = append(found, fmt.Sprintf("%q: %+v", v, s.Scan(v, &Where{Place: InQuery})))
			s.Close()
		}
		return found
	}
	shortcuts := find()
	anywhere := pair.New(pair.Of{everyByte(), ""})
	for _, table := range []*pair.Table{sqlPairs, leavePairs, signPairs, uncalledPairs} {
		defer func(kept pair.Table) { *table = kept }(*table)
		*table = *anywhere
	}
	defer func(kept [256]feature) { beginsConstruct = kept }(beginsConstruct)
	for c := range beginsConstruct {
		beginsConstruct[c] = ^feature(0)
	}
	defer func(kept feature) { whenGoesOn = kept }(whenGoesOn)
	whenGoesOn = ^feature(0)
	defer func(kept [256]bool) { beginsOperand = kept }(beginsOperand)
	beginsOperand = [256]bool{}
	for i, want := range find() {
		if got := shortcuts[i]; got != want {
			t.Errorf("%s\n all read: %s", got, want)
		}
	}
}

// TestLettersLoseNothing compares what is found where words are looked for only in values
// that have their letters with what is found where they are looked for in all.
func TestLettersLoseNothing(t *testing.T) {
	pieces := strings.Fields(`O: o:+ 4: 1:{s C: C:4:"Test": "Foo": \"Foo\" !! ! java python/ ruby/ php/ org. com. _$$ND_FUNC$$_ {"@type":" {"$type":" System. {"py/object" "py/reduce"
		<void method= property= <java <object <array class= ${jndi: {jndi: ${ :- } jndi $&lbrace; ldap:// :// set-cookie: Set-Cookie:+ sid= \xbc \xbescript \xbe \xc2 //
		'// document.cookie localstorage +({ "+ on= onload= ONERROR=alert(1) onx=a() style= expression( -:url( href= src= xlink:href= data= java script: &#106; j&#97;va
		vbscript: mocha: livescript: feed: data:text/html, <b <img <a <script </b> > / 1 ' " = : ; # & ( )`)
	pieces = append(pieces, "`", " ", "\t", "\n", "\r\n", "\x00")
	rng := rand.New(rand.NewSource(11))
	var values [][]byte
	for _, class := range []Class{XSS, Deserialization, CRLF, Log4Shell, Code} {
		for _, seed := range seeds[class] {
			for range 20 {
				values = append(values, mutate(rng, []byte(seed), seeds[class]))
			}
		}
	}
	for range 60_000 {
		values = append(values, crumb(rng, pieces, 8))
	}
	schemes := strings.Fields("javascript: vbscript: livescript: mocha: feed:mocha: feed:jscript: data:text/html, j&#97;va&#115;cript: \x01mo\x02cha: fe\x01ed:mo\x01cha:")
	for _, name := range strings.Fields("href src action formaction data background poster xlink:href style onload onx") {
		for _, scheme := range schemes {
			for _, around := range []string{"x' %s=%salert(1)", `x" %s='%sx[1]`, "x` %s = %s(a)"} {
				values = append(values, fmt.Appendf(nil, around, name, scheme))
			}
		}
	}
	find := func() (found []string) {
		var s Scanner
		for i, v := range values {
			w := Where{Place: []Place{InQuery, InForm, InCookie, InHeader}[i%4]}
			found = append(found, fmt.Sprintf("%q: %+v", v, s.Scan(v, &w)))
			s.Close()
		}
		return found
	}
	told := find()
	for _, l := range []*letters{&jndiLetters, &cookieLetters, &sevenBitLetters, &voidLetters} {
		defer func(kept letters) { *l = kept }(*l)
		*l = 0
	}
	defer func(kept letters) { objectLetters = kept }(objectLetters)
	objectLetters = ^letters(0)
	for _, kinds := range [][]letters{sentLetters[:], tagLetters[:], insideLetters[:]} {
		defer func(kept letters) { kinds[0] = kept }(kinds[0])
		kinds[0] = 0
	}
	for i, want := range find() {
		if told[i] != want {
			t.Errorf("%s\n looked for everywhere: %s", told[i], want)
		}
	}
}

func everyByte() string {
	b := make([]byte, 256)
	for i := range b {
		b[i] = byte(i)
	}
	return string(b)
}
