package handling

import (
	"context"
	"fmt"
	"math"
	"time"

	"isotherm/hardware"
	"isotherm/hardware/sysfs"
)

// ShockConfig says which accelerometer to read. Zero values other than Name mean the defaults.
type ShockConfig struct {
	Name      string            // "iio:device1", or the sensor's name ("adxl345"), or the absolute path of its folder
	Root      string            // default /sys/bus/iio/devices
	Threshold int32             // thousandths of g away from 1 g that are a shock, default 1,500
	Interval  time.Duration     // real time between two looks, default 10 ms
	Timeout   time.Duration     // real time for one attribute, default 3 s
	Now       func() time.Time  // the box's clock, default time.Now
	Monitor   *hardware.Monitor // may be nil
}

const (
	defaultShock         = 1_500
	minShock             = 100     // below this every step of who carries it is a shock
	maxShock             = 400_000 // above this no accelerometer on such a bus measures (the largest: 200 g an axis)
	defaultShockInterval = 10 * time.Millisecond
	gravity              = 9.80665 // m/s², the standard one
)

// Shock is an accelerometer. It implements hardware.HandlingSensor.
type Shock struct {
	cfg ShockConfig
	dev iio
}

// NewIIOShock prepares a sensor; nothing is read before Run. The error is about cfg.
func NewIIOShock(cfg ShockConfig) (*Shock, error) {
	if err := shockThreshold(&cfg.Threshold); err != nil {
		return nil, fmt.Errorf("configure accelerometer %s: %w", cfg.Name, err)
	}
	if cfg.Interval == 0 {
		cfg.Interval = defaultShockInterval
	}
	if cfg.Interval < minInterval {
		return nil, fmt.Errorf("configure accelerometer %s: a look each %v is too often", cfg.Name, cfg.Interval)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	dev, err := newIIO(cfg.Root, cfg.Name, sysfs.NewDevice(cfg.Timeout))
	if err != nil {
		return nil, fmt.Errorf("configure accelerometer: %w", err)
	}
	return &Shock{cfg: cfg, dev: dev}, nil
}

func shockThreshold(milli *int32) error {
	if *milli == 0 {
		*milli = defaultShock
	}
	if *milli < minShock || *milli > maxShock {
		return fmt.Errorf("a shock of %d thousandths of g is not between %d and %d", *milli, minShock, maxShock)
	}
	return nil
}

// Info says where the sensor is.
func (s *Shock) Info() hardware.ProbeInfo {
	return hardware.ProbeInfo{Model: "iio-shock", Bus: s.dev.where()}
}

// Run reports shocks until ctx is done, and returns ctx's error. It is for one goroutine at a time. Nothing is reported
// before the sensor has shown 1 g for a while, nor after it has shown for ten seconds that it does not. The faults of the
// monitor: those of package sysfs; OutOfRange for a sensor that at rest does not show 1 g (no power, wrong scale), or
// shows more than any can; Stuck for one whose values never move; Unsupported for a name that several devices have;
// Overrun for shocks without end.
func (s *Shock) Run(ctx context.Context, report func(hardware.Handling)) error {
	shaker := &shaker{threshold: s.cfg.Threshold, gather: shockGather, report: report}
	where := s.dev.where()
	h := &health{set: func(state hardware.State, fault hardware.Fault, detail string) {
		s.cfg.Monitor.Set(state, fault, where, detail)
	}}
	axes := &axes{dev: s.dev}
	var rest rest
	look := func(ctx context.Context) error {
		g, err := axes.measure(ctx)
		if err != nil {
			return err
		}
		now := time.Now()
		switch rest.see(now, g) {
		case restUnknown:
		case restWrong:
			err := fmt.Errorf("at rest it shows %.2f g, and not 1 g", rest.shown)
			h.bad(now, &Error{Op: "read acceleration", Path: where, Fault: hardware.OutOfRange, Err: err})
		case restGood:
			shaker.see(now, s.cfg.Now(), int32(math.Round(math.Abs(g-1)*1000)))
			if axes.frozen(now) {
				err := fmt.Errorf("the same values for %v", frozenAfter)
				h.bad(now, &Error{Op: "read acceleration", Path: where, Fault: hardware.Stuck, Err: err})
				return nil
			}
			h.good(now, where, shaker.restless(now))
		}
		return nil
	}
	return poll(ctx, s.cfg.Interval, h, look, axes.lose)
}

// axes reads the three axes of one accelerometer.
type axes struct {
	dev      iio
	channels []channel // x, y, z; none before the device was found
	left     int       // looks until scale and offset are read again

	values [3]float64 // of the last look
	since  time.Time  // since when they are the same
}

// rescale is how many looks the scale holds: another program may change the range, and reading it each time would cost as
// much as measuring.
const rescale = 100

// measure returns the length of the acceleration, in g.
func (a *axes) measure(ctx context.Context) (float64, error) {
	if a.left == 0 {
		if err := a.find(ctx); err != nil {
			return 0, err
		}
	}
	a.left--
	sum, values := 0.0, [3]float64{}
	for i, c := range a.channels {
		v, err := a.dev.read(ctx, c)
		if err != nil {
			return 0, err
		}
		values[i] = v
		sum += v * v
	}
	if values != a.values || a.since.IsZero() {
		a.values, a.since = values, time.Now()
	}
	g := math.Sqrt(sum) / gravity
	if g > maxShock/1000 {
		return 0, &Error{Op: "read acceleration", Path: a.dev.where(), Fault: hardware.OutOfRange,
			Err: fmt.Errorf("%.0f g", g)}
	}
	return g, nil
}

func (a *axes) find(ctx context.Context) error {
	folder, err := a.dev.find(ctx)
	if err != nil {
		return err
	}
	var channels []channel
	for _, name := range []string{"in_accel_x", "in_accel_y", "in_accel_z"} {
		c, err := a.dev.channel(ctx, folder, []string{name}, "in_accel")
		if err != nil {
			return err
		}
		channels = append(channels, c)
	}
	a.channels, a.left = channels, rescale
	return nil
}

// lose makes the next look find the device anew.
func (a *axes) lose() { a.left, a.since = 0, time.Time{} }

const (
	// frozenAfter is how long the three axes of a fine sensor may show the very same: its noise alone moves the last digit
	// several times a second.
	frozenAfter = 10 * time.Minute
	// fineStep is the largest step of a fine sensor, in m/s²: 5 thousandths of g. A coarser one may well stand still.
	fineStep = 0.05
)

// frozen reports whether the sensor has stopped to measure.
func (a *axes) frozen(now time.Time) bool {
	if a.since.IsZero() || now.Sub(a.since) < frozenAfter {
		return false
	}
	for _, c := range a.channels {
		if c.processed != "" || math.Abs(c.scale) > fineStep {
			return false
		}
	}
	return true
}

// rest checks that a sensor shows about 1 g on average, as anything does that does not fall for long. The zero value has
// seen nothing.
type rest struct {
	begin   time.Time // of the window
	sum     float64
	count   int
	wrong   int // windows in a row
	verdict restVerdict
	shown   float64 // average of the last window
}

type restVerdict uint8

const (
	restUnknown restVerdict = 0
	restGood    restVerdict = 1
	restWrong   restVerdict = 2

	restWindow = 2 * time.Second
	restMin    = 0.5 // g
	restMax    = 2.0 // g: a box on a bad road shows more than 1 on average
	restWrongs = 5   // windows until a good sensor is taken for a broken one: nothing is shaken so for ten seconds
)

func (r *rest) see(now time.Time, g float64) restVerdict {
	if r.count == 0 {
		r.begin, r.sum = now, 0
	}
	r.sum += g
	r.count++
	if now.Sub(r.begin) < restWindow {
		return r.verdict
	}
	r.shown = r.sum / float64(r.count)
	r.count = 0
	if r.shown >= restMin && r.shown <= restMax {
		r.wrong, r.verdict = 0, restGood
	} else if r.wrong++; r.verdict == restUnknown || r.wrong >= restWrongs {
		r.verdict = restWrong
	}
	return r.verdict
}
