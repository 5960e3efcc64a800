// Package vault keeps encrypted records on disk, bounded by bytes and age.
//
// Each record is sealed with AES-256-GCM under a key that is made at first
// start, never leaves the data directory and is readable by its owner alone.
// Deleting the key file makes every record unreadable for good.
package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/gabionhq/gabion/internal/node/tape"
)

// ErrNotFound is returned for a record that is not, or no longer, kept.
var ErrNotFound = errors.New("not kept here, or dropped for age or room")

// keepFree is what is left of the disk for the spool: requests that are kept
// must not cost hits.
const keepFree = 0.2

// Bounds are what a vault may hold.
type Bounds struct {
	Bytes int64
	Age   time.Duration // 0: any age
	Now   func() time.Time
}

// An Entry names a record: by its own id and by the request it came from.
type Entry struct {
	ID      string
	Request string
	Time    time.Time
	pos     tape.Pos
}

// A Codec turns records into bytes and back, and says how they are called.
type Codec[R any] struct {
	Encode func(R) ([]byte, error)
	Decode func([]byte) (R, error)
	Entry  func(R) Entry
}

// A Vault of records R is safe for concurrent use.
type Vault[R any] struct {
	codec  Codec[R]
	bounds Bounds
	aead   cipher.AEAD
	tape   *tape.Tape
	lost   int // records that could not be decrypted at Open

	mu      sync.Mutex
	entries []Entry // oldest first
	expired time.Time
}

// Open opens the vault called name, whose files are in dir/name and whose key
// is derived from key.
func Open[R any](dir, name string, key []byte, bounds Bounds, codec Codec[R]) (*Vault[R], error) {
	aead, err := newAEAD(key, name)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", name, err)
	}
	if bounds.Now == nil {
		bounds.Now = time.Now
	}
	v := &Vault[R]{codec: codec, bounds: bounds, aead: aead}
	// Whole segments are dropped: with spans of an eighth, a record is gone
	// from the disk at the latest an eighth of its age too late.
	opts := tape.Options{Bytes: bounds.Bytes, Free: keepFree, Span: bounds.Age / 8, Now: bounds.Now}
	v.tape, err = tape.Open(filepath.Join(dir, name), opts, v.index)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", name, err)
	}
	return v, v.Expire()
}

func newAEAD(key []byte, name string) (cipher.AEAD, error) {
	sub, err := hkdf.Key(sha256.New, key, nil, "gabion vault "+name, 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(sub)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

func (v *Vault[R]) index(pos tape.Pos, sealed []byte) {
	r, err := v.open(sealed)
	if err != nil {
		v.lost++
		return
	}
	e := v.codec.Entry(r)
	e.pos = pos
	v.entries = append(v.entries, e)
}

func (v *Vault[R]) open(sealed []byte) (r R, err error) {
	plain, err := v.aead.Open(nil, nil, sealed, nil)
	if err != nil {
		return r, errors.New("decrypting: wrong key, or the record was changed")
	}
	return v.codec.Decode(plain)
}

// Put keeps a record. When it returns nil the record survives kill -9.
func (v *Vault[R]) Put(r R) error {
	plain, err := v.codec.Encode(r)
	if err != nil {
		return fmt.Errorf("encoding a record: %w", err)
	}
	sealed := v.aead.Seal(nil, nil, plain, nil)
	v.mu.Lock()
	defer v.mu.Unlock()
	e := v.codec.Entry(r)
	if e.pos, err = v.tape.Append(sealed); err != nil {
		return err
	}
	v.entries = append(v.entries, e)
	return v.prune()
}

// Expire drops what is too old. Put does it too, but only when it is called.
func (v *Vault[R]) Expire() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.prune()
}

// Shrink drops the oldest records because their room is needed for something
// more important, and says whether there were any.
func (v *Vault[R]) Shrink() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.tape.Shrink() && v.prune() == nil
}

func (v *Vault[R]) prune() error {
	now := v.bounds.Now()
	if v.bounds.Age > 0 && now.Sub(v.expired) >= v.bounds.Age/64 {
		if err := v.tape.Expire(now.Add(-v.bounds.Age)); err != nil {
			return err
		}
		v.expired = now
	}
	first := v.tape.First()
	n := 0
	for n < len(v.entries) && v.entries[n].pos.Number < first {
		n++
	}
	v.entries = v.entries[n:] // the array stays as it is for those who read it
	return nil
}

// Get returns the newest record whose id or request is the one given.
func (v *Vault[R]) Get(id string) (r R, err error) {
	v.mu.Lock()
	entries := v.entries
	v.mu.Unlock()
	for _, e := range slices.Backward(entries) {
		if (e.ID == id || e.Request == id) && id != "" && !v.tooOld(e) {
			return v.at(e)
		}
	}
	return r, ErrNotFound
}

// List returns the entries that are kept, newest first.
func (v *Vault[R]) List() []Entry {
	v.mu.Lock()
	defer v.mu.Unlock()
	list := slices.DeleteFunc(slices.Clone(v.entries), v.tooOld)
	slices.Reverse(list)
	return list
}

// Each calls f for every record, newest first, until f returns false.
// Records that are dropped meanwhile are left out.
func (v *Vault[R]) Each(f func(R) bool) {
	for _, e := range v.List() {
		if r, err := v.at(e); err == nil && !f(r) {
			return
		}
	}
}

func (v *Vault[R]) at(e Entry) (r R, err error) {
	sealed, err := v.tape.At(e.pos)
	if err != nil {
		return r, err
	}
	return v.open(sealed)
}

func (v *Vault[R]) tooOld(e Entry) bool {
	return v.bounds.Age > 0 && v.bounds.Now().Sub(e.Time) > v.bounds.Age
}

// Lost is the number of records that Open found and could not decrypt.
func (v *Vault[R]) Lost() int { return v.lost }

// Bytes is the size on disk.
func (v *Vault[R]) Bytes() int64 { return v.tape.Bytes() }

// Close syncs the vault.
func (v *Vault[R]) Close() error { return v.tape.Close() }
