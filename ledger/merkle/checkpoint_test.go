package merkle_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"isotherm/ledger/merkle"
)

// key returns a key that is the same in every run.
func key(name string) ed25519.PrivateKey {
	seed := make([]byte, ed25519.SeedSize)
	copy(seed, name)
	return ed25519.NewKeyFromSeed(seed)
}

func public(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }

const origin = "isotherm/ledger/test"

func testCheckpoint() merkle.Checkpoint {
	return merkle.Checkpoint{Origin: origin, Size: 300, Root: tlog.RecordHash([]byte("root"))}
}

func sign(t testing.TB, c merkle.Checkpoint, k ed25519.PrivateKey) []byte {
	t.Helper()
	signed, err := merkle.Sign(c, k)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func TestSign(t *testing.T) {
	want := testCheckpoint()
	signed := sign(t, want, key("log"))
	got, err := merkle.Open(signed, origin, public(key("log")))
	if err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	// x/mod reads it too, with the verifier key that a policy file shows.
	v, err := note.NewVerifier(merkle.VerifierKey(origin, public(key("log"))))
	if err != nil {
		t.Fatal(err)
	}
	n, err := note.Open(signed, note.VerifierList(v))
	if err != nil || n.Text != want.Body() || len(n.Sigs) != 1 {
		t.Errorf("x/mod: got %+v, %v", n, err)
	}
	if peeked, ok := merkle.PeekCheckpoint(signed); !ok || peeked != want {
		t.Errorf("peek: got %+v, %t, want %+v", peeked, ok, want)
	}
	if got, err := merkle.PeekOrigin(signed); err != nil || got != origin {
		t.Errorf("peek origin: got %q, %v, want %q", got, err, origin)
	}
}

func TestSign_refuses(t *testing.T) {
	for _, name := range []string{"", "with blank", "with+plus", "two\nlines", "not \xff UTF-8"} {
		c := testCheckpoint()
		c.Origin = name
		if _, err := merkle.Sign(c, key("log")); err == nil {
			t.Errorf("origin %q was signed", name)
		}
	}
}

func TestOpen_refuses(t *testing.T) {
	good := sign(t, testCheckpoint(), key("log"))
	signAs := func(text, name string) []byte {
		signer, err := note.NewSigner(noteKey(name, key("log")))
		if err != nil {
			t.Fatal(err)
		}
		signed, err := note.Sign(&note.Note{Text: text}, signer)
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	body := testCheckpoint().Body()
	other := testCheckpoint()
	other.Origin = "isotherm/ledger/other"
	tests := []struct {
		name   string
		signed []byte
	}{
		{"empty", nil},
		{"unsigned", []byte(body)},
		{"no signature line", []byte(body + "\n")},
		{"other key", sign(t, testCheckpoint(), key("other"))},
		{"changed size", bytes.Replace(good, []byte("\n300\n"), []byte("\n301\n"), 1)},
		{"cut", good[:len(good)-1]},
		{"byte after", append(bytes.Clone(good), 'x')},
		{"other origin, other name", sign(t, other, key("log"))},
		{"other origin under the right name", signAs(other.Body(), origin)},
		{"right origin under another name", signAs(body, "other")},
		{"extension line", signAs(body+"extension\n", origin)},
		{"leading zero", signAs(strings.Replace(body, "\n300\n", "\n0300\n", 1), origin)},
		{"blank line inside", signAs(body+"\nmore\n", origin)},
		{"too long", append(bytes.Clone(good), bytes.Repeat([]byte("— x AAAAAAAA\n"), 600)...)},
	}
	if _, err := merkle.Open(signAs(body, origin), origin, public(key("log"))); err != nil {
		t.Fatalf("the test's own signer is wrong: %v", err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if c, err := merkle.Open(tt.signed, origin, public(key("log"))); err == nil {
				t.Errorf("got %+v, want an error", c)
			}
		})
	}
	if _, err := merkle.Open(good, origin, public(key("log"))[:31]); err == nil {
		t.Error("a short key was taken")
	}
}

// noteKey is the text form of a signer key as x/mod wants it. Its hash is checked there.
func noteKey(name string, k ed25519.PrivateKey) string {
	vk := merkle.VerifierKey(name, public(k))
	hash := strings.SplitN(vk, "+", 3)[1]
	return "PRIVATE+KEY+" + name + "+" + hash + "+" + base64.StdEncoding.EncodeToString(append([]byte{1}, k.Seed()...))
}

func TestParseBody(t *testing.T) {
	for _, size := range []int64{0, 1, 1 << 62} {
		want := testCheckpoint()
		want.Size = size
		got, err := merkle.ParseBody(want.Body())
		if err != nil || got != want {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
	}
}

func TestParseBody_refuses(t *testing.T) {
	hash := base64.StdEncoding.EncodeToString(make([]byte, 32))
	tests := []struct{ name, text string }{
		{"empty", ""},
		{"no origin", "\n1\n" + hash + "\n"},
		{"no newline at the end", "o\n1\n" + hash},
		{"leading zero", "o\n01\n" + hash + "\n"},
		{"two zeros", "o\n00\n" + hash + "\n"},
		{"plus", "o\n+1\n" + hash + "\n"},
		{"minus", "o\n-1\n" + hash + "\n"},
		{"blank before the size", "o\n 1\n" + hash + "\n"},
		{"hexadecimal", "o\n0x1\n" + hash + "\n"},
		{"no size", "o\n\n" + hash + "\n"},
		{"size over 2^62", "o\n4611686018427387905\n" + hash + "\n"},
		{"size over 2^64", "o\n18446744073709551617\n" + hash + "\n"},
		{"carriage returns", "o\r\n1\r\n" + hash + "\r\n"},
		{"carriage return inside the hash", "o\n1\n" + hash[:10] + "\r" + hash[10:] + "\n"},
		{"no padding", "o\n1\n" + hash[:43] + "\n"},
		{"stray bits in the padding", "o\n1\n" + hash[:42] + "B=\n"},
		{"short root", "o\n1\n" + base64.StdEncoding.EncodeToString(make([]byte, 31)) + "\n"},
		{"long root", "o\n1\n" + base64.StdEncoding.EncodeToString(make([]byte, 33)) + "\n"},
		{"no root", "o\n1\n\n"},
		{"extension line", "o\n1\n" + hash + "\nextension\n"},
		{"blank line after", "o\n1\n" + hash + "\n\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if c, err := merkle.ParseBody(tt.text); err == nil {
				t.Errorf("got %+v, want an error", c)
			}
		})
	}
}

