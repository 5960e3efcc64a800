package demo

import (
	"encoding/xml"
	"fmt"
	"html"
	"io"
	"io/fs"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"strings"
	"testing/fstest"
	"text/template"
)

// disk is the only file system that a twin can reach. Its secrets are made up.
func disk() fstest.MapFS {
	return fstest.MapFS{
		"etc/passwd":              {Data: []byte("root:x:0:0:root:/root:/bin/sh\nshop:x:1000:1000:demo:/srv/shop:/bin/sh\n")},
		"etc/hostname":            {Data: []byte("gabion-demo\n")},
		"srv/shop/.env":           {Data: []byte("DB_PASSWORD=not-a-real-secret\n")},
		"srv/shop/files/care.txt": {Data: []byte("Rinse the stones before filling.\n")},
		"srv/shop/files/size.txt": {Data: []byte("Baskets: 50, 100, 200 cm.\n")},
	}
}

const filesDir = "/srv/shop/files"

// search answers GET /search?q=. The twin builds its SQL by concatenation
// and echoes the query unescaped.
func (s *Shop) search(vulnerable bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q := r.FormValue("q")
		const stem = `SELECT id, name, cents FROM products WHERE name LIKE `
		var rows [][]string
		var err error
		if vulnerable {
			_, rows, err = query(r.Context(), stem+`'%`+q+`%'`)
		} else {
			_, rows, err = query(r.Context(), stem+`'%' || ? || '%'`, q)
			q = html.EscapeString(q)
		}
		if err != nil {
			http.Error(w, "database: "+err.Error(), http.StatusInternalServerError)
			return
		}
		body := "<p>Results for <em>" + q + "</em></p><ul>"
		for _, row := range rows {
			body += "<li>" + html.EscapeString(strings.Join(row, " · ")) + "</li>"
		}
		page(w, "Search", body+"</ul>")
	}
}

// login answers POST /login with a form. The twin is injectable in both fields.
func (s *Shop) login(vulnerable bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		name, password := r.FormValue("user"), r.FormValue("password")
		var rows [][]string
		var err error
		if vulnerable {
			_, rows, err = query(r.Context(), `SELECT name, role FROM users WHERE name = '`+name+`' AND password = '`+password+`'`)
		} else {
			_, rows, err = query(r.Context(), `SELECT name, role FROM users WHERE name = ? AND password = ?`, name, password)
		}
		if err != nil {
			http.Error(w, "database: "+err.Error(), http.StatusInternalServerError)
			return
		}
		if len(rows) == 0 {
			w.WriteHeader(http.StatusUnauthorized)
			page(w, "Log in", "<p>Unknown user or wrong password.</p>")
			return
		}
		http.SetCookie(w, &http.Cookie{Name: "shop_session", Value: token(rows[0][0]), Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
		page(w, "Welcome", "<p>Logged in as "+html.EscapeString(strings.Join(rows[0], ", "))+".</p>")
	}
}

// files answers GET /files?name=. The twin follows dot segments.
func (s *Shop) files(vulnerable bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		name := r.FormValue("name")
		if !vulnerable {
			name = path.Base("/" + name)
		}
		full := strings.TrimPrefix(path.Join(filesDir, name), "/")
		b, err := fs.ReadFile(disk(), full)
		if err != nil {
			http.Error(w, "no such file", http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Write(b)
	}
}

// ping answers GET /ping?host=. The twin hands its parameter to a shell.
func (s *Shop) ping(vulnerable bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		host := r.FormValue("host")
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		if vulnerable {
			out, err := shell(r.Context(), "ping -c 1 "+host)
			if err != nil {
				http.Error(w, "shell: "+err.Error(), http.StatusInternalServerError)
				return
			}
			io.WriteString(w, out)
			return
		}
		if _, err := netip.ParseAddr(host); err != nil {
			http.Error(w, "host must be an IP address", http.StatusBadRequest)
			return
		}
		fmt.Fprintf(w, "%s answers\n", host)
	}
}

// preview answers GET /preview?url=. The twin reaches internal hosts, which
// exist in this function only.
func (s *Shop) preview(vulnerable bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		u, err := url.Parse(r.FormValue("url"))
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
			http.Error(w, "url must be http or https", http.StatusBadRequest)
			return
		}
		ip, err := netip.ParseAddr(u.Hostname())
		internal := u.Hostname() == "localhost" || err == nil && (ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast())
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		switch {
		case internal && vulnerable:
			io.WriteString(w, "instance-id: i-0demo\nrole: shop\ntoken: not-a-real-token\n")
		case internal:
			http.Error(w, "that host is not public", http.StatusForbidden)
		default:
			fmt.Fprintf(w, "preview of %s\n", u.Hostname())
		}
	}
}

// hello answers GET /hello?name=. The twin parses its parameter as a template.
func (s *Shop) hello(vulnerable bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		data := map[string]string{"name": r.FormValue("name"), "secret": "not-a-real-secret"}
		text := "Hello, {{.name}}!"
		if vulnerable {
			text = "Hello, " + data["name"] + "!"
		}
		t, err := template.New("hello").Parse(text)
		if err != nil {
			http.Error(w, "template: "+err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		if err := t.Execute(&capped{w: w, left: maxOutput}, data); err != nil {
			fmt.Fprintf(w, "\ntemplate: %v\n", err)
		}
	}
}

// entityDecl is the external entity of a document type, as the twin reads it.
var entityDecl = regexp.MustCompile(`<!ENTITY\s+(\w+)\s+SYSTEM\s+["']file://([^"']+)["']\s*>`)

// stock answers POST /stock with an XML document. The twin resolves external
// entities, from the disk in memory.
func (s *Shop) stock(vulnerable bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
			return
		}
		d := xml.NewDecoder(strings.NewReader(string(body)))
		if vulnerable {
			d.Entity = map[string]string{}
			for _, m := range entityDecl.FindAllStringSubmatch(string(body), 16) {
				b, _ := fs.ReadFile(disk(), strings.TrimPrefix(path.Clean(m[2]), "/"))
				d.Entity[m[1]] = string(b)
			}
		}
		var in struct {
			Product string `xml:"product"`
			Store   string `xml:"store"`
		}
		if err := d.Decode(&in); err != nil {
			http.Error(w, "xml: "+err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/xml")
		io.WriteString(w, xml.Header+"<stock><product>")
		xml.EscapeText(w, []byte(in.Product))
		io.WriteString(w, "</product><count>7</count></stock>\n")
	}
}

// capped passes on up to left bytes and drops the rest.
type capped struct {
	w    io.Writer
	left int
}

func (c *capped) Write(p []byte) (int, error) {
	keep := p[:min(len(p), c.left)]
	c.left -= len(keep)
	if _, err := c.w.Write(keep); err != nil {
		return 0, err
	}
	return len(p), nil
}
