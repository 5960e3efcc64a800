// Package proxy is the data plane of the node: it receives requests, has the engine inspect them and exchanges the benign ones with an upstream.
package proxy
