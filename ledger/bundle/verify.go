package bundle

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"isotherm/ledger"
	"isotherm/ledger/access"
	"isotherm/ledger/custody"
	"isotherm/ledger/entry"
	"isotherm/ledger/merkle"
	"isotherm/ledger/trip"
)

// checkedEntry is an entry whose leaf is proven to be in the ledger and whose payload fits it.
type checkedEntry struct {
	index   int64
	leaf    *entry.Leaf
	payload []byte
}

// verifier goes through a bundle and gathers findings; it goes on after one as far as that makes sense, so that a person
// sees all that is wrong at once.
type verifier struct {
	verdict  Verdict
	files    map[string][]byte
	entries  []Entry
	checked  map[int64]*checkedEntry
	damaged  map[int64]bool // entries about which something was found already
	trust    *entry.Trust
	export   *checkedEntry
	shipment ledger.ShipmentID
	acts     []custody.Entered
	state    *custody.State // what the acts say
	judged   *trip.Assessment
	of       []trip.Journal // what judged was made of
	subjects
	journals map[string]*checkedJournal // by origin
	parts    []Part                     // of the trip
}

// subjects are whom and what the case hangs on.
type subjects struct {
	directory     *access.Directory
	organisations map[string]*entry.OrganisationCard // newest, by code
	profiles      map[[32]byte]published             // by hash
	recalls       map[string]recalled                // by number of the certificate
	boxes         map[ledger.BoxID]ed25519.PublicKey
	labels        map[ledger.BoxID]string
	openings      []*entry.Advance // of boxes' journals, in entry order
}

// Verify checks a bundle. With a pin it says whether the bundle is what that ledger holds; without one, only whether it
// fits together. It never returns an error: what can't be read is a finding.
func Verify(b []byte, pin *entry.Pin) *Verdict {
	verdict, _ := Open(b, pin)
	return verdict
}

// Open checks a bundle as Verify does, and returns what it holds as well.
func Open(b []byte, pin *entry.Pin) (*Verdict, *Contents) {
	v := &verifier{
		files: map[string][]byte{}, checked: map[int64]*checkedEntry{}, damaged: map[int64]bool{}, journals: map[string]*checkedJournal{},
		subjects: subjects{organisations: map[string]*entry.OrganisationCard{}, profiles: map[[32]byte]published{}, recalls: map[string]recalled{},
			boxes: map[ledger.BoxID]ed25519.PublicKey{}, labels: map[ledger.BoxID]string{}},
	}
	v.container(b)
	if v.readEntries() && v.establishTrust(pin) && v.proveEntries() && v.walkChains() {
		v.readSubjects()
		v.readActs()
		v.parts = Parts(v.state, v.incarnations)
		v.readJournals()
		v.judge()
	}
	switch {
	case len(v.verdict.Findings) > 0:
		v.verdict.Result = Broken
	case pin == nil:
		v.verdict.Result = Consistent
	default:
		v.verdict.Result = Verified
	}
	return &v.verdict, v.contents()
}

func (v *verifier) find(where, format string, args ...any) {
	v.verdict.Findings = append(v.verdict.Findings, Finding{Where: where, What: fmt.Sprintf(format, args...)})
}

// flag notes what is no forgery and that people must know.
func (v *verifier) flag(format string, args ...any) {
	v.verdict.Flags = append(v.verdict.Flags, fmt.Sprintf(format, args...))
}

func (v *verifier) done(format string, args ...any) {
	v.verdict.Checked = append(v.verdict.Checked, fmt.Sprintf(format, args...))
}

