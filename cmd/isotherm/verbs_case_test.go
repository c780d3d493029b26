package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"isotherm/cmd/internal/identity"
	"isotherm/ledger"
)

// packed opens and packs a case and returns its identifier.
func (v verbs) packed(organ, side string, args ...string) string {
	v.t.Helper()
	id := v.open(append([]string{"--organ", organ, "--side", side}, args...)...)
	v.as("courier", "pack entered", "shipment pack", "--organ", organ, "--side", side, "--profile", "chs-4-8", "--box-url", v.j.BoxURL(), "--label-check", "second-person",
		"--reference", "staff 12", "--seal", "0417", id)
	return id
}

// handoffs are those where the other side can't sign with a key of their own.
func (v verbs) handoffs() {
	id := v.packed("pancreas", "")
	v.as("courier", "release entered", "handoff release", "--to-org", "Air Cargo", "--desk", "Terminal 2", "--reason", "no-account", "--reference", "AWB 020-12345675",
		"--place", "Airfield", "--position", "60.317,24.963", "--box-url", v.j.BoxURL(), id)
	x := v.show(id)
	if c := x.Summary.Custodian; c == nil || c.Organisation != "Air Cargo" || c.Desk != "Terminal 2" || !c.Person.IsZero() {
		v.t.Errorf("after a one-sided release: held by %+v", c)
	}
	if got := x.History[len(x.History)-1]; got.Evidence != "one side only" || got.Reference != "AWB 020-12345675" || got.Reason != "no-account" || got.Position == nil {
		v.t.Errorf("release: %+v", got)
	}
	v.sees("auditor", "one side only, at Airfield, reason no-account, reference AWB 020-12345675", "shipment show", id)
	v.sees("auditor", "Air Cargo, Terminal 2", "shipment show", id)
	id = v.packed("intestine", "")
	v.as("courier", "not confirmed by Hill Transplant Center", "handoff release", "--to-org", "Hill Transplant Center", "--box-url", v.j.BoxURL(), id)
	v.sees("auditor", "released by City Couriers, Ground courier, not confirmed by Hill Transplant Center", "shipment show", id)
	v.as("courier", "accept entered", "handoff accept", "--for", "Hill Transplant Center", "--desk", "Organ reception", "--box-url", v.j.BoxURL(), id)
	x = v.show(id)
	if c := x.Summary.Custodian; c == nil || c.Organisation != "Hill Transplant Center" || c.Desk != "Organ reception" {
		v.t.Errorf("after a confirmation on the carrier's phone: held by %+v", c)
	}
	if got := x.History[len(x.History)-1].Evidence; got != "confirmed on the carrier's phone" {
		v.t.Errorf("evidence: %q", got)
	}
}

// dispute makes two claims that follow the same act, and rules on them with two people on two devices.
func (v verbs) dispute() {
	id := v.packed("lung", "both")
	pack := v.show(id).Tip.String()
	v.as("courier", "release entered", "handoff release", "--to", v.whoami("courier-air"), "--box-url", v.j.BoxURL(), id)
	v.as("center", "conflicting claim", "shipment receive", "--parent", pack, "--box-url", v.j.BoxURL(), id)
	x := v.show(id)
	if len(x.Disputes) != 1 || len(x.Disputes[0].Claims) != 2 || !x.Disputes[0].Ruling.IsZero() {
		v.t.Fatalf("disputes: %+v", x.Disputes)
	}
	receipt := x.History[len(x.History)-1]
	file := filepath.Join(v.dir, "ruling.act")
	v.as("coordinator", "signed, not delivered", "shipment rule", "--reason", "witness", "--out", file, id, receipt.Hash.String()[:minPrefix])
	v.fails(exitError, "", append(v.signing("auditor", "shipment cosign"), file)...)
	v.as("admin", "ruling entered", "shipment cosign", file)
	x = v.show(id)
	if len(x.Disputes) != 1 || x.Disputes[0].Ruling.IsZero() || x.Disputes[0].Stands != receipt.Hash {
		v.t.Errorf("after the ruling: %+v", x.Disputes)
	}
	if x.Summary.Phase != "received" {
		v.t.Errorf("after the ruling: %s", x.Summary.Phase)
	}
	v.sees("auditor", "set aside by a ruling", "shipment show", id)
	v.fails(exitError, "signed it already", append(v.signing("coordinator", "shipment cosign"), file)...)
	v.as("coordinator", "ruling entered", "shipment rule", "--second", v.me("admin"), "--second-pin-file", v.j.PINFile(), "--reason", "seal-and-place", id,
		receipt.Hash.String())
	id = v.packed("lung", "left")
	pack = v.show(id).Tip.String()
	v.as("courier", "release entered", "handoff release", "--to", v.whoami("courier-air"), "--box-url", v.j.BoxURL(), id)
	v.as("center", "conflicting claim", "shipment receive", "--parent", pack, "--box-url", v.j.BoxURL(), id)
	claim := v.show(id).History[2].Hash.String()
	v.as("coordinator", "it counts once a second person signs it", "shipment rule", "--reason", "witness", id, claim)
	x = v.show(id)
	v.as("center", "ruling entered", "shipment cosign", id, fmt.Sprint(x.History[len(x.History)-1].Index))
	if x = v.show(id); len(x.Disputes) != 1 || x.Disputes[0].Ruling.IsZero() {
		v.t.Errorf("after a second signature that came later: %+v", x.Disputes)
	}
}

