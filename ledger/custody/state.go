package custody

import (
	"fmt"
	"slices"

	"isotherm/ledger"
	"isotherm/ledger/merkle"
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
	Applied     Standing = 1 // a claim on the line of custody, or a note that follows a known act
	Conflicting Standing = 2 // a competing claim, or what follows one, kept until people rule on it
	Waiting     Standing = 3 // something it needs is not known yet: the act it follows or cites, or a ruling's second signature
	SetAside    Standing = 4 // a competing claim, or what follows one, that a ruling did not pick; a ruling that a later one replaced
)

func (s Standing) String() string {
	switch s {
	case Applied:
		return "applied"
	case Conflicting:
		return "conflicting claim"
	case Waiting:
		return "waits"
	case SetAside:
		return "set aside by a ruling"
	}
	return fmt.Sprintf("unknown(%d)", uint8(s))
}

// Phase is how far a shipment has come.
type Phase uint8

// The phases. They order a board; they forbid nothing. After a redirection to another center a shipment that was received
// is packed again: it is under way.
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

// Custodian is who held the box from a position of its journal on. Spans follow one another without a hole and without
// an overlap: each lasts from SinceMS to the SinceMS of the next, the end excluded, the last without end. A span may be
// empty when people state times that contradict the order of their acts; that is flagged.
type Custodian struct {
	Party    Party
	SinceMS  int64             // event time as stated, but never before the custodian's before: Unix milliseconds
	UntilMS  int64             // SinceMS of the next one; zero while it lasts
	Head     merkle.Checkpoint // place in the box's journal from which on; zero when the act cites none of the box with the organ
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
	SinceMS int64 // never before the custodian's SinceMS
	ValidMS int64 // zero when the offer has no end
	Head    merkle.Checkpoint
	Act     [32]byte
}

// Segment is a part of the way in one box, under one tracker. The time between two segments is a gap with the Code of the
// later one.
type Segment struct {
	Box   ledger.BoxID      // zero while no tracker is with the organ
	Space string            // of a box with several
	Start merkle.Checkpoint // head of the box's journal at its begin; zero without tracker, or when it can't be read
	End   merkle.Checkpoint // head of the box's journal at its end; zero while it lasts, or when the act cites none
	Begin int64             // event time, Unix milliseconds; never before the Begin of the segment before
	Until int64             // event time; zero while it lasts
	Code  SegmentCode       // why it began; zero for the first
	Act   [32]byte
}

// Pinned is a box head that an act, or a signer of one, cites. The ledger must come to hold the journal up to it. Fold
// does not check its signature.
type Pinned struct {
	Act  [32]byte
	Head []byte
}

// HistoryItem is one act with its standing, in entry order. Act holds every signature that any copy of it carries.
type HistoryItem struct {
	Entered
	Hash     [32]byte
	Standing Standing
	Right    *Statement // the statement with corrections worked in
}

// Dispute is a fork of the line of custody: claims that follow the same act and can't both be true.
type Dispute struct {
	Parent [32]byte   // the claim that they follow; zero for two acts that open the shipment
	Claims [][32]byte // by event time, then hash
	Stands [32]byte   // the ruling's pick, else the claim that was placed first
	Ruling [32]byte   // the act that ruled; zero while open
}

