package trackerd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"isotherm/hardware"
	"isotherm/hardware/serial"
	"isotherm/ledger/record"
	"isotherm/tracker"
)

// system is the machine that the box runs on; the zero value is the real one. A test has its own.
type system struct {
	proc string      // default /proc
	host serial.Host // default the real one
}

// lowDisk is the free space below which a box should not leave: its journal keeps 64 MiB by default.
const lowDisk = 256 << 20

// examine looks at what the box needs of its machine.
func (s system) examine(cfg *Config) []finding {
	findings := []finding{dataFinding(cfg.DataDir)}
	for _, spec := range cfg.ports() {
		findings = append(findings, s.portFinding(spec))
	}
	return findings
}

// dataFinding looks at the data directory.
func dataFinding(dir string) finding {
	f := finding{Part: "data directory", Verdict: verdictWrong, Value: dir}
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		f.Verdict, f.Text, f.Do = verdictNote, "is not there yet", "the first start makes it"
		return f
	case err != nil:
		f.Text, f.Do = err.Error(), "let the box's user read and write it"
		return f
	case !info.IsDir():
		f.Text, f.Do = "is not a directory", "give another data_dir"
		return f
	}
	probe, err := os.CreateTemp(dir, ".doctor-*")
	if err != nil {
		f.Text, f.Do = err.Error(), "let the box's user write there; look whether the disk is full or read-only"
		return f
	}
	_ = probe.Close() // nothing was written
	if err := os.Remove(probe.Name()); err != nil {
		f.Text, f.Do = err.Error(), "look at the file system's log"
		return f
	}
	var disk unix.Statfs_t
	if err := unix.Statfs(dir, &disk); err != nil {
		f.Text, f.Do = err.Error(), "look at the file system's log"
		return f
	}
	free := disk.Bavail * uint64(disk.Bsize)
	f.Text = fmt.Sprintf("can be written, %d MiB free", free>>20)
	if free < lowDisk {
		f.Text = fmt.Sprintf("has only %d MiB left", free>>20)
		f.Do = "make room: readings are lost once the disk and the memory are full"
		return f
	}
	f.Verdict = verdictOK
	return f
}

// systemClock looks at the clock of the machine.
func systemClock() finding {
	clock, err := tracker.NewSystemClock()
	if err != nil {
		return finding{Part: partClock, Verdict: verdictWrong, Text: err.Error(), Do: "the box needs a Linux kernel's clocks"}
	}
	return clockFinding(clock.Now().Quality.String(), clock.Time())
}

const partClock = "clock"

// clockFinding looks at a wall clock of that quality.
func clockFinding(quality string, now time.Time) finding {
	f := finding{Part: partClock, Verdict: verdictNote, Value: now.UTC().Format("2006-01-02 15:04:05 UTC") + ", quality " + quality}
	switch quality {
	case record.ClockNTP.String(), record.ClockGNSS.String():
		f.Verdict, f.Text = verdictOK, "is synchronised"
	case record.ClockRTC.String():
		f.Text = "comes from the clock chip, and nothing has confirmed it since"
	case record.ClockSimulated.String():
		f.Text = "is simulated, and every record says so"
	default:
		f.Text, f.Do = "was never set: nothing vouches for the time of records until a network or a fix does", "fit a battery-backed clock, or wait for a fix"
	}
	return f
}

// portFinding looks at a serial port without opening it.
func (s system) portFinding(spec string) finding {
	f := finding{Part: "port " + spec, Verdict: verdictWrong}
	path, err := s.host.Find(spec)
	if err != nil {
		f.Text = err.Error() // it says what to do as well
		return f
	}
	f.Verdict, f.Text = verdictOK, "is "+path
	ports, err := s.host.List()
	if err == nil {
		for _, p := range ports {
			if p.Path == path {
				f.Value = p.String()
				if p.Stable() != spec && strings.HasPrefix(spec, "/dev/tty") && p.VendorID != "" {
					f.Verdict, f.Text, f.Do = verdictNote, "is named after the order in which devices were found", "names move: use "+p.Stable()
				}
			}
		}
	}
	if s.isConsole(path) {
		f.Verdict, f.Text = verdictWrong, "the kernel's console is on this port: it mixes its messages with the device's"
		f.Do = "remove console=" + filepath.Base(path) + " (or serial0) from the kernel's command line, and mask serial-getty@" + filepath.Base(path)
	}
	return f
}

