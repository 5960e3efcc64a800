package config

import (
	"io"
	"log/slog"
	"os"
)

// Logger returns what writes to w as l says.
func (l Log) Logger(w io.Writer) *slog.Logger {
	var level slog.Level
	// The reader has checked the name; the zero level is info.
	_ = level.UnmarshalText([]byte(l.Level))
	o := &slog.HandlerOptions{Level: level}
	if l.Format == "json" || l.Format != "text" && !terminal(w) {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
