package node

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"isotherm/ledger"
	"isotherm/ledger/batch"
	"isotherm/ledger/bundle"
	"isotherm/ledger/custody"
	"isotherm/ledger/entry"
	"isotherm/ledger/record"
	"isotherm/ledger/store"
	"isotherm/ledger/trip"
)

// shipmentCase is what one state of the ledger says about a shipment. It is never changed once made; a newer one shares
// the acts and records that both hold.
type shipmentCase struct {
	id       ledger.ShipmentID
	count    uint64 // entries of the case's chain that are in it
	acts     []custody.Entered
	state    *custody.State
	journals []journalPart // of the trip, in the order in which the ledger learned of them
	judged   *trip.Assessment
	trouble  error // why judged is nil
	used     int64 // when it was last asked for, by the cache's count; guarded by caseCache.mu
}

// journalPart is the part of an incarnation that belongs to a trip.
type journalPart struct {
	bundle.Part
	size    int64 // up to where the ledger holds the journal
	read    int64 // up to where records are held here: size, or the trip's end
	boot    *record.Boot
	records []*record.Record // of the trip, without those that this version can't read
	arrived []trip.Arrival
}

// Limits of what is kept in memory.
const (
	maxCachedRecords = 500_000   // in all cases, some 150 MB: a hundred trips of 12 hours at one reading in 10 s
	maxTripRecords   = 2_000_000 // of one trip; a longer one is exported, but not judged here
)

// caseCache keeps cases, so that a board that is looked at every few seconds does not decode every batch each time.
type caseCache struct {
	mu      sync.Mutex
	m       map[ledger.ShipmentID]*shipmentCase // guarded by mu
	clock   int64                               // guarded by mu
	records int                                 // in m; guarded by mu
}

func (c *caseCache) init() { c.m = map[ledger.ShipmentID]*shipmentCase{} }

func (c *caseCache) get(id ledger.ShipmentID) *shipmentCase {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.m[id]
	if s != nil {
		c.clock++
		s.used = c.clock
	}
	return s
}

func (c *shipmentCase) held() int {
	total := 0
	for _, j := range c.journals {
		total += len(j.records)
	}
	return total
}

// put keeps a case and lets go of those that were not asked for the longest.
func (c *caseCache) put(s *shipmentCase) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if old := c.m[s.id]; old != nil {
		c.records -= old.held()
	}
	c.clock++
	s.used = c.clock
	c.m[s.id] = s
	c.records += s.held()
	if c.records <= maxCachedRecords {
		return
	}
	byUse := slices.SortedFunc(maps.Values(c.m), func(a, b *shipmentCase) int { return int(a.used - b.used) })
	for _, old := range byUse[:len(byUse)-1] {
		if c.records <= maxCachedRecords {
			return
		}
		delete(c.m, old.id)
		c.records -= old.held()
	}
}

// shipment returns the case as the view shows it. CodeNotFound for one that the ledger does not know.
func (n *Node) shipment(v *store.View, id ledger.ShipmentID) (*shipmentCase, error) {
	count, _, ok := v.Last(entry.Case(id))
	if !ok {
		return nil, ledger.Errorf(ledger.CodeNotFound, "no shipment %s", id)
	}
	old := n.cases.get(id)
	if old == nil || old.count > count { // a view older than the cache is rare: it gets a case of its own
		old = &shipmentCase{id: id, state: custody.Fold(nil)}
	}
	c := &shipmentCase{id: id, count: count, acts: old.acts, state: old.state, judged: old.judged, trouble: old.trouble}
	if old.count != count {
		acts, err := n.newActs(v, id, old.count)
		if err != nil {
			return nil, err
		}
		if len(acts) > 0 {
			c.acts = append(slices.Clip(c.acts), acts...)
			c.state, c.judged, c.trouble = custody.Fold(c.acts), nil, nil
		}
	}
	if err := c.loadTrip(v, old.journals); err != nil {
		return nil, err
	}
	if c.judged == nil && c.trouble == nil || !sameParts(c.journals, old.journals) {
		c.judge()
	}
	n.cases.put(c)
	return c, nil
}

func sameParts(a, b []journalPart) bool {
	return slices.EqualFunc(a, b, func(x, y journalPart) bool { return x.Part.Equal(y.Part) && x.size == y.size })
}

// newActs returns the acts of the case's chain after its first have entries, in entry order.
func (n *Node) newActs(v *store.View, id ledger.ShipmentID, have uint64) ([]custody.Entered, error) {
	var out []custody.Entered
	for o, err := range n.payloads(v, entry.Case(id), entry.KindAct, have) {
		if err != nil {
			return nil, err
		}
		act, err := custody.ParseAct(o.payload)
		if err != nil {
			return nil, o.unread(err)
		}
		out = append(out, custody.Entered{Act: act, Index: o.index, RecordTimeMS: o.recordTimeMS})
	}
	slices.Reverse(out)
	return out, nil
}

