package replica

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/mod/sumdb/tlog"

	"isotherm/ledger"
	"isotherm/ledger/durable"
	"isotherm/ledger/merkle"
	"isotherm/ledger/store"
)

// lastSignedFile holds the largest size this node has vouched for, with its root, as the text of a checkpoint. It is in
// no backup and no snapshot: without it the node could vouch for another history under its old name.
const lastSignedFile = "last-signed"

// signer vouches for sizes of the log, and never for two roots of one size.
type signer struct {
	origin   string
	cosigner *merkle.Cosigner
	store    *store.Store
	logger   *slog.Logger
	fatal    func(error)
	change   signal // when the node halts

	mu      sync.Mutex // guards what follows
	slots   *durable.Slots
	last    merkle.Checkpoint // the largest signed
	checked bool              // the state agrees with last; false again when the state is replaced
	halted  error
}

// errBehind says that the state does not reach as far as this node has signed, or is asked to sign.
var errBehind = ledger.Errorf(ledger.CodeUnavailable, "this node has not caught up yet")

// openSigner opens last-signed. used says that the node has a past: then a missing file is an error.
func openSigner(dir string, used bool, s *signer) error {
	path := filepath.Join(dir, lastSignedFile)
	slots, err := durable.OpenSlots(path)
	if errors.Is(err, os.ErrNotExist) {
		if used {
			return fmt.Errorf("%s is missing: this node can't know what it has signed; give it a new name and an empty folder", path)
		}
		slots, err = durable.CreateSlots(path, []byte(merkle.Checkpoint{Origin: s.origin, Root: merkle.EmptyRoot}.Body()))
	}
	if err != nil {
		return fmt.Errorf("read what this node has signed: %w", err)
	}
	s.slots = slots
	s.last, err = merkle.ParseBody(string(slots.Value()))
	if err == nil && s.last.Origin != s.origin {
		err = fmt.Errorf("it is for the ledger %s, not %s", s.last.Origin, s.origin)
	}
	if err == nil {
		if err = s.checkLast(); errors.Is(err, errBehind) {
			err = nil // it catches up before it signs
		}
	}
	if err != nil {
		return errors.Join(fmt.Errorf("read what this node has signed: %w", err), slots.Close())
	}
	return nil
}

// rootAt returns the root of the state at a size. errBehind when the state is shorter.
func (s *signer) rootAt(size int64) (root tlog.Hash, err error) {
	err = s.store.View(func(v *store.View) error {
		if v.Size() < size {
			return errBehind
		}
		root, err = v.Root(size)
		return err
	})
	return root, err
}

// checkLast makes sure, once, that the state contains what was signed last.
func (s *signer) checkLast() error {
	if s.checked {
		return nil
	}
	root, err := s.rootAt(s.last.Size)
	if err != nil {
		return err
	}
	if root != s.last.Root {
		return s.halt(fmt.Errorf("root at %d is %v, but this node has signed %v", s.last.Size, root, s.last.Root))
	}
	s.checked = true
	return nil
}

// halt stops all signing. It returns the reason.
func (s *signer) halt(reason error) error {
	if s.halted == nil {
		s.halted = reason
		s.logger.Error("this node's ledger differs from what was signed; it signs and takes nothing more", "reason", reason)
		s.change.change()
	}
	return haltError(s.halted)
}

func haltError(reason error) error {
	return ledger.Errorf(ledger.CodeInternal, "this node has halted: %v", reason)
}

// err returns why the node has halted, or nil.
func (s *signer) err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.halted == nil {
		return nil
	}
	return haltError(s.halted)
}

// recheck is called when the state was replaced by another node's.
func (s *signer) recheck() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.checked = false
}

// cosign returns this node's cosignature line for a checkpoint, whose size it has applied, after making sure that it
// will never sign another root for that size. errBehind when the state does not reach there.
func (s *signer) cosign(cp merkle.Checkpoint) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.halted != nil {
		return "", haltError(s.halted)
	}
	if cp.Origin != s.origin || cp.Size <= 0 {
		return "", ledger.Errorf(ledger.CodeInvalid, "checkpoint %d of %.80q is not one of this ledger", cp.Size, cp.Origin)
	}
	if err := s.checkLast(); err != nil {
		return "", err
	}
	root, err := s.rootAt(cp.Size)
	if err != nil {
		return "", err
	}
	if root != cp.Root {
		return "", s.halt(fmt.Errorf("root at %d is %v here, and %v on another node", cp.Size, root, cp.Root))
	}
	if cp.Size > s.last.Size {
		if err := s.slots.Set([]byte(cp.Body())); err != nil {
			s.fatal(err)
			s.halted = err
			return "", haltError(err)
		}
		s.last = cp
	}
	return s.cosigner.Cosign(cp)
}

func (s *signer) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.halted == nil {
		s.halted = errors.New("shut down")
	}
	return s.slots.Close()
}
