package tracker

import (
	"encoding/hex"
	"slices"

	"isotherm/hardware"
	"isotherm/ledger"
	"isotherm/ledger/excursion"
	"isotherm/ledger/record"
	"isotherm/tracker/journal"
)

// LinkState says how the box stands with the ledger.
type LinkState string

// The states of the link.
const (
	LinkNone LinkState = "none" // the box is not enrolled
	LinkIdle LinkState = "idle" // nothing was tried yet
	LinkUp   LinkState = "up"   // the last call succeeded
	LinkDown LinkState = "down" // the last call failed
	LinkOff  LinkState = "off"  // the radio was switched off
)

// Link is the state of the uplink. Times are Unix milliseconds of the box's clock; 0 is never or none.
type Link struct {
	State          LinkState `json:"state"`
	SinceMS        int64     `json:"since_ms"`
	LastSyncMS     int64     `json:"last_sync_ms"`
	WaitingSinceMS int64     `json:"waiting_since_ms"` // time of the oldest record that the ledger has not receipted
	Problem        string    `json:"problem,omitempty"`
	Stopped        []Stopped `json:"stopped,omitempty"`
}

// Stopped is an incarnation that is not sent, and why. Nothing of it is lost on the box.
type Stopped struct {
	Incarnation ledger.IncarnationID `json:"incarnation"`
	Reason      string               `json:"reason"`
}

// SampleStatus is a probe's newest answer.
type SampleStatus struct {
	Probe       uint8  `json:"probe"`
	Place       string `json:"place"`
	TempMC      *int32 `json:"temp_mc,omitempty"`      // corrected by the calibration; absent when there is a fault
	IndicatedMC *int32 `json:"indicated_mc,omitempty"` // what the probe showed; absent when that is not corrected
	Fault       string `json:"fault,omitempty"`
	Doubt       string `json:"doubt,omitempty"`  // what speaks against the temperature, the leading one of several
	Raw         string `json:"raw,omitempty"`    // what the device said, for a person
	Detail      string `json:"detail,omitempty"` // of a fault, for a person: what, where, what to do
}

// ReadingStatus is the newest reading.
type ReadingStatus struct {
	Seq         uint64         `json:"seq"`
	EventTimeMS int64          `json:"event_time_ms"`
	Clock       string         `json:"clock"` // quality of that time
	Samples     []SampleStatus `json:"samples"`
	LatE7       *int32         `json:"lat_e7,omitempty"`
	LonE7       *int32         `json:"lon_e7,omitempty"`
	FixAgeMS    *uint32        `json:"fix_age_ms,omitempty"`
	Satellites  *uint8         `json:"satellites,omitempty"` // used in the fix; absent when not known
	FixFault    string         `json:"fix_fault,omitempty"`  // why there is no fix, or what speaks against it
}

// ExcursionStatus is an excursion that is open.
type ExcursionStatus struct {
	Rule       string `json:"rule"`
	Severity   string `json:"severity"`
	Probe      uint8  `json:"probe"`
	BeganMS    int64  `json:"began_ms"`
	DurationMS int64  `json:"duration_ms"` // of a total: added up
	ExtremeMC  int32  `json:"extreme_mc"`
	Active     bool   `json:"active"` // out of band now; a total that was reached stays listed
}

// ShipmentStatus is a shipment in the box.
type ShipmentStatus struct {
	Shipment   ledger.ShipmentID `json:"shipment"`
	Space      string            `json:"space,omitempty"`   // of a box with several
	Tip        string            `json:"tip,omitempty"`     // hash of the newest claim in this box, 64 hexadecimal digits: the parent of the next act
	Profile    string            `json:"profile,omitempty"` // name and version; empty: not known yet, or it can't be followed
	Watched    bool              `json:"watched"`           // its readings are judged
	Received   bool              `json:"received"`          // a center has it; watched until the box is opened
	Alarm      bool              `json:"alarm"`
	Excursions []ExcursionStatus `json:"excursions"`
	Band       *BandStatus       `json:"band,omitempty"`         // absent when its readings are not judged
	Steps      []string          `json:"instructions,omitempty"` // what the program wants people to do in an alarm
}

// BandStatus is what the profile wants of the probes at a place.
type BandStatus struct {
	Place  string `json:"place"` // of the probes that are judged, as the profile names it
	LowMC  int32  `json:"low_mc"`
	HighMC int32  `json:"high_mc"`
}

// StorageStatus says what keeps the box from writing its journal. It is absent while all is well.
type StorageStatus struct {
	SinceMS int64  `json:"since_ms"`
	Waiting int    `json:"waiting"` // records in memory only
	Dropped int    `json:"dropped"` // readings lost
	Problem string `json:"problem"`
}

// DamageStatus tells of a journal file that was found damaged at start.
type DamageStatus struct {
	Incarnation ledger.IncarnationID `json:"incarnation"`
	Kept        int64                `json:"kept"`
	Known       int64                `json:"known"`
	Problem     string               `json:"problem"`
}

