//go:build linux && !race && !386 && !s390x

package proxy

import (
	"io"
	"net"
	"os"
	"syscall"
	"unsafe"
)

// A direct is a TCP connection that is read and written without telling the
// scheduler of Go. Its descriptor does not block, so a system call never
// sleeps; but one that wakes the reader at the other end, or finds packets to
// receive, takes long enough for the scheduler to think so and to give the
// processor to another thread, which costs as much as the call.
//
// One goroutine may read and one may write at a time.
type direct struct {
	*net.TCPConn
	raw               syscall.RawConn
	in, out           transfer
	tryRead, tryWrite func(fd uintptr) bool // made once
}

// A transfer is a read or a write on its way.
type transfer struct {
	buf []byte
	n   int
	err syscall.Errno
}

// directly returns c as a direct if it is a TCP connection.
func directly(c net.Conn) net.Conn {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return c
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return c
	}
	d := &direct{TCPConn: tcp, raw: raw}
	d.tryRead, d.tryWrite = d.in.read, d.out.write
	return d
}

// NetConn returns the connection itself.
func (d *direct) NetConn() net.Conn { return d.TCPConn }

// Read implements net.Conn.
func (d *direct) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	d.in = transfer{buf: p}
	err := d.raw.Read(d.tryRead)
	d.in.buf = nil
	switch {
	case err != nil:
		return 0, err
	case d.in.err != 0:
		return 0, os.NewSyscallError("read", d.in.err)
	case d.in.n == 0:
		return 0, io.EOF
	}
	return d.in.n, nil
}

// Write implements net.Conn.
func (d *direct) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	d.out = transfer{buf: p}
	err := d.raw.Write(d.tryWrite)
	d.out.buf = nil
	if err == nil && d.out.err != 0 {
		err = os.NewSyscallError("write", d.out.err)
	}
	return d.out.n, err
}

// read reads what there is. It returns false to be called again when there is more.
func (t *transfer) read(fd uintptr) bool {
	n, err := call(syscall.SYS_READ, fd, t.buf)
	if err == syscall.EAGAIN {
		return false
	}
	t.n, t.err = n, err
	return true
}

func (t *transfer) write(fd uintptr) bool {
	for t.n < len(t.buf) {
		n, err := call(syscall.SYS_WRITE, fd, t.buf[t.n:])
		if err == syscall.EAGAIN {
			return false
		}
		if err != 0 {
			t.err = err
			return true
		}
		t.n += n
	}
	return true
}

func call(trap, fd uintptr, p []byte) (int, syscall.Errno) {
	for {
		n, _, err := syscall.RawSyscall(trap, fd, uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)))
		switch err {
		case 0:
			return int(n), 0
		case syscall.EINTR:
		default:
			return 0, err
		}
	}
}

// received looks at what a socket has received. As it is asked before each
// request, it does not tell the scheduler either: that would wake its monitor
// each time, a thread that then wakes up twice more to find nothing to do.
func received(fd uintptr) (int, error) {
	var b [1]byte
	n, _, err := syscall.RawSyscall6(syscall.SYS_RECVFROM, fd, uintptr(unsafe.Pointer(&b[0])), 1, syscall.MSG_PEEK|syscall.MSG_DONTWAIT, 0, 0)
	if err != 0 {
		return 0, err
	}
	return int(n), nil
}
