package api

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"github.com/gabionhq/gabion/internal/cloud/fleet"
	"github.com/gabionhq/gabion/internal/cloud/store"
	"github.com/gabionhq/gabion/internal/cloud/tenant"
)

// askState is a question to nodes and the answers so far.
type askState struct {
	store.Ask
	Answers []store.Answer `json:"answers" nullable:"false"`
	Nodes   int            `json:"nodes" doc:"nodes that are asked"`
	Online  int            `json:"online" doc:"of them, connected now"`
}

type newAsk struct {
	Body struct {
		Kind     string   `json:"kind" enum:"evidence,names" doc:"evidence: the raw request behind a hit; names: what keys stand for"`
		Hit      string   `json:"hit,omitempty" maxLength:"64" pattern:"^[0-9A-Za-z-]*$" doc:"id of the hit whose evidence is asked for"`
		Keys     [][]byte `json:"keys,omitempty" maxItems:"200" doc:"endpoint_key or point_key of hits; base64"`
		ReplyKey []byte   `json:"reply_key" minLength:"1" maxLength:"200" doc:"P-256 public key, uncompressed, base64: answers are sealed to it"`
	}
}

// pointSize is the length of an uncompressed P-256 point.
const pointSize = 65

func (s *server) asks() {
	add(s, "POST asks", tenant.Decide, "Ask nodes; they answer sealed to the asker's key", func(ctx context.Context, c call, in *newAsk) (*body[askState], error) {
		b := in.Body
		if len(b.ReplyKey) != pointSize || b.ReplyKey[0] != 4 {
			return nil, huma.Error422UnprocessableEntity("reply_key is not an uncompressed P-256 point of 65 bytes")
		}
		ask := store.Ask{Kind: b.Kind, Keys: b.Keys, ReplyKey: b.ReplyKey}
		if b.Kind == "evidence" {
			hit := store.Hit{ID: b.Hit}
			if err := c.Find(ctx, &hit); err != nil {
				return nil, err
			}
			if hit.Evidence == "" {
				return nil, huma.Error409Conflict("the node kept no evidence of this hit")
			}
			ask.Evidence, ask.Node = hit.Evidence, hit.Node
		}
		return s.ask(ctx, c, ask)
	})
	add(s, "GET asks/{id}", tenant.Decide, "An ask and the answers so far", func(ctx context.Context, c call, in *ByID) (*body[askState], error) {
		ask := store.Ask{ID: in.ID}
		if err := c.Find(ctx, &ask); err != nil {
			return nil, err
		}
		return s.answers(ctx, c, ask)
	})
}

func (s *server) ask(ctx context.Context, c call, ask store.Ask) (*body[askState], error) {
	ask.Actor = c.Name
	ask, err := fleet.Ask(ctx, c.Scope, ask)
	if err != nil {
		return nil, err
	}
	return s.answers(ctx, c, ask)
}

func (s *server) answers(ctx context.Context, c call, ask store.Ask) (*body[askState], error) {
	nodes, err := fleet.Asked(ctx, c.Scope, ask)
	if err != nil {
		return nil, err
	}
	out := askState{Ask: ask, Answers: []store.Answer{}, Nodes: len(nodes)}
	for _, n := range nodes {
		if s.Fleet.Online(n) {
			out.Online++
		}
	}
	err = c.Select(&out.Answers).Where("ask_id = ?", ask.ID).Order("at", "node_id").Scan(ctx)
	return &body[askState]{out}, err
}
