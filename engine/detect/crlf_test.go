package detect

import "testing"

func FuzzCRLF(f *testing.F) { fuzz(f, CRLF) }

func TestCRLF(t *testing.T) {
	recognises(t, CRLF, Where{Place: InQuery}, []string{
		"\r\r\n\n", `a\r\nX-Test:b`, `\r\n Set-Cookie:a=b`, `en\rSet-Cookie:a=b`, `\n\tContent-Type: a/b`, `a\nb\r\nLocation:http://h.example`, `\nx\r\nX-Forwarded-Host:h`, `\r\n\tX-Test: b`,
		"\nExpires: Thu, 01 Jan 1970 00:00:00 GMT", "\nAuthorization: Bearer a b", "a\nContent-Security-Policy: default-src *",
		"x\r\nSet-Cookie: a=b",
		"en\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK",
		"\nLocation: http://h/",
		"x\r\n\r\n<html>",
		"嘊嘍Header-Test:x",
		"x\rRefresh: 0",
		"1Set-cookie: Tamper=1",
		"GET http://h/ HTTP/1.1",
		"čĊSet-Cookie:a=b", "x\r\n203.0.113.9 - - [01/Jan/2026] \"GET / HTTP/1.1\" 200", "admin\n2026-01-01 10:00:00 INFO login of root",
	}, []string{
		"počet:1", "a\n2026-01-01", "a\n203.0.113.9", "two words\n2026-01-01 10:00 begins",
		"",
		"line one",
		"a\nb",
		"Hello,\nhow are you?",
		"GET in touch",
		"the Set-Cookie: header",
		`C:\new\records`, `C:\repo\name:stream`, `a\nb: c`, `see \r\n Set-Cookie: a`, "Dinner\nDate: Monday at eight", "milk\nExpires: in two days", `Meeting\nLocation: Room 5`, `Deploy\nStatus: ok`, `Birthday\nHost:Anna`,
	})
	recognises(t, CRLF, Where{Place: InForm}, []string{
		"test\r\nEvil-Header: by somebody", "http://h.example/\r\nX-Injected: b", "\r\nAuthorization: Bearer a",
		"\nContent-Security-Policy: default-src *", "a.txt\r\nContent-Disposition: attachment", "../\r\nX-Injected-By: x", "/..\nX-Injected: x", "\r\n Custom-Header: x",
	}, []string{
		"Milk\r\nExpires: Monday", "Notes\r\nX-Ray: at nine", "Meeting\nDate: Monday\nServer: Bob", "all of it\nX-Header: a\nb", "Our Content-Security-Policy: strict",
		"Monday\r\nWake-up: 7", "\nWake-up: 7", "\r\nWarning: do not do this", "/*\n  X-Frame-Options: DENY\n", "headers:\n  X-Frame-Options: DENY\n", "Intro\nPage-Header: blue", "https://h.example/x\nX-Ray: good", "\nDate: Monday",
		"U\xfe--sep\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\n", "/a\nX-1: b\nY-2: c", "name\nX-Files: season one", "/etc/x has\nX-Foo: bar",
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
		if f := s.Scan([]byte(v), &Where{Place: InPath, Decoded: 1}); len(f) > 0 {
			t.Errorf("%q: %+v", v, f)
		}
	}
	if f := s.Scan([]byte("name\r\nnext line"), &Where{Place: InPath, Decoded: 1}); len(f) == 0 {
		t.Error("an escaped line end in a path passes")
	}
}
