// Package keyfile keeps a secret key in a file that only its owner can read.
package keyfile

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Size is the size of a key, in bytes.
const Size = 32

// LoadOrMake reads the key file, or makes it with a new random key.
func LoadOrMake(path string) ([]byte, error) {
	key, err := Load(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if err := create(path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("making key file: %w", err)
	}
	return Load(path) // ours, or that of whoever was faster
}

// create makes a key file, unless there is one.
func create(path string) error {
	key := make([]byte, Size)
	rand.Read(key)
	return write(path, key, os.Link)
}

// Replace writes a key file, whether there is one or not.
func Replace(path string, key []byte) error {
	if err := write(path, key, os.Rename); err != nil {
		return fmt.Errorf("writing key file: %w", err)
	}
	return nil
}

// write writes a whole key under another name first, so that no crash leaves
// half a key, and then puts it in its place.
func write(path string, key []byte, place func(from, to string) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".key-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(key)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return place(f.Name(), path)
}

// Load reads a key file. One that others can read, or that does not hold a
// key, is refused and left as it is: what it opens would be lost with it.
func Load(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("reading key file: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("reading key file %s: others can read it (mode %04o): make it 0600", path, mode)
	}
	key, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading key file: %w", err)
	}
	if len(key) != Size {
		return nil, fmt.Errorf("reading key file %s: it has %d bytes, a key has %d: restore it, or remove it together with what it opens", path, len(key), Size)
	}
	return key, nil
}
