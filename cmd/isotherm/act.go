package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"isotherm/api/client"
	"isotherm/cmd/internal/identity"
	"isotherm/ledger"
	"isotherm/ledger/custody"
)

// actFlags are what every act shares: who acts, for which shipment, when it happened, and which box head they saw.
type actFlags struct {
	session
	at      string
	second  string
	boxURL  string
	boxID   string
	profile string
	s       custody.Statement
	reason  string
}

// actCommand returns a command that makes, signs and delivers one act of a shipment that is open already.
func actCommand(use, short string, kind custody.Kind, setup func(*cobra.Command, *actFlags), complete func(*cobra.Command, *actFlags, *client.Client) error) *cobra.Command {
	f := &actFlags{}
	f.s.Kind = kind
	cmd := &cobra.Command{
		Use:   use + " SHIPMENT",
		Short: short,
		Args:  exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := ledger.ParseID[ledger.ShipmentID](args[0])
			if err != nil {
				return usageError{err}
			}
			f.s.Shipment = id
			return f.deliver(cmd, complete)
		},
	}
	f.register(cmd, setup)
	return cmd
}

func (f *actFlags) register(cmd *cobra.Command, setup func(*cobra.Command, *actFlags)) {
	f.flags(cmd)
	cmd.Flags().StringVar(&f.at, "at", "", "when it happened, RFC 3339 with zone (default now)")
	cmd.Flags().StringVar(&f.reason, "reason", "", "coded reason, such as no-account or typing-error")
	if setup != nil {
		setup(cmd, f)
	}
}

// deliver completes the statement, signs it and sends it.
func (f *actFlags) deliver(cmd *cobra.Command, complete func(*cobra.Command, *actFlags, *client.Client) error) error {
	me, c, err := f.connect()
	if err != nil {
		return err
	}
	defer c.Close()
	if f.s.EventTimeMS, err = when(f.at, cmd.ErrOrStderr()); err != nil {
		return err
	}
	if f.reason != "" {
		if f.s.Reason, err = custody.ParseReason(f.reason); err != nil {
			return usageError{err}
		}
	}
	if complete != nil {
		if err := complete(cmd, f, c); err != nil {
			return err
		}
	}
	var others []*identity.Me
	if f.second != "" {
		second, err := identity.Load(f.second)
		if err != nil {
			return err
		}
		others = append(others, second)
	}
	_, answer, err := me.Act(cmd.Context(), c, f.s, others...)
	if err != nil {
		return err
	}
	return f.print(cmd, answer, func(w io.Writer) {
		fmt.Fprintf(w, "%s entered as entry %d: %s\n", f.s.Kind, answer.Index, answer.Standing)
		if f.s.Kind == custody.Open {
			fmt.Fprintf(w, "shipment %s\n", f.s.Shipment)
		}
		for _, flag := range answer.Flags {
			fmt.Fprintf(w, "note: %s\n", flag)
		}
	})
}

// boxHead fills in the newest signed head of the box: from the box itself when its address is given, otherwise the
// newest that the ledger holds.
func (f *actFlags) boxHead(cmd *cobra.Command, c *client.Client) error {
	if f.boxURL != "" {
		head, box, err := identity.BoxHead(cmd.Context(), f.boxURL)
		if err != nil {
			return err
		}
		f.s.Head = head
		if f.s.Kind == custody.Pack && f.s.Box.IsZero() {
			f.s.Box = box
		}
		return nil
	}
	if f.s.Kind != custody.Pack {
		shipment, err := c.Shipment(cmd.Context(), f.s.Shipment)
		if err != nil {
			return err
		}
		f.s.Head = shipment.BoxHead
		return nil
	}
	boxes, err := c.Boxes(cmd.Context())
	if err != nil {
		return err
	}
	for _, b := range boxes.Boxes {
		if b.ID == f.s.Box {
			f.s.Head = b.Head
			return nil
		}
	}
	return fmt.Errorf("box %s is not enrolled: see isotherm enrol box", f.s.Box)
}
