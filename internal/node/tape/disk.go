//go:build linux || darwin

package tape

import "syscall"

// disk returns the size of the file system that dir is on, and what is free
// of it; ok is false if the system does not tell.
func disk(dir string) (total, free int64, ok bool) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, 0, false
	}
	return int64(s.Blocks) * int64(s.Bsize), int64(s.Bavail) * int64(s.Bsize), true
}
