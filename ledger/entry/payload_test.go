package entry_test

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/tlog"

	"isotherm/ledger"
	"isotherm/ledger/entry"
	"isotherm/ledger/merkle"
)

// payload is what all payloads have in common.
type payload interface{ Marshal() []byte }

// parsers reads every type of payload.
var parsers = map[string]func(b []byte) (payload, error){
	"box enrolled":      func(b []byte) (payload, error) { return entry.ParseBoxEnrolled(b) },
	"person card":       func(b []byte) (payload, error) { return entry.ParsePersonCard(b) },
	"organisation card": func(b []byte) (payload, error) { return entry.ParseOrganisationCard(b) },
	"profile":           func(b []byte) (payload, error) { return entry.ParseProfilePublished(b) },
	"consent":           func(b []byte) (payload, error) { return entry.ParseConsent(b) },
	"account":           func(b []byte) (payload, error) { return entry.ParseAccountEvent(b) },
	"donor access":      func(b []byte) (payload, error) { return entry.ParseDonorAccess(b) },
	"share":             func(b []byte) (payload, error) { return entry.ParseShareEvent(b) },
	"break-glass":       func(b []byte) (payload, error) { return entry.ParseBreakGlass(b) },
	"certificate":       func(b []byte) (payload, error) { return entry.ParseCertificateRecalled(b) },
	"alarm":             func(b []byte) (payload, error) { return entry.ParseAlarmEvent(b) },
	"contact":           func(b []byte) (payload, error) { return entry.ParseContactChanged(b) },
	"advance":           func(b []byte) (payload, error) { return entry.ParseAdvance(b) },
	"access":            func(b []byte) (payload, error) { return entry.ParseAccess(b) },
	"receipt":           func(b []byte) (payload, error) { return entry.ParseReceipt(b) },
	"genesis":           func(b []byte) (payload, error) { return entry.ParseGenesis(b) },
	"set change":        func(b []byte) (payload, error) { return entry.ParseSetChange(b) },
}

// payloads is one of every type, keyed by the type's parser.
func payloads() map[string]payload {
	return map[string]payload{
		"box enrolled":      &entry.BoxEnrolled{Key: public(key("box")), Label: "box 1", By: ledger.PersonID{1}, Head: []byte("head")},
		"person card":       personCard(),
		"organisation card": organisationCard(),
		"profile":           publishedProfile(),
		"consent":           &entry.Consent{Scope: entry.ConsentSharing, Given: true, Reference: "F-12", SHA256: [32]byte{3}, By: ledger.PersonID{1}},
		"account":           &entry.AccountEvent{Step: entry.AccountToken, Credential: "0123456789abcdef", Label: "bridge", Scopes: 3, Count: 1, By: ledger.PersonID{1}},
		"donor access":      &entry.DonorAccess{By: ledger.PersonID{1}, Donor: [32]byte{2}, Found: 3, Reason: "label unreadable"},
		"share":             &entry.ShareEvent{Step: entry.ShareMade, ID: "0123456789abcdef", Label: "ward 4", ExpiresMS: 5, By: ledger.PersonID{1}},
		"break-glass":       &entry.BreakGlass{By: ledger.PersonID{1}, Reason: "called at night", UntilMS: 9},
		"certificate":       &entry.CertificateRecalled{Number: "K-2026-17", Reason: "reference drifted", By: ledger.PersonID{1}},
		"alarm": &entry.AlarmEvent{Alarm: [16]byte{1}, Step: entry.AlarmTold, Round: 2, Code: "too-cold", Severity: 3, Late: true, Box: ledger.BoxID{4}, SinceMS: 5,
			UntilMS: -6, Event: "msg_1", Organisation: "CTC1", Channel: "webhook", By: ledger.PersonID{7}, Reason: "seen"},
		"contact":    &entry.ContactChanged{Organisation: "CTC1", By: ledger.PersonID{1}, Channels: []string{"webhook", "phone"}},
		"advance":    &entry.Advance{Origin: "isotherm/box/x/y", From: 0, To: 1<<62 - 1, Root: tlog.RecordHash(nil), Head: []byte("head")},
		"access":     &entry.Access{By: ledger.PersonID{1}, Reason: "audit"},
		"receipt":    &entry.Receipt{Leaf: []byte("leaf"), Salted: []byte("salted"), Proof: []byte("proof")},
		"genesis":    genesis(),
		"set change": change(genesis(), 2, "node-1", "node-2"),
	}
}

