package node

import (
	"context"
	"slices"

	"isotherm/ledger"
	"isotherm/ledger/access"
	"isotherm/ledger/bundle"
	"isotherm/ledger/custody"
	"isotherm/ledger/entry"
	"isotherm/ledger/excursion"
	"isotherm/ledger/ischemia"
	"isotherm/ledger/profile"
	"isotherm/ledger/progress"
	"isotherm/ledger/record"
	"isotherm/ledger/store"
	"isotherm/ledger/trip"
)

// Segment is the part of an incarnation that belongs to a trip.
type Segment struct {
	Box         ledger.BoxID
	Incarnation ledger.IncarnationID
	From, To    int64 // records
}

// Temperature is the newest value of the probe that the profile judges.
type Temperature struct {
	MC     int32 // milli-°C
	WallMS int64 // the box's wall clock, Unix milliseconds
}

// Band is where the pinned profile wants the organ's temperature; its edges are inside.
type Band struct{ LowMC, HighMC int32 }

// Shipment is one shipment as a state of the ledger shows it.
type Shipment struct {
	ID            ledger.ShipmentID
	State         *custody.State
	Trip          *trip.Assessment // nil while there is none, see Trouble
	Trouble       error            // why Trip is nil
	Clock         ischemia.Clock   // as of now, or of the newest record of a simulated box
	Progress      progress.Progress
	Recalled      []Recall // certificates of its probes that were recalled; that changes no verdict
	Segments      []Segment
	Withheld      []Segment    // parts of journals that acts cite and the ledger does not hold
	Last          *Temperature // nil when no probe has answered yet
	Band          *Band        // of the pinned profile; nil before packing
	Recent        []*int32     // milli-°C, one a minute of the hour up to LastReadingMS, oldest first; nil where no judged probe answered
	LastReadingMS int64        // wall clock of the newest reading, whether a probe answered or not
	LastContactMS int64        // RecordTime of the newest batch of the trip; 0 for none
	BoxHead       []byte       // newest signed head of the box that the organ is in; nil when the ledger holds none
	People        map[ledger.PersonID]*Person
	Notes         []custody.Flag // beside those of State: keys that were replaced before an act came, and who opened the case in an emergency
}

// maxShipments bounds the board: a country's cases of some years. Beyond that, the oldest IDs are shown only by name.
const maxShipments = 100_000

// Shipments returns the board: the cases that the principal may read, in the order of IDs. A listing alone is no read of
// a case.
func (n *Node) Shipments(ctx context.Context, p Principal) ([]*Shipment, At, error) {
	if err := n.allow(p, access.ReadCases); err != nil {
		return nil, At{}, err
	}
	var out []*Shipment
	at, err := n.view(func(v *store.View) error {
		for _, s := range v.Subjects(entry.SubjectCase, [ledger.IDSize]byte{}, maxShipments) {
			if err := ctx.Err(); err != nil {
				return err
			}
			c, err := n.shipment(v, s.ID)
			if err != nil {
				return err
			}
			if len(c.acts) == 0 || n.mayRead(v, p, c) != nil {
				continue // erased, or not theirs
			}
			view, err := n.show(v, c)
			if err != nil {
				return err
			}
			out = append(out, view)
		}
		return nil
	})
	return out, at, err
}

// Shipment returns one shipment, and notes that it was read.
func (n *Node) Shipment(ctx context.Context, p Principal, id ledger.ShipmentID) (*Shipment, At, error) {
	_, s, at, err := n.read(ctx, p, id)
	return s, at, err
}

// read returns a case that the principal may see, and notes that it was read.
func (n *Node) read(ctx context.Context, p Principal, id ledger.ShipmentID) (*shipmentCase, *Shipment, At, error) {
	if err := n.allow(p, access.ReadCases); err != nil {
		return nil, nil, At{}, err
	}
	var s *Shipment
	var c *shipmentCase
	var at At
	err := n.lookTwice(ctx, func() (err error) {
		at, err = n.view(func(v *store.View) error {
			if c, err = n.visible(v, p, id); err != nil {
				return err
			}
			if s, err = n.show(v, c); err != nil {
				return err
			}
			s.keyNotes()
			return n.glassNotes(v, s)
		})
		return err
	})
	if err != nil {
		return nil, nil, at, err
	}
	n.noteRead(ctx, p, id)
	return c, s, at, nil
}

