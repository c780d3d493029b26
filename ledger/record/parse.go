package record

import (
	"bytes"
	"errors"
	"fmt"

	"isotherm/ledger/cbor"
)

// Limits of one record. They bound what a hostile journal can make a reader hold.
const (
	MaxProbes = 16  // probes of a box
	MaxPoints = 16  // points of a probe's calibration: laboratories give three to ten
	maxText   = 256 // bytes of any text in a record
)

// Parse reads a record's canonical bytes strictly: writing the result again gives the same bytes, or Parse fails.
func Parse(b []byte) (*Record, error) {
	if len(b) > MaxSize {
		return nil, fmt.Errorf("record of %d bytes, at most %d are allowed", len(b), MaxSize)
	}
	d := cbor.NewDecoder(b)
	var r Record
	d.Map(6, func(key uint64) bool {
		switch key {
		case 1:
			r.Kind = Kind(d.UintMax(1<<16 - 1))
		case 2:
			r.Seq = d.Uint()
		case 3:
			r.At.MonoMS = d.Uint()
		case 4:
			r.At.WallMS = d.Int()
		case 5:
			r.At.Quality = ClockQuality(d.UintMax(255))
		case 6:
			r.parseBody(d)
		default:
			return false
		}
		return true
	})
	if err := d.Done(); err != nil {
		return nil, fmt.Errorf("read record: %w", err)
	}
	again, err := r.Append(make([]byte, 0, len(b)))
	if err != nil {
		return nil, fmt.Errorf("read record: %w", err)
	}
	if !bytes.Equal(again, b) {
		return nil, errors.New("read record: not in canonical form")
	}
	return &r, nil
}

func (r *Record) parseBody(d *cbor.Decoder) {
	switch r.Kind {
	case KindBoot:
		r.Boot = parseBoot(d)
	case KindReading:
		r.Reading = parseReading(d)
	case KindGap:
		d.ArrayOf(3)
		r.Gap = &Gap{Reason: GapReason(d.UintMax(255)), FromMono: d.Uint(), ToMono: d.Uint()}
	case KindExcursionOpened, KindExcursionClosed:
		d.ArrayOf(5)
		r.Excursion = &Excursion{Rule: d.Text(maxText), Probe: uint8(d.UintMax(255)), BeganMono: d.Uint(), EndedMono: d.Uint(), ExtremeMC: d.Int32()}
	case KindAct:
		r.Act = &Act{Bytes: d.Bytes(MaxSize)}
	case KindProbeChange:
		d.ArrayOf(2)
		r.Probe = &ProbeChange{Probe: uint8(d.UintMax(255)), Fault: Fault(d.UintMax(1<<16 - 1))}
	case KindOutput:
		d.ArrayOf(2)
		r.Output = &Output{Name: d.Text(maxText), On: d.Bool()}
	case KindShutdown:
		r.Shutdown = &Shutdown{Reason: d.Text(maxText)}
	case KindDevice:
		r.Device = parseDevice(d)
	case KindHandling:
		r.Handling = parseHandling(d)
	case KindBattery:
		r.Battery = parseBattery(d)
	default:
		r.Unknown = d.Raw()
	}
}

func parseReading(d *cbor.Decoder) *Reading {
	var r Reading
	d.Map(3, func(key uint64) bool {
		switch key {
		case 1:
			for range d.Array(MaxProbes) {
				r.Samples = append(r.Samples, parseSample(d))
			}
		case 2:
			d.ArrayOf(6)
			r.Fix = &Fix{LatE7: d.Int32(), LonE7: d.Int32(), Quality: uint8(d.UintMax(255)), Satellites: uint8(d.UintMax(255)),
				HDOPx100: uint16(d.UintMax(1<<16 - 1)), AgeMS: uint32(d.UintMax(1<<32 - 1))}
		case 3:
			r.FixFault = Fault(d.UintMax(1<<16 - 1))
		default:
			return false
		}
		return true
	})
	return &r
}

func parseSample(d *cbor.Decoder) Sample {
	n := d.Array(3)
	s := Sample{Probe: uint8(d.UintMax(255)), Fault: Fault(d.UintMax(1<<16 - 1))}
	if n == 3 {
		s.TempMC = d.Int32()
	}
	if d.Err() == nil && (n < 2 || (n == 3) != (s.Fault == 0)) {
		d.Fail(errors.New("sample has both a fault and a temperature, or neither"))
	}
	return s
}

func parseBoot(d *cbor.Decoder) *Boot {
	var b Boot
	d.Map(8, func(key uint64) bool {
		switch key {
		case 1:
			b.Key = d.Bytes(64)
		case 2:
			d.Fixed(b.Incarnation[:])
		case 3:
			d.Fixed(b.BootID[:])
		case 4:
			b.BootCount = d.Uint()
		case 5:
			b.Software = d.Text(maxText)
		case 6:
			for range d.Array(MaxProbes) {
				d.ArrayOf(8)
				b.Probes = append(b.Probes, Probe{Number: uint8(d.UintMax(255)), Place: d.Text(maxText), Model: d.Text(maxText),
					Certificate: d.Text(maxText), UntilMS: d.Int(), ErrorMC: uint32(d.UintMax(1<<32 - 1)), IssuedMS: d.Int(), Points: parsePoints(d)})
			}
		case 7:
			b.SampleMS = uint32(d.UintMax(1<<32 - 1))
		case 8:
			b.Predecessor = &Predecessor{}
			d.ArrayOf(3)
			d.Fixed(b.Predecessor.Incarnation[:])
			b.Predecessor.Size = int64(d.UintMax(1<<62 - 1))
			d.Fixed(b.Predecessor.Root[:])
		default:
			return false
		}
		return true
	})
	return &b
}
