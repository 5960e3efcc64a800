// Package web serves the console: files built from console/, embedded.
package web

import (
	"bytes"
	"embed"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed all:dist
var dist embed.FS

//go:embed unbuilt.html
var unbuilt []byte

// policy lets the page load from itself only. Styles may be inline because
// the component library sets them on elements; scripts may not.
const policy = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
	"connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// Handler serves the console, or says that this program was built without
// it, as Go code alone is. A path that names no file is a page of the
// application, which reads it itself.
func Handler() http.Handler {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		panic("BUG: embedded directory: " + err.Error())
	}
	index, err := fs.ReadFile(files, "index.html")
	if err != nil {
		index = unbuilt
	}
	server := http.FileServerFS(files)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Frame-Options", "DENY")
		name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
		asset := strings.HasPrefix(name, "assets/")
		info, err := fs.Stat(files, name)
		switch {
		case err == nil && !info.IsDir() && name != "index.html":
			if asset { // names hold a hash of their content
				h.Set("Cache-Control", "public, max-age=31536000, immutable")
			}
			server.ServeHTTP(w, r)
		case asset || r.Method != http.MethodGet && r.Method != http.MethodHead:
			http.NotFound(w, r)
		default:
			h.Set("Cache-Control", "no-cache")
			http.ServeContent(w, r, "index.html", time.Time{}, bytes.NewReader(index))
		}
	})
}
