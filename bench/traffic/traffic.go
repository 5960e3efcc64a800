// Package traffic makes ordinary requests from a fixed seed.
//
// No two requests of a pool are the same: parameters, cookies and texts vary,
// so that nothing is measured that was only remembered.
package traffic

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
)

// A Request is a request as a browser or an API client sends it.
type Request struct {
	Method, Target string
	Header         [][2]string // in wire order, Host first
	Body           []byte
}

// kinds are the kinds of requests that Pool makes.
var kinds = [...]struct {
	name string
	make func(*rand.Rand) Request
}{
	{"GET, 5 parameters", get},
	{"GET, new client", stranger},
	{"form, 1 KB", form},
	{"JSON, 2 KB", func(r *rand.Rand) Request { return order(r, 2<<10) }},
	{"JSON, 10 KB", func(r *rand.Rand) Request { return order(r, 10<<10) }},
	{"mix", mixed},
}

// Kinds returns the names of the kinds, for Pool.
func Kinds() []string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.name
	}
	return names
}

// Pool returns n requests of a kind. The same arguments give the same pool.
func Pool(kind string, n int) ([]Request, error) {
	for i, k := range kinds {
		if k.name != kind {
			continue
		}
		r := rand.New(rand.NewPCG(4711, uint64(i)))
		pool := make([]Request, n)
		for j := range pool {
			pool[j] = k.make(r)
		}
		return pool, nil
	}
	return nil, fmt.Errorf("no such kind of request: %s", kind)
}

// Attacks returns requests that every web application firewall must block.
// Who passes one is not in force, and its cost means nothing.
func Attacks() []Request {
	r := rand.New(rand.NewPCG(1, 1))
	var out []Request
	for _, v := range []string{
		"1' UNION SELECT username, password FROM users-- -",
		"<script>alert(document.cookie)</script>",
		"../../../../../../etc/passwd",
		"; cat /etc/passwd",
	} {
		out = append(out,
			Request{"GET", "/search?q=" + url.QueryEscape(v) + "&page=1", browser(r), nil},
			withBody(r, "POST", "/comments", "application/x-www-form-urlencoded", "text="+url.QueryEscape(v)),
			withBody(r, "POST", "/api/comments", "application/json", encode(map[string]string{"text": v})))
	}
	return out
}

var (
	agents = []string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.0.0 Safari/537.36",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/%d.1 Safari/605.1.15",
		"Mozilla/5.0 (X11; Linux x86_64; rv:%d.0) Gecko/20100101 Firefox/%[1]d.0",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/%d.5 Mobile/15E148 Safari/604.1",
	}
	languages = []string{"en-US,en;q=0.9", "de-DE,de;q=0.9,en;q=0.8", "fr-FR,fr;q=0.8,en-US;q=0.5,en;q=0.3", "en-GB,en;q=0.5"}
	words     = strings.Fields(`garden house quiet blue river lamp wooden chair table large small open window
		summer winter delivery arrived package thanks friend colour number street city music piano lesson early
		morning coffee bread market ticket station train green yellow simple camera picture frame paper letter`)
	names = strings.Fields("Anna Jonas Maria Peter Sofia David Emma Lukas Nina Oscar Clara Simon Julia Felix Laura Martin")
	paths = strings.Fields("products catalogue offers articles news search help account orders reviews")
)

func pick(r *rand.Rand, from []string) string { return from[r.IntN(len(from))] }

// text returns n words.
func text(r *rand.Rand, n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(pick(r, words))
	}
	return b.String()
}

// browser returns the Host and eight fields of a browser.
func browser(r *rand.Rand) [][2]string {
	host := "shop.example"
	return [][2]string{
		{"Host", host},
		{"User-Agent", fmt.Sprintf(pick(r, agents), 100+r.IntN(40))},
		{"Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"},
		{"Accept-Language", pick(r, languages)},
		{"Accept-Encoding", "gzip, deflate, br"},
		{"Referer", fmt.Sprintf("https://%s/%s/%d", host, pick(r, paths), r.IntN(1e6))},
		{"Cookie", fmt.Sprintf("session=%016x%016x; theme=dark; seen=%d", r.Uint64(), r.Uint64(), r.IntN(1e6))},
		{"Sec-Fetch-Mode", "navigate"},
		{"Sec-Fetch-Site", "same-origin"},
	}
}

func withBody(r *rand.Rand, method, target, contentType, body string) Request {
	h := append(browser(r), [2]string{"Content-Type", contentType}, [2]string{"Content-Length", fmt.Sprint(len(body))})
	return Request{method, target, h, []byte(body)}
}

func get(r *rand.Rand) Request {
	q := fmt.Sprintf("/%s/%s/%d?q=%s&category=%s&size=%d&page=%d&sort=%s", pick(r, paths), pick(r, words), r.IntN(1e6),
		url.QueryEscape(text(r, 1+r.IntN(4))), pick(r, words), r.IntN(64), r.IntN(40), pick(r, words))
	return Request{"GET", q, browser(r), nil}
}

