package cloud

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/gabionhq/gabion/internal/config"
)

// TestMain runs a cloud instead of tests when it is told where: the process
// that TestKilled kills.
func TestMain(m *testing.M) {
	data := os.Getenv("GABION_CLOUD_DATA")
	if data == "" {
		os.Exit(m.Run())
	}
	cfg := config.Cloud{Region: "eu1", Listen: os.Getenv("GABION_CLOUD_API"), Wire: os.Getenv("GABION_CLOUD_WIRE")}
	c, err := New(cfg, data, slog.New(slog.DiscardHandler))
	if err == nil {
		err = c.Run(context.Background())
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// exited reaps the process if it has ended.
func exited(c *exec.Cmd) bool {
	if c.Process.Signal(syscall.Signal(0)) == nil {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(c.Process.Pid, &status, syscall.WNOHANG, nil)
		return err == nil && pid == c.Process.Pid
	}
	return true
}
