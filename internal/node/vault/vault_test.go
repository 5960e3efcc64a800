package vault

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gabionhq/gabion/internal/node/tape"
)

// A note is a record for tests: id, request and text, in lines.
type note struct{ id, request, text string }

func codec(now func() time.Time) Codec[note] {
	return Codec[note]{
		Encode: func(n note) ([]byte, error) {
			return fmt.Appendf(nil, "%s\n%s\n%d\n%s", n.id, n.request, now().Unix(), n.text), nil
		},
		Decode: func(b []byte) (note, error) {
			p := strings.SplitN(string(b), "\n", 4)
			return note{p[0], p[1], p[3]}, nil
		},
		Entry: func(n note) Entry { return Entry{ID: n.id, Request: n.request, Time: now()} },
	}
}

var key = bytes.Repeat([]byte{7}, 32)

func open(t *testing.T, dir string, key []byte, b Bounds) *Vault[note] {
	t.Helper()
	if b.Now == nil {
		b.Now = func() time.Time { return time.Unix(1e9, 0) }
	}
	v, err := Open(dir, "notes", key, b, codec(b.Now))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Close() })
	return v
}

func put(t *testing.T, v *Vault[note], n note) {
	t.Helper()
	if err := v.Put(n); err != nil {
		t.Fatal(err)
	}
}

func TestKeepsAndFinds(t *testing.T) {
	dir := t.TempDir()
	v := open(t, dir, key, Bounds{})
	for i := range 100 {
		put(t, v, note{fmt.Sprint("e", i), fmt.Sprint("request-", i), "SECRETWORD"})
	}
	check := func(v *Vault[note]) {
		t.Helper()
		for _, id := range []string{"e7", "request-7"} {
			if got, err := v.Get(id); err != nil || got.id != "e7" || got.text != "SECRETWORD" {
				t.Errorf("Get(%q) = %v, %v", id, got, err)
			}
		}
		for _, id := range []string{"", "e100", "x"} {
			if got, err := v.Get(id); err != ErrNotFound {
				t.Errorf("Get(%q) = %v, %v", id, got, err)
			}
		}
		list := v.List()
		if len(list) != 100 || list[0].ID != "e99" || list[99].ID != "e0" {
			t.Errorf("List has %d entries", len(list))
		}
		n := 0
		v.Each(func(note) bool { n++; return n < 10 })
		if n != 10 {
			t.Errorf("Each went on to %d", n)
		}
	}
	check(v)
	v.Close()

	files, _ := filepath.Glob(filepath.Join(dir, "notes", "*"))
	for _, f := range files {
		if b, _ := os.ReadFile(f); bytes.Contains(b, []byte("SECRETWORD")) || bytes.Contains(b, []byte("request-7")) {
			t.Errorf("%s holds clear text", f)
		}
		if info, _ := os.Stat(f); info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", f, info.Mode())
		}
	}
	v = open(t, dir, key, Bounds{})
	check(v)
	v.Close()

	other := open(t, dir, bytes.Repeat([]byte{8}, 32), Bounds{})
	if len(other.List()) != 0 || other.Lost() != 100 {
		t.Errorf("another key opens %d records and misses %d", len(other.List()), other.Lost())
	}
}

func TestBytesBound(t *testing.T) {
	v := open(t, t.TempDir(), key, Bounds{Bytes: tape.MinBytes})
	for i := range 1000 {
		put(t, v, note{fmt.Sprint("e", i), "", strings.Repeat("x", 1000)})
	}
	list := v.List()
	if v.Bytes() > tape.MinBytes || len(list) < 200 || list[0].ID != "e999" {
		t.Errorf("%d entries in %d bytes", len(list), v.Bytes())
	}
	if _, err := v.Get("e0"); err != ErrNotFound {
		t.Errorf("the oldest is found: %v", err)
	}
	for _, e := range list {
		if _, err := v.Get(e.ID); err != nil {
			t.Errorf("%s is listed and not found: %v", e.ID, err)
		}
	}
}

func TestAgeBound(t *testing.T) {
	now := time.Unix(1e9, 0)
	dir := t.TempDir()
	v := open(t, dir, key, Bounds{Bytes: 1 << 20, Age: time.Hour, Now: func() time.Time { return now }})
	put(t, v, note{id: "old"})
	now = now.Add(30 * time.Minute)
	put(t, v, note{id: "new"})
	now = now.Add(31 * time.Minute)
	if _, err := v.Get("old"); err != ErrNotFound {
		t.Errorf("after an hour it is found: %v", err)
	}
	if _, err := v.Get("new"); err != nil {
		t.Error(err)
	}
	if list := v.List(); len(list) != 1 || list[0].ID != "new" {
		t.Errorf("list: %v", list)
	}
	if err := v.Expire(); err != nil {
		t.Fatal(err)
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "notes", "*")); len(files) != 1 {
		t.Errorf("%d files are left, want that of the new one", len(files))
	}
}

// Every byte of the file is changed in turn: a record reads as it was or not
// at all.
func TestDamage(t *testing.T) {
	dir := t.TempDir()
	v := open(t, dir, key, Bounds{})
	want := map[string]note{}
	for i := range 3 {
		n := note{fmt.Sprint("e", i), "r", "text"}
		want[n.id] = n
		put(t, v, n)
	}
	v.Close()
	files, _ := filepath.Glob(filepath.Join(dir, "notes", "*"))
	whole, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		bad := bytes.Clone(whole)
		bad[i] ^= 1
		if err := os.WriteFile(files[0], bad, 0o600); err != nil {
			t.Fatal(err)
		}
		v := open(t, dir, key, Bounds{})
		v.Each(func(n note) bool {
			if diff := cmp.Diff(want[n.id], n, cmp.AllowUnexported(note{})); diff != "" {
				t.Fatalf("byte %d changed: %s", i, diff)
			}
			return true
		})
		if len(v.List()) == 3 {
			t.Fatalf("byte %d changed and all three records are there", i)
		}
		v.Close()
	}
}

// TestScan reads a vault while its owner has it open and writes it.
func TestScan(t *testing.T) {
	dir := t.TempDir()
	v := open(t, dir, key, Bounds{})
	defer v.Close()
	var want []note
	for i := range 3 {
		want = append(want, note{fmt.Sprint("e", i), "r", "text"})
		put(t, v, want[i])
		var got []note
		lost, err := Scan(dir, "notes", key, v.codec, func(n note) { got = append(got, n) })
		if err != nil || lost != 0 {
			t.Fatalf("%d lost, %v", lost, err)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(note{})); diff != "" {
			t.Error(diff)
		}
	}
	lost, err := Scan(dir, "notes", make([]byte, len(key)), v.codec, func(n note) { t.Errorf("another key opens %v", n) })
	if err != nil || lost != 3 {
		t.Errorf("with another key %d are lost, %v; want all 3", lost, err)
	}
	if _, err := Scan(dir, "missing", key, v.codec, func(note) {}); err == nil {
		t.Error("a vault that does not exist was read")
	}
}
