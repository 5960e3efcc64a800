package main

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
)

// headers are those of the browser that the suite's client claims to be.
var headers = map[string]string{
	"Connection":                "close",
	"Pragma":                    "no-cache",
	"Cache-Control":             "no-cache",
	"Sec-CH-UA":                 `"Chromium";v="122", "Not(A:Brand";v="24", "Google Chrome";v="122"`,
	"Sec-CH-UA-Mobile":          "?0",
	"Sec-CH-UA-Platform":        `"Windows"`,
	"Upgrade-Insecure-Requests": "1",
	"User-Agent":                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/122.0.0.0 Safari/537.36",
	"Accept":                    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7",
	"Sec-Fetch-Site":            "none",
	"Sec-Fetch-Mode":            "navigate",
	"Sec-Fetch-User":            "?1",
	"Sec-Fetch-Dest":            "document",
	"Accept-Encoding":           "gzip, deflate, br, zstd",
	"Accept-Language":           "en-US;q=0.8,en;q=0.7",
}

// envelope is a SOAP message around an element.
const envelope = `<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/">
	<soapenv:Header/>
	<soapenv:Body><query xmlns="https://api.example/v1"><filter><%[1]s>%[2]s</%[1]s></filter></query></soapenv:Body>
</soapenv:Envelope>`

// hole stands for the payload in the configuration of a raw request.
const hole = "{{payload}}"

// request puts an encoded payload in its place in a request to base.
func (p *place) request(base, payload string) (*http.Request, error) {
	r, err := p.bare(base, payload)
	if err != nil {
		return nil, fmt.Errorf("making a request with %s: %w", p.name, err)
	}
	for name, value := range headers {
		if r.Header.Get(name) == "" {
			r.Header.Set(name, value)
		}
	}
	return r, nil
}

func (p *place) bare(base, payload string) (*http.Request, error) {
	name := random()
	switch p.name {
	case "URLPath":
		return http.NewRequest("GET", base+"/"+payload, nil)
	case "URLParam":
		return http.NewRequest("GET", base+"/?"+name+"="+payload, nil)
	case "Header":
		return with("GET", base, "", "X-"+name, payload)
	case "UserAgent":
		return with("GET", base, "", "User-Agent", payload)
	case "RequestBody":
		return with("POST", base, payload, "", "")
	case "HTMLForm":
		return with("POST", base, name+"="+payload, "Content-Type", "application/x-www-form-urlencoded")
	case "HTMLMultipartForm":
		return form(base, name, payload)
	case "JSONBody":
		return with("POST", base, payload, "Content-Type", "application/json")
	case "JSONRequest":
		text, err := encode("JSUnicode", payload)
		if err != nil {
			return nil, err
		}
		return with("POST", base, fmt.Sprintf(`{"test": true, "%s": "%s"}`, name, text), "Content-Type", "application/json")
	case "XMLBody":
		return with("POST", base, payload, "Content-Type", "application/xml")
	case "SOAPBody":
		text, err := encode("XMLEntity", payload)
		if err != nil {
			return nil, err
		}
		r, err := with("POST", base, fmt.Sprintf(envelope, "ab"+name, text), "Content-Type", "text/xml")
		if err != nil {
			return nil, err
		}
		r.Header.Set("SOAPAction", `"http://schemas.xmlsoap.org/soap/actor/next"`)
		return r, nil
	case "GraphQL":
		if p.config.Method == "GET" {
			return http.NewRequest("GET", base+"/graphql?"+url.Values{"query": {payload}}.Encode(), nil)
		}
		return with("POST", base+"/graphql", payload, "", "")
	case "RawRequest":
		return p.raw(base, payload)
	}
	return nil, fmt.Errorf("unknown placeholder")
}

func with(method, url, body, field, value string) (*http.Request, error) {
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	r, err := http.NewRequest(method, url, reader)
	if err == nil && field != "" {
		r.Header.Set(field, value)
	}
	return r, err
}

func form(base, name, payload string) (*http.Request, error) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	if err := w.WriteField(name, payload); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return with("POST", base, b.String(), "Content-Type", w.FormDataContentType())
}

func (p *place) raw(base, payload string) (*http.Request, error) {
	target := base + "/" + strings.TrimPrefix(cmp.Or(p.config.Path, "/"), "/")
	r, err := with(p.config.Method, strings.ReplaceAll(target, hole, url.PathEscape(payload)), strings.ReplaceAll(p.config.Body, hole, payload), "", "")
	if err != nil {
		return nil, err
	}
	for name, value := range p.config.Headers {
		r.Header.Add(name, strings.ReplaceAll(value, hole, payload))
	}
	return r, nil
}

// random is a name that no rule knows.
func random() string {
	b := make([]byte, 5)
	rand.Read(b)
	return hex.EncodeToString(b)
}
