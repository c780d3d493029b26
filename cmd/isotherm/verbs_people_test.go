package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"isotherm/api/client"
	"isotherm/api/contract"
)

// key is what isotherm key new printed.
func key(out string) string { return strings.Split(strings.TrimSpace(out), "\n")[0] }

// people takes somebody from their own key to a lost one and its replacement, and to the end of their membership.
func (v verbs) people() {
	device, file := filepath.Join(v.dir, "device"), filepath.Join(v.dir, "b.join")
	pin, next := v.secret("b-pin", "pass phrase of B"), v.secret("b-next-pin", "1357911")
	v.fails(exitError, "at least 6 characters", "key", "new", "--me", device, "--pin-file", v.secret("five", "12345"))
	public := key(v.do("=", "key", "new", "--me", device, "--pin-file", pin))
	enrol := append(v.signing("admin", "enrol person"), "--name", "B. Example", "--org", "North Air", "--role", "courier")
	v.fails(exitUsage, "--key with --join is needed", append(enrol, "--key", public)...)
	v.fails(exitUsage, "want the line that isotherm key new printed", append(enrol, "--key", "abc", "--join", file)...)
	v.fails(exitError, "holds one already", append(enrol, "--out", v.me("courier"))...)
	v.fails(exitError, "role \"pilot\"", append(v.signing("admin", "enrol person"), "--name", "B", "--org", "X", "--role", "pilot", "--key", public, "--join", file)...)
	v.fails(exitError, "", append(v.signing("courier", "enrol person"), "--name", "B", "--org", "X", "--role", "courier", "--key", public, "--join", file)...)
	if _, err := os.Stat(file); err == nil {
		v.t.Error("a refused enrolment left a join file")
	}
	v.do("give them "+file, append(enrol, "--key", public, "--join", file)...)
	v.fails(exitError, "load identity", "me", "--me", device)
	v.do("you are B. Example of North Air (courier)", "join", "--me", device, file)
	v.do("B. Example", "me", "--me", device)
	var me client.Me
	v.read(&me, "me", "--me", device)

	id := v.packed("kidney", "right")
	v.as("courier", "release entered", "handoff release", "--to", me.Person.String(), "--box-url", v.j.BoxURL(), id)
	v.do("accept entered", "handoff", "accept", "--me", device, "--pin-file", pin, "--box-url", v.j.BoxURL(), id)

	v.fails(exitError, "the PIN is wrong", "key", "pin", "--me", device, "--pin-file", next, "--new-pin-file", pin)
	v.do("the PIN is changed", "key", "pin", "--me", device, "--pin-file", pin, "--new-pin-file", next)
	v.do(public, "key", "show", "--me", device)
	v.fails(exitError, "the PIN is wrong", "handoff", "release", "--me", device, "--pin-file", pin, "--to-org", "X", "--box-url", v.j.BoxURL(), id)

	v.do("nothing to change", "key", "use", "--me", device)
	fresh := key(v.do("=", "key", "new", "--me", device, "--pin-file", pin))
	v.fails(exitUsage, "reason \"tired\"", append(v.signing("admin", "person replace-key"), "--reason", "tired", "--key", fresh, me.Person.String())...)
	v.as("admin", "card version 2 (key-lost)", "person replace-key", "--reason", "key-lost", "--key", fresh, me.Person.String())
	v.do("you sign with the new key", "key", "use", "--me", device)
	v.do(fresh, "key", "show", "--me", device)
	v.do("release entered", "handoff", "release", "--me", device, "--pin-file", pin, "--to", v.whoami("courier-air"), "--box-url", v.j.BoxURL(), id)
	for _, got := range v.history(id) {
		if !strings.HasSuffix(got, " applied") {
			v.t.Errorf("after the key was replaced: %s", got)
		}
	}

	v.fails(exitUsage, "use two commands", append(v.signing("admin", "person change"), "--name", "C", "--role", "center", me.Person.String())...)
	v.as("admin", "card version 3 (name)", "person change", "--name", "B. Sample", me.Person.String())
	v.as("admin", "card version 4 (role)", "person change", "--role", "center", "--org", "Hill Transplant Center", me.Person.String())
	v.sees("admin", "B. Sample", "person list", "--org", "Hill Transplant Center")
	v.sees("admin", "key-lost", "person show", me.Person.String())
	v.as("admin", "card version 5 (ended)", "person end", me.Person.String())
	v.fails(exitError, "", "shipment", "list", "--me", device)
	v.sees("admin", "ended", "person list", "--role", "center")
}

