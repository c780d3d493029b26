// Package seal encrypts what must be possible to destroy: password hashes, sessions, tokens, and the keys of cases. Values
// are sealed before they enter raft, because a raft log and a bbolt file keep deleted bytes.
//
// The keyring is one file per voter, the same on all, and it is in no raft log, snapshot or backup: a backup without it
// gives nothing away. Keys come in epochs. To erase for good: delete what shall go, seal the rest anew under a new epoch,
// and drop the old epoch on every voter. After a crash the file is the old or the new keyring, never a mixture.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
)

const (
	keySize   = 32 // AES-256
	nonceSize = 12 // random: an epoch should seal fewer than 2^32 values (NIST SP 800-38D, 8.3)
	tagSize   = 16
	epochSize = 4
)

// Overhead is how many bytes longer a sealed value is: epoch, nonce and tag.
const Overhead = epochSize + nonceSize + tagSize

// Errors of Open.
var (
	ErrUnknownEpoch = errors.New("sealed under an epoch that this keyring does not hold: it was destroyed, or the keyring is not this ledger's")
	ErrNotSealed    = errors.New("sealed value is changed, cut, or from another context")
)

// Keyring holds the keys of all epochs that still live. New values are sealed under the newest. It is safe for
// concurrent use.
type Keyring struct {
	mu     sync.RWMutex // guards what follows
	epochs map[uint32][keySize]byte
	newest uint32
}

// NewKeyring returns a keyring with a random key as epoch 1.
func NewKeyring() *Keyring {
	k := &Keyring{epochs: map[uint32][keySize]byte{}}
	k.NewEpoch()
	return k
}

// NewEpoch adds a random key, under which values are sealed from now on, and returns its number.
// The caller saves the keyring and copies it to every voter before it seals anything that enters raft.
func (k *Keyring) NewEpoch() uint32 {
	var key [keySize]byte
	rand.Read(key[:]) // never fails: crypto/rand aborts the process instead
	k.mu.Lock()
	defer k.mu.Unlock()
	k.newest++
	k.epochs[k.newest] = key
	return k.newest
}

// DropEpoch destroys the key of an epoch in memory; Save then removes it from the file. The newest can't be dropped.
func (k *Keyring) DropEpoch(number uint32) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, ok := k.epochs[number]; !ok {
		return fmt.Errorf("drop epoch %d: %w", number, ErrUnknownEpoch)
	}
	if number == k.newest {
		return fmt.Errorf("drop epoch %d: it is the newest, make another first", number)
	}
	delete(k.epochs, number)
	return nil
}

// Epochs returns the numbers of the epochs in the keyring, ascending: the last is the one that Seal uses.
func (k *Keyring) Epochs() []uint32 {
	k.mu.RLock()
	defer k.mu.RUnlock()
	out := make([]uint32, 0, len(k.epochs))
	for n := range k.epochs {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}

// EpochOf returns the number of the epoch that a sealed value needs.
func EpochOf(sealed []byte) (uint32, error) {
	if len(sealed) < Overhead {
		return 0, fmt.Errorf("sealed value of %d bytes: %w", len(sealed), ErrNotSealed)
	}
	return binary.BigEndian.Uint32(sealed), nil
}

// Seal encrypts the plaintext under the newest epoch: epoch (4 bytes, big-endian) || nonce || AES-256-GCM. The context
// says what the value is, such as its name in the private state: Open with another context fails, so that a sealed value
// can't be put in another's place.
func (k *Keyring) Seal(plaintext []byte, context string) ([]byte, error) {
	k.mu.RLock()
	epoch, key := k.newest, k.epochs[k.newest]
	k.mu.RUnlock()
	aead, err := newAEAD(key)
	if err != nil {
		return nil, err
	}
	out := make([]byte, epochSize+nonceSize, Overhead+len(plaintext))
	binary.BigEndian.PutUint32(out, epoch)
	rand.Read(out[epochSize:])
	return aead.Seal(out, out[epochSize:], plaintext, associated(epoch, context)), nil
}

// Open decrypts what Seal wrote for the same context. The error wraps ErrUnknownEpoch or ErrNotSealed.
func (k *Keyring) Open(sealed []byte, context string) ([]byte, error) {
	epoch, err := EpochOf(sealed)
	if err != nil {
		return nil, err
	}
	k.mu.RLock()
	key, ok := k.epochs[epoch]
	k.mu.RUnlock()
	if !ok {
		return nil, fmt.Errorf("open sealed value of epoch %d: %w", epoch, ErrUnknownEpoch)
	}
	aead, err := newAEAD(key)
	if err != nil {
		return nil, err
	}
	rest := sealed[epochSize:]
	plaintext, err := aead.Open(nil, rest[:nonceSize], rest[nonceSize:], associated(epoch, context))
	if err != nil {
		return nil, fmt.Errorf("open sealed value of epoch %d: %w", epoch, ErrNotSealed)
	}
	return plaintext, nil
}

func newAEAD(key [keySize]byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, fmt.Errorf("make cipher: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("make cipher: %w", err)
	}
	return aead, nil
}

// associated binds a sealed value to its epoch and context.
func associated(epoch uint32, context string) []byte {
	b := append([]byte("isotherm/seal/v1\n"), context...)
	return binary.BigEndian.AppendUint32(b, epoch)
}
