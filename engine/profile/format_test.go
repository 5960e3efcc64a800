package profile

import (
	"strings"
	"testing"
)

func TestFormats(t *testing.T) {
	f := func(want Format, values ...string) {
		t.Helper()
		for _, v := range values {
			var s Stat
			if s.Of([]byte(v)); s.Format != want {
				t.Errorf("%q is %v, want %v", v, s.Format, want)
			}
		}
	}
	f(Empty, "")
	f(Bool, "true", "false", "True", "on", "null")
	f(Int, "0", "42", "-7", "007", "20240229", "18446744073709551616")
	f(Float, "3.14", "-0.5", ".5", "1e9", "1.5E-7", "+2.0", "5.")
	f(UUID, "550e8400-e29b-41d4-a716-446655440000", "550E8400-E29B-41D4-A716-446655440000")
	f(Date, "2024-02-29", "1999-12-31")
	f(DateTime, "2024-02-29T10:00:00Z", "2024-02-29T10:00:00.123+02:00", "2024-02-29 10:00", "2024-02-29T10:00:00-0700", "2024-02-29T10:00:00.000Z", "2024-02-29T10:00:00 02:00")
	f(Time, "10:30", "23:59:59")
	f(Email, "jane@example.com", "jane.doe+tag@mail.example.co.uk", "o_1-2@x.io")
	f(URL, "https://example.com/a?b=c#d", "http://localhost:8080", "ftp://x/y", "android+app://a.b/c")
	f(Host, "example.com", "a.b-c.example", "example.com:8080", "www.1and1.com")
	f(IP, "10.0.0.1", "255.255.255.255", "::1", "2001:db8::1", "fe80:0:0:0:0:0:0:1", "::ffff:10.0.0.1")
	f(Hex, "deadbeef01", "507f1f77bcf86cd799439011", "D41D8CD98F00B204E9800998ECF8427E")
	f(ULID, "01ARZ3NDEKTSV4RRFFQ69G5FAV")
	f(Base64, "dGhpcyBpcyBhIHRlc3Q0Mg==", "SGVsbG8gV29ybGQhISE/PT8=", "dGhpcyBpcyBhIHRlc3Q0Mg", "a8Fk2_Zq1-Lm9RtY3bVc")
	f(JWT, "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U")
	f(Identifier, "user_name", "en-US", "v2", "sku-1234-x", "abc123", "some-long-slug", "x1y2")
	f(Word, "hello", "Straße", "москва", "東京", "deadbeef", "True1"[:4]+"ly")
	f(Words, "hello world", "New York 2024", "red shoes size 42", "José García")
	f(Sentence, "Hello, world!", "It's 5 o'clock.", "What a day: sun, rain (and wind).", "Müller & Söhne GmbH")
	f(JSON, `{"a":1}`, `[1,2]`, "{}", "[]")
	f(Markup, "<b>x</b>", `<?xml version="1.0"?><a/>`)
	f(Path, "/a/b", "a/b/c.txt", "/index.html", "application/json", "img/logo.png")
	f(Phone, "+49 30 1234567", "(030) 123-4567", "555-123-4567", "+4915112345678", "030/1234567")
	f(List, "1,2,3", "a,b", "red,green,blue", "1.5,2.5")
	f(Color, "#fff", "#a0b1c2", "#A0B1C2FF")
	f(Version, "1.2.3", "10.0.19045.1")
	f(Other, "1' or '1'='1", "<script>alert(1)", "${jndi:ldap://x}", "; cat /etc/passwd|sh", "../../etc/passwd", "a=b&c=d", "\x00\x01", "{{7*7}", "1;drop table x")
}

// However long and odd a value is, its format is found in linear time.
func TestFormatIsLinear(t *testing.T) {
	for _, piece := range []string{"a", "1", ".", ":", "a.", "1,", "/", "a@", "%", "é", "[", "0:", "-"} {
		value := []byte(strings.Repeat(piece, 1<<20/len(piece)))
		var s Stat
		s.Of(value)
		if s.Format >= numFormats || s.Len != uint32(len(value)) {
			t.Errorf("%q: %v, %d bytes", piece, s.Format, s.Len)
		}
	}
}

func TestStat(t *testing.T) {
	var s Stat
	s.Of([]byte("a1-'"))
	if s.Len != 4 || s.Class[Letter] != 1 || s.Class[Digit] != 1 || s.Class[Dash] != 1 || s.Class[Quote] != 1 {
		t.Errorf("%+v", s)
	}
	has := func(a, b int) bool { return s.Bigrams[a>>2]>>(a<<4&63|b)&1 == 1 }
	for _, p := range [][2]int{{edge, Letter}, {Letter, Digit}, {Digit, Dash}, {Dash, Quote}, {Quote, edge}} {
		if !has(p[0], p[1]) {
			t.Errorf("bigram %v is missing", p)
		}
	}
	if has(Digit, Letter) || has(edge, edge) {
		t.Error("a bigram that is not there")
	}
	s.Of([]byte(strings.Repeat("a", 1<<17)))
	if s.Len != 1<<17 || s.Class[Letter] != maxStat {
		t.Errorf("%d bytes, %d letters", s.Len, s.Class[Letter])
	}
}

// plain is Of, byte by byte.
func plain(value []byte) (class [NumClasses]uint16, bigrams [4]uint64) {
	last := edge
	for _, b := range value[:min(len(value), maxStat)] {
		c := int(classOf[b])
		class[c]++
		bigrams[last/4] |= 1 << (last%4*16 + c)
		last = c
	}
	if len(value) > 0 {
		bigrams[last/4] |= 1 << (last%4*16 + edge)
	}
	return class, bigrams
}

func FuzzStat(f *testing.F) {
	for _, v := range []string{"", "::", "1.2.3.4", "a@b.cd", "2024-02-29T10:00:00Z", "%", "eyJ.."} {
		f.Add([]byte(v))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		var s Stat
		s.Of(value)
		n := 0
		for _, c := range s.Class {
			n += int(c)
		}
		if n != min(len(value), maxStat) || s.Format >= numFormats || s.Format == Empty != (len(value) == 0) {
			t.Fatalf("%q: %+v", value, s)
		}
		if class, bigrams := plain(value); class != s.Class || bigrams != s.Bigrams {
			t.Fatalf("%q: %+v, want %v, %x", value, s, class, bigrams)
		}
	})
}

var benchValue = []byte("Blue running shoes, size 42 (men)") // 33 bytes

func BenchmarkStat(b *testing.B) {
	var s Stat
	b.SetBytes(int64(len(benchValue)))
	b.ReportAllocs()
	for b.Loop() {
		s.Of(benchValue)
	}
}
