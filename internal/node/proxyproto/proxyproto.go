// Package proxyproto reads the PROXY protocol header with which a load balancer begins a connection.
//
// Both versions of the specification are read: the line of version 1 and
// the binary header of version 2.
package proxyproto

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
)

// Limits of the specification: a line of version 1 with two IPv6 addresses
// has 107 bytes; extensions of version 2 stay far below 4 KiB.
const (
	maxLine     = 107
	maxExtended = 4 << 10
)

var signature = []byte("\r\n\r\n\x00\r\nQUIT\n")

// Read reads the header and not one byte more. It returns the address of
// the client, which is zero if the balancer speaks for itself.
func Read(r io.Reader) (netip.AddrPort, error) {
	var head [16]byte
	if _, err := io.ReadFull(r, head[:6]); err != nil {
		return netip.AddrPort{}, fmt.Errorf("reading PROXY header: %w", err)
	}
	if string(head[:6]) == "PROXY " {
		return readLine(r)
	}
	if !bytes.HasPrefix(signature, head[:6]) {
		return netip.AddrPort{}, errors.New("connection does not begin with a PROXY header")
	}
	if _, err := io.ReadFull(r, head[6:]); err != nil {
		return netip.AddrPort{}, fmt.Errorf("reading PROXY header: %w", err)
	}
	return readBinary(r, head)
}

// readLine reads what follows "PROXY " in version 1.
func readLine(r io.Reader) (netip.AddrPort, error) {
	line := make([]byte, 0, maxLine)
	for !bytes.HasSuffix(line, []byte("\r\n")) {
		if len(line) == cap(line) {
			return netip.AddrPort{}, errors.New("PROXY line is too long")
		}
		line = line[:len(line)+1]
		if _, err := io.ReadFull(r, line[len(line)-1:]); err != nil {
			return netip.AddrPort{}, fmt.Errorf("reading PROXY line: %w", err)
		}
	}
	parts := strings.Split(string(line[:len(line)-2]), " ")
	if parts[0] == "UNKNOWN" {
		return netip.AddrPort{}, nil
	}
	if len(parts) != 5 || parts[0] != "TCP4" && parts[0] != "TCP6" {
		return netip.AddrPort{}, errors.New("malformed PROXY line")
	}
	addr, err := netip.ParseAddr(parts[1])
	if err != nil || addr.Is4() != (parts[0] == "TCP4") {
		return netip.AddrPort{}, errors.New("malformed address in PROXY line")
	}
	port, err := netip.ParseAddrPort("0.0.0.0:" + parts[3])
	if err != nil {
		return netip.AddrPort{}, errors.New("malformed port in PROXY line")
	}
	return netip.AddrPortFrom(addr.WithZone(""), port.Port()), nil
}

// readBinary reads what follows the fixed part of version 2:
//
//	0  signature      12 bytes
//	12 version 2, command 0 (local) or 1 (proxied)
//	13 family and transport: 0x11 TCP over IPv4, 0x21 over IPv6
//	14 length of what follows
func readBinary(r io.Reader, head [16]byte) (netip.AddrPort, error) {
	if !bytes.Equal(head[:12], signature) || head[12]>>4 != 2 {
		return netip.AddrPort{}, errors.New("malformed PROXY header")
	}
	n := int(binary.BigEndian.Uint16(head[14:]))
	if n > maxExtended {
		return netip.AddrPort{}, errors.New("PROXY header is too long")
	}
	rest := make([]byte, n)
	if _, err := io.ReadFull(r, rest); err != nil {
		return netip.AddrPort{}, fmt.Errorf("reading PROXY header: %w", err)
	}
	switch command := head[12] & 0xf; {
	case command == 0:
		return netip.AddrPort{}, nil
	case command != 1:
		return netip.AddrPort{}, errors.New("unknown command in PROXY header")
	}
	size := map[byte]int{0x11: 4, 0x21: 16}[head[13]]
	if size == 0 {
		return netip.AddrPort{}, nil // another transport; the specification wants it ignored
	}
	if n < 2*size+4 {
		return netip.AddrPort{}, errors.New("PROXY header is too short")
	}
	addr, _ := netip.AddrFromSlice(rest[:size])
	return netip.AddrPortFrom(addr.Unmap(), binary.BigEndian.Uint16(rest[2*size:])), nil
}
