package tracker

import (
	"fmt"

	"isotherm/ledger"
	"isotherm/ledger/custody"
	"isotherm/ledger/excursion"
	"isotherm/ledger/record"
)

// excursionKey names an excursion in the box's own records, so that a replay finds the one it has recorded before.
type excursionKey struct {
	rule  string
	probe uint8
	began uint64
}

func keyOf(r *record.Excursion) excursionKey {
	return excursionKey{rule: r.Rule, probe: r.Probe, began: r.BeganMono}
}

// said is what the journal already holds of an excursion.
type said struct{ opened, closed bool }

// watch judges the box's records by the profile of the shipment it carries. It is made anew from the journal at start.
type watch struct {
	shipment ledger.ShipmentID
	profile  string
	eval     *excursion.Evaluator
	said     map[excursionKey]said
	found    []excursion.Change // found and not yet recorded
	alarm    bool               // the last alarm output of this incarnation was 'on'
}

// newWatch starts with the pack act's profile. It returns an error for a profile that can't be judged by.
func newWatch(s *custody.Statement) (*watch, error) {
	p, err := s.PinnedProfile()
	if err != nil {
		return nil, err
	}
	return &watch{shipment: s.Shipment, profile: fmt.Sprintf("%s v%d", p.Name, p.Version), eval: excursion.New(p), said: map[excursionKey]said{}}, nil
}

// step judges one record, the box's own findings included.
func (w *watch) step(r *record.Record) {
	switch r.Kind {
	case record.KindBoot:
		w.alarm = false // power-on switches every output off
	case record.KindOutput:
		if r.Output.Name == alarmOutput {
			w.alarm = r.Output.On
		}
	case record.KindExcursionOpened:
		s := w.said[keyOf(r.Excursion)]
		s.opened = true
		w.said[keyOf(r.Excursion)] = s
	case record.KindExcursionClosed:
		w.said[keyOf(r.Excursion)] = said{opened: true, closed: true}
	}
	w.found = append(w.found, w.eval.Step(r)...)
}

// alarmOutput is the name of the alarm in output records.
const alarmOutput = "alarm"

// due returns the records that what was found calls for, and forgets it: excursions that the journal does not tell of
// yet, and the alarm if it must change.
func (w *watch) due() []*record.Record {
	var out []*record.Record
	for _, c := range w.found {
		body := &record.Excursion{Rule: c.Excursion.Rule.Name, Probe: c.Excursion.Probe, BeganMono: c.Excursion.Began.BootMS, ExtremeMC: c.Excursion.ExtremeMC}
		s := w.said[keyOf(body)]
		switch {
		case !c.Closed && !s.opened:
			s.opened = true
			out = append(out, &record.Record{Kind: record.KindExcursionOpened, Excursion: body})
		case c.Closed && !s.closed:
			s.closed = true
			body.EndedMono = c.Excursion.Ended.BootMS
			out = append(out, &record.Record{Kind: record.KindExcursionClosed, Excursion: body})
		}
		w.said[keyOf(body)] = s
	}
	w.found = nil
	if on := len(w.open()) > 0; on != w.alarm {
		out = append(out, alarmRecord(on))
	}
	return out
}

func alarmRecord(on bool) *record.Record {
	return &record.Record{Kind: record.KindOutput, Output: &record.Output{Name: alarmOutput, On: on}}
}

// open returns the excursions that are open.
func (w *watch) open() []*excursion.Excursion {
	var out []*excursion.Excursion
	for _, x := range w.eval.Report().Excursions {
		if x.Open {
			out = append(out, x)
		}
	}
	return out
}

// ends tells whether an act ends the trip that is watched.
func (w *watch) ends(s *custody.Statement) bool {
	return s.Shipment == w.shipment && (s.Kind == custody.Receive || s.Kind == custody.StandDown || s.Kind == custody.Close)
}
