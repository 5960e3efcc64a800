package config

import (
	"fmt"
	"math"
	"strconv"

	"github.com/dustin/go-humanize"
)

// Bytes is a size, written as 1MiB, 10GB or a plain number of bytes.
type Bytes int64

// ParseBytes reads a size.
func ParseBytes(s string) (Bytes, error) {
	n, err := humanize.ParseBytes(s)
	if err != nil || n > math.MaxInt64 {
		return 0, fmt.Errorf("%q is not a size like 1MiB, 10GB or 4096", s)
	}
	return Bytes(n), nil
}

// String returns b in the largest unit that needs no fraction.
func (b Bytes) String() string {
	units := []string{"", "KiB", "MiB", "GiB", "TiB"}
	i := 0
	for ; b != 0 && b%1024 == 0 && i < len(units)-1; i++ {
		b /= 1024
	}
	return strconv.FormatInt(int64(b), 10) + units[i]
}

// UnmarshalText reads a size.
func (b *Bytes) UnmarshalText(text []byte) (err error) {
	*b, err = ParseBytes(string(text))
	return err
}

// MarshalText writes a size.
func (b Bytes) MarshalText() ([]byte, error) { return []byte(b.String()), nil }
