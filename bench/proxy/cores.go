package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// cores says who runs where: the proxy that is measured has a core of its own,
// so that who asks and who answers takes nothing from it.
type cores struct {
	proxy, others unix.CPUSet
}

// divide gives the last core to the proxies.
func divide() (*cores, error) {
	var all unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		return nil, fmt.Errorf("asking for the cores of this process: %w", err)
	}
	if all.Count() < 2 {
		return nil, errors.New("one core for the proxy and one for its clients are needed")
	}
	c, last := &cores{others: all}, 0
	for i := range 64 * len(all) {
		if all.IsSet(i) {
			last = i
		}
	}
	c.proxy.Set(last)
	c.others.Clear(last)
	return c, nil
}

// pinned calls f on a thread that runs on these cores only, as do the
// processes that f starts.
func pinned(set *unix.CPUSet, f func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return err
	}
	if err := unix.SchedSetaffinity(0, set); err != nil {
		return fmt.Errorf("choosing a core: %w", err)
	}
	defer unix.SchedSetaffinity(0, &before)
	return f()
}

// tick is the unit of /proc/stat and /proc/PID/stat, the same on every Linux
// that Go knows.
const tick = 10 * time.Millisecond

// busy returns how long the cores of the machine have done anything, or nothing
// because another machine of the same host had them (steal).
func busy() (sum time.Duration, err error) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(b[:bytes.IndexByte(b, '\n')]))
	if len(fields) < 9 {
		return 0, fmt.Errorf("/proc/stat begins with %q", fields)
	}
	for _, k := range []int{1, 2, 3, 6, 7, 8} { // user, nice, system, irq, softirq, steal
		n, err := strconv.Atoi(fields[k])
		if err != nil {
			return 0, err
		}
		sum += time.Duration(n) * tick
	}
	return sum, nil
}
