package bundle

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// Finding is one thing that is wrong with a bundle: where, and what.
type Finding struct {
	Where string `json:"where"`
	What  string `json:"what"`
}

// Result is the verdict in one word.
type Result string

// The results, with the exit codes of isotherm verify.
const (
	Verified   Result = "verified"                    // 0: everything holds under the pinned keys
	Broken     Result = "broken"                      // 1: something was changed, left out or forged
	Consistent Result = "consistent, origin unproven" // 3: everything fits together, but nobody pinned the keys
)

// ExitCode returns the exit code of isotherm verify for the result.
func (r Result) ExitCode() int {
	switch r {
	case Verified:
		return 0
	case Consistent:
		return 3
	}
	return 1
}

// Verdict is all that the verifier found out. Times are UTC; temperatures are in °C.
type Verdict struct {
	Result     Result      `json:"result"`
	Findings   []Finding   `json:"findings"`
	Flags      []string    `json:"flags"` // contradictions and what is missing, as the acts say it
	Ledger     Ledger      `json:"ledger"`
	Export     Export      `json:"export"`
	Shipment   Shipment    `json:"shipment"`
	Counts     Counts      `json:"counts"`
	Coverage   Coverage    `json:"coverage"`
	Excursions []Excursion `json:"excursions"`
	Custodians []Custodian `json:"custodians"`
	Probes     []Probe     `json:"probes"`
	Journals   []Held      `json:"journals"` // of the trip, in its order
	Checked    []string    `json:"checked"`
}

// Ledger names the ledger and the checkpoint that everything hangs on.
type Ledger struct {
	Origin      string     `json:"origin"`
	Size        int64      `json:"size"`
	Root        string     `json:"root"`
	CosignerSet uint64     `json:"cosigner_set"`
	Voters      int        `json:"voters"`
	Cosigners   []Cosigner `json:"cosigners"`
}

// Export says who took the bundle, why, and when by the clock of the node that entered it.
type Export struct {
	Person string    `json:"person"`
	Reason string    `json:"reason"`
	Time   time.Time `json:"time"`
}

// Cosigner is one node that cosigned the checkpoint.
type Cosigner struct {
	Name string    `json:"name"`
	Time time.Time `json:"time"`
}

// Shipment says what travelled.
type Shipment struct {
	ID      string `json:"id"`
	Organ   string `json:"organ"`
	Side    string `json:"side,omitempty"`
	From    string `json:"from"`
	To      string `json:"to"`
	Phase   string `json:"phase"`
	Profile string `json:"profile"`
	Arrival string `json:"arrival_check,omitempty"`
	Outcome string `json:"outcome,omitempty"`
	Box     string `json:"box,omitempty"`
}

// Counts are the numbers of what was checked.
type Counts struct {
	Entries  int `json:"entries"`
	Acts     int `json:"acts"`
	Records  int `json:"records"`
	Readings int `json:"readings"` // of the trip
	Faults   int `json:"failed_samples"`
}

// Coverage says how much of the trip was measured. 'No excursion' means no more than this.
type Coverage struct {
	Permille  int       `json:"permille"`
	Covered   string    `json:"covered"`
	Total     string    `json:"total"`
	From      time.Time `json:"from"`
	Until     time.Time `json:"until"`
	Gaps      []Gap     `json:"gaps"`
	Simulated bool      `json:"simulated_clock"`
}

// Gap is a time without readings.
type Gap struct {
	From   time.Time `json:"from"`
	Until  time.Time `json:"until"`
	Length string    `json:"length"`
	Reason string    `json:"reason"`
}

// Excursion is one excursion and who held the box meanwhile.
type Excursion struct {
	Rule     string    `json:"rule"`
	Probe    uint8     `json:"probe"`
	From     time.Time `json:"from"`
	Until    time.Time `json:"until"`
	Length   string    `json:"length"`
	Open     bool      `json:"open"`
	ExtremeC string    `json:"extreme_c,omitempty"`
	Held     []Share   `json:"held_by"`
}

// Share is the part of an excursion in one custodian's time.
type Share struct {
	Organisation string `json:"organisation"`
	Person       string `json:"person"`
	Length       string `json:"length"`
}

// Custodian is who held the box, from when, and how that is proven.
type Custodian struct {
	Organisation string    `json:"organisation"`
	Person       string    `json:"person"`
	Name         string    `json:"name,omitempty"`
	Since        time.Time `json:"since"`
	Held         string    `json:"held,omitempty"` // of the trip; empty when their time begins with its end
	OutOfBand    string    `json:"out_of_band,omitempty"`
	Evidence     string    `json:"evidence"`
}

// Probe are the figures of one probe over the trip.
type Probe struct {
	Number uint8  `json:"number"`
	Place  string `json:"place"`
	MinC   string `json:"min_c"`
	MaxC   string `json:"max_c"`
	MeanC  string `json:"mean_c"`
}

// Held says which records of an incarnation's journal are in the bundle, and how many the ledger held. A bundle ends with
// the batch in which the box was received: what came later is not of this trip.
type Held struct {
	Origin string `json:"origin"`
	From   int64  `json:"from"`
	To     int64  `json:"to"`
	Ledger int64  `json:"ledger"`
}

// Celsius writes milli-°C with one decimal and a true minus sign.
func Celsius(milli int32) string {
	tenths := (int(milli) + 50) / 100
	if milli < 0 {
		tenths = (int(milli) - 50) / 100
	}
	sign := ""
	if tenths < 0 {
		sign, tenths = "−", -tenths
	}
	return fmt.Sprintf("%s%d.%d", sign, tenths/10, tenths%10)
}

