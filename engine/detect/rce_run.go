package detect

import (
	"bytes"

	"github.com/gabionhq/gabion/engine/internal/lexicon"
	"github.com/gabionhq/gabion/engine/internal/shlex"
)

// optionGateWords are words of programOptions, and of what else is looked for
// here.
const optionGateWords = "pager pack proxycommand compress checkpoint rsh command rcat oproxycommand sockets shadow luajit pypy node nodejs msiexec comspec systemroot programfiles " + loaders

var (
	shells       = lexicon.New("sh bash dash ash zsh ksh csh tcsh cmd cmd.exe powershell powershell.exe pwsh")
	interpreters = lexicon.New("python perl ruby php lua luajit node nodejs java bash gawk awk tclsh pypy")
	// windowsLoaders are commands of Windows that load what an address holds.
	windowsLoaders = lexicon.New("certutil bitsadmin mshta regsvr32 rundll32 msiexec cscript wscript")
	// reachers are commands that take a host.
	reachers = lexicon.New("wget curl fetch nc ncat netcat telnet tftp ftp ping nslookup dig host traceroute tracert ssh")
	// readers are commands that show files.
	readers = lexicon.New("cat type more less head tail nl tac strings rm cp mv base64 xxd od")
	// fileVerbs are commands that file managers on the web call the same.
	fileVerbs = lexicon.New("ls rm mkdir rmdir mv cp chmod ping tar zip unzip gzip file info get put")
	// programOptions make a program run another one.
	programOptions = [...]string{"--open-files-in-pager", "--upload-pack", "--receive-pack", "-oproxycommand", "--use-compress-program",
		"--checkpoint-action", "--to-command", "--rsh", "--exec", "--pager"}
)

// unversioned returns the name of a command without the version behind it.
func unversioned(name []byte) []byte {
	n := len(name)
	for n > 1 && (isDigit(name[n-1]) || name[n-1] == '.') {
		n--
	}
	return name[:n]
}

// isVersioned reports whether name is that of an interpreter with its version.
func isVersioned(name []byte) bool {
	plain := unversioned(name)
	return len(plain) < len(name) && interpreters.Has(plain)
}

// escapesToShell reports whether b begins with the path of a shell.
func escapesToShell(b []byte) bool {
	b = bytes.TrimLeft(b, " ")
	return hasPrefixFold(b, "/bin/sh") || hasPrefixFold(b, "/bin/bash") || hasPrefixFold(b, "/usr/bin/sh")
}

// follows reports whether a command behind the first line end, before which
// one piece of data or nothing stands, is more than a word.
func (t *shellText) follows(c *shlex.Command, certain bool, args float32) bool {
	switch {
	case c.Path && !c.Bin:
		return false
	case c.To == c.End && t.ends(c):
		return certain && c.At < 3 || c.At == 0 && string(c.Name) == "id"
	case certain && c.Option:
		return c.Words <= 3
	}
	return !t.texts && args >= 0.8
}

// runsGoal reports whether a command that nobody listed is handed what attacks
// run or read first, behind what puts it in the position of a command. What
// text puts before such a path has no options.
func (t *shellText) runsGoal(c *shlex.Command) bool {
	switch c.Lead {
	case shlex.Start, shlex.Group, shlex.Line:
		return false
	}
	if len(c.Name) < 2 || !c.Secret && c.Lead != shlex.Subst || c.To >= c.End || !isSpace(t.v[c.To]) {
		return false
	}
	args := t.v[c.To:min(c.End, c.To+maxEvidence)]
	for _, shell := range [...]string{"/bin/sh", "/bin/bash", "/bin/dash", "/bin/zsh"} {
		if hasFold(args, shell) {
			return true
		}
	}
	if c.Lead == shlex.Subst {
		return t.v[c.At] == '$' && !t.texts && (c.Option && (c.File || c.Quote) || c.Secret)
	}
	return (hasFold(args, "/etc/passwd") || hasFold(args, "/etc/shadow")) && (!t.texts || c.Option || c.Glued)
}

// connectors connect what a program reads and writes to the network.
var connectors = lexicon.New("nc ncat netcat rcat socat nc.exe ncat.exe nc.traditional busybox")

