package journey

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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
}

// Fault is something that happens during the drive, at a simulated time after packing.
type Fault struct {
	At time.Duration
	Do func(context.Context, *Journey) error
}

// Journey is a trip under way.
type Journey struct {
	opts     Options
	plan     *plan
	starter  *starter
	cluster  *cluster
	devices  *devices
	box      *box
	people   people
	shipment ledger.ShipmentID
	boxes    int             // simulated ones beside the driven one
	ctx      context.Context // ends the devices
	cancel   context.CancelFunc
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
	if err := j.sideTrips(ctx); err != nil {
		return j, err
	}
	j.plan.begin()
	if j.devices, err = startDevices(j.ctx, j.plan, j.plan.elapsed); err != nil {
		return j, err
	}
	return j, j.startBox(ctx)
}

// Close ends everything that the journey started.
func (j *Journey) Close() error {
	var errs []error
	if j.box != nil {
		errs = append(errs, j.box.close())
	}
	if j.devices != nil {
		j.devices.close()
	}
	if j.cluster != nil {
		errs = append(errs, j.cluster.stop())
	}
	j.cancel()
	return errors.Join(errs...)
}

// say reports progress at the present simulated time.
func (j *Journey) say(format string, args ...any) {
	j.opts.Say(j.plan.now(), fmt.Sprintf(format, args...))
}

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
	t := time.NewTimer(j.plan.real(at - j.plan.elapsed()))
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
	r := &Result{Shipment: j.shipment, Bundle: filepath.Join(j.opts.Dir, "case.bundle"), Policy: filepath.Join(j.cluster.dir, "policy")}
	auditor := filepath.Join(j.opts.Dir, "people", j.people.auditor.Role)
	args := []string{"export", "--me", auditor, "--reason", "demonstration", "--out", r.Bundle, j.shipment.String()}
	if err := j.starter.run(ctx, "isotherm", "export", args...); err != nil {
		return nil, err
	}
	info, err := os.Stat(r.Bundle)
	if err != nil {
		return nil, err
	}
	j.say("the auditor exported the case: %d kB", (info.Size()+999)/1000)
	verify := exec.CommandContext(ctx, j.opts.Program, "verify", "--json", "--policy", r.Policy, r.Bundle)
	verify.Args[0] = "isotherm"
	out, err := verify.Output()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return nil, fmt.Errorf("verify: %w", err)
	}
	r.Verdict = &bundle.Verdict{}
	if err := json.Unmarshal(out, r.Verdict); err != nil {
		return nil, fmt.Errorf("read the verdict: %w", err)
	}
	j.say("verified offline: %s", r.Verdict.Result)
	return r, nil
}

// URLs are the addresses of the nodes' APIs.
func (j *Journey) URLs() []string { return j.cluster.urls() }

// BoxURL is the address of the box's own page.
func (j *Journey) BoxURL() string { return j.box.url }
