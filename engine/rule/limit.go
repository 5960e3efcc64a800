package rule

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/gabionhq/gabion/engine/internal/magic"
)

// QueryLimits are what a GraphQL rule allows of a request. Zero numbers limit
// nothing.
type QueryLimits struct {
	Document uint32 // bytes of one document
	Value    uint32 // bytes of one value, in the document or among its variables
	Depth    uint32 // selections inside each other
	Aliases  uint32 // in one document
	Batch    uint32 // documents in one request

	DenyIntrospection bool // __schema and __type
	DenyDebug         bool // what asks how the query is executed
}

// DefaultQueryLimits are what people mean who say nothing else.
func DefaultQueryLimits() QueryLimits {
	return QueryLimits{
		Document: 100 << 10, Value: 10 << 10, Depth: 10, Aliases: 10, Batch: 5,
		DenyIntrospection: true, DenyDebug: true,
	}
}

// String returns l in one line for people.
func (l QueryLimits) String() string {
	var words []string
	for _, f := range []struct {
		format string
		n      uint32
	}{
		{"document of %d B", l.Document}, {"value of %d B", l.Value}, {"depth %d", l.Depth},
		{"%d aliases", l.Aliases}, {"batch of %d", l.Batch},
	} {
		if f.n > 0 {
			words = append(words, fmt.Sprintf(f.format, f.n))
		}
	}
	if l.DenyIntrospection {
		words = append(words, "no introspection")
	}
	if l.DenyDebug {
		words = append(words, "no debugging")
	}
	return strings.Join(words, ", ")
}

// A FileSet is a set of kinds of files, such as png, and of groups of them,
// such as image.
type FileSet = magic.Set

// ParseFileSet returns the set of kinds and groups with these names.
func ParseFileSet(names ...string) (FileSet, error) { return magic.Parse(names...) }

// FileKinds returns the names of all groups and kinds of files.
func FileKinds() []string { return magic.Names() }

// FileLimits are what an Upload rule allows of files. Zero fields limit
// nothing.
type FileLimits struct {
	Size  uint64  // bytes of one file; of the value, at a point that holds no file
	Total uint64  // bytes of the body, as sent; only of rules without a point
	Allow FileSet // kinds, by content, name and declared type
	Deny  FileSet
	Match bool // content, name and declared type have to agree
}

// String returns l in one line for people.
func (l FileLimits) String() string {
	var words []string
	if l.Size > 0 {
		words = append(words, fmt.Sprintf("file of %d B", l.Size))
	}
	if l.Total > 0 {
		words = append(words, fmt.Sprintf("body of %d B", l.Total))
	}
	if l.Allow != 0 {
		words = append(words, "only "+l.Allow.String())
	}
	if l.Deny != 0 {
		words = append(words, "no "+l.Deny.String())
	}
	if l.Match {
		words = append(words, "kinds match")
	}
	return strings.Join(words, ", ")
}

const maxSize = 1<<63 - 1 // of files, so that sums of lengths stay in range

// checkLimits checks what a GraphQL or Upload rule asks for.
func (r *Rule) checkLimits() error {
	switch {
	case int(r.Mode) >= len(modeNames) || r.Mode == Default:
		return fmt.Errorf("a limit has no mode %v", r.Mode)
	case r.Mode == Off:
		return nil // it lifts the limits of wider scopes
	case r.Kind == GraphQL && r.Query == QueryLimits{}:
		return errors.New("a GraphQL rule needs a limit")
	case r.Kind == Upload && r.Files == FileLimits{}:
		return errors.New("an upload rule needs a limit")
	case r.Files.Size > maxSize || r.Files.Total > maxSize:
		return fmt.Errorf("a file of more than %d bytes", uint64(maxSize))
	case r.Files.Total > 0 && r.Point != "":
		return errors.New("the size of the whole body is not that of a point")
	}
	return nil
}

const (
	flagIntrospection = 1 << iota
	flagDebug
	flagsQueryEnd

	flagMatch = 1
)

// appendLimits appends the part of the encoding that only limits have.
func (r *Rule) appendLimits(b []byte) []byte {
	switch r.Kind {
	case GraphQL:
		for _, n := range r.Query.numbers() {
			b = binary.AppendUvarint(b, uint64(*n))
		}
		b = append(b, flag(r.Query.DenyIntrospection, flagIntrospection)|flag(r.Query.DenyDebug, flagDebug))
	case Upload:
		b = binary.AppendUvarint(b, r.Files.Size)
		b = binary.AppendUvarint(b, r.Files.Total)
		for _, set := range []FileSet{r.Files.Allow, r.Files.Deny} {
			names := set.String()
			b = append(binary.AppendUvarint(b, uint64(len(names))), names...)
		}
		b = append(b, flag(r.Files.Match, flagMatch))
	}
	return b
}

func (l *QueryLimits) numbers() [5]*uint32 {
	return [5]*uint32{&l.Document, &l.Value, &l.Depth, &l.Aliases, &l.Batch}
}

func (r *reader) limits(a *Rule) {
	switch a.Kind {
	case GraphQL:
		for _, n := range a.Query.numbers() {
			*n = uint32(r.uvarint(1<<32 - 1))
		}
		flags := r.byte()
		a.Query.DenyIntrospection, a.Query.DenyDebug = flags&flagIntrospection != 0, flags&flagDebug != 0
		if flags >= flagsQueryEnd {
			r.fail(fmt.Errorf("rule %d: unknown flags %#x", a.ID, flags))
		}
	case Upload:
		a.Files.Size, a.Files.Total = r.uvarint(maxSize), r.uvarint(maxSize)
		a.Files.Allow, a.Files.Deny = r.fileSet(), r.fileSet()
		flags := r.byte()
		a.Files.Match = flags&flagMatch != 0
		if flags > flagMatch {
			r.fail(fmt.Errorf("rule %d: unknown flags %#x", a.ID, flags))
		}
	}
}

// fileSet reads the names of kinds of files: numbers may change.
func (r *reader) fileSet() FileSet {
	names := r.text()
	set, err := magic.Parse(strings.Fields(names)...)
	switch {
	case err != nil:
		r.fail(err)
	case set.String() != names:
		r.fail(fmt.Errorf("kinds %q are not written as %q", names, set))
	}
	return set
}
