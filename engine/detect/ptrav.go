package detect

import (
	"bytes"
	"strings"

	"github.com/gabionhq/gabion/engine/internal/lexicon"
	"github.com/gabionhq/gabion/engine/internal/pair"
	"github.com/gabionhq/gabion/engine/internal/pathnorm"
)

// whenPathTraversal: a step up needs two dots or an odd spelling of them, as
// in ". .2f"; a name counts only beside a separator.
var whenPathTraversal = []feature{
	hasDotDot, hasDotSlash, hasSlashDot | ofFive, hasSpaceDot | ofFive, hasBackslash | ofFive, hasPercent | ofFive, hasControl, hasFileWord,
	hasPathWord | hasSlash | ofFive, hasPathWord | hasBang | ofFive,
}

// stepFeatures are those of steps up, of stream wrappers and of hidden
// directories.
const stepFeatures = hasDotDot | hasDotSlash | hasSlashDot | hasSpaceDot | hasBackslash | hasPercent | hasControl | hasColonSlash

const (
	// fileGateWords are the x of 0x2e, and names that need no separator.
	fileGateWords = "x sql etcpasswd fpasswd etcshadow infweb inf htaccess htpasswd env"
	// pathGateWords are those of names, and the schemes of stream wrappers.
	pathGateWords = "docker kube gnupg azure gcloud " + secretFiles + " " + plainFiles + " " + topDirs + " " + logNames + " sql php expect phar zip compress glob ogg rar ssh file netdoc local_file"
)

// Files whose names show the intent, as the last two words of their path and
// what stands between them.
const (
	secretFiles = `etc/passwd etc2fpasswd etc/shadow etc/group etc/issue etc/gshadow etc/sudoers etc/master proc/self proc/version
		proc/cmdline proc/meminfo proc/interrupts proc/modules proc/filesystems sys/kernel sys/firmware etc/subuid etc/subgid boot.ini win.ini system.ini windows/system32 winnt/system32 windows/win winnt/win winnt/repair
		windows/repair repair/sam repair/system config/sam drivers/etc web-inf wp-config.php wp-config.bak ssh/id_rsa ssh/authorized_keys aws/credentials .bash_history etc/hosts etc/hostname
		etc/fstab etc/crontab etc/mysql etc/apache2 etc/httpd etc/nginx etc/ssh etc/init etc/motd etc/resolv
		etc/php etc/php5 etc/security etc/samba windows/panther system32/config windows/iis6 windows/debug
		meta-inf/context proc/net proc/mounts proc/cpuinfo inetpub/logs`
	plainFiles = `httpd.conf php.ini my.cnf my.ini access.log error.log access_log error_log .htaccess .htpasswd
		.env apache/logs logs/access logs/error config.inc web.config web.xml server.xml tomcat-users.xml database.yml
		settings.py id_rsa.pub localstart.asp autoexec.bat pagefile.sys ntuser.dat global.asa usr/local usr/sbin usr/bin var/www
		var/mail var/spool var/cron opt/lampp program/apache conf/httpd php/php windows/temp`
)

var (
	pathNames      = lexicon.NewKinds(secretFiles, plainFiles, topDirs)
	pathVocabulary = lexicon.New(`etc passwd shadow group issue gshadow sudoers proc self environ version cmdline boot ini win
		system windows winnt system32 repair sam drivers hosts web inf xml wp config php git head svn ssh id_rsa aws credentials
		htaccess htpasswd env apache logs access error log conf httpd my cnf var usr local bin opt mail spool www asp
		file filter input expect phar zip data convert base64 encode resource read string`)
)

// The lists of pathNames.
const (
	isSecretFile uint8 = 1 << iota
	isPlainFile
	isTopDir
)

// rootDirs are directories that stand at the top of a system.
var rootDirs = lexicon.New(topDirs)

const topDirs = `etc usr var opt proc sys root home boot bin sbin lib private volumes windows winnt inetpub tmp dev`

// A path is what the walk over a value has seen.
type path struct {
	steps  int  // segments of dots that lead up
	here   int  // segments of one dot
	weak   int  // segments that lead up if some junk in them is a dot
	odd    int  // unusual spellings in the steps
	noise  int  // bytes that stand for nothing certain, by their kinds, in front of the first step
	rooted bool // the steps lead to a directory at the top of a system
	secret bool // a file of the system or a secret is named
	plain  bool // a file is named that servers keep for themselves
	seps   bool // there is a separator
	blank  bool // there is a space inside
	nul    bool // an escape of NUL cuts the path
	span   span // the steps
	file   span // the name
}

type span struct{ from, to int }

func (s *Scanner) ptrav(v []byte, w *Where) {
	if s.have&(stepFeatures|hasPathWord|hasFileWord|hasBang) == hasPercent && loneEscape(v) || document(v, w) {
		return
	}
	if w.Place == InTarget {
		if i := bytes.IndexByte(v, '?'); i >= 0 {
			v = v[:i] // the query's values are scanned by themselves
		}
	}
	var best lead
	if (w.Place == InQuery || w.Place == InCookie) && s.any(hasSlash|hasFileWord) {
		keys(&best, v)
	}
	if best.weight == 0 && s.have&stepFeatures == 0 && !rooted(v) && w.Place != InPath && w.Place != InTarget && !hasFold(v, "0x") && !inner(v, w) && !asksFile(w) {
		return // names count only in absolute paths and behind steps
	}
	if s.any(hasColonSlash) || s.all(hasColon|hasBackslash) {
		wrapper(&best, v)
	}
	if s.any(hasSlashDot) {
		hidden(&best, v)
	}
	if (w.Place == InTarget || w.Place == InPath) && len(v) <= maxPath && len(v) > 0 && v[0] == '/' {
		asked(&best, v)
	}
	share(&best, v)
	if len(v) <= maxPath || bytes.Contains(v, []byte("..")) || bytes.IndexByte(v, '%') >= 0 {
		s.reads(v, readPath)
		if s.any(hasControl|hasPathWord|hasFileWord) || w.Place != InPath && w.Place != InTarget && rooted(v) || leads(v) {
			s.walkPath(&best, v, w)
		}
	}
	if best.reason == reasonFile && w.Place == InJSON && hasSuffixFold(w.Key, "uri") {
		best.weight = 0.42 // how editors and their servers name what they work on
	}
	if w.Listing && best.weight < unmistakable {
		best.weight *= shownShare
	}
	s.follow(PathTraversal, v, best, pathVocabulary)
}

