package entry

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"isotherm/ledger"
	"isotherm/ledger/cbor"
	"isotherm/ledger/merkle"
)

// MaxCosigners bounds a cosigner set. Raft groups have three or five voters; outside cosigners may join later.
const MaxCosigners = 16

// CosignerSet is the group of nodes of whose cosignatures a majority makes a checkpoint count.
type CosignerSet struct {
	Number  uint64 // from 1, in the genesis
	Origin  string // the ledger it is for
	Members []merkle.CosignerKey
}

// Approval is the agreement of a member of the set before.
type Approval struct {
	Name      string
	Signature ledger.Signature
}

func appendMembers(b []byte, members []merkle.CosignerKey) []byte {
	b = cbor.AppendArray(b, len(members))
	for _, m := range members {
		b = cbor.AppendBytes(cbor.AppendText(cbor.AppendArray(b, 2), m.Name), m.Key)
	}
	return b
}

func readMembers(d *cbor.Decoder) []merkle.CosignerKey {
	var out []merkle.CosignerKey
	for range d.Array(MaxCosigners) {
		d.ArrayOf(2)
		m := merkle.CosignerKey{Name: d.Text(MaxNode), Key: make([]byte, ed25519.PublicKeySize)}
		d.Fixed(m.Key)
		out = append(out, m)
	}
	return out
}

func checkMembers(members []merkle.CosignerKey) error {
	if len(members) == 0 {
		return errors.New("cosigner set is empty")
	}
	for i, m := range members {
		for _, other := range members[:i] {
			if m.Name == other.Name || bytes.Equal(m.Key, other.Key) {
				return fmt.Errorf("cosigner set names %s or its key twice", m.Name)
			}
		}
	}
	return nil
}

// Genesis is the payload of entry 0. The operator's offline key signs it: that key, with the log key, is what verifiers
// and boxes pin.
type Genesis struct {
	Origin      string // the ledger's origin: first line of its checkpoints, name of its key
	LogKey      ed25519.PublicKey
	OperatorKey ed25519.PublicKey
	CreatedMS   int64
	Cosigners   []merkle.CosignerKey // set number 1
	Signature   ledger.Signature     // by the operator's key
}

const genesisKind = "genesis"

func (g *Genesis) body() []byte {
	b := cbor.AppendText(cbor.AppendArray(nil, 5), g.Origin)
	b = cbor.AppendBytes(b, g.LogKey)
	b = cbor.AppendBytes(b, g.OperatorKey)
	b = cbor.AppendInt(b, g.CreatedMS)
	return appendMembers(b, g.Cosigners)
}

// Sign signs the genesis with the operator's key and sets OperatorKey.
func (g *Genesis) Sign(operator ed25519.PrivateKey) {
	g.OperatorKey = operator.Public().(ed25519.PublicKey)
	g.Signature = ledger.Sign(operator, genesisKind, g.body())
}

// Marshal returns the canonical bytes: [body, signature].
func (g *Genesis) Marshal() []byte {
	return g.Signature.Append(cbor.AppendBytes(cbor.AppendArray(nil, 2), g.body()))
}

// ParseGenesis reads what Marshal writes and checks that the operator's key in it signed it. Whether that key is the
// right one is for a Policy to say.
func ParseGenesis(b []byte) (*Genesis, error) {
	outer := cbor.NewDecoder(b)
	outer.ArrayOf(2)
	d := cbor.NewDecoder(outer.Bytes(MaxPayload))
	g := &Genesis{LogKey: make([]byte, ed25519.PublicKeySize), OperatorKey: make([]byte, ed25519.PublicKeySize)}
	g.Signature = ledger.ReadSignature(outer)
	d.ArrayOf(5)
	g.Origin = d.Text(maxText)
	d.Fixed(g.LogKey)
	d.Fixed(g.OperatorKey)
	g.CreatedMS = d.Int()
	g.Cosigners = readMembers(d)
	if err := d.Done(); err != nil {
		return nil, fmt.Errorf("read genesis: %w", err)
	}
	if err := finish("genesis", outer, g.Marshal(), b); err != nil {
		return nil, err
	}
	if !bytes.Equal(g.Signature.Key, g.OperatorKey) {
		return nil, errors.New("genesis is not signed by its operator key")
	}
	if err := g.Signature.Verify(genesisKind, g.body()); err != nil {
		return nil, fmt.Errorf("genesis: %w", err)
	}
	return g, checkMembers(g.Cosigners)
}

