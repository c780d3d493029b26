package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/tlog"

	"isotherm/ledger"
	"isotherm/ledger/alarm"
	"isotherm/ledger/custody"
	"isotherm/ledger/entry"
	"isotherm/ledger/merkle"
	"isotherm/ledger/profile"
	"isotherm/ledger/record"
	"isotherm/ledger/store"
)

// told is a message as the fake notifier got it.
type told struct {
	minute int
	to     string // the webhook's host
	event  string
	body   string
}

func (g told) String() string {
	return fmt.Sprintf("%d %s %s", g.minute, g.to, g.event[strings.Index(g.event, "-")+1:])
}

// notifier takes messages, or fails.
type notifier struct {
	begun time.Time
	mu    sync.Mutex
	fails func(to string) error // nil: works; guarded by mu
	got   []told                // guarded by mu
	tries int                   // guarded by mu
}

func (k *notifier) Notify(_ context.Context, to alarm.Target, m *alarm.Message) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.tries++
	name := strings.TrimSuffix(strings.TrimPrefix(to.URL, "https://"), ".example.org/")
	if k.fails != nil {
		if err := k.fails(name); err != nil {
			return err
		}
	}
	body, err := m.JSON()
	if err != nil {
		return err
	}
	k.got = append(k.got, told{int(time.Since(k.begun) / time.Minute), name, m.Event, string(body) + m.Subject() + m.Text()})
	return nil
}

// take returns what came since the last call, in order of time and receiver.
func (k *notifier) take() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	var out []string
	for _, g := range k.got {
		out = append(out, g.String())
	}
	k.got = nil
	slices.SortStableFunc(out, func(a, b string) int {
		var x, y int
		fmt.Sscan(a, &x)
		fmt.Sscan(b, &y)
		if x != y {
			return x - y
		}
		return strings.Compare(a, b)
	})
	return out
}

// alarmFixture is a case that was packed by 'air' in a box, opened by 'opo', on its way to 'center'.
type alarmFixture struct {
	*fixture
	notifier                         *notifier
	opo, air, center, other, auditor *entry.PersonCard
	id                               ledger.ShipmentID
	open, pack                       *custody.Act
	box                              *box
	begun                            time.Time
}

func newAlarmFixture(t *testing.T) *alarmFixture {
	t.Helper()
	f := &alarmFixture{fixture: newFixture(t), id: ledger.NewShipmentID()}
	f.opo, f.air = f.enrol("opo", entry.RoleCoordinator), f.enrol("air", entry.RoleCourier)
	f.center, f.other, f.auditor = f.enrol("center", entry.RoleCenter), f.enrol("other", entry.RoleCenter), f.enrol("auditor", entry.RoleAuditor)
	for _, o := range []string{"opo", "air", "center"} {
		if _, err := f.SetContacts(t.Context(), f.admin, Contacts{Organisation: o, Webhook: "https://" + o + ".example.org/", Phone: "+1 555 0100"}); err != nil {
			t.Fatal(err)
		}
	}
	f.begun = time.Now()
	f.notifier = &notifier{begun: f.begun}
	return f
}

// packWith packs a box that reads the given temperatures, one a minute from now on.
func (f *alarmFixture) packWith(temps ...int32) {
	f.t.Helper()
	f.box = newWarmBox(f.t, f.begun.UnixMilli(), temps)
	f.enrolBox(f.box)
	chs, _ := profile.Default("chs-4-8")
	now := f.begun.UnixMilli()
	f.open = f.sign(custody.Statement{Kind: custody.Open, Shipment: f.id, EventTimeMS: now, Organ: custody.Liver, From: "opo", Dest: "center",
		FromPhone: "+1 555 0100", DestPhone: "+1 555 0199"}, f.opo, nil)
	f.pack = f.sign(custody.Statement{Kind: custody.Pack, Shipment: f.id, EventTimeMS: now, Organ: custody.Liver, Box: f.box.id, Head: f.box.head(f.t, 1),
		Profile: chs.Marshal(), Place: "Old Mill Hospital", Seal: "S-99"}, f.air, f.open)
	f.submit(f.open)
	f.submit(f.pack)
	f.sync(0, 1)
}

