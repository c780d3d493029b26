// Package trackerd is the program of the box: it reads a config file, opens the devices, and runs a tracker until it is
// told to stop. The command of the same name and the demonstration both use it.
//
// It is not the tracker: what a box records and promises is said in isotherm/tracker. After a crash it is started again
// with the same command and needs no repair.
package trackerd

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"isotherm/hardware/gnss"
	"isotherm/hardware/modbus"
	"isotherm/tracker"
)

// Software is the name and version that boot records carry.
const Software = "isotherm trackerd 0.1"

// Exit codes.
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2
)

const usage = `usage: trackerd run --config FILE
       trackerd enrol --config FILE --token-file FILE --policy FILE [--ledger URL[,URL]] [--ca FILE]

run records, watches and delivers until SIGTERM or SIGINT. enrol makes the box known to a ledger, once.
`

// errUsage marks an error in the command line.
var errUsage = errors.New("wrong use")

// Run runs the program with args, without its name, and returns its exit code: 0 after an orderly end, 1 after a
// failure, 2 for a wrong command line.
func Run(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) int {
	err := command(ctx, args, stdout, stderr)
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return exitOK
	case errors.Is(err, errUsage):
		fmt.Fprintf(stderr, "trackerd: %v\n%s", err, usage)
		return exitUsage
	}
	fmt.Fprintf(stderr, "trackerd: %v\n", err)
	return exitError
}

func command(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		return fmt.Errorf("%w: run or enrol is missing", errUsage)
	}
	flags := flag.NewFlagSet("trackerd "+args[0], flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	path := flags.String("config", "", "config file")
	var e enrolment
	switch args[0] {
	case "run":
	case "enrol":
		e.flags(flags)
	case "help", "-h", "--help":
		_, err := io.WriteString(stdout, usage)
		return err
	default:
		return fmt.Errorf("%w: %q is not known", errUsage, args[0])
	}
	err := flags.Parse(args[1:])
	switch {
	case errors.Is(err, flag.ErrHelp):
		_, err := io.WriteString(stdout, usage)
		return err
	case err != nil:
		return fmt.Errorf("%w: %w", errUsage, err)
	case flags.NArg() > 0:
		return fmt.Errorf("%w: %q is too much", errUsage, flags.Arg(0))
	case *path == "":
		return fmt.Errorf("%w: --config is missing", errUsage)
	}
	cfg, err := readConfig(*path)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(stderr, nil))
	if args[0] == "enrol" {
		return e.enrol(ctx, cfg, log, stdout)
	}
	return run(ctx, cfg, log, stdout)
}

// run records until ctx is done.
func run(ctx context.Context, cfg *Config, log *slog.Logger, stdout io.Writer) error {
	clock, err := cfg.clock()
	if err != nil {
		return err
	}
	d, err := openDevices(cfg, clock, log)
	if err != nil {
		return err
	}
	defer d.close()
	box := d.box(cfg, clock, log)
	// What keeps the box from its ledger never keeps it from recording.
	uplink, err := newUplink(cfg)
	if err != nil {
		log.Error("the box records and does not deliver", "err", err)
		box.Unlinked = err.Error()
	}
	if uplink != nil {
		defer uplink.close()
		box.Uplink, box.Trust = uplink, uplink.trust
	}
	box.Ready = func() {
		if _, err := fmt.Fprintf(stdout, "trackerd: box in %s is ready\n", cfg.DataDir); err != nil {
			log.Warn("nobody hears that the box is ready", "err", err)
		}
	}
	t, err := tracker.New(box)
	if err != nil {
		return err
	}
	log.Info("box records", "box", t.Box(), "page", cfg.LocalAddr)
	group, ctx := errgroup.WithContext(ctx)
	if d.receiver != nil {
		group.Go(func() error {
			if err := d.receiver.Run(ctx); ctx.Err() == nil {
				return err
			}
			return nil
		})
	}
	group.Go(func() error { return t.Run(ctx) })
	return group.Wait()
}

// devices are the box's senses.
type devices struct {
	receiver *gnss.Receiver // nil: none
	buses    map[string]*modbus.Bus
	probes   []tracker.Probe
}

// openDevices prepares the devices. Nothing is opened yet: a device that is missing now may be plugged in later.
func openDevices(cfg *Config, clock tracker.Clock, log *slog.Logger) (*devices, error) {
	d := &devices{buses: map[string]*modbus.Bus{}}
	if g := cfg.GNSS; g != nil {
		d.receiver = gnss.NewReceiver(gnss.Config{Path: g.Path, Baud: g.Baud, MaxAge: time.Duration(g.FixMaxAge), Now: clock.Time, Logger: log})
	}
	for i, p := range cfg.Probe {
		bus := d.buses[p.Path]
		if bus == nil {
			bus = modbus.NewBus(modbus.BusConfig{Path: p.Path, Baud: p.Baud, Timeout: time.Duration(cfg.ProbeTimeout), Now: clock.Time, Logger: log})
			d.buses[p.Path] = bus
		}
		device, err := bus.Probe(modbus.ProbeConfig{Address: p.Address, Register: p.Register, Decode: p.Preset})
		if err != nil {
			d.close()
			return nil, fmt.Errorf("probe %d: %w", i, err)
		}
		calibration, err := p.calibration()
		if err != nil {
			d.close()
			return nil, fmt.Errorf("probe %d: %w", i, err)
		}
		d.probes = append(d.probes, tracker.Probe{Place: p.Place, Device: device, Calibration: calibration})
	}
	return d, nil
}

func (d *devices) close() {
	for _, bus := range d.buses {
		_ = bus.Close() // nothing was written that could be lost
	}
}

// box returns the tracker's config without an uplink.
func (d *devices) box(cfg *Config, clock tracker.Clock, log *slog.Logger) tracker.Config {
	c := tracker.Config{
		DataDir: cfg.DataDir, Software: Software, Clock: clock, Probes: d.probes, Local: cfg.LocalAddr, Keep: cfg.KeepJournalMB << 20, Logger: log,
		Intervals: tracker.Intervals{Sample: time.Duration(cfg.SampleInterval), Flush: time.Duration(cfg.FlushInterval), Sync: time.Duration(cfg.SyncInterval)},
	}
	c.Pages = cfg.pages()
	if d.receiver != nil { // not a nil pointer in the interface
		c.Locator = d.receiver
	}
	return c
}
