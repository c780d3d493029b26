package battery

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"isotherm/hardware"
	"isotherm/hardware/sysfs"
)

// SupplyConfig says which of the kernel's batteries to ask. Zero values other than Name mean the defaults.
type SupplyConfig struct {
	Name          string            // "BAT0", "max17040-battery"; or the absolute path of its folder
	Root          string            // default /sys/class/power_supply
	LowPermille   uint16            // at or below this it is BatteryLow; default 150, which is 15 %
	MinMilliVolts uint32            // less is a glitch; default 1,000
	MaxMilliVolts uint32            // more is a glitch; default 60,000. Give 4,500 for one lithium cell
	Timeout       time.Duration     // real time for one attribute, default 3 s
	Now           func() time.Time  // the box's clock, default time.Now
	Monitor       *hardware.Monitor // may be nil
}

const (
	defaultSupplyRoot = "/sys/class/power_supply"
	defaultLow        = 150
	defaultMinVolts   = 1_000
	defaultMaxVolts   = 60_000

	// secondLook is the pause before a first reading is confirmed: a gauge chip measures every quarter to half second.
	secondLook = 500 * time.Millisecond
)

// Supply is a battery of the kernel's power_supply class. It implements hardware.Gauge. Its attributes and units are
// those of the kernel's Documentation/ABI/testing/sysfs-class-power.
type Supply struct {
	cfg    SupplyConfig
	dev    *sysfs.Device
	folder string

	turn     chan struct{} // holds one token: who has it owns the fields below
	jumps    jumps
	low      lowMark
	seen     bool // it has answered since the start
	standing standing
}

// NewSupply prepares a gauge; nothing is read before Read. The error is about cfg.
func NewSupply(cfg SupplyConfig) (*Supply, error) {
	if err := sysfs.CheckName(cfg.Name); err != nil {
		return nil, fmt.Errorf("configure battery: %w", err)
	}
	if cfg.Root == "" {
		cfg.Root = defaultSupplyRoot
	}
	if cfg.LowPermille == 0 {
		cfg.LowPermille = defaultLow
	}
	if cfg.MinMilliVolts == 0 {
		cfg.MinMilliVolts = defaultMinVolts
	}
	if cfg.MaxMilliVolts == 0 {
		cfg.MaxMilliVolts = defaultMaxVolts
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.LowPermille > 1000 || cfg.MinMilliVolts >= cfg.MaxMilliVolts {
		return nil, fmt.Errorf("configure battery %s: low at %d permille, %d to %d mV is not possible",
			cfg.Name, cfg.LowPermille, cfg.MinMilliVolts, cfg.MaxMilliVolts)
	}
	folder := cfg.Name
	if !filepath.IsAbs(folder) {
		folder = filepath.Join(cfg.Root, folder)
	}
	s := &Supply{cfg: cfg, dev: sysfs.NewDevice(cfg.Timeout), folder: folder, turn: make(chan struct{}, 1),
		standing: standing{monitor: cfg.Monitor, port: folder}}
	s.turn <- struct{}{}
	return s, nil
}

// Info says where the battery's attributes are.
func (s *Supply) Info() hardware.ProbeInfo {
	return hardware.ProbeInfo{Model: "power_supply", Bus: s.folder}
}

// Read reads the battery's attributes. Its faults: GaugeGlitch as the package comment says; NotFound, and Unplugged when
// it was there before or says that no battery is present; Unsupported for a supply that is no battery; FieldSyntax,
// Denied, Timeout, IOError and Canceled. The first Read takes half a second longer.
func (s *Supply) Read(ctx context.Context) hardware.Battery {
	select {
	case <-s.turn:
	case <-ctx.Done():
		return failed(s.cfg.Now(), hardware.Canceled, "the caller gave up")
	}
	defer func() { s.turn <- struct{}{} }()
	b, err := s.look(ctx)
	if err != nil {
		b = failed(s.cfg.Now(), s.faultOf(err), err.Error())
	} else {
		s.seen = true
	}
	s.standing.note(b)
	return b
}

// faultOf tells a battery that was taken out from one that never was.
func (s *Supply) faultOf(err error) hardware.Fault {
	fault := hardware.FaultOf(err)
	if fault == hardware.NotFound && s.seen {
		return hardware.Unplugged
	}
	return fault
}

// look takes one reading, or two when there is none to compare with.
func (s *Supply) look(ctx context.Context) (hardware.Battery, error) {
	r, l, err := s.reading(ctx)
	if err != nil {
		return hardware.Battery{}, err
	}
	now := s.cfg.Now()
	if !s.jumps.blank(now) {
		if !s.jumps.take(now, l) {
			return hardware.Battery{}, s.fail(hardware.GaugeGlitch, errors.New("it "+s.jumps.why(l)))
		}
		return s.battery(now, l, r), nil
	}
	if err := pause(ctx, secondLook); err != nil {
		return hardware.Battery{}, err
	}
	first := l
	if r, l, err = s.reading(ctx); err != nil {
		return hardware.Battery{}, err
	}
	now = s.cfg.Now()
	if !s.jumps.confirm(now, first, l) {
		err := fmt.Errorf("it shows %v, and right after it %v", first, l)
		return hardware.Battery{}, s.fail(hardware.GaugeGlitch, err)
	}
	return s.battery(now, l, r), nil
}

// reading reads the attributes and checks them, each by itself.
func (s *Supply) reading(ctx context.Context) (reading, level, error) {
	r, err := s.attributes(ctx)
	if err != nil {
		return r, level{}, err
	}
	l, err := r.level(s.cfg.MinMilliVolts, s.cfg.MaxMilliVolts)
	if err != nil {
		return r, l, s.fail(hardware.GaugeGlitch, err)
	}
	return r, l, nil
}

func (s *Supply) fail(fault hardware.Fault, err error) error {
	return &Error{Op: "read battery", Path: s.folder, Fault: fault, Err: err}
}

// pause waits, in real time, unless ctx is done before.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// battery is what a good reading means.
func (s *Supply) battery(now time.Time, l level, r reading) hardware.Battery {
	b := hardware.Battery{At: now, ChargePermille: l.charge, MilliVolts: l.volts, State: r.state()}
	if b.State == hardware.PowerDischarging {
		b.Left = r.left()
	}
	if s.low.update(b, s.cfg.LowPermille) {
		b.Fault = hardware.BatteryLow
		left := level{b.ChargePermille, hardware.VoltsUnknown}
		b.Detail = fmt.Sprintf("battery %s has %v left: charge it", s.folder, left)
	}
	return b
}
