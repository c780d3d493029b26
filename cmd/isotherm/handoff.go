package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"isotherm/api/client"
	"isotherm/ledger"
	"isotherm/ledger/custody"
)

func handoffCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "handoff",
		Short: "Hand the box over: the one releases, the other accepts",
		Long: `A handoff has two signatures. The holder releases the box to a named person; that person accepts it. Until then custody
stays with the holder. Both cite the newest head of the box's journal that they saw, so that no later cut can hide what came before.`,
	}
	cmd.AddCommand(releaseCommand(), acceptCommand())
	return cmd
}

// handoffFlags are those of both sides.
func handoffFlags(cmd *cobra.Command, f *actFlags) {
	cmd.Flags().StringVar(&f.boxURL, "box-url", "", "address of the box's own page, to cite its newest head")
	cmd.Flags().StringVar(&f.s.Place, "place", "", "where")
	cmd.Flags().StringVar(&f.s.Condition, "condition", "", "container condition, HL7 table 0544 code, when something is wrong with it")
	cmd.Flags().StringVar(&f.s.Seal, "seal", "", "number on the seal")
}

func releaseCommand() *cobra.Command {
	var to, organisation string
	var valid time.Duration
	setup := func(cmd *cobra.Command, f *actFlags) {
		handoffFlags(cmd, f)
		cmd.Flags().StringVar(&to, "to", "", "person who is to accept (required)")
		cmd.Flags().StringVar(&organisation, "to-org", "", "their organisation")
		cmd.Flags().DurationVar(&valid, "valid", 30*time.Minute, "an offer not accepted by then raises an alarm; custody stays as it is")
	}
	complete := func(cmd *cobra.Command, f *actFlags, c *client.Client) error {
		person, err := ledger.ParseID[ledger.PersonID](to)
		if err != nil {
			return usageError{fmt.Errorf("--to: %w", err)}
		}
		f.s.To = custody.Party{Person: person, Organisation: organisation}
		f.s.ValidMS = f.s.EventTimeMS + valid.Milliseconds()
		return f.boxHead(cmd, c)
	}
	return actCommand("release", "Offer the box to another custodian", custody.Release, setup, complete)
}

func acceptCommand() *cobra.Command {
	complete := func(cmd *cobra.Command, f *actFlags, c *client.Client) error { return f.boxHead(cmd, c) }
	return actCommand("accept", "Take the box over", custody.Accept, handoffFlags, complete)
}
