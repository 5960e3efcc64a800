package detect

import "testing"

func FuzzCRLF(f *testing.F) { fuzz(f, CRLF) }

func TestCRLF(t *testing.T) {
	recognises(t, CRLF, Where{Place: InQuery}, []string{
		"\r\r\n\n", `a\r\nX-Test:b`,
		"x\r\nSet-Cookie: a=b",
		"en\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK",
		"\nLocation: http://h/",
		"x\r\n\r\n<html>",
		"嘊嘍Header-Test:x",
		"x\rRefresh: 0",
		"1Set-cookie: Tamper=1",
		"GET http://h/ HTTP/1.1",
	}, []string{
		"",
		"line one",
		"a\nb",
		"Hello,\nhow are you?",
		"GET in touch",
		"the Set-Cookie: header",
	})
	recognises(t, CRLF, Where{Place: InJSON}, []string{}, []string{
		"Dear all\nSubject: hi there\nFrom: me",
		"a: b\nc: d\n",
		"HTTP is fun\nContent-Type: text/html is a header field",
	})
}

// TestIdentifiers: what identifiers in paths decode to ends no line.
func TestIdentifiers(t *testing.T) {
	var s Scanner
	for _, v := range []string{"\nZ.uf\xf8r\x1f\xc6", "y;\x92\xd0.\xc2+r\n\xe8", "}D%jm\n"} {
		if f := s.Scan([]byte(v), Where{Place: InPath, Decoded: 1}); len(f) > 0 {
			t.Errorf("%q: %+v", v, f)
		}
	}
	if f := s.Scan([]byte("name\r\nnext line"), Where{Place: InPath, Decoded: 1}); len(f) == 0 {
		t.Error("an escaped line end in a path passes")
	}
}
