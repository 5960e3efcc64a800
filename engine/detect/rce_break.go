package detect

import (
	"bytes"
	"strings"
	"unicode"

	"github.com/gabionhq/gabion/engine/internal/lexicon"
	"github.com/gabionhq/gabion/engine/internal/shlex"
)

// Nobody can list the programs of all systems. What tells a command that nobody
// listed is how the value leaves the place that it was put in: one piece of data
// or nothing, what splits commands, and a word with what only commands are
// handed. Each of these has its point; a list, a search or a sentence seldom
// has two.

// maxBreaking is longer than values are that break out of one argument.
const maxBreaking = 256

// breakPoints is how many points make a command.
const breakPoints = 2

const (
	// probePrograms are those that say what a system is or runs, or change it, and
	// whose names are no words of any text.
	probePrograms = `df lsblk lscpu lsmod lspci lsusb lshw lsns lslogins lsipc lsattr lsmem lsscsi dmidecode vmstat iostat mpstat pidstat nproc
		hostnamectl timedatectl loginctl localectl resolvectl networkctl journalctl bootctl machinectl findmnt blkid swapon swapoff
		fdisk sfdisk cfdisk gdisk sgdisk dumpe2fs tune2fs e2fsck mkfs mkswap losetup getconf getent sysctl modinfo modprobe insmod rmmod depmod
		auditctl ausearch setenforce getenforce sestatus aa-status setfile setcap getcap chattr lchsh chfn newgrp vigr vipw pwck grpck pwconv faillog
		update-alternatives update-ca-trust update-ca-certificates update-rc.d chkconfig sockstat pfctl ipfw nft ufw firewall-cmd ebtables arptables
		brctl ethtool iwconfig nmcli rfkill ifup ifdown dhclient mtr tcpkill ettercap ngrep rpcinfo showmount smbclient rpcclient ldapsearch ldapadd
		ldapmodify ldapwhoami kinit kadmin pstree pmap ldd objdump readelf umask sysrc jexec jls kldstat kldload pkgin opkg apk dnf
		zypper pacman sw_vers system_profiler ioreg kextstat kextload scutil dscl dscacheutil networksetup csrutil diskutil sysadminctl pwpolicy pmset
		plutil systemd-detect-virt spctl tccutil nvram hdiutil softwareupdate quser qwinsta rwinsta qprocess gpresult gpupdate driverquery getmac
		nbtstat klist auditpol cmdkey wbadmin secedit esentutl ntdsutil diskshadow wevtutil pktmon fltmc forfiles makecab extrac32 cmstp
		odbcconf certreq regasm regsvcs regini msbuild installutil pcalua verclsid infdefaultinstall w32tm csvde ldifde dsget dsmod dsadd dnscmd
		sdbinst compmgmt eventvwr fodhelper msiexec setx tzutil whoami systeminfo
		podman buildah skopeo crictl mklink chcp ftype vaultcmd ilasm gpscript settingsynchost stordiag mpiexec sysmon doskey tskill logoff
		get-process get-childitem get-service get-ciminstance get-localuser get-localgroup get-netipaddress get-nettcpconnection get-computerinfo get-hotfix
		get-aduser get-adcomputer get-psdrive get-itemproperty get-acl start-sleep new-localuser add-localgroupmember set-executionpolicy resolve-dnsname test-netconnection test-connection
		remove-item copy-item move-item out-file add-type new-object new-item invoke-restmethod
		kextfind dsenableroot xwud xwd chflags dropbear inetd pdbedit smbpasswd arpscan fping6 tcptraceroute usermod groupadd`
	programEnds = "exe cmd bat ps1 vbs msc cpl scr"
)

var (
	probeSet = lexicon.New(probePrograms)
	// plainProbes are the names that are one word. Dots and dashes would make the
	// gate know ordinary words.
	plainProbes   = oneWord(probePrograms)
	programEndSet = lexicon.New(programEnds)
)

// oneWord returns the names in list that have neither dots nor dashes, as gateNames
// does.
func oneWord(list string) string {
	var names []string
	for _, name := range strings.Fields(list) {
		if !strings.ContainsAny(name, ".-") {
			names = append(names, name)
		}
	}
	return gateNames(strings.Join(names, " "))
}

// gateNames returns the words by which the gate knows the names in list, of parts with
// digits the longest: the e of e2fsck is a word of some languages, and the c of aria2c one
// of any list.
func gateNames(list string) string {
	var words []string
	for _, part := range strings.FieldsFunc(list, func(r rune) bool { return r == '.' || r == '-' || unicode.IsSpace(r) }) {
		longest := ""
		for _, word := range strings.FieldsFunc(part, unicode.IsDigit) {
			if len(word) > len(longest) {
				longest = word
			}
		}
		words = append(words, longest)
	}
	return strings.Join(words, " ")
}

