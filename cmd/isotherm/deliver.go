package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"isotherm/ledger/custody"
)

// deliverCommand brings an act that was signed before, perhaps by others.
func deliverCommand() *cobra.Command {
	a := &act{}
	a.cmd = &cobra.Command{
		Use: "deliver FILE", Short: "Bring a signed act to the ledger", Args: exactly(1),
		Long: `Deliver brings an act that was signed elsewhere, with --out, to the ledger. Whoever regains a link first may do so; a repeat
changes nothing. With --box-url it goes to the box when no node of the ledger answers.`,
		Example: "  isotherm shipment deliver --me courier release.act",
		RunE: func(cmd *cobra.Command, args []string) error {
			signed, err := readAct(args[0])
			if err != nil {
				return err
			}
			if _, a.c, err = a.connect(cmd); err != nil {
				return err
			}
			defer a.c.Close()
			return a.deliver(cmd.Context(), signed)
		},
	}
	a.flags(a.cmd)
	a.box.urlFlag(a.cmd, "address of a box's own page, for when no node of the ledger answers")
	return a.cmd
}

// cosignCommand adds the second person's signature to an act that another signed.
func cosignCommand() *cobra.Command {
	a := &act{}
	a.cmd = &cobra.Command{
		Use: "cosign FILE | SHIPMENT ACT", Short: "Sign an act of another person as the second one", Args: between(1, 2),
		Long: `Cosign shows what another person signed, signs it as the second person and delivers it: for a ruling, or a label check, by two people on
two devices. The act is in a FILE that --out wrote, or entered already: then ACT is its entry number or the begin of its hash.`,
		Example: "  isotherm shipment rule --me coordinator --reason witness 3f0c… 121\n  isotherm shipment cosign --me center 3f0c… 125\n" +
			"  isotherm shipment cosign --me center ruling.act",
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if a.me, a.c, err = a.connect(cmd); err != nil {
				return err
			}
			defer a.c.Close()
			signed, err := a.find(cmd.Context(), args)
			if err != nil {
				return err
			}
			if signed.Statement.Ledger != a.me.Origin {
				return fmt.Errorf("the act is for the ledger %s, you are in %s", signed.Statement.Ledger, a.me.Origin)
			}
			for _, sig := range signed.Signatures {
				if sig.Person == a.me.Person {
					return fmt.Errorf("%s signed it already: the second person is another one", a.me.Name)
				}
			}
			writeStatement(cmd.ErrOrStderr(), signed)
			if err := a.me.SignAct(signed, custody.RoleSecond); err != nil {
				return err
			}
			if a.out != "" {
				return a.keep(signed)
			}
			return a.deliver(cmd.Context(), signed)
		},
	}
	a.signFlags(a.cmd)
	a.cmd.Flags().StringVar(&a.out, "out", "", "write the act with both signatures into this file instead of delivering it")
	a.box.urlFlag(a.cmd, "address of a box's own page, for when no node of the ledger answers")
	return a.cmd
}

// find reads an act from a file, or from the case that holds it.
func (a *act) find(ctx context.Context, args []string) (*custody.Act, error) {
	if len(args) == 1 {
		return readAct(args[0])
	}
	id, err := shipmentArg(args[0])
	if err != nil {
		return nil, err
	}
	a.s.Shipment = id
	x, err := a.shipment(ctx)
	if err != nil {
		return nil, err
	}
	hash, err := findAct(x, args[1])
	if err != nil {
		return nil, err
	}
	for i := range x.History {
		if x.History[i].Hash == hash {
			return custody.ParseAct(x.History[i].Bytes)
		}
	}
	return nil, fmt.Errorf("act %x is gone from the answer", hash)
}

// writeStatement says what one is about to sign.
func writeStatement(w io.Writer, signed *custody.Act) {
	s := &signed.Statement
	var t table
	t.row("act", s.Kind)
	t.row("shipment", s.Shipment)
	t.row("happened", stamp(s.EventTimeMS))
	t.row("stated by", strings.TrimSpace(s.By.Organisation+" "+s.By.Desk)+", person "+s.By.Person.String())
	for _, x := range []struct{ what, text string }{
		{"organ", organText(s.Organ.String(), s.Side.String(), s.Organ != 0)}, {"place", s.Place}, {"seal", s.Seal},
		{"reason", custody.CodeText(s.Reason)}, {"reference", s.Reference}, {"result", custody.CodeText(s.Result)}, {"answer", custody.CodeText(s.Arrival)},
	} {
		if x.text != "" {
			t.row(x.what, x.text)
		}
	}
	if s.Cites != [32]byte{} {
		t.row("cites", hex.EncodeToString(s.Cites[:]))
	}
	for _, sig := range signed.Signatures {
		t.row("signed", fmt.Sprintf("%s %s", sig.Role, sig.Person))
	}
	t.write(w)
}

// readAct reads a file that --out wrote.
func readAct(path string) (*custody.Act, error) {
	b, err := readLimited(path, custody.MaxSize)
	if err != nil {
		return nil, err
	}
	signed, err := custody.ParseAct(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return signed, nil
}
