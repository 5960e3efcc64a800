package detect

import (
	"bytes"

	"github.com/gabionhq/gabion/engine/internal/lexicon"
)

// whenProtoPol: the words, in any place.
var whenProtoPol = []feature{hasProtoWord}

const protoGateWords = "__proto__ constructor prototype"

var protoVocabulary = lexicon.New("__proto__ proto constructor prototype object env onerror src")

// Prototype is the name that means more as a member of a constructor.
const Prototype = "prototype"

// protopol finds names that reach the prototype all objects of JavaScript
// share.
func (s *Scanner) protopol(v []byte, w *Where) {
	var best lead
	for from := 0; ; {
		i := bytes.Index(v[from:], []byte("__proto__"))
		if i < 0 {
			break
		}
		i += from
		end := i + len("__proto__")
		from = end
		if i > 0 && isNameByte(v[i-1]) || end < len(v) && isNameByte(v[end]) {
			continue
		}
		best.offer(keyWeight(v, i, end, w, 0.95), i, end, "A name reaches the prototype that all objects share.")
	}
	for from := 0; ; {
		i := bytes.Index(v[from:], []byte("constructor"))
		if i < 0 {
			break
		}
		i += from
		from = i + len("constructor")
		if i > 0 && isNameByte(v[i-1]) {
			continue
		}
		if i > 0 && v[i-1] == ':' && (bytes.HasPrefix(v[from:], []byte(":constructor")) || bytes.HasPrefix(v[from:], []byte(":prototype"))) {
			best.offer(0.85, i, from, "A reference of React's server functions reaches the constructor of functions.")
		}
		j := from
		for j < len(v) && j < from+8 && bytes.IndexByte([]byte(`.[]"'\:{ `), v[j]) >= 0 {
			j++
		}
		if j > from && bytes.HasPrefix(v[j:], []byte("prototype")) {
			end := j + len("prototype")
			best.offer(keyWeight(v, i, end, w, 0.88), i, end, "A name reaches an object's prototype by its constructor.")
		}
	}
	if w.Name && string(v) == Prototype && string(w.Parent) == "constructor" {
		best.offer(0.85, 0, len(v), "A name reaches an object's prototype by its constructor.")
	}
	if len(v) > 4 && v[0] == '$' && isWordASCII(v[1]) {
		if i := bytes.Index(v, []byte(":prototype")); i > 0 && (i+len(":prototype") == len(v) || v[i+len(":prototype")] == ':') && run(v, 1, i, func(c byte) bool { return isWordASCII(c) || c == ':' }) == i {
			best.offer(0.8, 0, len(v), "A reference of React's server functions reaches a prototype.")
		}
	}
	s.follow(PrototypePollution, v, best, protoVocabulary)
}

func isNameByte(c byte) bool { return isLetter(c) || c == '_' }

// comparesTo reports whether a string begins at the end of v that something is
// compared with, as programs do that guard against it.
func comparesTo(v []byte) bool {
	v = bytes.TrimRight(v, "\"' ")
	return bytes.HasSuffix(v, []byte("==")) || bytes.HasSuffix(v, []byte("!="))
}

// keyWeight returns the full weight where the words v[i:end] are a key, and
// a fraction where a text speaks of them.
func keyWeight(v []byte, i, end int, w *Where, weight float32) float32 {
	switch {
	case w.Name:
		return weight
	case w.Place.holdsText() && len(v) > maxPath && comparesTo(v[:i]):
		return 0.3
	case end < len(v) && (v[end] == '[' || v[end] == ']' || v[end] == '.'):
		return weight * 0.9
	case end+1 < len(v) && v[end] == '"' && (v[end+1] == ':' || v[end+1] == ' '):
		return weight * 0.9
	case i == 0 && end == len(v):
		return weight * 0.6
	}
	return 0.3
}
