package ledger

import (
	"crypto/ed25519"
	"errors"
	"fmt"

	"isotherm/ledger/cbor"
)

// SignatureType says how Signature.Sig was made. Numbers are never reused.
type SignatureType uint8

// SignatureEd25519 is a plain Ed25519 signature (RFC 8032) over the signed bytes; its envelope is empty.
const SignatureEd25519 SignatureType = 1

// Signature is a signature with its key. Envelope is empty today; a type such as WebAuthn keeps there what its
// authenticator signed around our bytes.
type Signature struct {
	Type     SignatureType
	Key      ed25519.PublicKey
	Envelope []byte
	Sig      []byte
}

// ErrBadSignature is returned when a signature does not match its bytes.
var ErrBadSignature = errors.New("signature does not match")

// signedBytes separates domains: no signature of one kind can be taken for one of another, whatever its body.
func signedBytes(kind string, body []byte) []byte {
	return append([]byte("isotherm/"+kind+"/v1\n"), body...)
}

// Sign signs "isotherm/<kind>/v1\n" || body. The body MUST be canonical bytes that name the ledger's origin.
func Sign(key ed25519.PrivateKey, kind string, body []byte) Signature {
	return Signature{
		Type: SignatureEd25519,
		Key:  key.Public().(ed25519.PublicKey),
		Sig:  ed25519.Sign(key, signedBytes(kind, body)),
	}
}

// Verify checks the signature over the body. It returns ErrBadSignature, or an error that names the unknown type or
// the wrong length.
func (s Signature) Verify(kind string, body []byte) error {
	if s.Type != SignatureEd25519 {
		return fmt.Errorf("signature type %d is not known to this version", s.Type)
	}
	if len(s.Key) != ed25519.PublicKeySize || len(s.Sig) != ed25519.SignatureSize || len(s.Envelope) != 0 {
		return fmt.Errorf("ed25519 signature has a field of the wrong length")
	}
	if !ed25519.Verify(s.Key, signedBytes(kind, body), s.Sig) {
		return ErrBadSignature
	}
	return nil
}

// Append writes the signature as a CBOR array [type, key, envelope, sig].
func (s Signature) Append(b []byte) []byte {
	b = cbor.AppendArray(b, 4)
	b = cbor.AppendUint(b, uint64(s.Type))
	b = cbor.AppendBytes(b, s.Key)
	b = cbor.AppendBytes(b, s.Envelope)
	return cbor.AppendBytes(b, s.Sig)
}

// maxEnvelope bounds what an authenticator may wrap around a signature: WebAuthn needs under 1 KiB.
const maxEnvelope = 2048

// ReadSignature reads what Append writes. Errors stay in the decoder.
func ReadSignature(d *cbor.Decoder) Signature {
	d.ArrayOf(4)
	return Signature{
		Type:     SignatureType(d.UintMax(255)),
		Key:      d.Bytes(64),
		Envelope: d.Bytes(maxEnvelope),
		Sig:      d.Bytes(maxEnvelope),
	}
}