// visible returns a case that the principal may read.
func (n *Node) visible(v *store.View, p Principal, id ledger.ShipmentID) (*shipmentCase, error) {
	c, err := n.shipment(v, id)
	if err != nil {
		return nil, err
	}
	return c, n.mayRead(v, p, c)
}

// Tip is what somebody must know to state the next act of a case.
type Tip struct {
	Hash    [32]byte // of the newest claim that stands: the next act's parent
	BoxHead []byte   // newest signed head of the box that the organ is in; nil when the ledger holds none
}

// Tip returns the tip of a case, and nothing else of it: whoever may deliver acts may ask, also for cases that they may not
// read, for anybody can be handed a box.
func (n *Node) Tip(ctx context.Context, p Principal, id ledger.ShipmentID) (Tip, At, error) {
	if err := n.allow(p, access.DeliverActs); err != nil {
		return Tip{}, At{}, err
	}
	var out Tip
	var at At
	err := n.lookTwice(ctx, func() (err error) {
		at, err = n.view(func(v *store.View) error {
			c, err := n.shipment(v, id)
			if err != nil {
				return err
			}
			out = Tip{Hash: c.state.Tip, BoxHead: boxHead(v, c.state)}
			return nil
		})
		return err
	})
	return out, at, err
}

// show gathers what is shown of a case.
func (n *Node) show(v *store.View, c *shipmentCase) (*Shipment, error) {
	s := &Shipment{ID: c.id, State: c.state, Trip: c.judged, Trouble: c.trouble, People: map[ledger.PersonID]*Person{}}
	for _, item := range c.state.History {
		people := []ledger.PersonID{item.Act.Statement.By.Person, item.Act.Statement.To.Person}
		for i := range item.Act.Signatures {
			people = append(people, item.Act.Signatures[i].Person)
		}
		for _, id := range people {
			if id.IsZero() || s.People[id] != nil {
				continue
			}
			p, err := n.person(v, id)
			if err != nil {
				return nil, err
			}
			if p != nil {
				s.People[id] = p
			}
		}
	}
	for _, j := range c.journals {
		s.LastContactMS = max(s.LastContactMS, j.lastArrival())
		for _, run := range j.Spans {
			to := j.size
			if run.End != bundle.NoEnd {
				to = min(to, run.End)
			}
			s.Segments = append(s.Segments, Segment{Box: j.Box, Incarnation: j.Incarnation, From: run.From, To: max(to, run.From)})
		}
	}
	s.tellTime(c, n.now().UnixMilli())
	var err error
	if s.Recalled, err = n.recalls(v, c); err != nil {
		return nil, err
	}
	s.Withheld = withheld(v, c.state)
	s.BoxHead = boxHead(v, c.state)
	s.lastReading(c)
	return s, nil
}

// tellTime computes what depends on the present. A simulated box's clock may run ahead of ours: then the newest of its records
// and of the case's acts says what time it is.
func (s *Shipment) tellTime(c *shipmentCase, nowMS int64) {
	var fixes []progress.Fix
	simulated := int64(0)
	for _, j := range c.journals {
		for _, r := range j.records {
			if r.At.Quality == record.ClockSimulated {
				simulated = max(simulated, r.At.WallMS)
			}
			if f, ok := progress.FixOf(r); ok {
				fixes = append(fixes, f)
			}
		}
	}
	if simulated != 0 {
		for i := range c.state.History {
			simulated = max(simulated, c.state.History[i].Right.EventTimeMS)
		}
		nowMS = simulated
	}
	var p *profile.Profile
	if c.state.Packing != nil {
		p, _ = c.state.Packing.PinnedProfile() // without one the clock knows no limits
	}
	s.Clock, s.Progress = ischemia.Of(c.state, p, nowMS), progress.Of(c.state, fixes, nowMS)
}

// lastArrival returns when the newest batch of the trip came; 0 for none.
func (j *journalPart) lastArrival() int64 {
	if len(j.arrived) == 0 {
		return 0
	}
	return j.arrived[len(j.arrived)-1].RecordTimeMS
}

