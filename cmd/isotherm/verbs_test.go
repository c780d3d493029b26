package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"isotherm/cmd/internal/identity"
	"isotherm/cmd/internal/journey"
	"isotherm/ledger"
	"isotherm/ledger/bundle"
	"isotherm/ledger/keyfile"
)

// verbs runs commands of isotherm in this process, as people would type them.
type verbs struct {
	t   *testing.T
	j   *journey.Journey
	dir string
}

// try runs a command and returns its exit code and all that it printed.
func (v verbs) try(args ...string) (int, string) {
	v.t.Helper()
	var out bytes.Buffer
	code := run(v.t.Context(), append([]string{"isotherm"}, args...), nil, &out, &out)
	v.t.Logf("$ isotherm %s\n%s", strings.Join(args, " "), out.String())
	return code, out.String()
}

// do runs a command that must succeed and print what is wanted.
func (v verbs) do(want string, args ...string) string {
	v.t.Helper()
	code, out := v.try(args...)
	if code != exitOK || !strings.Contains(out, want) {
		v.t.Fatalf("isotherm %s: exit code %d, want 0 with %q:\n%s", strings.Join(args, " "), code, want, out)
	}
	return out
}

// fails runs a command that must end with the exit code and say what is wanted.
func (v verbs) fails(code int, want string, args ...string) {
	v.t.Helper()
	got, out := v.try(args...)
	if got != code || !strings.Contains(out, want) {
		v.t.Errorf("isotherm %s: exit code %d, want %d with %q:\n%s", strings.Join(args, " "), got, code, want, out)
	}
}

// read decodes a command's JSON answer.
func (v verbs) read(into any, args ...string) {
	v.t.Helper()
	var out, errs bytes.Buffer
	args = append(args, "--json")
	if code := run(v.t.Context(), append([]string{"isotherm"}, args...), nil, &out, &errs); code != exitOK {
		v.t.Fatalf("isotherm %s: exit code %d: %s", strings.Join(args, " "), code, errs.String())
	}
	if err := json.Unmarshal(out.Bytes(), into); err != nil {
		v.t.Fatalf("isotherm %s: %v:\n%s", strings.Join(args, " "), err, out.String())
	}
}

// me is the identity folder of somebody on the journey.
func (v verbs) me(role string) string {
	if role == "admin" {
		return filepath.Join(v.dir, "ledger", "admin")
	}
	return filepath.Join(v.dir, "people", role)
}

// as runs a verb that signs, and must succeed. The verb's words come first, then flags and arguments.
func (v verbs) as(role, want, verb string, args ...string) string {
	v.t.Helper()
	return v.do(want, append(v.signing(role, verb), args...)...)
}

// signing is the begin of a command that signs.
func (v verbs) signing(role, verb string) []string {
	return append(strings.Fields(verb), "--me", v.me(role), "--pin-file", v.j.PINFile())
}

// looking is the begin of a command that does not sign.
func (v verbs) looking(role, verb string) []string {
	return append(strings.Fields(verb), "--me", v.me(role))
}

// sees runs a verb that does not sign, and must succeed.
func (v verbs) sees(role, want, verb string, args ...string) string {
	v.t.Helper()
	return v.do(want, append(v.looking(role, verb), args...)...)
}

// whoami is the identifier of somebody on the journey.
func (v verbs) whoami(role string) string {
	v.t.Helper()
	me, err := identity.Load(v.me(role))
	if err != nil {
		v.t.Fatal(err)
	}
	return me.Person.String()
}

// open begins a shipment and returns its identifier.
func (v verbs) open(args ...string) string {
	v.t.Helper()
	out := v.as("coordinator", "open entered as entry", "shipment open", append([]string{"--from", "Harbor Hospital", "--to", "Hill Transplant Center"}, args...)...)
	_, id, _ := strings.Cut(out, "shipment ")
	return strings.TrimSpace(strings.Split(id, "\n")[0])
}

