package node

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"isotherm/ledger"
	"isotherm/ledger/entry"
	"isotherm/ledger/store"
)

func TestSetContacts(t *testing.T) {
	f := newFixture(t)
	center, courier := f.enrol("center", entry.RoleCenter), f.enrol("air", entry.RoleCourier)
	good := Contacts{Organisation: "center", Webhook: "https://hooks.example.org/x?t=geheim", Email: "oncall@example.org", Hook: "sms", Phone: "+1 555 0199"}
	first, err := f.SetContacts(t.Context(), as(center), good)
	if err != nil || !goodSecret(first.Secret) || first.Index < 0 {
		t.Fatalf("got %+v, %v", first, err)
	}
	second, err := f.SetContacts(t.Context(), as(center), good)
	if err != nil || second.Secret != "" {
		t.Errorf("the secret is shown again: %+v, %v", second, err)
	}
	got, _, err := f.Contacts(t.Context(), f.admin, "center")
	want := good
	want.Index = second.Index
	if d := cmp.Diff(want, got); err != nil || d != "" {
		t.Errorf("%v (-want +got)\n%s", err, d)
	}
	checkContactEntry(t, f, second.Index)
	for _, tt := range []struct {
		name   string
		p      Principal
		change func(*Contacts)
		want   ledger.Code
	}{
		{"a courier", as(courier), func(c *Contacts) { c.Organisation = "air" }, ledger.CodeForbidden},
		{"another organisation", as(center), func(c *Contacts) { c.Organisation = "opo" }, ledger.CodeForbidden},
		{"plain http", as(center), func(c *Contacts) { c.Webhook = "http://hooks.example.org/" }, ledger.CodeInvalid},
		{"http on this machine", as(center), func(c *Contacts) { c.Webhook = "http://127.0.0.1:8080/" }, ""},
		{"a password", as(center), func(c *Contacts) { c.Webhook = "https://u:p@hooks.example.org/" }, ledger.CodeInvalid},
		{"no host", as(center), func(c *Contacts) { c.Webhook = "https:///x" }, ledger.CodeInvalid},
		{"an endless URL", as(center), func(c *Contacts) { c.Webhook = "https://h/" + strings.Repeat("x", maxURL) }, ledger.CodeInvalid},
		{"a short secret", as(center), func(c *Contacts) { c.Secret = "whsec_AAAA" }, ledger.CodeInvalid},
		{"their own secret", as(center), func(c *Contacts) { c.Secret = "whsec_" + strings.Repeat("AAAA", 8) }, ""},
		{"a name in the address", as(center), func(c *Contacts) { c.Email = "On Call <oncall@example.org>" }, ledger.CodeInvalid},
		{"two addresses", as(center), func(c *Contacts) { c.Email = "a@example.org, b@example.org" }, ledger.CodeInvalid},
		{"a line break", as(center), func(c *Contacts) { c.Email = "a@example.org\r\nBcc: b@example.org" }, ledger.CodeInvalid},
		{"a hook without a number", as(center), func(c *Contacts) { c.Phone = "" }, ledger.CodeInvalid},
		{"a path as a hook", as(center), func(c *Contacts) { c.Hook = "../sms" }, ledger.CodeInvalid},
		{"letters in the number", as(center), func(c *Contacts) { c.Phone = "+1 555 CALL" }, ledger.CodeInvalid},
		{"nothing: deleted", as(center), func(c *Contacts) { *c = Contacts{Organisation: "center"} }, ""},
	} {
		c := good
		tt.change(&c)
		if _, err := f.SetContacts(t.Context(), tt.p, c); ledger.CodeOf(err) != tt.want {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
	if got, _, err := f.Contacts(t.Context(), as(center), "center"); err != nil || len(got.channels()) != 0 || got.Index < second.Index {
		t.Errorf("deleted: got %+v, %v", got, err)
	}
	if _, err := f.TestAlarm(t.Context(), as(center), "center"); ledger.CodeOf(err) != ledger.CodeConflict {
		t.Errorf("test without contacts: got %v", err)
	}
}

// checkContactEntry checks that the ledger's entry says which channels were set, and nothing that reaches anybody.
func checkContactEntry(t *testing.T, f *fixture, index int64) {
	t.Helper()
	err := f.Node.replica.View(func(v *store.View) error {
		leaf, payload, err := f.open(v, index)
		if err != nil {
			return err
		}
		changed, err := entry.ParseContactChanged(payload)
		if err != nil {
			return err
		}
		if leaf.Kind != entry.KindContact || strings.Join(changed.Channels, " ") != "webhook e-mail hook phone" {
			t.Errorf("entry: %s %+v", leaf.Kind, changed)
		}
		for _, word := range []string{"geheim", "example.org", "555", "whsec"} {
			if strings.Contains(string(payload), word) {
				t.Errorf("the entry says %q", word)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestParseContacts(t *testing.T) {
	c := &Contacts{Organisation: "center", Webhook: "https://h/", Secret: "whsec_x", Email: "a@b", Hook: "sms", Phone: "1"}
	got, err := parseContacts(c.marshal())
	if d := cmp.Diff(c, got); err != nil || d != "" {
		t.Errorf("%v (-want +got)\n%s", err, d)
	}
	if _, err := parseContacts(append(c.marshal(), 0)); err == nil {
		t.Error("trailing bytes are read")
	}
}
