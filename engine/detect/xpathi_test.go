package detect

import "testing"

func TestXPathi(t *testing.T) {
	var s Scanner
	f := func(v string, attack bool) {
		t.Helper()
		if got := weighs(&s, XPathi, v, Where{Place: InQuery, Key: []byte("user")}); (got >= attackWeight) != attack {
			t.Errorf("%q weighs %.2f", v, got)
		}
	}
	f("')] | //user/*[contains(*,'", true)
	f("']|//*|/a['a", true)
	f("x'] | /* | /foo[bar='", true)
	f("' and count(/comment())=1 and '1'='1", true)
	f("' or string-length(name(/*[1]))=3 or 'a'='", true)
	f("x' or name()='a' or count(/*)=1 or 'x'='y", true)
	f("1 or count(//user)=3", true)
	f("child::node()", true)
	f("/ancestor::user", true)

	f("') and contains(../password,'c", true)
	f("x' or starts-with(@role,'a", true)
	f("' or contains(.,'admin')", true)
	f("' | //user/password | '", true)
	f("x\" | //* | \"", true)
	f("x]|//*|//*[x", true)
	f("admin']\x00", true)
	f("'a' | //first", false)
	f("' | // first", false)
	f("a[1] | //b", false)
	f("it's | https://h.example", false)
	f("a']", false)
	f("x and doc('//10.10.10.10/SHARE')", true)
	f("* and doc('http://h.example/x')", true)

	f("//div[@class='x' or contains(@class,'y')]", false)
	f("@class='x' or contains(@class,'y')", false)
	f("string(.)='a' and contains(.,'b')", false)
	f("it's 'x' and contains(../a,'b')", false)
	f("test and contains(../a, 'b')", false)
	f("see doc('http://h.example/x')", false)
	f("and doc('readme')", false)
	f("items['a']/list", false)
	f("parent::__construct()", false)
	f("std::string name(path)", false)
	f("count(items) = 3", false)
	f("//div[@class='x']/text()", false)
	f("['a', 'b'] | ['c']", false)
	f("a self::help book", false)
}

func FuzzXPathi(f *testing.F) {
	for _, v := range seeds[XPathi] {
		f.Add([]byte(v))
	}
	f.Fuzz(func(t *testing.T, v []byte) {
		var s Scanner
		s.xpathi(v, &Where{})
		checkFindings(t, v, s.findings)
	})
}
