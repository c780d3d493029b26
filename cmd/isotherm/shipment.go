package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"isotherm/api/client"
	"isotherm/ledger/custody"
)

func shipmentCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "shipment", Short: "Open, pack, follow, receive and close shipments",
		Long: `Every act of a shipment is signed with your key, which your PIN unlocks. An act may be late: --at says when it happened, and the
ledger keeps both times. Nothing is edited: see correct and rule. When no node of the ledger answers, an act with --box-url is saved
on the box, which brings it to the ledger.`}
	cmd.AddCommand(
		openCommand(), packCommand(), listCommand(), showCommand(), receiveCommand(), openBoxCommand(), checkCommand(), preserveCommand(),
		outcomeCommand(), moveCommand(), waypointCommand(), adverseCommand(), correctCommand(), ruleCommand(), standDownCommand(),
		verb{use: "close SHIPMENT", short: "Say that nothing more is expected", kind: custody.Close, args: 1,
			example: "  isotherm shipment close --me center 3f0c…"}.command(),
		cosignCommand(), deliverCommand(),
	)
	return cmd
}

// donorFlag registers --donor; commit reads it.
func (a *act) donorFlag() {
	a.cmd.Flags().StringVar(&a.donor, "donor", "", "donor ID; the log holds only a keyed commitment to it")
}

// commit puts the ledger's commitment to the typed donor ID into the statement.
func (a *act) commit(ctx context.Context) error {
	if a.donor == "" {
		return nil
	}
	h, err := a.c.DonorCommitment(ctx, a.donor)
	a.s.Donor = h
	return err
}

// keepDonor keeps the typed donor ID, sealed, so that it can be revealed later. The act stands without it.
func (a *act) keepDonor(ctx context.Context) {
	if a.donor == "" {
		return
	}
	if err := a.c.KeepDonorID(ctx, a.s.Shipment, a.donor); err != nil {
		a.message = append(a.message, fmt.Sprintf("the donor ID is not kept (%v): isotherm donor keep", err))
		return
	}
	a.message = append(a.message, "the donor ID is kept, sealed")
}

func openCommand() *cobra.Command {
	var legs func() error
	return verb{
		use: "open", short: "Begin a shipment", kind: custody.Open,
		example: "  isotherm shipment open --me coordinator --organ heart --from RIVER --to HILL --from-phone '+1 555 0100' --to-phone '+1 555 0199' --legs plan.toml\n" +
			"  isotherm shipment open --me coordinator --organ kidney --side left --from RIVER --to HILL --leg from=RIVER,to=Airfield,mode=road --leg from=Airfield,to=HILL,mode=flight",
		setup: func(_ *cobra.Command, a *act) {
			a.fields("organ", "side", "from", "to", "from-phone", "to-phone")
			a.donorFlag()
			legs = a.legFlags()
		},
		fill: func(ctx context.Context, a *act, _ []string) error {
			if err := a.wants("organ", "to"); err != nil {
				return err
			}
			if err := legs(); err != nil {
				return err
			}
			a.then = a.keepDonor
			return a.commit(ctx)
		},
	}.command()
}

// secondFlags register the second person who signs on the same device.
func (a *act) secondFlags(help string) {
	a.cmd.Flags().StringVar(&a.second.dir, "second", "", help)
	a.cmd.Flags().StringVar(&a.second.pinFile, "second-pin-file", "", "file with the second person's PIN (default: ask)")
}

func packCommand() *cobra.Command {
	var profileName string
	return verb{
		use: "pack SHIPMENT", short: "Say that the organ is in the box", kind: custody.Pack, args: 1,
		long: `Pack begins the trip: it names the box, pins the newest head of its journal and the profile that the readings are judged by. When --at
is more than 2 minutes ago, it pins the newest head from before then that the ledger holds, so that the readings since are of the trip.
The label is checked by two people: the second one signs too (--second), has no account (--label-check second-person --reference 'staff 12'),
or signed in the program's own system (--label-check own-system --reference 'OT 881'). Profiles are the program's own; the shipped ones are
examples and not clinical advice.`,
		example: "  isotherm shipment pack --me courier --second coordinator --organ heart --abo A --packaging cooled-box --profile chs-4-8 --seal 0417 \\\n" +
			"    --cold-at 13:02+01:00 --box-url http://127.0.0.1:7401 3f0c…",
		setup: func(cmd *cobra.Command, a *act) {
			a.fields("organ", "side", "abo", "packaging", "space", "seal", "condition", "place", "position", "label-check", "reference")
			a.box.urlFlag(cmd, "address of the box's own page")
			cmd.Flags().StringVar(&a.box.id, "box", "", "the box, when its own page is out of reach")
			cmd.Flags().StringVar(&profileName, "profile", "", "a file (.json), a published profile, or a shipped one: "+shippedNames()+" (required)")
			cmd.Flags().StringVar(&a.when.cold, "cold-at", "", "start of cold preservation, with zone (default: --at)")
			a.secondFlags("identity folder of the second person who checked the label")
		},
		fill: func(ctx context.Context, a *act, _ []string) error {
			if err := a.wants("organ", "profile"); err != nil {
				return err
			}
			if a.second.dir != "" && a.s.LabelCheck == 0 {
				a.s.LabelCheck = custody.LabelTwoKeys
			}
			p, err := chooseProfile(ctx, a.c, profileName)
			if err != nil {
				return err
			}
			a.s.Profile = p.Marshal()
			if a.s.ColdMS = a.s.EventTimeMS; a.when.cold != "" {
				if a.s.ColdMS, err = a.typed("cold preservation began", a.when.cold); err != nil {
					return err
				}
			}
			if a.box.url == "" && a.box.id == "" {
				return usageError{fmt.Errorf("--box-url or --box is needed: which box the organ is in")}
			}
			a.s.Box, a.s.Head, err = a.startHead(ctx, a.box)
			return err
		},
	}.command()
}

