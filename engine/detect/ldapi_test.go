package detect

import "testing"

func TestLDAPi(t *testing.T) {
	var s Scanner
	f := func(v string, attack bool) {
		t.Helper()
		if got := weighs(&s, LDAPi, v, Where{Place: InQuery, Key: []byte("user")}); (got >= attackWeight) != attack {
			t.Errorf("%q weighs %.2f", v, got)
		}
	}
	f("*)(uid=*))(|(uid=*", true)
	f("admin)(&)", true)
	f("admin)(!(&(1=0", true)
	f("admin*)((|userPassword=*)", true)
	f("*)(objectClass=*", true)
	f("*)(&", true)
	f("*))(|(mail=*", true)
	f(")(cn=))\x00", true)
	f("x)\x00", true)
	f("*(|(objectclass=*))", true)
	f("(objectClass=*)", true)

	f("(&(cn=a)(!(|(0=1)(mail=b))))", true)
	f("(&(uid=a)(userPassword=s*))", true)
	f("userPassword:2.5.13.18:=\\7b", true)
	f("cn:dn:2.5.13.5:=a", true)

	f("a)(userAccountControl:1.2.840.113556.1.4.803:=2)", true)
	f("a)(foo:caseExactMatch:=z", true)
	f("a)(foo:dn:=z", true)
	f("*)(a=a)(objectClass=*", true)
	f("*)(a)(objectClass=*", true)
	f("*)(department=IT)(|(department=*", true)
	f("*(cn=a)(objectClass=*)", true)
	f("*(uid=", true)
	f("*(&(a>=b)(a<=b))", true)
	f("2*(a)", false)
	f("(uid=*))(|(uid=*", true)
	f("(uid=*)(|(uid=*", true)
	f("(cn=a)(mail=*", true)
	f("|(uid=*)", true)
	f("&(cn=a", true)
	f("a)(x=*)(y=*", true)
	f("*)(", true)
	f("(cn=a)(sn=b)", false)
	f("(x=1)(y=2", false)
	f("|(x=1)", false)
	f("a)(b", false)
	f("(a)*)(", false)
	f("computer)  (userAccountControl:1.2.840.113556.1.4.803:=8192))", false)
	f("(&(uid=", true)
	f("2*(x=3)", false)
	f("(.*)(id=[0-9]+)(.*)", false)
	f("a:b)(see c: d=e", false)

	f("x)!(cn=*", true)
	f("x)&(mail=a", true)
	f("a)|(b", false)
	f("mail = x))", true)
	f("a=b)", false)
	f("f(a=b))", false)
	f("(&(objectClass=person)(uid=a))", false)
	f("a:=1.2.3", false)
	f("(userAccountControl:1.2.840.113556.1.4.803:=8192)", false)
	f("time 12:30:=x", false)
	f("(a+b)(c-d)", false)
	f("f(x)(y)", false)
	f("see [this](http://a.example) (and that)", false)
	f("a) first (b) second", false)
	f(":-) (&", false)
	f("tel. (030) 1234", false)
	f("if (a || b) (c && d)", false)
	f("smile :) or (frown)", false)
}

func FuzzLDAPi(f *testing.F) {
	for _, v := range seeds[LDAPi] {
		f.Add([]byte(v))
	}
	f.Fuzz(func(t *testing.T, v []byte) {
		var s Scanner
		s.ldapi(v, &Where{})
		checkFindings(t, v, s.findings)
	})
}
