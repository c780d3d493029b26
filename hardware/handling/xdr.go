package handling

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"isotherm/hardware"
	"isotherm/hardware/nmea"
	"isotherm/hardware/serial"
)

// XDRConfig says where the microcontroller is. Zero values other than Port mean the defaults.
type XDRConfig struct {
	Port      string            // as for serial.Open: a path, or usb:VVVV:PPPP
	Baud      int               // default 9600
	Bright    int32             // lux; as for LightConfig
	Dark      int32             // lux; as for LightConfig
	Threshold int32             // thousandths of g; as for ShockConfig
	Stall     time.Duration     // real time without a value before the port is opened again, default 10 s
	Host      serial.Host       // default the real machine
	Now       func() time.Time  // the box's clock, default time.Now
	Monitor   *hardware.Monitor // may be nil
	Logger    *slog.Logger      // default discards
}

const (
	defaultXDRBaud  = 9600
	defaultXDRStall = 10 * time.Second

	// wrongMost is how many sentences in a row may have no sense for one kind before the monitor is told.
	wrongMost = 3
	// quietTick is how often a silent line is looked at.
	quietTick = 250 * time.Millisecond
)

// XDR is a device that sends what happens to lid, light and acceleration, as the package comment says. It implements
// hardware.HandlingSensor.
type XDR struct {
	cfg XDRConfig
}

// NewXDR prepares a device; the port is opened by Run. The error is about cfg.
func NewXDR(cfg XDRConfig) (*XDR, error) {
	if err := serial.CheckSpec(cfg.Port); err != nil {
		return nil, fmt.Errorf("configure handling sensor: %w", err)
	}
	if err := thresholds(&cfg.Bright, &cfg.Dark); err != nil {
		return nil, fmt.Errorf("configure handling sensor at %s: %w", cfg.Port, err)
	}
	if err := shockThreshold(&cfg.Threshold); err != nil {
		return nil, fmt.Errorf("configure handling sensor at %s: %w", cfg.Port, err)
	}
	if cfg.Baud == 0 {
		cfg.Baud = defaultXDRBaud
	}
	if cfg.Stall <= 0 {
		cfg.Stall = defaultXDRStall
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &XDR{cfg: cfg}, nil
}

// Info says where the device is.
func (x *XDR) Info() hardware.ProbeInfo { return hardware.ProbeInfo{Model: "xdr", Bus: x.cfg.Port} }

// Run reports what the device tells until ctx is done, and returns ctx's error. It is for one goroutine at a time. The
// faults of the monitor: those of package serial; Silent, or what came instead (Noise, ChecksumBad, UnknownType for
// sentences without any of our measurements), when nothing of use came; FieldSyntax, OutOfRange and UnitMismatch for a
// measurement that makes no sense; Silent for one of the three that stays away; Overrun for changes without end.
func (x *XDR) Run(ctx context.Context, report func(hardware.Handling)) error {
	l := x.listener(report)
	keep := serial.KeepConfig{Spec: x.cfg.Port, Config: serial.Config{Baud: x.cfg.Baud}, Host: x.cfg.Host,
		Monitor: x.cfg.Monitor, Logger: x.cfg.Logger}
	return serial.Keep(ctx, keep, func(ctx context.Context, s *serial.Session) error {
		return x.session(ctx, s, l)
	})
}

// session listens to one open port.
func (x *XDR) session(ctx context.Context, s *serial.Session, l *listener) error {
	l.health.set = s.Set
	l.begin(time.Now())
	framer := nmea.NewFramer(l.sentence, l.fault)
	buf := make([]byte, 4096) // what the kernel buffers for a tty
	for {
		n, err := s.ReadWithin(buf, min(quietTick, x.cfg.Stall))
		l.heard = l.heard || n > 0
		framer.Write(buf[:n])
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && hardware.FaultOf(err) != hardware.Silent:
			return err
		case err != nil:
			framer.Flush()
		}
		if since := time.Since(l.good); since >= x.cfg.Stall {
			return s.Stalled(l.reason(), fmt.Sprintf("nothing of use for %v", x.cfg.Stall))
		}
	}
}

// listener makes reports of sentences. It outlives sessions, so that a cable that was pulled does not report all again.
type listener struct {
	where  string
	stall  time.Duration
	box    func() time.Time // the box's clock
	health health
	kinds  [3]kind // lid, light, shock

	lid    contact
	lamp   lamp
	shaker shaker

	good  time.Time      // when a measurement last made sense, or the session began
	heard bool           // bytes came since
	last  hardware.Fault // what the newest bytes were that made none
}

