package main

import (
	"bytes"
	"context"
	"errors"

	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"isotherm/cmd/internal/journey"
	"isotherm/ledger"
	"isotherm/ledger/bundle"
	"isotherm/ledger/entry"
)

// TestMain lets this test program stand for isotherm, ledgerd and trackerd, so that journeys run processes of their own
// with the same build, race detector included.
func TestMain(m *testing.M) {
	switch filepath.Base(os.Args[0]) {
	case "isotherm", "ledgerd", "trackerd":
		main()
		return
	}
	os.Exit(m.Run())
}

// driveTime is the real time of a test's drive: enough for a restart to be a short gap of the trip.
const driveTime = 40 * time.Second

// startJourney starts a ledger, people and a box in dir, and ends them with the test.
func startJourney(t *testing.T, dir string, o journey.Options) *journey.Journey {
	t.Helper()
	if testing.Short() {
		t.Skip("it starts four programs")
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	o.Program, o.Dir = program, dir
	if o.Drive == 0 {
		o.Drive = driveTime
	}
	o.Say = func(at time.Time, text string) { t.Logf("%s  %s", at.Format("15:04:05"), text) }
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	j, err := journey.Start(ctx, o)
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		if t.Failed() {
			showLogs(t, dir)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// testJourney runs a journey with faults and returns what came of it, after checking what must hold whatever happens.
func testJourney(t *testing.T, dir string, o journey.Options) (*journey.Journey, *journey.Result) {
	t.Helper()
	j := startJourney(t, dir, o)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	t.Cleanup(cancel)
	acks := watchReceipts(ctx, j)
	r, err := j.Run(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if r.Verdict.Result != bundle.Verified {
		t.Fatalf("verdict %q: %v", r.Verdict.Result, r.Verdict.Findings)
	}
	for _, flag := range r.Verdict.Flags {
		if strings.Contains(flag, "withheld") || strings.Contains(flag, "does not cite") {
			t.Errorf("the box did not go on where it was: %s", flag)
		}
	}
	acks.compare(t, r.Verdict)
	return j, r
}

// receipt says how far the box had receipts for an incarnation, and when that was seen.
type receipt struct {
	at   time.Time
	inc  ledger.IncarnationID
	size int64
}

// receipts are all that were seen.
type receipts struct {
	seen []receipt // written until done is closed
	stop context.CancelFunc
	done chan struct{}
}

// watchReceipts asks the box again and again what the ledger has acknowledged, until compare.
func watchReceipts(ctx context.Context, j *journey.Journey) *receipts {
	ctx, cancel := context.WithCancel(ctx)
	w := &receipts{stop: cancel, done: make(chan struct{})}
	go func() {
		defer close(w.done)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			if s, err := j.BoxStatus(ctx); err == nil {
				w.seen = append(w.seen, receipt{time.Now(), s.Incarnation, s.Receipted})
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
		}
	}()
	return w
}

// compare checks that the ledger, as of the export, held every record that was acknowledged before, and that the bundle has
// those of the trip. That none is there twice, or changed, is what the verifier proved: records are numbered and hash to
// the box's signed heads.
func (w *receipts) compare(t *testing.T, v *bundle.Verdict) {
	t.Helper()
	w.stop()
	<-w.done
	held := map[string]int64{}
	for i, j := range v.Journals {
		if i < len(v.Journals)-1 && j.To != j.Ledger {
			t.Errorf("%s: the bundle has %d records, the ledger holds %d, and the trip went on", j.Origin, j.To, j.Ledger)
		}
		held[j.Origin] = j.Ledger
	}
	most := map[ledger.IncarnationID]int64{}
	for _, r := range w.seen {
		if r.at.Before(v.Export.Time) {
			most[r.inc] = max(most[r.inc], r.size)
		}
	}
	total := int64(0)
	for inc, size := range most {
		total += size
		for origin, got := range held {
			if strings.HasSuffix(origin, inc.String()) && got < size {
				t.Errorf("%s: %d records acknowledged, the ledger holds %d", origin, size, got)
			}
		}
	}
	if total == 0 || len(most) != len(held) {
		t.Errorf("%d records acknowledged in %d incarnations, the bundle has %d", total, len(most), len(held))
	}
	t.Logf("%d records acknowledged in %d incarnations, all held", total, len(most))
}

func showLogs(t *testing.T, dir string) {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(dir, "log", "*.log"))
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		t.Logf("%s:\n%s", filepath.Base(f), b[max(0, len(b)-4000):])
	}
}

func TestDemo_once(t *testing.T) {
	if testing.Short() {
		t.Skip("a journey takes a minute")
	}
	t.Parallel()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	kept := filepath.Join(t.TempDir(), "case.bundle")
	tmp := t.TempDir()
	cmd := &exec.Cmd{Path: program, Args: []string{"isotherm", "demo", "--once", "--drive", driveTime.String(), "--bundle", kept}, Env: append(os.Environ(), "TMPDIR="+tmp)}
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(tmp); err != nil || len(left) != 0 {
		t.Errorf("it left %v behind, %v", left, err)
	}
	b, err := os.ReadFile(kept)
	if err != nil {
		t.Fatal(err)
	}
	policy, err := os.ReadFile(kept + ".policy")
	if err != nil {
		t.Fatal(err)
	}
	verifyKept(t, b, policy)
}

// verifyKept runs the verify command on a kept bundle: as it is, without a policy, and with one byte changed in it.
func verifyKept(t *testing.T, b, policy []byte) {
	t.Helper()
	pin, err := entry.ParsePin(policy)
	if err != nil {
		t.Fatal(err)
	}
	if v := bundle.Verify(b, &pin); v.Result != bundle.Verified {
		t.Errorf("verdict %q: %v", v.Result, v.Findings)
	}
	dir := t.TempDir()
	write := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	file, policyFile := write("case.bundle", b), write("policy", policy)
	flipped := bytes.Clone(b)
	flipped[len(b)/2] ^= 1
	for _, tt := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"with policy", []string{"--policy", policyFile, file}, 0, "keys match the policy"},
		{"without policy", []string{file}, 3, "no policy was given"},
		{"flipped", []string{"--policy", policyFile, write("flipped", flipped)}, 1, "finding"},
		{"not a policy", []string{"--policy", file, file}, 1, "policy"},
		{"no file", []string{filepath.Join(dir, "none")}, 1, "no such file"},
		{"no argument", nil, 2, "accepts 1 arg"},
	} {
		var out bytes.Buffer
		code := run(t.Context(), append([]string{"isotherm", "verify"}, tt.args...), nil, &out, &out)
		if code != tt.code || !strings.Contains(out.String(), tt.want) {
			t.Errorf("%s: exit code %d, want %d with %q:\n%s", tt.name, code, tt.code, tt.want, out.String())
		}
	}
	// Every file of the bundle and every kind of place in it: the sample is thin here, ledger/bundle tests it densely.
	for at := 0; at < len(b); at += len(b)/150 + 1 {
		bad := bytes.Clone(b)
		bad[at] ^= 0x10
		if v := bundle.Verify(bad, &pin); v.Result != bundle.Broken {
			t.Errorf("byte %d flipped: %q", at, v.Result)
		}
	}
}

