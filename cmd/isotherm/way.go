package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"isotherm/ledger/custody"
)

func moveCommand() *cobra.Command {
	var to boxChoice
	var tracker, none bool
	return verb{
		use: "move SHIPMENT", short: "Say that the organ is in another box, or under another tracker or none", kind: custody.Move, args: 1,
		long: `Move ends the readings of one box and begins those of the next. The time between is a gap with a name. --box-url is the box that the
organ leaves, --to-box-url the one that it goes into. A move that is stated late begins the next as isotherm shipment pack does.`,
		example: "  isotherm shipment move --me courier --to-box-url http://127.0.0.1:7402 --reason box-fault 3f0c…\n" +
			"  isotherm shipment move --me courier --tracker-replaced --to-box 660b… --reason tracker-fault 3f0c…\n" +
			"  isotherm shipment move --me courier --no-tracker --reason tracker-forbidden 3f0c…",
		setup: func(cmd *cobra.Command, a *act) {
			cmd.Flags().StringVar(&to.url, "to-box-url", "", "address of the new box's own page")
			cmd.Flags().StringVar(&to.id, "to-box", "", "the new box, when its own page is out of reach")
			cmd.Flags().BoolVar(&tracker, "tracker-replaced", false, "the same box, another tracker")
			cmd.Flags().BoolVar(&none, "no-tracker", false, "the organ travels on without a tracker")
			a.box.urlFlag(cmd, "address of the old box's own page, to cite its newest head")
			a.fields("space", "place", "position", "seal", "condition", "reference")
			a.reasonFlag()
		},
		fill: func(ctx context.Context, a *act, _ []string) error {
			a.s.Segment = custody.MovedBox
			switch {
			case tracker && none:
				return usageError{errors.New("--tracker-replaced and --no-tracker exclude each other")}
			case none:
				a.s.Segment = custody.NoTracker
				return a.citeHead(ctx)
			case tracker:
				a.s.Segment = custody.TrackerReplaced
			}
			if to.url == "" && to.id == "" {
				return usageError{errors.New("--to-box-url or --to-box is needed: where the organ is now")}
			}
			var err error
			if a.s.NewBox, a.s.NewHead, err = a.startHead(ctx, to); err != nil {
				return err
			}
			return a.citeHead(ctx)
		},
	}.command()
}

func waypointCommand() *cobra.Command {
	var legs func() error
	return verb{
		use: "waypoint SHIPMENT departed|arrived LEG", short: "Say that a planned leg was begun or ended", kind: custody.Waypoint, args: 3,
		long:    "LEG is the number of the planned leg, from 1. --leg or --legs replace the plan from here on.",
		example: "  isotherm shipment waypoint --me courier 3f0c… departed 2\n  isotherm shipment waypoint --me courier --legs new-plan.toml 3f0c… arrived 1",
		setup: func(_ *cobra.Command, a *act) {
			a.fields("place", "position", "reference")
			legs = a.legFlags()
		},
		fill: func(_ context.Context, a *act, args []string) error {
			for name, text := range map[string]string{"leg-state": args[1], "leg": args[2]} {
				for _, f := range fields() {
					if f.name != name {
						continue
					}
					if err := f.set(&a.s, text); err != nil {
						return usageError{err}
					}
				}
			}
			return legs()
		},
	}.command()
}

func adverseCommand() *cobra.Command {
	return verb{
		use: "adverse SHIPMENT", short: "Report a serious adverse event", kind: custody.AdverseEvent, args: 1,
		long:    "The report names a coded reason and the number under which your own system keeps the details: no patient's data belongs here.",
		example: "  isotherm shipment adverse --me center --reason frozen --reference 'SAE 2026-118' 3f0c…",
		setup:   func(_ *cobra.Command, a *act) { a.reasonFlag(); a.fields("reference", "place") },
		fill:    func(_ context.Context, a *act, _ []string) error { return a.wants("reason") },
	}.command()
}
