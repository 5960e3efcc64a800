package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// priority begins this program anew with a priority over all ordinary processes,
// which proxies, clients and upstream inherit alike. It returns where it need not,
// or may not.
//
// Clients and upstream share cores, and take turns in slices of milliseconds
// otherwise; so does whatever else the machine runs. A request takes 60 us.
func priority() error {
	runtime.LockOSThread() // a program begins with the priority of the thread that begins it
	defer runtime.UnlockOSThread()
	now, err := unix.SchedGetAttr(0, 0)
	if err != nil {
		return fmt.Errorf("asking for the priority: %w", err)
	}
	if now.Policy != unix.SCHED_NORMAL {
		return nil
	}
	err = unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_RR, Priority: 1}, 0)
	if errors.Is(err, unix.EPERM) {
		fmt.Fprintln(os.Stderr, "proxy: without a priority (CAP_SYS_NICE), latencies are those of the machine's scheduler")
		return nil
	}
	if err != nil {
		return fmt.Errorf("asking for a priority: %w", err)
	}
	return unix.Exec("/proc/self/exe", os.Args, os.Environ())
}
