package sim

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"isotherm/hardware"
)

// OneWireFileFault is what the kernel's files of one probe show.
type OneWireFileFault uint8

// What the files can show. Faults of the probe itself are OneWireFile's Fault.
const (
	OneWireFileWell     OneWireFileFault = 0
	OneWireFileRetained OneWireFileFault = 1 // the newest answer was damaged: "NO", and an older value below
	OneWireFileEmpty    OneWireFileFault = 2 // the probe did not answer the kernel at all
	OneWireFileCut      OneWireFileFault = 3 // the text ends in its first line
)

// OneWireFile is one probe as the kernel's w1 driver shows it.
type OneWireFile struct {
	ID          string
	Temperature hardware.Temperature
	Fault       OneWireFault     // of the probe; OneWireGone: its folder is taken away
	File        OneWireFileFault // of the answer
}

// WriteOneWireFiles makes dir look like /sys/bus/w1/devices with these probes, and may be called again with new values: a
// reader finds an old file or a new one, never half of one. Probes that are not named any more stay. The error says
// which file could not be written.
func WriteOneWireFiles(dir string, probes ...OneWireFile) error {
	if err := os.MkdirAll(filepath.Join(dir, "w1_bus_master1"), 0o755); err != nil {
		return fmt.Errorf("simulate kernel's 1-Wire files: %w", err)
	}
	for _, p := range probes {
		if err := p.write(dir); err != nil {
			return fmt.Errorf("simulate kernel's 1-Wire files of %s: %w", p.ID, err)
		}
	}
	return nil
}

func (p OneWireFile) write(dir string) error {
	d, err := newOneWireDevice(OneWireProbe{ID: p.ID})
	if err != nil {
		return err
	}
	folder := filepath.Join(dir, p.ID)
	if p.Fault == OneWireGone || p.Fault == OneWireIDChanged {
		if err := os.RemoveAll(folder); err != nil || p.Fault == OneWireGone {
			return err
		}
		d.fault = p.Fault
		rom := d.id()
		folder = filepath.Join(dir, fmt.Sprintf("%02x-%02x%02x%02x%02x%02x%02x", rom[0], rom[6], rom[5], rom[4], rom[3], rom[2], rom[1]))
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	d.latch(p.Temperature)
	d.fault = p.Fault
	slave, temperature := d.files(p)
	return errors.Join(replaceFile(filepath.Join(folder, "w1_slave"), slave),
		replaceFile(filepath.Join(folder, "temperature"), temperature))
}

// files gives the texts of w1_slave and temperature.
func (d *oneWireDevice) files(p OneWireFile) (slave, temperature string) {
	sent := d.scratchpad()
	raw := int(int16(uint16(sent[0]) | uint16(sent[1])<<8))
	milli := raw * 1000 / 16
	if d.rom[0] == 0x10 && sent[7] != 0 {
		milli = raw>>1*1000 - 250 + 1000*(int(sent[7])-int(sent[6]))/int(sent[7])
	}
	crc, good := oneWireCRC(sent[:8]), "NO"
	if crc == sent[8] && p.File != OneWireFileRetained {
		good = "YES"
	}
	shown := sent
	if p.File == OneWireFileRetained {
		damaged := append([]byte(nil), sent...)
		damaged[0] ^= 0x04
		crc, sent = oneWireCRC(damaged[:8]), damaged
	}
	first := hexBytes(sent) + fmt.Sprintf(": crc=%02x %s\n", crc, good)
	second := hexBytes(shown) + fmt.Sprintf("t=%d\n", milli)
	switch p.File {
	case OneWireFileEmpty:
		return "", ""
	case OneWireFileCut:
		return first[:len(first)/2], ""
	}
	return first + second, fmt.Sprintf("%d\n", milli)
}

func hexBytes(p []byte) string {
	var b strings.Builder
	for _, c := range p {
		fmt.Fprintf(&b, "%02x ", c)
	}
	return b.String()
}

// replaceFile writes a file beside the old one and puts it in its place.
func replaceFile(path, text string) error {
	if err := os.WriteFile(path+".new", []byte(text), 0o644); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
