package node

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"isotherm/ledger"
	"isotherm/ledger/alarm"
	"isotherm/ledger/bundle"
	"isotherm/ledger/command"
	"isotherm/ledger/custody"
	"isotherm/ledger/entry"
	"isotherm/ledger/profile"
)

// TestRunAlarms_life has a box that falls silent, is told of, escalated, acknowledged, repeated all the same, and heard of.
func TestRunAlarms_life(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newAlarmFixture(t)
		f.packWith(5000, 5000)
		defer f.run(f.Node)()
		f.until(9.5)
		f.wantTold("heard of 9 min ago")
		f.until(10)
		f.wantTold("silent for 10 min", "10 air 1-raised", "10 center 1-raised")
		f.until(14.5)
		f.wantTold("for 14 min")
		f.until(15)
		f.wantTold("not acknowledged for 5 min", "15 opo 1-escalated")
		f.until(45)
		f.wantTold("nor for 35 min", "30 air 1-repeated-1", "30 center 1-repeated-1", "30 opo 1-repeated-1", "45 air 1-repeated-2", "45 center 1-repeated-2", "45 opo 1-repeated-2")
		all, _, err := f.Alarms(t.Context(), as(f.center))
		if err != nil || len(all) != 1 || all[0].Code != alarm.Silence || all[0].State != AlarmActive {
			t.Fatalf("got %+v, %v", all, err)
		}
		got, err := f.AcknowledgeAlarm(t.Context(), as(f.center), all[0].ID, alarm.Acting)
		if err != nil || got.State != AlarmAcknowledged || len(got.Acks) != 1 || got.Acks[0].By != f.center.Person {
			t.Fatalf("acknowledged: %+v, %v", got, err)
		}
		again, err := f.AcknowledgeAlarm(t.Context(), as(f.center), all[0].ID, alarm.Acting)
		if err != nil || again.Index != got.Index {
			t.Errorf("acknowledged twice: %+v, %v, want no further entry", again, err)
		}
		f.until(75)
		f.wantTold("acknowledged")
		f.until(90)
		f.wantTold("no silence for good", "90 air 1-repeated-5", "90 center 1-repeated-5", "90 opo 1-repeated-5")
		f.sync(1, 3)
		f.until(91)
		f.wantTold("heard of", "90 air 1-ended", "90 center 1-ended", "90 opo 1-ended")
		if a := f.caseAlarms(); len(a) != 1 || a[0].State != AlarmOver || len(a[0].Deliveries) != 2+1+3*3+3 {
			t.Errorf("over: %+v", a[0])
		}
		if _, err := f.AcknowledgeAlarm(t.Context(), as(f.center), all[0].ID, alarm.Acting); ledger.CodeOf(err) != ledger.CodeConflict {
			t.Errorf("acknowledge what is over: got %v, want a conflict", err)
		}
		f.until(100)
		f.wantTold("silent again", "100 air 1-raised", "100 center 1-raised")
		f.checkExport()
	})
}

// TestRunAlarms_simulated has a box with a clock of its own fall silent: that is one alarm, however often it is looked at.
func TestRunAlarms_simulated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newAlarmFixture(t)
		f.ahead = 3 * time.Hour
		f.packWith(5000, 5000)
		f.sync(1, 2)
		defer f.run(f.Node)()
		f.until(10)
		f.wantTold("silent for 10 min", "10 air 1-raised", "10 center 1-raised")
		f.until(29)
		f.wantTold("for 29 min", "15 opo 1-escalated")
		if a := f.caseAlarms(); len(a) != 1 || a[0].SinceMS != f.begun.Add(f.ahead+time.Minute).UnixMilli() {
			t.Errorf("got %d alarms, the first %+v", len(a), a[0])
		}
	})
}

// TestRunAlarms_mismatch has both sides told at once of a mismatch on arrival, the donor's too, and shows the numbers on their
// cards where nobody set an on-call number.
func TestRunAlarms_mismatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newAlarmFixture(t)
		f.packWith(5000, 5000)
		card := &entry.OrganisationCard{Ledger: testOrigin, Code: "lake", Version: 1, Name: "Lake", Kind: entry.OrganisationCenter, Phone: "+1 555 0177",
			IssuedMS: 1, By: f.admin.Person}
		card.Sign(key("Admin"))
		if _, err := f.PutOrganisation(t.Context(), f.admin, card); err != nil {
			t.Fatal(err)
		}
		defer f.run(f.Node)()
		now := f.begun.UnixMilli()
		receive := f.sign(custody.Statement{Kind: custody.Receive, Shipment: f.id, EventTimeMS: now}, f.center, f.pack)
		check := f.sign(custody.Statement{Kind: custody.ArrivalCheck, Shipment: f.id, EventTimeMS: now, Arrival: custody.Mismatch, Organ: custody.Heart}, f.center, receive)
		f.submit(receive)
		f.submit(check)
		f.until(1)
		f.wantTold("the organ is another", "0 center 1-raised", "0 opo 1-raised")
		f.submit(f.sign(custody.Statement{Kind: custody.Outcome, Shipment: f.id, EventTimeMS: now, Result: custody.Redirected, Dest: "lake"}, f.center, receive))
		all, _, err := f.Alarms(t.Context(), as(f.center))
		want := []alarm.Call{{Organisation: "opo", Phone: "+1 555 0100"}, {Organisation: "lake", Phone: "+1 555 0177"}}
		if err != nil || len(all) != 1 || !slices.Equal(all[0].Call, want) {
			t.Errorf("got %+v, %v, want to call %v", all, err, want)
		}
	})
}