// way is a planned way, a correction, a move and a report.
func (v verbs) way() {
	plan := filepath.Join(v.dir, "plan.toml")
	text := "[[leg]]\nfrom = \"Harbor Hospital\"\nto = \"Airfield\"\nmode = \"road\"\nend = \"60.317,24.963\"\n\n[[leg]]\nfrom = \"Airfield\"\nto = \"Hill Transplant Center\"\nmode = \"flight\"\n"
	if err := os.WriteFile(plan, []byte(text), 0o600); err != nil {
		v.t.Fatal(err)
	}
	id := v.packed("heart", "", "--legs", plan)
	v.as("courier", "waypoint entered", "shipment waypoint", id, "departed", "1")
	v.as("courier", "waypoint entered", "shipment waypoint", "--place", "Airfield", id, "arrived", "1")
	v.as("courier", "move entered", "shipment move", "--tracker-replaced", "--to-box-url", v.j.BoxURL(), "--reason", "tracker-fault", id)
	v.as("courier", "move entered", "shipment move", "--no-tracker", "--reason", "tracker-forbidden", id)
	v.as("coordinator", "adverse-event entered", "shipment adverse", "--reason", "delayed", "--reference", "SAE 118", id)
	x := v.show(id)
	pack := x.History[1]
	v.as("courier", "correction entered", "shipment correct", "--reason", "typing-error", "--seal", "0471", id, pack.Hash.String()[:minPrefix])
	v.as("courier", "it really happened: that was", "shipment correct", "--reason", "wrong-time", "--happened", stampOf(time.Now().Add(-time.Minute)), id,
		pack.ID.String())
	x = v.show(id)
	if len(x.Progress.Legs) != 2 || x.Progress.Legs[0].Arrived == nil || x.Progress.Legs[1].Departed != nil {
		v.t.Errorf("legs: %+v", x.Progress.Legs)
	}
	if len(x.Segments) != 3 || x.Segments[1].Code != "tracker replaced" || x.Segments[2].Code != "no tracker" {
		v.t.Errorf("segments: %+v", x.Segments)
	}
	corrected := map[string]string{}
	for _, c := range x.Corrections {
		corrected[c.Field] = c.New
	}
	if corrected["seal"] != "0471" || corrected["event time"] == "" {
		v.t.Errorf("corrections: %+v", x.Corrections)
	}
	out := v.sees("coordinator", "seal from \"0417\" to \"0471\"", "shipment show", id)
	for _, want := range []string{"Harbor Hospital to Airfield, road, arrived", "without a tracker: no tracker", "reference SAE 118"} {
		if !strings.Contains(out, want) {
			v.t.Errorf("show does not say %q", want)
		}
	}
}

func stampOf(t time.Time) string { return t.Format(time.RFC3339) }

// offline makes acts while no node of the ledger can be reached.
func (v verbs) offline() {
	id := v.packed("heart", "")
	cut := filepath.Join(v.dir, "cut-off")
	v.copyWithoutNetwork("courier", cut)
	release := []string{"handoff", "release", "--me", cut, "--pin-file", v.j.PINFile(), "--to", v.whoami("courier-air"), "--to-org", "North Air"}
	v.fails(exitUnavailable, "no node answered", append(release, id)...)
	shipment, err := ledger.ParseID[ledger.ShipmentID](id)
	if err != nil {
		v.t.Fatal(err)
	}
	known := v.show(id).Tip
	waitFor(v.t, func() bool { // the box gets the case's acts with its next sync
		tip, err := identity.BoxTip(v.t.Context(), v.j.BoxURL(), shipment)
		return err == nil && tip == known
	})
	v.do("it waits there for the ledger", append(release, "--box-url", v.j.BoxURL(), id)...)
	waitFor(v.t, func() bool { return len(v.history(id)) == 3 })
	if got := v.history(id)[2]; got != "release applied" {
		v.t.Errorf("the act that the box brought: %s", got)
	}
	file := filepath.Join(v.dir, "accept.act")
	v.as("courier-air", "signed, not delivered", "handoff accept", "--out", file, "--box-url", v.j.BoxURL(), id)
	if got := len(v.history(id)); got != 3 {
		v.t.Errorf("an act that was not delivered: %d acts, want 3", got)
	}
	v.sees("courier", "accept entered", "shipment deliver", file)
	v.sees("center", "accept entered", "shipment deliver", file)
	if got := v.history(id); len(got) != 4 || got[3] != "accept applied" {
		v.t.Errorf("delivered twice: %v", got)
	}
	if err := os.WriteFile(file, bytes.Repeat([]byte("x"), 100), 0o600); err != nil {
		v.t.Fatal(err)
	}
	v.fails(exitError, "read act", append(v.looking("courier", "shipment deliver"), file)...)
}

// history is each act's kind and standing.
func (v verbs) history(id string) []string {
	v.t.Helper()
	var out []string
	for _, a := range v.show(id).History {
		out = append(out, a.Kind+" "+a.Standing)
	}
	return out
}

// copyWithoutNetwork copies somebody's folder so that its ledger can't be reached.
func (v verbs) copyWithoutNetwork(role, to string) {
	v.t.Helper()
	if err := os.CopyFS(to, os.DirFS(v.me(role))); err != nil {
		v.t.Fatal(err)
	}
	path := filepath.Join(to, "me.json")
	text, err := os.ReadFile(path)
	if err != nil {
		v.t.Fatal(err)
	}
	var me map[string]any
	if err := json.Unmarshal(text, &me); err != nil {
		v.t.Fatal(err)
	}
	me["urls"] = []string{"https://127.0.0.1:1"}
	if text, err = json.Marshal(me); err == nil {
		err = os.WriteFile(path, text, 0o600)
	}
	if err != nil {
		v.t.Fatal(err)
	}
	for _, name := range []string{"key", "token"} { // CopyFS does not keep modes
		if err := os.Chmod(filepath.Join(to, name), 0o600); err != nil {
			v.t.Fatal(err)
		}
	}
}
