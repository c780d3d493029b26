package output

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"isotherm/hardware"
	"isotherm/hardware/sysfs"
)

// GPIOConfig says which line to switch. Zero values other than Path mean the defaults.
type GPIOConfig struct {
	Path      string            // absolute: "/sys/class/gpio/gpio17/value", or any file that holds 0 or 1
	ActiveLow bool              // 0 is on. Not together with the kernel's own active_low, which turns it round again
	Timeout   time.Duration     // real time for one access, default 3 s
	Monitor   *hardware.Monitor // may be nil
}

// GPIO is a line of the kernel's gpio class. It implements hardware.Switch. The system's set-up exports the line and makes
// it an output; a program that did so itself could drive a pin that something else drives. Source of the format: the
// kernel's Documentation/ABI/obsolete/sysfs-gpio.
type GPIO struct {
	cfg  GPIOConfig
	dev  *sysfs.Device
	turn turn
}

// NewGPIO prepares a line; nothing is touched before Set. The error is about cfg.
func NewGPIO(cfg GPIOConfig) (*GPIO, error) {
	if !filepath.IsAbs(cfg.Path) {
		return nil, fmt.Errorf("configure gpio output: %q is not an absolute path", cfg.Path)
	}
	return &GPIO{cfg: cfg, dev: sysfs.NewDevice(cfg.Timeout), turn: newTurn()}, nil
}

// Info says where the line is.
func (g *GPIO) Info() hardware.ProbeInfo { return hardware.ProbeInfo{Model: "gpio", Bus: g.cfg.Path} }

// Set writes the line and reads it back. Its error is an *Error.
func (g *GPIO) Set(ctx context.Context, on bool) error {
	if err := g.turn.take(ctx); err != nil {
		return finish(g.cfg.Monitor, g.cfg.Path, on, err)
	}
	defer g.turn.give()
	return finish(g.cfg.Monitor, g.cfg.Path, on, g.set(ctx, on))
}

func (g *GPIO) set(ctx context.Context, on bool) error {
	direction, err := g.dev.Read(ctx, filepath.Join(filepath.Dir(g.cfg.Path), "direction"))
	if err != nil && !sysfs.Absent(err) {
		return err
	}
	if err == nil && direction == "in" {
		return wrong("the line is an input: write out into its direction file when the system starts")
	}
	want := "0"
	if on != g.cfg.ActiveLow {
		want = "1"
	}
	if err := g.dev.Write(ctx, g.cfg.Path, want); err != nil {
		return err
	}
	got, err := g.dev.Read(ctx, g.cfg.Path)
	if err != nil {
		return err
	}
	if got != want {
		return wrong("the line is %.20q after %s was written", got, want)
	}
	return nil
}
