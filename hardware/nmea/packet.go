package nmea

import "encoding/binary"

// First bytes of the binary protocols that receivers mix into NMEA.
const (
	ubxSync   = 0xB5 // u-blox: B5 62 class id length16 payload ckA ckB
	casicSync = 0xBA // Zhongke: BA CE length16 class id payload checksum32
	rtcmSync  = 0xD3 // RTCM 3: D3 length10 payload crc24
)

// maxPacket bounds how long a false start can hold sentences back. RTCM 3 goes to
// 1029 bytes by definition; a longer u-blox packet is dropped byte by byte instead.
const maxPacket = 1100

type packetVerdict uint8

const (
	packetBad        packetVerdict = 1 // not a packet, whatever its first byte says
	packetUnfinished packetVerdict = 2 // could be one; more bytes will tell
	packetGood       packetVerdict = 3 // whole, and its checksum is right
)

// packet looks for a binary packet at b[0] and returns its length when it is good.
// Only a packet with a right checksum is skipped as a whole: a '$' in its payload is
// then no sentence, and a '$' after a damaged header is not lost.
func packet(b []byte) (int, packetVerdict) {
	if len(b) < 2 {
		return 0, packetUnfinished
	}
	var header, trailer int
	switch {
	case b[0] == ubxSync && b[1] == 0x62:
		header, trailer = 6, 2
	case b[0] == casicSync && b[1] == 0xCE:
		header, trailer = 6, 4
	case b[0] == rtcmSync && b[1]&0xFC == 0:
		header, trailer = 3, 3
	default:
		return 0, packetBad
	}
	if len(b) < header {
		return 0, packetUnfinished
	}
	size := header + payloadLength(b) + trailer
	if size > maxPacket {
		return 0, packetBad
	}
	if len(b) < size {
		return 0, packetUnfinished
	}
	if !packetChecks(b[:size], header, trailer) {
		return 0, packetBad
	}
	return size, packetGood
}

func payloadLength(b []byte) int {
	switch b[0] {
	case ubxSync:
		return int(binary.LittleEndian.Uint16(b[4:]))
	case casicSync:
		return int(binary.LittleEndian.Uint16(b[2:]))
	default:
		return int(binary.BigEndian.Uint16(b[1:]) & 0x3FF)
	}
}

func packetChecks(p []byte, header, trailer int) bool {
	body, sum := p[:len(p)-trailer], p[len(p)-trailer:]
	switch p[0] {
	case ubxSync:
		var a, b byte // Fletcher-8 over class, id, length and payload
		for _, c := range body[2:] {
			a += c
			b += a
		}
		return sum[0] == a && sum[1] == b
	case casicSync:
		// Sum of the payload's 32-bit words, on top of id, class and length.
		if (len(body)-header)%4 != 0 {
			return false
		}
		want := uint32(p[5])<<24 + uint32(p[4])<<16 + uint32(binary.LittleEndian.Uint16(p[2:]))
		for i := header; i < len(body); i += 4 {
			want += binary.LittleEndian.Uint32(body[i:])
		}
		return binary.LittleEndian.Uint32(sum) == want
	default:
		return crc24q(body) == uint32(sum[0])<<16|uint32(sum[1])<<8|uint32(sum[2])
	}
}

// crc24q is the checksum of RTCM 3: polynomial 0x1864CFB, start value zero.
func crc24q(p []byte) uint32 {
	var crc uint32
	for _, c := range p {
		crc ^= uint32(c) << 16
		for range 8 {
			crc <<= 1
			if crc&0x1000000 != 0 {
				crc ^= 0x1864CFB
			}
		}
	}
	return crc
}
