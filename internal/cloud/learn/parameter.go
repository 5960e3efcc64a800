package learn

import (
	"slices"
	"strings"
)

// isParameter says whether a point holds what an application asks for. A
// segment of the path is part of its endpoint's name, and what browsers and
// proxies put into standard fields says nothing of the application; profiles
// of them would cost budget and find new browsers.
func isParameter(point string) bool {
	base, rest, _ := strings.Cut(point, ".")
	switch base {
	case "get", "post":
		return true
	case "header":
		name, inside, _ := strings.Cut(rest, ".")
		return inside != "" || !isStandard(name)
	}
	return false
}

// isStandard says whether a field, in upper case, is of HTTP itself or of
// what stands between client and application.
func isStandard(name string) bool {
	switch name {
	case "AUTHORIZATION", "CONNECTION", "COOKIE", "DATE", "DNT", "EXPECT", "FORWARDED", "FROM", "HOST", "KEEP-ALIVE", "MAX-FORWARDS", "ORIGIN",
		"PRAGMA", "PRIORITY", "RANGE", "REFERER", "TE", "TRACEPARENT", "TRACESTATE", "TRAILER", "UPGRADE", "USER-AGENT", "VIA", "X-REAL-IP", "X-REQUEST-ID":
		return true
	}
	return slices.ContainsFunc([]string{
		"ACCEPT", "CACHE-", "CF-", "CONTENT-", "IF-", "PROXY-", "SEC-", "TRANSFER-", "UPGRADE-", "X-ENVOY-", "X-FORWARDED-", "X-GABION-",
	}, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}
