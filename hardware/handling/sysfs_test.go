package handling

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"isotherm/hardware"
)

// fake is a folder of attributes in which a sensor is watched.
type fake struct {
	t       *testing.T
	root    string
	monitor *hardware.Monitor
	stop    func()

	mu     sync.Mutex // guards what follows
	told   []string   // by the sensor: "2s on 20", the time since the start
	stands []string   // by the monitor: "live none"
}

// set writes attributes; "-" removes one. It MUST be called between two looks of the sensor.
func (f *fake) set(attributes map[string]string) {
	f.t.Helper()
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		path, text := filepath.Join(f.root, name), attributes[name]
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		if text == "-" {
			err = os.RemoveAll(path)
		} else if err == nil {
			err = os.WriteFile(path, []byte(text+"\n"), 0o644)
		}
		if err != nil {
			f.t.Fatal(err)
		}
	}
}

// watch runs the sensor that make gives until the test ends or stop is called. In a synctest bubble.
func watch(t *testing.T, attributes map[string]string, sensor func(f *fake) (hardware.HandlingSensor, error)) *fake {
	t.Helper()
	f := &fake{t: t, root: t.TempDir()}
	f.set(attributes)
	f.monitor = hardware.NewMonitor("handling", time.Now, func(c hardware.Condition) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.stands = append(f.stands, c.State.String()+" "+c.Fault.String())
		if (c.Fault == hardware.None) != (c.Detail == "") {
			t.Errorf("condition %+v", c)
		}
	})
	s, err := sensor(f)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	begin, done := time.Now(), make(chan error)
	go func() { // ends with ctx
		done <- s.Run(ctx, func(h hardware.Handling) {
			state := " off "
			if h.On {
				state = " on "
			}
			f.mu.Lock()
			defer f.mu.Unlock()
			f.told = append(f.told, h.At.Sub(begin).String()+state+time.Duration(h.Value).String())
		})
	}()
	f.stop = func() {
		cancel()
		at := time.Now()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run = %v, want the error of ctx", err)
		}
		if took := time.Since(at); took > 0 {
			t.Errorf("Run ended %v after ctx", took)
		}
	}
	// Between two looks from here on: they are at whole milliseconds.
	time.Sleep(500 * time.Microsecond)
	return f
}

// want checks all that was told since the start, and by the monitor.
func (f *fake) want(told, stands []string) {
	f.t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if diff := cmp.Diff(told, f.told); diff != "" {
		f.t.Errorf("told (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(stands, f.stands); diff != "" {
		f.t.Errorf("monitor (-want +got):\n%s", diff)
	}
}

// keep drops all that was told but what keep wants.
func (f *fake) keep(keep func(told string) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.told = slices.DeleteFunc(f.told, func(s string) bool { return !keep(s) })
	if len(f.told) == 0 {
		f.told = nil
	}
}

func none(string) bool { return false }

func newGPIO(activeLow bool) func(f *fake) (hardware.HandlingSensor, error) {
	return func(f *fake) (hardware.HandlingSensor, error) {
		return NewGPIO(GPIOConfig{Path: filepath.Join(f.root, "value"), ActiveLow: activeLow, Monitor: f.monitor})
	}
}

func TestGPIO_Run(t *testing.T) {
	for _, activeLow := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			open, closed := "1", "0"
			if activeLow {
				open, closed = closed, open
			}
			f := watch(t, map[string]string{"value": closed}, newGPIO(activeLow))
			time.Sleep(time.Second)
			f.set(map[string]string{"value": open})
			time.Sleep(time.Second)
			f.set(map[string]string{"value": closed})
			time.Sleep(time.Second)
			f.stop()
			f.want([]string{"0s off 0s", "1.05s on 0s", "2.05s off 0s"}, []string{"live none"})
		})
	}
}

