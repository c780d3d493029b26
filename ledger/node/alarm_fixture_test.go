package node

import (
	"context"
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
	ahead                            time.Duration // of the box's clock, which is then a simulated one
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
	quality := record.ClockNTP
	if f.ahead != 0 {
		quality = record.ClockSimulated
	}
	f.box = newWarmBox(f.t, f.begun.Add(f.ahead).UnixMilli(), quality, temps)
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
func newWarmBox(t *testing.T, startMS int64, quality record.ClockQuality, temps []int32) *box {
	t.Helper()
	k := key("warm box")
	b := &box{id: ledger.BoxIDOf(public(k)), inc: ledger.NewIncarnationID(), key: k, trees: []merkle.Frontier{{}}}
	b.origin = record.Origin(b.id, b.inc)
	for i := range len(temps) + 1 {
		ms := int64(i) * 60_000
		r := record.Record{Seq: uint64(i), Kind: record.KindReading, At: record.Stamp{MonoMS: uint64(ms), WallMS: startMS + ms, Quality: quality}}
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
	var running sync.WaitGroup
	running.Go(func() { n.RunAlarms(ctx, AlarmOptions{Notifier: f.notifier, Leads: func() bool { return true }}) })
	return func() {
		cancel()
		running.Wait()
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
