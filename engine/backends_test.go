package engine

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"html"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestBackendsReadBypasses holds the cases to the parsers of Go, Python, Node
// and PHP: of each case that counts, two of them at least read the attack,
// so that what the engine blocks is worth blocking.
func TestBackendsReadBypasses(t *testing.T) {
	for _, program := range []string{"python3", "node", "php"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip("without " + program + " nothing is known of what it reads")
		}
	}
	all := bypasses()
	read := map[string][]bool{
		"Go":     readByGo(all),
		"Python": readBy(t, all, "python3", "-W", "ignore", "testdata/readers/read.py"),
		"Node":   readBy(t, all, "node", "testdata/readers/read.js"),
		"PHP":    readBy(t, all, "php", "-d", "memory_limit=-1", "testdata/readers/read.php"),
	}
	for i, got := range readByServer(t, all) {
		read["PHP"][i] = read["PHP"][i] || got
	}
	counted, families, totals := 0, map[string]int{}, map[string]int{}
	for i := range all {
		b := &all[i]
		totals[b.family]++
		var by []string
		for name, got := range read {
			if got[i] {
				by = append(by, name)
			}
		}
		if len(by) >= 2 {
			counted++
			families[b.family]++
		} else if !b.alone {
			slices.Sort(by)
			t.Errorf("%s, %s: %q is read by %v alone\n%.200q", b.family, b.name, b.want, by, b.target+"\n"+b.body)
		}
	}
	t.Logf("%d of %d cases are read by two back ends or more: %v of %v", counted, len(all), families, totals)
	if counted < 250 {
		t.Errorf("%d cases are read by two back ends, want 250", counted)
	}
}

// contentType returns the type that a request states, the first of several.
func (b *bypass) contentType() string {
	for i := 0; i < len(b.fields); i += 2 {
		if b.fields[i] == "Content-Type" {
			return b.fields[i+1]
		}
	}
	return ""
}

// readBy asks a program, which reads all cases at once.
func readBy(t *testing.T, all []bypass, program string, args ...string) []bool {
	var in []map[string]any
	for i := range all {
		b := &all[i]
		in = append(in, map[string]any{
			"reader": b.reader, "type": b.contentType(), "target": b.target, "want": b.want,
			"body": base64.StdEncoding.EncodeToString([]byte(b.body)), "before": b.before, "after": b.after,
		})
	}
	stdin, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(program, args...)
	var stderr bytes.Buffer
	c.Stdin, c.Stderr = bytes.NewReader(stdin), &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("running %s: %v\n%s", program, err, stderr.Bytes())
	}
	var got []bool
	if err := json.Unmarshal(out, &got); err != nil || len(got) != len(all) {
		t.Fatalf("%s answers %.200q: %v", program, out, err)
	}
	return got
}

// readByServer sends the forms to PHP as a server, which is the only way to
// its reader of multipart bodies.
func readByServer(t *testing.T, all []bypass) []bool {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	c := exec.Command("php", "-d", "opcache.enable=0", "-S", address, "testdata/readers/read.php")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill(); c.Wait() })
	for until := time.Now().Add(10 * time.Second); ; {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
			break
		}
		if time.Now().After(until) {
			t.Fatalf("waiting for PHP: %v", err)
		}
		time.Sleep(5 * time.Millisecond)
	}
	got := make([]bool, len(all))
	for i := range all {
		b := &all[i]
		if b.reader != "multipart" && b.reader != "form" || len(b.before)+len(b.after) > 0 {
			continue
		}
		r, err := http.NewRequest(b.method, "http://"+address+b.target, strings.NewReader(b.body))
		if err != nil {
			t.Fatal(err)
		}
		for j := 0; j < len(b.fields); j += 2 {
			r.Header[b.fields[j]] = append(r.Header[b.fields[j]], b.fields[j+1])
		}
		r.Header.Set("X-Want", base64.StdEncoding.EncodeToString([]byte(b.want)))
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer, _ := io.ReadAll(res.Body)
		res.Body.Close()
		got[i] = string(answer) == "read"
	}
	return got
}

