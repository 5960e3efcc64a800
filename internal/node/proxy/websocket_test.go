package proxy

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/gabionhq/gabion/engine"
	"github.com/gabionhq/gabion/engine/rule"
)

// attackMessage is an attack as a client of a chat may send it.
var attackMessage = []byte(`{"room": "summer", "text": "` + attack + `"}`)

// A chat is a server that sends back what it gets and remembers it.
type chat struct {
	mode websocket.CompressionMode
	mu   sync.Mutex
	got  [][]byte
}

func (s *chat) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{CompressionMode: s.mode, CompressionThreshold: 1})
	if err != nil {
		return
	}
	defer c.CloseNow()
	c.SetReadLimit(64 << 20)
	for {
		kind, b, err := c.Read(r.Context())
		if err != nil {
			return
		}
		s.mu.Lock()
		s.got = append(s.got, b)
		s.mu.Unlock()
		if c.Write(r.Context(), kind, b) != nil {
			return
		}
	}
}

func (s *chat) received() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.got)
}

func dialChat(t *testing.T, addr string, mode websocket.CompressionMode) *websocket.Conn {
	t.Helper()
	c, res, err := websocket.Dial(t.Context(), "ws://"+addr+"/chat?room=summer", &websocket.DialOptions{CompressionMode: mode, CompressionThreshold: 1})
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Header.Get("X-Gabion-Request-Id")) != 26 {
		t.Errorf("%q", res.Header)
	}
	c.SetReadLimit(64 << 20)
	t.Cleanup(func() { c.CloseNow() })
	return c
}

// exchangeMessage sends a message in so many pieces and checks that it comes back.
func exchangeMessage(t *testing.T, c *websocket.Conn, kind websocket.MessageType, b []byte, pieces int) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	sent := make(chan error, 1)
	go func() {
		w, err := c.Writer(ctx, kind)
		for i := range pieces {
			if err == nil {
				_, err = w.Write(b[len(b)*i/pieces : len(b)*(i+1)/pieces])
			}
		}
		if err == nil {
			err = w.Close()
		}
		sent <- err
	}()
	gotKind, got, err := c.Read(ctx)
	if err != nil {
		return err
	}
	if gotKind != kind || !bytes.Equal(got, b) {
		t.Errorf("%v of %d bytes came back as %v of %d", kind, len(b), gotKind, len(got))
	}
	return <-sent
}

var compressionModes = []websocket.CompressionMode{websocket.CompressionDisabled, websocket.CompressionNoContextTakeover, websocket.CompressionContextTakeover}

// Messages of a WebSocket pass one by one, whatever their form, and a
// malicious one never arrives.
func TestWebSocket(t *testing.T) {
	for _, mode := range compressionModes {
		t.Run(fmt.Sprint(mode), func(t *testing.T) {
			server := &chat{mode: mode}
			p, addr := start(t, serve(t, server.ServeHTTP), nil)
			c := dialChat(t, addr, mode)
			messages := 0
			for _, b := range [][]byte{[]byte("hello"), {}, []byte(`{"room": "summer", "text": "it's five o'clock"}`), prose()[:20000], prose()[:100]} {
				for _, kind := range []websocket.MessageType{websocket.MessageText, websocket.MessageBinary} {
					for _, pieces := range []int{1, 3} {
						if err := exchangeMessage(t, c, kind, b, pieces); err != nil {
							t.Fatal(err)
						}
						messages++
					}
				}
			}
			// Pongs of the server pass while a message of ours is on its way.
			ctx := t.Context()
			c.CloseRead(ctx)
			if err := c.Ping(ctx); err != nil {
				t.Error(err)
			}
			c.CloseNow()

			c = dialChat(t, addr, mode)
			if err := exchangeMessage(t, c, websocket.MessageText, []byte("hello"), 1); err != nil {
				t.Fatal(err)
			}
			err := exchangeMessage(t, c, websocket.MessageText, attackMessage, 2)
			if websocket.CloseStatus(err) != websocket.StatusPolicyViolation || !strings.Contains(err.Error(), "message blocked") {
				t.Errorf("attack: %v", err)
			}
			if _, res, err := websocket.Dial(ctx, "ws://"+addr+"/chat?room="+url.QueryEscape(attack), nil); err == nil || res.StatusCode != 403 {
				t.Errorf("%v %v", res, err)
			}
			waitIdle(t, p)
			if n := server.received(); n != messages+1 {
				t.Errorf("%d messages reached the server, want %d", n, messages+1)
			}
			n := p.Counts()
			if n.Received != 3 || n.Inspected != 3 || n.Blocked != 1 || n.UpgradedBytes == 0 {
				t.Errorf("%+v", n)
			}
			if m := n.Messages; m.Inspected != uint64(messages+2) || m.Attacks != 1 || m.Blocked != 1 {
				t.Errorf("%+v", m)
			}
		})
	}
}

