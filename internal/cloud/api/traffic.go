package api

import (
	"context"

	"github.com/gabionhq/gabion/internal/cloud/inventory"
	"github.com/gabionhq/gabion/internal/cloud/leak"
	"github.com/gabionhq/gabion/internal/cloud/query"
	"github.com/gabionhq/gabion/internal/cloud/store"
	"github.com/gabionhq/gabion/internal/cloud/tenant"
)

// Search is the input of lists that can be narrowed.
type Search struct {
	Paging
	Q    string `query:"q" maxLength:"1000" doc:"field:value, -field:value to exclude, field:(a,b), status:>=500, host:*.shop.io, words and \"phrases\""`
	From int64  `query:"from" minimum:"0" doc:"Unix milliseconds"`
	To   int64  `query:"to" minimum:"0" doc:"Unix milliseconds; 0 is now"`
}

// narrow applies the search to a table.
func (in Search) narrow(q *store.SelectQuery, t query.Table) (*store.SelectQuery, error) {
	if in.From > 0 {
		q = q.Where("at >= ?", in.From)
	}
	if in.To > 0 {
		q = q.Where("at < ?", in.To)
	}
	return query.Apply(q, t, in.Q)
}

// fields that hits and attacks have in common.
func fields(more map[string]query.Field) map[string]query.Field {
	all := map[string]query.Field{
		"class": {Column: "class"}, "type": {Column: "class"}, "host": {Column: "host"}, "method": {Column: "method"},
		"path": {Column: "path"}, "app": {Column: "application", Kind: query.Number}, "id": {Column: "id"},
	}
	for name, f := range more {
		all[name] = f
	}
	return all
}

func hitTable() query.Table {
	return query.Table{Words: []string{"path", "point", "fragment", "reason", "request_id"}, Fields: fields(map[string]query.Field{
		"leak": {Column: "leak"}, "point": {Column: "point"}, "param": {Column: "point"}, "mode": {Column: "mode"}, "action": {Column: "decision"}, "score": {Column: "score", Kind: query.Number},
		"source": {Column: "source"}, "prefix": {Column: "prefix"}, "ip": {Column: "address"}, "country": {Column: "country"},
		"asn": {Column: "asn", Kind: query.Number}, "node": {Column: "node_id"}, "request_id": {Column: "request_id"},
		"status": {Column: "status", Kind: query.Number}, "rule": {Column: "rule", Kind: query.Number}, "attack": {Column: "attack_id"},
	})}
}

func attackTable() query.Table {
	return query.Table{Words: []string{"path", "point", "fragment", "reason"}, Fields: fields(map[string]query.Field{
		"leak": {Column: "leak"}, "point": {Column: "point"}, "param": {Column: "point"}, "score": {Column: "score", Kind: query.Number}, "hits": {Column: "hits", Kind: query.Number},
		"blocked": {Column: "blocked", Kind: query.Number}, "sources": {Column: "sources", Kind: query.Number},
	})}
}

func endpointTable() query.Table {
	return query.Table{Words: []string{"host", "path"}, Fields: map[string]query.Field{
		"host": {Column: "host"}, "method": {Column: "method"}, "path": {Column: "path"}, "app": {Column: "application", Kind: query.Number},
		"count": {Column: "count", Kind: query.Number}, "group": {Column: "group_id"},
	}}
}

func leakTable() query.Table {
	return query.Table{Words: []string{"host", "path", "reason"}, Fields: map[string]query.Field{
		"kind": {Column: "kind"}, "host": {Column: "host"}, "method": {Column: "method"}, "path": {Column: "path"},
		"app": {Column: "application", Kind: query.Number}, "status": {Column: "status", Kind: query.Number},
		"hits": {Column: "hits", Kind: query.Number}, "group": {Column: "group_id"}, "request_id": {Column: "request_id"},
	}}
}

// searched is a list that search narrows.
func searched[T store.Positioned](ctx context.Context, c call, in Search, t query.Table, more func(*store.SelectQuery) *store.SelectQuery) (*body[list[T]], error) {
	var wrong error
	out, err := page[T](ctx, c, in.Paging, func(q *store.SelectQuery) *store.SelectQuery {
		narrowed, err := in.narrow(q, t)
		if err != nil {
			wrong = err
			return q.Where("1 = 0")
		}
		return more(narrowed)
	})
	return out, firstError(wrong, err)
}

