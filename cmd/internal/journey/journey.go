package journey

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"isotherm/ledger"
	"isotherm/ledger/bundle"
)

// Options say how a journey is run.
type Options struct {
	Program string        // the isotherm program; it is started as ledgerd and trackerd too
	Dir     string        // an empty folder for everything; the caller removes it
	GPS     string        // file of a captured receiver; empty: a route of our own
	Drive   time.Duration // real time that the drive takes
	Say     func(at time.Time, text string)
	Faults  []Fault // what else happens on the way

	// Pages puts on the board what people need who try the pages: logins of their own, and a live trip in a second box.
	// Ready, unless nil, is called when the board is full, before the drive.
	Pages    bool
	PagesURL string // where they are open, for the boxes' own pages
	Ready    func(*Journey) error

	// SideTrips puts five more simulated shipments on the board.
	SideTrips bool
}

// Fault is something that happens during the drive, at a simulated time after packing.
type Fault struct {
	At time.Duration
	Do func(context.Context, *Journey) error
}

// Journey is a trip under way.
type Journey struct {
	opts      Options
	plan      *plan
	starter   *starter
	cluster   *cluster
	devices   *devices
	box       *box
	live      *box // nil without Options.Pages
	onLive    ledger.ShipmentID
	showpiece ledger.ShipmentID
	people    people
	cast      people // of the trips beside the driven one: the same people, or those of the pages
	logins    []Login
	parking   sync.Mutex // held while somebody stops or starts one node
	told      atomic.Pointer[Progress]
	shipment  ledger.ShipmentID
	boxes     int             // simulated ones beside the driven one
	ctx       context.Context // ends the devices
	cancel    context.CancelFunc
	stopRides func() // nil: no side trip goes on
}

// Result is what a finished journey leaves in its folder.
type Result struct {
	Shipment ledger.ShipmentID
	Bundle   string // file
	Policy   string // file
	Verdict  *bundle.Verdict
}

// Start makes the ledger, the people and the box. The caller must Close the journey also after an error.
func Start(ctx context.Context, o Options) (*Journey, error) {
	j := &Journey{opts: o}
	j.ctx, j.cancel = context.WithCancel(context.WithoutCancel(ctx)) // Close decides when devices end, in order
	var err error
	if j.plan, err = makePlan(o.GPS, o.Drive); err != nil {
		return j, err
	}
	logs := filepath.Join(o.Dir, "log")
	if err := os.MkdirAll(logs, 0o700); err != nil {
		return j, err
	}
	j.starter = newStarter(j.ctx, o.Program, logs)
	j.say("making a ledger of %d nodes: private CA, keys, genesis signed by the operator", voters)
	if j.cluster, err = newCluster(ctx, j.starter, filepath.Join(o.Dir, "ledger")); err != nil {
		return j, err
	}
	if err := j.cluster.start(ctx); err != nil {
		return j, err
	}
	leader, err := j.cluster.leader(ctx)
	if err != nil || leader == nil {
		return j, fmt.Errorf("the ledger has no leader: %w", err)
	}
	j.say("%d nodes run as processes of their own, %s leads", voters, leader.name)
	if err := j.enrolPeople(ctx); err != nil {
		return j, err
	}
	if err := j.fillBoard(ctx); err != nil {
		return j, err
	}
	j.plan.begin()
	if j.devices, err = startDevices(j.ctx, j.plan, drivenSurroundings(j.plan)); err != nil {
		return j, err
	}
	return j, j.startBox(ctx)
}

// fillBoard puts shipments on the board beside the one that is driven.
func (j *Journey) fillBoard(ctx context.Context) error {
	if j.opts.Pages {
		if err := j.enrolCast(ctx); err != nil {
			return err
		}
		if err := j.driveLive(ctx); err != nil {
			return err
		}
	}
	if j.opts.SideTrips {
		if err := j.sideTrips(ctx); err != nil {
			return err
		}
	}
	if j.opts.Ready != nil {
		return j.opts.Ready(j)
	}
	return nil
}

// Close ends everything that the journey started.
func (j *Journey) Close() error {
	var errs []error
	if j.stopRides != nil {
		j.stopRides()
	}
	for _, b := range []*box{j.box, j.live} {
		if b != nil {
			errs = append(errs, b.close())
		}
	}
	if j.devices != nil {
		j.devices.close()
	}
	if j.live != nil && j.live.devices != nil {
		j.live.devices.close()
	}
	if j.cluster != nil {
		errs = append(errs, j.cluster.stop())
	}
	j.cancel()
	return errors.Join(errs...)
}

