package engine_test

import (
	"fmt"

	"github.com/gabionhq/gabion/engine"
	"github.com/gabionhq/gabion/engine/rule"
)

func Example() {
	e := engine.New(engine.Options{})
	tx := e.Begin(nil, engine.Env{Mode: rule.Block})
	defer tx.Close()
	tx.Headers(&engine.Head{
		Method: []byte("POST"),
		Target: []byte("/login"),
		Header: []engine.HeaderField{{Name: []byte("Content-Type"), Value: []byte("application/json")}},
	})
	tx.Body([]byte(`{"user":"ada","password":"x' UNI`))
	tx.Body([]byte(`ON SELECT login, password FROM users--"}`))
	v := tx.End()
	fmt.Println("block:", v.Decision == engine.Block)
	for _, f := range tx.Report().Findings {
		fmt.Println(f.Class, "at", f.Point)
		fmt.Println(f.Reason)
	}
	// Output:
	// block: true
	// sqli at post.json.password
	// A second query is joined by UNION.
}