// handsShell finds shells whose input and output go over the network.
func (t *shellText) handsShell(best *lead, c *shlex.Command) {
	const reason = "A shell is connected to the network."
	if c.Lead == shlex.Pipe && t.shell == c.At && t.shell > 0 && (fetchers.Has(c.Name) || string(c.Name) == "openssl") {
		best.offer(0.85, c.At, c.End, reason)
	}
	args := t.v[c.To:min(c.End, c.To+maxEvidence)]
	if t.loaded && c.Lead != shlex.Start && c.Lead != shlex.Group && (string(c.Name) == "chmod" || shells.Has(c.Name) || bytes.HasPrefix(t.v[c.From:], []byte("./"))) {
		best.offer(0.82, c.At, c.End, "What a host without a name sends is made a program.")
	}
	t.loaded = t.loaded || loads(c, args)
	if c.URL && c.End < len(t.v) && t.v[c.End] == '|' && fetchers.Has(c.Name) && namesHost(args) && t.pipesToShell(c.End+1) {
		best.offer(0.82, c.From, c.End, "What a host without a name sends is run by a shell.")
	}
	if c.URL && c.Lead == shlex.Start && c.Words <= 3 && windowsLoaders.Has(c.Name) {
		best.offer(0.62, c.From, c.End, reasonWindows)
	}
	if c.Option && shells.Has(c.Name) && bytes.HasPrefix(bytes.TrimLeft(args, " "), []byte("-i")) {
		t.shell = c.End
	}
	if !connectors.Has(c.Name) {
		return
	}
	for i := 1; i+4 < len(args); i++ {
		from := i
		switch {
		case args[i-1] == ' ' && args[i] == '-' && (args[i+1] == 'e' || args[i+1] == 'c') && args[i+2] == ' ':
			from += 3
		case hasPrefixFold(args[i:], "exec:"):
			from += len("exec:")
		default:
			continue
		}
		word := bytes.TrimLeft(args[from:], " '\"")
		word = word[:run(word, 0, len(word), isProgramByte)]
		if j := bytes.LastIndexByte(word, '/'); j >= 0 {
			word = word[j+1:]
		}
		if shells.Has(word) {
			best.offer(0.88, c.From, c.End, reason)
			return
		}
	}
}

// lookers say what a system is and who uses it. Who looks around after breaking
// in runs several at once.
var lookers = lexicon.New("uname id whoami w who last ifconfig ipconfig hostname netstat systeminfo pwd sw_vers lsb_release")

// looksAround judges several of them in a row, from the beginning of a short
// value on.
func (t *shellText) looksAround(best *lead, c *shlex.Command) {
	if len(t.v) > maxBreaking || t.shown || t.agent || t.address || c.Path && !c.Bin {
		return
	}
	if c.Lead == shlex.Start {
		t.begun = t.kinds&isLooker != 0 || string(c.Name) == "unset"
	}
	if c.Lead == shlex.Group || t.kinds&isLooker == 0 || c.Words > 0 || c.To < len(t.v) && !isCutting(t.v[c.To]) {
		return
	}
	if t.looked++; t.looked == 2 && (t.begun || t.head >= t.firstAt) {
		best.offer(0.7, t.firstAt, c.End, "Commands tell one after the other what the system is.")
	}
	if t.looked == 1 {
		t.firstAt = c.At
	}
}

// loaders are the programs that loads knows.
const loaders = "wget curl busybox toybox fetch axel aria2c tftp ftpget"

// loads reports whether c fetches a file from a host that has no name.
func loads(c *shlex.Command, args []byte) bool {
	switch string(c.Name) {
	case "wget", "curl", "busybox", "toybox", "fetch", "axel", "aria2c":
		return c.URL && namesHost(args)
	case "tftp", "ftpget":
		return c.Option && c.Number
	}
	return false
}

// namesHost reports whether an address in the arguments has a number for its
// host.
func namesHost(args []byte) bool {
	i := bytes.Index(args, []byte("://"))
	return i > 0 && i+3 < len(args) && isDigit(args[i+3])
}

// pipesToShell reports whether the command at i, behind a pipe, is a shell.
func (t *shellText) pipesToShell(i int) bool {
	i = skipBlank(t.v, i)
	return shells.Has(t.v[i:run(t.v, i, len(t.v), isCommandByte)])
}

func isProgramByte(c byte) bool { return isCommandByte(c) || c == '/' || c == '.' }

// hostArgument reports whether the command's only argument is a host.
func (t *shellText) hostArgument(c *shlex.Command) bool {
	arg := bytes.Trim(t.v[c.To:c.End], " \t'\"#")
	dot := bytes.IndexByte(arg, '.')
	return dot > 0 && dot+1 < len(arg) && isWordASCII(arg[dot+1]) && bytes.IndexByte(arg, ' ') < 0
}

