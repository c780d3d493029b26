package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"isotherm/api/client"
	"isotherm/api/contract"
	"isotherm/cmd/internal/identity"
	"isotherm/ledger/bundle"
)

// endsSoon is how long before its end a certificate wants attention; the pages say the same.
const endsSoon = 30 * 24 * time.Hour

func nodesCommand() *cobra.Command {
	var s session
	cmd := &cobra.Command{
		Use: "nodes", Short: "Lay the nodes of the ledger side by side", Args: exactly(0),
		Long: `Nodes asks all nodes of the ledger how far they are, and compares their roots at a size that all have. Roots that differ mean that a node's
state is wrong: stop it. The command then fails.`,
		Example: "  isotherm nodes --me admin",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.with(cmd, func(ctx context.Context, _ *identity.Me, c *client.Client) error {
				x, err := c.Nodes(ctx)
				if err != nil {
					return err
				}
				if err := s.print(cmd, x, func(w io.Writer) { showNodes(w, &x, s.now) }); err != nil || x.Agreed {
					return err
				}
				return exitCode(exitError)
			})
		},
	}
	s.flags(cmd)
	return cmd
}

func showNodes(w io.Writer, x *client.Nodes, now time.Time) {
	t := table{head: []string{"NODE", "ROLE", "ENTRIES", "BEHIND", "CHECKPOINT", fmt.Sprintf("ROOT AT %d", x.Size), "CERTIFICATES", "STATE"}}
	for _, n := range x.Nodes {
		if !n.Reached {
			t.row(n.Name, nodeRole(&n), "", "", "", "", "", cell{"not reached: " + n.Problem, high})
			continue
		}
		root := cell{text: "not known"}
		if n.Root != (contract.Hash{}) {
			root.text = n.Root.String()[:16]
		}
		state := cell{text: fmt.Sprintf("answered in %d ms", n.AnsweredInMS)}
		if n.Problem != "" {
			state = cell{n.Problem, high}
		}
		if !x.Agreed {
			root.mark = high
		}
		t.row(n.Name, nodeRole(&n), n.Entries, n.Behind, n.Checkpoint, root, certificateEnds(n.Certificates, now), state)
	}
	t.write(w)
	switch {
	case !x.Agreed:
		fmt.Fprintln(w, "the roots differ: at least one node's state is wrong. Stop the one that differs from the majority, and keep its files")
	case x.Size > 0:
		fmt.Fprintf(w, "all roots that could be asked for are the same at %d entries\n", x.Size)
	}
	asOf(w, x.Node, x.Entries)
}

func nodeRole(n *contract.NodeState) string {
	switch {
	case n.Leader:
		return "leader"
	case n.Voter:
		return "voter"
	}
	return "no vote"
}

// certificateEnds says how long a node's certificates last, the word of those that end soon first.
func certificateEnds(in []contract.NodeCertificate, now time.Time) cell {
	out := cell{}
	var words []string
	for _, k := range in {
		left := time.UnixMilli(k.UntilMS).Sub(now)
		switch {
		case left <= 0:
			words, out.mark = append(words, k.Use+" has ended"), high
		case left < endsSoon:
			words, out.mark = append(words, fmt.Sprintf("%s ends in %s", k.Use, daysText(left))), max(out.mark, medium)
		default:
			words = append(words, k.Use+" "+daysText(left))
		}
	}
	out.text = strings.Join(words, ", ")
	return out
}

// daysText is a long time in days, a short one as elsewhere.
func daysText(d time.Duration) string {
	if days := int(d / (24 * time.Hour)); days >= 2 {
		return fmt.Sprintf("%d days", days)
	}
	return bundle.Duration(d.Milliseconds())
}
