package detect

import (
	"bytes"
	"unicode"

	"github.com/gabionhq/gabion/engine/internal/lexicon"
	"github.com/gabionhq/gabion/engine/internal/shlex"
)

// isShellWord reports whether v, in which no blank is, is one word that no program
// but a shell turns into another: it expands braces, the directories it was in, what
// was typed before, patterns of paths, and sums.
func isShellWord(v []byte) bool {
	switch v[0] {
	case '~':
		return (v[1] == '+' || v[1] == '-') && run(v, 2, len(v), isDigit) == len(v)
	case '!':
		return isHistory(v)
	case '/':
		return isBrokenPath(v)
	case '$':
		return isExpansion(v)
	}
	return expandsToCommand(v)
}

// isHistory reports whether v is made of references to what was typed before:
// !-1!-2.
func isHistory(v []byte) bool {
	for len(v) > 0 {
		if len(v) < 3 || v[0] != '!' || v[1] != '-' || !isDigit(v[2]) {
			return false
		}
		v = v[run(v, 2, len(v), isDigit):]
	}
	return true
}

// isBrokenPath reports whether v begins with an absolute path with a pattern
// inside a name, as in /et[c]x: what names parts of addresses and of documents
// in brackets ends behind them.
func isBrokenPath(v []byte) bool {
	if len(v) == 0 || v[0] != '/' {
		return false
	}
	v = v[:run(v, 0, len(v), isPrintable)]
	open := bytes.IndexByte(v, '[')
	if open < 0 {
		return false
	}
	shut := bytes.IndexByte(v[open:], ']')
	return shut > 1 && open+shut+1 < len(v) && isLetter(v[open+shut+1])
}

func isPrintable(c byte) bool { return c > ' ' && c < 0x7f }

// isExpansion reports whether v is a variable of which a shell takes a part,
// or an empty sum. Templates have other signs behind the name.
func isExpansion(v []byte) bool {
	if string(v) == "$[]" {
		return true
	}
	if len(v) < 5 || v[1] != '{' || v[len(v)-1] != '}' {
		return false
	}
	i := run(v, 2, len(v), isWordASCII)
	return i > 2 && (v[i] == '#' || v[i] == '^' || v[i] == '%')
}

// maxBraced is longer than commands in braces are.
const maxBraced = 64

// expandsToCommand reports whether the braces in a word expand to a command:
// c{a,oun}t is cat count, {,id} is id. Where nothing touches the braces and no
// alternative is empty they may list members.
func expandsToCommand(v []byte) bool {
	open := run(v, 0, len(v), isLetter)
	if open == len(v) || v[open] != '{' || len(v) > maxBraced {
		return false
	}
	shut := bytes.IndexByte(v[open:], '}') + open
	comma := bytes.IndexByte(v[open:], ',') + open
	if comma <= open || shut < comma || bytes.IndexByte(v, ':') >= 0 {
		return false
	}
	prefix, suffix := v[:open], v[shut+1:]
	touched := len(prefix)+len(suffix) > 0
	if run(suffix, 0, len(suffix), isLetter) < len(suffix) {
		return false
	}
	empty := comma == open+1 || v[shut-1] == ','
	if !touched && !empty {
		return false
	}
	for from := open + 1; from <= shut; {
		end := from + bytes.IndexByte(v[from:shut], ',')
		if end < from {
			end = shut
		}
		var name [maxBraced]byte
		word := append(append(append(name[:0], prefix...), v[from:end]...), suffix...)
		if len(word) > 0 {
			return certainCommandSet.Has(word) || readers.Has(word) || !touched && commonCommandSet.Has(word)
		}
		from = end + 1
	}
	return false
}

