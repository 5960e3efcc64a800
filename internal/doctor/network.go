package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gabionhq/gabion/internal/config"
)

const (
	// patience is how long a peer may take: more than a distant one needs,
	// little enough for somebody who waits at a prompt.
	patience = 3 * time.Second
	// soon is when a certificate is worth a warning.
	soon = 14 * 24 * time.Hour
)

// sites looks at each application behind the node.
func (p Patient) sites(ctx context.Context) []Check {
	if len(p.Config.Node.Sites) == 0 {
		return []Check{{"sites", Warn, "nothing is protected", "give --upstream URL, or list node.sites in the configuration"}}
	}
	var checks []Check
	for i, s := range p.Config.Node.Sites {
		c := upstream(ctx, s)
		c.Name = fmt.Sprintf("node.sites[%d]", i)
		checks = append(checks, c)
	}
	return checks
}

func upstream(ctx context.Context, s config.Site) Check {
	u, err := url.Parse(s.Upstream)
	if err != nil {
		return Check{Status: Fail, Found: err.Error(), Remedy: "write it as http://host:port"}
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	conn, failed := dial(ctx, net.JoinHostPort(u.Hostname(), port))
	if failed != nil {
		failed.Remedy = "start the application, or correct its upstream: " + failed.Remedy
		return *failed
	}
	defer conn.Close()
	if u.Scheme != "https" {
		return Check{Status: OK, Found: s.Upstream + " answers"}
	}
	return handshake(ctx, conn, u.Hostname())
}

// dial connects; what goes wrong is told apart, because the remedies differ.
func dial(ctx context.Context, addr string) (net.Conn, *Check) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	var dns *net.DNSError
	switch {
	case err == nil:
		return conn, nil
	case errors.As(err, &dns):
		return nil, &Check{Status: Fail, Found: dns.Name + " has no address", Remedy: "check the name, and the resolver in /etc/resolv.conf"}
	case ctx.Err() != nil:
		return nil, &Check{Status: Fail, Found: fmt.Sprintf("%s does not answer within %v", addr, patience), Remedy: "check routes and firewalls between here and there"}
	}
	return nil, &Check{Status: Fail, Found: addr + " refuses connections", Remedy: "nothing listens on that port"}
}

// handshake looks at the certificate of a server.
func handshake(ctx context.Context, conn net.Conn, host string) Check {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	client := tls.Client(conn, &tls.Config{ServerName: host})
	err := client.HandshakeContext(ctx)
	var invalid x509.CertificateInvalidError
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	switch {
	case err == nil:
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return Check{Status: Fail, Found: fmt.Sprintf("the certificate of %s is not valid now: %s", host, invalid.Detail), Remedy: "renew it; if it is valid, correct this machine's clock"}
	case errors.As(err, &unknown):
		return Check{Status: Fail, Found: fmt.Sprintf("the certificate of %s is signed by nobody this machine trusts", host), Remedy: "install the CA with update-ca-certificates, or use http:// inside a trusted network"}
	case errors.As(err, &name):
		return Check{Status: Fail, Found: fmt.Sprintf("the certificate of %s is for %s", host, strings.Join(name.Certificate.DNSNames, ", ")), Remedy: "write the upstream with that name"}
	default:
		return Check{Status: Fail, Found: fmt.Sprintf("TLS with %s fails: %v", host, err), Remedy: "write http:// if the application has no TLS"}
	}
	end := client.ConnectionState().PeerCertificates[0].NotAfter
	if left := time.Until(end); left < soon {
		return Check{Status: Warn, Found: fmt.Sprintf("the certificate of %s ends in %d days", host, int(left.Hours()/24)), Remedy: "renew it"}
	}
	return Check{Status: OK, Found: host + " answers; its certificate is valid until " + end.Format(time.DateOnly)}
}

// remedies say what to do about the parts of a running node that /readyz
// names.
var remedies = map[string]string{
	"memory":       "make the data directory writable and free disk space, then restart the node; meanwhile it protects",
	"spool":        "free disk space, or bring the cloud back: what does not fit is lost, oldest first",
	"evidence":     "free disk space; until then hits have no evidence",
	"recorder":     "free disk space; until then benign requests are not recorded",
	"statistics":   "nothing to repair: more endpoints and parameters than one node counts; learning knows a part of them",
	"uplink":       "check that this machine reaches the cloud, and that the token or certificate was not used up or revoked; the console lists both",
	"certificate":  "check that this machine reaches the cloud; a node whose certificate has ended is enrolled again",
	"ruleset":      "the last good ruleset stays in force; publish the policy again, or roll it back",
	"ruleset_file": "free disk space, and check that uplink/ in the data directory is writable; the cloud sends the ruleset again",
}

// readiness asks a running node how it is.
func (p Patient) readiness(ctx context.Context) []Check {
	const name = "readiness"
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	restart := "look at its log; restart it if it hangs"
	r, err := http.NewRequestWithContext(ctx, "GET", "http://"+p.Config.Node.Admin+"/readyz", nil)
	if err != nil {
		return []Check{{name, Fail, err.Error(), "correct node.admin"}}
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return []Check{{name, Fail, "the node runs but does not answer on " + p.Config.Node.Admin, restart}}
	}
	defer res.Body.Close()
	var state struct {
		Ready   bool
		Reasons []string
	}
	if err := json.NewDecoder(res.Body).Decode(&state); err != nil {
		return []Check{{name, Fail, p.Config.Node.Admin + " is not the node", "another program has taken the address: stop it or change node.admin"}}
	}
	if !state.Ready {
		return []Check{{name, Fail, "the node is starting or stopping", "wait; " + restart}}
	}
	var checks []Check
	for _, reason := range state.Reasons {
		part, _, _ := strings.Cut(reason, ":")
		remedy, ok := remedies[part]
		if !ok {
			remedy = "look at the log of the node"
		}
		checks = append(checks, Check{name, Warn, reason, remedy})
	}
	if checks == nil {
		checks = []Check{{name, OK, "the node is ready", ""}}
	}
	return checks
}
