package entry_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"isotherm/ledger"
	"isotherm/ledger/entry"
	"isotherm/ledger/merkle"
)

func members(names ...string) []merkle.CosignerKey {
	var out []merkle.CosignerKey
	for _, n := range names {
		out = append(out, merkle.CosignerKey{Name: n, Key: public(key(n))})
	}
	return out
}

func genesis() *entry.Genesis {
	g := &entry.Genesis{Origin: origin, LogKey: public(key("log")), CreatedMS: 1_790_000_000_000, Cosigners: members("node-1", "node-2", "node-3")}
	g.Sign(key("operator"))
	return g
}

// change is the next set, of nodes 2 to 4, signed by the operator and approved by the named nodes.
func change(g *entry.Genesis, number uint64, approvers ...string) *entry.SetChange {
	c := &entry.SetChange{Set: entry.CosignerSet{Number: number, Origin: g.Origin, Members: members("node-2", "node-3", "node-4")}}
	return sign(c, approvers...)
}

// sign signs a changed set anew.
func sign(c *entry.SetChange, approvers ...string) *entry.SetChange {
	c.Operator = c.Set.Sign(key("operator"))
	c.Approvals = nil
	for _, n := range approvers {
		c.Approvals = append(c.Approvals, entry.Approval{Name: n, Signature: c.Set.Sign(key(n))})
	}
	return c
}

