package store

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"

	"isotherm/ledger/durable"
)

// Store is the state in one file. View may be called at any time; ApplyBatch, Witness and Install by one caller at a time,
// which is raft's.
type Store struct {
	path   string
	db     atomic.Pointer[bolt.DB]
	cache  preparedCache
	mu     sync.Mutex     // guards failed, and that writers come one at a time
	failed error          // the first failure; nothing is applied after it
	old    sync.WaitGroup // files that Install replaced, until their last reader is done
}

// ErrFailed is returned, with its cause, by everything that writes after a failure: the process must stop.
var ErrFailed = errors.New("the ledger's state could not be written, and this process must not go on")

// ErrCorrupt says that the file contradicts itself. It never heals: the node must be replaced.
var ErrCorrupt = errors.New("the ledger's state is damaged: replace this node, do not repair the file")

// openTimeout is how long Open waits for another process to let go of the file.
const openTimeout = time.Second

// mapSize is how much of the address space the file gets at once. bbolt must wait for all readers before it can map
// more, so that a long read of a growing file would hold up every write. 16 GiB, and 1 GiB on a 32-bit machine.
const mapSize = (1 << 30) << (^uint(0) >> 63 << 2)

// Open opens the state, and makes an empty one when there is no file: temporary file, fsync, rename, fsync of the
// folder. A file of another format or one that can't be read is an error, never a reason to start empty.
func Open(path string) (*Store, error) {
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		if err := create(path); err != nil {
			return nil, fmt.Errorf("create ledger state: %w", err)
		}
	}
	db, err := openFile(path)
	if err != nil {
		return nil, fmt.Errorf("open ledger state: %w", err)
	}
	s := &Store{path: path}
	s.db.Store(db)
	if err := s.View((*View).checkTop); err != nil {
		return nil, errors.Join(fmt.Errorf("open ledger state: %w", err), db.Close())
	}
	return s, nil
}

// create makes an empty state beside its place and moves it there, because a power cut during bbolt's very first write
// leaves a file that it can't open.
func create(path string) error {
	temp := path + ".new"
	if err := os.Remove(temp); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	db, err := openBolt(temp)
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bolt.Tx) error {
		for _, name := range bucketNames {
			if _, err := tx.CreateBucket([]byte(name)); err != nil {
				return err
			}
		}
		return tx.Bucket([]byte(bucketNames[bucketMeta])).Put(keyFormat, u64(formatVersion))
	})
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	return durable.Rename(temp, path)
}

// openBolt opens a file with bbolt, whose code for damaged files may panic.
func openBolt(path string) (db *bolt.DB, err error) {
	defer func() {
		if p := recover(); p != nil {
			db, err = nil, fmt.Errorf("%w: bbolt: %v", ErrCorrupt, p)
		}
	}()
	return bolt.Open(path, 0o600, &bolt.Options{
		Timeout:         openTimeout,
		NoFreelistSync:  true, // the list is made anew at start: writing it costs 4 KB and more a commit
		FreelistType:    bolt.FreelistMapType,
		InitialMmapSize: mapSize,
	})
}

// openFile opens an existing file and checks that this program knows its layout.
func openFile(path string) (*bolt.DB, error) {
	db, err := openBolt(path)
	if err != nil {
		return nil, err
	}
	err = db.View(func(tx *bolt.Tx) error {
		meta := tx.Bucket([]byte(bucketNames[bucketMeta]))
		if meta == nil {
			return fmt.Errorf("%w: it holds no ledger", ErrCorrupt)
		}
		if v, ok := num(meta.Get(keyFormat), 0); !ok || v != formatVersion {
			return fmt.Errorf("state has format %d, this program knows format %d", v, formatVersion)
		}
		if _, ok := openBuckets(tx); !ok {
			return fmt.Errorf("%w: a part is missing", ErrCorrupt)
		}
		return nil
	})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// Close waits for readers and closes the file.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed == nil {
		s.failed = errors.New("store is closed")
	}
	err := s.db.Load().Close()
	s.old.Wait()
	if err != nil {
		return fmt.Errorf("close ledger state: %w", err)
	}
	return nil
}

// View calls fn with a consistent snapshot of the state, and returns fn's error. A value that can't be read makes View
// return ErrCorrupt whatever fn returned. What fn gets of a View is valid until fn returns, unless said otherwise.
// A long View makes the file grow, because pages it may see are not used again.
func (s *Store) View(fn func(*View) error) error {
	for {
		db := s.db.Load()
		tx, err := db.Begin(false)
		if err != nil {
			if s.db.Load() != db {
				continue // replaced by Install in between
			}
			return fmt.Errorf("read ledger state: %w", err)
		}
		return viewTx(tx, fn)
	}
}

func viewTx(tx *bolt.Tx, fn func(*View) error) (err error) {
	defer func() { err = errors.Join(err, tx.Rollback()) }()
	b, ok := openBuckets(tx)
	if !ok {
		return fmt.Errorf("%w: a part is missing", ErrCorrupt)
	}
	v := &View{tx: tx, b: b}
	err = fn(v)
	if v.err != nil {
		return v.err
	}
	return err
}
