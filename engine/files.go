package engine

import (
	"bytes"
	"encoding/base64"
	"strconv"

	"github.com/gabionhq/gabion/engine/detect"
	"github.com/gabionhq/gabion/engine/internal/magic"
	"github.com/gabionhq/gabion/engine/parse"
	"github.com/gabionhq/gabion/engine/rule"
)

// files holds what a request uploads to the rules.
type files struct {
	byName, byType magic.Kind // of the part that is being read
	received       uint64     // bytes of the body
	declared       magic.Kind // of the body
	told           uint64     // the point of the file whose size was reported last
	total          bool       // the size of the body was reported
}

// file takes a value that is part of an upload, or may be.
func (tx *Tx) file(t *parse.Tree, n parse.Node, value []byte) {
	f := &tx.limited.files
	switch t.Kind(n) {
	case parse.FileName:
		f.byName, f.byType = magic.ByName(value), magic.None
		return
	case parse.Header:
		if t.Format(n) == parse.Multipart && string(t.Key(n)) == "CONTENT-TYPE" {
			f.byType = magic.ByType(value)
		}
		return
	case parse.File:
		before, _ := t.Extent(n, value)
		if before == 0 {
			tx.disguise(t, n, value)
		}
		tx.limitFile(t, n, value, before, f.byName, f.byType)
		return
	}
	if len(tx.match.Uploads) > 0 && !t.IsName(n) {
		tx.limitValue(t, n, value)
	}
}

// disguise finds programs and pages under the names of files that nothing
// runs. It is evidence without any rule: whoever stores such a file may be
// made to run it, or to serve it as what it is.
func (tx *Tx) disguise(t *parse.Tree, n parse.Node, value []byte) {
	f := &tx.limited.files
	if !f.byName.Harmless() && !f.byType.Harmless() {
		return
	}
	found := detect.Finding{Class: detect.Upload, To: int32(min(len(value), 64))}
	switch content := magic.ByContent(value); {
	case content.Program():
		found.Weight, found.Reason = 0.8, "The uploaded file is a program that is said to be a picture, recording or document."
	case content.Script():
		found.Weight, found.Reason = 0.7, "The uploaded file is a script that is said to be a picture, recording or document."
	case content.Page():
		found.Weight, found.Reason = 0.4, "The uploaded file is a page that is said to be a picture, recording or document."
	default:
		return
	}
	tx.add(t, n, value, &found, 0)
}

// limitValue holds values other than files of forms to the rules: a body that
// is sent as it is, and the value at the point of a rule.
func (tx *Tx) limitValue(t *parse.Tree, n parse.Node, value []byte) {
	before, _ := t.Extent(n, value)
	if t.Parent(n) < 0 && t.Base(n) == parse.Post {
		tx.limitFile(t, n, value, before, tx.putName(), tx.limited.files.declared)
		return
	}
	base, keys := t.Base(n), t.Keys(n)
	for _, a := range tx.match.Uploads {
		if a.Point == "" || !a.At(base, keys) {
			continue
		}
		if over64(before+len(value), a.Files.Size) {
			tx.tooLarge(t, n, value, a)
		}
		if before == 0 && len(value) > 0 && string(value) != "null" {
			content, byType := writtenOut(value)
			tx.limitKind(t, n, value, a, content, magic.None, byType)
		}
	}
}

// writtenOut returns the kind of a file in a value: in base64, as a data URL
// (RFC 2397), or as it is.
func writtenOut(value []byte) (content, byType magic.Kind) {
	code := value
	if rest, found := bytes.CutPrefix(value, []byte("data:")); found {
		head, data, _ := bytes.Cut(rest, []byte{','})
		byType, code = magic.ByType(head), data
	}
	var text [1024]byte
	var head [len(text)]byte
	size := 0
	for _, b := range code[:min(len(code), len(text))] {
		switch b {
		case '-':
			b = '+'
		case '_':
			b = '/'
		case '\r', '\n', ' ', '=':
			continue
		}
		text[size] = b
		size++
	}
	m, err := base64.RawStdEncoding.Decode(head[:], text[:size&^3])
	if kind := magic.ByContent(head[:m]); err == nil && kind != magic.None && kind != magic.Other {
		return kind, byType
	}
	return magic.ByContent(code), byType
}

// putName returns the kind that the path names, where the method puts a file
// there.
func (tx *Tx) putName() magic.Kind {
	if string(tx.request.Method) != "PUT" {
		return magic.None
	}
	path, _, _ := bytes.Cut(tx.request.Target, []byte{'?'})
	return magic.ByName(path)
}

