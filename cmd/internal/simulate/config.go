package simulate

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"isotherm/hardware/modbus"
	"isotherm/hardware/sim"
)

// ConfigFile is the name, among the devices' paths, of a configuration for trackerd that opens them.
const ConfigFile = "trackerd.toml"

// Config is a configuration for trackerd that opens the plan's devices below dir: it records there, and has no ledger.
// Epoch is the real time of the clock's zero, local the address of the box's own page. A box has one receiver and one battery: further ones are left out.
func (p *Plan) Config(dir string, local string, start, epoch time.Time) []byte {
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format, args...) }
	say("# A box with the devices of isotherm sim. Without a ledger it only records.\ndata_dir = %q\n", filepath.Join(dir, "data"))
	say("local_addr = %q  # its own page\n", local)
	if p.Rate > 1 {
		say("\n[clock]\nrate = %d\nstart = %s\nepoch = %s\n", p.Rate, start.UTC().Format(time.RFC3339), epoch.UTC().Format(time.RFC3339Nano))
	}
	port := func(l *line) {
		say("path = %q\nbaud = %d\n", filepath.Join(dir, l.Name), l.baud())
	}
	for i := range p.GNSS[:min(len(p.GNSS), 1)] {
		say("\n[gnss]\n")
		port(&p.GNSS[i].line)
		if p.Rate > 1 {
			say("fix_max_age = %q\n", (time.Duration(p.Rate) * 10 * time.Second).String()) // ten seconds of those that watch
		}
	}
	for i := range p.Battery[:min(len(p.Battery), 1)] {
		say("\n[battery]\ndriver = \"megatec\"\n")
		port(&p.Battery[i].line)
	}
	for i := range p.Handling {
		say("\n[[handling]]\ndriver = \"xdr\"\n")
		port(&p.Handling[i].line)
	}
	probe := func(l *line, s *sense, driver, format string, args ...any) {
		say("\n[[probe]]\ndriver = %q\nplace = %q\n", driver, s.place())
		port(l)
		say(format, args...)
	}
	for i := range p.Modbus {
		for _, x := range p.Modbus[i].Probe {
			preset := x.Preset
			if preset == "" {
				preset = modbus.XYMD02
			}
			probe(&p.Modbus[i].line, &x.sense, "modbus", "preset = %q\naddress = %d\n", preset, x.Address)
			if x.Register != 0 {
				say("register = %d\n", x.Register)
			}
		}
	}
	for i := range p.OneWire {
		for _, x := range p.OneWire[i].Probe {
			probe(&p.OneWire[i].line, &x.sense, "onewire", "id = %q\n", x.ID)
		}
	}
	for i := range p.Text {
		x := &p.Text[i]
		probe(&x.line, &x.sense, "ascii", "preset = %q\n", x.Form)
		if x.Form == sim.TextADAM {
			say("address = 1\n")
		}
	}
	return []byte(b.String())
}

// place is where a box that is configured so takes the thermometer to be.
func (s *sense) place() string {
	if s.Measures == "air" || s.Celsius != nil {
		return "box"
	}
	return "organ"
}
