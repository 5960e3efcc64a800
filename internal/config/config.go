// Package config is the one YAML form of Gabion: its structs, defaults, schema and reader.
//
// The tags of a field are its documentation and its rules: doc says what it
// is, enum lists what it may be, and is names the kind of text it must be.
// The reader, the JSON Schema and the reference in docs/ all come from them;
// the defaults are in Default.
package config

import "time"

// Config is a whole file. `gabion run` reads all of it, `gabion node` and
// `gabion cloud` their own part.
type Config struct {
	Data  string `yaml:"data" doc:"Directory of all state. It is made with mode 0700."`
	Node  Node   `yaml:"node" doc:"The filtering node."`
	Cloud Cloud  `yaml:"cloud" doc:"The control and analytics side of one region."`
	Log   Log    `yaml:"log" doc:"How the program logs, to standard error."`
}

// Log is how the program logs, to standard error.
type Log struct {
	Level  string `yaml:"level" enum:"debug,info,warn,error" doc:"The mildest level that is written."`
	Format string `yaml:"format" enum:"text,json,auto" doc:"auto is text on a terminal and json elsewhere."`
}

// Node is the filtering node.
type Node struct {
	Listen         string        `yaml:"listen" is:"address" doc:"Where traffic arrives."`
	ListenTLS      string        `yaml:"listen_tls" is:"address" doc:"Where traffic arrives over TLS; empty for nowhere."`
	Certificates   []Certificate `yaml:"certificates" doc:"Certificates of listen_tls. Changed files are noticed within seconds."`
	ACME           ACME          `yaml:"acme" doc:"An authority that issues certificates of listen_tls by itself, such as Let's Encrypt. It must reach listen_tls on port 443."`
	ProxyProtocol  bool          `yaml:"proxy_protocol" doc:"Trusted proxies begin each connection with a PROXY protocol header, version 1 or 2."`
	Auth           string        `yaml:"auth" is:"address" doc:"Where other proxies ask whether to forward a request: auth_request of nginx, forward auth of Caddy and Traefik. Empty for nowhere."`
	Admin          string        `yaml:"admin" is:"address" doc:"Where /healthz, /readyz and /metrics answer."`
	Name           string        `yaml:"name" doc:"Label in the console; empty for the host name."`
	Sites          []Site        `yaml:"sites" doc:"The protected applications. The most specific host name answers."`
	TrustedProxies []string      `yaml:"trusted_proxies" is:"prefix" doc:"Addresses and networks whose X-Forwarded-For is believed."`
	Inspect        Inspect       `yaml:"inspect" doc:"Bounds of inspection."`
	Uplink         Uplink        `yaml:"uplink" doc:"The way to the cloud. A node without one runs alone."`
	CloudMay       CloudMay      `yaml:"cloud_may" doc:"Ceilings that no ruleset from the cloud passes."`
	Evidence       Store         `yaml:"evidence" doc:"Raw requests behind hits, encrypted, on this node only."`
	Recorder       Recorder      `yaml:"recorder" doc:"Sampled benign requests without credentials, encrypted, on this node only."`
	Spool          Store         `yaml:"spool" doc:"What waits for the cloud while it is away."`
	Privacy        Privacy       `yaml:"privacy" doc:"What may leave the node."`
}

// Certificate is a chain with its key.
type Certificate struct {
	Cert string `yaml:"cert" doc:"File with the certificate chain, PEM."`
	Key  string `yaml:"key" doc:"File with the key, PEM."`
}

// ACME is an authority that issues certificates (RFC 8555), by the challenge
// TLS-ALPN-01.
type ACME struct {
	Hosts     []string `yaml:"hosts" doc:"Host names to obtain certificates for; empty for none."`
	Email     string   `yaml:"email" doc:"Where the authority may write to; empty for nowhere."`
	Directory string   `yaml:"directory" is:"url" doc:"The authority's directory."`
	CA        string   `yaml:"ca" doc:"File with the roots that the directory's own certificate is checked with, PEM; empty for the system's."`
	Agree     bool     `yaml:"agree" doc:"You agree to the authority's terms of service."`
}

// Site is one protected application.
type Site struct {
	Hosts       []string `yaml:"hosts" doc:"Host names, *.example.com included; empty for any."`
	Upstream    string   `yaml:"upstream" is:"upstream" doc:"Where requests go, as http://host:port or https://host:port; h2c:// and h2:// for servers that speak HTTP/2, gRPC above all."`
	Upstreams   []string `yaml:"upstreams" is:"upstream" doc:"More upstreams of the same application. Requests go to each in turn, and not to one that fails."`
	Health      string   `yaml:"health" doc:"Path that a healthy upstream answers with a status below 400, asked every 5 seconds; empty to judge by connections alone."`
	Mode        string   `yaml:"mode" enum:"off,monitoring,safe_blocking,block" doc:"Filtration mode; empty is monitoring."`
	Override    string   `yaml:"mode_override" enum:"on,strict,off" doc:"Whether a mode set in the cloud wins: on always, strict where it is stricter, off never. Empty is on."`
	OnError     string   `yaml:"on_error" enum:"open,closed" doc:"What happens to a request when inspection fails; empty is open."`
	Forwarded   bool     `yaml:"forwarded" doc:"Tell the upstream who asks, in X-Forwarded-For: claims of clients that are no trusted proxies are dropped and the address of the peer is appended."`
	Application int32    `yaml:"application" doc:"Number of the application in the cloud; 0 is the default one."`
	Descriptors []string `yaml:"descriptors" doc:"Files that describe its gRPC services, each a FileDescriptorSet as protoc --include_imports --descriptor_set_out writes; fields are then known by their names and not by their numbers. They are read at the start and stay on the node."`
}

