package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"go.etcd.io/bbolt"
	"golang.org/x/mod/sumdb/tlog"

	"isotherm/ledger"
	"isotherm/ledger/cbor"
	"isotherm/ledger/durable"
)

// ErrUnknown says that the journal does not hold that incarnation, or not that many records of it.
var ErrUnknown = errors.New("not in this journal")

// find returns the file of an incarnation and the open database. The caller holds mu.
func (j *Journal) find(inc ledger.IncarnationID, size int64) (*file, *bbolt.DB, error) {
	i := slices.IndexFunc(j.files, func(f *file) bool { return f.inc == inc })
	if i < 0 || size < 0 || size > j.files[i].size {
		return nil, nil, fmt.Errorf("%d records of incarnation %s: %w", size, inc, ErrUnknown)
	}
	f := j.files[i]
	if f == j.current() {
		if j.db == nil {
			return nil, nil, fmt.Errorf("incarnation %s waits for its disk: %w", inc, ErrFull)
		}
		return f, j.db, nil
	}
	path := j.path(f.name)
	if j.other != nil && j.other.Path() == path {
		return f, j.other, nil
	}
	if err := j.closeOther(); err != nil {
		return nil, nil, err
	}
	db, err := openDB(path, true, 0)
	if err != nil {
		return nil, nil, err
	}
	j.other = db
	return f, db, nil
}

func (j *Journal) closeOther() error {
	if j.other == nil {
		return nil
	}
	err := j.other.Close()
	j.other = nil
	if err != nil {
		return fmt.Errorf("close journal file: %w", err)
	}
	return nil
}

// Records returns the canonical bytes of at most limit records from a seq on; none at the end. Error: ErrUnknown.
func (j *Journal) Records(inc ledger.IncarnationID, from int64, limit int) ([][]byte, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	f, db, err := j.find(inc, from)
	if err != nil {
		return nil, fmt.Errorf("read records: %w", err)
	}
	return readRecords(db, from, int(min(int64(max(limit, 0)), f.size-from)))
}

func readRecords(db *bbolt.DB, from int64, n int) ([][]byte, error) {
	out := make([][]byte, 0, n)
	err := guard(func() error {
		return db.View(func(tx *bbolt.Tx) error {
			c := tx.Bucket(bucketRecords).Cursor()
			for k, b := c.Seek(be64(uint64(from))); k != nil && len(out) < n; k, b = c.Next() {
				out = append(out, slices.Clone(b))
			}
			return nil
		})
	})
	if err == nil && len(out) != n {
		err = fmt.Errorf("got %d records, want %d", len(out), n)
	}
	if err != nil {
		return nil, fmt.Errorf("read records from %d: %w", from, err)
	}
	return out, nil
}

// Root returns the root of the first size records of an incarnation. Error: ErrUnknown.
func (j *Journal) Root(inc ledger.IncarnationID, size int64) (tlog.Hash, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	_, db, err := j.find(inc, size)
	if err != nil {
		return tlog.Hash{}, fmt.Errorf("root: %w", err)
	}
	var root tlog.Hash
	err = guard(func() error {
		return db.View(func(tx *bbolt.Tx) (err error) {
			root, err = rootAt(tx, size)
			return err
		})
	})
	if err != nil {
		return tlog.Hash{}, fmt.Errorf("root of %d records: %w", size, err)
	}
	return root, nil
}

// Head returns the signed head of any committed size. It signs anew: the same size always has the same root, and Ed25519
// gives the same signature for it. Error: ErrUnknown.
func (j *Journal) Head(inc ledger.IncarnationID, size int64) (Head, error) {
	root, err := j.Root(inc, size)
	if err != nil {
		return Head{}, fmt.Errorf("head: %w", err)
	}
	signed, err := newSigner(j.key, inc).sign(size, root)
	if err != nil {
		return Head{}, fmt.Errorf("head: %w", err)
	}
	return Head{Incarnation: inc, Size: size, Root: root, Signed: signed}, nil
}

