package merkle

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/transparency-dev/formats/log"
	fnote "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// EmptyRoot is the root of a tree without leaves: SHA-256 of nothing (RFC 6962 section 2.1).
var EmptyRoot = tlog.Hash(sha256.Sum256(nil))

// Checkpoint is what a head of a log says: its origin, its size and its root. Format: c2sp.org/tlog-checkpoint.
type Checkpoint struct {
	Origin string
	Size   int64
	Root   tlog.Hash
}

// Body returns the text that is signed: three lines, no extensions.
func (c Checkpoint) Body() string {
	return string(log.Checkpoint{Origin: c.Origin, Size: uint64(c.Size), Hash: c.Root[:]}.Marshal())
}

// MaxNote bounds a signed note that is read from outside: a checkpoint with 16 cosignatures takes under 4 KiB.
const MaxNote = 8 << 10

// ParseBody reads a checkpoint's text strictly: what Body would not write is an error.
func ParseBody(text string) (Checkpoint, error) {
	var raw log.Checkpoint
	if _, err := raw.Unmarshal([]byte(text)); err != nil {
		return Checkpoint{}, fmt.Errorf("read checkpoint: %w", err)
	}
	if len(raw.Hash) != tlog.HashSize || raw.Size > 1<<62 {
		return Checkpoint{}, fmt.Errorf("read checkpoint: size %d with a root of %d bytes", raw.Size, len(raw.Hash))
	}
	c := Checkpoint{Origin: raw.Origin, Size: int64(raw.Size), Root: tlog.Hash(raw.Hash)}
	if c.Body() != text {
		return Checkpoint{}, errors.New("read checkpoint: not in canonical form, or with extension lines")
	}
	return c, nil
}

// VerifierKey returns the signed-note verifier key of an Ed25519 key under a name: type 0x01 of c2sp.org/signed-note.
func VerifierKey(name string, key ed25519.PublicKey) string {
	vkey, err := note.NewEd25519VerifierKey(name, key)
	if err != nil { // only for a key of the wrong length, which the type's makers rule out
		return ""
	}
	return vkey
}

// signerKey returns the text form of a signed-note signer key of type 0x01.
func signerKey(name string, key ed25519.PrivateKey) string {
	pub := key.Public().(ed25519.PublicKey)
	sum := sha256.Sum256(append(append([]byte(name+"\n"), 1), pub...))
	return fmt.Sprintf("PRIVATE+KEY+%s+%08x+%s", name, binary.BigEndian.Uint32(sum[:4]),
		base64.StdEncoding.EncodeToString(append([]byte{1}, key.Seed()...)))
}

// Sign returns the checkpoint as a signed note. The name of the key is the checkpoint's origin.
func Sign(c Checkpoint, key ed25519.PrivateKey) ([]byte, error) {
	signer, err := note.NewSigner(signerKey(c.Origin, key))
	if err != nil {
		return nil, fmt.Errorf("sign checkpoint of %s: %w", c.Origin, err)
	}
	signed, err := note.Sign(&note.Note{Text: c.Body()}, signer)
	if err != nil {
		return nil, fmt.Errorf("sign checkpoint of %s: %w", c.Origin, err)
	}
	return signed, nil
}

// Open checks that a note is a checkpoint of the origin signed by the key, and returns what it says. Other signatures
// on the note are not looked at.
func Open(signed []byte, origin string, key ed25519.PublicKey) (Checkpoint, error) {
	if len(signed) > MaxNote {
		return Checkpoint{}, fmt.Errorf("open checkpoint: %d bytes, at most %d are allowed", len(signed), MaxNote)
	}
	verifier, err := note.NewVerifier(VerifierKey(origin, key))
	if err != nil {
		return Checkpoint{}, fmt.Errorf("open checkpoint of %s: %w", origin, err)
	}
	n, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return Checkpoint{}, fmt.Errorf("open checkpoint of %s: %w", origin, err)
	}
	if err := strictSignatures(signed); err != nil {
		return Checkpoint{}, fmt.Errorf("open checkpoint of %s: %w", origin, err)
	}
	c, err := ParseBody(n.Text)
	if err != nil {
		return Checkpoint{}, err
	}
	if c.Origin != origin {
		return Checkpoint{}, fmt.Errorf("open checkpoint: origin is %q, want %q", c.Origin, origin)
	}
	return c, nil
}