// SetChange is the payload of KindCosigners: a later cosigner set, signed by the operator's key and approved by a
// majority of the set before. It counts for checkpoints of a size beyond its own index.
type SetChange struct {
	Set       CosignerSet
	Operator  ledger.Signature
	Approvals []Approval
}

const setKind = "cosigners"

// Body returns the bytes that the operator and the approving cosigners sign.
func (s *CosignerSet) Body() []byte {
	b := cbor.AppendUint(cbor.AppendArray(nil, 3), s.Number)
	b = cbor.AppendText(b, s.Origin)
	return appendMembers(b, s.Members)
}

// Sign signs a set, as operator or as a cosigner of the set before.
func (s *CosignerSet) Sign(key ed25519.PrivateKey) ledger.Signature {
	return ledger.Sign(key, setKind, s.Body())
}

// Marshal returns the canonical bytes: [body, operator's signature, [[name, signature], ...]].
func (c *SetChange) Marshal() []byte {
	b := cbor.AppendBytes(cbor.AppendArray(nil, 3), c.Set.Body())
	b = c.Operator.Append(b)
	b = cbor.AppendArray(b, len(c.Approvals))
	for _, a := range c.Approvals {
		b = a.Signature.Append(cbor.AppendText(cbor.AppendArray(b, 2), a.Name))
	}
	return b
}

// ParseSetChange reads what Marshal writes. Trust.Extend checks whether it counts.
func ParseSetChange(b []byte) (*SetChange, error) {
	outer := cbor.NewDecoder(b)
	outer.ArrayOf(3)
	d := cbor.NewDecoder(outer.Bytes(MaxPayload))
	var c SetChange
	c.Operator = ledger.ReadSignature(outer)
	for range outer.Array(MaxCosigners) {
		outer.ArrayOf(2)
		c.Approvals = append(c.Approvals, Approval{Name: outer.Text(MaxNode), Signature: ledger.ReadSignature(outer)})
	}
	d.ArrayOf(3)
	c.Set.Number = d.Uint()
	c.Set.Origin = d.Text(maxText)
	c.Set.Members = readMembers(d)
	if err := d.Done(); err != nil {
		return nil, fmt.Errorf("read cosigner set: %w", err)
	}
	if err := finish("cosigner set", outer, c.Marshal(), b); err != nil {
		return nil, err
	}
	return &c, checkMembers(c.Set.Members)
}

// Pin is what a verifier or a box holds beforehand: the keys of the ledger it means. Its text form is a policy file.
type Pin struct {
	Origin      string
	LogKey      ed25519.PublicKey
	OperatorKey ed25519.PublicKey
}

// operatorSuffix makes the name of the operator's key from the ledger's origin.
const operatorSuffix = "/operator"

// Marshal returns the policy file: 'log' and 'operator' lines with signed-note verifier keys.
func (p Pin) Marshal() []byte {
	return fmt.Appendf(nil, "# isotherm policy: the keys of one ledger. Keep it apart from what it is to verify.\nlog %s\noperator %s\n",
		merkle.VerifierKey(p.Origin, p.LogKey), merkle.VerifierKey(p.Origin+operatorSuffix, p.OperatorKey))
}

// MaxPin bounds a policy file.
const MaxPin = 16 << 10

// ParsePin reads a policy file. Empty lines and lines that begin with # are passed over; an unknown word is an error
// that names its line.
func ParsePin(text []byte) (Pin, error) {
	var p Pin
	if len(text) > MaxPin {
		return p, fmt.Errorf("policy of %d bytes, at most %d are allowed", len(text), MaxPin)
	}
	var operatorName string
	for i, line := range strings.Split(string(text), "\n") {
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		if len(words) != 2 {
			return p, fmt.Errorf("policy line %d: want a word and a key", i+1)
		}
		name, key, err := parseVerifierKey(words[1])
		if err != nil {
			return p, fmt.Errorf("policy line %d: %w", i+1, err)
		}
		switch {
		case words[0] == "log" && p.LogKey == nil:
			p.Origin, p.LogKey = name, key
		case words[0] == "operator" && p.OperatorKey == nil:
			operatorName, p.OperatorKey = name, key
		default:
			return p, fmt.Errorf("policy line %d: %q is not known here, or stands twice", i+1, words[0])
		}
	}
	if p.LogKey == nil || p.OperatorKey == nil || operatorName != p.Origin+operatorSuffix {
		return p, errors.New("policy must have one 'log' line and the 'operator' line of the same ledger")
	}
	return p, nil
}

