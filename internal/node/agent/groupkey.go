package agent

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/gabionhq/gabion/internal/node/handover"
	"github.com/gabionhq/gabion/internal/node/keyfile"
	"github.com/gabionhq/gabion/internal/node/pseudonym"
)

// loadGroupKey reads the key from the operator's file, takes over the one
// that another node has sealed for this one, or makes one.
func loadGroupKey(file, data string, log *slog.Logger) (*pseudonym.Key, error) {
	load := keyfile.Load
	if file == "" {
		if err := takeOver(data, log); err != nil {
			return nil, fmt.Errorf("taking over the group key: %w", err)
		}
		file, load = filepath.Join(data, groupKey), keyfile.LoadOrMake
	}
	key, err := load(file)
	if err != nil {
		return nil, fmt.Errorf("reading the group key: %w", err)
	}
	return pseudonym.New(key)
}

// takeOver puts the key of TakeKey in the place of the node's own. What the
// node has spooled under its own key is delivered as it is.
func takeOver(data string, log *slog.Logger) error {
	handed := filepath.Join(data, handedKey)
	key, err := keyfile.Load(handed)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	name, err := handover.Name(key)
	if err != nil {
		return err
	}
	if err := os.Rename(handed, filepath.Join(data, groupKey)); err != nil {
		return err
	}
	log.Info("the group key of another node is taken over", "key", name)
	return nil
}

// RequestKey returns the text with which this node asks others for the group
// key: the same until TakeKey.
func RequestKey(data string) (request string, err error) {
	desk, err := handover.Open(filepath.Join(data, deskKey))
	if err != nil {
		return "", fmt.Errorf("asking for the group key: %w", err)
	}
	return desk.Request(), nil
}

// GroupKey returns the key that the node makes tags with; file is
// privacy.group_key_file.
func GroupKey(file, data string) ([]byte, error) {
	if file == "" {
		file = filepath.Join(data, groupKey)
	}
	key, err := keyfile.Load(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("this node has no group key yet: start it once (%w)", err)
	}
	return key, err
}

// TakeKey opens a sealed group key, keeps it for the node's next start, and
// returns it. The request it was sealed for is used up.
func TakeKey(data, sealed string) ([]byte, error) {
	deskFile := filepath.Join(data, deskKey)
	desk, err := handover.Reopen(deskFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("this node has not asked for a group key: make a request first")
	}
	if err != nil {
		return nil, err
	}
	key, err := desk.Take(sealed)
	if err != nil {
		return nil, err
	}
	if err := keyfile.Replace(filepath.Join(data, handedKey), key); err != nil {
		return nil, err
	}
	return key, os.Remove(deskFile)
}
