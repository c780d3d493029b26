package trackerd

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"net/url"
	"os"
	"strings"
	"time"
	"unicode"

	"github.com/pelletier/go-toml/v2"

	"isotherm/hardware/modbus"
	"isotherm/tracker"
)

// Config is the box's configuration file, in TOML. An unknown key is an error that names it. It holds no secret; who can
// write it decides which devices are believed and which ledger is told, but can't change what is recorded already.
type Config struct {
	// DataDir holds the box's key, its journal and the ledger's pinned keys. Required. Trusted: who can write there can
	// sign as the box, who can read it can too.
	DataDir string `toml:"data_dir"`
	// SampleInterval is the time between readings, by the box's clock. Default "10s".
	SampleInterval duration `toml:"sample_interval"`
	// FlushInterval is how old a reading may be that a power cut takes, in real time. Default "5s".
	FlushInterval duration `toml:"flush_interval"`
	// SyncInterval is the real time between batches to the ledger; alarms and acts don't wait for it. Default "10s".
	SyncInterval duration `toml:"sync_interval"`
	// LocalAddr is the address of the box's page, on loopback or of the box in its own private network, such as its Wi-Fi.
	// Default: none. Trusted: whoever can open it reads what the box measures, switches its radio and can hand acts to it;
	// their signatures are for the ledger to judge.
	LocalAddr string `toml:"local_addr"`
	// PagesURL is the address of the pages for people, to which the box's page leads back. Default: the first of Ledger.
	PagesURL string `toml:"pages_url"`
	// Ledger is the URLs of the ledger's nodes, tried in turn. Default: none, the box only records. Not trusted: what
	// they answer counts by its signatures.
	Ledger []string `toml:"ledger"`
	// CAFile is the private CA of the nodes, PEM. Default: the system's roots. Who holds its key can keep the box from
	// delivering, and read what it delivers, but not forge a receipt.
	CAFile string `toml:"ca_file"`
	// KeepJournalMB is how much journal stays on disk, in MiB; only what the ledger has receipted is ever removed.
	// Default 64.
	KeepJournalMB int64 `toml:"keep_journal_mb"`
	// ProbeTimeout is the real time for one answer of a probe. Default "500ms".
	ProbeTimeout duration `toml:"probe_timeout"`

	GNSS  *GNSS   `toml:"gnss"`
	Clock *Clock  `toml:"clock"`
	Probe []Probe `toml:"probe"`
}

// GNSS is the position receiver; without the table the box has none.
type GNSS struct {
	// Path is its serial port; use a /dev/serial/by-id/ name. Required. Trusted: positions are what the device says.
	Path string `toml:"path"`
	// Baud is its speed in bits per second. Default 9600.
	Baud int `toml:"baud"`
	// FixMaxAge is how old a position may be that goes into a reading, by the box's clock. Default "10s".
	FixMaxAge duration `toml:"fix_max_age"`
}

// Clock makes time run faster, for demonstrations; without the table the box uses the system's clocks. Every record then
// says that its time is simulated.
type Clock struct {
	// Rate is simulated seconds in a real second, 1 to 3600. Required.
	Rate int64 `toml:"rate"`
	// Start is the simulated time at Epoch. Required.
	Start time.Time `toml:"start"`
	// Epoch is the real time at which the simulation began. Required.
	Epoch time.Time `toml:"epoch"`
	// Meet makes the clock go on with the real time once it has caught up with it. Default false.
	Meet bool `toml:"meet"`
}

// Probe is a temperature probe on a Modbus line. Probes are numbered in the order of the file, from 0.
type Probe struct {
	// Path is the serial port of its line; use a /dev/serial/by-id/ name. Required. Trusted: temperatures are what the
	// device says, and nothing proves that it is where Place says.
	Path string `toml:"path"`
	// Baud is the line's speed in bits per second, the same for all probes on it. Default 9600.
	Baud int `toml:"baud"`
	// Address is its number on the line, 1 to 247. Required.
	Address uint8 `toml:"address"`
	// Register is where it keeps the temperature. Default 0.
	Register uint16 `toml:"register"`
	// Preset says how it writes temperatures: pt100-tenth, pt100-hundredth or xy-md02. Required.
	Preset modbus.Decode `toml:"preset"`
	// Place is what it measures: 'organ', 'box', 'ambient'; with a space of a box with several after a slash, 'organ/left'.
	// Required. A profile judges the probes of its place.
	Place string `toml:"place"`
	// Certificate is the number of its calibration certificate. Default: none, its readings show as not calibrated.
	// Trusted: nobody checks that it is this probe's.
	Certificate string `toml:"certificate"`
	// ValidUntil is the certificate's last day, 2027-03-31, in UTC. Required with Certificate.
	ValidUntil toml.LocalDate `toml:"valid_until"`
	// Error is how far it may be off either way, in °C to three decimals: the certificate's expanded uncertainty, or the
	// class of the probe. Required with Certificate, 0.001 to 10.
	Error float64 `toml:"error"`
}

