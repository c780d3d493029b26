package custody_test

import (
	"bytes"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"isotherm/ledger"
	"isotherm/ledger/custody"
)

// world makes random acts of one shipment. Parents, people, times, boxes and kinds are random: most of what it makes
// contradicts itself, as what tired people enter at night may.
type world struct {
	t    *rapid.T
	tb   testing.TB
	acts []*custody.Act
	n    int
}

var (
	people  = []string{"coordinator", "officer", "driver", "mate", "pilot", "clerk", "nurse", "surgeon", "stranger"}
	parties = []string{"driver", "mate", "pilot", "nurse", "surgeon", "org:North-Air", "desk:North-Air:Cargo", "org:Center"}
	boxes   = []string{"box", "box2"}
)

func pick[T any](w *world, what string, from ...T) T { return rapid.SampledFrom(from).Draw(w.t, what) }

func (w *world) head() []byte {
	if pick(w, "cites a head", true, true, false) {
		return headOf(w.tb, pick(w, "box", boxes...), byte(pick(w, "incarnation", 1, 1, 2)), int64(rapid.IntRange(0, 9).Draw(w.t, "size")))
	}
	return nil
}

// statement returns a random statement of a kind that follows a random act, the newest more often than not.
func (w *world) statement(kind custody.Kind) custody.Statement {
	w.n++
	st := custody.Statement{Ledger: origin, ID: ledger.ActID{byte(w.n), byte(w.n >> 8)}, Shipment: ledger.ShipmentID{9}, Kind: kind,
		EventTimeMS: startWall + int64(rapid.IntRange(0, 40).Draw(w.t, "at"))*1000, By: party(pick(w, "by", people...)), Head: w.head(),
		TimeErrorMS: int64(pick(w, "error", 0, 0, 1500))}
	if n := len(w.acts); n > 0 {
		i := n - 1
		if pick(w, "follows an older act", false, false, false, true) {
			i = rapid.IntRange(0, n-1).Draw(w.t, "parent")
		}
		st.Parent = w.acts[i].Hash()
		st.Cites = w.acts[rapid.IntRange(0, n-1).Draw(w.t, "cites")].Hash()
	}
	w.detail(&st)
	return st
}

// detail sets what a kind must and may say.
func (w *world) detail(st *custody.Statement) {
	st.Seal = pick(w, "seal", "", "", "A", "B")
	switch st.Kind {
	case custody.Open:
		st.Organ, st.Dest = custody.Heart, pick(w, "dest", "Center", "Other-Center")
	case custody.Pack:
		st.Organ, st.Box, st.Head, st.Profile = custody.Heart, boxID(pick(w, "packed in", boxes...)), head(w.tb, 3), testProfile()
		st.ColdMS = startWall
	case custody.Release:
		st.To = anyParty(pick(w, "to", parties...))
		st.ValidMS = startWall + 20_000
		st.Evidence = pick(w, "evidence", 0, 0, custody.OneSide)
	case custody.Accept:
		if st.Evidence = pick(w, "evidence", 0, 0, custody.CarriersPhone); pick(w, "for somebody", false, true) {
			st.To = anyParty(pick(w, "to", parties...))
		}
	case custody.ArrivalCheck:
		st.Arrival = pick(w, "arrival", custody.Match, custody.Mismatch, custody.NotDone)
	case custody.Outcome:
		st.Result = pick(w, "result", custody.Transplanted, custody.NotTransplanted, custody.Redirected, custody.NotReported)
		st.Dest = pick(w, "redirected to", "Other-Center", "Third-Center", "")
	case custody.Correction:
		st.SaysTimeMS = pick(w, "right time", 0, startWall+5000, startWall+15_000)
	case custody.Move:
		if st.Segment = pick(w, "change", custody.MovedBox, custody.TrackerReplaced, custody.NoTracker); st.Segment != custody.NoTracker {
			st.NewBox, st.NewHead = boxID(pick(w, "moved to", boxes...)), headOf(w.tb, pick(w, "head of", boxes...), 1, 4)
		}
	case custody.Waypoint:
		st.Leg, st.LegState = 1, custody.Departed
	case custody.AdverseEvent:
		st.Reason = custody.Delayed
	case custody.Preserve:
		st.Preservation = pick(w, "preservation", custody.Cold, custody.ColdPerfused, custody.OutOfCold)
	}
}