// breaksAway judges a command, listed or not, by the shape of the value.
func (t *shellText) breaksAway(best *lead, c *shlex.Command, certain bool) {
	if len(t.v) > maxBreaking || t.agent || t.address || t.listing || c.Lead == shlex.Start || c.Lead == shlex.Group || c.To == c.From {
		return
	}
	named := t.programPoints(c)
	handed := t.handedPoints(c, named > 0)
	if named < 0 || c.Words > 3*(1+named+handed) || c.Lead == shlex.Pipe && named < 2 && bytes.IndexByte(t.v[c.End:], '|') >= 0 && c.At+1 < c.From {
		return // a name alone, a sentence, a row of a table
	}
	before := bytes.TrimRight(t.v[t.head:max(t.head, c.At)], " \t")
	data := bytes.TrimRight(before, "'\")")
	if len(data) > maxDatum || run(data, 0, len(data), func(b byte) bool { return isDatum[b] }) < len(data) {
		return
	}
	strong := 0 // of how it leaves its place
	if c.Lead == shlex.And || c.Lead == shlex.Or {
		strong++
	}
	ends := len(before) > len(data) && bytes.Count(before, before[len(data):len(data)+1])%2 == 1
	if ends {
		strong++ // a string that the value did not begin
	}
	closing := t.closingPoints(c)
	if named+handed == 0 && (t.texts || !ends || closing <= 0 || len(data) == 0) {
		return
	}
	switch c.Lead {
	case shlex.Line:
		if len(before) == 0 || t.texts || named == 0 && !ends {
			return
		}
	case shlex.Backtick, shlex.Subst:
		glued := len(before) == c.At-t.head && len(data) > 0 && (c.Lead == shlex.Subst || data[len(data)-1] != '.') // of a column
		if t.texts && (!glued || named < 2 && (handed == 0 || !isValue(data)) && !t.spliced(c, certain, named)) {
			return
		}
		strong += int(pick(glued, 1, 0))
	default:
		if t.texts && len(data) > 0 && strong < 2 && !isValue(data) && (named < 2 || handed+max(closing, 0) == 0 || t.joins(data)) {
			return
		}
	}
	points := strong + named + handed + closing
	if len(before) == 0 && c.Lead != shlex.Amp && named != 1 {
		points++
	}
	if named == 1 && handed == 0 && strong < 2 && (strong == 0 || closing <= 0 && (!certain || c.Words > 0)) {
		return // words of a search that are names of commands, too
	}
	if points >= breakPoints {
		best.offer(0.6, c.At, c.End, reasonSeparator)
	}
}

// joins reports whether what stands before a separator in a text is a command
// itself, so that the text shows a script. One called test needs arguments.
func (t *shellText) joins(data []byte) bool {
	return data[0] == '.' || data[0] == '/' || string(data) != "test" && (scriptSet.Has(data) || commonCommandSet.Has(data) || shownCommandSet.Has(data) || probeSet.Has(data))
}

// spliced reports whether a program that is known by its name stands in backticks
// right behind a letter or digit, where Markdown puts a blank or a sign, and SQL
// the dot between two names. Of the words that are names of variables, too, none
// counts behind a dollar sign.
func (t *shellText) spliced(c *shlex.Command, certain bool, named int) bool {
	return named > 0 && t.inData(c) && (c.Lead == shlex.Backtick || certain || string(c.Name) == "id")
}

// isDatum are the bytes of names, numbers, hosts, files and addresses.
var isDatum = func() (t [256]bool) {
	for i := range t {
		t[i] = isWordASCII(byte(i)) || i >= 0x80
	}
	for _, b := range "./:-_@,+%~\\?#" {
		t[b] = true
	}
	return t
}()

// isValue reports whether what stands before a separator in a text is a number,
// a host or a file, and no command of a script: a && b.
func isValue(data []byte) bool {
	if data[0] == '.' || data[0] == '/' || data[0] == '~' || hasSuffixFold(data, ".sh") || hasSuffixFold(data, ".py") || hasSuffixFold(data, ".exe") {
		return false
	}
	return len(data) == 1 || bytes.ContainsAny(data, ".@0123456789")
}