// Duration writes milliseconds as people say them: '2 h 41 min', '6 min', '40 s'.
func Duration(ms int64) string {
	switch s := (ms + 500) / 1000; {
	case s < 90:
		return fmt.Sprintf("%d s", s)
	case s < 3600:
		return fmt.Sprintf("%d min", (s+30)/60)
	default:
		m := (s + 30) / 60
		return fmt.Sprintf("%d h %02d min", m/60, m%60)
	}
}

// Sentence says the verdict in one sentence.
func (v *Verdict) Sentence() string {
	if v.Result == Broken {
		return fmt.Sprintf("Broken: %s. Nothing in this bundle can be relied on until that is explained.", count(len(v.Findings), "finding"))
	}
	var held []string
	for _, x := range v.Excursions {
		who := make([]string, 0, len(x.Held))
		for _, h := range x.Held {
			who = append(who, h.Organisation)
		}
		held = append(held, fmt.Sprintf("%s for %s while %s held the box", x.Rule, x.Length, strings.Join(who, ", then ")))
	}
	excursions := "no excursion"
	if len(held) > 0 {
		excursions = count(len(held), "excursion") + ": " + strings.Join(held, "; ")
	}
	keys := "keys match the policy you gave"
	if v.Result == Consistent {
		keys = "but no policy was given, so the keys could be anyone's"
	}
	records := fmt.Sprintf("All %d records are as the box signed them; %s; %s", v.Counts.Records, count(len(v.Coverage.Gaps), "gap"), excursions)
	if v.Counts.Records == 0 {
		records = "No record of the box has reached the ledger, so nothing is known of the temperature"
	}
	notes := ""
	if len(v.Flags) > 0 {
		notes = "; " + count(len(v.Flags), "note") + " to read"
	}
	return records + notes + "; " + keys + "."
}

// count writes a number with its noun: 'no gap', '1 gap', '2 gaps'.
func count(n int, noun string) string {
	switch n {
	case 0:
		return "no " + noun
	case 1:
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

const clock = "2006-01-02 15:04:05 UTC"

// WriteText writes the verdict for people.
func (v *Verdict) WriteText(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(cells ...any) { fmt.Fprintln(w, strings.TrimSuffix(fmt.Sprintln(cells...), "\n")) }
	fmt.Fprintf(w, "%s\n\n", v.Sentence())
	for _, f := range v.Findings {
		row("finding\t", f.Where+":", f.What)
	}
	s := v.Shipment
	row("verdict\t", v.Result)
	row("shipment\t", s.ID)
	row("organ\t", strings.TrimSpace(s.Organ+" "+s.Side)+", from", s.From, "to", s.To)
	row("state\t", s.Phase)
	row("profile\t", s.Profile, "(the program's own; not clinical advice)")
	if s.Arrival != "" {
		row("arrival check\t", s.Arrival)
	}
	if s.Outcome != "" {
		row("outcome\t", s.Outcome)
	}
	row("counted\t", fmt.Sprintf("%d entries, %d acts, %d records, %d readings of the trip", v.Counts.Entries, v.Counts.Acts, v.Counts.Records, v.Counts.Readings))
	row("coverage\t", fmt.Sprintf("%d.%d %% of %s", v.Coverage.Permille/10, v.Coverage.Permille%10, v.Coverage.Total))
	if v.Coverage.Simulated {
		row("clock\t", "simulated: this box ran in a demonstration")
	}
	for _, g := range v.Coverage.Gaps {
		row("gap\t", fmt.Sprintf("%s from %s: %s", g.Length, g.From.Format(clock), g.Reason))
	}
	for _, p := range v.Probes {
		row("probe\t", fmt.Sprintf("%d (%s): %s to %s °C, mean %s °C", p.Number, p.Place, p.MinC, p.MaxC, p.MeanC))
	}
	for _, x := range v.Excursions {
		row("excursion\t", x.describe())
	}
	for _, c := range v.Custodians {
		row("custodian\t", c.describe())
	}
	for _, f := range v.Flags {
		row("note\t", f)
	}
	row("exported\t", v.Export.Time.Format(clock), "by person", v.Export.Person+":", v.Export.Reason)
	row("ledger\t", v.Ledger.Origin)
	row("checkpoint\t", fmt.Sprintf("%d entries, root %s", v.Ledger.Size, v.Ledger.Root))
	for _, c := range v.Ledger.Cosigners {
		row("cosigned by\t", c.Name, "at", c.Time.Format(clock))
	}
	for _, c := range v.Checked {
		row("checked\t", c)
	}
	return w.Flush()
}

func (c Custodian) who() string {
	if c.Name == "" {
		return c.Organisation
	}
	return c.Name + ", " + c.Organisation
}

func (c Custodian) describe() string {
	text := fmt.Sprintf("%s since %s (%s)", c.who(), c.Since.Format(clock), c.Evidence)
	if c.Held != "" {
		text += fmt.Sprintf(", for %s, of which %s out of band", c.Held, c.OutOfBand)
	}
	return text
}

func (x Excursion) describe() string {
	text := fmt.Sprintf("%s for %s from %s", x.Rule, x.Length, x.From.Format(clock))
	if x.ExtremeC != "" {
		text += fmt.Sprintf(", farthest %s °C (probe %d)", x.ExtremeC, x.Probe)
	}
	for _, h := range x.Held {
		text += fmt.Sprintf("; %s while %s held the box", h.Length, h.Organisation)
	}
	if x.Open {
		text += "; not ended"
	}
	return text
}
