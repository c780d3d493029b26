package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"isotherm/ledger"
	"isotherm/ledger/access"
	"isotherm/ledger/batch"
	"isotherm/ledger/bundle"
	"isotherm/ledger/command"
	"isotherm/ledger/custody"
	"isotherm/ledger/entry"
	"isotherm/ledger/merkle"
	"isotherm/ledger/privacy"
	"isotherm/ledger/record"
	"isotherm/ledger/store"
)

// exportTries bounds how often an export begins anew because somebody new signed, or a box opened a journal, between
// looking and writing the entry that ends it.
const exportTries = 3

// Export enters that the case was exported, by whom and why, and returns all that proves it up to that entry.
func (n *Node) Export(ctx context.Context, p Principal, id ledger.ShipmentID, reason string) (bundle.Source, error) {
	if err := n.allow(p, access.ExportCases); err != nil {
		return bundle.Source{}, err
	}
	if err := checkText("reason", privacy.Reason, reason, 1); err != nil {
		return bundle.Source{}, err
	}
	for range exportTries {
		index, covers, err := n.enterExport(ctx, p, id, reason)
		if err != nil {
			return bundle.Source{}, err
		}
		signed, err := n.replica.Checkpoint(ctx, index+1)
		if err != nil {
			return bundle.Source{}, err
		}
		src, err := n.collect(ctx, id, index, covers, signed)
		if !errors.Is(err, errOvertaken) {
			return src, err
		}
	}
	return bundle.Source{}, ledger.Errorf(ledger.CodeUnavailable, "shipment %s changes faster than it can be exported", id).WithHint("try again")
}

// errOvertaken says that the export's entry does not cover all that the case touches by now.
var errOvertaken = errors.New("the case has grown beyond the export's entry")

// coverage is what an export covers.
type coverage struct {
	subjects []entry.Subject
	journals []bundle.Part
}

// enterExport appends the entry that touches the case and observes every other subject of it, and returns its index.
func (n *Node) enterExport(ctx context.Context, p Principal, id ledger.ShipmentID, reason string) (int64, coverage, error) {
	var covers coverage
	err := n.lookTwice(ctx, func() error {
		return n.replica.View(func(v *store.View) error {
			c, err := n.visible(v, p, id)
			if err != nil {
				return err
			}
			covers, err = n.cover(v, c, v.Size())
			return err
		})
	})
	if err != nil {
		return 0, covers, err
	}
	access := entry.Access{By: p.Person, Reason: reason}
	// Only the case's own chain grows: what is shared with other cases is observed.
	d := draft{kind: entry.KindExport, subjects: []entry.Subject{entry.Case(id)}, payload: access.Marshal()}
	d.observed = slices.DeleteFunc(slices.Clone(covers.subjects), func(s entry.Subject) bool { return s == entry.Case(id) })
	c := &command.Command{}
	if err := n.sealForCase(&d, c, id); err != nil {
		return 0, covers, err
	}
	if c.Entry, err = n.entryOf(d); err != nil {
		return 0, covers, err
	}
	r, err := n.propose(ctx, c)
	return r.Index, covers, err
}

// cover returns what the case touches by the entries up to, not including, end: everybody who signed an act of it and who
// vouched for them, the organisations that take part, every box it was in and the journals of its trip, the published
// profiles by which it is judged, and the certificates of the boxes' probes that were recalled.
func (n *Node) cover(v *store.View, c *shipmentCase, end int64) (coverage, error) {
	out := coverage{subjects: []entry.Subject{entry.Policy, entry.Case(c.id)}}
	acts := slices.DeleteFunc(slices.Clone(c.acts), func(e custody.Entered) bool { return e.Index >= end })
	state := custody.Fold(acts)
	for _, seg := range state.Segments {
		if box, ok := v.Box(seg.Box); ok && box.Index < end {
			out.subjects = append(out.subjects, entry.Box(seg.Box))
		}
	}
	var optional []entry.Subject // those that may have no entry
	for _, part := range bundle.Parts(state, v.Journals) {
		if j, ok := v.Journal(part.Incarnation); ok && j.Opened < end {
			out.journals = append(out.journals, part)
			out.subjects = append(out.subjects, entry.Journal(part.Incarnation))
			certificates, err := certificatesOf(v, part.Incarnation)
			if err != nil {
				return out, err
			}
			optional = append(optional, certificates...)
		}
	}
	signers, organisations, profiles, err := n.namedIn(v, state)
	if err != nil {
		return out, err
	}
	optional = append(append(optional, organisations...), profiles...)
	for _, s := range optional {
		if !beganBefore(v, s, end) {
			continue
		}
		out.subjects = append(out.subjects, s)
		by, err := n.issuedBy(v, s)
		if err != nil {
			return out, err
		}
		signers = append(signers, by...)
	}
	people, err := n.issuers(v, signers)
	if err != nil {
		return out, err
	}
	for _, id := range append(people, signers...) {
		out.subjects = append(out.subjects, entry.Person(id))
	}
	slices.SortFunc(out.subjects, entry.CompareSubjects)
	out.subjects = slices.Compact(out.subjects)
	return out, nil
}

