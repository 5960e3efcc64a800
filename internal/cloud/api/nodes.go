package api

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/gabionhq/gabion/internal/cloud/fleet"
	"github.com/gabionhq/gabion/internal/cloud/store"
	"github.com/gabionhq/gabion/internal/cloud/tenant"
)

// nodeState is a node with what the cloud knows of its state.
type nodeState struct {
	store.Node
	Online    bool  `json:"online"`
	Newest    int64 `json:"newest" doc:"version of the ruleset it shall run"`
	Current   bool  `json:"current" doc:"it runs that version"`
	SharesKey bool  `json:"shares_key" doc:"no other node of its group has another group key; where one has, the two count endpoints and sources apart"`
}

// secretNodeToken is an enrolment token with its text, which is shown once.
type secretNodeToken struct {
	store.NodeToken
	Text string `json:"text" doc:"give it to the node; it is used once and not shown again"`
}

type named struct {
	Body struct {
		Name string `json:"name" minLength:"1" maxLength:"200" pattern:"^[^\\x00-\\x1f]+$"`
	}
}

// ApplicationForm is what people decide of an application.
type ApplicationForm struct {
	Name     string `json:"name" minLength:"1" maxLength:"200" pattern:"^[^\\x00-\\x1f]+$"`
	Learning string `json:"learning" enum:"auto,approve,frozen" default:"auto" doc:"what becomes of suggestions"`
}

func (s *server) nodes() {
	add(s, "GET nodes", tenant.Read, "Nodes and what they run", func(ctx context.Context, c call, _ *none) (*body[list[nodeState]], error) {
		var rows []store.Node
		if err := c.Select(&rows).Order("name", "id").Scan(ctx); err != nil {
			return nil, err
		}
		return whole(s.withState(ctx, c.Scope, rows))
	})
	add(s, "GET nodes/{id}", tenant.Read, "One node", func(ctx context.Context, c call, in *ByID) (*body[nodeState], error) {
		row := store.Node{ID: in.ID}
		if err := c.Find(ctx, &row); err != nil {
			return nil, err
		}
		nodes, err := s.withState(ctx, c.Scope, []store.Node{row})
		if err != nil {
			return nil, err
		}
		return &body[nodeState]{nodes[0]}, nil
	})
	add(s, "DELETE nodes/{id}", tenant.Deploy, "Forget a node; its certificate is refused from now on", func(ctx context.Context, c call, in *ByID) (*none, error) {
		return nil, c.Tx(ctx, func(sc store.Scope) error {
			return firstError(
				sc.Delete(ctx, &store.Node{ID: in.ID}),
				sc.DeleteWhere(ctx, (*store.Batch)(nil), "node_id = ?", in.ID),
				sc.Record(ctx, c.Name, "delete", "node "+in.ID, nil),
				sc.Emit(ctx, "node.removed", in.ID, nil))
		})
	})
	add(s, "GET node-tokens", tenant.Deploy, "Enrolment tokens", func(ctx context.Context, c call, _ *none) (*body[list[store.NodeToken]], error) {
		var rows []store.NodeToken
		err := c.Select(&rows).Order("id DESC").Limit(200).Scan(ctx)
		return whole(rows, err)
	})
	type newNodeToken struct {
		Body struct {
			Group string `json:"group,omitempty" maxLength:"64" pattern:"^[0-9A-Za-z-]*$" doc:"empty for the default one"`
		}
	}
	add(s, "POST node-tokens", tenant.Deploy, "Make an enrolment token", func(ctx context.Context, c call, in *newNodeToken) (*body[secretNodeToken], error) {
		var out secretNodeToken
		err := c.Tx(ctx, func(sc store.Scope) error {
			group, err := groupOr(ctx, sc, in.Body.Group)
			if err != nil {
				return err
			}
			if out.Text, out.NodeToken, err = s.Fleet.NewToken(ctx, sc, group); err != nil {
				return err
			}
			return sc.Record(ctx, c.Name, "create", "node token "+out.ID, out.NodeToken)
		})
		return &body[secretNodeToken]{out}, err
	})
	add(s, "DELETE node-tokens/{id}", tenant.Deploy, "Revoke an enrolment token", func(ctx context.Context, c call, in *ByID) (*none, error) {
		return nil, c.remove(ctx, &store.NodeToken{ID: in.ID}, "node token "+in.ID)
	})
	add(s, "GET refusals", tenant.Read, "Orders that nodes refused", func(ctx context.Context, c call, in *Paging) (*body[list[store.Refusal]], error) {
		return page[store.Refusal](ctx, c, *in, nil)
	})
	s.groups()
	s.applications()
}

