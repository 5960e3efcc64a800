// Package config is the one YAML form of Gabion: its structs, defaults, schema and reader.
package config

import "time"

// Config is a whole file. `gabion run` reads all of it, `gabion node` and
// `gabion cloud` their own part.
type Config struct {
	Data  string `yaml:"data"` // directory of all state, 0700
	Node  Node   `yaml:"node"`
	Cloud Cloud  `yaml:"cloud"`
	Log   Log    `yaml:"log"`
}

// Log is how the program logs, to standard error.
type Log struct {
	Level  string `yaml:"level"`  // debug, info, warn, error
	Format string `yaml:"format"` // text, json, auto
}

// Node is the filtering node.
type Node struct {
	Listen         string   `yaml:"listen"` // traffic
	Admin          string   `yaml:"admin"`  // /healthz /readyz /metrics
	Name           string   `yaml:"name"`   // label in the console; default: host name
	Sites          []Site   `yaml:"sites"`
	TrustedProxies []string `yaml:"trusted_proxies"` // CIDRs whose X-Forwarded-For is believed
	Inspect        Inspect  `yaml:"inspect"`
	Uplink         Uplink   `yaml:"uplink"`
	CloudMay       CloudMay `yaml:"cloud_may"`
	Evidence       Store    `yaml:"evidence"`
	Recorder       Recorder `yaml:"recorder"`
	Spool          Store    `yaml:"spool"`
	Privacy        Privacy  `yaml:"privacy"`
}

// Site is one protected application.
type Site struct {
	Hosts       []string `yaml:"hosts"` // empty: any
	Upstream    string   `yaml:"upstream"`
	Mode        string   `yaml:"mode"`          // off, monitoring, safe_blocking, block
	Override    string   `yaml:"mode_override"` // on, strict, off
	OnError     string   `yaml:"on_error"`      // open, closed
	Application int32    `yaml:"application"`
}

// Inspect bounds inspection.
type Inspect struct {
	Hold int64 `yaml:"hold"` // bytes of a body held back before the verdict
}

// Uplink is the way to the cloud. A node without URL and token runs alone.
type Uplink struct {
	URL   string `yaml:"url"`
	Token string `yaml:"token"` // enrolment token; used once, then the key in data counts
}

// CloudMay are the ceilings that no ruleset passes.
type CloudMay struct {
	LowestMode string   `yaml:"lowest_mode"` // the mildest mode a ruleset may set
	NeverOff   []string `yaml:"never_off"`   // host/path patterns whose mode stays as configured here
	Evidence   bool     `yaml:"evidence"`    // answer Ask with sealed evidence
	Preview    bool     `yaml:"preview"`
	Unmask     bool     `yaml:"unmask"`
	BlockPage  bool     `yaml:"block_page"`
	AllowList  bool     `yaml:"allow_list"` // entries wider than /12 or /32 are refused anyway
}

// Store bounds a directory on disk.
type Store struct {
	MaxBytes int64         `yaml:"max_bytes"`
	MaxAge   time.Duration `yaml:"max_age"`
}

// Recorder samples benign requests, credentials removed.
type Recorder struct {
	Store  `yaml:",inline"`
	Sample float64 `yaml:"sample"`
}

// Privacy is what may leave the node.
type Privacy struct {
	Source  string   `yaml:"source"` // pseudonym, full
	RevealK int      `yaml:"reveal_k"`
	Reveal  []string `yaml:"reveal"` // names that may leave at once
}

// Cloud is the control and analytics side of one region.
type Cloud struct {
	Region  string        `yaml:"region"`
	Listen  string        `yaml:"listen"`  // console and API
	Wire    string        `yaml:"wire"`    // nodes, TLS
	Public  string        `yaml:"public"`  // address of Wire as nodes see it
	Publish time.Duration `yaml:"publish"` // the clock of learned rules; default 15m
}
