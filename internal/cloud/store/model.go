package store

import (
	"crypto/rand"
	"encoding/json"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/uptrace/bun"
)

// NewID returns a new identifier; later ones sort after earlier ones.
func NewID() string {
	return ulid.MustNew(ulid.Now(), rand.Reader).String()
}

// Millis is a time in Unix milliseconds; 0 is never.
func Millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// Owned makes a model a tenant's.
type Owned struct {
	Tenant string `bun:"tenant,pk" json:"-"`
}

func (o *Owned) own(tenant string) { o.Tenant = tenant }

// Tenant is a customer account.
type Tenant struct {
	bun.BaseModel `bun:"table:tenants" json:"-"`
	ID            string `bun:"id,pk" json:"id"`
	Name          string `bun:"name" json:"name"`
	Created       int64  `bun:"created" json:"created"`
}

// User is a person of a tenant.
type User struct {
	bun.BaseModel `bun:"table:users" json:"-"`
	Owned
	ID      string `bun:"id,pk" json:"id"`
	Name    string `bun:"name" json:"name"`
	Role    string `bun:"role" json:"role" enum:"admin,analyst,read-only,deploy"`
	Created int64  `bun:"created" json:"created" doc:"Unix milliseconds"`
}

// Token is a bearer token for the API; its text is known to its owner only.
type Token struct {
	bun.BaseModel `bun:"table:tokens" json:"-"`
	Owned
	ID        string `bun:"id,pk" json:"id"`
	Name      string `bun:"name" json:"name"`
	Role      string `bun:"role" json:"role" enum:"admin,analyst,read-only,deploy"`
	Hash      string `bun:"hash" json:"-"`
	Created   int64  `bun:"created" json:"created" doc:"Unix milliseconds"`
	Expires   int64  `bun:"expires" json:"expires" doc:"Unix milliseconds; 0 is never"`
	Bootstrap bool   `bun:"bootstrap" json:"bootstrap" doc:"ends when the first administrator exists"`
}

// Link is a one-time login link.
type Link struct {
	bun.BaseModel `bun:"table:links"`
	Owned
	Hash     string `bun:"hash,pk"`
	User     string `bun:"user_id"` // empty: makes the first administrator
	Expires  int64  `bun:"expires"`
	Reusable bool   `bun:"reusable"` // of a demo
}

// Session is a browser that is logged in.
type Session struct {
	bun.BaseModel `bun:"table:sessions"`
	Owned
	Hash    string `bun:"hash,pk"`
	User    string `bun:"user_id"`
	Created int64  `bun:"created"`
	Expires int64  `bun:"expires"`
}

// Group is a node group.
type Group struct {
	bun.BaseModel `bun:"table:groups" json:"-"`
	Owned
	ID      string `bun:"id,pk" json:"id"`
	Name    string `bun:"name" json:"name"`
	Created int64  `bun:"created" json:"created" doc:"Unix milliseconds"`
}

// Application is a protected resource of the tenant.
type Application struct {
	bun.BaseModel `bun:"table:applications" json:"-"`
	Owned
	ID       int32  `bun:"id,pk" json:"id" doc:"as in the node's site configuration; 0 is the default"`
	Name     string `bun:"name" json:"name"`
	Learning string `bun:"learning" json:"learning" enum:"auto,approve,frozen" doc:"what becomes of suggestions"`
	Created  int64  `bun:"created" json:"created" doc:"Unix milliseconds"`
}

// NodeToken is an enrolment token.
type NodeToken struct {
	bun.BaseModel `bun:"table:node_tokens" json:"-"`
	Owned
	ID      string `bun:"id,pk" json:"id"`
	Group   string `bun:"group_id" json:"group"`
	Hash    string `bun:"hash" json:"-"`
	Created int64  `bun:"created" json:"created" doc:"Unix milliseconds"`
	Expires int64  `bun:"expires" json:"expires" doc:"Unix milliseconds"`
	Used    int64  `bun:"used" json:"used" doc:"Unix milliseconds; 0 is not yet"`
	Node    string `bun:"node_id" json:"node" doc:"the node that enrolled with it"`
	Key     string `bun:"key" json:"-"` // hash of the node's public key
}