// boxHead returns the newest signed head of the box that the organ is in, nil when the ledger holds none.
func boxHead(v *store.View, state *custody.State) []byte {
	if len(state.Segments) == 0 {
		return nil
	}
	incs := v.Journals(state.Segments[len(state.Segments)-1].Box)
	if len(incs) == 0 {
		return nil
	}
	if j, ok := v.Journal(incs[len(incs)-1]); ok {
		return j.Head
	}
	return nil
}

// cited is a head that an act cites and that lies beyond what the ledger holds of its journal.
type cited struct {
	act  [32]byte
	box  ledger.BoxID
	inc  ledger.IncarnationID
	have int64 // size of the journal as the ledger holds it
	size int64 // that the head says
}

// citedBeyond returns the heads that cite records which the ledger does not hold.
func citedBeyond(v *store.View, state *custody.State) []cited {
	var out []cited
	for _, pin := range state.Pins {
		cp, ok := custody.HeadOf(pin.Head)
		if !ok {
			continue
		}
		box, inc, err := record.ParseOrigin(cp.Origin)
		if err != nil {
			continue
		}
		have := int64(0)
		if j, ok := v.Journal(inc); ok {
			have = j.Size
		}
		if cp.Size > have {
			out = append(out, cited{act: pin.Act, box: box, inc: inc, have: have, size: cp.Size})
		}
	}
	return out
}

// withheld returns what acts cite and the ledger does not hold, per journal.
func withheld(v *store.View, state *custody.State) []Segment {
	var out []Segment
	for _, c := range citedBeyond(v, state) {
		if i := slices.IndexFunc(out, func(s Segment) bool { return s.Incarnation == c.inc }); i >= 0 {
			out[i].To = max(out[i].To, c.size)
			continue
		}
		out = append(out, Segment{Box: c.box, Incarnation: c.inc, From: c.have, To: c.size})
	}
	return out
}

// recentMinutes is how much of the newest readings a line of the board shows.
const recentMinutes = 60

// lastReading finds the newest reading of the trip, the newest answer of a probe that the profile judges, and the hour before.
func (s *Shipment) lastReading(c *shipmentCase) {
	if c.judged == nil || len(c.state.Segments) == 0 {
		return
	}
	p := c.judged.Profile
	s.Band = &Band{p.LowMC, p.HighMC}
	space := c.state.Segments[len(c.state.Segments)-1].Space
	for _, j := range slices.Backward(c.journals) {
		if j.boot == nil {
			continue
		}
		place := excursion.JudgedPlace(p, space, j.boot)
		judged := map[uint8]bool{}
		for _, probe := range j.boot.Probes {
			judged[probe.Number] = probe.Place == place
		}
		for _, r := range slices.Backward(j.records) {
			if r.Reading != nil && !s.note(r, judged) {
				return
			}
		}
	}
}

// note takes a reading that is older than those before it; false means that no older one is wanted.
func (s *Shipment) note(r *record.Record, judged map[uint8]bool) bool {
	if s.LastReadingMS == 0 {
		s.LastReadingMS = r.At.WallMS
		s.Recent = make([]*int32, recentMinutes)
	}
	const minuteMS = 60_000
	ago := (s.LastReadingMS - r.At.WallMS) / minuteMS
	if s.Last != nil && (ago < 0 || ago >= recentMinutes) {
		return false
	}
	for _, sample := range r.Reading.Samples {
		if !judged[sample.Probe] || sample.Fault != 0 {
			continue
		}
		mc := sample.TempMC
		if s.Last == nil {
			s.Last = &Temperature{MC: mc, WallMS: r.At.WallMS}
		}
		if ago < 0 || ago >= recentMinutes {
			continue
		}
		at := &s.Recent[recentMinutes-1-ago]
		if *at == nil || s.Band.off(mc) > s.Band.off(**at) {
			*at = &mc
		}
	}
	return true
}

// off is how far a temperature is from the middle of the band, in half thousandths of a degree.
func (b *Band) off(mc int32) int64 {
	d := 2*int64(mc) - int64(b.LowMC) - int64(b.HighMC)
	return max(d, -d)
}

