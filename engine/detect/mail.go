package detect

import (
	"bytes"

	"github.com/gabionhq/gabion/engine/internal/lexicon"
)

// whenMail: a line must end.
var whenMail = []feature{hasLine}

var (
	mailHeaders  = lexicon.New(`to cc bcc from subject reply-to sender content-type mime-version content-transfer-encoding x-mailer return-path`)
	mailCommands = lexicon.New(`rcpt mail data quit helo ehlo capability logout fetch examine select login authenticate noop rset vrfy expn`)
	mailWords    = lexicon.New(`to cc bcc from subject reply sender content type mime version transfer encoding rcpt mail data quit helo
		ehlo capability logout fetch examine select login text html plain`)
)

// mail finds header fields and commands of mail behind a line end, in what
// a form takes as one line: an address, a name, a subject.
func (s *Scanner) mail(v []byte, w *Where) {
	if document(v, w) || w.Place == InFile || w.Place == InBody || w.Place == InXML {
		return
	}
	first := bytes.IndexAny(v, "\r\n")
	if first < 0 || first > maxMailField {
		return
	}
	s.reads(v, readMail)
	var best lead
	address := bytes.IndexByte(v[:first], '@') > 0 && bytes.IndexByte(v[:first], ' ') < 0
	short := bytes.Count(v[:first], []byte(" ")) <= 2 && bytes.IndexByte(v[:first], ':') < 0 && !bytes.HasPrefix(v, []byte("From ")) // and no field of a whole message, nor what precedes it in a mailbox
	for i := first; i < len(v); {
		j := i
		for j < len(v) && (v[j] == '\r' || v[j] == '\n' || v[j] == ' ') {
			j++
		}
		mailLine(&best, v, i, j, address, short)
		next := bytes.IndexAny(v[j:], "\r\n")
		if next < 0 {
			break
		}
		i = j + next
	}
	commandAlone(&best, v)
	s.follow(MailInjection, v, best, mailWords)
}

// commandAlone judges a value that is one command between two line ends:
// what stands before and behind it is the server's.
func commandAlone(best *lead, v []byte) {
	if word := bytes.Trim(v, "\r\n"); len(v) > 0 && len(word) > 2 && isLineByte(v[0]) && isLineByte(v[len(v)-1]) && mailCommands.Has(word) {
		best.offer(0.7, 0, len(v), "A command of a mail server stands between two line ends.")
	}
}

func isLineByte(c byte) bool { return c == '\r' || c == '\n' }

// maxMailField is the longest first line that can be such a field; RFC 5321
// allows addresses of 254 bytes.
const maxMailField = 256

func mailLine(best *lead, v []byte, from, at int, address, short bool) {
	j := run(v, at, min(len(v), at+32), isToken)
	if j == at || j >= len(v) {
		if j > at && address && mailCommands.Has(v[at:j]) {
			best.offer(0.8, from, j, "A line end is followed by a command of a mail server.")
		}
		return
	}
	if v[j] != ':' && v[j] != ' ' && !address {
		return
	}
	word := v[at:j]
	switch {
	case v[j] == ':' && mailHeaders.Has(word):
		weight := float32(0.2)
		if address {
			weight = 0.92
		} else if short && (hasPrefixFold(word, "bcc") || hasPrefixFold(word, "cc") || hasPrefixFold(word, "to")) && bytes.IndexByte(v[j:min(len(v), j+80)], '@') > 0 {
			weight = 0.75
		}
		best.offer(weight, from, min(len(v), j+32), "A line end is followed by a header field of mail.")
	case hasPrefixFold(v[at:], "rcpt to:") || hasPrefixFold(v[at:], "mail from:"):
		best.offer(0.9, from, min(len(v), at+40), "A line end is followed by a command of a mail server.")
	case isTag(word) && v[j] == ' ': // IMAP: V100 CAPABILITY
		k := run(v, j+1, min(len(v), j+20), isLetter)
		if mailCommands.Has(v[j+1 : k]) {
			best.offer(0.85, from, k, "A line end is followed by a tagged command of a mail server.")
		}
	case address && mailCommands.Has(word):
		best.offer(0.8, from, j, "A line end is followed by a command of a mail server.")
	}
}

// isTag reports whether word is the tag of an IMAP command: a letter and
// digits.
func isTag(word []byte) bool {
	return len(word) > 1 && len(word) < 8 && isLetter(word[0]) && run(word, 1, len(word), isDigit) == len(word)
}
