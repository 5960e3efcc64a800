package detect

import (
	"bytes"
	"math/bits"

	"github.com/gabionhq/gabion/engine/internal/shlex"
)

// Place says which part of the request a value comes from. Detectors use it
// to know the grammar that benign values have there: a User-Agent is full of
// parentheses and semicolons, a Referer is a URL.
type Place uint8

// The places.
const (
	InOther       Place = iota
	InTarget            // the request target as a whole
	InPath              // a path segment, or the whole path
	InQuery             // a query parameter
	InCookie            // a cookie
	InUserAgent         // the User-Agent field
	InReferer           // the Referer field, and Origin
	InAccept            // Accept and the other negotiation fields
	InContentType       // the Content-Type field
	InHeader            // any other header field
	InForm              // a field of a form, urlencoded or multipart
	InJSON              // a member or element of a JSON document
	InXML               // the text, an attribute or another part of an XML document
	InGraphQL           // a part of a GraphQL document
	InFileName          // the file name of an uploaded file
	InFile              // the content of an uploaded file
	InBody              // the body as a whole
)

// holdsText reports whether people send whole texts there, which may quote
// code. Elsewhere several lines are no reason to doubt what is found.
func (p Place) holdsText() bool {
	switch p {
	case InForm, InJSON, InXML, InGraphQL, InFile, InBody:
		return true
	}
	return false
}

// A Referrer says which page led to the request.
type Referrer uint8

// The referrers.
const (
	Unread    Referrer = iota // nobody looked
	Unsaid                    // the request does not say
	SameSite                  // one of the site that is asked
	CrossSite                 // one of another site
)

// A Where says where a value sits. The zero value is valid: an unknown place.
type Where struct {
	Place Place
	// Name: the value is itself a name, as of a parameter or a JSON member.
	Name bool
	// Container: the value was also parsed into values that are scanned one
	// by one, such as a JSON document. Its own syntax proves nothing.
	Container bool
	// Decoded counts the decoders that were applied to what the place's own
	// syntax gives: 0 as sent, 1 inside base64, and so on.
	Decoded uint8
	// Markup: of a container, that it is markup that a page may show.
	Markup bool
	// Unescaped: the value is what character references in another stood for.
	Unescaped bool
	// Listing: the value is known to be part of a text that shows code, as a
	// line of a notebook or an element of markup for it is.
	Listing bool
	// Encoded: the value is nothing but escapes of characters. What it
	// decodes to is scanned by itself.
	Encoded bool
	// Binary: the value is data, the texts in which are scanned by themselves.
	Binary bool
	// Excerpt: the value is one of the texts in data of some length, as are
	// pictures and programs. Nobody takes commands or templates from those.
	Excerpt bool
	// Host: which the request asks, without a port; nil for unknown. An address
	// with it leads back to the application.
	Host []byte
	// Referrer: which page led to the request, for names of its parameters.
	Referrer Referrer
	// Key is the name of the parameter, field or member whose value this
	// is, nil where there is none.
	Key []byte
	// Parent is the name above Key, where Key begins with a dollar sign, as
	// that of an operator, or is an element's of a parameter: a[Key]. Of the
	// name Prototype it is that of the member that has it.
	Parent []byte
	// Within: Key is that of the outermost of several operators in each other,
	// and the value the operand of another.
	Within bool
}

// limits of one Scan, so that hostile values cannot make a report large. What
// is dropped is more of the same: the strongest finding per class is kept.
const (
	maxFindings = 16
	maxTokens   = 24 // tokens per finding
)

// maxContainer is the length up to which a value is read whole in every
// language although its parts are too: what attacks by being several parts at
// once is short, and reading all of it twice would cost twice.
const maxContainer = 256

// A Scanner runs the detectors over values. Its zero value is ready; it is
// not safe for concurrent use. It keeps its buffers, so that scanning
// allocates nothing in the steady state.
type Scanner struct {
	findings []Finding
	tokens   []Token
	at       Where   // that the value sits
	have     feature // of the value
	letters  letters // of the value
	size     int     // of the value
	pieces   int     // it falls into
	effort   int     // of the last Scan
	enough   float32 // what settles a request, 0 for nothing
	most     int     // effort, where one is settled
	skipped  uint32  // detectors that do not run, bit i for the one at i

	sql      sqlScratch
	sh       shlex.Lexer
	memo     memo
	admitted [1 << admittedBits]admission
}