// runsCode reports whether c hands an interpreter a program that runs
// commands or opens connections.
func runsCode(v []byte, c *shlex.Command) bool {
	if !interpreters.Has(unversioned(c.Name)) || c.To >= len(v) || !isSpace(v[c.To]) {
		return false
	}
	args := bytes.TrimLeft(v[c.To:min(len(v), c.To+maxEvidence*2)], " ")
	if len(args) < 4 || args[0] == '-' && bytes.IndexByte([]byte("cerM"), args[1]) < 0 || args[0] != '-' && args[0] != '\'' || bytes.IndexByte(args, '\'') < 0 && bytes.IndexByte(args, '"') < 0 {
		return false
	}
	for _, word := range [...]string{"socket", "system(", "popen", "exec(", "spawn", "subprocess", "/bin/sh", "/inet/", "shell_exec", "tcpclient", "urlopen("} {
		if hasFold(args, word) {
			return true
		}
	}
	return false
}

// behindDatum reports whether nothing but one piece of data stands before c's
// backtick, with a blank between.
func (t *shellText) behindDatum(c *shlex.Command) bool {
	before := bytes.TrimSpace(t.v[min(t.head, c.At):c.At])
	return len(before) > 0 && len(before) < maxDatum && bytes.ContainsAny(before, ".@'\"0123456789") && t.datum(before, false)
}

// bare reports whether the value is nothing but a command in backticks and
// what breaks out of something before it.
func (t *shellText) bare(c *shlex.Command) bool {
	before, after := t.v[:c.At], t.v[min(len(t.v), c.End+1):]
	if len(before)+len(after) > 16 {
		return false
	}
	breaks := false
	for _, side := range [...][]byte{before, after} {
		for _, b := range side {
			if isWord(b) || b >= 0x80 {
				return false
			}
			breaks = breaks || b == ';' || b == '|' || b == '&' || b == '\'' || b == '"'
		}
	}
	return breaks
}

// exchange judges =program|'arguments'!cell, which makes a spreadsheet start
// the program for Dynamic Data Exchange.
func (t *shellText) exchange(best *lead) {
	v := t.v
	i := bytes.Index(v, []byte("|'"))
	if i < 1 || !isWordASCII(v[i-1]) {
		return
	}
	if end := bytes.Index(v[i+2:], []byte("'!")); end > 0 {
		best.offer(0.85, t.head, i+end+4, "A formula of a spreadsheet starts a program.")
	}
}

// options judges a value that begins with an option which makes the program
// that reads it run another one.
func (t *shellText) options(best *lead) {
	v := t.v[t.head:]
	if len(v) == 0 || v[0] != '-' || len(v) > maxPath {
		return
	}
	for _, o := range programOptions {
		if !hasPrefixFold(v, o) || len(v) < len(o)+3 || v[len(o)] != '=' {
			continue
		}
		if b := v[len(o)+1]; isWord(b) || b == '/' || b == '`' || b == '$' || b == '"' || b == '\'' || b == ';' || b == '|' {
			best.offer(0.7, t.head, len(t.v), "An option makes a program run another one.")
		}
	}
}

// writesPage reports whether the arguments send output to a file that a web
// server runs.
func writesPage(args []byte) bool {
	i := bytes.LastIndexByte(args, '>')
	if i < 0 {
		return false
	}
	name := bytes.Trim(args[i+1:], " '\"#")
	return bytes.IndexByte(name, ' ') < 0 && isPage(name)
}

// isPage reports whether a server runs the file of that name.
func isPage(name []byte) bool {
	for _, end := range [...]string{".php", ".jsp", ".jspx", ".asp", ".aspx", ".phtml", ".ashx"} {
		if hasSuffixFold(name, end) {
			return true
		}
	}
	return false
}

// fileArgument reports whether the command's only argument is a file that
// servers have.
func (t *shellText) fileArgument(c *shlex.Command) bool {
	arg := bytes.Trim(t.v[c.To:c.End], " \t'\"#")
	return bytes.IndexByte(arg, ' ') < 0 && bytes.IndexByte(arg, '.') > 0 && served(arg)
}

// optioned reports whether what nobody listed follows a separator with which
// the value begins, or stands where texts do not, and has options as commands
// have them.
func (t *shellText) optioned(c *shlex.Command) bool {
	switch c.Lead {
	case shlex.Semi, shlex.And, shlex.Or, shlex.Amp:
	default:
		return false
	}
	if !c.Option || !c.Quote || t.agent || t.address || len(c.Name) < 2 || c.Words > 3 || c.To >= c.End || !isSpace(t.v[c.To]) || c.Path && !c.Bin {
		return false
	}
	if c.At <= 2 && c.Glued && c.Lead != shlex.Amp && len(t.v) <= maxPath {
		return true
	}
	return !t.texts && c.Lead != shlex.Amp
}
