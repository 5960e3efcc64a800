package cloud

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gabionhq/gabion/internal/cloud/store"
	"github.com/gabionhq/gabion/internal/cloud/tenant"
	"github.com/gabionhq/gabion/internal/config"
)

// Link makes a one-time login link for the first administrator of the region
// whose state is in data, while it runs or not: whoever can read the
// directory may let themselves in again.
func Link(ctx context.Context, cfg config.Cloud, data string) (string, error) {
	file := filepath.Join(data, "cloud.db")
	if _, err := os.Stat(file); err != nil {
		return "", fmt.Errorf("there is no cloud in %s: %w", data, err)
	}
	db, err := store.Open(ctx, file)
	if err != nil {
		return "", err
	}
	defer db.Close()
	dir := tenant.New(db, cfg.Region, time.Now)
	first, err := dir.Default(ctx)
	if err != nil {
		return "", err
	}
	var link string
	err = db.Tenant(first.ID).Tx(ctx, func(s store.Scope) error {
		var admin store.User
		err := store.First(ctx, s.Select(&admin).Where("role = 'admin'").Order("created", "id"))
		if errors.Is(err, store.ErrNotFound) {
			return errors.New("nobody has logged in yet: the link of the first start is in bootstrap.json")
		}
		if err != nil {
			return err
		}
		if link, err = dir.NewLink(ctx, s, admin.ID); err != nil {
			return err
		}
		return s.Record(ctx, "command line", "create", "login link of user "+admin.ID, nil)
	})
	if err != nil {
		return "", err
	}
	return loginURL(cfg.Listen, link), nil
}