// An admission is what feature.admits says of some features.
type admission struct {
	have feature
	set  uint32
}

// admittedBits is how many bits of a hash tell where an admission is kept. Ordinary
// values have few sets of features, and the same over and over.
const admittedBits = 8

// admits is feature.admits.
func (s *Scanner) admits(have feature) uint32 {
	const golden = 0x9e3779b97f4a7c15 // 2^64 over the golden ratio spreads bits
	at := &s.admitted[uint64(have)*golden>>(64-admittedBits)]
	if at.have != have {
		*at = admission{have, have.admits()}
	}
	return at.set
}

// A detector is one recogniser. Its function reads the value and calls
// s.add for what it finds; it may keep scratch in a field of Scanner.
//
// To add one: write its method in a file of its own, add one line to
// detectors with the necessary condition of its findings, and its words, if
// it needs any, to gateWords. The condition is a disjunction of masks: the
// detector runs when, for at least one mask, all features of the mask occur
// in the value. It must be necessary, never sufficient: TestGateIsNecessary
// runs every detector with and without the gate over seeds and mutations, so
// add seeds of the class to seeds_test.go too.
type detector struct {
	class Class
	when  []feature
	scan  func(s *Scanner, v []byte, w *Where)
	run   int  // effort that it takes to run, however short the value
	least int  // bytes that it finds anything in
	parts bool // of a long container its parts are enough
}

// mostLeast is more than the least of every detector.
const mostLeast = 10

// longEnough gives the detectors for a length, bit i for the one at i, the last
// those for all above.
var longEnough = func() (t [mostLeast]uint32) {
	for n := range t {
		for i := range detectors {
			if detectors[i].least <= n {
				t[n] |= 1 << i
			}
		}
	}
	return t
}()

var detectors = [...]detector{
	{class: SQLi, when: whenSQLi, scan: (*Scanner).sqli, run: 150, least: 3, parts: true},
	{class: NoSQLi, when: whenNoSQLi, scan: (*Scanner).nosqli, run: 220, parts: true},
	{class: LDAPi, when: whenLDAPi, scan: (*Scanner).ldapi, run: 100, least: 2},
	{class: XPathi, when: whenXPathi, scan: (*Scanner).xpathi, run: 80, least: 4, parts: true},
	{class: XSS, when: whenXSS, scan: (*Scanner).xss, run: 150, least: 4, parts: true},
	{class: PathTraversal, when: whenPathTraversal, scan: (*Scanner).ptrav, run: 120, least: 3},
	{class: RCE, when: whenRCE, scan: (*Scanner).rce, run: 170, least: 2, parts: true},
	{class: Code, when: whenCode, scan: (*Scanner).code, run: 120, least: 3, parts: true},
	{class: SSTI, when: whenSSTI, scan: (*Scanner).ssti, run: 80, least: 4, parts: true},
	{class: XXE, when: whenXXE, scan: (*Scanner).xxe, run: 100, least: 3},
	{class: SSRF, when: whenSSRF, scan: (*Scanner).ssrf, run: 80, least: 3},
	{class: CRLF, when: whenCRLF, scan: (*Scanner).crlf, run: 120, least: 1},
	{class: Log4Shell, when: whenLog4Shell, scan: (*Scanner).log4shell, run: 200, least: 6},
	{class: SSI, when: whenSSI, scan: (*Scanner).ssi, run: 200, least: 5},
	{class: MailInjection, when: whenMail, scan: (*Scanner).mail, run: 150, least: 5},
	{class: RFI, when: whenRFI, scan: (*Scanner).rfi, run: 120, least: 6},
	{class: Deserialization, when: whenDeser, scan: (*Scanner).deser, run: 80, least: 4},
	{class: PrototypePollution, when: whenProtoPol, scan: (*Scanner).protopol, run: 180, least: 9},
	{class: Shellshock, when: whenShellshock, scan: (*Scanner).shellshock, run: 80, least: 3},
	{class: Upload, when: whenUpload, scan: (*Scanner).upload, run: 120, least: 3},
	{class: Redirect, when: whenRedirect, scan: (*Scanner).redirect, run: 80, least: 4},
	{class: ScannerTool, when: whenScannerTool, scan: (*Scanner).scannerTool, run: 380, least: 4},
	{class: SessionFixation, when: whenSessionFixation, scan: (*Scanner).sessfix, run: 80, least: 3},
	{class: Smuggling, when: whenMediaType, scan: (*Scanner).mediaType, run: 120, least: 3},
	{class: SQLi, when: whenSQLJSON, scan: (*Scanner).sqlJSON, run: 80, least: 7, parts: true},
	{class: Code, when: whenWhole, scan: (*Scanner).whole, run: 130, least: 2, parts: true},
	{class: Code, when: whenJDBC, scan: (*Scanner).jdbc, run: 120, least: 9},
}

