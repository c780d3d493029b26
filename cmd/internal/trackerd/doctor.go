package trackerd

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"isotherm/tracker"
)

// Verdicts of a finding.
const (
	verdictOK    = "ok"
	verdictNote  = "note"  // not wrong, and good to know
	verdictWrong = "wrong" // somebody has to do something
)

// finding is one thing that doctor looked at.
type finding struct {
	Part    string `json:"part"` // "probe 0 (organ)", "gnss", "clock"
	Verdict string `json:"verdict"`
	Raw     string `json:"raw,omitempty"`   // as the device said it
	Value   string `json:"value,omitempty"` // what the box makes of it
	Text    string `json:"text"`            // what is so
	Do      string `json:"do,omitempty"`    // what to do about it
}

// doctor is the command `trackerd doctor`.
type doctor struct {
	json bool
	wait time.Duration // how long devices are listened to when the box does not run
	sys  system
}

func (d *doctor) flags(set *flag.FlagSet) {
	set.BoolVar(&d.json, "json", false, "print JSON")
	set.DurationVar(&d.wait, "for", defaultWait, "how long to listen to the devices of a box that does not run")
}

const (
	defaultWait = 8 * time.Second // a receiver needs three seconds for its speed and a first epoch, one on a slow line more
	maxWait     = 5 * time.Minute
	maxStatus   = 1 << 20 // bytes of a box's status
)

// errWrong says that doctor found something; the findings are printed already.
var errWrong = errors.New("something is wrong with this box")

// run examines the box, prints what it found, and returns errWrong when somebody has to do something.
func (d *doctor) run(ctx context.Context, cfg *Config, stdout io.Writer) error {
	if d.wait <= 0 || d.wait > maxWait {
		return fmt.Errorf("%w: --for is %v, want up to %v", errUsage, d.wait, maxWait)
	}
	findings := d.sys.examine(cfg)
	status, err := askBox(ctx, cfg)
	switch {
	case err != nil:
		findings = append(findings, finding{Part: "box", Verdict: verdictNote, Text: "does not run: its devices are opened for this examination",
			Raw: err.Error(), Do: "if it does run, give local_addr in its configuration: its devices can't be opened twice"})
		if status, err = examineDevices(ctx, cfg, d.wait); err != nil {
			return err
		}
		findings = append(findings, systemClock(), linkOf(ctx, cfg))
	default:
		findings = append(findings, boxFindings(status)...)
	}
	findings = append(findings, deviceFindings(cfg, status)...)
	if err := d.print(stdout, findings); err != nil {
		return err
	}
	for _, f := range findings {
		if f.Verdict == verdictWrong {
			return errWrong
		}
	}
	return nil
}

// askBox reads the status of a box that runs.
func askBox(ctx context.Context, cfg *Config) (*tracker.Status, error) {
	if cfg.LocalAddr == "" {
		return nil, errors.New("local_addr is not configured")
	}
	body, err := askPage(ctx, cfg.LocalAddr, "/v1/status", maxStatus)
	if err != nil {
		return nil, err
	}
	var s tracker.Status
	if err := json.Unmarshal(body, &s); err != nil {
		return nil, fmt.Errorf("read status of the box at %s: %w", cfg.LocalAddr, err)
	}
	return &s, nil
}

// print prints the findings for people, or as JSON.
func (d *doctor) print(w io.Writer, findings []finding) error {
	if d.json {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(map[string]any{"findings": findings})
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range findings {
		fmt.Fprintf(t, "%s\t%s\t%s\n", f.Verdict, f.Part, f.Text)
		for _, more := range []struct{ label, text string }{{"value", f.Value}, {"raw", f.Raw}, {"do", f.Do}} {
			if more.text != "" {
				fmt.Fprintf(t, "\t\t%s: %s\n", more.label, more.text)
			}
		}
	}
	return t.Flush()
}