// newWarmBox is a box with a boot record at startMS and a reading each minute after.
func newWarmBox(t *testing.T, startMS int64, temps []int32) *box {
	t.Helper()
	k := key("warm box")
	b := &box{id: ledger.BoxIDOf(public(k)), inc: ledger.NewIncarnationID(), key: k, trees: []merkle.Frontier{{}}}
	b.origin = record.Origin(b.id, b.inc)
	for i := range len(temps) + 1 {
		ms := int64(i) * 60_000
		r := record.Record{Seq: uint64(i), Kind: record.KindReading, At: record.Stamp{MonoMS: uint64(ms), WallMS: startMS + ms, Quality: record.ClockNTP}}
		if i == 0 {
			r.Kind = record.KindBoot
			r.Boot = &record.Boot{Key: public(k), Incarnation: b.inc, BootCount: 1, Probes: []record.Probe{{Place: "organ"}}, SampleMS: 60_000}
		} else {
			r.Reading = &record.Reading{Samples: []record.Sample{{TempMC: temps[i-1]}}}
		}
		raw, err := r.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		tree := b.trees[i].Clone()
		tree.Append(tlog.RecordHash(raw))
		b.records, b.trees = append(b.records, raw), append(b.trees, tree)
	}
	return b
}

func (f *alarmFixture) sync(from, to int) {
	f.t.Helper()
	if _, err := f.Sync(f.t.Context(), f.box.id, f.box.batch(f.t, from, to), nil); err != nil {
		f.t.Fatal(err)
	}
}

// run begins RunAlarms on a node over the fixture's ledger and returns what stops it.
func (f *alarmFixture) run(n *Node) (stop func()) {
	ctx, cancel := context.WithCancel(f.t.Context())
	done := make(chan error, 1)
	go func() {
		done <- n.RunAlarms(ctx, AlarmOptions{Notifier: f.notifier, Leads: func() bool { return true }})
	}()
	return func() {
		cancel()
		if err := <-done; err != nil {
			f.t.Errorf("alarms ended with %v", err)
		}
	}
}

// until sleeps to a minute after the begin, and a little longer, so that what is due then is done.
func (f *alarmFixture) until(minute float64) {
	time.Sleep(time.Until(f.begun.Add(time.Duration(minute*float64(time.Minute)) + 10*time.Second)))
	synctest.Wait()
}

func (f *alarmFixture) caseAlarms() []*Alarm {
	f.t.Helper()
	all, _, err := f.CaseAlarms(f.t.Context(), as(f.opo), f.id)
	if err != nil {
		f.t.Fatal(err)
	}
	return all
}

func (f *alarmFixture) wantTold(when string, want ...string) {
	f.t.Helper()
	if d := cmp.Diff(want, f.notifier.take()); d != "" {
		f.t.Errorf("%s: (-want +got)\n%s", when, d)
	}
}

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
	})
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

// TestRunAlarms_takeover has the sending node die in three ways; another one goes on from the ledger's entries alone.
func TestRunAlarms_takeover(t *testing.T) {
	second := func(f *alarmFixture) *Node {
		n, err := New(Options{Name: "node-2", Replica: f.replica, Keyring: f.keyring, Pin: f.pin})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	t.Run("nothing was handed over", func(t *testing.T) {
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
			stop = f.run(second(f))
			f.until(11)
			f.wantTold("by the next node", "10 air 1-raised", "10 center 1-raised")
			if a := f.caseAlarms()[0]; len(a.Deliveries) != 2 || a.Deliveries[0].Event != event {
				t.Errorf("deliveries: %+v, want two of %s", a.Deliveries, event)
			}
			stop()
			defer f.run(second(f))()
			f.until(12)
			f.wantTold("a third node")
		})
	})
	t.Run("handed over, and not entered", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := newAlarmFixture(t)
			f.packWith(5000)
			f.notifier.fails = func(string) error { f.replica.cut = true; return nil } // the node is cut off while it sends
			stop := f.run(f.Node)
			f.until(10)
			stop()
			first := slices.Compact(f.notifier.take())
			f.replica.cut = false
			f.notifier.fails = nil
			defer f.run(second(f))()
			f.until(11)
			if again := f.notifier.take(); len(first) != 2 || !slices.Equal(first, again) {
				t.Errorf("got %v, then %v, want the same messages again", first, again)
			}
		})
	})
	t.Run("two leaders", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := newAlarmFixture(t)
			f.packWith(5000)
			defer f.run(f.Node)()
			defer f.run(second(f))()
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
		done := make(chan error, 1)
		go func() {
			done <- f.RunAlarms(ctx, AlarmOptions{Notifier: f.notifier, Leads: func() bool { return false }})
		}()
		f.until(20)
		cancel()
		<-done
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
