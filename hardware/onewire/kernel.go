package onewire

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"isotherm/hardware"
	"isotherm/hardware/sysfs"
)

const (
	// defaultRoot is where the kernel shows the devices of all its 1-Wire buses.
	defaultRoot = "/sys/bus/w1/devices"
	// kernelTimeout covers a conversion and the attempts that the kernel makes: one takes 0.75 s, or 2 s with a slow copy.
	kernelTimeout = 5 * time.Second
	// interruptTries is how often a read that a signal interrupted is made again.
	interruptTries = 3
)

// Kernel reads thermometers through the kernel's w1 driver. The zero value is this computer. A box makes one for each
// probe when each has its own monitor.
type Kernel struct {
	Root    string            // default /sys/bus/w1/devices
	Timeout time.Duration     // real time for one read, default 5 s
	Now     func() time.Time  // the box's clock, for Sample.At; default time.Now
	Monitor *hardware.Monitor // may be nil
}

func (k Kernel) root() string {
	if k.Root == "" {
		return defaultRoot
	}
	return k.Root
}

// List returns the devices that the kernel sees, thermometers or not, in the order of their names; none when its driver is
// not loaded. Its error is an *Error with Denied or IOError.
func (k Kernel) List() ([]ID, error) {
	entries, err := os.ReadDir(k.root())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case errors.Is(err, fs.ErrPermission):
		return nil, &Error{Op: "list probes", Where: k.root(), Fault: hardware.Denied, Err: err}
	case err != nil:
		return nil, &Error{Op: "list probes", Where: k.root(), Fault: hardware.IOError, Err: err}
	}
	var found []ID
	for _, e := range entries { // also "w1_bus_master1" and whatever else comes to live there
		if id, err := ParseID(e.Name()); err == nil {
			found = append(found, id)
		}
	}
	return found, nil
}

// Probe returns the thermometer with the given ID, in the kernel's form: "28-0316a279c4ff". It touches no file; the error
// is about the ID.
func (k Kernel) Probe(id string) (hardware.Probe, error) {
	parsed, err := ParseID(id)
	if err != nil {
		return nil, err
	}
	if err := parsed.thermometer(); err != nil {
		return nil, err
	}
	if k.Timeout == 0 {
		k.Timeout = kernelTimeout
	}
	if k.Now == nil {
		k.Now = time.Now
	}
	return &kernelProbe{kernel: k, id: parsed, files: sysfs.NewDevice(k.Timeout)}, nil
}

// attributes is what a probe needs of the kernel's files. The kernel answers a read when the probe has measured, and can't
// be told to give up; sysfs.Device leaves such a read behind in one goroutine, ended by the kernel's answer, and starts no
// other before that. So an answer that is late is dropped, never given to the next read.
type attributes interface {
	Read(ctx context.Context, path string) (string, error)
}

// kernelProbe is one thermometer behind the kernel's driver.
type kernelProbe struct {
	kernel Kernel
	id     ID
	files  attributes

	failures atomic.Int32 // in a row
}

// Info says what the probe is and where: its folder.
func (p *kernelProbe) Info() hardware.ProbeInfo {
	return hardware.ProbeInfo{Model: p.id.Model(), Bus: p.folder()}
}

func (p *kernelProbe) folder() string { return filepath.Join(p.kernel.root(), p.id.String()) }

// Read makes the kernel ask the probe, which takes 0.75 to 2 s.
func (p *kernelProbe) Read(ctx context.Context) hardware.Sample {
	temp, text, err := p.measure(ctx)
	sample := hardware.Sample{At: p.kernel.Now(), Temp: temp, Raw: oneLine(text)}
	if err != nil {
		sample.Temp, sample.Fault, sample.Detail = 0, hardware.FaultOf(err), err.Error()
	}
	p.tell(sample)
	return sample
}

// measure returns the temperature and what the kernel's file says.
func (p *kernelProbe) measure(ctx context.Context) (hardware.Temperature, string, error) {
	path := filepath.Join(p.folder(), "w1_slave")
	text, err := p.read(ctx, path)
	parse := func() (hardware.Temperature, hardware.Fault) { return parseW1(text, p.id[0]) }
	if hardware.FaultOf(err) == hardware.NotFound {
		var also error // the folder may be there, of a driver that has only the newer file
		path = filepath.Join(p.folder(), "temperature")
		if text, also = p.read(ctx, path); hardware.FaultOf(also) != hardware.NotFound {
			err = also
			parse = func() (hardware.Temperature, hardware.Fault) { return parseTemperature(text) }
		}
	}
	if hardware.FaultOf(err) == hardware.NotFound {
		return 0, "", p.missing()
	}
	if err != nil {
		return 0, "", err
	}
	temp, fault := parse()
	if fault != hardware.None {
		return 0, text, &Error{Op: "read probe", Where: path, Fault: fault, Err: fmt.Errorf("the kernel says %q", oneLine(text))}
	}
	return temp, text, nil
}

// read reads a file again when a signal interrupted the kernel's wait for the probe; the probe did not measure then.
func (p *kernelProbe) read(ctx context.Context, path string) (text string, err error) {
	for range interruptTries {
		text, err = p.files.Read(ctx, path)
		if !errors.Is(err, syscall.EINTR) {
			return text, err
		}
	}
	return "", &Error{Op: "read probe", Where: path, Fault: hardware.ConversionFailed, Err: err}
}

// missing says what is there instead of the probe.
func (p *kernelProbe) missing() error {
	reason := errors.New("the kernel's 1-Wire driver is not loaded")
	if _, err := os.Stat(p.kernel.root()); err == nil {
		found, err := p.kernel.List()
		if err != nil {
			return err
		}
		reason = fmt.Errorf("the kernel sees %s", list(found))
	}
	return &Error{Op: "read probe", Where: p.folder(), Fault: hardware.NotFound, Err: reason}
}

// tell keeps the monitor up to date. A kernel that answers, with a value or not, is not down.
func (p *kernelProbe) tell(s hardware.Sample) {
	state := hardware.StateGarbled
	switch s.Fault {
	case hardware.None:
		p.failures.Store(0)
		p.kernel.Monitor.Set(hardware.StateLive, hardware.None, p.folder(), "")
		return
	case hardware.Canceled:
		return // says nothing about the probe
	case hardware.NotFound, hardware.Unplugged, hardware.Denied, hardware.IOError:
		state = hardware.StateDown
	case hardware.Timeout, hardware.NoPresence, hardware.Disconnected, hardware.ConversionFailed, hardware.PowerOnValue:
		state = hardware.StateSilent
	}
	if p.failures.Add(1) >= patience || state == hardware.StateDown {
		p.kernel.Monitor.Set(state, s.Fault, p.folder(), s.Detail)
	}
}

// oneLine is text for a person, bounded.
func oneLine(text string) string {
	text = strings.ReplaceAll(strings.TrimSpace(text), "\n", " | ")
	return strings.ToValidUTF8(text[:min(len(text), hardware.MaxRaw)], "?")
}
