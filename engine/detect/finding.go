// Package detect recognises attacks in the value at a point.
//
// A detector reads one value and reports findings: the attack class, the
// tokens it saw with their spans, the context in which they make sense and
// the weight of that evidence. Findings only add: no detector lowers what
// another one found, and no value what was found in another.
package detect

// Class is an attack class.
type Class uint8

// The attack classes. Their names are part of the stable surface.
const (
	NoClass Class = iota
	SQLi
	XSS
	RCE  // operating system command injection
	Code // evaluation of program code: PHP, Java, JavaScript, Python ...
	PathTraversal
	SSTI // template and expression language injection
	XXE
	SSRF
	NoSQLi
	CRLF
	LDAPi
	XPathi
	Log4Shell
	SSI
	MailInjection
	RFI
	Deserialization
	PrototypePollution
	Shellshock
	Upload // file upload violation
	Redirect
	ScannerTool // the tool that sent it is an attack scanner
	SessionFixation
	MassAssignment
	DataBomb
	Overlimit  // a decode budget was spent
	Smuggling  // ambiguous framing
	InvalidXML // a document that servers disagree about
	GraphQL    // a GraphQL limit was passed
	VirtualPatch
	Custom  // a detector that a user wrote
	Anomaly // the value leaves what its parameter has been observed to hold

	numClasses
)

// TokenKind says what a token is in its language.
type TokenKind uint8

// The kinds of tokens, as fragments name them.
const (
	Word TokenKind = iota
	String
	Number
	Comment
	Operator
	Punct
	Space
	Variable
	Host
	Other
)

// A Token is a piece of a value. Known tokens are words of the language's
// shipped vocabulary, operators and punctuation: the only text of a value
// that a fragment repeats. All others are rendered as kind and length.
type Token struct {
	From, To int32 // half-open, in bytes of the value
	Kind     TokenKind
	Known    bool
}

// A Finding is what a detector says of one value.
type Finding struct {
	Class Class
	// Weight is the probability, 0 to 1, that a request with this evidence
	// alone is an attack. Findings are fused so that each can only add.
	Weight float32
	// Hard marks evidence that no profile may outweigh.
	Hard bool
	// Reason explains the finding in one sentence. It is a constant of the
	// detector and never holds text of the request.
	Reason string
	// Span is the smallest part of the value that shows the attack.
	From, To int32
	// Tokens are the tokens around the span. They belong to the scanner
	// and stay valid until its next value.
	Tokens []Token
}