// An attack hides behind the window of a long message, and the last bytes
// of that message never arrive.
func TestWebSocketLongMessage(t *testing.T) {
	for _, mode := range compressionModes {
		server := &chat{mode: mode}
		p, addr := start(t, serve(t, server.ServeHTTP), func(o *Options) { o.Hold = 64 << 10 })
		c := dialChat(t, addr, mode)
		r := rand.New(rand.NewPCG(1, 2))
		long := []byte(`{"text": "`)
		for len(long) < 600<<10 {
			long = append(long, fmt.Sprintf("summer %x evening ", r.Uint64())...)
		}
		if err := exchangeMessage(t, c, websocket.MessageText, append(long, `"}`...), 5); err != nil {
			t.Fatal(err)
		}
		err := exchangeMessage(t, c, websocket.MessageText, append(long, `", "more": "`+attack+`"}`...), 5)
		if err == nil {
			t.Error("a long attack came back")
		}
		waitIdle(t, p)
		if n := server.received(); n != 1 {
			t.Errorf("%d messages reached the server", n)
		}
		if m := p.Counts().Messages; m.Inspected != 2 || m.Blocked != 1 {
			t.Errorf("%+v", m)
		}
	}
}

// In monitoring mode attacks pass and are recorded, each with an id of its own.
func TestWebSocketMonitoring(t *testing.T) {
	for _, mode := range []rule.Mode{rule.Monitoring, rule.Off} {
		server := &chat{}
		o := &hearer{}
		p, addr := start(t, serve(t, server.ServeHTTP), func(opts *Options) { opts.Sites[0].Mode, opts.Observer = mode, o })
		c := dialChat(t, addr, websocket.CompressionDisabled)
		for range 2 {
			if err := exchangeMessage(t, c, websocket.MessageText, attackMessage, 1); err != nil {
				t.Fatal(err)
			}
		}
		c.CloseNow()
		waitIdle(t, p)
		n := p.Counts()
		if mode == rule.Off {
			if n.Relayed["off"] != 1 || n.Messages.Inspected != 0 || len(o.attacks) != 0 {
				t.Errorf("%+v", n)
			}
			continue
		}
		if n.Messages.Inspected != 2 || n.Messages.Attacks != 2 || n.Messages.Blocked != 0 || n.Attacks != 0 {
			t.Errorf("%+v", n)
		}
		if len(o.attacks) != 2 || o.attacks[0] == o.attacks[1] || o.bodies[0] != string(attackMessage) || o.targets[0] != "/chat" {
			t.Errorf("%+v", o)
		}
	}
}

type hearer struct {
	mu                       sync.Mutex
	attacks, bodies, targets []string
}

func (o *hearer) Attack(r *Record) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.attacks = append(o.attacks, r.RequestID)
	o.bodies = append(o.bodies, string(r.Body))
	o.targets = append(o.targets, string(r.Head.Target))
}

func (o *hearer) Done(*Record)               {}
func (*hearer) Share(*Record, uint64) uint32 { return 1 }

// upgraded runs a server that switches protocols with the fields and hands
// over what it gets then.
func upgraded(t *testing.T, fields string, use func(net.Conn, *bufio.Reader)) string {
	t.Helper()
	l := listen(t)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			r := bufio.NewReader(c)
			if _, err := http.ReadRequest(r); err != nil {
				c.Close()
				continue
			}
			io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"+fields+"\r\n")
			use(c, r)
			c.Close()
		}
	}()
	return "http://" + l.Addr().String()
}