// walkPath judges v by a walk over it.
func (s *Scanner) walkPath(best *lead, v []byte, w *Where) {
	k := pathWalk{v: v, raw: len(v) <= maxPath && w.Place != InFile, collapses: s.any(hasDotDot | hasFileWord), wordless: !s.any(hasPathWord | hasFileWord), dense: !s.any(hasSpace)}
	k.nameless = k.wordless
	k.url = hasPrefixFold(v, "http") && !hasPrefixFold(v, `http\`) || bytes.IndexByte(v, '?') > 0 && v[0] == '/'
	k.walk()
	k.judge(best, v, w)
}

// loneEscape reports whether v has neither dots nor slashes, and one percent sign
// that stands for none of them and for no letter: it leads nowhere.
func loneEscape(v []byte) bool {
	at := -1
	for i, b := range v {
		switch {
		case b == '.', b == '/', b == '%' && at >= 0:
			return false
		case b == '%':
			at = i
		}
	}
	rest := v[at+1:]
	if len(rest) < 2 || !isHexDigit(rest[0]) || !isHexDigit(rest[1]) {
		return len(rest) == 0 || !isLetter(rest[0]) // %u and its kin
	}
	switch c := digitOf(rest[0])<<4 | digitOf(rest[1]); c {
	case '.', '/', '\\', '%', 0:
		return false
	default:
		return c < 0x7f && !isLetter(c) && !isDigit(c)
	}
}

// leads reports whether v, which is no absolute path and holds neither controls nor
// words of names, may lead anywhere as a path. A step has two dots in its segment, with
// nothing between but blanks and what may be a dot, and a segment that leads nowhere
// has one before a separator. Escapes may spell names, or hide the words behind them.
func leads(v []byte) bool {
	for i := leadPairs.Next(v, 0); i < len(v); i = leadPairs.Next(v, i) {
		if v[i] == '.' {
			return true
		}
		sym, n, _ := pathnorm.Next(v[i:])
		i += n
		if sym == '.' && i < len(v) && leadPairs.Begin('.', v[i]) || n > 1 && spells(sym, v[i:]) {
			return true
		}
	}
	return false
}

// leadPairs are those with which begins what leads somewhere.
var leadPairs = pair.New(pair.Of{".", `. ?!%/\`}, pair.Of{"%", "0123456789" + pair.Letters})

// spells reports whether the escape of a symbol, or rest behind it, may be of a name.
// Behind a mark those of one word are, none of which is shorter.
func spells(sym byte, rest []byte) bool {
	least := 1
	if pathMarks[sym] {
		least = shortestName
	}
	return isToken(sym) || run(rest, 0, min(len(rest), least), isToken) == least
}

// pathMarks are the signs that are in no path, whichever way they are written.
var pathMarks = func() (t [256]bool) {
	for c := byte(' '); c < 0x7f; c++ {
		t[c] = !isToken(c) && bytes.IndexByte([]byte(`./\%`), c) < 0
	}
	return t
}()

// A pathWalk reads a value once as a path in any spelling.
type pathWalk struct {
	path
	v         []byte
	raw       bool // the value is short enough to be a path: bad bytes may be meant
	collapses bool // it has dots in a row, or in numbers
	url       bool // it is an address or has a query
	dense     bool // it has no blanks

	wordless bool // no word of a name that is looked up stands in the value
	nameless bool // nor is there an escape in the path that hides one, or where it begins

	// The segment being read.
	from         int
	dots, junk   int
	other        bool
	param        bool // behind the ; of a step
	strange      int
	afterStep    bool // a step has just ended
	name         [64]byte
	prev, length int  // of the last word and the current one, in name
	held         int  // prev, where a segment of one dot may stand between the two
	sep          byte // between them
	prevAt, at   int

	heard [4]uint64 // bit by bit, the bytes that noise counts
}

func (k *pathWalk) walk() {
	v := k.v
	for i := 0; i < len(v); {
		if j := k.skips(i); j > i {
			i = j
			continue
		}
		switch c := v[i]; pathByte[c] {
		case pathLetter:
			if k.dots >= 2 && k.junk == 0 && !k.other && lostEscape(v[i:]) {
				k.spell(i)
				k.strange++
				k.separator(i, i+2, true)
				i += 2
				continue
			}
			j := i + 1
			for j < len(v) && pathByte[v[j]] == pathLetter {
				j++
			}
			k.letters(i, j)
			i = j
			continue
		case pathMark:
			if !k.param {
				k.ends(i)
				i++
				continue
			}
		case pathBlank:
			if k.other || k.dots+k.junk == 0 || k.dots == 3 {
				k.blank = k.blank || i > 0 && i+1 < len(v)
				k.ends(i)
				i++
				continue
			}
		case pathBang:
			if i > 0 && i+1 < len(v) && v[i+1] == '/' {
				i++ // how Jolokia escapes a slash
				continue
			}
		}
		sym, n, strange := pathnorm.Next(v[i:])
		if n > 1 && v[i] == '%' {
			k.spell(i)
		}
		if strange && k.url && v[i] == '%' && n == 3 {
			strange = false // an address inside an address is escaped once
		}
		if strange && !k.raw && v[i] != '%' && v[i] != '0' {
			sym, strange = 0xff, false
		}
		switch {
		case isLetter(sym), isDigit(sym), sym == '_', sym == '-':
			k.letter(sym, i)
			i += n
			continue
		}
		k.word(i)
		switch {
		case sym == pathnorm.Sep:
			k.separator(i, i+n, strange)
		case sym == pathnorm.Junk || sym == '%':
			k.junkSymbol(i, n, strange)
		case k.param && isParamByte(sym):
		case sym == '.':
			k.dot(strange)
		case sym == ';' && k.dots >= 2: // Tomcat drops ; and what follows, up to the separator
			k.strange++
			k.param = k.dots == 2 && k.junk == 0 && !k.other && !k.blank
		case sym == ' ' && !k.other && k.dots+k.junk > 0 && k.dots != 3:
			k.blank = k.blank || i > 0 && i+1 < len(k.v)
			k.param = false
		default:
			k.blank = k.blank || sym == ' ' && i > 0 && i+1 < len(v)
			k.segment(i + n)
			k.prev, k.sep, k.afterStep = 0, 0, false
		}
		i += n
	}
	k.word(len(v))
}

// climb reads plain steps at i that go on from others, of which many are as one, and
// returns where they end.
func (k *pathWalk) climb(i int) int {
	if !k.afterStep || i != k.from || k.length > 0 {
		return i
	}
	for i+2 < len(k.v) && k.v[i] == '.' && k.v[i+1] == '.' && k.v[i+2] == '/' {
		i += len("../")
		k.steps++
	}
	if i > k.from {
		k.from, k.span.to, k.sep = i, i, 0
	}
	return i
}

// skips returns where something other than words and marks follows, from i on, which are
// no steps and no names: nobody reads names, or the words are too short. Steps that climb
// on it takes, too.
func (k *pathWalk) skips(i int) int {
	longest := len(k.v)
	switch {
	case k.v[i] == '.':
		return k.climb(i)
	case k.param || !k.other && k.dots+k.junk > 0:
		return i
	case k.nameless:
	case k.other || k.length+k.prev > 0 || k.sep != 0 || k.afterStep:
		return i
	default:
		longest = shortestName - 1
	}
	v, j, mark := k.v, i, i-1
	for j < len(v) && nowhere[v[j]] != 0 && j-mark <= longest {
		if nowhere[v[j]] == pathMark {
			mark = j
		}
		j++
	}
	if mark >= i {
		k.blank = k.blank || !k.dense && bytes.IndexByte(v[max(i, 1):max(1, min(mark+1, len(v)-1))], ' ') >= 0
		k.ends(mark)
		i = mark + 1
	}
	if i < j {
		k.letters(i, j)
	}
	return j
}

// shortestName is the length of the shortest file that is named by one word.
var shortestName = func() int {
	n := maxPath
	for _, name := range strings.Fields(secretFiles + " " + plainFiles) {
		if !strings.ContainsAny(name, "./") {
			n = min(n, len(name))
		}
	}
	return n
}()

// nowhere are words, and what is in no path.
var nowhere = func() (t [256]uint8) {
	for c, kind := range pathByte {
		switch {
		case kind == pathLetter, c == '-', c == '_':
			t[c] = pathLetter
		case kind == pathMark, kind == pathBlank:
			t[c] = pathMark
		}
	}
	return t
}()

// The kinds of bytes of a path, 0 for those that pathnorm has to read.
const (
	_          uint8 = iota
	pathLetter       // has one reading only
	pathMark         // is in no path
	pathBlank
	pathBang
)

var pathByte = func() (t [256]uint8) {
	for c := byte(' ' + 1); c < 0x80; c++ {
		switch {
		case isLetter(c) || c > '0' && c <= '9':
			t[c] = pathLetter
		case bytes.IndexByte([]byte("0_-./\\%?;"), c) < 0:
			t[c] = pathMark
		}
	}
	t['\n'], t['\r'], t['\t'] = pathMark, pathMark, pathMark
	t[' '], t['!'] = pathBlank, pathBang
	return t
}()

// ends ends the path before i, where what stands there is in none.
func (k *pathWalk) ends(i int) {
	if k.length > 0 {
		k.word(i)
	}
	k.segment(i + 1)
	k.prev, k.sep, k.afterStep = 0, 0, false
	k.nameless = k.wordless
}

// lostEscape reports whether b begins with the digits of an escaped slash
// whose percent sign a filter has removed.
func lostEscape(b []byte) bool {
	return len(b) > 1 && (b[0] == '2' && b[1]|0x20 == 'f' || b[0] == '5' && b[1]|0x20 == 'c')
}

// isParamByte reports whether a parameter of a segment of a path may hold c,
// beside letters and digits.
func isParamByte(c byte) bool { return c == '.' || c == ';' || c == '=' || c == ',' }

// spell begins to keep names, at i: the word that is being read, and for the one
// before it what is in no name.
func (k *pathWalk) spell(i int) {
	if !k.nameless {
		return
	}
	k.nameless, k.name[0] = false, 0xff
	if k.length > 0 {
		k.length = copy(k.name[k.prev+1:], k.v[k.at:i])
	}
}

// letters adds a run that has one reading only.
func (k *pathWalk) letters(i, j int) {
	if k.length == 0 {
		k.at = i
	}
	k.other = k.other || !k.param
	if k.nameless {
		k.length = 1
		return
	}
	k.length += copy(k.name[k.prev+1+k.length:], k.v[i:j])
}

func (k *pathWalk) letter(sym byte, i int) {
	if k.length == 0 {
		k.at = i
	}
	if k.prev+1+k.length < len(k.name) {
		k.name[k.prev+1+k.length] = sym
		k.length++
	}
	k.other = k.other || !k.param
}

// word ends the current word, if there is one, and looks up the last two.
func (k *pathWalk) word(i int) {
	if k.length == 0 {
		return
	}
	if k.nameless {
		k.prev, k.length, k.sep, k.prevAt, k.afterStep = 1, 0, 0, k.at, false
		return
	}
	k.name[k.prev] = k.sep
	k.lookUp(i)
	k.afterStep = false
	n := min(k.length, 24)
	copy(k.name[:], k.name[k.prev+1:k.prev+1+n])
	k.prev, k.length, k.sep, k.prevAt = n, 0, 0, k.at
}

// lookUp judges the last two words, which end at i.
func (k *pathWalk) lookUp(i int) {
	if k.prev == 0 && k.length < shortestName && k.sep != '.' && !k.afterStep {
		return
	}
	pair, last := k.name[:k.prev+1+k.length], k.name[k.prev:k.prev+1+k.length]
	word := last[1:]
	from := k.at
	if k.prev > 0 {
		from = k.prevAt
	}
	kinds := pathNames.Of(word)
	if k.afterStep && kinds&isTopDir != 0 {
		k.rooted = true
	}
	if k.prev > 0 {
		kinds |= pathNames.Of(pair)
	}
	if k.sep == '.' {
		kinds |= pathNames.Of(last)
	}
	switch {
	case kinds&isSecretFile != 0:
		k.secret, k.file = true, span{from, i}
	case kinds&isPlainFile != 0 && !k.secret:
		k.plain, k.file = true, span{from, i}
	}
}

// dot adds a dot to the segment.
func (k *pathWalk) dot(strange bool) {
	k.dots++
	if strange {
		k.strange++
	}
	k.held = 0
	if k.sep != 0 {
		if k.sep == '/' && k.dots == 1 {
			k.held = k.prev
		}
		k.prev = 0
	}
	k.sep = '.'
}

// segment begins a new segment at i.
func (k *pathWalk) segment(i int) {
	k.held = 0
	k.from, k.dots, k.junk, k.strange, k.other, k.param = i, 0, 0, 0, false, false
}

// separator ends the segment before i.
func (k *pathWalk) separator(i, end int, strange bool) {
	k.seps = true
	if strange {
		k.strange++
	}
	if k.sep == 0 || k.sep == '.' {
		k.sep = '/'
	}
	switch {
	case !k.other && k.dots == 1 && k.junk == 0:
		k.here++
		if k.held > 0 {
			k.prev, k.sep = k.held, '/' // etc/./passwd
		}
	case k.other || k.dots+k.junk < 2:
	case k.dots == 3 && k.strange == 0 && (k.url || k.from > 0 && isSpace(k.v[k.from-1]) || !k.afterStep && (end >= len(k.v) || k.v[end] != '.')): // an ellipsis in an address or text
	case k.dots > 2 && k.v[i] == '\\': // an ellipsis before an escape
	case k.dots >= 2:
		k.step(end)
		k.steps++
	case k.dots > 0 || strange:
		k.step(end)
		k.weak++
	}
	k.segment(end)
}

func (k *pathWalk) step(end int) {
	if k.steps+k.weak == 0 {
		k.span.from = k.from
	}
	k.span.to = end
	k.odd += k.strange
	if k.dots > 2 && !k.url {
		k.odd++
	}
	k.prev, k.sep, k.afterStep = 0, 0, true
}

// junkSymbol reads what may be a dot or a separator, whichever is missing.
func (k *pathWalk) junkSymbol(i, n int, strange bool) {
	if k.param {
		k.other = true // behind it begins a query
	}
	if strange && (k.v[i] == 0 || n == 3 && k.v[i+1] == '0' && k.v[i+2] == '0') {
		k.nul = true
	}
	if k.dots+k.junk >= 2 && !k.other && strange {
		k.separator(i, i+n, true)
		return
	}
	if strange && k.steps == 0 {
		k.hear(k.v[i : i+n])
	}
	if k.other {
		k.segment(i + n)
		if k.sep == 0 {
			k.sep = '/'
		}
		return
	}
	k.junk++
	if strange {
		k.strange++
	}
	if k.sep == 0 {
		k.sep = '/'
	}
}

// maxNoise is how many kinds of bytes that stand for nothing certain a path may hold in
// front of its steps. What has more is data that was escaped: there two dots with an odd
// sign behind them are chance, and lead out of nothing but that data.
const maxNoise = 8

// hear notes what stands for nothing certain.
func (k *pathWalk) hear(v []byte) {
	last := len(v) - 1
	b := v[last]
	if v[0] == '%' && last > 1 {
		b = digitOf(v[last-1])<<4 | digitOf(b)
	}
	if bit := uint64(1) << (b & 63); k.heard[b>>6]&bit == 0 {
		k.heard[b>>6] |= bit
		k.noise++
	}
}

// judge weighs the walk.
func (k *pathWalk) judge(best *lead, v []byte, w *Where) {
	const escaped = 6 // bytes of a step
	leads := k.steps > 4 && k.span.from < 4 || k.steps > 6 && k.span.to-k.span.from < k.steps*escaped
	pathLike := (!k.blank || leads) && len(v) <= maxPath
	if pathLike && k.collapses {
		collapsed(best, v)
	}
	if k.here >= 12 && k.here*6 >= len(v) || k.here >= 5 && pathLike && k.here*8 >= len(v) {
		best.offer(0.7, 0, min(len(v), maxEvidence), "Many segments lead nowhere, which cuts off what the server appends to a path.")
	}
	steps := k.steps
	if k.secret || k.plain {
		steps += k.weak
	}
	named := k.secret || k.plain || k.rooted && steps > 1
	if steps > 0 {
		weight := float32(0.9)
		switch {
		case k.secret:
			weight = 0.97
		case named && steps > 1, k.odd > 1 && steps > 1:
			weight = 0.88
		case (k.odd > 0 || k.nul) && k.noise <= maxNoise, named:
			weight = 0.6
		case steps < 6:
			weight = [...]float32{0, 0.2, 0.35, 0.52, 0.62, 0.75}[steps]
		}
		if w.Place == InXML && k.span.from == 0 && k.steps < 6 && !named && k.odd == 0 && !k.nul && isLink(w.Key, v) {
			weight = min(weight, 0.35)
		}
		if asksFile(w) && pathLike && !k.url && served(v) {
			weight = max(weight, 0.52)
		}
		if asksFile(w) && pathLike && !k.url && (steps > 1 || !browseNames.Has(w.Key)) && (v[0] == '/' || leavesStart(v, k.span.from, k.steps)) {
			weight = max(weight, pick(steps > 1, 0.6, 0.52))
		}
		if w.Place == InQuery && k.span.from > 0 && !k.url && served(v) && bytes.Contains(v, []byte(`\..\`)) {
			weight = max(weight, 0.55) // what only Windows reads as a path
		}
		if leavesStart(v, k.span.from, k.steps) && (w.Place != InXML && served(v) || w.Place == InQuery && bytes.HasPrefix(v, []byte(`..\`))) {
			weight = max(weight, pick(steps > 1, 0.6, 0.52))
		}
		if (!w.Place.holdsText() || w.Place == InForm || w.Place == InJSON && pathLike && fileNames.Has(w.Key)) && leavesRoot(v) {
			weight = max(weight, 0.55)
		}
		if !pathLike && k.odd == 0 && !(k.secret && steps > 2 && k.span.from > 0 && v[k.span.from-1] == '=' && w.Place == InQuery) {
			weight *= 0.5
		} else if w.Place == InFileName || w.Place == InPath || w.Place == InTarget {
			weight = max(weight, 0.7) // clients resolve the steps of a path before they send it
		}
		from, to := k.span.from, k.span.to
		if w.Place == InFile && !k.secret && isListing(v, w.Place) {
			weight *= 0.5 // what programs include
		}
		if k.secret || k.plain {
			from, to = min(from, k.file.from), max(to, k.file.to)
		}
		if weight > 0.95 && pathLike {
			best.certain(weight, from, to, "Steps up the directory tree lead to a file of the system.")
		}
		best.offer(weight, from, to, "Path segments lead up out of their directory.")
	}
	if (k.secret || k.plain || k.seps) && len(v) <= maxPath && w.Place != InTarget {
		k.judgeName(best, v, (pathLike || isProgramFiles(v)) && rooted(v) && w.Place != InPath, w.Place)
		if (k.secret || k.plain) && asksFile(w) && pathLike && k.file.from <= 1 && k.file.to == len(v) {
			best.offer(0.55, k.file.from, k.file.to, "A file that servers keep for themselves is asked for.")
		}
	}
	if k.secret && k.seps && pathLike && (w.Place == InTarget || w.Place == InPath) && (hasFold(v, "etc/passwd") || hasFold(v, "etc!/passwd") || hasFold(v, "etc!/shadow") || hasFold(v, "etc/shadow") || hasFold(v, "boot.ini") || hasFold(v, "win.ini") || hasFold(v, "/proc/")) {
		best.offer(0.7, k.file.from, k.file.to, "The address ends in the path of a file of the system.")
	}
}

// fileNames are names of parameters that ask for a file, or for the part of a
// page that is one.
var fileNames = lexicon.New(`file filename file_name filepath file_path fname fn path pathname page pg template tpl view include inc require
	dir directory folder doc document docs download dl load read lang language locale module mod layout style theme skin conf config log
	attachment resource report sheet`)

// browseNames are those of them by which people walk through directories, and
// up again.
var browseNames = lexicon.New("path pathname dir directory folder")

// linkNames are attributes, and elements, by which a page in some directory names what
// stands in another one: ../../../style.css
var linkNames = lexicon.New("href src srcset action data poster")

// linked are the extensions of what pages are made of.
var linked = lexicon.New("css js mjs map svg png jpg jpeg gif webp ico woff woff2 ttf html htm json")

// isLink reports whether one of those, or an attribute for the script of a page, leads to
// what pages are made of, a directory, or what a script puts a name behind.
func isLink(name, v []byte) bool {
	if !linkNames.Has(name) && !hasPrefixFold(name, "data-") {
		return false
	}
	if i := bytes.IndexAny(v, "?#"); i >= 0 {
		v = v[:i]
	}
	if bytes.HasSuffix(v, []byte{'/'}) || bytes.HasSuffix(v, []byte("/${f}")) {
		return true
	}
	return linked.Has(v[bytes.LastIndexByte(v, '.')+1:])
}

// asksFile reports whether a parameter asks for a file by its name.
func asksFile(w *Where) bool {
	return (w.Place == InQuery || w.Place == InForm || w.Place == InCookie) && !w.Name && fileNames.Has(w.Key)
}

// leavesStart reports whether the steps that begin at from lead up beyond the
// directories that stand before them: ../a, ./../a, a/../../b.
func leavesStart(v []byte, from, steps int) bool {
	const longest = 64
	if from > longest {
		return false
	}
	names, start := 0, 0
	for i, c := range v[:from] {
		switch {
		case isSlash(c):
			if i == start {
				return false
			}
			if i != start+1 || v[start] != '.' {
				names++
			}
			start = i + 1
		case !isWord(c) && c != '.' && c != '-':
			return false
		}
	}
	return names < steps
}

// isProgramFiles reports whether v begins in the directory of programs of
// Windows, whose name holds a space.
func isProgramFiles(v []byte) bool {
	if len(v) > 2 && v[1] == ':' {
		v = v[2:]
	}
	return len(v) > 0 && isSlash(v[0]) && hasPrefixFold(v[1:], "program files")
}

// leavesRoot reports whether the first step of an absolute path leads up, where
// nothing is: only what is put behind another path has a reason for that.
func leavesRoot(v []byte) bool {
	i := run(v, 0, len(v), isSlash)
	return i > 0 && i+2 <= len(v) && v[i] == '.' && v[i+1] == '.' && (i+2 == len(v) || isSlash(v[i+2]))
}

func isSlash(c byte) bool { return c == '/' || c == '\\' }

// collapsed judges steps up whose separators a filter took out, and the same
// spelled in numbers: /......../name, ....etcpasswd, 0x2e0x2e.
func collapsed(best *lead, v []byte) {
	const reason = "A run of dots leads up where a filter takes the separators out."
	if n := countFold(v[:min(len(v), maxPath)], "0x2e"); n > 1 {
		best.offer(0.62, 0, min(len(v), maxEvidence), "Characters of a path are spelled as numbers.")
	}
	i := 0
	if hasPrefixFold(v, "file:") {
		i = len("file:")
	}
	rooted := i > 0
	for i < len(v) && (v[i] == '/' || v[i] == '\\') {
		rooted = true
		i++
	}
	j := i
	for j < len(v) && v[j] == '.' {
		j++
	}
	rest := v[j:]
	switch {
	case j-i < 2 || len(rest) == 0:
	case hasPrefixFold(rest, "etcpasswd"), hasPrefixFold(rest, "etcshadow"), hasPrefixFold(rest, "web-inf"), hasPrefixFold(rest, "boot.ini"), hasPrefixFold(rest, "windows") && j-i > 3:
		best.offer(0.7, i, len(v), reason)
	case j-i > 3 && rooted && rest[0] != '/' && rest[0] != '\\' || j-i > 7 && isLetter(rest[0]):
		best.offer(0.55, i, j, reason)
	}
}

// countFold counts word, in any case, in b.
func countFold(b []byte, word string) int {
	n := 0
	for {
		i := indexFold(b, word)
		if i < 0 {
			return n
		}
		n++
		b = b[i+len(word):]
	}
}

// served reports whether v ends in the name of a file that a server keeps for
// itself.
func served(v []byte) bool {
	if len(bytes.Trim(v, "./\\")) == 0 {
		return true // a directory
	}
	dot := bytes.LastIndexByte(v, '.')
	return dot > 0 && serverFileEnds.Has(bytes.TrimRight(v[dot+1:], "\x00 \r\n"))
}

// servedScript reports whether v ends in the name of a program or configuration
// of a site.
func servedScript(v []byte) bool {
	dot := bytes.LastIndexByte(v, '.')
	return dot > 0 && scriptEnds.Has(bytes.TrimRight(v[dot+1:], "\x00 "))
}

var scriptEnds = lexicon.New("php jsp jspx asp aspx ashx config ini conf")

var serverFileEnds = lexicon.New("ini conf cfg dat lua config cnf properties yml yaml env log key pem sql bak php jsp asp aspx mds htpasswd htaccess inc db sqlite mdb bat cgi sh exe dll jspx ashx")

// judgeName weighs the names of files alone.
func (k *pathWalk) judgeName(best *lead, v []byte, absolute bool, p Place) {
	switch {
	case absolute && p.holdsText() && (string(v) == "/etc/hosts" || string(v) == "/etc/hostname"):
		best.offer(0.42, k.file.from, k.file.to, "The path of a file of the system that holds no secret is given.")
	case k.secret && absolute:
		best.offer(0.85, k.file.from, k.file.to, "The path of a file of the system or of a secret is given.")
	case k.secret && (p.single() && innerStart(v) || k.nul && k.seps && p.single()) && !k.blank:
		best.offer(0.6, k.file.from, k.file.to, "The path of a file of the system or of a secret is given.")
	case k.secret && k.seps:
		best.offer(0.3, k.file.from, k.file.to, "The path of a file of the system or of a secret is named in a text.")
	case k.plain && absolute:
		best.offer(pick(p == InJSON && (isServerLog(v) || isProgramPath(v) || isSearchPath(v)), 0.42, 0.55), k.file.from, k.file.to, "The path of a file that servers keep for themselves is given.")
	case absolute && k.seps:
		judgeRoot(best, v, p)
	}
}

// inner reports whether v may be a path, without a slash before it, of what a
// server keeps for itself.
func inner(v []byte, w *Where) bool { return w.Place.single() && len(v) <= maxPath && innerStart(v) }

func innerStart(v []byte) bool {
	return hasPrefixFold(v, "web-inf/") || hasPrefixFold(v, "file//") || hasPrefixFold(v, "etc/passwd") || hasPrefixFold(v, "etc/shadow")
}

// isProgramPath reports whether v is where systems keep programs, by which
// processes tell what they are.
func isProgramPath(v []byte) bool {
	if !bytes.HasPrefix(v, []byte("/usr/")) || served(v) || bytes.IndexByte(v, 0) >= 0 || bytes.Contains(v, []byte("/etc/")) {
		return false
	}
	for _, dir := range [...]string{"/bin/", "/sbin/", "/lib", "/share/", "/games/"} {
		if bytes.Contains(v, []byte(dir)) {
			return true
		}
	}
	return false
}

// isSearchPath reports whether v is directories, by which systems are told where
// programs are: /usr/local/bin:/usr/bin
func isSearchPath(v []byte) bool {
	return v[0] == '/' && bytes.Contains(v, []byte(":/")) && !bytes.Contains(v, []byte("//")) &&
		run(v, 0, len(v), func(b byte) bool { return isProgramByte(b) || b == ':' }) == len(v)
}

// isServerLog reports whether v is the path of a log where servers write them,
// by which collectors of logs name what they send.
func isServerLog(v []byte) bool {
	return bytes.HasPrefix(v, []byte("/var/log/")) && bytes.HasSuffix(v, []byte(".log"))
}

// judgeRoot weighs an absolute path by its first directory. Documents about
// logs hold their paths, and so do settings of applications; parameters that
// ask for a file seldom do.
func judgeRoot(best *lead, v []byte, p Place) {
	asked := p == InQuery || p == InCookie || p == InFileName
	from := 0
	for from < len(v) && !isLetter(v[from]) {
		from++
	}
	if from+1 < len(v) && v[from+1] == ':' {
		from += 2
		for from < len(v) && !isLetter(v[from]) {
			from++
		}
	}
	to := run(v, from, len(v), isLetter)
	if to == len(v) {
		return
	}
	log := bytes.TrimRight(v[to:], "\x00% 0")
	kept := hasSuffixFold(log, "log") || hasSuffixFold(log, "logs") || hasSuffixFold(log, "conf") || hasSuffixFold(log, "ini")
	switch {
	case kept && rootDirs.Has(v[from:to]) && !(p == InJSON && equalFold(v[from:to], "dev")):
		best.offer(pick(p.holdsText() && p != InForm && hasSuffixFold(log, ".log"), 0.42, 0.55), from, len(v), "An absolute path leads to a log or configuration of the server.")
	case p == InJSON && from == 1 && equalFold(v[from:to], "etc"):
		best.offer(0.42, from, to, "An absolute path leads to settings of the system, as settings of applications do.")
	case equalFold(v[from:to], "etc"), equalFold(v[from:to], "proc"), equalFold(v[from:to], "winnt"), equalFold(v[from:to], "windows"):
		best.offer(0.6, from, to, "An absolute path leads to the system's own directories.")
	case asked && (hasPrefixFold(v[from:], "sys/class") || hasPrefixFold(v[from:], "sys/block") || hasPrefixFold(v[from:], "sys/devices")):
		best.offer(0.52, from, len(v), "An absolute path leads to the devices of the server.")
	case asked && from > 1 && v[1] == ':' && servedScript(v):
		best.offer(0.52, 0, len(v), "An absolute path leads to a program or configuration of the server.")
	case asked && (hasPrefixFold(v[from:], "dev/fd/") || hasPrefixFold(v[from:], "dev/std")):
		best.offer(0.52, from, len(v), "An absolute path leads to what the server has open.")
	case asked && (hasPrefixFold(v[from:], "var/lib/php/") || hasPrefixFold(v[from:], "var/lib/mlocate/") || hasPrefixFold(v[from:], "var/lib/mysql/")):
		best.offer(0.52, from, len(v), "An absolute path leads to data of the server.")
	case asked && (hasPrefixFold(v[from:], "var/log/") || hasPrefixFold(v[from:], "var/lp/") || hasPrefixFold(v[from:], "var/adm/")):
		best.offer(0.52, from, len(v), "An absolute path leads to a log or configuration of the server.")
	case asked && (hasPrefixFold(v[from:], "var/run/secrets/") || equalFold(v[from:to], "boot") || equalFold(v[from:to], "sys") || equalFold(v[from:to], "root")):
		best.offer(0.55, from, to, "An absolute path leads to the system's own directories.")
	case rootDirs.Has(v[from:to]) && !hasPrefixFold(v[from:to], "home"):
		best.offer(0.45, from, to, "An absolute path leads to a directory of the server.")
	}
}

// maxPath is the longest text that is still taken as one path; systems end
// at 4096, attacks and honest paths far earlier.
const maxPath = 1024

// rooted reports whether v begins like an absolute path.
func rooted(v []byte) bool {
	i := 0
	for i < len(v) && (isSpace(v[i]) || v[i] == '"' || v[i] == '\'' || v[i] == '|') {
		i++
	}
	if i >= len(v) {
		return false
	}
	sym, n, _ := pathnorm.Next(v[i:])
	if sym == '.' && i+n < len(v) {
		sym, _, _ = pathnorm.Next(v[i+n:])
		return sym == pathnorm.Sep || sym == '.'
	}
	if sym == pathnorm.Sep || sym == pathnorm.Junk || v[i] == '~' && i+1 < len(v) && v[i+1] == '/' {
		return true
	}
	if !isLetter(sym) || i+n+1 >= len(v) {
		return false
	}
	return v[i+n] == ':' && (v[i+n+1] == '/' || v[i+n+1] == '\\') || hasPrefixFold(v[i:], "file:")
}

// hidden judges the directories in which tools keep secrets of a site.
func hidden(best *lead, v []byte) {
	if len(v) > maxPath {
		return
	}
	for _, dir := range [...]string{"/.git/", "/.svn/", "/.ssh/", "/.aws/", "/.env", "/.htpasswd"} {
		i := bytes.Index(v, []byte(dir))
		if i < 0 || bytes.IndexByte(v, ' ') >= 0 || dir == "/.env" && i+len(dir) != len(v) {
			continue
		}
		best.offer(pick(rooted(v), 0.6, 0.4), i, i+len(dir), "A directory or file that holds secrets of the site is asked for.")
	}
}

// keyDirs are those in which tools keep keys in the directory of a user.
// Repositories have some of these names, too, at their top.
var (
	keyDirs    = lexicon.New("ssh aws gnupg docker kube azure gcloud")
	sharedDirs = lexicon.New("docker kube azure gcloud")
)

// keys judges a value that asks for a file in such a directory, wherever that
// is, or for a copy of the database.
func keys(best *lead, v []byte) {
	if len(v) > maxPath || bytes.IndexByte(v, ' ') >= 0 {
		return
	}
	if isDump(v) {
		best.offer(0.52, 0, len(v), "A copy of a database is asked for.")
		return
	}
	for from := 0; ; {
		n := bytes.IndexByte(v[from:], '/')
		if n < 0 {
			return
		}
		if dir := v[from : from+n]; n > 1 && dir[0] == '.' && keyDirs.Has(dir[1:]) && (v[0] == '/' || !sharedDirs.Has(dir[1:])) && from+n+1 < len(v) {
			best.offer(0.6, from, len(v), "A directory or file that holds secrets is asked for.")
			return
		}
		from += n + 1
	}
}

// secretNames are the names, without their dot, under which tools keep their
// settings, keys and history in the directory where they work.
var secretNames = lexicon.New(`git svn hg bzr ssh aws azure gcloud kube docker dockercfg gnupg vault env htpasswd htaccess htdigest
	npmrc pypirc netrc pgpass my_cnf boto s3cfg bash_history zsh_history sh_history mysql_history psql_history history bashrc
	bash_profile zshrc ds_store idea vscode svnignore gitignore gitconfig git-credentials terraform vagrant ansible circleci
	travis claude cursor cursorrules cursorignore cursorindexingignore aiignore aiexclude aider continue codex gemini windsurf
	codeium copilot roo roocode cline kilocode kiro zed junie opencode rovodev plandex fabric n8n openai anthropic ollama
	tabnine goose amazonq augment mcp`)

// forgeWords name the parts of addresses behind which a server shows files of
// its users: a repository, an archive, a package.
var forgeWords = lexicon.New(`blob tree raw src edit commit commits blame contents files browse archive repos repository projects
	packages artifact artifacts package job jobs builds media plain log diff compare branch tag tags node_modules`)

// asked judges the path of a request by what it names: a hidden directory or
// file of a tool, a log, a copy of the database. Servers that show the files
// of their users are asked for the same.
func asked(best *lead, v []byte) {
	if i := bytes.IndexAny(v, "?#"); i >= 0 {
		v = v[:i]
	}
	for from := 1; from < len(v); {
		end := from + bytes.IndexByte(v[from:], '/')
		if end < from {
			end = len(v)
		}
		part := v[from:end]
		switch {
		case forgeWords.Has(part), string(part) == "-":
			return
		case equalFold(part, "web-inf"):
			best.offer(0.6, from, end, "A directory is asked for that servers of Java keep for themselves.")
		case len(part) > 2 && part[0] == '.' && secretNames.Has(stem(part[1:])):
			best.offer(0.6, from, end, "A directory or file is asked for in which a tool keeps its settings or secrets.")
		case end == len(v) && serverLogs.Has(part):
			best.offer(0.55, from, end, "A log of the server is asked for.")
		case end == len(v) && len(part) > len(".env") && hasSuffixFold(part, ".env"):
			best.offer(0.55, from, end, "A file is asked for in which a program's settings are kept.")
		case end == len(v) && isDump(part):
			best.offer(0.55, from, end, "A copy of a database is asked for.")
		}
		from = end + 1
	}
}

// stem returns a name up to its first dot.
func stem(name []byte) []byte {
	if i := bytes.IndexByte(name, '.'); i > 0 {
		return name[:i]
	}
	return name
}

const logNames = "error.log errors.log debug.log access.log error_log access_log php_error.log php_errors.log laravel.log wp-errors.log"

var (
	serverLogs = lexicon.New(logNames)
	dumpNames  = lexicon.New("backup back dump db database mysql sql data site www users wordpress wp web website export")
	dumpEnds   = lexicon.New("sql sqlite sqlite3 mdb dump gz zip bz2 tar tgz rar xz bak old")
)

// isDump reports whether a file has the name of a copy of a database:
// backup.sql.gz.
func isDump(name []byte) bool {
	dot := bytes.LastIndexByte(name, '.')
	sql := indexFold(name, ".sql") + len(".sql")
	return dumpNames.Has(stem(name)) && dot > 0 && dumpEnds.Has(name[dot+1:]) && sql >= len(".sql") && (sql == len(name) || name[sql] == '.')
}

// share judges \\host\c$: the name of a disk of another machine, which only
// its administrators may open.
func share(best *lead, v []byte) {
	i := 0
	for i < len(v) && (v[i] == '\\' || v[i] == '/') {
		i++
	}
	if i < 2 || len(v) > maxPath {
		return
	}
	j := i + bytes.IndexAny(v[i:], `\/`)
	if j > i && j+2 < len(v) && isLetter(v[j+1]) && v[j+2] == '$' && (j+3 == len(v) || v[j+3] == '\\' || v[j+3] == '/') {
		best.offer(0.75, i, j+3, "The share is named by which administrators open a disk of another machine.")
	}
}

func hasSuffixFold(b []byte, word string) bool {
	return len(b) >= len(word) && hasPrefixFold(b[len(b)-len(word):], word)
}

const reasonFile = "A file address is given, which reads the server's own files."

// wrapper judges the stream wrappers that file functions open, at the start
// of the value and of a parameter inside it.
func wrapper(best *lead, v []byte) {
	if hasPrefixFold(v, `file:\`) {
		best.offer(0.78, 0, min(len(v), 40), reasonFile)
	}
	from := 0
	for range 4 {
		at := bytes.Index(v[from:min(len(v), maxPath)], []byte(":/"))
		if at < 0 {
			return
		}
		scheme(best, v, from+at)
		if from += at + 2; from >= min(len(v), maxPath) {
			return
		}
	}
}

// scheme judges the scheme that ends at the colon at.
func scheme(best *lead, v []byte, at int) {
	a := at
	for a > 0 && (isLetter(v[a-1]) || v[a-1] == '.' || v[a-1] == '_' || isDigit(v[a-1])) {
		a--
	}
	end := min(len(v), at+40)
	start := a == 0 || v[a-1] == '=' || v[a-1] == '"' || v[a-1] == '\'' || v[a-1] == '/'
	if !start || at+2 >= len(v) {
		return
	}
	var buf [20]byte
	switch string(lexicon.Fold(buf[:0], v[a:at])) {
	case "php":
		if v[at+2] == '/' {
			best.certain(0.95, a, end, "A stream wrapper of PHP reads source code or the request itself.")
		}
	case "expect", "phar", "zip", "compress.zlib", "compress.bzip2", "glob", "ogg", "rar", "ssh2", "ssh2.exec", "ssh2.scp", "ssh2.sftp", "ssh2.shell", "ssh2.tunnel":
		if v[at+2] == '/' {
			best.offer(0.85, a, end, "A stream wrapper of PHP opens an archive or runs a program.")
		}
	case "file", "netdoc", "local_file":
		best.offer(0.78, a, end, reasonFile)
	}
}
