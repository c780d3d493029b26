package custody

import (
	"fmt"

	"isotherm/ledger"
	"isotherm/ledger/merkle"
	"isotherm/ledger/record"
)

// Entered is an act as the ledger holds it.
type Entered struct {
	Act          *Act
	Index        int64 // its entry
	RecordTimeMS int64 // when the ledger took it, by the clock of the node that proposed it
}

// Standing says what an act did to the state.
type Standing uint8

// The standings of an act.
const (
	Applied     Standing = 1 // it followed the tip
	Conflicting Standing = 2 // it follows an older act: a competing claim, kept until people rule on it
	Waiting     Standing = 3 // the act it follows is not known yet
	SetAside    Standing = 4 // a competing claim, or what follows one, that a ruling did not pick
)

func (s Standing) String() string {
	switch s {
	case Applied:
		return "applied"
	case Conflicting:
		return "conflicting claim"
	case Waiting:
		return "waits for an earlier act"
	case SetAside:
		return "set aside by a ruling"
	}
	return fmt.Sprintf("unknown(%d)", uint8(s))
}

// Phase is how far a shipment has come.
type Phase uint8

// The phases. They order a board; they forbid nothing.
const (
	PhaseUnknown   Phase = 0 // no act that opens it is known yet
	PhaseOpen      Phase = 1
	PhaseStoodDown Phase = 2
	PhasePacked    Phase = 3
	PhaseReceived  Phase = 4
	PhaseReported  Phase = 5
	PhaseClosed    Phase = 6
)

var phaseNames = [...]string{"unknown", "open", "stood down", "packed", "received", "outcome reported", "closed"}

func (p Phase) String() string {
	if int(p) < len(phaseNames) {
		return phaseNames[p]
	}
	return fmt.Sprintf("unknown(%d)", uint8(p))
}

// Custodian is who held the box from a position of its journal on.
type Custodian struct {
	Party    Party
	SinceMS  int64             // when it happened, as stated
	Head     merkle.Checkpoint // place in the box's journal from which on; zero when the act cites none
	Act      [32]byte
	Evidence Evidence
	Disputed bool // another claim of this change of custody is not ruled on yet
	// Released is the offer to somebody else that ended, or would end, this custodian's time; nil before one. Until the
	// accept the box is 'released by A, not confirmed by B', and custody stays with A.
	Released *Offer
}

// Offer is a release that nobody has accepted yet, or that ended a custodian's time.
type Offer struct {
	To      Party
	SinceMS int64
	ValidMS int64
	Head    merkle.Checkpoint
	Act     [32]byte
}

// Segment is a part of the way in one box, under one tracker.
type Segment struct {
	Box   ledger.BoxID      // zero while no tracker is with the organ
	Space string            // of a box with several
	Start merkle.Checkpoint // head of the box's journal at its begin; zero without tracker
	End   merkle.Checkpoint // head of the box's journal at its end; zero while it lasts, or when the act cites none
	Begin int64             // event time
	Until int64             // event time; zero while it lasts
	Code  SegmentCode       // why it began; zero for the first
	Act   [32]byte
}

// Pinned is a box head that an act cites. The ledger must come to hold the journal up to it.
type Pinned struct {
	Act  [32]byte
	Head []byte
}

// HistoryItem is one act with its standing, in entry order.
type HistoryItem struct {
	Entered
	Hash     [32]byte
	Standing Standing
}

// Flag is a contradiction or something missing. Code is stable, for programs and translations; Text says it in English.
type Flag struct {
	Code string
	Text string
	Act  [32]byte // the act that shows it; zero when none does
}

// Dispute is a fork of claims: acts that follow the same act and can't both be true.
type Dispute struct {
	Parent [32]byte
	Claims [][32]byte // in entry order; the first stands until a ruling
	Stands [32]byte
	Ruling [32]byte // the act that ruled; zero while open
}

// Corrected is one value that a correction changed. The old value stays visible.
type Corrected struct {
	Act   [32]byte // the correction
	Of    [32]byte // the act that said something wrong
	Field string   // 'seal'
	Old   string
	New   string
}

