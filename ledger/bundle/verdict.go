package bundle

import (
	"fmt"
	"strconv"
	"strings"
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
	Answers
	Journals []Held   `json:"journals"` // of the trip, in its order
	Checked  []string `json:"checked"`
}

// Answers say who held the box and what is known of the way and of the measurement.
type Answers struct {
	Custodians   []Custodian   `json:"custodians"`
	Segments     []Segment     `json:"segments"` // of the way, each in one box or without a tracker
	Disputes     []Dispute     `json:"disputes"`
	Corrections  []Correction  `json:"corrections"`
	Late         []Late        `json:"late"`
	Clock        *Clock        `json:"cold_ischemia,omitempty"` // absent while no start of cold preservation is stated
	Probes       []Probe       `json:"probes"`
	Calibrations []Calibration `json:"calibrations"`
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
	// ProfileOrigin says whether the profile is published in the ledger, and by whom.
	ProfileOrigin string `json:"profile_origin,omitempty"`
	Arrival       string `json:"arrival_check,omitempty"`
	Outcome       string `json:"outcome,omitempty"`
}

// Segment is a part of the way in one box.
type Segment struct {
	Box    string     `json:"box,omitempty"` // empty: no tracker was with the organ
	Space  string     `json:"space,omitempty"`
	Change string     `json:"change,omitempty"` // why it began; empty for packing
	From   time.Time  `json:"from"`             // as stated
	Until  *time.Time `json:"until,omitempty"`
}

// Dispute is a fork of claims. The one that stands is the ruling's pick, else the one that was entered first.
type Dispute struct {
	Claims []string `json:"claims"`
	Stands string   `json:"stands"`
	Ruling string   `json:"ruling,omitempty"` // empty while nobody has ruled
}

// Correction is a value that somebody corrected.
type Correction struct {
	By    string `json:"by"`
	Of    string `json:"of"`
	Field string `json:"field"`
	Old   string `json:"old"`
	New   string `json:"new"`
}

// Clock is the cold ischemia time as of the export. Times that people typed are uncertain: totals may be intervals.
type Clock struct {
	State    string    `json:"state"`
	Since    time.Time `json:"since"`
	Cold     string    `json:"cold"`
	Perfused string    `json:"perfused,omitempty"`
	Limit    string    `json:"limit,omitempty"` // the program's own; not clinical advice
	Status   string    `json:"status"`
}

// Calibration are readings of one judged probe under one certificate, or under none.
type Calibration struct {
	Probe       uint8      `json:"probe"`
	Segment     int        `json:"segment"`
	Certificate string     `json:"certificate,omitempty"`
	State       string     `json:"state"` // 'valid', 'missing', 'expired', 'unknown' at the time of the readings
	Until       *time.Time `json:"valid_until,omitempty"`
	From        time.Time  `json:"from"`
	To          time.Time  `json:"to"`
	Readings    int        `json:"readings"`
	Recalled    *int64     `json:"recalled_in_entry,omitempty"`
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
	Permille int       `json:"permille"`
	Covered  string    `json:"covered"`
	Total    string    `json:"total"`
	From     time.Time `json:"from"`
	Until    time.Time `json:"until"`
	// Settled is when the rules began to count; absent when they never did.
	Settled   *time.Time `json:"settled,omitempty"`
	Gaps      []Gap      `json:"gaps"`
	Simulated bool       `json:"simulated_clock"`
}

// Gap is a time without readings.
type Gap struct {
	From   time.Time `json:"from"`
	Until  time.Time `json:"until"`
	Length string    `json:"length"`
	// AtLeast says that Length is a lower bound: a clock was not set.
	AtLeast bool   `json:"at_least,omitempty"`
	Reason  string `json:"reason"`
}

// Late is data that was taken and came late.
type Late struct {
	From    time.Time `json:"from"`
	Until   time.Time `json:"until"`
	Records int       `json:"records"`
	Came    time.Time `json:"came"`            // the last of it, by the clock of the node that took it
	Delay   string    `json:"delay,omitempty"` // the greatest; empty when no clock tells
	Cause   string    `json:"cause"`
}

// Excursion is one excursion and who held the box meanwhile.
type Excursion struct {
	Rule     string    `json:"rule"`
	Severity string    `json:"severity"`
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
	Person       string `json:"person,omitempty"`
	Desk         string `json:"desk,omitempty"`
	Length       string `json:"length"`
	ReleasedTo   string `json:"released_to,omitempty"` // whom it was offered to, and who had not confirmed
	Disputed     bool   `json:"disputed,omitempty"`
}

