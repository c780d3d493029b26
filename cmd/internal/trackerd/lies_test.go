package trackerd_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"isotherm/cmd/internal/simulate"
	"isotherm/hardware"
	"isotherm/hardware/sim"
	"isotherm/ledger"
	"isotherm/ledger/custody"
	"isotherm/ledger/profile"
	"isotherm/ledger/record"
	"isotherm/tracker"
	"isotherm/tracker/journal"
)

// liesEnd is how long the box of TestRun_neverLies runs; faults end at liesQuiet.
const (
	liesEnd   = 72 * time.Second
	liesQuiet = 56 * time.Second

	// liesFixAge is how old a position may be: shorter than the faults of the receiver, so that they show.
	liesFixAge = 2 * time.Second
)

// liesPlan is a box with every kind of device. The air changes so quickly, and the box moves so, that a value of a few seconds ago is a wrong one.
func liesPlan(start time.Time) string {
	var b strings.Builder
	fmt.Fprintf(&b, `seed = 5
start = %s
[thermal]
hold = 5.5
disturbance = [
  {from = "3s", to = "14s", ambient = 60.0}, {from = "14s", to = "30s", ambient = -40.0}, {from = "30s", to = "45s", ambient = 50.0},
  {from = "45s", to = "58s", ambient = -30.0}, {from = "58s", to = "70s", ambient = 40.0},
]
`, start.UTC().Format(time.RFC3339Nano))
	device := func(kind, name, keys string, first int, slot, lasts float64) {
		fmt.Fprintf(&b, "\n[[%s]]\nname = %q\n%s\nfault = [\n", kind, name, keys)
		at := 4.0
		for i := 0; i < len(sim.Kinds()) && at+slot <= liesQuiet.Seconds(); i++ {
			k := sim.Kinds()[(first+i)%len(sim.Kinds())]
			fmt.Fprintf(&b, "  {kind = %q, at = \"%.2fs\", for = \"%.2fs\"", k, at, lasts)
			switch k {
			case sim.Unplug:
				fmt.Fprintf(&b, ", as = \"again-%s\"", name)
			case sim.Late:
				b.WriteString(", delay = \"1500ms\"")
			case sim.Speed:
				b.WriteString(", baud = 38400")
			}
			b.WriteString("},\n")
			at += slot
		}
		b.WriteString("]\n")
	}
	device("gnss", "gnss", "node = \"ttyUSB0\"\nwaypoint = [{lat = 60.165, lon = 24.95, at = \"0s\"}, {lat = 60.185, lon = 24.92, at = \"2m\"}]", 0, 4, 2.5)
	const two = "\n[[modbus.probe]]\naddress = 1\nmeasures = \"air\"\n[[modbus.probe]]\naddress = 2\nregister = 10\npreset = \"pt100-float-swapped\"\nmeasures = \"probe\"\n"
	device("modbus", "bus-a", "node = \"ttyUSB1\"", 0, 8, 5)
	b.WriteString(two)
	device("modbus", "bus-b", "node = \"ttyUSB2\"", 7, 8, 5)
	b.WriteString(two)
	device("onewire", "wire-a", "node = \"ttyUSB3\"", 0, 8, 5)
	b.WriteString("[[onewire.probe]]\nid = \"28-0316a279c4ff\"\nmeasures = \"air\"\n")
	device("onewire", "wire-b", "node = \"ttyUSB4\"", 7, 8, 5)
	b.WriteString("[[onewire.probe]]\nid = \"28-0316a279c500\"\nmeasures = \"air\"\n")
	for i, form := range sim.TextForms() {
		keys := fmt.Sprintf("node = \"ttyACM%d\"\nform = %q\nmeasures = \"air\"", i, form)
		if s := textSense(form); s.keeps > 0 {
			device("text", string(form), keys, 3*i, 17, 11)
		} else {
			device("text", string(form), keys, 5*i, 8, 5)
		}
	}
	device("handling", "board", `node = "ttyS7"
handled = [{from = "3s", blow = 3.2}, {from = "18s", to = "31s", lid = true}, {from = "44s", to = "60s", lid = true}, {from = "62s", blow = 5.5}, {from = "66s", to = "1h", lid = true}]`, 0, 13, 9)
	device("battery", "battery", "baud = 2400\nlasts = \"10m\"", 1, 26, 20)
	return b.String()
}

