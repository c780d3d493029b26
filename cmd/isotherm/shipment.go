package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"isotherm/api/client"
	"isotherm/ledger"
	"isotherm/ledger/bundle"
	"isotherm/ledger/custody"
	"isotherm/ledger/profile"
)

func shipmentCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "shipment", Short: "Open, pack, follow, receive and close shipments"}
	cmd.AddCommand(
		openCommand(), packCommand(), listCommand(), showCommand(), receiveCommand(), checkCommand(), outcomeCommand(),
		actCommand("stand-down", "Say that the organ will not travel", custody.StandDown, nil, nil),
		actCommand("close", "Say that nothing more is expected", custody.Close, nil, nil),
	)
	return cmd
}

// contentFlags register organ, side and donor, and return a function that reads them into the statement.
func contentFlags(cmd *cobra.Command, f *actFlags) func(*client.Client) error {
	var organ, side, donor string
	cmd.Flags().StringVar(&organ, "organ", "", "heart, lung, liver, kidney, pancreas or intestine")
	cmd.Flags().StringVar(&side, "side", "", "left, right or both, where the organ has sides")
	cmd.Flags().StringVar(&donor, "donor", "", "donor ID; only a keyed commitment to it is stored")
	return func(c *client.Client) error {
		var err error
		if f.s.Organ, err = custody.ParseOrgan(organ); err != nil {
			return usageError{err}
		}
		if f.s.Side, err = custody.ParseSide(side); err != nil {
			return usageError{err}
		}
		if donor == "" {
			return nil
		}
		commitment, err := c.DonorCommitment(cmd.Context(), donor)
		f.s.Donor = commitment
		return err
	}
}

func openCommand() *cobra.Command {
	f := &actFlags{}
	f.s.Kind = custody.Open
	var read func(*client.Client) error
	cmd := &cobra.Command{
		Use:     "open",
		Short:   "Begin a shipment",
		Example: "  isotherm shipment open --me coordinator --organ heart --from 'Donor Hospital' --to 'City Transplant Center'",
		Args:    exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			f.s.Shipment = ledger.NewShipmentID()
			return f.deliver(cmd, func(_ *cobra.Command, _ *actFlags, c *client.Client) error { return read(c) })
		},
	}
	f.register(cmd, nil)
	read = contentFlags(cmd, f)
	cmd.Flags().StringVar(&f.s.From, "from", "", "donor hospital")
	cmd.Flags().StringVar(&f.s.Dest, "to", "", "transplant center")
	return cmd
}

