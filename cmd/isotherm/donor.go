package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"isotherm/api/client"
	"isotherm/cmd/internal/identity"
)

func donorCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "donor", Short: "Keep, find and reveal donor IDs",
		Long: `The log never holds a donor ID, only a keyed commitment to it. The ID itself is kept sealed beside the log, so that a case is found by what
people say on the phone. Each try to find or reveal one is an entry, and tries are limited.`}
	cmd.AddCommand(donorKeepCommand(), donorFindCommand(), donorRevealCommand())
	return cmd
}

func donorKeepCommand() *cobra.Command {
	var s session
	cmd := &cobra.Command{
		Use: "keep SHIPMENT DONOR", Short: "Keep the donor ID of a case, sealed, so that it can be found and revealed", Args: exactly(2),
		Example: "  isotherm donor keep --me coordinator 3f0c… 'G1234 98 654321'",
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := shipmentArg(args[0])
			if err != nil {
				return err
			}
			return s.with(cmd, func(ctx context.Context, _ *identity.Me, c *client.Client) error {
				if err := c.KeepDonorID(ctx, id, args[1]); err != nil {
					return err
				}
				return s.print(cmd, struct{}{}, func(w io.Writer) { fmt.Fprintln(w, "the donor ID is kept, sealed") })
			})
		},
	}
	s.flags(cmd)
	return cmd
}

func donorFindCommand() *cobra.Command {
	var s session
	cmd := &cobra.Command{
		Use: "find DONOR", Short: "Find the cases of a donor ID", Args: exactly(1),
		Example: "  isotherm donor find --me center 'G1234 98 654321'",
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.with(cmd, func(ctx context.Context, _ *identity.Me, c *client.Client) error {
				x, err := c.FindByDonorID(ctx, args[0])
				if err != nil {
					return err
				}
				return s.print(cmd, x, func(w io.Writer) {
					if len(x.Found) == 0 {
						fmt.Fprintln(w, "no case has this donor ID")
					}
					var t table
					for _, f := range x.Found {
						may := "you may see it"
						if !f.Readable {
							may = "not yours to see: isotherm break-glass opens it in an emergency"
						}
						t.row(f.Shipment, may)
					}
					t.write(w)
				})
			})
		},
	}
	s.flags(cmd)
	return cmd
}

// reasonFlag registers a typed reason that becomes an entry, and returns a function that wants it.
func reasonFlag(cmd *cobra.Command) func() (string, error) {
	reason := cmd.Flags().String("reason", "", "why; the ledger keeps it, so without names or data of patients (required)")
	return func() (string, error) {
		if *reason == "" {
			return "", usageError{errors.New("--reason is needed: why; the ledger keeps it")}
		}
		return *reason, nil
	}
}

func donorRevealCommand() *cobra.Command {
	var s session
	var why func() (string, error)
	cmd := &cobra.Command{
		Use: "reveal SHIPMENT", Short: "Show the donor ID of a case; that you saw it becomes an entry", Args: exactly(1),
		Example: "  isotherm donor reveal --me center --reason 'label check at arrival' 3f0c…",
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := shipmentArg(args[0])
			if err != nil {
				return err
			}
			reason, err := why()
			if err != nil {
				return err
			}
			return s.with(cmd, func(ctx context.Context, _ *identity.Me, c *client.Client) error {
				donor, err := c.RevealDonorID(ctx, id, reason)
				if err != nil {
					return err
				}
				v := struct {
					DonorID string `json:"donor_id"`
				}{donor}
				return s.print(cmd, v, func(w io.Writer) { fmt.Fprintln(w, oneLine(donor)) })
			})
		},
	}
	s.flags(cmd)
	why = reasonFlag(cmd)
	return cmd
}

func breakGlassCommand() *cobra.Command {
	var s session
	var why func() (string, error)
	cmd := &cobra.Command{
		Use: "break-glass SHIPMENT", Short: "See a case that is not yours, in an emergency, for eight hours", Args: exactly(1),
		Long:    "Break-glass opens any case at once, for you, for eight hours. It becomes an entry on the case, with your reason; those whose case it is see it.",
		Example: "  isotherm break-glass --me center --reason 'box arrived here by mistake' 3f0c…",
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := shipmentArg(args[0])
			if err != nil {
				return err
			}
			reason, err := why()
			if err != nil {
				return err
			}
			return s.with(cmd, func(ctx context.Context, _ *identity.Me, c *client.Client) error {
				x, err := c.BreakGlass(ctx, id, reason)
				if err != nil {
					return err
				}
				return s.print(cmd, x, func(w io.Writer) { fmt.Fprintf(w, "open to you until %s\n", stamp(x.UntilMS)) })
			})
		},
	}
	s.flags(cmd)
	why = reasonFlag(cmd)
	return cmd
}
