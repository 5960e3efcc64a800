package detect

import (
	"bytes"
	"unicode/utf8"

	"github.com/gabionhq/gabion/engine/internal/lexicon"
	"github.com/gabionhq/gabion/engine/internal/pair"
	"github.com/gabionhq/gabion/engine/internal/shlex"
)

// whenRCE: the name of a command stands there, or what splits or hides it, or
// what splits commands.
var whenRCE = append([]feature{hasSemi, hasPipe, hasAmp, hasLine, hasControl | ofFive}, whenCommand...)

// whenCommand: the name of a command, or variables, escapes, wildcards, and quotes
// behind a separator or in a path.
var whenCommand = []feature{
	hasShellWord, hasBacktick | ofFive, hasDollar, hasBrace | ofFive, hasPercent | ofFive, hasBackslash, hasGreater | hasAmp,
	hasSlash | hasStar | ofFive, hasSlash | hasBang | ofFive, hasSlash | hasBracket | ofFive,
	hasQuote | hasSemi, hasQuote | hasPipe, hasQuote | hasAmp, hasQuote | hasLine, hasQuote | hasOpen | ofFive, hasQuote | hasSlash | ofFive,
	hasDQuote | hasSemi, hasDQuote | hasPipe, hasDQuote | hasAmp, hasDQuote | hasLine, hasDQuote | hasOpen | ofFive, hasDQuote | hasSlash | ofFive,
}

// whenNamed: the name of a command, what hides one, or the path that it is
// handed. Without these no command is found in a value that does not stand for
// itself.
var whenNamed = []feature{
	hasShellWord, hasQuote, hasDQuote, hasBackslash, hasDollar, hasStar, hasBang, hasBracket, hasSlash, hasControl,
}

const shellGateWords = certainCommands + " " + commonCommands + " " + optionGateWords + " bin sbin system tcp udp encodedcommand executionpolicy nop pipe dash ash sc xcopy robocopy"

// Commands whose names are no words of ordinary text, and those that are or
// that texts on computers often name.
const (
	certainCommands = `whoami uname ifconfig ipconfig nslookup netstat wget curl nc ncat netcat bash zsh ksh csh tcsh sh
		powershell pwsh cmd printenv systeminfo sysinfo tasklist taskkill certutil bitsadmin wmic cscript wscript mshta rundll32 regsvr32
		telnet telnetd utelnetd tftp chmod chown chgrp mkfifo nohup xargs awk gawk sed grep egrep fgrep ls rm mv cp mkdir rmdir ps pwd tac xxd
		hexdump tee traceroute tracert ping ping6 arp lsof sudo su dpkg rpm usermod useradd adduser passwd crontab
		reboot poweroff gunzip gzip bzip2 tar cpio rsync scp sftp ssh openssl python python2 python3 perl ruby lua php
		gcc busybox socat nmap ifstat iptables systemctl launchctl osascript getent tcpdump strace gdb vim
		dmesg umount printf sysctl lsb_release chsh chroot setsid dig eval exec echo iex dd cpulimit capsh busctl expect jjs jrunscript jq yash gimp gtester ld
		ldconfig logsave mawk ltrace perf pkexec pic pico run-parts rvim scrot slsh ssh-keygen sshpass start-stop-daemon stdbuf tclsh
		tmux unshare uudecode uuencode wish xdotool xelatex zip unzip zsoelim ansible ansible-vault ansible-playbook ansible-inventory
		ansible-galaxy chef-vault chef-shell netsh reg iwr irm psexec schtasks vssadmin nltest rundll cobc composer dmsetup doas
		fping ionice taskset nsenter gpasswd mysqldump pg_dump redis-cli hping3 aria2c axel finger lwp-download lynx zcat unxz zstdcat zstd xzgrep bcdboot cscli trap ansible-pull ansible-doc
		rmt rmt-tar iwmi gwmi invoke-wmimethod get-wmiobject regedit bcdedit wevtutil fsutil cacls icacls takeown dsquery
		ansible-config ansible-console ansible-runner ansible-test chef-client chef-solo chef-apply chef-server-ctl
		invoke-webrequest invoke-expression invoke-command start-process get-content set-content zcat bzcat xzcat zless
		htop bsdtar lastlogin rmt-dump chef-run getfacl setfacl visudo adduser addgroup pkill killall pgrep lastlog chpasswd nice renice base32 basenc basez fold tshark dvips bridge`
	commonCommands = `cat id dir type more less head tail find sort cut env set export kill touch time date who w last man at test which
		host net net1 start copy del move attrib ver whois cd source read make apt-get yum npm pip git docker kubectl java sleep rev base64
		true false tr wc join split uniq diff file stat watch timeout screen comm look info uptime history alias for if column flock htop aptitude ip`
	// numberedCommands are letters of any text to the gate: see shellPairs.
	numberedCommands = "c89 c99"
	// rareCommands are certain ones that hardly anybody writes about.
	rareCommands = `ansible ansible-config ansible-console ansible-runner ansible-test chef-client chef-solo chef-apply chef-server-ctl visudo ansible-vault ansible-playbook ansible-inventory ansible-galaxy ansible-pull ansible-doc chef-vault chef-shell chef-run
		busybox c99 c89 cscli bcdboot zstdcat xzcat bzcat unxz zcat cpulimit capsh busctl bsdtar dvips pkexec setsid jrunscript`
)

var (
	certainCommandSet = lexicon.New(certainCommands, numberedCommands)
	commonCommandSet  = lexicon.New(commonCommands)
	rareCommandSet    = lexicon.New(rareCommands)
	fetchers          = lexicon.New("wget curl fetch lwp-download axel aria2c nc ncat netcat telnet tftp ftp powershell pwsh certutil bitsadmin mshta")
	windowsTools      = lexicon.New("bcdboot bcdedit net netsh reg schtasks wmic sc tasklist taskkill ipconfig systeminfo dir cmd ping vssadmin nltest certutil wevtutil regedit attrib xcopy robocopy del")
	textFilters       = lexicon.New("cut sort uniq awk sed grep egrep head tail tr wc column jq")
	// scriptSet are commands with which the commands of a text begin.
	scriptSet       = lexicon.New(certainCommands, numberedCommands, "yes true while for tsc node npx yarn pnpm vite webpack jest eslint mocha rimraf next go cargo mvn gradle cd git docker kubectl npm pip apt-get yum make cat find export sort head tail source")
	shownCommandSet = lexicon.New("seq cal nl comm df du free users groups rename basename dirname realpath pidof pgrep fuser service journalctl mysql psql sqlite3 ffmpeg convert sleep xdg-open cmp paste expand fmt shuf factor kill unset alias ulimit mount mktemp tee dotnet php pip3 pnpm bundle rails helm terraform gh brew choco")
	commandKinds    = lexicon.NewKinds(certainCommands+" "+numberedCommands, commonCommands, plainReaders.Words(), shownCommandSet.Words(), lookers.Words(), otherCommands())
	shellVocabulary = lexicon.New(certainCommands, commonCommands, `ifs etc bin usr dev tcp udp null passwd shadow home tmp proc in do done then fi else
		http https c e n l exist tokens nop enc exe`)
)

// The kinds of commandKinds.
const (
	isCertain uint8 = 1 << iota
	isCommon
	isPlainReader
	isShown
	isLooker
	isOther // see otherCommands
)

// otherCommands returns the other names that anything is found by.
func otherCommands() string {
	words := rareCommands + " expr " + loaders
	for _, set := range [...]lexicon.Set{probeSet, plainWords, shells, fetchers, connectors, decoders, lesserShells, windowsPrograms, productNames} {
		words += " " + set.Words()
	}
	return words
}

// shortestCommand is a separator and the shortest name: ;w
const shortestCommand = 2

