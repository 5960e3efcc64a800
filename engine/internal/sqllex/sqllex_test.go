package sqllex

import (
	"strings"
	"testing"
)

// render shows the tokens of src as kinds and texts.
func render(src string, pos int) string {
	var out []string
	l := New([]byte(src), pos)
	for one := make([]Token, 1); l.Fill(one) > 0; {
		t := one[0]
		name := [...]string{"", "word", "key", "num", "str", "open", "var", "cmp", "op", "logic", "(", ")", ",", ";", ".", "cut", "other"}[t.Kind]
		text := src[t.From:t.To]
		if t.Glued {
			name = "~" + name
		}
		if t.Hint {
			name = "!" + name
		}
		if text != name {
			name += ":" + text
		}
		out = append(out, name)
	}
	return strings.Join(out, " ")
}

func TestLexer(t *testing.T) {
	f := func(src, want string) {
		t.Helper()
		if got := render(src, 0); got != want {
			t.Errorf("%q\n got %s\nwant %s", src, got, want)
		}
	}
	f("1 or 1=1", "num:1 key:or num:1 cmp:= num:1")
	f("1union select", "num:1 key:union key:select")
	f("1e0union", "num:1e0 key:union")
	f("1.e(ascii", "num:1.e ( key:ascii")
	f(".5union", "num:.5 key:union")
	f("2nd 0x4a6z 0x4a", "word:2nd word:0x4a6z num:0x4a")
	f("'it''s' 'a\\'b' 'c", "str:'it''s' str:'a\\'b' open:'c")
	f(`"a" N'b' x'00' E'c'`, `str:"a" str:N'b' str:x'00' str:E'c'`)
	f("`a b` [c d] [1,2]", "word:`a b` word:[c d] other:[ num:1 , num:2 other:]")
	f("$$a'b$$ $t$x$t$ $1 $", "str:$$a'b$$ str:$t$x$t$ var:$1 other:$")
	f("@x @@version @> @", "var:@x var:@@version cmp:@> other:@")
	f("a/**/or/* x */b", "word:a ~key:or ~word:b")
	f("/*!50000select*/1 /*!union*/ /*! jQuery */", "!~key:select ~num:1 !~key:union")
	f("1--x\nor", "num:1 ~key:or")
	f("1-- comment here", "num:1 cut:-- word:comment word:here")
	f("1#'a'", "num:1 cut:# str:'a'")
	f("1 /* open", "num:1 cut:/* word:open")
	f("1–", "num:1 cut:–")
	f("a<=>b <> c != d !e ~f <@ g", "word:a cmp:<=> word:b cmp:<> word:c cmp:!= word:d op:! word:e op:~ word:f cmp:<@ word:g")
	f("a||b && c|d &e", "word:a logic:|| word:b logic:&& word:c op:| word:d op:& word:e")
	f("a->>'b'::int := 1", "word:a op:->> str:'b' .::: key:int cmp::= num:1")
	f("1\xa0or\xc2\xa01", "num:1 key:or num:1")
	f("SeLeCt pg_SLEEP", "key:SeLeCt key:pg_SLEEP")
}

// TestPairs lists the signs that are one token, or none, where they follow each
// other: the tables of single bytes must know each.
func TestPairs(t *testing.T) {
	const want = "!< != !> !~ && */ -- -> /* :: := << <= <> <@ <~ =< == => =~ >< >= >> >~ @$ @> @@ `` || ~*"
	signs := "!#$%&()*+,-./:;<=>?@[\\]^`{|}~"
	var got []string
	for _, a := range signs {
		for _, b := range signs {
			if pair := string(a) + string(b); strings.Count(render(pair, 0), " ") == 0 {
				got = append(got, pair)
			}
		}
	}
	if got := strings.Join(got, " "); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestLookup(t *testing.T) {
	for r, list := range words {
		for _, w := range strings.Fields(list) {
			if got := Lookup([]byte(strings.ToUpper(w))); got == None {
				t.Errorf("%s: of role %d, not found", w, r)
			}
		}
	}
	for _, w := range []string{"", "a", "selec", "selectt", "supercalifragilisticexpialidocious", "sel\x00ct", "{elect"} {
		if got := Lookup([]byte(w)); got != None {
			t.Errorf("%q has role %d", w, got)
		}
	}
}

func FuzzLexer(f *testing.F) {
	for _, v := range []string{"1' or 1=1--", "/*!50000x*/", "$a$b$a$", "`a`[b]", "0x1 1e+5 .5", "'\\", "N'", "\xe2\x80\x93", "\xa0"} {
		f.Add([]byte(v), 0)
	}
	f.Fuzz(func(t *testing.T, src []byte, pos int) {
		if pos < 0 || pos > len(src) {
			return
		}
		l := New(src, pos)
		last := int32(pos)
		for one := make([]Token, 1); l.Fill(one) > 0; {
			k := one[0]
			if k.From < last || k.To <= k.From || int(k.To) > len(src) {
				t.Fatalf("%q: token %+v after %d", src, k, last)
			}
			if (k.Kind == Key) != (k.Role != None) {
				t.Fatalf("%q: token %+v", src, k)
			}
			last = k.To
		}
	})
}
