package trackerd

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"isotherm/hardware/onewire"
	"isotherm/hardware/serial"
	"isotherm/hardware/sim"
)

// fakeHost is a machine with one USB adapter, whose port is line, and a 1-Wire probe of the kernel's.
func fakeHost(t *testing.T, line *sim.PTY) (serial.Host, onewire.Kernel) {
	t.Helper()
	root := t.TempDir()
	h := serial.Host{Dev: filepath.Join(root, "dev"), Sys: filepath.Join(root, "sys")}
	usb := filepath.Join(h.Sys, "devices", "usb1", "1-1")
	for _, dir := range []string{h.Dev, filepath.Join(usb, "1-1:1.0", "ttyUSB0"), filepath.Join(h.Sys, "class", "tty", "ttyUSB0"), filepath.Join(root, "w1", "28-0316a279c4ff")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{"idVendor": "0403", "idProduct": "6001", "serial": "A10K2X5B", "manufacturer": "FTDI", "product": "FT232R USB UART"} {
		if err := os.WriteFile(filepath.Join(usb, name), []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range map[string]string{
		filepath.Join(h.Sys, "class", "tty", "ttyUSB0", "device"): filepath.Join(usb, "1-1:1.0", "ttyUSB0"),
		filepath.Join(h.Dev, "ttyUSB0"):                           line.Path(),
	} {
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
	}
	return h, onewire.Kernel{Root: filepath.Join(root, "w1")}
}

func openLine(t *testing.T) *sim.PTY {
	t.Helper()
	line, err := sim.OpenPTY()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = line.Close() })
	return line
}

func TestListing_run(t *testing.T) {
	line := openLine(t)
	host, w1 := fakeHost(t, line)
	var out bytes.Buffer
	l := listing{json: true, host: host, w1: w1}
	if err := l.run(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Ports []portLine
		W1    []thermometer
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil || len(got.Ports) != 1 || len(got.W1) != 1 {
		t.Fatalf("got %v, %s", err, out.String())
	}
	if p := got.Ports[0]; p.USB != "0403:6001" || p.Device != "FTDI FT232R USB UART" || p.Config != "usb:0403:6001:A10K2X5B" || p.State != "free" {
		t.Errorf("port: got %+v", p)
	}
	if got.W1[0].ID != "28-0316a279c4ff" || got.W1[0].Model != "ds18b20" {
		t.Errorf("1-Wire: got %+v", got.W1[0])
	}
	holder, err := serial.Open(line.Path(), serial.Config{Baud: 9600})
	if err != nil {
		t.Fatal(err)
	}
	defer holder.Close()
	out.Reset()
	l.json = false
	if err := l.run(t.Context(), &out); err != nil || !strings.Contains(out.String(), "busy") || !strings.Contains(out.String(), "stop the other program") {
		t.Errorf("port that another program holds: got %v\n%s", err, out.String())
	}
}

func TestListing_empty(t *testing.T) {
	var out bytes.Buffer
	l := listing{host: serial.Host{Dev: t.TempDir(), Sys: t.TempDir()}, w1: onewire.Kernel{Root: t.TempDir()}}
	if err := l.run(t.Context(), &out); err != nil || !strings.Contains(out.String(), "plug a device in") {
		t.Errorf("got %v\n%s", err, out.String())
	}
}

// TestHear has a device say the same over and over, as one that talks on its own does.
func TestHear(t *testing.T) {
	for _, tt := range []struct{ name, says, want string }{
		{"receiver", "$GPRMC,081836,V,,,,,,,130998,,,N*5D\r\n", "NMEA 0183 sentences at 9600 baud"},
		{"thermometer", "+025.3C\r", `lines of text such as "+025.3C" at 9600 baud`},
		{"noise", "\xff\x80\x00\xfe\x81", "bytes that make no sense at the usual speeds"},
		{"nothing", "", "silence: no device that talks on its own"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			line := openLine(t)
			port, err := serial.Open(line.Path(), serial.Config{Baud: 9600})
			if err != nil {
				t.Fatal(err)
			}
			defer port.Close()
			done := make(chan struct{})
			go func() { // ends when the line is closed
				defer close(done)
				again := time.NewTicker(5 * time.Millisecond)
				defer again.Stop()
				for range again.C {
					if _, err := line.Write([]byte(tt.says)); err != nil || tt.says == "" {
						return
					}
				}
			}()
			if got := hear(t.Context(), port, 100*time.Millisecond); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			_ = line.Close()
			<-done
		})
	}
}