// rce finds commands of a shell in positions where text does not put them.
func (s *Scanner) rce(v []byte, w *Where) {
	if len(v) < shortestCommand || document(v, w) || w.Place == InFile && (len(v) > maxPath || w.Excerpt) {
		return
	}
	if !s.any(shellSigns) && !s.all(hasPercent|hasColon) && !s.mayHide(v) {
		return // separators and signs with words between, none of which is a program's
	}
	if w.Container && s.any(hasAmp) && isPairs(v) {
		return
	}
	s.commands(v, w)
}

// commands finds those in a value that may hold some.
func (s *Scanner) commands(v []byte, w *Where) {
	agent := w.Place == InUserAgent || w.Place == InReferer || w.Place == InAccept || w.Place == InContentType
	if (agent || len(v) > maxBreaking) && !s.have.any(whenCommand) {
		return // no command is found there that is not listed
	}
	var best lead
	words := shellText{place: w.Place, listing: w.Listing || isListing(v, w.Place), shown: w.Listing, v: v, texts: w.Place.holdsText(), agent: agent}
	words.head = skipBlank(v, 0)
	words.name = w.Name && (w.Place == InQuery || w.Place == InForm)
	words.key = w.Key
	words.address = w.Place == InTarget || s.any(hasBang) && isAddress(v)
	if words.read = w.Place == InReferer && w.Decoded > 0; words.read {
		words.slash, words.query = indexFrom(v, 0, '/'), indexFrom(v, 0, '?')
	}
	words.alone = w.Place.single() && len(v) <= maxWhole && (!s.any(hasLine) || bytes.IndexByte(bytes.TrimRight(v, "\r\n"), '\n') < 0)
	words.sent = words.alone && w.Place == InForm && s.any(hasLine) && sentLine(v)
	words.variable = -1
	if s.any(hasDollar) {
		words.variable = bytes.LastIndexByte(v, '$')
	}
	s.sh = shlex.New(v)
	s.reads(v, readShell)
	named := len(v) <= maxBreaking || s.have.any(whenNamed)
	for c := new(shlex.Command); named && !s.settles(best.weight) && s.sh.Next(c); {
		s.effort += commandEffort
		if words.command(&best, c) {
			s.effort += judgeEffort
		}
	}
	if w.Name {
		best.weight *= 0.7 // names are short words
	}
	words.constructs(&best)
	if words.texts && best.weight > evident && best.reason == reasonWindows && bytes.IndexByte(v, '\n') >= 0 {
		best.weight = 0.42 // a script of it
	}
	best.offer(words.lone.weight, words.lone.from, words.lone.to, words.lone.reason)
	if w.Decoded > 0 && best.weight > 0 && best.weight < unmistakable && len(v) < maxPath && !utf8.Valid(v) {
		best.weight *= 0.5 // random bytes hold a separator and a letter soon
	}
	s.follow(RCE, v, best, shellVocabulary)
}

// isPairs reports whether v is pairs of a form, of words all of them: to a shell
// they are assignments, and what they say each says by itself.
func isPairs(v []byte) bool {
	name, assigned := 0, false
	for i, b := range v {
		switch {
		case b == '=' && i > name:
			assigned = true
		case b == '&' && assigned:
			name, assigned = i+1, false
		case !isWordASCII(b) && b != '-' && b != '.' && b != '%' && b != '+':
			return false
		}
	}
	return assigned
}

// isAddress reports whether v is an address with a query.
func isAddress(v []byte) bool {
	i := bytes.IndexByte(v, '?')
	return i > 0 && (v[0] == '/' && bytes.IndexByte(v[i:], '=') > 0 || hasPrefixFold(v, "http"))
}

// A shellText is a value read as shell language.
type shellText struct {
	place    Place
	v        []byte
	name     bool   // a parameter's, which a & begins
	agent    bool   // the place has semicolons and brackets of its own
	address  bool   // & and ? have their meaning in addresses
	read     bool   // the value is the address of a page, with its escapes read
	slash    int    // where the first slash of such an address is, len(v) for nowhere
	query    int    // where its query begins
	texts    bool   // the place holds whole texts
	listing  bool   // a text of several lines, which may quote scripts
	shown    bool   // code, by where it stands
	script   int    // commands so far in a row that follow another one: the text shows a script
	end      int    // of the last command
	kinds    uint8  // of the one that is judged
	begun    bool   // the value begins with a command
	looked   int    // commands so far that look around
	firstAt  int    // where the first of those is
	loaded   bool   // a command before fetched a file from a host without a name
	shell    int    // the end of a shell that was started to be talked with
	head     int    // of the value: the first byte that is not blank
	first    int    // behind the start of the word with which a line begins that was last looked up, 0 for none
	begins   bool   // that is a command
	key      []byte // the name of the parameter
	alone    bool   // the value is one line and stands for itself
	sent     bool   // it ends as lines do that no browser sends
	decoded  bool   // a command before undoes what hides a text
	told     int    // the end of one in backticks that says a text, 0 for none
	lone     lead   // what a value that stands for itself shows
	variable int    // where the last dollar sign is, -1 for nowhere
	followed int    // variables behind separators so far
}

// keyed reports whether the parameter's name says that it takes a command.
func (t *shellText) keyed() bool {
	return (t.place == InQuery || t.place == InForm) && (hasFold(t.key, "cmd") || hasFold(t.key, "command") || hasFold(t.key, "exec") || hasFold(t.key, "shell"))
}

// login reports whether the parameter may be the shell of a user.
func (t *shellText) login() bool { return hasFold(t.key, "shell") }

// maxLine bounds how much of a line before a separator is looked at.
const maxLine = 128

// before returns the line before c's separator, or the end of it.
func (t *shellText) before(c *shlex.Command) []byte {
	return t.v[max(c.Line, c.At-maxLine):c.At]
}

const (
	reasonSeparator = "A separator of the shell is followed by a command."
	reasonSubst     = "A substitution of the shell runs a command."
	reasonStart     = "The value is a command line."
	reasonHidden    = "The name of a command is split or hidden from filters."
	reasonWindows   = "The value holds what only scripts of the Windows shell do."
	reasonIFS       = "The variable IFS stands for a space, which only filters make necessary."
)

// splitSigns are those without which quotes in the first word split nothing: they
// are what quotes of a text are.
const splitSigns = ";|&\r\n(/`${}%\\^"

// command weighs what stands where a shell reads a command, and reports whether it
// took a closer look.
func (t *shellText) command(best *lead, c *shlex.Command) (judged bool) {
	if c.Assigned && !t.runsLater(c) {
		return false
	}
	t.kinds = commandKinds.Of(c.Name)
	certain := t.kinds&isCertain != 0 || isVersioned(c.Name)
	certain = certain || c.Path && !c.Bin && t.switched(c)
	known := certain || t.kinds&isCommon != 0 || string(c.Name) == "expr" && c.Number && c.Words == 0
	known = known || c.At <= 2 && c.Lead != shlex.Start && (c.Words == 1 || c.File) && t.kinds&isPlainReader != 0
	scripted := t.scripted(c)
	if !certain && t.kinds == 0 && t.isWord(c) || !known && t.isText(c) {
		return false
	}
	t.judge(best, c, certain, known, scripted)
	return true
}

// isWord reports whether c, which nobody listed, is a word that is handed nothing but
// words, and of which what stands before it tells nothing.
func (t *shellText) isWord(c *shlex.Command) bool {
	if c.Path || c.Glob || c.IFS || c.Split || bytes.IndexByte(t.v[c.From:c.To], '.') >= 0 || c.At > 0 && endsQuoted[t.v[c.At-1]] {
		return false
	}
	handed := c.To < c.End && isSpace(t.v[c.To])
	return !handed || !c.Option && !c.File && !c.Secret && !c.URL && !c.Redirect && !c.Var
}

// endsQuoted are the bytes that end a string or brackets that a value did not begin,
// and blanks behind.
var endsQuoted = [256]bool{'\'': true, '"': true, ')': true, ' ': true, '\t': true}

