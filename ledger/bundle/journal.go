package bundle

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"isotherm/ledger"
	"isotherm/ledger/entry"
	"isotherm/ledger/merkle"
	"isotherm/ledger/record"
	"isotherm/ledger/trip"
)

// checkedJournal is a journal whose records give the roots that the box signed.
type checkedJournal struct {
	trip.Journal
	part     Part
	inc      ledger.IncarnationID
	size     int64            // as the ledger holds it
	end      int64            // of the records in the bundle
	wanted   map[int64][]want // roots that something in the bundle claims, by size
	advances []*entry.Advance
}

// want is a root that somebody claims for a size of the journal.
type want struct {
	root tlog.Hash
	by   string
}

// readJournals rebuilds every journal in the bundle.
func (v *verifier) readJournals() {
	names := make([]string, 0, len(v.files))
	for name := range v.files {
		if strings.HasPrefix(name, journalPrefix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		v.readJournal(name)
	}
}

func (v *verifier) readJournal(name string) {
	raw, err := parseJournal(v.files[name])
	if err != nil {
		v.find(name, "can't be read: %v", err)
		return
	}
	if want, err := journalName(raw.Origin); err != nil || want != name {
		v.find(name, "holds the journal %q, which does not fit its name", raw.Origin)
		return
	}
	box, inc, _ := record.ParseOrigin(raw.Origin) // journalName parsed it
	key := v.boxes[box]
	if key == nil {
		v.find(name, "is of box %s, whose enrolment is not in the bundle", box)
		return
	}
	if !v.export.leaf.Covers(entry.Journal(inc)) || !v.export.leaf.Covers(entry.Box(box)) {
		v.find(name, "is not covered by the export")
		return
	}
	i := slices.IndexFunc(v.parts, func(p Part) bool { return p.Incarnation == inc && p.Box == box })
	if i < 0 {
		v.find(name, "is of no part of the trip")
		return
	}
	j := &checkedJournal{part: v.parts[i], inc: inc, wanted: map[int64][]want{}}
	j.Origin, j.From = raw.Origin, raw.From
	if !v.readAdvances(name, j, key) || !v.parseRecords(name, j, raw) {
		return
	}
	v.journals[j.Origin] = j
	v.verdict.Counts.Records += len(j.Records)
	v.wantPins(j, key)
	v.rebuild(name, j, raw)
}

// readAdvances reads the entries by which the ledger took the journal: without holes, each with a head that the box signed.
func (v *verifier) readAdvances(name string, j *checkedJournal, key []byte) bool {
	for _, c := range v.sorted(entry.KindJournalOpened, entry.KindJournalAdvance) {
		if c.leaf.Link(entry.Journal(j.inc)) == nil {
			continue
		}
		a, err := entry.ParseAdvance(c.payload)
		if err != nil {
			v.find(entryName(c.index), "%v", err)
			return false
		}
		if a.Origin != j.Origin || a.From != j.size || (c.leaf.Kind == entry.KindJournalOpened) != (a.From == 0) {
			v.find(entryName(c.index), "advances %s from %d, want %s from %d", a.Origin, a.From, j.Origin, j.size)
			return false
		}
		head, _, err := record.OpenHead(a.Head, key)
		if err != nil || head != (merkle.Checkpoint{Origin: j.Origin, Size: a.To, Root: a.Root}) {
			v.find(entryName(c.index), "its head of %s at %d is not signed by the box: %v", j.Origin, a.To, err)
			return false
		}
		j.size, j.Held = a.To, a.To
		j.Arrived = append(j.Arrived, trip.Arrival{To: a.To, RecordTimeMS: c.leaf.RecordTimeMS})
		j.advances = append(j.advances, a)
		j.wanted[a.To] = append(j.wanted[a.To], want{a.Root, "the box's signed head"})
	}
	if len(j.advances) == 0 {
		v.find(name, "no entry of the ledger advances this journal")
		return false
	}
	return true
}

// parseRecords reads the records and checks their numbers and the boot record.
func (v *verifier) parseRecords(name string, j *checkedJournal, raw *Journal) bool {
	good := true
	for i, b := range raw.Records {
		r, err := record.Parse(b)
		seq := raw.From + int64(i)
		if err == nil && int64(r.Seq) != seq {
			err = fmt.Errorf("is numbered %d", r.Seq)
		}
		if err != nil {
			v.find(name, "record %d: %v", seq, err)
			good = false
			continue
		}
		j.Records = append(j.Records, r)
	}
	if !good {
		return false
	}
	j.end = raw.From + int64(len(raw.Records))
	boot := raw.Boot
	if raw.From == 0 && len(raw.Records) > 0 {
		boot = raw.Records[0]
	}
	first, err := record.Parse(boot)
	if err != nil || first.Boot == nil || first.Boot.Incarnation != j.inc {
		v.find(name, "record 0 does not open this journal: %v", err)
		return false
	}
	j.Boot = first.Boot
	root, signed := j.rootAt(j.end)
	if !signed {
		v.find(name, "ends at record %d, but the ledger holds %d, and no signed head ends there", j.end, j.size)
		return false
	}
	if raw.From > 0 {
		if err := tlog.CheckRecord(raw.BootPath, j.end, root, 0, tlog.RecordHash(raw.Boot)); err != nil {
			v.find(name, "record 0 is not in this journal: its proof does not lead to the box's head")
			return false
		}
	}
	if _, err := raw.prefix(); err != nil {
		v.find(name, "%v", err)
		return false
	}
	return true
}

// rootAt returns the root that the box signed at a size, when the ledger took the journal up to just there.
func (j *checkedJournal) rootAt(size int64) (tlog.Hash, bool) {
	for _, a := range j.advances {
		if a.To == size {
			return a.Root, true
		}
	}
	return tlog.Hash{}, false
}

// wantPins adds the heads that custody acts cite, so that the journal must give their roots too.
func (v *verifier) wantPins(j *checkedJournal, key []byte) {
	for _, e := range v.acts {
		for _, h := range e.Act.Heads() {
			origin, err := merkle.PeekOrigin(h)
			if err != nil || origin != j.Origin {
				continue
			}
			by := fmt.Sprintf("the head cited in entry %d (%s)", e.Index, e.Act.Statement.Kind)
			cp, _, err := record.OpenHead(h, key)
			switch {
			case err != nil:
				v.find(entryName(e.Index), "cites a head of %s that the box did not sign: %v", j.Origin, err)
			case cp.Size > j.size:
				v.flag("withheld: %s says the journal had %d records, the ledger holds %d", by, cp.Size, j.size)
			case cp.Size >= j.From && cp.Size <= j.end:
				j.wanted[cp.Size] = append(j.wanted[cp.Size], want{cp.Root, by})
			}
		}
	}
}

// rebuild hashes every record and compares all roots that anybody claimed.
func (v *verifier) rebuild(name string, j *checkedJournal, raw *Journal) {
	tree, _ := raw.prefix() // checked in parseRecords
	good := j.From
	compare := func() bool {
		for _, w := range j.wanted[tree.Size()] {
			if w.root != tree.Root() {
				v.find(name, "%s do not give the root in %s at %d: at least one of them was changed", span(j, good, tree.Size()), w.by, tree.Size())
				return false
			}
			good = tree.Size()
		}
		return true
	}
	if !compare() {
		return
	}
	for _, b := range raw.Records {
		tree.Append(tlog.RecordHash(b))
		if !compare() {
			return
		}
	}
	if whole := j.part.Whole; j.end < j.size && (whole.End == NoEnd || j.end < whole.End) {
		v.find(name, "ends at record %d, but the ledger holds %d, and the trip was not over", j.end, j.size)
		return
	}
	if from := min(j.part.Whole.From, j.size); j.From > from {
		v.find(name, "begins at record %d, but the trip at %d", j.From, from)
		return
	}
	v.done("%s: %d records give %d signed roots", name, len(raw.Records), len(j.wanted))
}

// span names a run of records and their times.
func span(j *checkedJournal, from, to int64) string {
	at := func(seq int64) string {
		r := j.Records[seq-j.From]
		return time.UnixMilli(r.At.WallMS).UTC().Format(clock)
	}
	if from >= to {
		return fmt.Sprintf("the records before %d", to)
	}
	return fmt.Sprintf("records %d to %d (%s to %s)", from, to-1, at(from), at(to-1))
}

// incarnations returns those of a box in the order in which the ledger learned of them.
func (v *verifier) incarnations(box ledger.BoxID) []ledger.IncarnationID {
	var out []ledger.IncarnationID
	for _, a := range v.openings {
		if of, inc, err := record.ParseOrigin(a.Origin); err == nil && of == box {
			out = append(out, inc)
		}
	}
	return out
}

// checkSuccession checks that no incarnation of the trip is left out and that each follows the one before, and returns
// the journals.
func (v *verifier) checkSuccession() []trip.Journal {
	var out []trip.Journal
	for i, p := range v.parts {
		origin := record.Origin(p.Box, p.Incarnation)
		j := v.journals[origin]
		if j == nil {
			if !v.broken(origin) {
				v.find(origin, "this journal belongs to the trip but is not in the bundle")
			}
			continue
		}
		incs := v.incarnations(p.Box)
		if k := slices.Index(incs, p.Incarnation); i > 0 && k > 0 {
			v.compareSuccessor(v.journals[record.Origin(p.Box, incs[k-1])], j)
		}
		of := j.Journal // what lies between two stays in the box, or behind the end, is not of the trip
		of.Records = slices.DeleteFunc(slices.Clone(of.Records), func(r *record.Record) bool { return !p.Holds(r.Seq) })
		out = append(out, of)
		for _, run := range p.Spans {
			to := j.end
			if run.End != NoEnd {
				to = min(to, run.End)
			}
			v.verdict.Journals = append(v.verdict.Journals, Held{Origin: j.Origin, From: max(run.From, j.From), To: to, Ledger: j.size})
		}
	}
	v.flagMissing()
	return out
}

// flagMissing notes the segments of whose way the ledger held no record. A box's chain is whole, so the ledger did not hold
// the journal when the export was made.
func (v *verifier) flagMissing() {
	for _, seg := range v.state.Segments {
		box, inc, err := record.ParseOrigin(seg.Start.Origin)
		if seg.Box.IsZero() || err != nil || slices.Contains(v.incarnations(box), inc) {
			continue
		}
		v.flag("withheld: the journal %s, which the act that begins a segment cites, has not reached the ledger", seg.Start.Origin)
	}
}

// broken tells whether something was found about the journal's file already.
func (v *verifier) broken(origin string) bool {
	name, err := journalName(origin)
	return err != nil || slices.ContainsFunc(v.verdict.Findings, func(f Finding) bool { return f.Where == name })
}

func (v *verifier) compareSuccessor(before, j *checkedJournal) {
	if before == nil {
		return
	}
	p := j.Boot.Predecessor
	root, _ := before.rootAt(before.size) // an advance ended there
	switch {
	case p == nil || p.Incarnation != before.inc:
		v.flag("journal %s does not cite the one before it", j.Origin)
	case p.Size < before.size:
		v.find(j.Origin, "cites its predecessor at %d records, but the ledger holds %d: the box was set back or copied", p.Size, before.size)
	case p.Size > before.size:
		v.flag("withheld: journal %s had %d records, the ledger holds %d", before.Origin, p.Size, before.size)
	case p.Root != [32]byte(root):
		v.find(j.Origin, "cites another root of its predecessor than the ledger holds")
	}
}
