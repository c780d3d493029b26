package custody_test

import (
	"fmt"
	"testing"

	"isotherm/ledger"
	"isotherm/ledger/custody"
)

// BenchmarkFold folds cases of very many acts, as somebody with a role could make them to slow the ledger down: the time must
// grow with their number, not with its square.
func BenchmarkFold(b *testing.B) {
	for name, edit := range map[string]func(i int, st *custody.Statement, first, prev *custody.Act){
		"releases in a row": func(i int, st *custody.Statement, _, _ *custody.Act) { st.Kind, st.To = custody.Release, org(i) },
		"claims that compete": func(i int, st *custody.Statement, first, _ *custody.Act) {
			st.Kind, st.To, st.Parent = custody.Accept, org(i), first.Hash()
		},
		"corrections of an act": func(i int, st *custody.Statement, first, _ *custody.Act) {
			st.Kind, st.Cites, st.Place = custody.Correction, first.Hash(), fmt.Sprint(i)
		},
		"claims and rulings": func(i int, st *custody.Statement, first, prev *custody.Act) {
			if i%2 == 1 {
				st.Kind, st.To, st.Parent = custody.Release, org(i), first.Hash()
			} else {
				st.Kind, st.Cites = custody.Ruling, prev.Hash()
			}
		},
	} {
		for _, n := range []int{1000, 10_000} {
			acts := manyActs(b, n, edit)
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				for b.Loop() {
					custody.Fold(acts).Parties()
				}
			})
		}
	}
}

func org(i int) custody.Party { return custody.Party{Organisation: fmt.Sprint("org", i)} }

// manyActs returns an opening and n-1 acts, each following the one before unless edit says otherwise. Rulings have a second
// signer.
func manyActs(b *testing.B, n int, edit func(i int, st *custody.Statement, first, prev *custody.Act)) []custody.Entered {
	b.Helper()
	var out []custody.Entered
	for i := range n {
		st := custody.Statement{Ledger: origin, ID: ledger.NewActID(), Shipment: ledger.ShipmentID{9}, EventTimeMS: startWall + int64(i)*1000, By: party("driver"),
			Kind: custody.Open, Organ: custody.Liver, Dest: "Center"}
		if i > 0 {
			prev := out[i-1].Act
			st.Organ, st.Dest, st.Parent = 0, "", prev.Hash()
			edit(i, &st, out[0].Act, prev)
		}
		a, err := custody.NewAct(st)
		if err != nil {
			b.Fatal(err)
		}
		if st.Kind == custody.Ruling {
			a.Signatures = []custody.ActSignature{{Role: custody.RoleSecond, Person: personID("nurse")}}
		}
		out = append(out, custody.Entered{Act: a, Index: int64(i)})
	}
	return out
}
