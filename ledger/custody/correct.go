package custody

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// correctable is a field that a correction can set right. What names who holds the box, and what the acts after it build
// on, is not among them: kind, by, to, parent, heads, boxes, profile, evidence. Another claim and a ruling do that.
type correctable struct {
	name string
	text func(s *Statement) string // empty when the field is not stated
	copy func(to, from *Statement)
}

// timeText writes a time for people, and exactly.
func timeText(ms int64) string {
	if ms == 0 {
		return ""
	}
	return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04:05.000 UTC")
}

// CodeText returns the name of a code, and nothing for no code.
func CodeText[C interface {
	~uint8
	String() string
}](c C) string {
	if c == 0 {
		return ""
	}
	return c.String()
}

// correctables are the fields in the order in which they are listed.
var correctables = []correctable{
	{"event time", func(s *Statement) string { return timeText(s.EventTimeMS) }, func(to, from *Statement) { to.EventTimeMS = from.EventTimeMS }},
	{"organ", func(s *Statement) string { return CodeText(s.Organ) }, func(to, from *Statement) { to.Organ = from.Organ }},
	{"side", func(s *Statement) string { return CodeText(s.Side) }, func(to, from *Statement) { to.Side = from.Side }},
	{"blood group", func(s *Statement) string { return CodeText(s.ABO) }, func(to, from *Statement) { to.ABO = from.ABO }},
	{"from", func(s *Statement) string { return s.From }, func(to, from *Statement) { to.From = from.From }},
	{"destination", func(s *Statement) string { return s.Dest }, func(to, from *Statement) { to.Dest = from.Dest }},
	{"phone at origin", func(s *Statement) string { return s.FromPhone }, func(to, from *Statement) { to.FromPhone = from.FromPhone }},
	{"phone at destination", func(s *Statement) string { return s.DestPhone }, func(to, from *Statement) { to.DestPhone = from.DestPhone }},
	{"donor", donorText, func(to, from *Statement) { to.Donor = from.Donor }},
	{"legs", legsText, func(to, from *Statement) { to.Legs = from.Legs }},
	{"cold start", func(s *Statement) string { return timeText(s.ColdMS) }, func(to, from *Statement) { to.ColdMS = from.ColdMS }},
	{"space", func(s *Statement) string { return s.Space }, func(to, from *Statement) { to.Space = from.Space }},
	{"packaging", func(s *Statement) string { return CodeText(s.Packaging) }, func(to, from *Statement) { to.Packaging = from.Packaging }},
	{"label check", func(s *Statement) string { return CodeText(s.LabelCheck) }, func(to, from *Statement) { to.LabelCheck = from.LabelCheck }},
	{"place", func(s *Statement) string { return s.Place }, func(to, from *Statement) { to.Place = from.Place }},
	{"condition", func(s *Statement) string { return s.Condition }, func(to, from *Statement) { to.Condition = from.Condition }},
	{"seal", func(s *Statement) string { return s.Seal }, func(to, from *Statement) { to.Seal = from.Seal }},
	{"valid until", func(s *Statement) string { return timeText(s.ValidMS) }, func(to, from *Statement) { to.ValidMS = from.ValidMS }},
	{"answer", func(s *Statement) string { return CodeText(s.Arrival) }, func(to, from *Statement) { to.Arrival = from.Arrival }},
	{"outcome", func(s *Statement) string { return CodeText(s.Result) }, func(to, from *Statement) { to.Result = from.Result }},
	{"leg", legText, func(to, from *Statement) { to.Leg = from.Leg }},
	{"state of the leg", func(s *Statement) string { return CodeText(s.LegState) }, func(to, from *Statement) { to.LegState = from.LegState }},
	{"preservation", func(s *Statement) string { return CodeText(s.Preservation) }, func(to, from *Statement) { to.Preservation = from.Preservation }},
	{"reference", func(s *Statement) string { return s.Reference }, func(to, from *Statement) { to.Reference = from.Reference }},
	{"reason", func(s *Statement) string { return CodeText(s.Reason) }, func(to, from *Statement) { to.Reason = from.Reason }},
	{"time error", timeErrorText, func(to, from *Statement) { to.TimeErrorMS = from.TimeErrorMS }},
	{"zone", zoneText, func(to, from *Statement) { to.Zone = from.Zone }},
}

