package bundle_test

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	gocmp "github.com/google/go-cmp/cmp"

	"isotherm/ledger"
	"isotherm/ledger/batch"
	"isotherm/ledger/bundle"
	"isotherm/ledger/custody"
	"isotherm/ledger/entry"
	"isotherm/ledger/record"
	"isotherm/ledger/trip"
	"isotherm/tracker/journal"
)

// TestAgree makes random trips with real boxes, and wants three answers to be the same: what the boxes found out on their
// way, what the ledger judges from the batches that it stored, and what the verifier judges from a bundle. Minutes by
// custodian must add up to the total.
func TestAgree(t *testing.T) {
	trips := 1000
	if testing.Short() {
		trips = 60
	}
	const shards = 4
	var found, moved, restarts atomic.Int64
	for shard := range shards {
		t.Run(fmt.Sprint(shard), func(t *testing.T) {
			t.Parallel()
			for seed := shard; seed < trips && !t.Failed(); seed += shards {
				synctest.Test(t, func(t *testing.T) {
					r := newRandomTrip(t, uint64(seed))
					r.travel()
					found.Add(int64(r.compare()))
					moved.Add(int64(len(r.boxes) - 1))
					restarts.Add(int64(r.restarts))
				})
				if t.Failed() {
					t.Logf("trip %d", seed)
				}
			}
		})
	}
	t.Cleanup(func() {
		t.Logf("%d trips, %d excursions, %d moves, %d restarts", trips, found.Load(), moved.Load(), restarts.Load())
		if n := int64(trips); found.Load() < n || moved.Load() < n/5 || restarts.Load() < n/4 {
			t.Errorf("of %d trips: %d excursions, %d moves, %d restarts: too few to say anything", n, found.Load(), moved.Load(), restarts.Load())
		}
	})
}

// held is an incarnation as the ledger got it, in batches.
type held struct {
	box     *tripBox
	id      ledger.BoxID
	inc     ledger.IncarnationID
	raw     [][]byte
	journal trip.Journal // what batches decode to
}

// deliverJournals sends what is on the boxes' disks to the ledger, in batches of all sizes.
func (r *randomTrip) deliverJournals() []*held {
	var out []*held
	for _, b := range r.boxes {
		k, err := journal.LoadKey(b.dir)
		if err != nil {
			r.t.Fatal(err)
		}
		j, err := journal.Open(journal.Options{Dir: b.dir, Key: k, At: record.Stamp{Quality: record.ClockUnset}})
		if err != nil {
			r.t.Fatal(err)
		}
		for _, inc := range j.Incarnations() {
			if inc.Current { // the one that looking started
				continue
			}
			raw, err := j.Records(inc.ID, 0, int(inc.Size))
			if err != nil {
				r.t.Fatal(err)
			}
			h := &held{box: b, id: ledger.BoxIDOf(public(k)), inc: inc.ID, raw: raw}
			h.journal.Origin = record.Origin(h.id, h.inc)
			for from := 0; from < len(raw); {
				to := min(from+1+r.rng.IntN(100), len(raw))
				head, err := j.Head(inc.ID, int64(to))
				if err != nil {
					r.t.Fatal(err)
				}
				r.sync(h, from, to, head.Signed)
				from = to
			}
			out = append(out, h)
		}
		if err := j.Close(); err != nil {
			r.t.Fatal(err)
		}
	}
	return out
}

// sync enters one batch.
func (r *randomTrip) sync(h *held, from, to int, head []byte) {
	wire, err := batch.Encode(h.journal.Origin, int64(from), h.raw[from:to], head)
	if err != nil {
		r.t.Fatal(err)
	}
	b, err := batch.Decode(wire)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, raw := range b.Records {
		rec, err := record.Parse(raw)
		if err != nil {
			r.t.Fatal(err)
		}
		if rec.Boot != nil {
			h.journal.Boot = rec.Boot
		}
		h.journal.Records = append(h.journal.Records, rec)
	}
	r.ledger.now += 60_000
	cp, _ := custody.HeadOf(head)
	a := entry.Advance{Origin: h.journal.Origin, From: int64(from), To: int64(to), Root: cp.Root, Head: head}
	subjects := []entry.Subject{entry.Journal(h.inc)}
	kind := entry.KindJournalAdvance
	if from == 0 {
		kind, subjects = entry.KindJournalOpened, append(subjects, entry.Box(h.id))
	}
	r.ledger.add(kind, a.Marshal(), subjects...)
	h.journal.Held = int64(to)
	h.journal.Arrived = append(h.journal.Arrived, trip.Arrival{To: int64(to), RecordTimeMS: r.ledger.now})
}

