// Package pseudonym turns addresses and keys into tags that only the group key can undo.
//
// The cloud never has the group key. To it a tag is a random number that is
// the same each time, on every node of the group; it cannot test a guess of
// what is behind one.
package pseudonym

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/netip"
)

// A Key makes tags. It is safe for concurrent use.
type Key struct {
	source cipher.Block
	number cipher.Block
}

// New derives a Key from the group key of keyfile.Size bytes.
func New(group []byte) (*Key, error) {
	source, err := derive(group, "gabion source v1")
	if err != nil {
		return nil, err
	}
	number, err := derive(group, "gabion number v1")
	if err != nil {
		return nil, err
	}
	return &Key{source: source, number: number}, nil
}

func derive(group []byte, info string) (cipher.Block, error) {
	key, err := hkdf.Key(sha256.New, group, nil, info, 32)
	if err != nil {
		return nil, fmt.Errorf("deriving the key for %q: %w", info, err)
	}
	return aes.NewCipher(key)
}

var lower32 = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// Source returns the tag of one address: 16 letters and digits.
func (k *Key) Source(a netip.Addr) string {
	b := k.block(a)
	return lower32.EncodeToString(b[:10])
}

// Network returns the tag of the network that counts as one source when
// sources are counted: the /24 of an IPv4 address, the /64 of an IPv6 one.
func (k *Key) Network(a netip.Addr) uint64 {
	b := k.block(mask(a, 24, 64))
	return binary.BigEndian.Uint64(b[:])
}

// Neighbourhood returns the tag of the /16 or /32 around an address.
func (k *Key) Neighbourhood(a netip.Addr) uint64 {
	b := k.block(mask(a, 16, 32))
	return binary.BigEndian.Uint64(b[:])
}

// block encrypts the address. AES is a permutation of 128 bits, which is
// what an IPv6 address has: no two addresses share a tag.
func (k *Key) block(a netip.Addr) [16]byte {
	b := a.As16()
	k.source.Encrypt(b[:], b[:])
	return b
}

// Prefix returns the network of an address that may leave the node: the /24
// or /48, "" for no address.
func Prefix(a netip.Addr) string {
	a = a.Unmap()
	if !a.IsValid() {
		return ""
	}
	p, _ := a.WithZone("").Prefix(width(a, 24, 48)) // the width fits the address
	return p.String()
}

func mask(a netip.Addr, v4, v6 int) netip.Addr {
	a = a.Unmap().WithZone("")
	if !a.IsValid() {
		return a
	}
	p, _ := a.Prefix(width(a, v4, v6))
	return p.Addr()
}

func width(a netip.Addr, v4, v6 int) int {
	if a.Is4() {
		return v4
	}
	return v6
}

// Tag returns the tag of a hash, for counting distinct values. Unlike that of
// Seal it is not for turning back.
func (k *Key) Tag(hash uint64) uint64 {
	b := [16]byte{15: 1} // apart from what mix encrypts
	binary.BigEndian.PutUint64(b[:], hash)
	k.number.Encrypt(b[:], b[:])
	return binary.BigEndian.Uint64(b[:])
}

// Seal returns the tag of a number, such as the hash of a point. Whoever
// knows an unkeyed hash can test guesses of its text; a tag gives nothing
// away.
func (k *Key) Seal(v uint64) uint64 {
	left, right := uint32(v>>32), uint32(v)
	for round := range uint32(rounds) {
		left, right = right, left^k.mix(round, right)
	}
	return uint64(left)<<32 | uint64(right)
}

// Open returns the number behind a tag.
func (k *Key) Open(tag uint64) uint64 {
	left, right := uint32(tag>>32), uint32(tag)
	for round := uint32(rounds); round > 0; round-- {
		left, right = right^k.mix(round-1, left), left
	}
	return uint64(left)<<32 | uint64(right)
}

// rounds of the Feistel network: four make it a strong pseudo-random
// permutation (Luby and Rackoff), eight leave room for its small halves.
const rounds = 8

func (k *Key) mix(round, half uint32) uint32 {
	var b [16]byte
	binary.BigEndian.PutUint32(b[:], round)
	binary.BigEndian.PutUint32(b[4:], half)
	k.number.Encrypt(b[:], b[:])
	return binary.BigEndian.Uint32(b[:])
}
