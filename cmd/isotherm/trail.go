package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"isotherm/api/client"
	"isotherm/cmd/internal/identity"
)

func trailCommand() *cobra.Command {
	var s session
	var from string
	var limit int
	cmd := &cobra.Command{
		Use: "trail", Short: "Print the audit trail: every entry, who caused it and when", Args: exactly(0),
		Long:    "The trail is all entries in order: acts, reads, exports, sign-ins, changes of people and contacts. It can't be switched off.",
		Example: "  isotherm trail --me auditor\n  isotherm trail --me auditor --limit 0 --json > trail.json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.with(cmd, func(ctx context.Context, _ *identity.Me, c *client.Client) error {
				all, err := readTrail(ctx, c, from, limit)
				if err != nil {
					return err
				}
				return s.print(cmd, all, func(w io.Writer) {
					t := table{head: []string{"ENTRY", "WHEN", "KIND", "WHAT", "BY", "SUBJECTS", "NODE"}}
					for _, x := range all.Items {
						by, subjects := "", ""
						if !x.By.IsZero() {
							by = x.By.String()
						}
						for i, sub := range x.Subjects {
							if i > 0 {
								subjects += ", "
							}
							subjects += sub.Kind + " " + sub.ID
						}
						what := x.What
						if x.Erased {
							what = "erased"
						}
						t.row(x.Index, stamp(x.TimeMS), x.Kind, what, by, subjects, x.Node)
					}
					t.write(w)
					if all.Next != "" {
						fmt.Fprintf(w, "there is more: isotherm trail --from %s\n", all.Next)
					}
					asOf(w, all.Node, all.Entries)
				})
			})
		},
	}
	s.flags(cmd)
	cmd.Flags().StringVar(&from, "from", "", "go on where a trail before ended")
	cmd.Flags().IntVar(&limit, "limit", 500, "entries at most, 0 for all")
	return cmd
}

// trailPage is how many entries one request asks for.
const trailPage = 500

// readTrail reads up to limit entries, all for 0, page by page.
func readTrail(ctx context.Context, c *client.Client, from string, limit int) (client.Trail, error) {
	all := client.Trail{Next: from}
	for {
		page := trailPage
		if limit > 0 {
			page = min(page, limit-len(all.Items))
		}
		x, err := c.Trail(ctx, all.Next, page)
		if err != nil {
			return all, err
		}
		all.Node, all.Entries, all.Next = x.Node, x.Entries, x.Next
		all.Items = append(all.Items, x.Items...)
		if x.Next == "" || limit > 0 && len(all.Items) >= limit {
			return all, nil
		}
	}
}

func feedCommand() *cobra.Command {
	var s session
	after := int64(-1)
	cmd := &cobra.Command{
		Use: "feed", Short: "Print what happens in the cases that you may see, as it happens, until Ctrl-C", Args: exactly(0),
		Long:    "Each line is one entry. --after resumes behind an entry; without it the feed begins now. JSON is one object a line.",
		Example: "  isotherm feed --me center\n  isotherm feed --me center --after 1042 --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.with(cmd, func(ctx context.Context, _ *identity.Me, c *client.Client) error {
				if !cmd.Flags().Changed("after") {
					x, err := c.Status(ctx)
					if err != nil {
						return err
					}
					after = x.Entries - 1
				}
				err := c.Feed(ctx, after, func(e client.FeedEvent) error {
					if s.json {
						return json.NewEncoder(cmd.OutOrStdout()).Encode(e)
					}
					about := ""
					if !e.Shipment.IsZero() {
						about = "shipment " + e.Shipment.String()
					} else if !e.Box.IsZero() {
						about = "box " + e.Box.String()
					}
					_, err := fmt.Fprintf(cmd.OutOrStdout(), "entry %d  %s  %s  %s\n", e.Index, stamp(e.TimeMS), e.Kind, about)
					return err
				})
				if ctx.Err() != nil {
					return nil // Ctrl-C is how it ends
				}
				return err
			})
		},
	}
	s.flags(cmd)
	cmd.Flags().Int64Var(&after, "after", -1, "index of the entry to resume behind")
	return cmd
}

func noticeCommand() *cobra.Command {
	var s session
	cmd := &cobra.Command{
		Use: "notice", Short: "Print the privacy notice: what is collected, why, for how long, and who sees it", Args: exactly(0),
		Example: "  isotherm notice --me courier",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.with(cmd, func(ctx context.Context, _ *identity.Me, c *client.Client) error {
				text, err := c.Notice(ctx)
				if err != nil {
					return err
				}
				v := struct {
					Notice string `json:"notice"`
				}{string(text)}
				return s.print(cmd, v, func(w io.Writer) { fmt.Fprintln(w, v.Notice) })
			})
		},
	}
	s.flags(cmd)
	return cmd
}