// TestRun_neverLies runs the program of a whole box among devices to which everything happens that can be simulated, in real time because drivers
// time out in real time. Every record of its journal is then held against what was really so.
func TestRun_neverLies(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes 75 s, most of it waiting")
	}
	t.Parallel()
	w := newWorld(t, func(plan string) string { return plan })
	var stdout, stderr buffer
	stop := w.run(t, &stdout, &stderr)
	w.pack(t)
	<-time.After(time.Until(w.start.Add(liesEnd)))
	status := w.alive(t)
	if code := stop(); code != 0 {
		t.Errorf("got exit code %d\n%s", code, stderr.String())
	}
	c := w.check(t)
	c.all(journaled(t, filepath.Join(w.dir, "data")))
	c.handlings()
	c.atEnd(status)
	if t.Failed() {
		t.Logf("log:\n%s", stderr.String())
	}
}

// world is a simulated one with a box in it.
type world struct {
	*bench
	start   time.Time
	zero    time.Duration // the box's monotonic clock at the start
	plan    *simulate.Plan
	devices []simulate.Device
}

// newWorld runs the devices of liesPlan, as change has it, until the test ends, and configures a box that uses them.
func newWorld(t *testing.T, change func(plan string) string) *world {
	t.Helper()
	dir := t.TempDir()
	w := &world{start: time.Now(), bench: &bench{dir: dir, addr: freeAddr(t), config: filepath.Join(dir, "box.toml")}}
	var err error
	if w.plan, err = simulate.Parse([]byte(change(liesPlan(w.start)))); err != nil {
		t.Fatal(err)
	}
	if w.devices, err = w.plan.Devices(dir, w.plan.StartAt(w.start), w.clock); err != nil {
		t.Fatal(err)
	}
	simulated(t, w.devices)
	config := append([]byte("sample_interval = \"1s\"\nprobe_timeout = \"1s\"\nflush_interval = \"500ms\"\n"), w.plan.Config(dir, w.addr, w.start, w.start)...)
	config = bytes.Replace(config, []byte("[gnss]\n"), fmt.Appendf(nil, "[gnss]\nfix_max_age = %q\n", liesFixAge.String()), 1)
	if err := os.WriteFile(w.config, config, 0o600); err != nil {
		t.Fatal(err)
	}
	w.zero = uptime(t) - w.clock()
	return w
}

func (w *world) clock() time.Duration { return time.Since(w.start) }

// alive waits until all devices are, and returns the box's status then. A battery is looked at once a minute.
func (w *world) alive(t *testing.T) (status tracker.Status) {
	t.Helper()
	defer func() {
		if t.Failed() { // it took too long
			t.Logf("devices: %+v", status.Devices)
		}
	}()
	waitFor(t, "all devices alive", func() (ok bool) {
		status, ok = w.status(t)
		return ok && !slices.ContainsFunc(status.Devices, func(d tracker.DeviceStatus) bool {
			return d.State != hardware.StateLive.String() && d.Device != "battery"
		})
	})
	return status
}

func (w *world) check(t *testing.T) *check {
	t.Helper()
	return &check{t: t, truth: newTruth(t, w.plan, w.devices, w.clock()), zero: w.zero, start: w.start}
}

// simulated runs devices until the test ends.
func simulated(t *testing.T, devices []simulate.Device) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var ended []chan error
	t.Cleanup(func() {
		cancel()
		for i, e := range ended {
			if err := <-e; !errors.Is(err, context.Canceled) {
				t.Errorf("device %s: %v", devices[i].Name, err)
			}
		}
	})
	for _, d := range devices {
		line, err := sim.OpenLine(d.Line)
		if err != nil {
			t.Fatal(err)
		}
		e := make(chan error, 1)
		ended = append(ended, e)
		go func() { e <- line.Run(ctx) }()
	}
}

