package api

import (
	"errors"
	"slices"
	"strconv"

	"github.com/labstack/echo/v4"

	"isotherm/api/client"
	"isotherm/ledger"
	"isotherm/ledger/custody"
	"isotherm/ledger/node"
	"isotherm/ledger/trip"
)

func answered(at node.At) client.Answered { return client.Answered{Node: at.Node, Entries: at.Entries} }

// texts makes an empty list of no list: JSON's null is one case more for every reader.
func texts(in []string) []string {
	if in == nil {
		return []string{}
	}
	return in
}

func (s *server) me(c echo.Context) error {
	p := principal(c)
	person, at, err := s.node.Person(p.Person)
	if err != nil {
		return err
	}
	out := client.Me{Answered: answered(at), Person: p.Person, Role: p.Role.String(), Origin: s.node.Origin(), ExpiresMS: p.Expires.UnixMilli()}
	if person != nil {
		out.Name, out.Organisation = person.Name, person.Organisation
	}
	return answer(c, out)
}

func (s *server) people(c echo.Context) error {
	people, at, err := s.node.People()
	if err != nil {
		return err
	}
	out := client.People{Answered: answered(at), People: []client.Person{}}
	for _, p := range people {
		out.People = append(out.People, client.Person{ID: p.Person, Name: p.Name, Organisation: p.Organisation, Role: p.Role.String(), Key: p.Key})
	}
	return answer(c, out)
}

func (s *server) boxes(c echo.Context) error {
	boxes, at, err := s.node.Boxes()
	if err != nil {
		return err
	}
	out := client.Boxes{Answered: answered(at), Boxes: []client.Box{}}
	for _, b := range boxes {
		box := client.Box{ID: b.ID, Label: b.Label, Head: b.Head, LastContactMS: b.LastContactMS}
		if b.Journal != nil {
			box.Incarnation, box.Size = &b.Journal.Incarnation, b.Journal.Size
		}
		if !b.Shipment.IsZero() {
			box.Shipment = &b.Shipment
		}
		out.Boxes = append(out.Boxes, box)
	}
	return answer(c, out)
}

func (s *server) shipments(c echo.Context) error {
	list, at, err := s.node.Shipments(c.Request().Context(), principal(c))
	if err != nil {
		return err
	}
	out := client.Shipments{Answered: answered(at), Shipments: []client.Summary{}}
	for _, v := range list {
		out.Shipments = append(out.Shipments, summary(v))
	}
	return answer(c, out)
}

func (s *server) shipment(c echo.Context) error {
	id, err := shipmentParam(c)
	if err != nil {
		return err
	}
	v, at, err := s.node.Shipment(c.Request().Context(), principal(c), id)
	if err != nil {
		return err
	}
	out := client.Shipment{Answered: answered(at), Summary: summary(v), Tip: v.State.Tip, BoxHead: v.BoxHead,
		History: []client.Act{}, Segments: segments(v.Segments), Withheld: segments(v.Withheld)}
	if v.State.Opening != nil {
		out.Donor = v.State.Opening.Donor
	}
	for _, item := range v.State.History {
		out.History = append(out.History, act(v, item))
	}
	if v.Trip != nil {
		out.Trip = showTrip(v)
	}
	return answer(c, out)
}

const defaultReadings = 1000

func (s *server) readings(c echo.Context) error {
	id, err := shipmentParam(c)
	if err != nil {
		return err
	}
	from, limit := int64(0), int64(defaultReadings)
	if text := c.QueryParam("from"); text != "" {
		if from, err = numberParam("from", text); err != nil {
			return err
		}
	}
	if text := c.QueryParam("limit"); text != "" {
		if limit, err = numberParam("limit", text); err != nil {
			return err
		}
	}
	if limit > node.MaxReadings {
		return ledger.Errorf(ledger.CodeInvalid, "limit is %d, at most %s are allowed", limit, strconv.Itoa(node.MaxReadings))
	}
	page, at, err := s.node.Readings(c.Request().Context(), principal(c), id, from, int(limit))
	if err != nil {
		return err
	}
	out := client.Readings{Answered: answered(at), Total: page.Total, From: from, Next: -1, Readings: []client.Reading{}}
	if end := from + int64(len(page.Page)); end < page.Total {
		out.Next = end
	}
	for _, r := range page.Page {
		out.Readings = append(out.Readings, reading(r))
	}
	return answer(c, out)
}

func reading(r node.Reading) client.Reading {
	out := client.Reading{Incarnation: r.Incarnation, Seq: r.Record.Seq, WallMS: r.Record.At.WallMS, Clock: r.Record.At.Quality.String(), Samples: []client.Sample{}}
	for _, sample := range r.Record.Reading.Samples {
		v := client.Sample{Probe: sample.Probe, Fault: uint16(sample.Fault)}
		if sample.Fault == 0 {
			v.TempMC = &sample.TempMC
		}
		out.Samples = append(out.Samples, v)
	}
	if f := r.Record.Reading.Fix; f != nil {
		out.Fix = &client.Fix{LatE7: f.LatE7, LonE7: f.LonE7, AgeMS: f.AgeMS}
	}
	return out
}

