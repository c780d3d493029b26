package node

import (
	"context"
	"slices"

	"isotherm/ledger"
	"isotherm/ledger/access"
	"isotherm/ledger/command"
	"isotherm/ledger/entry"
	"isotherm/ledger/privacy"
	"isotherm/ledger/store"
)

// Consent is that somebody consented, or took it back.
type Consent struct {
	entry.Consent
	Subject entry.Subject // a case, or the account of a person
	Index   int64
	TimeMS  int64 // RecordTime
}

// mayConsent tells whether the principal may note and see consent of the subject: of their own account, an administrator of
// anybody's, everybody of cases that they may read.
func (n *Node) mayConsent(v *store.View, p Principal, subject entry.Subject) error {
	if err := n.allow(p, access.GiveConsent); err != nil {
		return err
	}
	switch subject.Kind {
	case entry.SubjectAccount:
		if subject == entry.Account(p.Person) {
			return nil
		}
		return n.allow(p, access.ManageAccounts)
	case entry.SubjectCase:
		c, err := n.shipment(v, subject.ID)
		if err != nil {
			return err
		}
		return n.mayRead(v, p, c)
	}
	return ledger.Errorf(ledger.CodeInvalid, "consent is of a case or of a person, not of a %s", subject.Kind)
}

// PutConsent enters consent, or its withdrawal: reference and hash of the signed document, which stays where it is.
func (n *Node) PutConsent(ctx context.Context, p Principal, subject entry.Subject, consent entry.Consent) (int64, error) {
	err := n.lookTwice(ctx, func() error {
		return n.replica.View(func(v *store.View) error { return n.mayConsent(v, p, subject) })
	})
	if err != nil {
		return 0, err
	}
	if err := checkText("reference", privacy.Reference, consent.Reference, 1); err != nil {
		return 0, err
	}
	switch {
	case consent.Scope < entry.ConsentTracking || consent.Scope > entry.ConsentResearch:
		return 0, ledger.Errorf(ledger.CodeInvalid, "scope %d of consent is not known", consent.Scope)
	case consent.SHA256 == [32]byte{}:
		return 0, ledger.Errorf(ledger.CodeInvalid, "the hash of the signed document is missing")
	}
	consent.By = p.Person
	d := draft{kind: entry.KindConsent, subjects: []entry.Subject{subject}, payload: consent.Marshal()}
	c := &command.Command{}
	if subject.Kind == entry.SubjectCase {
		err = n.sealForCase(&d, c, subject.ID)
	} else if d.sealKey, err = n.personKey(subject.ID); err == nil && d.sealKey == nil {
		err = ledger.Errorf(ledger.CodeNotFound, "no person %s", ledger.PersonID(subject.ID))
	}
	if err != nil {
		return 0, err
	}
	if c.Entry, err = n.entryOf(d); err != nil {
		return 0, err
	}
	r, err := n.propose(ctx, c)
	if err != nil {
		return 0, err
	}
	return r.Index, n.waitFor(ctx, r.Index+1)
}

// maxConsents bounds a list, and how far back in a chain it looks.
const maxConsents, maxConsentWalk = 200, 20_000

// Consents returns what the subject consented to and took back, oldest first.
func (n *Node) Consents(ctx context.Context, p Principal, subject entry.Subject) ([]Consent, At, error) {
	var out []Consent
	var at At
	err := n.lookTwice(ctx, func() (err error) {
		at, err = n.view(func(v *store.View) error {
			if err := n.mayConsent(v, p, subject); err != nil {
				return err
			}
			out, err = n.consents(v, subject)
			return err
		})
		return err
	})
	return out, at, err
}

func (n *Node) consents(v *store.View, subject entry.Subject) ([]Consent, error) {
	var out []Consent
	count, _, _ := v.Last(subject)
	for o, err := range n.payloads(v, subject, entry.KindConsent, count-min(count, maxConsentWalk)) {
		if len(out) == maxConsents {
			break
		}
		if err != nil {
			return nil, err
		}
		c, err := entry.ParseConsent(o.payload)
		if err != nil {
			return nil, o.unread(err)
		}
		out = append(out, Consent{Subject: subject, Consent: *c, Index: o.index, TimeMS: o.recordTimeMS})
	}
	slices.Reverse(out)
	return out, nil
}