// TestGPIO_Run_badInputs: a contact that can't be read is down or garbled, and nothing is told; never that it is closed.
func TestGPIO_Run_badInputs(t *testing.T) {
	tests := []struct {
		name string
		text string
		want string
	}{
		{"unexported", "-", "down not_found"},
		{"empty", "", "garbled field_syntax"},
		{"two", "2", "garbled field_syntax"},
		{"00", "00", "garbled field_syntax"},
		{"0x1", "0x1", "garbled field_syntax"},
		{"-1", "-1", "garbled field_syntax"},
		{"NUL", "\x00", "garbled field_syntax"},
		{"flood", strings.Repeat("0", 5000), "garbled too_long"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := watch(t, map[string]string{"value": "1"}, newGPIO(false))
				time.Sleep(time.Second)
				f.set(map[string]string{"value": tt.text})
				time.Sleep(time.Minute)
				f.want([]string{"0s on 0s"}, []string{"live none", tt.want})
				f.set(map[string]string{"value": "1"})
				time.Sleep(time.Minute)
				f.stop()
				f.want([]string{"0s on 0s"}, []string{"live none", tt.want, "live none"})
			})
			synctest.Test(t, func(t *testing.T) { // from the start
				f := watch(t, map[string]string{"value": tt.text}, newGPIO(false))
				time.Sleep(time.Minute)
				f.stop()
				f.want(nil, []string{tt.want})
			})
		})
	}
}

func TestGPIO_Run_chatters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := watch(t, map[string]string{"value": "0"}, newGPIO(false))
		time.Sleep(time.Second)
		for i := range 200 {
			f.set(map[string]string{"value": []string{"1", "0"}[i%2]})
			time.Sleep(50 * time.Millisecond)
		}
		f.set(map[string]string{"value": "1"})
		time.Sleep(time.Minute)
		f.stop()
		f.want([]string{"0s off 0s", "11.05s on 0s"}, []string{"live none", "garbled noise", "live none"})
	})
}

func TestGPIO_Run_flaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := watch(t, map[string]string{"value": "0"}, newGPIO(false))
		for i := range 60 {
			f.set(map[string]string{"value": []string{"1", "0"}[i%2]})
			time.Sleep(time.Second)
		}
		f.set(map[string]string{"value": "1"})
		time.Sleep(5 * time.Minute)
		f.stop()
		if n := len(f.told); n > burst+2 || n < burst || !strings.HasSuffix(f.told[n-1], "on 0s") {
			t.Errorf("%d reports, the last of them %q, want about %d, on", n, f.told[n-1], burst+1)
		}
		f.keep(none)
		f.want(nil, []string{"live none", "garbled overrun", "live none"})
	})
}

func newLight(f *fake) (hardware.HandlingSensor, error) {
	return NewIIOLight(LightConfig{Root: f.root, Name: "bh1750", Monitor: f.monitor})
}

func TestLight_Run(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := watch(t, map[string]string{
			"iio:device0/name": "adxl345", "iio:device1/name": "bh1750",
			"iio:device1/in_illuminance_raw": "2", "iio:device1/in_illuminance_scale": "0.5",
		}, newLight)
		time.Sleep(2 * time.Second)
		f.want([]string{"0s off 1ns"}, []string{"live none"})
		for _, raw := range []string{"18", "20", "12", "18", "10", "12"} { // 9 lux, 10, 6, 9, 5, 6
			f.set(map[string]string{"iio:device1/in_illuminance_raw": raw})
			time.Sleep(2 * time.Second)
		}
		f.set(map[string]string{"iio:device1/in_illuminance_raw": "40000"}) // a flash of a quarter second
		time.Sleep(250 * time.Millisecond)
		f.set(map[string]string{"iio:device1/in_illuminance_raw": "2"})
		time.Sleep(2 * time.Second)
		// The device is attached again and has another number.
		if err := os.Rename(filepath.Join(f.root, "iio:device1"), filepath.Join(f.root, "iio:device7")); err != nil {
			t.Fatal(err)
		}
		f.set(map[string]string{"iio:device7/in_illuminance_raw": "200"})
		time.Sleep(3 * time.Second)
		f.stop()
		f.want([]string{"0s off 1ns", "4.25s on 10ns", "10.25s off 5ns", "16.5s on 100ns"}, []string{"live none"})
	})
}

