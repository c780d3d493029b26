package handling

import (
	"context"
	"fmt"
	"math"
	"time"

	"isotherm/hardware"
	"isotherm/hardware/sysfs"
)

// LightConfig says which sensor to read. Zero values other than Name mean the defaults.
type LightConfig struct {
	Name     string            // "iio:device0", or the sensor's name ("bh1750"), or the absolute path of its folder
	Root     string            // default /sys/bus/iio/devices
	Bright   int32             // lux; so much is bright, default 10: a room by night has 50, a closed box less than 1
	Dark     int32             // lux; so little is dark again, default half of Bright, and 0 means the default
	Interval time.Duration     // real time between two looks, default 250 ms
	Timeout  time.Duration     // real time for one attribute, default 3 s
	Now      func() time.Time  // the box's clock, default time.Now
	Monitor  *hardware.Monitor // may be nil
}

const (
	defaultBright        = 10
	maxLux               = 200_000 // the sun in summer gives 120,000
	defaultLightInterval = 250 * time.Millisecond
	lightHold            = 500 * time.Millisecond // so that one odd value is none
)

// Light is a sensor of light inside of the box. It implements hardware.HandlingSensor.
type Light struct {
	cfg LightConfig
	dev iio
}

// NewIIOLight prepares a sensor; nothing is read before Run. The error is about cfg.
func NewIIOLight(cfg LightConfig) (*Light, error) {
	if err := thresholds(&cfg.Bright, &cfg.Dark); err != nil {
		return nil, fmt.Errorf("configure light sensor %s: %w", cfg.Name, err)
	}
	if cfg.Interval == 0 {
		cfg.Interval = defaultLightInterval
	}
	if cfg.Interval < minInterval {
		return nil, fmt.Errorf("configure light sensor %s: a look each %v is too often", cfg.Name, cfg.Interval)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	dev, err := newIIO(cfg.Root, cfg.Name, sysfs.NewDevice(cfg.Timeout))
	if err != nil {
		return nil, fmt.Errorf("configure light sensor: %w", err)
	}
	return &Light{cfg: cfg, dev: dev}, nil
}

// thresholds fills in the defaults of bright and dark, and checks them.
func thresholds(bright, dark *int32) error {
	if *bright == 0 {
		*bright = defaultBright
	}
	if *dark == 0 {
		*dark = *bright / 2
	}
	if *bright < 1 || *bright > maxLux || *dark < 0 || *dark >= *bright {
		return fmt.Errorf("bright at %d lux and dark at %d is not possible", *bright, *dark)
	}
	return nil
}

// Info says where the sensor is.
func (l *Light) Info() hardware.ProbeInfo {
	return hardware.ProbeInfo{Model: "iio-light", Bus: l.dev.where()}
}

// Run reports whether it is bright in the box, and each change of that, until ctx is done, and returns ctx's error. It is
// for one goroutine at a time. The faults of the monitor: those of package sysfs; OutOfRange for a value that no light
// has; Unsupported for a name that several devices have; Overrun for light that flaps.
func (l *Light) Run(ctx context.Context, report func(hardware.Handling)) error {
	lamp := &lamp{bright: l.cfg.Bright, dark: l.cfg.Dark,
		contact: contact{kind: hardware.HandlingLight, hold: lightHold, report: report}}
	where := l.dev.where()
	h := &health{set: func(state hardware.State, fault hardware.Fault, detail string) {
		l.cfg.Monitor.Set(state, fault, where, detail)
	}}
	look := func(ctx context.Context) error {
		lux, err := l.measure(ctx)
		if err != nil {
			return err
		}
		now := time.Now()
		lamp.see(now, l.cfg.Now(), lux)
		h.good(now, where, lamp.restless(now))
		return nil
	}
	return poll(ctx, l.cfg.Interval, h, look, lamp.lose)
}

// measure takes one measurement. Scale and range are read each time: another program may change the range.
func (l *Light) measure(ctx context.Context) (int32, error) {
	folder, err := l.dev.find(ctx)
	if err != nil {
		return 0, err
	}
	c, err := l.dev.channel(ctx, folder, []string{"in_illuminance", "in_illuminance0"}, "in_illuminance")
	if err != nil {
		return 0, err
	}
	lux, err := l.dev.read(ctx, c)
	if err != nil {
		return 0, err
	}
	if lux < 0 || lux > maxLux {
		return 0, &Error{Op: "read light", Path: folder, Fault: hardware.OutOfRange, Err: fmt.Errorf("%g lux", lux)}
	}
	return int32(math.Round(lux)), nil
}

// lamp turns lux into on and off, with a threshold for each.
type lamp struct {
	bright, dark int32
	contact
	state bool
}

func (l *lamp) see(now, at time.Time, lux int32) {
	switch {
	case lux >= l.bright:
		l.state = true
	case lux <= l.dark:
		l.state = false
	}
	l.contact.see(now, at, l.state, lux)
}