// strictSignatures checks that every signature line of a note is in the one form that its bytes have. x/mod's note parser
// passes over the unused bits at the end of base64, so that a byte could be changed unseen.
func strictSignatures(signed []byte) error {
	_, lines, _ := strings.Cut(string(signed), "\n\n")
	for _, line := range strings.Split(strings.TrimSuffix(lines, "\n"), "\n") {
		encoded := line[strings.LastIndexByte(line, ' ')+1:]
		if _, err := base64.StdEncoding.Strict().DecodeString(encoded); err != nil {
			return fmt.Errorf("signature line %.60q is not in canonical form", line)
		}
	}
	return nil
}

// PeekOrigin returns the origin a note claims, without checking a signature, so that its key can be looked up.
func PeekOrigin(signed []byte) (string, error) {
	if len(signed) > MaxNote {
		return "", fmt.Errorf("read checkpoint: %d bytes, at most %d are allowed", len(signed), MaxNote)
	}
	var raw log.Checkpoint
	if _, err := raw.Unmarshal(signed); err != nil {
		return "", fmt.Errorf("read checkpoint: %w", err)
	}
	return raw.Origin, nil
}

// Cosigner is a voter's cosigning key. Cosignatures are timestamped Ed25519, type 0x04 of c2sp.org/tlog-cosignature.
type Cosigner struct {
	signer *fnote.Signer
}

// NewCosigner returns the cosigner of that name.
func NewCosigner(name string, key ed25519.PrivateKey) (*Cosigner, error) {
	s, err := fnote.NewSignerForCosignatureV1(signerKey(name, key))
	if err != nil {
		return nil, fmt.Errorf("cosigner %s: %w", name, err)
	}
	return &Cosigner{signer: s}, nil
}

// Cosign returns the cosignature line for the checkpoint, with its newline: what AddCosignatures takes.
// It stamps the present time. The caller MUST have made sure that it never cosigns two roots for one size.
func (c *Cosigner) Cosign(cp Checkpoint) (string, error) {
	sig, err := c.signer.Sign([]byte(cp.Body()))
	if err != nil {
		return "", fmt.Errorf("cosign checkpoint %d: %w", cp.Size, err)
	}
	raw := binary.BigEndian.AppendUint32(nil, c.signer.KeyHash())
	return "— " + c.signer.Name() + " " + base64.StdEncoding.EncodeToString(append(raw, sig...)) + "\n", nil
}

// AddCosignatures appends cosignature lines to a signed checkpoint.
func AddCosignatures(signed []byte, lines ...string) []byte {
	out := append([]byte(nil), signed...)
	for _, line := range lines {
		out = append(out, line...)
	}
	return out
}

// Cosignature is one verified cosignature: who signed, and when by that node's clock.
type Cosignature struct {
	Name string
	Time time.Time
}

// CosignerKey is the public half of a cosigner.
type CosignerKey struct {
	Name string
	Key  ed25519.PublicKey
}

// Cosignatures returns the cosignatures on a signed checkpoint that were made by the given keys, each key counted once.
// Unknown signatures are passed over; a wrong signature under a known key is an error.
func Cosignatures(signed []byte, keys []CosignerKey) ([]Cosignature, error) {
	if len(signed) > MaxNote {
		return nil, fmt.Errorf("read cosignatures: note of %d bytes, at most %d are allowed", len(signed), MaxNote)
	}
	verifiers := make([]note.Verifier, 0, len(keys))
	for _, k := range keys {
		v, err := fnote.NewVerifierForCosignatureV1(VerifierKey(k.Name, k.Key))
		if err != nil {
			return nil, fmt.Errorf("cosigner key %s: %w", k.Name, err)
		}
		verifiers = append(verifiers, v)
	}
	n, err := note.Open(signed, note.VerifierList(verifiers...))
	if unverified := (*note.UnverifiedNoteError)(nil); errors.As(err, &unverified) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read cosignatures: %w", err)
	}
	var out []Cosignature
	for _, sig := range n.Sigs {
		at, err := fnote.CoSigV1Timestamp(sig)
		if err != nil {
			return nil, fmt.Errorf("read cosignature of %s: %w", sig.Name, err)
		}
		out = append(out, Cosignature{Name: sig.Name, Time: at.UTC()})
	}
	return out, nil
}

// Majority is the least number of cosignatures that outweighs every other group of n voters.
func Majority(n int) int { return n/2 + 1 }

// PeekCheckpoint returns what a signed note claims, without checking a signature.
func PeekCheckpoint(signed []byte) (Checkpoint, bool) {
	if len(signed) > MaxNote {
		return Checkpoint{}, false
	}
	text, _, found := strings.Cut(string(signed), "\n\n")
	if !found {
		return Checkpoint{}, false
	}
	c, err := ParseBody(text + "\n")
	return c, err == nil
}
