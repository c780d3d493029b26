package store

import (
	"errors"
	"fmt"
	"io"
	"os"

	bolt "go.etcd.io/bbolt"

	"isotherm/ledger/durable"
)

// Witness records that the state is at a raft index although its last raft entries were none of ours (a new leader's,
// a barrier). Raft may then drop its log up to there. A lower index changes nothing. Errors are fatal.
func (s *Store) Witness(index, term uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed != nil {
		return fmt.Errorf("%w: %w", ErrFailed, s.failed)
	}
	err := s.update(func(tx *bolt.Tx) error {
		a, err := newApplier(tx)
		if err != nil || a.view.AppliedIndex() >= index {
			return err
		}
		return a.finish(index, term)
	})
	if err != nil {
		s.failed = fmt.Errorf("witness raft index %d: %w", index, err)
		return fmt.Errorf("%w: %w", ErrFailed, s.failed)
	}
	return nil
}

// Export is a copy of the whole state at one raft index: what a node is sent that lags too far behind, and a backup.
type Export struct {
	Index, Term        uint64 // of raft
	Configuration      []byte // of the cluster, as raft encodes it
	ConfigurationIndex uint64
	Size               int64 // bytes to read
	file               *os.File
}

// Read reads the copy: a bbolt file.
func (e *Export) Read(p []byte) (int, error) { return e.file.Read(p) }

// Close gives the copy's room on disk back.
func (e *Export) Close() error { return e.file.Close() }

// Export copies the state to a file without a name beside it. A slow receiver so holds up neither writes nor the reuse
// of pages, at the price of the room for one copy.
func (s *Store) Export() (*Export, error) {
	temp := s.path + ".export"
	f, err := os.OpenFile(temp, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("export ledger state: %w", err)
	}
	if err := os.Remove(temp); err != nil { // the open file stays until it is closed
		return nil, errors.Join(fmt.Errorf("export ledger state: %w", err), f.Close())
	}
	e := &Export{file: f}
	err = s.View(func(v *View) error {
		e.Index, e.Term = v.Applied()
		e.ConfigurationIndex, e.Configuration = v.Configuration()
		e.Size, err = v.tx.WriteTo(f)
		return err
	})
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("export ledger state: %w", err), f.Close())
	}
	return e, nil
}

// InstallPath is where the bytes of another node's Export go before Install; beside the state, so that rename works.
func (s *Store) InstallPath() string { return s.path + ".install" }

// Install replaces the state with the synced file at InstallPath, which must be at the given raft index: checks it,
// rename, fsync of the folder. Readers of the old state finish undisturbed. Errors leave the old state in place, unless
// they wrap ErrFailed.
func (s *Store) Install(index uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed != nil {
		return fmt.Errorf("%w: %w", ErrFailed, s.failed)
	}
	db, err := openFile(s.InstallPath())
	if err != nil {
		return fmt.Errorf("install ledger state: %w", err)
	}
	if err := checkInstall(db, index); err != nil {
		return errors.Join(fmt.Errorf("install ledger state: %w", err), db.Close())
	}
	if err := durable.Rename(s.InstallPath(), s.path); err != nil {
		s.failed = fmt.Errorf("install ledger state: %w", err)
		return errors.Join(fmt.Errorf("%w: %w", ErrFailed, s.failed), db.Close())
	}
	old := s.db.Swap(db)
	s.old.Go(func() { old.Close() }) // waits for its readers; the file has no name any more, so nothing can be lost
	return nil
}

func checkInstall(db *bolt.DB, index uint64) error {
	tx, err := db.Begin(false)
	if err != nil {
		return err
	}
	return viewTx(tx, func(v *View) error {
		if got := v.AppliedIndex(); got != index {
			return fmt.Errorf("it is at raft index %d, want %d", got, index)
		}
		return v.checkTop()
	})
}
