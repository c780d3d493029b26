package modbus

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// FuzzParse holds that an answer is believed only when it is, byte for byte, the one
// answer that carries these values.
func FuzzParse(f *testing.F) {
	req := Request{Address: 7, Function: ReadInput, Register: 1, Count: 2}
	f.Add(good([]byte{7, 4, 0, 1, 0, 2}, 55))
	f.Add(appendCRC([]byte{7, 0x84, 2}))
	f.Add([]byte{})
	f.Add([]byte("raspberrypi login: "))
	f.Fuzz(func(t *testing.T, answer []byte) {
		values, fail := parse(req, answer)
		if fail != nil {
			if values != nil || fail.Fault == 0 {
				t.Errorf("values %v with fault %v", values, fail.Fault)
			}
			return
		}
		frame := []byte{req.Address, byte(req.Function), byte(2 * req.Count)}
		for _, v := range values {
			frame = binary.BigEndian.AppendUint16(frame, v)
		}
		if want := appendCRC(frame); !bytes.Equal(answer, want) {
			t.Errorf("% x was taken for % x", answer, want)
		}
	})
}
