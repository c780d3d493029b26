package custody_test

import (
	"fmt"
	"testing"
	"time"

	"isotherm/ledger"
	"isotherm/ledger/custody"
)

func r2acts(n int, f func(i int, st *custody.Statement, prev, first *custody.Act)) []custody.Entered {
	var out []custody.Entered
	var prev, first *custody.Act
	for i := range n {
		st := custody.Statement{Ledger: origin, ID: ledger.NewActID(), Shipment: ledger.ShipmentID{9}, EventTimeMS: startWall + int64(i)*1000, By: party("driver")}
		if i == 0 {
			st.Kind, st.Organ, st.Dest = custody.Open, custody.Liver, "Center"
		} else {
			st.Parent = prev.Hash()
			f(i, &st, prev, first)
		}
		a, err := custody.NewAct(st)
		if err != nil {
			panic(err)
		}
		if i == 0 {
			first = a
		}
		prev = a
		out = append(out, custody.Entered{Act: a, Index: int64(i)})
	}
	return out
}

func TestR2Fold(t *testing.T) {
	cases := map[string]func(i int, st *custody.Statement, prev, first *custody.Act){
		"chain of releases": func(i int, st *custody.Statement, prev, first *custody.Act) { st.Kind, st.To = custody.Release, party("mate") },
		"claims all on the first": func(i int, st *custody.Statement, prev, first *custody.Act) {
			st.Kind, st.To, st.Parent = custody.Release, party("mate"), first.Hash()
		},
		"accepts":  func(i int, st *custody.Statement, prev, first *custody.Act) { st.Kind = custody.Accept },
		"notes waypoints": func(i int, st *custody.Statement, prev, first *custody.Act) { st.Kind, st.Leg, st.LegState = custody.Waypoint, 1, custody.Departed },
		"preserve": func(i int, st *custody.Statement, prev, first *custody.Act) { st.Kind, st.Preservation = custody.Preserve, 1 },
		"plans": func(i int, st *custody.Statement, prev, first *custody.Act) {
			st.Kind, st.Leg, st.LegState = custody.Waypoint, 1, custody.Departed
			for range 16 {
				st.Legs = append(st.Legs, custody.Leg{From: "A", To: fmt.Sprint(i), Mode: custody.Road})
			}
		},
		"corrections": func(i int, st *custody.Statement, prev, first *custody.Act) {
			st.Kind, st.Cites, st.Place = custody.Correction, first.Hash(), fmt.Sprint(i)
		},
		"rulings": func(i int, st *custody.Statement, prev, first *custody.Act) {
			st.Kind, st.Cites = custody.Ruling, first.Hash()
		},
		"rulings2": func(i int, st *custody.Statement, prev, first *custody.Act) {
			if i%2 == 1 {
				st.Kind, st.To, st.Parent = custody.Release, party("mate"), first.Hash()
			} else {
				st.Kind, st.Cites, st.By = custody.Ruling, prev.Hash(), party("officer")
			}
		},
		"waiting": func(i int, st *custody.Statement, prev, first *custody.Act) { st.Kind, st.Parent = custody.Accept, [32]byte{1} },
		"releases to many": func(i int, st *custody.Statement, prev, first *custody.Act) { st.Kind, st.To = custody.Release, custody.Party{Organisation: fmt.Sprint("org", i)} },
		"accepts of many on the first": func(i int, st *custody.Statement, prev, first *custody.Act) { st.Kind, st.To, st.Parent = custody.Accept, custody.Party{Organisation: fmt.Sprint("org", i)}, first.Hash() },
		"moves": func(i int, st *custody.Statement, prev, first *custody.Act) {
			st.Kind, st.Segment = custody.Move, custody.NoTracker
		},
		"arrival": func(i int, st *custody.Statement, prev, first *custody.Act) { st.Kind, st.Arrival = custody.ArrivalCheck, custody.Match },
		"openbox": func(i int, st *custody.Statement, prev, first *custody.Act) { st.Kind = custody.OpenBox },
		"outcome": func(i int, st *custody.Statement, prev, first *custody.Act) { st.Kind, st.Result, st.Dest = custody.Outcome, custody.Redirected, "X" },
		"adverse": func(i int, st *custody.Statement, prev, first *custody.Act) { st.Kind, st.Reason = custody.AdverseEvent, 1 },
		"receive": func(i int, st *custody.Statement, prev, first *custody.Act) { st.Kind = custody.Receive },
		"pack": func(i int, st *custody.Statement, prev, first *custody.Act) { st.Kind, st.Box, st.Head, st.Profile = custody.Pack, boxID("box"), []byte("x"), testProfile() },
	}
	for name, f := range cases {
		var out string
		for _, n := range []int{1000, 10000} {
			acts := r2acts(n, f)
			if name == "rulings2" || name == "rulings" {
				for _, a := range acts {
					if a.Act.Statement.Kind == custody.Ruling {
						a.Act.Signatures = append(a.Act.Signatures, custody.ActSignature{Role: custody.RoleSecond, Person: personID("nurse")})
					}
				}
			}
			b := time.Now()
			s := custody.Fold(acts)
			d := time.Since(b)
			b = time.Now()
			s.Parties()
			out += fmt.Sprintf(" %d: %v (parties %v, flags %d)", n, d.Round(time.Microsecond*100), time.Since(b).Round(time.Microsecond*100), len(s.Flags))
		}
		t.Logf("%-26s%s", name, out)
	}
}
