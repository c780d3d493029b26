package trackerd

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"isotherm/hardware"
	"isotherm/tracker"
)

func TestConfig_Example(t *testing.T) {
	c, err := readConfig(filepath.Join("..", "..", "trackerd", "example.toml"))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Probe) != 4 || c.GNSS == nil || len(c.Ledger) != 3 || time.Duration(c.SampleInterval) != 10*time.Second || len(c.Handling) != 2 || c.Battery == nil || len(c.Output) != 2 {
		t.Errorf("example: got %+v", c)
	}
	got, err := c.Probe[0].Calibration.calibration()
	want := hardware.Calibration{Certificate: "DKD-K-12345", Issued: time.Date(2026, 3, 31, 0, 0, 0, 0, time.UTC),
		Expires: time.Date(2027, 3, 31, 23, 59, 59, 999_000_000, time.UTC), Uncertainty: 150,
		Points: []hardware.CalibrationPoint{{Reference: 0, Indicated: 20}, {Reference: 5000, Indicated: 5040}, {Reference: 10_000, Indicated: 10_050}}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("calibration: %v, difference (-want +got):\n%s", err, diff)
	}
	if got, err := c.Probe[1].Calibration.calibration(); err != nil || got.Certificate != "" {
		t.Errorf("probe without a certificate: got %+v, %v", got, err)
	}
	clock := tracker.SimulatedClock{Rate: 1, Start: time.Now(), Epoch: time.Now()}
	d, err := openDevices(c, clock, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatalf("devices of the example: %v", err)
	}
	d.close()
}

func TestConfig_Refuses(t *testing.T) {
	probe := "data_dir = \"x\"\n[[probe]]\npath = \"/dev/a\"\naddress = 1\npreset = \"xy-md02\"\nplace = \"organ\"\n"
	certified := probe + "[probe.calibration]\ncertificate = \"K-1\"\n"
	ascii := "data_dir = \"x\"\n[[probe]]\ndriver = \"ascii\"\npath = \"/dev/b\"\nplace = \"organ\"\n"
	const head = "data_dir = \"x\"\n"
	for _, tt := range []struct{ name, text, want string }{
		{"nothing", "", "data_dir"},
		{"unknown key", "data_dir = \"x\"\nsample_intervall = \"10s\"\n", "sample_intervall in line 2"},
		{"unknown key in a table", "data_dir = \"x\"\n[gnss]\npath = \"x\"\nbauds = 9600\n", "gnss.bauds in line 4"},
		{"key twice", "data_dir = \"x\"\ndata_dir = \"y\"\n", "data_dir"},
		{"not a duration", "data_dir = \"x\"\nsample_interval = \"10\"\n", "line 2"},
		{"negative duration", "data_dir = \"x\"\nsample_interval = \"-1s\"\n", "above zero"},
		{"probe without a place", head + "[[probe]]\npath = \"/dev/a\"\naddress = 1\npreset = \"xy-md02\"\n", "probe 0: place"},
		{"probe without an address", head + "[[probe]]\npath = \"/dev/a\"\npreset = \"xy-md02\"\nplace = \"organ\"\n", "address and preset"},
		{"probe with a driver nobody knows", strings.Replace(probe, "place", "driver = \"i2c\"\nplace", 1), "want modbus, onewire, w1 or ascii"},
		{"port that is none", strings.Replace(probe, "/dev/a", "usb:12", 1), "usb:12"},
		{"parity that is none", probe + "parity = \"mark\"\n", "none, even or odd"},
		{"certificate without a number", probe + "[probe.calibration]\nexpires = 2027-03-31\n", "certificate must be"},
		{"certificate without an end", certified + "uncertainty = 0.1\n", "expires"},
		{"certificate without an uncertainty", certified + "expires = 2027-03-31\n", "uncertainty is 0 °C"},
		{"uncertainty that is no number", certified + "expires = 2027-03-31\nuncertainty = nan\n", "uncertainty is NaN"},
		{"day that is none", certified + "expires = 2027-02-30\nuncertainty = 0.1\n", "line"},
		{"certificate over two lines", probe + "[probe.calibration]\ncertificate = \"K\\n1\"\nexpires = 2027-03-31\nuncertainty = 0.1\n", "printable"},
		{"point of three numbers", certified + "expires = 2027-03-31\nuncertainty = 0.1\npoints = [[1.0, 2.0, 3.0]]\n", "want [reference, indicated]"},
		{"point that is no temperature", certified + "expires = 2027-03-31\nuncertainty = 0.1\npoints = [[1.0, nan]]\n", "point 0"},
		{"points that fall", certified + "expires = 2027-03-31\nuncertainty = 0.1\npoints = [[5.0, 5.0], [4.0, 4.0]]\n", "not above"},
		{"point that corrects by 20 K", certified + "expires = 2027-03-31\nuncertainty = 0.1\npoints = [[25.0, 5.0]]\n", "sound probe"},
		{"two speeds", probe + strings.TrimPrefix(probe, head) + "baud = 4800\n", "two speeds"},
		{"port wanted twice", probe + "[gnss]\npath = \"/dev/a\"\n", "wanted by"},
		{"lines without a preset", ascii, "needs preset"},
		{"lines nobody knows", ascii + "preset = \"abacus\"\n", "abacus"},
		{"own lines without a table", ascii + "preset = \"custom\"\n", "[probe.ascii]"},
		{"1-Wire probe with a preset", head + "[[probe]]\ndriver = \"w1\"\nid = \"28-0316a279c4ff\"\nplace = \"organ\"\npreset = \"x\"\n", "not for the driver w1"},
		{"1-Wire probe without a number", head + "[[probe]]\ndriver = \"w1\"\nplace = \"organ\"\n", "probe 0"},
		{"handling without a driver", head + "[[handling]]\npath = \"x\"\n", "gpio, iio or xdr"},
		{"contact that is a light", head + "[[handling]]\ndriver = \"gpio\"\nkind = \"light\"\npath = \"x\"\n", "want lid"},
		{"battery without a driver", head + "[battery]\npath = \"x\"\n", "supply or megatec"},
		{"output nobody knows", head + "[[output]]\nname = \"horn\"\ndriver = \"led\"\npath = \"x\"\n", "alarm or radio"},
		{"command that is none", head + "[[output]]\nname = \"radio\"\ndriver = \"command\"\n", "needs command"},
		{"clock without a rate", "data_dir = \"x\"\n[clock]\nstart = 2026-01-01T00:00:00Z\nepoch = 2026-01-01T00:00:00Z\n", "clock"},
		{"receiver without a path", "data_dir = \"x\"\n[gnss]\n", "gnss: path"},
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
