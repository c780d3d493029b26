package batch

import (
	"encoding/binary"
	"errors"
	"fmt"

	"isotherm/ledger/record"
)

// maxShapes bounds the table of shapes. A box with 16 probes that all fail at random is still carried: what finds no
// place in the table travels as it is.
const maxShapes = 64

// Flags of a shape.
const (
	shapeFix      = 0x01
	shapeFixFault = 0x02
)

// shape says which fields a reading has: the batch holds a table of the shapes in it, and every record the number of
// its shape. Samples are probe number << 1, plus 1 for a fault in place of a temperature.
type shape struct {
	flags   byte
	samples [record.MaxProbes]uint16
	n       int
}

func shapeOf(r *record.Reading) shape {
	s := shape{n: len(r.Samples)}
	if r.Fix != nil {
		s.flags |= shapeFix
	}
	if r.FixFault != 0 {
		s.flags |= shapeFixFault
	}
	for i, sample := range r.Samples {
		s.samples[i] = uint16(sample.Probe) << 1
		if sample.Fault != 0 {
			s.samples[i] |= 1
		}
	}
	return s
}

// fitsColumns tells whether a record is a reading whose fields the columns hold.
func fitsColumns(r *record.Record, seq uint64) bool {
	return r.Kind == record.KindReading && r.Reading != nil && r.Seq == seq && len(r.Reading.Samples) <= record.MaxProbes
}

// columns are the fields of the readings of a batch, in record order. A slot is a place in the list of samples.
type columns struct {
	mono, offset, quality        []int64 // offset is wall time less monotonic time: it hardly moves
	temps, faults                [record.MaxProbes][]int64
	lat, lon, fix, sats, dop, ag []int64
	fixFault                     []int64
}

func (c *columns) add(r *record.Record) {
	c.mono = append(c.mono, int64(r.At.MonoMS))
	c.offset = append(c.offset, r.At.WallMS-int64(r.At.MonoMS))
	c.quality = append(c.quality, int64(r.At.Quality))
	for i, s := range r.Reading.Samples {
		if s.Fault != 0 {
			c.faults[i] = append(c.faults[i], int64(s.Fault))
		} else {
			c.temps[i] = append(c.temps[i], int64(s.TempMC))
		}
	}
	if f := r.Reading.Fix; f != nil {
		c.lat = append(c.lat, int64(f.LatE7))
		c.lon = append(c.lon, int64(f.LonE7))
		c.fix = append(c.fix, int64(f.Quality))
		c.sats = append(c.sats, int64(f.Satellites))
		c.dop = append(c.dop, int64(f.HDOPx100))
		c.ag = append(c.ag, int64(f.AgeMS))
	}
	if r.Reading.FixFault != 0 {
		c.fixFault = append(c.fixFault, int64(r.Reading.FixFault))
	}
}

// appendBody writes rows[i] into columns, or records[i] as it is where there is no row.
func appendBody(b []byte, rows []*record.Record, records [][]byte) []byte {
	table := map[shape]int64{}
	var shapes []shape
	numbers := make([]int64, len(rows)) // 0: as it is; k: the k-th shape
	var cols columns
	var lengths []int64
	var loose []byte
	for i, r := range rows {
		if r != nil {
			s := shapeOf(r.Reading)
			if _, known := table[s]; !known && len(shapes) < maxShapes {
				shapes = append(shapes, s)
				table[s] = int64(len(shapes))
			}
			numbers[i] = table[s]
		}
		if numbers[i] == 0 {
			lengths = append(lengths, int64(len(records[i])))
			loose = append(loose, records[i]...)
			continue
		}
		cols.add(r)
	}
	b = append(b, byte(len(shapes)))
	for _, s := range shapes {
		b = append(b, s.flags, byte(s.n))
		for _, sample := range s.samples[:s.n] {
			b = binary.AppendUvarint(b, uint64(sample))
		}
	}
	for _, column := range append([][]int64{numbers}, cols.list()...) {
		b = appendColumn(b, column)
	}
	b = appendColumn(b, lengths)
	return append(b, loose...)
}

// list returns the columns in the order of the format.
func (c *columns) list() [][]int64 {
	list := [][]int64{c.mono, c.offset, c.quality}
	for i := range c.temps {
		list = append(list, c.temps[i], c.faults[i])
	}
	return append(list, c.lat, c.lon, c.fix, c.sats, c.dop, c.ag, c.fixFault)
}

var (
	errShape = errors.New("table of shapes is malformed")
	errValue = errors.New("value does not fit its field")
)

func (r *reader) shapes() []shape {
	n := int(r.byte())
	if n > maxShapes || 2*n > len(r.b) {
		r.fail(errShape)
		return nil
	}
	shapes := make([]shape, n)
	for i := range shapes {
		s := &shapes[i]
		s.flags, s.n = r.byte(), int(r.byte())
		if s.flags&^(shapeFix|shapeFixFault) != 0 || s.n > record.MaxProbes {
			r.fail(errShape)
			return nil
		}
		for j := range s.n {
			v := r.uvarint()
			if v > 511 {
				r.fail(errShape)
				return nil
			}
			s.samples[j] = uint16(v)
		}
	}
	return shapes
}

