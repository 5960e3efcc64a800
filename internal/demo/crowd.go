package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/gabionhq/gabion/corpus"
)

// A Crowd is the traffic of the demo: shoppers who use the shop and one
// attacker who replays the attack set, all through the node at Target. Each
// has an address of its own, from the block for benchmarks (RFC 2544), that
// it sends as a trusted proxy would.
type Crowd struct {
	Target string        // URL of the node
	Users  int           // shoppers
	Pause  time.Duration // mean between two requests of one shopper
}

// Run lets the crowd in until ctx ends.
func (c *Crowd) Run(ctx context.Context) error {
	attacks, err := corpus.Attacks()
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	for i := range c.Users {
		wg.Go(func() { c.shopper(ctx, i) })
	}
	wg.Go(func() { c.attacker(ctx, attacks) })
	wg.Wait()
	return nil
}

// A visitor is one member of the crowd.
type visitor struct {
	client  http.Client
	target  string
	address string
	agent   string
	rnd     *rand.Rand
}

var agents = []string{
	"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
	"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.4 Safari/605.1.15",
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/146.0.0.0 Safari/537.36",
	"GabionShop/2.1 (Android 15)",
}

func (c *Crowd) visitor(n int) *visitor {
	rnd := rand.New(rand.NewPCG(uint64(n), 7))
	return &visitor{
		client:  http.Client{Timeout: 10 * time.Second},
		target:  c.Target,
		address: fmt.Sprintf("198.18.%d.%d", n%256, 1+rnd.IntN(254)),
		agent:   agents[n%len(agents)],
		rnd:     rnd,
	}
}

func (c *Crowd) shopper(ctx context.Context, n int) {
	v := c.visitor(n)
	for pause(ctx, time.Duration(v.rnd.ExpFloat64()*float64(c.Pause))) {
		v.errand(ctx)
	}
}

// attacker replays the attack set in random order, for ever.
func (c *Crowd) attacker(ctx context.Context, attacks []corpus.Request) {
	v := c.visitor(250)
	for pause(ctx, time.Duration(v.rnd.ExpFloat64()*float64(2*time.Second))) {
		r := attacks[v.rnd.IntN(len(attacks))]
		v.send(ctx, r.Method, aim.Replace(r.Target), r.Headers, r.Body)
	}
}

// aim leads the attack set to the vulnerable twins.
var aim = strings.NewReplacer("/search?", "/legacy/search?", "/comments", "/legacy/login",
	"/api/v1/items", "/api/v1/reviews", "/xml", "/legacy/stock", "/tags/", "/products/")

// pause waits and says whether to go on.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

var (
	wishes   = []string{"basket", "gabion 100", "stones", "basalt", "planting bag", "bench", "tensioner", "geotextile 10 m", "O'Malley"}
	opinions = []string{
		"It's a wall; it holds. We'd buy it again!", "Good, but the lid (left side) was bent - fixed with pliers.",
		"5/5 & fast delivery", "Steine etwas zu klein, sonst gut.", "Select the larger basket, the small one drops over.",
	}
	places = []string{"12 Rampart Lane, Springfield", "Straße des 17. Juni 135, Berlin", "c/o O'Neill, Block B/2, Dublin 4"}
)

func pick(r *rand.Rand, list []string) string { return list[r.IntN(len(list))] }

// errand is one thing that a shopper comes for.
func (v *visitor) errand(ctx context.Context) {
	product := 1 + v.rnd.IntN(10)
	switch v.rnd.IntN(12) {
	case 0:
		v.get(ctx, "/")
	case 1, 2:
		v.get(ctx, "/search?q="+url.QueryEscape(pick(v.rnd, wishes))+fmt.Sprintf("&page=%d", 1+v.rnd.IntN(5)))
	case 3:
		v.get(ctx, "/products?category="+pick(v.rnd, []string{"baskets", "stones", "hardware", "garden"}))
	case 4, 5:
		v.get(ctx, fmt.Sprintf("/products/%d", product))
	case 6:
		v.get(ctx, fmt.Sprintf("/api/v1/products/%d", product))
	case 7:
		form := url.Values{"user": {pick(v.rnd, []string{"ada", "linus"})}, "password": {pick(v.rnd, []string{"pebble", "basalt"})}}
		v.send(ctx, "POST", "/login", [][2]string{{"Content-Type", "application/x-www-form-urlencoded"}}, []byte(form.Encode()))
	case 8:
		v.post(ctx, "/api/v1/orders", order{User: "ada", Items: []item{{product, 1 + v.rnd.IntN(4)}}, Address: pick(v.rnd, places), Delivery: "2026-12-24"})
	case 9:
		v.post(ctx, "/api/v1/reviews", review{Product: product, Stars: 1 + v.rnd.IntN(5), Text: pick(v.rnd, opinions)})
	case 10:
		v.post(ctx, "/graphql", map[string]any{
			"query":     `query Find($s: String) { products(search: $s) { id name cents } }`,
			"variables": map[string]string{"s": pick(v.rnd, wishes)},
		})
	case 11:
		v.upload(ctx)
	}
}

func (v *visitor) get(ctx context.Context, target string) { v.send(ctx, "GET", target, nil, nil) }

func (v *visitor) post(ctx context.Context, target string, in any) {
	b, err := json.Marshal(in)
	if err != nil {
		return
	}
	v.send(ctx, "POST", target, [][2]string{{"Content-Type", "application/json"}}, b)
}

func (v *visitor) upload(ctx context.Context) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	part, err := w.CreateFormFile("file", "wall.jpg")
	if err != nil {
		return
	}
	part.Write([]byte{0xff, 0xd8, 0xff, 0xe0, 0, 16, 'J', 'F', 'I', 'F', 0, 1, 1, 0, 0, 1, 0, 1, 0, 0, 0xff, 0xd9})
	w.Close()
	v.send(ctx, "POST", "/api/v1/uploads", [][2]string{{"Content-Type", w.FormDataContentType()}}, b.Bytes())
}

// send sends one request; the crowd does not mind the answer.
func (v *visitor) send(ctx context.Context, method, target string, headers [][2]string, body []byte) {
	u, err := url.Parse(v.target)
	if err != nil {
		return
	}
	r, err := http.NewRequestWithContext(ctx, method, v.target, bytes.NewReader(body))
	if err != nil {
		return
	}
	path, rawQuery, _ := strings.Cut(target, "?")
	r.URL = &url.URL{Scheme: u.Scheme, Host: u.Host, Opaque: "//" + u.Host + path, RawQuery: rawQuery}
	r.Header.Set("User-Agent", v.agent)
	r.Header.Set("Accept", "*/*")
	for _, h := range headers {
		if !strings.EqualFold(h[0], "Host") {
			r.Header.Set(h[0], h[1])
		}
	}
	r.Header.Set("X-Forwarded-For", v.address)
	res, err := v.client.Do(r)
	if err != nil {
		return
	}
	defer res.Body.Close()
	io.Copy(io.Discard, io.LimitReader(res.Body, maxBody))
}
