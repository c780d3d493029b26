package batch

import (
	"bytes"
	"encoding/base64"
	"errors"

	"isotherm/ledger/cbor"
	"isotherm/ledger/merkle"
)

// noteSignature is the length of the binary part of an Ed25519 signature line: key hash and signature.
const noteSignature = 4 + 64

// headText writes a signed head from its parts, as c2sp.org/signed-note lays it out.
func headText(c merkle.Checkpoint, sig []byte) []byte {
	text := c.Body() + "\n— " + c.Origin + " " + base64.StdEncoding.EncodeToString(sig) + "\n"
	return []byte(text)
}

// appendHead writes the signed head. A head as boxes sign it goes as [size, root, signature], which saves 200 bytes a
// batch because its text repeats the origin twice; any other goes as the bytes it is.
func appendHead(b []byte, origin string, head []byte) []byte {
	if c, sig, ok := splitHead(origin, head); ok {
		b = cbor.AppendArray(b, 3)
		b = cbor.AppendUint(b, uint64(c.Size))
		b = cbor.AppendBytes(b, c.Root[:])
		return cbor.AppendBytes(b, sig)
	}
	b = cbor.AppendArray(b, 1)
	return cbor.AppendBytes(b, head)
}

func splitHead(origin string, head []byte) (merkle.Checkpoint, []byte, bool) {
	text, rest, found := bytes.Cut(head, []byte("\n\n"))
	line, isSig := bytes.CutPrefix(rest, []byte("— "+origin+" "))
	if !found || !isSig {
		return merkle.Checkpoint{}, nil, false
	}
	c, err := merkle.ParseBody(string(text) + "\n")
	if err != nil || c.Origin != origin {
		return merkle.Checkpoint{}, nil, false
	}
	sig, err := base64.StdEncoding.DecodeString(string(bytes.TrimSuffix(line, []byte("\n"))))
	if err != nil || len(sig) != noteSignature || !bytes.Equal(headText(c, sig), head) {
		return merkle.Checkpoint{}, nil, false
	}
	return c, sig, true
}

// readHead reads what appendHead writes. Errors stay in the decoder.
func readHead(d *cbor.Decoder, origin string) []byte {
	n := d.Array(3)
	if d.Err() != nil {
		return nil
	}
	switch n {
	case 1:
		if head := d.Bytes(merkle.MaxNote); len(head) > 0 {
			return bytes.Clone(head)
		}
		d.Fail(errors.New("batch without a head"))
		return nil
	case 3:
		c := merkle.Checkpoint{Origin: origin, Size: int64(d.UintMax(1 << 62))}
		d.Fixed(c.Root[:])
		sig := make([]byte, noteSignature)
		d.Fixed(sig)
		if d.Err() != nil {
			return nil
		}
		return headText(c, sig)
	}
	d.Fail(errors.New("head is neither whole nor in parts"))
	return nil
}
