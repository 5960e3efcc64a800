package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/gabionhq/gabion/internal/cloud/tenant"
)

const (
	// heartbeat keeps a stream alive through proxies, and finds out that a
	// session has ended or a browser gone.
	heartbeat = 15 * time.Second
	// writeLimit is how long a reader may block a stream.
	writeLimit = 10 * time.Second
	// batch is how many events are read at once.
	batch = 500
)

type streamInput struct {
	Kinds string `query:"kinds" maxLength:"200" doc:"comma-separated, such as hit,attack,node,policy,ruleset,suggestion,answer,endpoint,refusal; empty for all"`
	After int64  `query:"after" minimum:"-1" default:"-1" doc:"resume behind this event; -1 starts with what happens next"`
	Last  int64  `header:"Last-Event-ID" minimum:"0" doc:"sent by browsers that reconnect; wins over after"`
}

func (s *server) events() {
	add(s, "GET events", tenant.Read, "What happens, as server-sent events", func(ctx context.Context, c call, in *streamInput) (*huma.StreamResponse, error) {
		after := in.After
		if in.Last > 0 {
			after = in.Last
		}
		if after < 0 {
			var err error
			if after, err = c.LastEvent(ctx); err != nil {
				return nil, err
			}
		}
		var kinds []string
		if in.Kinds != "" {
			kinds = strings.Split(in.Kinds, ",")
		}
		return &huma.StreamResponse{Body: func(hc huma.Context) { s.stream(hc, c, after, kinds) }}, nil
	})
	op := s.huma.OpenAPI().Paths[prefix+"events"].Get
	op.Responses["200"] = &huma.Response{
		Description: "A stream of events. id is their number, event their kind, data the object as JSON.",
		Content:     map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{Type: huma.TypeString}}},
	}
}

func (s *server) stream(hc huma.Context, c call, after int64, kinds []string) {
	r, w := humago.Unwrap(hc)
	out := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream")
	send := func(format string, args ...any) error {
		if err := out.SetWriteDeadline(time.Now().Add(writeLimit)); err != nil {
			return err
		}
		_, err := fmt.Fprintf(w, format, args...)
		return err
	}
	if send(": gabion\n\n") != nil || out.Flush() != nil {
		return
	}
	for {
		changed := s.DB.Changed()
		events, err := c.Events(r.Context(), after, batch)
		if err != nil {
			if r.Context().Err() == nil {
				s.Log.Error("streaming events", "err", err)
			}
			return
		}
		for _, e := range events {
			after = e.Seq
			if len(kinds) > 0 && !slices.Contains(kinds, e.Kind) {
				continue
			}
			if send("id: %d\nevent: %s\ndata: %s\n\n", e.Seq, e.Kind, e.Data) != nil {
				return
			}
		}
		if out.Flush() != nil {
			return
		}
		if len(events) == batch {
			continue
		}
		select {
		case <-r.Context().Done():
			return
		case <-changed:
		case <-time.After(heartbeat):
			if _, err := s.authenticate(hc); err != nil || send(": still here\n\n") != nil {
				return
			}
		}
	}
}
