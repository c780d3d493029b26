package tracker

import (
	"fmt"
	"slices"

	"isotherm/ledger/custody"
	"isotherm/ledger/excursion"
	"isotherm/ledger/profile"
	"isotherm/ledger/record"
)

// excursionKey names an excursion as the box's own records do. It may come again: after a restart the monotonic clock
// begins anew.
type excursionKey struct {
	rule  string
	probe uint8
	began uint64
}

func keyOf(r *record.Excursion) excursionKey {
	return excursionKey{rule: r.Rule, probe: r.Probe, began: r.BeganMono}
}

// counts are how often excursions of one key were opened and closed.
type counts struct{ opened, closed int }

// add counts one more, and returns how many there were before.
func (c *counts) add(closed bool) (before int) {
	n := &c.opened
	if closed {
		n = &c.closed
	}
	*n++
	return *n - 1
}

func (c counts) of(closed bool) int {
	if closed {
		return c.closed
	}
	return c.opened
}

// watch judges the box's records by the profile of one shipment in it. It is made anew from the journal at start.
//
// What it finds is recorded once: the n-th finding of a key is the n-th that the journal tells of, whether this watch
// recorded it before a restart, or that of another shipment with the same probe.
type watch struct {
	profile *profile.Profile
	eval    *excursion.Evaluator
	changes []excursion.Change // found and not yet looked at
	found   map[excursionKey]*counts
	told    map[excursionKey]*counts // by the records that were stepped through
}

func count(m map[excursionKey]*counts, k excursionKey) *counts {
	c := m[k]
	if c == nil {
		c = &counts{}
		m[k] = c
	}
	return c
}

// due returns the record that a change calls for, nil when the journal tells of it already.
func (w *watch) due(c excursion.Change) *record.Record {
	body := &record.Excursion{Rule: c.Excursion.Rule.Name, Probe: c.Excursion.Probe, BeganMono: c.Excursion.Began.BootMS, ExtremeMC: c.Excursion.ExtremeMC}
	n := count(w.found, keyOf(body)).add(c.Closed)
	if n < count(w.told, keyOf(body)).of(c.Closed) {
		return nil
	}
	if !c.Closed {
		return &record.Record{Kind: record.KindExcursionOpened, Excursion: body}
	}
	body.EndedMono = c.Excursion.Ended.BootMS
	return &record.Record{Kind: record.KindExcursionClosed, Excursion: body}
}

// newWatch returns a watch that begins with the next record, by the Pack act with the profile and the act that put the
// shipment into this box. It returns an error for a profile that can't be judged by.
func newWatch(pack, here *custody.Statement) (*watch, error) {
	p, err := pack.PinnedProfile()
	if err != nil {
		return nil, err
	}
	w := &watch{profile: p, eval: excursion.New(p, here.Space), found: map[excursionKey]*counts{}, told: map[excursionKey]*counts{}}
	if here.Kind == custody.Move {
		w.eval.Settle()
	}
	return w, nil
}

// name returns the profile's name and version.
func (w *watch) name() string { return fmt.Sprintf("%s v%d", w.profile.Name, w.profile.Version) }

// step judges one record, the box's own findings included.
func (w *watch) step(r *record.Record) {
	if r.Excursion != nil {
		count(w.told, keyOf(r.Excursion)).add(r.Kind == record.KindExcursionClosed)
	}
	w.changes = append(w.changes, w.eval.Step(r)...)
}

// take returns what was found, and forgets it.
func (w *watch) take() []excursion.Change {
	out := w.changes
	w.changes = nil
	return out
}

// open returns the excursions that are open. A total stays open until the box is opened: what was used up stays used up.
func (w *watch) open() []*excursion.Excursion {
	var out []*excursion.Excursion
	for _, x := range w.eval.Report().Excursions {
		if x.Open {
			out = append(out, x)
		}
	}
	return out
}

// alarm tells whether a value is out of band now.
func (w *watch) alarm() bool {
	return slices.ContainsFunc(w.eval.Report().Excursions, func(x *excursion.Excursion) bool { return x.Active })
}