// upgrade opens a connection to such a server through a proxy.
func upgrade(t *testing.T, addr, protocol string) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(20 * time.Second))
	fmt.Fprintf(c, "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: %s\r\n\r\n", protocol)
	r := bufio.NewReader(c)
	res, err := http.ReadResponse(r, nil)
	if err != nil || res.StatusCode != 101 {
		t.Fatalf("%v %v", res, err)
	}
	return c, r
}

// appendFrame appends a frame of a client.
func appendFrame(dst []byte, first byte, mask uint32, payload []byte) []byte {
	dst = append(dst, first)
	switch n := len(payload); {
	case n < 126:
		dst = append(dst, 0x80|byte(n))
	case n < 1<<16:
		dst = binary.BigEndian.AppendUint16(append(dst, 0x80|126), uint16(n))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, 0x80|127), uint64(n))
	}
	dst = binary.BigEndian.AppendUint32(dst, mask)
	key := [4]byte(dst[len(dst)-4:])
	for i, b := range payload {
		dst = append(dst, b^key[i&3])
	}
	return dst
}

// The frames of 1,000 random benign messages arrive byte for byte, and so
// does what the server sends.
func TestWebSocketUntouched(t *testing.T) {
	var arrived bytes.Buffer
	done := make(chan struct{})
	p, addr := start(t, upgraded(t, "Upgrade: websocket\r\n", func(c net.Conn, r *bufio.Reader) {
		io.Copy(io.MultiWriter(&arrived, c), r)
		close(done)
	}), nil)
	c, r := upgrade(t, addr, "websocket")
	random := rand.New(rand.NewPCG(3, 4))
	var sent []byte
	for range 1000 {
		payload := prose()[:random.IntN(1<<random.IntN(15))]
		if random.IntN(4) == 0 {
			sent = appendFrame(sent, 0x89, random.Uint32(), payload[:min(len(payload), 125)])
		}
		first := byte(1 + random.IntN(2))
		for random.IntN(3) == 0 {
			cut := random.IntN(len(payload) + 1)
			sent = appendFrame(sent, first, random.Uint32(), payload[:cut])
			payload, first = payload[cut:], 0
		}
		sent = appendFrame(sent, 0x80|first, random.Uint32(), payload)
	}
	go func() {
		for b := sent; len(b) > 0; {
			n := min(len(b), 1+random.IntN(3000))
			if _, err := c.Write(b[:n]); err != nil {
				return
			}
			b = b[n:]
		}
		c.(*net.TCPConn).CloseWrite()
	}()
	back, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	<-done
	if !bytes.Equal(arrived.Bytes(), sent) || !bytes.Equal(back, sent) {
		t.Errorf("%d bytes were sent, %d arrived, %d came back", len(sent), arrived.Len(), len(back))
	}
	waitIdle(t, p)
	if m := p.Counts().Messages; m.Inspected != 1000 || m.Attacks != 0 {
		t.Errorf("%+v", m)
	}
}

// A control frame does not wait for the end of the message around it.
func TestWebSocketControlPassesHeldFragment(t *testing.T) {
	ping := appendFrame(nil, 0x89, 7, []byte("?"))
	_, addr := start(t, upgraded(t, "Upgrade: websocket\r\n", func(c net.Conn, r *bufio.Reader) {
		b := make([]byte, len(ping))
		if _, err := io.ReadFull(r, b); err == nil && bytes.Equal(b, ping) {
			c.Write([]byte{0x8a, 1, '?'})
		}
		io.Copy(io.Discard, r)
	}), nil)
	c, r := upgrade(t, addr, "websocket")
	c.Write(append(appendFrame(nil, 0x01, 1, []byte("half a mess")), ping...))
	pong := make([]byte, 3)
	if _, err := io.ReadFull(r, pong); err != nil || string(pong) != "\x8a\x01?" {
		t.Errorf("%q %v", pong, err)
	}
}