// container reads the archive and compares every file with the manifest.
func (v *verifier) container(b []byte) {
	files, err := unpack(b)
	if err != nil {
		for _, line := range strings.Split(err.Error(), "\n") {
			v.find("container", "%s", strings.TrimPrefix(line, "container: "))
		}
	}
	for i, f := range files {
		if _, twice := v.files[f.name]; twice {
			v.find(f.name, "is in the bundle twice")
		}
		v.files[f.name] = f.data
		known := f.name == manifestName || f.name == readmeName || f.name == checkpointName || f.name == entriesName || strings.HasPrefix(f.name, journalPrefix)
		if !known || (f.name == manifestName) != (i == 0) {
			v.find(f.name, "does not belong into a bundle, or not at this place")
		}
	}
	listed := map[string]string{}
	for _, line := range strings.Split(strings.TrimSuffix(string(v.files[manifestName]), "\n"), "\n") {
		sum, name, ok := strings.Cut(line, "  ")
		if _, there := v.files[name]; !ok || !there {
			v.find(manifestName, "lists %q, which is not in the bundle", name)
		}
		listed[name] = sum
	}
	if len(files) == 0 {
		return
	}
	for _, f := range files[1:] {
		want, _, _ := strings.Cut(string(manifest([]file{f})), "  ")
		if listed[f.name] != want {
			v.find(f.name, "is not what the manifest says: its SHA-256 is %s", want)
		}
	}
	if text, there := v.files[readmeName]; there && string(text) != readme {
		v.find(readmeName, "is not the text that isotherm writes; don't follow it")
	}
	if string(manifest(files[1:])) != string(v.files[manifestName]) && len(v.verdict.Findings) == 0 {
		v.find(manifestName, "is not in the form that isotherm writes")
	}
	v.done("container and SHA-256 of %d files", len(files))
}

func (v *verifier) readEntries() bool {
	entries, err := parseEntries(v.files[entriesName])
	if err != nil {
		v.find(entriesName, "can't be read: %v", err)
		return false
	}
	v.entries = entries
	if len(entries) == 0 || entries[0].Index != 0 {
		v.find(entriesName, "has no entry 0, the genesis")
		return false
	}
	return true
}

// payloadOf parses an entry's leaf and opens its payload.
func (v *verifier) payloadOf(e *Entry) (*checkedEntry, error) {
	leaf, err := entry.ParseLeaf(e.Leaf)
	if err != nil {
		return nil, err
	}
	payload, err := leaf.Payload(e.Salted)
	if err != nil {
		return nil, err
	}
	return &checkedEntry{index: e.Index, leaf: leaf, payload: payload}, nil
}

func entryName(index int64) string { return fmt.Sprintf("entry %d", index) }

// establishTrust reads genesis and cosigner sets, compares them with the pin, and checks the checkpoint under them.
func (v *verifier) establishTrust(pin *entry.Pin) bool {
	first, err := v.payloadOf(&v.entries[0])
	if err != nil || first.leaf.Kind != entry.KindGenesis {
		v.find(entryName(0), "is not a genesis: %v", err)
		return false
	}
	genesis, err := entry.ParseGenesis(first.payload)
	if err != nil {
		v.find(entryName(0), "%v", err)
		return false
	}
	v.trust = entry.NewTrust(genesis)
	if pin != nil && !pin.Equal(v.trust.Pin) {
		v.find("policy", "this bundle is not of the ledger you pinned: it is of %s with other keys", genesis.Origin)
	}
	for i := range v.entries {
		e, err := v.payloadOf(&v.entries[i])
		if err != nil || e.leaf.Kind != entry.KindCosigners {
			continue // a damaged entry is found when entries are proven
		}
		change, err := entry.ParseSetChange(e.payload)
		if err == nil {
			err = v.trust.Extend(e.index, change)
		}
		if err != nil {
			v.find(entryName(e.index), "%v", err)
		}
	}
	return v.openCheckpoint()
}

func (v *verifier) openCheckpoint() bool {
	signed := v.files[checkpointName]
	cp, cosigs, err := v.trust.OpenCheckpoint(signed)
	if err != nil {
		v.find(checkpointName, "%v", err)
	}
	if cp.Size == 0 {
		return false
	}
	set := v.trust.SetAt(cp.Size)
	l := &v.verdict.Ledger
	*l = Ledger{Origin: cp.Origin, Size: cp.Size, Root: base64.StdEncoding.EncodeToString(cp.Root[:]), CosignerSet: set.Number, Voters: len(set.Members)}
	for _, c := range cosigs {
		l.Cosigners = append(l.Cosigners, Cosigner{Name: c.Name, Time: c.Time})
	}
	_, sigs, _ := strings.Cut(string(signed), "\n\n")
	if lines := strings.Count(sigs, "\n"); lines != 1+len(cosigs) {
		v.find(checkpointName, "has %d signature lines, of which only %d are by known keys", lines, 1+len(cosigs))
	}
	v.done("checkpoint of %d entries: log key, and %d of %d cosigners of set %d", cp.Size, len(cosigs), len(set.Members), set.Number)
	return true
}

