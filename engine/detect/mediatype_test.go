package detect

import "testing"

func FuzzMediaType(f *testing.F) { fuzz(f, Smuggling) }

func TestMediaType(t *testing.T) {
	recognises(t, Smuggling, Where{Place: InContentType}, []string{
		"application/x-www-form-urlencoded; boundary=\"application/json\"",
		"text/plain;x=text/xml",
	}, []string{
		"application/x-www-form-urlencoded; charset=ibm037",
		"",
		"application/json",
		"application/json; charset=utf-8",
		"text/xml; charset=utf-16",
		"multipart/form-data; boundary=----WebKitFormBoundaryabc",
		"multipart/related; type=\"application/xop+xml\"; start-info=\"text/xml\"; boundary=b",
		"application/soap+xml; action=\"http://h/application/x\"",
		"application/x-www-form-urlencoded; charset=Shift_JIS",
	})
	recognises(t, Smuggling, Where{Place: InForm, Key: []byte("CONTENT-TYPE")}, []string{
		"text/plain; charset=utf-16",
		"text/plain; charset=UTF-7",
	}, []string{
		"text/plain; charset=UTF-8",
		"image/png",
	})
	recognises(t, Smuggling, Where{Place: InForm, Key: []byte("_charset_")}, []string{"utf-7"}, []string{"utf-8", "windows-1252"})
	recognises(t, Smuggling, Where{Place: InForm, Key: []byte("note")}, nil, []string{"utf-7", "text/plain; charset=utf-7"})
}
