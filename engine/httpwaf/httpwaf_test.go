package httpwaf

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gabionhq/gabion/engine"
)

func ExampleWrap() {
	shop := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "results for %s", r.URL.Query().Get("q"))
	})
	srv := httptest.NewServer(Wrap(shop, Options{
		Inspected: func(r *http.Request, v engine.Verdict, rep *engine.Report) {
			for _, f := range rep.Findings {
				fmt.Println(f.Point, f.Class)
			}
		},
	}))
	defer srv.Close()
	for _, q := range []string{"oak+table", "1%27+UNION+SELECT+password+FROM+users--"} {
		res, err := http.Get(srv.URL + "/search?q=" + q)
		if err != nil {
			fmt.Println(err)
			return
		}
		page, _ := io.ReadAll(res.Body)
		res.Body.Close()
		fmt.Println(res.StatusCode, strings.TrimSpace(string(page)))
	}
	// Output:
	// 200 results for oak table
	// get.q sqli
	// 403 The request was blocked.
}

// serve runs one POST through the middleware and returns the status and what
// the handler read.
func serve(t *testing.T, body io.Reader, hold int) (status int, read string, err error) {
	t.Helper()
	next := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var b []byte
		b, err = io.ReadAll(r.Body)
		read = string(b)
	})
	srv := httptest.NewServer(Wrap(next, Options{Hold: hold}))
	defer srv.Close()
	res, perr := http.Post(srv.URL+"/upload", "text/plain", body)
	if perr != nil {
		t.Fatal(perr)
	}
	res.Body.Close()
	return res.StatusCode, read, err
}

func TestBodiesArriveAsSent(t *testing.T) {
	for _, size := range []int{0, 1, 1000, 1 << 20, 1<<20 + 1, 3 << 20} {
		sent := strings.Repeat("plain text. ", size/12+1)[:size]
		status, read, err := serve(t, strings.NewReader(sent), 0)
		if status != 200 || read != sent || err != nil {
			t.Errorf("%d bytes: status %d, %d bytes read, %v", size, status, len(read), err)
		}
	}
}

func TestAttackIsHeld(t *testing.T) {
	const attack = "1' UNION SELECT login, password FROM users -- "
	status, read, _ := serve(t, strings.NewReader(attack), 0)
	if status != http.StatusForbidden || read != "" {
		t.Errorf("status %d, the handler read %q", status, read)
	}
	long := strings.Repeat("plain text. ", 200_000) + attack
	_, read, err := serve(t, strings.NewReader(long), 64<<10)
	if !errors.Is(err, ErrBlocked) || strings.Contains(read, "FROM users") {
		t.Errorf("the handler read %d of %d bytes: %v", len(read), len(long), err)
	}
}
