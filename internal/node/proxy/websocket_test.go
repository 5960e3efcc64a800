package proxy

import (
	"context"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// WebSockets pass once their handshake is inspected, and are counted.
func TestWebSocket(t *testing.T) {
	up := serve(t, func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer c.CloseNow()
		for {
			kind, b, err := c.Read(r.Context())
			if err != nil || c.Write(r.Context(), kind, b) != nil {
				return
			}
		}
	})
	p, addr := start(t, up, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	c, res, err := websocket.Dial(ctx, "ws://"+addr+"/chat?room=summer", nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Header.Get("X-Gabion-Request-Id")) != 26 {
		t.Errorf("%q", res.Header)
	}
	for _, text := range []string{"hello", string(prose()[:20000]), "bye"} {
		if err := c.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if _, b, err := c.Read(ctx); err != nil || string(b) != text {
			t.Fatalf("%.40q %v", b, err)
		}
	}
	if err := c.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Error(err)
	}
	if _, res, err := websocket.Dial(ctx, "ws://"+addr+"/chat?room="+url.QueryEscape(attack), nil); err == nil || res.StatusCode != 403 {
		t.Errorf("%v %v", res, err)
	}
	waitIdle(t, p)
	if n := p.Counts(); n.Received != 2 || n.Inspected != 2 || n.Blocked != 1 || n.UpgradedBytes < 40000 {
		t.Errorf("%+v", n)
	}
}
