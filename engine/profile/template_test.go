package profile

import (
	"strings"
	"testing"
)

func TestAppendPath(t *testing.T) {
	f := func(target, path, literal string) {
		t.Helper()
		if got := string(AppendPath([]byte("x"), []byte(target))); got != "x"+path {
			t.Errorf("AppendPath(%q) = %q, want %q", target, got[1:], path)
		}
		if got := string(AppendLiteral([]byte("x"), []byte(target))); got != "x"+literal {
			t.Errorf("AppendLiteral(%q) = %q, want %q", target, got[1:], literal)
		}
	}
	f("", "/", "/")
	f("*", "/*", "/*")
	f("/", "/", "/")
	f("/a/b?c/../d#e", "/a/b", "/a/b")
	f("/a/b#e?f", "/a/b", "/a/b")
	f("http://h:1/a", "/a", "/a")
	f("http://h", "/", "/")
	f("/a/./b", "/a/b", "/a/./b")
	f("/a/../b", "/b", "/a/../b")
	f("/../../b", "/b", "/../../b")
	f("/a/b/..", "/a/", "/a/b/..")
	f("/a/.", "/a/", "/a/.")
	f("//a///b/", "/a/b/", "//a///b/")
	f("/%61%2Fb", "/a/b", "/a%2Fb")
	f("/a%2f%2e%2e%2fb", "/b", "/a%2f..%2fb")
	f(`/a\..\b`, "/b", `/a\..\b`)
	f("/a;v=1/b;c", "/a/b", "/a;v=1/b;c")
	f("/a/..;/b", "/b", "/a/..;/b")
	f("/%2561", "/%61", "/%61")
	f("/%", "/%", "/%")
	f("/%4", "/%4", "/%4")
	f("/%zz", "/%zz", "/%zz")
	f("/...", "/...", "/...")
	f("/.a/b", "/.a/b", "/.a/b")
}

func TestTemplate(t *testing.T) {
	f := func(path, want string) {
		t.Helper()
		if got := string(AppendTemplate(nil, []byte(path))); got != want {
			t.Errorf("AppendTemplate(%q) = %q, want %q", path, got, want)
		}
	}
	f("/", "/")
	f("/api/v1/users/42/orders", "/api/v1/users/{int}/orders")
	f("/users/42.json", "/users/{int}.json")
	f("/users/-7/", "/users/{int}/")
	f(strings.Repeat("/42", maxTyped+2), strings.Repeat("/{int}", maxTyped)+"/42/42")
	f("/x/550e8400-e29b-41d4-a716-446655440000", "/x/{uuid}")
	f("/x/550E8400-E29B-41D4-A716-446655440000.pdf", "/x/{uuid}.pdf")
	f("/x/507f1f77bcf86cd799439011", "/x/{hex}")
	f("/x/01ARZ3NDEKTSV4RRFFQ69G5FAV", "/x/{ulid}")
	f("/2024-02-29/report", "/{date}/report")
	f("/c/cus_9s6XKzkNRiz8i3", "/c/{id}")
	f("/jane@example.com/x", "/{email}/x")
	f("/ip/10.0.0.1", "/ip/{ip}")
	f("/at/52.52", "/at/{float}")
	f("/t/dGhpcyBpcyBhIHRlc3Q0Mg", "/t/{token}")
	// Names stay, even with digits.
	for _, name := range []string{"/login", "/v2", "/oauth2/token", "/index.html", "/jquery-3.7.1.min.js", "/sha256", "/some-long-slug-of-words", "/utf8_general_ci", "/on/true", "/user_profiles_2", "/a.b.c"} {
		f(name, name)
	}
}

func TestTemplateAllocatesNothing(t *testing.T) {
	path := []byte("/api/v1/users/42/550e8400-e29b-41d4-a716-446655440000/login")
	buf := make([]byte, 0, 256)
	if n := testing.AllocsPerRun(100, func() { buf = AppendTemplate(buf[:0], path) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestEndpoint(t *testing.T) {
	seen := map[uint64]string{}
	for _, parts := range []string{"h GET /a", "h GET /b", "h POST /a", "i GET /a", "hG ET /a", " hGET /a", "h  GET/a"} {
		f := strings.Split(parts, " ")
		key := Endpoint([]byte(f[0]), []byte(f[1]), []byte(f[2]))
		if other, ok := seen[key]; ok {
			t.Errorf("%q and %q have one key", parts, other)
		}
		seen[key] = parts
	}
	if key := Endpoint([]byte("shop.example"), []byte("GET"), []byte("/users/{int}")); key != 0xe3 {
		t.Logf("%#x", key)
	}
}

// Normalising what is normal changes nothing.
func FuzzAppendPath(f *testing.F) {
	f.Add([]byte("/a/../b;c/%2e%2E/d"))
	f.Add([]byte(`\..\x`))
	f.Fuzz(func(t *testing.T, target []byte) {
		path := AppendPath(nil, target)
		if path[0] != '/' || len(path) > len(target)+1 {
			t.Fatalf("%q: %q", target, path)
		}
		for s := range strings.SplitSeq(string(path[1:]), "/") {
			if s == ".." || s == "." {
				t.Fatalf("%q: %q holds a dot segment", target, path)
			}
		}
		if strings.Contains(string(path), "//") {
			t.Fatalf("%q: %q holds an empty segment", target, path)
		}
		AppendTemplate(nil, path)
		AppendLiteral(nil, target)
	})
}

func BenchmarkTemplate(b *testing.B) {
	path := []byte("/api/v1/users/42/orders/index.html")
	var buf []byte
	for b.Loop() {
		buf = AppendTemplate(buf[:0], path)
	}
}
