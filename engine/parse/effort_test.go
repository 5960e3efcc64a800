package parse

import (
	"strings"
	"testing"
)

// A payer is a recorder to which each byte of a value takes some effort.
type payer struct {
	recorder
	each int
}

func (p *payer) Visit(t *Tree, n Node, v []byte) int { return p.each * p.recorder.Visit(t, n, v) }

// paid returns what is visited of a request where each byte takes some effort.
func paid(each int, target, form string) []string {
	var w Walk
	p := payer{each: each}
	w.Reset(&p, Limits{}, nil)
	w.Target([]byte(target))
	w.Fields([]Field{{[]byte("Content-Type"), []byte("application/x-www-form-urlencoded")}})
	w.Write([]byte(form))
	w.Finish()
	return p.lines
}

// The values of a repeated name are visited once more, joined: where they are long, only
// while others did not take what the request may take, which is reported.
func TestJoinedWhileAffordable(t *testing.T) {
	f := func(each int, pairs string, want bool) {
		t.Helper()
		joined := map[bool]int{}
		for in, lines := range map[string][]string{"get.": paid(each, "/?"+pairs, ""), "post.form.": paid(each, "/", pairs)} {
			found, limited := false, false
			for _, l := range lines {
				found = found || strings.HasPrefix(l, in+`a.pollution="1234567890,`)
				limited = limited || strings.HasSuffix(l, "!effort")
			}
			joined[found]++
			if !found && !limited {
				t.Errorf("%d bytes at %d: %s is not joined, which nobody is told", len(pairs), each, in)
			}
		}
		if joined[want] != 2 {
			t.Errorf("%d bytes at %d: joined is %v, want %t", len(pairs), each, joined, want)
		}
	}
	few, many, most := strings.Repeat("a=1234567890&", 6), strings.Repeat("a=1234567890&", 60), strings.Repeat("a=1234567890&", 600)
	for _, each := range []int{1, 10, 20} {
		f(each, few, true)
		f(each, many, true)
		f(each, most, true)
	}
	f(100, few, true)
	f(100, many, false)
	f(100, most, false)
	others := strings.Repeat("b=1234567890&", 60)
	f(80, few+others, true) // what is short is joined whatever others took but for deep layers
	f(80, many+others, false)
}

// What a path decodes to as a whole leaves its segments some of what they take, however
// long it is.
func TestPathLeavesSegments(t *testing.T) {
	const unit = "%c0%aeword ' or /val{%c0%ae"
	f := func(each, size int, share float64) {
		t.Helper()
		segments, decoded := map[string]bool{}, map[string]bool{}
		for _, l := range paid(each, "/"+strings.Repeat(unit, size/len(unit)), "") {
			if !strings.HasPrefix(l, "path[") {
				continue
			}
			at := strings.IndexByte(l, ']') + 1
			segments[l[:at]] = true
			if strings.HasPrefix(l[at:], ".charset=") {
				decoded[l[:at]] = true
			}
		}
		if got := float64(len(decoded)) / float64(len(segments)); got < share || len(segments) < size/len(unit) {
			t.Errorf("%d bytes at %d: %.2f of %d segments are decoded, want %.2f", size, each, got, len(segments), share)
		}
	}
	for _, size := range []int{1 << 10, 4 << 10, 8 << 10} {
		f(1, size, 1)
		f(16, size, 1)
		f(30, size, 0.3)
	}
}

// What is kept for the segments of a path is kept for nothing behind it.
func TestPathKeepsNothing(t *testing.T) {
	for _, path := range []string{"/a", "/%41/b", "/%c0%aeb/c%2fd.e/", "//", "/"} {
		var w Walk
		w.Reset(&payer{each: 9}, Limits{}, nil)
		w.Target([]byte(path + "?q=%41"))
		if kept := w.tree.purse.reserve; kept != 0 {
			t.Errorf("%s: %d is kept", path, kept)
		}
	}
}

// A priced is a recorder to which values take what one says.
type priced struct {
	recorder
	price func(v []byte) int
}

func (p *priced) Visit(t *Tree, n Node, v []byte) int {
	p.recorder.Visit(t, n, v)
	return min(p.price(v), t.Bound())
}

