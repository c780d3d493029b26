package onewire

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// ID is the 64-bit number that the factory writes into each 1-Wire device, in the order of the bus: family, six bytes of
// serial number with the lowest first, CRC-8. Source: DS18B20 datasheet, figure 8.
type ID [8]byte

// Families of thermometers. Sources: the datasheets of DS18S20, DS1822, DS18B20.
const (
	familyDS18S20 = 0x10
	familyDS1822  = 0x22
	familyDS18B20 = 0x28
)

// ParseID reads an ID in the kernel's form: two hex digits of the family, a dash, twelve of the serial number with the
// highest byte first, "28-0316a279c4ff". The error says what is wrong with it, and how to write it.
func ParseID(text string) (ID, error) {
	family, serialNumber, ok := strings.Cut(text, "-")
	if !ok || len(family) != 2 || len(serialNumber) != 12 {
		return ID{}, badID(text)
	}
	b, err := hex.DecodeString(family + serialNumber)
	if err != nil {
		return ID{}, badID(text)
	}
	id := ID{b[0], b[6], b[5], b[4], b[3], b[2], b[1]}
	id[7] = crc8(id[:7])
	return id, nil
}

// badID knows the two other ways of writing an ID that people copy from elsewhere: OWFS's "28.FFC479A21603" has the
// serial number in the order of the bus, and some print all eight bytes in that order.
func badID(text string) error {
	plain := strings.ReplaceAll(strings.ReplaceAll(text, ".", ""), "-", "")
	b, err := hex.DecodeString(plain)
	if err == nil && (len(b) == 7 || len(b) == 8) && !strings.Contains(text, "-") {
		id := ID{b[0], b[1], b[2], b[3], b[4], b[5], b[6]}
		id[7] = crc8(id[:7])
		if len(b) == 7 || b[7] == id[7] {
			return fmt.Errorf("1-Wire ID %q: write it as the kernel does, %q", text, id)
		}
	}
	return fmt.Errorf("1-Wire ID %q: want two hex digits, a dash, twelve hex digits, as in 28-0316a279c4ff", text)
}

// String gives the kernel's form.
func (id ID) String() string {
	return fmt.Sprintf("%02x-%02x%02x%02x%02x%02x%02x", id[0], id[6], id[5], id[4], id[3], id[2], id[1])
}

// Model names the kind of device, "" for one that this package can't read.
func (id ID) Model() string {
	switch id[0] {
	case familyDS18S20:
		return "ds18s20"
	case familyDS1822:
		return "ds1822"
	case familyDS18B20:
		return "ds18b20"
	}
	return ""
}

// thermometer refuses families whose scratchpads this package does not know.
func (id ID) thermometer() error {
	if id.Model() == "" {
		return fmt.Errorf("1-Wire device %s: family %02x is not a thermometer that is known here (10 DS18S20, 22 DS1822, 28 DS18B20)",
			id, id[0])
	}
	return nil
}

var errZeroID = errors.New("an ID of zeros")

// check tells a real ID from what a bus in trouble reads as: zeros have a good checksum.
func (id ID) check() error {
	if id[0] == 0 {
		return errZeroID
	}
	if crc8(id[:7]) != id[7] {
		return fmt.Errorf("the ID % x has a wrong checksum", id[:])
	}
	return nil
}

// crc8 is the checksum of 1-Wire devices: x^8 + x^5 + x^4 + 1, reflected (0x8C), start value 0. Source: Maxim
// application note 27.
func crc8(p []byte) byte {
	var crc byte
	for _, b := range p {
		crc ^= b
		for range 8 {
			if crc&1 != 0 {
				crc = crc>>1 ^ 0x8C
			} else {
				crc >>= 1
			}
		}
	}
	return crc
}
