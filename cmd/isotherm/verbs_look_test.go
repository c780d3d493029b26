package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"isotherm/api/client"
)

// profiles copies a shipped profile, makes it the program's own and packs by it.
func (v verbs) profiles() {
	text := v.do("organ", "profile", "show", "chs-4-8")
	file := filepath.Join(v.dir, "ours.json")
	write := func(old, now string) {
		v.t.Helper()
		if !strings.Contains(text, old) {
			v.t.Fatalf("the profile's file has no %s:\n%s", old, text)
		}
		text = strings.Replace(text, old, now, 1)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			v.t.Fatal(err)
		}
	}
	write(`"name": "chs-4-8"`, `"name": "river-heart", "program": "River OPO"`)
	v.do("river-heart version 1", "profile", "check", file)
	v.fails(exitError, "", append(v.signing("courier", "profile publish"), file)...)
	v.as("coordinator", "is published as entry", "profile publish", file)
	write(`"version": 1`, `"version": 2`)
	write(`"high_c": 8`, `"high_c": 9`)
	v.as("coordinator", "version 2 is published", "profile publish", file)
	v.sees("coordinator", "river-heart", "profile list")
	v.sees("coordinator", `"high_c": 8`, "profile show", "river-heart@1")
	v.sees("coordinator", `"high_c": 9`, "profile show", "river-heart")
	id := v.open("--organ", "heart")
	v.as("courier", "pack entered", "shipment pack", "--organ", "heart", "--profile", "river-heart", "--box-url", v.j.BoxURL(), id)
	waitFor(v.t, func() bool { return v.show(id).Trip != nil })
	if p := v.show(id).Trip.Profile; p.Name != "river-heart" || p.Version != 2 || p.HighMC != 9000 {
		v.t.Errorf("packed by %+v", p)
	}
	write("low_c", "lowest_c")
	v.fails(exitError, "lowest_c", "profile", "check", file)
	v.fails(exitUsage, "is not known", "profile", "show", "nothing")
}

// private is what lies beside the log: donor IDs, and cases of others.
func (v verbs) private() {
	id := v.open("--organ", "heart", "--donor", "TEST-42")
	v.fails(exitUsage, "32 hexadecimal", append(v.looking("coordinator", "donor keep"), "x", "TEST-42")...)
	v.sees("coordinator", "is kept, sealed", "donor keep", id, "TEST-42") // opening kept it already: a repeat
	v.sees("center", "you may see it", "donor find", "test-42")
	v.sees("center", "no case has this donor ID", "donor find", "TEST-43")
	v.fails(exitUsage, "--reason is needed", append(v.looking("center", "donor reveal"), id)...)
	v.sees("center", "TEST42", "donor reveal", "--reason", "label check", id)
	v.fails(exitError, "", append(v.looking("courier-air", "shipment show"), id)...)
	v.fails(exitUsage, "--reason is needed", append(v.looking("courier-air", "break-glass"), id)...)
	v.sees("courier-air", "open to you until", "break-glass", "--reason", "box found at the airfield", id)
	v.sees("courier-air", "heart", "shipment show", id)
}

// sharing shows a case to outsiders.
func (v verbs) sharing() {
	id := v.packed("liver", "")
	v.fails(exitUsage, "--label is needed", append(v.looking("coordinator", "share make"), id)...)
	link := v.secret("link", key(v.sees("coordinator", "isotherm_share_", "share make", "--label", "surgical team", "--ttl", "1h", id)))
	open := []string{"share", "open", "--url", v.j.URLs()[0], "--ca", filepath.Join(v.dir, "ledger", "ca.pem"), "--link-file", link}
	out := v.do("Hill Transplant Center", open...)
	for _, hidden := range []string{"Harbor Hospital", "Ground courier", "Coordinator on call"} {
		if strings.Contains(out, hidden) {
			v.t.Errorf("the link shows %s", hidden)
		}
	}
	var list client.Shares
	v.read(&list, append(v.looking("coordinator", "share list"), id)...)
	if len(list.Shares) != 1 || list.Shares[0].Label != "surgical team" {
		v.t.Fatalf("shares: %+v", list.Shares)
	}
	v.sees("coordinator", "surgical team", "share list", id)
	v.sees("coordinator", "is revoked", "share revoke", id, list.Shares[0].ID)
	v.fails(exitError, "", open...)
}

// alarms are listed, watched and acknowledged.
func (v verbs) alarms() {
	id := v.packed("kidney", "left", "--donor", "TEST-9")
	v.as("center", "receive entered", "shipment receive", "--box-url", v.j.BoxURL(), id)
	v.as("center", "mismatch", "shipment check", "--organ", "kidney", "--side", "right", "--donor", "TEST-9", id)
	var list client.Alarms
	v.read(&list, append(v.looking("center", "alarm list"), "--shipment", id)...)
	if len(list.Alarms) == 0 {
		v.t.Fatal("a mismatch raised no alarm")
	}
	v.sees("center", "do now: ", "alarm list")
	v.fails(exitUsage, "--reason is needed", append(v.looking("center", "alarm ack"), list.Alarms[0].ID)...)
	v.fails(exitUsage, "use seen, acting", append(v.looking("center", "alarm ack"), "--reason", "bored", list.Alarms[0].ID)...)
	v.fails(exitUsage, "ALARM", append(v.looking("center", "alarm ack"), "--reason", "seen", "1234")...)
	v.fails(exitError, "", append(v.looking("auditor", "alarm ack"), "--reason", "seen", list.Alarms[0].ID)...)
	v.sees("center", "muted until", "alarm ack", "--reason", "acting", list.Alarms[0].ID)
	out := v.until(list.Alarms[0].What, v.looking("center", "alarm watch")...)
	if !strings.Contains(out, "acknowledged") {
		v.t.Errorf("watch does not say that it is acknowledged: %s", out)
	}
	v.sees("center", "(acting)", "shipment show", id)
}

