package api

import (
	"errors"
	"slices"

	"isotherm/api/contract"
	"isotherm/ledger"
	"isotherm/ledger/custody"
	"isotherm/ledger/node"
	"isotherm/ledger/trip"
)

func party(v *node.Shipment, p custody.Party) contract.Party {
	return contract.Party{Person: p.Person, Organisation: p.Organisation, Desk: p.Desk, Name: nameOf(v, p.Person)}
}

func nameOf(v *node.Shipment, id ledger.PersonID) string {
	if person := v.People[id]; person != nil {
		return person.Name
	}
	return ""
}

// someParty returns nil for nobody.
func someParty(v *node.Shipment, p custody.Party) *contract.Party {
	if p.IsZero() {
		return nil
	}
	out := party(v, p)
	return &out
}

func summary(v *node.Shipment) contract.Summary {
	st := v.State
	out := contract.Summary{ID: v.ID, Phase: st.Phase.String(), Organ: "unknown", LastReadingMS: v.LastReadingMS, LastContactMS: v.LastContactMS,
		Flags: texts(st.Texts()), Withheld: len(v.Withheld) > 0, Dest: st.Destination()}
	if o := st.Opening; o != nil {
		out.Organ, out.Side, out.From, out.OpenedMS = o.Organ.String(), custody.CodeText(o.Side), o.From, o.EventTimeMS
	}
	if p := st.Packing; p != nil {
		out.ColdMS = p.ColdMS
	}
	if n := len(st.Segments); n > 0 {
		out.Box = st.Segments[n-1].Box
	}
	if holder := st.Holder(); holder != nil {
		out.Custodian = someParty(v, holder.Party)
	}
	if st.Pending != nil {
		out.Pending = someParty(v, st.Pending.To)
	}
	for _, d := range st.Disputes {
		out.Disputed = out.Disputed || d.Ruling == [32]byte{}
	}
	if v.Last != nil {
		out.LastTempMC = &v.Last.MC
	}
	if b := v.Band; b != nil {
		out.Band = &contract.Band{LowMC: b.LowMC, HighMC: b.HighMC}
	}
	if st.Phase != custody.PhaseClosed && st.Phase != custody.PhaseStoodDown {
		out.RecentMC = v.Recent
	}
	if v.Trouble != nil && !errors.Is(v.Trouble, trip.ErrNotPacked) {
		out.Trouble = v.Trouble.Error()
	}
	summarizeWay(&out, v)
	if v.Trip != nil {
		out.Simulated = v.Trip.Report.Simulated
		out.Excursions = len(v.Trip.Excursions)
		for _, x := range v.Trip.Excursions {
			if x.Active {
				out.OpenExcursions++
			}
		}
	}
	return out
}

// summarizeWay adds clock and progress in short.
func summarizeWay(out *contract.Summary, v *node.Shipment) {
	c, p := &v.Clock, &v.Progress
	out.ColdEnd, out.ColdStatus, out.ColdLoMS, out.ColdHiMS, out.ColdLimitMS = c.End.String(), c.Status.String(), c.Cold.LoMS, c.Cold.HiMS, int64(c.LimitMS)
	out.ETAMS, out.ETAMethod, out.DelayMS, out.Findings = p.ETAMS, p.ETAMethod, p.DelayMS, []string{}
	for _, f := range p.Findings {
		out.Findings = append(out.Findings, f.Kind.String())
	}
}

func detail(v *node.Shipment, nowMS int64) contract.Shipment {
	st := v.State
	out := contract.Shipment{Summary: summary(v), Tip: st.Tip, BoxHead: v.BoxHead, Flags: []contract.Flag{}, History: []contract.Act{},
		Segments: []contract.Segment{}, Journals: journalParts(v.Segments), Withheld: journalParts(v.Withheld),
		Custodians: custodians(v), Corrections: []contract.Correction{}, Disputes: []contract.Dispute{},
		Clock: showClock(&v.Clock, nowMS), Progress: showProgress(&v.Progress), Recalled: []contract.RecallItem{}}
	if st.Opening != nil {
		out.Donor = st.Opening.Donor
	}
	for _, f := range slices.Concat(st.Flags, v.Notes) {
		out.Flags = append(out.Flags, contract.Flag{Code: f.Code, Text: f.Text, Act: f.Act})
	}
	for _, item := range st.History {
		out.History = append(out.History, act(v, item))
	}
	for _, s := range st.Segments {
		out.Segments = append(out.Segments, contract.Segment{Box: s.Box, Space: s.Space, BeginMS: s.Begin, UntilMS: s.Until, Code: custody.CodeText(s.Code)})
	}
	for _, c := range st.Corrections {
		out.Corrections = append(out.Corrections, contract.Correction{Act: c.Act, Of: c.Of, Field: c.Field, Old: c.Old, New: c.New})
	}
	for _, d := range st.Disputes {
		out.Disputes = append(out.Disputes, dispute(d))
	}
	for _, r := range v.Recalled {
		out.Recalled = append(out.Recalled, recall(&r))
	}
	if v.Trip != nil {
		out.Trip = showTrip(v)
	}
	return out
}