// checkExport has the offline verifier read a case with alarms.
func (f *alarmFixture) checkExport() {
	f.t.Helper()
	src, err := f.Export(f.t.Context(), as(f.opo), f.id, "quality review")
	if err != nil {
		f.t.Fatal(err)
	}
	var out bytes.Buffer
	if err := bundle.Write(&out, src); err != nil {
		f.t.Fatal(err)
	}
	if v := bundle.Verify(out.Bytes(), &f.pin); v.Result != bundle.Verified {
		f.t.Errorf("a case with alarms: %s, %+v", v.Result, v.Findings)
	}
}

// TestRunAlarms_excursions has a box whose readings come in time, and one whose readings come when all is over.
func TestRunAlarms_excursions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newAlarmFixture(t)
		f.packWith(5000, 5000, 3000, 2900, 2900, 2900, 5000, 5000, 9000, 9000, 9000, 9000, 9000, 9000, 9000, 5000, 5000)
		defer f.run(f.Node)()
		f.sync(1, 6)
		f.until(1)
		f.wantTold("too cold", "0 air 1-raised", "0 center 1-raised")
		if a := f.caseAlarms(); len(a) != 1 || a[0].Code != alarm.TooCold || a[0].Late || a[0].What != "Too cold: 2.9 °C, band 4 to 8" || a[0].Box != f.box.id || a[0].UntilMS != 0 {
			t.Errorf("too cold: %+v", a[0])
		}
		f.sync(6, 9)
		f.until(2)
		severity := f.caseAlarms()[0].Severity
		if severity <= profile.Low {
			t.Fatalf("the profile's rule is of severity %s, this test needs more", severity)
		}
		f.wantTold("over", "1 air 1-ended", "1 center 1-ended")
		f.sync(9, 18)
		f.until(3)
		f.wantTold("too warm, learned of when it was over: once, and no end", "2 air 1-raised", "2 center 1-raised")
		a := f.caseAlarms()
		i := slices.IndexFunc(a, func(a *Alarm) bool { return a.Code == alarm.TooWarm })
		if i < 0 || !a[i].Late || a[i].Severity != profile.Low || a[i].State != AlarmOver {
			t.Errorf("late: %+v", a)
		}
		f.until(4)
		f.wantTold("nothing more")
	})
}

// door is another node's door to the fixture's ledger.
func (f *alarmFixture) door(name string, r Replica) *Node {
	f.t.Helper()
	n, err := New(Options{Name: name, Replica: r, Keyring: f.keyring, Pin: f.pin})
	if err != nil {
		f.t.Fatal(err)
	}
	return n
}

// TestRunAlarms_takeover has a sending node that reaches nobody and dies: another one goes on from the ledger's entries.
func TestRunAlarms_takeover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newAlarmFixture(t)
		f.packWith(5000)
		f.notifier.fails = func(string) error { return errors.New("down") }
		stop := f.run(f.Node)
		f.until(10)
		stop()
		event := f.caseAlarms()[0].ID.String() + "-1-raised"
		f.notifier.mu.Lock()
		tried := f.notifier.tries
		f.notifier.fails = nil
		f.notifier.mu.Unlock()
		if tried == 0 {
			t.Fatal("the first node tried nothing")
		}
		stop = f.run(f.door("node-2", f.replica))
		f.until(11)
		f.wantTold("by the next node", "10 air 1-raised", "10 center 1-raised")
		if a := f.caseAlarms()[0]; len(a.Deliveries) != 2 || a.Deliveries[0].Event != event {
			t.Errorf("deliveries: %+v, want two of %s", a.Deliveries, event)
		}
		stop()
		defer f.run(f.door("node-3", f.replica))()
		f.until(12)
		f.wantTold("a third node")
	})
}

// severed is a replica that loses its majority.
type severed struct {
	Replica
	cut atomic.Bool
}

