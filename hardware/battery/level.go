package battery

import (
	"fmt"
	"time"

	"isotherm/hardware"
)

// The rule of jumps; the package comment gives the reasons.
const (
	jumpPermille  = 50               // a change of charge that is always believed
	drainPermille = 50               // and what is added for each minute between two readings: empty in 20 minutes
	jumpVolts     = 3                // a change of voltage by more than one third is a jump
	confirmJump   = 3                // readings in a row after which a jump is taken
	forget        = 10 * time.Minute // after this the last reading says little about the next
)

// level is what a gauge shows of a battery.
type level struct {
	charge uint16 // permille, or hardware.ChargeUnknown
	volts  uint32 // mV, or hardware.VoltsUnknown
}

func (l level) String() string {
	text := ""
	if l.charge != hardware.ChargeUnknown {
		text = fmt.Sprintf("%d.%d %%", l.charge/10, l.charge%10)
	}
	if l.volts != hardware.VoltsUnknown {
		if text != "" {
			text += ", "
		}
		text += fmt.Sprintf("%d mV", l.volts)
	}
	if text == "" {
		return "nothing"
	}
	return text
}

// near reports whether a battery can get from l to other within elapsed.
func (l level) near(other level, elapsed time.Duration) bool {
	if l.charge != hardware.ChargeUnknown && other.charge != hardware.ChargeUnknown {
		allowed := jumpPermille + drainPermille*int64(elapsed/time.Second)/60
		if absolute(int64(l.charge)-int64(other.charge)) > allowed {
			return false
		}
	}
	if l.volts != hardware.VoltsUnknown && other.volts != hardware.VoltsUnknown {
		if jumpVolts*absolute(int64(l.volts)-int64(other.volts)) > int64(l.volts) {
			return false
		}
	}
	return true
}

func absolute(v int64) int64 {
	if v < 0 {
		return -v
	}
	return v
}

// jumps tells readings that can follow each other from odd ones. The zero value has seen none. It is for one goroutine.
type jumps struct {
	have   bool
	last   level     // taken
	at     time.Time // when that was
	doubt  level     // the newest that was not taken
	since  time.Time // when that was
	agreed int       // readings in a row that agree with doubt, itself included
}

// blank reports whether there is no taken reading, young enough at now, to compare with.
func (j *jumps) blank(now time.Time) bool {
	age := now.Sub(j.at)
	return !j.have || age < 0 || age > forget // below zero: the clock was set back
}

// take reports whether v is to be believed, by the readings before it. It is not for when there are none: see confirm.
func (j *jumps) take(now time.Time, v level) bool {
	if j.last.near(v, now.Sub(j.at)) {
		j.accept(now, v)
		return true
	}
	if gap := now.Sub(j.since); j.agreed > 0 && gap >= 0 && j.doubt.near(v, gap) {
		j.agreed++
	} else {
		j.agreed = 1
	}
	j.doubt, j.since = v, now
	if j.agreed < confirmJump {
		return false
	}
	j.accept(now, v)
	return true
}

// confirm reports whether v is to be believed without readings before it: first was seen right before.
func (j *jumps) confirm(now time.Time, first, v level) bool {
	if !first.near(v, 0) {
		return false
	}
	j.accept(now, v)
	return true
}

func (j *jumps) accept(now time.Time, v level) { j.have, j.last, j.at, j.agreed = true, v, now, 0 }

// why says what speaks against v, for a person.
func (j *jumps) why(v level) string {
	return fmt.Sprintf("showed %v, and now %v: no battery changes so fast; it is taken when %d readings in a row say it",
		j.last, v, confirmJump)
}

// lowHysteresis keeps a charge at the threshold from being told again and again: it ends 3 points above.
const lowHysteresis = 30

// lowMark notes that little charge is left. The zero value is for a battery that is well charged.
type lowMark struct {
	on bool
}

// update reports whether b is low at a threshold in permille. On outside power it is not: there is nothing to do.
func (l *lowMark) update(b hardware.Battery, threshold uint16) bool {
	switch {
	case b.State == hardware.PowerCharging || b.State == hardware.PowerFull || b.ChargePermille == hardware.ChargeUnknown:
		l.on = false
	case b.ChargePermille <= threshold:
		l.on = true
	case b.ChargePermille > threshold+lowHysteresis:
		l.on = false
	}
	return l.on
}

// failed is the outcome of an attempt that gave no values.
func failed(at time.Time, fault hardware.Fault, detail string) hardware.Battery {
	return hardware.Battery{At: at, ChargePermille: hardware.ChargeUnknown, MilliVolts: hardware.VoltsUnknown,
		State: hardware.PowerUnknown, Fault: fault, Detail: detail}
}

// wrongMost is how many readings in a row may be senseless before the monitor is told; the first is in the Battery, and a
// journal needs no three entries for one glitch.
const wrongMost = 3

// standing keeps a gauge's monitor. The zero value is ready.
type standing struct {
	monitor *hardware.Monitor
	port    string
	wrong   int // senseless readings in a row
}

// note tells the monitor what b means for the gauge. That the caller gave up means nothing.
func (s *standing) note(b hardware.Battery) {
	state := hardware.StateOf(b.Fault)
	switch {
	case b.Fault == hardware.None, b.Fault == hardware.BatteryLow, b.Fault == hardware.Undervoltage:
		s.wrong = 0
		s.monitor.Set(hardware.StateLive, hardware.None, s.port, "")
	case b.Fault == hardware.Canceled:
	case state == hardware.StateDown:
		s.wrong = 0
		s.monitor.Set(hardware.StateDown, b.Fault, s.port, b.Detail)
	default:
		if s.wrong++; s.wrong < wrongMost {
			return
		}
		s.monitor.Set(state, b.Fault, s.port, b.Detail)
	}
}
