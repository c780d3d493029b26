package node

import (
	"context"
	"strings"
	"time"

	"isotherm/ledger"
	"isotherm/ledger/access"
	"isotherm/ledger/command"
	"isotherm/ledger/custody"
	"isotherm/ledger/entry"
	"isotherm/ledger/privacy"
	"isotherm/ledger/progress"
	"isotherm/ledger/record"
	"isotherm/ledger/store"
)

// ShareInfo is a link that shows one case to whoever holds it.
type ShareInfo struct {
	ID        string
	Label     string // for whom it is
	Token     string // when it is made and never after
	Shipment  ledger.ShipmentID
	By        ledger.PersonID
	CreatedMS int64
	ExpiresMS int64
}

func shareInfo(c *credential) ShareInfo {
	return ShareInfo{ID: c.id(), Label: c.label, Shipment: ledger.ShipmentID(c.owner), By: c.by, CreatedMS: c.createdMS, ExpiresMS: c.expiresMS}
}

// mayShare tells whether the principal may share the case.
func (n *Node) mayShare(ctx context.Context, p Principal, id ledger.ShipmentID) error {
	if err := n.allow(p, access.ShareCases); err != nil {
		return err
	}
	return n.lookTwice(ctx, func() error {
		return n.replica.View(func(v *store.View) error {
			c, err := n.shipment(v, id)
			if err != nil {
				return err
			}
			return n.mayRead(v, p, c)
		})
	})
}

// CreateShare makes a link to a case, good for at most MaxShareLife. What it shows is in SharedView.
func (n *Node) CreateShare(ctx context.Context, p Principal, id ledger.ShipmentID, ttl time.Duration, label string) (ShareInfo, error) {
	if err := n.mayShare(ctx, p, id); err != nil {
		return ShareInfo{}, err
	}
	if ttl <= 0 || ttl > MaxShareLife {
		return ShareInfo{}, ledger.Errorf(ledger.CodeInvalid, "link life of %v, want up to %v", ttl, MaxShareLife)
	}
	if err := checkText("label", privacy.Label, label, 1); err != nil {
		return ShareInfo{}, err
	}
	now := n.now()
	token := newToken(shareToken, id)
	made := &credential{hash: TokenHash(token), owner: id, by: p.Person, createdMS: now.UnixMilli(), expiresMS: now.Add(ttl).UnixMilli(), label: label}
	var err error
	if made.card, err = n.cardVersion(p.Person); err != nil {
		return ShareInfo{}, err
	}
	c := &command.Command{}
	if err := n.addCredential(c, sharePrefix, made); err != nil {
		return ShareInfo{}, err
	}
	event := entry.ShareEvent{Step: entry.ShareMade, ID: made.id(), Label: label, ExpiresMS: made.expiresMS, By: p.Person}
	if err := n.enterShare(ctx, c, id, &event); err != nil {
		return ShareInfo{}, err
	}
	info := shareInfo(made)
	info.Token = token
	return info, nil
}

func (n *Node) enterShare(ctx context.Context, c *command.Command, id ledger.ShipmentID, event *entry.ShareEvent) error {
	d := draft{kind: entry.KindShare, subjects: []entry.Subject{entry.Case(id)}, payload: event.Marshal()}
	if err := n.sealForCase(&d, c, id); err != nil {
		return err
	}
	var err error
	if c.Entry, err = n.entryOf(d); err != nil {
		return err
	}
	return n.proposeHere(ctx, c)
}

// Shares returns the links to a case that are good now, oldest first.
func (n *Node) Shares(ctx context.Context, p Principal, id ledger.ShipmentID) ([]ShareInfo, At, error) {
	if err := n.mayShare(ctx, p, id); err != nil {
		return nil, At{}, err
	}
	var out []ShareInfo
	at, err := n.view(func(v *store.View) error {
		list, err := n.owned(v, sharePrefix, id)
		for _, c := range list {
			if n.now().UnixMilli() < c.expiresMS {
				out = append(out, shareInfo(c))
			}
		}
		return err
	})
	return out, at, err
}

// RevokeShare ends a link at once. CodeNotFound when there is none.
func (n *Node) RevokeShare(ctx context.Context, p Principal, id ledger.ShipmentID, share string) error {
	if err := n.mayShare(ctx, p, id); err != nil {
		return err
	}
	found, err := n.ownedByID(sharePrefix, id, share)
	if err != nil {
		return err
	}
	name := found.name(sharePrefix)
	c := &command.Command{Require: name, Secrets: []command.Secret{{Name: name}}}
	return n.enterShare(ctx, c, id, &entry.ShareEvent{Step: entry.ShareRevoked, ID: found.id(), Label: found.label, By: p.Person})
}

// SharedView is what a share link shows: where the organ is on its way and whether it is well. It has no field for the
// donor's side, the donor, the blood group or anybody's name.
type SharedView struct {
	Shipment         ledger.ShipmentID
	Label            string
	Expires          time.Time
	Phase            custody.Phase
	Organ            custody.Organ
	Side             custody.Side
	Dest, DestPhone  string
	Holders          []SharedHolder
	BandLowMC        int32
	BandHighMC       int32
	Last             *Temperature
	LastReadingMS    int64
	LastContactMS    int64
	CoveragePermille int64
	Excursions       []SharedExcursion
	Position         *SharedPosition // newest; nil while that is within 5 km of where the trip began
	Simulated        bool
}