// maxCertificate bounds the number of a certificate, in bytes.
const maxCertificate = 60

// calibration returns what boot records say of the probe's calibration.
func (p *Probe) calibration() (tracker.Calibration, error) {
	none := p.ValidUntil == toml.LocalDate{}
	if p.Certificate == "" {
		if !none || p.Error != 0 {
			return tracker.Calibration{}, errors.New("valid_until and error are of a certificate, which is missing")
		}
		return tracker.Calibration{}, nil
	}
	milli := math.Round(p.Error * 1000)
	switch {
	case len(p.Certificate) > maxCertificate || strings.ContainsFunc(p.Certificate, func(r rune) bool { return !unicode.IsPrint(r) }):
		return tracker.Calibration{}, fmt.Errorf("certificate must be at most %d printable bytes", maxCertificate)
	case none:
		return tracker.Calibration{}, errors.New("certificate needs valid_until, a date like 2027-03-31")
	case !(milli >= 1 && milli <= 10_000): // also when it is not a number
		return tracker.Calibration{}, fmt.Errorf("error is %v °C, want 0.001 to 10", p.Error)
	}
	until := p.ValidUntil.AsTime(time.UTC).AddDate(0, 0, 1).UnixMilli() - 1 // the whole last day counts
	return tracker.Calibration{Certificate: p.Certificate, UntilMS: until, ErrorMC: uint32(milli)}, nil
}

// duration is a time.Duration written as "10s".
type duration time.Duration

// UnmarshalText reads what time.ParseDuration reads, above zero.
func (d *duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return err
	}
	if v <= 0 {
		return fmt.Errorf("duration %s must be above zero", text)
	}
	*d = duration(v)
	return nil
}

const maxConfig = 64 << 10 // bytes of the file

// readConfig reads the file at path.
func readConfig(path string) (*Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read config: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxConfig+1))
	if err != nil {
		return nil, fmt.Errorf("read config: %w", err)
	}
	if len(text) > maxConfig {
		return nil, fmt.Errorf("read config %s: more than %d bytes", path, maxConfig)
	}
	c, err := parseConfig(text)
	if err != nil {
		return nil, fmt.Errorf("read config %s: %w", path, err)
	}
	return c, nil
}

func parseConfig(text []byte) (*Config, error) {
	var c Config
	err := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields().Decode(&c)
	var unknown *toml.StrictMissingError
	var wrong *toml.DecodeError
	switch {
	case errors.As(err, &unknown):
		var keys []string
		for _, e := range unknown.Errors {
			row, _ := e.Position()
			keys = append(keys, fmt.Sprintf("%s in line %d", strings.Join(e.Key(), "."), row))
		}
		return nil, fmt.Errorf("unknown key %s", strings.Join(keys, ", "))
	case errors.As(err, &wrong):
		row, column := wrong.Position()
		return nil, fmt.Errorf("line %d, column %d: %w", row, column, err)
	case err != nil:
		return nil, err
	}
	return &c, c.check()
}

// check names what is missing or can't be.
func (c *Config) check() error {
	if c.DataDir == "" {
		return errors.New("data_dir is missing")
	}
	if c.KeepJournalMB < 0 {
		return fmt.Errorf("keep_journal_mb is %d, want 1 or more", c.KeepJournalMB)
	}
	if c.GNSS != nil && c.GNSS.Path == "" {
		return errors.New("gnss.path is missing")
	}
	if k := c.Clock; k != nil && (k.Rate < 1 || k.Start.IsZero() || k.Epoch.IsZero()) {
		return errors.New("clock needs rate (1 or more), start and epoch")
	}
	bauds := map[string]int{}
	for i, p := range c.Probe {
		if p.Path == "" || p.Place == "" || p.Preset == "" || p.Address == 0 {
			return fmt.Errorf("probe %d needs path, address, preset and place", i)
		}
		if _, err := p.calibration(); err != nil {
			return fmt.Errorf("probe %d: %w", i, err)
		}
		if baud, seen := bauds[p.Path]; seen && baud != p.Baud {
			return fmt.Errorf("probe %d: line %s has two speeds", i, p.Path)
		}
		bauds[p.Path] = p.Baud
	}
	return nil
}

// clock returns the box's clock.
func (c *Config) clock() (tracker.Clock, error) {
	if c.Clock == nil {
		return tracker.NewSystemClock()
	}
	return tracker.SimulatedClock{Rate: c.Clock.Rate, Start: c.Clock.Start, Epoch: c.Clock.Epoch, Meet: c.Clock.Meet}, nil
}

// pages returns the address of the pages for people.
func (c *Config) pages() string {
	if c.PagesURL != "" || len(c.Ledger) == 0 {
		return c.PagesURL
	}
	u, err := url.Parse(c.Ledger[0])
	if err != nil || u.Host == "" {
		return "" // the uplink tells of it
	}
	return u.Scheme + "://" + u.Host
}
