// Work counts the steps that a scan takes.
//
// It is built with go build -cover -covermode=atomic and reads lines of a size,
// a head and a piece, quoted. For each it repeats the piece up to the size,
// scans the head and that, and prints how many basic blocks were executed: a measure of work
// that is the same on every machine and at every load.
package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"log"
	"os"
	"runtime/coverage"

	"github.com/gabionhq/gabion/engine/detect"
)

func main() {
	lines := bufio.NewScanner(os.Stdin)
	var s detect.Scanner
	for lines.Scan() {
		var size int
		var head, piece string
		if _, err := fmt.Sscanf(lines.Text(), "%d %q %q", &size, &head, &piece); err != nil {
			log.Fatalf("reading %q: %v", lines.Text(), err)
		}
		v := append([]byte(head), bytes.Repeat([]byte(piece), size/len(piece))...)
		before := executed()
		s.Scan(v, &detect.Where{Place: detect.InForm})
		fmt.Println(executed() - before)
	}
}

// executed returns how many basic blocks were executed so far, from the
// counters as they would be written at the exit: a header of 32 bytes, whose
// 25th tells the encoding of numbers; the number of functions and the sizes of
// two tables; the tables; and for each function its number of counters, its
// package, itself, and the counters.
func executed() uint64 {
	var b bytes.Buffer
	if err := coverage.WriteCounters(&b); err != nil {
		log.Fatal(err)
	}
	v := b.Bytes()
	number := func() uint64 {
		x := uint64(binary.LittleEndian.Uint32(v))
		v = v[4:]
		return x
	}
	if v[24] == 2 {
		number = func() uint64 {
			x, n := binary.Uvarint(v)
			v = v[n:]
			return x
		}
	}
	functions := binary.LittleEndian.Uint64(v[32:])
	tables := binary.LittleEndian.Uint32(v[40:]) + binary.LittleEndian.Uint32(v[44:])
	v = v[(48+tables+3)&^3:]
	var sum uint64
	for range functions {
		counters := number()
		number()
		number()
		for range counters {
			sum += number()
		}
	}
	return sum
}
