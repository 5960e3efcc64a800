package main_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A step is a command of the walk-through and what it should print.
type step struct {
	line    int
	command string
	want    []string // "..." stands for anything
}

// steps reads the fenced blocks of a page that are marked as sh. A line that
// starts with "#> " is output of the command before it.
func steps(t *testing.T, page string) []step {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var list []step
	inside := false
	for i, line := range strings.Split(string(text), "\n") {
		want, isWant := strings.CutPrefix(line, "#> ")
		switch {
		case strings.HasPrefix(line, "```"):
			inside = line == "```sh"
		case !inside || line == "":
		case isWant:
			list[len(list)-1].want = append(list[len(list)-1].want, want)
		default:
			list = append(list, step{line: i + 1, command: line})
		}
	}
	return list
}

// matches reports whether each wanted line is a line of the output, which may
// be indented and aligned by more spaces.
func (s step) matches(output string) bool {
	for _, want := range s.want {
		pattern := regexp.QuoteMeta(want)
		pattern = strings.ReplaceAll(pattern, `\.\.\.`, `.*`)
		pattern = strings.ReplaceAll(pattern, " ", " +")
		if !regexp.MustCompile(`(?m)^ *` + pattern + `$`).MatchString(output) {
			return false
		}
	}
	return true
}

// A shell is a bash that runs one command after the other.
type shell struct {
	in  io.Writer
	out *bufio.Reader
	log string // where commands write
}

func newShell(t *testing.T, env ...string) *shell {
	t.Helper()
	cmd := exec.Command("bash")
	cmd.Dir = filepath.Join("..", "..")
	cmd.Env = append(os.Environ(), env...)
	// All that it starts in the background is killed as one group.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		cmd.Wait()
	})
	return &shell{in, bufio.NewReader(out), filepath.Join(t.TempDir(), "output")}
}

// run runs a command and returns what it printed, and its exit status.
func (s *shell) run(command string) (output, status string, err error) {
	fmt.Fprintf(s.in, "{ %s\n} >%s 2>&1\necho $?\n", command, s.log)
	status, err = s.out.ReadString('\n')
	if err != nil {
		return "", "", err
	}
	text, err := os.ReadFile(s.log)
	return string(text), strings.TrimSpace(status), err
}

// TestReadme does what README.md says, line by line, on ports and in a data
// directory of its own.
func TestReadme(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ports := map[string]string{}
	var replace []string
	for _, p := range []string{"3000", "8080", "8081", "9000", "9001"} {
		_, ports[p], _ = strings.Cut(port(t), ":")
		replace = append(replace, "127.0.0.1:"+p, "127.0.0.1:"+ports[p], "localhost:"+p, "localhost:"+ports[p], "http.server "+p, "http.server "+ports[p])
	}
	replacer := strings.NewReplacer(append(replace, "gabion-data", filepath.Join(dir, "gabion-data"))...)
	file := write(t, "ports.yaml", fmt.Sprintf(
		"node: {listen: '127.0.0.1:%s', admin: '127.0.0.1:%s'}\ncloud: {listen: '127.0.0.1:%s', wire: '127.0.0.1:%s'}\n",
		ports["8080"], ports["8081"], ports["9000"], ports["9001"]))
	sh := newShell(t, "GABION_CONFIG="+file, "GABION_DATA="+filepath.Join(dir, "gabion-data"))

	list := steps(t, filepath.Join("..", "..", "README.md"))
	if len(list) < 10 {
		t.Fatalf("%d commands in the README; the walk-through is lost", len(list))
	}
	for _, s := range list {
		command := replacer.Replace(s.command)
		// What only looks may look again: rules take effect, and hits
		// arrive, within seconds, and servers take a moment to start.
		patience := 20 * time.Second
		if strings.Contains(command, " -d ") {
			patience = 0
		}
		begin := time.Now()
		for {
			output, status, err := sh.run(command)
			if err != nil {
				t.Fatalf("README.md:%d: %s: %v", s.line, s.command, err)
			}
			if status == "0" && s.matches(output) {
				break
			}
			if time.Since(begin) >= patience {
				t.Fatalf("README.md:%d: %s\nexit status %s, output:\n%s\nwant lines:\n%s", s.line, s.command, status, output, strings.Join(s.want, "\n"))
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
}
