package output

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"isotherm/hardware"
	"isotherm/hardware/sysfs"
)

// LEDConfig says which light, or buzzer behind an LED driver, to switch. Zero values other than Name mean the defaults.
type LEDConfig struct {
	Name    string            // "red:status", or the absolute path of its folder
	Root    string            // default /sys/class/leds
	Timeout time.Duration     // real time for one attribute, default 3 s
	Monitor *hardware.Monitor // may be nil
}

const (
	defaultLEDs   = "/sys/class/leds"
	maxBrightness = 65_535 // what a driver may call its brightest; most say 1 or 255
)

// LED is a light of the kernel's leds class. It implements hardware.Switch. Source of the format: the kernel's
// Documentation/ABI/testing/sysfs-class-led.
type LED struct {
	folder  string
	dev     *sysfs.Device
	monitor *hardware.Monitor
	turn    turn
}

// NewLED prepares a light; nothing is touched before Set. The error is about cfg.
func NewLED(cfg LEDConfig) (*LED, error) {
	if err := sysfs.CheckName(cfg.Name); err != nil {
		return nil, fmt.Errorf("configure led: %w", err)
	}
	if cfg.Root == "" {
		cfg.Root = defaultLEDs
	}
	folder := cfg.Name
	if !filepath.IsAbs(folder) {
		folder = filepath.Join(cfg.Root, folder)
	}
	return &LED{folder: folder, dev: sysfs.NewDevice(cfg.Timeout), monitor: cfg.Monitor, turn: newTurn()}, nil
}

// Info says where the light is.
func (l *LED) Info() hardware.ProbeInfo { return hardware.ProbeInfo{Model: "led", Bus: l.folder} }

// Set takes the light away from the kernel's triggers and sets it fully on or off. Its error is an *Error.
func (l *LED) Set(ctx context.Context, on bool) error {
	if err := l.turn.take(ctx); err != nil {
		return finish(l.monitor, l.folder, on, err)
	}
	defer l.turn.give()
	return finish(l.monitor, l.folder, on, l.set(ctx, on))
}

func (l *LED) set(ctx context.Context, on bool) error {
	if err := l.untrigger(ctx); err != nil {
		return err
	}
	want := int64(0)
	if on {
		most, err := l.dev.ReadInt(ctx, filepath.Join(l.folder, "max_brightness"))
		if err != nil {
			return err
		}
		if most < 1 || most > maxBrightness {
			return wrong("its brightest is %d, which is not between 1 and %d", most, maxBrightness)
		}
		want = most
	}
	brightness := filepath.Join(l.folder, "brightness")
	if err := l.dev.Write(ctx, brightness, strconv.FormatInt(want, 10)); err != nil {
		return err
	}
	got, err := l.dev.ReadInt(ctx, brightness)
	if err != nil {
		return err
	}
	if on != (got > 0) || got < 0 { // hardware may round what it shows
		return wrong("brightness is %d after %d was written", got, want)
	}
	return nil
}

// untrigger makes sure that no trigger of the kernel (heartbeat, SD card) changes the light again. A kernel without
// triggers has no such file.
func (l *LED) untrigger(ctx context.Context) error {
	path := filepath.Join(l.folder, "trigger")
	const none = "[none]" // how the kernel marks the one in use
	for tried := false; ; tried = true {
		text, err := l.dev.Read(ctx, path)
		switch {
		case sysfs.Absent(err):
			return nil
		case hardware.FaultOf(err) == hardware.TooLong:
			return l.dev.Write(ctx, path, "none") // a kernel with so many triggers that they fill more than a page
		case err != nil:
			return err
		case strings.Contains(text, none):
			return nil
		case tried:
			return errors.New("the kernel does not let its trigger go")
		}
		if err := l.dev.Write(ctx, path, "none"); err != nil {
			return err
		}
	}
}

// turn lets one Set at a time to a device. It holds one token.
type turn chan struct{}

func newTurn() turn {
	t := make(turn, 1)
	t <- struct{}{}
	return t
}

func (t turn) take(ctx context.Context) error {
	select {
	case <-t:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t turn) give() { t <- struct{}{} }
