package tracker_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"isotherm/ledger/record"
	"isotherm/tracker"
)

func TestTracker_Alarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newEquipped(t, nil)
		b.light.on = true // it was left on
		b.start()
		time.Sleep(time.Minute)
		if b.light.isOn() {
			t.Error("the light is not switched off at the start")
		}
		b.addAct(b.packAct())
		b.organ.set(9000, 0)
		time.Sleep(20 * time.Minute)
		synctest.Wait()
		if s := b.tracker.Status(); !s.Alarm || !b.light.isOn() {
			t.Errorf("in an alarm: got status %v, light %v", s.Alarm, b.light.isOn())
		}
		b.light.set(func(s *fakeSwitch) { s.fail = errors.New("no such file") })
		b.organ.set(5000, 0)
		time.Sleep(time.Minute)
		synctest.Wait()
		if s := b.tracker.Status(); s.Alarm || !b.light.isOn() {
			t.Errorf("with a broken light: got status %v, light %v", s.Alarm, b.light.isOn())
		}
		b.light.set(func(s *fakeSwitch) { s.fail = nil })
		time.Sleep(11 * time.Second)
		synctest.Wait()
		if b.light.isOn() {
			t.Error("the light was not switched off when it could be again")
		}
		time.Sleep(2 * time.Second)
		b.stop()
		want := []string{"alarm light live", "alarm true", "alarm false", "alarm light down switch_failed", "alarm light live"}
		if diff := cmp.Diff(want, only(senses(b.records()), "alarm")); diff != "" {
			t.Errorf("records (-want +got):\n%s", diff)
		}
	})
}

// TestTracker_SetRadio_modem wants the journal to say 'off' only while everything is silent.
func TestTracker_SetRadio_modem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger(t)
		b := newEquipped(t, l)
		b.start()
		time.Sleep(time.Minute)
		if !b.modem.isOn() {
			t.Error("the modem is not switched on at the start")
		}
		b.modem.set(func(s *fakeSwitch) {
			s.check = func(on bool) { // the box's own calls end before, and nothing is claimed yet
				if state := b.tracker.Status(); on || !state.Radio || state.RadioProblem == "" {
					t.Errorf("while the modem is switched %v: got %+v", on, state)
				}
			}
		})
		if err := b.tracker.SetRadio(false); err != nil || b.modem.isOn() || b.tracker.Status().Radio {
			t.Errorf("off: got %v, modem %v", err, b.modem.isOn())
		}
		b.modem.set(func(s *fakeSwitch) { s.check = nil })
		calls := l.count()
		time.Sleep(time.Minute)
		if err := b.tracker.SetRadio(true); err != nil || !b.modem.isOn() || !b.tracker.Status().Radio {
			t.Errorf("on: got %v, modem %v", err, b.modem.isOn())
		}
		time.Sleep(time.Minute)
		if l.count() == calls {
			t.Error("no call after the radio was switched on")
		}

		b.modem.set(func(s *fakeSwitch) { s.fail = errors.New("modem does not answer") })
		err := b.tracker.SetRadio(false)
		s := b.tracker.Status()
		if !errors.Is(err, tracker.ErrSwitch) || !s.Radio || !strings.Contains(s.RadioProblem, "modem does not answer") {
			t.Errorf("off with a broken modem: got %v, radio %v, problem %q", err, s.Radio, s.RadioProblem)
		}
		calls = l.count()
		time.Sleep(time.Minute)
		synctest.Wait()
		if l.count() != calls || b.tracker.Status().Link.State != tracker.LinkOff {
			t.Error("the box itself goes on sending")
		}
		b.modem.set(func(s *fakeSwitch) { s.fail = nil })
		time.Sleep(11 * time.Second)
		synctest.Wait()
		if s := b.tracker.Status(); s.Radio || s.RadioProblem != "" || b.modem.isOn() {
			t.Errorf("once the modem answers: got radio %v, problem %q", s.Radio, s.RadioProblem)
		}
		time.Sleep(2 * time.Second)

		b.modem.set(func(s *fakeSwitch) { s.on = true }) // plugged in anew
		time.Sleep(70 * time.Second)
		synctest.Wait()
		if b.modem.isOn() {
			t.Error("a modem that switched itself on is not switched off again")
		}
		b.modem.set(func(s *fakeSwitch) { s.on, s.fail = true, errors.New("no such modem") }) // and anew, and it does not obey
		time.Sleep(75 * time.Second)
		synctest.Wait()
		if s := b.tracker.Status(); !s.Radio || s.RadioProblem == "" {
			t.Errorf("a modem that does not obey any more: got radio %v, problem %q", s.Radio, s.RadioProblem)
		}
		b.stop()
		got := slices.DeleteFunc(senses(b.records()), func(s string) bool { return !strings.HasPrefix(s, "radio") && !strings.HasPrefix(s, "modem") })
		want := []string{"modem live", "radio false", "radio true", "modem down switch_failed", "radio false", "modem live", "radio true", "modem down switch_failed"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("records (-want +got):\n%s", diff)
		}
	})
}