// The node's Close frame waits for the end of the frame of the server.
func TestWebSocketCloseBetweenFrames(t *testing.T) {
	begun, blocked := make(chan struct{}), make(chan struct{})
	_, addr := start(t, upgraded(t, "Upgrade: websocket\r\n", func(c net.Conn, r *bufio.Reader) {
		c.Write([]byte{0x82, 4, 'a', 'b'})
		close(begun)
		b := make([]byte, 8) // the Close frame
		if _, err := io.ReadFull(r, b); err != nil || b[0] != 0x88 || binary.BigEndian.Uint16(b[6:]) != 1008 {
			t.Errorf("the server got %q, %v", b, err)
		}
		close(blocked)
		c.Write([]byte{'c', 'd', 0x82, 1, 'e'})
		io.Copy(io.Discard, r)
	}), nil)
	c, r := upgrade(t, addr, "websocket")
	<-begun
	c.Write(appendFrame(nil, 0x81, 1, attackMessage))
	<-blocked
	got, err := io.ReadAll(r)
	if err != nil || len(got) < 10 || string(got[:6]) != "\x82\x04abcd" || got[6] != 0x88 || int(got[7]) != len(got)-8 || binary.BigEndian.Uint16(got[8:]) != 1008 {
		t.Errorf("%q %v", got, err)
	}
}

// A message whose inspection fails passes where the site fails open, and
// else ends the connection.
func TestWebSocketEngineFails(t *testing.T) {
	for _, open := range []bool{true, false} {
		server := &chat{}
		p, addr := start(t, serve(t, server.ServeHTTP), func(o *Options) {
			begin := o.Begin
			o.Sites[0].FailOpen = open
			o.Begin = func(s *rule.Set, env engine.Env) Inspection { return failsOnBody{begin(s, env)} }
		})
		c := dialChat(t, addr, websocket.CompressionDisabled)
		err := exchangeMessage(t, c, websocket.MessageText, []byte("hello"), 2)
		if open && err != nil || !open && websocket.CloseStatus(err) != websocket.StatusInternalError {
			t.Errorf("open %v: %v", open, err)
		}
		c.CloseNow()
		waitIdle(t, p)
		if m := p.Counts().Messages; m.Bypassed["error"] != 1 || server.received() == 1 != open {
			t.Errorf("open %v: %+v", open, m)
		}
	}
}

type failsOnBody struct{ Inspection }

func (failsOnBody) Body([]byte) engine.Verdict { panic("broken") }

// What is no WebSocket as the node knows it is relayed and counted, and
// what no client may send is refused.
func TestWebSocketBypass(t *testing.T) {
	f := func(fields, protocol string, sent []byte, reason string, malformed uint64) {
		t.Helper()
		var arrived atomic.Int64
		p, addr := start(t, upgraded(t, fields, func(_ net.Conn, r *bufio.Reader) {
			b, err := io.ReadAll(r)
			if err != nil && !errors.Is(err, net.ErrClosed) {
				t.Log(err)
			}
			if bytes.Contains(b, sent) {
				arrived.Add(1)
			}
		}), nil)
		c, r := upgrade(t, addr, protocol)
		c.Write(sent)
		c.(*net.TCPConn).CloseWrite()
		io.Copy(io.Discard, r)
		waitIdle(t, p)
		n := p.Counts()
		if got := arrived.Load() == 1; got != (malformed == 0) {
			t.Errorf("%q: arrived: %v", sent, got)
		}
		if reason != "" && n.Relayed[reason] != 1 || n.Messages.Bypassed["malformed"] != malformed {
			t.Errorf("%q: %+v", sent, n)
		}
	}
	f("Upgrade: chat\r\n", "chat", []byte("anything"), "protocol", 0)
	f("Upgrade: websocket\r\nSec-WebSocket-Extensions: x-own\r\n", "websocket", []byte("anything"), "extension", 0)
	f("Upgrade: websocket\r\nSec-WebSocket-Protocol: mqtt\r\n", "websocket", appendFrame(nil, 0x82, 1, []byte("hello")), "", 0)
	f("Upgrade: websocket\r\n", "websocket", []byte{0x81, 1, 'a'}, "", 1)                   // no mask
	f("Upgrade: websocket\r\n", "websocket", appendFrame(nil, 0xc1, 1, []byte("a")), "", 1) // compression not negotiated
	f("Upgrade: websocket\r\n", "websocket", appendFrame(nil, 0x80, 1, []byte("a")), "", 1) // continues nothing
	f("Upgrade: websocket\r\n", "websocket", appendFrame(nil, 0x83, 1, []byte("a")), "", 1) // reserved opcode
}