// programPoints returns what the name of c is worth: -1 for what is no name of
// a program.
func (t *shellText) programPoints(c *shlex.Command) int {
	raw := t.v[c.From:c.To]
	if c.Split || c.From > c.At+8 || bytes.IndexByte(t.v[c.At:c.From], '=') >= 0 {
		return -1 // what was put together, or set
	}
	switch {
	case !isLetter(raw[0]):
		return -1
	case len(raw) > 3 && raw[1] == ':' && raw[2] == '\\':
		return int(pick(c.Lead == shlex.Semi || c.Lead == shlex.Pipe, -1, 2)) // which stand between the paths of lists, too
	case c.Path && !c.Bin:
		return -1
	}
	if dot := bytes.LastIndexByte(raw, '.'); dot > 0 {
		switch {
		case !programEndSet.Has(raw[dot+1:]):
			return -1 // a host, a file, a member of an object
		case c.Lead == shlex.Semi, c.Lead == shlex.Pipe && c.To == c.End, hasSuffixFold(bytes.TrimRight(t.v[:c.At], " "), string(raw[dot:])):
			return 1 // one of a list of files
		}
		return 2
	}
	switch {
	case probeSet.Has(c.Name):
		return 2
	case c.Option && plainWords.Has(c.Name):
		return 1
	case raw[0]-'A' < 26 && !windowsCommands.Has(c.Name) && bytes.IndexByte(raw, '-') < 0:
		return int(pick(c.Lead == shlex.Amp || !c.Option, -1, 0)) // a word of a text
	case t.kinds&(isCertain|isCommon) != 0:
		return 1
	}
	return 0
}

// handedPoints returns what the arguments of c are worth: an option, and a path,
// an address, a variable or a redirection. Words behind dashes are none, as a
// search leaves words out so, nor those behind a slash, as in units, but where
// the name is known as that of a program.
func (t *shellText) handedPoints(c *shlex.Command, known bool) int {
	points, option := 0, false
	args := t.v[c.To:c.End]
	if len(args) == 0 || !isSpace(args[0]) {
		return 0
	}
	for i := 0; i+2 < len(args); i++ {
		if !isSpace(args[i]) {
			continue
		}
		j := run(args, i+2, len(args), isCommandByte)
		ends := j == len(args) || isSpace(args[j]) || args[j] == '=' || args[j] == '"' || args[j] == '\'' || args[j] == ':' && args[i+1] == '/'
		switch word := args[i+1 : j]; {
		case !ends || len(word) < 2:
		case word[0] == '-' && isLetter(word[1]) && (len(word) == 2 || known && len(word) < 5), word[0] == '-' && word[1] == '-' && len(word) > 3 && isLetter(word[2]),
			word[0] == '-' && (c.File || c.URL || c.Quote || c.Number) && isLetter(word[1]),
			word[0] == '/' && isLetter(word[1]) && (len(word) < 4 || known && len(word) < 12 || j < len(args) && args[j] == ':'):
			option = true
		}
	}
	if option || known && c.Words == 1 && endsInProgram(args) {
		points++
	}
	if c.File && (!option && !c.URL && namesPath(args) || option && bytes.ContainsAny(args, "~\\")) || c.Secret || c.URL && (known || option) || redirects(args) || c.Var && bytes.Count(args, []byte("%")) > 1 {
		points++
	}
	return points
}

// endsInProgram reports whether the last argument is a program of Windows.
func endsInProgram(args []byte) bool {
	args = bytes.TrimRight(args, " \"'")
	dot := bytes.LastIndexByte(args, '.')
	return dot > 1 && isWordASCII(args[dot-1]) && programEndSet.Has(args[dot+1:])
}

// namesPath reports whether a path of either system stands in the arguments, and
// no unit as in 5 km /h, nor words as in this and/or that.
func namesPath(args []byte) bool {
	for i := 1; i+1 < len(args); i++ {
		switch {
		case args[i] == '\\' && isWordASCII(args[i+1]):
			return true
		case args[i] == '/' && isWordASCII(args[i+1]):
			word := args[i:run(args, i, len(args), isPrintable)]
			if args[i-1] == '.' || args[i-1] == '~' || isSpace(args[i-1]) && (bytes.IndexByte(word[1:], '/') > 0 || rootDirs.Has(word[1:])) {
				return true
			}
		}
	}
	return false
}

// redirects reports whether output goes to a file: what compares, and markup, has
// other signs around.
func redirects(args []byte) bool {
	i := bytes.IndexByte(args, '>')
	if i < 1 || args[i-1] != ' ' && args[i-1] != '2' && args[i-1] != '1' {
		return false
	}
	i = gap(args, i+1)
	return i < len(args) && (isLetter(args[i]) || bytes.IndexByte([]byte("/.&%$~>"), args[i]) >= 0)
}

