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
const maxContainer = 1 << 10

// A Scanner runs the detectors over values. Its zero value is ready; it is
// not safe for concurrent use. It keeps its buffers, so that scanning
// allocates nothing in the steady state.
type Scanner struct {
	findings []Finding
	tokens   []Token
	have     feature // of the value
	effort   int     // of the last Scan

	sql sqlScratch
	sh  shlex.Lexer
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
	scan  func(s *Scanner, v []byte, w Where)
	parts bool // of a long container its parts are enough
}

var detectors = [...]detector{
	{SQLi, whenSQLi, (*Scanner).sqli, true},
	{NoSQLi, whenNoSQLi, (*Scanner).nosqli, true},
	{LDAPi, whenLDAPi, (*Scanner).ldapi, false},
	{XPathi, whenXPathi, (*Scanner).xpathi, true},
	{XSS, whenXSS, (*Scanner).xss, true},
	{PathTraversal, whenPathTraversal, (*Scanner).ptrav, false},
	{RCE, whenRCE, (*Scanner).rce, true},
	{Code, whenCode, (*Scanner).code, true},
	{SSTI, whenSSTI, (*Scanner).ssti, true},
	{XXE, whenXXE, (*Scanner).xxe, false},
	{SSRF, whenSSRF, (*Scanner).ssrf, false},
	{CRLF, whenCRLF, (*Scanner).crlf, false},
	{Log4Shell, whenLog4Shell, (*Scanner).log4shell, false},
	{SSI, whenSSI, (*Scanner).ssi, false},
	{MailInjection, whenMail, (*Scanner).mail, false},
	{RFI, whenRFI, (*Scanner).rfi, false},
	{Deserialization, whenDeser, (*Scanner).deser, false},
	{PrototypePollution, whenProtoPol, (*Scanner).protopol, false},
	{Shellshock, whenShellshock, (*Scanner).shellshock, false},
	{Upload, whenUpload, (*Scanner).upload, false},
	{Redirect, whenRedirect, (*Scanner).redirect, false},
	{ScannerTool, whenScannerTool, (*Scanner).scannerTool, false},
	{SessionFixation, whenSessionFixation, (*Scanner).sessfix, false},
	{Smuggling, whenMediaType, (*Scanner).mediaType, false},
	{SQLi, whenSQLJSON, (*Scanner).sqlJSON, true},
	{Code, whenWhole, (*Scanner).whole, true},
}

// maxKept is how many tokens of SQL a Scanner keeps room for.
const maxKept = 512

// Close lets go of the last value, and of buffers that few values fill.
func (s *Scanner) Close() {
	s.sh, s.sql.best = shlex.Lexer{}, sqlReader{}
	if cap(s.sql.toks) > maxKept {
		s.sql.toks, s.sql.chains = nil, chains{}
	}
}

// Scan returns what the detectors find in v. The findings and their tokens
// are valid until the next call; their spans index v.
func (s *Scanner) Scan(v []byte, w Where) []Finding {
	s.findings = s.findings[:0]
	s.tokens = s.tokens[:0]
	s.effort = valueEffort + gateEffort*len(v)
	if w.Encoded {
		return nil
	}
	if w.Binary {
		s.object(v)
		return s.findings
	}
	have := features(v) | w.features()
	if w.Place == InTarget && have&^addressMarks == 0 && bytes.IndexByte(v, '?') >= 0 {
		return nil
	}
	// What merely could be read in parts, as {{x}} behind which padding stands,
	// is read whole, too.
	parted := len(v) > maxContainer && (w.Place == InTarget || document(v, w)) || w.Container && isCalendar(v)
	s.have = have
	for left := have.admits(); left != 0; left &= left - 1 {
		if d := &detectors[bits.TrailingZeros32(left)]; !parted || !d.parts {
			s.effort += runEffort + len(v)
			d.scan(s, v, w)
		}
	}
	return s.findings
}

// What work takes, in units of about a nanosecond, beyond one per byte for
// each detector that runs. They were measured on dense values.
const (
	valueEffort      = 40 // per value, however short
	gateEffort       = 1  // per byte
	runEffort        = 16 // per detector that runs
	sqlEffort        = 8  // per token and context, and operand that is read
	commandEffort    = 24 // per command of a shell
	markupEffort     = 14 // per token of markup, and call of a script
	nameEffort       = 6  // per name of a program
	callEffort       = 20 // per call of a function that code knows
	symbolEffort     = 6  // per byte of a path that is no letter
	lineEffort       = 5  // per line end, of what reads lines
	expressionEffort = 12 // per expression of a template
	lexEffort        = 3  // per byte, of what reads a language
)

// Effort returns what the last Scan took. It depends on nothing but the value
// and the place.
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