func (s *severed) Propose(ctx context.Context, c *command.Command) (command.Result, error) {
	if s.cut.Load() {
		return command.Result{}, ledger.Errorf(ledger.CodeUnavailable, "cut off")
	}
	return s.Replica.Propose(ctx, c)
}

// TestRunAlarms_notEntered has a node that is cut off after it handed its messages over, before that is entered: the next
// one sends them again, with the same IDs.
func TestRunAlarms_notEntered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newAlarmFixture(t)
		f.packWith(5000)
		r := &severed{Replica: f.replica}
		f.notifier.fails = func(string) error { r.cut.Store(true); return nil }
		stop := f.run(f.door("node-2", r))
		f.until(10)
		stop()
		first := slices.Compact(f.notifier.take())
		f.notifier.fails = nil
		defer f.run(f.Node)()
		f.until(11)
		if again := f.notifier.take(); len(first) != 2 || !slices.Equal(first, again) {
			t.Errorf("got %v, then %v, want the same messages again", first, again)
		}
	})
}

// TestRunAlarms_twoLeaders has two nodes that both believe to lead.
func TestRunAlarms_twoLeaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newAlarmFixture(t)
		f.packWith(5000)
		defer f.run(f.Node)()
		defer f.run(f.door("node-2", f.replica))()
		f.until(11)
		events := map[string]bool{}
		for _, g := range f.notifier.take() {
			events[g] = true
		}
		if len(events) != 2 {
			t.Errorf("got %v, want two messages, perhaps twice", events)
		}
		if a := f.caseAlarms(); len(a) != 1 || len(a[0].Deliveries) != 2 {
			t.Errorf("entered twice: %+v", a[0])
		}
	})
}

// TestRunAlarms_deadLetter has one receiver that is down for an hour: that is visible, and ends by itself.
func TestRunAlarms_deadLetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newAlarmFixture(t)
		f.packWith(5000)
		f.notifier.fails = func(to string) error {
			if to == "air" {
				return &alarm.Failure{Class: alarm.ClassRefused, Err: errors.New("secret words of a server")}
			}
			return nil
		}
		defer f.run(f.Node)()
		f.until(14)
		f.wantTold("the others are not held up", "10 center 1-raised")
		a := f.caseAlarms()[0]
		i := slices.IndexFunc(a.Deliveries, func(d alarm.Delivery) bool { return d.Failed })
		if i < 0 || a.Deliveries[i].Organisation != "air" || a.Deliveries[i].Reason != alarm.ClassRefused || a.Deliveries[i].Channel != alarm.Webhook {
			t.Fatalf("no dead letter: %+v", a.Deliveries)
		}
		f.notifier.mu.Lock()
		if f.notifier.tries > 20 {
			t.Errorf("%d tries in 4 min", f.notifier.tries)
		}
		f.notifier.fails = nil
		f.notifier.mu.Unlock()
		f.until(29)
		if got := f.notifier.take(); !slices.ContainsFunc(got, func(s string) bool { return strings.HasSuffix(s, "air 1-raised") }) {
			t.Errorf("it is not tried again: %v", got)
		}
	})
}

// TestRunAlarms_onlyLeader has a node that does not lead.
func TestRunAlarms_onlyLeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newAlarmFixture(t)
		f.packWith(5000)
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { f.RunAlarms(ctx, AlarmOptions{Notifier: f.notifier, Leads: func() bool { return false }}) })
		f.until(20)
		cancel()
		running.Wait()
		f.wantTold("not the leader")
		// It shows the alarm all the same, and takes an acknowledgement of it.
		all, _, err := f.Alarms(t.Context(), as(f.opo))
		if err != nil || len(all) != 1 || all[0].State != AlarmNew || all[0].Index != -1 {
			t.Fatalf("got %+v, %v", all, err)
		}
		got, err := f.AcknowledgeAlarm(t.Context(), as(f.opo), all[0].ID, alarm.Seen)
		if err != nil || got.State != AlarmAcknowledged {
			t.Errorf("acknowledged: %+v, %v", got, err)
		}
	})
}

// TestRunAlarms_text checks that a message says nothing of the case, the organ, places or people.
func TestRunAlarms_text(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newAlarmFixture(t)
		f.packWith(3000, 2900, 2900, 2900)
		defer f.run(f.Node)()
		f.sync(1, 5)
		f.until(20)
		f.notifier.mu.Lock()
		defer f.notifier.mu.Unlock()
		if len(f.notifier.got) == 0 {
			t.Fatal("no message came")
		}
		for _, g := range f.notifier.got {
			body := strings.ToLower(g.body)
			for _, word := range []string{f.id.String(), "liver", "organ", "mill", "hospital", "center", "opo", "air", "s-99", "555", f.air.Person.String(), f.opo.Person.String(), "°c"} {
				if strings.Contains(body, word) {
					t.Errorf("the message says %q: %s", word, body)
				}
			}
			if !strings.Contains(body, f.box.id.String()) {
				t.Errorf("the message does not name the box: %s", body)
			}
		}
	})
}

