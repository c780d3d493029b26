package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"isotherm/ledger/custody"
)

func handoffCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "handoff",
		Short: "Hand the box over: the one releases, the other accepts",
		Long: `A handoff has two signatures. The holder releases the box to a named person, desk or organisation; the other side accepts it. Until then
custody stays with the holder. Both cite the newest head of the box's journal that they saw, so that no later cut can hide what came before.
Who can't sign confirms on the carrier's phone (accept --for), or the holder signs alone, with reason and reference (release --reason).`,
	}
	cmd.AddCommand(releaseCommand(), acceptCommand())
	return cmd
}

// handoffSetup registers the flags of every place where the box changes hands.
func handoffSetup(cmd *cobra.Command, a *act) {
	a.box.urlFlag(cmd, "address of the box's own page, to cite its newest head")
	a.fields("place", "position", "condition", "seal", "reference")
}

func releaseCommand() *cobra.Command {
	var to, organisation, desk string
	return verb{
		use: "release SHIPMENT", short: "Offer the box to another custodian", kind: custody.Release, args: 1,
		long: `Release offers the box to a person, or to an organisation or its desk. With --reason it is one-sided: the other side can't or won't sign,
and custody moves here and now, on your word; --reference names their paper, such as the air waybill.`,
		example: "  isotherm handoff release --me courier --to 51c9… --place Airfield --seal 0417 --box-url http://127.0.0.1:7401 3f0c…\n" +
			"  isotherm handoff release --me courier --to-org 'North Air' --desk 'Cargo, terminal 2' --reason no-account --reference 'AWB 020-12345675' 3f0c…",
		setup: func(cmd *cobra.Command, a *act) {
			handoffSetup(cmd, a)
			a.reasonFlag()
			cmd.Flags().StringVar(&to, "to", "", "person who is to accept")
			cmd.Flags().StringVar(&organisation, "to-org", "", "organisation that is to accept (of the person, when one is named)")
			cmd.Flags().StringVar(&desk, "desk", "", "its desk")
			cmd.Flags().DurationVar(&a.when.valid, "valid", 30*time.Minute, "an offer not accepted by then raises an alarm; custody stays as it is")
		},
		fill: func(ctx context.Context, a *act, _ []string) error {
			if to == "" && organisation == "" {
				return usageError{errors.New("--to or --to-org is needed: who takes the box")}
			}
			if err := a.party(ctx, &a.s.To, "--to", to, organisation, desk); err != nil {
				return err
			}
			if a.s.Reason != 0 {
				a.s.Evidence = custody.OneSide
				if err := a.wants("reference"); err != nil {
					return err
				}
			} else {
				a.s.ValidMS = a.s.EventTimeMS + a.when.valid.Milliseconds()
			}
			return a.citeHead(ctx)
		},
	}.command()
}

// party fills in who is named. The organisation of a person is looked up unless it is given.
func (a *act) party(ctx context.Context, p *custody.Party, flag, person, organisation, desk string) error {
	*p = custody.Party{Organisation: organisation, Desk: desk}
	if person == "" {
		return nil
	}
	if desk != "" {
		return usageError{fmt.Errorf("%s and --desk exclude each other: a custodian is a person or a desk", flag)}
	}
	id, err := parsePerson(flag, person)
	if err != nil {
		return err
	}
	p.Person = id
	if organisation == "" {
		known, err := a.c.Person(ctx, id)
		if err != nil {
			return err
		}
		p.Organisation = known.Person.Organisation
	}
	return nil
}

func acceptCommand() *cobra.Command {
	var organisation, desk, person string
	return verb{
		use: "accept SHIPMENT", short: "Take the box over", kind: custody.Accept, args: 1,
		long: `Accept takes the box over, with your own key. With --for the carrier signs for a receiver who confirmed on the carrier's phone: custody
goes to that person, desk or organisation, and the evidence says how.`,
		example: "  isotherm handoff accept --me courier-air --place Airfield --seal 0417 --box-url http://127.0.0.1:7401 3f0c…\n" +
			"  isotherm handoff accept --me courier --for HILL --desk 'Organ reception' 3f0c…",
		setup: func(cmd *cobra.Command, a *act) {
			handoffSetup(cmd, a)
			cmd.Flags().StringVar(&organisation, "for", "", "organisation of who confirmed on your phone")
			cmd.Flags().StringVar(&desk, "desk", "", "their desk")
			cmd.Flags().StringVar(&person, "for-person", "", "the person, when they are enrolled")
		},
		fill: func(ctx context.Context, a *act, _ []string) error {
			if desk != "" && organisation == "" {
				return usageError{errors.New("--desk needs --for: the organisation whose desk it is")}
			}
			if organisation != "" || person != "" {
				if err := a.party(ctx, &a.s.To, "--for-person", person, organisation, desk); err != nil {
					return err
				}
				a.s.Evidence = custody.CarriersPhone
			}
			return a.citeHead(ctx)
		},
	}.command()
}
