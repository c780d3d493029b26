package access_test

import (
	"errors"
	"strings"
	"testing"

	"isotherm/ledger"
	"isotherm/ledger/access"
	"isotherm/ledger/custody"
	"isotherm/ledger/entry"
)

// addition is a card that comes after those of admin and nurse, and some more.
type addition struct {
	name   string
	before []*entry.PersonCard
	card   *entry.PersonCard
	want   string // part of the error; empty: taken
}

func testAdd(t *testing.T, tests []addition) {
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := directory(t, append([]*entry.PersonCard{card("admin", entry.RoleAdmin), card("nurse", entry.RoleCenter)}, tt.before...)...)
			had := len(d.Cards(tt.card.Person))
			err := d.Add(tt.card, 1000)
			if tt.want == "" && (err != nil || len(d.Cards(tt.card.Person)) != had+1) {
				t.Errorf("got %v, want it taken", err)
			}
			if tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || len(d.Cards(tt.card.Person)) != had) {
				t.Errorf("got %v, want an error with %q, and no card", err, tt.want)
			}
		})
	}
}

func TestDirectory_Add(t *testing.T) {
	edited := func(edit func(*entry.PersonCard)) *entry.PersonCard {
		c := *card("other", entry.RoleCourier)
		edit(&c)
		sign(&c)
		return &c
	}
	unsigned := edited(func(*entry.PersonCard) {})
	unsigned.Signature = ledger.Signature{}
	forged := edited(func(*entry.PersonCard) {})
	forged.Role = entry.RoleAdmin
	own := edited(func(*entry.PersonCard) {})
	own.Sign(key("nurse"))
	byNurse := edited(func(*entry.PersonCard) {})
	byNurse.By = id("nurse")
	byNurse.Sign(key("nurse"))
	byOperator := edited(func(*entry.PersonCard) {})
	byOperator.By = ledger.PersonID{}
	byOperator.Sign(key("operator"))
	testAdd(t, []addition{
		{"a courier", nil, card("driver", entry.RoleCourier), ""},
		{"another ledger", nil, edited(func(c *entry.PersonCard) { c.Ledger = "x" }), "ledger"},
		{"no id", nil, edited(func(c *entry.PersonCard) { c.Person = ledger.PersonID{} }), "no id"},
		{"no name", nil, edited(func(c *entry.PersonCard) { c.Name = "" }), "name"},
		{"no organisation", nil, edited(func(c *entry.PersonCard) { c.Organisation = "" }), "code"},
		{"no role", nil, edited(func(c *entry.PersonCard) { c.Role = 0 }), "role"},
		{"role of a later version", nil, edited(func(c *entry.PersonCard) { c.Role = 6 }), "role"},
		{"version 0", nil, edited(func(c *entry.PersonCard) { c.Version = 0 }), "version"},
		{"version 2 first", nil, edited(func(c *entry.PersonCard) { c.Version = 2 }), "version"},
		{"first card with a change's reason", nil, edited(func(c *entry.PersonCard) { c.Why = entry.CardRole }), "reason"},
		{"unsigned", nil, unsigned, "signed"},
		{"changed after signing", nil, forged, "signature"},
		{"signed by somebody else than it says", nil, own, "not signed with the key"},
		{"issued by no administrator", nil, byNurse, "role center"},
		{"issuer unknown", nil, edited(func(c *entry.PersonCard) { c.By = id("stranger") }), "not known"},
		{"operator for a courier", nil, byOperator, "operator"},
	})
	admin, nurse := card("admin", entry.RoleAdmin), card("nurse", entry.RoleCenter)
	d := directory(t, admin)
	if err := d.Add(nurse, 10); err == nil {
		t.Error("two cards at one entry were taken")
	}
	if err := d.Add(next(nurse, entry.CardKeyLost, keyed("nurse 2")), 20); !errors.Is(err, access.ErrVersion) {
		t.Errorf("version 2 without the first: got %v, want ErrVersion", err)
	}
}

