package detect

import (
	"bytes"

	"github.com/gabionhq/gabion/engine/internal/lexicon"
)

// whenRFI: an address needs its colon and slashes, a data address its colon.
var whenRFI = []feature{hasColonSlash | ofSix, hasColon | hasMarkWord | ofNine}

var (
	scriptExtensions = lexicon.New(`php php3 php4 php5 phtml phar txt asp aspx jsp cgi pl sh inc dat gif jpg`)
	// shellNames are those under which web shells are kept.
	shellNames    = lexicon.New(`c99 r57 c100 b374k wso webshell cmd cmdshell evil backdoor phpshell`)
	rfiVocabulary = lexicon.New(`http https ftp ftps data text plain base64 php txt asp jsp shell cmd c99 r57`)
)

// rfi finds addresses that a page is made to include as its own code: a
// script on another host with a question mark or NUL that swallows what the
// page appends, or code inside the address.
func (s *Scanner) rfi(v []byte, w *Where) {
	if len(v) > maxPath || w.Container || w.Place == InReferer || w.Place == InHeader || w.Place == InUserAgent {
		return
	}
	i := skipBlank(v, 0)
	var best lead
	switch rest := v[i:]; {
	case hasPrefixFold(rest, "data:") && (hasFold(rest[:min(len(rest), 64)], "php") || hasPrefixFold(rest, "data://text/plain")):
		best.offer(0.85, i, len(v), "An address holds code that a page would include.")
	case hasPrefixFold(rest, "data:text/plain"):
		best.offer(0.52, i, len(v), "An address holds text that a page would include.")
	case hasPrefixFold(rest, "http://"), hasPrefixFold(rest, "https://"), hasPrefixFold(rest, "ftp://"), hasPrefixFold(rest, "ftps://"):
		remoteScript(&best, v, i, w.Place)
		if w.Place == InQuery && (includeName(w.Key) || len(w.Parent) > 1 && w.Parent[0] == '_' && equalFold(w.Key, "path")) {
			best.offer(0.55, i, len(v), "A parameter that names the directory of a page's own code is given an address.")
		}
	}
	s.follow(RFI, v, best, rfiVocabulary)
}

// includeName reports whether a parameter is called like the variables in
// which pages keep where their own code is, which old versions of PHP let
// anyone set: mosConfig_absolute_path, _CONF[path], phpbb_root_path.
func includeName(name []byte) bool {
	if len(name) > 1 && name[0] == '_' && (hasSuffixFold(name, "[path]") || hasPrefixFold(name, "_conf[")) || hasPrefixFold(name, "globals[") {
		return true
	}
	for _, end := range [...]string{"absolute_path", "root_path", "rootpath", "root_dir", "rootdir", "base_path", "basepath", "basedir",
		"base_dir", "include_path", "includepath", "inc_dir", "incdir", "include_dir", "includedir", "lib_dir", "libdir", "lib_path",
		"libpath", "document_root", "docroot", "full_path", "abs_path", "abspath", "root_prefix", "path_prefix", "class_path", "classpath"} {
		if hasSuffixFold(name, end) {
			return true
		}
	}
	return false
}

func remoteScript(best *lead, v []byte, at int, p Place) {
	host := authority(v[at:])
	path := v[at:]
	swallow := bytes.HasSuffix(path, []byte("?")) || bytes.HasSuffix(path, []byte("\x00")) || bytes.HasSuffix(path, []byte("%00")) || bytes.HasSuffix(path, []byte("??"))
	if i := bytes.IndexAny(path, "?\x00%#"); i >= 0 {
		path = path[:i]
	}
	dot := bytes.LastIndexByte(path, '.')
	script := dot > 0 && len(path)-dot < 7 && bytes.IndexByte(path[dot:], '/') < 0 && scriptExtensions.Has(path[dot+1:]) && len(path) > len(host)+9
	numeric := len(host) > 0 && (run(host, 0, len(host), isHostNumber) == len(host) || host[0] == '[' || bytes.Count(host, []byte(":")) > 1)
	name := path[bytes.LastIndexByte(path, '/')+1:]
	switch {
	case swallow && script:
		best.offer(0.75, at, len(v), "The address of a script on another host ends so that it swallows what the page appends.")
	case script && numeric:
		best.offer(0.65, at, len(v), "The address of a script on a host without a name is given.")
	case script && (shellNames.Has(bytes.TrimRight(name[:bytes.LastIndexByte(name, '.')+1], ".")) || hasFold(v[at+len(path):], "cmd=") || hasFold(v[at+len(path):], "exec=")):
		best.offer(0.6, at, len(v), "The address of a script is given that is named like a web shell or takes a command.")
	case swallow:
		// Documents hold addresses that programs made, with queries that came out empty.
		best.offer(pick(p.single(), 0.5, 0.3), at, len(v), "The address of another host ends so that it swallows what the page appends.")
	case hasPrefixFold(v[at:], "ftp"):
		best.offer(pick(numeric, 0.55, 0.4), at, len(v), "The address of a file transfer is given.")
	}
}

func isHostNumber(c byte) bool { return isDigit(c) || c == '.' || c == ':' }