// compare wants the three answers to be the same, and returns the number of excursions.
func (r *randomTrip) compare() int {
	all := r.deliverJournals()
	var acts []custody.Entered
	for _, e := range r.ledger.entries {
		if a, err := custody.ParseAct(e.Salted[entry.SaltSize:]); err == nil {
			acts = append(acts, custody.Entered{Act: a, Index: e.Index})
		}
	}
	state := custody.Fold(acts)
	parts := bundle.Parts(state, func(box ledger.BoxID) []ledger.IncarnationID {
		var out []ledger.IncarnationID
		for _, h := range all {
			if h.id == box {
				out = append(out, h.inc)
			}
		}
		return out
	})
	var journals []trip.Journal
	var src []bundle.Journal
	for _, p := range parts {
		h := all[slices.IndexFunc(all, func(h *held) bool { return h.inc == p.Incarnation })]
		j := h.journal
		j.Records = slices.DeleteFunc(slices.Clone(j.Records), func(rec *record.Record) bool { return !p.Holds(rec.Seq) })
		journals = append(journals, j)
		src = append(src, h.export(p))
	}
	a, err := trip.Assess(state, journals)
	if err != nil {
		r.t.Fatalf("ledger: %v", err)
	}
	r.ledger.export(r.shipment, r.people["Nurse"])
	v := bundle.Verify(write(r.t, r.ledger.source(src...)), r.ledger.pin())
	if v.Result != bundle.Verified {
		r.t.Fatalf("verifier: result %q, findings %v", v.Result, v.Findings)
	}
	r.compareVerifier(a, v)
	r.compareBoxes(state, a, all)
	r.addUp(a)
	return len(a.Excursions)
}

// export returns what a bundle holds of the journal: all of it, from its beginning to the end of the trip's last batch.
func (h *held) export(p bundle.Part) bundle.Journal {
	to := len(h.raw)
	for _, arrived := range slices.Backward(h.journal.Arrived) {
		if p.Whole.End != bundle.NoEnd && arrived.To >= p.Whole.End {
			to = int(arrived.To)
		}
	}
	return bundle.Journal{Origin: h.journal.Origin, Records: h.raw[:to]}
}

// compareVerifier compares what the ledger judges with the verifier's verdict.
func (r *randomTrip) compareVerifier(a *trip.Assessment, v *bundle.Verdict) {
	r.t.Helper()
	type row struct {
		Rule, Length string
		Probe        uint8
		From, Until  int64
		Open         bool
		Held         []string
	}
	var want, got []row
	for _, x := range a.Excursions {
		w := row{Rule: x.Rule.Name, Length: bundle.Duration(x.DurationMS()), Probe: x.Probe, From: x.Began.WallMS, Until: x.Ended.WallMS, Open: x.Open}
		for _, h := range x.Held {
			w.Held = append(w.Held, h.Party.Organisation+" "+bundle.Duration(h.MS))
		}
		want = append(want, w)
	}
	for _, x := range v.Excursions {
		g := row{Rule: x.Rule, Length: x.Length, Probe: x.Probe, From: x.From.UnixMilli(), Until: x.Until.UnixMilli(), Open: x.Open}
		for _, h := range x.Held {
			g.Held = append(g.Held, h.Organisation+" "+h.Length)
		}
		got = append(got, g)
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		r.t.Errorf("excursions, ledger against verifier (-ledger +verifier):\n%s", diff)
	}
	if v.Counts.Readings != a.Report.Readings || v.Coverage.Permille != a.Report.CoveragePermille() || len(v.Late) != len(a.Late) {
		r.t.Errorf("readings %d, coverage %d, late %d: the verifier has %d, %d, %d", a.Report.Readings, a.Report.CoveragePermille(), len(a.Late),
			v.Counts.Readings, v.Coverage.Permille, len(v.Late))
	}
	for _, f := range v.Flags {
		if strings.HasPrefix(f, "the boxes ") {
			r.t.Errorf("verifier: %s", f)
		}
	}
}

