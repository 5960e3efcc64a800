package vault

import (
	"fmt"
	"path/filepath"

	"github.com/gabionhq/gabion/internal/node/tape"
)

// Scan hands every record of the vault called name to each, oldest first, and
// changes nothing: it may read what a running node writes. It returns how
// many records could not be decrypted.
func Scan[R any](dir, name string, key []byte, codec Codec[R], each func(R)) (lost int, err error) {
	aead, err := newAEAD(key, name)
	if err != nil {
		return 0, fmt.Errorf("opening %s: %w", name, err)
	}
	v := &Vault[R]{codec: codec, aead: aead}
	err = tape.Scan(filepath.Join(dir, name), func(sealed []byte) {
		r, err := v.open(sealed)
		if err != nil {
			lost++
			return
		}
		each(r)
	})
	return lost, err
}