// pack hands the box an act that packs an organ into it: only then it records where it is.
func (b *bench) pack(t *testing.T) {
	t.Helper()
	var s tracker.Status
	waitFor(t, "status", func() (ok bool) { s, ok = b.status(t); return ok })
	var head bytes.Buffer
	resp, err := http.Get("http://" + b.addr + "/v1/head")
	if err == nil {
		_, err = head.ReadFrom(resp.Body)
		err = errors.Join(err, resp.Body.Close())
	}
	p, ok := profile.Default("chs-4-8")
	if err != nil || !ok {
		t.Fatalf("head: %v, profile: %v", err, ok)
	}
	a, err := custody.NewAct(custody.Statement{Kind: custody.Pack, ID: ledger.NewActID(), Shipment: ledger.ShipmentID{42}, Box: s.Box, Head: head.Bytes(), Profile: p.Marshal(),
		Ledger: "ledger.example/test", By: custody.Party{Person: ledger.PersonID{1}, Organisation: "OPO"}, Parent: [32]byte{1}})
	if err != nil {
		t.Fatal(err)
	}
	a.Sign(seedKey(20), ledger.PersonID{1}, custody.RoleActor, 1, nil)
	resp, err = http.Post("http://"+b.addr+"/v1/acts", "application/octet-stream", bytes.NewReader(a.Marshal()))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("pack: got status %s", resp.Status)
	}
}

// journaled returns all records of a stopped box, oldest first.
func journaled(t *testing.T, dir string) []*record.Record {
	t.Helper()
	key, err := journal.LoadKey(dir)
	if err != nil {
		t.Fatal(err)
	}
	j, err := journal.Open(journal.Options{Dir: dir, Key: key, At: record.Stamp{Quality: record.ClockUnset}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := errors.Join(j.Check(), j.Close()); err != nil {
			t.Errorf("check journal: %v", err)
		}
	}()
	var out []*record.Record
	for _, inc := range j.Incarnations() {
		if inc.Current { // the one that looking started
			continue
		}
		list, err := j.Records(inc.ID, 0, int(inc.Size))
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range list {
			r, err := record.Parse(b)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, r)
		}
	}
	return out
}

// check holds records against the truth.
type check struct {
	t     *testing.T
	truth *truth
	zero  time.Duration // the box's monotonic clock at the start
	start time.Time

	stood    time.Duration // the box stood still so long
	before   time.Duration // time of the reading before
	readings int
	figures  []figures // by the number of the probe
	fixes    int
	nowhere  map[hardware.Fault]int // readings without a position, by their reason
	farthest float64                // metres
	states   map[string][]hardware.State
	lid      []window // as recorded; to is not used, kind tells how it stood
	blows    []blow
	battery  int
}

// figures count what one probe said.
type figures struct {
	values, faults int
	oldest         time.Duration
	reasons        map[hardware.Fault]int
}

// slack is for devices and a box that wait for a processor: this test is one of many on a small machine.
const slack = time.Second

// absolute are the faults in which a device that is asked can't give a number that is true.
func absolute() []sim.Kind {
	return []sim.Kind{sim.Unplug, sim.Silence, sim.Garbage, sim.HalfLine, sim.Speed, sim.Console, sim.PowerOn, sim.Open}
}

func (c *check) all(records []*record.Record) {
	c.figures = make([]figures, len(c.truth.senses))
	for i := range c.figures {
		c.figures[i].reasons = map[hardware.Fault]int{}
	}
	c.nowhere, c.states = map[hardware.Fault]int{}, map[string][]hardware.State{}
	clocks, kinds := map[record.ClockQuality]int{}, map[record.Kind]int{}
	for _, r := range records {
		at := time.Duration(r.At.MonoMS)*time.Millisecond - c.zero
		if off := time.UnixMilli(r.At.WallMS).Sub(c.start.Add(at)); off.Abs() > 2*time.Second {
			c.t.Errorf("record %d at %v: the wall clock is %v off", r.Seq, at, off)
		}
		clocks[r.At.Quality]++
		kinds[r.Kind]++
		switch {
		case r.Reading != nil:
			c.reading(r, at)
		case r.Device != nil:
			c.device(r, at)
		case r.Handling != nil:
			c.handling(r, at)
		case r.Battery != nil:
			c.gauge(r, at)
		}
	}
	c.t.Logf("%d records, clocks %v; %d readings; %d positions, farthest %.2f m from the truth; without: %v; %d looks at the battery",
		len(records), clocks, c.readings, c.fixes, c.farthest, c.nowhere, c.battery)
	values := 0
	for i, f := range c.figures {
		values += f.values
		c.t.Logf("probe %2d %-26s %3d true temperatures, at most %v old; %3d faults %v", i, c.truth.senses[i].name, f.values, f.oldest, f.faults, f.reasons)
	}
	c.conditions()
	c.t.Logf("%d temperatures checked; records by kind %v", values, kinds)
}

