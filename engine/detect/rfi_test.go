package detect

import "testing"

func FuzzRFI(f *testing.F) { fuzz(f, RFI) }

func TestRFI(t *testing.T) {
	recognises(t, RFI, Where{Place: InQuery}, []string{
		"http://h.example/shell.txt?",
		"https://10.0.0.1/c99.php",
		"http://h.example/x.txt\x00",
		"data://text/plain;base64,PD9waHA=",
		"ftp://1.2.3.4/x.php",
		"ftp://1.2.3.4",
	}, []string{
		"",
		"https://example.com/",
		"https://example.com/a.png",
		"http://example.com/page.php?id=1",
		"data:image/png;base64,AAAA",
		"ftp://ftp.example.org/pub/",
		"what?",
	})
	recognises(t, RFI, Where{Place: InQuery, Key: []byte("mosConfig_absolute_path")}, []string{"http://a.example"}, []string{"/srv/www"})
	recognises(t, RFI, Where{Place: InQuery, Key: []byte("_CONF[path]")}, []string{"https://a.example/x"}, nil)
	recognises(t, RFI, Where{Place: InQuery, Key: []byte("image_path")}, nil, []string{"https://a.example/x.png"})
}
