package detect

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode"

	"github.com/gabionhq/gabion/engine/internal/sqllex"
)

// plainExpression is what expression remembers, read anew.
func plainExpression(r *sqlReader, i int) (int, operand) {
	join := func(a, b operand, numeric bool) operand {
		switch {
		case a >= opCall || b >= opCall:
			return max(a, b)
		case a == opOpen || b == opOpen:
			return opOpen
		case a <= opUnknown || b <= opUnknown:
			return opName
		case numeric:
			return opSum
		}
		return max(a, b)
	}
	i, best := r.operand(i)
	for best != opNone && r.joins(i) {
		end, next := r.operand(i + 1)
		if next == opNone {
			break
		}
		best = join(best, next, r.kind(i-1) == sqllex.Number)
		i = end
	}
	return i, best
}

func TestExpressionsAreRemembered(t *testing.T) {
	words := strings.Fields("1 2 a b.c 'x' null @@v || + - * ( ) ( ) f( count( select case when then end and or not ! all = , ; ::int sleep( 'open")
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		var v []byte
		for range 1 + rnd.IntN(60) {
			v = append(append(v, words[rnd.IntN(len(words))]...), ' ')
		}
		lex, toks := sqllex.New(v, 0), make([]sqllex.Token, len(v))
		toks = toks[:lex.Fill(toks)]
		var c chains
		c.reset(len(toks))
		r := sqlReader{v: v, toks: toks, first: true, last: true, chains: &c, end: len(strings.TrimRightFunc(string(v), unicode.IsSpace))}
		for range 4 {
			i := rnd.IntN(len(toks) + 1)
			end, op := r.expression(i)
			plain := r
			plain.chains = new(chains)
			plain.chains.reset(len(toks))
			if wantEnd, want := plainExpression(&plain, i); end != wantEnd || op != want {
				t.Fatalf("%s from token %d: %d up to %d, want %d up to %d", v, i, op, end, want, wantEnd)
			}
		}
	}
}