func TestDirectory_Add_changes(t *testing.T) {
	admin, nurse := card("admin", entry.RoleAdmin), card("nurse", entry.RoleCenter)
	named := func(name string) func(*entry.PersonCard) { return func(c *entry.PersonCard) { c.Name = name } }
	lost, ended := next(nurse, entry.CardKeyLost, keyed("nurse 2")), next(nurse, entry.CardEnded, nil)
	rescued := next(admin, entry.CardKeyLost, keyed("admin 3"))
	rescued.By = ledger.PersonID{}
	rescued.Sign(key("operator"))
	driver := card("driver", entry.RoleCourier)
	only := func(c *entry.PersonCard) []*entry.PersonCard { return []*entry.PersonCard{c} }
	testAdd(t, []addition{
		{"key lost", nil, lost, ""},
		{"key lost, but the same key", nil, next(nurse, entry.CardKeyLost, nil), "just what"},
		{"key lost, and another role", nil, next(nurse, entry.CardKeyLost, func(c *entry.PersonCard) { c.Key, c.Role = public("n"), entry.RoleAdmin }), "just what"},
		{"old key again", only(lost), next(lost, entry.CardKeyRotated, keyed("nurse")), "replaced before"},
		{"role", nil, next(nurse, entry.CardRole, func(c *entry.PersonCard) { c.Role = entry.RoleAuditor }), ""},
		{"organisation", nil, next(nurse, entry.CardRole, func(c *entry.PersonCard) { c.Organisation = "CTC1" }), ""},
		{"role unchanged", nil, next(nurse, entry.CardRole, nil), "just what"},
		{"role, and another key", nil, next(nurse, entry.CardRole, func(c *entry.PersonCard) { c.Role, c.Key = entry.RoleAdmin, public("n") }), "just what"},
		{"name", nil, next(nurse, entry.CardName, named("other")), ""},
		{"name unchanged", nil, next(nurse, entry.CardName, nil), "just what"},
		{"end", nil, ended, ""},
		{"end, and another name", nil, next(nurse, entry.CardEnded, named("x")), "just what"},
		{"unknown reason", nil, next(nurse, 9, nil), "just what"},
		{"a version twice", only(lost), next(nurse, entry.CardName, named("x")), "version"},
		{"a version left out", nil, next(lost, entry.CardName, named("x")), "version"},
		{"enrolled twice", nil, next(nurse, entry.CardEnrolled, nil), "does not follow"},
		{"change after the end", only(ended), next(ended, entry.CardName, named("x")), "does not follow"},
		{"enrolled anew after the end", only(ended), next(ended, entry.CardEnrolled, keyed("nurse 3")), ""},
		{"issuer ended", only(next(admin, entry.CardEnded, nil)), driver, "acts no more"},
		{"issuer's old key", only(next(admin, entry.CardKeyRotated, keyed("admin 2"))), driver, "holds now"},
		{"issuer demoted", only(next(admin, entry.CardRole, func(c *entry.PersonCard) { c.Role = entry.RoleAuditor })), driver, "role auditor"},
		{"the operator gives an administrator a key", nil, rescued, ""},
	})
}

func TestHoldingOf(t *testing.T) {
	admin, nurse := card("admin", entry.RoleAdmin), card("nurse", entry.RoleCenter)
	chain := func(steps ...any) []*entry.PersonCard {
		out := []*entry.PersonCard{admin, nurse}
		for i := 0; i < len(steps); i += 2 {
			last := out[len(out)-1]
			out = append(out, next(last, steps[i].(entry.CardReason), func(c *entry.PersonCard) {
				if k := steps[i+1].(string); k != "" {
					c.Key = public(k)
				}
				if steps[i] == entry.CardName {
					c.Name += "x"
				}
			}))
		}
		return out
	}
	tests := []struct {
		name  string
		cards []*entry.PersonCard // nurse's first at entry 20, the next at 30 and so on
		key   string
		index int64
		want  access.Holding
	}{
		{"current", chain(), "nurse", 21, access.Current},
		{"at the card's own entry", chain(), "nurse", 20, access.NotHeld},
		{"before enrolment", chain(), "nurse", 5, access.NotHeld},
		{"never held", chain(), "driver", 99, access.NotHeld},
		{"after another name", chain(entry.CardName, ""), "nurse", 99, access.Current},
		{"rotated", chain(entry.CardKeyRotated, "b"), "nurse", 31, access.Rotated},
		{"at the entry of its successor", chain(entry.CardKeyRotated, "b"), "nurse", 30, access.Current},
		{"successor", chain(entry.CardKeyRotated, "b"), "b", 31, access.Current},
		{"successor, before", chain(entry.CardKeyRotated, "b"), "b", 30, access.NotHeld},
		{"lost", chain(entry.CardKeyLost, "b"), "nurse", 99, access.Lost},
		{"stolen", chain(entry.CardKeyStolen, "b"), "nurse", 99, access.Stolen},
		{"before it was stolen", chain(entry.CardKeyStolen, "b"), "nurse", 25, access.Current},
		{"rotated, later key stolen", chain(entry.CardKeyRotated, "b", entry.CardKeyStolen, "c"), "nurse", 99, access.Rotated},
		{"stolen, rotated after", chain(entry.CardKeyStolen, "b", entry.CardKeyRotated, "c"), "nurse", 99, access.Stolen},
		{"ended", chain(entry.CardEnded, ""), "nurse", 99, access.Ended},
		{"stolen, then ended", chain(entry.CardKeyStolen, "b", entry.CardEnded, ""), "nurse", 99, access.Stolen},
		{"lost, then ended", chain(entry.CardKeyLost, "b", entry.CardEnded, ""), "nurse", 99, access.Ended},
		{"back after the end", chain(entry.CardEnded, "", entry.CardEnrolled, "c"), "c", 99, access.Current},
		{"back after the end, old key", chain(entry.CardEnded, "", entry.CardEnrolled, "c"), "nurse", 99, access.Rotated},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := access.HoldingOf(directory(t, tt.cards...).Cards(id("nurse")), public(tt.key), tt.index)
			if got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
			code, text := got.Flag()
			if flagged := got > access.Current; flagged != (code != "") || flagged != (text != "") {
				t.Errorf("holding %d: got flag %q, %q", got, code, text)
			}
		})
	}
}

