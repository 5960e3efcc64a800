// Package peer is what Gabion's cost is measured against: Coraza with the OWASP Core
// Rule Set, in the same process, so that both are slowed down by the same.
package peer

import (
	"fmt"

	coreruleset "github.com/corazawaf/coraza-coreruleset/v4"
	"github.com/corazawaf/coraza/v3"
	"github.com/corazawaf/coraza/v3/types"
	"github.com/gabionhq/gabion/bench/traffic"
)

// directives are what the rule set's documentation asks for, made as
// cheap as they get: the prefilter on, no audit log, no response bodies.
// Paranoia level 1 is the default.
const directives = `
Include @coraza.conf-recommended
Include @crs-setup.conf.example
SecRuleEngine On
SecRxPreFilter On
SecAuditEngine Off
SecRequestBodyLimit 13107200
SecRequestBodyInMemoryLimit 13107200
SecResponseBodyAccess Off
SecAction "id:900200,phase:1,pass,t:none,nolog,setvar:'tx.allowed_methods=GET HEAD POST OPTIONS PUT PATCH DELETE'"
Include @owasp_crs/*.conf
`

// A Coraza inspects requests.
type Coraza struct {
	waf      coraza.WAF
	requests []traffic.Request
}

// New returns a Coraza with its rules in force.
func New() (*Coraza, error) {
	w, err := coraza.NewWAF(coraza.NewWAFConfig().WithRootFS(coreruleset.FS).WithDirectives(directives))
	if err != nil {
		return nil, fmt.Errorf("configuring Coraza: %w", err)
	}
	return &Coraza{waf: w}, nil
}

// Load sets the requests that Inspect is asked for.
func (c *Coraza) Load(requests []traffic.Request) { c.requests = requests }

// Inspect inspects one of the requests, and reports whether it would be blocked.
func (c *Coraza) Inspect(i int) (blocked bool) {
	q := &c.requests[i]
	tx := c.waf.NewTransaction()
	defer tx.Close()
	blocked = interrupt(tx, q) != nil
	tx.ProcessLogging()
	return blocked
}

func interrupt(tx types.Transaction, q *traffic.Request) *types.Interruption {
	tx.ProcessConnection("127.0.0.1", 40000, "127.0.0.1", 443)
	tx.ProcessURI(q.Target, q.Method, "HTTP/1.1")
	for _, h := range q.Header {
		tx.AddRequestHeader(h[0], h[1])
	}
	tx.SetServerName(q.Header[0][1])
	if in := tx.ProcessRequestHeaders(); in != nil {
		return in
	}
	if len(q.Body) > 0 {
		if in, _, err := tx.WriteRequestBody(q.Body); in != nil || err != nil {
			return in
		}
	}
	in, err := tx.ProcessRequestBody()
	if err != nil {
		panic("BUG: " + err.Error()) // the bodies fit in memory
	}
	return in
}