// State is what a shipment's acts say. It is made by Fold and never changed after. Statements in it hold what is right:
// corrections are worked in, and listed in Corrections.
type State struct {
	Shipment     ledger.ShipmentID
	Phase        Phase
	Opening      *Statement
	Packing      *Statement
	Segments     []Segment
	Custodians   []Custodian
	Pending      *Statement // a release nobody has accepted yet
	Arrival      *Statement
	Outcome      *Statement
	Receipt      *Statement
	Opened       *Statement   // the box, at its destination
	Preservation []*Statement // Preserve acts, by event time
	Waypoints    []*Statement // Waypoint acts, by event time
	Legs         []Leg        // as planned last
	Adverse      []*Statement
	Corrections  []Corrected
	Disputes     []Dispute
	ReceivedAt   *merkle.Checkpoint // head of the box cited at receipt; zero when none was cited, nil before
	OpenedAt     *merkle.Checkpoint // head of the box cited when it was opened; likewise
	Tip          [32]byte           // newest claim that applied: the parent of the next act
	History      []HistoryItem
	Pins         []Pinned
	Flags        []Flag
}

// Texts returns the flags in English.
func (s *State) Texts() []string {
	out := make([]string, len(s.Flags))
	for i, f := range s.Flags {
		out[i] = f.Text
	}
	return out
}

// Fold makes the state of a shipment from its acts in entry order. Signatures and membership are the caller's to check
// before; Fold never refuses an act, it only says how it stands.
func Fold(acts []Entered) *State {
	s := &State{}
	seen := map[ledger.ActID]bool{}
	known := map[[32]byte]bool{}
	for _, e := range acts {
		if seen[e.Act.Statement.ID] {
			continue // the same act again
		}
		seen[e.Act.Statement.ID] = true
		s.History = append(s.History, HistoryItem{Entered: e, Hash: e.Act.Hash(), Standing: Waiting})
	}
	for progress := true; progress; {
		progress = false
		for i := range s.History {
			item := &s.History[i]
			if item.Standing != Waiting {
				continue
			}
			parent := item.Act.Statement.Parent
			switch {
			case parent == s.Tip:
				s.apply(item)
				item.Standing = Applied
			case known[parent] || parent == [32]byte{}:
				item.Standing = Conflicting
				s.flag("%s of %s: a conflicting claim, it does not follow the newest act", item.Act.Statement.Kind, item.Act.Statement.ID)
			default:
				continue
			}
			known[item.Hash] = true
			progress = true
			break // start over, so that acts apply in entry order as far as their parents allow
		}
	}
	s.finish()
	return s
}

func (s *State) flag(format string, args ...any) {
	s.Flags = append(s.Flags, Flag{Text: fmt.Sprintf(format, args...)})
}

// HeadOf reads what a head cited in an act says, without checking its signature.
func HeadOf(signed []byte) (merkle.Checkpoint, bool) {
	origin, err := merkle.PeekOrigin(signed)
	if err != nil {
		return merkle.Checkpoint{}, false
	}
	if _, _, err := record.ParseOrigin(origin); err != nil {
		return merkle.Checkpoint{}, false
	}
	return merkle.PeekCheckpoint(signed)
}

func (s *State) pin(item *HistoryItem) merkle.Checkpoint {
	head := item.Act.Statement.Head
	if len(head) == 0 {
		return merkle.Checkpoint{}
	}
	cp, ok := HeadOf(head)
	if !ok {
		s.flag("%s of %s cites a box head that can't be read", item.Act.Statement.Kind, item.Act.Statement.ID)
		return merkle.Checkpoint{}
	}
	s.Pins = append(s.Pins, Pinned{Act: item.Hash, Head: head})
	return cp
}

