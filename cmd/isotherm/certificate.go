package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"isotherm/api/client"
	"isotherm/cmd/internal/identity"
)

func certificateCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "certificate", Short: "Recall a probe's calibration certificate, and list the trips under it"}
	cmd.AddCommand(certificateRecallCommand(), certificateTripsCommand())
	return cmd
}

func certificateRecallCommand() *cobra.Command {
	var s session
	var reason string
	cmd := &cobra.Command{
		Use: "recall NUMBER", Short: "Say that a calibration certificate is worth nothing", Args: exactly(1),
		Long:    "The recall is an entry. Every trip that was measured under the certificate shows it from then on; no reading is changed.",
		Example: "  isotherm certificate recall --me admin --reason 'reference thermometer out of tolerance' CAL-2026-118\n  isotherm certificate trips --me admin CAL-2026-118",
		RunE: func(cmd *cobra.Command, args []string) error {
			if reason == "" {
				return usageError{errors.New("--reason is needed: why it is recalled")}
			}
			return s.with(cmd, func(ctx context.Context, _ *identity.Me, c *client.Client) error {
				x, err := c.RecallCertificate(ctx, args[0], reason)
				if err != nil {
					return err
				}
				return s.print(cmd, x, func(w io.Writer) {
					fmt.Fprintf(w, "certificate %s is recalled, entry %d\n", oneLine(args[0]), x.Index)
				})
			})
		},
	}
	s.flags(cmd)
	cmd.Flags().StringVar(&reason, "reason", "", "why (required)")
	return cmd
}

func certificateTripsCommand() *cobra.Command {
	var s session
	cmd := &cobra.Command{
		Use: "trips NUMBER", Short: "List the trips that were measured under a certificate", Args: exactly(1),
		Example: "  isotherm certificate trips --me auditor CAL-2026-118",
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.with(cmd, func(ctx context.Context, _ *identity.Me, c *client.Client) error {
				x, err := c.CertificateTrips(ctx, args[0])
				if err != nil {
					return err
				}
				return s.print(cmd, x, func(w io.Writer) {
					if r := x.Recall; r != nil {
						fmt.Fprintf(w, "recalled %s, entry %d: %s\n", ago(r.TimeMS, s.now), r.Index, oneLine(r.Reason))
					}
					t := table{head: []string{"SHIPMENT", "BOXES", "FROM", "TO", "READINGS"}}
					for _, trip := range x.Trips {
						boxes := make([]string, len(trip.Boxes))
						for i, b := range trip.Boxes {
							boxes[i] = b.String()
						}
						t.row(trip.Shipment, strings.Join(boxes, ", "), stamp(trip.FromMS), stamp(trip.ToMS), trip.Readings)
					}
					t.write(w)
					if x.Hidden > 0 {
						fmt.Fprintf(w, "and %d that are not yours to see\n", x.Hidden)
					}
					asOf(w, x.Node, x.Entries)
				})
			})
		},
	}
	s.flags(cmd)
	return cmd
}
