// Package hostaddr reads the host of an address in the spellings that resolvers and socket libraries accept.
package hostaddr

import "unicode/utf8"

// Kind says where a host leads.
type Kind uint8

// The kinds of hosts.
const (
	Public    Kind = iota // a name or address of the Internet, as far as one can tell
	Loopback              // 127/8, ::1, 0/8, localhost
	Private               // RFC 1918, RFC 4193, RFC 6598
	LinkLocal             // 169.254/16, fe80::/10: where clouds keep metadata
)

// A Host is what its text means.
type Host struct {
	Kind    Kind
	Numeric bool // an IP address
	Odd     bool // an IP address that is not written in four decimal parts or as plain IPv6
}

// Read reads a host without port and brackets. It understands IPv4 in one
// to four parts, each decimal, octal or hexadecimal, digits in other
// scripts' enclosures, and IPv6 with embedded IPv4.
func Read(text []byte) Host {
	var buf [80]byte
	host, folded := foldDigits(buf[:0], text)
	if len(host) == 0 {
		return Host{}
	}
	if colon(host) {
		h := ipv6(host)
		h.Odd = h.Odd || folded && h.Numeric
		return h
	}
	h, ok := ipv4(host)
	if !ok {
		h = name(host)
	}
	h.Odd = h.Odd || folded && (ok || h.Kind != Public)
	return h
}

// foldDigits copies text, with digits, letters and dots that IDNA makes plain or
// leaves out made plain and left out.
func foldDigits(dst, text []byte) ([]byte, bool) {
	folded := false
	for i := 0; i < len(text) && len(dst)+1 < cap(dst); {
		c := text[i]
		if c < 0x80 {
			if c-'A' < 26 {
				c |= 0x20
			}
			dst = append(dst, c)
			i++
			continue
		}
		r, n := utf8.DecodeRune(text[i:])
		i += n
		switch plain := fold(r); {
		case plain == ignored:
			folded = true
		case plain == two: // 10 to 20 in a circle, or two letters in one
			folded = true
			if r < 0xfb00 {
				dst = append(dst, '1'+byte((r-0x2469)/10), '0'+byte((r-0x2469)%10))
			} else {
				dst = append(dst, "fffifl"[2*(r-0xfb00)], "fffifl"[2*(r-0xfb00)+1])
			}
		default:
			folded = folded || plain != '?'
			dst = append(dst, plain)
		}
	}
	return dst, folded
}

// What fold returns beside characters.
const (
	ignored byte = iota
	two
)

// fold returns what IDNA makes of a character beyond ASCII, ? for one that stays.
func fold(r rune) byte {
	switch {
	case r == 0xad, r >= 0x200b && r <= 0x200f, r >= 0x2060 && r <= 0x2064, r == 0xfeff, r >= 0x180b && r <= 0x180f, r >= 0xfe00 && r <= 0xfe0f, r == 0x34f:
		return ignored
	case r >= 0x2469 && r <= 0x2473, r >= 0xfb00 && r <= 0xfb02:
		return two
	case r >= 0x2460 && r <= 0x2468: // circled 1 to 9
		return byte(r-0x2460) + '1'
	case r == 0x24ea:
		return '0'
	case r >= 0x24d0 && r <= 0x24e9:
		return byte(r-0x24d0) + 'a'
	case r >= 0x24b6 && r <= 0x24cf:
		return byte(r-0x24b6) + 'a'
	case r >= 0xff10 && r <= 0xff19:
		return byte(r-0xff10) + '0'
	case r >= 0xff41 && r <= 0xff5a:
		return byte(r-0xff41) + 'a'
	case r >= 0xff21 && r <= 0xff3a:
		return byte(r-0xff21) + 'a'
	case r == 0x2070, r >= 0x2074 && r <= 0x2079:
		return byte(r-0x2070) + '0'
	case r >= 0x2080 && r <= 0x2089:
		return byte(r-0x2080) + '0'
	case r == 0xb9:
		return '1'
	case r == 0xb2, r == 0xb3:
		return byte(r-0xb2) + '2'
	case r >= 0x1d400 && r < 0x1d6a4: // letters of mathematics, 26 capitals and 26 small ones of each kind
		return byte((r-0x1d400)%26) + 'a'
	case r >= 0x1d7ce && r < 0x1d800:
		return byte((r-0x1d7ce)%10) + '0'
	case r == 0x3002, r == 0xff0e, r == 0xff61:
		return '.'
	}
	return '?'
}

func colon(b []byte) bool {
	for _, c := range b {
		if c == ':' {
			return true
		}
	}
	return false
}

