package detect

import (
	"bytes"

	"github.com/gabionhq/gabion/engine/internal/lexicon"
)

// whenUpload: the value is the name of a file.
var whenUpload = []feature{asFileName}

const uploadWords = `php phtml phar pht phps phpt inc jsp jspx jspf jsw asp aspx ashx asmx asa cer cfm cfml cgi htaccess
	htpasswd user web config war shtml shtm stm hta`

var (
	// serverExtensions are run by a server that finds them in its tree.
	serverExtensions = lexicon.New(`php phtml phar pht phpt phps jsp jspx jspf jsw jspa asp
		aspx ashx asmx asa cer cfm cfml cgi shtml shtm stm war hta`)
	serverFiles = lexicon.New(`.htaccess .htpasswd .user.ini web.config php.ini`)
	// homeFiles are read from the directory of a user by programs that run as it.
	homeFiles        = lexicon.New("boto s3cfg netrc pgpass my.cnf my_cnf forward rhosts shosts")
	uploadVocabulary = lexicon.New(uploadWords, "jpg png gif pdf txt null ini data")
)

// upload judges the names of uploaded files.
func (s *Scanner) upload(v []byte, w *Where) {
	if w.Name { // of a member of an archive
		return
	}
	if w.Place != InFileName && !(w.Place == InHeader && isFileNameField(w.Key)) || len(v) == 0 {
		return
	}
	var best lead
	base := v[bytes.LastIndexAny(v, `/\`)+1:]
	at := len(v) - len(base)
	name := bytes.TrimRight(base, " .\x00\t")
	if i := bytes.Index(name, []byte("::$")); i >= 0 { // NTFS streams
		name = name[:i]
	}
	if serverFiles.Has(name) {
		best.offer(0.85, at, len(v), "The uploaded file would configure the server.")
	}
	if w.Place == InHeader && (hasPrefixFold(name, "wp-config") || len(name) > 1 && name[0] == '.' && homeFiles.Has(name[1:])) {
		best.offer(0.6, at, len(v), "The uploaded file has the name of one in which a site or its user keeps settings and keys.")
	}
	if hasPrefixFold(name, "sess_") && len(name) > 20 && bytes.IndexAny(name, "0123456789") > 0 {
		best.offer(0.6, at, len(v), "The uploaded file has the name of a file that holds a session.")
	}
	for i := 0; i < len(name); i++ {
		if name[i] != '.' {
			continue
		}
		from := skipBlank(name, i+1)
		j := run(name, from, len(name), isAlnum)
		if !runsOnServer(name[from:j]) {
			continue
		}
		switch {
		case j == len(name) && len(name) < len(base):
			best.offer(0.88, at+i, len(v), "The name hides an extension that servers run behind dots or spaces.")
		case j == len(name):
			best.offer(0.75, at+i, at+j, "The uploaded file has an extension that servers run.")
		case j < len(name) && (name[j] == '.' || name[j] == 0 || name[j] == '%' || name[j] == ';' || name[j] == ':' || name[j] == '/'):
			best.offer(0.85, at+i, len(v), "The name has a second extension behind one that servers run.")
		}
	}
	s.follow(Upload, v, best, uploadVocabulary)
}

// runsOnServer reports whether a server runs files with an extension. That of
// PHP may have its version behind it; .phtml7 is nobody's.
func runsOnServer(ext []byte) bool {
	if hasPrefixFold(ext, "php") && run(ext, len("php"), len(ext), isDigit) == len(ext) {
		return true
	}
	return serverExtensions.Has(ext)
}

func isAlnum(c byte) bool { return isLetter(c) || isDigit(c) }

// isFileNameField reports whether a header carries a file's name, as
// X-Filename and X_File_Name do.
func isFileNameField(key []byte) bool {
	return (hasFold(key, "file") && hasFold(key, "name"))
}
