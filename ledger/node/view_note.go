package node

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"isotherm/ledger"
	"isotherm/ledger/access"
	"isotherm/ledger/custody"
	"isotherm/ledger/entry"
	"isotherm/ledger/store"
)

// flagBreakGlass is the code of the note that somebody opened a case outside their own.
const flagBreakGlass = "break-glass"

// keyNotes tells of acts that came after the key that signed them was replaced, or its holder's membership ended. The offline
// verifier says the same.
func (s *Shipment) keyNotes() {
	for i := range s.State.History {
		item := &s.State.History[i]
		for k := range item.Act.Signatures {
			sig := &item.Act.Signatures[k]
			p := s.People[sig.Person]
			if p == nil {
				continue
			}
			code, text := access.HoldingOf(p.Cards, sig.Signature.Key, item.Index).Flag()
			if text != "" {
				s.Notes = append(s.Notes, custody.Flag{Code: code, Act: item.Hash, Text: fmt.Sprintf("%s of entry %d: %s (%s of %s)", item.Act.Statement.Kind, item.Index, text,
					p.Name, p.Organisation)})
			}
		}
	}
}

// glassNotes tells those whose case it is who else opened it, until when and why, the first first.
func (n *Node) glassNotes(v *store.View, s *Shipment) error {
	var notes []custody.Flag
	for _, index := range v.Chain(entry.Case(s.ID)) {
		leaf, err := leafAt(v, index)
		if err != nil {
			return err
		}
		if leaf.Kind != entry.KindBreakGlass {
			continue
		}
		_, payload, err := n.open(v, index)
		if errors.Is(err, errErased) {
			continue
		}
		if err != nil {
			return err
		}
		glass, err := entry.ParseBreakGlass(payload)
		if err != nil {
			return fmt.Errorf("entry %d: %w", index, err)
		}
		who, err := n.personText(v, glass.By)
		if err != nil {
			return err
		}
		notes = append(notes, custody.Flag{Code: flagBreakGlass, Text: fmt.Sprintf("opened in an emergency by %s until %s (entry %d): %s", who,
			time.UnixMilli(glass.UntilMS).UTC().Format("2006-01-02 15:04 UTC"), index, glass.Reason)})
	}
	slices.Reverse(notes) // the chain goes back in time
	s.Notes = append(s.Notes, notes...)
	return nil
}

// personText is how a person is named in a note: name and organisation, or the identifier of one without a card.
func (n *Node) personText(v *store.View, id ledger.PersonID) (string, error) {
	p, err := n.person(v, id)
	if err != nil {
		return "", err
	}
	if p == nil {
		return "person " + id.String(), nil
	}
	return p.Name + " of " + p.Organisation, nil
}