func TestParseGenesis_refuses(t *testing.T) {
	many := make([]string, entry.MaxCosigners+1)
	for i := range many {
		many[i] = fmt.Sprint("node-", i)
	}
	tests := []struct {
		name   string
		edit   func(g *entry.Genesis)
		resign bool
		want   string
	}{
		{"other origin", func(g *entry.Genesis) { g.Origin = "isotherm/ledger/other" }, false, "does not match"},
		{"other log key", func(g *entry.Genesis) { g.LogKey = public(key("other")) }, false, "does not match"},
		{"other time", func(g *entry.Genesis) { g.CreatedMS++ }, false, "does not match"},
		{"cosigner added", func(g *entry.Genesis) { g.Cosigners = append(g.Cosigners, members("node-4")...) }, false, "does not match"},
		{"other operator key", func(g *entry.Genesis) { g.OperatorKey = public(key("other")) }, false, "not signed by its operator"},
		{"signature by another key", func(g *entry.Genesis) { g.Signature.Key = public(key("other")) }, false, "not signed by its operator"},
		{"signature of a cosigner set", func(g *entry.Genesis) {
			g.Signature = ledger.Sign(key("operator"), "cosigners", g.Marshal())
		}, false, "does not match"},
		{"unsigned", func(g *entry.Genesis) { g.Signature = ledger.Signature{} }, false, "not signed by its operator"},
		{"no cosigners", func(g *entry.Genesis) { g.Cosigners = nil }, true, "is empty"},
		{"name twice", func(g *entry.Genesis) { g.Cosigners[1].Name = "node-1" }, true, "twice"},
		{"key twice", func(g *entry.Genesis) { g.Cosigners[2].Key = g.Cosigners[0].Key }, true, "twice"},
		{"17 cosigners", func(g *entry.Genesis) { g.Cosigners = members(many...) }, true, "range"},
		{"short cosigner key", func(g *entry.Genesis) { g.Cosigners[0].Key = g.Cosigners[0].Key[:31] }, true, "range"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := genesis()
			tt.edit(g)
			if tt.resign {
				g.Sign(key("operator"))
			}
			if _, err := entry.ParseGenesis(g.Marshal()); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestTrust_Extend(t *testing.T) {
	tests := []struct {
		name  string
		make  func(g *entry.Genesis) *entry.SetChange
		index int64
		want  string // in the error; empty when it must be taken
	}{
		{"approved by two of three", func(g *entry.Genesis) *entry.SetChange { return change(g, 2, "node-1", "node-3") }, 7, ""},
		{"approved by all", func(g *entry.Genesis) *entry.SetChange { return change(g, 2, "node-3", "node-2", "node-1") }, 7, ""},
		{"approved by one", func(g *entry.Genesis) *entry.SetChange { return change(g, 2, "node-1") }, 7, "approved by 1 of set 1, want 2"},
		{"approved by nobody", func(g *entry.Genesis) *entry.SetChange { return change(g, 2) }, 7, "approved by 0"},
		{"approved by one, twice", func(g *entry.Genesis) *entry.SetChange { return change(g, 2, "node-1", "node-1") }, 7, "approved by 1"},
		{"approved by a new member only", func(g *entry.Genesis) *entry.SetChange { return change(g, 2, "node-1", "node-4") }, 7, "node-4, who is not in set 1"},
		{"approved by an outsider", func(g *entry.Genesis) *entry.SetChange { return change(g, 2, "node-1", "node-2", "outsider") }, 7, "outsider, who is not in set 1"},
		{"outsider under a member's name", func(g *entry.Genesis) *entry.SetChange {
			c := change(g, 2, "node-1", "outsider")
			c.Approvals[1].Name = "node-2"
			return c
		}, 7, "node-2, who is not in set 1"},
		{"member under another member's name", func(g *entry.Genesis) *entry.SetChange {
			c := change(g, 2, "node-1", "node-1")
			c.Approvals[1].Name = "node-2"
			return c
		}, 7, "node-2, who is not in set 1"},
		{"approval of another set", func(g *entry.Genesis) *entry.SetChange {
			c := change(g, 2, "node-1", "node-2")
			c.Approvals[1].Signature = change(g, 3, "node-2").Approvals[0].Signature
			return c
		}, 7, "approval by node-2: signature does not match"},
		{"wrong operator", func(g *entry.Genesis) *entry.SetChange {
			c := change(g, 2, "node-1", "node-2")
			c.Operator = c.Set.Sign(key("other"))
			return c
		}, 7, "not signed by the operator's key"},
		{"operator signed another set", func(g *entry.Genesis) *entry.SetChange {
			c := change(g, 2, "node-1", "node-2")
			c.Operator = change(g, 3).Operator
			return c
		}, 7, "operator: signature does not match"},
		{"member exchanged after signing", func(g *entry.Genesis) *entry.SetChange {
			c := change(g, 2, "node-1", "node-2")
			c.Set.Members = members("node-2", "node-3", "outsider")
			return c
		}, 7, "operator: signature does not match"},
		{"same number", func(g *entry.Genesis) *entry.SetChange { return change(g, 1, "node-1", "node-2") }, 7, "does not follow set 1"},
		{"number passed over", func(g *entry.Genesis) *entry.SetChange { return change(g, 3, "node-1", "node-2") }, 7, "does not follow set 1"},
		{"other ledger", func(g *entry.Genesis) *entry.SetChange {
			c := change(g, 2)
			c.Set.Origin = "isotherm/ledger/other"
			return sign(c, "node-1", "node-2")
		}, 7, "does not follow set 1"},
		{"at the index of the genesis", func(g *entry.Genesis) *entry.SetChange { return change(g, 2, "node-1", "node-2") }, 0, "does not follow set 1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := genesis()
			trust := entry.NewTrust(g)
			err := trust.Extend(tt.index, tt.make(g))
			if tt.want == "" {
				if err != nil || trust.SetAt(100).Number != 2 {
					t.Errorf("got %v, want set 2 to count", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if got := trust.SetAt(100).Number; got != 1 {
				t.Errorf("set %d counts, though it was refused", got)
			}
		})
	}
}

func TestParseSetChange_refuses(t *testing.T) {
	for name, set := range map[string][]merkle.CosignerKey{"empty": nil, "name twice": {members("node-1")[0], {Name: "node-1", Key: public(key("x"))}},
		"key twice": {members("node-1")[0], {Name: "node-2", Key: public(key("node-1"))}}} {
		c := change(genesis(), 2)
		c.Set.Members = set
		if _, err := entry.ParseSetChange(sign(c, "node-1", "node-2").Marshal()); err == nil {
			t.Errorf("%s: was taken", name)
		}
	}
}

// A later set is approved by the set before it, not by the first; and each counts from its own entry on.
func TestTrust_SetAt(t *testing.T) {
	g := genesis()
	trust := entry.NewTrust(g)
	if err := trust.Extend(7, change(g, 2, "node-1", "node-2")); err != nil {
		t.Fatal(err)
	}
	third := change(g, 3)
	third.Set.Members = members("node-4", "node-5")
	if err := trust.Extend(20, sign(third, "node-1", "node-2")); err == nil {
		t.Error("set 3 was approved by node-1, who is not in set 2")
	}
	if err := trust.Extend(7, sign(third, "node-2", "node-4")); err == nil {
		t.Error("set 3 was taken at the index of set 2")
	}
	if err := trust.Extend(20, sign(third, "node-2", "node-4")); err != nil {
		t.Fatal(err)
	}
	// The set at index i counts for trees that hold entry i, hence from size i+1 on.
	for size, want := range map[int64]uint64{0: 1, 1: 1, 7: 1, 8: 2, 20: 2, 21: 3, 1 << 40: 3} {
		if got := trust.SetAt(size); got.Number != want || got.Origin != origin {
			t.Errorf("size %d: got set %d, want %d", size, got.Number, want)
		}
	}
}

// checkpoint returns a signed checkpoint with the cosignatures of the names.
func checkpoint(t testing.TB, cp merkle.Checkpoint, signer string, names ...string) []byte {
	t.Helper()
	signed, err := merkle.Sign(cp, key(signer))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		c, err := merkle.NewCosigner(n, key(n))
		if err != nil {
			t.Fatal(err)
		}
		line, err := c.Cosign(cp)
		if err != nil {
			t.Fatal(err)
		}
		signed = merkle.AddCosignatures(signed, line)
	}
	return signed
}

func TestTrust_OpenCheckpoint(t *testing.T) {
	g := genesis()
	trust := entry.NewTrust(g)
	if err := trust.Extend(7, change(g, 2, "node-1", "node-2")); err != nil {
		t.Fatal(err)
	}
	at := func(size int64) merkle.Checkpoint {
		return merkle.Checkpoint{Origin: origin, Size: size, Root: merkle.EmptyRoot}
	}
	other := at(7)
	other.Origin = "isotherm/ledger/other"
	tests := []struct {
		name   string
		signed []byte
		want   string // in the error; empty when it must be taken
	}{
		{"majority of set 1", checkpoint(t, at(7), "log", "node-1", "node-2"), ""},
		{"majority of set 1 at a size of set 2", checkpoint(t, at(8), "log", "node-1", "node-2"), "has 1 cosignatures of set 2, want 2 of 3"},
		{"majority of set 2", checkpoint(t, at(8), "log", "node-2", "node-4"), ""},
		{"majority of set 2 at a size of set 1", checkpoint(t, at(7), "log", "node-2", "node-4"), "has 1 cosignatures of set 1, want 2 of 3"},
		{"one, twice", checkpoint(t, at(7), "log", "node-1", "node-1"), "has 1 cosignatures"},
		{"none", checkpoint(t, at(7), "log"), "has 0 cosignatures"},
		{"outsiders", checkpoint(t, at(7), "log", "x", "y", "z"), "has 0 cosignatures"},
		{"other log key", checkpoint(t, at(7), "other", "node-1", "node-2"), "open checkpoint"},
		{"other origin", checkpoint(t, other, "log", "node-1", "node-2"), "open checkpoint"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cp, cosigs, err := trust.OpenCheckpoint(tt.signed)
			if tt.want == "" {
				if err != nil || len(cosigs) < 2 || cp.Origin != origin {
					t.Errorf("got %+v, %v, %v", cp, cosigs, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestPin_Marshal(t *testing.T) {
	want := entry.NewTrust(genesis()).Pin
	text := want.Marshal()
	for name, b := range map[string][]byte{
		"as written":      text,
		"carriage return": bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")),
		"lines added":     append([]byte("\n  # a remark\n"), text...),
		"no last newline": bytes.TrimSuffix(text, []byte("\n")),
	} {
		got, err := entry.ParsePin(b)
		if err != nil || !got.Equal(want) {
			t.Errorf("%s: got %+v, %v, want %+v", name, got, err, want)
		}
	}
	if !want.Equal(want) {
		t.Error("not equal to itself")
	}
	for name, edit := range map[string]func(p *entry.Pin){"origin": func(p *entry.Pin) { p.Origin = "x" }, "log key": func(p *entry.Pin) { p.LogKey = public(key("x")) },
		"operator key": func(p *entry.Pin) { p.OperatorKey = public(key("x")) }} {
		p := want
		edit(&p)
		if want.Equal(p) {
			t.Errorf("equal with another %s", name)
		}
	}
}

func TestParsePin_refuses(t *testing.T) {
	log, operator := merkle.VerifierKey(origin, public(key("log"))), merkle.VerifierKey(origin+"/operator", public(key("operator")))
	foreign := merkle.VerifierKey("isotherm/ledger/other/operator", public(key("operator")))
	good := "# remark\nlog " + log + "\noperator " + operator + "\n"
	if _, err := entry.ParsePin([]byte(good)); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, text, want string }{
		{"empty", "", "must have one 'log' line"},
		{"no operator", "log " + log + "\n", "must have one 'log' line"},
		{"no log", "operator " + operator + "\n", "must have one 'log' line"},
		{"operator of another ledger", "log " + log + "\noperator " + foreign + "\n", "of the same ledger"},
		{"operator's key under the log's name", "log " + log + "\noperator " + log + "\n", "of the same ledger"},
		{"unknown word", good + "witness " + log + "\n", `line 4: "witness"`},
		{"word in upper case", strings.Replace(good, "log ", "LOG ", 1), `line 2: "LOG"`},
		{"log twice", good + "log " + log + "\n", `line 4: "log"`},
		{"operator twice", good + "operator " + operator + "\n", `line 4: "operator"`},
		{"word alone", "log\n", "line 1: want a word and a key"},
		{"three words", "\n\nlog " + log + " more\n", "line 3: want a word and a key"},
		{"no key", "log nonsense\n", "line 1: verifier key"},
		{"key hash of another name", strings.Replace(good, "log isotherm", "log xsotherm", 1), "line 2: verifier key"},
		{"private key", "log PRIVATE+KEY+x+00000000+AAAA\n", "line 1: verifier key"},
		{"over the limit", strings.Repeat("#\n", entry.MaxPin), "at most"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if p, err := entry.ParsePin([]byte(tt.text)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %+v, %v, want %q", p, err, tt.want)
			}
		})
	}
}

func FuzzParsePin(f *testing.F) {
	f.Add(entry.NewTrust(genesis()).Pin.Marshal())
	f.Add([]byte("log x+00000000+AAAA\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := entry.ParsePin(b)
		if err != nil {
			return
		}
		if again, err := entry.ParsePin(p.Marshal()); err != nil || !again.Equal(p) {
			t.Errorf("got %+v, %v, want %+v", again, err, p)
		}
	})
}