// closingPoints returns what stands behind c is worth: what cuts off the rest of
// the line that the value was put in.
func (t *shellText) closingPoints(c *shlex.Command) int {
	rest := bytes.TrimSpace(t.v[c.End:])
	switch {
	case c.Lead == shlex.Backtick:
		return int(pick(closes(rest, '`'), 1, -breakPoints))
	case c.Lead == shlex.Subst:
		return int(pick(closes(rest, ')'), 1, -breakPoints))
	case bytes.HasSuffix(bytes.TrimRight(t.v[c.To:c.End], " "), []byte(" #")):
		return 1
	case len(rest) > 0 && len(rest) < 3 && (rest[0] == '&' || rest[0] == '|' && c.Lead != shlex.Pipe || rest[0] == ';' && c.At > t.head && c.Lead != shlex.Semi):
		return 1
	}
	return 0
}

// closes reports whether nothing stands in rest but the sign that ends a
// substitution and what cuts off or ends the line around it.
func closes(rest []byte, sign byte) bool {
	rest = bytes.TrimLeft(rest, "& ") // it may run in the background
	return len(rest) > 0 && rest[0] == sign && len(rest) < 6 && run(rest, 1, len(rest), isCutting) == len(rest)
}

// isCutting reports whether c ends a command, a string or a line, or begins a
// comment.
func isCutting(c byte) bool {
	switch c {
	case ' ', '\t', '\r', '\n', 0, ';', '|', '&', '#', '\'', '"':
		return true
	}
	return false
}

// plainWords are commands that need no argument and are words of texts, too.
var plainWords = lexicon.New(plainPrograms)

const plainPrograms = "sync halt hostname shutdown mount free users locale arch cal reset logname tty groups jobs umask init logout poweroff hostid"

// standsAlone judges a word that is a command without arguments, where all that
// stands before it is a host or what ends a string, and nothing behind but what
// cuts off the rest of the line. A word that is one of texts tells nothing else.
func (t *shellText) standsAlone(best *lead, c *shlex.Command, known bool) {
	if len(t.v) > maxBreaking || t.agent || t.address || t.listing || c.Split || c.Path || c.Lead == shlex.Start || c.Lead == shlex.Group {
		return
	}
	plain := plainWords.Has(c.Name)
	if !plain && !known && !probeSet.Has(c.Name) {
		return
	}
	line := c.Lead == shlex.Line
	rest := t.v[c.To:]
	if c.Lead == shlex.Backtick || c.Lead == shlex.Subst {
		if sign := byte(pick(c.Lead == shlex.Subst, ')', '`')); plain && closes(rest, sign) && (t.inData(c) || !t.texts) {
			best.offer(0.6, c.At, c.End, reasonSubst)
		}
		return
	}
	if run(rest, 0, len(rest), isCutting) < len(rest) {
		return
	}
	cuts := len(bytes.TrimSpace(rest)) > 0
	before := bytes.TrimRight(t.v[t.head:max(t.head, c.At)], " \t\r")
	data := bytes.TrimRight(before, "'\"")
	if len(data) > maxDatum || run(data, 0, len(data), func(b byte) bool { return isDatum[b] }) < len(data) {
		return
	}
	comment := bytes.HasSuffix(bytes.TrimRight(rest, " "), []byte("#"))
	ends := len(data) < len(before) && bytes.Count(before, before[len(data):len(data)+1])%2 == 1
	switch {
	case isIPv4(data), comment && len(data) == len(before) && (len(data) == 0 || isValue(data)):
	case plain && len(before) == 0 && t.head == c.At && !line && c.Lead != shlex.Amp && bytes.IndexByte(rest, '|') < 0:
	case ends && (line || plain && (cuts || c.Lead == shlex.And || c.Lead == shlex.Or)):
	case line && (cuts && (len(data) == 0 || isValue(data)) || bytes.IndexByte(rest, 0) >= 0):
	default:
		return
	}
	best.offer(0.6, c.At, c.End, reasonSeparator)
}

// isIPv4 reports whether v is four decimal numbers with dots between.
func isIPv4(v []byte) bool {
	dots := 0
	for i, c := range v {
		switch {
		case c == '.' && i > 0 && v[i-1] != '.':
			dots++
		case !isDigit(c):
			return false
		}
	}
	return dots == 3 && len(v) <= len("255.255.255.255") && isDigit(v[len(v)-1])
}