// ipv4 reads 1 to 4 numbers; the last fills the bytes that are left
// (inet_aton).
func ipv4(b []byte) (Host, bool) {
	var part [4]uint64
	n, odd := 0, false
	for i := 0; i <= len(b); {
		if n == 4 {
			return Host{}, i == len(b)+1
		}
		v, next, base, ok := number(b, i)
		if !ok {
			return Host{}, false
		}
		part[n], odd = v, odd || base != 10
		n++
		if next == len(b) {
			break
		}
		if b[next] != '.' {
			return Host{}, false
		}
		i = next + 1
		if i == len(b) { // a dot at the end is the root
			break
		}
	}
	if n == 0 {
		return Host{}, false
	}
	if n == 4 && max(part[0], part[1], part[2], part[3]) > 255 {
		return wrapped(part)
	}
	ip := uint64(0)
	for i := range n - 1 {
		if part[i] > 255 {
			return Host{}, false
		}
		ip |= part[i] << (24 - 8*i)
	}
	ip |= part[n-1]
	if n == 1 && !odd && part[0] < 1<<24 && len(b) > 1 || n == 1 && len(b) == 1 && b[0] != '0' {
		return Host{}, false // a small number is no address to anybody
	}
	return Host{Kind: classify(uint32(ip)), Numeric: true, Odd: odd || n != 4}, true
}

// wrapped reads four numbers of which some are more than a byte holds. What cuts
// them to bytes reads 425.510.425.510 as 169.254.169.254; nobody else writes a
// host inside like that.
func wrapped(part [4]uint64) (Host, bool) {
	ip := uint32(0)
	for _, v := range part {
		if v > 999 {
			return Host{}, false
		}
		ip = ip<<8 | uint32(v&255)
	}
	if k := classify(ip); k == Loopback || k == LinkLocal {
		return Host{Kind: k, Numeric: true, Odd: true}, true
	}
	return Host{}, false
}

func number(b []byte, i int) (v uint64, next int, base uint64, ok bool) {
	base = 10
	start := i
	if i+1 < len(b) && b[i] == '0' {
		if b[i+1] == 'x' {
			base, i = 16, i+2
			start = i
		} else if b[i+1] == 'o' {
			base, i = 8, i+2
			start = i
		} else if b[i+1] >= '0' && b[i+1] <= '7' {
			base, i = 8, i+1
		}
	}
	for ; i < len(b) && b[i] != '.'; i++ {
		d := uint64(99)
		switch c := b[i]; {
		case c >= '0' && c <= '9':
			d = uint64(c - '0')
		case c >= 'a' && c <= 'f':
			d = uint64(c-'a') + 10
		}
		if d >= base || i-start > 24 {
			return 0, i, base, false
		}
		v = v*base + d
	}
	return v, i, base, i > start
}

func classify(ip uint32) Kind {
	switch {
	case ip>>24 == 127, ip>>24 == 0:
		return Loopback
	case ip>>16 == 0xa9fe, ip == 0x646464c8, ip == 0xc00000c0: // with the metadata hosts of two clouds
		return LinkLocal
	case ip>>24 == 10, ip>>20 == 0xac1, ip>>16 == 0xc0a8, ip>>22 == 0x191:
		return Private
	}
	return Public
}

// ipv6 reads groups of hexadecimal digits with at most one gap and an
// IPv4 address at the end.
func ipv6(b []byte) Host {
	var g [8]uint16
	n, gap := 0, -1
	for i := 0; i < len(b) && n < 8; {
		if b[i] == '%' { // a zone
			break
		}
		if b[i] == ':' {
			if i+1 < len(b) && b[i+1] == ':' {
				if gap >= 0 {
					return Host{}
				}
				gap = n
				i += 2
				continue
			}
			i++
			continue
		}
		j, v := i, uint32(0)
		for j < len(b) && isHex(b[j]) && j-i < 5 {
			v = v<<4 | uint32(hexDigit(b[j]))
			j++
		}
		if j < len(b) && b[j] == '.' && n <= 6 {
			h, ok := ipv4(b[i:])
			return Host{Kind: h.Kind, Numeric: ok, Odd: ok}
		}
		if j == i || v > 0xffff {
			return Host{}
		}
		g[n] = uint16(v)
		n++
		i = j
	}
	if gap >= 0 {
		tail := n - gap
		for k := range tail {
			g[7-k], g[n-1-k] = g[n-1-k], 0
		}
	} else if n != 8 {
		return Host{}
	}
	k := kind6(&g)
	return Host{Kind: k, Numeric: true, Odd: k != Public && (g[0] == 0 && (g[7] != 1 || g[6]|g[5] != 0) || g[0] == 0x2002)}
}