// maxKept is how many tokens of SQL a Scanner keeps room for: a chunk, and what
// memory is rounded up to.
const maxKept = sqlChunk + sqlChunk/4

// Close lets go of the last value, and of buffers that few values fill.
func (s *Scanner) Close() {
	s.memo.forget()
	s.at, s.sh, s.sql.best = Where{}, shlex.Lexer{}, sqlReader{}
	if cap(s.sql.toks) > maxKept {
		s.sql.toks, s.sql.chains = nil, chains{}
	}
}

// Scan returns what the detectors find in v. The findings and their tokens
// are valid until the next call; their spans index v.
func (s *Scanner) Scan(v []byte, w *Where) []Finding {
	s.findings = s.findings[:0]
	s.tokens = s.tokens[:0]
	s.effort = valueEffort + gateEffort*len(v)
	if w.Encoded || len(v) < 2 && tellsNothing(v, w) {
		return nil
	}
	if w.Binary {
		s.object(v)
		return s.findings
	}
	have, spelled, pieces := features(v)
	have |= w.features()
	if w.Place == InTarget && have&^addressMarks == 0 && bytes.IndexByte(v, '?') >= 0 {
		return nil
	}
	left := s.admits(have) & longEnough[min(len(v), mostLeast-1)] &^ s.skipped
	if left == 0 {
		return s.findings
	}
	if s.recall(v, w) {
		return s.findings
	}
	// What merely could be read in parts, as {{x}} behind which padding stands,
	// is read whole, too.
	parted := len(v) > maxContainer && (w.Place == InTarget || w.Place == InPath && w.Container || document(v, w)) || w.Container && isCalendar(v)
	s.at, s.have, s.letters, s.size, s.pieces = *w, have, spelled, len(v), pieces
	for ; left != 0 && !s.settled(); left &= left - 1 {
		if d := &detectors[bits.TrailingZeros32(left)]; !parted || !d.parts || w.Markup && d.class == XSS {
			s.effort += d.run + len(v)/4
			d.scan(s, v, &s.at)
		}
	}
	if left == 0 && !s.settles(0) {
		s.memo.keep(s.skipped, s.effort, s.findings)
	}
	return s.findings
}

// tellsNothing reports whether one byte or none, that is no data, tells nothing: it
// neither ends a line nor is what an operator is given.
func tellsNothing(v []byte, w *Where) bool {
	return !w.Binary && (len(w.Key) == 0 || w.Key[0] != '$') && (len(v) == 0 || v[0] != '\n' && v[0] != '\r')
}

// all reports whether the value has all features of f, and any whether it has one:
// what is looked for in vain takes longer than the question whether its signs
// occur, since most values are short.
func (s *Scanner) all(f feature) bool { return s.have&f == f }
func (s *Scanner) any(f feature) bool { return s.have&f != 0 }

// What work takes, in units of about a nanosecond, beside what a detector takes to run
// and a quarter of one per byte for each. They were fitted to what the detectors took
// of 5,800 hostile values, and what each takes to run was made a quarter more. Lexers
// have become cheaper since: what they count is rather more than what they take, but of
// random signs, at which guesses of the processor fail.
const (
	valueEffort      = 60 // per value, however short
	gateEffort       = 2  // per byte, with what finds out how it is written
	sqlEffort        = 14 // per token and context, and operand that is read
	operatorEffort   = 18 // per name behind a dollar sign
	commandEffort    = 60 // per command of a shell
	judgeEffort      = 60 // per one that is looked at closely
	markupEffort     = 7  // per token of markup, and call of a script
	nameEffort       = 9  // per name of a program
	callEffort       = 56 // per call of a function that code knows
	expressionEffort = 6  // per expression of a template
	insideEffort     = 2  // per byte of it
)

