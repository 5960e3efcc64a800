package store_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gabionhq/gabion/internal/cloud/store"
	"github.com/gabionhq/gabion/internal/cloud/store/storetest"
)

func TestSQLite(t *testing.T) {
	storetest.Run(t, func(t *testing.T) *store.DB {
		db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "a ?#%.db"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		return db
	})
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	garbage := filepath.Join(dir, "garbage.db")
	if err := os.WriteFile(garbage, []byte(strings.Repeat("not a database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{garbage, dir, filepath.Join(dir, "missing", "cloud.db")} {
		if db, err := store.Open(t.Context(), path); err == nil {
			db.Close()
			t.Errorf("%s was opened", path)
		} else if strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: not one line: %v", path, err)
		}
	}
}

// TestOnlyStoreQueries keeps the tenant in every query: outside of this
// package nothing can begin one but a Scope.
func TestOnlyStoreQueries(t *testing.T) {
	err := filepath.WalkDir("..", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasPrefix(path, filepath.Join("..", "store")+string(filepath.Separator)) {
			return err
		}
		text, err := os.ReadFile(path)
		for _, library := range []string{`"database/sql"`, `"github.com/uptrace/bun`} {
			if strings.Contains(string(text), library) {
				t.Errorf("%s imports %s", path, library)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestNewer: an older program leaves a newer one's data alone.
func TestNewer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cloud.db")
	db, err := store.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	raw, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	if _, err := raw.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)"); err != nil {
		t.Fatal(err)
	}
	if db, err := store.Open(t.Context(), path); err == nil || !strings.Contains(err.Error(), "newer") {
		t.Errorf("opened: %v", err)
		if err == nil {
			db.Close()
		}
	}
}
