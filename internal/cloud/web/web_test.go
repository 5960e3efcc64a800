package web

import (
	"io"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestHandler(t *testing.T) {
	f := func(method, path string, status int, contains string) {
		t.Helper()
		w := httptest.NewRecorder()
		Handler().ServeHTTP(w, httptest.NewRequest(method, path, nil))
		body, _ := io.ReadAll(w.Body)
		if w.Code != status || !strings.Contains(string(body), contains) {
			t.Errorf("%s %s: %d %.80q, want %d and %q", method, path, w.Code, body, status, contains)
		}
		if csp := w.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "script-src 'self'") {
			t.Errorf("%s %s: policy %q", method, path, csp)
		}
	}
	f("GET", "/", 200, "<title>Gabion</title>")
	f("GET", "/attacks?sel=1", 200, "<title>Gabion</title>") // a page of the application
	f("GET", "/../../etc/passwd", 200, "<title>Gabion</title>")
	f("GET", "/assets/none.js", 404, "")
	f("POST", "/", 404, "")
}
