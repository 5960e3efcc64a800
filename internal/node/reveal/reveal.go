// Package reveal decides which names of a request may leave the node.
//
// Hosts, path segments, parameter names and the like carry personal data as
// values do: /users/jane@example.com, {"jane": ...}. So a name leaves as a
// class token, <slug:8-16>, until it is known to be public: it is a word of
// the shipped dictionary, the operator or a rule names it, or k sources share
// it and it does not look personal. Each name that k sources reveal is
// written to a log on the node.
package reveal

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// maxName is the longest name that can ever be revealed: longer ones are
	// values that happen to stand where names do.
	maxName = 40
	// maxCandidates bounds the names that are being counted. The one with
	// the fewest sources gives way, so that a flood of invented names does
	// not push out those that real users share.
	maxCandidates = 8192
	// maxRevealed bounds the names that k sources revealed.
	maxRevealed = 50_000
	// perHour bounds how fast names get out: a node that would reveal more
	// has probably misunderstood what a name is on this site.
	perHour = 500
	// A fifth of the sources must be of different neighbourhoods, because
	// one household, office or botnet rack is not the public.
	perNeighbourhood = 5
)

// Options say what is public.
type Options struct {
	K    int              // sources that must share a name; 0 for never
	Open []string         // names that the operator lets leave at once
	Log  string           // file, one JSON object per revealed name; also read at start
	Now  func() time.Time // nil: time.Now
}

// Names decides for one node. It is safe for concurrent use.
type Names struct {
	opts Options
	open map[string]bool // the operator's, in lower case

	mu         sync.RWMutex
	ruled      map[string]bool // named by the rules in force, in lower case
	revealed   map[string]bool
	candidates map[string]*candidate
	log        *os.File
	hour       time.Time
	inHour     int
}

type candidate struct {
	networks       []uint64 // distinct, at most K
	neighbourhoods []uint64
}

// New reads what was revealed before from opts.Log.
func New(opts Options) (*Names, error) {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	n := &Names{opts: opts, open: lowered(opts.Open), revealed: map[string]bool{}, candidates: map[string]*candidate{}}
	if opts.Log == "" {
		return n, nil
	}
	if err := n.restore(); err != nil {
		return nil, fmt.Errorf("reading the log of revealed names: %w", err)
	}
	return n, nil
}

func lowered(names []string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, name := range names {
		set[strings.ToLower(name)] = true
	}
	return set
}

// entry is a line of the log.
type entry struct {
	Time    time.Time `json:"time"`
	Name    string    `json:"name"`
	Sources int       `json:"sources"`
}

