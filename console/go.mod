// This file keeps the console out of the Go module.
module github.com/gabionhq/gabion/console

go 1.26
