package main

import (
	"context"
	"fmt"

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