// namedIn returns who signed acts, and as subjects the organisations and profiles that are named.
func (n *Node) namedIn(v *store.View, state *custody.State) (signers []ledger.PersonID, organisations, profiles []entry.Subject, err error) {
	organisation := func(code string) {
		if code != "" {
			organisations = append(organisations, entry.Organisation(code))
		}
	}
	for i := range state.History {
		st := state.History[i].Right
		for _, code := range []string{st.By.Organisation, st.To.Organisation, st.From, st.Dest} {
			organisation(code)
		}
		for _, sig := range state.History[i].Act.Signatures {
			p, err := n.person(v, sig.Person)
			if err != nil {
				return nil, nil, nil, err
			}
			if p != nil {
				organisation(p.Organisation)
				signers = append(signers, sig.Person)
			}
		}
		if st.Kind != custody.Pack {
			continue
		}
		if p, err := st.PinnedProfile(); err == nil {
			profiles = append(profiles, entry.Profile(p.Hash()))
		}
	}
	return signers, organisations, profiles, nil
}

// issuedBy returns who signed the cards of an organisation, or published a profile.
func (n *Node) issuedBy(v *store.View, s entry.Subject) ([]ledger.PersonID, error) {
	if s.Kind != entry.SubjectOrganisation && s.Kind != entry.SubjectProfile {
		return nil, nil
	}
	var out []ledger.PersonID
	for _, index := range v.Chain(s) {
		leaf, payload, err := n.open(v, index)
		if err != nil {
			return nil, err
		}
		switch leaf.Kind {
		case entry.KindOrganisation:
			card, err := entry.ParseOrganisationCard(payload)
			if err != nil {
				return nil, fmt.Errorf("entry %d: %w", index, err)
			}
			out = append(out, card.By)
		case entry.KindProfile:
			p, err := entry.ParseProfilePublished(payload)
			if err != nil {
				return nil, fmt.Errorf("entry %d: %w", index, err)
			}
			out = append(out, p.By)
		}
	}
	return out, nil
}

// certificatesOf returns the certificates of the probes that the journal's boot record names.
func certificatesOf(v *store.View, inc ledger.IncarnationID) ([]entry.Subject, error) {
	boot, err := bootOf(v, inc)
	if err != nil || boot == nil {
		return nil, err
	}
	var out []entry.Subject
	for _, p := range boot.Probes {
		if p.Certificate != "" {
			out = append(out, entry.Certificate(p.Certificate))
		}
	}
	return out, nil
}

// beganBefore tells whether a subject had an entry before end: only then can an export observe it.
func beganBefore(v *store.View, s entry.Subject, end int64) bool {
	first := end
	for _, index := range v.Chain(s) {
		first = index
	}
	return first < end
}