// kind is how one of the three measurements stands.
type kind struct {
	name  string
	good  time.Time // when it last made sense; zero when it never came
	wrong int       // times in a row that it did not
	err   error     // why not
}

func (x *XDR) listener(report func(hardware.Handling)) *listener {
	return &listener{
		where: x.cfg.Port, stall: x.cfg.Stall, box: x.cfg.Now,
		kinds: [3]kind{{name: "LID"}, {name: "LIGHT"}, {name: "SHOCK"}},
		lid:   contact{kind: hardware.HandlingLid, report: report},
		lamp: lamp{bright: x.cfg.Bright, dark: x.cfg.Dark,
			contact: contact{kind: hardware.HandlingLight, report: report}},
		shaker: shaker{threshold: x.cfg.Threshold, report: report},
	}
}

// begin starts a session: no kind is late before it had a chance.
func (l *listener) begin(now time.Time) {
	l.good, l.heard, l.last = now, false, hardware.None
	for i := range l.kinds {
		if k := &l.kinds[i]; !k.good.IsZero() {
			k.good = now
		}
	}
}

// reason says what a stall is for.
func (l *listener) reason() hardware.Fault {
	switch {
	case !l.heard:
		return hardware.Silent
	case l.last != hardware.None:
		return l.last
	}
	return hardware.Noise
}

func (l *listener) fault(_ int64, fault hardware.Fault) { l.last = fault }

func (l *listener) sentence(_ int64, line []byte) {
	list, fault := nmea.ParseXDR(line)
	if fault != hardware.None {
		l.last = fault
		return
	}
	now, at, useful := time.Now(), l.box(), false
	for _, m := range list {
		for i := range l.kinds {
			if k := &l.kinds[i]; k.name == m.Name {
				useful = l.measurement(now, at, i, m) || useful
			}
		}
	}
	if !useful {
		if l.last = hardware.UnknownType; len(list) > 0 && l.wrong() != nil {
			l.last = hardware.FaultOf(l.wrong())
		}
		return
	}
	l.good, l.heard, l.last = now, false, hardware.None
	l.condition(now)
}

// measurement takes the measurement of kind i, and reports whether it makes sense.
func (l *listener) measurement(now, at time.Time, i int, m nmea.Measurement) bool {
	k := &l.kinds[i]
	value, fault := measured(i, m)
	if fault != hardware.None {
		k.wrong++
		err := fmt.Errorf("%c,%.16q,%.16q,%s", m.Type, m.Value, m.Unit, m.Name)
		k.err = &Error{Op: "read handling sensor", Path: l.where, Fault: fault, Err: err}
		return false
	}
	k.good, k.wrong, k.err = now, 0, nil
	switch i {
	case 0:
		l.lid.see(now, at, value == 1, 0)
	case 1:
		l.lamp.see(now, at, value)
	case 2:
		l.shaker.see(now, at, value)
	}
	return true
}

// measured reads a measurement: 0 or 1 for a lid, lux, thousandths of g. An empty value is not a closed lid.
func measured(i int, m nmea.Measurement) (int32, hardware.Fault) {
	type form struct {
		kind byte
		unit string
		most int64 // thousandths
	}
	f := [3]form{{'S', "", 1000}, {'G', "L", maxLux * 1000}, {'G', "G", maxShock}}[i]
	if m.Type != f.kind || m.Unit != f.unit {
		return 0, hardware.UnitMismatch
	}
	if i == 0 && m.Value != "0" && m.Value != "1" {
		return 0, hardware.FieldSyntax
	}
	milli, fault := m.Milli()
	switch {
	case fault == hardware.FieldRange || fault == hardware.None && (milli < 0 || milli > f.most):
		return 0, hardware.OutOfRange
	case fault != hardware.None:
		return 0, fault
	case i == 2:
		return int32(milli), hardware.None
	}
	return int32((milli + 500) / 1000), hardware.None
}

// wrong returns why a kind makes no sense, or nil.
func (l *listener) wrong() error {
	for _, k := range l.kinds {
		if k.err != nil {
			return k.err
		}
	}
	return nil
}

// condition tells the monitor how the device stands, after a sentence of use.
func (l *listener) condition(now time.Time) {
	for _, k := range l.kinds {
		if k.wrong >= wrongMost {
			l.health.bad(now, k.err)
			return
		}
		if !k.good.IsZero() && now.Sub(k.good) >= l.stall {
			err := errors.New("it does not tell " + k.name + " any more")
			l.health.bad(now, &Error{Op: "read handling sensor", Path: l.where, Fault: hardware.Silent, Err: err})
			return
		}
	}
	l.health.good(now, l.where, l.lid.restless(now) || l.lamp.restless(now) || l.shaker.restless(now))
}
