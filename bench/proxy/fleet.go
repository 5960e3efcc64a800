package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/gabionhq/gabion/bench/traffic"
)

// A proxy is a process that is measured.
type proxy struct {
	name, addr string
	inspects   bool
	pids       func() ([]int, error) // the processes that do the work

	us, ratio []float64 // per repeat
	answered  int
}

// A fleet is the upstream and what stands in front of it.
type fleet struct {
	cores    *cores
	upstream *proxy
	proxies  []*proxy // nginx first: the others are compared with it
	children []*exec.Cmd
}

func (f *fleet) start(ctx context.Context, dir string, o *options) error {
	if o.gabion == "" {
		o.gabion = filepath.Join(dir, "gabion")
		if out, err := exec.CommandContext(ctx, "go", "build", "-C", "..", "-o", o.gabion, "./cmd/gabion").CombinedOutput(); err != nil {
			return fmt.Errorf("building gabion: %w\n%s", err, out)
		}
	}
	upstream, err := free()
	if err != nil {
		return err
	}
	if err := pinned(&f.cores.others, func() error {
		cmd, err := f.nginx(dir, "upstream", upstream, "", `return 200 "Hello, world!";`)
		f.upstream = &proxy{name: "upstream", addr: upstream, pids: under(cmd)}
		return err
	}); err != nil {
		return err
	}
	return pinned(&f.cores.proxy, func() error { return f.startProxies(dir, upstream, o) })
}

func (f *fleet) startProxies(dir, upstream string, o *options) error {
	pass := "proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection \"\"; proxy_set_header Host $host;"
	if err := f.addNginx(dir, "nginx", "", pass, upstream); err != nil {
		return err
	}
	for _, mode := range []string{"off", "block"} {
		if err := f.addGabion(dir, mode, upstream, o); err != nil {
			return err
		}
	}
	if err := f.addReverseProxy(upstream); err != nil {
		return err
	}
	if _, err := os.Stat(o.module); err != nil {
		fmt.Fprintln(os.Stderr, "proxy: without ModSecurity:", err)
		return nil
	}
	rules, err := modsecurityRules(dir, o.crs)
	if err != nil {
		return err
	}
	if err := f.addNginx(dir, "nginx+ModSecurity", "load_module "+o.module+";", "modsecurity on; modsecurity_rules_file "+rules+"; "+pass, upstream); err != nil {
		return err
	}
	f.proxies[len(f.proxies)-1].inspects = true
	return nil
}

func (f *fleet) addNginx(dir, name, modules, location, upstream string) error {
	addr, err := free()
	if err != nil {
		return err
	}
	cmd, err := f.nginx(dir, name, addr, modules, location, "upstream up { server "+upstream+"; keepalive 32; keepalive_requests 1000000; }")
	if err != nil {
		return err
	}
	f.proxies = append(f.proxies, &proxy{name: name, addr: addr, pids: under(cmd)})
	return nil
}

// nginx starts nginx with one worker and without logs.
func (f *fleet) nginx(dir, name, addr, modules, location string, more ...string) (*exec.Cmd, error) {
	own := filepath.Join(dir, name)
	if err := os.MkdirAll(own, 0o700); err != nil {
		return nil, err
	}
	conf := fmt.Sprintf(`%s
daemon off; worker_processes 1; pid %[2]s/pid; error_log %[2]s/error.log error;
events { worker_connections 1024; }
http {
	access_log off; keepalive_requests 1000000; client_max_body_size 16m; client_body_buffer_size 64k;
	client_body_temp_path %[2]s/body; proxy_temp_path %[2]s/proxy; fastcgi_temp_path %[2]s/fastcgi;
	uwsgi_temp_path %[2]s/uwsgi; scgi_temp_path %[2]s/scgi;
	%[5]s
	server { listen %[3]s; location / { %[4]s } }
}
`, modules, own, addr, location, strings.Join(more, "\n"))
	if os.Geteuid() == 0 {
		conf = "user root;\n" + conf
	}
	file := filepath.Join(own, "nginx.conf")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		return nil, err
	}
	return f.child(addr, "nginx", "-p", own, "-c", file, "-e", filepath.Join(own, "error.log"))
}

// modsecurityRules writes the file that loads the rules as Debian ships
// them, in force and without an audit log.
func modsecurityRules(dir, root string) (string, error) {
	rules := filepath.Join(root, "usr/share/modsecurity-crs/rules")
	conf, err := os.ReadFile(filepath.Join(root, "etc/nginx/modsecurity.conf"))
	if err != nil {
		return "", fmt.Errorf("reading ModSecurity's configuration: %w", err)
	}
	base := filepath.Join(dir, "modsecurity.conf")
	text := strings.NewReplacer("SecUnicodeMapFile unicode.mapping", "SecUnicodeMapFile "+filepath.Join(root, "etc/nginx/unicode.mapping")).Replace(string(conf))
	if err := os.WriteFile(base, []byte(text), 0o600); err != nil {
		return "", err
	}
	file := filepath.Join(dir, "rules.conf")
	text = fmt.Sprintf("Include %s\nSecRuleEngine On\nSecAuditEngine Off\nSecResponseBodyAccess Off\nInclude %s\nInclude %s/*.conf\n",
		base, filepath.Join(root, "etc/modsecurity/crs/crs-setup.conf"), rules)
	return file, os.WriteFile(file, []byte(text), 0o600)
}