// dense reports whether a request is too dense where values take what price says.
func dense(price func(v []byte) int, target, contentType, body string) bool {
	var w Walk
	p := priced{price: price}
	w.Reset(&p, Limits{}, nil)
	w.Target([]byte(target))
	w.Fields([]Field{{[]byte("Content-Type"), []byte(contentType)}})
	w.Write([]byte(body))
	w.Finish()
	for _, l := range p.lines {
		if strings.HasSuffix(l, "!density") {
			return true
		}
	}
	return false
}

// What takes more than any text of its size is too dense, however it is cut, and what
// takes as much as the densest texts is not.
func TestDensity(t *testing.T) {
	perByte := func(each int) func([]byte) int { return func(v []byte) int { return each * len(v) } }
	whole := func(each int) func([]byte) int {
		return func(v []byte) int { return each * len(v) * min(1, strings.Count(string(v), "/")) }
	}
	perValue := func(each int) func([]byte) int { return func(v []byte) int { return each } }
	const js, form = "application/json", "application/x-www-form-urlencoded"
	word := strings.Repeat("word ", 3000)
	list := "[" + strings.Repeat(`"ab",`, 2000) + `"c"]`
	path := strings.Repeat("/"+strings.Repeat("segment-", 20), 25)
	for _, c := range []struct {
		name                      string
		price                     func([]byte) int
		target, contentType, body string
		want                      bool
	}{
		{"a long text", perByte(denseByte), "/", "text/plain", word, false},
		{"a dense long text", perByte(denseByte + 1), "/", "text/plain", word, true},
		{"a dense short text", perByte(2 * denseByte), "/", "text/plain", word[:50], false},
		{"a text in JSON", perByte(denseByte), "/", js, `{"a":"` + word + `"}`, false},
		{"a dense text in JSON", perByte(denseByte + 1), "/", js, `{"a":"` + word + `"}`, true},
		{"a text in a form", perByte(denseByte), "/", form, "a=" + strings.ReplaceAll(word, " ", "+"), false},
		{"a dense text in a form", perByte(denseByte + 1), "/", form, "a=" + strings.ReplaceAll(word, " ", "+"), true},
		{"short values", perValue(denseValue), "/", js, list, false},
		{"dear short values", perValue(denseValue + 3*denseByte), "/", js, list, true},
		{"a document in two ways", perByte(sharedByte), "/", form, `{"a":"` + word + `"}`, false},
		{"a dense document in two ways", perByte(sharedByte + 1), "/", form, `{"a":"` + word + `"}`, true},
		{"a path", perByte(sharedByte), path, "", "", false},
		{"a dense path", perByte(denseByte + 8), path, "", "", true},
		{"a path as a whole", whole(sharedByte), path + "?a=1", "", "", false},
		{"a dense path as a whole", whole(sharedByte + 4), path + "?a=1", "", "", true},
		{"a text behind a path", perByte(denseByte), "/a", "text/plain", word, false},
		{"a query", perByte(denseByte), "/?a=" + strings.ReplaceAll(word, " ", "+"), "", "", false},
		{"a dense query", perByte(denseByte + 1), "/?a=" + strings.ReplaceAll(word, " ", "+"), "", "", true},
	} {
		if got := dense(c.price, c.target, c.contentType, c.body); got != c.want {
			t.Errorf("%s: too dense is %t, want %t", c.name, got, c.want)
		}
	}
}

// What a decoder makes may take what is left, and some beside.
func TestDecodedTakesWhatIsLeft(t *testing.T) {
	var w Walk
	most := 0
	p := priced{price: func(v []byte) int { return 20 * len(v) }}
	bounded := &bounding{priced: p, most: &most}
	w.Reset(bounded, Limits{}, nil)
	w.Target([]byte("/"))
	w.Fields([]Field{{[]byte("Content-Type"), []byte("text/plain")}})
	v := strings.Repeat("word ", 5000) + "%41"
	w.Write([]byte(v))
	w.Finish()
	if limit := denseExcess + (beyondByte+48-20)*len(v) + freeBytes*48 + deepEffort; most == 0 || most > limit {
		t.Errorf("what a decoder makes of a text that took much may take %d, want 1 to %d", most, limit)
	}
}

// A bounding notes the most that anything that was decoded may take.
type bounding struct {
	priced
	most *int
}

func (b *bounding) Visit(t *Tree, n Node, v []byte) int {
	if t.Depth(n) > 0 {
		*b.most = max(*b.most, t.Bound())
	}
	return b.priced.Visit(t, n, v)
}
