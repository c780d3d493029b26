package modbus

// crc16 is the checksum of Modbus RTU: polynomial 0xA001 (reflected 0x8005), start
// value 0xFFFF; it goes on the line low byte first. Source: "MODBUS over Serial Line",
// V1.02, 6.2.2.
func crc16(p []byte) uint16 {
	crc := uint16(0xFFFF)
	for _, b := range p {
		crc ^= uint16(b)
		for range 8 {
			if crc&1 != 0 {
				crc = crc>>1 ^ 0xA001
			} else {
				crc >>= 1
			}
		}
	}
	return crc
}

// appendCRC appends the checksum of p to p.
func appendCRC(p []byte) []byte {
	crc := crc16(p)
	return append(p, byte(crc), byte(crc>>8))
}

// crcGood reports whether p ends in the checksum of the rest.
func crcGood(p []byte) bool {
	return len(p) > 2 && crc16(p[:len(p)-2]) == uint16(p[len(p)-2])|uint16(p[len(p)-1])<<8
}