// capture returns a file of the captures, or skips.
func capture(t *testing.T, name string) string {
	t.Helper()
	dir, set := os.LookupEnv("ISOTHERM_TESTDATA")
	if !set {
		t.Skip("ISOTHERM_TESTDATA is not set: it is the folder with receiver captures")
	}
	path := filepath.Join(dir, "nmea", name)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("ISOTHERM_TESTDATA is set, but: %v", err)
	}
	return path
}

func TestJourney_captures(t *testing.T) {
	for _, name := range []string{"signalk/plaka.log", "gpsd/telit-he910.log"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j, r := testJourney(t, t.TempDir(), journey.Options{GPS: capture(t, name), Drive: 60 * time.Second})
			if err := j.Check(t.Context(), r); err != nil {
				t.Error(err)
			}
		})
	}
}

// at returns a fault at a percentage of the two-hour trip.
func at(percent int, do func(context.Context, *journey.Journey) error) journey.Fault {
	return journey.Fault{At: 2 * time.Hour * time.Duration(percent) / 100, Do: do}
}

func TestJourney_leaderKilled(t *testing.T) { testNodeKilled(t, true) }

func TestJourney_followerKilled(t *testing.T) { testNodeKilled(t, false) }

func testNodeKilled(t *testing.T, leading bool) {
	t.Parallel() // journeys wait most of their time
	testJourney(t, t.TempDir(), journey.Options{Faults: []journey.Fault{
		at(30, func(ctx context.Context, j *journey.Journey) error {
			_, err := j.KillNode(ctx, leading)
			return err
		}),
		at(80, func(ctx context.Context, j *journey.Journey) error { return j.StartNodes(ctx) }),
	}})
}

func TestJourney_boxKilled(t *testing.T) {
	t.Parallel()
	_, r := testJourney(t, t.TempDir(), journey.Options{Faults: []journey.Fault{
		at(25, func(ctx context.Context, j *journey.Journey) error { // while it is too cold
			j.KillBox()
			return j.StartBox(ctx)
		}),
		at(45, func(ctx context.Context, j *journey.Journey) error { // while there is no network
			j.KillBox()
			return j.StartBox(ctx)
		}),
	}})
	if got, want := len(r.Verdict.Journals), 3; got != want {
		t.Errorf("incarnations in the bundle: got %d, want %d", got, want)
	}
	if len(r.Verdict.Excursions) == 0 || r.Verdict.Excursions[0].Rule != "too cold" {
		t.Errorf("the excursion that the restart fell into is lost: %+v", r.Verdict.Excursions)
	}
}

// TestJourney_powerCut takes the power from all four programs at once: what was not synced is gone.
func TestJourney_powerCut(t *testing.T) {
	disk := newDisk(t)
	_, r := testJourney(t, disk.dir, journey.Options{Faults: []journey.Fault{
		at(33, func(ctx context.Context, j *journey.Journey) error {
			if err := disk.powerOff(); err != nil {
				return err
			}
			j.KillAll()
			if err := disk.powerOn(); err != nil {
				return err
			}
			return errors.Join(j.StartBox(ctx), j.StartNodes(ctx))
		}),
	}})
	if got, want := len(r.Verdict.Journals), 2; got != want {
		t.Errorf("incarnations in the bundle: got %d, want %d", got, want)
	}
}

func TestRun_usage(t *testing.T) {
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"help"}, 0, "replicated ledger that anyone can check"},
		{[]string{"verify", "--nonsense"}, 2, "unknown flag"},
		{[]string{"export", "00"}, 2, "hexadecimal digits"},
		{[]string{"shipment", "list"}, 2, "--me is needed"},
		{[]string{"shipment", "list", "--me", "nowhere"}, 1, "isotherm enrol person"},
		{[]string{"demo", "--gps", "nowhere.nmea", "--once"}, 1, "nowhere.nmea"},
	} {
		var out bytes.Buffer
		code := run(t.Context(), append([]string{"isotherm"}, tt.args...), nil, &out, &out)
		if code != tt.code || !strings.Contains(out.String(), tt.want) {
			t.Errorf("%v: exit code %d, want %d with %q:\n%s", tt.args, code, tt.code, tt.want, out.String())
		}
	}
}
