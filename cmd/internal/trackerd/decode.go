package trackerd

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"isotherm/hardware"
	"isotherm/hardware/gnss"
)

const (
	decodeChunk = 32 << 10 // read at once
	// decodeHeld bounds what waits for the moment before it to be complete. It takes thousands of bad sentences between
	// two good ones of the same moment to reach it; the moment then comes after them.
	decodeHeld = 4096
)

// decode writes what the box makes of the receiver's stream in path ("-": in) to out, one JSON object a line, in the
// order of the stream. It needs little memory however long the stream is, and writes as it reads.
func decode(ctx context.Context, path string, in io.Reader, out io.Writer) error {
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return fmt.Errorf("open capture: %w", err)
		}
		defer file.Close() // only read
		in = file
	}
	buffered := bufio.NewWriter(out)
	d := newDecoding(json.NewEncoder(buffered))
	err := readChunks(ctx, in, func(chunk []byte) error {
		d.write(chunk)
		return errors.Join(d.err, buffered.Flush())
	})
	if err != nil {
		return fmt.Errorf("decode %s: %w", path, err)
	}
	d.close()
	if err := errors.Join(d.err, buffered.Flush()); err != nil {
		return fmt.Errorf("decode %s: %w", path, err)
	}
	return nil
}

// readChunks hands all of in to take, until its end, an error, or the end of ctx. A read that waits for a terminal or a
// pipe does not keep it from returning; its goroutine then ends with the next byte, or with the program.
func readChunks(ctx context.Context, in io.Reader, take func([]byte) error) error {
	type result struct {
		chunk []byte
		err   error
	}
	results := make(chan result)
	go func() {
		for {
			buf := make([]byte, decodeChunk)
			n, err := in.Read(buf)
			select {
			case results <- result{buf[:n], err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	for {
		select {
		case r := <-results:
			if err := take(r.chunk); err != nil {
				return err
			}
			if errors.Is(r.err, io.EOF) {
				return nil
			}
			if r.err != nil {
				return r.err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// decoding puts the events of a decoder in the order of the stream: a moment is told when it is complete, and begins
// before the faults in the middle of it.
type decoding struct {
	decoder  *gnss.Decoder
	comments *comments
	encoder  *json.Encoder
	held     []gnss.Event
	err      error // of writing, the first
}

func newDecoding(encoder *json.Encoder) *decoding {
	d := &decoding{encoder: encoder}
	d.decoder = gnss.NewDecoder(func(e gnss.Event) { d.held = append(d.held, e) })
	// A capture may be older than the program. What is missing is the guard against receivers that are 1,024 weeks off
	// from the first byte; a step of 1,024 weeks within the stream is noticed all the same.
	d.decoder.SetEarliest(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC))
	d.comments = &comments{out: d.decoder, lineStart: true}
	return d
}

func (d *decoding) write(chunk []byte) {
	d.comments.write(chunk)
	d.release(false)
}

func (d *decoding) close() {
	d.comments.close()
	d.decoder.Close()
	d.release(true)
}

// release writes what can't be overtaken any more.
func (d *decoding) release(all bool) {
	slices.SortStableFunc(d.held, func(a, b gnss.Event) int { return cmp.Compare(a.Offset, b.Offset) })
	n := len(d.held)
	if pending, ok := d.decoder.Pending(); ok && !all && n <= decodeHeld {
		for n > 0 && d.held[n-1].Offset >= pending {
			n--
		}
	}
	for _, e := range d.held[:n] {
		if err := d.encoder.Encode(line(e)); d.err == nil {
			d.err = err
		}
	}
	d.held = slices.Delete(d.held, 0, n)
}

// Lines of the output. Units are in the names, as everywhere: 1e-7 degrees, mm/s, hundredths of a degree, mm, thousandths
// of a degree Celsius. What is not known is absent; only a time that is not known is null.
type (
	fixLine struct {
		Type          string  `json:"type"` // "fix"
		Offset        int64   `json:"offset"`
		Time          *string `json:"time"`
		TimeOfDay     *string `json:"time_of_day"`
		LatE7         int32   `json:"lat_e7"`
		LonE7         int32   `json:"lon_e7"`
		Quality       uint8   `json:"quality"`
		QualityName   string  `json:"quality_name"`
		Satellites    *uint8  `json:"satellites,omitempty"`
		HDOPx100      *uint16 `json:"hdop_x100,omitempty"`
		SpeedMMS      *uint32 `json:"speed_mms,omitempty"`
		CourseCdeg    *uint16 `json:"course_cdeg,omitempty"`
		AltitudeMM    *int32  `json:"altitude_mm,omitempty"`
		Doubt         string  `json:"doubt,omitempty"`
		RolloverWeeks int     `json:"rollover_weeks,omitempty"`
	}
	noFixLine struct {
		Type      string  `json:"type"` // "nofix"
		Offset    int64   `json:"offset"`
		Time      *string `json:"time"`        // always null: no date is believed without a fix
		TimeOfDay *string `json:"time_of_day"` // what the receiver's clock showed
		Fault     string  `json:"fault"`
	}
	faultLine struct {
		Type   string `json:"type"` // "fault"
		Offset int64  `json:"offset"`
		Fault  string `json:"fault"`
	}
	gapLine struct {
		Type          string  `json:"type"` // "gap"
		Offset        int64   `json:"offset"`
		From          *string `json:"from"`
		FromTimeOfDay *string `json:"from_time_of_day"`
		To            *string `json:"to"`
		ToTimeOfDay   *string `json:"to_time_of_day"`
		Missing       int64   `json:"missing"`
	}
	temperatureLine struct {
		Type   string               `json:"type"` // "temperature"
		Offset int64                `json:"offset"`
		Name   string               `json:"name"`
		TempMC hardware.Temperature `json:"temp_mc"`
	}
)

// line returns what is written of an event.
func line(e gnss.Event) any {
	switch e.Kind {
	case gnss.KindFix:
		return lineOfFix(e)
	case gnss.KindNoFix:
		l := noFixLine{Type: "nofix", Offset: e.Offset, Fault: e.Fault.String()}
		_, l.TimeOfDay = times(e.Moment)
		return l
	case gnss.KindGap:
		l := gapLine{Type: "gap", Offset: e.Offset, Missing: e.Gap.Missing}
		l.From, l.FromTimeOfDay = times(e.Gap.From)
		l.To, l.ToTimeOfDay = times(e.Gap.To)
		return l
	case gnss.KindTemperature:
		return temperatureLine{Type: "temperature", Offset: e.Offset, Name: e.Temperature.Name, TempMC: e.Temperature.Temp}
	}
	return faultLine{Type: "fault", Offset: e.Offset, Fault: e.Fault.String()}
}

func lineOfFix(e gnss.Event) fixLine {
	f := e.Fix
	l := fixLine{
		Type: "fix", Offset: e.Offset, LatE7: f.LatE7, LonE7: f.LonE7, Quality: uint8(f.Quality), QualityName: f.Quality.String(),
		Satellites: known(f.Satellites, hardware.SatellitesUnknown), HDOPx100: known(f.HDOPx100, hardware.HDOPUnknown),
		SpeedMMS: known(f.SpeedMMS, hardware.SpeedUnknown), CourseCdeg: known(f.CourseCdeg, hardware.CourseUnknown),
		AltitudeMM: known(f.AltitudeMM, hardware.AltitudeUnknown), RolloverWeeks: e.Weeks,
	}
	l.Time, l.TimeOfDay = times(gnss.Moment{Known: true, TimeOfDay: f.TimeOfDay, Date: f.Date})
	// The number is that of NMEA's GGA, where 6 is an estimate and no fix; a fix whose receiver did not say which kind it
	// is counts as the plain one there.
	if f.Quality == hardware.QualityAutonomous {
		l.Quality = uint8(hardware.QualityGPS)
	}
	if f.Doubt != hardware.None {
		l.Doubt = f.Doubt.String()
	}
	return l
}

// known returns nil for the value that means unknown.
func known[T comparable](value, unknown T) *T {
	if value == unknown {
		return nil
	}
	return &value
}

// times writes a moment as RFC 3339 and as time of day, in UTC with milliseconds; nil for what is not known.
func times(m gnss.Moment) (utc, timeOfDay *string) {
	if !m.Known {
		return nil, nil
	}
	clock := time.Time{}.Add(m.TimeOfDay).Format("15:04:05.000")
	if at, ok := m.UTC(); ok {
		text := at.Format("2006-01-02T15:04:05.000Z07:00")
		return &text, &clock
	}
	return nil, &clock
}