// Node is a filtering node.
type Node struct {
	bun.BaseModel `bun:"table:nodes" json:"-"`
	Owned
	ID           string          `bun:"id,pk" json:"id"`
	Group        string          `bun:"group_id" json:"group"`
	Name         string          `bun:"name" json:"name"`
	Version      string          `bun:"version" json:"version"`
	Wire         uint32          `bun:"wire" json:"wire" doc:"wire version it speaks"`
	Enrolled     int64           `bun:"enrolled" json:"enrolled" doc:"Unix milliseconds"`
	Seen         int64           `bun:"seen" json:"seen" doc:"last contact, Unix milliseconds"`
	Ruleset      int64           `bun:"ruleset" json:"ruleset" doc:"version in force on it; 0 is none"`
	RulesetError string          `bun:"ruleset_error" json:"ruleset_error" doc:"why it did not take the last one"`
	Status       json.RawMessage `bun:"status,type:text" json:"status" doc:"what it last said of itself"`
}

// Batch marks a batch of a node as stored.
type Batch struct {
	bun.BaseModel `bun:"table:batches"`
	Owned
	Node string `bun:"node_id,pk"`
	Seq  int64  `bun:"seq,pk"`
}

// Hit is one attack class found in one request.
type Hit struct {
	bun.BaseModel `bun:"table:hits" json:"-"`
	Owned
	ID          string  `bun:"id,pk" json:"id"`
	At          int64   `bun:"at" json:"at" doc:"Unix milliseconds"`
	Node        string  `bun:"node_id" json:"node"`
	Attack      string  `bun:"attack_id" json:"attack"`
	RequestID   string  `bun:"request_id" json:"request_id"`
	Application int32   `bun:"application" json:"application"`
	Host        string  `bun:"host" json:"host"`
	Method      string  `bun:"method" json:"method"`
	Path        string  `bun:"path" json:"path" doc:"template; names that are not revealed are class tokens"`
	Class       string  `bun:"class" json:"class"`
	Point       string  `bun:"point" json:"point"`
	Mode        string  `bun:"mode" json:"mode"`
	Decision    string  `bun:"decision" json:"decision"`
	Score       float64 `bun:"score" json:"score" doc:"probability, 0 to 1"`
	Reason      string  `bun:"reason" json:"reason"`
	Fragment    string  `bun:"fragment" json:"fragment" doc:"value-free rendering of what was seen"`
	Source      string  `bun:"source" json:"source" doc:"pseudonym"`
	Prefix      string  `bun:"prefix" json:"prefix" doc:"/24 or /48"`
	Country     string  `bun:"country" json:"country"`
	ASN         uint32  `bun:"asn" json:"asn"`
	Address     string  `bun:"address" json:"address" doc:"only if the tenant's nodes send it"`
	Evidence    string  `bun:"evidence_id" json:"evidence" doc:"on the node; empty if not kept"`
	Status      int32   `bun:"status" json:"status" doc:"answered to the client"`
	Ruleset     int64   `bun:"ruleset" json:"ruleset"`
	Rule        int64   `bun:"rule" json:"rule" doc:"rule of the policy that made it; 0 is none"`
	EndpointKey []byte  `bun:"endpoint_key" json:"endpoint_key" doc:"names the endpoint in an ask for names; base64"`
	PointKey    []byte  `bun:"point_key" json:"point_key" doc:"names the point in an ask for names; base64"`
	Leak        string  `bun:"leak" json:"leak" doc:"kind of what the response gave away because of it; empty for nothing seen"`
}

func (h Hit) position() (int64, string) { return h.At, h.ID }