// until runs a command that goes on until Ctrl-C, and ends it once it printed what is wanted.
func (v verbs) until(want string, args ...string) string {
	v.t.Helper()
	ctx, cancel := context.WithCancel(v.t.Context())
	defer cancel()
	out := &seenWriter{want: want, seen: cancel}
	if code := run(ctx, append([]string{"isotherm"}, args...), nil, out, out); code != exitOK || !strings.Contains(out.String(), want) {
		v.t.Errorf("isotherm %s: exit code %d, want 0 with %q:\n%s", strings.Join(args, " "), code, want, out)
	}
	return out.String()
}

// seenWriter keeps what is written and calls seen when the wanted text was among it.
type seenWriter struct {
	mu   sync.Mutex // guards b
	b    bytes.Buffer
	want string
	seen func()
}

func (w *seenWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.b.Write(p)
	if w.seen != nil && strings.Contains(w.b.String(), w.want) {
		w.seen()
	}
	return len(p), nil
}

func (w *seenWriter) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.String()
}

// feedsFromNow runs the feed without a place to resume, while shipments are opened: it shows those, and nothing from before.
func (v verbs) feedsFromNow() {
	v.t.Helper()
	before := v.openedAs()
	ctx, cancel := context.WithCancel(v.t.Context())
	out := &seenWriter{}
	var wg sync.WaitGroup
	wg.Go(func() {
		if code := run(ctx, append([]string{"isotherm"}, v.looking("auditor", "feed --json")...), nil, out, out); code != exitOK {
			v.t.Errorf("feed: exit code %d: %s", code, out)
		}
	})
	waitFor(v.t, func() bool { // the feed's begin can't be seen: open until something is in it
		v.open("--organ", "pancreas")
		return out.String() != ""
	})
	cancel()
	wg.Wait()
	var first client.FeedEvent // perhaps of another shipment, whose box reports all the time
	if err := json.NewDecoder(strings.NewReader(out.String())).Decode(&first); err != nil || first.Index <= before {
		v.t.Errorf("the feed begins with %+v, %v, want an entry after %d", first, err, before)
	}
}

// openedAs opens a shipment and returns the index of its entry.
func (v verbs) openedAs() int64 {
	v.t.Helper()
	x := v.show(v.open("--organ", "pancreas"))
	return x.History[0].Index
}

// audit is what auditors and administrators look at.
func (v verbs) audit() {
	id := v.open("--organ", "lung")
	v.sees("auditor", "act", "trail", "--limit", "0")
	v.sees("auditor", "there is more: isotherm trail --from", "trail", "--limit", "3")
	var trail client.Trail
	v.read(&trail, v.looking("auditor", "trail --limit 0")...)
	for i, x := range trail.Items {
		if x.Index != int64(i) {
			v.t.Fatalf("item %d of the trail is entry %d", i, x.Index)
		}
	}
	v.fails(exitError, "", v.looking("courier", "trail")...)
	v.sees("admin", "all roots that could be asked for are the same", "nodes")
	v.fails(exitError, "courier", v.looking("courier", "nodes")...)
	var nodes client.Nodes
	v.read(&nodes, v.looking("admin", "nodes")...)
	for _, n := range nodes.Nodes {
		if !n.Reached || n.Root == (client.Hash{}) || len(n.Certificates) != 3 {
			v.t.Errorf("node: got %+v, want it reached, with a root and three certificates", n)
		}
	}
	v.until(id, append(v.looking("auditor", "feed"), "--after", "0")...)
	v.feedsFromNow()
	v.sees("courier", "position", "notice")
	v.sees("auditor", "BOX-1", "box list")

	document := filepath.Join(v.dir, "consent.pdf")
	if err := os.WriteFile(document, []byte("signed"), 0o600); err != nil {
		v.t.Fatal(err)
	}
	give := append(v.looking("coordinator", "consent give"), "--scope", "tracking", "--reference", "HR 2026-12")
	v.fails(exitUsage, "--shipment or --person is needed", append(give, document)...)
	v.fails(exitError, "no such file", append(give, "--shipment", id, document+"x")...)
	v.do("consent to tracking given", append(give, "--shipment", id, document)...)
	v.sees("coordinator", "consent to tracking withdrawn", "consent withdraw", "--scope", "tracking", "--reference", "HR 2026-13", "--shipment", id, document)
	v.sees("auditor", "HR 2026-13", "consent list", "--shipment", id)

	v.fails(exitUsage, "--reason is needed", append(v.looking("admin", "certificate recall"), "CAL-1")...)
	v.sees("admin", "is recalled", "certificate recall", "--reason", "out of tolerance", "CAL-1")
	v.sees("auditor", "recalled", "certificate trips", "CAL-1")
}