// judge weighs a command for which there may be evidence.
func (t *shellText) judge(best *lead, c *shlex.Command, certain, known, scripted bool) {
	args := t.arguments(c)
	if (string(c.Name) == "true" || string(c.Name) == "false") && c.Lead != shlex.Backtick && c.Lead != shlex.Subst {
		return // which do nothing
	}
	if t.address && (c.Lead == shlex.Start || c.Lead == shlex.Amp || c.Lead == shlex.Line) {
		return
	}
	if c.IFS {
		best.offer(0.86, c.At, c.End, reasonIFS)
	}
	if t.selects(c) {
		return
	}
	if t.endsEscaped(c) {
		best.offer(0.62, c.At, c.End, reasonSeparator)
	}
	t.breaksAway(best, c, certain)
	t.standsAlone(best, c, known)
	t.looksAround(best, c)
	if c.Glob {
		best.offer(0.8, c.At, c.End, reasonHidden)
	}
	if t.alone {
		t.typed(c, certain, known, scripted)
	}
	t.handsShell(best, c)
	if !known && t.runsGoal(c) {
		known, args = true, 1
	}
	if !known && t.optioned(c) {
		best.offer(0.65, c.At, c.End, reasonSeparator)
	}
	if !known && (!c.Bin || t.v[c.From] == '.') { // a program of one's own
		if c.Lead == shlex.Subst && t.v[c.At] == '$' && inWritable(t.v[c.From:]) {
			best.offer(0.75, c.At, c.End, reasonSubst)
		}
		return
	}
	if c.Torn && c.Lead != shlex.Start && c.Lead != shlex.Group {
		best.offer(pick(t.listing, 0.4, 0.8), c.At, c.End, reasonHidden)
	}
	if c.Split && (certain || c.Lead != shlex.Start && string(c.Name) == "id" || len(c.Name) > 2) && c.To-c.From > len(c.Name)+1 && (c.Lead != shlex.Start || bytes.ContainsAny(t.v, splitSigns)) {
		best.offer(pick(c.Lead == shlex.Start, 0.75, 0.92), c.At, c.End, reasonHidden)
	}
	if c.Split && certain && len(c.Name) > 4 && c.Lead != shlex.Start && c.To-c.From == len(c.Name)+1 {
		best.offer(pick(t.listing, 0.4, 0.75), c.At, c.End, reasonHidden)
	}
	var weight float32
	reason := reasonSeparator
	switch c.Lead {
	case shlex.Start:
		weight, reason = t.start(c, certain, args), reasonStart
	case shlex.Subst:
		weight, reason = 0.9, reasonSubst
		if !certain && args < 0.5 && !t.ends(c) {
			weight = 0.5
		}
	case shlex.Backtick:
		weight, reason = t.backtick(c, certain, args), reasonSubst
	case shlex.Group:
		weight = 0.35 * args
		if c.Bin || c.Path && hasPrefixFold(t.v[c.From:], "/etc/") {
			weight = 0.5
		}
	default:
		weight = t.separated(c, certain, args)
	}
	if t.name && c.Lead == shlex.Start && c.To < c.End && (certain && args >= 0.8 || c.Secret && t.goal(c)) {
		weight, reason = 0.8, "What follows an ampersand that was not escaped is a command."
	}
	if c.Redirect && c.Lead != shlex.Start && c.Lead != shlex.Group && !t.listing && writesPage(t.v[c.To:c.End]) {
		weight = 0.82
	} else if t.quoted(c, scripted) || t.titled(c) || t.cell(c) {
		weight *= 0.45
	}
	if t.escaped(c) {
		weight = min(weight, 0.42)
	}
	if t.agent && !c.Secret && !c.Bin && weight < 0.85 && c.At > 1 {
		weight *= 0.5
	}
	best.offer(weight, c.At, c.End, reason)
}

// endsEscaped reports whether c, right behind a separator, is a command behind which
// a line end is written as an escape, and nothing: ;id\n. No text but one of that
// command has it, and no blank before.
func (t *shellText) endsEscaped(c *shlex.Command) bool {
	if c.Lead != shlex.Semi && c.Lead != shlex.Pipe || !c.Glued || c.To != len(t.v) || c.To > maxDatum {
		return false
	}
	i := c.To - 2
	if i <= c.From || t.v[i] != '\\' || t.v[i+1] != 'n' && t.v[i+1] != 'r' {
		return false
	}
	name := t.v[c.From:i]
	return bytes.IndexByte(t.v[:i], ' ') < 0 && bytes.IndexByte(t.v[:i], '\\') < 0 && (certainCommandSet.Has(name) || string(name) == "id")
}

// commandNames are parameters and variables of which what they hold is run.
var commandNames = lexicon.New("cmd command exec execute run shell code payload")

// runsLater reports whether what c sets a variable to may be run: variables stand
// behind it, or it is a parameter of which pages run what it holds. Otherwise it is what
// every address and cookie has: &sort=date; lang=php
func (t *shellText) runsLater(c *shlex.Command) bool {
	from := c.From - 1 // the equals sign
	for from > c.At && isWordASCII(t.v[from-1]) {
		from--
	}
	return t.variable > c.To || commandNames.Has(t.v[from:c.From-1])
}

// isText reports whether c, which nobody listed, is words and signs: none of what
// follows judges those, but in short values.
func (t *shellText) isText(c *shlex.Command) bool {
	return !c.Path && !c.Glob && !c.IFS && !c.Option && !c.Secret && !c.URL && len(t.v) > maxBreaking && !t.alone && t.shell != c.At && !connectors.Has(c.Name)
}

// escaped reports whether the command stands in the path of the page that led
// here and was escaped in it. Who hands that address to a shell hands it over
// as it was sent, and who reads its escapes reads its query.
func (t *shellText) escaped(c *shlex.Command) bool {
	if !t.read || c.Lead != shlex.Semi || c.Secret || c.Bin || c.Split || t.fetches(c) {
		return false
	}
	return t.slash > 0 && t.slash < c.At && t.query >= c.At
}

// windowsCommands are those that any case runs, because Windows has them.
var windowsCommands = lexicon.New("dir net net1 type ipconfig whoami ping systeminfo tasklist netstat set ver cmd powershell nslookup echo del copy hostname tracert certutil wmic reg sc find findstr cscript wscript bitsadmin mshta rundll32 regsvr32 start")

// titled reports whether the name is one of a text, with one capital or short
// and all in capitals, and has no argument that only commands have: Unix knows
// no such command.
func (t *shellText) titled(c *shlex.Command) bool {
	name := t.v[c.From:c.To]
	if len(name) < 2 || name[0]-'A' >= 26 || name[1]-'A' < 26 && len(name) > 4 {
		return false
	}
	return !c.Split && !c.Secret && !c.Bin && !c.Option && !c.URL && !c.File && !windowsCommands.Has(c.Name)
}

// cell reports whether the command is a cell of a table: blanks and a pipe on
// both sides, and cells before it.
func (t *shellText) cell(c *shlex.Command) bool {
	if c.Lead != shlex.Pipe || c.Option || c.File || c.Secret || c.URL || c.End >= len(t.v) || t.v[c.End] != '|' || t.v[c.End-1] != ' ' {
		return false
	}
	before := t.before(c)
	return len(before) > 0 && before[0] == '|' || len(before) == 0 && c.Line > 0 && t.texts
}

// switched reports whether the command is one of Windows with an option right
// behind its name, as in bcdboot/r, and takes that for what it is.
func (t *shellText) switched(c *shlex.Command) bool {
	word := t.v[c.From:c.To]
	i := bytes.IndexByte(word, '/')
	if i < 3 || len(word)-i > 3 || !windowsTools.Has(word[:i]) {
		return false
	}
	c.To, c.Option = c.From+i, true
	return true
}