// stranger is get with header fields that nobody sent before, as far as those
// of browsers differ at all: nothing is gained by remembering them.
func stranger(r *rand.Rand) Request {
	q := get(r)
	for i, f := range q.Header {
		switch f[0] {
		case "User-Agent":
			q.Header[i][1] = fmt.Sprintf("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.%d.%d Safari/537.36",
				100+r.IntN(40), r.IntN(1e4), r.IntN(1e3))
		case "Accept":
			q.Header[i][1] = fmt.Sprintf("text/html,application/xhtml+xml,application/xml;q=0.%03d,*/*;q=0.%03d", r.IntN(1e3), r.IntN(1e3))
		case "Accept-Language":
			q.Header[i][1] = fmt.Sprintf("en-US,en;q=0.%03d,%c%c;q=0.%03d", r.IntN(1e3), 'a'+r.IntN(26), 'a'+r.IntN(26), r.IntN(1e3))
		case "Accept-Encoding":
			q.Header[i][1] = fmt.Sprintf("gzip, deflate;q=0.%03d, br;q=0.%03d", r.IntN(1e3), r.IntN(1e3))
		}
	}
	return q
}

func form(r *rand.Rand) Request {
	v := url.Values{
		"name": {pick(r, names)}, "surname": {pick(r, names) + "sen"}, "city": {pick(r, words)},
		"email":  {fmt.Sprintf("%s.%d@mail.example", strings.ToLower(pick(r, names)), r.IntN(1e6))},
		"street": {fmt.Sprintf("%s street %d", pick(r, words), r.IntN(200))},
		"phone":  {fmt.Sprintf("+49 30 %07d", r.IntN(1e7))}, "token": {fmt.Sprintf("%016x%016x", r.Uint64(), r.Uint64())},
	}
	v.Set("message", text(r, (1024-len(v.Encode()))/7))
	return withBody(r, "POST", "/"+pick(r, paths)+"/new", "application/x-www-form-urlencoded", v.Encode())
}

type item struct {
	ID       int      `json:"id"`
	SKU      string   `json:"sku"`
	Title    string   `json:"title"`
	Price    float64  `json:"price"`
	Quantity int      `json:"quantity"`
	InStock  bool     `json:"in_stock"`
	Tags     []string `json:"tags"`
}

// order returns an order in JSON of about size bytes.
func order(r *rand.Rand, size int) Request {
	doc := struct {
		Customer struct {
			ID    int    `json:"id"`
			Name  string `json:"name"`
			Email string `json:"email"`
		} `json:"customer"`
		Note  string `json:"note"`
		Items []item `json:"items"`
	}{}
	doc.Customer.ID, doc.Customer.Name = r.IntN(1e6), pick(r, names)+" "+pick(r, names)+"sen"
	doc.Customer.Email = fmt.Sprintf("%s.%d@mail.example", strings.ToLower(pick(r, names)), r.IntN(1e6))
	doc.Note = text(r, 20)
	for n := 260; n < size; n += 150 {
		doc.Items = append(doc.Items, item{
			r.IntN(1e6), fmt.Sprintf("%s-%04d", strings.ToUpper(pick(r, words)[:3]), r.IntN(1e4)),
			text(r, 3+r.IntN(4)), float64(r.IntN(1e5)) / 100, r.IntN(10), r.IntN(2) == 0,
			[]string{pick(r, words), pick(r, words)},
		})
	}
	return withBody(r, "POST", "/api/v1/orders", "application/json", encode(doc))
}

func encode(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic("BUG: " + err.Error()) // plain structs
	}
	return string(b)
}

// mixed returns what an application with pages and an API gets: reading more
// often than writing, small more often than large.
func mixed(r *rand.Rand) Request {
	switch r.IntN(16) {
	case 0, 1, 2, 3:
		return get(r)
	case 4, 5:
		return Request{"GET", fmt.Sprintf("/static/%s.%08x.js", pick(r, words), r.Uint32()), browser(r), nil}
	case 6:
		return Request{"GET", fmt.Sprintf("/api/v1/users/%d/orders?limit=%d&after=%016x", r.IntN(1e6), r.IntN(100), r.Uint64()), browser(r), nil}
	case 7:
		return Request{"DELETE", fmt.Sprintf("/api/v1/orders/%d", r.IntN(1e6)), browser(r), nil}
	case 8:
		return form(r)
	case 9:
		return withBody(r, "POST", "/login", "application/x-www-form-urlencoded",
			fmt.Sprintf("user=%s&password=%s%d&next=", pick(r, names), pick(r, words), r.IntN(1e6)))
	case 10, 11:
		return withBody(r, "PUT", fmt.Sprintf("/api/v1/items/%d", r.IntN(1e6)), "application/json", encode(item{
			r.IntN(1e6), "ABC-" + fmt.Sprint(r.IntN(1e4)), text(r, 5), 9.5, 1, true, []string{pick(r, words)}}))
	case 12:
		return order(r, 700+r.IntN(3000))
	case 13:
		return withBody(r, "POST", "/graphql", "application/json", encode(map[string]any{
			"query":     "query Product($id: ID!) { product(id: $id) { id title price reviews(first: 3) { text stars } } }",
			"variables": map[string]any{"id": fmt.Sprint(r.IntN(1e6))}}))
	case 14:
		return upload(r)
	}
	return withBody(r, "POST", "/reviews", "application/x-www-form-urlencoded",
		url.Values{"stars": {fmt.Sprint(r.IntN(6))}, "text": {text(r, 30+r.IntN(60)) + "."}}.Encode())
}

func upload(r *rand.Rand) Request {
	boundary := fmt.Sprintf("----WebKitFormBoundary%016x", r.Uint64())
	b := fmt.Sprintf("--%s\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\n%s\r\n"+
		"--%[1]s\r\nContent-Disposition: form-data; name=\"file\"; filename=\"%s.txt\"\r\nContent-Type: text/plain\r\n\r\n%s\r\n--%[1]s--\r\n",
		boundary, text(r, 4), pick(r, words), text(r, 100))
	return withBody(r, "POST", "/files", "multipart/form-data; boundary="+boundary, b)
}
