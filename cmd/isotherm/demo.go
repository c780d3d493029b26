package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"isotherm/cmd/internal/door"
	"isotherm/cmd/internal/journey"
	"isotherm/cmd/internal/showcase"
)

// demo is how the demonstration runs.
type demo struct {
	once   bool
	gps    string
	keep   string
	drive  time.Duration
	listen string
	out    io.Writer
	dir    string
}

func demoCommand() *cobra.Command {
	var d demo
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Carry a heart from packing to a verified export, with real parts, and open the pages on it",
		Long: `Demo starts three ledger nodes and two boxes as processes of their own, with simulated devices behind pseudo-terminals, and opens the
ledger's pages on this machine, with a ready login for each kind of user. One box carries a kidney in real time: hand it over in a browser.

The other carries a heart, with time sped up: demo opens a shipment, packs, drives, loses the network for a while, has one excursion, hands
custody over with two signatures, is received and checked, exports the evidence and verifies it offline. Then it runs until Ctrl-C and leaves
nothing behind.

Five more shipments stand on the board: a heart in flight with the radio off and six cold minutes before, a kidney that one side released to an
airline's cargo desk, a liver moved to another box, a lung that two couriers claim and on which two people ruled, a pancreas whose readings
came late and which is too cold now. Of their boxes only the records are simulated; acts, entries and signatures are as always.

Only time, weather and devices are simulated, and the journal says so: every record's clock reads 'simulated'.`,
		Example: "  isotherm demo\n  isotherm demo --once --bundle case.bundle\n  isotherm demo --gps trip.nmea",
		Args:    exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			d.out = cmd.OutOrStdout()
			return d.run(cmd.Context())
		},
	}
	cmd.Flags().BoolVar(&d.once, "once", false, "no pages, and end after the journey; exit code 0 only if everything held")
	cmd.Flags().StringVar(&d.gps, "gps", "", "drive with this captured NMEA file instead of the simulated route")
	cmd.Flags().StringVar(&d.keep, "bundle", "", "keep the exported bundle in this file, and the ledger's policy beside it as FILE.policy")
	cmd.Flags().DurationVar(&d.drive, "drive", time.Minute, "how long the drive takes to watch")
	cmd.Flags().StringVar(&d.listen, "listen", "127.0.0.1:0", "where the pages are, on this machine; port 0 takes a free one")
	return cmd
}

func (d *demo) run(ctx context.Context) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	program, err := os.Executable()
	if err == nil {
		d.dir, err = os.MkdirTemp("", "isotherm-demo-")
	}
	if err != nil {
		cancel()
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(d.dir)) }()
	began := time.Now()
	var mu sync.Mutex // guards out: two trips and visitors of the pages tell what they do
	say := func(at time.Time, text string) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(d.out, "%s  %s\n", at.Format("15:04:05"), text)
	}
	fmt.Fprintln(d.out, "isotherm demo: a heart travels; the times on the left are those of the journey")
	o := journey.Options{Program: program, Dir: d.dir, GPS: d.gps, Drive: d.drive, Say: say, SideTrips: true}
	var pages sync.WaitGroup
	defer pages.Wait()
	defer cancel() // ends the pages before the ledger, after the journey's own defer
	if !d.once {
		if d.listen, err = door.FreeAddress(d.listen); err != nil {
			return err
		}
		o.Pages, o.PagesURL = true, "http://"+d.listen
		o.Ready = func(j *journey.Journey) error { return d.open(ctx, j, &pages) }
	}
	j, err := journey.Start(ctx, o)
	defer func() { err = errors.Join(err, j.Close()) }()
	if err != nil {
		return interrupted(ctx, err)
	}
	result, err := d.drives(ctx, j)
	switch {
	case ctx.Err() != nil:
		return interrupted(ctx, err)
	case err == nil:
		fmt.Fprintf(d.out, "\nEverything held, in %s.\n", time.Since(began).Round(time.Second))
	}
	if d.once {
		return err
	}
	if err != nil {
		fmt.Fprintf(d.out, "\n%v\nThe pages stay open until you press Ctrl-C.\n", err)
	} else {
		next(d.out, j, result, d.dir)
	}
	<-ctx.Done()
	fmt.Fprintln(d.out, "\nstopping")
	return err
}

// open opens the pages, and says where they are.
func (d *demo) open(ctx context.Context, j *journey.Journey, running *sync.WaitGroup) error {
	ca, err := os.ReadFile(j.CA())
	if err != nil {
		return err
	}
	pages, err := door.Open(door.Options{Nodes: j.URLs(), CA: ca, Listen: d.listen, Prefix: showcase.Prefix, Extra: showcase.Handler(j)})
	if err != nil {
		return err
	}
	running.Go(func() { // ends with ctx
		if err := pages.Serve(ctx); err != nil {
			fmt.Fprintln(d.out, err)
		}
	})
	fmt.Fprintf(d.out, "\n  The pages are open: %s/demo\n\n", pages.URL())
	return nil
}

// drives runs the journey and shows what came of it.
func (d *demo) drives(ctx context.Context, j *journey.Journey) (*journey.Result, error) {
	result, err := j.Run(ctx)
	if err != nil {
		return nil, err
	}
	fmt.Fprintln(d.out)
	if err := result.Verdict.WriteText(d.out); err != nil {
		return nil, err
	}
	if d.keep != "" {
		if err := keepFiles(result, d.keep); err != nil {
			return nil, err
		}
		fmt.Fprintf(d.out, "\nkept %s and %s.policy\n", d.keep, d.keep)
	}
	if err := j.Check(ctx, result); err != nil {
		return nil, fmt.Errorf("the journey did not hold: %w", err)
	}
	return result, nil
}

// interrupted makes Ctrl-C on the way an end like any other.
func interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	return err
}

// keepFiles copies the bundle and the policy to where they outlive the demonstration.
func keepFiles(r *journey.Result, to string) error {
	for _, f := range []struct{ from, to string }{{r.Bundle, to}, {r.Policy, to + ".policy"}} {
		b, err := os.ReadFile(f.from)
		if err != nil {
			return err
		}
		err = writeWhole(f.to, func(w io.Writer) error {
			_, err := w.Write(b)
			return err
		})
		if err != nil {
			return fmt.Errorf("keep %s: %w", f.to, err)
		}
	}
	return nil
}

// next says where everything runs and what to try.
func next(out io.Writer, j *journey.Journey, r *journey.Result, dir string) {
	center := filepath.Join(dir, "people", "center")
	auditor := filepath.Join(dir, "people", "auditor")
	url := j.URLs()[0]
	fmt.Fprintf(out, `
The ledger runs at %s (and on two more nodes) until you press Ctrl-C. What to try, from another terminal:

  the board            go run ./cmd/isotherm shipment list --me %s
  the case             go run ./cmd/isotherm shipment show --me %s %s
  over HTTP            curl --cacert %s/ca.pem -H "Authorization: Bearer $(cat %s/token)" %s/v1/shipments/%s
  the log's head       curl --cacert %s/ca.pem %s/checkpoint
  export it yourself   go run ./cmd/isotherm export --me %s --reason curious --out my.bundle %s
  verify it offline    go run ./cmd/isotherm verify --policy %s my.bundle
  then change a byte   printf x | dd of=my.bundle bs=1 seek=$(($(wc -c < my.bundle) - 9000)) conv=notrunc, and verify again
`, url, center, center, r.Shipment, center, center, url, r.Shipment, center, url, auditor, r.Shipment, r.Policy)
}
