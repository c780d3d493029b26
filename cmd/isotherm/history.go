package main

import (
	"fmt"
	"strings"

	"isotherm/api/client"
	"isotherm/ledger/bundle"
	"isotherm/ledger/custody"
)

// acts are the history in entry order.
func (s *session) acts(t *table, v *caseView) {
	t.head = []string{"ENTRY", "ACT", "HAPPENED", "ENTERED", "BY", "STANDING", "WHAT"}
	for i := range v.History {
		a := &v.History[i]
		standing := cell{text: a.Standing}
		if a.Standing == custody.Conflicting.String() {
			standing.mark = medium
		}
		entered := ""
		if late := a.RecordTimeMS - a.EventTimeMS; late > lateAfter {
			entered = bundle.Duration(late) + " later"
		}
		by := partyText(&a.By)
		for _, sig := range a.Signatures {
			if sig.Person != a.By.Person {
				by += " and " + signerText(&sig)
			}
		}
		t.row(a.Index, a.Kind, stamp(a.EventTimeMS), entered, by, standing, actDetail(a))
	}
}

// signerText names somebody who signed beside the actor.
func signerText(s *client.ActSigner) string {
	if s.Name == "" {
		return "person " + s.Person.String()
	}
	return s.Organisation + ", " + s.Name
}

// lateAfter is when an act counts as entered later than it happened, in milliseconds: minutes are what a signature takes.
const lateAfter = 5 * 60 * 1000

// actDetail is what an act says beside who and when.
func actDetail(a *client.Act) string {
	out := ""
	add := func(what, text string) {
		if text == "" {
			return
		}
		if out != "" {
			out += ", "
		}
		out += what + text
	}
	if a.To != nil {
		add("to ", partyText(a.To))
	}
	add("", a.Evidence)
	add("", a.Arrival)
	add("", a.Outcome)
	add("", a.Preservation)
	add("", a.Segment)
	add("space ", a.Space)
	add("", a.Packaging)
	add("blood group ", a.ABO)
	add("label check ", a.LabelCheck)
	if a.Leg != 0 {
		add("", fmt.Sprintf("leg %d %s", a.Leg, a.LegState))
	}
	add("at ", a.Place)
	add("seal ", a.Seal)
	add("", custody.ConditionText(a.Condition))
	add("reason ", a.Reason)
	add("reference ", a.Reference)
	if len(a.Corrected) > 0 {
		add("corrected: ", strings.Join(a.Corrected, ", "))
	}
	return out
}
