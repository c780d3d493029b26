package command_test

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"isotherm/ledger"
	"isotherm/ledger/batch"
	"isotherm/ledger/cbor"
	"isotherm/ledger/command"
	"isotherm/ledger/entry"
)

func commands() map[string]*command.Command {
	act := &command.Entry{Kind: entry.KindAct, RecordTimeMS: 1_790_000_000_000, Node: "node-1", Commitment: [32]byte{1}, Stored: []byte("sealed"), SealedFor: "case-9",
		Subjects: []entry.Subject{entry.Case(ledger.ShipmentID{9}), entry.Person(ledger.PersonID{1})}}
	return map[string]*command.Command{
		"empty":   {},
		"act":     {Entry: act, Dedup: &ledger.ActID{7}},
		"batch":   {Entry: &command.Entry{Kind: entry.KindJournalAdvance, RecordTimeMS: math.MinInt64}, Batch: []byte("wire")},
		"enrol":   {Entry: act, Require: "token", Secrets: []command.Secret{{Name: "token"}}, Box: &command.Box{ID: ledger.BoxID{3}, Key: make([]byte, 32)}},
		"secrets": {Secrets: []command.Secret{{Name: "a", Value: []byte{1}}, {Name: "", Value: make([]byte, 4096)}}},
		"largest": {Entry: &command.Entry{Kind: math.MaxUint16, Stored: make([]byte, entry.SaltSize+entry.MaxPayload+64), Subjects: make([]entry.Subject, entry.MaxLinks)},
			Batch: make([]byte, batch.MaxWire), Secrets: manySecrets(16)},
	}
}

func manySecrets(n int) []command.Secret {
	var out []command.Secret
	for range n {
		out = append(out, command.Secret{Name: strings.Repeat("n", 128), Value: make([]byte, 4096)})
	}
	return out
}

func TestCommand_Marshal(t *testing.T) {
	for name, want := range commands() {
		t.Run(name, func(t *testing.T) {
			b := want.Marshal()
			if len(b) > command.MaxSize {
				t.Fatalf("%d bytes: limits of the parts allow more than the limit of the whole", len(b))
			}
			got, err := command.Parse(b)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
			for n := 0; n < len(b); n += 1 + len(b)/500 {
				if _, err := command.Parse(b[:n]); err == nil {
					t.Fatalf("the first %d bytes were taken", n)
				}
			}
			if _, err := command.Parse(append(b, 0)); err == nil {
				t.Error("a byte after the end was taken")
			}
		})
	}
}

// A node that meets a command of a later version must stop, whatever else that version has changed: it must not take
// the command for a malformed one, which it could pass over while others apply it.
func TestParse_version(t *testing.T) {
	later := func(pairs int, rest ...byte) []byte {
		b := cbor.AppendMap(nil, pairs)
		return append(cbor.AppendUint(cbor.AppendUint(b, 1), command.Version+1), rest...)
	}
	tests := []struct {
		name string
		in   []byte
	}{
		{"same fields", bytes.Replace((&command.Command{}).Marshal(), []byte{0x01, command.Version}, []byte{0x01, command.Version + 1}, 1)},
		{"version alone", later(1)},
		{"a later field", later(2, 0x18, 0x40, 0x01)},
		{"more fields than this version knows", later(9, 0x02, 0xF6)},
		{"as many fields as a map can say in a byte", later(23, 0x02, 0xF6)},
		{"known field of another type", later(2, 0x02, 0xF9, 0x3C, 0x00)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if c, err := command.Parse(tt.in); !errors.Is(err, command.ErrVersion) {
				t.Errorf("got %+v, %v, want ErrVersion", c, err)
			}
		})
	}
}

func TestParse_refuses(t *testing.T) {
	edited := func(edit func(c *command.Command)) []byte {
		c := &command.Command{Entry: &command.Entry{Kind: entry.KindAct}}
		edit(c)
		return c.Marshal()
	}
	empty := (&command.Command{}).Marshal()
	tests := []struct {
		name string
		in   []byte
	}{
		{"nothing", nil},
		{"no map", []byte{0x80}},
		{"version 0", bytes.Replace(empty, []byte{0x01, command.Version}, []byte{0x01, 0x00}, 1)},
		{"no version", []byte{0xA1, 0x06, 0x80}},
		{"no secrets field", []byte{0xA1, 0x01, command.Version}},
		{"unknown field", append([]byte{0xA3}, append(empty[1:], 0x08, 0x00)...)},
		{"empty batch, written out", []byte{0xA3, 0x01, command.Version, 0x04, 0x40, 0x06, 0x80}},
		{"empty requirement, written out", []byte{0xA3, 0x01, command.Version, 0x05, 0x60, 0x06, 0x80}},
		{"17 secrets", (&command.Command{Secrets: make([]command.Secret, 17)}).Marshal()},
		{"secret over its limit", (&command.Command{Secrets: []command.Secret{{Value: make([]byte, 4097)}}}).Marshal()},
		{"name over its limit", (&command.Command{Require: strings.Repeat("n", 129)}).Marshal()},
		{"batch over its limit", (&command.Command{Batch: make([]byte, batch.MaxWire+1)}).Marshal()},
		{"129 subjects", edited(func(c *command.Command) { c.Entry.Subjects = make([]entry.Subject, entry.MaxLinks+1) })},
		{"payload over its limit", edited(func(c *command.Command) { c.Entry.Stored = make([]byte, entry.SaltSize+entry.MaxPayload+65) })},
		{"node not UTF-8", edited(func(c *command.Command) { c.Entry.Node = "\xff" })},
		{"key of a box over its limit", (&command.Command{Box: &command.Box{Key: make([]byte, 65)}}).Marshal()},
		{"over the limit", make([]byte, command.MaxSize+1)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if c, err := command.Parse(tt.in); err == nil || errors.Is(err, command.ErrVersion) {
				t.Errorf("got %+v, %v, want an error that is not ErrVersion", c, err)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for name, c := range commands() {
		if name != "largest" {
			f.Add(c.Marshal())
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := command.Parse(b)
		if err != nil {
			return
		}
		if got := c.Marshal(); !bytes.Equal(got, b) {
			t.Errorf("got %x, want %x", got, b)
		}
	})
}
