package replay

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// cpuTime returns the processor time in nanoseconds that f takes. Unlike
// time on the wall it does not grow with what else the machine does.
func cpuTime(f func()) int64 {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	start := threadTime()
	f()
	return threadTime() - start
}

func threadTime() int64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		panic("BUG: " + err.Error()) // every Linux has that clock
	}
	return t.Nano()
}
