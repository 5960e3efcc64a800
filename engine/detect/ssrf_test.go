package detect

import "testing"

func FuzzSSRF(f *testing.F) { fuzz(f, SSRF) }

func TestSSRF(t *testing.T) {
	recognises(t, SSRF, Where{Place: InQuery}, []string{
		"http://169.254.169.254/latest/meta-data/",
		"http://2852039166/",
		"http://0x7f000001/",
		"http://0177.0.0.1:22/",
		"http://127.1/",
		"http://[::ffff:169.254.169.254]/",
		"http://127.0.0.1:6379/",
		"http://localhost/admin",
		"http://localhost:9200/_cat",
		"gopher://127.0.0.1:6379/_x",
		"dict://h:11211/stat",
		"http://metadata.google.internal/computeMetadata/v1/",
		"http://10.0.0.1.nip.io/",
		"//169.254.169.254/",
		"http://a@169.254.169.254/",
		"http://xyz.oastify.com/",
		"jar:http://h/x.jar!/",
		"http://①②⑦.0.0.1/",
		"http://192.168.0.1:22/",
		"localhost/",
		"http://127.0.0.1/",
		"http://[::1]",
		"kubernetes.default.svc.cluster.local/",
		"http://0/",
		"http://localhost:10255/pods",
		"http://127.0.0.1:8080/x",
		"http://consul:8500/v1/agent/self",
		"http://h.example\\.127.0.0.1/", "http://127.0.0.1\x00.h.example/", "http:/127.0.0.1/x", "https://h.example:443\\@i.example/", "https://h.example\\@i.example", "https:@127.0.0.1", "url:http://127.0.0.1/", "redis://127.0.0.1:6379/",
		"http://127.0.0.1@h.example/", "http://127.0.0.1:80@h.example", "http://h.example.127.0.0.1/", "http://h.example\x00.127.0.0.1", "http://127_0_0_1.h.example",
		"http://localhost:80", "https://localhost:443/", "http://localhost:9001/2018-06-01/runtime/invocation/next", "http://127.0.0.1:53", "http://10.1.2.3:2181/",
		"scp://127.0.0.1/", "gophers://h.example/_x", "ftps://127.0.0.1/", "https://307.r3dir.me/--to/?url=x", "http://0o177.0.0.1/",
		"http://127.0.0.1.h.example", "https://h.example/r?url=http://127.0.0.1/x",
	}, []string{
		"http://localhost:8081", "http://me:pw@h.example/", "http://10.0.0.1@h.example/", "https://1.2.3.4@h.example/", "https://h.example\x00b", "http://10.1.2.3:8080/",
		"169.254.169.254/32", "redis://cache.example:6379/0", "https://h.example\\a@b", "https://h.example/a\\@b", "https://h.example/authorize?redirect_uri=http://127.0.0.1/x", "https://h.example/a?url=https://www.example/", "url:x", "feed:https://h.example/rss", "http:/h.example/a",
		"http://10/",
		"http://wiki/a",
		"",
		"https://example.com/callback?x=1",
		"http://example.org:8080/a",
		"https://8.8.8.8/dns-query",
		"ftp://ftp.example.org/a.zip",
		"mailto:a@b.c",
		"urn:isbn:1",
		"see http://localhost/ for more",
		"//cdn.example.com/a.js",
		"http://192.168.1.10:8080/admin",
		"1/2",
		"https://user@example.com/",
	})
	recognises(t, SSRF, Where{Place: InQuery, Key: []byte("url")}, []string{"http://localhost/x", "http://localhost:80/?a=b", "http://localhost#h.example", "localhost:6379", "http://192.168.0.1", "https://10.0.0.1:443/"}, []string{"http://localhost:3000/x", "http://192.168.0.1/status", "http://10.0.0.1:8080", "localhost", "localhost:8080", "h.example:22"})
	recognises(t, SSRF, Where{Place: InJSON, Key: []byte("dsn")}, []string{"http://ip6-localhost", "http://localtest.me/x", "http://127-0-0-1.h.example/", "http://127.0.0.1", "http://0.0.0.0:80/", "https://[::1]", "http://[::1]:443/a", "ftp://u:p@127.0.0.1/"}, []string{"https://h.example/r?url=http://127.0.0.1/", "imaps://mail.example", "scp://b@nas.example/d", "http://127.0.0.1:8000", "http://[::1]:3000/", "http://localhost", "http://shop.localhost/x", "http://localtest.me:3000/", "https://kubernetes.default.svc", "ws://127.0.0.1:9229/x", "https://h.example/?page=http://localhost:3000/", "http://10.0.0.7/", "redis://127.0.0.1:6379/0", "mongodb://localhost:27017/a", "169.254.169.254"})
	recognises(t, SSRF, Where{Place: InJSON, Key: []byte("url")}, []string{"https://h.example/r?url=http://127.0.0.1/"}, nil)
	recognises(t, SSRF, Where{Place: InJSON, Key: []byte("webhookUrl")}, []string{
		"http://127.0.0.1", "https://localhost/x", "http://127.0.0.1/api/v1/status",
	}, []string{"https://hooks.example.com/a", "http://10.0.0.4/hook"})
	recognises(t, SSRF, Where{Place: InXML, Key: []byte("site")}, []string{"http://files.example.com@127.0.0.1", "http://127.0.0.1?.files.example.com"}, []string{
		"http://localhost/", "http://user@localhost/", "http://me.you:secret@localhost/",
	})
	recognises(t, SSRF, Where{Place: InJSON, Key: []byte("redirect_uri")}, nil, []string{"http://127.0.0.1", "http://127.0.0.1/cb", "https://h.example/login?url=http://127.0.0.1/"})
	recognises(t, SSRF, Where{Place: InJSON, Key: []byte("image_callback")}, nil, []string{"http://localhost:3000/a"})
	recognises(t, SSRF, Where{Place: InQuery, Key: []byte("site_url")}, nil, []string{"http://192.168.0.1"})
	recognises(t, SSRF, Where{Place: InQuery, Key: []byte("redirect_uri")}, nil, []string{"http://localhost/", "http://127.0.0.1"})
	recognises(t, SSRF, Where{Place: InQuery, Key: []byte("dr")}, nil, []string{"http://localhost:8080/test.html?x=<y>", "http://127.0.0.1:5500/index.html"})
	recognises(t, SSRF, Where{Place: InQuery, Key: []byte("q")}, nil, []string{"http://localhost:3000/callback?code=abc&state=xyz"})
	recognises(t, SSRF, Where{Place: InForm, Key: []byte("siteurl")}, nil, []string{"http://localhost/"})
}

// TestOwnHost: an address of the application itself is one of the server only where it
// asks for what servers show to themselves.
func TestOwnHost(t *testing.T) {
	w := Where{Place: InJSON, Key: []byte("url"), Host: []byte("127.0.0.1")}
	recognises(t, SSRF, w, []string{"http://127.0.0.1/server-status", "http://127.0.0.1:6379/", "http://127.1/", "http://127.0.0.2/"}, []string{"http://127.0.0.1/a"})
	w = Where{Place: InQuery, Key: []byte("url"), Host: []byte("10.0.0.1")}
	recognises(t, SSRF, w, []string{"http://10.0.0.2/"}, []string{"http://10.0.0.1/"})
}
