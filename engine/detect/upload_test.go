package detect

import "testing"

func FuzzUpload(f *testing.F) { fuzz(f, Upload) }

func TestUpload(t *testing.T) {
	recognises(t, Upload, Where{Place: InFileName}, []string{
		"shell.php",
		"a.php.jpg",
		"a.pHp5",
		"x.jsp",
		".htaccess",
		"a.php\x00.jpg",
		"a.php.",
		"a.asp;.jpg",
		"shell.php::$DATA",
		"web.config",
		"x.phtml",
		"a. php",
		"a.php82.",
	}, []string{
		"",
		"a.phtml987...",
		"photo.jpg",
		"report.final.pdf",
		"php-notes.txt",
		"archive.tar.gz",
		"index.html",
		"data.json",
		"my.phpbook.pdf",
		"script.py",
	})
	recognises(t, Upload, Where{Place: InQuery}, []string{}, []string{
		"index.php",
		"/a.php",
	})
}
