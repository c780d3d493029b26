package battery

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

// ThrottledConfig says where a Raspberry Pi tells that its supply is weak. The zero value is a Pi with a current kernel
// and no other gauge.
type ThrottledConfig struct {
	Gauge   hardware.Gauge    // the gauge whose readings are passed on; nil when the box has none
	Path    string            // the absolute path of a get_throttled or in0_lcrit_alarm file; default the chip "rpi_volt"
	Root    string            // where that chip is looked for by its name, default /sys/class/hwmon
	Timeout time.Duration     // real time for one attribute, default 3 s
	Now     func() time.Time  // the box's clock, default time.Now
	Monitor *hardware.Monitor // of the warning, not of the gauge; may be nil
}

const (
	defaultHwmon  = "/sys/class/hwmon"
	defaultChip   = "rpi_volt"
	chipAlarm     = "in0_lcrit_alarm"
	undervolted   = 1 << 0  // now
	hasUndervolts = 1 << 16 // since the computer was switched on, or since the kernel last looked
)

// Throttled adds a Raspberry Pi's warning of a weak supply to the readings of a gauge. It implements hardware.Gauge.
//
// Two files tell it. in0_lcrit_alarm of the hwmon chip rpi_volt is 1 when the supply was weak within the last two seconds
// (kernel documentation, hwmon/raspberrypi-hwmon); what was between two readings is not told. get_throttled of older kernels is a hexadecimal number: bit 0 is now, bit 16 is since the
// start (include/soc/bcm2835/raspberrypi-firmware.h, RPI_FIRMWARE_GET_THROTTLED). Both are read alike. Bit 16 is told
// once, with the reading that first sees it.
type Throttled struct {
	cfg ThrottledConfig
	dev *sysfs.Device

	turn     chan struct{} // holds one token: who has it owns the fields below
	happened bool          // bit 16 was set at the last look
	standing standing
}

// NewThrottled prepares the warning; nothing is read before Read. The error is about cfg.
func NewThrottled(cfg ThrottledConfig) (*Throttled, error) {
	if cfg.Path != "" && !filepath.IsAbs(cfg.Path) {
		return nil, fmt.Errorf("configure undervoltage warning: %q is not an absolute path", cfg.Path)
	}
	if cfg.Root == "" {
		cfg.Root = defaultHwmon
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	t := &Throttled{cfg: cfg, dev: sysfs.NewDevice(cfg.Timeout), turn: make(chan struct{}, 1),
		standing: standing{monitor: cfg.Monitor, port: where(cfg)}}
	t.turn <- struct{}{}
	return t, nil
}

func where(cfg ThrottledConfig) string {
	if cfg.Path != "" {
		return cfg.Path
	}
	return filepath.Join(cfg.Root, defaultChip)
}

// Info is that of the gauge, when there is one.
func (t *Throttled) Info() hardware.ProbeInfo {
	if t.cfg.Gauge != nil {
		return t.cfg.Gauge.Info()
	}
	return hardware.ProbeInfo{Model: "throttled", Bus: t.standing.port}
}

// Read reads the gauge, and the warning. Undervoltage comes before what the gauge says; its values stay. When the warning
// can't be read the reading is the gauge's, and the monitor knows; without a gauge it is the fault of the file.
func (t *Throttled) Read(ctx context.Context) hardware.Battery {
	select {
	case <-t.turn:
	case <-ctx.Done():
		return failed(t.cfg.Now(), hardware.Canceled, "the caller gave up")
	}
	defer func() { t.turn <- struct{}{} }()
	var b hardware.Battery
	if t.cfg.Gauge != nil {
		b = t.cfg.Gauge.Read(ctx)
	}
	weak, err := t.weak(ctx)
	own := failed(t.cfg.Now(), hardware.None, "")
	switch {
	case err != nil:
		own.Fault, own.Detail = hardware.FaultOf(err), err.Error()
	case weak:
		own.Fault = hardware.Undervoltage
		own.Detail = "the computer's supply is or was too weak: use a better supply and a short, thick cable"
	}
	t.standing.note(own)
	switch {
	case t.cfg.Gauge == nil:
		return own
	case err == nil && weak:
		if b.Detail != "" {
			own.Detail += "; " + b.Detail
		}
		b.Fault, b.Detail = own.Fault, own.Detail
	}
	return b
}

// weak reports whether the supply is too weak, or was since the last look.
func (t *Throttled) weak(ctx context.Context) (bool, error) {
	path := t.cfg.Path
	if path == "" {
		chips, err := t.dev.Find(ctx, t.cfg.Root, defaultChip, "name")
		if err != nil {
			return false, err
		}
		path = filepath.Join(chips[0], chipAlarm)
	}
	text, err := t.dev.Read(ctx, path)
	if err != nil {
		return false, err
	}
	bits, err := parseThrottled(text)
	if err != nil {
		return false, &sysfs.Error{Op: "parse", Path: path, Fault: hardware.FieldSyntax, Err: err}
	}
	now, happened := bits&undervolted != 0, bits&hasUndervolts != 0
	fresh := happened && !t.happened
	t.happened = happened
	return now || fresh, nil
}

var errNotHex = errors.New("not a hexadecimal number of at most eight digits")

// parseThrottled reads the bits: hexadecimal, as the kernel prints them or as the firmware's own command does
// ("throttled=0x50005").
func parseThrottled(text string) (uint32, error) {
	text = strings.TrimPrefix(strings.TrimPrefix(text, "throttled="), "0x")
	if text == "" || len(text) > 8 || strings.Trim(text, "0123456789abcdefABCDEF") != "" {
		return 0, errNotHex
	}
	v, err := strconv.ParseUint(text, 16, 32)
	if err != nil {
		return 0, errNotHex
	}
	return uint32(v), nil
}