// selects reports whether c is no command but the argument of a function called
// $, as in $('Set fields').item: a quoted name with blanks, or a member behind.
func (t *shellText) selects(c *shlex.Command) bool {
	if !t.texts || c.Lead != shlex.Subst || c.From == 0 {
		return false
	}
	quote := t.v[c.From-1]
	if quote != '\'' && quote != '"' {
		return false
	}
	rest := t.v[c.From:min(len(t.v), c.From+maxLine)]
	n := bytes.IndexByte(rest, quote)
	return n > 0 && n+3 < len(rest) && rest[n+1] == ')' && rest[n+2] == '.' && isLetter(rest[n+3])
}

// quoted reports whether the command is rather one of a script that the value
// shows than one that breaks out of what the value is put in.
func (t *shellText) quoted(c *shlex.Command, scripted bool) bool {
	switch {
	case c.Lead == shlex.Start:
		return t.texts && t.filtered(c) || t.shown && !t.goal(c)
	case scripted || c.Lead == shlex.Pipe && t.joined(c.At):
		return t.texts && t.filtered(c) || !t.goal(c) && !runsCode(t.v, c) && (t.texts || !c.Secret && !c.Bin && !t.fetches(c))
	case !t.listing || c.Secret || t.breaksOut(c):
		return false
	}
	return !t.fetches(c) || c.Lead == shlex.Line || c.Lead == shlex.Pipe || c.Lead == shlex.Backtick && !t.inData(c)
}

// fetches reports whether the command loads what an address or another host
// holds.
func (t *shellText) fetches(c *shlex.Command) bool {
	return (c.URL || c.Option && c.Number) && fetchers.Has(c.Name)
}

// filtered reports whether the command's output goes through a filter of
// text, as in scripts of administrators: what attacks read they want whole.
func (t *shellText) filtered(c *shlex.Command) bool {
	if c.End >= len(t.v) || t.v[c.End] != '|' {
		return false
	}
	i := skipBlank(t.v, c.End+1)
	return textFilters.Has(t.v[i:run(t.v, i, len(t.v), isCommandByte)])
}

// isListing reports whether v has the lines of a text and not of a parameter.
func isListing(v []byte, p Place) bool {
	return p.holdsText() && len(v) > 240 && bytes.Count(v[:min(len(v), maxPath)], []byte("\n")) >= 4
}

// breaksOut reports whether the line before c's separator is empty or one
// piece of data, as when a parameter is broken out of behind lines that only
// pad it: no script that a text quotes has such a line.
func (t *shellText) breaksOut(c *shlex.Command) bool {
	switch c.Lead {
	case shlex.Start, shlex.Line, shlex.Group, shlex.Subst, shlex.Backtick:
		return false
	}
	data := bytes.TrimSpace(t.before(c))
	if len(data) == 0 && c.Line > 1 && bytes.HasSuffix(bytes.TrimRight(t.v[max(0, c.Line-4):c.Line], "\r\n"), []byte{'\\'}) {
		return false // the line before goes on
	}
	return bytes.IndexByte(data, ' ') < 0 && !scriptSet.Has(data)
}

// joined reports whether the output before the pipe at i was joined with the
// errors, as scripts do before they filter it.
func (t *shellText) joined(i int) bool {
	return bytes.HasSuffix(bytes.TrimRight(t.v[:i], " "), []byte("2>&1"))
}

// scripted reports whether the line before c's separator holds a command
// itself. Then the separator joins the commands of a script that the text
// quotes; who breaks out of a parameter has data before the separator.
func (t *shellText) scripted(c *shlex.Command) bool {
	before := t.v[min(t.end, c.At):c.At]
	t.end = c.From
	if t.texts && c.Lead != shlex.Line && t.afterCommand(c) {
		t.script++
		return true
	}
	if c.Lead == shlex.Start || c.Lead == shlex.Line {
		t.script = 0
		return false
	}
	if t.script > 0 {
		return true
	}
	for i := 1; i < len(before); i++ {
		if !wordEnds.Begin(before[i-1], before[i]) {
			continue
		}
		word := i - 1
		for word > 0 && isCommandByte(before[word-1]) {
			word--
		}
		if scriptSet.Has(before[word:i]) {
			t.script++
			return true
		}
	}
	return false
}

// wordEnds are the last byte of what may be the name of a command, and a blank.
var wordEnds = pair.New(pair.Of{pair.Letters + "0123456789-_", " \t\n\v\f\r"})

// afterCommand reports whether the line before c's separator begins with a
// command and an argument, behind the mark of a prompt, a list or a quotation.
func (t *shellText) afterCommand(c *shlex.Command) bool {
	from, to := c.Line, min(c.At, c.Line+maxLine)
	if c.Tick >= max(c.Line, c.At-maxLine) {
		from, to = c.Tick+1, c.At
	}
	for from < to && isPrompt[t.v[from]] {
		from++
	}
	line := t.v[from:to]
	if c.Lead == shlex.Subst && len(bytes.Trim(t.v[:min(c.Line, maxLine)], " \t\r\n'\"")) > 0 {
		if n := run(line, 0, len(line), isWordASCII); n > 0 && n < len(line) && line[n] == '=' {
			return true // a variable is set on a line of a script
		}
	}
	n := run(line, 0, len(line), isCommandByte)
	if n < 2 || n == len(line) || !isSpace(line[n]) || line[0] < 'a' {
		return false
	}
	if t.first != from+1 {
		t.first = from + 1
		t.begins = commandKinds.Of(line[:n])&(isCommon|isCertain|isShown) != 0
	}
	return t.begins
}

// isPrompt are the bytes of what stands in front of a command that a text
// shows: prompts, marks of lists and quotations, and blanks.
var isPrompt = [256]bool{'$': true, '#': true, '>': true, '-': true, '*': true, ' ': true, '\t': true, '"': true, '\'': true}

func isCommandByte(c byte) bool { return isLetter(c) || isDigit(c) || c == '-' || c == '_' }

// arguments grades, 0 to 1, how much what follows a name looks like the
// arguments of a command and not like a sentence.
func (t *shellText) arguments(c *shlex.Command) float32 {
	switch {
	case c.Secret, c.Option && (c.Number || c.File || c.Words <= 2), c.IFS:
		return 1
	case c.Option, c.File && c.Words <= 3, c.URL, c.Redirect && c.Words <= 3:
		return 0.8
	case c.Words == 1 && (reachers.Has(c.Name) && t.hostArgument(c) || readers.Has(c.Name) && t.fileArgument(c)):
		return 0.8
	case (c.Number || c.Var || c.Quote) && c.Words <= 2:
		return 0.7
	case c.Words == 0:
		return 0.6
	case c.Words == 1 && c.End-c.To < 24, c.Words == 2 && c.End-c.To < 20 && t.kinds&isCertain != 0:
		return 0.45
	}
	return 0.1
}

// start grades a command line from the beginning of the value.
func (t *shellText) start(c *shlex.Command, certain bool, args float32) float32 {
	switch {
	case t.place == InJSON && c.To == len(t.v) && hasPrefixFold(t.v, "/usr/"):
		return 0.3 // what a process says that it is
	case c.Bin && c.Secret, certain && c.Option && t.goal(c):
		return 0.82
	case c.Bin && t.v[c.From] == '/' && (certain || t.kinds&isCommon != 0) && (args == 1 || !hasSuffixFold(c.Name, "sh")), c.Bin && args == 1:
		return 0.65
	case t.agent && (c.Option || c.Secret) && c.Words <= 3:
		return 0.75
	case c.Secret && c.Words <= 1 && t.goal(c):
		return 0.7
	case certain && c.Words <= 2 && args >= 0.7 && t.keyed(), runsCode(t.v, c):
		return 0.62
	case c.To == len(t.v) && (certain || string(c.Name) == "id" || string(c.Name) == "dir" || string(c.Name) == "env") && !fileVerbs.Has(c.Name) && t.keyed() && !(c.Bin && t.login()):
		return 0.6
	case certain && c.Option && (c.Number || c.File) && c.Words == 0 && len(t.v) <= 40:
		return 0.55
	case len(t.v) <= 48 && c.Words <= 3 && t.nested(c, certain):
		return 0.6
	case hasPrefixFold(c.Name, "invoke-") && c.Words <= 3, t.windows(c):
		return 0.65
	case len(t.v) <= 80 && (c.Option || c.File || c.Quote) && c.Words <= 3 && rareCommandSet.Has(c.Name):
		return 0.55
	}
	return 0.3 * args
}

