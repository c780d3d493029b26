package durable

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
)

// Slots is a file with two places of fixed size that are written in turn: one pwrite and one fsync for each change,
// where WriteFile needs two fsyncs and a rename. A torn write spoils only the older of the two values.
// It is not safe for concurrent use.
type Slots struct {
	file   *os.File
	number uint64 // of the newest value; its slot is number % 2
	value  []byte
}

// Layout of a slot: magic, number of the value, its length, its bytes, zeros, SHA-256 of all before.
const (
	slotSize   = 16 << 10
	slotMagic  = "isoslot1"
	slotHeader = len(slotMagic) + 8 + 4
	// MaxSlot is the longest value that fits.
	MaxSlot = slotSize - slotHeader - sha256.Size
)

// ErrNoSlot is returned when neither place of a file holds a whole value.
var ErrNoSlot = errors.New("neither copy in the file is whole")

// CreateSlots makes the file with a first value. It replaces what is there.
func CreateSlots(path string, value []byte) (*Slots, error) {
	first, err := encodeSlot(0, value)
	if err != nil {
		return nil, fmt.Errorf("create %s: %w", path, err)
	}
	if err := WriteFile(path, append(first, make([]byte, slotSize)...), 0o600); err != nil {
		return nil, err
	}
	return OpenSlots(path)
}

// OpenSlots opens the file and reads the newest whole value. The error wraps fs.ErrNotExist when there is no file and
// ErrNoSlot when it is spoilt.
func OpenSlots(path string) (*Slots, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	s := &Slots{file: f}
	found := false
	for i := range uint64(2) {
		b := make([]byte, slotSize)
		if _, err := f.ReadAt(b, int64(i)*slotSize); err != nil {
			continue // shorter than two slots: that place holds no value
		}
		if number, value, ok := decodeSlot(b); ok && number%2 == i && (!found || number > s.number) {
			s.number, s.value, found = number, value, true
		}
	}
	if !found {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, ErrNoSlot), f.Close())
	}
	return s, nil
}

// Value returns the newest value. The caller MUST NOT change it.
func (s *Slots) Value() []byte { return s.value }

// Set makes a value the newest and returns when it lasts: pwrite, fsync.
func (s *Slots) Set(value []byte) error {
	number := s.number + 1
	b, err := encodeSlot(number, value)
	if err != nil {
		return fmt.Errorf("write %s: %w", s.file.Name(), err)
	}
	if _, err := s.file.WriteAt(b, int64(number%2)*slotSize); err != nil {
		return fmt.Errorf("write %s: %w", s.file.Name(), err)
	}
	if err := s.file.Sync(); err != nil {
		return fmt.Errorf("write %s: %w", s.file.Name(), err)
	}
	s.number, s.value = number, bytes.Clone(value)
	return nil
}

// Close closes the file.
func (s *Slots) Close() error { return s.file.Close() }

func encodeSlot(number uint64, value []byte) ([]byte, error) {
	if len(value) > MaxSlot {
		return nil, fmt.Errorf("value of %d bytes, at most %d fit", len(value), MaxSlot)
	}
	b := make([]byte, 0, slotSize)
	b = append(b, slotMagic...)
	b = binary.BigEndian.AppendUint64(b, number)
	b = binary.BigEndian.AppendUint32(b, uint32(len(value)))
	b = append(b, value...)
	b = b[:slotSize-sha256.Size]
	sum := sha256.Sum256(b)
	return append(b, sum[:]...), nil
}

func decodeSlot(b []byte) (number uint64, value []byte, ok bool) {
	body, sum := b[:slotSize-sha256.Size], b[slotSize-sha256.Size:]
	want := sha256.Sum256(body)
	if !bytes.Equal(sum, want[:]) || string(body[:len(slotMagic)]) != slotMagic {
		return 0, nil, false
	}
	number = binary.BigEndian.Uint64(body[len(slotMagic):])
	n := int(binary.BigEndian.Uint32(body[slotHeader-4:]))
	if n > MaxSlot {
		return 0, nil, false
	}
	return number, body[slotHeader : slotHeader+n], true
}
