package parse

import (
	"encoding/binary"
	"math/bits"
)

// A Keys identifies a point by 64-bit hashes. They are the same in every
// process and may be stored.
type Keys struct {
	Exact  uint64 // all steps as they are
	Folded uint64 // with indexes of arrays folded: every element of an array is the same
}

// Key returns the keys of a point. A walk computes the same, step by step.
func Key(steps []Step) Keys {
	var k Keys
	for _, s := range steps {
		k = k.step(s.Kind, s.Key, s.Index)
	}
	return k
}

// step extends k by one step.
func (k Keys) step(kind Kind, key []byte, index int32) Keys {
	switch shapes[kind] {
	case byKey:
		h := hashName(key) ^ uint64(kind)<<56
		return Keys{mix(k.Exact, h), mix(k.Folded, h)}
	case byIndex:
		h := uint64(kind)<<56 | 1<<40 | uint64(uint32(index))
		folded := h
		if kind == Array {
			folded = uint64(kind)<<56 | 1<<41
		}
		return Keys{mix(k.Exact, h), mix(k.Folded, folded)}
	}
	h := uint64(kind) << 56
	return Keys{mix(k.Exact, h), mix(k.Folded, h)}
}

// Odd constants with well spread bits, as wyhash uses them.
const (
	k0 = 0xa0761d6478bd642f
	k1 = 0xe7037ed1a0b428db
)

func mix(h, x uint64) uint64 {
	hi, lo := bits.Mul64(h^k0, x^k1)
	return hi ^ lo ^ bits.RotateLeft64(h, 29)
}

// hashName hashes a name eight bytes at a time.
func hashName(b []byte) uint64 {
	h := uint64(len(b))
	for len(b) >= 8 {
		h = mix(h, binary.LittleEndian.Uint64(b))
		b = b[8:]
	}
	var tail uint64
	for i, c := range b {
		tail |= uint64(c) << (8 * i)
	}
	return mix(h, tail)
}
