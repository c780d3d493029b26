package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"isotherm/api/client"
	"isotherm/cmd/internal/identity"
	"isotherm/ledger"
	"isotherm/ledger/custody"
)

// verb is a command that makes, signs and delivers one act.
type verb struct {
	use     string // 'pack SHIPMENT'
	short   string
	long    string
	example string
	kind    custody.Kind
	args    int // how many are wanted
	setup   func(*cobra.Command, *act)
	fill    func(context.Context, *act, []string) error // completes the statement; may be nil
}

// act is one act on its way: what was typed, and what it becomes.
type act struct {
	session
	cmd     *cobra.Command
	me      *identity.Me
	c       *client.Client
	s       custody.Statement
	when    typedTimes
	second  signer
	donor   string
	box     boxChoice
	parent  string
	out     string
	known   *client.Shipment // asked once
	newest  *client.Tip      // asked once
	message []string         // what else to tell
	then    func(context.Context)
}

// typedTimes are times as people typed them.
type typedTimes struct {
	at     string
	unsure string // how far they may be off
	cold   string
	valid  time.Duration
}

// signer is a person who signs beside the actor, on the same device.
type signer struct {
	dir     string
	pinFile string
}

// command returns the verb's command.
func (v verb) command() *cobra.Command {
	a := &act{}
	a.s.Kind = v.kind
	a.cmd = &cobra.Command{
		Use: v.use, Short: v.short, Long: v.long, Example: v.example, Args: exactly(v.args),
		RunE: func(cmd *cobra.Command, args []string) error {
			if v.kind == custody.Open {
				a.s.Shipment = ledger.NewShipmentID()
			} else {
				id, err := ledger.ParseID[ledger.ShipmentID](args[0])
				if err != nil {
					return usageError{fmt.Errorf("SHIPMENT: %w", err)}
				}
				a.s.Shipment = id
			}
			return a.run(func(ctx context.Context) error {
				if v.fill == nil {
					return nil
				}
				return v.fill(ctx, a, args)
			})
		},
	}
	a.signFlags(a.cmd)
	flags := a.cmd.Flags()
	flags.StringVar(&a.when.at, "at", "", "when it happened, with zone: 14:05+01:00 or 2026-11-23T14:05+01:00 (default now)")
	flags.StringVar(&a.when.unsure, "at-error", "", "how far the typed times may be off, either way, such as 2m")
	flags.StringVar(&a.parent, "parent", "", "hash of the act that it follows, when neither ledger nor box can be asked")
	flags.StringVar(&a.out, "out", "", "write the signed act into this file instead of delivering it: see isotherm shipment deliver")
	if v.setup != nil {
		v.setup(a.cmd, a)
	}
	return a.cmd
}

// run completes, signs and delivers the act.
func (a *act) run(fill func(context.Context) error) error {
	ctx := a.cmd.Context()
	var err error
	if a.me, a.c, err = a.connect(a.cmd); err != nil {
		return err
	}
	defer a.c.Close()
	if err := a.times(); err != nil {
		return err
	}
	if err := fill(ctx); err != nil {
		return err
	}
	if err := a.follow(ctx); err != nil {
		return err
	}
	signed, err := a.sign()
	if err != nil {
		return err
	}
	if a.out != "" {
		return a.keep(signed)
	}
	return a.deliver(ctx, signed)
}

// times reads the typed times and echoes them.
func (a *act) times() error {
	a.s.EventTimeMS = a.now.UnixMilli()
	if a.when.unsure != "" {
		ms, err := parseTimeError(a.when.unsure)
		if err != nil {
			return usageError{err}
		}
		a.s.TimeErrorMS = ms
	}
	if a.when.at == "" {
		return nil
	}
	ms, err := a.typed("it happened", a.when.at)
	a.s.EventTimeMS = ms
	return err
}

// typed reads one typed time. The zone of the first one is the statement's.
func (a *act) typed(what, text string) (int64, error) {
	t, err := parseTime(text, a.now)
	if err != nil {
		return 0, usageError{err}
	}
	echoTime(a.cmd.ErrOrStderr(), what, t, a.now)
	if a.s.Zone == nil {
		a.s.Zone = zoneOf(t)
	}
	return t.UnixMilli(), nil
}

// shipment returns the case as the ledger holds it, for acts that say something about others.
func (a *act) shipment(ctx context.Context) (*client.Shipment, error) {
	if a.known != nil {
		return a.known, nil
	}
	x, err := a.c.Linearizable().Shipment(ctx, a.s.Shipment)
	if err != nil {
		return nil, err
	}
	a.known = &x
	return a.known, nil
}

