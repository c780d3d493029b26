package trip_test

import (
	"crypto/ed25519"
	"testing"

	"isotherm/ledger"
	"isotherm/ledger/custody"
	"isotherm/ledger/record"
)

// A packing that was typed after the fact cites a head of before it: the trip begins at the time that it states. Nothing is left
// out that was recorded after the newest head that its actor had seen, or by a clock that was not set.
func TestAssess_packedAfterTheFact(t *testing.T) {
	i := new(box).open()
	i.read(59, 5000) // records 1 to 59, 10 s apart
	seen := func(size int) []byte { return i.head(t, size) }
	other := (&box{number: 1}).open()
	for _, x := range []struct {
		name   string
		later  int64 // s after packing that it was signed
		seen   []byte
		unset  int // record whose clock was not set
		first  int64
		spared int
	}{
		{"long after, having seen all", 200, seen(60), -1, 300, 30},
		{"at once", 120, seen(60), -1, 100, 50},
		{"having seen no newer head", 200, seen(10), -1, 100, 50},
		{"having seen one of before packing", 200, seen(20), -1, 200, 40},
		{"citing none", 200, nil, -1, 100, 50},
		{"citing one of another box", 200, other.end(t), -1, 100, 50},
		{"with a record without a clock", 200, seen(60), 15, 150, 45},
	} {
		journal := i.Journal
		journal.Records = nil
		for n, r := range i.Records {
			again := *r
			if n == x.unset {
				again.At.Quality = record.ClockUnset
			}
			journal.Records = append(journal.Records, &again)
		}
		key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
		var entered []custody.Entered
		var tip [32]byte
		for n, s := range []custody.Statement{at(open(), 0), at(pack(i.head(t, 10)), 300)} {
			s.Ledger, s.ID, s.Shipment, s.Parent = origin, ledger.ActID{byte(n + 1)}, ledger.ShipmentID{9}, tip
			a, err := custody.NewAct(s)
			if err != nil {
				t.Fatal(err)
			}
			a.Sign(key, s.By.Person, custody.RoleActor, s.EventTimeMS+x.later*1000, x.seen)
			tip, entered = a.Hash(), append(entered, custody.Entered{Act: a, Index: int64(n)})
		}
		r := assess(t, custody.Fold(entered), journal).Report
		if got := (r.First.WallMS - startWall) / 1000; got != x.first || r.Readings != x.spared {
			t.Errorf("%s: the trip begins at %d s with %d readings, want %d s with %d", x.name, got, r.Readings, x.first, x.spared)
		}
	}
}
