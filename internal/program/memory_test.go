package program

import (
	"os"
	"testing"
	"testing/fstest"
)

func TestMemory(t *testing.T) {
	const meminfo = "MemTotal:       16384 kB\nMemFree:  1 kB\n"
	f := func(want int64, files map[string]string) {
		t.Helper()
		root := fstest.MapFS{}
		for name, text := range files {
			root[name] = &fstest.MapFile{Data: []byte(text)}
		}
		if got := memory(root); got != want {
			t.Errorf("%v: %d, want %d", files, got, want)
		}
	}
	f(0, nil)
	f(0, map[string]string{"proc/meminfo": "MemFree: 1 kB\n", "proc/self/cgroup": "0::/\n"})
	f(16<<20, map[string]string{"proc/meminfo": meminfo})
	f(16<<20, map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "max\n"})
	f(1<<20, map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "1048576\n"})
	f(1<<20, map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "1:name=systemd:/x\n0::/system.slice/gabion.service\n",
		"sys/fs/cgroup/system.slice/gabion.service/memory.max": "1048576\n"})
	f(1<<20, map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "0::/system.slice/gabion.service\n",
		"sys/fs/cgroup/system.slice/memory.max": "1048576", "sys/fs/cgroup/system.slice/gabion.service/memory.max": "2097152\n"})
	f(2<<20, map[string]string{"proc/meminfo": meminfo, "sys/fs/cgroup/memory/memory.limit_in_bytes": "2097152\n"})
	// No limit, as version 1 says it.
	f(16<<20, map[string]string{"proc/meminfo": meminfo, "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"})
	if _, err := os.Stat("/proc/meminfo"); err == nil && memory(os.DirFS("/")) < 1<<20 {
		t.Error("the memory of this machine is not found")
	}
}