// windows reports whether c asks a Windows system for its users or drives.
func (t *shellText) windows(c *shlex.Command) bool {
	switch string(c.Name) {
	case "net", "net1":
		return c.Words <= 5 && hasAnyPrefixFold(trimPlus(t.v[c.To:c.End]), "user", "view", "localgroup", "share", "accounts", "group")
	case "dir", "type", "del":
		args := trimPlus(t.v[c.To:c.End])
		return len(args) > 1 && isLetter(args[0]) && args[1] == ':' && (len(args) == 2 || !isWord(args[2]) && args[2] != ' ')
	}
	return false
}

// trimPlus returns b without the blanks in front, as they are or as forms write them.
func trimPlus(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '+') {
		b = b[1:]
	}
	return b
}

func isBlankOrQuote(v []byte) bool { return len(bytes.Trim(v, " \t\r\n'\";#`)|&/\\")) == 0 }

// nested reports whether a command's first plain argument is a command
// itself, as behind time, nohup and strace.
func (t *shellText) nested(c *shlex.Command, certain bool) bool {
	if !certain && string(c.Name) != "time" && string(c.Name) != "env" && string(c.Name) != "timeout" {
		return false
	}
	i := run(t.v, c.To, c.End, isSpace)
	j := run(t.v, i, c.End, isCommandByte)
	return i > c.To && certainCommandSet.Has(t.v[i:j])
}

// goal reports whether an argument is what attacks read or run first.
func (t *shellText) goal(c *shlex.Command) bool {
	return namesGoal(t.v[c.To:min(c.End, c.To+maxEvidence)])
}

// namesGoal reports whether b holds the name of what attacks read or run first. Each
// has a sign that words don't, from which it is looked at.
func namesGoal(b []byte) bool {
	for i, c := range b {
		switch c {
		case '/':
			if hasAnyPrefixFold(b[i:], "/etc/passwd", "/etc/shadow", "/bin/sh", "/bin/bash", "/dev/tcp", "/etc/issue", "/etc/hosts") {
				return true
			}
		case '.':
			if hasPrefixFold(b[i:], ".ini") && (hasSuffixFold(b[:i], "boot") || hasSuffixFold(b[:i], "win")) {
				return true
			}
		case '_':
			if hasPrefixFold(b[i:], "_rsa") && hasSuffixFold(b[:i], "id") {
				return true
			}
		}
	}
	return false
}

// hasAnyPrefixFold reports whether b begins with one of the lower-case words in any case.
func hasAnyPrefixFold(b []byte, words ...string) bool {
	for _, word := range words {
		if hasPrefixFold(b, word) {
			return true
		}
	}
	return false
}

// separated grades a command behind a separator.
func (t *shellText) separated(c *shlex.Command, certain bool, args float32) float32 {
	sleeps := c.Number && c.Words == 0 && (string(c.Name) == "sleep" || string(c.Name) == "timeout" || string(c.Name) == "expr")
	switch {
	case c.Lead == shlex.Line:
		return t.line(c, certain, args)
	case c.Bin:
		return 0.92
	case t.texts && c.Lead == shlex.Pipe && string(c.Name) == "eval":
		return 0.2 // which reads no input: of a language for searching logs
	case string(c.Name) == "w" && c.To < len(t.v) && t.v[c.To] == '<':
		return 0.2 // a comparison of a program
	case t.windows(c), t.enclosed(c):
		return 0.75
	case t.alternative(c):
		return 0.2
	case certain && args >= 0.7, sleeps:
		return 0.9
	case args == 1 || args >= 0.8 && c.Glued:
		return 0.85
	case certain && t.ends(c):
		return 0.82
	case certain && args >= 0.45:
		return 0.6
	case c.At <= 2 && (certain || args >= 0.7 || t.ends(c) && isBlankOrQuote(t.v[c.End:])):
		return 0.75
	case args >= 0.8 && c.Lead != shlex.Amp:
		return 0.62
	case c.Glued && c.Words == 0 && c.End >= len(t.v) && len(t.v) < 64 && t.ends(c):
		return 0.6
	case c.At <= 2 && t.kinds&isPlainReader != 0 && c.Words <= 2 && !t.listing, c.At > 3 && c.At < maxDatum && c.Lead != shlex.Pipe && t.ends(c) && t.behindHost(c):
		return 0.6
	}
	return 0.3 * args
}

// plainReaders are commands whose names are no words: what is behind them at the
// start of a value, after a separator, is a file.
var plainReaders = lexicon.New("cat tac ls nl xxd od rev")

// maxReader is longer than their names are, with what hides them.
const maxReader = 16

// behindHost reports whether all that stands before c, which is short, is an address of
// a host or a file, as parameters hold that are handed to commands.
func (t *shellText) behindHost(c *shlex.Command) bool {
	before := t.v[:c.At]
	return bytes.ContainsAny(before, "./") && bytes.IndexFunc(before, func(r rune) bool {
		return r >= 0x80 || !isWordASCII(byte(r)) && r != '.' && r != '/' && r != ':' && r != '-'
	}) < 0 && (c.End >= len(t.v) || t.v[c.End] == ';' || t.v[c.End] == '&' || t.v[c.End] == '|' || t.v[c.End] == '#')
}

// line grades a command that begins a line. That breaks out of a parameter if
// the line before is a piece of data and no part of a script or of a text.
func (t *shellText) line(c *shlex.Command, certain bool, args float32) float32 {
	runs := (c.Bin || c.Secret) && c.Words <= 2 || certain && args >= 0.7 && c.Words <= 1
	if c.Line > 0 && !runs {
		return 0.35 * args
	}
	before := bytes.TrimRight(t.before(c), "\r")
	data := t.head >= c.At || t.datum(before, c.Line == 0)
	switch {
	case data && c.Line == 0 && !t.shown && t.follows(c, certain, args):
		return 0.62
	case !runs || bytes.Contains(before, []byte("```")):
	case !t.texts:
		return 0.7
	case t.shown:
	case data:
		return 0.62
	}
	return 0.35 * args
}

// maxDatum is longer than the addresses, names and numbers that programs
// hand to commands.
const maxDatum = 40

// datum reports whether a line is one piece of data: without a blank, no
// command itself, and no mark of a list, a comment or a block. A plain word,
// which may be a title, counts only as the first line.
func (t *shellText) datum(line []byte, first bool) bool {
	if len(line) == 0 || len(line) > maxDatum || line[0] == '-' || line[0] == '*' || line[0] == '$' || line[len(line)-1] == ',' {
		return false
	}
	marked := false
	for _, b := range line {
		switch datumByte[b] {
		case inNoDatum:
			return false
		case marksDatum:
			marked = true
		}
	}
	if !marked && len(line) > 2 && !(first && line[0] >= 'a') {
		return false
	}
	return !scriptSet.Has(line) && !commonCommandSet.Has(line)
}

// What a byte tells of a line that may be a piece of data.
const (
	inNoDatum  = 1
	marksDatum = 2 // it is no plain word
)

var datumByte = func() (t [256]uint8) {
	for _, b := range " \t:{}()[]<>#`\\" {
		t[b] = inNoDatum
	}
	for _, b := range ".@'\"0123456789" {
		t[b] = marksDatum
	}
	return t
}()