// show is a case as the auditor sees it.
func (v verbs) show(id string) caseView {
	v.t.Helper()
	var x caseView
	v.read(&x, append(v.looking("auditor", "shipment show"), id)...)
	return x
}

// secret writes a file that only its owner can read.
func (v verbs) secret(name, text string) string {
	v.t.Helper()
	path := filepath.Join(v.dir, name)
	if err := keyfile.SaveSecret(path, []byte(text+"\n")); err != nil {
		v.t.Fatal(err)
	}
	return path
}

// TestVerbs runs every verb on a running ledger and box, with nothing but the command line.
func TestVerbs(t *testing.T) {
	dir := t.TempDir()
	j := startJourney(t, dir, journey.Options{SideTrips: true})
	for _, part := range []struct {
		name string
		run  func(verbs)
	}{
		{"life", verbs.life}, {"refusals", verbs.refusals}, {"handoffs", verbs.handoffs}, {"dispute", verbs.dispute}, {"way", verbs.way},
		{"late", verbs.late},
		{"offline", verbs.offline}, {"people", verbs.people}, {"accounts", verbs.accounts}, {"organisations", verbs.organisations},
		{"profiles", verbs.profiles}, {"private", verbs.private}, {"sharing", verbs.sharing}, {"alarms", verbs.alarms}, {"audit", verbs.audit},
	} {
		t.Run(part.name, func(t *testing.T) { part.run(verbs{t: t, j: j, dir: dir}) })
	}
}

// life takes a kidney through its whole life.
func (v verbs) life() {
	box := v.j.BoxURL()
	id := v.open("--organ", "kidney", "--side", "left", "--donor", "TEST-7", "--from-phone", "+1 555 0100", "--to-phone", "+1 555 0199")
	v.as("courier", "pack entered", "shipment pack", "--second", v.me("coordinator"), "--second-pin-file", v.j.PINFile(), "--organ", "kidney", "--side", "left",
		"--abo", "A1", "--packaging", "cooled-box", "--profile", "chs-4-8", "--box-url", box, "--seal", "12", id)
	v.as("courier", "not confirmed by North Air", "handoff release", "--to", v.whoami("courier-air"), "--box-url", box, "--place", "Airfield", id)
	v.as("courier-air", "accept entered", "handoff accept", "--box-url", box, "--place", "Airfield", "--condition", "sb", id)
	v.as("center", "receive entered", "shipment receive", "--box-url", box, "--place", "Theatre 3", id)
	v.as("center", "donor ID differs", "shipment check", "--organ", "kidney", "--side", "left", "--donor", "TEST-8", id)
	v.as("center", "arrival check: mismatch", "shipment check", "--organ", "kidney", "--side", "right", "--donor", "TEST-7", id)
	v.as("center", "blood group differs", "shipment check", "--organ", "kidney", "--side", "left", "--abo", "B", "--donor", "TEST-7", id)
	v.as("center", "arrival check: match", "shipment check", "--organ", "kidney", "--side", "left", "--abo", "A1", "--donor", "test-7", id)
	v.as("center", "open-box entered", "shipment open-box", "--box-url", box, id)
	v.as("center", "preserve entered", "shipment preserve", id, "out-of-cold")
	v.as("center", "outcome entered", "shipment outcome", "--result", "not transplanted", "--reason", "organ-quality", id)
	v.as("center", "close entered", "shipment close", id)
	v.sees("center", "closed", "shipment list")
	v.sees("center", "left kidney", "shipment list", "--phase", "closed", "--organ", "kidney")
	v.sees("center", "no shipments", "shipment list", "--phase", "closed", "--organ", "heart")
	v.sees("center", "North Air", "shipment show", id)
	v.sees("center", "cooled-box, blood group A1, label check two-keys, seal 12", "shipment show", id)
	shown := v.show(id)
	if got, want := len(shown.History), 13; got != want {
		v.t.Errorf("acts: got %d, want %d", got, want)
	}
	pack := shown.History[1]
	if pack.Kind != "pack" || pack.ABO != "A1" || pack.LabelCheck != "two-keys" || len(pack.Signatures) != 2 || pack.Packaging != "cooled-box" {
		v.t.Errorf("pack: %+v", pack)
	}
	if got := shown.History[3].Condition; got != "SB" {
		v.t.Errorf("condition at accept: %q", got)
	}
	v.export(id)
	v.openCheckpoint()
	var opened struct {
		Shipment ledger.ShipmentID `json:"shipment"`
		Messages []string          `json:"messages"`
	}
	v.read(&opened, append(v.signing("coordinator", "shipment open"), "--organ", "heart", "--to", "Hill Transplant Center", "--donor", "TEST-10")...)
	if opened.Shipment.IsZero() || len(opened.Messages) != 1 {
		v.t.Errorf("opened as JSON: %+v", opened)
	}
}

