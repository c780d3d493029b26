package trackerd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// sentence frames a body with its checksum and a line end.
func sentence(body string) string {
	var sum byte
	for i := range len(body) {
		sum ^= body[i]
	}
	return fmt.Sprintf("$%s*%02X\r\n", body, sum)
}

// decoded runs decode on standard input.
func decoded(t *testing.T, in io.Reader) string {
	t.Helper()
	var out bytes.Buffer
	if err := decode(t.Context(), "-", in, &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestDecode_lines(t *testing.T) {
	rmc := sentence("GPRMC,120000.00,A,5230.0000,N,01315.0000,E,0.5,90.0,150326,,,A")
	gga := sentence("GPGGA,120000.00,5230.0000,N,01315.0000,E,1,08,0.95,35.0,M,40.0,M,,")
	later := sentence("GPRMC,120500.00,A,5230.0000,N,01315.0000,E,,,150326,,,A")
	const fix = `{"type":"fix","offset":%d,"time":"2026-03-15T12:00:00.000Z","time_of_day":"12:00:00.000","lat_e7":525000000,"lon_e7":132500000,` +
		`"quality":1,"quality_name":"gps","satellites":8,"hdop_x100":95,"speed_mms":257,"course_cdeg":9000,"altitude_mm":35000}`
	tests := []struct {
		name, in string
		want     []string
	}{
		{"empty", "", nil},
		{"fix", rmc + gga, []string{fmt.Sprintf(fix, 0)}},
		{"no line end", rmc + strings.TrimSpace(gga), []string{fmt.Sprintf(fix, 0)}},
		{"no date", sentence("GPGLL,5230.0000,S,01315.0000,W,120000.5,A,D"), []string{`{"type":"fix","offset":0,"time":null,"time_of_day":"12:00:00.500",` +
			`"lat_e7":-525000000,"lon_e7":-132500000,"quality":2,"quality_name":"dgps"}`}},
		{"no kind, a doubt", sentence("GPGGA,120000,5230.0000,N,01315.0000,E,1,02,0.95,,,,,,"), []string{`{"type":"fix","offset":0,"time":null,"time_of_day":"12:00:00.000",` +
			`"lat_e7":525000000,"lon_e7":132500000,"quality":1,"quality_name":"gps","satellites":2,"hdop_x100":95,"doubt":"low_satellites"}`}},
		{"nofix", sentence("GPRMC,120000.00,V,,,,,,,150326,,,N"), []string{`{"type":"nofix","offset":0,"time":null,"time_of_day":"12:00:00.000","fault":"void"}`}},
		{"nofix without time", sentence("GPRMC,,V,,,,,,,,,,N"), []string{`{"type":"nofix","offset":0,"time":null,"time_of_day":null,"fault":"void"}`}},
		{"fault inside a moment comes after it", rmc + "noise\r\n" + gga, []string{fmt.Sprintf(fix, 0), fmt.Sprintf(`{"type":"fault","offset":%d,"fault":"noise"}`, len(rmc))}},
		{"fault before", "noise\r\n" + rmc + gga, []string{`{"type":"fault","offset":0,"fault":"noise"}`, fmt.Sprintf(fix, 7)}},
		{"cut end", rmc + gga + "$GPRM", []string{fmt.Sprintf(fix, 0), fmt.Sprintf(`{"type":"fault","offset":%d,"fault":"truncated"}`, len(rmc+gga))}},
		{"gap", rmc + gga + later, []string{fmt.Sprintf(fix, 0),
			fmt.Sprintf(`{"type":"gap","offset":%d,"from":"2026-03-15T12:00:00.000Z","from_time_of_day":"12:00:00.000",`+
				`"to":"2026-03-15T12:05:00.000Z","to_time_of_day":"12:05:00.000","missing":299}`, len(rmc+gga)),
			fmt.Sprintf(`{"type":"fix","offset":%d,"time":"2026-03-15T12:05:00.000Z","time_of_day":"12:05:00.000","lat_e7":525000000,"lon_e7":132500000,`+
				`"quality":1,"quality_name":"autonomous"}`, len(rmc+gga))}},
		{"temperature", sentence("IIXDR,C,-4.25,C,TEMP"), []string{`{"type":"temperature","offset":0,"name":"TEMP","temp_mc":-4250}`}},
		{"no temperature", sentence("IIXDR,C,,C,TEMP"), []string{`{"type":"fault","offset":0,"fault":"disconnected"}`}},
		{"0 °C", sentence("IIXDR,C,0,C,"), []string{`{"type":"temperature","offset":0,"name":"","temp_mc":0}`}},
		{"comments", "# gpsd $GPRMC,\n# von Jürgen\n" + rmc + gga, []string{fmt.Sprintf(fix, 29)}},
		{"comment in between", rmc + "#\n# more\r\n" + gga, []string{fmt.Sprintf(fix, 0)}},
		{"comment at the end", rmc + gga + "# end", []string{fmt.Sprintf(fix, 0)}},
		{"no comment: control bytes", "#\x01\x02\n", []string{`{"type":"fault","offset":0,"fault":"noise"}`}},
		{"no comment: not at the beginning", "x#\n", []string{`{"type":"fault","offset":0,"fault":"noise"}`}},
		{"no comment: too long", "#" + strings.Repeat("x", 1000) + "\n", []string{`{"type":"fault","offset":0,"fault":"noise"}`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := strings.Join(append(tt.want, ""), "\n")
			if got := decoded(t, strings.NewReader(tt.in)); got != want {
				t.Errorf("got\n%swant\n%s", got, want)
			}
			for cut := range len(tt.in) { // however it comes
				got := decoded(t, io.MultiReader(strings.NewReader(tt.in[:cut]), strings.NewReader(tt.in[cut:])))
				if got != want {
					t.Fatalf("cut at %d: got\n%swant\n%s", cut, got, want)
				}
			}
		})
	}
}

// endless is a stream of bad sentences between two of one moment.
type endless struct{ left int }

func (e *endless) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	e.left--
	return copy(p, strings.Repeat("$GPRMC,120000\r\n", 500)), nil
}

// TestDecode_memory holds that what waits for the end of a moment is bounded.
func TestDecode_memory(t *testing.T) {
	var out bytes.Buffer
	d := newDecoding(json.NewEncoder(&out))
	d.write([]byte(sentence("GPRMC,120000.00,A,5230.0000,N,01315.0000,E,0.5,90.0,150326,,,A")))
	in := &endless{left: 100}
	buf := make([]byte, decodeChunk)
	for {
		n, err := in.Read(buf)
		if err != nil {
			break
		}
		d.write(buf[:n])
		if len(d.held) > decodeHeld {
			t.Fatalf("%d events are held, want at most %d", len(d.held), decodeHeld)
		}
	}
	d.close()
	if got := strings.Count(out.String(), "\n"); got != 50_001 {
		t.Errorf("%d lines, want 50,001", got)
	}
}

func TestDecode_errors(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "none.log")
	if err := decode(t.Context(), missing, nil, io.Discard); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), missing) {
		t.Errorf("a missing file gives %v", err)
	}
	if err := decode(t.Context(), t.TempDir(), nil, io.Discard); err == nil {
		t.Error("a folder is decoded")
	}
	full := errors.New("disk full")
	if err := decode(t.Context(), "-", strings.NewReader("x\r\n"), failing{full}); !errors.Is(err, full) {
		t.Errorf("a full disk gives %v", err)
	}
	// A reader that never gives anything does not keep it.
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	r, w := io.Pipe()
	defer w.Close()
	if err := decode(ctx, "-", r, io.Discard); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the end of ctx gives %v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// TestDecode_captures holds the form of the output on real streams: JSON, one of five types, in the order of the stream.
