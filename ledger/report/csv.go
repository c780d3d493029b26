package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"isotherm/ledger/excursion"
	"isotherm/ledger/record"
	"isotherm/ledger/trip"
)

// NewCSV returns a writer of tables as RFC 4180 says, with lines that end in CRLF.
func NewCSV(w io.Writer) *csv.Writer {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	return out
}

// Text returns a cell with text that people or devices wrote, so that no spreadsheet runs it as a formula (OWASP ASVS 5.0,
// 1.2.10). Numbers need none: those below zero begin with a minus and must stay numbers.
func Text(cell string) string {
	if cell == "" || !strings.ContainsRune("=+-@\t\r\n\x00", rune(cell[0])) {
		return cell
	}
	return "'" + cell
}

var tableHeader = []string{"box", "incarnation", "seq", "time_utc", "clock", "late", "probe", "place", "judged", "temp_c", "fault", "lat_deg", "lon_deg", "fix_age_s", "fix_fault"}

// Table writes the readings of cases, one line a probe and reading, with units in its header.
type Table struct {
	csv     *csv.Writer
	several bool // then the first column names the case
}

// NewTable begins a table. With several, a column names the case.
func NewTable(w io.Writer, several bool) (*Table, error) {
	t := &Table{csv: NewCSV(w), several: several}
	head := tableHeader
	if several {
		head = append([]string{"case"}, head...)
	}
	if err := t.csv.Write(head); err != nil {
		return nil, fmt.Errorf("write table: %w", err)
	}
	return t, nil
}

// Add writes the readings of a case: all of the trip, those before settled and after opened too. A case without readings has
// no line.
func (t *Table) Add(c *Case) error {
	for _, j := range c.Contents.Journals() {
		if err := t.journal(c, &j); err != nil {
			return fmt.Errorf("write table: %w", err)
		}
	}
	t.csv.Flush()
	if err := t.csv.Error(); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	return nil
}

func (t *Table) journal(c *Case, j *trip.Journal) error {
	box, inc, err := record.ParseOrigin(j.Origin)
	if err != nil {
		return err
	}
	probes := c.probes(j)
	line := make([]string, 0, len(tableHeader)+1)
	for _, r := range j.Records {
		if r.Reading == nil {
			continue
		}
		late := strconv.FormatBool(c.Contents.Late(j.Origin, r.Seq))
		for _, s := range r.Reading.Samples {
			line = line[:0]
			if t.several {
				line = append(line, c.Verdict.Shipment.ID)
			}
			p := probes[s.Probe]
			line = append(line, box.String(), inc.String(), strconv.FormatUint(r.Seq, 10), stampMS(r.At.WallMS), Text(r.At.Quality.String()), late,
				strconv.Itoa(int(s.Probe)), Text(p.place), strconv.FormatBool(p.judged))
			line = append(append(line, sampleCells(s)...), fixCells(r.Reading)...)
			if err := t.csv.Write(line); err != nil {
				return err
			}
		}
	}
	return nil
}

func sampleCells(s record.Sample) []string {
	if s.Fault != 0 {
		return []string{"", strconv.Itoa(int(s.Fault))}
	}
	return []string{decimal(int64(s.TempMC), 3), ""}
}

// fixCells are the position, and why there is none or what makes it doubtful.
func fixCells(r *record.Reading) []string {
	fault := ""
	if r.FixFault != 0 {
		fault = strconv.Itoa(int(r.FixFault))
	}
	if f := r.Fix; f != nil {
		return []string{decimal(int64(f.LatE7), 7), decimal(int64(f.LonE7), 7), decimal(int64(f.AgeMS), 3), fault}
	}
	return []string{"", "", "", fault}
}

// decimal writes n / 10^places exactly, with the ASCII minus that programs read.
func decimal(n int64, places int) string {
	sign := ""
	if n < 0 {
		sign, n = "-", -n
	}
	s := strconv.FormatInt(n, 10)
	if len(s) <= places {
		s = strings.Repeat("0", places-len(s)+1) + s
	}
	return sign + s[:len(s)-places] + "." + s[len(s)-places:]
}

// stampMS writes a time as RFC 3339 in UTC, with milliseconds.
func stampMS(ms int64) string {
	return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z07:00")
}

// probe is what a journal's boot record says of a probe.
type probe struct {
	place  string
	judged bool
}

// probes returns the probes of a journal by number, and which of them the profile judges there.
func (c *Case) probes(j *trip.Journal) map[uint8]probe {
	out := map[uint8]probe{}
	if j.Boot == nil {
		return out
	}
	judged := ""
	if a := c.Contents.Trip; a != nil {
		judged = excursion.JudgedPlace(a.Profile, c.spaceOf(j.Origin), j.Boot)
	}
	for _, p := range j.Boot.Probes {
		out[p.Number] = probe{place: p.Place, judged: judged != "" && p.Place == judged}
	}
	return out
}

// spaceOf returns the space of the box in which the organ was while a journal was written.
func (c *Case) spaceOf(origin string) string {
	box, _, err := record.ParseOrigin(origin)
	if err != nil || c.Contents.State == nil {
		return ""
	}
	for _, s := range c.Contents.State.Segments {
		if s.Box == box {
			return s.Space
		}
	}
	return ""
}
