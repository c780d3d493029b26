package journey

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"isotherm/cmd/internal/identity"
	"isotherm/ledger/durable"
	"isotherm/tracker"
)

// box is the tracker in a box, with its devices, and the network between it and the ledger.
type box struct {
	name    string // of its folder and its process
	label   string // what is printed on it
	config  string
	url     string // of its own page
	plan    *plan  // its clock
	sample  time.Duration
	devices *devices
	relays  []*relay
	proc    *process
}

// Labels as they are printed on boxes.
const (
	drivenLabel = "BOX-1"
	liveLabel   = "BOX-20"
	simLabel    = "BOX-%d" // from 2
)

// sampleEvery is the simulated time between readings on the drive, short beside every rule's delay.
const sampleEvery = 30 * time.Second

// startBox configures the driven box, enrols it with a one-time token, and starts it.
func (j *Journey) startBox(ctx context.Context) error {
	j.box = &box{name: "box", label: drivenLabel, plan: j.plan, sample: sampleEvery, devices: j.devices}
	if err := j.setUp(ctx, j.box); err != nil {
		return err
	}
	j.say("the box is on: probes on %s, receiver on %s", j.devices.probes.Path(), j.devices.gnss.Path())
	return poll(ctx, "the box's first reading", func(ctx context.Context) (bool, error) { // nobody packs a box that shows none
		var s tracker.Status
		err := identity.BoxStatus(ctx, j.box.url, &s)
		return err == nil && s.Reading != nil, nil // it may still be starting
	})
}

// setUp configures a box in a folder of its own, enrols it and starts it.
func (j *Journey) setUp(ctx context.Context, b *box) error {
	b.config = filepath.Join(j.opts.Dir, b.name, "trackerd.toml")
	for _, n := range j.cluster.nodes {
		r, err := newRelay(n.api)
		if err != nil {
			return err
		}
		b.relays = append(b.relays, r)
	}
	ports, err := freePorts(1)
	if err != nil {
		return err
	}
	local := fmt.Sprintf("127.0.0.1:%d", ports[0])
	b.url = "http://" + local
	if err := os.MkdirAll(filepath.Dir(b.config), 0o700); err != nil {
		return err
	}
	if err := durable.WriteFile(b.config, []byte(j.boxConfig(b, local)), 0o600); err != nil {
		return err
	}
	if err := j.enrolBox(ctx, b); err != nil {
		return err
	}
	return j.run(ctx, b)
}

// boxConfig is a box's configuration file.
func (j *Journey) boxConfig(b *box, local string) string {
	var urls []string
	for _, r := range b.relays {
		urls = append(urls, fmt.Sprintf("%q", "https://"+r.addr()))
	}
	return fmt.Sprintf(`data_dir = %q
sample_interval = %q
flush_interval = "500ms"
sync_interval = %q
local_addr = %q
pages_url = %q
ledger = [%s]
ca_file = %q
probe_timeout = "500ms"

[gnss]
path = %q
fix_max_age = "2m"

[battery]
driver = "supply"
path = %q

[[handling]]
driver = "xdr"
path = %q

[clock]
rate = %d
start = %s
epoch = %s
meet = %t

[[probe]]
path = %q
address = %d
register = %d
preset = "pt100-tenth"
place = "organ"
[probe.calibration]
certificate = "SIM-ORGAN-%s"
expires = %s
uncertainty = 0.3

[[probe]]
path = %q
address = %d
register = %d
preset = "pt100-tenth"
place = "box"
`, filepath.Join(filepath.Dir(b.config), "data"), b.sample.String(), syncEvery(b.plan).String(), local, j.pagesURL(), strings.Join(urls, ", "), filepath.Join(j.cluster.dir, "ca.pem"),
		b.devices.gnss.Path(), b.devices.battery, b.devices.handling.Path(), b.plan.rate, b.plan.start.UTC().Format(time.RFC3339Nano), b.plan.epoch.UTC().Format(time.RFC3339Nano), b.plan.meet,
		b.devices.probes.Path(), organProbe, register, strings.TrimPrefix(b.label, "BOX-"), b.plan.start.AddDate(0, 4, 0).Format(time.DateOnly),
		b.devices.probes.Path(), airProbe, register)
}