// refusals are mistakes: each has its exit code, and writes nothing.
func (v verbs) refusals() {
	id := v.open("--organ", "liver")
	before := len(v.show(id).History)
	wrong := v.secret("wrong-pin", "000000")
	short := v.secret("short-pin", "12345")
	loose := filepath.Join(v.dir, "loose-pin")
	if err := os.WriteFile(loose, []byte("314159\n"), 0o644); err != nil {
		v.t.Fatal(err)
	}
	at := func(text string) []string {
		return append(v.signing("coordinator", "shipment stand-down"), "--reason", "no-transport", "--at", text, id)
	}
	for _, x := range []struct {
		code int
		want string
		args []string
	}{
		{exitUsage, "isotherm shipment --help", []string{"shipment", "nonsense"}},
		{exitUsage, "accepts 1 arg", v.signing("coordinator", "shipment close")},
		{exitUsage, "32 hexadecimal digits", append(v.signing("coordinator", "shipment close"), "abc")},
		{exitUsage, "--me is needed", []string{"shipment", "close", id}},
		{exitError, "load identity", []string{"shipment", "close", "--me", v.dir, id}},
		{exitUsage, "there is no terminal to ask for the PIN of Coordinator on call: give --pin-file", append(v.looking("coordinator", "shipment stand-down"), "--reason", "no-transport", id)},
		{exitError, "the PIN is wrong\n", append(v.looking("coordinator", "shipment stand-down"), "--pin-file", wrong, "--reason", "no-transport", id)},
		{exitError, "the PIN is wrong\n", append(v.looking("coordinator", "shipment stand-down"), "--pin-file", short, "--reason", "no-transport", id)},
		{exitError, "others can read this secret", append(v.looking("coordinator", "shipment stand-down"), "--pin-file", loose, "--reason", "no-transport", id)},
		{exitUsage, "does not fit stand-down", append(v.signing("coordinator", "shipment stand-down"), "--reason", "no-account", id)},
		{exitUsage, "has no zone: write 14:05", at("14:05")},
		{exitUsage, "at most 10 min ahead", at("2999-01-01T00:00Z")},
		{exitUsage, "can't be read", at("yesterday")},
		{exitUsage, "write 2m or 30s", append(at("2026-01-01T00:00Z"), "--at-error", "-2m")},
		{exitUsage, "profile \"none\" is not known", append(v.signing("courier", "shipment pack"), "--organ", "liver", "--profile", "none", "--box-url", v.j.BoxURL(), id)},
		{exitUsage, "--box-url or --box is needed", append(v.signing("courier", "shipment pack"), "--organ", "liver", "--profile", "chs-4-8", id)},
		{exitError, "is not enrolled", append(v.signing("courier", "shipment pack"), "--organ", "liver", "--profile", "chs-4-8", "--box", strings.Repeat("0", 32), id)},
		{exitError, "ask box", append(v.signing("courier", "shipment pack"), "--organ", "liver", "--profile", "chs-4-8", "--box-url", "http://127.0.0.1:1", id)},
		{exitUsage, "organ \"brain\" is not known", append(v.signing("courier", "shipment pack"), "--organ", "brain", id)},
		{exitUsage, "--to or --to-org is needed", append(v.signing("courier", "handoff release"), id)},
		{exitUsage, "--reference is needed", append(v.signing("courier", "handoff release"), "--to-org", "Cargo", "--reason", "no-account", id)},
		{exitError, "auditor", append(v.signing("auditor", "handoff accept"), id)},
		{exitUsage, "--reason is needed", append(v.signing("coordinator", "shipment rule"), id, "1")},
		{exitUsage, "say what is right", append(v.signing("coordinator", "shipment correct"), "--reason", "typing-error", id, "1")},
		{exitError, "is no act of shipment", append(v.signing("coordinator", "shipment correct"), "--reason", "typing-error", "--seal", "1", id, "0")},
		{exitUsage, "leg 2: mode", append(v.signing("coordinator", "shipment open"), "--organ", "heart", "--to", "X", "--leg", "from=A,to=B,mode=road", "--leg", "from=B,to=C,mode=broom")},
		{exitUsage, "legs are counted from 1", append(v.signing("courier", "shipment waypoint"), id, "departed", "0")},
	} {
		v.fails(x.code, x.want, x.args...)
	}
	if after := len(v.show(id).History); after != before {
		v.t.Errorf("refused commands entered %d acts", after-before)
	}
	v.as("coordinator", "that was", "shipment stand-down", "--reason", "no-transport", "--at", "2026-01-02T03:04:05+01:00", "--at-error", "2m", id)
	acts := v.show(id).History
	last := acts[len(acts)-1]
	if last.Kind != "stand-down" || last.TimeErrorMS != 120_000 || last.ZoneMin == nil || *last.ZoneMin != 60 || last.EventTimeMS != 1_767_319_445_000 {
		v.t.Errorf("a late act: %+v", last)
	}
}