// columns reads the columns; their lengths follow from the shapes.
func (r *reader) columns(numbers []int64, shapes []shape) (c columns, loose int) {
	counts := make([]int, len(shapes)+1)
	for _, k := range numbers {
		if k < 0 || k > int64(len(shapes)) {
			r.fail(errShape)
			return c, 0
		}
		counts[k]++
	}
	var temps, faults [record.MaxProbes]int
	fixes, fixFaults := 0, 0
	for k, s := range shapes {
		n := counts[k+1]
		for i, sample := range s.samples[:s.n] {
			if sample&1 != 0 {
				faults[i] += n
			} else {
				temps[i] += n
			}
		}
		if s.flags&shapeFix != 0 {
			fixes += n
		}
		if s.flags&shapeFixFault != 0 {
			fixFaults += n
		}
	}
	readings := len(numbers) - counts[0]
	c.mono, c.offset, c.quality = r.column(readings), r.column(readings), r.column(readings)
	for i := range temps {
		c.temps[i], c.faults[i] = r.column(temps[i]), r.column(faults[i])
	}
	c.lat, c.lon, c.fix = r.column(fixes), r.column(fixes), r.column(fixes)
	c.sats, c.dop, c.ag = r.column(fixes), r.column(fixes), r.column(fixes)
	c.fixFault = r.column(fixFaults)
	return c, counts[0]
}

// rebuild returns the canonical bytes of every record of a body. They share one buffer.
func rebuild(body []byte, from uint64, n int) ([][]byte, error) {
	r := &reader{b: body}
	shapes := r.shapes()
	numbers := r.column(n)
	cols, loose := r.columns(numbers, shapes)
	lengths := r.column(loose)
	if r.err != nil {
		return nil, r.err
	}
	w := rowWriter{shapes: shapes, cols: cols, lengths: lengths, loose: r.b}
	w.out = make([]byte, 0, len(r.b)+(n-loose)*guessRow)
	ends := make([]int, n)
	for i, k := range numbers {
		if err := w.row(from+uint64(i), k); err != nil {
			return nil, fmt.Errorf("record %d: %w", from+uint64(i), err)
		}
		ends[i] = len(w.out)
	}
	if len(w.loose) != 0 {
		return nil, errors.New("bytes are left over after the last record")
	}
	records := make([][]byte, n)
	start := 0
	for i, end := range ends {
		records[i] = w.out[start:end:end]
		start = end
	}
	return records, nil
}

// guessRow is about what a reading with three probes and a fix takes in canonical form.
const guessRow = 96

// rowWriter writes one record after another from the heads of the columns.
type rowWriter struct {
	shapes  []shape
	cols    columns
	lengths []int64
	loose   []byte
	out     []byte
	samples [record.MaxProbes]record.Sample
	reading record.Reading
	fix     record.Fix
	bad     bool // a value did not fit its field
}

func (w *rowWriter) row(seq uint64, number int64) error {
	if number == 0 {
		n := w.lengths[0]
		w.lengths = w.lengths[1:]
		if n <= 0 || n > record.MaxSize || n > int64(len(w.loose)) {
			return errValue
		}
		w.out = append(w.out, w.loose[:n]...)
		w.loose = w.loose[n:]
		return nil
	}
	s := &w.shapes[number-1]
	c := &w.cols
	mono := pop(&c.mono)
	rec := record.Record{Seq: seq, Kind: record.KindReading, Reading: &w.reading}
	rec.At = record.Stamp{MonoMS: uint64(mono), WallMS: mono + pop(&c.offset), Quality: record.ClockQuality(w.uint(&c.quality, 255))}
	w.reading = record.Reading{Samples: w.samples[:s.n]}
	for i, sample := range s.samples[:s.n] {
		w.samples[i] = record.Sample{Probe: uint8(sample >> 1)}
		if sample&1 == 0 {
			w.samples[i].TempMC = w.int32(&c.temps[i])
			continue
		}
		w.samples[i].Fault = record.Fault(w.uint(&c.faults[i], 1<<16-1))
		w.bad = w.bad || w.samples[i].Fault == 0
	}
	if s.flags&shapeFix != 0 {
		w.fix = record.Fix{LatE7: w.int32(&c.lat), LonE7: w.int32(&c.lon), Quality: uint8(w.uint(&c.fix, 255)),
			Satellites: uint8(w.uint(&c.sats, 255)), HDOPx100: uint16(w.uint(&c.dop, 1<<16-1)), AgeMS: uint32(w.uint(&c.ag, 1<<32-1))}
		w.reading.Fix = &w.fix
	}
	if s.flags&shapeFixFault != 0 {
		w.reading.FixFault = record.Fault(w.uint(&c.fixFault, 1<<16-1))
		w.bad = w.bad || w.reading.FixFault == 0
	}
	if w.bad {
		return errValue
	}
	out, err := rec.Append(w.out)
	w.out = out
	return err
}

func pop(column *[]int64) int64 {
	v := (*column)[0]
	*column = (*column)[1:]
	return v
}

func (w *rowWriter) uint(column *[]int64, limit int64) int64 {
	v := pop(column)
	w.bad = w.bad || v < 0 || v > limit
	return v
}

func (w *rowWriter) int32(column *[]int64) int32 {
	v := pop(column)
	w.bad = w.bad || int64(int32(v)) != v
	return int32(v)
}