func TestParsePayloads(t *testing.T) {
	for name, want := range payloads() {
		t.Run(name, func(t *testing.T) {
			b := want.Marshal()
			got, err := parsers[name](b)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
			for n := range b {
				if _, err := parsers[name](b[:n]); err == nil {
					t.Fatalf("the first %d bytes were taken", n)
				}
			}
			if _, err := parsers[name](append(b, 0)); err == nil {
				t.Error("a byte after the end was taken")
			}
			for other, parse := range parsers {
				if _, err := parse(b); other != name && err == nil {
					t.Errorf("was taken for %s", other)
				}
			}
		})
	}
	if len(parsers) != len(payloads()) {
		t.Errorf("got %d payloads for %d parsers", len(payloads()), len(parsers))
	}
}

func TestParsePayloads_refuse(t *testing.T) {
	long := strings.Repeat("x", 201)
	tests := []struct {
		name, parser string
		payload      payload
	}{
		{"advance of nothing", "advance", &entry.Advance{Origin: "o", From: 5, To: 5}},
		{"advance backwards", "advance", &entry.Advance{Origin: "o", From: 5, To: 4}},
		{"advance from -1", "advance", &entry.Advance{Origin: "o", From: -1, To: 4}},
		{"advance over 2^62", "advance", &entry.Advance{Origin: "o", To: math.MaxInt64}},
		{"head over its limit", "advance", &entry.Advance{Origin: "o", To: 4, Head: make([]byte, merkle.MaxNote+1)}},
		{"origin over its limit", "advance", &entry.Advance{Origin: long, To: 4}},
		{"box with a short key", "box enrolled", &entry.BoxEnrolled{Key: make([]byte, 31)}},
		{"box with a long key", "box enrolled", &entry.BoxEnrolled{Key: make([]byte, 33)}},
		{"label over its limit", "box enrolled", &entry.BoxEnrolled{Key: make([]byte, 32), Label: long}},
		{"person without key", "person card", &entry.PersonCard{}},
		{"name not UTF-8", "person card", &entry.PersonCard{Key: make([]byte, 32), Name: "\xff"}},
		{"organisation without code", "organisation card", &entry.OrganisationCard{}},
		{"code over its limit", "organisation card", &entry.OrganisationCard{Code: strings.Repeat("x", 61)}},
		{"profile over its limit", "profile", &entry.ProfilePublished{Profile: make([]byte, 5000)}},
		{"channels over their limit", "contact", &entry.ContactChanged{Channels: make([]string, 9)}},
		{"reason over its limit", "access", &entry.Access{Reason: long}},
		{"leaf of a receipt over its limit", "receipt", &entry.Receipt{Leaf: make([]byte, entry.MaxLeaf+1)}},
		{"receipt over its limit", "receipt", &entry.Receipt{Proof: make([]byte, entry.MaxReceipt)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if p, err := parsers[tt.parser](tt.payload.Marshal()); err == nil {
				t.Errorf("got %+v, want an error", p)
			}
		})
	}
}

func personCard() *entry.PersonCard {
	c := &entry.PersonCard{Ledger: "isotherm.test/ledger", Person: ledger.PersonID{1}, Version: 2, Name: "Zoë", Organisation: "OPO", Role: entry.RoleAuditor,
		Key: public(key("person")), Why: entry.CardKeyLost, IssuedMS: 3, By: ledger.PersonID{2}}
	c.Sign(key("admin"))
	return c
}

