package proxy

import "time"

// A deadline is that of the reads or of the writes of a connection. It is
// moved when it would move by an eighth: moving it for each read and write
// costs as much as reading the head. A wait is that much shorter at most.
type deadline struct {
	from time.Time
	in   time.Duration
}

// within returns when a wait of at most in ends, and whether the connection
// has to be told.
func (d *deadline) within(in time.Duration) (end time.Time, move bool) {
	now := time.Now()
	if in == d.in && now.Sub(d.from) < in/8 {
		return end, false
	}
	d.from, d.in = now, in
	return now.Add(in), true
}

// readWithin bounds the next read of the request.
func (c *conn) readWithin(in time.Duration) {
	if end, move := c.reading.within(in); move {
		c.net.SetReadDeadline(end)
	}
}

// writeWithin bounds the next write of the response.
func (c *conn) writeWithin(in time.Duration) {
	if end, move := c.writing.within(in); move {
		c.net.SetWriteDeadline(end)
	}
}

// readWithin bounds the next read of the response. While a pump writes the
// request it is the pump that says from when on an answer is due.
func (l *link) readWithin(in time.Duration) {
	if end, move := l.reading.within(in); move {
		l.SetReadDeadline(end)
	}
}

// writeWithin bounds the next write of the request.
func (l *link) writeWithin(in time.Duration) {
	if end, move := l.writing.within(in); move {
		l.SetWriteDeadline(end)
	}
}
