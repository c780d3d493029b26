package node

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"isotherm/ledger"
	"isotherm/ledger/access"
	"isotherm/ledger/custody"
	"isotherm/ledger/entry"
	"isotherm/ledger/profile"
	"isotherm/ledger/store"
)

// TrailItem is an entry of the ledger as an auditor reads it: who, what, when, through which node.
type TrailItem struct {
	Index    int64
	Kind     entry.Kind
	TimeMS   int64 // RecordTime
	Node     string
	Subjects []entry.Subject
	By       ledger.PersonID // zero: a box, a node, the operator, or whoever holds a link
	What     string
	Erased   bool // the payload's key is destroyed
}

// MaxTrail bounds a page of the audit trail.
const MaxTrail = 500

// Trail returns up to limit entries of the whole ledger, beginning with the one at index from.
func (n *Node) Trail(ctx context.Context, p Principal, from int64, limit int) ([]TrailItem, At, error) {
	if err := n.allow(p, access.ReadTrail); err != nil {
		return nil, At{}, err
	}
	if from < 0 || limit < 1 || limit > MaxTrail {
		return nil, At{}, ledger.Errorf(ledger.CodeInvalid, "page of %d entries from %d, want 1 to %d from 0 on", limit, from, MaxTrail)
	}
	var out []TrailItem
	at, err := n.view(func(v *store.View) error {
		for index := from; index < v.Size() && len(out) < limit; index++ {
			if err := ctx.Err(); err != nil {
				return err
			}
			item, err := n.trailItem(v, index)
			if err != nil {
				return err
			}
			out = append(out, item)
		}
		return nil
	})
	return out, at, err
}

func (n *Node) trailItem(v *store.View, index int64) (TrailItem, error) {
	leaf, payload, err := n.open(v, index)
	if leaf == nil || err != nil && !errors.Is(err, errErased) {
		return TrailItem{}, err
	}
	item := TrailItem{Index: index, Kind: leaf.Kind, TimeMS: leaf.RecordTimeMS, Node: leaf.Node}
	for _, l := range leaf.Links {
		item.Subjects = append(item.Subjects, l.Subject)
	}
	if err != nil {
		item.Erased = true
		return item, nil
	}
	if item.By, item.What, err = describe(leaf.Kind, payload); err != nil {
		return item, fmt.Errorf("entry %d: %w", index, err)
	}
	return item, nil
}

// describe says who did what, in a few words without names.
func describe(kind entry.Kind, payload []byte) (by ledger.PersonID, what string, err error) {
	switch kind {
	case entry.KindGenesis:
		return by, "the ledger begins", nil
	case entry.KindCosigners:
		c, err := entry.ParseSetChange(payload)
		return read(c, err, by, func() string { return fmt.Sprintf("cosigner set %d of %d nodes", c.Set.Number, len(c.Set.Members)) })
	case entry.KindBoxEnrolled:
		b, err := entry.ParseBoxEnrolled(payload)
		return read(b, err, b.By, func() string { return fmt.Sprintf("box %s enrolled: %s", ledger.BoxIDOf(b.Key), b.Label) })
	case entry.KindJournalOpened, entry.KindJournalAdvance:
		a, err := entry.ParseAdvance(payload)
		return read(a, err, by, func() string { return fmt.Sprintf("%s: records %d to %d", a.Origin, a.From, a.To-1) })
	case entry.KindAct:
		a, err := custody.ParseAct(payload)
		if err != nil {
			return by, "", err
		}
		return a.Statement.By.Person, fmt.Sprintf("%s for %s, signed by %d", a.Statement.Kind, a.Statement.By.Organisation, len(a.Signatures)), nil
	case entry.KindExport, entry.KindCaseRead:
		a, err := entry.ParseAccess(payload)
		return read(a, err, a.By, func() string { return a.Reason })
	}
	if by, what, ok, err := describeCard(kind, payload); ok || err != nil {
		return by, what, err
	}
	return describeEvent(kind, payload)
}

// read finishes the reading of a payload.
func read[P any](_ *P, err error, by ledger.PersonID, what func() string) (ledger.PersonID, string, error) {
	if err != nil {
		return ledger.PersonID{}, "", err
	}
	return by, what(), nil
}