func packCommand() *cobra.Command {
	var read func(*client.Client) error
	var cold string
	setup := func(cmd *cobra.Command, f *actFlags) {
		read = contentFlags(cmd, f)
		cmd.Flags().StringVar(&f.boxURL, "box-url", "", "address of the box's own page")
		cmd.Flags().StringVar(&f.boxID, "box", "", "the box, when its own page is out of reach")
		cmd.Flags().StringVar(&f.profile, "profile", "", "shipped profile: ice-scs, chs-4-8, lung-10 or normothermic")
		cmd.Flags().StringVar(&cold, "cold-start", "", "start of cold preservation, RFC 3339 with zone (default: --at)")
		cmd.Flags().StringVar(&f.second, "second", "", "identity folder of the second person who checked the label")
		cmd.Flags().StringVar(&f.s.Seal, "seal", "", "number on the seal")
		cmd.Flags().StringVar(&f.s.Condition, "condition", "", "container condition, HL7 table 0544 code, when something is wrong with it")
	}
	complete := func(cmd *cobra.Command, f *actFlags, c *client.Client) error {
		if err := read(c); err != nil {
			return err
		}
		p, ok := profile.Default(f.profile)
		if !ok {
			return usageError{fmt.Errorf("--profile %q is not known: use ice-scs, chs-4-8, lung-10 or normothermic", f.profile)}
		}
		f.s.Profile = p.Marshal()
		if f.s.ColdMS = f.s.EventTimeMS; cold != "" {
			ms, err := when(cold, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			f.s.ColdMS = ms
		}
		if f.boxID != "" {
			id, err := ledger.ParseID[ledger.BoxID](f.boxID)
			if err != nil {
				return usageError{err}
			}
			f.s.Box = id
		}
		return f.boxHead(cmd, c)
	}
	return actCommand("pack", "Say that the organ is in the box", custody.Pack, setup, complete)
}

func receiveCommand() *cobra.Command {
	complete := func(cmd *cobra.Command, f *actFlags, c *client.Client) error { return f.boxHead(cmd, c) }
	return actCommand("receive", "Say that the box is at the transplant center", custody.Receive, handoffFlags, complete)
}

func checkCommand() *cobra.Command {
	var read func(*client.Client) error
	setup := func(cmd *cobra.Command, f *actFlags) { read = contentFlags(cmd, f) }
	complete := func(cmd *cobra.Command, f *actFlags, c *client.Client) error {
		if err := read(c); err != nil {
			return err
		}
		shipment, err := c.Shipment(cmd.Context(), f.s.Shipment)
		if err != nil {
			return err
		}
		f.s.Arrival = custody.Mismatch
		if shipment.Donor == client.Hash(f.s.Donor) && shipment.Organ == f.s.Organ.String() && shipment.Side == f.s.Side.String() {
			f.s.Arrival = custody.Match
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "arrival check: %s\n", f.s.Arrival)
		return nil
	}
	return actCommand("check", "Check donor ID, organ and side on arrival", custody.ArrivalCheck, setup, complete)
}

func outcomeCommand() *cobra.Command {
	var result string
	setup := func(cmd *cobra.Command, _ *actFlags) {
		cmd.Flags().StringVar(&result, "result", "", "transplanted, not transplanted, redirected or not reported")
	}
	complete := func(_ *cobra.Command, f *actFlags, _ *client.Client) error {
		r, err := custody.ParseOutcome(result)
		if err != nil {
			return usageError{err}
		}
		f.s.Result = r
		return nil
	}
	return actCommand("outcome", "Report what became of the organ", custody.Outcome, setup, complete)
}

func listCommand() *cobra.Command {
	var s session
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List shipments",
		Args:  exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, c, err := s.connect()
			if err != nil {
				return err
			}
			defer c.Close()
			board, err := c.Shipments(cmd.Context())
			if err != nil {
				return err
			}
			return s.print(cmd, board, func(out io.Writer) {
				w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
				fmt.Fprintln(w, "SHIPMENT\tSTATE\tORGAN\tFROM\tTO\tHELD BY\tLAST °C\tEXCURSIONS")
				for _, x := range board.Shipments {
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\n", x.ID, x.Phase, strings.TrimSpace(x.Organ+" "+x.Side), x.From, x.Dest, holder(x), lastTemp(x), x.Excursions)
				}
				w.Flush()
				fmt.Fprintf(out, "as of %d entries, node %s\n", board.Entries, board.Node)
			})
		},
	}
	s.flags(cmd)
	return cmd
}

func holder(x client.Summary) string {
	if x.Custodian == nil {
		return "nobody yet"
	}
	return x.Custodian.Organisation
}

func lastTemp(x client.Summary) string {
	if x.LastTempMC == nil {
		return "none"
	}
	return bundle.Celsius(*x.LastTempMC)
}

func showCommand() *cobra.Command {
	var s session
	cmd := &cobra.Command{
		Use:   "show SHIPMENT",
		Short: "Show a shipment's custody history",
		Args:  exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := ledger.ParseID[ledger.ShipmentID](args[0])
			if err != nil {
				return usageError{err}
			}
			_, c, err := s.connect()
			if err != nil {
				return err
			}
			defer c.Close()
			shipment, err := c.Shipment(cmd.Context(), id)
			if err != nil {
				return err
			}
			return s.print(cmd, shipment, func(w io.Writer) { writeShipment(w, &shipment) })
		},
	}
	s.flags(cmd)
	return cmd
}

func writeShipment(out io.Writer, x *client.Shipment) {
	at := func(ms int64) string { return time.UnixMilli(ms).Format("2006-01-02 15:04 MST") }
	fmt.Fprintf(out, "%s %s from %s to %s: %s, held by %s\n", x.ID, strings.TrimSpace(x.Organ+" "+x.Side), x.From, x.Dest, x.Phase, holder(x.Summary))
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, a := range x.History {
		fmt.Fprintf(w, "entry %d\t%s\t%s\t%s\t%s\n", a.Index, at(a.EventTimeMS), a.Kind, a.By.Organisation, a.Standing)
	}
	if t := x.Trip; t != nil {
		fmt.Fprintf(w, "coverage\t%d.%d %% of %s\n", t.CoveragePermille/10, t.CoveragePermille%10, bundle.Duration(t.TotalMS))
		for _, e := range t.Excursions {
			fmt.Fprintf(w, "excursion\t%s\t%s for %s, farthest %s °C\n", at(e.BeganMS), e.Rule, bundle.Duration(e.Duration), bundle.Celsius(e.ExtremeMC))
			for _, h := range e.Held {
				fmt.Fprintf(w, "\t\t%s while %s held the box\n", bundle.Duration(h.MS), h.Party.Organisation)
			}
		}
	}
	for _, flag := range x.Flags {
		fmt.Fprintf(w, "note\t%s\n", flag)
	}
	w.Flush()
	fmt.Fprintf(out, "as of %d entries, node %s\n", x.Entries, x.Node)
}