const receiptSuffix = ".receipt"

// maxReceipt bounds a receipt and a checkpoint on disk; entry.MaxReceipt is less.
const maxReceipt = 128 << 10

// PutReceipt stores the ledger's receipt for the first size records of an incarnation, durably. The caller MUST have
// verified it: what is receipted may be deleted. A receipt for less than is receipted already changes nothing.
func (j *Journal) PutReceipt(inc ledger.IncarnationID, size int64, receipt []byte) error {
	if len(receipt) == 0 || len(receipt) > maxReceipt {
		return fmt.Errorf("store receipt of %d bytes, at most %d are allowed", len(receipt), maxReceipt)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	i := slices.IndexFunc(j.files, func(f *file) bool { return f.inc == inc })
	if i < 0 || size <= 0 || size > j.files[i].size {
		return fmt.Errorf("store receipt for %d records of incarnation %s: %w", size, inc, ErrUnknown)
	}
	f := j.files[i]
	if size <= f.receipted {
		return nil
	}
	b := cbor.AppendArray(nil, 2)
	b = cbor.AppendUint(b, uint64(size))
	b = cbor.AppendBytes(b, receipt)
	// A full disk is no reason to keep what the ledger has to its end: Prune may remove journal and receipt together.
	err := durable.WriteFile(j.path(f.name)+receiptSuffix, seal(b), 0o600)
	if whole := f != j.current() && size == f.size; err != nil && !(whole && errors.Is(classify(err), ErrFull)) {
		return fmt.Errorf("store receipt: %w", err)
	}
	f.receipted = size
	j.relist()
	return nil
}

// Receipted returns how many records of an incarnation the ledger has receipted, and the newest receipt; 0 and nil when
// there is none. Error: ErrUnknown.
func (j *Journal) Receipted(inc ledger.IncarnationID) (int64, []byte, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	i := slices.IndexFunc(j.files, func(f *file) bool { return f.inc == inc })
	if i < 0 {
		return 0, nil, fmt.Errorf("receipt of incarnation %s: %w", inc, ErrUnknown)
	}
	if j.files[i].receipted == 0 {
		return 0, nil, nil
	}
	return readReceipt(j.path(j.files[i].name) + receiptSuffix)
}

func readReceipt(path string) (int64, []byte, error) {
	sealed, err := os.ReadFile(path)
	if err != nil {
		return 0, nil, fmt.Errorf("read receipt: %w", err)
	}
	b, err := unseal(sealed)
	if err != nil {
		return 0, nil, fmt.Errorf("read receipt: %w", err)
	}
	d := cbor.NewDecoder(b)
	d.ArrayOf(2)
	size := int64(d.UintMax(1 << 62))
	receipt := d.Bytes(maxReceipt)
	if err := d.Done(); err != nil {
		return 0, nil, fmt.Errorf("read receipt: %w", err)
	}
	return size, receipt, nil
}

// readReceipted returns the receipted size of a file at opening. A receipt that can't be read counts as none: the
// records are sent again, and the ledger answers with the same receipt.
func (j *Journal) readReceipted(n name) int64 {
	size, _, err := readReceipt(j.path(n) + receiptSuffix)
	if err != nil {
		return 0
	}
	return size
}

// Prune removes whole incarnations, oldest first, until the journal takes at most keep bytes. It removes only closed
// ones that the ledger has receipted to their end, and stops at the first that is not.
func (j *Journal) Prune(keep int64) (removed []ledger.IncarnationID, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.prune(keep, len(j.files)-1)
}

// prune removes at most the first n files. The caller holds mu.
func (j *Journal) prune(keep int64, n int) (removed []ledger.IncarnationID, err error) {
	var total int64
	sizes := make([]int64, len(j.files))
	for i, f := range j.files {
		info, err := os.Stat(j.path(f.name))
		if err != nil {
			return nil, fmt.Errorf("prune journal: %w", err)
		}
		sizes[i] = info.Size()
		total += info.Size()
	}
	if err := j.closeOther(); err != nil {
		return nil, fmt.Errorf("prune journal: %w", err)
	}
	for total > keep && len(removed) < n && j.files[0].receipted >= j.files[0].size {
		f := j.files[0]
		// The journal goes first: a receipt without a journal is harmless, the reverse would send everything again.
		if err := os.Remove(j.path(f.name)); err != nil {
			return removed, fmt.Errorf("prune journal: %w", err)
		}
		if err := os.Remove(j.path(f.name) + receiptSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return removed, fmt.Errorf("prune journal: %w", err)
		}
		removed = append(removed, f.inc)
		total -= sizes[0]
		sizes, j.files = sizes[1:], j.files[1:]
	}
	if len(removed) == 0 {
		return nil, nil
	}
	if len(j.files) > 0 {
		j.relist()
	}
	return removed, durable.SyncDir(j.dir)
}

// Check reads everything anew: bbolt's pages, every record, frontier and head, and the last-head files.
func (j *Journal) Check() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	var errs []error
	for _, f := range j.files {
		_, db, err := j.find(f.inc, f.size)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		v, err := verify(db, newSigner(j.key, f.inc), lastHead{})
		if err == nil && (v.frontier.Size() != f.size || v.frontier.Root() != f.root) {
			err = fmt.Errorf("file %s holds %d records, want %d with another root", filepath.Base(db.Path()), v.frontier.Size(), f.size)
		}
		if err == nil {
			err = checkPages(db)
		}
		errs = append(errs, err)
	}
	return errors.Join(append(errs, j.checkLastHead())...)
}