// Corrected is one value that a correction changed. The old value stays visible.
type Corrected struct {
	Act   [32]byte // the correction
	Of    [32]byte // the act that said something wrong
	Field string   // 'seal'
	Old   string   // empty when nothing was stated
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
	Outcome      *Statement         // what became of the organ; a redirection only while nothing else was reported
	Redirect     *Statement         // the newest Outcome that sends the organ to another center
	Receipt      *Statement         // at the destination: after a redirection, the one that followed it
	Opened       *Statement         // the box, at its destination
	Preservation []*Statement       // Preserve acts, by event time
	Waypoints    []*Statement       // Waypoint acts, by event time
	Legs         []Leg              // as planned last
	Adverse      []*Statement       // by event time
	Corrections  []Corrected        // by event time of the correction
	Disputes     []Dispute          // along the line of custody
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

// Holder returns the custodian of record, or nil before packing.
func (s *State) Holder() *Custodian {
	if len(s.Custodians) == 0 {
		return nil
	}
	return &s.Custodians[len(s.Custodians)-1]
}

// HolderAt returns the custodian of record at a moment, in Unix milliseconds, or nil before packing.
func (s *State) HolderAt(ms int64) *Custodian {
	for i := len(s.Custodians) - 1; i >= 0; i-- {
		if s.Custodians[i].SinceMS <= ms {
			return &s.Custodians[i]
		}
	}
	return nil
}

// Overdue tells whether an offer was not accepted by the time that it names.
func (s *State) Overdue(nowMS int64) bool {
	return s.Pending != nil && s.Pending.ValidMS != 0 && nowMS > s.Pending.ValidMS
}

// Destination returns the code of the center that the organ goes to: the planned one, or where it was redirected to.
func (s *State) Destination() string {
	switch {
	case s.Redirect != nil && s.Redirect.Dest != "":
		return s.Redirect.Dest
	case s.Opening != nil:
		return s.Opening.Dest
	}
	return ""
}

// Parties returns everyone who is or was custodian, was offered the box, or claims to have been, each once. Acts whose
// parent is not known do not count: who does not know the case makes no party to it.
func (s *State) Parties() []Party {
	var out []Party
	seen := map[Party]bool{{}: true}
	add := func(p Party) {
		if !seen[p] {
			seen[p] = true
			out = append(out, p)
		}
	}
	for i := range s.History {
		st := s.History[i].Right
		if s.History[i].Standing == Waiting {
			continue
		}
		switch st.Kind {
		case Pack, Receive:
			add(st.By)
		case Release:
			add(st.To)
		case Accept:
			add(st.By)
			add(st.To)
		}
	}
	return out
}

// Ends returns the heads that acts cite at receipt and at the opening of the box, those of the box with the organ only.
// Records are taken up to the farthest of them: who knows the order of a box's incarnations compares them by it.
func (s *State) Ends() []merkle.Checkpoint {
	var out []merkle.Checkpoint
	for _, cp := range []*merkle.Checkpoint{s.ReceivedAt, s.OpenedAt} {
		if cp != nil && cp.Origin != "" {
			out = append(out, *cp)
		}
	}
	return out
}

// Counts returns the head until which readings count: the one cited when the box was opened, else the one at receipt. It
// returns false when no act cites one, or when the act was stated after the fact: then CountsUntilMS says it.
func (s *State) Counts() (merkle.Checkpoint, bool) {
	head, st := s.OpenedAt, s.Opened
	if head == nil || head.Origin == "" {
		head, st = s.ReceivedAt, s.Receipt
	}
	if head == nil || head.Origin == "" || s.statedLater(st) {
		return merkle.Checkpoint{}, false
	}
	return *head, true
}

// statedLater tells whether the act with this effective statement was signed well after what it states, see signedLater.
func (s *State) statedLater(st *Statement) bool {
	i := slices.IndexFunc(s.History, func(item HistoryItem) bool { return item.Right == st })
	return i >= 0 && signedLater(s.History[i].Act, st)
}

// CountsUntilMS returns the event time until which readings count, for a trip without Counts: when the box was
// opened, else when it was received. It returns false before both.
func (s *State) CountsUntilMS() (int64, bool) {
	switch {
	case s.Opened != nil:
		return s.Opened.EventTimeMS, true
	case s.Receipt != nil:
		return s.Receipt.EventTimeMS, true
	}
	return 0, false
}

// Stopped returns the act that ended the way of an organ that never arrived: the first stand-down, or closing, on the line of
// custody. It returns nil while the shipment goes on, and for one that was received or whose box was opened.
func (s *State) Stopped() *Statement {
	if s.Receipt != nil || s.Opened != nil || s.Phase != PhaseStoodDown && s.Phase != PhaseClosed {
		return nil
	}
	for i := range s.History {
		item := &s.History[i]
		if k := item.Right.Kind; item.Standing == Applied && (k == StandDown || k == Close) {
			return item.Right
		}
	}
	return nil
}
