package node

import (
	"cmp"
	"context"
	"slices"

	"isotherm/ledger"
	"isotherm/ledger/excursion"
	"isotherm/ledger/progress"
	"isotherm/ledger/record"
	"isotherm/ledger/series"
	"isotherm/ledger/trip"
)

// SeriesQuery asks for readings for a chart.
type SeriesQuery struct {
	Points int   // about how many to keep, at most; MinPoints to MaxPoints
	FromMS int64 // wall time of the first; 0 for no bound
	ToMS   int64 // behind the last; 0 for no bound
}

// Bounds of SeriesQuery.Points: what shows a form at all, and more than any screen has columns.
const (
	MinPoints = 100
	MaxPoints = 50_000
)

// SeriesProbe is a probe of a box that the organ was in.
type SeriesProbe struct {
	Part   int // of the way, from 0, as excursions and figures count it
	Number uint8
	Place  string
	Judged bool     // the profile's rules look at it
	MC     []*int32 // milli-°C, one a reading; nil where it gave no value, or the reading is of another part
}

// Series is a trip's readings in columns, each as long as WallMS.
type Series struct {
	Total  int64 // readings in the time asked for
	WallMS []int64
	Late   []bool
	Probes []SeriesProbe
	Fixes  []progress.Fix
}

// Series returns the readings of a trip in the order of its way, thinned so that no extreme is lost. It notes that the
// case was read.
func (n *Node) Series(ctx context.Context, p Principal, id ledger.ShipmentID, q SeriesQuery) (*Series, At, error) {
	if q.Points < MinPoints || q.Points > MaxPoints {
		return nil, At{}, ledger.Errorf(ledger.CodeInvalid, "%d points, want %d to %d", q.Points, MinPoints, MaxPoints)
	}
	if q.ToMS != 0 && q.FromMS >= q.ToMS {
		return nil, At{}, ledger.Errorf(ledger.CodeInvalid, "a time from %d to %d is empty", q.FromMS, q.ToMS)
	}
	c, _, at, err := n.read(ctx, p, id)
	if err != nil {
		return nil, at, err
	}
	return c.series(q), at, nil
}

// column is a probe on a part of the way.
type column struct {
	part   int
	number uint8
	place  string
}

// plot gathers the readings of a trip.
type plot struct {
	c       *shipmentCase
	query   SeriesQuery
	places  map[column]int
	probes  []SeriesProbe
	all     []series.Reading
	tripMS  []int64 // of each of all, never back
	late    []bool
	fixes   []progress.Fix
	started bool
	wallMS  int64 // of the reading before, in the time asked for or not
}

func (c *shipmentCase) series(q SeriesQuery) *Series {
	pl := &plot{c: c, query: q, places: map[column]int{}}
	for _, run := range c.runs() {
		pl.take(&run)
	}
	keep := series.Thin(pl.all, q.Points, pl.spans())
	out := &Series{Total: int64(len(pl.all)), WallMS: make([]int64, len(keep)), Late: make([]bool, len(keep)), Probes: pl.probes, Fixes: thinFixes(pl.fixes, q.Points)}
	for i := range out.Probes {
		out.Probes[i].MC = make([]*int32, len(keep))
	}
	for k, i := range keep {
		out.WallMS[k], out.Late[k] = pl.all[i].WallMS, pl.late[i]
		for j := range pl.all[i].Values {
			if v := &pl.all[i].Values[j]; !v.None {
				out.Probes[v.Column].MC[k] = &v.V
			}
		}
	}
	return out
}

// runs are those of the assessment; of a trip that can't be judged, all records as the ledger holds them.
func (c *shipmentCase) runs() []trip.Run {
	if c.judged != nil {
		return c.judged.Runs
	}
	var out []trip.Run
	for _, j := range c.journals {
		if n := len(j.records); n > 0 {
			out = append(out, trip.Run{Origin: record.Origin(j.Box, j.Incarnation), From: int64(j.records[0].Seq), To: int64(j.records[n-1].Seq) + 1})
		}
	}
	return out
}