// openCheckpoint reads the running ledger's checkpoint with nothing of ours but the key in the policy file.
func (v verbs) openCheckpoint() {
	v.t.Helper()
	me, err := identity.Load(v.me("auditor"))
	if err != nil {
		v.t.Fatal(err)
	}
	c, err := me.Client()
	if err != nil {
		v.t.Fatal(err)
	}
	defer c.Close()
	signed, err := c.Checkpoint(v.t.Context())
	if err != nil {
		v.t.Fatal(err)
	}
	policy, err := os.ReadFile(filepath.Join(v.dir, "ledger", "policy"))
	if err != nil {
		v.t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(policy), "\nlog ")
	vkey, _, _ := strings.Cut(rest, "\n")
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		v.t.Fatal(err)
	}
	n, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil || !strings.HasPrefix(n.Text, me.Origin+"\n") || len(n.UnverifiedSigs) < 2 {
		v.t.Errorf("note.Open: %v, %+v", err, n) // the other signatures are the nodes' cosignatures
	}
}

// export takes and verifies the bundle, and checks that a refused export leaves nothing.
func (v verbs) export(id string) {
	v.t.Helper()
	file, policy := filepath.Join(v.dir, "my.bundle"), filepath.Join(v.dir, "ledger", "policy")
	v.fails(exitError, "", append(v.looking("courier", "export"), "--reason", "curious", "--out", file, id)...)
	left, err := filepath.Glob(file + "*")
	if err != nil || len(left) != 0 {
		v.t.Errorf("a refused export left %v, %v", left, err)
	}
	v.sees("auditor", "my.bundle", "export", "--reason", "audit", "--out", file, id)
	for _, form := range []string{"csv", "sheet", "report"} {
		other := filepath.Join(v.dir, "my."+form)
		v.sees("auditor", other, "export", "--reason", "audit", "--form", form, "--out", other, "--all")
	}
	v.fails(bundle.Consistent.ExitCode(), "", "verify", file)
	var verdict bundle.Verdict
	v.read(&verdict, "verify", "--policy", policy, file)
	if verdict.Result != bundle.Verified || verdict.Shipment.Organ != "kidney" || verdict.Shipment.Side != "left" || len(verdict.Custodians) != 3 {
		v.t.Errorf("verdict: %+v", verdict)
	}
}