// add makes an act of a statement, signs it, and signs a ruling twice more often than not.
func (w *world) add(st custody.Statement, second bool) *custody.Act {
	a, err := custody.NewAct(st)
	if err != nil {
		w.t.Fatal(err)
	}
	sign := func(person ledger.PersonID, role custody.Role) {
		a.Sign(key(string(bytes.TrimRight(person[:], "\x00"))), person, role, st.EventTimeMS, nil)
	}
	sign(st.By.Person, custody.RoleActor)
	if second {
		sign(personID(pick(w, "second", people...)), custody.RoleSecond)
	}
	w.acts = append(w.acts, a)
	return a
}

// make makes 1 to limit acts: an opening, mostly a packing, then anything.
func (w *world) make(limit int, kinds []custody.Kind) {
	n := rapid.IntRange(1, limit).Draw(w.t, "acts")
	for i := range n {
		kind := pick(w, "kind", kinds...)
		switch {
		case i == 0:
			kind = custody.Open
		case i == 1 && pick(w, "packed", true, true, false):
			kind = custody.Pack
		}
		st := w.statement(kind)
		w.add(st, pick(w, "second signature", kind == custody.Ruling, false))
	}
}

// rule adds rulings by two people until no fork is left open.
func (w *world) rule() {
	for range 50 {
		state := custody.Fold(enter(w.acts))
		open := slices.IndexFunc(state.Disputes, func(d custody.Dispute) bool { return d.Ruling == [32]byte{} })
		if open < 0 {
			return
		}
		st := w.statement(custody.Ruling)
		st.Parent, st.Cites, st.By = w.acts[0].Hash(), rapid.SampledFrom(state.Disputes[open].Claims).Draw(w.t, "stands"), party("coordinator")
		a, err := custody.NewAct(st)
		if err != nil {
			w.t.Fatal(err)
		}
		a.Sign(key("coordinator"), personID("coordinator"), custody.RoleActor, st.EventTimeMS, nil)
		a.Sign(key("officer"), personID("officer"), custody.RoleSecond, st.EventTimeMS, nil)
		w.acts = append(w.acts, a)
	}
	w.t.Fatal("forks are left open")
}

func enter(acts []*custody.Act) []custody.Entered {
	out := make([]custody.Entered, len(acts))
	for i, a := range acts {
		out[i] = custody.Entered{Act: a, Index: int64(i), RecordTimeMS: startWall + int64(i)}
	}
	return out
}

// copies returns copies of random acts with fewer or other signatures, as several phones deliver them.
func (w *world) copies() []*custody.Act {
	var out []*custody.Act
	for range rapid.IntRange(0, 4).Draw(w.t, "copies") {
		a := rapid.SampledFrom(w.acts).Draw(w.t, "copy of")
		c := &custody.Act{StatementBytes: a.StatementBytes, Statement: a.Statement, Signatures: slices.Clone(a.Signatures)}
		c.Sign(key("clerk"), personID("clerk"), custody.RoleSecond, startWall+int64(len(out)), w.head())
		out = append(out, c)
	}
	return out
}

var claims = []custody.Kind{custody.Open, custody.StandDown, custody.Pack, custody.Release, custody.Release, custody.Release, custody.Accept, custody.Accept,
	custody.Accept, custody.Receive, custody.Close, custody.Move, custody.Move}

var allKinds = append(slices.Clone(claims), custody.ArrivalCheck, custody.Outcome, custody.Correction, custody.Correction, custody.Ruling, custody.Waypoint,
	custody.AdverseEvent, custody.Preserve, custody.OpenBox)

// checkSpans checks that custodians and segments follow one another without a hole and without an overlap.
func checkSpans(t *rapid.T, s *custody.State) {
	cs := s.Custodians
	for i, c := range cs {
		last := i == len(cs)-1
		if last && c.UntilMS != 0 || !last && (c.UntilMS != cs[i+1].SinceMS || c.UntilMS < c.SinceMS) {
			t.Fatalf("custodian %d of %d: from %d to %d", i, len(cs), c.SinceMS, c.UntilMS)
		}
		if r := c.Released; r != nil && (r.SinceMS < c.SinceMS || !last && r.SinceMS > c.UntilMS) {
			t.Fatalf("custodian %d: released at %d, held from %d to %d", i, r.SinceMS, c.SinceMS, c.UntilMS)
		}
	}
	for ms := startWall - 1000; ms <= startWall+42_000; ms += 500 {
		var held []int
		for i, c := range cs {
			if c.SinceMS <= ms && (i == len(cs)-1 || ms < c.UntilMS) {
				held = append(held, i)
			}
		}
		packed := s.Packing != nil && ms >= s.Packing.EventTimeMS
		if len(held) > 1 || packed && len(held) == 0 {
			t.Fatalf("at %d: custodians of record %v, packed: %t", ms-startWall, held, packed)
		}
		if at := s.HolderAt(ms); (at == nil) != (len(held) == 0) || at != nil && at != &cs[held[0]] {
			t.Fatalf("at %d: HolderAt gives %+v, want %v", ms-startWall, at, held)
		}
	}
	if (s.Packing == nil) != (len(s.Segments) == 0) {
		t.Fatalf("packed: %t, with %d segments", s.Packing != nil, len(s.Segments))
	}
	for i, g := range s.Segments {
		last := i == len(s.Segments)-1
		if last && g.Until != 0 || !last && (g.Until != s.Segments[i+1].Begin || g.Until < g.Begin) {
			t.Fatalf("segment %d of %d: from %d to %d", i, len(s.Segments), g.Begin, g.Until)
		}
	}
}