// custodians shows who held the box, as stated.
func custodians(v *node.Shipment) []contract.Custodian {
	out := []contract.Custodian{}
	for _, c := range v.State.Custodians {
		one := contract.Custodian{Party: party(v, c.Party), SinceMS: c.SinceMS, UntilMS: c.UntilMS, Evidence: c.Evidence.String(), Act: c.Act, Disputed: c.Disputed}
		if o := c.Released; o != nil {
			one.Unconfirmed, one.UnconfirmedSinceMS = someParty(v, o.To), o.SinceMS
		}
		out = append(out, one)
	}
	return out
}

func dispute(d custody.Dispute) contract.Dispute {
	out := contract.Dispute{Parent: d.Parent, Stands: d.Stands, Ruling: d.Ruling, Claims: []contract.Hash{}}
	for _, c := range d.Claims {
		out.Claims = append(out.Claims, c)
	}
	return out
}

func journalParts(in []node.Segment) []contract.JournalPart {
	out := []contract.JournalPart{}
	for _, s := range in {
		out = append(out, contract.JournalPart{Box: s.Box, Incarnation: s.Incarnation, From: s.From, To: s.To})
	}
	return out
}

func position(p custody.Position) *contract.Position {
	return &contract.Position{LatE7: p.LatE7, LonE7: p.LonE7}
}

// act shows one act with what is right; its bytes say what was signed.
func act(v *node.Shipment, item custody.HistoryItem) contract.Act {
	st := item.Right
	out := contract.Act{Index: item.Index, RecordTimeMS: item.RecordTimeMS, EventTimeMS: st.EventTimeMS, TimeErrorMS: st.TimeErrorMS, ZoneMin: st.Zone,
		Kind: st.Kind.String(), ID: st.ID, Hash: item.Hash, Parent: st.Parent, Standing: item.Standing.String(), By: party(v, st.By), To: someParty(v, st.To),
		Place: st.Place, Condition: st.Condition, Seal: st.Seal, Reference: st.Reference, Cites: st.Cites, Leg: int(st.Leg), Space: st.Space,
		Box: st.Box, NewBox: st.NewBox, ValidMS: st.ValidMS, ColdMS: st.ColdMS, Bytes: item.Act.Marshal(), Signatures: []contract.ActSigner{}}
	out.Evidence, out.Reason, out.Arrival, out.Outcome = custody.CodeText(st.Evidence), custody.CodeText(st.Reason), custody.CodeText(st.Arrival), custody.CodeText(st.Result)
	out.Segment, out.Preservation, out.LegState = custody.CodeText(st.Segment), custody.CodeText(st.Preservation), custody.CodeText(st.LegState)
	out.Organ, out.Side, out.ABO, out.Packaging, out.LabelCheck = custody.CodeText(st.Organ), custody.CodeText(st.Side), custody.CodeText(st.ABO), custody.CodeText(st.Packaging), custody.CodeText(st.LabelCheck)
	if st.Position != nil {
		out.Position = position(*st.Position)
	}
	for _, s := range item.Act.Signatures {
		signer := contract.ActSigner{Role: s.Role.String(), Person: s.Person, SignedAtMS: s.SignedAtMS}
		if p := v.People[s.Person]; p != nil {
			signer.Name, signer.Organisation = p.Name, p.Organisation
		}
		out.Signatures = append(out.Signatures, signer)
	}
	for _, c := range v.State.Corrections {
		if c.Of == item.Hash && !slices.Contains(out.Corrected, c.Field) {
			out.Corrected = append(out.Corrected, c.Field)
		}
	}
	return out
}