// Inspect bounds inspection.
type Inspect struct {
	Hold      Bytes `yaml:"hold" doc:"How much of a body is held back until the verdict."`
	Responses bool  `yaml:"responses" doc:"Look in responses for what they give away: messages of databases, traces of errors, files. They are sent on all the same, and nothing of them leaves the node."`
}

// Uplink is the way to the cloud. A node without URL and token runs alone.
type Uplink struct {
	URL   string `yaml:"url" is:"url" doc:"The cloud's wire address; empty takes it from the token."`
	Token string `yaml:"token" doc:"Enrolment token. It is used once; after that the key in the data directory counts."`

	Interval time.Duration `yaml:"interval" doc:"How often statistics are looked through for what has doubled; hits do not wait."`
}

// CloudMay are the ceilings that no ruleset passes.
type CloudMay struct {
	LowestMode string   `yaml:"lowest_mode" enum:"off,monitoring,safe_blocking,block" doc:"The mildest mode a ruleset may set."`
	NeverOff   []string `yaml:"never_off" doc:"Host and path patterns whose mode stays as configured here."`
	Evidence   bool     `yaml:"evidence" doc:"Answer requests for evidence, sealed to the person who asks."`
	Preview    bool     `yaml:"preview" doc:"Answer what a rule would have done to recorded requests, in counts."`
	Unmask     bool     `yaml:"unmask" doc:"Let rules lift the masking of values."`
	BlockPage  bool     `yaml:"block_page" doc:"Let rules set the HTML of the block page."`
	AllowList  bool     `yaml:"allow_list" doc:"Let rules allow sources; networks wider than /12 or /32 (IPv6) are refused anyway."`
}

// Store bounds a directory on disk.
type Store struct {
	MaxBytes Bytes         `yaml:"max_bytes" doc:"The oldest entries go when it is full."`
	MaxAge   time.Duration `yaml:"max_age" doc:"Older entries go."`
}

// Recorder samples benign requests, credentials removed.
type Recorder struct {
	Store  `yaml:",inline"`
	Sample float64 `yaml:"sample" is:"share" doc:"Share of benign requests that are kept, 0 to 1."`
}

// Privacy is what may leave the node.
type Privacy struct {
	Source  string   `yaml:"source" enum:"pseudonym,full" doc:"How the cloud sees source addresses of hits."`
	RevealK int      `yaml:"reveal_k" is:"positive" doc:"How many sources must share a name before it leaves in clear."`
	Reveal  []string `yaml:"reveal" doc:"Names that may leave at once."`

	GroupKeyFile string `yaml:"group_key_file" doc:"File (0600) with the 32 bytes that all nodes of a group share to make tags; empty for the one in the data directory, which gabion node key passes on."`
}

// Cloud is the control and analytics side of one region.
type Cloud struct {
	Region  string        `yaml:"region" doc:"Name of the region, part of every enrolment token."`
	Listen  string        `yaml:"listen" is:"address" doc:"Console and API."`
	Wire    string        `yaml:"wire" is:"address" doc:"Where nodes connect, over TLS."`
	Public  string        `yaml:"public" is:"address" doc:"The wire address as nodes see it; empty for the same."`
	Publish time.Duration `yaml:"publish" doc:"How often learned rules are published."`
	Learn   Learn         `yaml:"learn" doc:"How sure learning must be."`
}

// Learn is how sure learning must be before it proposes the profile of a
// parameter.
type Learn struct {
	Values  int           `yaml:"values" is:"positive" doc:"Values of the parameter that nodes must have seen."`
	Sources int           `yaml:"sources" is:"positive" doc:"Distinct sources that must have sent them."`
	Budget  float64       `yaml:"budget" is:"share" doc:"Share of benign requests in which learned profiles may, by the rule of three, find something odd."`
	Shadow  time.Duration `yaml:"shadow" doc:"How long traffic may contradict a suggestion before it is accepted by itself."`
}

// Default returns the configuration of an empty file: everything on
// loopback, nothing protected, nothing blocked.
func Default() Config {
	return Config{
		Data: "gabion-data",
		Node: Node{
			Listen:  "127.0.0.1:8080",
			Admin:   "127.0.0.1:8081",
			Inspect: Inspect{Hold: 1 << 20, Responses: true},
			ACME:    ACME{Directory: "https://acme-v02.api.letsencrypt.org/directory"},
			CloudMay: CloudMay{
				LowestMode: "monitoring",
				Evidence:   true,
				Preview:    true,
				AllowList:  true,
			},
			Evidence: Store{MaxBytes: 1 << 30, MaxAge: 7 * 24 * time.Hour},
			Recorder: Recorder{
				Store:  Store{MaxBytes: 256 << 20, MaxAge: 24 * time.Hour},
				Sample: 0.01,
			},
			Spool:   Store{MaxBytes: 512 << 20, MaxAge: 7 * 24 * time.Hour},
			Privacy: Privacy{Source: "pseudonym", RevealK: 20},
			Uplink:  Uplink{Interval: 10 * time.Second},
		},
		Cloud: Cloud{
			Region:  "local",
			Listen:  "127.0.0.1:9000",
			Wire:    "127.0.0.1:9001",
			Publish: 15 * time.Minute,
			Learn:   Learn{Values: 1000, Sources: 20, Budget: 1e-4, Shadow: 24 * time.Hour},
		},
		Log: Log{Level: "info", Format: "auto"},
	}
}
