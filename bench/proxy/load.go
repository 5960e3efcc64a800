package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/gabionhq/gabion/bench/traffic"
)

// wire returns requests as they stand on a connection.
func wire(requests []traffic.Request) [][]byte {
	out := make([][]byte, len(requests))
	for i, q := range requests {
		var b bytes.Buffer
		fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", q.Method, q.Target)
		for _, h := range q.Header {
			fmt.Fprintf(&b, "%s: %s\r\n", h[0], h[1])
		}
		b.WriteString("\r\n")
		b.Write(q.Body)
		out[i] = b.Bytes()
	}
	return out
}

// A load is what clients ask of a proxy. One thread is all clients, without a
// scheduler and without collecting garbage meanwhile: it must cost less than
// what it measures, and must not pause.
type load struct {
	requests [][]byte
	conns    int
	rate     float64       // requests a second, whether or not those before are answered; 0: each client sends when it has its answer
	warm     time.Duration // goes before and does not count: a connection costs more than the requests on it
	long     time.Duration
}

// A client is one connection.
type client struct {
	fd     int
	due    time.Duration // of its request, since the start
	answer [4 << 10]byte
	n      int // bytes of the answer
}

// clients are those of one load.
type clients struct {
	load
	start time.Time
	all   []client
	poll  int   // of epoll
	ready []int // no request on its way; the first is the one that waits longest
	sent  int
	took  []time.Duration // from when a request was due to the end of its answer
	late  []time.Duration // from when it was due until it was sent
}

// forgotten is how long an answer may take.
const forgotten = 30 * time.Second

// put puts the load on a proxy. An answer other than 200 is an error.
func (l load) put(ctx context.Context, addr string) (*clients, error) {
	room := int(max(l.rate, 60e3) * l.long.Seconds())
	c := &clients{load: l, took: make([]time.Duration, 0, room), late: make([]time.Duration, 0, room), ready: make([]int, 0, l.conns)}
	defer c.close()
	if err := c.connect(addr); err != nil {
		return nil, err
	}
	runtime.GC()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	// A thread sleeps 50 us longer than asked unless it says otherwise.
	if err := unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0); err != nil {
		return nil, err
	}
	c.start = time.Now()
	if err := c.run(ctx); err != nil {
		return nil, err
	}
	slices.Sort(c.took)
	slices.Sort(c.late)
	return c, nil
}

func (c *clients) connect(addr string) (err error) {
	to, err := netip.ParseAddrPort(addr)
	if err != nil {
		return err
	}
	if c.poll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return err
	}
	c.all = make([]client, c.conns)
	for i := range c.all {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		c.all[i].fd = fd
		c.ready = append(c.ready, i)
		if err := unix.Connect(fd, &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()}); err != nil {
			return fmt.Errorf("connecting to %s: %w", addr, err)
		}
		if err := errors.Join(unix.SetNonblock(fd, true), unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)); err != nil {
			return err
		}
		if err := unix.EpollCtl(c.poll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(i)}); err != nil {
			return err
		}
	}
	return nil
}

func (c *clients) close() {
	for i := range c.all {
		if c.all[i].fd > 0 {
			unix.Close(c.all[i].fd)
		}
	}
	if c.poll > 0 {
		unix.Close(c.poll)
	}
}

func (c *clients) run(ctx context.Context) error {
	var events [256]unix.EpollEvent
	heard := time.Duration(0)
	for {
		wait, err := c.send()
		if err != nil || c.ended() || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		n, err := sleep(c.poll, events[:], wait)
		if err != nil {
			return fmt.Errorf("waiting for answers: %w", err)
		}
		now := time.Since(c.start)
		if n > 0 {
			heard = now
		} else if now-heard > forgotten {
			return fmt.Errorf("no answer for %v", forgotten)
		}
		for _, e := range events[:n] {
			if err := c.receive(int(e.Fd)); err != nil {
				return err
			}
		}
	}
}