// No moment has two custodians of record, and from packing on none has no custodian: whatever people enter, in any order.
func TestModel_oneCustodian(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := &world{t: rt, tb: t}
		w.make(25, allKinds)
		acts := rapid.Permutation(append(w.acts, w.copies()...)).Draw(rt, "order")
		for n := range len(acts) + 1 {
			s := custody.Fold(enter(acts[:n]))
			checkSpans(rt, s)
			if (s.Pending != nil) != (len(s.Custodians) > 0 && s.Holder().Released != nil) && len(s.Custodians) > 0 {
				rt.Fatalf("pending: %t, but the holder's offer is %+v", s.Pending != nil, s.Holder().Released)
			}
		}
	})
}

// settled returns a state without what may hang on the order of entry: the history's order, index and record time.
func settled(s *custody.State) *custody.State {
	out := *s
	out.History = slices.Clone(s.History)
	for i := range out.History {
		out.History[i].Index, out.History[i].RecordTimeMS = 0, 0
	}
	slices.SortFunc(out.History, func(a, b custody.HistoryItem) int { return bytes.Compare(a.Hash[:], b.Hash[:]) })
	return &out
}

// difference says where two states differ in what may not hang on the order of entry.
func difference(want, got *custody.State) string {
	want, got = settled(want), settled(got)
	if reflect.DeepEqual(want, got) { // a hundred times faster than to look for a difference
		return ""
	}
	return cmp.Diff(want, got)
}

// Where no claims compete, or people have ruled on each fork, the state is the same in any order of arrival: notes, late
// acts, acts that wait, corrections and copies with more signatures included.
func TestModel_anyOrder(t *testing.T) {
	forks := 0
	rapid.Check(t, func(rt *rapid.T) {
		w := &world{t: rt, tb: t}
		w.make(20, allKinds)
		w.acts = append(w.acts, w.copies()...) // they may make a ruling count: rule only after
		if pick(w, "one is lost", false, false, true) {
			w.acts = slices.Delete(w.acts, len(w.acts)/2, len(w.acts)/2+1)
		}
		if len(w.acts) == 0 {
			return
		}
		w.rule()
		want := custody.Fold(enter(w.acts))
		forks += len(want.Disputes)
		got := custody.Fold(enter(rapid.Permutation(w.acts).Draw(rt, "order")))
		if d := difference(want, got); d != "" {
			rt.Fatal(d)
		}
	})
	if forks == 0 && !testing.Short() {
		t.Error("no set of acts had a fork: the test proves less than it says")
	}
}

// The golden journeys too: each case without an open fork, backwards and from the middle.
func TestModel_goldenAnyOrder(t *testing.T) {
	tried := 0
	for _, path := range scripts(t) {
		s := readScript(t, path)
		want := custody.Fold(s.entered())
		if slices.ContainsFunc(want.Disputes, func(d custody.Dispute) bool { return d.Ruling == [32]byte{} }) {
			continue
		}
		tried++
		acts := s.entered()
		for shift := range acts {
			got := custody.Fold(slices.Concat(acts[shift:], acts[:shift]))
			if d := difference(want, got); d != "" {
				t.Errorf("%s from act %d on: %s", filepath.Dir(path), shift, d)
			}
		}
		slices.Reverse(acts)
		if d := difference(want, custody.Fold(acts)); d != "" {
			t.Errorf("%s backwards: %s", filepath.Dir(path), d)
		}
	}
	if tried < 100 {
		t.Errorf("%d cases only", tried)
	}
}

