// Package evidence keeps the raw requests behind hits, encrypted, on the node.
package evidence

import (
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/gabionhq/gabion/internal/node/proxy"
	"github.com/gabionhq/gabion/internal/node/redact"
	"github.com/gabionhq/gabion/internal/node/transcript"
	"github.com/gabionhq/gabion/internal/node/vault"
	"github.com/gabionhq/gabion/wire/wirepb"
)

const (
	// maxBody is how much of a body is kept: enough to show any finding of
	// the inspection window with what surrounds it, and small enough that
	// one uploader cannot push out everybody else's evidence.
	maxBody = 64 << 10
	// maxFindings and maxValue bound what is kept of findings, which repeat
	// parts of the request in decoded form.
	maxFindings = 64
	maxValue    = 4 << 10

	defaultBytes = 256 << 20
	defaultAge   = 30 * 24 * time.Hour
)

// A Store keeps evidence, found by its own id or by the id of its request.
type Store = vault.Vault[*wirepb.Evidence]

// Open opens the store in dir. Bounds that are zero take their defaults.
func Open(dir string, key []byte, bounds vault.Bounds) (*Store, error) {
	if bounds.Bytes == 0 {
		bounds.Bytes = defaultBytes
	}
	if bounds.Age == 0 {
		bounds.Age = defaultAge
	}
	return vault.Open(dir, "evidence", key, bounds, Codec())
}

// Codec is how evidence is written in a vault.
func Codec() vault.Codec[*wirepb.Evidence] {
	return vault.Codec[*wirepb.Evidence]{
		Encode: func(e *wirepb.Evidence) ([]byte, error) { return proto.Marshal(e) },
		Decode: func(b []byte) (*wirepb.Evidence, error) {
			e := new(wirepb.Evidence)
			return e, proto.Unmarshal(b, e)
		},
		Entry: func(e *wirepb.Evidence) vault.Entry {
			return vault.Entry{ID: e.Id, Request: e.RequestId, Time: time.UnixMilli(e.UnixMs)}
		},
	}
}

// New makes the evidence of a request, without what the masks of the ruleset
// remove; they may be nil. It copies what it keeps of r.
func New(id string, r *proxy.Record, masks *redact.Rules) *wirepb.Evidence {
	body := r.Body[:min(len(r.Body), maxBody)]
	head, clean := masks.Request(r.Head, body)
	e := &wirepb.Evidence{
		Id: id, RequestId: r.RequestID, UnixMs: r.Time.UnixMilli(), Source: r.Source.String(),
		Request: transcript.Append(nil, head, clean), BodyBytes: r.BodyLen,
		Truncated: r.Partial || len(body) < len(r.Body) || len(clean) == 0 && len(body) > 0,
		Scheme:    strings.ToValidUTF8(string(r.Head.Scheme), "?"), Application: r.Head.App, Score: r.Verdict.Score, Status: int32(r.Status),
	}
	for _, f := range r.Report.Findings[:min(len(r.Report.Findings), maxFindings)] {
		from, to := max(f.From, 0), max(f.To, 0)
		value := f.Value[:min(len(f.Value), maxValue)]
		e.Findings = append(e.Findings, &wirepb.EvidenceFinding{
			Class: f.Class.String(), Point: strings.ToValidUTF8(f.Point, "?"), Reason: f.Reason, Value: append([]byte(nil), value...),
			From: min(uint32(from), uint32(len(value))), To: min(uint32(to), uint32(len(value))),
		})
	}
	return e
}