func organisationCard() *entry.OrganisationCard {
	c := &entry.OrganisationCard{Ledger: "isotherm.test/ledger", Code: "CTC1", Version: 1, Name: "City Transplant Center", Kind: entry.OrganisationCenter,
		Phone: "+1 555 0100", IssuedMS: 3, By: ledger.PersonID{2}}
	c.Sign(key("admin"))
	return c
}

func publishedProfile() *entry.ProfilePublished {
	p := &entry.ProfilePublished{Ledger: "isotherm.test/ledger", Profile: []byte("profile"), IssuedMS: 3, By: ledger.PersonID{2}}
	p.Sign(key("coordinator"))
	return p
}

// TestVerify changes every signed field in turn: each change must break the signature.
func TestVerify(t *testing.T) {
	person := func(edit func(*entry.PersonCard)) error { c := personCard(); edit(c); return c.Verify() }
	organisation := func(edit func(*entry.OrganisationCard)) error { c := organisationCard(); edit(c); return c.Verify() }
	published := func(edit func(*entry.ProfilePublished)) error { p := publishedProfile(); edit(p); return p.Verify() }
	tests := map[string]error{
		"person: ledger":          person(func(c *entry.PersonCard) { c.Ledger = "x" }),
		"person: person":          person(func(c *entry.PersonCard) { c.Person[0]++ }),
		"person: version":         person(func(c *entry.PersonCard) { c.Version++ }),
		"person: name":            person(func(c *entry.PersonCard) { c.Name += "x" }),
		"person: organisation":    person(func(c *entry.PersonCard) { c.Organisation += "x" }),
		"person: role":            person(func(c *entry.PersonCard) { c.Role = entry.RoleAdmin }),
		"person: key":             person(func(c *entry.PersonCard) { c.Key = public(key("other")) }),
		"person: why":             person(func(c *entry.PersonCard) { c.Why = entry.CardKeyRotated }),
		"person: issued":          person(func(c *entry.PersonCard) { c.IssuedMS++ }),
		"person: by":              person(func(c *entry.PersonCard) { c.By[0]++ }),
		"person: another key's":   person(func(c *entry.PersonCard) { c.Signature.Key = public(key("other")) }),
		"organisation: ledger":    organisation(func(c *entry.OrganisationCard) { c.Ledger = "x" }),
		"organisation: code":      organisation(func(c *entry.OrganisationCard) { c.Code = "x" }),
		"organisation: version":   organisation(func(c *entry.OrganisationCard) { c.Version++ }),
		"organisation: name":      organisation(func(c *entry.OrganisationCard) { c.Name = "x" }),
		"organisation: kind":      organisation(func(c *entry.OrganisationCard) { c.Kind = entry.OrganisationOPO }),
		"organisation: phone":     organisation(func(c *entry.OrganisationCard) { c.Phone = "1" }),
		"organisation: issued":    organisation(func(c *entry.OrganisationCard) { c.IssuedMS++ }),
		"organisation: by":        organisation(func(c *entry.OrganisationCard) { c.By[0]++ }),
		"profile: ledger":         published(func(p *entry.ProfilePublished) { p.Ledger = "x" }),
		"profile: profile":        published(func(p *entry.ProfilePublished) { p.Profile = []byte("other") }),
		"profile: issued":         published(func(p *entry.ProfilePublished) { p.IssuedMS++ }),
		"profile: by":             published(func(p *entry.ProfilePublished) { p.By[0]++ }),
		"profile: signed as card": published(func(p *entry.ProfilePublished) { p.Signature = personCard().Signature }),
	}
	for name, err := range tests {
		if err == nil {
			t.Errorf("%s: the signature still holds", name)
		}
	}
	for name, err := range map[string]error{"person": personCard().Verify(), "organisation": organisationCard().Verify(), "profile": publishedProfile().Verify()} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestValidCode(t *testing.T) {
	for code, want := range map[string]bool{"CTC1": true, "City Transplant Center": true, "a": true, "0.-_ x": true, strings.Repeat("x", 60): true,
		"": false, " a": false, "-a": false, "St. Mary's": false, "Zürich": false, "a/b": false, "a\n": false, strings.Repeat("x", 61): false} {
		if got := entry.ValidCode(code); got != want {
			t.Errorf("%q: got %v, want %v", code, got, want)
		}
	}
}

// enumeration is a type with names.
type enumeration struct {
	name  string
	last  uint8
	text  func(n uint8) string
	parse func(name string) (uint8, error) // nil when names are only shown
}

func TestEnumerations(t *testing.T) {
	for _, e := range []enumeration{
		{"card reason", 7, func(n uint8) string { return entry.CardReason(n).String() }, nil},
		{"organisation kind", 5, func(n uint8) string { return entry.OrganisationKind(n).String() }, func(s string) (uint8, error) { v, err := entry.ParseOrganisationKind(s); return uint8(v), err }},
		{"consent scope", 3, func(n uint8) string { return entry.ConsentScope(n).String() }, func(s string) (uint8, error) { v, err := entry.ParseConsentScope(s); return uint8(v), err }},
		{"account step", 6, func(n uint8) string { return entry.AccountStep(n).String() }, nil},
		{"share step", 3, func(n uint8) string { return entry.ShareStep(n).String() }, nil},
		{"alarm step", 5, func(n uint8) string { return entry.AlarmStep(n).String() }, nil},
	} {
		seen := map[string]bool{}
		for n := uint8(1); n <= e.last; n++ {
			name := e.text(n)
			if seen[name] || strings.HasPrefix(name, "unknown") {
				t.Errorf("%s %d: got name %q", e.name, n, name)
			}
			seen[name] = true
			if e.parse == nil {
				continue
			}
			if back, err := e.parse(name); err != nil || back != n {
				t.Errorf("%s %q: got %d, %v, want %d", e.name, name, back, err, n)
			}
		}
		for _, n := range []uint8{0, e.last + 1, 255} {
			if want := fmt.Sprintf("unknown(%d)", n); e.text(n) != want {
				t.Errorf("%s %d: got %q, want %q", e.name, n, e.text(n), want)
			}
		}
		if e.parse != nil {
			if _, err := e.parse(""); err == nil {
				t.Errorf("%s: the empty name was taken", e.name)
			}
		}
	}
}

func TestOrganisationAccount(t *testing.T) {
	if a, b := entry.OrganisationAccount("CTC1"), entry.Organisation("CTC1"); a.Kind != entry.SubjectAccount || a.ID == b.ID {
		t.Errorf("got %s and %s, want an account with another id", a, b)
	}
}

func TestParseRole(t *testing.T) {
	for r := entry.RoleAdmin; r <= entry.RoleAuditor; r++ {
		if back, err := entry.ParseRole(r.String()); err != nil || back != r {
			t.Errorf("got %s, %v, want %s", back, err, r)
		}
	}
	for _, name := range []string{"", "Admin", "box", "unknown(0)"} {
		if r, err := entry.ParseRole(name); err == nil {
			t.Errorf("%q: got %s, want an error", name, r)
		}
	}
	for _, s := range []fmt.Stringer{entry.Role(0), entry.Role(6), entry.Kind(0), entry.Kind(99), entry.SubjectKind(0), entry.SubjectKind(10)} {
		if !strings.HasPrefix(s.String(), "unknown(") {
			t.Errorf("got %q, want 'unknown(number)'", s)
		}
	}
}

func FuzzParsePayloads(f *testing.F) {
	for _, p := range payloads() {
		f.Add(p.Marshal())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for name, parse := range parsers {
			if p, err := parse(b); err == nil && !bytes.Equal(p.Marshal(), b) {
				t.Errorf("%s: got %x, want %x", name, p.Marshal(), b)
			}
		}
	})
}