// reading checks temperatures and the position. What is asked was asked after the reading before.
func (c *check) reading(r *record.Record, at time.Duration) {
	for _, s := range r.Reading.Samples {
		sense, f := &c.truth.senses[s.Probe], &c.figures[s.Probe]
		if s.Fault != 0 {
			f.faults++
			f.reasons[hardware.Fault(s.Fault)]++
			continue
		}
		f.values++
		most := at - c.before + sense.keeps + slack
		if c.stood > 0 {
			most = min(most, standsMost+sense.keeps)
		}
		if sense.keeps > 0 && touched(sense.faults, at-most, at, sim.Late) {
			most += 1500 * time.Millisecond // it can't be told from a line without a time
		}
		age, ok := sense.age(hardware.Temperature(s.TempMC), at, most)
		f.oldest = max(f.oldest, age)
		if !ok {
			c.t.Errorf("record %d at %v: %s is said to be %v, which is false: it was %v, and %v %v before", r.Seq, at, sense.name,
				hardware.Temperature(s.TempMC), sense.part(at), sense.part(max(at-most, 0)), most)
		}
		for _, w := range sense.faults {
			if asked := c.before - sense.keeps; asked > w.from+slack && at < w.to && touched([]window{w}, at, at, absolute()...) {
				c.t.Errorf("record %d at %v: %s is said to be %v, in the middle of %s from %v to %v", r.Seq, at, sense.name, hardware.Temperature(s.TempMC), w.kind, w.from, w.to)
			}
		}
	}
	c.position(r, at)
	c.readings++
	c.before = at
}

func (c *check) position(r *record.Record, at time.Duration) {
	fix := r.Reading.Fix
	if fix == nil {
		c.nowhere[hardware.Fault(r.Reading.FixFault)]++
		return
	}
	c.fixes++
	if age := time.Duration(fix.AgeMS) * time.Millisecond; age > liesFixAge {
		c.t.Errorf("record %d: the position is %v old", r.Seq, age)
	}
	at -= time.Duration(fix.AgeMS) * time.Millisecond
	early := slack + 1200*time.Millisecond // an epoch is told when its burst has paused, or the next begins
	if touched(c.truth.receiver, at-4*time.Second, at, sim.Late) {
		early += 1500 * time.Millisecond
	}
	d := c.truth.metres(fix.LatE7, fix.LonE7, at-early, at+100*time.Millisecond)
	c.farthest = max(c.farthest, d)
	if d > 2 {
		c.t.Errorf("record %d: a position of %v is %.1f m from where the box was", r.Seq, at, d)
	}
}

// device checks that a device is not said to be gone, or to fail, while all is well with it.
func (c *check) device(r *record.Record, at time.Duration) {
	const notices = 20 * time.Second // the longest pause before a port is tried again, a stall, and the time a condition takes to settle
	d, faults := r.Device, c.truth.devices[r.Device.Name]
	state := hardware.State(d.State)
	c.states[d.Name] = append(c.states[d.Name], state)
	switch fault := hardware.Fault(d.Fault); {
	case state == hardware.StateLive, state == hardware.StateOpening:
	case fault == hardware.Timeout: // a device that waits for a processor does not answer either
	case !touched(faults, at-notices, at):
		c.t.Errorf("record %d at %v: %s is said to be %v, %v, and nothing is wrong with it", r.Seq, at, d.Name, state, fault)
	case (fault == hardware.Unplugged || fault == hardware.NotFound) && !touched(faults, at-notices, at, sim.Unplug):
		c.t.Errorf("record %d at %v: %s is said to be %v, and it is plugged in", r.Seq, at, d.Name, fault)
	}
}