// Custodian is who held the box, from when, and how that is proven: a person, a desk or an organisation.
type Custodian struct {
	Organisation     string    `json:"organisation"` // its code
	OrganisationName string    `json:"organisation_name,omitempty"`
	Desk             string    `json:"desk,omitempty"`
	Person           string    `json:"person,omitempty"`
	Name             string    `json:"name,omitempty"`
	Since            time.Time `json:"since"`
	Held             string    `json:"held,omitempty"` // of the trip; empty when their time begins with its end
	OutOfBand        string    `json:"out_of_band,omitempty"`
	ReleasedTo       string    `json:"released_to,omitempty"`
	Unconfirmed      string    `json:"unconfirmed,omitempty"` // of Held: released, and not confirmed by whom it was offered to
	Evidence         string    `json:"evidence"`
	Disputed         bool      `json:"disputed,omitempty"`
}

// Probe are the figures of one probe, from settled to opened. They decide nothing: the mean kinetic temperature is a
// statistic, never a verdict.
type Probe struct {
	Number       uint8  `json:"number"`
	Segment      int    `json:"segment"` // of the way, from 0
	Place        string `json:"place"`
	Judged       bool   `json:"judged"` // by the profile
	MinC         string `json:"min_c"`
	MaxC         string `json:"max_c"`
	MeanC        string `json:"mean_c"`
	MeanKineticC string `json:"mean_kinetic_c"`
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

// Sentence says the verdict in one sentence to whoever gave the policy.
func (v *Verdict) Sentence() string { return v.SentenceUnder("the policy you gave") }

// SentenceUnder says the verdict in one sentence. Every page, document and command shows this one. policy names the keys
// that were pinned: 'the policy of node-1'.
func (v *Verdict) SentenceUnder(policy string) string {
	if v.Result == Broken {
		return fmt.Sprintf("Broken: %s. Nothing in this bundle can be relied on until that is explained.", count(len(v.Findings), "finding"))
	}
	keys := "keys match " + policy
	if v.Result == Consistent {
		keys = "but no policy was given, so the keys could be anyone's"
	}
	notes := ""
	if len(v.Flags) > 0 {
		notes = "; " + count(len(v.Flags), "note") + " to read"
	}
	return v.measured() + notes + "; " + keys + "."
}

// maxTold is how many excursions the sentence tells one by one: it must stay one that people read.
const maxTold = 3

// measured says what is known of the temperature.
func (v *Verdict) measured() string {
	switch {
	case v.Counts.Records == 0:
		return "No record of the box has reached the ledger, so nothing is known of the temperature"
	case v.Counts.Readings == 0:
		return fmt.Sprintf("%s as the box signed them, but none is a reading that counts, so nothing is known of the temperature", All(v.Counts.Records, "record"))
	}
	var held []string
	for i := range v.Excursions[:min(len(v.Excursions), maxTold)] {
		held = append(held, v.during(&v.Excursions[i]))
	}
	if more := len(v.Excursions) - len(held); more > 0 {
		held = append(held, Grouped(more)+" more")
	}
	excursions := count(len(v.Excursions), "excursion")
	if len(held) > 0 {
		excursions += ", " + strings.Join(held, ", and ")
	}
	return fmt.Sprintf("%s as the box signed them; %s; %s", All(v.Counts.Readings, "reading"), count(len(v.Coverage.Gaps), "gap"), excursions)
}

// during says how long an excursion was and who held the box meanwhile: 'too cold for 6 min while North Air held the box'.
func (v *Verdict) during(x *Excursion) string {
	var who []string
	for _, h := range x.Held {
		if name := v.organisation(h.Organisation); len(who) == 0 || who[len(who)-1] != name {
			who = append(who, name)
		}
	}
	text := x.Rule + " for " + x.Length
	if len(who) > 0 {
		text += " while " + strings.Join(who, ", then ") + " held the box"
	}
	return text
}

// organisation returns the name of one that held the box, its code when it has none.
func (v *Verdict) organisation(code string) string {
	for i := range v.Custodians {
		if c := &v.Custodians[i]; c.Organisation == code && c.OrganisationName != "" {
			return c.OrganisationName
		}
	}
	return code
}

// All writes that a number of things are so: 'All 4,312 readings are'.
func All(n int, noun string) string {
	if n == 1 {
		return "The 1 " + noun + " is"
	}
	return "All " + count(n, noun) + " are"
}

// count writes a number with its noun: 'no gap', '1 gap', '2 gaps', '4,312 readings'.
func count(n int, noun string) string {
	switch n {
	case 0:
		return "no " + noun
	case 1:
		return "1 " + noun
	}
	return Grouped(n) + " " + noun + "s"
}

// Grouped writes a number with commas between thousands.
func Grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