// next returns when the next request is due; ok is false if there is none.
func (c *clients) next(now time.Duration) (due time.Duration, ok bool) {
	if c.rate == 0 {
		return now, now < c.warm+c.long
	}
	due = time.Duration(float64(c.sent) / c.rate * float64(time.Second))
	return due, due < c.warm+c.long
}

// ended says whether all was sent and answered.
func (c *clients) ended() bool {
	_, more := c.next(time.Since(c.start))
	return !more && len(c.ready) == len(c.all)
}

// send sends what is due, and returns for how long nothing else is.
func (c *clients) send() (time.Duration, error) {
	for len(c.ready) > 0 {
		now := time.Since(c.start)
		due, ok := c.next(now)
		if !ok {
			break
		}
		if due > now {
			return due - now, nil
		}
		k := &c.all[c.ready[0]]
		c.ready = append(c.ready[:0], c.ready[1:]...)
		k.due, k.n = due, 0
		if due >= c.warm {
			c.late = append(c.late, now-due)
		}
		q := c.requests[c.sent%len(c.requests)]
		c.sent++
		if n, err := call(unix.SYS_WRITE, k.fd, q); n != len(q) {
			return 0, fmt.Errorf("sent %d of %d bytes: %w", n, len(q), cmp.Or(err, io.ErrShortWrite))
		}
	}
	return time.Second, nil
}

// receive reads what there is of an answer.
func (c *clients) receive(i int) error {
	k := &c.all[i]
	n, err := call(unix.SYS_READ, k.fd, k.answer[k.n:])
	if err == unix.EAGAIN {
		return nil
	}
	if n <= 0 {
		return fmt.Errorf("reading an answer: %w", cmp.Or(err, io.ErrUnexpectedEOF))
	}
	k.n += n
	status, whole, err := answered(k.answer[:k.n])
	if err != nil || !whole {
		return err
	}
	if status != http.StatusOK {
		return fmt.Errorf("status %d", status)
	}
	if k.due >= c.warm {
		c.took = append(c.took, time.Since(c.start)-k.due)
	}
	c.ready = append(c.ready, i)
	return nil
}

var length = []byte("\r\nContent-Length: ")

// answered says whether b is a whole answer, which must have a length.
func answered(b []byte) (status int, whole bool, err error) {
	head := bytes.Index(b, []byte("\r\n\r\n"))
	if head < 0 {
		return 0, false, nil
	}
	if status, err = strconv.Atoi(string(b[min(9, head):min(12, head)])); err != nil {
		return 0, false, fmt.Errorf("no status line: %q", b)
	}
	i := bytes.Index(b[:head], length)
	if i < 0 {
		return 0, false, fmt.Errorf("an answer without length, status %d", status)
	}
	digits, _, _ := bytes.Cut(b[i+len(length):], []byte("\r"))
	n, err := strconv.Atoi(string(digits))
	return status, len(b) >= head+4+n, err
}

// call makes a system call that does not wait, without telling the scheduler.
func call(trap uintptr, fd int, p []byte) (int, error) {
	n, _, err := unix.RawSyscall(trap, uintptr(fd), uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)))
	if err != 0 {
		return 0, err
	}
	return int(n), nil
}

// sleep waits for events, with a bound that epoll_wait would round to
// milliseconds.
func sleep(poll int, events []unix.EpollEvent, wait time.Duration) (int, error) {
	ts := unix.NsecToTimespec(int64(wait))
	n, _, err := unix.Syscall6(unix.SYS_EPOLL_PWAIT2, uintptr(poll), uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), uintptr(unsafe.Pointer(&ts)), 0, 0)
	if err == unix.EINTR {
		return 0, nil
	}
	if err != 0 {
		return 0, err
	}
	return int(n), nil
}

// ask sends one request and returns the status of its answer.
func ask(addr string, q []byte) (int, error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(forgotten))
	if _, err := c.Write(q); err != nil {
		return 0, err
	}
	for b, n := make([]byte, 64<<10), 0; ; {
		k, err := c.Read(b[n:])
		if err != nil {
			return 0, err
		}
		n += k
		if status, whole, err := answered(b[:n]); whole || err != nil {
			return status, err
		}
	}
}
