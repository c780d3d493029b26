package tracker

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"time"

	"isotherm/hardware"
	"isotherm/ledger/entry"
	"isotherm/ledger/merkle"
	"isotherm/ledger/record"
)

// Locator knows the latest position; hardware/gnss.Receiver does. With fault None there is a fix and its age.
type Locator interface {
	Latest() (hardware.Fix, time.Duration, hardware.Fault)
}

// Probe is a temperature probe and what it measures.
type Probe struct {
	Place       string // 'organ', 'box', 'ambient', 'organ/left'; a profile judges the probes of its place
	Device      hardware.Probe
	Calibration hardware.Calibration // what its certificate says; samples are corrected by it. Zero when there is none
}

// Equipment is what a box has beside probes and a receiver. The zero value is none of it.
type Equipment struct {
	Devices  *Devices       // how they all stand; drivers got their monitors from it. Nil: the journal does not tell
	Handling []Handling     // sensors of what is done to the box
	Battery  hardware.Gauge // nil: none
	Outputs  []Output       // what alarms people, and what sends
	Heard    func() Heard   // what the receiver said last, for the status; nil: not known
}

// Heard is what a receiver said last, for a person who looks at the box.
type Heard struct {
	Sentence  string    // the newest good one, as it came
	At        time.Time // when, by the box's clock; zero: never
	Sentences uint64    // good ones since the program was started
	Baud      int       // bits per second of the port; 0: not found yet
}

// Handling is a sensor of what is done to the box.
type Handling struct {
	Device  hardware.HandlingSensor
	Monitor *hardware.Monitor // tells whether its word counts just now; nil: it always does
}

// Output is something that the box switches. All outputs of a name are switched together.
type Output struct {
	Name    string // AlarmOutput or RadioOutput
	Device  hardware.Switch
	Monitor *hardware.Monitor // the tracker notes in it whether the switch did what it was told; may be nil
}

// Names of outputs, in the configuration and in records.
const (
	AlarmOutput = "alarm" // light or buzzer, on while the box has an alarm
	RadioOutput = "radio" // modem or Wi-Fi, off while nothing may be sent
)

// maxOutputs bounds the list: a light, a buzzer and two radios are usual.
const maxOutputs = 8

// Trust checks receipts; entry.Trust does.
type Trust interface {
	// CheckReceipt returns what the receipt says of the journal, and the ledger's checkpoint that proves it.
	CheckReceipt(receipt []byte, origin string) (*entry.Advance, merkle.Checkpoint, error)
}

// Config says what a box is made of. Zero durations mean the defaults.
type Config struct {
	DataDir   string  // key and journal
	Software  string  // name and version, written into every boot record
	Clock     Clock   // SystemClock or SimulatedClock
	Probes    []Probe // numbered in readings by their place in this list
	Locator   Locator // nil: the box has no receiver
	Equipment         // what else it has
	Uplink    Uplink  // nil: the box is not enrolled; it records all the same
	Trust     Trust   // whose receipts count; needed with Uplink
	Unlinked  string  // why there is no uplink, for the status
	Intervals         // how often
	Local     string  // address of the local page, on loopback or in the box's own network, "127.0.0.1:7401"; empty: none
	Pages     string  // address of the pages for people, "https://node1.example:8443", to which the local page leads back; empty: none
	Keep      int64   // bytes of journal to keep; receipted incarnations beyond it are removed; default 64 MiB
	Ready     func()  // called once by Run, when the first record is on disk and the local page listens; may be nil
	Logger    *slog.Logger
}

// Intervals are the box's rhythms. Sample goes by the box's clock, the others by real time.
type Intervals struct {
	Sample time.Duration // between readings, default 10 s
	Flush  time.Duration // readings older than this survive a power cut, default 5 s
	Sync   time.Duration // between batches when all is well, default 10 s; alarms and acts don't wait
}

const (
	defaultSample = 10 * time.Second
	defaultFlush  = 5 * time.Second
	defaultSync   = 10 * time.Second
	defaultKeep   = 64 << 20
)

