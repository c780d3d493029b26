package journal

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"go.etcd.io/bbolt"
	bbolterrors "go.etcd.io/bbolt/errors"
	"golang.org/x/mod/sumdb/tlog"
	"golang.org/x/sys/unix"

	"isotherm/ledger"
	"isotherm/ledger/durable"
	"isotherm/ledger/merkle"
	"isotherm/ledger/record"
)

// Options of Open.
type Options struct {
	Dir  string             // one box, one directory; made if missing, mode 0700
	Key  ed25519.PrivateKey // from LoadKey
	Boot record.Boot        // Key, Incarnation, BootCount and Predecessor are filled in by Open
	At   record.Stamp       // time of the boot record
}

// Head is a signed head and what it says.
type Head struct {
	Incarnation ledger.IncarnationID
	Size        int64
	Root        tlog.Hash
	Signed      []byte // C2SP checkpoint
}

// Incarnation describes one incarnation on disk.
type Incarnation struct {
	ID        ledger.IncarnationID
	BootCount uint64
	Size      int64 // records
	Receipted int64 // records the ledger has receipted
	Current   bool  // the one that grows
}

// Damage tells of a file that no longer proved itself when it was opened.
type Damage struct {
	Incarnation ledger.IncarnationID
	Kept        int64  // records that could still be proved and stay available
	Known       int64  // size of the last head known from elsewhere; 0 when it was of another incarnation
	Path        string // where the damaged file lies now; empty when it is whole but older than the last head
	Err         error
}

// Journal is the open journal of a box. Its methods may be called from several goroutines; only one may append.
type Journal struct {
	dir   string
	key   ed25519.PrivateKey
	lock  *os.File
	heads *lastHeads

	newest atomic.Pointer[Head]          // newest committed head; read without waiting for the disk
	list   atomic.Pointer[[]Incarnation] // likewise
	damage []Damage                      // found by Open; not changed after

	mu      sync.Mutex // guards what follows, and is held over disk writes
	files   []*file    // oldest first; the last one is current
	db      *bbolt.DB  // current, read-write; nil when it could not be opened again after a failed write
	suspect bool       // a write to db failed
	other   *bbolt.DB  // at most one closed incarnation, read-only
	tree    merkle.Frontier
	broken  error
	maxSize int // of the current file, 0 for no limit; tests use it to make a disk full
}

// file is what is known of an incarnation's file.
type file struct {
	name
	size      int64
	root      tlog.Hash
	receipted int64
}

func (j *Journal) path(n name) string { return filepath.Join(j.dir, n.String()) }

// Open locks the directory, verifies every file in it, and starts a new incarnation that cites the newest head known. A
// damaged file is reported by Damage, not as an error. Errors: the directory is in use, or can't be written.
func Open(o Options) (*Journal, error) {
	if len(o.Key) != ed25519.PrivateKeySize {
		return nil, errors.New("open journal: no key")
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	lock, err := lockDir(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	heads, last, err := openLastHeads(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", errors.Join(err, lock.Close()))
	}
	j := &Journal{dir: o.Dir, key: o.Key, lock: lock, heads: heads}
	if err := j.start(o, last); err != nil {
		return nil, fmt.Errorf("open journal: %w", errors.Join(err, j.Close()))
	}
	return j, nil
}

func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("directory %s is in use by another process: %w", dir, err), f.Close())
	}
	return f, nil
}

func (j *Journal) start(o Options, last lastHead) error {
	if err := j.scan(last); err != nil {
		return err
	}
	pred := j.predecessor(last)
	boot := o.Boot
	boot.Key = j.key.Public().(ed25519.PublicKey)
	boot.Incarnation = ledger.NewIncarnationID()
	boot.BootCount = pred.BootCount + 1
	if !pred.Incarnation.IsZero() {
		boot.Predecessor = &record.Predecessor{Incarnation: pred.Incarnation, Size: pred.Size, Root: pred.Root}
	}
	first, err := (&record.Record{Kind: record.KindBoot, At: o.At, Boot: &boot}).Append(nil)
	if err != nil {
		return err
	}
	n := name{count: boot.BootCount, inc: boot.Incarnation}
	err = createFile(j.path(n), newSigner(j.key, n.inc), [][]byte{first})
	if errors.Is(err, ErrFull) { // a full disk must not keep a box from starting: give up what the ledger has
		if removed, e := j.prune(0, len(j.files)); e == nil && len(removed) > 0 {
			err = createFile(j.path(n), newSigner(j.key, n.inc), [][]byte{first})
		}
	}
	if err != nil {
		return err
	}
	j.files = append(j.files, &file{name: n})
	return j.reopen()
}

