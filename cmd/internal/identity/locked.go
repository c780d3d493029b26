package identity

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"

	"golang.org/x/crypto/argon2"

	"isotherm/ledger/cbor"
)

// MinPIN is how many characters a PIN has at least. At DefaultCost a guess takes a thief of the folder about a third of a
// second of one core (measured: 0.17 s on two), six digits four days of it: time to report the key as stolen. A long
// passphrase keeps them off for good.
const MinPIN = 6

// MaxPIN bounds a PIN, in bytes.
const MaxPIN = 256

// ErrWrongPIN says that the PIN does not open the key. It never says more.
var ErrWrongPIN = errors.New("the PIN is wrong")

// Cost is what one guess of a PIN costs: the parameters of argon2id (RFC 9106).
type Cost struct {
	Time      uint32 `json:"time"` // passes
	MemoryKiB uint32 `json:"memory_kib"`
	Threads   uint8  `json:"threads"`
}

// DefaultCost is the second recommended option of RFC 9106, section 4.
var DefaultCost = Cost{Time: 3, MemoryKiB: 64 << 10, Threads: 4}

// Bounds of Cost: a file from outside must not take all memory of the device, or hours.
const (
	minMemoryKiB = 8 << 10
	maxMemoryKiB = 1 << 20
	maxTime      = 16
	maxThreads   = 16
)

func (c Cost) check() error {
	if c.Time < 1 || c.Time > maxTime || c.MemoryKiB < minMemoryKiB || c.MemoryKiB > maxMemoryKiB || c.Threads < 1 || c.Threads > maxThreads {
		return fmt.Errorf("argon2id with time %d, memory %d KiB, threads %d is out of bounds", c.Time, c.MemoryKiB, c.Threads)
	}
	return nil
}

const (
	lockedFormat  = "isotherm signing key"
	lockedVersion = 1
	saltSize      = 16
	nonceSize     = 12
	tagSize       = 16
	maxLocked     = 4 << 10 // bytes of the file
)

// Locked is a signing key as it lies on its owner's device: sealed with AES-256-GCM under argon2id of the PIN. The public
// half is in the clear. Sum is SHA-256 of all else, so that damage is told from a wrong PIN; it says nothing of the PIN.
type Locked struct {
	Format  string            `json:"format"`
	Version int               `json:"version"`
	Public  ed25519.PublicKey `json:"public"`
	Cost    Cost              `json:"argon2id"`
	Salt    []byte            `json:"salt"`
	Nonce   []byte            `json:"nonce"`
	Sealed  []byte            `json:"sealed"` // the key's seed
	Sum     []byte            `json:"sha256"`
}

// Lock seals a key under a PIN.
func Lock(key ed25519.PrivateKey, pin []byte, cost Cost) (*Locked, error) {
	if err := CheckPIN(pin); err != nil {
		return nil, err
	}
	if err := cost.check(); err != nil {
		return nil, err
	}
	l := &Locked{Format: lockedFormat, Version: lockedVersion, Public: key.Public().(ed25519.PublicKey), Cost: cost,
		Salt: make([]byte, saltSize), Nonce: make([]byte, nonceSize)}
	rand.Read(l.Salt) // never fails, see crypto/rand
	rand.Read(l.Nonce)
	l.Sealed = l.cipher(pin).Seal(nil, l.Nonce, key.Seed(), l.header())
	l.Sum = l.sum()
	return l, nil
}

// CheckPIN returns an error for a PIN that is too short or too long.
func CheckPIN(pin []byte) error {
	if n := len([]rune(string(pin))); n < MinPIN || len(pin) > MaxPIN {
		return fmt.Errorf("a PIN has at least %d characters and at most %d bytes", MinPIN, MaxPIN)
	}
	return nil
}

// Unlock returns the key. The caller wipes it after use. Errors: ErrWrongPIN.
func (l *Locked) Unlock(pin []byte) (ed25519.PrivateKey, error) {
	seed, err := l.cipher(pin).Open(nil, l.Nonce, l.Sealed, l.header())
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, ErrWrongPIN
	}
	defer clear(seed)
	return ed25519.NewKeyFromSeed(seed), nil
}

func (l *Locked) cipher(pin []byte) cipher.AEAD {
	k := argon2.IDKey(pin, l.Salt, l.Cost.Time, l.Cost.MemoryKiB, l.Cost.Threads, 32)
	defer clear(k)
	block, err := aes.NewCipher(k)
	if err != nil {
		panic(err) // the key's length is right
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // AES has GCM's block size
	}
	return gcm
}

// header is what the seal covers beside the seed: "isotherm/locked-key/v1\n" || [version, public, [time, memory, threads], salt].
func (l *Locked) header() []byte {
	b := []byte("isotherm/locked-key/v1\n")
	b = cbor.AppendUint(cbor.AppendArray(b, 4), uint64(l.Version))
	b = cbor.AppendBytes(b, l.Public)
	b = cbor.AppendUint(cbor.AppendArray(b, 3), uint64(l.Cost.Time))
	b = cbor.AppendUint(cbor.AppendUint(b, uint64(l.Cost.MemoryKiB)), uint64(l.Cost.Threads))
	return cbor.AppendBytes(b, l.Salt)
}

func (l *Locked) sum() []byte {
	s := sha256.Sum256(cbor.AppendBytes(cbor.AppendBytes(l.header(), l.Nonce), l.Sealed))
	return s[:]
}

// Marshal returns the file.
func (l *Locked) Marshal() []byte {
	b, err := json.MarshalIndent(l, "", "  ")
	if err != nil {
		panic(err) // it holds nothing that JSON can't
	}
	return append(b, '\n')
}

// ParseLocked reads what Marshal writes. An error says how the file is damaged.
func ParseLocked(b []byte) (*Locked, error) {
	if len(b) > maxLocked {
		return nil, fmt.Errorf("key file of %d bytes, at most %d are allowed", len(b), maxLocked)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	l := &Locked{}
	if err := d.Decode(l); err != nil {
		return nil, fmt.Errorf("key file is damaged: %w", err)
	}
	switch {
	case l.Format != lockedFormat:
		return nil, fmt.Errorf("key file is of format %.40q, want %q", l.Format, lockedFormat)
	case l.Version != lockedVersion:
		return nil, fmt.Errorf("key file of version %d, this program knows %d", l.Version, lockedVersion)
	case len(l.Public) != ed25519.PublicKeySize || len(l.Salt) != saltSize || len(l.Nonce) != nonceSize || len(l.Sealed) != ed25519.SeedSize+tagSize:
		return nil, errors.New("key file is damaged: a field has the wrong length")
	case !bytes.Equal(l.Sum, l.sum()):
		return nil, errors.New("key file is damaged: its checksum does not match")
	}
	if err := l.Cost.check(); err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	if !bytes.Equal(l.Marshal(), b) {
		return nil, errors.New("key file is damaged: it is not as it was written")
	}
	return l, nil
}
