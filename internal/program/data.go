package program

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// OpenData makes the directory of all state, if need be, with mode 0700, and
// locks it until close is called or the process ends: two programs that
// write the same files would destroy them.
func OpenData(dir string) (close func(), err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the data directory: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data directory %s is not writable: %w", dir, errors.Unwrap(err))
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		lock.Close()
		return nil, fmt.Errorf("data directory %s is in use by another gabion", dir)
	}
	return func() { lock.Close() }, nil
}
