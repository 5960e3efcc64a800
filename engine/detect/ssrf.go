package detect

import (
	"bytes"

	"github.com/gabionhq/gabion/engine/internal/hostaddr"
	"github.com/gabionhq/gabion/engine/internal/lexicon"
)

// whenSSRF: an address has :/ or begins with //.
var whenSSRF = []feature{hasColonSlash, hasSlashSlash, hasURLWord}

const urlGateWords = "jar localhost"

var urlVocabulary = lexicon.New(`http https ftp sftp tftp gopher dict ldap ldaps file netdoc jar ws wss localhost metadata google
	internal latest meta data computemetadata v1 user nip io xip sslip opc instance iam security credentials openstack`)

// ssrf judges a value that is an address a server would fetch: hosts inside,
// and schemes that speak other protocols. Ordinary addresses pass.
func (s *Scanner) ssrf(v []byte, w Where) {
	if w.Container || w.Name || w.Place == InReferer || w.Place == InTarget || len(v) > maxPath {
		return
	}
	var best lead
	i := 0
	for i < len(v) && (v[i] <= ' ' || v[i] == '"' || v[i] == '\'' || v[i] == '@') {
		i++
	}
	address(&best, v, i, w)
	s.follow(SSRF, v, best, urlVocabulary)
}

func address(best *lead, v []byte, at int, w Where) {
	colon := run(v, at, min(len(v), at+16), isScheme)
	rest := colon
	switch {
	case colon < len(v) && v[colon] == ':' && colon > at:
		rest++
		var buf [16]byte
		switch string(lexicon.Fold(buf[:0], v[at:colon])) {
		case "http", "https", "ws", "wss", "ftp", "url":
		case "gopher", "dict", "tftp", "ldap", "ldaps", "sftp", "netdoc", "jar", "smb", "imap", "smtp", "pop3", "telnet", "rmi":
			if bytes.HasPrefix(v[rest:], []byte("//")) || hasPrefixFold(v[at:], "jar:") || hasPrefixFold(v[rest:], "_") {
				best.offer(0.85, at, min(len(v), at+64), "An address makes the server speak another protocol than the web's.")
			}
		default:
			return
		}
	case bytes.HasPrefix(v[at:], []byte("//")):
		rest = at
	default:
		return
	}
	from := rest
	for from < len(v) && (v[from] == '/' || v[from] == '\\') {
		from++
	}
	if from == rest {
		return
	}
	to := from
	for to < len(v) && bytes.IndexByte([]byte("/?#\\ \t\r\n\"'<>"), v[to]) < 0 {
		to++
	}
	judgeHost(best, v, at, from, to, w)
}

func isScheme(c byte) bool { return isLetter(c) || isDigit(c) }

// judgeHost weighs the authority v[from:to] of the address at v[at:].
func judgeHost(best *lead, v []byte, at, from, to int, w Where) {
	if i := bytes.LastIndexByte(v[from:to], '@'); i >= 0 {
		from += i + 1
	}
	host := v[from:to]
	if len(host) > 0 && host[0] == '[' {
		host = host[1:]
		if i := bytes.IndexByte(host, ']'); i >= 0 {
			host = host[:i]
		}
	} else if i := bytes.IndexByte(host, ':'); i >= 0 {
		host = host[:i]
	}
	h := hostaddr.Read(host)
	weight, reason := float32(0), ""
	switch h.Kind {
	case hostaddr.LinkLocal:
		weight, reason = 0.93, "An address leads to the metadata service of a cloud."
	case hostaddr.Loopback:
		weight, reason = 0.6, "An address leads to the server itself."
	case hostaddr.Private:
		weight, reason = 0.5, "An address leads into a private network."
	}
	if h.Odd && weight > 0 {
		weight, reason = 0.93, "An address hides a host inside by an unusual spelling."
	} else if h.Odd {
		weight, reason = 0.55, "An address gives its host as a number."
	}
	if weight > 0 && weight < 0.9 && innerService(v[to:], v[from:to]) {
		weight = 0.85
	}
	best.offer(weight, at, to, reason)
	if hasFold(v[to:], "computemetadata/") || hasFold(v[to:], "latest/meta-data") {
		best.offer(0.93, at, len(v), "An address asks for the metadata of a cloud.")
	}
	if collaborator(host) {
		best.offer(0.8, at, to, "An address leads to a service that records whether a server fetched it.")
	}
}

// innerService reports whether the port or path is one of services that
// stand behind a server and not before it.
func innerService(path, authority []byte) bool {
	if i := bytes.LastIndexByte(authority, ':'); i >= 0 {
		switch string(authority[i+1:]) {
		case "22", "25", "2375", "6379", "9200", "11211", "27017", "3306", "5432", "8500", "2379", "10250", "5984", "389", "21", "23":
			return true
		}
	}
	return hasPrefixFold(path, "/admin") || hasPrefixFold(path, "/manager/html") || hasPrefixFold(path, "/server-status") || hasPrefixFold(path, "/actuator")
}

func collaborator(host []byte) bool {
	for _, d := range [...]string{"burpcollaborator.net", "oastify.com", "oast.fun", "oast.me", "oast.pro", "oast.live", "oast.site", "oast.online", "interact.sh", "interactsh.com", "dnslog.cn", "ceye.io", "requestbin.net", "canarytokens.com"} {
		if hasSuffixFold(host, d) {
			return true
		}
	}
	return false
}
