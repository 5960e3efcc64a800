package detect

import "testing"

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
	recognises(t, PathTraversal, Where{Place: InJSON, Key: []byte("all")}, nil, []string{"/../x", "/../../.."}) // what rules of scanners look for
	recognises(t, PathTraversal, Where{Place: InFileName}, []string{"../shell.php", `..\a.asp`}, []string{"a.tar.gz", "..."})
	recognises(t, PathTraversal, Where{Place: InPath}, []string{
		"/.git/config", "/a/.env.local", "/.claude/settings.json", "/.docker/config.json", "/wp-content/debug.log", "/backup.sql.gz", "/proc/interrupts",
		"/;/WEB-INF/web.xml", "/x/!/etc!/passwd",
	}, []string{
		"/.well-known/security.txt", "/u/repo/src/branch/main/.github/x.yml", "/u/repo/-/blob/main/.gitignore", "/api/repos/a/b/contents/.vscode/x",
		"/docs/schema.sql", "/blog/debug.log.html", "/.within.website/x", "/logs/today.log", "/a/.b", "/backup/sql", "/",
	})
}
