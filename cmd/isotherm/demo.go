package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"isotherm/cmd/internal/journey"
)

func demoCommand() *cobra.Command {
	var once bool
	var gps, keep string
	var drive time.Duration
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Carry a heart from packing to a verified export, with real parts",
		Long: `Demo starts three ledger nodes and one box as processes of their own, with simulated devices behind pseudo-terminals.
It opens a shipment, packs, drives with time sped up, loses the network for a while, has one excursion, hands custody over with two
signatures, is received and checked, exports the evidence and verifies it offline. Then it runs until Ctrl-C and leaves nothing behind.

Five more shipments stand on the board: a heart in flight with the radio off and six cold minutes before, a kidney that one side released to an
airline's cargo desk, a liver moved to another box, a lung that two couriers claim and on which two people ruled, a pancreas whose readings
came late. Of their boxes only the records are simulated; acts, entries and signatures are as always.

Only time, weather and devices are simulated, and the journal says so: every record's clock reads 'simulated'.`,
		Example: "  isotherm demo\n  isotherm demo --once --bundle case.bundle\n  isotherm demo --gps trip.nmea",
		Args:    exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runDemo(cmd.Context(), cmd.OutOrStdout(), gps, keep, drive, once)
		},
	}
	cmd.Flags().BoolVar(&once, "once", false, "end after the journey; exit code 0 only if everything held")
	cmd.Flags().StringVar(&gps, "gps", "", "drive with this captured NMEA file instead of the simulated route")
	cmd.Flags().StringVar(&keep, "bundle", "", "keep the exported bundle in this file, and the ledger's policy beside it as FILE.policy")
	cmd.Flags().DurationVar(&drive, "drive", time.Minute, "how long the drive takes to watch")
	return cmd
}

func runDemo(ctx context.Context, out io.Writer, gps, keep string, drive time.Duration, once bool) (err error) {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "isotherm-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	began := time.Now()
	say := func(at time.Time, text string) { fmt.Fprintf(out, "%s  %s\n", at.Format("15:04:05"), text) }
	fmt.Fprintln(out, "isotherm demo: a heart travels; the times on the left are those of the journey")
	j, err := journey.Start(ctx, journey.Options{Program: program, Dir: dir, GPS: gps, Drive: drive, Say: say})
	defer func() { err = errors.Join(err, j.Close()) }()
	if err != nil {
		return interrupted(ctx, err)
	}
	result, err := j.Run(ctx)
	if err != nil {
		return interrupted(ctx, err)
	}
	fmt.Fprintln(out)
	if err := result.Verdict.WriteText(out); err != nil {
		return err
	}
	if keep != "" {
		if err := keepFiles(result, keep); err != nil {
			return err
		}
		fmt.Fprintf(out, "\nkept %s and %s.policy\n", keep, keep)
	}
	if err := j.Check(ctx, result); err != nil {
		return fmt.Errorf("the journey did not hold: %w", err)
	}
	fmt.Fprintf(out, "\nEverything held, in %s.\n", time.Since(began).Round(time.Second))
	if once {
		return nil
	}
	next(out, j, result, dir)
	<-ctx.Done()
	fmt.Fprintln(out, "\nstopping")
	return nil
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