// A reading is what a detector takes to read a value whatever it finds: per
// four bytes, and per piece. The value falls into pieces where languages may.
type reading struct{ bytes, piece int }

var (
	readNoSQL      = reading{3, 0}
	readMarkup     = reading{5, 0}
	readPath       = reading{9, 3}
	readShell      = reading{7, 2}
	readCode       = reading{7, 0}
	readTemplate   = reading{5, 0}
	readDocument   = reading{3, 0}
	readDirectives = reading{2, 1}
	readLines      = reading{6, 0}
	readMail       = reading{10, 0}
	readLookups    = reading{4, 0}
	readFunctions  = reading{0, 1}
	readObjects    = reading{0, 1}
	readWords      = reading{12, 0}
)

// reads counts a reading of v, which is the value or part of it.
func (s *Scanner) reads(v []byte, r reading) {
	s.effort += r.bytes * len(v) / 4
	if r.piece != 0 { // dividing nothing takes as long as reading a short value
		s.effort += r.piece * s.pieces * len(v) / max(s.size, 1)
	}
}

// patience is the effort that a value may take although what was found settles
// the request. Attacks take less, but for those that are meant to take long.
const patience = 4 << 10

// Settle sets the weight of a finding that decides a request whatever else is
// in it, 0 for none, and the effort that a value may take where that is known. A
// value that takes long is not read on beyond such a finding, so that a report has
// some of its findings.
func (s *Scanner) Settle(weight float32, most int) { s.enough, s.most = weight, most }

// Look has Scan look for one of the classes only, or with none for all.
func (s *Scanner) Look(classes Classes) {
	s.skipped = 0
	if classes == 0 {
		return
	}
	for i := range detectors {
		if !classes.Has(detectors[i].class) {
			s.skipped |= 1 << i
		}
	}
}

// settles reports whether evidence of that weight ends the reading of the value
// by one detector. The place may make the weight less in the end.
func (s *Scanner) settles(weight float32) bool {
	return s.enough > 0 && (s.effort >= s.most || weight >= max(s.enough, unmistakable) && s.effort >= patience)
}

// settled reports whether a finding does.
func (s *Scanner) settled() bool {
	if s.enough == 0 || s.effort < min(patience, s.most) {
		return false
	}
	if s.effort >= s.most {
		return true
	}
	for i := range s.findings {
		if s.findings[i].Weight >= s.enough {
			return true
		}
	}
	return false
}

// Effort returns what the last Scan took. It depends on nothing but the value
// and the place, and what Settle and Look were told.
func (s *Scanner) Effort() int { return s.effort }

// add records a finding. Of a class, only findings that are stronger than
// the weakest kept one matter once the limit is reached.
func (s *Scanner) add(f Finding) {
	if len(f.Tokens) > maxTokens {
		f.Tokens = f.Tokens[:maxTokens]
	}
	if len(s.findings) < maxFindings {
		s.findings = append(s.findings, f)
		return
	}
	weakest := 0
	for i := range s.findings {
		if s.findings[i].Weight < s.findings[weakest].Weight {
			weakest = i
		}
	}
	if f.Weight > s.findings[weakest].Weight {
		s.findings[weakest] = f
	}
}

// mark returns a position in the token buffer. A detector takes a mark,
// calls tok for the tokens around its evidence, and gives since(mark) to the
// finding.
func (s *Scanner) mark() int { return len(s.tokens) }

// tok appends a token to the buffer.
func (s *Scanner) tok(from, to int, kind TokenKind, known bool) {
	s.tokens = append(s.tokens, Token{From: int32(from), To: int32(to), Kind: kind, Known: known})
}

// since returns the tokens appended since the mark.
func (s *Scanner) since(mark int) []Token {
	return s.tokens[mark:len(s.tokens):len(s.tokens)]
}