// limitFile holds a part of a file to the rules.
func (tx *Tx) limitFile(t *parse.Tree, n parse.Node, value []byte, before int, byName, byType magic.Kind) {
	for _, a := range tx.match.Uploads {
		if !holdsAt(a, t, n) {
			continue
		}
		if over64(before+len(value), a.Files.Size) {
			tx.tooLarge(t, n, value, a)
		}
		if before == 0 && len(value) > 0 {
			tx.limitKind(t, n, value, a, magic.ByContent(value), byName, byType)
		}
		if !tx.match.Ambiguous() {
			return // the first that holds at the point decides
		}
	}
}

func over64(n int, limit uint64) bool { return limit > 0 && uint64(n) > limit }

func (tx *Tx) tooLarge(t *parse.Tree, n parse.Node, value []byte, a *rule.Active) {
	key := t.Keys(n).Exact ^ a.ID
	if tx.limited.files.told == key {
		return
	}
	tx.limited.files.told = key
	tx.violate(t, n, value, a, detect.Upload, "The uploaded file is larger than a rule allows.")
}

// limitKind holds what a file is, by its content, its name and its type, to
// the limits of a.
func (tx *Tx) limitKind(t *parse.Tree, n parse.Node, value []byte, a *rule.Active, content, byName, byType magic.Kind) {
	l, reason := &a.Files, ""
	views := magic.Of(content) | magic.Of(byName) | magic.Of(byType)
	switch {
	case l.Deny&views != 0:
		reason = "The uploaded file is of a kind that a rule denies."
	case l.Allow != 0 && views&^(l.Allow|wider(l.Allow, content, byName)|wider(l.Allow, content, byType)) != 0:
		reason = "The uploaded file is of a kind that a rule does not allow."
	case l.Match && !(magic.Agrees(content, byName) && magic.Agrees(content, byType) && magic.Agrees(byName, byType)):
		reason = "Content, name and declared type of the uploaded file are not those of one kind."
	default:
		return
	}
	tx.violate(t, n, value[:min(len(value), magic.Sample)], a, detect.Upload, reason)
}

// wider returns the kind that the content has where it is that of a wider
// format, as a zip archive, and said is an allowed kind of that format.
func wider(allow magic.Set, content, said magic.Kind) magic.Set {
	if allow.Has(said) && magic.Holds(content, said) {
		return magic.Of(content)
	}
	return 0
}

// receive counts bytes of the body.
func (tx *Tx) receive(n int) {
	f := &tx.limited.files
	f.received += uint64(n)
	tx.limitTotal(f.received)
}

// announce takes what the header says of the body: its type, and a length
// that need not be waited for.
func (tx *Tx) announce(h *Head) {
	for i := range h.Header {
		switch f := &h.Header[i]; {
		case bytes.EqualFold(f.Name, []byte("content-type")):
			tx.limited.files.declared = magic.ByType(f.Value)
		case bytes.EqualFold(f.Name, []byte("content-length")):
			if n, err := strconv.ParseUint(string(bytes.TrimSpace(f.Value)), 10, 63); err == nil {
				tx.limitTotal(n)
			}
		}
	}
}

// limitTotal holds the body as a whole to the rules.
func (tx *Tx) limitTotal(size uint64) {
	if tx.limited.files.total {
		return
	}
	for _, a := range tx.match.Uploads {
		if a.Point != "" {
			continue
		}
		if l := a.Files.Total; l > 0 && size > l {
			tx.limited.files.total = true
			tx.violateBody(a)
		}
		if !tx.match.Ambiguous() {
			return
		}
	}
}

// violateBody records that the body is too large.
func (tx *Tx) violateBody(a *rule.Active) {
	keys := parse.Key([]parse.Step{{Kind: parse.Post}})
	for _, i := range tx.match.Ignores {
		if (i.Class == detect.NoClass || i.Class == detect.Upload) && (i.Rule.Rule == 0 || i.Rule.Rule == a.ID) && i.At(parse.Post, keys) {
			return
		}
	}
	if tx.enforce(a) && len(tx.report.Findings) < MaxFindings {
		f := detect.Finding{Class: detect.Upload, Weight: customWeight, Reason: "The body is larger than a rule allows."}
		tx.report.Findings = append(tx.report.Findings, Finding{Finding: f, Point: parse.Post.String(), Rule: a.ID})
	}
}
