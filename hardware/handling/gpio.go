package handling

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"isotherm/hardware"
	"isotherm/hardware/sysfs"
)

// GPIOConfig says where a contact is. Zero values other than Path mean the defaults.
type GPIOConfig struct {
	Path      string            // absolute: "/sys/class/gpio/gpio17/value", or any file that holds 0 or 1
	ActiveLow bool              // 0 is open. Not together with the kernel's own active_low, which turns it round again
	Interval  time.Duration     // real time between two looks, default 50 ms
	Debounce  time.Duration     // how long a state has to last, default 100 ms
	Timeout   time.Duration     // real time for one look, default 3 s
	Now       func() time.Time  // the box's clock, default time.Now
	Monitor   *hardware.Monitor // may be nil
}

const (
	defaultGPIOInterval = 50 * time.Millisecond
	defaultDebounce     = 100 * time.Millisecond
	minInterval         = time.Millisecond // less is a loop and not a poll
)

// GPIO is a contact at the lid, on a line of the kernel's gpio class. It implements hardware.HandlingSensor. The system's
// set-up exports the line as an input. Lines are numbered from their chip's base (gpiochipN/base), which is not 0 on
// current kernels. Source of the format: the kernel's Documentation/ABI/obsolete/sysfs-gpio.
type GPIO struct {
	cfg GPIOConfig
	dev *sysfs.Device
}

// NewGPIO prepares a contact; nothing is read before Run. The error is about cfg.
func NewGPIO(cfg GPIOConfig) (*GPIO, error) {
	if !filepath.IsAbs(cfg.Path) {
		return nil, fmt.Errorf("configure contact: %q is not an absolute path", cfg.Path)
	}
	if cfg.Interval == 0 {
		cfg.Interval = defaultGPIOInterval
	}
	if cfg.Debounce == 0 {
		cfg.Debounce = defaultDebounce
	}
	if cfg.Interval < minInterval || cfg.Debounce < 0 {
		return nil, fmt.Errorf("configure contact %s: a look each %v is too often", cfg.Path, cfg.Interval)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &GPIO{cfg: cfg, dev: sysfs.NewDevice(cfg.Timeout)}, nil
}

// Info says where the contact is.
func (g *GPIO) Info() hardware.ProbeInfo { return hardware.ProbeInfo{Model: "gpio", Bus: g.cfg.Path} }

// Run reports the lid's state and each change of it until ctx is done, and returns ctx's error. It is for one goroutine
// at a time. The faults of the monitor: those of package sysfs; FieldSyntax for a file that holds neither 0 nor 1; Noise
// for a contact that chatters; Overrun for one that flaps.
func (g *GPIO) Run(ctx context.Context, report func(hardware.Handling)) error {
	lid := &contact{kind: hardware.HandlingLid, hold: g.cfg.Debounce, report: report}
	h := &health{set: func(state hardware.State, fault hardware.Fault, detail string) {
		g.cfg.Monitor.Set(state, fault, g.cfg.Path, detail)
	}}
	look := func(ctx context.Context) error {
		open, err := g.look(ctx)
		if err != nil {
			return err
		}
		now := time.Now()
		lid.see(now, g.cfg.Now(), open, 0)
		if lid.chatters(now) {
			// No failure to wait after: it may come to rest any moment.
			err := errors.New("it does not come to rest")
			h.bad(now, &Error{Op: "read contact", Path: g.cfg.Path, Fault: hardware.Noise, Err: err})
			return nil
		}
		h.good(now, g.cfg.Path, lid.restless(now))
		return nil
	}
	return poll(ctx, g.cfg.Interval, h, look, lid.lose)
}

// look reads the contact once.
func (g *GPIO) look(ctx context.Context) (open bool, err error) {
	text, err := g.dev.Read(ctx, g.cfg.Path)
	if err != nil {
		return false, err
	}
	high, ok := parseContact(text)
	if !ok {
		return false, sysfs.Malformed(g.cfg.Path, text, "0 or 1")
	}
	return high != g.cfg.ActiveLow, nil
}

// parseContact reads a line's level. Anything but one whole digit is none: an empty file is not a closed lid.
func parseContact(text string) (high, ok bool) { return text == "1", text == "0" || text == "1" }