// enclosed reports whether the value ends in the command between two pipes,
// and has no others.
func (t *shellText) enclosed(c *shlex.Command) bool {
	return c.Lead == shlex.Pipe && c.To == c.End && c.End+1 == len(t.v) && t.v[c.End] == '|' &&
		bytes.Count(t.v, []byte("|")) == 2 && (string(c.Name) == "id" || t.kinds&isCertain != 0)
}

// opensGroup reports whether a group of a regular expression is open at the
// end of b, and no substitution.
func opensGroup(b []byte) bool {
	i := bytes.LastIndexByte(b, '(')
	return i >= 0 && bytes.IndexByte(b[i:], ')') < 0 && (i == 0 || b[i-1] != '$')
}

// alternative reports whether the command is one of (a|b|c), as in a regular
// expression.
func (t *shellText) alternative(c *shlex.Command) bool {
	if c.Lead != shlex.Pipe || !c.Glued || c.At == 0 {
		return false
	}
	before := t.v[max(0, c.At-maxLine):c.At]
	if bytes.IndexByte(before, '?') >= 0 {
		if i := bytes.LastIndex(before, []byte("(?:")); i >= 0 && opensGroup(before[i:]) {
			return true
		}
	}
	return c.To == c.End && c.End < len(t.v) && (t.v[c.End] == '|' || t.v[c.End] == ')') && (isWord(t.v[c.At-1]) || opensGroup(before))
}

// backtick grades a command in backticks, which are also the quotes of
// Markdown.
func (t *shellText) backtick(c *shlex.Command, certain bool, args float32) float32 {
	end := run(t.v, c.End, len(t.v), func(b byte) bool { return b == '&' || b == ' ' }) // it may run in the background
	closed := end < len(t.v) && t.v[end] == '`'
	sleeps := closed && c.Number && c.Words == 0 && string(c.Name) == "sleep" && t.inData(c)
	if sleeps || closed && c.Secret && c.Bin || closed && certain && (t.fetches(c) || args == 1 || !t.texts) && (t.inData(c) || t.behindDatum(c)) || closed && args >= 0.6 && t.bare(c) {
		return 0.82
	}
	if closed && certain && args >= 0.6 && t.inAddress(c.At) {
		return 0.82
	}
	if c.At > 1 && t.v[c.At-1] == '=' && t.v[c.At-2] == '=' {
		return 0.2 // ===`x`: a string of JavaScript
	}
	if !t.texts && certain && args >= 0.8 && c.At == t.head || !t.texts && c.Secret && args == 1 && c.At == t.head {
		return 0.8 // what is behind it may be piped on
	}
	glued := c.At > 0 && bytes.IndexByte([]byte("(;|&=\"'${,\n+-"), t.v[c.At-1]) >= 0 || c.At == 0 && c.End+2 >= len(t.v)
	if glued && t.texts && t.v[max(c.At-1, 0)] == '\n' && t.head < c.At && c.To == c.End {
		glued = false // a line of Markdown
	}
	switch {
	case closed && glued && (certain || args >= 0.6):
		return 0.88
	case glued && certain && args > 0.4:
		return 0.7
	}
	return 0.25
}

// inAddress reports whether an address goes up to i, without a blank.
func (t *shellText) inAddress(i int) bool {
	before := t.v[max(0, i-maxLine):i]
	before = before[bytes.LastIndexAny(before, " \t\r\n`")+1:]
	at := bytes.Index(before, []byte("://"))
	return at > 0 && at+4 < len(before) && run(before, at, len(before), isPrintable) == len(before)
}

// inWritable reports whether path leads to where every account may write.
func inWritable(path []byte) bool {
	return hasPrefixFold(path, "/tmp/") || hasPrefixFold(path, "/var/tmp/") || hasPrefixFold(path, "/dev/shm/")
}

// inData reports whether a letter or digit stands right before c's backtick,
// where Markdown puts a blank or a sign.
func (t *shellText) inData(c *shlex.Command) bool { return c.At > 0 && isWordASCII(t.v[c.At-1]) }

// ends reports whether the value or the quote around the command ends behind
// it.
func (t *shellText) ends(c *shlex.Command) bool {
	rest := t.v[c.To:c.End]
	for _, b := range rest {
		if !isEnding[b] {
			return false
		}
	}
	return c.End >= len(t.v) || commandEnds[t.v[c.End]]
}

// commandEnds are the bytes that end a command.
var commandEnds = [256]bool{';': true, '|': true, '&': true, '`': true, ')': true, '\n': true, '\r': true}

// isEnding are the bytes that may stand behind the last word of a command.
var isEnding = [256]bool{' ': true, '\t': true, '\r': true, '\n': true, '+': true, '#': true, '\'': true, '"': true, '/': true, '\\': true, '-': true}

// beginning finds what only the beginning of a value can be.
func (t *shellText) beginning(best *lead) {
	if t.head == len(t.v) {
		return
	}
	switch t.v[t.head] {
	case '\\', '\'', '"':
		t.escapedLine(best)
	case 'a', 'A':
		t.alias(best)
	case '-':
		t.exchange(best)
		t.options(best)
	case '=', '+', '@':
		t.exchange(best)
	}
}

// constructs finds what no text and few scripts hold.
func (t *shellText) constructs(best *lead) {
	v := t.v
	t.beginning(best)
	comma, closing := seeker{v: v, b: ','}, seeker{v: v, b: '}'}
	for i := max(0, len(v)-4); i < len(v); i++ { // what is shorter than all else
		if v[i] == ';' || v[i] == '&' || v[i] == '|' {
			t.runsVariable(best, i)
		}
	}
	for i := 0; i+4 < len(v); i++ {
		if !constructPairs.Begin(v[i], v[i+1]) {
			continue
		}
		switch v[i] {
		case '/':
			if hasPrefixFold(v[i:], "/dev/tcp/") || hasPrefixFold(v[i:], "/dev/udp/") || hasPrefixFold(v[i:], "/inet/tcp/") || hasPrefixFold(v[i:], "/inet/udp/") {
				best.offer(0.93, i, min(len(v), i+40), "A network connection is opened as a file of the shell.")
			}
		case '>':
			if hasPrefixFold(v[i:], ">&/dev/") || hasPrefixFold(v[i:], ">& /dev/tcp") {
				best.offer(0.9, i, min(len(v), i+24), "Output of a shell is sent over the network.")
			}
		case '$':
			t.dollar(best, i)
		case '`':
			t.inWord(best, i)
		case '<':
			if hasPrefixFold(v[i:], "<<<") && i > 1 && i <= maxReader && plainReaders.Has(v[:i]) {
				best.offer(0.7, 0, min(len(v), i+24), "A command reads what stands behind it.")
			}
		case ';', '&', '|':
			t.runsVariable(best, i)
		case '{':
			if comma.from(i)-i >= maxBraceName || closing.from(i)-i >= maxBraces {
				continue
			}
			if end := braces(v[i:]); end > 0 {
				best.offer(0.85, i, i+end, reasonHidden)
			}
		case '%':
			t.percent(best, i)
		case 'f', 'F':
			if hasPrefixFold(v[i:], "for") && isBatchBlank(v[i+3]) && (i == 0 || !isLetter(v[i-1])) {
				t.batchFor(best, i)
			}
		case 'i', 'I':
			if i > 0 && wordByte[v[i-1]] != 0 {
				break
			}
			if hasPrefixFold(v[i:], "if ") || hasPrefixFold(v[i:], "if/i ") || hasPrefixFold(v[i:], "iex(") || hasPrefixFold(v[i:], "iex (") || hasPrefixFold(v[i:], "iex $") {
				t.batchIf(best, i)
			}
		case '!':
			if i > 0 && (v[i-1] == '\n' || !t.texts && bytes.IndexByte([]byte(":='\"\\"), v[i-1]) >= 0) && escapesToShell(v[i+1:]) {
				best.offer(pick(t.listing, 0.42, 0.8), i-1, min(len(v), i+12), "A program is told to start a shell.")
			}
		case 'n', 'N':
			if line := v[i:min(len(v), i+64)]; hasPrefixFold(line, "new-object") && (hasFold(line, "net.sockets.tcp") || hasFold(line, "net.webclient") && hasFold(line, ").download") && behindSeparator(v, i)) {
				best.offer(pick(t.listing, 0.42, 0.85), i, min(len(v), i+48), "PowerShell opens a connection.")
			}
		case '[':
			if line := v[i:min(len(v), i+64)]; callsSystem(line) && behindSeparator(v, i) {
				best.offer(pick(t.listing, 0.42, 0.75), i, min(len(v), i+48), "PowerShell calls a method of the system.")
			}
		case '-':
			if hasPrefixFold(v[i:], "-encodedcommand ") || hasPrefixFold(v[i:], "-executionpolicy") || hasPrefixFold(v[i:], "-nop -") {
				best.offer(0.85, i, min(len(v), i+32), "Options make PowerShell run hidden code.")
			}
		}
	}
}