func describeCard(kind entry.Kind, payload []byte) (by ledger.PersonID, what string, ok bool, err error) {
	switch kind {
	case entry.KindPersonEnrolled, entry.KindPersonChanged:
		c, err := entry.ParsePersonCard(payload)
		if err != nil {
			return by, "", false, err
		}
		return c.By, fmt.Sprintf("card %d of person %s: %s (%s of %s)", c.Version, c.Person, c.Why, c.Role, c.Organisation), true, nil
	case entry.KindOrganisation:
		c, err := entry.ParseOrganisationCard(payload)
		if err != nil {
			return by, "", false, err
		}
		return c.By, fmt.Sprintf("card %d of organisation %s: %s", c.Version, c.Code, c.Kind), true, nil
	case entry.KindProfile:
		c, err := entry.ParseProfilePublished(payload)
		if err != nil {
			return by, "", false, err
		}
		p, err := profile.Parse(c.Profile)
		if err != nil {
			return by, "", false, err
		}
		return c.By, fmt.Sprintf("profile %s, version %d, of %s", p.Name, p.Version, p.Program), true, nil
	case entry.KindCertificate:
		c, err := entry.ParseCertificateRecalled(payload)
		if err != nil {
			return by, "", false, err
		}
		return c.By, fmt.Sprintf("certificate %s recalled: %s", c.Number, c.Reason), true, nil
	}
	return by, "", false, nil
}

func utc(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04:05Z") }

func describeEvent(kind entry.Kind, payload []byte) (by ledger.PersonID, what string, err error) {
	switch kind {
	case entry.KindConsent:
		c, err := entry.ParseConsent(payload)
		return read(c, err, c.By, func() string {
			verb := "withdrawn"
			if c.Given {
				verb = "given"
			}
			return fmt.Sprintf("consent to %s %s: %s, SHA-256 %s", c.Scope, verb, c.Reference, hex.EncodeToString(c.SHA256[:]))
		})
	case entry.KindAccount:
		e, err := entry.ParseAccountEvent(payload)
		return read(e, err, e.By, func() string { return accountWords(e) })
	case entry.KindDonorFind:
		d, err := entry.ParseDonorAccess(payload)
		return read(d, err, d.By, func() string { return donorWords(d) })
	case entry.KindDonorReveal:
		d, err := entry.ParseDonorAccess(payload)
		return read(d, err, d.By, func() string { return "donor ID revealed: " + d.Reason })
	case entry.KindShare:
		s, err := entry.ParseShareEvent(payload)
		return read(s, err, s.By, func() string {
			out := fmt.Sprintf("share link %s %s", s.ID, s.Step)
			if s.Step == entry.ShareMade {
				out += fmt.Sprintf(" for %s, until %s", s.Label, utc(s.ExpiresMS))
			}
			return out
		})
	case entry.KindBreakGlass:
		b, err := entry.ParseBreakGlass(payload)
		return read(b, err, b.By, func() string { return fmt.Sprintf("break-glass until %s: %s", utc(b.UntilMS), b.Reason) })
	case entry.KindAlarm:
		a, err := entry.ParseAlarmEvent(payload)
		return read(a, err, a.By, func() string { return alarmWords(a) })
	case entry.KindContact:
		c, err := entry.ParseContactChanged(payload)
		return read(c, err, c.By, func() string {
			return fmt.Sprintf("contacts of %s: %s", c.Organisation, strings.Join(c.Channels, ", "))
		})
	}
	return by, fmt.Sprintf("%d bytes that this version does not know", len(payload)), nil
}

func accountWords(e *entry.AccountEvent) string {
	switch e.Step {
	case entry.AccountFailed:
		return fmt.Sprintf("%s, %d times or more in a row", e.Step, e.Count)
	case entry.AccountToken:
		return fmt.Sprintf("%s: %s %q for %s", e.Step, e.Credential, e.Label, access.Scope(e.Scopes))
	}
	return fmt.Sprintf("%s: %s", e.Step, e.Credential)
}

func donorWords(d *entry.DonorAccess) string {
	if d.Reason != "" {
		return "donor ID: " + d.Reason
	}
	return fmt.Sprintf("looked by donor ID, %d cases found", d.Found)
}

func alarmWords(a *entry.AlarmEvent) string {
	out := fmt.Sprintf("alarm %x %s: %s", a.Alarm[:4], a.Step, a.Code)
	switch a.Step {
	case entry.AlarmTold, entry.AlarmFailed:
		out += fmt.Sprintf(", to %s by %s", a.Organisation, a.Channel)
	case entry.AlarmAcknowledged:
		out += ", " + a.Reason
	}
	return out
}