// conditions checks that each device's conditions change with each record, and end as they should: it lives.
func (c *check) conditions() {
	for name := range c.truth.devices {
		states := c.states[name]
		c.t.Logf("%-12s %v", name, states)
		if n := len(states); n == 0 || states[n-1] != hardware.StateLive && n < maxConditions { // one more may wait for its minute
			c.t.Errorf("%s is live at the end, its records say %v", name, states)
		} else if n > maxConditions {
			c.t.Errorf("%s: %d conditions recorded, at most %d are allowed", name, n, maxConditions)
		}
	}
}

// maxConditions is what the box may record of one device in liesEnd: 8 at once and one a minute.
const maxConditions = 8 + int(liesEnd/time.Minute)

// handling checks that what is said to be done to the box was done.
func (c *check) handling(r *record.Record, at time.Duration) {
	h := r.Handling
	switch hardware.HandlingKind(h.Kind) {
	case hardware.HandlingShock:
		if h.On {
			c.blows = append(c.blows, blow{at, h.Value})
		}
	case hardware.HandlingLid, hardware.HandlingLight:
		if !c.truth.isLid(h.On, at-c.stood-5*time.Second, at) {
			c.t.Errorf("record %d at %v: %v is said to be %v", r.Seq, at, hardware.HandlingKind(h.Kind), h.On)
		}
		if hardware.HandlingKind(h.Kind) == hardware.HandlingLid {
			c.lid = append(c.lid, window{kind: sim.Kind(strconv.FormatBool(h.On)), from: at})
		}
	}
}

// handlings checks that everything that was done is there once.
func (c *check) handlings() {
	want := 1 // how the lid was at the start
	for _, l := range c.truth.lid {
		want++
		if l.to < liesEnd {
			want++
		}
	}
	for i, l := range c.lid {
		if i > 0 && l.kind == c.lid[i-1].kind {
			c.t.Errorf("lid is said to be open %s at %v and at %v", l.kind, c.lid[i-1].from, l.from)
		}
	}
	if len(c.lid) != want {
		c.t.Errorf("the lid: got %v, want %d records", c.lid, want)
	}
	for _, got := range c.blows {
		if !slices.ContainsFunc(c.truth.blows, func(b blow) bool { return b.peak == got.peak && b.at <= got.at && got.at < b.at+5*time.Second }) {
			c.t.Errorf("a blow of %d thousandths of g at %v: there was none", got.peak, got.at)
		}
	}
	if len(c.blows) != len(c.truth.blows) {
		c.t.Errorf("blows: got %v, want %v", c.blows, c.truth.blows)
	}
}

// gauge checks the battery's voltage.
func (c *check) gauge(r *record.Record, at time.Duration) {
	c.battery++
	mv := func(at time.Duration) uint32 { // 12.9 to 10.5 V, as sim's supply
		return uint32(12_900 - min(float64(max(at, 0))/float64(c.truth.lasts), 1)*2400)
	}
	b := r.Battery
	if b.MilliVolts != record.MilliVoltsUnknown && (b.MilliVolts > mv(at-10*time.Second)+1 || b.MilliVolts+100 < mv(at)) {
		c.t.Errorf("record %d at %v: the battery is said to have %d mV, it has %d", r.Seq, at, b.MilliVolts, mv(at))
	}
}

// atEnd checks since when all devices live again, long after the last fault.
func (c *check) atEnd(s tracker.Status) {
	for _, d := range s.Devices {
		since := time.UnixMilli(d.SinceMS).Sub(c.start)
		c.t.Logf("%-12s %s since %v, %s, %d changes not recorded", d.Device, d.State, since, d.Port, d.Unrecorded)
		if now := time.UnixMilli(s.NowMS).Sub(c.start); since < -2*time.Second || since > now {
			c.t.Errorf("%s is %s since %v, at %v", d.Device, d.State, since, now)
		}
	}
}