// scan verifies every journal file and sets damaged ones aside.
func (j *Journal) scan(last lastHead) error {
	entries, err := os.ReadDir(j.dir) // sorted by name, so by boot count
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), durable.TempSuffix) {
			if err := os.Remove(filepath.Join(j.dir, e.Name())); err != nil {
				return fmt.Errorf("remove what a crash left: %w", err)
			}
			continue
		}
		n, ok := parseName(e.Name())
		if !ok {
			continue
		}
		f, err := j.inspect(n, last)
		if err != nil {
			return err
		}
		if f != nil {
			j.files = append(j.files, f)
		}
	}
	return nil
}

// inspect verifies one file. It returns nil when nothing of it can be kept.
func (j *Journal) inspect(n name, last lastHead) (*file, error) {
	s := newSigner(j.key, n.inc)
	var hint lastHead
	if last.Incarnation == n.inc {
		hint = last
	}
	var v verified
	db, fault := openDB(j.path(n), true, 0)
	if fault == nil {
		v, fault = verify(db, s, hint)
		if fault == nil && (v.boot == nil || v.boot.Incarnation != n.inc || !bytes.Equal(v.boot.Key, j.key.Public().(ed25519.PublicKey))) {
			fault = errors.New("boot record is of another journal")
			v.proved = 0
		}
		if err := db.Close(); err != nil {
			return nil, err
		}
	}
	f := &file{name: n, size: v.frontier.Size(), root: v.frontier.Root()}
	switch {
	case fault != nil && (errors.Is(fault, os.ErrPermission) || errors.Is(fault, bbolterrors.ErrTimeout)):
		return nil, fault // not damage: never set a good file aside for these
	case fault != nil:
		corrupt, err := salvage(j.path(n), s, v.proved)
		if err != nil && corrupt == "" {
			return nil, err
		}
		d := Damage{Incarnation: n.inc, Known: hint.Size, Path: corrupt, Err: errors.Join(fault, err)}
		if err != nil || v.proved == 0 {
			j.damage = append(j.damage, d)
			return nil, nil
		}
		d.Kept = v.proved
		j.damage = append(j.damage, d)
		return j.inspect(n, last)
	case hint.Size > f.size && !j.reported(n.inc):
		j.damage = append(j.damage, Damage{Incarnation: n.inc, Kept: f.size, Known: hint.Size,
			Err: errors.New("file is older than the last head: it was restored or cut")})
	}
	f.receipted = j.readReceipted(n)
	return f, nil
}

func (j *Journal) reported(inc ledger.IncarnationID) bool {
	return slices.ContainsFunc(j.damage, func(d Damage) bool { return d.Incarnation == inc })
}

// predecessor returns the newest head known: of the newest file, or the last-head file where that knows more.
func (j *Journal) predecessor(last lastHead) lastHead {
	if len(j.files) == 0 {
		return last
	}
	f := j.files[len(j.files)-1]
	if last.BootCount > f.count || last.Incarnation == f.inc && last.Size > f.size {
		return last
	}
	return lastHead{BootCount: f.count, Incarnation: f.inc, Size: f.size, Root: f.root}
}

// Close releases the files and the directory. It flushes nothing: what Append returned for is on disk.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.broken == nil {
		j.broken = errors.New("journal is closed")
	}
	var errs []error
	for _, db := range []*bbolt.DB{j.db, j.other} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	j.db, j.other = nil, nil
	errs = append(errs, j.heads.close(), j.lock.Close())
	j.heads = &lastHeads{}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close journal: %w", err)
	}
	return nil
}

// Incarnation returns the incarnation that this opening started.
func (j *Journal) Incarnation() ledger.IncarnationID { return j.newest.Load().Incarnation }

// Newest returns the newest committed head. It does not wait for the disk.
func (j *Journal) Newest() Head { return *j.newest.Load() }

// Incarnations returns what is on disk, oldest first. It does not wait for the disk.
func (j *Journal) Incarnations() []Incarnation { return slices.Clone(*j.list.Load()) }

// relist renews what Incarnations returns. The caller holds mu.
func (j *Journal) relist() {
	out := make([]Incarnation, len(j.files))
	for i, f := range j.files {
		out[i] = Incarnation{ID: f.inc, BootCount: f.count, Size: f.size, Receipted: f.receipted, Current: f == j.current()}
	}
	j.list.Store(&out)
}

// Damage returns what Open found damaged.
func (j *Journal) Damage() []Damage { return slices.Clone(j.damage) }
