package trackerd

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"isotherm/cmd/internal/tomlfile"
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

	GNSS     *GNSS      `toml:"gnss"`
	Clock    *Clock     `toml:"clock"`
	Probe    []Probe    `toml:"probe"`
	Handling []Handling `toml:"handling"`
	Battery  *Battery   `toml:"battery"`
	Output   []Output   `toml:"output"`
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
	text, err := tomlfile.Read(path, maxConfig)
	if err != nil {
		return nil, fmt.Errorf("read config: %w", err)
	}
	c, err := parseConfig(text)
	if err != nil {
		return nil, fmt.Errorf("read config %s: %w", path, err)
	}
	return c, nil
}

func parseConfig(text []byte) (*Config, error) {
	var c Config
	if err := tomlfile.Decode(text, &c); err != nil {
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
	if k := c.Clock; k != nil && (k.Rate < 1 || k.Start.IsZero() || k.Epoch.IsZero()) {
		return errors.New("clock needs rate (1 or more), start and epoch")
	}
	return c.checkDevices()
}

// checkDevices names the device that has something wrong.
func (c *Config) checkDevices() error {
	lines := map[string]Port{}
	for i, p := range c.Probe {
		if err := p.check(); err != nil {
			return fmt.Errorf("probe %d: %w", i, err)
		}
		if line, seen := lines[p.Path]; seen && line != p.Port {
			return fmt.Errorf("probe %d: line %s has two speeds, parities or directions", i, p.Path)
		}
		lines[p.Path] = p.Port
	}
	for i, h := range c.Handling {
		if err := h.check(); err != nil {
			return fmt.Errorf("handling %d: %w", i, err)
		}
	}
	for i, o := range c.Output {
		if err := o.check(); err != nil {
			return fmt.Errorf("output %d: %w", i, err)
		}
	}
	if c.GNSS != nil {
		if err := c.GNSS.check(); err != nil {
			return fmt.Errorf("gnss: %w", err)
		}
	}
	if c.Battery != nil {
		if err := c.Battery.check(); err != nil {
			return fmt.Errorf("battery: %w", err)
		}
	}
	return c.checkPorts()
}

// checkPorts refuses a port that two devices want for themselves.
func (c *Config) checkPorts() error {
	owners := map[string]string{}
	take := func(path, owner string) error {
		if other, taken := owners[path]; taken && other != owner {
			return fmt.Errorf("port %s is wanted by %s and %s", path, other, owner)
		}
		owners[path] = owner
		return nil
	}
	var errs []error
	if c.GNSS != nil {
		errs = append(errs, take(c.GNSS.Path, "gnss"))
	}
	for i, p := range c.Probe {
		switch p.Driver {
		case driverW1:
		case driverASCII:
			errs = append(errs, take(p.Path, fmt.Sprintf("probe %d", i)))
		case driverOneWire:
			errs = append(errs, take(p.Path, "1-Wire probes"))
		default:
			errs = append(errs, take(p.Path, "Modbus probes"))
		}
	}
	for i, h := range c.Handling {
		if h.Driver == driverXDR {
			errs = append(errs, take(h.Path, fmt.Sprintf("handling %d", i)))
		}
	}
	if c.Battery != nil && c.Battery.Driver == driverMegatec {
		errs = append(errs, take(c.Battery.Path, "battery"))
	}
	return errors.Join(errs...)
}

// clock returns the box's clock.
func (c *Config) clock() (tracker.Clock, error) {
	if c.Clock == nil {
		return tracker.NewSystemClock()
	}
	return tracker.SimulatedClock{Rate: c.Clock.Rate, Start: c.Clock.Start, Epoch: c.Clock.Epoch, Meet: c.Clock.Meet}.Anchored(), nil
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