// withDefaults checks the config and fills in what was left out.
func (c Config) withDefaults() (Config, error) {
	if c.DataDir == "" {
		return c, errors.New("tracker: no data directory")
	}
	if c.Clock == nil {
		return c, errors.New("tracker: no clock")
	}
	if sim, ok := c.Clock.(SimulatedClock); ok && (sim.Rate < 1 || sim.Rate > maxRate) {
		return c, fmt.Errorf("tracker: simulated clock at rate %d, want 1 to %d", sim.Rate, maxRate)
	}
	if len(c.Probes) > record.MaxProbes {
		return c, fmt.Errorf("tracker: %d probes, at most %d are allowed", len(c.Probes), record.MaxProbes)
	}
	for i, p := range c.Probes {
		if p.Place == "" || p.Device == nil {
			return c, fmt.Errorf("tracker: probe %d has no place or no device", i)
		}
		if len(p.Place) > maxRecordText || len(p.Calibration.Certificate) > maxRecordText {
			return c, fmt.Errorf("tracker: probe %d: place or certificate is longer than %d bytes", i, maxRecordText)
		}
		if err := p.Calibration.Check(); err != nil {
			return c, fmt.Errorf("tracker: probe %d: %w", i, err)
		}
	}
	if err := c.Equipment.check(); err != nil {
		return c, err
	}
	if c.Devices == nil {
		c.Devices = NewDevices(c.Clock.Time)
	}
	if c.Uplink != nil && c.Trust == nil {
		return c, errors.New("tracker: an uplink without keys to check its receipts")
	}
	if err := checkLocal(c.Local); err != nil {
		return c, err
	}
	if err := checkPages(c.Pages); err != nil {
		return c, err
	}
	for _, d := range []struct {
		value    *time.Duration
		standard time.Duration
	}{{&c.Sample, defaultSample}, {&c.Flush, defaultFlush}, {&c.Sync, defaultSync}} {
		if *d.value == 0 {
			*d.value = d.standard
		}
		if *d.value < time.Millisecond || *d.value > time.Hour {
			return c, fmt.Errorf("tracker: interval of %v, want 1 ms to 1 h", *d.value)
		}
	}
	if c.Keep == 0 {
		c.Keep = defaultKeep
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

// check names what is missing or can't be.
func (e Equipment) check() error {
	for i, h := range e.Handling {
		if h.Device == nil {
			return fmt.Errorf("tracker: sensor of handling %d has no device", i)
		}
	}
	if len(e.Outputs) > maxOutputs {
		return fmt.Errorf("tracker: %d outputs, at most %d are allowed", len(e.Outputs), maxOutputs)
	}
	for i, o := range e.Outputs {
		if o.Device == nil || o.Name != AlarmOutput && o.Name != RadioOutput {
			return fmt.Errorf("tracker: output %d (%q) has no device, or is neither %q nor %q", i, o.Name, AlarmOutput, RadioOutput)
		}
	}
	return nil
}

// checkLocal refuses an address that the internet could reach: the local page has no log-in. An address of a private network
// is for the box's own Wi-Fi, whose key is then what lets people in.
func checkLocal(addr string) error {
	if addr == "" {
		return nil
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("tracker: local address %q: %w", addr, err)
	}
	ip, err := netip.ParseAddr(host)
	if err != nil || !ip.IsLoopback() && !ip.IsPrivate() && !ip.IsLinkLocalUnicast() {
		return fmt.Errorf("tracker: local address %q is neither on loopback nor in a private network: use 127.0.0.1, or the address of the box in its own network, with a port", addr)
	}
	return nil
}

// checkPages refuses what is not the origin of a web page: it becomes a link.
func checkPages(address string) error {
	if address == "" {
		return nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.Scheme+"://"+u.Host != address {
		return fmt.Errorf("tracker: address of the pages %q: want https:// and a host, and nothing behind it", address)
	}
	return nil
}