func TestDecode_captures(t *testing.T) {
	root, ok := os.LookupEnv("ISOTHERM_TESTDATA")
	if !ok {
		t.Skip("ISOTHERM_TESTDATA is not set: it names the folder of third-party captures")
	}
	logs, err := filepath.Glob(filepath.Join(root, "nmea", "*", "*.log"))
	if err != nil || len(logs) == 0 {
		t.Fatalf("no capture in %q: %v", root, err)
	}
	types := map[string]int{}
	for _, path := range logs {
		var out bytes.Buffer
		if err := decode(t.Context(), path, nil, &out); err != nil {
			t.Fatal(err)
		}
		last := int64(0)
		for line := range bytes.Lines(out.Bytes()) {
			var l struct {
				Type   string
				Offset int64
			}
			if err := json.Unmarshal(line, &l); err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			types[l.Type]++
			if l.Offset < last {
				t.Errorf("%s: offset %d after %d", path, l.Offset, last)
			}
			last = l.Offset
		}
	}
	t.Logf("%d captures: %v", len(logs), types)
	if types["fix"] == 0 || types["nofix"] == 0 || types["fault"] == 0 || types["gap"] == 0 || len(types) > 5 {
		t.Errorf("types %v", types)
	}
}

// FuzzDecode holds that any bytes give JSON lines in the order of the stream.
func FuzzDecode(f *testing.F) {
	f.Add([]byte("# x\n" + sentence("GPRMC,120000.00,A,5230.0000,N,01315.0000,E,0.5,90.0,150326,,,A") + "noise\r\n$GPRMC"))
	f.Add([]byte("\n#\n#\x01\n# \xff\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		last := int64(0)
		for line := range strings.Lines(decoded(t, bytes.NewReader(in))) {
			var l struct {
				Type   string
				Offset int64
			}
			if err := json.Unmarshal([]byte(line), &l); err != nil || l.Type == "" {
				t.Fatalf("%q: %v", line, err)
			}
			if l.Offset < last || l.Offset >= int64(len(in)) {
				t.Errorf("offset %d after %d, of %d", l.Offset, last, len(in))
			}
			last = l.Offset
		}
	})
}