// A modem that hangs for an hour holds up neither the caller nor the box, and no more than one attempt hangs.
func TestTracker_SetRadio_hangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newEquipped(t, newLedger(t))
		b.modem.hang, b.light.hang = true, true
		b.start()
		time.Sleep(time.Minute)
		before := time.Now()
		err := b.tracker.SetRadio(false)
		if d := time.Since(before); !errors.Is(err, tracker.ErrSwitch) || d > 10*time.Second {
			t.Errorf("got %v after %v, want an error in time", err, d)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		s := b.tracker.Status()
		if s.Recorded < 12 || !s.Radio || s.RadioProblem == "" {
			t.Errorf("status: got %+v, want a box that records", s)
		}
		b.modem.set(func(s *fakeSwitch) { s.hang = false })
		b.light.set(func(s *fakeSwitch) { s.hang = false })
		b.stop()
		if n := len(only(senses(b.records()), "radio")); n > 0 {
			t.Errorf("got %d records of a radio that was never switched", n)
		}
		time.Sleep(time.Hour) // the attempts that hang end
	})
}

// The page answers in time, and says what is not switched.
func TestTracker_Handler_modem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newEquipped(t, nil)
		b.modem.fail = errors.New("modem does not answer")
		b.cfg.Clock = setClock{b.clock}
		b.cfg.Heard = func() tracker.Heard {
			return tracker.Heard{Sentence: "$GPTXT", At: b.clock.Time().Add(-2 * time.Second), Sentences: 7, Baud: 9600}
		}
		b.start()
		time.Sleep(13 * time.Second)
		req := httptest.NewRequest(http.MethodPost, "http://127.0.0.1/v1/radio", strings.NewReader(`{"on":false}`))
		req.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		b.tracker.Handler().ServeHTTP(w, req)
		if body := w.Body.String(); w.Code != http.StatusServiceUnavailable || !strings.Contains(body, "modem does not answer") {
			t.Errorf("got %d %s", w.Code, body)
		}
		s := b.tracker.Status()
		if diff := cmp.Diff(&tracker.ClockStepStatus{EventTimeMS: 1000, StepMS: -2000, Count: 3}, s.ClockStep); diff != "" {
			t.Errorf("clock step (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(&tracker.ReceiverStatus{Baud: 9600, Sentence: "$GPTXT", Sentences: 7, EventTimeMS: s.NowMS - 2000}, s.Receiver); diff != "" {
			t.Errorf("receiver (-want +got):\n%s", diff)
		}
		b.stop()
	})
}

// setClock is a clock whose wall clock was set three times.
type setClock struct{ *jumpClock }

func (setClock) Stepped() tracker.ClockStep {
	return tracker.ClockStep{At: record.Stamp{WallMS: 1000, Quality: record.ClockNTP}, Step: -2 * time.Second, Count: 3}
}