func TestCheckSigners(t *testing.T) {
	admin, nurse, driver := card("admin", entry.RoleAdmin), card("nurse", entry.RoleCenter), card("driver", entry.RoleCourier)
	moved := next(driver, entry.CardRole, func(c *entry.PersonCard) { c.Organisation = "North Air" })
	lost := next(moved, entry.CardKeyLost, keyed("driver 2"))
	d := directory(t, admin, nurse, driver, moved, lost) // driver at 30, moved at 40, lost at 50
	driverNow, driverOld, nurseNow := [2]string{"driver", "driver 2"}, [2]string{"driver", "driver"}, [2]string{"nurse", "nurse"}
	twoKeys := act(t, custody.Close, "North Air", driverNow)
	twoKeys.Sign(key("driver"), id("driver"), custody.RoleSecond, 1, nil)
	changed := act(t, custody.Close, "OPO", nurseNow)
	changed.Signatures[0].SignedAtMS++
	tests := []struct {
		name  string
		act   *custody.Act
		index int64
		want  []access.Holding // nil: a forgery
	}{
		{"one signer", act(t, custody.Close, "OPO", nurseNow), 99, []access.Holding{access.Current}},
		{"two signers", act(t, custody.Close, "OPO", nurseNow, driverNow), 99, []access.Holding{access.Current, access.Current}},
		{"with a lost key", act(t, custody.Close, "North Air", driverOld), 99, []access.Holding{access.Lost}},
		{"before the key was lost", act(t, custody.Close, "North Air", driverOld), 45, []access.Holding{access.Current}},
		{"with a key that comes later", act(t, custody.Close, "North Air", driverNow), 45, nil},
		{"for an organisation of before", act(t, custody.Close, "OPO", driverNow), 99, []access.Holding{access.Current}},
		{"for no organisation", act(t, custody.Close, "", driverNow), 99, []access.Holding{access.Current}},
		{"for an organisation of others", act(t, custody.Close, "CTC1", driverNow), 99, nil},
		{"for an organisation of later", act(t, custody.Close, "North Air", driverOld), 35, nil},
		{"by a stranger", act(t, custody.Close, "OPO", [2]string{"stranger", "stranger"}), 99, nil},
		{"with somebody else's key", act(t, custody.Close, "OPO", [2]string{"nurse", "driver 2"}), 99, nil},
		{"second signer a stranger", act(t, custody.Close, "OPO", nurseNow, [2]string{"stranger", "stranger"}), 99, nil},
		{"one person with two keys", twoKeys, 99, nil},
		{"changed after signing", changed, 99, nil},
		{"before its signer was enrolled", act(t, custody.Close, "OPO", nurseNow), 20, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := access.CheckSigners(tt.act, d.Cards, tt.index)
			if (err == nil) != (tt.want != nil) || len(got) != len(tt.want) {
				t.Fatalf("got %d signers, %v, want %v", len(got), err, tt.want)
			}
			for i, s := range got {
				if s.Holding != tt.want[i] || s.Card.Person != tt.act.Signatures[i].Person {
					t.Errorf("signer %d: got holding %d of %s, want %d", i, s.Holding, s.Card.Person, tt.want[i])
				}
			}
		})
	}
}