func (n *Names) restore() error {
	b, err := os.ReadFile(n.opts.Log)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	whole := 0
	for line := range strings.Lines(string(b)) {
		var e entry
		if !strings.HasSuffix(line, "\n") {
			break // torn
		}
		whole += len(line)
		if json.Unmarshal([]byte(line), &e) == nil && !personal(e.Name) && len(n.revealed) < maxRevealed {
			n.revealed[e.Name] = true
		}
	}
	f, err := os.OpenFile(n.opts.Log, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if err := f.Truncate(int64(whole)); err != nil {
		return errors.Join(err, f.Close())
	}
	if _, err := f.Seek(0, 2); err != nil {
		return errors.Join(err, f.Close())
	}
	n.log = f
	return nil
}

// Close closes the log.
func (n *Names) Close() error {
	if n.log == nil {
		return nil
	}
	return n.log.Close()
}

// Rule replaces the names that the rules in force hold. Users typed them in
// the cloud, so the cloud knows them.
func (n *Names) Rule(names []string) {
	ruled := lowered(names)
	n.mu.Lock()
	n.ruled = ruled
	n.mu.Unlock()
}

// Public says whether name may leave as it is.
func (n *Names) Public(name string) bool {
	if len(name) > maxName*2 {
		return false
	}
	if lexicon.holds(name) {
		return true
	}
	lower := strings.ToLower(name)
	if n.open[lower] {
		return true
	}
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.ruled[lower] || n.revealed[name]
}

// Text returns name if it may leave, its class token otherwise.
func (n *Names) Text(name string) string {
	if n.Public(name) {
		return name
	}
	return Token(name)
}

// Saw counts a source that used name in a benign request. network and
// neighbourhood are tags of where it is. It says whether name is public now.
func (n *Names) Saw(name string, network, neighbourhood uint64) bool {
	if n.Public(name) {
		return true
	}
	if n.opts.K <= 0 || personal(name) {
		return false
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	c := n.candidates[name]
	if c == nil {
		n.makeRoom()
		c = &candidate{}
		n.candidates[strings.Clone(name)] = c
	}
	if len(c.networks) < n.opts.K && !slices.Contains(c.networks, network) {
		c.networks = append(c.networks, network)
	}
	need := n.opts.K / perNeighbourhood
	if len(c.neighbourhoods) < need && !slices.Contains(c.neighbourhoods, neighbourhood) {
		c.neighbourhoods = append(c.neighbourhoods, neighbourhood)
	}
	if len(c.networks) < n.opts.K || len(c.neighbourhoods) < need || !n.mayReveal() {
		return false
	}
	return n.reveal(strings.Clone(name), len(c.networks))
}

// makeRoom drops the weakest of a few candidates. A map's order of iteration
// is random, which is what makes it a sample.
func (n *Names) makeRoom() {
	if len(n.candidates) < maxCandidates {
		return
	}
	const sample = 16
	weakest, least, seen := "", int(^uint(0)>>1), 0
	for name, c := range n.candidates {
		if len(c.networks) < least {
			weakest, least = name, len(c.networks)
		}
		if seen++; seen == sample {
			break
		}
	}
	delete(n.candidates, weakest)
}

func (n *Names) mayReveal() bool {
	now := n.opts.Now()
	if now.Sub(n.hour) >= time.Hour {
		n.hour, n.inHour = now, 0
	}
	return n.inHour < perHour && len(n.revealed) < maxRevealed
}

// reveal makes name public. What cannot be logged is not revealed.
func (n *Names) reveal(name string, sources int) bool {
	if n.log != nil {
		line, err := json.Marshal(entry{Time: n.opts.Now().UTC(), Name: name, Sources: sources})
		if err != nil {
			return false
		}
		if _, err := n.log.Write(append(line, '\n')); err != nil {
			return false
		}
	}
	n.inHour++
	n.revealed[name] = true
	delete(n.candidates, name)
	return true
}

// Count is how many names k sources have revealed.
func (n *Names) Count() int {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return len(n.revealed)
}

// Token returns what stands for a name that may not leave: its kind and its
// length, rounded to a power of two. <slug:8-16> is 8 bytes or more and less
// than 16.
func Token(name string) string {
	low := 1
	for low*2 <= len(name) && low < 64 {
		low *= 2
	}
	if len(name) == 0 {
		return "<empty>"
	}
	if low == 64 {
		return "<" + kindOf(name) + ":64->"
	}
	return "<" + kindOf(name) + ":" + strconv.Itoa(low) + "-" + strconv.Itoa(2*low) + ">"
}

func kindOf(name string) string {
	kind := "word"
	for _, c := range []byte(name) {
		switch {
		case isLetter(c):
		case isDigit(c) || c == '-' || c == '_':
			kind = "slug"
		default:
			return "text"
		}
	}
	if strings.Trim(name, "0123456789") == "" {
		return "num"
	}
	return kind
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
func isDigit(c byte) bool  { return '0' <= c && c <= '9' }

// personal says whether a name could be about a person or be a secret,
// however many sources share it: then it is never revealed by their number.
func personal(name string) bool {
	if len(name) < 2 || len(name) > maxName {
		return true
	}
	digits, turns, consonants := 0, 0, 0
	var last byte
	for _, c := range []byte(name) {
		switch {
		case isDigit(c):
			digits++
		case !isLetter(c) && c != '-' && c != '_' && c != '.':
			return true // @, space, %, non-ASCII: not how programmers name things
		}
		if k := shape(c); k != last {
			if last != 0 {
				turns++
			}
			last = k
		}
		if isLetter(c) && !strings.ContainsRune("aeiouyAEIOUY", rune(c)) {
			consonants++
		} else {
			consonants = 0
		}
		if consonants > 6 {
			return true // rthrtkzx: random
		}
	}
	// Two digits make a version or an address line; more make a number of
	// something. Many changes of kind make a random token.
	return digits > 2 || digits > 0 && turns > 4 || turns > len(name)/2 || mixedCase(name)
}

// shape is the kind of a byte as far as randomness goes; case does not count
// here, because camelCase changes it honestly.
func shape(c byte) byte {
	switch {
	case isDigit(c):
		return '0'
	case isLetter(c):
		return 'a'
	}
	return '-'
}

// mixedCase: aXbYcQ is random, camelCaseName is not: its words have more than
// three letters on average.
func mixedCase(name string) bool {
	changes := 0
	for i := 1; i < len(name); i++ {
		upper, before := name[i] >= 'A' && name[i] <= 'Z', name[i-1] >= 'a' && name[i-1] <= 'z'
		if upper && before {
			changes++
		}
	}
	return changes*4 >= len(name)
}
