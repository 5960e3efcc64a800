package detect

import (
	"math/rand"
	"strings"
	"testing"

	"github.com/gabionhq/gabion/engine/internal/pathnorm"
)

func FuzzPathTraversal(f *testing.F) { fuzz(f, PathTraversal) }

func TestPathTraversal(t *testing.T) {
	recognises(t, PathTraversal, Where{Place: InQuery}, []string{
		"../../../../etc/passwd", `..\..\..\boot.ini`, "..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/etc/passwd",
		"..%252f..%252fetc%252fpasswd", "\xc0\xae\xc0\xae/\xc0\xae\xc0\xae/etc/passwd", "..\xc0\xaf..\xc0\xafetc\xc0\xafissue",
		"..%uEFC8..%uEFC8etc%uEFC8passwd", "0x2e0x2e0x2f0x2e0x2e0x2fetc0x2fpasswd", "..;/..;/manager/html",
		"/static/..;a=b/manager/html", "..;x=1,2;y/..;z/admin", `..;.\.;\.`,
		"....//....//etc/passwd", ".../.../.../windows/system32/drivers/etc/hosts", "..%2%f..%2%fetc%2%fpasswd",
		"\xf0\x80\x80\xae\xf0\x80\x80\xae/etc/passwd", "..\x00/..\x00/boot.ini", "..2f..2f..2fetc2fpasswd", "\uff0e\uff0e\uff0f\uff0e\uff0e\uff0fetc\uff0fpasswd",
		`img\..\admin\login.php`, "./../index.php",
		"~/.ssh/id_rsa", "/home/ann/.bash_history", "/boot/grub/grub.cfg", "/var/run/secrets/key",
		"WEB-INF/web.xml", "etc/passwd", "/../../WEB-INF",
		"/etc/passwd", "/etc/passwd\x00", `C:\boot.ini`, "/proc/self/environ", "../../../../../../var/www/x.php", "file:///etc/hosts",
		"php://filter/convert.base64-encode/resource=index", "phar://x.jpg", "/root/.ssh/id_rsa", "x?page=php://input",
		"./././././././././././././etc", `\\10.0.0.1\d$\users`, "//::1/c$/x",
		`file:\\c:/`, `file:\\\d:\`, "/../", `\\..\`, "/../vpns/",
	}, []string{
		"/..x", "/...", "profile:\\", "", "..", "...", "a/b/c.txt", "../docs/a.md", "../../img/a.png", "see ../a and ../b", "wait... what?/no", "1/2", "3.14/2.5",
		"etc", "web-inf", "src/main/webapp/WEB-INF/views", "/home/ann/file.txt", `C:\Users\jo\notes.txt`, "https://example.com/a/../b", "https://example.com/?next=..%2Fa", "etc. and so on/or not",
		"I edited /etc/hosts by hand", "/products/42", "50%/60%", "ÀÁà/ðñò", "ÀÀ/ÁÁ text", "process.env.HOME", "a.b.c/d.e", "0x2e is a dot",
		"C0 AE", `\\server\share\a.txt`, "//cdn.example/a$b", "src/../lib", "/docs/etc-guide", "application/json", "../../../a.png and more text",
		"a ..;b/c", "and so on..;a/b", "...;a/b", "..; a/b", "..;a?b/c", "..;a",
	})
	recognises(t, PathTraversal, Where{Place: InQuery, Key: []byte("q")}, []string{
		"img/../../config.php", "././../config.php", "/dev/fd/3", "/var/lib/php/sessions/sess_1", "local_file:///etc/x",
		"../../../logs/access_log", `http\..\..\config\db.php`, "windows/win.ini\x00", "file///etc/passwd", `C:\web\www\x.php`, "a=1 f=../../../etc/passwd", "/Program Files/Apache/logs/access.log",
	}, []string{
		"../x", "../../x", "a/../x", "/a/../x", "a/../x.php", `C:\web\www\x.txt`, "read ../../../etc/passwd please", "/dev/null", "/var/lib/docker", "/Program Files/Apache", "access_log", ".env", "local_file: x",
	})
	recognises(t, PathTraversal, Where{Place: InForm, Key: []byte("template")}, []string{
		"../x", "./../x", "../../x", "/a/../x", "a/../../x", `..\x`, "x_/../y.properties", ".htaccess", ".env", "/../x",
	}, []string{
		"x", "x.html", "a/../x", "..", "...", ".hidden", "see ../x and ../y", "https://example.com/a/../x",
	})
	recognises(t, PathTraversal, Where{Place: InQuery, Key: []byte("dir")}, []string{"../../x"}, []string{"../x", "a/../x"})
	recognises(t, PathTraversal, Where{Place: InJSON, Key: []byte("file")}, []string{"/etc/./passwd", "/../x/y", "/etc/././shadow"},
		[]string{"../x", "../../x", "/etc/.passwd", "/etc/./x.passwd"})
	recognises(t, PathTraversal, Where{Place: InJSON, Key: []byte("all")}, nil, []string{"/../x", "/../../..", "/usr/local/bin:/usr/bin:/bin"}) // what rules of scanners look for
	recognises(t, PathTraversal, Where{Place: InXML, Key: []byte("href")}, []string{"../../../etc/passwd", "../../../../WEB-INF/web.xml", "..%2f..%2f..%2f..%2fx", "../../../../srv/app/config.ini", "../../../../../../style.css"},
		[]string{"../../../style.css", "../../../../static.files/${f}"})
	recognises(t, PathTraversal, Where{Place: InXML, Key: []byte("data-root-path")}, nil, []string{"../../../../"})
	recognises(t, PathTraversal, Where{Place: InXML, Key: []byte("file")}, []string{"../../../x"}, nil)
	recognises(t, PathTraversal, Where{Place: InFileName}, []string{"../shell.php", `..\a.asp`}, []string{"a.tar.gz", "..."})
	recognises(t, PathTraversal, Where{Place: InPath}, []string{
		"/.git/config", "/a/.env.local", "/.claude/settings.json", "/.docker/config.json", "/wp-content/debug.log", "/backup.sql.gz", "/proc/interrupts",
		"/;/WEB-INF/web.xml", "/x/!/etc!/passwd",
	}, []string{
		"/.well-known/security.txt", "/u/repo/src/branch/main/.github/x.yml", "/u/repo/-/blob/main/.gitignore", "/api/repos/a/b/contents/.vscode/x",
		"/docs/schema.sql", "/blog/debug.log.html", "/.within.website/x", "/logs/today.log", "/a/.b", "/backup/sql", "/",
	})
}

// plainWalk is walk without its tables and short cuts: it keeps all names, and
// asks pathnorm for every symbol.
func (k *pathWalk) plainWalk() {
	for i := 0; i < len(k.v); {
		if k.v[i] == '!' && i+1 < len(k.v) && k.v[i+1] == '/' && i > 0 {
			i++
			continue
		}
		if k.dots >= 2 && k.junk == 0 && !k.other && lostEscape(k.v[i:]) {
			k.strange++
			k.separator(i, i+2, true)
			i += 2
			continue
		}
		if j := run(k.v, i, len(k.v), func(c byte) bool { return isLetter(c) || c > '0' && c <= '9' }); j > i {
			k.letters(i, j)
			i = j
			continue
		}
		sym, n, strange := pathnorm.Next(k.v[i:])
		if strange && k.url && k.v[i] == '%' && n == 3 {
			strange = false
		}
		if strange && !k.raw && k.v[i] != '%' && k.v[i] != '0' {
			sym, strange = 0xff, false
		}
		if isLetter(sym) || isDigit(sym) || sym == '_' || sym == '-' {
			k.letter(sym, i)
			i += n
			continue
		}
		k.word(i)
		switch {
		case sym == pathnorm.Sep:
			k.separator(i, i+n, strange)
		case sym == pathnorm.Junk || sym == '%':
			k.junkSymbol(i, n, strange)
		case k.param && isParamByte(sym):
		case sym == '.':
			k.dot(strange)
		case sym == ';' && k.dots >= 2:
			k.strange++
			k.param = k.dots == 2 && k.junk == 0 && !k.other && !k.blank
		case sym == ' ' && !k.other && k.dots+k.junk > 0 && k.dots != 3:
			k.blank = k.blank || i > 0 && i+1 < len(k.v)
			k.param = false
		default:
			k.blank = k.blank || sym == ' ' && i > 0 && i+1 < len(k.v)
			k.segment(i + n)
			k.prev, k.sep, k.afterStep = 0, 0, false
		}
		i += n
	}
	k.word(len(k.v))
}

// TestWalk compares walk with its plain twin, and what leads says with what it finds.
func TestWalk(t *testing.T) {
	pieces := strings.Split("..|.|/|\\|%2e|%2f|%5c|%20|%00|%c0%ae|%252e|%|%u002e|%70|0x2e|0x2f|2f|5c|;| |!|?|=|,|\x00|\xc0\xaf|\uff0f|\xef\xbf\xbd|é|\n|-|_|0|1|a|x|etc|passwd|etc/passwd|boot|ini|windows|win|proc|self|.git|access_log|web-inf|http://a|<|'", "|")
	steps := strings.Fields("../ ..; ..;? .. . / ; ? \\ env htaccess bash_history .env etc passwd a")
	r := rand.New(rand.NewSource(1))
	for i := range 150_000 {
		of := pieces
		if i%3 == 0 {
			of = steps
		}
		v := crumb(r, of, 14)
		have, _, _ := features(v)
		plain := pathWalk{v: v, raw: r.Intn(2) == 0, url: r.Intn(4) == 0}
		fast := plain
		fast.nameless = have&(hasPathWord|hasFileWord) == 0
		fast.dense = have&hasSpace == 0
		plain.plainWalk()
		fast.walk()
		if plain.path != fast.path {
			t.Fatalf("%q: %+v, want %+v", v, fast.path, plain.path)
		}
		if have&(hasControl|hasPathWord|hasFileWord) == 0 && !leads(v) && (fast.steps > 0 || fast.here > 0 || fast.secret || fast.plain) {
			t.Fatalf("%q leads somewhere: %+v", v, fast.path)
		}
	}
}
