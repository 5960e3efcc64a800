package redact

import (
	"strings"
	"testing"

	"github.com/gabionhq/gabion/engine"
	"github.com/gabionhq/gabion/internal/node/transcript"
)

func TestCredentials(t *testing.T) {
	f := func(message, want string) {
		t.Helper()
		crlf := func(s string) []byte { return []byte(strings.ReplaceAll(s, "\n", "\r\n")) }
		head, body, err := transcript.Read(crlf(message))
		if err != nil {
			t.Fatal(err)
		}
		before := string(crlf(message))
		clean, cleanBody := Credentials().Request(&head, body)
		if got := string(transcript.Append(nil, clean, cleanBody)); got != string(crlf(want)) {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		if string(transcript.Append(nil, &head, body)) != before {
			t.Error("the request itself was changed")
		}
	}
	f("GET /a?q=1&Password=x&b&p%61ss=y&c=%22token%22 HTTP/1.1\nAuthorization: Bearer abc\nCookie: sid=1; theme=dark;abc\nX-API-Key: k\nAccept: */*\n\n",
		"GET /a?q=1&Password=removed&b&p%61ss=removed&c=removed HTTP/1.1\nAuthorization: removed\nCookie: sid=removed; theme=removed;removed\nX-API-Key: removed\nAccept: */*\n\n")
	f("GET http://u:p@h/x HTTP/1.1\nReferer: https://a:b@c/d?token=1&x=2\nProxy-Authorization: x\n\n",
		"GET http://h/x HTTP/1.1\nReferer: https://c/d?token=removed&x=2\nProxy-Authorization: removed\n\n")
	f("POST / HTTP/1.1\nContent-Type: application/x-www-form-urlencoded; charset=x\n\nuser=jane&password=hunter2",
		"POST / HTTP/1.1\nContent-Type: application/x-www-form-urlencoded; charset=x\n\nuser=jane&password=removed")
	f("POST / HTTP/1.1\nContent-Type: application/json\n\n"+`{"user":"jane","pass\u0077ord": {"a":["}",1]}, "n":[1,"x"],"pin":1234,"q":"login(password: \"x\")","t":null}`,
		"POST / HTTP/1.1\nContent-Type: application/json\n\n"+`{"user":"jane","pass\u0077ord":"removed", "n":[1,"x"],"pin":"removed","q":"removed","t":null}`)
	f("POST / HTTP/1.1\nContent-Type: application/json\n\n"+`{"user":"jane","password":"hun`,
		"POST / HTTP/1.1\nContent-Type: application/json\n\n"+`{"user":"jane","password":"removed"`)
	f("POST / HTTP/1.1\nContent-Type: multipart/form-data; boundary=\"Xx\"\n\n--Xx\nContent-Disposition: form-data; name=\"a\"\n\n1\n--Xx\nContent-Disposition: form-data; name=\"Passwd\"\n\nhunter2\n--Xx\nContent-Disposition: form-data; name=\"f\"; filename=\"me.png\"\n\nPNG\n--Xx--\n",
		"POST / HTTP/1.1\nContent-Type: multipart/form-data; boundary=\"Xx\"\n\n--Xx\nContent-Disposition: form-data; name=\"a\"\n\n1\n--Xx\nContent-Disposition: form-data; name=\"Passwd\"\n\nremoved\n--Xx\nContent-Disposition: form-data; name=\"f\"; filename=\"me.png\"\n\nremoved\n--Xx--\n")
	f("POST / HTTP/1.1\nContent-Type: text/plain\n\npassword is hunter2", "POST / HTTP/1.1\nContent-Type: text/plain\n\n")
	f("POST / HTTP/1.1\nX: y\n\nhunter2", "POST / HTTP/1.1\nX: y\n\n")
}

func TestMasks(t *testing.T) {
	f := func(points []string, message, want string) {
		t.Helper()
		crlf := func(s string) []byte { return []byte(strings.ReplaceAll(s, "\n", "\r\n")) }
		head, body, err := transcript.Read(crlf(message))
		if err != nil {
			t.Fatal(err)
		}
		clean, cleanBody := Masks(points).Request(&head, body)
		if got := string(transcript.Append(nil, clean, cleanBody)); got != string(crlf(want)) {
			t.Errorf("%q: got\n%s\nwant\n%s", points, got, want)
		}
	}
	form := "POST /?a=1&b=2 HTTP/1.1\nCookie: a=1; b=2\nA: x\nAuthorization: y\nContent-Type: application/x-www-form-urlencoded\n\na=1&b=2"
	f(nil, form, form)
	f([]string{"get.nothing"}, form, form)
	f([]string{"post.form.a"}, form, "POST /?a=removed&b=2 HTTP/1.1\nCookie: a=removed; b=2\nA: removed\nAuthorization: y\nContent-Type: application/x-www-form-urlencoded\n\na=removed&b=2")
	f([]string{"header.AUTHORIZATION"}, form, strings.Replace(form, ": y", ": removed", 1))
	f([]string{"post"}, form, strings.TrimSuffix(form, "a=1&b=2"))
	f([]string{"post.json.user[0].card"}, "POST / HTTP/1.1\nContent-Type: application/json\n\n"+`{"user":[{"card":[1,2],"n":"card"}]}`,
		"POST / HTTP/1.1\nContent-Type: application/json\n\n"+`{"user":[{"card":"removed","n":"card"}]}`)
	f([]string{"post.multipart.card"}, "POST / HTTP/1.1\nContent-Type: multipart/form-data; boundary=X\n\n--X\nContent-Disposition: form-data; name=\"card\"\n\n4111\n--X\nContent-Disposition: form-data; name=\"file\"; filename=\"card\"\n\nZ\n--X--\n",
		"POST / HTTP/1.1\nContent-Type: multipart/form-data; boundary=X\n\n--X\nContent-Disposition: form-data; name=\"card\"\n\nremoved\n--X\nContent-Disposition: form-data; name=\"file\"; filename=\"card\"\n\nZ\n--X--\n")
	f([]string{"post.xml.card"}, "POST / HTTP/1.1\nContent-Type: application/xml\n\n<card>1</card>", "POST / HTTP/1.1\nContent-Type: application/xml\n\n")
}

func FuzzCredentials(f *testing.F) {
	f.Add("application/json", `{"password": [1, {"a": "b"}], "x": "y`)
	f.Add("application/x-www-form-urlencoded", "a=b&%70ass=c")
	f.Add("multipart/form-data; boundary=b", "--b\r\nname=token\r\n\r\nx\r\n--b--")
	f.Fuzz(func(t *testing.T, kind, body string) {
		head := &engine.Head{Method: []byte("POST"), Target: []byte("/?" + body), Header: []engine.HeaderField{{Name: []byte("Content-Type"), Value: []byte(kind)}}}
		clean, cleanBody := Credentials().Request(head, []byte(body))
		again, againBody := Credentials().Request(clean, cleanBody)
		if string(againBody) != string(cleanBody) || string(again.Target) != string(clean.Target) {
			t.Fatalf("cleaning what is clean changes it: %q, %q", cleanBody, againBody)
		}
	})
}
