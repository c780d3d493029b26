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
	"slices"

	"golang.org/x/sync/errgroup"

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
       trackerd ports [--listen 2s] [--json]
       trackerd doctor --config FILE [--for 8s] [--json]
       trackerd decode FILE

run     records, watches and delivers until SIGTERM or SIGINT
enrol   makes the box known to a ledger, once
ports   lists serial ports and 1-Wire probes, and what to write into a configuration; --listen says what talks there
doctor  shows raw and parsed values of a box that runs, or of its devices when it does not, what is wrong and what to do
decode  prints what the box makes of a captured receiver's stream as JSON lines; - reads standard input

Exit codes: 0 all went well, 1 a failure or, from doctor, something wrong with the box, 2 a wrong command line.
`

// errUsage marks an error in the command line.
var errUsage = errors.New("wrong use")

// Run runs the program with args, without its name, and returns its exit code: 0 after an orderly end, 1 after a
// failure, 2 for a wrong command line.
func Run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	err := command(ctx, args, invocation{stdin: stdin, stdout: stdout, stderr: stderr})
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

// invocation is one call of the program.
type invocation struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	log            *slog.Logger
	config         string
	args           []string // what follows the flags
}

// verb is one thing that the program does.
type verb struct {
	name   string
	config bool                // needs --config
	args   int                 // how many arguments follow the flags
	flags  func(*flag.FlagSet) // may be nil
	run    func(context.Context, *Config, invocation) error
}

func verbs() []verb {
	var e enrolment
	var l listing
	var d doctor
	return []verb{
		{name: "run", config: true, run: func(ctx context.Context, cfg *Config, in invocation) error { return run(ctx, cfg, in.log, in.stdout) }},
		{name: "enrol", config: true, flags: e.flags, run: func(ctx context.Context, cfg *Config, in invocation) error {
			return e.enrol(ctx, cfg, in.log, in.stdout)
		}},
		{name: "ports", flags: l.flags, run: func(ctx context.Context, _ *Config, in invocation) error { return l.run(ctx, in.stdout) }},
		{name: "doctor", config: true, flags: d.flags, run: func(ctx context.Context, cfg *Config, in invocation) error {
			return d.run(ctx, cfg, in.stdout)
		}},
		{name: "decode", args: 1, run: func(ctx context.Context, _ *Config, in invocation) error {
			return decode(ctx, in.args[0], in.stdin, in.stdout)
		}},
	}
}

func command(ctx context.Context, args []string, in invocation) error {
	if len(args) == 0 {
		return fmt.Errorf("%w: run, enrol, ports, doctor or decode is missing", errUsage)
	}
	if slices.Contains([]string{"help", "-h", "--help"}, args[0]) {
		_, err := io.WriteString(in.stdout, usage)
		return err
	}
	list := verbs()
	i := slices.IndexFunc(list, func(v verb) bool { return v.name == args[0] })
	if i < 0 {
		return fmt.Errorf("%w: %q is not known", errUsage, args[0])
	}
	v := list[i]
	flags := flag.NewFlagSet("trackerd "+v.name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	if v.config {
		flags.StringVar(&in.config, "config", "", "config file")
	}
	if v.flags != nil {
		v.flags(flags)
	}
	err := flags.Parse(args[1:])
	in.args = flags.Args()
	switch {
	case errors.Is(err, flag.ErrHelp):
		_, err := io.WriteString(in.stdout, usage)
		return err
	case err != nil:
		return fmt.Errorf("%w: %w", errUsage, err)
	case len(in.args) > v.args:
		return fmt.Errorf("%w: %q is too much", errUsage, in.args[v.args])
	case len(in.args) < v.args:
		return fmt.Errorf("%w: %s needs a file", errUsage, v.name)
	case v.config && in.config == "":
		return fmt.Errorf("%w: --config is missing", errUsage)
	}
	var cfg *Config
	if v.config {
		if cfg, err = readConfig(in.config); err != nil {
			return err
		}
	}
	in.log = slog.New(slog.NewTextHandler(in.stderr, nil))
	return v.run(ctx, cfg, in)
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
	box := d.box(cfg)
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
	group.Go(func() error { return d.run(ctx) })
	group.Go(func() error { return t.Run(ctx) })
	return group.Wait()
}
