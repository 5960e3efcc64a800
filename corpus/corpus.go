// Package corpus is the project's own set of labelled requests.
package corpus

import (
	"bytes"
	"compress/gzip"
	"embed"
	"encoding/json"
	"fmt"
)

//go:generate go run ./generate

//go:embed attacks.jsonl.gz benign.jsonl.gz
var files embed.FS

// A Request is one labelled request, as `gabion score` reads it.
type Request struct {
	ID      string      `json:"id"`
	Source  string      `json:"source"`
	Label   string      `json:"label"` // attack or benign
	Class   string      `json:"class"`
	Method  string      `json:"method"`
	Target  string      `json:"target"`
	Headers [][2]string `json:"headers"`
	Body    []byte      `json:"body_b64"`
	Context string      `json:"ctx"`
	Tier    string      `json:"tier"`
	Family  string      `json:"family"`
}

// Attacks returns the attack set.
func Attacks() ([]Request, error) { return read("attacks.jsonl.gz") }

// Benign returns the benign set.
func Benign() ([]Request, error) { return read("benign.jsonl.gz") }

func read(name string) ([]Request, error) {
	b, err := files.ReadFile(name)
	if err != nil {
		return nil, err
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("corpus %s: %w", name, err)
	}
	var list []Request
	for d := json.NewDecoder(z); d.More(); {
		var r Request
		if err := d.Decode(&r); err != nil {
			return nil, fmt.Errorf("corpus %s: request %d: %w", name, len(list)+1, err)
		}
		list = append(list, r)
	}
	return list, nil
}