// Status is what the box knows of itself.
type Status struct {
	Box         ledger.BoxID         `json:"box"`
	Incarnation ledger.IncarnationID `json:"incarnation"`
	NowMS       int64                `json:"now_ms"`
	Clock       string               `json:"clock"`
	Recorded    int64                `json:"recorded"`        // records, some perhaps in memory only
	Flushed     int64                `json:"flushed"`         // records on disk
	Receipted   int64                `json:"receipted"`       // records that the ledger holds for good
	Unsent      int64                `json:"unsent"`          // records of all incarnations that wait for a receipt
	Shipments   []ShipmentStatus     `json:"shipments"`       // in the box, by ID
	Alarm       bool                 `json:"alarm"`           // that of any shipment
	Pages       string               `json:"pages,omitempty"` // address of the pages for people, for the way back to them
	Reading     *ReadingStatus       `json:"reading,omitempty"`
	Senses                           // what else it senses, and switches
	Storage     *StorageStatus       `json:"storage,omitempty"`
	Damage      []DamageStatus       `json:"damage,omitempty"`
	Link        Link                 `json:"link"`
}

// Status returns the state of the box now. It may be called from any goroutine, and does not wait for the disk.
func (t *Tracker) Status() Status {
	now := t.cfg.Clock.Now()
	newest := t.journal.Newest()
	s := Status{Pages: t.cfg.Pages, Box: t.Box(), Incarnation: newest.Incarnation, NowMS: now.WallMS, Clock: now.Quality.String(),
		Flushed: newest.Size, Shipments: []ShipmentStatus{}, Senses: t.senses(now), Link: Link{State: LinkNone, Problem: t.cfg.Unlinked}}
	if t.uplink != nil {
		t.uplink.link.mu.Lock()
		s.Link = t.uplink.link.Link
		t.uplink.link.mu.Unlock()
	}
	for _, d := range t.journal.Damage() {
		s.Damage = append(s.Damage, DamageStatus{Incarnation: d.Incarnation, Kept: d.Kept, Known: d.Known, Problem: d.Err.Error()})
	}
	t.rec.describe(&s, t.cfg.Probes)
	countReceipts(&s, t.journal.Incarnations())
	return s
}

func countReceipts(s *Status, list []journal.Incarnation) {
	for _, inc := range list {
		if inc.Current {
			s.Receipted = inc.Receipted
		}
		s.Unsent += inc.Size - min(inc.Receipted, inc.Size)
	}
}

// describe fills in what the recorder knows.
func (r *recorder) describe(s *Status, probes []Probe) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.Recorded = int64(r.next)
	if st := r.storage; st.since.Quality != 0 {
		s.Storage = &StorageStatus{SinceMS: st.since.WallMS, Waiting: len(r.pending), Dropped: st.dropped, Problem: st.err.Error()}
	}
	if r.last != nil {
		s.Reading = readingStatus(r.last, r.answers, probes)
	}
	s.Alarm = r.alarm
	aboard := r.hold.aboard()
	slices.SortFunc(aboard, byID)
	for _, c := range aboard {
		s.Shipments = append(s.Shipments, shipmentStatus(c))
	}
}

func shipmentStatus(c *cargo) ShipmentStatus {
	out := ShipmentStatus{Shipment: c.id, Space: c.here.st.Space, Received: c.received, Excursions: []ExcursionStatus{}}
	if tip := c.tip(); tip != nil {
		out.Tip = hex.EncodeToString(tip.hash[:])
	}
	if c.watch == nil {
		return out
	}
	out.Watched, out.Profile, out.Alarm = true, c.watch.name(), c.watch.alarm()
	p := c.watch.profile
	out.Steps = p.Instructions
	out.Band = &BandStatus{Place: p.ProbePlace, LowMC: p.LowMC, HighMC: p.HighMC}
	for _, x := range c.watch.open() {
		out.Excursions = append(out.Excursions, excursionStatus(x))
	}
	return out
}

func excursionStatus(x *excursion.Excursion) ExcursionStatus {
	return ExcursionStatus{Rule: x.Rule.Name, Severity: x.Rule.Severity.String(), Probe: x.Probe, BeganMS: x.Began.WallMS, DurationMS: x.DurationMS(), ExtremeMC: x.ExtremeMC, Active: x.Active}
}

func readingStatus(r *record.Record, answers []answer, probes []Probe) *ReadingStatus {
	out := &ReadingStatus{Seq: r.Seq, EventTimeMS: r.At.WallMS, Clock: r.At.Quality.String()}
	for _, sample := range r.Reading.Samples {
		s := SampleStatus{Probe: sample.Probe, Place: probes[sample.Probe].Place}
		a := answers[sample.Probe]
		s.Raw, s.Detail = a.Raw, a.Detail
		if sample.Fault != 0 {
			s.Fault = hardware.Fault(sample.Fault).String()
		} else {
			temp, indicated := sample.TempMC, int32(a.Temp)
			s.TempMC = &temp
			if indicated != temp {
				s.IndicatedMC = &indicated
			}
			if a.state != hardware.None {
				s.Doubt = a.state.String()
			}
		}
		out.Samples = append(out.Samples, s)
	}
	if fix := r.Reading.Fix; fix != nil {
		lat, lon, age := fix.LatE7, fix.LonE7, fix.AgeMS
		out.LatE7, out.LonE7, out.FixAgeMS = &lat, &lon, &age
		if n := fix.Satellites; n != hardware.SatellitesUnknown {
			out.Satellites = &n
		}
	}
	if r.Reading.FixFault != 0 {
		out.FixFault = hardware.Fault(r.Reading.FixFault).String()
	}
	return out
}