// finding is an excursion as box and ledger name it.
type finding struct {
	Box     int
	Rule    string
	Probe   uint8
	Began   uint64
	Ended   uint64 // zero while it is open
	Extreme int32
}

// compareBoxes compares what each box found out by itself with what the ledger judges of its part of the way. A box knows
// nothing of totals that began in another.
func (r *randomTrip) compareBoxes(state *custody.State, a *trip.Assessment, all []*held) {
	r.t.Helper()
	opened, closed := map[finding]int{}, map[finding]int{} // the same may come again after a restart: monotonic clocks begin anew
	for _, h := range all {
		box := slices.Index(r.boxes, h.box)
		for _, rec := range h.journal.Records {
			if x := rec.Excursion; x != nil && r.counts(state, all, h, rec) {
				f := finding{Box: box, Rule: x.Rule, Probe: x.Probe, Began: x.BeganMono}
				if rec.Kind == record.KindExcursionOpened {
					opened[f]++
					continue
				}
				f.Ended, f.Extreme = x.EndedMono, x.ExtremeMC
				closed[f]++
			}
		}
	}
	for _, x := range a.Report.Excursions {
		if x.Rule.Kind.IsTotal() && x.Segment > 0 {
			continue
		}
		f := finding{Box: x.Segment, Rule: x.Rule.Name, Probe: x.Probe, Began: x.Began.BootMS}
		if opened[f]--; opened[f] < 0 {
			r.t.Errorf("the ledger finds %+v, box %d did not", f, f.Box)
		}
		if x.Open || x.Cut {
			continue
		}
		f.Ended, f.Extreme = x.Ended.BootMS, x.ExtremeMC
		if closed[f]--; closed[f] < 0 {
			r.t.Errorf("the ledger finds the end of %+v, box %d did not", f, f.Box)
		}
	}
	for f, n := range opened {
		if n > 0 && (f.Box == 0 || !strings.Contains(f.Rule, "total") && !strings.Contains(f.Rule, "degree")) {
			r.t.Errorf("box %d finds %+v, the ledger does not", f.Box, f)
		}
	}
	for f, n := range closed {
		if n > 0 {
			r.t.Errorf("box %d finds the end of %+v, the ledger does not", f.Box, f)
		}
	}
}

// counts tells whether a record of a box lies in its part of the way, before the box was received or opened.
func (r *randomTrip) counts(state *custody.State, all []*held, h *held, rec *record.Record) bool {
	i := slices.Index(r.boxes, h.box)
	seg := state.Segments[i]
	end := seg.End
	if i == len(state.Segments)-1 {
		end, _ = state.Counts()
	}
	place := func(origin string) int {
		return slices.IndexFunc(all, func(h *held) bool { return h.journal.Origin == origin })
	}
	at, from, to := place(h.journal.Origin), place(seg.Start.Origin), place(end.Origin)
	return (at > from || at == from && int64(rec.Seq) >= seg.Start.Size) && (at < to || at == to && int64(rec.Seq) < end.Size)
}

// addUp wants every millisecond of the trip and of every excursion to fall to one custodian.
func (r *randomTrip) addUp(a *trip.Assessment) {
	r.t.Helper()
	var spans, out int64
	for i, s := range a.Spans {
		spans += s.ToMS - s.FromMS
		out += s.OutMS
		if i > 0 && a.Spans[i-1].ToMS != s.FromMS {
			r.t.Errorf("span %d begins at %d, the one before ends at %d", i, s.FromMS, a.Spans[i-1].ToMS)
		}
	}
	if spans != a.Report.TotalMS() || out != a.OutMS {
		r.t.Errorf("spans add up to %d ms of %d, out of range %d of %d", spans, a.Report.TotalMS(), out, a.OutMS)
	}
	for _, x := range a.Excursions {
		var sum int64
		for _, h := range x.Held {
			sum += h.MS
		}
		if sum != x.DurationMS() {
			r.t.Errorf("%s from %d: held by custodians for %d ms, it lasted %d", x.Rule.Name, x.Began.TripMS, sum, x.DurationMS())
		}
	}
}