func TestLight_Run_attributes(t *testing.T) {
	tests := []struct {
		name string
		set  map[string]string
		told []string
		want string
	}{
		{"processed", map[string]string{"in_illuminance_input": "123.456000"}, []string{"0s on 123ns"}, "live none"},
		{"processed, numbered", map[string]string{"in_illuminance0_input": "12"}, []string{"0s on 12ns"}, "live none"},
		{"raw without scale", map[string]string{"in_illuminance_raw": "12"}, []string{"0s on 12ns"}, "live none"},
		{"raw, scale and offset", map[string]string{"in_illuminance_raw": "100", "in_illuminance_scale": "0.25", "in_illuminance_offset": "-20"},
			[]string{"0s on 20ns"}, "live none"},
		{"scale of its own", map[string]string{"in_illuminance0_raw": "100", "in_illuminance_scale": "9", "in_illuminance0_scale": "0.5"},
			[]string{"0s on 50ns"}, "live none"},
		{"the sun", map[string]string{"in_illuminance_input": "120000"}, []string{"0s on 120µs"}, "live none"},
		{"no light sensor", map[string]string{"in_accel_x_raw": "5"}, nil, "down not_found"},
		{"nan", map[string]string{"in_illuminance_input": "nan"}, nil, "garbled field_syntax"},
		{"inf", map[string]string{"in_illuminance_input": "inf"}, nil, "garbled field_syntax"},
		{"exponent", map[string]string{"in_illuminance_input": "1e3"}, nil, "garbled field_syntax"},
		{"empty", map[string]string{"in_illuminance_input": ""}, nil, "garbled field_syntax"},
		{"negative", map[string]string{"in_illuminance_input": "-1"}, nil, "garbled out_of_range"},
		{"brighter than the sun", map[string]string{"in_illuminance_input": "200001"}, nil, "garbled out_of_range"},
		{"scale 0", map[string]string{"in_illuminance_raw": "5", "in_illuminance_scale": "0"}, nil, "garbled out_of_range"},
		{"scale nan", map[string]string{"in_illuminance_raw": "5", "in_illuminance_scale": "nan"}, nil, "garbled field_syntax"},
		{"raw with a point", map[string]string{"in_illuminance_raw": "5.5"}, nil, "garbled field_syntax"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				attributes := map[string]string{"iio:device3/name": "bh1750"}
				for name, text := range tt.set {
					attributes["iio:device3/"+name] = text
				}
				f := watch(t, attributes, newLight)
				time.Sleep(5 * time.Second)
				f.stop()
				f.want(tt.told, []string{tt.want})
			})
		})
	}
	t.Run("two of one name", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := watch(t, map[string]string{"iio:device0/name": "bh1750", "iio:device1/name": "bh1750"}, newLight)
			time.Sleep(5 * time.Second)
			f.stop()
			f.want(nil, []string{"down unsupported"})
		})
	})
}

// atRest is an accelerometer of 1/256 g a step, with 1 g along z.
func atRest() map[string]string {
	return map[string]string{"a/name": "adxl345", "a/in_accel_scale": "0.038307", "a/in_accel_x_raw": "0", "a/in_accel_y_raw": "0", "a/in_accel_z_raw": "256"}
}

func newShock(f *fake) (hardware.HandlingSensor, error) {
	return NewIIOShock(ShockConfig{Root: f.root, Name: "adxl345", Monitor: f.monitor})
}

func TestShock_Run(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := watch(t, atRest(), newShock)
		time.Sleep(3 * time.Second)
		f.set(map[string]string{"a/in_accel_x_raw": "-1024", "a/in_accel_z_raw": "0"}) // 4 g sideways
		time.Sleep(20 * time.Millisecond)
		f.set(map[string]string{"a/in_accel_x_raw": "0", "a/in_accel_z_raw": "256"})
		time.Sleep(5 * time.Second)
		f.set(map[string]string{"a/in_accel_z_raw": "0"}) // free fall: 1 g away from rest, below the threshold
		time.Sleep(500 * time.Millisecond)
		f.set(map[string]string{"a/in_accel_z_raw": "256"})
		time.Sleep(5 * time.Second)
		f.stop()
		f.want([]string{"2s off 0s", "3.01s on 3µs", "5.02s off 3µs"}, []string{"live none"})
	})
}

