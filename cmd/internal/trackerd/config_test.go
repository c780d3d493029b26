package trackerd

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestConfig_Example(t *testing.T) {
	c, err := readConfig(filepath.Join("..", "..", "trackerd", "example.toml"))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Probe) != 2 || c.GNSS == nil || len(c.Ledger) != 3 || time.Duration(c.SampleInterval) != 10*time.Second {
		t.Errorf("example: got %+v", c)
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