func (s *server) groups() {
	add(s, "GET groups", tenant.Read, "Node groups", func(ctx context.Context, c call, _ *none) (*body[list[store.Group]], error) {
		var rows []store.Group
		err := c.Select(&rows).Order("created", "id").Scan(ctx)
		return whole(rows, err)
	})
	add(s, "POST groups", tenant.Admin, "Add a node group", func(ctx context.Context, c call, in *named) (*body[store.Group], error) {
		g := store.Group{ID: store.NewID(), Name: in.Body.Name, Created: time.Now().UnixMilli()}
		err := c.Tx(ctx, func(sc store.Scope) error {
			inner := call{Actor: c.Actor, Scope: sc}
			return firstError(inner.create(ctx, &g, "group "+g.ID, g), sc.Emit(ctx, "group", g.ID, g))
		})
		return &body[store.Group]{g}, err
	})
	add(s, "DELETE groups/{id}", tenant.Admin, "Delete an empty node group", func(ctx context.Context, c call, in *ByID) (*none, error) {
		err := store.First(ctx, c.Select(&store.Node{}).Where("group_id = ?", in.ID))
		if err == nil {
			return nil, huma.Error409Conflict("the group has nodes")
		}
		if !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
		return nil, c.remove(ctx, &store.Group{ID: in.ID}, "group "+in.ID)
	})
	type groupInput struct {
		ID string `path:"id" maxLength:"64"`
	}
	add(s, "GET groups/{id}/rulesets", tenant.Read, "Rulesets that were published to a group, newest first", func(ctx context.Context, c call, in *groupInput) (*body[list[store.Ruleset]], error) {
		if err := c.Find(ctx, &store.Group{ID: in.ID}); err != nil {
			return nil, err
		}
		var rows []store.Ruleset
		err := c.Select(&rows).Where("group_id = ?", in.ID).ExcludeColumn("blob", "signature").Order("version DESC").Scan(ctx)
		return whole(rows, err)
	})
}

func (s *server) applications() {
	add(s, "GET applications", tenant.Read, "Protected applications", func(ctx context.Context, c call, _ *none) (*body[list[store.Application]], error) {
		var rows []store.Application
		err := c.Select(&rows).Order("id").Scan(ctx)
		return whole(rows, err)
	})
	type newApplication struct {
		Body struct {
			ID int32 `json:"id" minimum:"1" doc:"as in the node's site configuration"`
			ApplicationForm
		}
	}
	add(s, "POST applications", tenant.Admin, "Add an application", func(ctx context.Context, c call, in *newApplication) (*body[store.Application], error) {
		b := in.Body
		a := store.Application{ID: b.ID, Name: b.Name, Learning: b.Learning, Created: time.Now().UnixMilli()}
		return &body[store.Application]{a}, c.create(ctx, &a, "application "+a.Name, a)
	})
	type changeApplication struct {
		ID   int32 `path:"id" minimum:"0"`
		Body ApplicationForm
	}
	add(s, "PUT applications/{id}", tenant.Admin, "Change an application", func(ctx context.Context, c call, in *changeApplication) (*body[store.Application], error) {
		a := store.Application{ID: in.ID}
		err := c.Tx(ctx, func(sc store.Scope) error {
			if err := sc.Find(ctx, &a); err != nil {
				return err
			}
			a.Name, a.Learning = in.Body.Name, in.Body.Learning
			return errors.Join(sc.Update(ctx, &a), sc.Record(ctx, c.Name, "change", "application "+a.Name, a))
		})
		return &body[store.Application]{a}, err
	})
}

// withState adds what is not in the node's own row.
func (s *server) withState(ctx context.Context, sc store.Scope, rows []store.Node) ([]nodeState, error) {
	keys, err := groupKeys(ctx, sc)
	if err != nil {
		return nil, err
	}
	newest := map[string]int64{}
	nodes := make([]nodeState, len(rows))
	for i, row := range rows {
		if _, ok := newest[row.Group]; !ok {
			r, err := fleet.Newest(ctx, sc, row.Group)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return nil, err
			}
			newest[row.Group] = r.Version
		}
		nodes[i] = nodeState{row, s.Fleet.Online(row), newest[row.Group], row.Ruleset == newest[row.Group], len(keys[row.Group]) < 2}
	}
	return nodes, nil
}

// groupKeys returns the tags of the keys that the nodes of each group have.
func groupKeys(ctx context.Context, sc store.Scope) (map[string]map[string]bool, error) {
	var rows []store.Node
	if err := sc.Select(&rows).Column("group_id", "status").Scan(ctx); err != nil {
		return nil, err
	}
	keys := map[string]map[string]bool{}
	for _, row := range rows {
		var status struct {
			Tag string `json:"group_key_tag"`
		}
		if json.Unmarshal(row.Status, &status) != nil || status.Tag == "" {
			continue // it has not told yet
		}
		if keys[row.Group] == nil {
			keys[row.Group] = map[string]bool{}
		}
		keys[row.Group][status.Tag] = true
	}
	return keys, nil
}

// groupOr returns the group, or the default one.
func groupOr(ctx context.Context, s store.Scope, id string) (string, error) {
	g := store.Group{ID: id}
	if id != "" {
		return id, s.Find(ctx, &g)
	}
	err := store.First(ctx, s.Select(&g).Order("created", "id"))
	return g.ID, err
}
