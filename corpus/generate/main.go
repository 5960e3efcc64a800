// Command generate places the texts of the corpus into requests.
package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log"
	"mime/multipart"
	"net/textproto"
	"net/url"
	"os"
	"strings"

	"github.com/gabionhq/gabion/corpus"
)

func main() {
	for _, set := range []struct{ in, out, label string }{
		{"payloads.txt", "attacks.jsonl.gz", "attack"},
		{"texts.txt", "benign.jsonl.gz", "benign"},
	} {
		if err := generate(set.in, set.out, set.label); err != nil {
			log.Fatal(err)
		}
	}
}

func generate(in, out, label string) error {
	text, err := os.ReadFile(in)
	if err != nil {
		return err
	}
	var buf bytes.Buffer
	z, _ := gzip.NewWriterLevel(&buf, gzip.BestCompression)
	enc := json.NewEncoder(z)
	enc.SetEscapeHTML(false)
	n := 0
	for line := range strings.Lines(string(text)) {
		class, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if !ok || strings.HasPrefix(class, "#") {
			continue
		}
		for _, place := range contexts {
			r, ok := place.put(value)
			if !ok {
				continue
			}
			n++
			family := sha256.Sum256([]byte(value))
			r.ID = fmt.Sprintf("gabion-%s-%05d", label, n)
			r.Source, r.Label, r.Class, r.Context = "gabion", label, class, place.name
			r.Tier = map[string]string{"attack": "gold", "benign": "synth"}[label]
			r.Family = hex.EncodeToString(family[:8])
			r.Headers = append([][2]string{{"Host", "shop.example.com"}, {"User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}, {"Accept", "*/*"}}, r.Headers...)
			if err := enc.Encode(r); err != nil {
				return err
			}
		}
	}
	if err := z.Close(); err != nil {
		return err
	}
	return os.WriteFile(out, buf.Bytes(), 0o644)
}

// contexts are the places for a text; put says whether it fits there.
var contexts = []struct {
	name string
	put  func(v string) (corpus.Request, bool)
}{
	{"query", func(v string) (corpus.Request, bool) {
		return corpus.Request{Method: "GET", Target: "/search?q=" + url.QueryEscape(v) + "&page=1"}, true
	}},
	{"form", func(v string) (corpus.Request, bool) {
		return post("/comments", "application/x-www-form-urlencoded", "id=7&text="+url.QueryEscape(v)), true
	}},
	{"json", func(v string) (corpus.Request, bool) {
		return post("/api/v1/items", "application/json", `{"id":7,"text":`+quote(v)+`}`), true
	}},
	{"jsonnest", func(v string) (corpus.Request, bool) {
		return post("/api/v1/items", "application/json", `{"list":[{"inner":`+quote(`{"text":`+quote(v)+`}`)+`}]}`), true
	}},
	{"b64json", func(v string) (corpus.Request, bool) {
		return post("/api/v1/items", "application/json", `{"data":`+quote(base64.StdEncoding.EncodeToString([]byte(v)))+`}`), len(v) >= 12
	}},
	{"xml", func(v string) (corpus.Request, bool) {
		var b bytes.Buffer
		b.WriteString(`<?xml version="1.0"?><item><id>7</id><text>`)
		xml.EscapeText(&b, []byte(v))
		b.WriteString(`</text></item>`)
		return post("/xml", "application/xml", b.String()), !strings.HasPrefix(v, "<?xml")
	}},
	{"multipart", func(v string) (corpus.Request, bool) {
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		w.SetBoundary("gabion-boundary-7")
		part, _ := w.CreatePart(textproto.MIMEHeader{"Content-Disposition": {`form-data; name="text"`}})
		part.Write([]byte(v))
		w.Close()
		return post("/comments", w.FormDataContentType(), b.String()), true
	}},
	{"cookie", func(v string) (corpus.Request, bool) {
		return corpus.Request{Method: "GET", Target: "/", Headers: [][2]string{{"Cookie", "lang=en; last=" + url.QueryEscape(v)}}}, true
	}},
	{"header", func(v string) (corpus.Request, bool) {
		ascii := strings.IndexFunc(v, func(r rune) bool { return r < ' ' || r > '~' }) < 0
		return corpus.Request{Method: "GET", Target: "/", Headers: [][2]string{{"X-Note", v}}}, ascii
	}},
	{"path", func(v string) (corpus.Request, bool) {
		return corpus.Request{Method: "GET", Target: "/tags/" + url.PathEscape(v) + "/list"}, true
	}},
}

func post(target, mime, body string) corpus.Request {
	return corpus.Request{Method: "POST", Target: target, Headers: [][2]string{{"Content-Type", mime}}, Body: []byte(body)}
}

func quote(v string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.Encode(v)
	return strings.TrimSuffix(b.String(), "\n")
}