// isShellPiece reports whether v is a line of a shell of which no word need be
// known: output that goes to a file of the system, a program that reads a
// word, a variable that is set and used, a command in a variable.
func isShellPiece(v []byte) bool {
	switch v[0] {
	case '>':
		return isSystemPath(bytes.TrimLeft(v, ">"))
	case ';', '|', '&':
		i := gap(v, 1)
		j := run(v, i, len(v), isCommandByteOrDot)
		return j > i && bytes.HasPrefix(v[j:], []byte("<<<"))
	case '$':
		i := run(v, 1, len(v), isWordASCII)
		return i > 2 && bytes.HasPrefix(v[i:], []byte(" -c "))
	}
	return setsVariable(v)
}

func isCommandByteOrDot(c byte) bool { return isCommandByte(c) || c == '.' }

// isSystemPath reports whether v begins with a directory at the top of a
// system.
func isSystemPath(v []byte) bool {
	if len(v) < 2 || v[0] != '/' {
		return false
	}
	i := run(v, 1, len(v), isLetter)
	return i < len(v) && v[i] == '/' && rootDirs.Has(v[1:i])
}

// setsVariable reports whether v sets a variable of the shell to a path and
// uses it behind a separator: d=/dev;cat $d/x.
func setsVariable(v []byte) bool {
	i := run(v, 0, len(v), isWordASCII)
	if i == 0 || !isLetter(v[0]) || i+2 >= len(v) || v[i] != '=' || v[i+1] != '/' {
		return false
	}
	separator := bytes.IndexAny(v[i:], ";&|")
	if separator < 0 {
		return false
	}
	for rest := v[i+separator:]; len(rest) > 0; {
		at := bytes.IndexByte(rest, '$')
		if at < 0 {
			return false
		}
		rest = rest[at+1:]
		if n := run(rest, 0, len(rest), isWordASCII); bytes.Equal(rest[:n], v[:i]) {
			return true
		}
	}
	return false
}

var (
	// lesserShells are those of which hardly anybody writes how to start them.
	lesserShells = lexicon.New("ksh csh tcsh dash ash")
	// decoders undo what hides a text.
	decoders = lexicon.New("base64 base32 basenc xxd openssl uudecode rev tac tr")
	// windowsPrograms start what they are given the path of.
	windowsPrograms = lexicon.New("powershell pwsh cmd wscript cscript mshta rundll32 regsvr32 certutil notepad explorer")
	// productNames are programs that are words or names of products, so that only
	// a directory of programs before them tells anything.
	productNames = lexicon.New("chef knife puppet salt")
)