// Attack is hits of the same class, point and endpoint without a gap of
// more than an hour.
type Attack struct {
	bun.BaseModel `bun:"table:attacks" json:"-"`
	Owned
	ID          string  `bun:"id,pk" json:"id"`
	Identity    string  `bun:"identity" json:"-"`
	At          int64   `bun:"at" json:"at" doc:"last hit, Unix milliseconds"`
	Began       int64   `bun:"began" json:"began" doc:"first hit, Unix milliseconds"`
	Application int32   `bun:"application" json:"application"`
	Host        string  `bun:"host" json:"host"`
	Method      string  `bun:"method" json:"method"`
	Path        string  `bun:"path" json:"path"`
	Class       string  `bun:"class" json:"class"`
	Point       string  `bun:"point" json:"point"`
	Hits        int64   `bun:"hits" json:"hits"`
	Blocked     int64   `bun:"blocked" json:"blocked"`
	Sources     int64   `bun:"sources" json:"sources" doc:"distinct sources"`
	Score       float64 `bun:"score" json:"score" doc:"highest of its hits"`
	Reason      string  `bun:"reason" json:"reason" doc:"of the hit with the highest score"`
	Fragment    string  `bun:"fragment" json:"fragment" doc:"of the hit with the highest score"`
	Leak        string  `bun:"leak" json:"leak" doc:"kind of what a response gave away because of it; empty for nothing seen"`
}

func (a Attack) position() (int64, string) { return a.At, a.ID }

// AttackSource is a source that took part in an attack.
type AttackSource struct {
	bun.BaseModel `bun:"table:attack_sources"`
	Owned
	Attack string `bun:"attack_id,pk"`
	Source string `bun:"source,pk"`
}

// Endpoint is a host, method and path template that nodes have seen.
type Endpoint struct {
	bun.BaseModel `bun:"table:endpoints" json:"-"`
	Owned
	ID          string `bun:"id,pk" json:"id"`
	Identity    string `bun:"identity" json:"-"`
	At          int64  `bun:"at" json:"at" doc:"last seen, Unix milliseconds"`
	Began       int64  `bun:"began" json:"began" doc:"first seen, Unix milliseconds"`
	Group       string `bun:"group_id" json:"group" doc:"node group that sees it"`
	Key         []byte `bun:"key" json:"-"`
	Application int32  `bun:"application" json:"application"`
	Host        string `bun:"host" json:"host"`
	Method      string `bun:"method" json:"method"`
	Path        string `bun:"path" json:"path"`
	Count       int64  `bun:"count" json:"count" doc:"requests"`
	Status1     int64  `bun:"status1" json:"status1"`
	Status2     int64  `bun:"status2" json:"status2"`
	Status3     int64  `bun:"status3" json:"status3"`
	Status4     int64  `bun:"status4" json:"status4"`
	Status5     int64  `bun:"status5" json:"status5"`
	Sources     []byte `bun:"sources" json:"-"`
}

func (e Endpoint) position() (int64, string) { return e.At, e.ID }

// Leak is what responses of an endpoint give away.
type Leak struct {
	bun.BaseModel `bun:"table:leaks" json:"-"`
	Owned
	ID          string  `bun:"id,pk" json:"id"`
	Identity    string  `bun:"identity" json:"-"`
	At          int64   `bun:"at" json:"at" doc:"last told of, Unix milliseconds"`
	Began       int64   `bun:"began" json:"began" doc:"first told of, Unix milliseconds"`
	Group       string  `bun:"group_id" json:"group" doc:"node group that saw it"`
	EndpointKey []byte  `bun:"endpoint_key" json:"endpoint_key" doc:"names the endpoint in an ask for names; base64"`
	Application int32   `bun:"application" json:"application"`
	Host        string  `bun:"host" json:"host"`
	Method      string  `bun:"method" json:"method"`
	Path        string  `bun:"path" json:"path" doc:"template; names that are not revealed are class tokens"`
	Kind        string  `bun:"kind" json:"kind" doc:"sql_error, stack_trace, directory_listing, private_key, system_file or source_code"`
	Reason      string  `bun:"reason" json:"reason"`
	Weight      float64 `bun:"weight" json:"weight" doc:"probability that it is one, 0 to 1"`
	Status      int32   `bun:"status" json:"status" doc:"of the last one"`
	RequestID   string  `bun:"request_id" json:"request_id" doc:"of the last one"`
	Told        int64   `bun:"told" json:"told" doc:"how often nodes told of it: once a minute at most, and for each attack with this effect"`
	Hits        int64   `bun:"hits" json:"hits" doc:"hits with this effect"`
}

