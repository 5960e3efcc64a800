// Package recorder keeps a sample of benign requests, without credentials, encrypted, on the node.
//
// A rule that is not in force yet is tried on them: would it have blocked any?
package recorder

import (
	"crypto/rand"
	"encoding/hex"
	"math"
	"sync/atomic"
	"time"

	"github.com/gabionhq/gabion/internal/node/evidence"
	"github.com/gabionhq/gabion/internal/node/proxy"
	"github.com/gabionhq/gabion/internal/node/redact"
	"github.com/gabionhq/gabion/internal/node/transcript"
	"github.com/gabionhq/gabion/internal/node/vault"
	"github.com/gabionhq/gabion/wire/wirepb"
)

const (
	// maxBody is how much of a body is kept. A longer one would be a large
	// share of the ring for one request.
	maxBody = 16 << 10

	defaultBytes = 64 << 20
	defaultAge   = 24 * time.Hour
)

// A Recorder is a ring of requests. The share that it keeps is exact: at 0.1
// every tenth request is kept.
type Recorder struct {
	*vault.Vault[*wirepb.Evidence]
	every uint64 // keeps one request of so many; 0 for none
	count atomic.Uint64
}

// Open opens the ring in dir. sample is the share of requests to keep, 0 to 1.
func Open(dir string, key []byte, bounds vault.Bounds, sample float64) (*Recorder, error) {
	if bounds.Bytes == 0 {
		bounds.Bytes = defaultBytes
	}
	if bounds.Age == 0 {
		bounds.Age = defaultAge
	}
	v, err := vault.Open(dir, "recorder", key, bounds, evidence.Codec())
	if err != nil {
		return nil, err
	}
	r := &Recorder{Vault: v}
	if sample > 0 {
		r.every = uint64(math.Round(1 / min(sample, 1)))
	}
	return r, nil
}

// Sampling is the share of requests that is kept, 0 to 1.
func (r *Recorder) Sampling() float64 {
	if r.every == 0 {
		return 0
	}
	return 1 / float64(r.every)
}

// Offer keeps the request if it is its turn, without credentials and without
// what the masks of the ruleset remove; they may be nil.
func (r *Recorder) Offer(rec *proxy.Record, masks *redact.Rules) error {
	if r.every == 0 || r.count.Add(1)%r.every != 0 {
		return nil
	}
	body := rec.Body[:min(len(rec.Body), maxBody)]
	head, clean := redact.Credentials().Request(masks.Request(rec.Head, body))
	var id [16]byte
	rand.Read(id[:])
	return r.Put(&wirepb.Evidence{
		Id: hex.EncodeToString(id[:]), RequestId: rec.RequestID, UnixMs: rec.Time.UnixMilli(),
		Request: transcript.Append(nil, head, clean), BodyBytes: rec.BodyLen,
		Truncated: rec.Partial || len(body) < len(rec.Body) || len(clean) == 0 && len(body) > 0,
		Scheme:    string(rec.Head.Scheme), Application: rec.Head.App, Score: rec.Verdict.Score, Status: int32(rec.Status),
	})
}