func TestAdmit(t *testing.T) {
	admin := card("admin", entry.RoleAdmin)
	people := []*entry.PersonCard{admin, card("nurse", entry.RoleCenter), card("driver", entry.RoleCourier), card("coordinator", entry.RoleCoordinator), card("auditor", entry.RoleAuditor),
		card("thief", entry.RoleCenter), card("gone", entry.RoleCenter), card("phone", entry.RoleCenter)}
	people = append(people, next(people[5], entry.CardKeyStolen, keyed("thief 2")), next(people[6], entry.CardEnded, nil), next(people[7], entry.CardKeyLost, keyed("phone 2")))
	d := directory(t, people...)
	own := func(names ...string) (out [][2]string) {
		for _, n := range names {
			out = append(out, [2]string{n, n})
		}
		return out
	}
	for _, tt := range []struct {
		name    string
		kind    custody.Kind
		signers [][2]string
		want    bool
	}{
		{"center receives", custody.Receive, own("nurse"), true},
		{"courier receives", custody.Receive, own("driver"), false},
		{"auditor corrects", custody.Correction, own("auditor"), false},
		{"auditor as second", custody.Receive, own("nurse", "auditor"), false},
		{"courier as second", custody.Receive, own("nurse", "driver"), true},
		{"ruling by two", custody.Ruling, own("nurse", "coordinator"), true},
		{"ruling by one, the second comes later", custody.Ruling, own("nurse"), true},
		{"ruling by a courier", custody.Ruling, own("driver"), false},
		{"ruling with a courier", custody.Ruling, own("nurse", "driver"), false},
		{"stolen key", custody.Receive, own("thief"), false},
		{"new key after the theft", custody.Receive, [][2]string{{"thief", "thief 2"}}, true},
		{"ended", custody.Receive, own("gone"), false},
		{"lost key", custody.Receive, own("phone"), true},
		{"stolen key of the second", custody.Receive, own("nurse", "thief"), false},
	} {
		a := act(t, tt.kind, "OPO", tt.signers...)
		signers, err := access.CheckSigners(a, d.Cards, 1000)
		if err != nil {
			t.Fatal(err)
		}
		err = access.Admit(a, signers)
		if (err == nil) != tt.want || err != nil && ledger.CodeOf(err) != ledger.CodeForbidden {
			t.Errorf("%s: got %v, want admitted %v", tt.name, err, tt.want)
		}
	}
}

func TestCheckOrganisation(t *testing.T) {
	d := directory(t, card("admin", entry.RoleAdmin), card("nurse", entry.RoleCenter))
	for _, tt := range []struct {
		name    string
		edit    func(*entry.OrganisationCard)
		signer  string
		version uint32 // held
		want    string
	}{
		{"first", nil, "admin", 0, ""},
		{"next", func(c *entry.OrganisationCard) { c.Version = 2 }, "admin", 1, ""},
		{"no phone", func(c *entry.OrganisationCard) { c.Phone = "" }, "admin", 0, ""},
		{"version twice", nil, "admin", 1, "version"},
		{"another ledger", func(c *entry.OrganisationCard) { c.Ledger = "x" }, "admin", 0, "ledger"},
		{"no code", func(c *entry.OrganisationCard) { c.Code = "" }, "admin", 0, "code"},
		{"no name", func(c *entry.OrganisationCard) { c.Name = "" }, "admin", 0, "name"},
		{"no kind", func(c *entry.OrganisationCard) { c.Kind = 0 }, "admin", 0, "kind"},
		{"by the center", func(c *entry.OrganisationCard) { c.By = id("nurse") }, "nurse", 0, "role center"},
		{"by another key", nil, "nurse", 0, "holds now"},
	} {
		c := &entry.OrganisationCard{Ledger: origin, Code: "CTC1", Version: 1, Name: "City Transplant Center", Kind: entry.OrganisationCenter, Phone: "1", By: id("admin")}
		if tt.edit != nil {
			tt.edit(c)
		}
		c.Sign(key(tt.signer))
		err := access.CheckOrganisation(pin(), c, tt.version, d.Cards(c.By))
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: got %v, want an error with %q", tt.name, err, tt.want)
		}
	}
}

func TestCheckPublished(t *testing.T) {
	admin, nurse := card("admin", entry.RoleAdmin), card("nurse", entry.RoleCenter)
	d := directory(t, admin, nurse, card("driver", entry.RoleCourier), card("gone", entry.RoleCenter), next(card("gone", entry.RoleCenter), entry.CardEnded, nil))
	for _, tt := range []struct {
		name, by, key, program, ledger string
		want                           bool
	}{
		{"by the program's center", "nurse", "nurse", "OPO", origin, true},
		{"by its admin", "admin", "admin", "OPO", origin, true},
		{"by its courier", "driver", "driver", "OPO", origin, false},
		{"of another program", "nurse", "nurse", "CTC1", origin, false},
		{"of no program", "nurse", "nurse", "", origin, false},
		{"by another key", "nurse", "driver", "OPO", origin, false},
		{"by somebody who ended", "gone", "gone", "OPO", origin, false},
		{"by a stranger", "stranger", "stranger", "OPO", origin, false},
		{"for another ledger", "nurse", "nurse", "OPO", "x", false},
	} {
		p := &entry.ProfilePublished{Ledger: tt.ledger, Profile: []byte("p"), By: id(tt.by)}
		p.Sign(key(tt.key))
		if err := access.CheckPublished(pin(), p, tt.program, d.Cards(p.By)); (err == nil) != tt.want {
			t.Errorf("%s: got %v, want taken %v", tt.name, err, tt.want)
		}
	}
}