// take adds the readings of a run.
func (pl *plot) take(run *trip.Run) {
	k := slices.IndexFunc(pl.c.journals, func(j journalPart) bool { return record.Origin(j.Box, j.Incarnation) == run.Origin })
	if k < 0 {
		return
	}
	j := &pl.c.journals[k]
	sampleMS := int64(0)
	if j.boot != nil {
		sampleMS = int64(j.boot.SampleMS)
	}
	late := pl.lateOf(run.Origin)
	columns := map[uint8]int{}
	first := true
	bySeq := func(r *record.Record, seq int64) int { return cmp.Compare(int64(r.Seq), seq) }
	from, _ := slices.BinarySearchFunc(j.records, run.From, bySeq)
	to, _ := slices.BinarySearchFunc(j.records, run.To, bySeq)
	for _, r := range j.records[from:max(from, to)] {
		if r.Reading == nil {
			continue
		}
		ms := r.At.WallMS
		gap := pl.started && (first || series.IsGap(pl.wallMS, ms, sampleMS))
		pl.started, pl.wallMS, first = true, ms, false
		if ms < pl.query.FromMS || pl.query.ToMS != 0 && ms >= pl.query.ToMS {
			continue
		}
		pl.all = append(pl.all, series.Reading{WallMS: ms, Gap: gap, Values: pl.values(run, j.boot, columns, r.Reading)})
		tripMS := run.TripMS(r)
		if n := len(pl.tripMS); n > 0 {
			tripMS = max(tripMS, pl.tripMS[n-1])
		}
		pl.tripMS = append(pl.tripMS, tripMS)
		pl.late = append(pl.late, slices.ContainsFunc(late, func(l trip.Late) bool { return l.From.Seq <= r.Seq && r.Seq <= l.To.Seq }))
		pl.fix(r)
	}
}

func (pl *plot) lateOf(origin string) []trip.Late {
	var out []trip.Late
	if pl.c.judged != nil {
		for _, l := range pl.c.judged.Late {
			if l.Origin == origin {
				out = append(out, l)
			}
		}
	}
	return out
}

// values are those of one reading. columns are the columns of the run's probes, as far as they are known.
func (pl *plot) values(run *trip.Run, boot *record.Boot, columns map[uint8]int, r *record.Reading) []series.Value {
	out := make([]series.Value, 0, len(r.Samples))
	for _, s := range r.Samples {
		k, ok := columns[s.Probe]
		if !ok {
			k = pl.column(run, boot, s.Probe)
			columns[s.Probe] = k
		}
		if !slices.ContainsFunc(out, func(v series.Value) bool { return v.Column == k }) {
			out = append(out, series.Value{Column: k, V: s.TempMC, None: s.Fault != 0})
		}
	}
	return out
}

// column returns that of a probe, as the box is configured in a run.
func (pl *plot) column(run *trip.Run, boot *record.Boot, number uint8) int {
	key := column{part: run.Part, number: number}
	judged := false
	if boot != nil {
		if i := slices.IndexFunc(boot.Probes, func(p record.Probe) bool { return p.Number == number }); i >= 0 {
			key.place = boot.Probes[i].Place
			judged = pl.c.judged != nil && key.place == excursion.JudgedPlace(pl.c.judged.Profile, pl.c.state.Segments[run.Segment].Space, boot)
		}
	}
	k, ok := pl.places[key]
	if !ok {
		k = len(pl.probes)
		pl.places[key] = k
		pl.probes = append(pl.probes, SeriesProbe{Part: key.part, Number: number, Place: key.place})
	}
	pl.probes[k].Judged = pl.probes[k].Judged || judged
	return k
}

// fixApartMS is how much newer a position must be than the one before it: a receiver without a new one repeats the last.
const fixApartMS = 500

func (pl *plot) fix(r *record.Record) {
	f, ok := progress.FixOf(r)
	if n := len(pl.fixes); ok && (n == 0 || f.WallMS >= pl.fixes[n-1].WallMS+fixApartMS || f.WallMS < pl.fixes[n-1].WallMS-fixApartMS) {
		pl.fixes = append(pl.fixes, f)
	}
}

// spans are the excursions among the readings: of each, by its probe, the extremes stay.
func (pl *plot) spans() []series.Span {
	if pl.c.judged == nil || len(pl.all) == 0 {
		return nil
	}
	var out []series.Span
	for _, x := range pl.c.judged.Excursions {
		from, _ := slices.BinarySearch(pl.tripMS, x.Began.TripMS)
		to, _ := slices.BinarySearch(pl.tripMS, x.Ended.TripMS+1)
		if from >= to {
			continue
		}
		for k, p := range pl.probes {
			if p.Number == x.Probe && (p.Part == x.Segment || x.Rule.Kind.IsTotal()) {
				out = append(out, series.Span{Column: k, From: from, To: to - 1})
			}
		}
	}
	return out
}

// thinFixes thins positions: the ends of each stretch, and how far it went to all four sides, stay.
func thinFixes(fixes []progress.Fix, limit int) []progress.Fix {
	if len(fixes) <= limit {
		return fixes
	}
	all := make([]series.Reading, len(fixes))
	for i, f := range fixes {
		all[i] = series.Reading{WallMS: f.WallMS, Gap: i > 0 && series.IsGap(fixes[i-1].WallMS, f.WallMS, 0),
			Values: []series.Value{{Column: 0, V: f.LatE7}, {Column: 1, V: f.LonE7}}}
	}
	var out []progress.Fix
	for _, i := range series.Thin(all, limit, nil) {
		out = append(out, fixes[i])
	}
	return out
}