// constructPairs are what constructs of a shell begin with.
var constructPairs = pair.New(
	pair.Of{"/", "dDiI"}, pair.Of{">", "&"}, pair.Of{"<", "<"}, pair.Of{"$", "iI('[0{"},
	pair.Of{";&|", "$ \t\n\v\f\r\x00"}, pair.Of{"%", pair.Letters}, pair.Of{"!", " /"},
	pair.Of{"`{", ""}, pair.Of{"fF", "oO"}, pair.Of{"iI", "fFeE"}, pair.Of{"nN", "eE"}, pair.Of{"[", "sS"}, pair.Of{"-", "eEnN"},
)

// callsSystem reports whether PowerShell calls a method of a class that reaches
// the network, other programs or code.
func callsSystem(line []byte) bool {
	if !hasPrefixFold(line, "[system.") || !bytes.Contains(line, []byte("]::")) {
		return false
	}
	rest := line[len("[system."):]
	return hasPrefixFold(rest, "net.") || hasPrefixFold(rest, "diagnostics.process") || hasPrefixFold(rest, "reflection.") || hasPrefixFold(rest, "io.file]::write")
}

// behindSeparator reports whether what ends a command, and brackets, stand before
// i.
func behindSeparator(v []byte, i int) bool {
	before := bytes.TrimRight(v[max(0, i-8):i], " (")
	return len(before) > 0 && bytes.IndexByte([]byte(";|&\n`$"), before[len(before)-1]) >= 0
}

// escapedLine judges a value that begins with a line end, in the spelling of
// strings, and a command.
func (t *shellText) escapedLine(best *lead) {
	i := skipBlank(t.v, 0)
	if i < len(t.v) && (t.v[i] == '\'' || t.v[i] == '"') {
		i++
	}
	if !hasPrefixFold(t.v[i:], `\n`) && !hasPrefixFold(t.v[i:], `\r`) {
		return
	}
	i += 2
	if hasPrefixFold(t.v[i:], `\n`) {
		i += 2
	}
	bin := hasPrefixFold(t.v[i:], "/bin/") || hasPrefixFold(t.v[i:], "/usr/bin/")
	j := run(t.v, i, len(t.v), isCommandByte)
	ends := j == len(t.v) || t.v[j] == ';' || t.v[j] == '|' || t.v[j] == '\\'
	if bin || j > i && (certainCommandSet.Has(t.v[i:j]) || ends && commonCommandSet.Has(t.v[i:j])) {
		best.offer(0.7, 0, min(len(t.v), j+24), "An escaped line end is followed by a command.")
	}
}

// alias judges the definition of another name for a command.
func (t *shellText) alias(best *lead) {
	i := skipBlank(t.v, 0)
	if !hasPrefixFold(t.v[i:], "alias ") || len(t.v) > maxPath {
		return
	}
	rest := t.v[i+len("alias "):]
	if eq := bytes.IndexByte(rest, '='); eq > 0 && bytes.IndexByte(bytes.TrimLeft(rest[:eq], "-+gmrps '\""), ' ') < 0 {
		best.offer(0.6, i, len(t.v), "Another name for a command is defined.")
	}
}

// inWord judges backticks inside a word, which expand to a part of it.
func (t *shellText) inWord(best *lead, i int) {
	v := t.v
	if i == 0 || !isLetter(v[i-1]) {
		return
	}
	end := bytes.IndexByte(v[i+1:min(len(v), i+40)], '`')
	if end < 0 || i+end+2 >= len(v) || !isLetter(v[i+end+2]) {
		return
	}
	word := v[i+1 : i+1+run(v[i+1:i+1+end], 0, end, isCommandByte)]
	if end == 0 || certainCommandSet.Has(word) {
		best.offer(0.82, i-1, i+end+2, reasonHidden)
	}
}

// maxScope is the length up to which a value is looked through for where a variable is
// set, and maxFollowed how many are.
const (
	maxScope    = 256
	maxFollowed = 4
)

// runsVariable judges a variable behind the separator at i that was set before: a=id;$a
func (t *shellText) runsVariable(best *lead, i int) {
	v := t.v
	at := skipBlank(v, i+1)
	if at+1 >= len(v) || v[at] != '$' || len(v) > maxScope {
		return
	}
	from := at + 1
	if v[from] == '{' {
		from++
	}
	end := run(v, from, len(v), isWordASCII)
	if t.followed++; t.followed > maxFollowed || end == from || !isLetter(v[from]) || end < len(v) && v[end] == '=' || !assigned(v[:i], v[from:end]) {
		return
	}
	best.offer(0.7, i, min(len(v), i+12), "A variable that was just set is run as a command.")
}

// assigned reports whether the variable is set in v.
func assigned(v, name []byte) bool {
	for at := 0; ; {
		n := bytes.Index(v[at:], name)
		if n < 0 {
			return false
		}
		from := at + n
		at = from + len(name)
		if at < len(v) && v[at] == '=' && (from == 0 || !isWordASCII(v[from-1]) && v[from-1] != '$') {
			return true
		}
	}
}

func (t *shellText) dollar(best *lead, i int) {
	v := t.v
	switch v[i+1] {
	case 'i', 'I':
		if hasPrefixFold(v[i:], "$ifs") {
			best.offer(0.86, i, min(len(v), i+12), reasonIFS)
		}
	case '(':
		if v[i+2] == '(' && isDigit(v[i+3]) && bytes.IndexByte(v[i:min(len(v), i+24)], ')') > 0 || hasPrefixFold(v[i:], "$(($(") {
			best.offer(0.7, i, min(len(v), i+24), "The shell is made to calculate, as probes do.")
		}
	case '\'':
		if bytes.Contains(v[i:min(len(v), i+24)], []byte("\\x")) {
			best.offer(0.8, i, min(len(v), i+24), reasonHidden)
		}
	case '[':
		if end := bytes.IndexByte(v[i:min(len(v), i+16)], ']'); end > 0 && run(v, i+2, i+end, isSum) == i+end {
			best.offer(0.7, i, min(len(v), i+24), "The shell is made to calculate, as probes do.")
		}
	case '0':
		if hasPrefixFold(v[i:], "$0<<<") {
			best.offer(0.85, i, min(len(v), i+24), "A text is handed to the shell itself.")
		}
	case '{':
		t.dollarBrace(best, i)
	}
}

func isSum(c byte) bool {
	return isDigit(c) || c == '+' || c == '*' || c == '-' || c == '/' || c == ' '
}