func parseVerifierKey(vkey string) (string, ed25519.PublicKey, error) {
	v, err := note.NewVerifier(vkey)
	if err != nil {
		return "", nil, fmt.Errorf("verifier key %.80q: %w", vkey, err)
	}
	_, rest, _ := strings.Cut(vkey, "+") // a name holds no '+', but the key's base64 may
	_, key64, _ := strings.Cut(rest, "+")
	raw, err := base64.StdEncoding.DecodeString(key64)
	if err != nil || len(raw) != 1+ed25519.PublicKeySize {
		return "", nil, fmt.Errorf("verifier key %.80q is not an Ed25519 key", vkey)
	}
	return v.Name(), ed25519.PublicKey(raw[1:]), nil
}

// activeSet is a cosigner set and the index of the entry that made it.
type activeSet struct {
	set   CosignerSet
	index int64
}

// Trust is a pinned ledger with its cosigner sets, made from the entries of the policy subject.
type Trust struct {
	Pin  Pin
	sets []activeSet
}

// NewTrust returns the trust that begins with a genesis. Compare its Pin with one obtained beforehand; without that, it
// says only that the keys belong together.
func NewTrust(g *Genesis) *Trust {
	return &Trust{
		Pin:  Pin{Origin: g.Origin, LogKey: g.LogKey, OperatorKey: g.OperatorKey},
		sets: []activeSet{{set: CosignerSet{Number: 1, Origin: g.Origin, Members: g.Cosigners}}},
	}
}

// Equal tells whether two pins name the same ledger and keys.
func (p Pin) Equal(q Pin) bool {
	return p.Origin == q.Origin && bytes.Equal(p.LogKey, q.LogKey) && bytes.Equal(p.OperatorKey, q.OperatorKey)
}

// Extend takes the cosigner set of the entry at index: it must be the next one, signed by the operator, and approved by
// a majority of the set before.
func (t *Trust) Extend(index int64, c *SetChange) error {
	last := t.sets[len(t.sets)-1]
	if c.Set.Number != last.set.Number+1 || c.Set.Origin != t.Pin.Origin || index <= last.index {
		return fmt.Errorf("cosigner set %d of %s at entry %d does not follow set %d", c.Set.Number, c.Set.Origin, index, last.set.Number)
	}
	if !bytes.Equal(c.Operator.Key, t.Pin.OperatorKey) {
		return fmt.Errorf("cosigner set %d is not signed by the operator's key", c.Set.Number)
	}
	if err := c.Operator.Verify(setKind, c.Set.Body()); err != nil {
		return fmt.Errorf("cosigner set %d: operator: %w", c.Set.Number, err)
	}
	approved := map[string]bool{}
	for _, a := range c.Approvals {
		i := slices.IndexFunc(last.set.Members, func(m merkle.CosignerKey) bool { return m.Name == a.Name })
		if i < 0 || !bytes.Equal(last.set.Members[i].Key, a.Signature.Key) {
			return fmt.Errorf("cosigner set %d: approval by %s, who is not in set %d", c.Set.Number, a.Name, last.set.Number)
		}
		if err := a.Signature.Verify(setKind, c.Set.Body()); err != nil {
			return fmt.Errorf("cosigner set %d: approval by %s: %w", c.Set.Number, a.Name, err)
		}
		approved[a.Name] = true
	}
	if need := merkle.Majority(len(last.set.Members)); len(approved) < need {
		return fmt.Errorf("cosigner set %d: approved by %d of set %d, want %d", c.Set.Number, len(approved), last.set.Number, need)
	}
	t.sets = append(t.sets, activeSet{set: c.Set, index: index})
	return nil
}

// SetAt returns the cosigner set that counts for a checkpoint of the given size.
func (t *Trust) SetAt(size int64) CosignerSet {
	set := t.sets[0].set
	for _, s := range t.sets[1:] {
		if s.index < size {
			set = s.set
		}
	}
	return set
}

// OpenCheckpoint checks a checkpoint of the ledger: signed by the log key, and cosigned by a majority of the set that
// counts for its size.
func (t *Trust) OpenCheckpoint(signed []byte) (merkle.Checkpoint, []merkle.Cosignature, error) {
	cp, err := merkle.Open(signed, t.Pin.Origin, t.Pin.LogKey)
	if err != nil {
		return cp, nil, err
	}
	set := t.SetAt(cp.Size)
	cosigs, err := merkle.Cosignatures(signed, set.Members)
	if err != nil {
		return cp, nil, err
	}
	if need := merkle.Majority(len(set.Members)); len(cosigs) < need {
		return cp, cosigs, fmt.Errorf("checkpoint %d has %d cosignatures of set %d, want %d of %d", cp.Size, len(cosigs), set.Number, need, len(set.Members))
	}
	return cp, cosigs, nil
}
