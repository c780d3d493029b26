package node

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"isotherm/ledger"
	"isotherm/ledger/command"
	"isotherm/ledger/store"
)

// Names in the private state. Every value is sealed with the keyring before it enters raft.
const (
	commitmentKeyName = "commitment-key"
	enrolPrefix       = "enrol/"      // + zero ID + "/" + hex SHA-256 of a box's one-time token
	tokenPrefix       = "token/"      // + person + "/" + hex SHA-256 of a token
	sessionPrefix     = "session/"    // + person + "/" + hex SHA-256 of a session's token
	sharePrefix       = "share/"      // + shipment + "/" + hex SHA-256 of a share link's token
	accountPrefix     = "account/"    // + person
	loginPrefix       = "login/"      // + keyed hash of a login; value: the person
	signingKeyPrefix  = "signs/"      // + hash of a signing key; value: the person who has or had it
	grantPrefix       = "grant/"      // + person + "/" + shipment; value: until when they may read the case
	donorPrefix       = "donor/"      // + commitment to a donor ID + "/" + shipment; value: the shipment
	donorIDPrefix     = "donor-id/"   // + shipment; value: the donor ID, sealed for the case besides
	casePrefix        = "key/case/"   // + shipment + "/" + 8 random hex digits
	personPrefix      = "key/person/" // + person
	carriesPrefix     = "carries/"    // + box + "/" + shipment + "/" + the act that put it there; value: the shipment
)

// secret returns a value of the private state, nil when there is none.
func (n *Node) secret(v *store.View, name string) ([]byte, error) {
	sealed, ok := v.Secret(name)
	if !ok {
		return nil, nil
	}
	plain, err := n.keyring.Open(sealed, name)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	return plain, nil
}

// sealed returns the write of a value to the private state.
func (n *Node) sealed(name string, plain []byte) (command.Secret, error) {
	value, err := n.keyring.Seal(plain, name)
	if err != nil {
		return command.Secret{}, fmt.Errorf("seal %s: %w", name, err)
	}
	return command.Secret{Name: name, Value: value}, nil
}

const keySize = 32

// dataKey is a key under which payloads are sealed: one per person, and one per case. Destroying it destroys what
// concerns them, while every proof stays valid.
type dataKey struct {
	name string
	key  []byte
}

func newDataKey(name string) *dataKey {
	k := &dataKey{name: name, key: make([]byte, keySize)}
	rand.Read(k.key)
	return k
}

// newCaseKey returns a new key for a case. Its name has a random end: when two nodes enter first acts of a case at the same
// time, each makes a key, and both must last because each sealed something.
func newCaseKey(id ledger.ShipmentID) *dataKey {
	var end [4]byte
	rand.Read(end[:])
	return newDataKey(casePrefix + id.String() + "/" + hex.EncodeToString(end[:]))
}

func (k *dataKey) aead() (cipher.AEAD, error) {
	block, err := aes.NewCipher(k.key)
	if err != nil {
		return nil, fmt.Errorf("data key %s: %w", k.name, err)
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// seal returns AES-256-GCM with a random nonce in front; the key's name is authenticated with it.
func (k *dataKey) seal(plain []byte) ([]byte, error) {
	a, err := k.aead()
	if err != nil {
		return nil, err
	}
	return a.Seal(nil, nil, plain, []byte(k.name)), nil
}

func (k *dataKey) open(sealed []byte) ([]byte, error) {
	a, err := k.aead()
	if err != nil {
		return nil, err
	}
	plain, err := a.Open(nil, nil, sealed, []byte(k.name))
	if err != nil {
		return nil, fmt.Errorf("open payload under %s: %w", k.name, err)
	}
	return plain, nil
}

// errErased is returned for a payload whose data key was destroyed.
var errErased = errors.New("payload was erased: its data key is destroyed")

// loadKey returns a data key by its name, nil when it was destroyed.
func (n *Node) loadKey(v *store.View, name string) (*dataKey, error) {
	raw, err := n.secret(v, name)
	if err != nil || raw == nil {
		return nil, err
	}
	if len(raw) != keySize {
		return nil, fmt.Errorf("data key %s has %d bytes", name, len(raw))
	}
	return &dataKey{name: name, key: raw}, nil
}

// salted returns the salted payload of an entry in the clear.
func (n *Node) salted(v *store.View, index int64) ([]byte, error) {
	stored, sealedFor, err := v.Stored(index)
	if err != nil || sealedFor == "" {
		return stored, err
	}
	k, err := n.loadKey(v, sealedFor)
	if err != nil {
		return nil, err
	}
	if k == nil {
		return nil, errErased
	}
	return k.open(stored)
}

// keyedHash returns HMAC-SHA256 under the ledger's commitment key. what separates the kinds of things that are hashed.
func (n *Node) keyedHash(v *store.View, what, text string) ([32]byte, error) {
	key, err := n.secret(v, commitmentKeyName)
	if err != nil {
		return [32]byte{}, err
	}
	if key == nil {
		return [32]byte{}, errNotBootstrapped()
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("isotherm/" + what + "/v1\n" + n.pin.Origin + "\n" + text))
	return [32]byte(mac.Sum(nil)), nil
}

func errNotBootstrapped() *ledger.Error {
	return ledger.Errorf(ledger.CodeUnavailable, "the ledger has no genesis on this node yet").WithHint("wait until a majority of nodes runs")
}
