package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"isotherm/api/client"
	"isotherm/ledger/custody"
)

// findAct returns the hash of the act that people name: by its entry's number, or by the begin of its hash or ID.
func findAct(x *client.Shipment, text string) ([32]byte, error) {
	if n, err := strconv.ParseInt(strings.TrimPrefix(text, "#"), 10, 64); err == nil && len(text) < minPrefix {
		for _, h := range x.History {
			if h.Index == n {
				return h.Hash, nil
			}
		}
		return [32]byte{}, fmt.Errorf("entry %d is no act of shipment %s", n, x.Summary.ID)
	}
	if len(text) < minPrefix {
		return [32]byte{}, usageError{fmt.Errorf("ACT %q: give the entry's number, or at least %d digits of the act's hash or ID", text, minPrefix)}
	}
	var found [][32]byte
	for _, h := range x.History {
		if strings.HasPrefix(h.Hash.String(), text) || strings.HasPrefix(h.ID.String(), text) {
			found = append(found, h.Hash)
		}
	}
	if len(found) != 1 {
		return [32]byte{}, fmt.Errorf("%d acts of shipment %s begin with %s, want one: see isotherm shipment show", len(found), x.Summary.ID, text)
	}
	return found[0], nil
}

// minPrefix is how much of a hash names an act: eight digits don't collide within a case.
const minPrefix = 8

// citeAct puts the act that args name into the statement.
func (a *act) citeAct(ctx context.Context, text string) error {
	x, err := a.shipment(ctx)
	if err != nil {
		return err
	}
	a.s.Cites, err = findAct(x, text)
	return err
}

func correctCommand() *cobra.Command {
	var says, valid string
	corrects := []string{"organ", "side", "abo", "from", "to", "from-phone", "to-phone", "space", "packaging", "label-check", "place", "condition", "seal",
		"result", "answer", "preservation", "leg", "leg-state", "reference"}
	return verb{
		use: "correct SHIPMENT ACT", short: "Say that an earlier act said something wrong, and what is right", kind: custody.Correction, args: 2,
		long: `Correct cites an act and gives the right values; the old ones stay visible. ACT is its entry number or the begin of its hash, see
isotherm shipment show. Who held the box, which box it was and by which profile it is judged can't be corrected: state the right claim, and rule.`,
		example: "  isotherm shipment correct --me courier --reason typing-error --seal 0471 3f0c… 118\n" +
			"  isotherm shipment correct --me courier --reason wrong-time --happened 13:05+01:00 3f0c… 118",
		setup: func(cmd *cobra.Command, a *act) {
			a.fields(corrects...)
			a.reasonFlag()
			a.donorFlag()
			cmd.Flags().StringVar(&says, "happened", "", "when the act really happened, with zone")
			cmd.Flags().StringVar(&a.when.cold, "cold-at", "", "when cold preservation really began, with zone")
			cmd.Flags().StringVar(&valid, "valid-until", "", "until when the offer really is good, with zone")
		},
		fill: func(ctx context.Context, a *act, args []string) error {
			if err := a.wants("reason"); err != nil {
				return err
			}
			changed := a.donor != ""
			for _, name := range corrects {
				changed = changed || a.cmd.Flags().Changed(name)
			}
			for _, x := range []struct {
				what, text string
				at         *int64
			}{{"it really happened", says, &a.s.SaysTimeMS}, {"cold preservation really began", a.when.cold, &a.s.ColdMS}, {"the offer ends", valid, &a.s.ValidMS}} {
				if x.text == "" {
					continue
				}
				ms, err := a.typed(x.what, x.text)
				if err != nil {
					return err
				}
				*x.at, changed = ms, true
			}
			if !changed {
				return usageError{errors.New("say what is right, such as --seal 0471: see isotherm help shipment correct")}
			}
			if err := a.commit(ctx); err != nil {
				return err
			}
			return a.citeAct(ctx, args[1])
		},
	}.command()
}

func ruleCommand() *cobra.Command {
	return verb{
		use: "rule SHIPMENT ACT", short: "Say, as two people, which of the conflicting claims stands", kind: custody.Ruling, args: 2,
		long: `A ruling picks the claim that stands; the others are set aside and stay visible. It counts once two different people signed it: the
second one signs on the same device (--second), or later on their own (isotherm shipment cosign).`,
		example: "  isotherm shipment rule --me coordinator --second center --reason seal-and-place 3f0c… 121\n" +
			"  isotherm shipment rule --me coordinator --reason witness 3f0c… 121      # then: isotherm shipment cosign --me center 3f0c… 125",
		setup: func(_ *cobra.Command, a *act) {
			a.reasonFlag()
			a.fields("reference")
			a.secondFlags("identity folder of the second person who rules")
		},
		fill: func(ctx context.Context, a *act, args []string) error {
			if err := a.wants("reason"); err != nil {
				return err
			}
			if a.second.dir == "" {
				a.message = append(a.message, "it counts once a second person signs it: isotherm shipment cosign")
			}
			return a.citeAct(ctx, args[1])
		},
	}.command()
}
