package parse

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A lister keeps the values below a format, by their points.
type lister struct {
	format Kind
	got    []string
}

func (l *lister) Visit(t *Tree, n Node, v []byte) int {
	if t.Format(n) == l.format && t.Marks(n)&IsBinary == 0 {
		l.got = append(l.got, string(t.AppendPoint(nil, n))+"="+string(v))
	}
	return len(v)
}

func (l *lister) Decode(*Tree, Node, Kind) bool { return true }

func (l *lister) Trouble(*Tree, Node, Trouble, []byte) {}

func list(format Kind, body string) []string {
	l := lister{format: format}
	var w Walk
	w.Reset(&l, Limits{}, nil)
	w.Write([]byte(body))
	w.Finish()
	return l.got
}

func TestArchiveMembers(t *testing.T) {
	want := []string{"post.archive.hash_name=a/b.txt", `post.archive."a/b.txt"=first text`, "post.archive.hash_name=c.md", `post.archive."c.md"=second text`}
	f := func(name, body string) {
		t.Helper()
		if d := cmp.Diff(want, list(Archive, body)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	f("stored zip", zipFile(t, zip.Store))
	f("deflated zip", zipFile(t, zip.Deflate))
	f("tar", tarFile(t, tar.FormatUSTAR))
	f("tar of GNU", tarFile(t, tar.FormatGNU))
	f("zip behind data", "\x89PNG\r\n\x1a\n\x00\x01\x02\x03"+string(bytes.Repeat([]byte{0, 1, 0xfe, 0x80}, 50))+zipFile(t, zip.Deflate))
}

func zipFile(t testing.TB, method uint16) string {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, m := range [][2]string{{"a/b.txt", "first text"}, {"c.md", "second text"}} {
		f, err := w.CreateHeader(&zip.FileHeader{Name: m[0], Method: method})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(m[1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func tarFile(t testing.TB, format tar.Format) string {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, m := range [][2]string{{"a/b.txt", "first text"}, {"c.md", "second text"}} {
		if err := w.WriteHeader(&tar.Header{Name: m[0], Size: int64(len(m[1])), Mode: 0o600, Format: format}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(m[1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestCalendarProperties(t *testing.T) {
	f := func(body string, want ...string) {
		t.Helper()
		if d := cmp.Diff(want, list(Calendar, body)); d != "" {
			t.Errorf("%q: %s", body, d)
		}
	}
	f("BEGIN:VCALENDAR\r\nDTSTART;TZID=\"A:B\":2026\r\nDESCRIPTION:a\\, b\r\n  c\\nd\\\\e\r\nEND:VCALENDAR\r\n",
		"post.ical.hash_name=BEGIN", "post.ical.BEGIN=VCALENDAR",
		"post.ical.hash_name=DTSTART", "post.ical.DTSTART@TZID=A:B", "post.ical.DTSTART=2026",
		"post.ical.hash_name=DESCRIPTION", "post.ical.DESCRIPTION=a, b c\nd\\e",
		"post.ical.hash_name=END", "post.ical.END=VCALENDAR")
	f("begin:vcard\nitem1.TEL;TYPE=a;b:1;2\nend:vcard",
		"post.ical.hash_name=begin", "post.ical.begin=vcard",
		"post.ical.hash_name=item1.TEL", `post.ical."item1.TEL"@TYPE=a`, `post.ical."item1.TEL"@b=`, `post.ical."item1.TEL"=1;2`,
		"post.ical.hash_name=end", "post.ical.end=vcard")
	f("BEGIN:VCARD\nno property\nEND:VCARD\n")
}

func fuzzSeeds(f *testing.F, seeds ...string) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if len(body) > 32<<10 {
			return
		}
		one := walkAll(t, 0, body, func() int { return 1 << 20 })
		two := walkAll(t, 0, body, func() int { return 1 + len(body)/3 })
		if one.sum != two.sum {
			t.Error("the walk depends on how the body is cut")
		}
		if one.bytes > maxWork*len(body)+workSlack {
			t.Errorf("%d bytes visited for %d received", one.bytes, len(body))
		}
	})
}

func FuzzArchive(f *testing.F) {
	fuzzSeeds(f, zipFile(f, zip.Store), zipFile(f, zip.Deflate), tarFile(f, tar.FormatGNU), tarFile(f, tar.FormatPAX))
}

func FuzzCalendar(f *testing.F) {
	fuzzSeeds(f, "BEGIN:VCALENDAR\r\nDTSTART;TZID=\"A:B\":2026\r\nDESCRIPTION:a\\, b\r\n  c\\nd\r\nEND:VCALENDAR\r\n", "BEGIN:VCARD\nA;B=\":c\n :d\nEND:VCARD")
}

// Headers are the dearest input: each begins a member.
func TestArchivesAreLinear(t *testing.T) {
	for _, unit := range []string{zipFile(t, zip.Deflate)[:45], zipFile(t, zip.Store)[:45], "PK\x03\x04", "PK\x03\x04" + string(make([]byte, 22)) + "\x01\x00\x00\x00a", tarFile(t, tar.FormatGNU)[:512], "BEGIN:VCARD\nA:b\n", "abcdefghijkl\x00\x00\x00\x00"} {
		size := func(n int) int {
			return walkAll(t, 0, bytes.Repeat([]byte(unit), n/len(unit)+1), func() int { return 1 << 20 }).bytes
		}
		if small, large := size(8<<10), size(96<<10); large > 16*small+workSlack {
			t.Errorf("%.20q: %d bytes visited of 8 KB, %d of 96 KB", unit, small, large)
		}
	}
}
