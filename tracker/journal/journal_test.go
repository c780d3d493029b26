package journal_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"isotherm/ledger"
	"isotherm/ledger/merkle"
	"isotherm/ledger/record"
	"isotherm/tracker/journal"
)

var testKey = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{3}, ed25519.SeedSize))

var testPublic = testKey.Public().(ed25519.PublicKey)

// testing.TB and rapid.T share this much.
type tester interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
	Errorf(string, ...any)
}

func open(t tester, dir string) *journal.Journal {
	t.Helper()
	j, err := journal.Open(journal.Options{Dir: dir, Key: testKey, Boot: record.Boot{Software: "test"},
		At: record.Stamp{MonoMS: 1, Quality: record.ClockUnset}})
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// checkClose checks the journal whole, and closes it.
func checkClose(t tester, j *journal.Journal) {
	t.Helper()
	if err := j.Check(); err != nil {
		t.Errorf("check: %v", err)
	}
	if err := j.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

// openChecked opens a journal that is checked when the test ends.
func openChecked(t *testing.T, dir string) *journal.Journal {
	t.Helper()
	j := open(t, dir)
	t.Cleanup(func() { checkClose(t, j) })
	return j
}

func reading(seq uint64) *record.Record {
	return &record.Record{Seq: seq, Kind: record.KindReading, At: record.Stamp{MonoMS: seq * 10_000, Quality: record.ClockRTC},
		Reading: &record.Reading{Samples: []record.Sample{{Probe: 0, TempMC: int32(4000 + seq%100)}}}}
}

// fill appends readings until the journal has size records, in one flush.
func fill(t tester, j *journal.Journal, size uint64) {
	t.Helper()
	var records []*record.Record
	for seq := uint64(j.Newest().Size); seq < size; seq++ {
		records = append(records, reading(seq))
	}
	if err := j.Append(records...); err != nil {
		t.Fatal(err)
	}
}

func journalFiles(t *testing.T, dir, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func bootOf(t *testing.T, j *journal.Journal) *record.Boot {
	t.Helper()
	records, err := j.Records(j.Incarnation(), 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	r, err := record.Parse(records[0])
	if err != nil {
		t.Fatal(err)
	}
	return r.Boot
}

func TestOpen_CitesPredecessor(t *testing.T) {
	dir := t.TempDir()
	first := open(t, dir)
	if boot := bootOf(t, first); boot.Predecessor != nil || boot.BootCount != 1 {
		t.Errorf("first incarnation: got predecessor %v and boot count %d, want none and 1", boot.Predecessor, boot.BootCount)
	}
	fill(t, first, 7)
	head := first.Newest()
	checkClose(t, first)

	second := openChecked(t, dir)
	boot := bootOf(t, second)
	want := &record.Predecessor{Incarnation: head.Incarnation, Size: 7, Root: head.Root}
	if diff := cmp.Diff(want, boot.Predecessor); diff != "" {
		t.Errorf("predecessor (-want +got):\n%s", diff)
	}
	if got, want := boot.BootCount, uint64(2); got != want {
		t.Errorf("boot count: got %d, want %d", got, want)
	}
	if got, want := boot.Incarnation, second.Incarnation(); got != want {
		t.Errorf("incarnation in the boot record: got %s, want %s", got, want)
	}
	if len(second.Damage()) != 0 {
		t.Errorf("damage: got %v, want none", second.Damage())
	}
}

func TestOpen_OneProcess(t *testing.T) {
	dir := t.TempDir()
	openChecked(t, dir)
	if _, err := journal.Open(journal.Options{Dir: dir, Key: testKey}); err == nil {
		t.Error("a second opening of the directory: got no error")
	}
}

func TestJournal_HeadOpensWithVerifierKey(t *testing.T) {
	j := openChecked(t, t.TempDir())
	fill(t, j, 700)
	origin := record.Origin(ledger.BoxIDOf(testPublic), j.Incarnation())
	verifier, err := note.NewVerifier(merkle.VerifierKey(origin, testPublic))
	if err != nil {
		t.Fatal(err)
	}
	var hashes []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, x := range indexes {
			out[i] = hashes[x]
		}
		return out, nil
	})
	records, err := j.Records(j.Incarnation(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for i, b := range records {
		more, err := tlog.StoredHashes(int64(i), b, reader)
		if err != nil {
			t.Fatal(err)
		}
		hashes = append(hashes, more...)
		size := int64(i + 1)
		if size%97 != 0 && size%journal.FrontierStep > 1 && size != 700 {
			continue
		}
		head, err := j.Head(j.Incarnation(), size)
		if err != nil {
			t.Fatal(err)
		}
		n, err := note.Open(head.Signed, note.VerifierList(verifier))
		if err != nil {
			t.Fatalf("head of size %d: %v", size, err)
		}
		root, err := tlog.TreeHash(size, reader)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := n.Text, (merkle.Checkpoint{Origin: origin, Size: size, Root: root}).Body(); got != want {
			t.Errorf("head of size %d: got %q, want %q", size, got, want)
		}
	}
	again, err := j.Head(j.Incarnation(), 700)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(j.Newest().Signed), string(again.Signed); got != want {
		t.Errorf("newest head: got %q, want the one signed anew %q", got, want)
	}
}

func TestJournal_Refuses(t *testing.T) {
	j := openChecked(t, t.TempDir())
	if err := j.Append(reading(5)); err == nil {
		t.Error("record with a hole before it: got no error")
	}
	if err := j.Append(reading(1), reading(3)); err == nil {
		t.Error("records with a hole between: got no error")
	}
	if err := j.Append(&record.Record{Seq: 1, Kind: record.KindAct, At: record.Stamp{Quality: 1}, Act: &record.Act{Bytes: make([]byte, record.MaxSize)}}); err == nil {
		t.Error("record that is too long: got no error")
	}
	unknown := ledger.NewIncarnationID()
	if _, err := j.Records(unknown, 0, 1); !errors.Is(err, journal.ErrUnknown) {
		t.Errorf("records of an unknown incarnation: got %v, want ErrUnknown", err)
	}
	if _, err := j.Head(j.Incarnation(), 2); !errors.Is(err, journal.ErrUnknown) {
		t.Errorf("head of more than there is: got %v, want ErrUnknown", err)
	}
	if err := j.PutReceipt(j.Incarnation(), 2, []byte("receipt")); !errors.Is(err, journal.ErrUnknown) {
		t.Errorf("receipt for more than there is: got %v, want ErrUnknown", err)
	}
	fill(t, j, 2) // and none of it did harm
}

func TestJournal_Receipts(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	fill(t, j, 10)
	inc := j.Incarnation()
	for _, put := range []struct {
		size int64
		text string
	}{{4, "four"}, {9, "nine"}, {6, "six"}} {
		if err := j.PutReceipt(inc, put.size, []byte(put.text)); err != nil {
			t.Fatal(err)
		}
	}
	checkClose(t, j)
	j = openChecked(t, dir)
	size, receipt, err := j.Receipted(inc)
	if err != nil {
		t.Fatal(err)
	}
	if size != 9 || string(receipt) != "nine" {
		t.Errorf("newest receipt: got %d %q, want 9 \"nine\"", size, receipt)
	}
}

func TestJournal_Prune(t *testing.T) {
	dir := t.TempDir()
	var ids []ledger.IncarnationID
	for range 4 {
		j := open(t, dir)
		fill(t, j, 300)
		ids = append(ids, j.Incarnation())
		checkClose(t, j)
	}
	j := openChecked(t, dir)
	prune := func(keep int64, want ...ledger.IncarnationID) {
		t.Helper()
		got, err := j.Prune(keep)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("pruned (-want +got):\n%s", diff)
		}
	}
	put := func(i int, size int64) {
		t.Helper()
		if err := j.PutReceipt(ids[i], size, []byte("receipt")); err != nil {
			t.Fatal(err)
		}
	}
	prune(0) // nothing is receipted
	put(1, 300)
	prune(0) // the oldest is not
	put(0, 299)
	prune(0) // not to its end
	put(0, 300)
	prune(1 << 40) // there is room
	prune(0, ids[0], ids[1])
	put(2, 300)
	put(3, 300)
	prune(0, ids[2], ids[3])
	if err := j.PutReceipt(j.Incarnation(), 1, []byte("receipt")); err != nil {
		t.Fatal(err)
	}
	prune(0) // never the current one
	if got := journalFiles(t, dir, "*.journal*"); len(got) != 2 {
		t.Errorf("files left: got %v, want the current one and its receipt", got)
	}
}

func TestJournal_FullDisk(t *testing.T) {
	j := openChecked(t, t.TempDir())
	fill(t, j, 100)
	j.SetMaxSize(64 << 10)
	var pending []*record.Record
	var err error
	for seq := uint64(100); seq < 20_000; seq++ {
		pending = append(pending, reading(seq))
		if len(pending) < 100 {
			continue
		}
		if err = j.Append(pending...); err != nil {
			break
		}
		pending = nil
	}
	if !errors.Is(err, journal.ErrFull) {
		t.Fatalf("append to a full disk: got %v, want ErrFull", err)
	}
	before := j.Newest()
	if got, want := uint64(before.Size), pending[0].Seq; got != want {
		t.Errorf("size after the failure: got %d, want %d", got, want)
	}
	if err := j.Append(pending...); !errors.Is(err, journal.ErrFull) {
		t.Errorf("append again: got %v, want ErrFull", err)
	}
	if records, err := j.Records(j.Incarnation(), before.Size-5, 10); err != nil || len(records) != 5 {
		t.Errorf("reading from a full disk: got %d records and %v, want 5", len(records), err)
	}
	j.LiftMaxSize()
	pending = append(pending, reading(pending[len(pending)-1].Seq+1))
	if err := j.Append(pending...); err != nil {
		t.Fatal(err)
	}
	if got, want := j.Newest().Size, before.Size+101; got != want {
		t.Errorf("size when there is room again: got %d, want %d", got, want)
	}
}

func TestLoadKey(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	key, err := journal.LoadKey(dir)
	if err != nil {
		t.Fatal(err)
	}
	again, err := journal.LoadKey(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !key.Equal(again) {
		t.Error("second start: got another key")
	}
	path := filepath.Join(dir, "box.key")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := info.Mode().Perm(), os.FileMode(0o600); got != want {
		t.Errorf("mode: got %v, want %v", got, want)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := journal.LoadKey(dir); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("key that the group can read: got error %v, want one that says what to do", err)
	}
	if err := os.WriteFile(path, []byte("junk"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := journal.LoadKey(dir); err == nil {
		t.Error("junk: got no error")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	checkClose(t, open(t, dir))
	if _, err := journal.LoadKey(dir); err == nil {
		t.Error("key lost beside a journal: got no error, want none made by accident")
	}
}

// model is what a journal must hold: the canonical records of every incarnation.
type model struct {
	dir      string
	j        *journal.Journal
	ids      []ledger.IncarnationID
	records  map[ledger.IncarnationID][][]byte
	receipts map[ledger.IncarnationID]int64
}

func (m *model) open(t *rapid.T) {
	m.j = open(t, m.dir)
	inc := m.j.Incarnation()
	records, err := m.j.Records(inc, 0, 10)
	if err != nil || len(records) != 1 {
		t.Fatalf("new incarnation: got %d records and %v, want the boot record", len(records), err)
	}
	m.ids = append(m.ids, inc)
	m.records[inc] = records
}

func (m *model) append(t *rapid.T) {
	inc := m.j.Incarnation()
	var records []*record.Record
	for range rapid.SampledFrom([]int{0, 1, 2, 30, 300}).Draw(t, "count") {
		r := reading(uint64(len(m.records[inc])))
		b, err := r.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
		m.records[inc] = append(m.records[inc], b)
	}
	if err := m.j.Append(records...); err != nil {
		t.Fatal(err)
	}
}

func (m *model) read(t *rapid.T) {
	inc := rapid.SampledFrom(m.ids).Draw(t, "incarnation")
	want := m.records[inc]
	from := rapid.IntRange(0, len(want)).Draw(t, "from")
	limit := rapid.IntRange(0, 400).Draw(t, "limit")
	got, err := m.j.Records(inc, int64(from), limit)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(append([][]byte{}, want[from:min(from+limit, len(want))]...), got); diff != "" {
		t.Fatalf("records (-want +got):\n%s", diff)
	}
	var f merkle.Frontier
	for _, b := range want[:from] {
		f.Append(tlog.RecordHash(b))
	}
	head, err := m.j.Head(inc, int64(from))
	if err != nil {
		t.Fatal(err)
	}
	c, id, err := record.OpenHead(head.Signed, testPublic)
	if err != nil {
		t.Fatal(err)
	}
	if id != inc || c.Size != int64(from) || c.Root != f.Root() {
		t.Fatalf("head of size %d: got %v", from, c)
	}
}

func (m *model) receipt(t *rapid.T) {
	inc := rapid.SampledFrom(m.ids).Draw(t, "incarnation")
	size := rapid.Int64Range(1, int64(len(m.records[inc]))).Draw(t, "size")
	if err := m.j.PutReceipt(inc, size, []byte("receipt")); err != nil {
		t.Fatal(err)
	}
	m.receipts[inc] = max(m.receipts[inc], size)
}

func (m *model) prune(t *rapid.T) {
	removed, err := m.j.Prune(rapid.Int64Range(0, 200_000).Draw(t, "keep"))
	if err != nil {
		t.Fatal(err)
	}
	for _, inc := range removed {
		if inc != m.ids[0] || inc == m.j.Incarnation() || m.receipts[inc] != int64(len(m.records[inc])) {
			t.Fatalf("pruned %s with %d of %d records receipted", inc, m.receipts[inc], len(m.records[inc]))
		}
		m.ids = m.ids[1:]
	}
}

func (m *model) check(t *rapid.T) {
	list := m.j.Incarnations()
	if len(list) != len(m.ids) {
		t.Fatalf("got %d incarnations, want %d", len(list), len(m.ids))
	}
	for i, inc := range list {
		if inc.ID != m.ids[i] || inc.Size != int64(len(m.records[inc.ID])) || inc.Receipted != m.receipts[inc.ID] || inc.Current != (i == len(list)-1) {
			t.Fatalf("incarnation %d: got %+v, want %s with %d records, %d receipted", i, inc, m.ids[i], len(m.records[inc.ID]), m.receipts[inc.ID])
		}
	}
}

func TestJournal_Model(t *testing.T) {
	base := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp(base, "")
		if err != nil {
			t.Fatal(err)
		}
		m := &model{dir: dir, records: map[ledger.IncarnationID][][]byte{}, receipts: map[ledger.IncarnationID]int64{}}
		m.open(t)
		defer func() { checkClose(t, m.j) }()
		t.Repeat(map[string]func(*rapid.T){
			"append":  m.append,
			"read":    m.read,
			"receipt": m.receipt,
			"prune":   m.prune,
			"reopen": func(t *rapid.T) {
				checkClose(t, m.j)
				m.open(t)
			},
			"": m.check,
		})
	})
}