// checkPages runs bbolt's own check. verify came first, so that the file is known not to be cut.
func checkPages(db *bbolt.DB) error {
	var errs []error
	err := db.View(func(tx *bbolt.Tx) error {
		for err := range tx.Check() {
			errs = append(errs, err)
		}
		return nil
	})
	if err := errors.Join(append(errs, err)...); err != nil {
		return fmt.Errorf("check pages of %s: %w", filepath.Base(db.Path()), err)
	}
	return nil
}

func (j *Journal) checkLastHead() error {
	block := make([]byte, lastHeadSize)
	if _, err := j.heads.files[j.heads.turn%2].ReadAt(block, 0); err != nil {
		return fmt.Errorf("check last head: %w", err)
	}
	_, head, err := parseLastHead(block)
	if err != nil {
		return fmt.Errorf("check last head: %w", err)
	}
	if f := j.current(); head.Incarnation != f.inc || head.Size != f.size || head.Root != f.root {
		return fmt.Errorf("last head is of size %d of %s, want %d of %s", head.Size, head.Incarnation, f.size, f.inc)
	}
	return nil
}

const checkpointFile = "ledger-checkpoint"

// PutCheckpoint stores the newest checkpoint of the ledger that the box knows, durably. The caller MUST have verified it.
func (j *Journal) PutCheckpoint(signed []byte) error {
	if len(signed) > maxReceipt {
		return fmt.Errorf("store ledger checkpoint of %d bytes, at most %d are allowed", len(signed), maxReceipt)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := durable.WriteFile(filepath.Join(j.dir, checkpointFile), seal(signed), 0o600); err != nil {
		return fmt.Errorf("store ledger checkpoint: %w", err)
	}
	return nil
}

// Checkpoint returns what PutCheckpoint stored, nil when there is none or it can't be read: the box then knows of no
// state of the ledger, and takes the next one that is good.
func (j *Journal) Checkpoint() []byte {
	sealed, err := os.ReadFile(filepath.Join(j.dir, checkpointFile))
	if err != nil {
		return nil
	}
	signed, err := unseal(sealed)
	if err != nil {
		return nil
	}
	return signed
}
