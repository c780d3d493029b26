package ascii

import (
	"strings"
	"testing"
	"time"

	"isotherm/hardware"
)

func TestCustom_Profile(t *testing.T) {
	good := Custom{Pattern: `TEMP=(?P<value>[+-]?[0-9]{1,3}\.[0-9]{2}) (?P<unit>[CF])`, Ask: `READ\r\n`, Unit: "C",
		Words: map[string]string{"NO PROBE": "disconnected"}, Sentinels: map[string]string{"-99.99": "shorted"}}
	p, err := good.Profile()
	if err != nil {
		t.Fatal(err)
	}
	if p.Ask != "READ\r\n" {
		t.Errorf("command %q, want READ with CR LF", p.Ask)
	}
	r, err := NewParser(p, false)
	if err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]hardware.Fault{
		"TEMP=4.20 C": hardware.None, "TEMP=39.56 F": hardware.UnitMismatch, "no probe": hardware.Disconnected, "TEMP=-99.99 C": hardware.Shorted,
		"TEMP=4,20 C": hardware.FieldSyntax, "TEMP=4.2 C": hardware.Truncated, "TEMP=85.00 C": hardware.PowerOnValue,
	} {
		if v := r.Parse([]byte(line)); v.Fault != want {
			t.Errorf("%q: %v, want %v", line, v.Fault, want)
		}
	}
	comma := Custom{Pattern: `(?P<value>-?[0-9]+,[0-9])`, Period: time.Second, Unit: "none", Comma: true}
	if p, err = comma.Profile(); err != nil {
		t.Fatal(err)
	}
	if r, err = NewParser(p, false); err != nil {
		t.Fatal(err)
	}
	if v := r.Parse([]byte("25,3")); v.Temp != 25_300 || v.Fault != hardware.None {
		t.Errorf("decimal comma: %+v, want 25.3 °C", v)
	}
}

func TestCustom_Profile_refuses(t *testing.T) {
	good := Custom{Pattern: `(?P<value>[0-9]+\.[0-9])(?P<unit>[CF])`, Period: time.Second, Unit: "C"}
	if _, err := good.Profile(); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		edit func(c *Custom)
		want string // in the error
	}{
		{"no pattern", func(c *Custom) { c.Pattern = "" }, "pattern"},
		{"broken pattern", func(c *Custom) { c.Pattern = "(" }, "pattern"},
		{"no value", func(c *Custom) { c.Pattern = `[0-9]+(?P<unit>C)` }, "value"},
		{"unknown group", func(c *Custom) { c.Pattern = `(?P<value>[0-9])(?P<unit>C)(?P<temp>x)` }, "temp"},
		{"group twice", func(c *Custom) { c.Pattern = `(?P<value>[0-9])(?P<unit>C)|(?P<value>x)` }, "pattern"},
		{"fits nothing", func(c *Custom) { c.Pattern = `(?P<value>[0-9]*)(?P<unit>C?)` }, "empty"},
		{"very long", func(c *Custom) { c.Pattern += strings.Repeat("x", 400) }, "bytes"},
		{"neither asked nor reporting", func(c *Custom) { c.Period = 0 }, "period"},
		{"asked and reporting", func(c *Custom) { c.Ask = `R\r` }, "period"},
		{"reports once a day", func(c *Custom) { c.Period = 24 * time.Hour }, "period"},
		{"no unit", func(c *Custom) { c.Unit = "" }, "unit"},
		{"unit without a group", func(c *Custom) { c.Pattern = `(?P<value>[0-9])` }, "unit"},
		{"group without a unit", func(c *Custom) { c.Unit = "none" }, "unit"},
		{"checksum without a group", func(c *Custom) { c.Checksum = "xor" }, "sum"},
		{"unknown checksum", func(c *Custom) { c.Checksum = "md5" }, "md5"},
		{"sum without a star", func(c *Custom) { c.Pattern += `(?P<sum>..)`; c.Checksum = "xor" }, "star"},
		{"unknown fault", func(c *Custom) { c.Words = map[string]string{"E1": "broken"} }, "disconnected"},
		{"fault that is none of a thermometer", func(c *Custom) { c.Words = map[string]string{"E1": "no_fix"} }, "no_fix"},
		{"sentinel with an unknown fault", func(c *Custom) { c.Sentinels = map[string]string{"1": "x"} }, "disconnected"},
		{"sentinel that is no number", func(c *Custom) { c.Sentinels = map[string]string{"x": "shorted"} }, "decimal"},
		{"escape", func(c *Custom) { c.Ask, c.Period = `\q`, 0 }, `\q`},
		{"escape cut", func(c *Custom) { c.Ask, c.Period = `\x0`, 0 }, `\x`},
		{"escape alone", func(c *Custom) { c.Ask, c.Period = `R\`, 0 }, "single"},
		{"long command", func(c *Custom) { c.Ask, c.Period = strings.Repeat("R", 65), 0 }, "command"},
		{"places", func(c *Custom) { c.Places = 7 }, "decimals"},
	} {
		c := good
		tt.edit(&c)
		if _, err := c.Profile(); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want one about %q", tt.name, err, tt.want)
		}
	}
}

func TestUnescape(t *testing.T) {
	got, err := unescape(`\x02R,\\\t\r\n`)
	if want := "\x02R,\\\t\r\n"; err != nil || got != want {
		t.Errorf("unescape = %q, %v, want %q", got, err, want)
	}
}
