package doctor

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"syscall"

	"github.com/gabionhq/gabion/internal/config"
)

// data looks at the directory of all state.
func (p Patient) data() Check {
	const name = "data directory"
	dir := p.Config.Data
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		parent := existing(dir)
		if err := syscall.Access(parent, 2); err != nil {
			return Check{name, Fail, fmt.Sprintf("%s cannot be made: %s is not writable", dir, parent), "make it for the user that runs gabion, or choose another with --data"}
		}
		return Check{name, OK, dir + " will be made at the first start", ""}
	case err != nil:
		return Check{name, Fail, err.Error(), "choose another with --data"}
	case !info.IsDir():
		return Check{name, Fail, dir + " is not a directory", "move the file away, or choose another with --data"}
	case syscall.Access(dir, 2) != nil:
		return Check{name, Fail, dir + " is not writable", "chown it to the user that runs gabion"}
	case info.Mode().Perm()&0o077 != 0:
		return Check{name, Warn, fmt.Sprintf("%s is open to other users (mode %04o); it holds keys and evidence", dir, info.Mode().Perm()), "chmod 700 " + dir}
	}
	return Check{name, OK, dir, ""}
}

// existing returns the nearest parent of dir that exists.
func existing(dir string) string {
	for dir != filepath.Dir(dir) {
		dir = filepath.Dir(dir)
		if _, err := os.Stat(dir); err == nil {
			break
		}
	}
	return dir
}

// running reports whether a gabion has locked the data directory.
func (p Patient) running() bool {
	f, err := os.Open(filepath.Join(p.Config.Data, "lock"))
	if err != nil {
		return false
	}
	defer f.Close()
	return errors.Is(syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB), syscall.EWOULDBLOCK)
}

// leastFree is where a node stops to keep evidence, and a database to write:
// below it, anything may fail at any time.
const leastFree = 64 << 20

func (p Patient) disk() Check {
	const name = "disk"
	dir := p.Config.Data
	if _, err := os.Stat(dir); err != nil {
		dir = existing(dir)
	}
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return Check{name, Warn, fmt.Sprintf("free space of %s is unknown: %v", dir, err), "check it by hand"}
	}
	free := config.Bytes(fs.Bavail) * config.Bytes(fs.Bsize)
	mib := fmt.Sprintf("%d MiB free in %s", free>>20, dir)
	n := p.Config.Node
	want := n.Evidence.MaxBytes + n.Recorder.MaxBytes + n.Spool.MaxBytes
	switch {
	case free < leastFree:
		return Check{name, Fail, mib, "free some space, or move the data directory to a larger disk"}
	case p.Node && free < want:
		return Check{name, Warn, fmt.Sprintf("%s; evidence, recorder and spool may take %d MiB", mib, want>>20),
			"free some space, or lower max_bytes of node.evidence, node.recorder and node.spool"}
	}
	return Check{name, OK, mib, ""}
}

// fewFiles is too few for a proxy: each client takes two connections.
const fewFiles = 4096

func openFiles() Check {
	const name = "open files"
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return Check{name, Warn, fmt.Sprintf("the limit is unknown: %v", err), "check ulimit -n by hand"}
	}
	// The Go runtime raises the soft limit to the hard one.
	if limit.Max < fewFiles {
		return Check{name, Warn, fmt.Sprintf("at most %d, enough for %d clients at a time", limit.Max, limit.Max/2),
			"raise the hard limit: ulimit -Hn 65536, or LimitNOFILE=65536 in the systemd unit"}
	}
	return Check{name, OK, fmt.Sprintf("at most %d", limit.Max), ""}
}

// An address is one that the configuration says to listen on.
type address struct{ key, addr string }

func (p Patient) addresses() []address {
	var list []address
	if p.Node {
		list = append(list, address{"node.listen", p.Config.Node.Listen}, address{"node.admin", p.Config.Node.Admin})
	}
	if p.Cloud {
		list = append(list, address{"cloud.listen", p.Config.Cloud.Listen}, address{"cloud.wire", p.Config.Cloud.Wire})
	}
	return list
}

// ports tries to listen on each address.
func (p Patient) ports(running bool) []Check {
	var checks []Check
	for _, a := range p.addresses() {
		ln, err := net.Listen("tcp", a.addr)
		if err == nil {
			ln.Close()
		}
		_, port, _ := net.SplitHostPort(a.addr)
		c := Check{a.key, OK, a.addr + " is free", ""}
		switch {
		case errors.Is(err, syscall.EADDRINUSE) && running:
			c.Found = a.addr + " is in use, and gabion runs"
		case errors.Is(err, syscall.EADDRINUSE):
			c = Check{a.key, Fail, a.addr + " is in use by another program", "find it with: ss -ltnp 'sport = :" + port + "'; stop it, or change " + a.key}
		case errors.Is(err, syscall.EACCES):
			c = Check{a.key, Fail, "no permission to listen on " + a.addr, "setcap cap_net_bind_service=+ep on the program, or choose a port from 1024 on"}
		case errors.Is(err, syscall.EADDRNOTAVAIL):
			c = Check{a.key, Fail, a.addr + " is not an address of this machine", "change " + a.key + "; ip addr lists what there is"}
		case err != nil:
			c = Check{a.key, Fail, err.Error(), "change " + a.key}
		}
		checks = append(checks, c)
	}
	return checks
}

// exposure finds what is meant for the operator and reachable by others.
func (p Patient) exposure() []Check {
	var checks []Check
	for _, a := range p.addresses() {
		host, _, err := net.SplitHostPort(a.addr)
		ip, _ := netip.ParseAddr(host)
		if err != nil || host == "localhost" || ip.IsLoopback() {
			continue
		}
		switch a.key {
		case "node.admin":
			checks = append(checks, Check{"exposure", Warn, "node.admin is reachable from other machines without a password", "listen on 127.0.0.1, or let a firewall admit the monitoring only"})
		case "cloud.listen":
			checks = append(checks, Check{"exposure", Warn, "cloud.listen is reachable from other machines without TLS", "listen on 127.0.0.1 and put a TLS proxy in front"})
		}
	}
	return checks
}

// trusted finds networks that let anybody choose their own address.
func (p Patient) trusted() []Check {
	var checks []Check
	for _, s := range p.Config.Node.TrustedProxies {
		prefix, err := netip.ParsePrefix(s)
		if err == nil && prefix.Bits() == 0 {
			checks = append(checks, Check{"trusted proxies", Warn, s + " believes the X-Forwarded-For of everybody", "list only the proxies in front of this node"})
		}
	}
	return checks
}