func (v *verifier) checkpoint() merkle.Checkpoint {
	cp, _ := merkle.PeekCheckpoint(v.files[checkpointName]) // opened before
	return cp
}

// proveEntries checks every leaf against the checkpoint and every payload against its leaf.
func (v *verifier) proveEntries() bool {
	cp := v.checkpoint()
	for i := range v.entries {
		e := &v.entries[i]
		if e.Index >= cp.Size {
			v.damage(e.Index, "lies beyond the checkpoint of %d entries", cp.Size)
			continue
		}
		if err := tlog.CheckRecord(e.Path, cp.Size, cp.Root, e.Index, tlog.RecordHash(e.Leaf)); err != nil {
			v.damage(e.Index, "is not in the ledger: its proof does not lead to the checkpoint")
			continue
		}
		c, err := v.payloadOf(e)
		if err != nil {
			v.damage(e.Index, "%v", err)
			continue
		}
		v.checked[e.Index] = c
		v.export = c
	}
	v.verdict.Counts.Entries = len(v.checked)
	v.done("%d entries: inclusion in the checkpoint, payload against leaf", len(v.checked))
	if v.export == nil || v.export.leaf.Kind != entry.KindExport {
		v.find(entriesName, "the last entry is not an export, so nothing shows that the bundle is complete")
		return false
	}
	return v.nameShipment()
}

func (v *verifier) damage(index int64, format string, args ...any) {
	v.damaged[index] = true
	v.find(entryName(index), format, args...)
}

// nameShipment finds the one case that the export covers.
func (v *verifier) nameShipment() bool {
	cases := 0
	for _, l := range v.export.leaf.Links {
		if l.Subject.Kind == entry.SubjectCase {
			v.shipment = l.Subject.ID
			cases++
		}
	}
	if cases != 1 {
		v.find(entryName(v.export.index), "the export covers %d cases, want one", cases)
		return false
	}
	v.verdict.Shipment.ID = v.shipment.String()
	access, err := entry.ParseAccess(v.export.payload)
	if err != nil {
		v.find(entryName(v.export.index), "%v", err)
		return false
	}
	v.verdict.Export = Export{Person: access.By.String(), Reason: access.Reason, Time: wall(v.export.leaf.RecordTimeMS)}
	return true
}

// walkChains follows the chain of every subject that the export touches or observes back to its beginning. An entry that
// was left out leaves a hole; one that does not belong is left over.
func (v *verifier) walkChains() bool {
	inChain := map[int64]bool{v.export.index: true}
	for _, link := range v.export.leaf.Links {
		v.walkChain(link.Subject, link.Count-1, link.Prev, inChain)
	}
	for _, link := range v.export.leaf.Observed {
		v.walkChain(link.Subject, link.Count, link.Prev, inChain)
	}
	for index := range v.checked {
		if !inChain[index] && len(v.damaged) == 0 { // behind a damaged entry a chain can't be followed
			v.find(entryName(index), "does not belong to what the export covers")
		}
	}
	if !v.export.leaf.Covers(entry.Policy) {
		v.find(entryName(v.export.index), "the export does not cover the policy chain of cosigner sets")
	}
	if len(v.damaged) > 0 {
		return false // what hangs on a damaged entry would only be reported once more
	}
	v.done("chains of %d subjects, whole from the export back to their first entry", len(v.export.leaf.Links)+len(v.export.leaf.Observed))
	return true
}

// walkChain follows one chain from its entry number count, at index, to number 1.
func (v *verifier) walkChain(s entry.Subject, count uint64, index int64, inChain map[int64]bool) {
	for before := v.export.index; index != entry.NoPrev; {
		c := v.checked[index]
		if v.damaged[index] {
			return
		}
		if c == nil {
			v.find(entryName(index), "is missing: it is number %d of %s", count, s)
			return
		}
		l := c.leaf.Link(s)
		if l == nil || l.Count != count || index >= before {
			v.find(entryName(index), "does not continue the chain of %s", s)
			return
		}
		inChain[index] = true
		before, count, index = index, count-1, l.Prev
	}
}

// sorted returns the proven entries of a kind in index order.
func (v *verifier) sorted(kinds ...entry.Kind) []*checkedEntry {
	var out []*checkedEntry
	for _, c := range v.checked {
		if slices.Contains(kinds, c.leaf.Kind) {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b *checkedEntry) int { return int(a.index - b.index) })
	return out
}
