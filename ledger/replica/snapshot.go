package replica

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/hashicorp/raft"

	"isotherm/ledger/durable"
	"isotherm/ledger/store"
)

// A snapshot is a marker: the state file is synced with its raft index in it, so that it is its own newest snapshot. Only
// a follower that lags behind raft's log is sent its content. The marker file says up to where raft's log may have been
// dropped; a state older than that can't be brought forward, and openState refuses it.

const (
	snapshotState   = "state"
	snapshotInstall = "install"
	markerFile      = "marker"
)

// snapshots is raft's snapshot store.
type snapshots struct {
	machine *machine
	dir     string
	mu      sync.Mutex // guards the marker file and marked
	marked  uint64     // raft index in the marker file; it does not go back
}

// List returns the state as it is, or nothing while it is empty.
func (s *snapshots) List() ([]*raft.SnapshotMeta, error) {
	meta := &raft.SnapshotMeta{Version: raft.SnapshotVersionMax, ID: snapshotState}
	var encoded []byte
	err := s.machine.store.View(func(v *store.View) error {
		meta.Index, meta.Term = v.Applied()
		meta.ConfigurationIndex, encoded = v.Configuration()
		return nil
	})
	if err != nil || meta.Index == 0 || encoded == nil {
		return nil, err
	}
	meta.Configuration, err = decodeConfiguration(encoded)
	return []*raft.SnapshotMeta{meta}, err
}

// Open returns a copy of the state to send to a follower, or the state that was just received.
func (s *snapshots) Open(id string) (*raft.SnapshotMeta, io.ReadCloser, error) {
	if in := s.machine.installed; id == snapshotInstall && in != nil {
		return &raft.SnapshotMeta{Version: raft.SnapshotVersionMax, ID: id, Index: in.index, Term: in.term, Size: in.size},
			io.NopCloser(emptyReader{}), nil // Restore takes the file, not the stream
	}
	if id != snapshotState {
		return nil, nil, fmt.Errorf("snapshot %q is not here", id)
	}
	e, err := s.machine.store.Export()
	if err != nil {
		return nil, nil, err
	}
	c, err := decodeConfiguration(e.Configuration)
	if err != nil {
		return nil, nil, errors.Join(err, e.Close())
	}
	return &raft.SnapshotMeta{Version: raft.SnapshotVersionMax, ID: id, Index: e.Index, Term: e.Term, Size: e.Size,
		Configuration: c, ConfigurationIndex: e.ConfigurationIndex}, e, nil
}

type emptyReader struct{}

func (emptyReader) Read([]byte) (int, error) { return 0, io.EOF }

// Create begins a snapshot: a marker when nothing is written to it, else another node's state.
func (s *snapshots) Create(_ raft.SnapshotVersion, index, term uint64, _ raft.Configuration, _ uint64, _ raft.Transport) (raft.SnapshotSink, error) {
	return &sink{snapshots: s, index: index, term: term}, nil
}

type sink struct {
	snapshots   *snapshots
	index, term uint64
	file        *os.File // of another node's state; nil for a marker
	size        int64
}

// ID returns which of the two it is.
func (s *sink) ID() string {
	if s.file == nil {
		return snapshotState
	}
	return snapshotInstall
}

// Write takes bytes of another node's state.
func (s *sink) Write(p []byte) (int, error) {
	if s.file == nil {
		f, err := os.OpenFile(s.snapshots.machine.store.InstallPath(), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
		if err != nil {
			return 0, fmt.Errorf("receive ledger state: %w", err)
		}
		s.file = f
	}
	n, err := s.file.Write(p)
	s.size += int64(n)
	return n, err
}

// Close makes the received state last and hands it to Restore, or records the marker.
func (s *sink) Close() error {
	if s.file != nil {
		if err := errors.Join(s.file.Sync(), s.file.Close()); err != nil {
			return fmt.Errorf("receive ledger state: %w", err)
		}
		s.snapshots.machine.installed = s
		return nil
	}
	if err := s.snapshots.machine.store.Witness(s.index, s.term); err != nil {
		s.snapshots.machine.fatal(err)
		return err
	}
	if err := s.writeMarker(); err != nil {
		s.snapshots.machine.fatal(err)
		return err
	}
	return nil
}

// Cancel throws away what was received.
func (s *sink) Cancel() error {
	if s.file == nil {
		return nil
	}
	return errors.Join(s.file.Close(), os.Remove(s.file.Name()))
}

func (s *sink) writeMarker() error {
	s.snapshots.mu.Lock()
	defer s.snapshots.mu.Unlock()
	if s.index <= s.snapshots.marked {
		return nil
	}
	s.snapshots.marked = s.index
	b := binary.BigEndian.AppendUint64(nil, s.index)
	return durable.WriteFile(filepath.Join(s.snapshots.dir, markerFile), binary.BigEndian.AppendUint64(b, s.term), 0o600)
}

// readMarker returns the raft index of the newest marker, 0 when there is none.
func readMarker(dir string) (uint64, error) {
	b, err := os.ReadFile(filepath.Join(dir, markerFile))
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read snapshot marker: %w", err)
	}
	if len(b) != 16 {
		return 0, fmt.Errorf("snapshot marker has %d bytes, want 16", len(b))
	}
	return binary.BigEndian.Uint64(b), nil
}