func TestPeekOrigin_refuses(t *testing.T) {
	for name, b := range map[string][]byte{"empty": nil, "one line": []byte("o\n"), "too long": bytes.Repeat([]byte("o\n"), merkle.MaxNote)} {
		if got, err := merkle.PeekOrigin(b); err == nil {
			t.Errorf("%s: got %q, want an error", name, got)
		}
		if got, ok := merkle.PeekCheckpoint(b); ok {
			t.Errorf("%s: got %+v, want none", name, got)
		}
	}
}

// cosign returns the cosignature lines of the names over the checkpoint.
func cosign(t testing.TB, c merkle.Checkpoint, names ...string) []string {
	t.Helper()
	var lines []string
	for _, n := range names {
		s, err := merkle.NewCosigner(n, key(n))
		if err != nil {
			t.Fatal(err)
		}
		line, err := s.Cosign(c)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	return lines
}

func cosignerKeys(names ...string) []merkle.CosignerKey {
	var out []merkle.CosignerKey
	for _, n := range names {
		out = append(out, merkle.CosignerKey{Name: n, Key: public(key(n))})
	}
	return out
}

func TestCosignatures(t *testing.T) {
	cp := testCheckpoint()
	otherRoot := cp
	otherRoot.Root[0] ^= 1
	signed := sign(t, cp, key("log"))
	forged := cosign(t, otherRoot, "node-1")[0]
	tests := []struct {
		name    string
		lines   []string
		want    []string
		wantErr bool
	}{
		{"none", nil, nil, false},
		{"two of three", cosign(t, cp, "node-1", "node-3"), []string{"node-1", "node-3"}, false},
		{"all, in another order", cosign(t, cp, "node-3", "node-1", "node-2"), []string{"node-3", "node-1", "node-2"}, false},
		{"unknown only", cosign(t, cp, "witness"), nil, false},
		{"unknown among known", cosign(t, cp, "witness", "node-2"), []string{"node-2"}, false},
		{"unknown with a wrong signature", append(cosign(t, otherRoot, "witness"), cosign(t, cp, "node-2")...), []string{"node-2"}, false},
		{"same twice", append(cosign(t, cp, "node-1"), cosign(t, cp, "node-1")...), []string{"node-1"}, false},
		{"of another root under a known name", append(cosign(t, cp, "node-2"), forged), nil, true},
		{"known key under another name", []string{renamed(t, cp, "node-1", "node-2")}, nil, false},
		{"not base64", []string{"— node-1 !!!!\n"}, nil, true},
		{"cut", []string{strings.TrimSuffix(cosign(t, cp, "node-1")[0], "\n")}, nil, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := merkle.Cosignatures(merkle.AddCosignatures(signed, tt.lines...), cosignerKeys("node-1", "node-2", "node-3"))
			if (err != nil) != tt.wantErr {
				t.Fatalf("got %v, want an error: %t", err, tt.wantErr)
			}
			var names []string
			for _, c := range got {
				names = append(names, c.Name)
			}
			if d := cmp.Diff(tt.want, names); d != "" {
				t.Error(d)
			}
		})
	}
}

