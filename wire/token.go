package wire

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"net"
	"strings"
)

// A Token lets one node enrol. Its text is
//
//	gbn1_<region>_<base64url of: CA[32] secret[16] address crc32[4]>
//
// It is made by the cloud, is used once and tells the node everything it
// needs to trust the cloud: where it is, and which CA signs it.
type Token struct {
	Region  string   // lower-case letters, digits and '-'
	CA      [32]byte // SHA-256 of the region's wire CA, DER
	Secret  [16]byte // random; the cloud keeps only its hash
	Address string   // host:port of the cloud's wire listener
}

// maxAddress bounds a token: a DNS name and a port.
const maxAddress = 253 + 6

// Fingerprint is the hash by which a token names a CA.
func Fingerprint(ca *x509.Certificate) [32]byte { return sha256.Sum256(ca.Raw) }

func (t Token) String() string {
	b := make([]byte, 0, 52+len(t.Address))
	b = append(b, t.CA[:]...)
	b = append(b, t.Secret[:]...)
	b = append(b, t.Address...)
	b = binary.BigEndian.AppendUint32(b, t.sum(b))
	return "gbn1_" + t.Region + "_" + base64.RawURLEncoding.EncodeToString(b)
}

// sum guards against a token that was cut or mistyped, nothing else.
func (t Token) sum(b []byte) uint32 {
	return crc32.Update(crc32.ChecksumIEEE([]byte(t.Region)), crc32.IEEETable, b)
}

// ParseToken reads the text of a token. It never repeats the text in an
// error: a token is a secret.
func ParseToken(s string) (Token, error) {
	prefix, rest, _ := strings.Cut(strings.TrimSpace(s), "_")
	region, payload, ok := strings.Cut(rest, "_")
	if prefix != "gbn1" || !ok {
		return Token{}, errors.New("reading the enrolment token: it does not start with gbn1_<region>_")
	}
	if !validRegion(region) {
		return Token{}, errors.New("reading the enrolment token: the region is not a name of a-z, 0-9 and '-'")
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(payload)
	if err != nil || len(b) < 32+16+4+1 || len(b) > 32+16+4+maxAddress {
		return Token{}, errors.New("reading the enrolment token: it is damaged; copy it again, whole")
	}
	body, sum := b[:len(b)-4], binary.BigEndian.Uint32(b[len(b)-4:])
	t := Token{Region: region, CA: [32]byte(body[:32]), Secret: [16]byte(body[32:48]), Address: string(body[48:])}
	if t.sum(body) != sum {
		return Token{}, errors.New("reading the enrolment token: its checksum is wrong; copy it again, whole")
	}
	if _, _, err := net.SplitHostPort(t.Address); err != nil {
		return Token{}, fmt.Errorf("reading the enrolment token: the cloud's address: %w", err)
	}
	return t, nil
}

func validRegion(s string) bool {
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return len(s) > 0 && len(s) <= 32
}