// say reports progress at the present simulated time.
func (j *Journey) say(format string, args ...any) {
	j.sayAt(j.plan.now(), fmt.Sprintf(format, args...))
}

func (j *Journey) sayAt(at time.Time, text string) {
	j.told.Store(&Progress{Text: text, AtMS: at.UnixMilli()})
	j.opts.Say(at, text)
}

// Progress is the newest line that the journey has told.
type Progress struct {
	Text string `json:"text"`
	AtMS int64  `json:"at_ms"`
}

// Progress says how far the journey is.
func (j *Journey) Progress() Progress {
	if p := j.told.Load(); p != nil {
		return *p
	}
	return Progress{}
}

// Showpiece is the shipment with six cold minutes, of Options.SideTrips.
func (j *Journey) Showpiece() ledger.ShipmentID { return j.showpiece }

// Live is the shipment of the live trip, of Options.Pages.
func (j *Journey) Live() ledger.ShipmentID { return j.onLive }

// Run takes the organ from packing to the verified export.
func (j *Journey) Run(ctx context.Context) (*Result, error) {
	if err := j.pack(ctx); err != nil {
		return nil, err
	}
	packed := j.plan.elapsed()
	for _, stop := range j.timetable() {
		if err := j.until(ctx, packed+stop.At); err != nil {
			return nil, err
		}
		if err := stop.Do(ctx, j); err != nil {
			return nil, err
		}
	}
	if err := j.arrive(ctx); err != nil {
		return nil, err
	}
	return j.export(ctx)
}

// timetable is everything that happens on the drive, in order.
func (j *Journey) timetable() []Fault {
	p := j.plan
	stops := append([]Fault{
		{p.iceAt, func(_ context.Context, j *Journey) error { j.say("the organ bag slips onto the ice"); return nil }},
		{p.iceAt + 7*time.Minute, func(ctx context.Context, j *Journey) error { return j.reportExcursion(ctx) }},
		{p.cutAt, func(_ context.Context, j *Journey) error { return j.CutNetwork(true) }},
		{p.joinAt, func(_ context.Context, j *Journey) error { return j.CutNetwork(false) }},
		{p.handoffAt, func(ctx context.Context, j *Journey) error { return j.handoff(ctx) }},
		{p.trip, func(context.Context, *Journey) error { return nil }},
	}, j.opts.Faults...)
	slices.SortStableFunc(stops, func(a, b Fault) int { return int(a.At - b.At) })
	return stops
}

// until waits for a simulated time since the start.
func (j *Journey) until(ctx context.Context, at time.Duration) error {
	return j.sleep(ctx, j.plan.real(at-j.plan.elapsed()))
}

func (j *Journey) sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// export takes the bundle as the auditor and verifies it offline, in a process of its own that is given nothing but the
// bundle and the policy that the operator made.
func (j *Journey) export(ctx context.Context) (*Result, error) {
	r := &Result{Shipment: j.shipment, Bundle: filepath.Join(j.opts.Dir, "case.bundle"), Policy: j.Policy()}
	auditor := j.folder(j.people.auditor.Role)
	args := []string{"export", "--me", auditor, "--reason", "demonstration", "--out", r.Bundle, j.shipment.String()}
	if err := j.starter.run(ctx, "isotherm", "export", args...); err != nil {
		return nil, err
	}
	info, err := os.Stat(r.Bundle)
	if err != nil {
		return nil, err
	}
	j.say("the auditor exported the case: %d kB", (info.Size()+999)/1000)
	if r.Verdict, err = j.verify(ctx, r.Bundle); err != nil {
		return nil, err
	}
	j.say("verified offline: %s", r.Verdict.Result)
	return r, nil
}

// URLs are the addresses of the nodes' APIs.
func (j *Journey) URLs() []string { return j.cluster.urls() }

// CA is the file of the ledger's private CA.
func (j *Journey) CA() string { return filepath.Join(j.cluster.dir, "ca.pem") }

// Policy is the file of the ledger's keys, which the operator made.
func (j *Journey) Policy() string { return filepath.Join(j.cluster.dir, "policy") }

// BoxURL is the address of the driven box's own page.
func (j *Journey) BoxURL() string { return j.box.url }

// BoxPage is where a box shows its own page.
type BoxPage struct {
	Label string `json:"label"`
	URL   string `json:"url"`
}

// LiveBox is the box of the live trip, of Options.Pages.
func (j *Journey) LiveBox() BoxPage { return BoxPage{j.live.label, j.live.url} }