// isConsole tells whether the kernel or a login uses the port.
func (s system) isConsole(path string) bool {
	proc := s.proc
	if proc == "" {
		proc = "/proc"
	}
	line, err := os.ReadFile(filepath.Join(proc, "cmdline"))
	if err != nil {
		return false // not known; a busy port will tell
	}
	for _, word := range strings.Fields(string(line)) {
		name, ok := strings.CutPrefix(word, "console=")
		if name, _, _ = strings.Cut(name, ","); ok && filepath.Base(path) == name {
			return true
		}
	}
	return false
}

// faultNamed returns the fault of a name, None when there is none.
func faultNamed(name string) hardware.Fault {
	for f := range hardware.Fault(1 << 8) { // more than there are
		if f.String() == name {
			return f
		}
	}
	return hardware.None
}

// doForFault says what to do about a fault of a device.
func doForFault(f hardware.Fault) string {
	switch f {
	case hardware.None:
		return ""
	case hardware.NotFound, hardware.Busy, hardware.Denied, hardware.NotATTY, hardware.Unplugged, hardware.IOError, hardware.WriteStuck, hardware.Silent,
		hardware.Ambiguous, hardware.Unsupported, hardware.Closed:
		return serial.Hint(f)
	case hardware.WrongBaud, hardware.Noise, hardware.Binary, hardware.CRCBad, hardware.ChecksumBad:
		return "check the speed (baud), parity and wiring; keep the cable away from motors and radios"
	case hardware.Saturated, hardware.LagHigh:
		return "let the receiver send fewer kinds of sentences, or set a higher speed on both sides"
	case hardware.NoFix, hardware.Void, hardware.NullIsland, hardware.Stale:
		return "give the antenna a view of the sky; a cold start takes up to 15 minutes"
	case hardware.Simulated, hardware.DeadReckoned:
		return "switch the receiver's simulation or dead reckoning off: such positions are not measured"
	case hardware.Timeout, hardware.NoPresence, hardware.Canceled:
		return "check power and wires (A and B swapped?), the address and the speed"
	case hardware.WrongAddress, hardware.WrongFunction, hardware.WrongLength, hardware.LateReply:
		return "look for two devices with one address, or a second master on the line; a longer probe_timeout helps slow devices"
	case hardware.Exception, hardware.DeviceError:
		return "check preset and register: the device refuses the question"
	case hardware.Disconnected, hardware.Shorted:
		return "check the sensing element and its plug"
	case hardware.PowerOnValue, hardware.ConversionFailed:
		return "the probe did not measure: check its supply; a long line needs its own power wire"
	case hardware.OutOfRange:
		return "check preset, type, scale and word order; the value is outside of what the probe can measure"
	case hardware.UnitMismatch:
		return "set the device to °C"
	case hardware.OffsetChanged:
		return "set the device's own correction back to zero: corrections belong into the certificate's points"
	case hardware.CertExpired:
		return "have the probe calibrated; its readings count as not calibrated until then"
	case hardware.Disagree:
		return "check that both probes are where they should be, and which one is right with ice water"
	case hardware.Stuck, hardware.RateOfChange:
		return "check the probe's plug and place; compare with another thermometer"
	case hardware.BatteryLow, hardware.Undervoltage:
		return "charge it, or use a stronger supply"
	case hardware.GaugeGlitch:
		return "the gauge shows what no battery can: check its wiring, or let the battery charge full once"
	case hardware.SwitchFailed:
		return "check path or command, and that the box's user may use it"
	}
	return "trackerd decode and the log tell more"
}

// ports returns the serial ports of the configuration, each once.
func (c *Config) ports() []string {
	var specs []string
	add := func(spec string) {
		if spec != "" && !slices.Contains(specs, spec) {
			specs = append(specs, spec)
		}
	}
	if c.GNSS != nil {
		add(c.GNSS.Path)
	}
	for _, p := range c.Probe {
		if p.Driver != driverW1 {
			add(p.Path)
		}
	}
	for _, h := range c.Handling {
		if h.Driver == driverXDR {
			add(h.Path)
		}
	}
	if c.Battery != nil && c.Battery.Driver == driverMegatec {
		add(c.Battery.Path)
	}
	return specs
}
