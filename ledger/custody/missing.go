package custody

import (
	"fmt"
	"strings"

	"isotherm/ledger"
)

// phase raises the phase once it is known what became of the organ. A redirection is no end: the organ is under way.
func (f *folder) phase() {
	s := f.state
	if s.Outcome != nil && s.Outcome.Result != Redirected {
		s.Phase = max(s.Phase, PhaseReported)
	}
}

// conflicts flags what people must settle: forks that nobody has ruled on, acts that wait, and two statements of one name.
func (f *folder) conflicts() {
	for _, d := range f.state.Disputes {
		if d.Ruling != [32]byte{} {
			continue
		}
		var claims []string
		for _, hash := range d.Claims {
			claims = append(claims, what(f.tree.by[hash]))
		}
		stands := f.tree.by[d.Stands]
		f.flag(FlagConflict, stands, "conflicting claims: %s. %s stands until two people rule", strings.Join(claims, ", "), upper(what(stands)))
	}
	ids := map[ledger.ActID]*node{}
	for _, n := range inTime(f.tree.nodes) {
		if !n.placed {
			f.flag(FlagWaiting, n, "%s waits for an act that is not known", what(n))
		}
		if ids[n.right.ID] != nil {
			f.flag(FlagSameID, n, "two different acts have the same ID %s", n.right.ID)
		}
		ids[n.right.ID] = n
	}
}

// missing says what is missing once all acts are in.
func (f *folder) missing() {
	s := f.state
	if s.Opening == nil {
		f.flag(FlagNotOpened, nil, "no act opens this shipment")
	}
	if s.Packing == nil && s.Receipt != nil {
		f.flag(FlagNotPacked, nil, "received, but never packed")
	}
	if f.pending != nil {
		by, to := names(s.Pending.By, s.Pending.To)
		f.flag(FlagNotConfirmed, f.pending, "released by %s, not confirmed by %s", by, to)
	}
	if s.Receipt != nil && s.Arrival == nil {
		f.flag(FlagNoArrivalCheck, nil, "no arrival check")
	}
	if s.Arrival != nil && s.Arrival.Arrival == Mismatch {
		f.flag(FlagMismatch, nil, "arrival check: mismatch. Call both sides: %s", f.phones())
	}
	if s.Phase == PhaseClosed && s.Receipt != nil && s.Outcome == nil {
		f.flag(FlagClosedNoOutcome, nil, "closed, but no outcome is reported")
	}
}

// phones says whom to call at both ends.
func (f *folder) phones() string {
	side := func(who, phone string) string {
		if phone == "" {
			return fmt.Sprintf("%s (no number is stated)", who)
		}
		return fmt.Sprintf("%s at %s", who, phone)
	}
	from, dest := "the origin", "the destination"
	if s := f.state.Opening; s != nil {
		if s.From != "" {
			from = s.From
		}
		return side(from, s.FromPhone) + ", " + side(s.Dest, s.DestPhone)
	}
	return side(from, "") + ", " + side(dest, "")
}

// upper returns a text as it begins a sentence.
func upper(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
