package detect

import (
	"math/rand"
	"strings"
	"testing"

	"github.com/gabionhq/gabion/engine/internal/shlex"
)

// shellCrumbs are pieces of which short values of a shell are put together.
var shellCrumbs = strings.Fields("id nl w a e2 aa-status aa- -status x.exe .exe c c99 9 at ls fsck wh oami un ame who C: ' \" '' \\ \\n ^ $ $@ $1 $() $(( $[ ] $' $i $IFS ${IFS} ${a} $a a= = { } , ( ) ; | || && & : - . 7 ! ? # + [ 0 * ~ @ _")

// What a value that may run a command is made of.
var (
	shellData = alternatives("~~1~~x~~a.b~~10.0.0.1~~foo bar~~../x~~-~~%~~\n~~  ~~a=1~~a@b.c~~user name~~/var/x~~C:\\x~~http://h/a~~é~~a,b~~x:y~~[a]~~{a}~~<a~~_~~{\"a\":1~~x=y&z~~" +
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa~~..~~a b c~~$a~~?~~#~~a=~~12 34~~~~+~~@")
	shellQuotes = alternatives("~~~~'~~\"~~')~~\")~~ '~~'  ~~)~~'\"~~''~~)) ~~];~~}~~'+~~\\'~~\\\"~~`")
	shellLeads  = alternatives(";~~|~~||~~&~~&&~~`~~$(~~<(~~>(~~; ~~ | ~~ && ~~ || ~~ & ~~( ~~{~~\\n~~\\r\\n~~;$~~a=b;$a~~a=/x;$a~~$((~~$[~~=~~-~~ ~~~~;{ ~~;(~~|&~~;;~~&&!~~;! ~~;'~~;\"~~|\"~~|'~~;@~~" +
		";^~~;=~~;x=1 ~~;x=1;~~;+~~${~~;\\~~$'~~@(~~!~~!!~~%0a~~%3b~~\\x3b~~;\t~~|\t~~&\t~~,~~(~~{~~;:~~;.~~&set x=~~;IFS=,;")
	shellCommands = alternatives("zork~~fo''o~~w'h'oami~~wh\"\"oami~~w\\hoami~~wh$@oami~~i$()d~~c^at~~/b?n/z?t~~/???/x~~/?in/c*~~/bi[n]/zz~~aa-status~~get-process~~add-typ~~calc.exe~~zork.bat~~c99~~c89~~" +
		"C99~~e2fsck~~zork7~~/tmp/x~~./zork~~../zork~~~/zork~~C:\\zork~~C:\\a\\b.exe~~c:\\a~~{zork,a}~~{i''d,a}~~{,zork,a}~~$IFS~~ca${IFS}t~~x{a,b}~~_z~~Zork~~1+1~~%temp:~1,2%~~" +
		"%TEMP:~-3,1%~~%zork%~~%comspec%~~for %a in (b) do c~~for /f %a in ('x') do y~~FOR,%G,IN,(x)DO y~~if a==b c~~if x {% y~~if exist x y~~if not defined x~~if/i a==b~~" +
		"alias x=~~cmd|' /c x'!A0~~=x|'y'!A0~~@x|'y'!A1~~-x|'y'!A~~--rsh=x~~--exec=x~~--pager=x~~-oProxyCommand=x~~nl~~od~~xxd~~nl x~~od<<<a~~nl<<<a~~nl /a~~/opt/x~~" +
		"/usr/local/zork~~/sbin/zork~~/usr/bin/zork~~/x/bin/zork~~bin/zork~~/etc/zork~~update-rc.d~~sw_vers~~lsb_release~~w''~~''w~~w32tm~~s\\h~~i\\d~~l\\s~~i''d~~i\"\"d~~i'd'~~" +
		"'i'd~~\\id~~\\l\\s~~$0~~$0<<<x~~$SHELL~~${SHELL}~~${a}~~$a~~${PATH:0:1}zork~~${HOME:0:1}~~zo${x}rk~~i${x}d~~i$1d~~i$*d~~i``d~~wh``oami~~c`x`d~~`~~i$(x)d~~$'\\x69d'~~" +
		"$'\\151d'~~$\"id\"~~i^d~~^i^d~~w^h^o^a^m^i~~i,d~~@echo~~@zork~~&zork~~$[1+1]~~$[]~~$((1+1))~~$(($(x)))~~new-zork~~[System.Net.Dns]::x()~~[system.io.file]::write('a')~~" +
		"iex(x)~~iex $x~~New-Object Net.WebClient~~x.cmd~~x.ps1~~a.vbs~~x.msc~~x.cpl~~zork.sh~~zork.py~~python3.9~~php7~~lua5.3~~perl5~~node12~~pypy3~~java8~~sh~~i d~~w~~id~~ls~~" +
		"netsta't'~~sle''ep~~ec\\ho~~ec^ho~~p^in^g~~type%20~~i%20d~~i+d~~+zork~~-zork~~--zork~~test-x~~start-sleep~~invoke-zork~~a-b-c~~a.b~~::zork~~: zork~~[zork~~]zork~~?zork~~" +
		"*zork~~zo?k~~/*/z~~/?/z~~//zork~~///b?n/x~~\\\\h\\x~~\\\\h\\x.exe~~a/b/c~~a\\b~~a\\b.exe~~zork/x~~bcdboot/r~~/b\\in/zork~~/b'i'n/zork~~/b$1in/zork~~/b\"\"in/x~~/e?c/x~~" +
		"/us?/x~~/s*/x~~/[b]in/x~~/t?p/x~~/tm''p/x~~C:/x~~c:/x.exe~~D:x.exe~~%windir%\\x~~%SystemRoot%\\x.exe~~%programfiles%\\x~~%pipe%zork~~%path:~0,1%~~%OS:~0,1%~~%a:~0,1%~~" +
		"!a!~~!x:~1,2!~~nope!~~!/x~~! /bin/x~~k\\ill~~pow\"\"ersh\"\"ell~~pow^ersh^ell~~/''?in/c?t~~/$@???/i?~~/'b'in/z~~zork.''exe~~zor''k.exe~~zork.e''xe~~/b\"in\"/z~~=zork~~" +
		"x=1 zork~~A='b c' zork~~IFS=, zork~~^zork~~\"zork\"~~'zork'~~(zork~~zork,~~zork:~~ti''me~~sl$@eep~~cm''d~~$@id~~$1id~~${x}id~~$IFS$9id~~'' id~~\"\"id~~\\\\zork~~zork$@~~" +
		"i$-d~~i$!d~~i$$d~~i$?d~~i$#d~~i${@}d~~i${@#x}d~~i$()d~~$()id~~c$'a't~~i$\"\"d~~nl$@~~nl''~~n''l~~o\\d~~-oProxyCommand=zork;~~-oProxyCommand=`/tmp/x`~~toybox~~" +
		"ftpget -g 1.2.3.4 a~~fetch http://1.2.3.4/a~~/$*b?n/zork~~/\"\"???/i?~~expr 1~~a=wh;b=oami; $a$b~~$a")
	shellArguments = alternatives("~~~~ ~~ -c~~ --zork~~ -x y~~ /c~~ /zork~~ /usr/x~~ ./x~~ ../x~~ C:\\x~~ \\x~~ ~/x~~ http://a~~ $x~~ %x% %y%~~ > x~~ 2>x~~>x~~ <x~~ \"a\"~~ 'a'~~ 1~~ a b c d e~~+-c+x~~" +
		"+a~~\t-c~~,x~~=x~~:x~~<<<x~~ <<< x~~ x.exe~~ #~~<<<~~ >&/dev/x~~ >& x~~ !/x~~ &1~~ /e?c/x~~ /e''tc/x~~ /etc/x~~ /e\\tc/x~~ \\\\h\\x~~ -c 'a'~~ -c \"a\"~~ /c \"a\"~~" +
		" --a='b'~~ -x=1~~ >>x~~>>x~~>/x~~ > /x~~ >/dev/x~~ 2>&1~~ 1>/x~~ >&2~~&>x~~ <(x)~~<x~~</etc/x~~</x/y~~ a''b~~ a$@b~~ a$1b~~ a\\b~~$IFS-c~~${IFS}x~~$IFS$9x~~${IFS%?}x~~" +
		" x y~~ x~~ x /y~~ x/y~~ /x y~~ /root~~ /tmp/x~~ /bin/zork~~ /proc/x~~ /dev/tcp/x/1~~ \\windows\\x~~ /passwd~~ boot.ini~~ a.php~~ > a.php~~ >a.php~~ | x~~|x~~;x~~ ; x~~" +
		" && x~~ & x~~ | x > y~~ {a,b}~~{a,b}~~ *~~ /*~~ /?~~ ?~~ .~~ ..~~ -~~ --~~ -1~~ -a1~~ 1.2.3.4~~ 1.2.3.4 80~~ a:80~~ \\n~~\\n~~\\r~~ %a~~%a~~ %00~~ $(x)~~ `x`~~ -$x~~" +
		" -\"a\"~~ -'c'~~ a=b~~ /a:b~~ /a \"b\"~~ a@b~~ ://x~~:/~~://a~~ ~~~/x~~ ~ /x~~ ~~~+~~ ''-c~~ \"-c\"~~ '-c' 'a'~~ \"--zork\" 1~~ ''/x/y~~ '/e?c/x'~~ \"/x/y\"~~ $@-c~~" +
		" $@/x/y~~ \"C:\\x\"~~ 'http://a'~~ \"http://1.2.3.4\"~~ '>'x~~ -'c'~~ -''c a~~ \\-c~~ \\/x/y~~ {-c,a}~~{,-c}~~$IFS''-c~~ 1>x~~ 2> x~~1>x~~ ./~~ ~~~~ http:\\\\a~~" +
		" ftp://a~~ a://b~~ //a/b~~ -c=1~~ -c:1~~ /c:1~~ /a \\\\h\\x~~ x\\y~~ C:/x~~ %a%%b%~~ %a%\\x~~ ^/c~~ /^c~~ -^c~~,/c~~;/c x~~=/c~~,-c~~\t/c~~\v-c")
	shellClosers = alternatives("~~~~~~)~~`~~'~~\"~~;~~#~~ #~~&~~|~~ |~~||~~;'~~`'~~)\"~~ ;~~; ~~\n~~) #~~&&~~'#~~;\"~~;#~~|'~~;'~~;a'~~)'~~')~~`;~~);~~)a~~`a~~ &~~ &&~~&a~~;a~~|a~~}~~ }~~]~~))~~ ))~~" +
		" -- ~~\"'~~`\"~~ x~~,~~ # x~~#x~~}}~~$~~%~~\\~~;\\~~;%00")
)

func alternatives(of string) []string { return strings.Split(of, "~~") }

// shellValue returns a value that leaves its place, or begins as a command, and runs
// something that nobody listed, or what hides a name.
func shellValue(rng *rand.Rand) (v []byte) {
	parts := [][]string{shellData, shellQuotes, shellLeads, shellCommands, shellArguments, shellClosers}
	switch rng.Intn(5) {
	case 0:
		parts = parts[2:]
	case 1:
		parts = [][]string{shellData, shellQuotes, shellLeads, shellCommands, shellArguments, shellArguments, shellLeads, shellCommands, shellArguments, shellClosers}
	case 2:
		parts = [][]string{shellCommands, shellArguments, shellArguments, shellClosers}
	}
	for _, choices := range parts {
		v = append(v, choices[rng.Intn(len(choices))]...)
	}
	return v
}

// shellPlaces are those in which commands are looked for in different ways.
var shellPlaces = []Where{
	{Place: InForm}, {Place: InQuery, Key: []byte("a")}, {Place: InPath}, {Place: InQuery, Name: true}, {Place: InJSON}, {Place: InCookie, Key: []byte("cmd")},
	{Place: InForm, Key: []byte("exec")}, {Place: InUserAgent}, {Place: InReferer, Decoded: 1}, {Place: InHeader, Key: []byte("x")}, {Place: InTarget}, {Place: InXML},
}

// TestNothingHides reads the values that cannot hide a command.
func TestNothingHides(t *testing.T) {
	rng := rand.New(rand.NewSource(11))
	var s Scanner
	given, missed := 0, 0
	for i := range 400_000 {
		v := shellValue(rng)
		switch i % 4 {
		case 0:
			v = crumb(rng, shellCrumbs, 8)
		case 1:
			v = mutate(rng, []byte(seeds[RCE][rng.Intn(len(seeds[RCE]))]), seeds[RCE])
		}
		for _, w := range shellPlaces {
			s.findings, s.at, s.size = s.findings[:0], w, len(v)
			s.have, s.letters, s.pieces = features(v)
			if s.have |= w.features(); !s.have.any(whenRCE) || s.any(shellSigns) || s.all(hasPercent|hasColon) || len(v) < shortestCommand || s.mayHide(v) {
				continue
			}
			given++
			if s.commands(v, &w); len(s.findings) > 0 && missed < 20 {
				missed++
				t.Errorf("%q at %d hides %s", v, w.Place, s.findings[0].Reason)
			}
		}
	}
	if given < 100_000 {
		t.Errorf("%d values were given up", given)
	}
}

// TestWordsTellNothing judges the words that are given up.
func TestWordsTellNothing(t *testing.T) {
	rng := rand.New(rand.NewSource(11))
	pieces := append([]string{" ", "\t", "\n", "`", "/", "<", ">", "%", " -c ", "/tmp/", "\x00", "+-g+", "http://1.2.3.4/a", "toybox", "ftpget", "expr", "nc.exe", "./a"}, shellCrumbs...)
	given := 0
	for range 200_000 {
		v := crumb(rng, pieces, 8)
		for _, text := range []shellText{{place: InQuery}, {place: InForm, texts: true}, {place: InPath, alone: true}, {place: InUserAgent, agent: true}} {
			text.v, text.variable, text.head = v, -1, skipBlank(v, 0)
			lexer, c := shlex.New(v), new(shlex.Command)
			for lexer.Next(c) {
				text.kinds = commandKinds.Of(c.Name)
				if text.kinds != 0 || isVersioned(c.Name) || !text.isWord(c) {
					continue
				}
				given++
				var best lead
				if text.judge(&best, c, false, false, text.scripted(c)); best.weight > 0 || text.lone.weight > 0 || text.looked > 0 || text.loaded || text.decoded || text.begun {
					t.Fatalf("%q at %d: %+v, %+v", v, c.From, best, text.lone)
				}
			}
		}
	}
	if given < 100_000 {
		t.Errorf("%d words were given up", given)
	}
}