// readByGo reads with the standard library.
func readByGo(all []bypass) []bool {
	got := make([]bool, len(all))
	for i := range all {
		b := &all[i]
		body, err := unwrapped(b)
		if err != nil {
			continue
		}
		values := goReaders[b.reader]
		if values == nil {
			continue
		}
		for _, v := range values(b, body) {
			for _, step := range b.after {
				v = goSteps(step, v)
			}
			got[i] = got[i] || strings.Contains(v, b.want)
		}
	}
	return got
}

func unwrapped(b *bypass) (string, error) {
	body := b.body
	for _, step := range b.before {
		var r io.Reader
		var err error
		switch step {
		case "gunzip":
			r, err = gzip.NewReader(strings.NewReader(body))
		case "inflate":
			r, err = zlib.NewReader(strings.NewReader(body))
		default:
			err = fmt.Errorf("no %s here", step)
		}
		if err != nil {
			return "", err
		}
		out, err := io.ReadAll(r)
		if err != nil {
			return "", err
		}
		body = string(out)
	}
	return body, nil
}

var goReaders = map[string]func(*bypass, string) []string{
	"json":      func(_ *bypass, s string) []string { return goJSON(s) },
	"xml":       func(_ *bypass, s string) []string { return goXML(s) },
	"form":      func(_ *bypass, s string) []string { return goForm(s) },
	"query":     func(b *bypass, _ string) []string { return goForm(afterMark(b.target)) },
	"multipart": goMultipart,
	"path": func(b *bypass, _ string) []string {
		u, err := url.Parse(b.target)
		if err != nil {
			return nil
		}
		twice, _ := url.PathUnescape(u.Path)
		return []string{u.Path, path.Clean(u.Path), path.Clean(twice), path.Clean(strings.ReplaceAll(u.Path, "\\", "/"))}
	},
}

func afterMark(target string) string {
	_, query, _ := strings.Cut(target, "?")
	return query
}

// goJSON reads all documents, duplicate names included.
func goJSON(s string) (got []string) {
	for d := json.NewDecoder(strings.NewReader(s)); ; {
		k, err := d.Token()
		if err != nil {
			return got
		}
		if v, ok := k.(string); ok {
			got = append(got, v)
		}
	}
}

func goXML(s string) (got []string) {
	var text strings.Builder
	for d := xml.NewDecoder(strings.NewReader(s)); ; {
		k, err := d.Token()
		if err != nil {
			return append(got, text.String())
		}
		switch k := k.(type) {
		case xml.CharData:
			text.Write(k)
		case xml.StartElement:
			for _, a := range k.Attr {
				got = append(got, a.Value)
			}
		}
	}
}

func goForm(s string) (got []string) {
	values, _ := url.ParseQuery(s)
	for k, v := range values {
		got = append(append(got, k), v...)
	}
	return got
}

func goMultipart(b *bypass, s string) (got []string) {
	_, params, err := mime.ParseMediaType(b.contentType())
	if err != nil {
		return nil
	}
	for r := multipart.NewReader(strings.NewReader(s), params["boundary"]); ; {
		p, err := r.NextPart()
		if err != nil {
			return got
		}
		body, _ := io.ReadAll(p)
		got = append(got, p.FormName(), p.FileName(), string(body))
		if kind, inner, err := mime.ParseMediaType(p.Header.Get("Content-Type")); err == nil && strings.HasPrefix(kind, "multipart/") {
			if q, err := multipart.NewReader(bytes.NewReader(body), inner["boundary"]).NextPart(); err == nil {
				body, _ := io.ReadAll(q)
				got = append(got, string(body))
			}
		}
		if p.Header.Get("Content-Transfer-Encoding") == "base64" {
			if raw, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(string(body), line, "")); err == nil {
				got = append(got, string(raw))
			}
		}
	}
}

func goSteps(step, v string) string {
	switch step {
	case "unquote":
		v, _ = url.PathUnescape(v)
	case "html":
		return html.UnescapeString(v)
	case "base64":
		raw, _ := base64.StdEncoding.DecodeString(v)
		return string(raw)
	case "base64url":
		raw, _ := base64.RawURLEncoding.DecodeString(v)
		return string(raw)
	case "hex":
		raw, _ := hex.DecodeString(v)
		return string(raw)
	case "json":
		return strings.Join(goJSON(v), "\n")
	case "form":
		return strings.Join(goForm(v), "\n")
	case "xml":
		return strings.Join(goXML(v), "\n")
	default:
		return ""
	}
	return v
}