func receiveCommand() *cobra.Command {
	return verb{
		use: "receive SHIPMENT", short: "Say that the box is at the transplant center", kind: custody.Receive, args: 1,
		long:    `Receive ends the transport: custody goes to the center. Any staff of a center may receive; an arrival check can follow at any time.`,
		example: "  isotherm shipment receive --me center --place 'Theatre 3' --seal 0417 --box-url http://127.0.0.1:7401 3f0c…",
		setup:   handoffSetup,
		fill:    func(ctx context.Context, a *act, _ []string) error { return a.citeHead(ctx) },
	}.command()
}

func openBoxCommand() *cobra.Command {
	return verb{
		use: "open-box SHIPMENT", short: "Say that the box was opened at its destination", kind: custody.OpenBox, args: 1,
		long:    "From here on readings are shown, and count no longer.",
		example: "  isotherm shipment open-box --me center --at 16:20+01:00 3f0c…",
		setup:   handoffSetup,
		fill:    func(ctx context.Context, a *act, _ []string) error { return a.citeHead(ctx) },
	}.command()
}

func checkCommand() *cobra.Command {
	var notDone bool
	return verb{
		use: "check SHIPMENT", short: "Check donor ID, organ, side and blood group on arrival", kind: custody.ArrivalCheck, args: 1,
		long: `Check compares what you read on the label with what was opened and packed. The answer is 'match' or 'mismatch'; a mismatch alarms
both sides and blocks nothing. --not-done states that nobody could check.`,
		example: "  isotherm shipment check --me center --donor 'G1234 98 654321' --organ heart --abo A 3f0c…\n  isotherm shipment check --me center --not-done 3f0c…",
		setup: func(cmd *cobra.Command, a *act) {
			a.fields("organ", "side", "abo", "place")
			a.donorFlag()
			cmd.Flags().BoolVar(&notDone, "not-done", false, "nobody could check")
		},
		fill: func(ctx context.Context, a *act, _ []string) error {
			if notDone {
				a.s.Arrival = custody.NotDone
				return nil
			}
			if err := a.wants("organ", "donor"); err != nil {
				return err
			}
			if err := a.commit(ctx); err != nil {
				return err
			}
			x, err := a.shipment(ctx)
			if err != nil {
				return err
			}
			a.s.Arrival = custody.Match
			if wrong := mismatch(x, &a.s); wrong != "" {
				a.s.Arrival = custody.Mismatch
				a.message = append(a.message, wrong+" differs: call the donor side and the coordinator")
			}
			fmt.Fprintf(a.cmd.ErrOrStderr(), "arrival check: %s\n", a.s.Arrival)
			return nil
		},
	}.command()
}

// mismatch names the first thing that is not as it was opened or packed; empty when all is.
func mismatch(x *client.Shipment, s *custody.Statement) string {
	switch {
	case x.Donor != s.Donor:
		return "donor ID"
	case x.Summary.Organ != s.Organ.String():
		return "organ"
	case x.Summary.Side != custody.CodeText(s.Side):
		return "side"
	}
	for i := range x.History {
		h := &x.History[i]
		if h.Kind == custody.Pack.String() && h.Standing == custody.Applied.String() && h.ABO != "" && s.ABO != 0 && h.ABO != s.ABO.String() {
			return "blood group"
		}
	}
	return ""
}

func preserveCommand() *cobra.Command {
	return verb{
		use: "preserve SHIPMENT STATE", short: "Say that the organ is cold, cold-perfused, warm-perfused or out-of-cold from now on",
		kind: custody.Preserve, args: 2,
		long:    "The cold clock runs while the organ is cold; perfused time is counted apart; out-of-cold ends it.",
		example: "  isotherm shipment preserve --me center --at 17:40+01:00 3f0c… out-of-cold",
		setup:   func(_ *cobra.Command, a *act) { a.fields("place", "reference") },
		fill: func(_ context.Context, a *act, args []string) error {
			state, err := custody.ParsePreservation(args[1])
			if err != nil {
				return usageError{err}
			}
			a.s.Preservation = state
			return nil
		},
	}.command()
}

func outcomeCommand() *cobra.Command {
	return verb{
		use: "outcome SHIPMENT", short: "Report what became of the organ", kind: custody.Outcome, args: 1,
		example: "  isotherm shipment outcome --me center --result transplanted 3f0c…\n" +
			"  isotherm shipment outcome --me center --result 'not transplanted' --reason organ-quality 3f0c…\n" +
			"  isotherm shipment outcome --me center --result redirected --to LAKE 3f0c…",
		setup: func(_ *cobra.Command, a *act) {
			a.fields("result", "to", "to-phone", "reference")
			a.reasonFlag()
		},
		fill: func(_ context.Context, a *act, _ []string) error {
			if err := a.wants("result"); err != nil {
				return err
			}
			switch a.s.Result {
			case custody.NotTransplanted:
				return a.wants("reason")
			case custody.Redirected:
				return a.wants("to")
			}
			return nil
		},
	}.command()
}

func standDownCommand() *cobra.Command {
	return verb{
		use: "stand-down SHIPMENT", short: "Say that the organ will not travel", kind: custody.StandDown, args: 1,
		example: "  isotherm shipment stand-down --me coordinator --reason donor-unsuitable 3f0c…",
		setup:   func(_ *cobra.Command, a *act) { a.reasonFlag(); a.fields("reference") },
	}.command()
}
