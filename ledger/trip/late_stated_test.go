package trip_test

import (
	"crypto/ed25519"
	"slices"
	"testing"

	"isotherm/ledger"
	"isotherm/ledger/custody"
)

// signedActs makes a state from statements, each following the one before and signed by its actor so many seconds after what
// it states.
func signedActs(t *testing.T, later int64, statements ...custody.Statement) *custody.State {
	t.Helper()
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	var entered []custody.Entered
	var tip [32]byte
	for n, s := range statements {
		s.Ledger, s.ID, s.Shipment, s.Parent = origin, ledger.ActID{byte(n + 1)}, ledger.ShipmentID{9}, tip
		a, err := custody.NewAct(s)
		if err != nil {
			t.Fatal(err)
		}
		signed := s.EventTimeMS + later*1000
		a.Sign(key, s.By.Person, custody.RoleActor, signed, s.Head)
		tip = a.Hash()
		entered = append(entered, custody.Entered{Act: a, Index: int64(n)})
	}
	return custody.Fold(entered)
}

// An act that is typed after the fact cites the newest head at its signing: the box did not change hands there, and was not
// opened there, but at the times that the acts state. One that is signed at once is where its head says, whatever the clocks.
func TestAssess_statedAfterTheFact(t *testing.T) {
	i := new(box).open()
	i.read(14, 5000) // records 1 to 14: until 140 s
	i.read(20, 3000) // 15 to 34: until 340 s
	i.read(5, 5000)  // 35 to 39: until 390 s
	i.read(30, 9000) // warm after opening: until 690 s
	newest := i.end(t)
	state := func(later int64) *custody.State {
		return signedActs(t, later, at(open(), 0), at(pack(i.head(t, 5)), 50), at(accept("pilot", newest), 250), at(receive(newest), 391), at(openBox(newest), 391))
	}
	for _, x := range []struct {
		later int64
		spans []string
		held  []string
	}{
		{121, []string{"driver from 0 s to 200 s, 100 s out", "pilot from 200 s to 340 s, 100 s out"}, []string{"too cold: driver 100 s of 200 s", "too cold: pilot 100 s of 200 s"}},
		{120, []string{"driver from 0 s to 640 s, 200 s out"}, []string{"too cold: driver 200 s of 200 s"}},
	} {
		s := state(x.later)
		late := slices.ContainsFunc(s.Flags, func(f custody.Flag) bool { return f.Code == custody.FlagSignedLate })
		if late != (x.later > 120) {
			t.Errorf("signed %d s later: the packing is flagged: %v", x.later, late)
		}
		a := assess(t, s, i.Journal)
		check(t, a, x.spans, x.held)
	}
}
