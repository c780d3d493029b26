package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"isotherm/cmd/internal/identity"
	"isotherm/ledger"
)

// boxChoice says which box is meant: the one whose own page answers at url, or else the one with the identifier.
type boxChoice struct {
	url string
	id  string
}

func (b *boxChoice) urlFlag(cmd *cobra.Command, help string) {
	cmd.Flags().StringVar(&b.url, "box-url", "", help)
}

// head returns the newest signed head of the chosen box: from its own page, otherwise the newest that the ledger holds.
func (a *act) head(ctx context.Context, b boxChoice) (box ledger.BoxID, head []byte, err error) {
	if b.url != "" {
		head, box, err := identity.BoxHead(ctx, b.url)
		return box, head, err
	}
	if b.id == "" {
		return box, nil, nil
	}
	if box, err = ledger.ParseID[ledger.BoxID](b.id); err != nil {
		return box, nil, usageError{fmt.Errorf("box: %w", err)}
	}
	boxes, err := a.c.Boxes(ctx)
	if err != nil {
		return box, nil, err
	}
	for _, x := range boxes.Boxes {
		if x.ID == box {
			return box, x.Head, nil
		}
	}
	return box, nil, fmt.Errorf("box %s is not enrolled: see isotherm enrol box", box)
}

// lateStart is how long after the event an act that begins the readings of a box is stated late: it cites an older head then.
const lateStart = 2 * time.Minute

// startHead returns the signed head of the chosen box at which its readings begin to be those of the organ: the newest, or for
// an event that is long over the newest that the ledger has from before it. The newest one is cited beside the signatures.
func (a *act) startHead(ctx context.Context, b boxChoice) (box ledger.BoxID, head []byte, err error) {
	box, newest, err := a.head(ctx, b)
	at := time.UnixMilli(a.s.EventTimeMS)
	if err != nil || len(newest) == 0 || a.now.Sub(at) <= lateStart {
		return box, newest, err
	}
	a.me.Seen = newest
	old, err := a.c.Linearizable().BoxHeadAt(ctx, box, at)
	switch code := ledger.CodeOf(err); {
	case err == nil:
		fmt.Fprintf(a.cmd.ErrOrStderr(), "the readings begin at the box's record %d: the ledger has those from %s on\n", old.Size, stamp(old.WallMS))
		return box, old.Head, nil
	case code == ledger.CodeNotFound, code == ledger.CodeUnavailable && b.url != "":
		fmt.Fprintf(a.cmd.ErrOrStderr(), "the readings begin only at the box's newest record, not at the time you gave: %s\n", oneLine(err.Error()))
		return box, newest, nil
	}
	return box, nil, err
}

// citeHead puts the newest head of the case's box into the statement.
func (a *act) citeHead(ctx context.Context) error {
	if a.box.url != "" {
		_, head, err := a.head(ctx, a.box)
		a.s.Head = head
		return err
	}
	x, err := a.tip(ctx)
	if err != nil {
		return err
	}
	a.s.Head = x.BoxHead
	return nil
}
