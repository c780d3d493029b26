package trackerd

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"isotherm/tracker"
)

func TestConfig_Example(t *testing.T) {
	c, err := readConfig(filepath.Join("..", "..", "trackerd", "example.toml"))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Probe) != 2 || c.GNSS == nil || len(c.Ledger) != 3 || time.Duration(c.SampleInterval) != 10*time.Second {
		t.Errorf("example: got %+v", c)
	}
	until := time.Date(2027, 3, 31, 23, 59, 59, 999_000_000, time.UTC)
	got, err := c.Probe[0].calibration()
	if want := (tracker.Calibration{Certificate: "DKD-K-12345", UntilMS: until.UnixMilli(), ErrorMC: 150}); err != nil || got != want {
		t.Errorf("calibration: got %+v, %v, want %+v", got, err, want)
	}
	if got, err := c.Probe[1].calibration(); err != nil || got != (tracker.Calibration{}) {
		t.Errorf("probe without a certificate: got %+v, %v", got, err)
	}
}

func TestConfig_Refuses(t *testing.T) {
	probe := "[[probe]]\npath = \"/dev/a\"\naddress = 1\npreset = \"xy-md02\"\nplace = \"organ\"\n"
	for _, tt := range []struct{ name, text, want string }{
		{"nothing", "", "data_dir"},
		{"unknown key", "data_dir = \"x\"\nsample_intervall = \"10s\"\n", "sample_intervall in line 2"},
		{"unknown key in a table", "data_dir = \"x\"\n[gnss]\npath = \"x\"\nbauds = 9600\n", "gnss.bauds in line 4"},
		{"key twice", "data_dir = \"x\"\ndata_dir = \"y\"\n", "data_dir"},
		{"not a duration", "data_dir = \"x\"\nsample_interval = \"10\"\n", "line 2"},
		{"negative duration", "data_dir = \"x\"\nsample_interval = \"-1s\"\n", "above zero"},
		{"probe without a place", "data_dir = \"x\"\n[[probe]]\npath = \"/dev/a\"\naddress = 1\npreset = \"xy-md02\"\n", "probe 0"},
		{"date without a certificate", "data_dir = \"x\"\n" + probe + "valid_until = 2027-03-31\n", "which is missing"},
		{"certificate without a date", "data_dir = \"x\"\n" + probe + "certificate = \"K-1\"\nerror = 0.1\n", "valid_until"},
		{"certificate without an error", "data_dir = \"x\"\n" + probe + "certificate = \"K-1\"\nvalid_until = 2027-03-31\n", "error is 0 °C"},
		{"error that is no number", "data_dir = \"x\"\n" + probe + "certificate = \"K-1\"\nvalid_until = 2027-03-31\nerror = nan\n", "error is NaN"},
		{"day that is none", "data_dir = \"x\"\n" + probe + "certificate = \"K-1\"\nvalid_until = 2027-02-30\nerror = 0.1\n", "line"},
		{"certificate over two lines", "data_dir = \"x\"\n" + probe + "certificate = \"K\\n1\"\nvalid_until = 2027-03-31\nerror = 0.1\n", "printable"},
		{"two speeds", "data_dir = \"x\"\n" + probe + probe + "baud = 4800\n", "two speeds"},
		{"clock without a rate", "data_dir = \"x\"\n[clock]\nstart = 2026-01-01T00:00:00Z\nepoch = 2026-01-01T00:00:00Z\n", "clock"},
		{"receiver without a path", "data_dir = \"x\"\n[gnss]\n", "gnss.path"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := parseConfig([]byte(tt.text))
			if err == nil {
				t.Fatalf("got %+v, want an error", c)
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %q, want one that names %q", err, tt.want)
			}
		})
	}
}

func TestReadConfig_TooLong(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.toml")
	if err := os.WriteFile(path, []byte(strings.Repeat("#\n", maxConfig)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readConfig(path); err == nil {
		t.Error("got no error")
	}
}
