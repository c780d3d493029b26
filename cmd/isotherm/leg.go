package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"isotherm/cmd/internal/tomlfile"
	"isotherm/ledger/custody"
)

// maxPlan bounds a file with planned legs.
const maxPlan = 64 << 10

// plannedLeg is a leg as people write it.
type plannedLeg struct {
	From    string `toml:"from" json:"from"`
	To      string `toml:"to" json:"to"`
	Mode    string `toml:"mode" json:"mode"`
	Depart  string `toml:"depart" json:"depart"` // planned time with zone
	Arrive  string `toml:"arrive" json:"arrive"`
	Start   string `toml:"start" json:"start"` // latitude,longitude
	End     string `toml:"end" json:"end"`
	RadiusM uint32 `toml:"radius_m" json:"radius_m"` // of the circles around both, metres
}

// defaultRadiusM is the circle around a leg's ends when none is given: the grounds of a hospital or a terminal.
const defaultRadiusM = 500

// leg returns the leg of a statement.
func (p *plannedLeg) leg(a *act) (custody.Leg, error) {
	l := custody.Leg{From: p.From, To: p.To, RadiusM: p.RadiusM}
	if p.From == "" || p.To == "" {
		return l, fmt.Errorf("a leg names where it begins and ends: from and to")
	}
	var err error
	if l.Mode, err = custody.ParseMode(p.Mode); err != nil {
		return l, err
	}
	for _, x := range []struct {
		text string
		at   *custody.Position
	}{{p.Start, &l.Start}, {p.End, &l.End}} {
		if x.text == "" {
			continue
		}
		if *x.at, err = parsePosition(x.text); err != nil {
			return l, err
		}
		if l.RadiusM == 0 {
			l.RadiusM = defaultRadiusM
		}
	}
	for _, x := range []struct {
		text string
		at   *int64
	}{{p.Depart, &l.DepartMS}, {p.Arrive, &l.ArriveMS}} {
		if x.text == "" {
			continue
		}
		t, err := parseZoned(x.text)
		if err != nil {
			return l, err
		}
		*x.at = t.UnixMilli()
		if a.s.Zone == nil {
			a.s.Zone = zoneOf(t)
		}
	}
	if l.DepartMS != 0 && l.ArriveMS != 0 && l.ArriveMS < l.DepartMS {
		return l, fmt.Errorf("leg from %s to %s arrives before it departs", l.From, l.To)
	}
	return l, nil
}

// parseLeg reads 'from=HARBOR,to=Airfield,mode=road,…' of a --leg flag. A position's comma is written as a slash.
func parseLeg(text string) (plannedLeg, error) {
	var p plannedLeg
	for _, part := range strings.Split(text, ",") {
		key, value, ok := strings.Cut(part, "=")
		value = strings.TrimSpace(value)
		switch key = strings.TrimSpace(key); {
		case !ok:
			return p, fmt.Errorf("leg %q: want key=value, key=value: from, to, mode, depart, arrive, start, end, radius", text)
		case key == "from":
			p.From = value
		case key == "to":
			p.To = value
		case key == "mode":
			p.Mode = value
		case key == "depart":
			p.Depart = value
		case key == "arrive":
			p.Arrive = value
		case key == "start":
			p.Start = strings.Replace(value, "/", ",", 1)
		case key == "end":
			p.End = strings.Replace(value, "/", ",", 1)
		case key == "radius":
			n, err := strconv.ParseUint(strings.TrimSuffix(value, "m"), 10, 32)
			if err != nil {
				return p, fmt.Errorf("leg %q: radius %q: want metres", text, value)
			}
			p.RadiusM = uint32(n)
		default:
			return p, fmt.Errorf("leg %q: key %q is not known: use from, to, mode, depart, arrive, start, end, radius", text, key)
		}
	}
	return p, nil
}

// readLegs reads a plan: TOML with [[leg]] tables, or JSON {"leg": […]} when the name ends in .json.
func readLegs(path string) ([]plannedLeg, error) {
	text, err := readLimited(path, maxPlan)
	if err != nil {
		return nil, err
	}
	var plan struct {
		Leg []plannedLeg `toml:"leg" json:"leg"`
	}
	if err := decodeStrict(path, text, &plan); err != nil {
		return nil, err
	}
	return plan.Leg, nil
}

// decodeStrict decodes TOML, or JSON when the file's name says so, and refuses unknown keys.
func decodeStrict(path string, text []byte, v any) error {
	var err error
	if filepath.Ext(path) == ".json" {
		d := json.NewDecoder(bytes.NewReader(text))
		d.DisallowUnknownFields()
		err = d.Decode(v)
	} else {
		err = tomlfile.Decode(text, v)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// legFlags registers --leg and --legs, and returns a function that reads them into the statement.
func (a *act) legFlags() func() error {
	var texts []string
	var file string
	a.cmd.Flags().StringArrayVar(&texts, "leg", nil, "a planned leg: from=,to=,mode=,depart=,arrive=,start=LAT/LON,end=LAT/LON,radius=METRES; once for each, in order")
	a.cmd.Flags().StringVar(&file, "legs", "", "file with the planned legs: TOML with [[leg]] tables, or JSON")
	return func() error {
		var plan []plannedLeg
		if file != "" {
			var err error
			if plan, err = readLegs(file); err != nil {
				return err
			}
		}
		for _, text := range texts {
			p, err := parseLeg(text)
			if err != nil {
				return usageError{err}
			}
			plan = append(plan, p)
		}
		for i := range plan {
			l, err := plan[i].leg(a)
			if err != nil {
				return usageError{fmt.Errorf("leg %d: %w", i+1, err)}
			}
			a.s.Legs = append(a.s.Legs, l)
		}
		return nil
	}
}