func (f *fleet) addGabion(dir, mode, upstream string, o *options) error {
	addr, err := free()
	if err != nil {
		return err
	}
	admin, err := free()
	if err != nil {
		return err
	}
	file := filepath.Join(dir, mode+".yaml")
	conf := fmt.Sprintf("data: %s\nnode:\n  listen: %s\n  admin: %s\n  sites:\n    - upstream: http://%s\n      mode: %s\n", filepath.Join(dir, "data-"+mode), addr, admin, upstream, mode)
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		return err
	}
	cmd, err := f.child(addr, o.gabion, "node", "run", "--config", file)
	if err != nil {
		return err
	}
	f.proxies = append(f.proxies, &proxy{name: "gabion, mode " + mode, addr: addr, inspects: mode == "block", pids: one(cmd)})
	return nil
}

func (f *fleet) addReverseProxy(upstream string) error {
	addr, err := free()
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd, err := f.child(addr, self, "-reverseproxy", addr+","+upstream)
	if err != nil {
		return err
	}
	f.proxies = append(f.proxies, &proxy{name: "httputil.ReverseProxy", addr: addr, pids: one(cmd)})
	return nil
}

func one(cmd *exec.Cmd) func() ([]int, error) {
	return func() ([]int, error) { return []int{cmd.Process.Pid}, nil }
}

// under returns the children of a process that starts others for the work.
func under(cmd *exec.Cmd) func() ([]int, error) {
	return func() ([]int, error) { return workers(cmd.Process.Pid) }
}

// child starts a program of one thread at a time, on the cores of this one, and waits until it accepts connections.
func (f *fleet) child(addr, name string, args ...string) (*exec.Cmd, error) {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	f.children = append(f.children, cmd)
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			return cmd, c.Close()
		}
		if time.Now().After(end) {
			return nil, fmt.Errorf("%s does not answer at %s: %s", name, addr, said.String())
		}
	}
}

// stop ends all processes and waits for them.
func (f *fleet) stop() error {
	var errs []error
	for _, c := range f.children {
		errs = append(errs, c.Process.Signal(syscall.SIGTERM))
	}
	for _, c := range f.children {
		late := time.AfterFunc(10*time.Second, func() { c.Process.Kill() })
		c.Wait() // how it ends is of no interest
		late.Stop()
	}
	return errors.Join(errs...)
}

// free returns an address of the loopback interface that nothing uses.
func free() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// workers returns the children of a process: with nginx, who does the work.
func workers(pid int) ([]int, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", pid))
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, s := range strings.Fields(string(b)) {
		n, err := strconv.Atoi(s)
		if err != nil {
			return nil, err
		}
		pids = append(pids, n)
	}
	return pids, nil
}

// cpu returns the processor time that the proxy has used.
func (p *proxy) cpu() (time.Duration, error) {
	pids, err := p.pids()
	if err != nil {
		return 0, err
	}
	var sum time.Duration
	for _, pid := range pids {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return 0, err
		}
		// The name of the program may hold spaces; the fields follow it.
		fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
		for _, s := range fields[11:13] { // utime and stime, fields 14 and 15
			n, err := strconv.Atoi(s)
			if err != nil {
				return 0, err
			}
			sum += time.Duration(n) * tick
		}
	}
	return sum, nil
}

// verify makes sure that who inspects blocks attacks, and nobody else does.
func (p *proxy) verify() error {
	for _, a := range traffic.Attacks() {
		status, err := ask(p.addr, wire([]traffic.Request{a})[0])
		if err != nil {
			return err
		}
		if (status == http.StatusForbidden) != p.inspects {
			return fmt.Errorf("status %d for an attack: %s %s %s", status, a.Method, a.Target, a.Body)
		}
	}
	return nil
}

// serveReverseProxy is the proxy of the standard library with pools that
// suit it.
func serveReverseProxy(ctx context.Context, addresses string) error {
	addr, upstream, _ := strings.Cut(addresses, ",")
	u := &url.URL{Scheme: "http", Host: upstream}
	s := &http.Server{Addr: addr, Handler: &httputil.ReverseProxy{
		Rewrite:    func(r *httputil.ProxyRequest) { r.SetURL(u); r.Out.Host = r.In.Host },
		Transport:  &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true},
		BufferPool: &buffers{},
	}}
	context.AfterFunc(ctx, func() { s.Close() })
	if err := s.ListenAndServe(); err != http.ErrServerClosed {
		return err
	}
	return nil
}

type buffers struct{ pool sync.Pool }

func (p *buffers) Get() []byte {
	if b, ok := p.pool.Get().(*[]byte); ok {
		return *b
	}
	return make([]byte, 32<<10)
}

func (p *buffers) Put(b []byte) { p.pool.Put(&b) }
