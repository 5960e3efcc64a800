package demo

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"html"
	"io"
	"net/http"
	"strconv"
	"strings"
)

const style = `body{font:16px/1.5 system-ui;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#222}
nav a{margin-right:1rem}code{background:#f2f2f2;padding:.1em .3em}li{margin:.2em 0}`

// page writes an HTML page; body is trusted.
func page(w http.ResponseWriter, title, body string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, `<!doctype html><meta charset="utf-8"><title>%s - Gabion demo shop</title><style>%s</style>
<nav><a href="/">Shop</a><a href="/products">Products</a><a href="/search?q=basket">Search</a><a href="/login">Log in</a><a href="/try">Try an attack</a></nav>
<h1>%s</h1>%s`, title, style, title, body)
}

// token is a session of the demo: stable per user, worth nothing.
func token(user string) string {
	sum := sha256.Sum256([]byte("gabion demo " + user))
	return hex.EncodeToString(sum[:16])
}

func (s *Shop) pages(mux *http.ServeMux) {
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		page(w, "Stones in a cage", "<p>Baskets, stones and what holds them together.</p>"+list(catalog()[:5]))
	})
	mux.HandleFunc("GET /products", func(w http.ResponseWriter, r *http.Request) {
		var some []product
		for _, p := range catalog() {
			if c := r.FormValue("category"); c == "" || c == p.Category {
				some = append(some, p)
			}
		}
		page(w, "Products", list(some))
	})
	mux.HandleFunc("GET /products/{id}", func(w http.ResponseWriter, r *http.Request) {
		id, _ := strconv.Atoi(r.PathValue("id"))
		p, ok := find(id)
		if !ok {
			http.NotFound(w, r)
			return
		}
		body := "<p>" + html.EscapeString(p.Text) + "</p><p>" + price(p) + "</p><h2>Reviews</h2><ul>"
		for _, v := range s.reviews.all() {
			if v.Product == id {
				body += "<li>" + html.EscapeString(v.Text) + "</li>"
			}
		}
		page(w, html.EscapeString(p.Name), body+"</ul>")
	})
	mux.HandleFunc("GET /login", func(w http.ResponseWriter, r *http.Request) {
		page(w, "Log in", `<form method="post" action="/login"><input name="user" value="ada"> <input name="password" type="password" value="pebble"> <button>Log in</button></form>`)
	})
	mux.HandleFunc("GET /try", func(w http.ResponseWriter, r *http.Request) { page(w, "Try an attack", tryList) })
	mux.HandleFunc("GET /robots.txt", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "User-agent: *\nDisallow: /\n") })
}

func price(p product) string { return fmt.Sprintf("%d.%02d EUR", p.Cents/100, p.Cents%100) }

func list(products []product) string {
	var b strings.Builder
	b.WriteString("<ul>")
	for _, p := range products {
		fmt.Fprintf(&b, `<li><a href="/products/%d">%s</a>, %s</li>`, p.ID, html.EscapeString(p.Name), price(p))
	}
	return b.String() + "</ul>"
}

// tryList links one attack per vulnerable twin.
const tryList = `<p>Each link attacks a vulnerable twin. Through the node in block mode the answer is 403.</p><ul>
<li><a href="/legacy/search?q=%27+UNION+SELECT+name%2Cpassword%2Crole+FROM+users--+">SQL injection</a></li>
<li><a href="/legacy/search?q=%3Cscript%3Ealert%281%29%3C%2Fscript%3E">Cross-site scripting</a></li>
<li><a href="/legacy/files?name=..%2F..%2F..%2F..%2Fetc%2Fpasswd">Path traversal</a></li>
<li><a href="/legacy/ping?host=127.0.0.1%3Bcat+%2Fetc%2Fpasswd">Command injection</a></li>
<li><a href="/legacy/preview?url=http%3A%2F%2F169.254.169.254%2Flatest%2Fmeta-data%2F">Server-side request forgery</a></li>
<li><a href="/legacy/hello?name=%7B%7B.secret%7D%7D">Template injection</a></li></ul>`
