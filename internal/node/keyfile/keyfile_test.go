package keyfile

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLoadOrMake(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.key")
	first, err := LoadOrMake(path)
	if err != nil || len(first) != Size || bytes.Equal(first, make([]byte, Size)) {
		t.Fatalf("%x, %v", first, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if again, err := LoadOrMake(path); err != nil || !bytes.Equal(first, again) {
		t.Errorf("the second start reads %x, %v", again, err)
	}
	next := bytes.Repeat([]byte{3}, Size)
	if err := Replace(path, next); err != nil {
		t.Fatal(err)
	}
	if got, err := Load(path); err != nil || !bytes.Equal(got, next) {
		t.Errorf("replaced by %x, %v", got, err)
	}
	if files, _ := os.ReadDir(filepath.Dir(path)); len(files) != 1 {
		t.Errorf("%d files are left", len(files))
	}
}

func TestRefuses(t *testing.T) {
	f := func(content string, mode os.FileMode, want string) {
		t.Helper()
		path := filepath.Join(t.TempDir(), "a.key")
		if err := os.WriteFile(path, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadOrMake(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%d bytes, mode %o: %v, want %q", len(content), mode, err, want)
		}
		if b, _ := os.ReadFile(path); string(b) != content {
			t.Errorf("the refused file was changed")
		}
	}
	f(strings.Repeat("k", Size), 0o644, "others can read it")
	f(strings.Repeat("k", Size), 0o640, "others can read it")
	f("", 0o600, "it has 0 bytes")
	f("short", 0o600, "it has 5 bytes")
	f(strings.Repeat("k", Size+1), 0o600, "it has 33 bytes")
	if _, err := LoadOrMake(filepath.Join(t.TempDir(), "none", "a.key")); err == nil {
		t.Error("made a key in a directory that is not there")
	}
}
