package detect

import "testing"

func FuzzScannerTool(f *testing.F) { fuzz(f, ScannerTool) }

func TestScannerTool(t *testing.T) {
	recognises(t, ScannerTool, Where{Place: InUserAgent}, []string{
		"sqlmap/1.5#stable (http://sqlmap.org)",
		"nuclei",
		"Mozilla/5.00 (Nikto/2.1.5)",
		"Mozilla/5.0 zgrab/0.x",
		"Nuclei - Open-source project (github.com/projectdiscovery/nuclei)",
		"WPScan v3.8",
		"Mozilla/5.0 (X11; OpenVAS-VT 22.4)",
		"Fuzz Faster U Fool v1.5",
		"Mozilla/5.0 root@a1b2c3.oast.fun",
	}, []string{
		"",
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
		"curl/8.1",
		"python-requests/2.31",
		"Go-http-client/2.0",
		"okhttp/4.12.0",
	})
	recognises(t, ScannerTool, Where{Place: InQuery}, []string{
		"|nslookup a.burpcollaborator.net",
		"x@a1.oastify.com",
	}, []string{
		"how to use sqlmap",
		"what is burpcollaborator.net for",
		"interact.sh",
		"how.interact.with",
	})
}
