package detect

import (
	"bytes"

	"github.com/gabionhq/gabion/engine/internal/hostaddr"
	"github.com/gabionhq/gabion/engine/internal/lexicon"
)

// whenSSRF: an address has :/ or begins with //.
var whenSSRF = []feature{
	hasColonSlash, hasSlashSlash, hasColon | hasBackslash, hasPipe | hasColon, hasURLWord | hasColon, hasURLWord | hasSlash, hasHigh | hasSlash, hasHTTPWord | hasColon,
}

// urlGateWords are schemes that need no slash, and words of the names of
// hosts inside.
const urlGateWords = `gopher dict tftp ldap ldaps sftp netdoc jar smb imap smtp pop telnet rmi localhost localtest lvh vcap lacolhost burpcollaborator loopback
	metadata instance kubernetes docker containers rancher nip xip sslip ms rbndr localho sudo`

var urlVocabulary = lexicon.New(`http https ftp sftp tftp gopher dict ldap ldaps file netdoc jar ws wss localhost metadata google
	internal latest meta data computemetadata v1 user nip io xip sslip opc instance iam security credentials openstack`)

// ssrf judges a value that is an address a server would fetch: hosts inside,
// and schemes that speak other protocols. Ordinary addresses pass.
func (s *Scanner) ssrf(v []byte, w *Where) {
	if hasPrefixFold(v, "unix:") && len(v) <= maxPath {
		if i := bytes.Index(v, []byte("|http")); i > 0 {
			s.follow(SSRF, v, lead{weight: 0.85, from: 0, to: i + 5, reason: "A socket of the server is put before an address, which proxies follow."}, urlVocabulary)
			return
		}
	}
	if w.Container || w.Name || w.Place == InReferer || w.Place == InTarget || len(v) > maxPath {
		return
	}
	var best lead
	i := 0
	for i < len(v) && (v[i] <= ' ' || v[i] == '"' || v[i] == '\'' || v[i] == '@') {
		i++
	}
	address(&best, v, i, w)
	bareHost(&best, v, i, w)
	s.follow(SSRF, v, best, urlVocabulary)
}

