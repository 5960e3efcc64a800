package journal

import (
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/gabionhq/gabion/engine"
	"github.com/gabionhq/gabion/engine/detect"
	"github.com/gabionhq/gabion/internal/node/proxy"
	"github.com/gabionhq/gabion/wire/wirepb"
)

const (
	// likely is the weight from which on a leak is told of that no attack
	// asked for: pages that write about errors quote them.
	likely = 0.7
	// leaksPerMinute is how often a leak of one kind of an endpoint is told
	// of, unless the request was an attack: it is there in every response.
	leaksPerMinute = 1
)

// causes are the classes of attack that have a leak as their effect. A trace
// may be that of any.
var causes = map[engine.LeakKind][]detect.Class{
	engine.SQLError:         {detect.SQLi},
	engine.DirectoryListing: {detect.PathTraversal},
	engine.PrivateKey:       {detect.PathTraversal, detect.RCE, detect.XXE, detect.SSRF},
	engine.SystemFile:       {detect.PathTraversal, detect.RCE, detect.XXE, detect.SSRF, detect.SSTI, detect.SSI},
	engine.SourceCode:       {detect.PathTraversal, detect.RCE, detect.XXE},
}

// leaks tells of what the response gave away. A request that was no attack by
// itself is a hit with the effect that it had; leaks says whether it is one.
func (j *Journal) leaks(r *proxy.Record) (hit bool) {
	attack := r.Verdict.Attack || r.Verdict.Decision != engine.Pass
	for i := range r.Leaks {
		l := &r.Leaks[i]
		caused := effects(r.Report.Findings, l.Kind)
		if !attack && len(caused) > 0 {
			j.tell(r, caused, l.Kind.String())
			hit = true
		}
		news := l.Weight >= likely && j.news.allow(r.Report.Endpoint*31+uint64(l.Kind), leaksPerMinute, j.opts.Now())
		if attack && len(caused) > 0 || news {
			j.leak(r, l, caused)
		}
	}
	return hit
}

// effects returns the findings that are more than faint and may have caused a
// leak.
func effects(findings []engine.Finding, kind engine.LeakKind) []engine.Finding {
	var caused []engine.Finding
	for _, f := range findings {
		if f.Weight >= suspicious && (kind == engine.StackTrace || slices.Contains(causes[kind], f.Class)) {
			caused = append(caused, f)
		}
	}
	return caused
}

func (j *Journal) leak(r *proxy.Record, l *engine.Leak, caused []engine.Finding) {
	e := j.labels.endpoint(r.Report.Endpoint, r.Head)
	j.told.put(e.Key, func() string { return hostOf(r.Head) + template(r.Head) })
	told := &wirepb.Leak{
		RequestId: r.RequestID, UnixMs: r.Time.UnixMilli(), Endpoint: e, Kind: l.Kind.String(),
		Status: int32(r.Status), Weight: l.Weight, Reason: l.Reason,
	}
	for _, f := range strongest(caused) {
		if f.Class != detect.NoClass {
			told.Confirms = append(told.Confirms, f.Class.String())
		}
	}
	record, err := proto.Marshal(&wirepb.Batch{Leaks: []*wirepb.Leak{told}})
	if err == nil {
		err = j.opts.Spool.Put(record)
	}
	if err != nil {
		j.stats.dropped.Add(1)
		j.opts.Log.Error("leak lost", "request_id", r.RequestID, "err", err)
	}
}
