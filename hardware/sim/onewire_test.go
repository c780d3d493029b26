package sim

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"isotherm/hardware"
)

func newTestBus(t *testing.T, probes ...OneWireProbe) *OneWireBus {
	t.Helper()
	bus, err := NewOneWireBus(probes...)
	if err != nil {
		t.Fatal(err)
	}
	return bus
}

// TestServeOneWire holds what the bridge says, byte by byte, against the examples of the DS2480B's datasheet.
func TestServeOneWire(t *testing.T) {
	bus := newTestBus(t, OneWireProbe{ID: "28-0316a279c4ff", Conversion: time.Nanosecond,
		Temperature: func() hardware.Temperature { return 25_062 }})
	tty, err := OpenPTY()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- ServeOneWire(ctx, tty, bus) }() // ends with ctx
	port, err := os.OpenFile(tty.Path(), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer port.Close()
	steps := []struct{ name, in, out string }{
		{"the first reset has no answer; then parameters are", "\xC1\x3F\x0F", "\x3E\x00"},
		{"reset, presence", "\xC1", "\xCD"},
		{"search: each bit of the ID after a zero that says no other way", "\xE1\xF0\xE3\xB1\xE1" + strings.Repeat("\x00", 16) + "\xE3\xA1",
			"\xF0\x80\x08\xAA\xAA\x20\xA0\x82\x2A\x08\x88\x28\x02\x0A\x00\x0A\x22"},
		{"convert", "\xC1\xE1\xCC\x44\xFF", "\xCD\xCC\x44\xFF"},
		{"back to commands", "\xE3\xC1", "\xCD"},
		{"scratchpad", "\xE1\xCC\xBE" + strings.Repeat("\xFF", 9) + "\xE3", "\xCC\xBE\x91\x01\x4B\x46\x7F\xFF\x0F\x10\x25"},
	}
	for _, s := range steps {
		if _, err := port.WriteString(s.in); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(s.out))
		if _, err := io.ReadFull(port, got); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, []byte(s.out)) {
			t.Errorf("%s: % x, want % x", s.name, got, s.out)
		}
	}
	cancel()
	if err := <-done; err == nil {
		t.Error("ServeOneWire ended without a reason")
	}
}

func TestNewOneWireBus_BadID(t *testing.T) {
	for _, id := range []string{"", "28", "28-0316a279c4f", "28-0316a279c4ffff", "zz-0316a279c4ff"} {
		if _, err := NewOneWireBus(OneWireProbe{ID: id}); err == nil {
			t.Errorf("%q was taken for an ID", id)
		}
	}
}

func TestWriteOneWireFiles(t *testing.T) {
	dir := t.TempDir()
	file := OneWireFile{ID: "28-0316a279c4ff", Temperature: 25_062}
	slave, temperature := filepath.Join(dir, file.ID, "w1_slave"), filepath.Join(dir, file.ID, "temperature")
	read := func(path string) string {
		t.Helper()
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	if err := WriteOneWireFiles(dir, file); err != nil {
		t.Fatal(err)
	}
	if got := read(slave); !strings.HasPrefix(got, "91 01 4b 46 7f ff 0f 10 ") || !strings.Contains(got, " YES\n91 01") || !strings.HasSuffix(got, " t=25062\n") {
		t.Errorf("w1_slave = %q", got)
	}
	if got := read(temperature); got != "25062\n" {
		t.Errorf("temperature = %q", got)
	}
	file.File = OneWireFileRetained
	if err := WriteOneWireFiles(dir, file); err != nil {
		t.Fatal(err)
	}
	if got := read(slave); !strings.Contains(got, " NO\n91 01") || !strings.HasPrefix(got, "95 01") {
		t.Errorf("w1_slave = %q, want a damaged line above an old one", got)
	}
	file.File, file.Fault = OneWireFileWell, OneWireGone
	if err := WriteOneWireFiles(dir, file); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Dir(slave)); !os.IsNotExist(err) {
		t.Errorf("the probe's folder: %v, want it gone", err)
	}
}
