package trackerd

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"isotherm/hardware"
	"isotherm/hardware/nmea"
	"isotherm/hardware/onewire"
	"isotherm/hardware/serial"
)

// listing is the command `trackerd ports`.
type listing struct {
	json   bool
	listen time.Duration
	host   serial.Host    // the real one; a test has its own
	w1     onewire.Kernel // likewise
}

func (l *listing) flags(set *flag.FlagSet) {
	set.BoolVar(&l.json, "json", false, "print JSON")
	set.DurationVar(&l.listen, "listen", 0, "listen on each free port for so long at each usual speed; nothing is sent")
}

// maxListen bounds how long one speed of one port is listened to: there are four, and perhaps ten ports.
const maxListen = time.Minute

// portLine is one port as it is printed.
type portLine struct {
	Path   string `json:"path"`
	Config string `json:"config"` // what to write into a configuration
	USB    string `json:"usb,omitempty"`
	Device string `json:"device,omitempty"` // who made it and what it is called
	Serial string `json:"serial,omitempty"`
	Driver string `json:"driver,omitempty"`
	State  string `json:"state"` // free, busy, denied and so on
	Hint   string `json:"hint,omitempty"`
	Heard  string `json:"heard,omitempty"`
}

// thermometer is a 1-Wire probe of the kernel's.
type thermometer struct {
	ID    string `json:"id"` // what to write into a configuration
	Model string `json:"model"`
}

// run lists serial ports and the kernel's 1-Wire probes.
func (l *listing) run(ctx context.Context, stdout io.Writer) error {
	if l.listen < 0 || l.listen > maxListen {
		return fmt.Errorf("%w: --listen is %v, want up to %v", errUsage, l.listen, maxListen)
	}
	ports, err := l.host.List()
	if err != nil {
		return fmt.Errorf("list serial ports: %w", err)
	}
	lines := []portLine{}
	for _, p := range ports {
		lines = append(lines, l.look(ctx, p))
	}
	probes := []thermometer{}
	ids, err := l.w1.List()
	if err != nil {
		return err
	}
	for _, id := range ids {
		if id.Model() != "" {
			probes = append(probes, thermometer{ID: id.String(), Model: id.Model()})
		}
	}
	if l.json {
		encoder := json.NewEncoder(stdout)
		encoder.SetIndent("", "  ")
		return encoder.Encode(map[string]any{"ports": lines, "w1": probes})
	}
	return printPorts(stdout, lines, probes, l.listen > 0)
}

// look describes a port, and listens when that was asked for. The port is opened for a moment, which tells whether it is
// free; nothing is written to it.
func (l *listing) look(ctx context.Context, p serial.Info) portLine {
	line := portLine{Path: p.Path, Config: p.Stable(), Serial: p.Serial, Driver: p.Driver, State: "free"}
	if p.VendorID != "" {
		line.USB = p.VendorID + ":" + p.ProductID
	}
	line.Device = joinWords(p.Manufacturer, p.Product)
	port, err := serial.OpenContext(ctx, p.Path, serial.Config{Baud: listenBauds[0]})
	if err != nil {
		line.State = hardware.FaultOf(err).String()
		line.Hint = serial.Hint(hardware.FaultOf(err))
		return line
	}
	defer port.Close() // nothing was written
	if l.listen > 0 {
		line.Heard = hear(ctx, port, l.listen)
	}
	return line
}

func joinWords(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + " " + b
}

// listenBauds are the speeds of receivers and of small thermometers, the usual one first.
var listenBauds = [...]int{9600, 38400, 115200, 4800}

// hear listens at each speed until something makes sense, and says what it is.
func hear(ctx context.Context, port *serial.Port, each time.Duration) string {
	heard := "silence: no device that talks on its own"
	for _, baud := range listenBauds {
		if err := port.SetBaud(baud); err != nil {
			return err.Error()
		}
		text, bytes, err := hearAt(ctx, port, each)
		switch {
		case err != nil:
			return err.Error()
		case text != "":
			return fmt.Sprintf("%s at %d baud", text, baud)
		case bytes > 0:
			heard = "bytes that make no sense at the usual speeds"
		}
	}
	return heard
}

// hearAt listens at one speed.
func hearAt(ctx context.Context, port *serial.Port, wait time.Duration) (text string, total int, err error) {
	sentences, lines := 0, lineCounter{}
	framer := nmea.NewFramer(func(_ int64, line []byte) {
		if nmea.Checksum(line) == hardware.None {
			sentences++
		}
	}, func(int64, hardware.Fault) {})
	buf := make([]byte, 4096)
	for end := time.Now().Add(wait); time.Now().Before(end) && ctx.Err() == nil; {
		n, err := port.ReadWithin(buf, time.Until(end))
		total += n
		framer.Write(buf[:n])
		lines.write(buf[:n])
		if err != nil && hardware.FaultOf(err) != hardware.Silent {
			return "", total, err
		}
		if sentences >= 2 {
			return "NMEA 0183 sentences", total, nil
		}
	}
	if lines.good > 0 {
		return fmt.Sprintf("lines of text such as %q", lines.last), total, nil
	}
	return "", total, ctx.Err()
}

// lineCounter finds lines of printable text.
type lineCounter struct {
	line  []byte
	begun bool // a line's end was seen, so that the next one is whole
	good  int
	last  string
}

// maxHeard bounds a line of text that is shown.
const maxHeard = 60

func (c *lineCounter) write(p []byte) {
	for _, b := range p {
		switch {
		case b == '\r' || b == '\n':
			if c.begun && len(c.line) > 0 && len(c.line) <= maxHeard {
				c.good++
				c.last = string(c.line)
			}
			c.line, c.begun = c.line[:0], true
		case b < ' ' || b > '~':
			c.line, c.begun = c.line[:0], false
		case len(c.line) <= maxHeard:
			c.line = append(c.line, b)
		}
	}
}

// printPorts prints the table for people.
func printPorts(w io.Writer, lines []portLine, probes []thermometer, listened bool) error {
	if len(lines) == 0 && len(probes) == 0 {
		_, err := fmt.Fprintln(w, "no serial port and no 1-Wire probe: plug a device in; in a container, pass its device through")
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(t, "PORT\tSTATE\tDEVICE\tUSB\tDRIVER\tIN THE CONFIGURATION")
	if listened {
		fmt.Fprint(t, "\tHEARD")
	}
	fmt.Fprintln(t)
	for _, l := range lines {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s", l.Path, l.State, dash(l.Device), dash(l.USB), dash(l.Driver), l.Config)
		if listened {
			fmt.Fprintf(t, "\t%s", dash(l.Heard))
		}
		fmt.Fprintln(t)
	}
	for _, p := range probes {
		fmt.Fprintf(t, "1-Wire\t%s\t%s\t\t%s\t%s\n", "free", p.Model, "w1_therm", p.ID)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, l := range lines {
		if l.Hint != "" {
			if _, err := fmt.Fprintf(w, "%s is %s: %s\n", l.Path, l.State, l.Hint); err != nil {
				return err
			}
		}
	}
	return nil
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