func TestAcknowledgeAlarm_refused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newAlarmFixture(t)
		f.packWith(5000)
		defer f.run(f.Node)()
		f.until(10)
		id := f.caseAlarms()[0].ID
		share := as(f.center)
		share.Share = &ShareGrant{Shipment: f.id}
		for _, tt := range []struct {
			name   string
			p      Principal
			id     alarm.ID
			reason alarm.Reason
			want   ledger.Code
		}{
			{"an auditor", as(f.auditor), id, alarm.Seen, ledger.CodeForbidden},
			{"a share link", share, id, alarm.Seen, ledger.CodeForbidden},
			{"another center", as(f.other), id, alarm.Seen, ledger.CodeNotFound},
			{"no reason", as(f.center), id, 0, ledger.CodeInvalid},
			{"an unknown reason", as(f.center), id, 99, ledger.CodeInvalid},
			{"an unknown alarm", as(f.center), alarm.ID{1}, alarm.Seen, ledger.CodeNotFound},
		} {
			if _, err := f.AcknowledgeAlarm(t.Context(), tt.p, tt.id, tt.reason); ledger.CodeOf(err) != tt.want {
				t.Errorf("%s: got %v, want %s", tt.name, err, tt.want)
			}
		}
		if all, _, err := f.Alarms(t.Context(), as(f.other)); err != nil || len(all) != 0 {
			t.Errorf("another center sees %+v, %v", all, err)
		}
		if _, _, err := f.CaseAlarms(t.Context(), as(f.other), f.id); ledger.CodeOf(err) != ledger.CodeForbidden {
			t.Errorf("another center reads the case's alarms: %v", err)
		}
		if _, _, err := f.Alarms(t.Context(), share); ledger.CodeOf(err) != ledger.CodeForbidden {
			t.Errorf("a share link lists alarms: %v", err)
		}
		if a := f.caseAlarms()[0]; len(a.Acks) != 0 {
			t.Errorf("acknowledged: %+v", a.Acks)
		}
	})
}

func TestTestAlarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newAlarmFixture(t)
		defer f.run(f.Node)()
		a, err := f.TestAlarm(t.Context(), as(f.center), "center")
		if err != nil || a.Code != alarm.TestOfContact || a.Organisation != "center" {
			t.Fatalf("got %+v, %v", a, err)
		}
		if _, err := f.TestAlarm(t.Context(), as(f.center), "center"); ledger.CodeOf(err) != ledger.CodeOverloaded {
			t.Errorf("at once again: got %v", err)
		}
		if _, err := f.TestAlarm(t.Context(), as(f.center), "opo"); ledger.CodeOf(err) != ledger.CodeForbidden {
			t.Errorf("of another organisation: got %v", err)
		}
		f.until(1)
		f.wantTold("the test", "0 center 1-raised")
		all, _, err := f.OrganisationAlarms(t.Context(), f.admin, "center")
		if err != nil || len(all) != 1 || len(all[0].Deliveries) != 1 || all[0].Deliveries[0].Failed {
			t.Errorf("got %+v, %v", all, err)
		}
		if _, err := f.TestAlarm(t.Context(), f.admin, "center"); err != nil {
			t.Errorf("a minute later: %v", err)
		}
		f.until(2)
		f.wantTold("again", "1 center 1-raised")
	})
}

func TestBackoff(t *testing.T) {
	for n, most := range map[int]time.Duration{1: 2 * time.Second, 2: 4 * time.Second, 3: 8 * time.Second, 4: 16 * time.Second, 5: slowPause, 1000: slowPause} {
		for range 100 {
			if got := backoff(n); got < most/2 || got >= most {
				t.Fatalf("after failure %d: got %v, want %v to %v", n, got, most/2, most)
			}
		}
	}
}

func TestClassOf(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want string
	}{
		{&alarm.Failure{Class: alarm.ClassRefused, Err: errors.New("x")}, alarm.ClassRefused},
		{context.DeadlineExceeded, alarm.ClassTimeout},
		{errors.New("x"), alarm.ClassUnreachable},
		{ledger.Errorf(ledger.CodeUnavailable, "x"), "unavailable"},
	} {
		if got := classOf(tt.err); got != tt.want {
			t.Errorf("%v: got %q, want %q", tt.err, got, tt.want)
		}
	}
	if b, err := json.Marshal(alarm.ID{}); err != nil || len(b) != 34 {
		t.Errorf("an ID in JSON: %s, %v", b, err)
	}
}
