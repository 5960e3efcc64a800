package query

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gabionhq/gabion/internal/cloud/store"
)

func table() Table {
	return Table{Words: []string{"fragment", "path"}, Fields: map[string]Field{
		"class": {Column: "class"}, "status": {Column: "status", Kind: Number}, "path": {Column: "path"}}}
}

func TestErrors(t *testing.T) {
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "cloud.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	f := func(text, want string) {
		t.Helper()
		_, err := Apply(db.Tenant("a").Select((*store.Hit)(nil)), table(), text)
		if !errors.Is(err, ErrSyntax) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, wants %q", text, err, want)
		}
	}
	f("colour:red", "class, path, status")
	f("class:sqli colour:red", "character 12")
	f("status:many", `"many" is not a number`)
	f("status:1..x", "3..7")
	f("class:", "value is missing")
	f("-", "value is missing")
	f("class:(a,b", "no end")
	f("class:(a,,b)", "value is missing")
	f(`"open`, "no end")
	f(strings.Repeat("a ", 51), "50 terms")
	f(strings.Repeat("a", 1001), "1000 characters")
}

// FuzzApply: whatever people type is refused as a syntax error or is valid
// SQL that stays within the tenant.
func FuzzApply(f *testing.F) {
	db, err := store.Open(f.Context(), filepath.Join(f.TempDir(), "cloud.db"))
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { db.Close() })
	for _, tenant := range []string{"a", "b"} {
		err := db.Tenant(tenant).Insert(f.Context(), &store.Hit{ID: "1", Class: "sqli", Fragment: tenant, Path: "/", EndpointKey: []byte{}, PointKey: []byte{}})
		if err != nil {
			f.Fatal(err)
		}
	}
	for _, text := range []string{
		"", "class:sqli", "-class:(a, \"b\")", "status:>=500 x", "status:1..2", "path:*", `"' OR 1=1 --"`, "!x", "class:?", "path:%_\\*", "x') OR ('1'='1", "?TableAlias", "\x00", "é*",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var hits []store.Hit
		q, err := Apply(db.Tenant("a").Select(&hits), table(), text)
		if err != nil {
			if !errors.Is(err, ErrSyntax) {
				t.Fatal(err)
			}
			return
		}
		if err := q.Scan(t.Context()); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if len(hits) > 1 || len(hits) == 1 && hits[0].Tenant != "a" {
			t.Fatalf("%q: reads %v", text, hits)
		}
	})
}
