// Package handover passes the group key from one node to another through hands that must not read it.
//
// The new node makes a key pair and shows a request, which holds the public
// key. A node that has the group key seals it to that key, once a person has
// seen that both show the same fingerprint. Whatever carries request and
// sealed key (chat, mail, the cloud) learns nothing. Both nodes also name the
// group key, so that a key that somebody else has sealed is noticed.
package handover

import (
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/hpke"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"

	"github.com/gabionhq/gabion/internal/node/keyfile"
)

const (
	requestPrefix = "gbk1_" // and the public key
	sealedPrefix  = "gbs1_" // and the encapsulated key and ciphertext
	sealInfo      = "gabion group key v1\x00"
)

// kem is what wire seals with, too.
func kem() hpke.KEM { return hpke.DHKEM(ecdh.P256()) }

// A Desk is the new node's side. Its private key stays in one file.
type Desk struct {
	private hpke.PrivateKey
}

// Open reads the desk's key, which never leaves this file, or makes it.
func Open(path string) (*Desk, error) {
	seed, err := keyfile.LoadOrMake(path)
	if err != nil {
		return nil, err
	}
	return open(seed)
}

// Reopen is Open for a request that was made before.
func Reopen(path string) (*Desk, error) {
	seed, err := keyfile.Load(path)
	if err != nil {
		return nil, err
	}
	return open(seed)
}

func open(seed []byte) (*Desk, error) {
	private, err := kem().DeriveKeyPair(seed)
	if err != nil {
		return nil, fmt.Errorf("deriving the key pair of a request: %w", err)
	}
	return &Desk{private}, nil
}

// Request returns the text that asks for the group key.
func (d *Desk) Request() string { return text(requestPrefix, d.private.PublicKey().Bytes()) }

// Take opens what Seal has made for this desk.
func (d *Desk) Take(sealed string) ([]byte, error) {
	b, err := bytesOf(sealedPrefix, sealed)
	if err != nil {
		return nil, fmt.Errorf("reading the sealed key: %w", err)
	}
	key, err := hpke.Open(d.private, hpke.HKDFSHA256(), hpke.AES256GCM(), []byte(sealInfo), b)
	if err != nil || len(key) != keyfile.Size {
		return nil, errors.New("opening the sealed key: it was sealed for another request")
	}
	return key, nil
}

// Seal returns the group key for whoever has made the request.
func Seal(request string, key []byte) (string, error) {
	public, err := publicKey(request)
	if err != nil {
		return "", err
	}
	sealed, err := hpke.Seal(public, hpke.HKDFSHA256(), hpke.AES256GCM(), []byte(sealInfo), key)
	if err != nil {
		return "", fmt.Errorf("sealing the group key: %w", err)
	}
	return text(sealedPrefix, sealed), nil
}

// Fingerprint returns what people compare to know a request.
func Fingerprint(request string) (string, error) {
	public, err := publicKey(request)
	if err != nil {
		return "", err
	}
	return grouped(sha256.Sum256(public.Bytes())), nil
}

// Name returns what people compare to know a group key. It gives nothing of
// the key away.
func Name(key []byte) (string, error) {
	name, err := hkdf.Key(sha256.New, key, nil, "gabion group key name v1", sha256.Size)
	if err != nil {
		return "", fmt.Errorf("naming the group key: %w", err)
	}
	return grouped([sha256.Size]byte(name)), nil
}

func publicKey(request string) (hpke.PublicKey, error) {
	b, err := bytesOf(requestPrefix, request)
	if err != nil {
		return nil, fmt.Errorf("reading the request: %w", err)
	}
	public, err := kem().NewPublicKey(b)
	if err != nil {
		return nil, errors.New("reading the request: it holds no public key")
	}
	return public, nil
}

// grouped returns 160 bits for people: nobody finds a second key with the
// same ones.
func grouped(sum [sha256.Size]byte) string {
	s := strings.ToLower(base32.StdEncoding.EncodeToString(sum[:20]))
	var parts []string
	for ; s != ""; s = s[4:] {
		parts = append(parts, s[:4])
	}
	return strings.Join(parts, "-")
}

// text encodes bytes so that a text which was cut or mistyped is noticed.
func text(prefix string, b []byte) string {
	b = binary.BigEndian.AppendUint32(b[:len(b):len(b)], crc32.ChecksumIEEE(b))
	return prefix + base64.RawURLEncoding.EncodeToString(b)
}

// maxText bounds what is decoded: neither text has 200 bytes.
const maxText = 1024

func bytesOf(prefix, s string) ([]byte, error) {
	s = strings.Join(strings.Fields(s), "") // mail programs break lines
	payload, ok := strings.CutPrefix(s, prefix)
	if !ok {
		return nil, fmt.Errorf("it does not start with %s", prefix)
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(payload[:min(len(payload), maxText)])
	if err != nil || len(b) < 4 || len(payload) > maxText {
		return nil, errors.New("it is damaged; copy it again, whole")
	}
	b, sum := b[:len(b)-4], binary.BigEndian.Uint32(b[len(b)-4:])
	if crc32.ChecksumIEEE(b) != sum {
		return nil, errors.New("its checksum is wrong; copy it again, whole")
	}
	return b, nil
}