func donorText(s *Statement) string {
	if s.Donor == [32]byte{} {
		return ""
	}
	return fmt.Sprintf("%x", s.Donor[:4]) // of a keyed commitment: enough to see that it changed
}

func legsText(s *Statement) string {
	var legs []string
	for _, l := range s.Legs {
		legs = append(legs, fmt.Sprintf("%s to %s (%s) from %s until %s, circles of %d m around %d %d and %d %d", l.From, l.To, l.Mode,
			timeText(l.DepartMS), timeText(l.ArriveMS), l.RadiusM, l.Start.LatE7, l.Start.LonE7, l.End.LatE7, l.End.LonE7))
	}
	return strings.Join(legs, ", ")
}

func legText(s *Statement) string {
	if s.Leg == 0 {
		return ""
	}
	return fmt.Sprint(s.Leg)
}

func timeErrorText(s *Statement) string {
	if s.TimeErrorMS == 0 {
		return ""
	}
	return fmt.Sprintf("%d ms", s.TimeErrorMS)
}

func zoneText(s *Statement) string {
	if s.Zone == nil {
		return ""
	}
	return fmt.Sprintf("%d minutes east", *s.Zone)
}

// says returns what a correction says in the form of the act that it cites: what is zero stays as it was. Its event time is
// SaysTimeMS. Its reason says why it corrects, so it counts as a value only when it fits the cited act's kind and is none of
// a correction's. Its zone and time error belong to the times that it states; without one they are its own.
func (s *Statement) says(cited Kind) Statement {
	out := *s
	out.EventTimeMS = s.SaysTimeMS
	if slices.Contains(ReasonsFor(Correction), s.Reason) || !slices.Contains(ReasonsFor(cited), s.Reason) {
		out.Reason = 0
	}
	if s.SaysTimeMS == 0 && s.ColdMS == 0 {
		out.Zone, out.TimeErrorMS = nil, 0
	}
	return out
}

// correct works the corrections into the acts that they cite, the oldest by event time first.
func (f *folder) correct() {
	type change struct {
		act   [32]byte
		field string
	}
	set := map[change]string{}
	for _, n := range inTime(f.notes(Correction)) {
		cited := f.tree.by[n.right.Cites]
		switch {
		case cited == nil || !cited.placed:
			f.flag(FlagCorrectionUnknownAct, n, "a correction by %s cites an act that is not known", name(n.right.By))
			n.standing = Waiting
			continue
		case cited.right.Kind == Correction || cited.right.Kind == Ruling:
			f.flag(FlagCorrectionNotPossible, n, "a correction by %s cites a %s, which can't be corrected: correct or rule anew", name(n.right.By), cited.right.Kind)
			continue
		}
		if by, author := n.right.By, cited.right.By; by.Person != author.Person && (by.Organisation != author.Organisation || by.Organisation == "") {
			f.flag(FlagCorrectionByOther, n, "%s was corrected by %s", what(cited), name(by))
		}
		says, changed := n.right.says(cited.right.Kind), false
		for _, c := range correctables {
			old, right := c.text(cited.right), c.text(&says)
			if right == "" || right == old {
				continue
			}
			key := change{cited.hash, c.name}
			if before, ok := set[key]; ok && before != right {
				f.flag(FlagCorrectionsDiffer, n, "%s of %s was corrected twice: to %s, then to %s", c.name, what(cited), before, right)
			}
			set[key], changed = right, true
			f.state.Corrections = append(f.state.Corrections, Corrected{Act: n.hash, Of: cited.hash, Field: c.name, Old: old, New: right})
			c.copy(cited.right, &says)
		}
		if !changed {
			f.flag(FlagCorrectionEmpty, n, "a correction of %s by %s changes nothing", what(cited), name(n.right.By))
		}
	}
}
