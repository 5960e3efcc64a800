// Package wire is the contract between nodes and the cloud.
//
// The messages are in wire.proto; package wirepb is generated from it. What
// both sides must compute alike is here: enrolment tokens, the bytes that a
// ruleset's signature covers, and the sealing of answers.
package wire

//go:generate ../tools/protoc.sh .

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/hpke"
	"encoding/binary"
	"errors"
	"fmt"
)

// Version is the contract's version. One line per bump:
//
//   - 1: 2026-11-21: first contract.
//   - 2: 2026-11-21: leaks, and hits that they confirm.
const Version = 2

// SigningBytes returns what the Ed25519 signature of a ruleset covers.
func SigningBytes(group string, version uint64, blob []byte) []byte {
	const domain = "gabion ruleset v1\x00"
	b := make([]byte, 0, len(domain)+len(group)+1+8+len(blob))
	b = append(b, domain...)
	b = append(b, group...)
	b = append(b, 0)
	b = binary.BigEndian.AppendUint64(b, version)
	return append(b, blob...)
}

// Sign signs a ruleset for one node group.
func Sign(key ed25519.PrivateKey, group string, version uint64, blob []byte) []byte {
	return ed25519.Sign(key, SigningBytes(group, version, blob))
}

// Verify says whether a ruleset is signed by key for this group and version.
func Verify(key ed25519.PublicKey, group string, version uint64, blob, signature []byte) bool {
	return len(key) == ed25519.PublicKeySize && ed25519.Verify(key, SigningBytes(group, version, blob), signature)
}

// NewReplyKey makes the key pair of a viewer who asks nodes. The first
// result is what Ask.reply_key carries.
func NewReplyKey() (public []byte, private hpke.PrivateKey, err error) {
	private, err = hpke.DHKEM(ecdh.P256()).GenerateKey()
	if err != nil {
		return nil, nil, fmt.Errorf("making a reply key: %w", err)
	}
	return private.PublicKey().Bytes(), private, nil
}

// Seal encrypts the answer to one Ask so that only the holder of its reply
// key can read it. P-256 because every browser's WebCrypto has it.
func Seal(replyKey []byte, ask string, plain []byte) ([]byte, error) {
	public, err := hpke.DHKEM(ecdh.P256()).NewPublicKey(replyKey)
	if err != nil {
		return nil, fmt.Errorf("reading the reply key of ask %s: %w", ask, err)
	}
	return hpke.Seal(public, hpke.HKDFSHA256(), hpke.AES256GCM(), sealInfo(ask), plain)
}

// Open decrypts what Seal made.
func Open(private hpke.PrivateKey, ask string, sealed []byte) ([]byte, error) {
	plain, err := hpke.Open(private, hpke.HKDFSHA256(), hpke.AES256GCM(), sealInfo(ask), sealed)
	if err != nil {
		return nil, errors.New("opening a sealed answer: it was not sealed to this key, or was changed")
	}
	return plain, nil
}

func sealInfo(ask string) []byte {
	return append([]byte("gabion ask v1\x00"), ask...)
}
