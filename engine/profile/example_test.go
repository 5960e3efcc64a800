package profile_test

import (
	"fmt"

	"github.com/gabionhq/gabion/engine/profile"
)

func Example() {
	var sketch profile.Sketch // grows on nodes, merges in the cloud
	var value profile.Stat
	for i := range 1000 {
		value.Of(fmt.Append(nil, i))
		tag := uint64(i) * 0x9e3779b97f4a7c15 // a hash under the group's key
		sketch.Add(&value, tag, tag)
	}
	model := profile.Compile(&sketch) // part of the ruleset
	fmt.Println(model)

	value.Of([]byte("7' or '1'='1"))
	d := model.Score(&value)
	fmt.Println(d.Strong, d.Reason)
	// Output:
	// int of digit, shorter than 4 bytes, from 512 values or more
	// true the value is not of the type this parameter has always held, and holds characters it has never held
}
