package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"isotherm/cmd/internal/simulate"
	"isotherm/hardware/sim"
)

// simFlags are how simulated devices run.
type simFlags struct {
	plan, dir string
	page      string
	rate      int64
	example   bool
	asJSON    bool
}

func simCommand() *cobra.Command {
	var f simFlags
	cmd := &cobra.Command{
		Use: "sim", Short: "Run simulated devices for a box, with faults by a timetable, until Ctrl-C", Args: exactly(0),
		Long: `Sim runs the devices of a plan behind pseudo-terminals: satellite receivers, temperature probes, handling sensors, a battery. It makes a
path for each one that stays, to give to trackerd, and a configuration for trackerd that uses all of them. The plan says when which
device is unplugged and comes back, also under another name, falls silent, sends garbage, answers late, breaks lines off, gets its checksums
wrong, changes its speed, and more; sim prints each fault as it begins and ends. Without a plan it runs the example.

A device checks the speed that the driver sets: at a wrong one both hear what a UART makes of it. Parity is not checked, because
pseudo-terminals forget it.`,
		Example: "  isotherm sim\n  isotherm sim --example > plan.toml\n  isotherm sim --plan plan.toml --dir /tmp/devices --rate 10",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.example {
				_, err := io.WriteString(cmd.OutOrStdout(), simulate.Example)
				return err
			}
			plan, err := f.load(cmd)
			if err != nil {
				return err
			}
			return f.run(cmd.Context(), cmd.OutOrStdout(), plan)
		},
	}
	cmd.Flags().StringVar(&f.plan, "plan", "", "file with the plan, in TOML (default: the example)")
	cmd.Flags().BoolVar(&f.example, "example", false, "print a plan to begin with, and end")
	cmd.Flags().StringVar(&f.dir, "dir", "", "folder for the devices' paths (default: a new one, removed at the end)")
	cmd.Flags().StringVar(&f.page, "page", "127.0.0.1:7501", "address of the box's own page, in its configuration")
	cmd.Flags().Int64Var(&f.rate, "rate", 1, fmt.Sprintf("simulated seconds in a real second, 1 to %d (default: the plan's)", simulate.MaxRate))
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "print JSON lines")
	return cmd
}

// load reads the plan and lets the flags overrule it.
func (f *simFlags) load(cmd *cobra.Command) (*simulate.Plan, error) {
	text := []byte(simulate.Example)
	if f.plan != "" {
		var err error
		if text, err = simulate.Read(f.plan); err != nil {
			return nil, err
		}
	}
	plan, err := simulate.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("read plan %s: %w\nTry: isotherm sim --example", f.plan, err)
	}
	if cmd.Flags().Changed("rate") {
		plan.Rate = f.rate
		if err := plan.CheckRate(); err != nil {
			return nil, usageError{err}
		}
	}
	return plan, nil
}

// run runs the devices until ctx is done, which is the way to end them, or one fails.
func (f *simFlags) run(ctx context.Context, out io.Writer, plan *simulate.Plan) (err error) {
	dir, remove, err := f.folder()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	began := time.Now()
	start := plan.StartAt(began)
	clock := func() time.Duration { return time.Since(began) * time.Duration(plan.Rate) }
	devices, err := plan.Devices(dir, start, clock)
	if err != nil {
		return err
	}
	say := &simVoice{out: out, json: f.asJSON, clock: clock}
	var lines []*sim.Line
	defer func() {
		for _, l := range lines {
			err = errors.Join(err, l.Close()) // those that ran are closed already
		}
	}()
	for _, d := range devices {
		d.Line.Observe = func(fault sim.Fault, begins bool) { say.fault(d.Name, fault, begins) }
		line, err := sim.OpenLine(d.Line)
		if err != nil {
			return err
		}
		lines = append(lines, line)
	}
	config := filepath.Join(dir, simulate.ConfigFile)
	if err := os.WriteFile(config, plan.Config(dir, f.page, start, began), 0o600); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(config)) }()
	say.ready(devices, config)
	group, running := errgroup.WithContext(ctx)
	for _, line := range lines {
		group.Go(func() error { return line.Run(running) }) // ends with ctx
	}
	if err := group.Wait(); ctx.Err() == nil {
		return err
	}
	return nil
}

// folder returns where the devices' paths are made, and what removes it again.
func (f *simFlags) folder() (dir string, remove func() error, err error) {
	if f.dir == "" {
		dir, err = os.MkdirTemp("", "isotherm-sim-")
		return dir, func() error { return os.RemoveAll(dir) }, err
	}
	dir, err = filepath.Abs(f.dir)
	if err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	return dir, func() error { return nil }, err // it may hold other things, and was asked for by name
}

// simVoice says what happens, from several goroutines.
type simVoice struct {
	mu    sync.Mutex // guards out
	out   io.Writer
	json  bool
	clock sim.Clock
}

// Lines of --json.
type (
	simDeviceLine struct {
		Type string `json:"type"` // "device"
		Name string `json:"name"`
		Kind string `json:"kind"`
		Path string `json:"path"`
	}
	simReadyLine struct {
		Type   string `json:"type"` // "ready"
		Config string `json:"config"`
	}
	simFaultLine struct {
		Type   string   `json:"type"` // "fault"
		Device string   `json:"device"`
		Kind   sim.Kind `json:"kind"`
		Begins bool     `json:"begins"`
		AtMS   int64    `json:"at_ms"` // simulated, since the start
		As     string   `json:"as,omitempty"`
	}
)

// ready tells of the devices: all of them can be opened.
func (v *simVoice) ready(devices []simulate.Device, config string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	t := table{head: []string{"DEVICE", "KIND", "PATH", "FAULTS"}}
	for _, d := range devices {
		if v.json {
			v.line(simDeviceLine{Type: "device", Name: d.Name, Kind: d.Kind, Path: d.Line.Link})
		}
		t.row(d.Name, d.Kind, d.Line.Link, len(d.Line.Script))
	}
	if v.json {
		v.line(simReadyLine{Type: "ready", Config: config})
		return
	}
	t.write(v.out)
	fmt.Fprintf(v.out, "a box that uses them: trackerd run --config %s\nthe devices are ready until Ctrl-C\n", config)
}

// fault tells of a fault's begin or end.
func (v *simVoice) fault(device string, f sim.Fault, begins bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	at := v.clock()
	if v.json {
		v.line(simFaultLine{Type: "fault", Device: device, Kind: f.Kind, Begins: begins, AtMS: at.Milliseconds(), As: f.As})
		return
	}
	text := "ends"
	switch {
	case begins && f.For > 0:
		text = "begins, for " + f.For.String()
	case begins:
		text = "begins"
	case f.As != "":
		text = "ends: it is back as " + f.As
	}
	fmt.Fprintf(v.out, "%8s  %s: %s %s\n", at.Truncate(100*time.Millisecond), device, f.Kind, text)
}

// line prints one line of JSON. Output that nobody takes is no reason to stop the devices.
func (v *simVoice) line(x any) {
	if b, err := json.Marshal(x); err == nil {
		fmt.Fprintf(v.out, "%s\n", b)
	}
}