// extends tells whether runs of records differ from older ones at most in where the last of them ends.
func extends(old, now []bundle.Span) bool {
	last := len(now) - 1
	return len(old) == len(now) && slices.Equal(old[:last], now[:last]) && old[last].From == now[last].From
}

// loadTrip reads the records of the trip that old does not hold.
func (c *shipmentCase) loadTrip(v *store.View, old []journalPart) error {
	total := 0
	for _, p := range bundle.Parts(c.state, v.Journals) {
		j := journalPart{read: p.Whole.From}
		for _, o := range old {
			if o.Incarnation == p.Incarnation && extends(o.Spans, p.Spans) {
				j = o
			}
		}
		j.Part = p
		if err := j.extend(v, maxTripRecords-total); err != nil {
			return err
		}
		total += len(j.records)
		c.journals = append(c.journals, j)
	}
	return nil
}

// errTooLong is the trouble with a trip of more records than are judged here.
var errTooLong = fmt.Errorf("the trip has more than %d records: export it and verify the bundle to have it judged", maxTripRecords)

// extend reads the journal's records that are not held yet, at most limit, and lets go of those behind the trip's end.
func (j *journalPart) extend(v *store.View, limit int) error {
	held, ok := v.Journal(j.Incarnation)
	if !ok {
		return nil
	}
	j.size = held.Size
	to := held.Size
	if j.Whole.End != bundle.NoEnd {
		to = min(to, j.Whole.End)
	}
	if to < j.read { // an act that came late ended the trip earlier
		i, _ := slices.BinarySearchFunc(j.records, to, func(r *record.Record, seq int64) int { return cmp.Compare(int64(r.Seq), seq) })
		j.records, j.read = slices.Clip(j.records[:i]), max(to, j.Whole.From)
	}
	if err := j.readBoot(v); err != nil || to <= j.read {
		return err
	}
	records, arrived := slices.Clip(j.records), slices.Clip(j.arrived) // an older case may share the arrays
	for b := range v.Batches(j.Incarnation, j.read) {
		more, err := parseRecords(b, j.read, to)
		if err != nil {
			return err
		}
		leaf, err := leafAt(v, b.Index)
		if err != nil {
			return err
		}
		if n := len(arrived); n == 0 || arrived[n-1].To < b.To {
			arrived = append(arrived, trip.Arrival{To: b.To, RecordTimeMS: leaf.RecordTimeMS})
		}
		more = slices.DeleteFunc(more, func(r *record.Record) bool { return !j.Holds(r.Seq) })
		if records = append(records, more...); len(records) > limit || b.To >= to {
			break
		}
	}
	j.records, j.arrived, j.read = records, arrived, to
	return nil
}

// readBoot reads the boot record, which may lie before the trip.
func (j *journalPart) readBoot(v *store.View) (err error) {
	if j.boot == nil {
		j.boot, err = bootOf(v, j.Incarnation)
	}
	return err
}

// bootOf returns the boot record of a journal, nil when this version can't read it.
func bootOf(v *store.View, inc ledger.IncarnationID) (*record.Boot, error) {
	for b := range v.Batches(inc, 0) {
		first, err := parseRecords(b, 0, 1)
		if err != nil {
			return nil, err
		}
		if len(first) == 1 && first[0].Boot != nil {
			return first[0].Boot, nil
		}
		break
	}
	return nil, nil
}

// parseRecords returns the records of a stored batch with from <= seq < to. One that this version can't read is left out:
// it stays in the ledger, and an export has it.
func parseRecords(b store.Batch, from, to int64) ([]*record.Record, error) {
	decoded, err := batch.Decode(bytes.Clone(b.Wire)) // rows alias the wire, which ends with the view
	if err != nil {
		return nil, fmt.Errorf("stored batch of entry %d: %w", b.Index, err)
	}
	out := make([]*record.Record, 0, len(decoded.Records))
	for i, raw := range decoded.Records {
		if seq := b.From + int64(i); seq < from || seq >= to {
			continue
		}
		if r, err := record.Parse(raw); err == nil {
			out = append(out, r)
		}
	}
	return out, nil
}

// judge assesses the trip.
func (c *shipmentCase) judge() {
	c.judged, c.trouble = nil, nil
	if c.held() > maxTripRecords {
		c.trouble = errTooLong
		return
	}
	journals := make([]trip.Journal, 0, len(c.journals))
	for _, j := range c.journals {
		if j.boot == nil {
			continue
		}
		journals = append(journals, trip.Journal{Origin: record.Origin(j.Box, j.Incarnation), From: j.Whole.From, Boot: j.boot, Records: j.records, Held: j.size, Arrived: j.arrived})
	}
	if c.state.Packing != nil && len(journals) == 0 {
		c.trouble = errors.New("no record of the box has come since packing")
		return
	}
	c.judged, c.trouble = trip.Assess(c.state, journals)
}