func TestShock_Run_badInputs(t *testing.T) {
	tests := []struct {
		name string
		set  map[string]string
		want string
	}{
		{"no power: all zero", map[string]string{"a/in_accel_z_raw": "0"}, "garbled out_of_range"},
		{"wrong scale", map[string]string{"a/in_accel_scale": "1"}, "garbled out_of_range"},
		{"more than any sensor can", map[string]string{"a/in_accel_z_raw": "2147483647"}, "garbled out_of_range"},
		{"register all ones", map[string]string{"a/in_accel_x_raw": "-1", "a/in_accel_y_raw": "-1", "a/in_accel_z_raw": "-1"}, "garbled out_of_range"},
		{"an axis is missing", map[string]string{"a/in_accel_y_raw": "-"}, "down not_found"},
		{"an axis is text", map[string]string{"a/in_accel_y_raw": "error"}, "garbled field_syntax"},
		{"scale empty", map[string]string{"a/in_accel_scale": ""}, "garbled field_syntax"},
		{"unplugged", map[string]string{"a": "-"}, "down not_found"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := watch(t, atRest(), newShock)
				time.Sleep(3 * time.Second)
				f.keep(none) // not even the state at the start
				f.set(tt.set)
				time.Sleep(15 * time.Second)
				f.keep(func(s string) bool { return strings.Contains(s, " on ") })
				if tt.name != "wrong scale" { // ten seconds of 26 g can't be told from a wrong scale before they are over
					f.want(nil, []string{"live none", tt.want})
				}
				if tt.want == "down not_found" {
					f.set(map[string]string{"a/name": "adxl345"})
				}
				f.set(atRest())
				time.Sleep(20 * time.Second)
				f.stop()
				f.keep(none)
				f.want(nil, []string{"live none", tt.want, "live none"})
			})
			synctest.Test(t, func(t *testing.T) { // from the start
				attributes := atRest()
				if maps.Copy(attributes, tt.set); attributes["a"] == "-" {
					attributes = nil
				}
				f := watch(t, attributes, newShock)
				time.Sleep(10 * time.Second)
				f.stop()
				f.want(nil, []string{tt.want})
			})
		})
	}
}

// TestAxes_frozen: a sensor of fine steps that shows the very same for ten minutes does not measure.
func TestAxes_frozen(t *testing.T) {
	tests := []struct {
		name  string
		scale string
		moves bool
		want  bool
	}{
		{"stands still", "0.038307", false, true},
		{"moves", "0.038307", true, false},
		{"coarse, and stands still", "0.46", false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fake{t: t, root: t.TempDir()}
				f.set(atRest())
				f.set(map[string]string{"a/in_accel_scale": tt.scale})
				s, err := newShock(f)
				if err != nil {
					t.Fatal(err)
				}
				a := &axes{dev: s.(*Shock).dev}
				for i := range 11 {
					if tt.moves {
						f.set(map[string]string{"a/in_accel_x_raw": []string{"0", "1"}[i%2]})
					}
					if _, err := a.measure(t.Context()); err != nil {
						t.Fatal(err)
					}
					if got, want := a.frozen(time.Now()), tt.want && i == 10; got != want {
						t.Errorf("after %d min frozen %v, want %v", i, got, want)
					}
					time.Sleep(time.Minute)
				}
			})
		})
	}
}

func TestNew_config(t *testing.T) {
	_, gpio := NewGPIO(GPIOConfig{Path: "gpio17"})
	_, often := NewGPIO(GPIOConfig{Path: "/x", Interval: time.Microsecond})
	_, light := NewIIOLight(LightConfig{})
	_, dark := NewIIOLight(LightConfig{Name: "x", Bright: 5, Dark: 5})
	_, shock := NewIIOShock(ShockConfig{Name: "a/b"})
	_, weak := NewIIOShock(ShockConfig{Name: "a", Threshold: 5})
	_, xdr := NewXDR(XDRConfig{})
	for name, err := range map[string]error{"gpio": gpio, "often": often, "light": light, "dark": dark, "shock": shock, "weak": weak, "xdr": xdr} {
		if err == nil {
			t.Errorf("%s: no error for a bad configuration", name)
		}
	}
}

// BenchmarkShock_measure is the cost of one look at an accelerometer: at 100 looks a second, 100 of it are its share of a
// core.
func BenchmarkShock_measure(b *testing.B) {
	root := b.TempDir()
	for name, text := range map[string]string{"in_accel_scale": "0.038307", "in_accel_x_raw": "0", "in_accel_y_raw": "0", "in_accel_z_raw": "256"} {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	s, err := NewIIOShock(ShockConfig{Name: root})
	if err != nil {
		b.Fatal(err)
	}
	a := &axes{dev: s.dev}
	for b.Loop() {
		if _, err := a.measure(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
