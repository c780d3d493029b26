package cmd_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"isotherm/hardware"
	"isotherm/ledger/record"
)

// maxNumber is far above the numbers of faults, states and kinds in use.
const maxNumber = 300

func readText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A journal holds numbers. What they mean is said in hardware, in FORMAT.md for strangers, and in words for people in the
// ledger and on the box's page: all of them must say the same.
func TestFaults_named(t *testing.T) {
	rows := map[string][]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| (\\d+) \\| `(\\w+)` \\| ([^|]+) \\| [^|]+ \\|$").FindAllStringSubmatch(readText(t, "../ledger/FORMAT.md"), -1) {
		rows[m[1]] = m[2:4]
	}
	if len(rows) < 50 {
		t.Fatalf("FORMAT.md: got %d faults, want those of hardware", len(rows))
	}
	page := readText(t, "../api/web/src/i18n/en/box.ts")
	for n := 1; n < maxNumber; n++ {
		f := hardware.Fault(n)
		row, told := rows[fmt.Sprint(n)]
		words := record.Fault(n).String()
		if unknown := fmt.Sprintf("fault_%d", n); f.String() == unknown {
			if told || words != fmt.Sprintf("fault %d", n) {
				t.Errorf("fault %d is not known to hardware: FORMAT.md has %q, the ledger calls it %q", n, row, words)
			}
			continue
		}
		if !told || row[0] != f.String() || row[1] != words {
			t.Errorf("fault %d, %s: FORMAT.md has %q, the ledger calls it %q", n, f, row, words)
		}
		if want := fmt.Sprintf("'fault.%s': '%s'", f, strings.ReplaceAll(words, "'", `\'`)); !strings.Contains(page, want) {
			t.Errorf("the box's page lacks %s", want)
		}
	}
}

// The lists of other numbers in FORMAT.md are those of hardware.
func TestNumbers_named(t *testing.T) {
	format := strings.ReplaceAll(readText(t, "../ledger/FORMAT.md"), "\n", " ")
	lists := map[string]func(n int) string{
		"Quality of a fix: ":   func(n int) string { return hardware.Quality(n).String() },
		"State of a device: ":  func(n int) string { return hardware.State(n).String() },
		"Kind of handling: ":   func(n int) string { return hardware.HandlingKind(n).String() },
		"State of a battery: ": func(n int) string { return hardware.PowerState(n).String() },
	}
	for head, name := range lists {
		_, list, found := strings.Cut(format, head)
		list, _, _ = strings.Cut(list, ". ")
		list = regexp.MustCompile(` \([^)]*\)`).ReplaceAllString(list, "")
		if !found {
			t.Errorf("FORMAT.md has no %q", head)
		}
		got := strings.Split(list, ", ")
		for n := 1; n <= 255; n++ { // they are one byte in a record
			known := !strings.HasSuffix(name(n), fmt.Sprintf("_%d", n))
			switch {
			case known && (n > len(got) || got[n-1] != fmt.Sprintf("%d %s", n, name(n))):
				t.Errorf("%s%s: lacks %d %s at its place", head, list, n, name(n))
			case !known && n <= len(got):
				t.Errorf("%s%s: %q is not of hardware", head, list, got[n-1])
			}
		}
	}
}

// The numbers of a doubt are those that hardware calls doubts: values come with them.
func TestFaults_doubts(t *testing.T) {
	doubts := map[hardware.Fault]bool{hardware.Jump: true, hardware.SpeedMismatch: true, hardware.LowSatellites: true, hardware.HDOPHigh: true,
		hardware.RateOfChange: true, hardware.Stuck: true, hardware.Disagree: true, hardware.OffsetChanged: true, hardware.CertExpired: true,
		hardware.BatteryLow: true, hardware.Undervoltage: true}
	for n := range maxNumber {
		if got, want := record.Fault(n).IsDoubt(), doubts[hardware.Fault(n)]; got != want {
			t.Errorf("%s is a doubt: got %v, want %v", hardware.Fault(n), got, want)
		}
	}
	if record.ChargeUnknown != hardware.ChargeUnknown || record.MilliVoltsUnknown != hardware.VoltsUnknown || record.MaxPoints != hardware.MaxCalibrationPoints {
		t.Error("a limit or an unknown value of the ledger is another than hardware's")
	}
}
