package engine

import "bytes"

// MaxResponse is how much of a response is inspected. Messages of errors and
// leaked files show themselves at the beginning.
const MaxResponse = 64 << 10

// A LeakKind says what a response gives away.
type LeakKind uint8

// The kinds of leaks.
const (
	NoLeak           LeakKind = iota
	SQLError                  // the message of a database
	StackTrace                // where in its code the application failed
	DirectoryListing          // the names of files
	PrivateKey                // a key in PEM
	SystemFile                // a file of the operating system, as /etc/passwd
	SourceCode                // a program that should have run
)

var leakNames = [...]string{
	"none", "sql_error", "stack_trace", "directory_listing", "private_key", "system_file", "source_code",
}

// String returns the name of k.
func (k LeakKind) String() string { return leakNames[k] }

// A Leak is what a response gives away.
type Leak struct {
	Kind LeakKind
	// Weight is the probability, 0 to 1, that it is one and no page that
	// writes about such things.
	Weight float32
	Reason string // one sentence, a constant
	Offset int    // of the first byte that shows it, in the body
}

// A sign is text that shows a leak, with another that has to follow within
// signReach, unless empty.
type sign struct {
	text, then string
	kind       LeakKind
	weight     float32
}

// maxSign bounds each text of a sign.
const maxSign = 64

// signReach is how far behind the text of a sign its second text may stand.
const signReach = 512

// leakReasons explain each kind.
var leakReasons = [...]string{
	SQLError:         "The response holds the message of a database about a query that failed.",
	StackTrace:       "The response shows where in its code the application failed.",
	DirectoryListing: "The response lists the files of a directory.",
	PrivateKey:       "The response holds a private key.",
	SystemFile:       "The response holds a file of the operating system.",
	SourceCode:       "The response holds the source of a program that should have run.",
}

// signs are written by databases, runtimes and servers, not by people. Those
// that tutorials quote weigh less.
var signs = [...]sign{
	{"You have an error in your SQL syntax", "", SQLError, 0.8},
	{"check the manual that corresponds to your ", "server version", SQLError, 0.8},
	{"SQLSTATE[", "]", SQLError, 0.8},
	{"ORA-0", ":", SQLError, 0.7},
	{"PG::", "ERROR:", SQLError, 0.8},
	{"psycopg2.errors.", "", SQLError, 0.8},
	{"Unclosed quotation mark after the character string", "", SQLError, 0.8},
	{"Incorrect syntax near '", "", SQLError, 0.7},
	{"System.Data.SqlClient.SqlException", "", SQLError, 0.9},
	{"Microsoft OLE DB Provider for ", "error '", SQLError, 0.9},
	{"[Microsoft][ODBC ", "", SQLError, 0.8},
	{"unterminated quoted string at or near \"", "", SQLError, 0.8},
	{"syntax error at or near \"", "", SQLError, 0.7},
	{"SQLITE_ERROR", "", SQLError, 0.7},
	{"sqlite3.OperationalError: ", "", SQLError, 0.8},
	{"com.mysql.jdbc.exceptions", "", SQLError, 0.8},
	{"org.hibernate.exception.", "", SQLError, 0.7},
	{"Dynamic SQL Error", "SQL error code", SQLError, 0.8},
	{"DB2 SQL error: SQLCODE", "", SQLError, 0.8},

	{"Traceback (most recent call last):", "File \"", StackTrace, 0.8},
	{"\n\tat ", ".java:", StackTrace, 0.8},
	{"\n    at ", ".js:", StackTrace, 0.7},
	{"&nbsp; at ", ".js:", StackTrace, 0.7},
	{"   at System.", " in ", StackTrace, 0.7},
	{"[NullReferenceException: ", "", StackTrace, 0.8},
	{"goroutine ", "[running]:", StackTrace, 0.8},
	{"<b>Fatal error</b>:", " on line <b>", StackTrace, 0.9},
	{"<b>Warning</b>:", " on line <b>", StackTrace, 0.8},
	{"PHP Fatal error:", "Stack trace:", StackTrace, 0.9},
	{"Whitelabel Error Page", "", StackTrace, 0.5},
	{"Werkzeug Debugger", "", StackTrace, 0.8},
	{"thread 'main' panicked at ", "", StackTrace, 0.7},
	{"ActionController::RoutingError", "", StackTrace, 0.5},

	{"<title>Index of /", "Parent Directory", DirectoryListing, 0.9},
	{"<h1>Index of /", "<a href=\"", DirectoryListing, 0.9},
	{"<title>Directory listing for /", "", DirectoryListing, 0.9},
	{"[To Parent Directory]", "", DirectoryListing, 0.8},

	{"-----BEGIN RSA PRIVATE KEY-----", "\n", PrivateKey, 0.9},
	{"-----BEGIN EC PRIVATE KEY-----", "\n", PrivateKey, 0.9},
	{"-----BEGIN PRIVATE KEY-----", "\n", PrivateKey, 0.9},
	{"-----BEGIN ENCRYPTED PRIVATE KEY-----", "\n", PrivateKey, 0.7},
	{"-----BEGIN OPENSSH PRIVATE KEY-----", "\n", PrivateKey, 0.9},

	{"root:x:0:0:", ":/", SystemFile, 0.95},
	{"root:*:0:0:", ":/", SystemFile, 0.95},
	{"root:$", ":::", SystemFile, 0.9},
	{"[boot loader]", "[operating systems]", SystemFile, 0.9},
	{"; for 16-bit app support", "[fonts]", SystemFile, 0.9},

	{"<?php\n", "$", SourceCode, 0.6},
	{"<%@ page language=", "%>", SourceCode, 0.6},
}

