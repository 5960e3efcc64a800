package detect

import (
	"math/rand"
	"strings"
	"testing"

	"github.com/gabionhq/gabion/engine/internal/shlex"
)

// shellCrumbs are pieces of which short values of a shell are put together.
var shellCrumbs = strings.Fields("id nl w a e2 aa-status aa- -status x.exe .exe c c99 9 at ls fsck wh oami un ame who C: ' \" '' \\ \\n ^ $ $@ $1 $() $(( $[ ] $' $i $IFS ${IFS} ${a} $a a= = { } , ( ) ; | || && & : - . 7 ! ? # + [ 0 * ~ @ _")

// TestNothingHides reads the values that cannot hide a command.
func TestNothingHides(t *testing.T) {
	rng := rand.New(rand.NewSource(11))
	var s Scanner
	given := 0
	for range 400_000 {
		v := crumb(rng, shellCrumbs, 8)
		for _, w := range []Where{{Place: InForm}, {Place: InQuery, Key: []byte("a")}, {Place: InPath}, {Place: InQuery, Name: true}, {Place: InJSON}} {
			s.findings, s.at, s.size = s.findings[:0], w, len(v)
			if s.have, s.pieces = features(v); s.any(shellSigns) || s.all(hasPercent|hasColon) || len(v) < shortestCommand || s.mayHide(v) {
				continue
			}
			given++
			if s.commands(v, &w); len(s.findings) > 0 {
				t.Fatalf("%q hides %+v", v, s.findings)
			}
		}
	}
	if given < 100_000 {
		t.Errorf("%d values were given up", given)
	}
}

// TestWordsTellNothing judges the words that are given up.
func TestWordsTellNothing(t *testing.T) {
	rng := rand.New(rand.NewSource(12))
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