func (l Leak) position() (int64, string) { return l.At, l.ID }

// Param is a parameter of an endpoint.
type Param struct {
	bun.BaseModel `bun:"table:params" json:"-"`
	Owned
	Endpoint string `bun:"endpoint_id,pk" json:"-"`
	Key      int64  `bun:"key,pk" json:"-"` // the wire's fixed64, bit for bit
	Point    string `bun:"point" json:"point"`
	Count    int64  `bun:"count" json:"count" doc:"requests that held it"`
	Sketch   []byte `bun:"sketch" json:"-"`
	Changed  int64  `bun:"changed" json:"changed" doc:"Unix milliseconds"`
}

// Rule is one decision of the tenant; Body is a policy.Rule as JSON.
type Rule struct {
	bun.BaseModel `bun:"table:rules"`
	Owned
	ID      int64           `bun:"id,pk"`
	Kind    string          `bun:"kind"`
	Body    json.RawMessage `bun:"body,type:text"`
	Version int64           `bun:"version"` // of the policy that changed it last
}

// PolicyVersion is one change of the policy; Changes is what it did.
type PolicyVersion struct {
	bun.BaseModel `bun:"table:policy_versions" json:"-"`
	Owned
	ID      string          `bun:"id" json:"-"`
	Version int64           `bun:"version,pk" json:"version"`
	At      int64           `bun:"at" json:"at" doc:"Unix milliseconds"`
	Actor   string          `bun:"actor" json:"actor"`
	Why     string          `bun:"why" json:"why"`
	Changes json.RawMessage `bun:"changes,type:text" json:"changes" doc:"rules before and after"`
}

func (v PolicyVersion) position() (int64, string) { return v.At, v.ID }

// Ruleset is what nodes of a group run.
type Ruleset struct {
	bun.BaseModel `bun:"table:rulesets" json:"-"`
	Owned
	Group     string `bun:"group_id,pk" json:"group"`
	Version   int64  `bun:"version,pk" json:"version"`
	At        int64  `bun:"at" json:"at" doc:"Unix milliseconds"`
	Policy    int64  `bun:"policy" json:"policy" doc:"version of the policy it was made from"`
	Digest    string `bun:"digest" json:"digest" doc:"SHA-256 of the compiled form"`
	Blob      []byte `bun:"blob" json:"-"`
	Signature []byte `bun:"signature" json:"-"`
}

// Suggestion is what learning proposes to the policy.
type Suggestion struct {
	bun.BaseModel `bun:"table:suggestions" json:"-"`
	Owned
	ID          string          `bun:"id,pk" json:"id"`
	Identity    string          `bun:"identity" json:"-"`
	At          int64           `bun:"at" json:"at" doc:"last change, Unix milliseconds"`
	Application int32           `bun:"application" json:"application"`
	Endpoint    string          `bun:"endpoint_id" json:"endpoint"`
	Point       string          `bun:"point" json:"point"`
	State       string          `bun:"state" json:"state" enum:"open,shadow,accepted,dismissed,withdrawn"`
	Reason      string          `bun:"reason" json:"reason"`
	Body        json.RawMessage `bun:"body,type:text" json:"rule" doc:"the rule it proposes"`
	Ready       int64           `bun:"ready" json:"ready" doc:"end of its shadow period, Unix milliseconds"`
	Rule        int64           `bun:"rule" json:"rule_id" doc:"the rule it became; 0 is none"`
}

func (s Suggestion) position() (int64, string) { return s.At, s.ID }

