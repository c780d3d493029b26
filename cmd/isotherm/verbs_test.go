package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"isotherm/api/client"
	"isotherm/cmd/internal/identity"
	"isotherm/cmd/internal/journey"
	"isotherm/ledger/bundle"
)

// verbs runs commands of isotherm in this process, as people would type them.
type verbs struct {
	t   *testing.T
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

func (v verbs) me(role string) string { return filepath.Join(v.dir, "people", role) }

// read decodes a command's JSON answer.
func (v verbs) read(into any, args ...string) {
	v.t.Helper()
	if err := json.Unmarshal([]byte(v.do("", append(args, "--json")...)), into); err != nil {
		v.t.Fatal(err)
	}
}

// TestVerbs takes a shipment through its whole life with nothing but the command line, on a running ledger and box.
func TestVerbs(t *testing.T) {
	dir := t.TempDir()
	j := startJourney(t, dir, journey.Options{})
	v := verbs{t: t, dir: dir}
	open := v.do("open entered as entry", "shipment", "open", "--me", v.me("coordinator"), "--organ", "kidney", "--side", "left",
		"--donor", "TEST-7", "--from", "Harbor Hospital", "--to", "Hill Transplant Center")
	_, id, _ := strings.Cut(strings.TrimSpace(open), "shipment ")
	if code, out := v.try("shipment", "pack", "--me", v.me("courier"), "--organ", "kidney", "--profile", "none", id); code != exitUsage {
		t.Errorf("a profile that is not known: exit code %d, %s", code, out)
	}
	v.do("pack entered", "shipment", "pack", "--me", v.me("courier"), "--second", v.me("coordinator"), "--organ", "kidney", "--side", "left",
		"--profile", "chs-4-8", "--box-url", j.BoxURL(), "--seal", "12", id)
	var to struct {
		Person string `json:"person"`
	}
	text, err := os.ReadFile(filepath.Join(v.me("courier-air"), "me.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &to); err != nil {
		t.Fatal(err)
	}
	v.do("not confirmed by North Air", "handoff", "release", "--me", v.me("courier"), "--to", to.Person, "--to-org", "North Air",
		"--box-url", j.BoxURL(), "--place", "Airfield", id)
	v.do("accept entered", "handoff", "accept", "--me", v.me("courier-air"), "--box-url", j.BoxURL(), "--place", "Airfield", id)
	if code, out := v.try("handoff", "accept", "--me", v.me("auditor"), id); code != exitError || !strings.Contains(out, "auditor") {
		t.Errorf("an auditor accepted: exit code %d, %s", code, out)
	}
	v.do("receive entered", "shipment", "receive", "--me", v.me("center"), "--box-url", j.BoxURL(), id)
	v.do("arrival check: mismatch", "shipment", "check", "--me", v.me("center"), "--organ", "kidney", "--side", "right", "--donor", "TEST-7", id)
	v.do("arrival check: match", "shipment", "check", "--me", v.me("center"), "--organ", "kidney", "--side", "left", "--donor", "test-7", id)
	v.do("outcome entered", "shipment", "outcome", "--me", v.me("center"), "--result", "not transplanted", "--at", "2026-01-02T03:04:05+01:00", id)
	v.do("close entered", "shipment", "close", "--me", v.me("center"), id)
	v.do("closed", "shipment", "list", "--me", v.me("center"))
	v.do("North Air", "shipment", "show", "--me", v.me("center"), id)
	var shown client.Shipment
	v.read(&shown, "shipment", "show", "--me", v.me("center"), id)
	if got, want := len(shown.History), 9; got != want {
		t.Errorf("acts: got %d, want %d", got, want)
	}
	v.export(id)
	v.openCheckpoint()
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
	if code, _ := v.try("export", "--me", v.me("courier"), "--reason", "curious", "--out", file, id); code != exitError {
		v.t.Errorf("a courier exported: exit code %d", code)
	}
	left, err := filepath.Glob(file + "*")
	if err != nil || len(left) != 0 {
		v.t.Errorf("a refused export left %v, %v", left, err)
	}
	v.do("", "export", "--me", v.me("auditor"), "--reason", "audit", "--out", file, id)
	code, _ := v.try("verify", file)
	if code != bundle.Consistent.ExitCode() {
		v.t.Errorf("verify without a policy: exit code %d", code)
	}
	var verdict bundle.Verdict
	v.read(&verdict, "verify", "--policy", policy, file)
	if verdict.Result != bundle.Verified || verdict.Shipment.Organ != "kidney" || verdict.Shipment.Side != "left" || len(verdict.Custodians) != 3 {
		v.t.Errorf("verdict: %+v", verdict)
	}
}
