package detect

import (
	"math/rand"
	"strings"
	"testing"

	"github.com/gabionhq/gabion/engine/internal/shlex"
)

// shellCrumbs are pieces of which short values of a shell are put together.
var shellCrumbs = strings.Fields("id nl w a e2 aa-status aa- -status x.exe .exe c c99 9 at ls fsck wh oami un ame who C: ' \" '' \\ \\n ^ $ $@ $1 $() $(( $[ ] $' $i $IFS ${IFS} ${a} $a a= = { } , ( ) ; | || && & : - . 7 ! ? # + [ 0 * ~ @ _")

// shellValue returns a value that leaves its place, or begins as a command, and runs
// something that nobody listed, or what hides a name.
func shellValue(rng *rand.Rand) (v []byte) {
	one := func(of string) {
		choices := strings.Split(of, "~~")
		v = append(v, choices[rng.Intn(len(choices))]...)
	}
	part := func(of string) {
		if rng.Intn(3) > 0 {
			one(of)
		}
	}
	part("1~~x~~a.b~~10.0.0.1~~foo bar~~../x~~-~~%~~\n~~  ")
	part(`'~~"~~')~~")~~ '~~'  ~~)~~'"`)
	one(";~~|~~||~~&~~&&~~`~~$(~~<(~~; ~~ | ~~ && ~~\n~~( ~~{~~\\n~~;$~~a=b;$a~~$((~~$[~~=~~-~~ ~~~~;{")
	for range 1 + rng.Intn(2) {
		one("zork~~fo''o~~w'h'oami~~wh\"\"oami~~w\\hoami~~wh$@oami~~i$()d~~c^at~~/b?n/z?t~~/???/x~~aa-status~~get-process~~add-typ~~calc.exe~~zork.bat~~c99~~e2fsck~~zork7~~/tmp/x~~./zork~~C:\\zork~~C:\\a\\b.exe~~{zork,a}~~{i''d,a}~~$IFS~~ca${IFS}t~~x{a,b}~~_z~~Zork~~1+1~~%temp:~1,2%~~%zork%~~for %a in (b) do~~if a==b c~~if x {% y~~alias x=~~cmd|' /c x'!A0~~=x|'y'!A0~~@x|'y'!A1")
		part(" -c~~ --zork~~ -x y~~ /c~~ /zork~~ /usr/x~~ ./x~~ ../x~~ C:\\x~~ \\x~~ ~/x~~ http://a~~ $x~~ %x% %y%~~ > x~~ 2>x~~>x~~ <x~~ \"a\"~~ 'a'~~ 1~~ a b c d e~~+-c+x~~+a~~\t-c~~,x~~=x~~:x~~<<<x~~ x.exe~~ #~~<<<~~ >&/dev/x~~ >& x~~ !/x~~ &1")
	}
	part(")~~`~~'~~\"~~;~~#~~ #~~&~~|~~ |~~||~~;'~~`'~~)\"~~ ;~~; ~~\n~~) #~~&&~~'#~~;\"")
	return v
}

// TestNothingHides reads the values that cannot hide a command.
func TestNothingHides(t *testing.T) {
	rng := rand.New(rand.NewSource(11))
	var s Scanner
	given, missed := 0, 0
	for i := range 600_000 {
		v := shellValue(rng)
		switch i % 4 {
		case 0:
			v = crumb(rng, shellCrumbs, 8)
		case 1:
			v = mutate(rng, []byte(seeds[RCE][rng.Intn(len(seeds[RCE]))]), seeds[RCE])
		}
		for _, w := range []Where{{Place: InForm}, {Place: InQuery, Key: []byte("a")}, {Place: InPath}, {Place: InQuery, Name: true}, {Place: InJSON}, {Place: InCookie, Key: []byte("cmd")}} {
			s.findings, s.at, s.size = s.findings[:0], w, len(v)
			if s.have, s.pieces = features(v); s.any(shellSigns) || s.all(hasPercent|hasColon) || len(v) < shortestCommand || s.mayHide(v) {
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
	pieces := append([]string{" ", "\t", "\n", "`", "/", "<", ">", "%", " -c ", "/tmp/", "\x00"}, shellCrumbs...)
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
