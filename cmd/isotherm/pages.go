package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"isotherm/cmd/internal/door"
)

func pagesCommand() *cobra.Command {
	var s session
	var listen string
	cmd := &cobra.Command{
		Use: "open", Short: "Open the ledger's pages on this machine, in any browser", Args: exactly(0),
		Long: `Open serves the ledger's pages on an address of this machine until Ctrl-C, and asks whichever node answers. It checks the ledger's own CA,
so the browser shows no warning and needs no setup. It signs nobody in: the pages ask for name and password.`,
		Example: "  isotherm open --me ~/isotherm",
		RunE: func(cmd *cobra.Command, _ []string) error {
			me, err := s.load(cmd)
			if err != nil {
				return err
			}
			d, err := door.Open(door.Options{Nodes: me.URLs, CA: me.CA, Listen: listen})
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "the pages of %s are at %s until Ctrl-C\n", oneLine(me.Origin), d.URL())
			return d.Serve(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&s.dir, "me", "", "folder with your identity (required)")
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:8440", "where the pages are, on this machine; port 0 takes a free one")
	return cmd
}
