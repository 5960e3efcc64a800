package policy

import (
	"fmt"

	"github.com/gabionhq/gabion/engine/rule"
)

// Query are the limits of GraphQL documents.
type Query struct {
	Document      uint32 `json:"document,omitempty" doc:"bytes of one document; 0 for any, as in all of these"`
	Value         uint32 `json:"value,omitempty" doc:"bytes of one value, in the document or among its variables"`
	Depth         uint32 `json:"depth,omitempty" doc:"selections inside each other, fragments included"`
	Aliases       uint32 `json:"aliases,omitempty" doc:"fields asked for under other names, in one document"`
	Batch         uint32 `json:"batch,omitempty" doc:"operations in one request"`
	Introspection string `json:"introspection,omitempty" enum:"allow,deny" doc:"__schema and __type; allowed unless denied"`
	Debug         string `json:"debug,omitempty" enum:"allow,deny" doc:"what asks how an operation is executed; allowed unless denied"`
}

// Upload are the limits of files.
type Upload struct {
	Size  uint64   `json:"size,omitempty" maximum:"9007199254740991" doc:"bytes of one file, or of the value at a point that holds no file; 0 for any"`
	Total uint64   `json:"total,omitempty" maximum:"9007199254740991" doc:"bytes of the whole body as sent, without a point; 0 for any"`
	Allow []string `json:"allow,omitempty" maxItems:"64" doc:"kinds of files, or groups of them such as image, document, archive; none for any"`
	Deny  []string `json:"deny,omitempty" maxItems:"64" doc:"kinds and groups such as executable, script, markup, svg"`
	Match bool     `json:"match,omitempty" doc:"content, extension and declared type have to agree"`
}

// limits adds to out what only rules that limit have.
func (r *Rule) limits(out *rule.Rule) error {
	switch {
	case r.Query != nil && out.Kind != rule.GraphQL:
		return fmt.Errorf("a %s rule has no limits of queries", r.Kind)
	case r.Upload != nil && out.Kind != rule.Upload:
		return fmt.Errorf("a %s rule has no limits of uploads", r.Kind)
	case r.Query != nil:
		q := r.Query
		out.Query = rule.QueryLimits{
			Document: q.Document, Value: q.Value, Depth: q.Depth, Aliases: q.Aliases, Batch: q.Batch,
			DenyIntrospection: q.Introspection == "deny", DenyDebug: q.Debug == "deny",
		}
	case out.Kind == rule.GraphQL:
		out.Query = rule.DefaultQueryLimits()
	case r.Upload != nil:
		u, err := r.Upload, error(nil)
		out.Files = rule.FileLimits{Size: u.Size, Total: u.Total, Match: u.Match}
		if out.Files.Allow, err = rule.ParseFileSet(u.Allow...); err != nil {
			return err
		}
		if out.Files.Deny, err = rule.ParseFileSet(u.Deny...); err != nil {
			return err
		}
	}
	return nil
}