func (s *State) apply(item *HistoryItem) {
	st := &item.Act.Statement
	head := s.pin(item)
	s.Tip = item.Hash
	if s.Pending != nil && st.Kind != Accept && st.Kind != Correction {
		s.flag("%s while a release to %s was not confirmed", st.Kind, s.Pending.To.Organisation)
	}
	switch st.Kind {
	case Open:
		if s.Opening != nil {
			s.flag("opened twice")
			return
		}
		s.Shipment, s.Opening, s.Phase = st.Shipment, st, PhaseOpen
	case StandDown:
		if s.Phase >= PhaseReceived {
			s.flag("stood down after it was %s", s.Phase)
			return
		}
		s.Phase = PhaseStoodDown
	case Pack:
		s.pack(item, head)
	case Release:
		if holder := s.holder(); holder != nil && holder.Person != st.By.Person {
			s.flag("released by %s, but the box was held by %s", st.By.Organisation, holder.Organisation)
		}
		s.Pending = st
	case Accept:
		s.accept(item, head)
	case Receive:
		s.take(item, head, OwnKey)
		if s.Receipt != nil {
			s.flag("received twice")
			return
		}
		s.Receipt, s.ReceivedAt = st, &head
		s.Phase = max(s.Phase, PhaseReceived)
	case ArrivalCheck:
		s.Arrival = st
		if st.Arrival == Match && s.Opening != nil && (st.Donor != s.Opening.Donor || st.Organ != s.Opening.Organ || st.Side != s.Opening.Side) {
			s.flag("arrival check says match, but donor, organ or side differ from what was opened")
		}
	case Outcome:
		s.Outcome = st
		s.Phase = max(s.Phase, PhaseReported)
	case Close:
		s.Phase = PhaseClosed
	case Correction:
		s.flag("act %x was corrected: %s", st.Cites[:4], st.Reason)
	}
}

func (s *State) holder() *Party {
	if len(s.Custodians) == 0 {
		return nil
	}
	return &s.Custodians[len(s.Custodians)-1].Party
}

func (s *State) take(item *HistoryItem, head merkle.Checkpoint, evidence Evidence) {
	st := &item.Act.Statement
	s.Custodians = append(s.Custodians, Custodian{Party: st.By, SinceMS: st.EventTimeMS, Head: head, Act: item.Hash, Evidence: evidence})
}

func (s *State) pack(item *HistoryItem, head merkle.Checkpoint) {
	st := &item.Act.Statement
	if s.Packing != nil {
		s.flag("packed twice")
	}
	if s.Opening != nil && (st.Organ != s.Opening.Organ || st.Side != s.Opening.Side) {
		s.flag("packed %s %s, but opened for %s %s", st.Organ, st.Side, s.Opening.Organ, s.Opening.Side)
	}
	second := false
	for _, sig := range item.Act.Signatures {
		second = second || sig.Role == RoleSecond && sig.Person != st.By.Person
	}
	if !second {
		s.flag("label was checked by one person only")
	}
	s.Packing = st
	s.Segments = append(s.Segments, Segment{Box: st.Box, Space: st.Space, Start: head, Begin: st.EventTimeMS, Act: item.Hash})
	s.Phase = max(s.Phase, PhasePacked)
	s.take(item, head, OwnKey)
}

func (s *State) accept(item *HistoryItem, head merkle.Checkpoint) {
	st := &item.Act.Statement
	evidence := BothKeys
	switch {
	case s.Pending == nil:
		s.flag("accepted by %s without a release", st.By.Organisation)
		s.take(item, head, OneSide)
		return
	case s.Pending.To.Person != st.By.Person:
		s.flag("released to %s, but accepted by %s", s.Pending.To.Organisation, st.By.Organisation)
		evidence = OneSide
	}
	if s.Pending.ValidMS != 0 && st.EventTimeMS > s.Pending.ValidMS {
		s.flag("accepted after the release had run out")
	}
	s.Pending = nil
	s.take(item, head, evidence)
}

// finish says what is missing once all acts are in.
func (s *State) finish() {
	for _, item := range s.History {
		if item.Standing == Waiting {
			s.flag("%s of %s waits for an act that is not known", item.Act.Statement.Kind, item.Act.Statement.ID)
		}
	}
	if s.Opening == nil && len(s.History) > 0 {
		s.flag("no act opens this shipment")
	}
	if s.Packing == nil && s.Phase >= PhaseReceived {
		s.flag("received, but never packed")
	}
	if s.Pending != nil {
		s.flag("released by %s, not confirmed by %s", s.Pending.By.Organisation, s.Pending.To.Organisation)
	}
	if s.Phase >= PhaseReceived && s.Arrival == nil {
		s.flag("no arrival check")
	}
	if s.Arrival != nil && s.Arrival.Arrival == Mismatch {
		s.flag("arrival check: mismatch, call the organ procurement organisation and the coordinator")
	}
}