// tip returns what the next act on the case follows, from a linearizable read. It needs no right to read the case.
func (a *act) tip(ctx context.Context) (*client.Tip, error) {
	if a.newest != nil {
		return a.newest, nil
	}
	x, err := a.c.Linearizable().Tip(ctx, a.s.Shipment)
	if err != nil {
		return nil, err
	}
	a.newest = &x
	return a.newest, nil
}

// follow finds the act that this one follows: as typed, from the ledger, or without it from the box.
func (a *act) follow(ctx context.Context) error {
	switch {
	case a.s.Kind == custody.Open:
		return nil
	case a.parent != "":
		h, err := parseHash(a.parent)
		if err != nil {
			return usageError{fmt.Errorf("--parent: %w", err)}
		}
		a.s.Parent = h
		return nil
	}
	x, err := a.tip(ctx)
	if err == nil {
		a.s.Parent = x.Tip
		return nil
	}
	if ledger.CodeOf(err) != ledger.CodeUnavailable || a.box.url == "" {
		return err
	}
	tip, boxErr := identity.BoxTip(ctx, a.box.url, a.s.Shipment)
	if boxErr != nil {
		return errors.Join(err, boxErr)
	}
	a.s.Parent = tip
	return nil
}

func parseHash(text string) ([32]byte, error) {
	var h client.Hash
	err := h.UnmarshalText([]byte(text))
	return h, err
}

// sign signs as the actor, and as the second person when one is there.
func (a *act) sign() (*custody.Act, error) {
	var second *identity.Me
	if a.second.dir != "" {
		var err error
		if second, err = identity.Load(a.second.dir); err != nil {
			return nil, err
		}
		second.PIN = pinOf(a.cmd, "PIN of "+second.Name, a.second.pinFile, "--second-pin-file")
	}
	signed, err := a.me.State(a.s)
	if err != nil {
		return nil, err
	}
	if second != nil {
		err = second.SignAct(signed, custody.RoleSecond)
	}
	return signed, err
}

// keep writes the act instead of delivering it.
func (a *act) keep(signed *custody.Act) error {
	err := writeWhole(a.out, func(w io.Writer) error {
		_, err := w.Write(signed.Marshal())
		return err
	})
	if err != nil {
		return err
	}
	v := struct {
		File string       `json:"file"`
		Act  ledger.ActID `json:"act"`
		Hash client.Hash  `json:"hash"`
	}{a.out, signed.Statement.ID, signed.Hash()}
	return a.print(a.cmd, v, func(w io.Writer) {
		fmt.Fprintf(w, "%s signed, not delivered: %s\n", signed.Statement.Kind, a.out)
	})
}

// deliver brings the act to the ledger, or without it to the box.
func (a *act) deliver(ctx context.Context, signed *custody.Act) error {
	answer, err := a.c.SubmitAct(ctx, signed.Marshal())
	if ledger.CodeOf(err) == ledger.CodeUnavailable && a.box.url != "" {
		seq, boxErr := identity.GiveBox(ctx, a.box.url, signed.Marshal())
		if boxErr != nil {
			return errors.Join(err, boxErr)
		}
		v := struct {
			Act  ledger.ActID `json:"act"`
			Hash client.Hash  `json:"hash"`
			Seq  uint64       `json:"box_seq"`
		}{signed.Statement.ID, signed.Hash(), seq}
		return a.print(a.cmd, v, func(w io.Writer) {
			fmt.Fprintf(w, "%s saved on the box as record %d; it waits there for the ledger\n", signed.Statement.Kind, seq)
		})
	}
	if err != nil {
		return err
	}
	if a.then != nil {
		a.then(ctx)
	}
	v := struct {
		client.ActAnswer
		Shipment ledger.ShipmentID `json:"shipment"`
		Messages []string          `json:"messages"` // what the text says beside
	}{answer, signed.Statement.Shipment, append([]string{}, a.message...)}
	return a.print(a.cmd, v, func(w io.Writer) {
		fmt.Fprintf(w, "%s entered as entry %d: %s\n", signed.Statement.Kind, answer.Index, answer.Standing)
		if signed.Statement.Kind == custody.Open {
			fmt.Fprintf(w, "shipment %s\nfirst act %s\n", signed.Statement.Shipment, answer.Hash) // what packing without the ledger follows
		}
		for _, text := range a.message {
			fmt.Fprintln(w, text)
		}
		for _, flag := range answer.Flags {
			fmt.Fprintf(w, "note: %s\n", oneLine(fmt.Sprint(flag)))
		}
	})
}
