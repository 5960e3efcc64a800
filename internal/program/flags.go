package program

import (
	"github.com/gabionhq/gabion/internal/config"
)

// Flags are those of every command that runs something.
type Flags struct {
	Config string `help:"Configuration file; see gabion config reference." placeholder:"FILE" type:"path"`
	Data   string `help:"Directory of all state, instead of what the file says." placeholder:"DIR" type:"path"`
}

// Load reads the configuration, or takes the defaults.
func (f *Flags) Load() (config.Config, error) {
	cfg := config.Default()
	if f.Config != "" {
		var err error
		if cfg, err = config.Read(f.Config); err != nil {
			return cfg, err
		}
	}
	if f.Data != "" {
		cfg.Data = f.Data
	}
	return cfg, nil
}