// Committed acts never move: whatever enters later, only a ruling moves an act that was placed.
func TestModel_neverMoves(t *testing.T) {
	kinds := slices.DeleteFunc(slices.Clone(allKinds), func(k custody.Kind) bool { return k == custody.Ruling || k == custody.Correction })
	rapid.Check(t, func(rt *rapid.T) {
		w := &world{t: rt, tb: t}
		w.make(20, kinds)
		acts := rapid.Permutation(append(w.acts, w.copies()...)).Draw(rt, "order")
		stood := map[[32]byte]custody.Standing{}
		for i := range len(acts) + 1 {
			s := custody.Fold(enter(acts[:i]))
			for _, h := range s.History {
				if before := stood[h.Hash]; before != 0 && before != custody.Waiting && before != h.Standing {
					rt.Fatalf("act %s moved from %q to %q when act %d entered", h.Act.Statement.ID, before, h.Standing, i)
				}
				stood[h.Hash] = h.Standing
			}
		}
		for hash, s := range stood {
			if s == custody.Waiting {
				rt.Fatalf("act %x waits, though all acts are in", hash[:4])
			}
		}
		if len(stood) != len(w.acts) {
			rt.Fatalf("got %d acts, want %d", len(stood), len(w.acts))
		}
	})
}

// mutations returns the statement with each of its fields changed, by the field's name.
func mutations(t testing.TB, s custody.Statement) map[string]custody.Statement {
	t.Helper()
	out := map[string]custody.Statement{}
	for i := range reflect.TypeFor[custody.Statement]().NumField() {
		changed := s
		f := reflect.ValueOf(&changed).Elem().Field(i)
		change(t, f)
		out[reflect.TypeFor[custody.Statement]().Field(i).Name] = changed
	}
	return out
}

// change gives a value another one of its type.
func change(t testing.TB, f reflect.Value) {
	t.Helper()
	switch f.Kind() {
	case reflect.String:
		f.SetString(f.String() + "x")
	case reflect.Int64, reflect.Int32:
		f.SetInt(f.Int() + 1)
	case reflect.Uint8, reflect.Uint32:
		f.SetUint(f.Uint() ^ 1)
	case reflect.Array:
		change(t, f.Index(0))
	case reflect.Slice:
		f.Set(reflect.AppendSlice(reflect.MakeSlice(f.Type(), 0, f.Len()+1), f))
		f.Set(reflect.Append(f, reflect.Zero(f.Type().Elem())))
	case reflect.Struct:
		change(t, f.Field(0))
	case reflect.Pointer:
		v := reflect.New(f.Type().Elem())
		v.Elem().Set(f.Elem())
		change(t, v.Elem())
		f.Set(v)
	default:
		t.Fatalf("a field of kind %s", f.Kind())
	}
}

// A signature covers every field of the statement: with any of them changed, none of the act's signatures holds.
func TestModel_signaturesCover(t *testing.T) {
	for kind := custody.Open; kind <= custody.OpenBox; kind++ {
		a := signed(t, kind)
		if err := a.CheckSignatures(keyOf); err != nil {
			t.Fatal(err)
		}
		built := 0
		for field, st := range mutations(t, a.Statement) {
			forged, err := custody.NewAct(st)
			if err != nil {
				continue // a profile with a byte too many is none
			}
			built++
			for i := range a.Signatures {
				forged.Signatures = slices.Clone(a.Signatures[i : i+1])
				forged.Signatures[0].Role = custody.RoleActor
				if i == 0 && forged.CheckSignatures(keyOf) == nil {
					t.Errorf("%s: %s changed, and the signature holds", kind, field)
				}
				forged.Signatures = append(slices.Clone(a.Signatures[:1]), a.Signatures[i])
				if forged.CheckSignatures(keyOf) == nil {
					t.Errorf("%s: %s changed, and signature %d holds", kind, field, i)
				}
			}
		}
		if want := reflect.TypeFor[custody.Statement]().NumField() - 3; built < want {
			t.Errorf("%s: %d of the statement's fields could be changed, want %d", kind, built, want)
		}
	}
}

// No bit of an act can be turned without it showing: in its form, or in a signature.
func TestModel_everyBit(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := &world{t: rt, tb: t}
		w.make(4, allKinds)
		a := rapid.SampledFrom(w.acts).Draw(rt, "act")
		b := a.Marshal()
		at, bit := rapid.IntRange(0, len(b)-1).Draw(rt, "byte"), rapid.IntRange(0, 7).Draw(rt, "bit")
		b[at] ^= 1 << bit
		forged, err := custody.ParseAct(b)
		if err != nil {
			return
		}
		if err := forged.CheckSignatures(keyOf); err == nil {
			rt.Fatalf("bit %d of byte %d was turned, and all signatures hold", bit, at)
		}
	})
}