// Reading is one reading of a trip.
type Reading struct {
	Incarnation ledger.IncarnationID
	Record      *record.Record
	Late        bool // it came late: it was taken, and was not there when it was needed
}

// Readings is a page of a trip's readings.
type Readings struct {
	Total int64
	Page  []Reading
}

// MaxReadings bounds a page of readings.
const MaxReadings = 5000

// Readings returns up to limit readings of the trip, counted from packing, beginning with number from. It notes that the
// case was read.
func (n *Node) Readings(ctx context.Context, p Principal, id ledger.ShipmentID, from int64, limit int) (Readings, At, error) {
	if from < 0 || limit < 1 || limit > MaxReadings {
		return Readings{}, At{}, ledger.Errorf(ledger.CodeInvalid, "page of %d readings from %d, want 1 to %d from 0 on", limit, from, MaxReadings)
	}
	c, _, at, err := n.read(ctx, p, id)
	if err != nil {
		return Readings{}, at, err
	}
	var out Readings
	for _, j := range c.journals {
		for _, r := range j.records {
			if r.Reading == nil {
				continue
			}
			if out.Total >= from && len(out.Page) < limit {
				out.Page = append(out.Page, Reading{Incarnation: j.Incarnation, Record: r, Late: c.isLate(&j, r.Seq)})
			}
			out.Total++
		}
	}
	return out, at, nil
}

// isLate tells whether a record of the trip came late.
func (c *shipmentCase) isLate(j *journalPart, seq uint64) bool {
	if c.judged == nil {
		return false
	}
	origin := record.Origin(j.Box, j.Incarnation)
	return slices.ContainsFunc(c.judged.Late, func(l trip.Late) bool {
		return l.Origin == origin && l.From.Seq <= seq && seq <= l.To.Seq
	})
}

// Box is an enrolled box with the newest head of its newest journal.
type Box struct {
	ID            ledger.BoxID
	Label         string
	Journal       *store.Journal      // nil until a batch came
	Head          []byte              // of Journal, or of the enrolment
	LastContactMS int64               // RecordTime of its newest batch, or of the enrolment
	Shipments     []ledger.ShipmentID // in it, on their way
	Probes        []BoxProbe          // of Journal
}

// Boxes returns all enrolled boxes, in the order of IDs, each with the shipments in it that the principal may read.
func (n *Node) Boxes(ctx context.Context, p Principal) ([]*Box, At, error) {
	if err := n.allow(p, access.ReadDirectory); err != nil {
		return nil, At{}, err
	}
	var out []*Box
	at, err := n.view(func(v *store.View) error {
		for _, b := range v.Boxes() {
			if err := ctx.Err(); err != nil {
				return err
			}
			box, err := n.showEnrolled(v, p, b)
			if err != nil {
				return err
			}
			out = append(out, box)
		}
		return nil
	})
	return out, at, err
}

func (n *Node) showEnrolled(v *store.View, p Principal, b store.Box) (*Box, error) {
	leaf, payload, err := n.open(v, b.Index)
	if err != nil {
		return nil, err
	}
	enrolled, err := entry.ParseBoxEnrolled(payload)
	if err != nil {
		return nil, err
	}
	box := &Box{ID: b.ID, Label: enrolled.Label, Head: enrolled.Head, LastContactMS: leaf.RecordTimeMS}
	if incs := v.Journals(b.ID); len(incs) > 0 {
		if j, ok := v.Journal(incs[len(incs)-1]); ok {
			box.Journal, box.Head = j, j.Head
			if leaf, err = leafAt(v, j.Advanced); err != nil {
				return nil, err
			}
			box.LastContactMS = leaf.RecordTimeMS
			if box.Probes, err = n.boxProbes(v, j.Incarnation); err != nil {
				return nil, err
			}
		}
	}
	list, err := n.shipmentsIn(v, b.ID)
	if err != nil {
		return nil, err
	}
	for _, in := range list {
		if isIn(in.c.state, b.ID) && n.mayRead(v, p, in.c) == nil {
			box.Shipments = append(box.Shipments, in.id)
		}
	}
	return box, nil
}
