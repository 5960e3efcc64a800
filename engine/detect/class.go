package detect

// classNames are the names of the classes in every output, file and API.
var classNames = [numClasses]string{
	NoClass:            "none",
	SQLi:               "sqli",
	XSS:                "xss",
	RCE:                "rce",
	Code:               "code",
	PathTraversal:      "ptrav",
	SSTI:               "ssti",
	XXE:                "xxe",
	SSRF:               "ssrf",
	NoSQLi:             "nosqli",
	CRLF:               "crlf",
	LDAPi:              "ldapi",
	XPathi:             "xpathi",
	Log4Shell:          "log4shell",
	SSI:                "ssi",
	MailInjection:      "mail_injection",
	RFI:                "rfi",
	Deserialization:    "deserialization",
	PrototypePollution: "prototype_pollution",
	Shellshock:         "shellshock",
	Upload:             "upload",
	Redirect:           "redirect",
	ScannerTool:        "scanner",
	SessionFixation:    "session_fixation",
	MassAssignment:     "mass_assignment",
	DataBomb:           "data_bomb",
	Overlimit:          "overlimit",
	Smuggling:          "smuggling",
	InvalidXML:         "invalid_xml",
	GraphQL:            "graphql",
	VirtualPatch:       "vpatch",
	Custom:             "custom",
	Anomaly:            "anomaly",
}

// String returns the name of c.
func (c Class) String() string {
	if c >= numClasses {
		return "unknown"
	}
	return classNames[c]
}

// ParseClass returns the class with a name. NoClass has none.
func ParseClass(name string) (Class, bool) {
	for c := NoClass + 1; c < numClasses; c++ {
		if classNames[c] == name {
			return c, true
		}
	}
	return NoClass, false
}

// Textual reports whether findings of the class say that text could be read
// as another language, which texts about that language can be, too.
func (c Class) Textual() bool { return c >= SQLi && c <= SessionFixation }

// Classes is a set of classes.
type Classes uint64

// With returns the set and c.
func (s Classes) With(c Class) Classes { return s | 1<<c }

// Has reports whether c is one of the set.
func (s Classes) Has(c Class) bool { return s>>c&1 != 0 }