// maxTallies bounds a chart: 24 hours of 40 keys and more.
const maxTallies = 2000

func all(q *store.SelectQuery) *store.SelectQuery { return q }

func (s *server) traffic() {
	type hitSearch struct {
		Search
		RequestID string `query:"request_id" maxLength:"200" doc:"as in X-Gabion-Request-Id"`
		Attack    string `query:"attack" maxLength:"64"`
	}
	add(s, "GET hits", tenant.Read, "Attack classes found in requests", func(ctx context.Context, c call, in *hitSearch) (*body[list[store.Hit]], error) {
		return searched[store.Hit](ctx, c, in.Search, hitTable(), func(q *store.SelectQuery) *store.SelectQuery {
			if in.RequestID != "" {
				q = q.Where("request_id = ?", in.RequestID)
			}
			if in.Attack != "" {
				q = q.Where("attack_id = ?", in.Attack)
			}
			return q
		})
	})
	type tallyInput struct {
		Q       string `query:"q" maxLength:"1000"`
		From    int64  `query:"from" minimum:"0" required:"true" doc:"Unix milliseconds"`
		To      int64  `query:"to" minimum:"0" doc:"Unix milliseconds; 0 is now"`
		By      string `query:"by" enum:"class,host,path,method,point,country,source,decision,node" default:"class"`
		Stretch int64  `query:"stretch" minimum:"1000" default:"9007199254740991" doc:"milliseconds that are counted together; by default all"`
	}
	add(s, "GET hits/tally", tenant.Read, "Hits counted, over time or by what they share", func(ctx context.Context, c call, in *tallyInput) (*body[list[store.Tally]], error) {
		q, err := Search{Q: in.Q, From: in.From, To: in.To}.narrow(c.Select((*store.Hit)(nil)), hitTable())
		if err != nil {
			return nil, err
		}
		column := in.By
		if column == "node" {
			column = "node_id"
		}
		return whole(store.TallyHits(ctx, q, column, in.Stretch, maxTallies))
	})
	add(s, "GET hits/{id}", tenant.Read, "One hit", func(ctx context.Context, c call, in *ByID) (*body[store.Hit], error) {
		row := store.Hit{ID: in.ID}
		err := c.Find(ctx, &row)
		return &body[store.Hit]{row}, err
	})
	add(s, "GET attacks", tenant.Read, "Hits in groups", func(ctx context.Context, c call, in *Search) (*body[list[store.Attack]], error) {
		return searched[store.Attack](ctx, c, *in, attackTable(), all)
	})
	add(s, "GET attacks/{id}", tenant.Read, "One attack", func(ctx context.Context, c call, in *ByID) (*body[store.Attack], error) {
		row := store.Attack{ID: in.ID}
		err := c.Find(ctx, &row)
		return &body[store.Attack]{row}, err
	})
	add(s, "GET endpoints", tenant.Read, "Endpoints seen", func(ctx context.Context, c call, in *Search) (*body[list[store.Endpoint]], error) {
		return searched[store.Endpoint](ctx, c, *in, endpointTable(), all)
	})
	add(s, "GET leaks", tenant.Read, "What responses give away", func(ctx context.Context, c call, in *Search) (*body[list[store.Leak]], error) {
		return searched[store.Leak](ctx, c, *in, leakTable(), all)
	})
	type endpointState struct {
		store.Endpoint
		Sources int64             `json:"sources" doc:"distinct sources, estimated"`
		Params  []inventory.Param `json:"params" nullable:"false"`
		Leaks   []store.Leak      `json:"leaks" nullable:"false" doc:"what its responses give away"`
	}
	add(s, "GET endpoints/{id}", tenant.Read, "One endpoint and its parameters", func(ctx context.Context, c call, in *ByID) (*body[endpointState], error) {
		row := store.Endpoint{ID: in.ID}
		if err := c.Find(ctx, &row); err != nil {
			return nil, err
		}
		params, err := inventory.Params(ctx, c.Scope, row.ID)
		if err != nil {
			return nil, err
		}
		leaks, err := leak.Of(ctx, c.Scope, row)
		return &body[endpointState]{endpointState{row, inventory.Sources(row), params, leaks}}, err
	})
}