func kind6(g *[8]uint16) Kind {
	zero := g[0] == 0 && g[1] == 0 && g[2] == 0 && g[3] == 0 && g[4] == 0
	switch {
	case zero && g[5] == 0 && g[6] == 0 && g[7] <= 1:
		return Loopback
	case zero && (g[5] == 0xffff || g[5] == 0), g[0] == 0x64 && g[1] == 0xff9b:
		return classify(uint32(g[6])<<16 | uint32(g[7]))
	case g[0] == 0x2002: // 6to4
		return classify(uint32(g[1])<<16 | uint32(g[2]))
	case g[0]&0xffc0 == 0xfe80, g[0] == 0xfd00 && g[1] == 0xec2:
		return LinkLocal
	case g[0]&0xfe00 == 0xfc00:
		return Private
	}
	return Public
}

// name reads names that lead inside: reserved ones, metadata services, and
// services that resolve to the address in the name.
func name(host []byte) Host {
	for len(host) > 0 && host[len(host)-1] == '.' {
		host = host[:len(host)-1]
	}
	switch {
	case suffix(host, "localhost"), suffix(host, "localhost.localdomain"), suffix(host, "localtest.me"), suffix(host, "lvh.me"),
		suffix(host, "vcap.me"), suffix(host, "lacolhost.com"), suffix(host, "spoofed.burpcollaborator.net"), suffix(host, "bugbounty.dod.network"), suffix(host, "localh.st"), suffix(host, "localho.st"), suffix(host, "sudo.cc"), suffix(host, "loopback.jp"), suffix(host, "ip6-localhost"), suffix(host, "ip6-loopback"), suffix(host, "ipv6-localhost"), suffix(host, "localhost4"), suffix(host, "localhost6"),
		suffix(host, "localhost4.localdomain4"), suffix(host, "localhost6.localdomain6"), suffix(host, "kubernetes.default.svc"), suffix(host, "kubernetes.default.svc.cluster.local"):
		return Host{Kind: Loopback}
	case suffix(host, "metadata.google.internal"), suffix(host, "metadata.tencentyun.com"), suffix(host, "metadata.azure.internal"), suffix(host, "metadata.oraclecloud.com"), suffix(host, "metadata"),
		suffix(host, "instance-data"), suffix(host, "metadata.nicob.net"), suffix(host, "kubernetes.default.svc"), suffix(host, "kubernetes.default"),
		suffix(host, "docker.internal"), suffix(host, "containers.internal"), suffix(host, "metadata.packet.net"), suffix(host, "rancher-metadata"):
		return Host{Kind: LinkLocal}
	case suffix(host, "nip.io"), suffix(host, "xip.io"), suffix(host, "sslip.io"), suffix(host, "1u.ms"), suffix(host, "rbndr.us"), suffix(host, "rebind.network"), suffix(host, "rebind.it"):
		return Host{Kind: embedded(host), Odd: true}
	}
	if k := quoted(host); k != Public {
		return Host{Kind: k, Odd: true}
	}
	return Host{}
}

// quoted returns the kind of the one address of a name that others pretend to
// be: 127.0.0.1.example.com begins like the host that a filter may look for, and
// leads there if its owner says so. example.com.127.0.0.1 is the name of nothing,
// and ends like it.
func quoted(host []byte) Kind {
	for i, c := range host {
		if c != '1' || i > 0 && host[i-1] != '.' && host[i-1] != '-' {
			continue
		}
		rest := host[i:]
		switch {
		case starts(rest, "127.0.0.1."), starts(rest, "127-0-0-1."), starts(rest, "127_0_0_1."), i > 0 && string(rest) == "127.0.0.1":
			return Loopback
		case starts(rest, "169.254.169.254."), starts(rest, "169-254-169-254."), i > 0 && string(rest) == "169.254.169.254":
			return LinkLocal
		}
	}
	return Public
}

func starts(b []byte, s string) bool { return len(b) > len(s) && string(b[:len(s)]) == s }

// embedded returns the kind of the address in the first labels of a name, as
// 10.0.0.1.nip.io and 10-0-0-1.sslip.io hold it.
func embedded(host []byte) Kind {
	for start := 0; start < len(host); start++ {
		if start > 0 && host[start-1] != '.' && host[start-1] != '-' {
			continue
		}
		ip, n, i := uint32(0), 0, start
		for n < 4 && i < len(host) && host[i] >= '0' && host[i] <= '9' {
			v := uint32(0)
			for i < len(host) && host[i] >= '0' && host[i] <= '9' && v < 256 {
				v = v*10 + uint32(host[i]-'0')
				i++
			}
			ip = ip<<8 | v&255
			n++
			if i < len(host) && (host[i] == '.' || host[i] == '-') {
				i++
			}
		}
		if n == 4 {
			return classify(ip)
		}
	}
	return Public
}

// suffix reports whether host is domain or under it.
func suffix(host []byte, domain string) bool {
	n := len(host) - len(domain)
	return n >= 0 && string(host[n:]) == domain && (n == 0 || host[n-1] == '.')
}

func isHex(c byte) bool { return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' }

func hexDigit(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c - 'a' + 10
}