// typed weighs a command of a value that is nothing but a line of a shell, as
// one types it.
func (t *shellText) typed(c *shlex.Command, certain, known, scripted bool) {
	v := t.v
	if c.Lead == shlex.Pipe && t.decoded && shells.Has(c.Name) && t.ends(c) {
		t.lone.offer(0.75, c.At, c.End, "A shell runs what was decoded or turned around before.")
	}
	t.decoded = t.decoded || decoders.Has(c.Name)
	switch {
	case c.Lead == shlex.Backtick && (string(c.Name) == "echo" || string(c.Name) == "printf") && bytes.IndexByte(v[:c.At], ' ') < 0:
		t.told = c.End
	case c.Lead == shlex.Pipe && c.At == t.told && c.At > 0 && decoders.Has(c.Name) && c.Words == 0 && len(bytes.TrimRight(v[c.End:], "` ")) == 0:
		t.lone.offer(0.6, c.At, c.End, "A substitution of the shell runs what it decodes or turns around.")
	}
	if c.Lead != shlex.Start && (c.Lead != shlex.Semi || c.At != t.head) {
		if rareCommandSet.Has(c.Name) && c.Lead != shlex.Group && !scripted {
			t.lone.offer(0.6, c.At, c.End, reasonSeparator)
		}
		return
	}
	arg := bytes.TrimLeft(v[c.To:c.End], " \t+")
	last := skipBlank(v, c.End) == len(v)
	whole := last && c.To == c.End
	switch {
	case whole && c.Bin && v[c.From] == '/' && t.keyed() && !t.login(),
		whole && c.Bin && isLetter(v[c.From]) && (rareCommandSet.Has(c.Name) || productNames.Has(c.Name)),
		t.sent && last && rareCommandSet.Has(c.Name),
		known && c.Words == 0 && readers.Has(c.Name) && (hasPrefixFold(arg, "/etc/") || hasPrefixFold(arg, "/proc/") || hasPrefixFold(arg, "/root/")),
		known && c.Words == 0 && isBrokenPath(arg),
		lesserShells.Has(c.Name) && hasPrefixFold(arg, "-c "),
		windowsPrograms.Has(c.Name) && len(arg) > 2 && isLetter(arg[0]) && arg[1] == ':' && arg[2] == '\\':
		t.lone.offer(0.58, c.From, c.End, reasonStart)
	case last && t.isOrder(c, arg) && !isWritten(t.key):
		t.lone.offer(0.56, c.From, c.End, reasonStart)
	case last && shells.Has(c.Name) && c.Words == 0 && len(arg) > 4 && arg[0] == '/' && hasSuffixFold(bytes.TrimRight(arg, " "), ".sh"):
		t.lone.offer(0.58, c.From, c.End, reasonStart)
	case last:
	case shells.Has(c.Name) && c.Words == 0 && len(arg) > 4 && arg[0] == '/' && hasSuffixFold(bytes.TrimRight(arg, " "), ".sh") && isCutting(v[c.End]),
		probeSet.Has(c.Name) && c.To-c.From == len(c.Name) && len(arg) == 0 && v[c.End] == ';' && run(v, c.End, len(v), isCutting) == len(v),
		certain && c.To-c.From == len(c.Name) && len(arg) == 0 && c.End+1 < len(v) && v[c.End] == ';' && bytes.IndexFunc(v[c.End:], unicode.IsLetter) < 0,
		string(c.Name) == "cd" && (string(arg) == "/" || isSystemPath(arg)):
		t.lone.offer(0.58, c.From, min(len(v), c.End+1), "Commands of a shell follow each other.")
	}
}

// isOrder reports whether a value that is one command, handed arg, is one that nobody
// but who sits at a system gives: what it is and runs, with an option, where a program
// is, what a firewall and a registry hold, and in an address to load another.
func (t *shellText) isOrder(c *shlex.Command, arg []byte) bool {
	if c.Lead != shlex.Start || c.Split || len(t.v) > maxOrder {
		return false
	}
	arg = bytes.TrimRight(arg, " \t\r\n+")
	switch string(c.Name) {
	case "which":
		return certainCommandSet.Has(arg)
	case "reg":
		return (hasPrefixFold(arg, "add ") || hasPrefixFold(arg, "query ") || hasPrefixFold(arg, "delete ") || hasPrefixFold(arg, "save ")) && hasFold(arg, "hk")
	case "netsh":
		return hasPrefixFold(arg, "firewall ") || hasPrefixFold(arg, "advfirewall ")
	case "wget", "curl":
		return c.URL && bytes.IndexByte(arg, ' ') < 0 && t.place != InForm
	}
	return c.Words == 0 && t.kinds&(isLooker|isCertain) == isLooker|isCertain && (c.Option || string(arg) == "/all")
}

// maxOrder is longer than such commands are.
const maxOrder = 160

// isWritten reports whether a parameter is called like what people write in, search for
// or ask a model, who may ask for a command.
func isWritten(name []byte) bool {
	for _, part := range [...]string{
		"message", "comment", "text", "body", "title", "subject", "content", "descr", "note", "question", "answer", "search", "query", "term", "keyword", "topic", "reply",
		"prompt", "input", "snippet", "phrase", "caption", "label", "summary", "line", "code",
	} {
		if hasFold(name, part) {
			return true
		}
	}
	return toldNames.Has(name) || writtenNames.Has(name)
}

var writtenNames = lexicon.New("msg wd p k kw find ask tag tags bio entry option field chat post name")

// sentLine reports whether v is one line whose end is that of Unix: browsers
// send other ends, and none behind a field of one line.
func sentLine(v []byte) bool {
	return len(v) > 1 && bytes.IndexByte(v, '\n') == len(v)-1 && v[len(v)-2] != '\r'
}