// pagesURL is where the box's page sends people.
func (j *Journey) pagesURL() string {
	if j.opts.PagesURL != "" {
		return j.opts.PagesURL
	}
	return j.cluster.urls()[0]
}

// syncEvery is the real time between batches: a second, or less when time runs so fast that the data would come late.
func syncEvery(p *plan) time.Duration {
	return max(min(time.Second, p.real(2*time.Minute)), 200*time.Millisecond)
}

// enrolBox makes a one-time token as administrator and has the box use it.
func (j *Journey) enrolBox(ctx context.Context, b *box) error {
	c, err := j.people.admin.Client()
	if err != nil {
		return err
	}
	defer c.Close()
	token, err := c.CreateEnrolToken(ctx, b.label, 10*time.Minute)
	if err != nil {
		return err
	}
	file := filepath.Join(filepath.Dir(b.config), "token")
	if err := os.WriteFile(file, []byte(token.Token+"\n"), 0o600); err != nil {
		return err
	}
	policy := filepath.Join(j.cluster.dir, "policy")
	return j.starter.run(ctx, "trackerd", "trackerd-enrol", "enrol", "--config", b.config, "--token-file", file, "--policy", policy)
}

// StartBox starts the driven box's program, again after a kill.
func (j *Journey) StartBox(ctx context.Context) error { return j.run(ctx, j.box) }

// run starts a box's program and waits until it is ready.
func (j *Journey) run(ctx context.Context, b *box) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	var err error
	b.proc, err = j.starter.start(ctx, "trackerd", "trackerd-"+b.name, "run", "--config", b.config)
	return err
}

// KillBox ends the box's program with kill -9.
func (j *Journey) KillBox() {
	j.box.proc.kill()
	j.say("kill -9: the box's program")
}

// CutNetwork takes the box's network away, or gives it back.
func (j *Journey) CutNetwork(cut bool) error {
	for _, r := range j.box.relays {
		r.setCut(cut)
	}
	if cut {
		j.say("the box has no network; it goes on recording")
	} else {
		j.say("the network is back")
	}
	return nil
}

// BoxStatus asks the box how it is.
func (j *Journey) BoxStatus(ctx context.Context) (tracker.Status, error) {
	var s tracker.Status
	err := identity.BoxStatus(ctx, j.box.url, &s)
	return s, err
}

// reportExcursion says what the box found out by itself.
func (j *Journey) reportExcursion(ctx context.Context) error {
	s, err := j.BoxStatus(ctx)
	if err != nil {
		j.say("the box's page does not answer just now")
		return nil // the end of the journey decides
	}
	for _, c := range s.Shipments {
		for _, x := range c.Excursions {
			j.say("the box raises its alarm: %s, probe %d", x.Rule, x.Probe)
		}
	}
	return nil
}

// synced waits until the ledger has given receipts for all that the box recorded up to now.
func (b *box) synced(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	goal := int64(-1)
	return poll(ctx, "the box's receipts", func(ctx context.Context) (bool, error) {
		var s tracker.Status
		if err := identity.BoxStatus(ctx, b.url, &s); err != nil {
			return false, nil // it may be restarting
		}
		if goal < 0 {
			goal = s.Recorded
		}
		older := s.Unsent - (s.Flushed - s.Receipted)
		return older <= 0 && s.Receipted >= goal, nil
	})
}

func (b *box) close() error {
	var err error
	if b.proc != nil && b.proc.running() {
		err = b.proc.stop()
	}
	for _, r := range b.relays {
		r.close()
	}
	return err
}
