package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"isotherm/api/client"
	"isotherm/cmd/internal/identity"
)

func enrolCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "enrol", Short: "Make boxes and people known to the ledger"}
	cmd.AddCommand(enrolBoxCommand(), enrolPersonCommand())
	return cmd
}

func enrolBoxCommand() *cobra.Command {
	var s session
	var label string
	var ttl time.Duration
	cmd := &cobra.Command{
		Use:     "box",
		Short:   "Make a one-time token with which a box enrols itself",
		Example: "  isotherm enrol box --me admin --label 'box 7' > token\n  trackerd enrol --config box.toml --token-file token",
		Args:    exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.with(cmd, func(ctx context.Context, _ *identity.Me, c *client.Client) error {
				token, err := c.CreateEnrolToken(ctx, label, ttl)
				if err != nil {
					return err
				}
				return s.print(cmd, token, func(w io.Writer) { fmt.Fprintln(w, token.Token) })
			})
		},
	}
	s.flags(cmd)
	cmd.Flags().StringVar(&label, "label", "", "what is written on the box")
	cmd.Flags().DurationVar(&ttl, "ttl", time.Hour, "how long the token can be used")
	return cmd
}

func boxCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "box", Short: "List boxes"}
	var s session
	list := &cobra.Command{
		Use: "list", Short: "List enrolled boxes, with the newest that the ledger holds of each", Args: exactly(0),
		Example: "  isotherm box list --me coordinator",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.with(cmd, func(ctx context.Context, _ *identity.Me, c *client.Client) error {
				x, err := c.Boxes(ctx)
				if err != nil {
					return err
				}
				return s.print(cmd, x, func(w io.Writer) {
					t := table{head: []string{"BOX", "LABEL", "HEARD", "RECORDS", "SHIPMENTS"}}
					for _, b := range x.Boxes {
						shipments := make([]string, len(b.Shipments))
						for i, id := range b.Shipments {
							shipments[i] = id.String()
						}
						t.row(b.ID, b.Label, ago(b.LastContactMS, s.now), b.Size, strings.Join(shipments, ", "))
					}
					t.write(w)
					asOf(w, x.Node, x.Entries)
				})
			})
		},
	}
	s.flags(list)
	cmd.AddCommand(list)
	return cmd
}
