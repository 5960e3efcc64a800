package main_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// TestLeaks lets an attack pass to an application that fails and shows the
// message of its database. The cloud hears of the leak, and that it is the
// effect of the attack, but nothing of the message.
func TestLeaks(t *testing.T) {
	t.Parallel()
	const secret = "Xq81Zmainframe"
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.URL.RawQuery, "%27") {
			io.WriteString(w, "garden gnome")
			return
		}
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprintf(w, "You have an error in your SQL syntax; check the manual that corresponds to your MySQL server version near '%s' at %s", r.URL.RawQuery, secret)
	}))
	t.Cleanup(upstream.Close)
	c := startCloud(t, "")
	n := startNode(t, c, upstream.URL, "monitoring", "    interval: 1s\n")
	n.expect("/item?id=7", 200)
	attacked := n.expect("/item?id="+url.QueryEscape("7' UNION SELECT name, password FROM users-- "), 500)

	type leak struct {
		Kind, Path, Method, Reason string
		Status                     int
		Hits                       int64
		RequestID                  string `json:"request_id"`
	}
	var leaks struct{ Items []leak }
	eventually(t, 20*time.Second, "the leak arrives", func() error {
		err := c.try("GET", "/api/v1/leaks", nil, &leaks)
		if err == nil && len(leaks.Items) == 0 {
			err = fmt.Errorf("none yet")
		}
		return err
	})
	l := leaks.Items[0]
	if len(leaks.Items) != 1 || l.Kind != "sql_error" || l.Path != "/item" || l.Method != "GET" || l.Status != 500 || l.Hits != 1 || l.RequestID != attacked || l.Reason == "" {
		t.Errorf("%+v", leaks.Items)
	}
	for list, q := range map[string]string{"hits": "leak:sql_error class:sqli request_id:" + attacked, "attacks": "leak:sql_error class:sqli"} {
		var found struct{ Items []hit }
		c.call("GET", "/api/v1/"+list+"?q="+url.QueryEscape(q), nil, &found)
		if len(found.Items) != 1 {
			t.Errorf("%d %s are confirmed by the leak", len(found.Items), list)
		}
	}
	var endpoints struct{ Items []struct{ ID, Path string } }
	eventually(t, 20*time.Second, "the endpoint arrives", func() error {
		err := c.try("GET", "/api/v1/endpoints", nil, &endpoints)
		for _, e := range endpoints.Items {
			var one struct{ Leaks []leak }
			if e.Path == "/item" && c.try("GET", "/api/v1/endpoints/"+e.ID, nil, &one) == nil && len(one.Leaks) == 1 && one.Leaks[0].Kind == "sql_error" {
				return nil
			}
		}
		return fmt.Errorf("no endpoint with a leak: %v, %v", endpoints.Items, err)
	})
	for _, list := range []string{"leaks", "hits", "attacks", "endpoints"} {
		var text any
		c.call("GET", "/api/v1/"+list, nil, &text)
		if strings.Contains(fmt.Sprint(text), secret) {
			t.Errorf("%s show what the response said", list)
		}
	}
}