func party(v *node.Shipment, p custody.Party) client.Party {
	out := client.Party{Person: p.Person, Organisation: p.Organisation}
	if person := v.People[p.Person]; person != nil {
		out.Name = person.Name
	}
	return out
}

func summary(v *node.Shipment) client.Summary {
	st := v.State
	out := client.Summary{ID: v.ID, Phase: st.Phase.String(), LastReadingMS: v.LastReadingMS, LastContactMS: v.LastContactMS, Flags: st.Texts()}
	if o := st.Opening; o != nil {
		out.Organ, out.Side, out.From, out.Dest, out.OpenedMS = o.Organ.String(), o.Side.String(), o.From, o.Dest, o.EventTimeMS
	}
	if p := st.Packing; p != nil {
		out.Box, out.ColdMS = &p.Box, p.ColdMS
	}
	if n := len(st.Custodians); n > 0 {
		holder := party(v, st.Custodians[n-1].Party)
		out.Custodian = &holder
	}
	if st.Pending != nil {
		to := party(v, st.Pending.To)
		out.Pending = &to
	}
	if v.Last != nil {
		out.LastTempMC = &v.Last.MC
	}
	if v.Trouble != nil && !errors.Is(v.Trouble, trip.ErrNotPacked) {
		out.Trouble = v.Trouble.Error()
	}
	if v.Trip != nil {
		out.Excursions = len(v.Trip.Excursions)
		for _, x := range v.Trip.Excursions {
			if x.Open {
				out.OpenExcursions++
			}
		}
	}
	return out
}

func segments(in []node.Segment) []client.Segment {
	out := []client.Segment{}
	for _, s := range in {
		out = append(out, client.Segment(s))
	}
	return out
}

func act(v *node.Shipment, item custody.HistoryItem) client.Act {
	st := &item.Act.Statement
	out := client.Act{Index: item.Index, RecordTimeMS: item.RecordTimeMS, EventTimeMS: st.EventTimeMS, Kind: st.Kind.String(), ID: st.ID,
		Hash: item.Hash, Standing: item.Standing.String(), By: party(v, st.By), Place: st.Place, Condition: st.Condition, Seal: st.Seal,
		Reason: st.Reason.String(), Bytes: item.Act.Marshal()}
	if st.Parent != [32]byte{} {
		parent := client.Hash(st.Parent)
		out.Parent = &parent
	}
	if !st.To.Person.IsZero() {
		to := party(v, st.To)
		out.To = &to
	}
	if st.Arrival != 0 {
		out.Arrival = st.Arrival.String()
	}
	if st.Result != 0 {
		out.Outcome = st.Result.String()
	}
	return out
}

func showTrip(v *node.Shipment) *client.Trip {
	r, p := v.Trip.Report, v.Trip.Profile
	out := &client.Trip{
		Profile:  client.Profile{Name: p.Name, Version: p.Version, Hash: p.Hash(), LowMC: p.LowMC, HighMC: p.HighMC, ColdWarnMS: p.ColdWarnMS, ColdLimitMS: p.ColdLimitMS},
		Readings: r.Readings, FirstMS: r.First.WallMS, LastMS: r.Last.WallMS, TotalMS: r.TotalMS(), CoveredMS: r.CoveredMS,
		CoveragePermille: r.CoveragePermille(), Settled: r.Settled,
		Excursions: []client.Excursion{}, Custodians: []client.Held{}, Gaps: []client.Gap{}, Probes: []client.ProbeStats{},
	}
	if r.Settled {
		out.SettledMS = r.SettledAt.WallMS
	}
	for _, x := range v.Trip.Excursions {
		e := client.Excursion{Rule: x.Rule.Name, Kind: x.Rule.Kind.String(), Probe: x.Probe, LimitMC: x.Rule.LimitMC, Open: x.Open,
			BeganMS: x.Began.WallMS, EndedMS: x.Ended.WallMS, Duration: x.DurationMS(), ExtremeMC: x.ExtremeMC, Held: []client.Share{}}
		for _, h := range x.Held {
			e.Held = append(e.Held, client.Share{Party: party(v, h.Party), MS: h.MS})
		}
		out.Excursions = append(out.Excursions, e)
	}
	for _, s := range v.Trip.Spans {
		out.Custodians = append(out.Custodians, client.Held{Party: party(v, s.Custodian.Party), SinceMS: s.Custodian.SinceMS,
			Evidence: s.Custodian.Evidence.String(), FromMS: s.FromMS, ToMS: s.ToMS, OutMS: s.OutMS})
	}
	for _, g := range r.Gaps {
		out.Gaps = append(out.Gaps, client.Gap{FromMS: g.From.WallMS, ToMS: g.To.WallMS, Reason: g.Reason})
	}
	for n, st := range r.Probe {
		out.Probes = append(out.Probes, client.ProbeStats{Probe: n, Readings: st.Readings, Faults: st.Faults, MinMC: st.MinMC, MaxMC: st.MaxMC, MeanMC: st.MeanMC})
	}
	slices.SortFunc(out.Probes, func(a, b client.ProbeStats) int { return int(a.Probe) - int(b.Probe) })
	return out
}
