package node

import (
	"context"
	"slices"

	"isotherm/ledger"
	"isotherm/ledger/custody"
	"isotherm/ledger/entry"
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

// Shipment is one shipment as a state of the ledger shows it.
type Shipment struct {
	ID            ledger.ShipmentID
	State         *custody.State
	Trip          *trip.Assessment // nil while there is none, see Trouble
	Trouble       error            // why Trip is nil
	Segments      []Segment
	Withheld      []Segment    // parts of journals that acts cite and the ledger does not hold
	Last          *Temperature // nil when no probe has answered yet
	LastReadingMS int64        // wall clock of the newest reading, whether a probe answered or not
	LastContactMS int64        // RecordTime of the newest batch of the trip; 0 for none
	BoxHead       []byte       // newest signed head of the box that the ledger holds
	People        map[ledger.PersonID]*Person
}

// maySee tells whether somebody may look at a case: a courier those that are not delivered yet, so that they can pack and
// take over, and those they took part in; everybody else by role all cases.
func maySee(p Principal, s *custody.State) bool {
	if p.Role != entry.RoleCourier || s.Phase < custody.PhaseReceived {
		return true
	}
	for _, item := range s.History {
		if item.Act.Statement.To.Person == p.Person {
			return true
		}
		for _, sig := range item.Act.Signatures {
			if sig.Person == p.Person {
				return true
			}
		}
	}
	return false
}

// maxShipments bounds the board: a country's cases of some years. Beyond that, the oldest IDs are shown only by name.
const maxShipments = 100_000

// Shipments returns the board, in the order of IDs. A listing alone is no read of a case.
func (n *Node) Shipments(ctx context.Context, p Principal) ([]*Shipment, At, error) {
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
			if len(c.acts) == 0 || !maySee(p, c.state) {
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
	var s *Shipment
	var c *shipmentCase
	var at At
	err := n.lookTwice(ctx, func() (err error) {
		at, err = n.view(func(v *store.View) error {
			if c, err = n.visible(v, p, id); err != nil {
				return err
			}
			s, err = n.show(v, c)
			return err
		})
		return err
	})
	if err != nil {
		return nil, nil, at, err
	}
	n.noteRead(ctx, p, id)
	return c, s, at, nil
}

// visible returns a case that the principal may see.
func (n *Node) visible(v *store.View, p Principal, id ledger.ShipmentID) (*shipmentCase, error) {
	c, err := n.shipment(v, id)
	if err != nil {
		return nil, err
	}
	if !maySee(p, c.state) {
		return nil, ledger.Errorf(ledger.CodeForbidden, "shipment %s is delivered, and you took no part in it", id)
	}
	return c, nil
}

// show gathers what is shown of a case.
func (n *Node) show(v *store.View, c *shipmentCase) (*Shipment, error) {
	s := &Shipment{ID: c.id, State: c.state, Trip: c.judged, Trouble: c.trouble, People: map[ledger.PersonID]*Person{}}
	for _, item := range c.state.History {
		for _, id := range []ledger.PersonID{item.Act.Statement.By.Person, item.Act.Statement.To.Person} {
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
		to := j.size
		if at := c.state.ReceivedAt; at != nil && at.Origin == record.Origin(j.box, j.inc) {
			to = min(to, at.Size)
		}
		s.Segments = append(s.Segments, Segment{Box: j.box, Incarnation: j.inc, From: j.from, To: max(to, j.from)})
	}
	s.Withheld = withheld(v, c.state)
	s.lastReading(c)
	return s, n.showBox(v, c, s)
}

// withheld returns what acts cite and the ledger does not hold, per journal.
func withheld(v *store.View, state *custody.State) []Segment {
	var out []Segment
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
		if cp.Size <= have {
			continue
		}
		if i := slices.IndexFunc(out, func(s Segment) bool { return s.Incarnation == inc }); i >= 0 {
			out[i].To = max(out[i].To, cp.Size)
			continue
		}
		out = append(out, Segment{Box: box, Incarnation: inc, From: have, To: cp.Size})
	}
	return out
}

// lastReading finds the newest reading and the newest answer of a probe that the profile judges, up to receipt.
func (s *Shipment) lastReading(c *shipmentCase) {
	if c.judged == nil {
		return
	}
	for i := len(c.journals) - 1; i >= 0; i-- {
		j := c.journals[i]
		if j.boot == nil {
			continue
		}
		judged := map[uint8]bool{}
		for _, p := range j.boot.Probes {
			judged[p.Number] = p.Place == c.judged.Profile.ProbePlace
		}
		for k := len(j.records) - 1; k >= 0; k-- {
			r := j.records[k]
			if r.Reading == nil || int64(r.Seq) >= s.Segments[i].To {
				continue
			}
			if s.LastReadingMS == 0 {
				s.LastReadingMS = r.At.WallMS
			}
			for _, sample := range r.Reading.Samples {
				if judged[sample.Probe] && sample.Fault == 0 {
					s.Last = &Temperature{MC: sample.TempMC, WallMS: r.At.WallMS}
					return
				}
			}
		}
	}
}

// showBox sets what the ledger knows of the box itself.
func (n *Node) showBox(v *store.View, c *shipmentCase, s *Shipment) error {
	for _, j := range c.journals {
		held, ok := v.Journal(j.inc)
		if !ok {
			continue
		}
		s.BoxHead = held.Head
		leaf, err := leafAt(v, held.Advanced)
		if err != nil {
			return err
		}
		s.LastContactMS = max(s.LastContactMS, leaf.RecordTimeMS)
	}
	return nil
}

// Reading is one reading of a trip.
type Reading struct {
	Incarnation ledger.IncarnationID
	Record      *record.Record
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
	c, s, at, err := n.read(ctx, p, id)
	if err != nil {
		return Readings{}, at, err
	}
	var out Readings
	for i, j := range c.journals {
		for _, r := range j.records {
			if r.Reading == nil || int64(r.Seq) >= s.Segments[i].To {
				continue
			}
			if out.Total >= from && len(out.Page) < limit {
				out.Page = append(out.Page, Reading{Incarnation: j.inc, Record: r})
			}
			out.Total++
		}
	}
	return out, at, nil
}

// Box is an enrolled box with the newest head of its newest journal.
type Box struct {
	ID            ledger.BoxID
	Label         string
	Journal       *store.Journal // nil until a batch came
	Head          []byte         // of Journal, or of the enrolment
	LastContactMS int64          // RecordTime of its newest batch, or of the enrolment
	Shipment      ledger.ShipmentID
}

// Boxes returns all enrolled boxes, in the order of IDs.
func (n *Node) Boxes() ([]*Box, At, error) {
	var out []*Box
	at, err := n.view(func(v *store.View) error {
		for _, b := range v.Boxes() {
			box, err := n.showEnrolled(v, b)
			if err != nil {
				return err
			}
			out = append(out, box)
		}
		return nil
	})
	return out, at, err
}

func (n *Node) showEnrolled(v *store.View, b store.Box) (*Box, error) {
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
		}
	}
	id, err := n.shipmentIn(v, b.ID)
	if err != nil || id.IsZero() {
		return box, err
	}
	c, err := n.shipment(v, id)
	if err != nil {
		return nil, err
	}
	if c.state.Packing != nil && c.state.Packing.Box == b.ID && c.state.Phase < custody.PhaseReceived {
		box.Shipment = id
	}
	return box, nil
}