// collect gathers the chains and journals up to the export's entry.
func (n *Node) collect(ctx context.Context, id ledger.ShipmentID, index int64, covers coverage, signed []byte) (bundle.Source, error) {
	src := bundle.Source{Checkpoint: signed}
	cp, ok := merkle.PeekCheckpoint(signed)
	if !ok || cp.Size <= index {
		return src, fmt.Errorf("checkpoint of the replica does not cover entry %d", index)
	}
	if err := n.waitFor(ctx, cp.Size); err != nil {
		return src, err
	}
	err := n.replica.View(func(v *store.View) error {
		c, err := n.shipment(v, id)
		if err != nil {
			return err
		}
		now, err := n.cover(v, c, index)
		if err != nil {
			return err
		}
		if !slices.Equal(now.subjects, covers.subjects) || !slices.EqualFunc(now.journals, covers.journals, bundle.Part.Equal) {
			return errOvertaken
		}
		for _, i := range chains(v, index, covers) {
			e, err := n.exportEntry(v, i, cp.Size)
			if err != nil {
				return err
			}
			src.Entries = append(src.Entries, e)
		}
		for _, j := range covers.journals {
			if err := ctx.Err(); err != nil {
				return err
			}
			out, err := exportJournal(v, j, index)
			if err != nil {
				return err
			}
			src.Journals = append(src.Journals, out)
		}
		return nil
	})
	return src, err
}

// chains returns the indexes of all entries in the chains that the export ends, sorted.
func chains(v *store.View, last int64, covers coverage) []int64 {
	var out []int64
	for _, s := range covers.subjects {
		for _, index := range v.Chain(s) {
			if index <= last {
				out = append(out, index)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// exportEntry returns an entry with its inclusion path.
func (n *Node) exportEntry(v *store.View, index, size int64) (bundle.Entry, error) {
	e := bundle.Entry{Index: index}
	var err error
	if e.Leaf, err = v.Leaf(index); err != nil {
		return e, err
	}
	if e.Path, err = tlog.ProveRecord(size, index, v.HashReader()); err != nil {
		return e, fmt.Errorf("prove entry %d: %w", index, err)
	}
	e.Salted, err = n.salted(v, index)
	if errors.Is(err, errErased) {
		return e, nil // the verifier says that it is missing
	}
	return e, err
}

// exportJournal returns the records of a trip's journal: to the end of the batch in which the trip ended, else up to where
// the ledger held the journal at the export's entry. What the box recorded later is not of this trip.
func exportJournal(v *store.View, p bundle.Part, last int64) (bundle.Journal, error) {
	out := bundle.Journal{Origin: record.Origin(p.Box, p.Incarnation), From: p.Whole.From}
	var tree merkle.Frontier
	var path firstPath
	for b := range v.Batches(p.Incarnation, 0) {
		if b.Index > last {
			break
		}
		decoded, err := batch.Decode(bytes.Clone(b.Wire))
		if err != nil {
			return out, fmt.Errorf("stored batch of entry %d: %w", b.Index, err)
		}
		for _, raw := range decoded.Records {
			if tree.Size() == p.Whole.From {
				out.Frontier = tree.Hashes()
			}
			if tree.Size() == 0 && p.Whole.From > 0 {
				out.Boot = raw
			}
			if tree.Size() >= p.Whole.From {
				out.Records = append(out.Records, raw)
			}
			h := tlog.RecordHash(raw)
			tree.Append(h)
			path.add(h)
		}
		if p.Whole.End != bundle.NoEnd && tree.Size() >= max(p.Whole.End, p.Whole.From) {
			break
		}
	}
	switch {
	case tree.Size() == p.Whole.From:
		out.Frontier = tree.Hashes()
	case tree.Size() < p.Whole.From: // the part before packing has not come: begin where the ledger ends
		out.From, out.Frontier = tree.Size(), tree.Hashes()
	}
	if out.From > 0 {
		out.BootPath = path.path()
	} else {
		out.Boot = nil
	}
	return out, nil
}

// firstPath makes the audit path of leaf 0 while leaves come one by one: the roots of leaves 1, 2-3, 4-7 and so on
// (RFC 6962, 2.1.1), without keeping the tree.
type firstPath struct {
	size int64
	done []tlog.Hash
	run  merkle.Frontier
}

func (p *firstPath) add(h tlog.Hash) {
	if p.size++; p.size == 1 {
		return
	}
	p.run.Append(h)
	if p.size&(p.size-1) == 0 {
		p.done = append(p.done, p.run.Root())
		p.run = merkle.Frontier{}
	}
}

func (p *firstPath) path() []tlog.Hash {
	if p.run.Size() == 0 {
		return p.done
	}
	return append(slices.Clone(p.done), p.run.Root())
}