func address(best *lead, v []byte, at int, w *Where) {
	colon := run(v, at, min(len(v), at+16), isScheme)
	rest := colon
	switch {
	case colon < len(v) && v[colon] == ':' && colon > at:
		rest++
		var buf [16]byte
		switch string(lexicon.Fold(buf[:0], v[at:colon])) {
		case "http", "https":
			slashless(best, v, at, rest)
		case "ws", "wss", "ftp", "ftps":
		case "mysql", "redis", "mongodb", "postgres", "postgresql", "memcached", "amqp":
			if w.Place != InQuery {
				return // where programs keep how they reach their database
			}
		case "url", "feed":
			if hasPrefixFold(v[rest:], "http") {
				at = rest
				rest = run(v, at, min(len(v), at+len("https")), isLetter) + 1
			}
		case "gopher", "gophers", "dict", "tftp", "ldap", "ldaps", "sftp", "netdoc", "jar", "smb", "imap", "smtp", "pop3", "telnet", "rmi":
			if bytes.HasPrefix(v[rest:], []byte("//")) || hasPrefixFold(v[at:], "jar:") || hasPrefixFold(v[rest:], "_") {
				best.offer(0.85, at, min(len(v), at+64), "An address makes the server speak another protocol than the web's.")
			}
		case "scp", "smbs", "imaps", "smtps", "pop3s": // of copies and letters, where programs keep them
			if w.Place == InQuery {
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
	for to < len(v) && bytes.IndexByte([]byte("/?#\\ \t\r\n\"'<>\x00"), v[to]) < 0 {
		to++
	}
	judgeHost(best, v, at, from, to, w)
	if from == rest+1 && rest > at && v[rest-1] == ':' {
		slashless(best, v, at, from)
	}
}

// slashless judges the host behind a scheme without slashes, which browsers and
// some libraries put there.
func slashless(best *lead, v []byte, at, from int) {
	if from < len(v) && v[from] == '@' {
		from++
	}
	to := run(v, from, len(v), isHostNumber)
	if bytes.IndexByte(v[from:to], '.') < 0 {
		return // a port
	}
	if h := hostaddr.Read(v[from:to]); h.Kind == hostaddr.Loopback || h.Kind == hostaddr.LinkLocal {
		best.offer(0.6, at, to, "An address of the server itself leaves out its slashes.")
	}
}

// bareHost judges a host inside with nothing before it and a slash behind, as
// a server completes it to an address.
func bareHost(best *lead, v []byte, at int, w *Where) {
	slash := bytes.IndexByte(v[at:], '/')
	if colon := bytes.IndexByte(v[at:], ':'); colon > 0 && w.Place == InQuery && askedNames.Has(w.Key) && innerPort(v[at:]) && hasSuffixFold(v[at:at+colon], "localhost") {
		best.offer(0.6, at, len(v), "A service of the server itself is given where an address is asked for.")
	}
	if slash < 4 || slash != len(v)-at-1 {
		return
	}
	h := hostaddr.Read(v[at : at+slash])
	if !h.Numeric && (h.Kind == hostaddr.Loopback || h.Kind == hostaddr.LinkLocal) {
		best.offer(0.6, at, len(v), "The name of a host inside is given.")
	}
}

// metadataHost is where most clouds answer their machines.
const metadataHost = "169.254.169.254"

// askedNames are those of parameters that hold addresses which a server asks.
var askedNames = lexicon.New("url uri link src target dest endpoint fetch proxy webhook feed site host remote image load import")

func isScheme(c byte) bool { return isLetter(c) || isDigit(c) }

// judgeHost weighs the authority v[from:to] of the address at v[at:].
func judgeHost(best *lead, v []byte, at, from, to int, w *Where) {
	posing := false // as another host, before the sign that ends a name and a password
	if i := bytes.LastIndexByte(v[from:to], '@'); i >= 0 {
		posing = bytes.IndexByte(v[from:from+i], '.') > 0 && bytes.IndexByte(v[from:from+i], ':') < 0
		if isInner(v[from : from+i]) {
			best.offer(0.75, at, to, "An address puts a host inside where a name and a password stand.")
		}
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
	h, own := hostaddr.Read(host), bytes.Equal(host, w.Host)
	usual, atRoot := usualPort(v[from:to]), to == len(v) || v[to] == '#' || to+1 == len(v) && v[to] == '/'
	weight, reason := float32(0), ""
	switch h.Kind {
	case hostaddr.LinkLocal:
		weight, reason = 0.93, "An address leads to the metadata service of a cloud."
	case hostaddr.Loopback:
		weight, reason = 0.48, "An address leads to the server itself."
		root := usual && atRoot
		asked := w.Place == InQuery && usual && askedNames.Has(w.Key)
		named := !h.Numeric && usual && !developed(host) && (w.Place == InForm || w.Place == InJSON)
		plain := !h.Numeric || string(host) == "127.0.0.1" || string(host) == "::1" || string(host) == "0.0.0.0"
		if !plain || (asked || named || w.Place == InQuery && (root || h.Numeric) || h.Numeric && (w.Place == InForm || w.Place == InJSON && usual && !own)) && !returnName(w.Key) {
			weight = 0.55 // no page links there, and what is under development has a port of its own
		}
		if w.Key != nil && fetched(w.Key) && !returnName(w.Key) {
			weight = max(weight, 0.55)
		}
	case hostaddr.Private:
		weight, reason = 0.42, "An address leads into a private network."
		if w.Place == InQuery && (askedNames.Has(w.Key) || fetched(w.Key)) && !returnName(w.Key) && usual && atRoot && !own {
			weight = 0.55 // whose first page is asked for
		}
	}
	if h.Odd && weight > 0 {
		weight, reason = 0.93, "An address hides a host inside by an unusual spelling."
	} else if h.Odd {
		weight, reason = 0.55, "An address gives its host as a number."
	}
	if weight > 0 && weight < 0.9 && innerPort(v[from:to]) || h.Kind == hostaddr.Loopback && innerPath(v[to:]) {
		weight = max(weight, 0.85)
	}
	if weight > 0 && (posing || to+1 < len(v) && v[to] != '/' && (v[to+1] == '@' || v[to+1] == '.')) { // parsers disagree which of two is the host
		weight = max(weight, 0.85)
	}
	if h.Kind == hostaddr.Public && w.Place == InQuery && innerPort(v[from:to]) && bytes.IndexByte(host, '.') < 0 && bytes.IndexByte(host, ':') < 0 {
		weight, reason = 0.55, "An address leads to a service of the server's own network."
	}
	best.offer(weight, at, to, reason)
	if hasFold(v[to:], "computemetadata/") || hasFold(v[to:], "latest/meta-data") {
		best.offer(0.93, at, len(v), "An address asks for the metadata of a cloud.")
	}
	if h.Kind == hostaddr.Public && bytes.Contains(v[to:min(len(v), to+maxEvidence)], []byte(metadataHost)) {
		best.offer(0.75, at, len(v), "An address leads to another that leads to the metadata of a cloud.")
	}
	if h.Kind == hostaddr.Public && (w.Place == InQuery || askedNames.Has(w.Key)) && !returnName(w.Key) && handsOn(v[to:]) {
		best.offer(0.55, at, len(v), "An address leads to another that leads to the server itself.")
	}
	if disputed(v[to:]) {
		best.offer(0.85, at, len(v), "Parsers disagree which of two hosts the address leads to.")
	}
	if collaborator(host) {
		best.offer(0.8, at, to, "An address leads to a service that records whether a server fetched it.")
	}
}

// disputed reports whether a sign that some parsers end a host with is followed
// by an @ and a host inside, which others take for the one.
func disputed(rest []byte) bool {
	if len(rest) < 3 || bytes.IndexByte([]byte(" +\t#&\\\x00"), rest[0]) < 0 {
		return false
	}
	if rest[0] == '\\' && rest[1] == '@' {
		return true // nobody else has this behind a host
	}
	rest = rest[:min(len(rest), maxEvidence)]
	i := bytes.LastIndexByte(rest, '@')
	if i < 0 && (rest[0] == '\\' || rest[0] == 0) && rest[1] == '.' {
		i = 1
	}
	if i < 0 {
		return false
	}
	to := run(rest, i+1, len(rest), func(c byte) bool { return isWordASCII(c) || c == '.' || c == '-' })
	h := hostaddr.Read(rest[i+1 : to])
	return h.Kind == hostaddr.Loopback || h.Kind == hostaddr.LinkLocal || h.Kind == hostaddr.Private
}

// developed reports whether the name of the server itself is one that who develops a
// page, or runs a cluster, gives as its address.
func developed(host []byte) bool {
	return hasSuffixFold(host, "localhost") && !hasPrefixFold(host, "ip6-") && !hasPrefixFold(host, "ipv6-") || hasSuffixFold(host, ".svc") || hasSuffixFold(host, ".svc.cluster.local")
}

// isInner reports whether what stands before the @ of an address is a host inside,
// with or without a port. Filters that look for a host find that one.
func isInner(user []byte) bool {
	if i := bytes.IndexByte(user, ':'); i > 0 {
		user = user[:i]
	}
	h := hostaddr.Read(user)
	return h.Numeric && !h.Odd && bytes.IndexByte(user, '.') > 0 && (h.Kind == hostaddr.Loopback || h.Kind == hostaddr.LinkLocal)
}

// usualPort reports whether an authority has no port or that of web servers.
func usualPort(authority []byte) bool {
	i := bytes.LastIndexByte(authority, ':')
	if i < 0 || bytes.IndexByte(authority[i:], ']') >= 0 {
		return true
	}
	port := string(authority[i+1:])
	return port == "80" || port == "443"
}

// handsOn reports whether a query has a parameter, which does not say where a
// browser goes afterwards, with an address of the server itself.
func handsOn(rest []byte) bool {
	rest = rest[:min(len(rest), maxEvidence)]
	i := bytes.Index(rest, []byte("=http"))
	if i < 1 {
		return false
	}
	name := rest[:i]
	name = name[bytes.LastIndexAny(name, "?&;")+1:]
	from := bytes.Index(rest[i:], []byte("://"))
	if !askedNames.Has(name) || from < 0 {
		return false
	}
	from += i + len("://")
	host := rest[from:run(rest, from, len(rest), func(c byte) bool { return isWordASCII(c) || c == '.' || c == '-' })]
	k := hostaddr.Read(host).Kind
	return k == hostaddr.Loopback || k == hostaddr.LinkLocal
}

// returnName reports whether a parameter is called like those that say where
// a browser goes afterwards, as programs on the desktop wait for it at
// localhost, where it is, or what is looked for: no server asks there.
func returnName(name []byte) bool {
	for _, part := range [...]string{"redirect", "return", "callback", "continue", "origin", "home", "site", "base", "server", "refer"} {
		if hasFold(name, part) {
			return true
		}
	}
	return toldNames.Has(name)
}

// fetched reports whether a parameter is called like what a server loads for
// who sends it.
func fetched(name []byte) bool {
	for _, part := range [...]string{"webhook", "fetch", "proxy", "image", "img", "avatar", "feed", "preview", "thumb", "import", "scrape", "crawl", "download", "icon", "picture", "photo", "logo", "remote", "screenshot"} {
		if hasFold(name, part) {
			return true
		}
	}
	return false
}

var toldNames = lexicon.New("next q query search s ref dl dr state relaystate wctx wtrealm audience resource realm iss location page_location page href from u")

// innerPort reports whether the port is that of a service that stands behind
// a web server and not before it.
func innerPort(authority []byte) bool {
	i := bytes.LastIndexByte(authority, ':')
	if i < 0 {
		return false
	}
	switch string(authority[i+1:]) {
	case "21", "22", "23", "25", "53", "110", "111", "139", "143", "389", "445", "465", "514", "587", "636", "873", "993", "995", "1099", "1433", "1521",
		"2049", "2181", "2375", "2376", "2379", "3306", "3389", "5432", "5900", "5984", "5985", "6379", "6443", "8500", "9042", "9200", "9300", "10250", "10255", "11211", "27017":
		return true
	}
	return false
}

// innerPath reports whether the path is one that servers show to themselves.
func innerPath(path []byte) bool {
	return hasPrefixFold(path, "/admin") || hasPrefixFold(path, "/manager/html") || hasPrefixFold(path, "/server-status") || hasPrefixFold(path, "/2018-06-01/runtime/") || hasPrefixFold(path, "/actuator")
}

func collaborator(host []byte) bool {
	for _, d := range [...]string{"burpcollaborator.net", "oastify.com", "oast.fun", "oast.me", "oast.pro", "oast.live", "oast.site", "oast.online", "interact.sh", "interactsh.com", "dnslog.cn", "ceye.io", "requestbin.net", "canarytokens.com", "r3dir.me"} {
		if hasSuffixFold(host, d) {
			return true
		}
	}
	return false
}