// accounts are passwords, sessions and API tokens.
func (v verbs) accounts() {
	center := v.me("center")
	first, second := v.secret("password-1", "correct horse battery"), v.secret("password-2", "staple horse battery")
	v.fails(exitUsage, "--login is needed the first time", append(v.looking("center", "password"), "--new-password-file", first)...)
	v.fails(exitError, "", append(v.looking("center", "password"), "--login", "hill.desk", "--new-password-file", v.secret("short-password", "short"))...)
	v.sees("center", "the password is set", "password", "--login", "hill.desk", "--new-password-file", first)
	v.fails(exitError, "", append(v.looking("center", "sign-in"), "--login", "hill.desk", "--password-file", second)...)
	if _, err := os.Stat(filepath.Join(center, "session")); err == nil {
		v.t.Error("a refused sign-in left a session")
	}
	v.fails(exitError, "the folder is that of", append(v.looking("courier", "sign-in"), "--login", "hill.desk", "--password-file", first)...)
	if out := v.sees("center", "signed in as", "sign-in", "--login", "hill.desk", "--password-file", first); strings.Contains(out, "isotherm_session") {
		v.t.Error("sign-in printed the session's secret")
	}
	v.sees("center", "with a session", "me")
	v.sees("center", "the password is set", "password", "--old-password-file", first, "--new-password-file", second)
	v.fails(exitError, "", append(v.looking("center", "password"), "--old-password-file", first, "--new-password-file", second)...)
	v.sees("center", "signed out", "sign-out")
	v.fails(exitError, "nobody is signed in", v.looking("center", "sign-out")...)

	v.fails(exitUsage, "--label and --scope are needed", v.looking("center", "token make")...)
	made := v.sees("center", "isotherm_person_", "token make", "--label", "wall screen", "--scope", "read", "--ttl", "1h")
	var list client.Tokens
	v.read(&list, v.looking("center", "token list")...)
	i := slices.IndexFunc(list.Tokens, func(k contract.TokenInfo) bool { return k.Label == "wall screen" })
	if i < 0 || strings.Join(list.Tokens[i].Scopes, " ") != "read" {
		v.t.Fatalf("tokens: %+v", list.Tokens)
	}
	screen := filepath.Join(v.dir, "screen")
	if err := os.CopyFS(screen, os.DirFS(center)); err != nil {
		v.t.Fatal(err)
	}
	for name, text := range map[string]string{"token": key(made) + "\n", "key": ""} {
		path := filepath.Join(screen, name)
		if err := os.Remove(path); err != nil {
			v.t.Fatal(err)
		}
		if text != "" {
			v.secret("screen/"+name, strings.TrimSpace(text))
		}
	}
	v.do("as of", "shipment", "list", "--me", screen)
	v.fails(exitError, "", "donor", "find", "--me", screen, "TEST-7")
	v.sees("center", "wall screen", "token list")
	v.sees("center", "is revoked", "token revoke", list.Tokens[i].ID)
	v.fails(exitError, "", "shipment", "list", "--me", screen)
}

// organisations are their cards and contacts.
func (v verbs) organisations() {
	v.fails(exitUsage, "CODE", append(v.signing("admin", "organisation put"), "--name", "X", "!")...)
	v.fails(exitUsage, "--name is needed", append(v.signing("admin", "organisation put"), "LAKE")...)
	v.fails(exitError, "", append(v.signing("courier", "organisation put"), "--name", "Lake", "LAKE")...)
	v.as("admin", "version 1", "organisation put", "--name", "Lake Transplant Center", "--kind", "center", "--phone", "+1 555 0142", "LAKE")
	v.as("admin", "version 2", "organisation put", "--phone", "+1 555 0143", "LAKE")
	if out := v.sees("courier", "Lake Transplant Center", "organisation list"); !strings.Contains(out, "+1 555 0143") || strings.Contains(out, "0142") {
		v.t.Error("the second version does not carry over what was not changed")
	}
	v.as("admin", "version 1", "organisation put", "--name", "Hill Transplant Center", "--kind", "center", "Hill Transplant Center")
	v.fails(exitUsage, "--none alone", append(v.looking("center", "organisation contacts set"), "Hill Transplant Center")...)
	v.fails(exitError, "", append(v.looking("courier", "organisation contacts set"), "--email", "x@example.org", "Hill Transplant Center")...)
	v.sees("center", "whsec_", "organisation contacts set", "--webhook", "https://alarms.example/isotherm", "--hook", "sms", "--phone", "+1 555 0199", "Hill Transplant Center")
	v.sees("center", "https://alarms.example/isotherm", "organisation contacts show", "Hill Transplant Center")
	v.sees("center", "is on its way", "alarm test", "Hill Transplant Center")
	v.sees("center", "alarm ", "alarm list", "--org", "Hill Transplant Center")
	v.sees("center", "are entry", "organisation contacts set", "--none", "Hill Transplant Center")
}