// renamed is a cosignature that a node made under a name that is not its own: another key hash, hence unknown.
func renamed(t *testing.T, cp merkle.Checkpoint, who, name string) string {
	t.Helper()
	s, err := merkle.NewCosigner(name, key(who))
	if err != nil {
		t.Fatal(err)
	}
	line, err := s.Cosign(cp)
	if err != nil {
		t.Fatal(err)
	}
	return line
}

// A plain signature by a node's key is no cosignature: key types are apart (0x01 and 0x04).
func TestCosignatures_plainSignature(t *testing.T) {
	cp := testCheckpoint()
	cp.Origin = "node-1"
	got, err := merkle.Cosignatures(sign(t, cp, key("node-1")), cosignerKeys("node-1"))
	if err != nil || len(got) != 0 {
		t.Errorf("got %v, %v, want none", got, err)
	}
}

func TestCosigner_Cosign_time(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cp := testCheckpoint()
		first := cosign(t, cp, "node-1")
		time.Sleep(90 * time.Second) // in the bubble's clock
		signed := merkle.AddCosignatures(sign(t, cp, key("log")), append(first, cosign(t, cp, "node-2")...)...)
		got, err := merkle.Cosignatures(signed, cosignerKeys("node-1", "node-2"))
		if err != nil || len(got) != 2 {
			t.Fatalf("got %v, %v, want two", got, err)
		}
		if d := got[1].Time.Sub(got[0].Time); d != 90*time.Second {
			t.Errorf("time between them: got %s, want 90 s", d)
		}
	})
}

func TestCosignatures_tooLong(t *testing.T) {
	long := append(sign(t, testCheckpoint(), key("log")), make([]byte, merkle.MaxNote)...)
	if _, err := merkle.Cosignatures(long, cosignerKeys("node-1")); err == nil {
		t.Error("a note over the limit was read")
	}
}

func TestMajority(t *testing.T) {
	for n := 1; n < 20; n++ {
		if m := merkle.Majority(n); 2*m <= n || 2*(m-1) > n {
			t.Errorf("majority of %d: got %d", n, m)
		}
	}
	if got := merkle.Majority(3); got != 2 {
		t.Errorf("got %d, want 2", got)
	}
}

func TestNewCosigner_refuses(t *testing.T) {
	for _, name := range []string{"", "node 1", "node+1"} {
		if _, err := merkle.NewCosigner(name, key("x")); err == nil {
			t.Errorf("name %q was taken", name)
		}
	}
}