// Response begins the inspection of the response to the request. It reports
// whether ResponseBody wants the beginning of its body: images and other
// binary content hold no messages. The fields are borrowed during the call.
func (tx *Tx) Response(status int, header []HeaderField) bool {
	tx.leaky, tx.failed = true, status >= 500
	for i := range header {
		f := &header[i]
		switch {
		case bytes.EqualFold(f.Name, []byte("Content-Type")):
			tx.leaky = isText(f.Value)
		case bytes.EqualFold(f.Name, []byte("Content-Encoding")) && !bytes.EqualFold(f.Value, []byte("identity")):
			return false
		}
	}
	return tx.leaky
}

// isText reports whether a content type is that of text.
func isText(kind []byte) bool {
	kind, _, _ = bytes.Cut(kind, []byte{';'})
	var lower [64]byte
	n := copy(lower[:], kind)
	for i, b := range lower[:n] {
		if 'A' <= b && b <= 'Z' {
			lower[i] |= 0x20
		}
	}
	kind = lower[:n]
	return len(kind) == 0 || bytes.HasPrefix(kind, []byte("text/")) && !bytes.HasSuffix(kind, []byte("/css")) && !bytes.HasSuffix(kind, []byte("/javascript")) ||
		bytes.Contains(kind, []byte("json")) || bytes.Contains(kind, []byte("xml")) || bytes.HasSuffix(kind, []byte("octet-stream"))
}

// ResponseBody looks for leaks in the beginning of a body, of which it reads
// MaxResponse bytes at most, and returns the strongest of each kind, or nil.
// It keeps nothing, so that the host may send the bytes on before, and call
// it with what it has.
func (tx *Tx) ResponseBody(prefix []byte) []Leak {
	if !tx.leaky {
		return nil
	}
	look := look{body: prefix[:min(len(prefix), MaxResponse)], failed: tx.failed}
	look.run()
	return look.leaks()
}

// anchor is how many bytes of each sign are looked for.
const anchor = 4

// anchors says where the first bytes of signs can be: the algorithm of Wu and
// Manber (1994), which looks at two bytes at a time and skips those that end
// no anchor.
type anchors struct {
	skip  [1 << 12]uint8
	first [1 << 12]uint8    // the sign whose anchor ends with the pair, counted from 1
	next  [len(signs)]uint8 // another one
}

// pair returns the index of two bytes, which others share.
func pair(a, b byte) int { return (int(a)<<5 ^ int(b)) & (1<<12 - 1) }

var anchored = func() (t anchors) {
	for i := range t.skip {
		t.skip[i] = anchor - 1
	}
	for i := range signs {
		text := signs[i].text
		for end := 1; end < anchor; end++ {
			p := pair(text[end-1], text[end])
			t.skip[p] = min(t.skip[p], uint8(anchor-1-end))
		}
		last := pair(text[anchor-2], text[anchor-1])
		t.next[i], t.first[last] = t.first[last], uint8(i+1)
	}
	return t
}()

// A look is the search of one body.
type look struct {
	body   []byte
	failed bool
	tries  [len(signs)]uint8
	found  [len(leakReasons)]Leak
}

func (l *look) run() {
	body, t := l.body, &anchored
	for i := anchor - 1; i < len(body); {
		p := pair(body[i-1], body[i])
		if skip := t.skip[p]; skip > 0 {
			i += int(skip)
			continue
		}
		for k := t.first[p]; k != 0; k = t.next[k-1] {
			l.at(int(k-1), i+1-anchor)
		}
		i++
	}
}

// maxSignTries bounds how often the first text of a sign is found without
// the second, so that bodies made of it cost no more than others.
const maxSignTries = 8

// at looks whether a sign is at from.
func (l *look) at(k, from int) {
	s, rest := &signs[k], l.body[from:]
	if len(rest) < len(s.text) || string(rest[:len(s.text)]) != s.text || l.tries[k] == maxSignTries {
		return
	}
	l.tries[k]++
	weight := s.weight
	if l.failed {
		weight += (1 - weight) / 2 // an answer of 500 is written by who failed
	}
	best := &l.found[s.kind]
	if weight <= best.Weight {
		return
	}
	var buf [maxSign]byte // converting a longer string allocates
	rest = rest[len(s.text):]
	if bytes.Contains(rest[:min(len(rest), signReach)], append(buf[:0], s.then...)) {
		*best = Leak{s.kind, weight, leakReasons[s.kind], from}
	}
}

func (l *look) leaks() []Leak {
	var leaks []Leak
	for _, f := range l.found {
		if f.Kind != NoLeak {
			leaks = append(leaks, f)
		}
	}
	return leaks
}
