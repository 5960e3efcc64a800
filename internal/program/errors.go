package program

import (
	"errors"
	"fmt"
	"net"
	"syscall"
)

// Plain says in words what the operating system says in codes, for the
// troubles that a start meets most, with the way out.
func Plain(err error) error {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "listen" {
		return err
	}
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%s is in use by another program; stop it or choose another address in the configuration", op.Addr)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("no permission to listen on %s; ports below 1024 need root or CAP_NET_BIND_SERVICE", op.Addr)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("%s is not an address of this machine", op.Addr)
	}
	return err
}
