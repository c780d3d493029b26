package custody

import "isotherm/ledger/cbor"

func (p Position) append(b []byte) []byte {
	b = cbor.AppendInt(cbor.AppendArray(b, 2), int64(p.LatE7))
	return cbor.AppendInt(b, int64(p.LonE7))
}

func parsePosition(d *cbor.Decoder) Position {
	d.ArrayOf(2)
	return Position{LatE7: d.Int32(), LonE7: d.Int32()}
}

func appendLegs(b []byte, legs []Leg) []byte {
	b = cbor.AppendArray(b, len(legs))
	for _, l := range legs {
		b = cbor.AppendText(cbor.AppendText(cbor.AppendArray(b, 8), l.From), l.To)
		b = cbor.AppendUint(b, uint64(l.Mode))
		b = cbor.AppendInt(cbor.AppendInt(b, l.DepartMS), l.ArriveMS)
		b = l.End.append(l.Start.append(b))
		b = cbor.AppendUint(b, uint64(l.RadiusM))
	}
	return b
}

func parseLegs(d *cbor.Decoder) []Leg {
	var out []Leg
	for range d.Array(maxLegs) {
		d.ArrayOf(8)
		out = append(out, Leg{From: d.Text(maxText), To: d.Text(maxText), Mode: Mode(d.UintMax(255)), DepartMS: d.Int(), ArriveMS: d.Int(),
			Start: parsePosition(d), End: parsePosition(d), RadiusM: uint32(d.UintMax(1<<32 - 1))})
	}
	return out
}
