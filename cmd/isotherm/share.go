package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"isotherm/api/client"
	"isotherm/cmd/internal/identity"
	"isotherm/ledger/bundle"
)

func shareCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "share", Short: "Make, list, open and revoke links that show one case to outsiders",
		Long: `A share link shows where one case is, how warm, and which organisation holds it. It hides the donor hospital, the donor, the blood group,
people's names and positions near the start. It ends by itself, or when it is revoked.`}
	cmd.AddCommand(shareMakeCommand(), shareListCommand(), shareRevokeCommand(), shareOpenCommand())
	return cmd
}

func shareMakeCommand() *cobra.Command {
	var s session
	var label string
	var ttl time.Duration
	cmd := &cobra.Command{
		Use: "make SHIPMENT", Short: "Make a share link; its secret is shown once", Args: exactly(1),
		Example: "  isotherm share make --me coordinator --label 'surgical team' --ttl 12h 3f0c…",
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := shipmentArg(args[0])
			if err != nil {
				return err
			}
			if label == "" {
				return usageError{errors.New("--label is needed: for whom it is, without a name")}
			}
			return s.with(cmd, func(ctx context.Context, _ *identity.Me, c *client.Client) error {
				x, err := c.CreateShare(ctx, id, label, ttl)
				if err != nil {
					return err
				}
				return s.print(cmd, x, func(w io.Writer) {
					fmt.Fprintln(w, x.Token)
					fmt.Fprintf(cmd.ErrOrStderr(), "share %s, good until %s; it is not shown again\n", x.Info.ID, stamp(x.Info.ExpiresMS))
				})
			})
		},
	}
	s.flags(cmd)
	cmd.Flags().StringVar(&label, "label", "", "for whom it is, without a name (required)")
	cmd.Flags().DurationVar(&ttl, "ttl", 24*time.Hour, "how long it is good for, at most seven days")
	return cmd
}

func shareListCommand() *cobra.Command {
	var s session
	cmd := &cobra.Command{
		Use: "list SHIPMENT", Short: "List the share links of a case, without their secrets", Args: exactly(1),
		Example: "  isotherm share list --me coordinator 3f0c…",
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := shipmentArg(args[0])
			if err != nil {
				return err
			}
			return s.with(cmd, func(ctx context.Context, _ *identity.Me, c *client.Client) error {
				x, err := c.Shares(ctx, id)
				if err != nil {
					return err
				}
				return s.print(cmd, x, func(w io.Writer) {
					t := table{head: []string{"SHARE", "FOR", "MADE", "BY", "ENDS"}}
					for _, k := range x.Shares {
						t.row(k.ID, k.Label, ago(k.CreatedMS, s.now), k.By, stamp(k.ExpiresMS))
					}
					t.write(w)
					asOf(w, x.Node, x.Entries)
				})
			})
		},
	}
	s.flags(cmd)
	return cmd
}

func shareRevokeCommand() *cobra.Command {
	var s session
	cmd := &cobra.Command{
		Use: "revoke SHIPMENT SHARE", Short: "End a share link now", Args: exactly(2),
		Example: "  isotherm share revoke --me coordinator 3f0c… 8d20…",
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := shipmentArg(args[0])
			if err != nil {
				return err
			}
			return s.with(cmd, func(ctx context.Context, _ *identity.Me, c *client.Client) error {
				if err := c.RevokeShare(ctx, id, args[1]); err != nil {
					return err
				}
				return s.print(cmd, struct{}{}, func(w io.Writer) { fmt.Fprintf(w, "share %s is revoked\n", oneLine(args[1])) })
			})
		},
	}
	s.flags(cmd)
	return cmd
}

func shareOpenCommand() *cobra.Command {
	var url, ca, file string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "open", Short: "Show what a share link shows; needs no identity", Args: exactly(0),
		Example: "  isotherm share open --url https://ledger.example:7401 --ca ca.pem --link-file link",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if url == "" {
				return usageError{errors.New("--url is needed: the address of a node of the ledger")}
			}
			secret, err := secretOf(cmd, "link's secret", file, "--link-file")
			if err != nil {
				return err
			}
			c, err := client.New(client.Options{URLs: []string{url}, CAFile: ca, Token: string(secret)})
			if err != nil {
				return err
			}
			defer c.Close()
			x, err := c.Shared(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), x)
			}
			writeShared(cmd.OutOrStdout(), &x, time.Now())
			return nil
		},
	}
	cmd.Flags().StringVar(&url, "url", "", "address of a node of the ledger (required)")
	cmd.Flags().StringVar(&ca, "ca", "", "file with the ledger's CA (default: the system's roots)")
	cmd.Flags().StringVar(&file, "link-file", "", "file with the link's secret, readable by you only (default: ask)")
	cmd.Flags().BoolVar(&asJSON, "json", false, "answer as JSON")
	return cmd
}

func writeShared(w io.Writer, x *client.SharedView, now time.Time) {
	var t table
	state := string(x.Phase)
	if x.Simulated {
		state += " (Simulated)"
	}
	t.row("organ", organText(x.Organ, x.Side, true))
	t.row("to", strings.TrimSpace(x.Dest+" "+x.DestPhone))
	t.row("state", state)
	if x.LastTempMC != nil {
		t.row("temperature", fmt.Sprintf("%s °C, band %s to %s °C, %s", bundle.Celsius(*x.LastTempMC), bundle.Celsius(x.BandLowMC), bundle.Celsius(x.BandHighMC), ago(x.LastReadingMS, now)))
	}
	t.row("heard", ago(x.LastContactMS, now))
	for _, h := range x.Holders {
		t.row("held by", fmt.Sprintf("%s since %s, %s", h.Organisation, stamp(h.SinceMS), h.Evidence))
	}
	for _, e := range x.Excursions {
		m := low
		if e.Open {
			m = high
		}
		t.row("excursion", cell{fmt.Sprintf("%s for %s from %s", e.Rule, bundle.Duration(e.DurationMS), stamp(e.FromMS)), m})
	}
	if p := x.Position; p != nil {
		t.row("position", fmt.Sprintf("%.5f, %.5f, %s", float64(p.LatE7)/1e7, float64(p.LonE7)/1e7, ago(p.WallMS, now)))
	}
	t.row("coverage", fmt.Sprintf("%d.%d %%", x.CoveragePermille/10, x.CoveragePermille%10))
	t.row("link ends", stamp(x.ExpiresMS))
	t.write(w)
	asOf(w, x.Node, x.Entries)
}
