package score

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gabionhq/gabion/internal/replay"
)

// Files lists the labelled files under each of dirs, in lexical order. A dir
// may also be a file.
func Files(dirs ...string) ([]string, error) {
	var files []string
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if !d.IsDir() && (strings.HasSuffix(path, ".jsonl") || strings.HasSuffix(path, ".jsonl.gz")) {
				files = append(files, path)
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("reading a corpus: %w", err)
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("reading a corpus: no .jsonl or .jsonl.gz file in %s", strings.Join(dirs, ", "))
	}
	return files, nil
}

// AddFile inspects each request of a labelled file that keep wants and counts
// the verdicts.
func (t *Tally) AddFile(ctx context.Context, path string, in *replay.Inspector, keep func(*Sample) bool) error {
	r, err := open(path)
	if err != nil {
		return err
	}
	defer r.Close()
	err = replay.Each(ctx, r, func(line []byte) (*outcome, error) {
		s, err := ParseSample(line)
		if err != nil || !keep(s) {
			return nil, err
		}
		if s.Sealed() && !t.Sealed {
			return &outcome{leftOut: true}, nil
		}
		return newOutcome(s, in.Inspect(&s.Request)), nil
	}, func(o *outcome) error {
		t.add(o)
		return nil
	})
	if err != nil {
		return fmt.Errorf("scoring %s: %w", path, err)
	}
	return nil
}

// open opens a file, through gzip when its name says so.
func open(path string) (io.ReadCloser, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening a corpus: %w", err)
	}
	if !strings.HasSuffix(path, ".gz") {
		return f, nil
	}
	z, err := gzip.NewReader(f)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	return struct {
		io.Reader
		io.Closer
	}{z, f}, nil
}
