package alarm

import (
	"fmt"
	"slices"
	"strings"

	"isotherm/ledger/custody"
	"isotherm/ledger/excursion"
	"isotherm/ledger/profile"
	"isotherm/ledger/progress"
)

const stayShut = "Do not open the box."

// What to do, in order. For temperatures the program's own instructions come instead.
var (
	doSilence     = []string{stayShut, "Call who holds the box and ask what it shows.", "Ask them to check that it is switched on and has its radio on."}
	doRadioOff    = []string{stayShut, "Expect no data until the radio is switched on again.", "Call who holds the box if it should be on by now."}
	doCold        = []string{stayShut, "Call the transplant center and say when the organ will arrive.", "Ask the coordinator for a faster way."}
	doPlace       = []string{stayShut, "Call who holds the box and ask where it is.", "Call the coordinator."}
	doBehind      = []string{stayShut, "Call who holds the box and ask whether it is with them.", "If not, call the place where it was seen last.", "Call the coordinator."}
	doHandoff     = []string{stayShut, "Call both sides and ask who has the box.", "Have who has it confirm: custody stays with who released it until then."}
	doProgress    = []string{stayShut, "Call who holds the box and ask why it stands still."}
	doDelay       = []string{"Call the transplant center and say when the organ will arrive.", "Ask the coordinator for a faster way."}
	doCalibration = []string{"Go on: readings are taken and marked.", "Have the probe calibrated or replaced before the next trip."}
	doWithheld    = []string{"Call who holds the box and ask for its network.", "Keep the box and what it recorded."}
	doConflict    = []string{"Go on: a conflict holds up nothing.", "Call both organisations that claim the box.", "Have two authorised people rule which claim stands."}
	doMismatch    = []string{"Do not transplant before it is settled which organ this is.", "Call both sides now: the organ procurement organisation and the transplant center.",
		"Compare donor ID, organ and side on label and papers."}
)

// steps returns the program's instructions. Whatever they say, a box out of band stays shut first.
func steps(p *profile.Profile, code Code) []string {
	if code == NoReadings {
		return doSilence
	}
	if len(p.Instructions) > 0 && strings.HasPrefix(strings.ToLower(p.Instructions[0]), "do not open") {
		return p.Instructions
	}
	return slices.Concat([]string{stayShut}, p.Instructions)
}

func probe(n uint8) string { return fmt.Sprintf("probe %d", n) }

// celsius writes milli-°C with one decimal and a true minus sign; whole says to leave out a decimal of zero.
func celsius(mc int64, whole bool) string {
	v, sign := mc, ""
	if v < 0 {
		v = -v
	}
	v = (v + 50) / 100
	if mc < 0 && v > 0 {
		sign = "\u2212"
	}
	if whole && v%10 == 0 {
		return fmt.Sprintf("%s%d", sign, v/10)
	}
	return fmt.Sprintf("%s%d.%d", sign, v/10, v%10)
}

// tenth returns what a value is above the next tenth of a degree below: 1.96 °C is shown as 1.9 when too cold and never
// as the limit of 2.0 itself.
func tenth(mc int64) int64 { return (mc%100 + 100) % 100 }

func band(p *profile.Profile) string {
	return "band " + celsius(int64(p.LowMC), true) + " to " + celsius(int64(p.HighMC), true)
}

// excursionText says what an excursion is: 'Too cold: 1.2 °C, band 2 to 8'.
func excursionText(p *profile.Profile, x *excursion.Excursion) string {
	text := ""
	limit := celsius(int64(x.Rule.LimitMC), true) + " °C"
	extreme := int64(x.ExtremeMC)
	switch x.Rule.Kind {
	case profile.Below:
		text = "Too cold: " + celsius(extreme-tenth(extreme), false) + " °C, " + band(p)
	case profile.Above:
		text = "Too warm: " + celsius(extreme+tenth(-extreme), false) + " °C, " + band(p)
	case profile.BelowTotal:
		text = "Too cold in total: " + progress.Duration(int64(x.Rule.DelayMS)) + " below " + limit
	case profile.AboveTotal:
		text = "Too warm in total: " + progress.Duration(int64(x.Rule.DelayMS)) + " above " + limit
	case profile.BelowArea:
		text = "Too cold in total: " + degreeMinutes(x.Rule.AreaMKMin) + " below " + limit
	case profile.AboveArea:
		text = "Too warm in total: " + degreeMinutes(x.Rule.AreaMKMin) + " above " + limit
	case profile.Lost:
		text = "Sensor lost: " + probe(x.Probe) + " does not answer"
	default:
		text = "No readings were taken"
	}
	if !x.Active && !x.Rule.Kind.IsTotal() {
		text += ", over after " + progress.Duration(x.DurationMS())
	}
	return text
}

func degreeMinutes(mkmin uint64) string {
	if mkmin%1000 == 0 {
		return fmt.Sprintf("%d degree-minutes", mkmin/1000)
	}
	return fmt.Sprintf("%d.%d degree-minutes", mkmin/1000, mkmin%1000/100)
}

// kilometres writes metres as people say them.
func kilometres(m int64) string { return fmt.Sprintf("%d.%d km", m/1000, m%1000/100) }

// finding says what the comparison of plan and positions found.
func finding(s *custody.State, f *progress.Finding) string {
	switch f.Kind {
	case progress.WrongPlace:
		if f.DistanceM == 0 {
			return "Wrong place: at " + f.Place + ", which is not the next stop"
		}
		return "Wrong place: the box stands " + kilometres(f.DistanceM) + " from " + f.Place + ", the nearest planned place"
	case progress.LeftBehind:
		if f.DistanceM == 0 {
			return "Left behind: departure from " + f.Place + " was stated, and the box is still there"
		}
		return "Left behind: box and custodian were " + kilometres(f.DistanceM) + " apart"
	case progress.HandoffOverdue:
		by, to := "one side", "the other"
		if s.Pending != nil {
			by, to = party(s.Pending.By), party(s.Pending.To)
		}
		return "Handoff overdue: released by " + by + ", not confirmed by " + to
	case progress.NoProgress:
		return "No progress: the box stands still on the way to " + f.Place
	}
	return "Delayed: " + progress.Duration(f.DelayMS) + " behind the plan at " + f.Place
}

func party(p custody.Party) string {
	switch {
	case p.Organisation == "" && p.Desk == "":
		return "a person"
	case p.Organisation == "":
		return p.Desk
	case p.Desk != "":
		return p.Organisation + ", " + p.Desk
	}
	return p.Organisation
}