// SharedHolder is an organisation that held the box.
type SharedHolder struct {
	Organisation string // 'donor side' for all of that side
	SinceMS      int64
	Evidence     custody.Evidence
}

// SharedExcursion is an excursion without who held the box.
type SharedExcursion struct {
	Rule       string
	FromMS     int64 // the box's wall clock
	DurationMS int64
	Open       bool
}

// SharedPosition is where the box was.
type SharedPosition struct {
	WallMS       int64
	LatE7, LonE7 int32
}

// donorSide stands for every organisation of the side that must not be known.
const donorSide = "donor side"

// Shared returns what the link of the principal shows, and notes its use once an hour.
func (n *Node) Shared(ctx context.Context, p Principal) (*SharedView, At, error) {
	if p.Share == nil {
		return nil, At{}, ledger.Errorf(ledger.CodeForbidden, "this is no share link").WithHint("look at the shipment itself")
	}
	id := p.Share.Shipment
	var out *SharedView
	var at At
	err := n.lookTwice(ctx, func() (err error) {
		at, err = n.view(func(v *store.View) error {
			c, err := n.shipment(v, id)
			if err != nil {
				return err
			}
			s, err := n.show(v, c)
			if err != nil {
				return err
			}
			out = shared(c, s)
			return nil
		})
		return err
	})
	if err != nil {
		return nil, at, err
	}
	out.Label, out.Expires = p.Share.Label, p.Expires
	n.noteRead(ctx, p, id)
	return out, at, nil
}

func shared(c *shipmentCase, s *Shipment) *SharedView {
	out := &SharedView{Shipment: s.ID, Phase: s.State.Phase, Dest: s.State.Destination(), Last: s.Last, LastReadingMS: s.LastReadingMS, LastContactMS: s.LastContactMS}
	if o := s.State.Opening; o != nil {
		out.Organ, out.Side = o.Organ, o.Side
		if out.Dest == o.Dest { // the number is that of the center planned first
			out.DestPhone = o.DestPhone
		}
	}
	hidden := hiddenCodes(s.State)
	for _, h := range s.State.Custodians {
		name := h.Party.Organisation
		if hidden[strings.ToLower(name)] {
			name = donorSide
		}
		if last := len(out.Holders) - 1; last >= 0 && name == donorSide && out.Holders[last].Organisation == donorSide {
			continue // steps within that side tell of it
		}
		out.Holders = append(out.Holders, SharedHolder{Organisation: name, SinceMS: h.SinceMS, Evidence: h.Evidence})
	}
	if t := s.Trip; t != nil {
		out.BandLowMC, out.BandHighMC, out.CoveragePermille = t.Profile.LowMC, t.Profile.HighMC, int64(t.Report.CoveragePermille())
		for _, x := range t.Excursions {
			out.Excursions = append(out.Excursions, SharedExcursion{Rule: x.Rule.Name, FromMS: x.Began.WallMS, DurationMS: x.DurationMS(), Open: x.Active})
		}
	}
	out.Position, out.Simulated = sharedPosition(c)
	return out
}

// hiddenCodes returns the organisations of the donor's side, in lower case: where the organ comes from and its planned way
// begins, who opened the case and who packed. The destination is none of them, even where it sent its own team.
func hiddenCodes(state *custody.State) map[string]bool {
	out := map[string]bool{}
	hide := func(code string) { out[strings.ToLower(code)] = true }
	if o := state.Opening; o != nil {
		hide(o.From)
		hide(o.By.Organisation)
	}
	if len(state.Legs) > 0 {
		hide(state.Legs[0].From)
	}
	if p := state.Packing; p != nil {
		hide(p.By.Organisation)
	}
	delete(out, strings.ToLower(state.Destination()))
	return out
}

// startKM is how far the box must be from where the trip began before a share link shows its position.
const startKM = 5

// sharedPosition returns the newest position, nil while it is within startKM of where the trip began, also when the box
// comes back: the donor hospital is there. It began where the box was first seen, where the organ was packed, and where the
// plan says.
func sharedPosition(c *shipmentCase) (at *SharedPosition, simulated bool) {
	var last *progress.Fix
	var starts []custody.Position
	if p := c.state.Packing; p != nil && p.Position != nil {
		starts = append(starts, *p.Position)
	}
	if legs := c.state.Legs; len(legs) > 0 && legs[0].Start != (custody.Position{}) {
		starts = append(starts, legs[0].Start)
	}
	for _, j := range c.journals {
		for _, r := range j.records {
			simulated = simulated || r.At.Quality == record.ClockSimulated
			fix, ok := progress.FixOf(r)
			if !ok {
				continue
			}
			if last == nil {
				starts = append(starts, custody.Position{LatE7: fix.LatE7, LonE7: fix.LonE7})
			}
			last = &fix
		}
	}
	if last == nil {
		return nil, simulated
	}
	for _, start := range starts {
		m, ok := progress.DistanceM(start, custody.Position{LatE7: last.LatE7, LonE7: last.LonE7})
		if !ok || m < startKM*1000 {
			return nil, simulated
		}
	}
	return &SharedPosition{WallMS: last.WallMS, LatE7: last.LatE7, LonE7: last.LonE7}, simulated
}