// dollarBrace judges a variable in braces.
func (t *shellText) dollarBrace(best *lead, i int) {
	v := t.v
	switch lower(v[i+2]) {
	case 'i':
		if hasPrefixFold(v[i:], "${ifs") {
			best.offer(0.86, i, min(len(v), i+12), reasonIFS)
			return
		}
	case 'r':
		if hasPrefixFold(v[i:], "${run{") {
			best.offer(0.9, i, min(len(v), i+24), "An expansion of a mail server runs a command.")
			return
		}
	case 's', 'p', 'h':
		switch {
		case hasPrefixFold(v[i:], "${shell}") && i == 0:
			best.offer(0.6, i, min(len(v), i+16), "A variable names the shell that is run.")
			return
		case hasPrefixFold(v[i:], "${path:") || hasPrefixFold(v[i:], "${home:") || hasPrefixFold(v[i:], "${pwd:"):
			best.offer(0.8, i, min(len(v), i+16), reasonHidden)
		}
	}
	if isLetter(v[i+2]) && len(v) <= 80 && bytes.HasPrefix(v[run(v, i+2, len(v), isWordASCII):], []byte("//")) {
		best.offer(0.65, i, min(len(v), i+24), reasonHidden)
	}
}

// How far away the first comma and the end of {command,argument} may be.
const (
	maxBraceName = 24
	maxBraces    = 128
)

// braces returns the length of {command,argument} at the start of b, or 0.
func braces(b []byte) int {
	comma := bytes.IndexByte(b[:min(len(b), maxBraceName)], ',')
	end := bytes.IndexByte(b[:min(len(b), maxBraces)], '}')
	if comma < 2 || end < comma || bytes.IndexByte(b[:end], ':') >= 0 || bytes.IndexByte(b[:end], ' ') >= 0 {
		return 0
	}
	name := b[1:comma]
	if i := bytes.LastIndexByte(name, '/'); i >= 0 {
		name = name[i+1:]
	}
	if certainCommandSet.Has(name) || len(name) == 3 && hasPrefixFold(name, "cat") || hasPrefixFold(name, "ls") && len(name) == 2 {
		return end + 1
	}
	return 0
}

// percent reads the variables of cmd.exe.
func (t *shellText) percent(best *lead, i int) {
	if !isLetter(t.v[i+1]) {
		return
	}
	if hasPrefixFold(t.v[i:], "%comspec%") || hasPrefixFold(t.v[i:], "%systemroot%") || hasPrefixFold(t.v[i:], "%programfiles") {
		end := bytes.IndexByte(t.v[i+1:], '%')
		file := end >= 0 && i+end+2 < len(t.v) && (t.v[i+end+2] == '\\' || t.v[i+end+2] == '/') || lower(t.v[i+1]) == 'c'
		best.offer(pick(file, 0.6, 0.3), i, min(len(t.v), i+16), reasonWindows)
	}
	if t.cutsVariable(i) {
		best.offer(pick(t.listing, 0.42, 0.8), i, min(len(t.v), i+24), reasonHidden)
	}
	if hasPrefixFold(t.v[i:], "%pipe%") && i+6 < len(t.v) && isWord(t.v[i+6]) {
		best.offer(0.85, i, min(len(t.v), i+24), "A program of PostScript opens a command as a file.")
	}
}

// knownVariables are those that Windows sets to names and paths, whose letters
// are known.
var knownVariables = lexicon.New(`temp tmp appdata localappdata allusersprofile programdata programfiles programw6432 commonprogramfiles commonprogramw6432
	comspec path pathext public homepath homedrive systemroot systemdrive windir os userprofile psmodulepath sessionname logonserver processor_architecture processor_identifier`)

// cutsVariable reports whether a few letters of a variable of Windows are taken at
// i, as in %TEMP:~-3,1%.
func (t *shellText) cutsVariable(i int) bool {
	j := run(t.v, i+1, min(len(t.v), i+maxVariableName), isWordASCII)
	if !knownVariables.Has(t.v[i+1 : j]) {
		return false
	}
	if bytes.HasPrefix(t.v[j:], []byte("(x86)")) || bytes.HasPrefix(t.v[j:], []byte("(X86)")) {
		j += len("(x86)")
	}
	return bytes.HasPrefix(t.v[j:], []byte(":~"))
}

// maxVariableName is longer than the names of knownVariables.
const maxVariableName = 32

// isBatchBlank reports whether cmd.exe reads c as a blank between words.
func isBatchBlank(c byte) bool { return c == ' ' || c == '\t' || c == ',' || c == ';' || c == '=' }

// batchFor reads FOR %G IN (...) DO.
func (t *shellText) batchFor(best *lead, i int) {
	line := t.v[i:min(len(t.v), i+200)]
	variable := bytes.IndexByte(line, '%')
	if variable < 0 || variable+2 >= len(line) || line[variable+1] <= ' ' {
		return
	}
	in := indexFold(line[variable:], "in")
	if in > 0 && run(line, variable+2, variable+in, isBatchBlank)+10 >= variable+in && hasFold(line[variable+in:], "do") && bytes.IndexByte(line[variable:], '(') > 0 {
		best.offer(0.85, i, i+len(line), reasonWindows)
	}
}

// batchIf reads IF EXIST and the like, and PowerShell's IEX.
func (t *shellText) batchIf(best *lead, i int) {
	line := t.v[i:min(len(t.v), i+120)]
	if hasPrefixFold(line, "iex") {
		best.offer(0.8, i, i+len(line), "PowerShell runs text as code.")
		return
	}
	if open := bytes.IndexByte(line, '{'); i > 8 || bytes.IndexByte(line, '\n') >= 0 || open >= 0 && !bytes.HasPrefix(line[open:], []byte("{%")) {
		return
	}
	test := bytes.TrimLeft(line[2:], " ")
	folded := false
	for _, skip := range [...]string{"/i", "not"} {
		if hasPrefixFold(test, skip) {
			folded = folded || skip == "/i"
			test = bytes.TrimLeft(test[len(skip):], " ")
		}
	}
	for _, word := range [...]string{"exist ", "defined ", "errorlevel ", "cmdextversion ", "\"%", "%", "{%", "[%", "(%"} {
		if hasPrefixFold(test, word) && (word[len(word)-1] == ' ' || compares(test)) { // messages of programs have placeholders: If %1, ...
			best.offer(0.62, i, i+len(line), reasonWindows)
			return
		}
	}
	if t.alone && comparesWords(test) {
		best.offer(0.55, i, i+len(line), reasonWindows)
		return
	}
	for _, op := range batchOperators {
		if hasFold(test[:min(len(test), 40)], op) && (op != "==" || folded || hasFold(test, "echo") || hasFold(test, " cd ") || hasFold(test, "goto") || bytes.IndexByte(test, '%') >= 0) {
			best.offer(0.58, i, i+len(line), reasonWindows)
			return
		}
	}
}

// batchOperators compare in cmd.exe.
var batchOperators = [...]string{" equ ", " neq ", " lss ", " leq ", " gtr ", " geq ", "=="}

// compares reports whether one of them is in v.
func compares(v []byte) bool {
	for _, op := range batchOperators {
		if hasFold(v, op) {
			return true
		}
	}
	return false
}

// comparesWords reports whether v is a comparison without blanks and one word
// behind it, as of the command that cmd.exe runs if it holds: other languages
// have a sign or another word there.
func comparesWords(v []byte) bool {
	i := run(v, 0, len(v), isWordASCII)
	if i == 0 || !bytes.HasPrefix(v[i:], []byte("==")) {
		return false
	}
	j := run(v, i+2, len(v), isWordASCII)
	k := run(v, j, len(v), isSpace)
	word := bytes.TrimRight(v[k:], " \r\n")
	return j > i+2 && k > j && len(word) > 0 && run(word, 0, len(word), isLetter) == len(word) &&
		string(word) != "then" && string(word) != "and" && string(word) != "or" && string(word) != "else"
}