// Ask is a question to nodes.
type Ask struct {
	bun.BaseModel `bun:"table:asks" json:"-"`
	Owned
	ID       string   `bun:"id,pk" json:"id"`
	At       int64    `bun:"at" json:"at" doc:"Unix milliseconds"`
	Expires  int64    `bun:"expires" json:"expires" doc:"Unix milliseconds"`
	Kind     string   `bun:"kind" json:"kind" enum:"evidence,preview,names"`
	Evidence string   `bun:"evidence_id" json:"evidence"`
	Node     string   `bun:"node_id" json:"node" doc:"the one that is asked; empty for all"`
	Keys     [][]byte `bun:"keys,type:text" json:"keys" doc:"of endpoints or points to name; base64"`
	Rule     []byte   `bun:"rule" json:"-"`
	ReplyKey []byte   `bun:"reply_key" json:"-"`
	Actor    string   `bun:"actor" json:"actor"`
}

// Answer is a node's answer to an Ask. Sealed is opened by the asker only.
type Answer struct {
	bun.BaseModel `bun:"table:answers" json:"-"`
	Owned
	Ask        string  `bun:"ask_id,pk" json:"-"`
	Node       string  `bun:"node_id,pk" json:"node"`
	At         int64   `bun:"at" json:"at" doc:"Unix milliseconds"`
	Refused    bool    `bun:"refused" json:"refused"`
	Reason     string  `bun:"reason" json:"reason"`
	Matched    int64   `bun:"matched" json:"matched" doc:"requests that the rule would change"`
	Examined   int64   `bun:"examined" json:"examined"`
	WindowFrom int64   `bun:"window_from" json:"window_from" doc:"really covered, as the node said"`
	WindowTo   int64   `bun:"window_to" json:"window_to"`
	Sampling   float64 `bun:"sampling" json:"sampling" doc:"share of requests recorded in the window"`
	Sealed     []byte  `bun:"sealed" json:"sealed" doc:"HPKE, to the reply key; base64"`
}

// Refusal is an order that a node's own configuration forbids.
type Refusal struct {
	bun.BaseModel `bun:"table:refusals" json:"-"`
	Owned
	ID      string `bun:"id,pk" json:"id"`
	At      int64  `bun:"at" json:"at" doc:"Unix milliseconds"`
	Node    string `bun:"node_id" json:"node"`
	Ruleset int64  `bun:"ruleset" json:"ruleset"`
	Ask     string `bun:"ask_id" json:"ask" doc:"the ask that was refused, if it was one"`
	Ceiling string `bun:"ceiling" json:"ceiling" doc:"key of cloud_may"`
	What    string `bun:"what" json:"what"`
}

func (r Refusal) position() (int64, string) { return r.At, r.ID }

// Audit is one thing that somebody did.
type Audit struct {
	bun.BaseModel `bun:"table:audit" json:"-"`
	Owned
	ID     string          `bun:"id,pk" json:"id"`
	At     int64           `bun:"at" json:"at" doc:"Unix milliseconds"`
	Actor  string          `bun:"actor" json:"actor"`
	Action string          `bun:"action" json:"action"`
	Object string          `bun:"object" json:"object"`
	Detail json.RawMessage `bun:"detail,type:text" json:"detail"`
}

func (a Audit) position() (int64, string) { return a.At, a.ID }

// Event is one thing that happened, numbered without gaps over all tenants.
type Event struct {
	bun.BaseModel `bun:"table:events" json:"-"`
	Seq           int64           `bun:"seq,pk" json:"seq"`
	Tenant        string          `bun:"tenant" json:"-"`
	At            int64           `bun:"at" json:"at" doc:"Unix milliseconds"`
	Kind          string          `bun:"kind" json:"kind"`
	Ref           string          `bun:"ref" json:"ref" doc:"identifier of what it is about"`
	Data          json.RawMessage `bun:"data,type:text" json:"data"`
}

// Cursor is how far a consumer has come.
type Cursor struct {
	bun.BaseModel `bun:"table:cursors"`
	Consumer      string `bun:"consumer,pk"`
	Seq           int64  `bun:"seq"`
}
