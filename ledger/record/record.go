// Package record defines the records of a box's journal and their canonical bytes: the leaves of its Merkle log.
//
// The bytes are deterministic CBOR (RFC 8949 section 4.2.1) with integers only. FORMAT.md in ledger/ lists every key.
// It computes only; writing records safely is the work of tracker/journal.
package record

import (
	"crypto/ed25519"
	"fmt"
	"strings"
	"unicode/utf8"

	"isotherm/ledger"
	"isotherm/ledger/cbor"
	"isotherm/ledger/merkle"
)

// Kind tells what a record says. Numbers are append only; zero is no kind.
type Kind uint16

// The kinds of record.
const (
	KindBoot            Kind = 1  // the journal was opened; the first record of every incarnation
	KindReading         Kind = 2  // samples of all probes, and the position
	KindGap             Kind = 3  // no readings were taken for a while, and why
	KindExcursionOpened Kind = 4  // the box found an excursion of the profile
	KindExcursionClosed Kind = 5  // the excursion ended
	KindAct             Kind = 6  // a custody act was handed to the box
	KindProbeChange     Kind = 7  // a probe began or ceased to answer, or to be doubted
	KindOutput          Kind = 8  // the box switched an alarm or a radio
	KindShutdown        Kind = 9  // the box was told to stop; the last record of an orderly incarnation
	KindDevice          Kind = 10 // a device began to stand otherwise: unplugged, silent, live again
	KindHandling        Kind = 11 // the lid was opened or closed, light got in or went, the box was struck
	KindBattery         Kind = 12 // what the gauge of the box's battery said
)

// MaxSize bounds one record in canonical form. A custody act with its profile is the largest.
const MaxSize = 16 << 10

// ClockQuality says how far the wall clock of a stamp can be trusted.
type ClockQuality uint8

// The clock qualities. ClockSimulated marks every record of a demonstration, so that none passes for a real one.
const (
	ClockUnset     ClockQuality = 1 // never set since power-on
	ClockRTC       ClockQuality = 2 // from a battery-backed clock, or the operating system without proof of more
	ClockNTP       ClockQuality = 3 // synchronised over the network
	ClockGNSS      ClockQuality = 4 // set from a valid fix with a date
	ClockSimulated ClockQuality = 5 // runs faster than time, in a demonstration
)

func (q ClockQuality) String() string {
	switch q {
	case ClockUnset:
		return "unset"
	case ClockRTC:
		return "rtc"
	case ClockNTP:
		return "ntp"
	case ClockGNSS:
		return "gnss"
	case ClockSimulated:
		return "simulated"
	}
	return fmt.Sprintf("unknown(%d)", uint8(q))
}

// Stamp is when a record was made, by the box's clocks. Order is by seq, never by Wall.
type Stamp struct {
	MonoMS  uint64       // milliseconds since the box was powered on; does not run back
	WallMS  int64        // Unix time in milliseconds, as far as Quality goes
	Quality ClockQuality // how the wall clock was set
}

// Record is one record. Exactly the field of its kind is set; a kind this version does not know is kept in Unknown.
type Record struct {
	Seq       uint64 // leaf index in the incarnation, from 0
	Kind      Kind
	At        Stamp
	Boot      *Boot
	Reading   *Reading
	Gap       *Gap
	Excursion *Excursion
	Act       *Act
	Probe     *ProbeChange
	Output    *Output
	Shutdown  *Shutdown
	Device    *Device
	Handling  *Handling
	Battery   *Battery
	Unknown   []byte // canonical CBOR of the body of an unknown kind
}

// Predecessor is the journal an incarnation follows, as far as the box still knew it.
type Predecessor struct {
	Incarnation ledger.IncarnationID
	Size        int64
	Root        [32]byte
}

// Probe describes a temperature probe as configured.
type Probe struct {
	Number uint8  // names the probe in every reading, from 0
	Place  string // what it measures: 'organ', 'beside the bags', 'box'; in a box of several spaces 'organ/left'
	Model  string

	// Its calibration, as configured; all zero when none is.
	Certificate string // number of the certificate
	UntilMS     int64  // end of its validity, Unix milliseconds
	ErrorMC     uint32 // expanded uncertainty or class, milli-K either way
	IssuedMS    int64  // the day of the calibration, Unix milliseconds

	// Points is the curve by which samples are corrected before they are written; none: they are as the probe showed
	// them. What the probe showed follows from the curve: between two points on the straight line through them, beyond
	// them by the nearest one's correction (hardware.Calibration).
	Points []Point
}

// Boot opens an incarnation.
type Boot struct {
	Key         ed25519.PublicKey // the key that signs this journal
	Incarnation ledger.IncarnationID
	BootID      [16]byte // the kernel's random name of this power-on
	BootCount   uint64   // how often this box has opened a journal
	Predecessor *Predecessor
	Software    string
	Probes      []Probe
	SampleMS    uint32 // planned time between readings
}

// Fault is a failed measurement's reason, by the numbers of hardware.Fault. Zero is no fault. Some of them are doubts:
// there is a value, and the fault says what speaks against it.
type Fault uint16

// Sample is a probe's answer: a temperature, or a fault and no temperature.
type Sample struct {
	Probe  uint8
	Fault  Fault
	TempMC int32 // milli-°C, corrected by the probe's calibration; zero and meaningless when Fault is set
}

// Fix is a position of the receiver.
type Fix struct {
	LatE7, LonE7 int32  // 1e-7 degrees, WGS 84, north and east positive
	Quality      uint8  // by the numbers of hardware.Quality
	Satellites   uint8  // 255 when unknown
	HDOPx100     uint16 // 0 when unknown
	AgeMS        uint32 // age at the record's time
}

// Reading is what the box sensed at one time: every probe, and the position or why there is none.
type Reading struct {
	Samples []Sample
	Fix     *Fix
	// FixFault says why there is no fix, or next to a fix what makes it doubtful. Zero for a fix without a doubt, when no
	// receiver is configured, and when the box carries no shipment.
	FixFault Fault
}

// GapReason says why no readings were taken.
type GapReason uint8

// The reasons of a gap.
const (
	GapSuspended GapReason = 1 // the box slept or its processor was held up
	GapStorage   GapReason = 2 // the journal could not be written
	GapProbes    GapReason = 3 // the probes took that long to answer
)

// Gap says that readings due between two times were not taken.
type Gap struct {
	Reason   GapReason
	FromMono uint64 // monotonic time of the last reading before it, in milliseconds
	ToMono   uint64
}

// Excursion is what the box itself found, by the profile it was given. The ledger and the verifier find excursions anew
// from the readings and compare.
type Excursion struct {
	Rule      string // the profile's name of the rule
	Probe     uint8
	BeganMono uint64 // monotonic time of the first reading out of band, in milliseconds
	EndedMono uint64 // zero in 'opened'
	ExtremeMC int32  // the value farthest out of band so far; zero for a lost sensor
}

// Act is a custody act as it was handed to the box: the statement and its signatures, see ledger/custody.
type Act struct {
	Bytes []byte
}

// ProbeChange says that a probe began or ceased to answer, or to be doubted: samples go on carrying values then.
type ProbeChange struct {
	Probe uint8
	Fault Fault // zero: answers again, and nothing speaks against it
}

// Output says that the box switched something.
type Output struct {
	Name string // 'alarm', 'radio'
	On   bool
}

// Shutdown ends an incarnation.
type Shutdown struct {
	Reason string
}

// OriginPrefix begins the origin of every box journal.
const OriginPrefix = "isotherm/box/"

// Origin returns the origin of a box journal: the first line of its checkpoints and the name of its key.
func Origin(box ledger.BoxID, inc ledger.IncarnationID) string {
	return OriginPrefix + box.String() + "/" + inc.String()
}

// ParseOrigin reads what Origin writes.
func ParseOrigin(origin string) (ledger.BoxID, ledger.IncarnationID, error) {
	rest, ok := strings.CutPrefix(origin, OriginPrefix)
	boxText, incText, found := strings.Cut(rest, "/")
	if !ok || !found {
		return ledger.BoxID{}, ledger.IncarnationID{}, fmt.Errorf("origin %.80q is not that of a box journal", origin)
	}
	box, err := ledger.ParseID[ledger.BoxID](boxText)
	if err != nil {
		return ledger.BoxID{}, ledger.IncarnationID{}, fmt.Errorf("origin %.80q: %w", origin, err)
	}
	inc, err := ledger.ParseID[ledger.IncarnationID](incText)
	if err != nil {
		return ledger.BoxID{}, ledger.IncarnationID{}, fmt.Errorf("origin %.80q: %w", origin, err)
	}
	return box, inc, nil
}

// OpenHead checks a signed head of a box journal against the box's key and returns what it says.
func OpenHead(signed []byte, key ed25519.PublicKey) (merkle.Checkpoint, ledger.IncarnationID, error) {
	origin, err := merkle.PeekOrigin(signed)
	if err != nil {
		return merkle.Checkpoint{}, ledger.IncarnationID{}, err
	}
	box, inc, err := ParseOrigin(origin)
	if err != nil {
		return merkle.Checkpoint{}, ledger.IncarnationID{}, err
	}
	if box != ledger.BoxIDOf(key) {
		return merkle.Checkpoint{}, ledger.IncarnationID{}, fmt.Errorf("head of box %s is not of the box whose key was given", box)
	}
	head, err := merkle.Open(signed, origin, key)
	return head, inc, err
}

// check reports whether the record can be written, and read again: one body, of its kind, and nothing that Parse refuses.
func (r *Record) check() error {
	if r.At.Quality == 0 {
		return fmt.Errorf("record %d: no clock quality", r.Seq)
	}
	set := 0
	for _, is := range []bool{r.Boot != nil, r.Reading != nil, r.Gap != nil, r.Excursion != nil, r.Act != nil,
		r.Probe != nil, r.Output != nil, r.Shutdown != nil, r.Device != nil, r.Handling != nil, r.Battery != nil, r.Unknown != nil} {
		if is {
			set++
		}
	}
	if set != 1 {
		return fmt.Errorf("record %d of kind %d: %d bodies, want exactly one", r.Seq, r.Kind, set)
	}
	if err := r.checkBody(); err != nil {
		return fmt.Errorf("record %d: %w", r.Seq, err)
	}
	for _, text := range r.texts() {
		if len(text) > maxText || !utf8.ValidString(text) {
			return fmt.Errorf("record %d: text %.40q is longer than %d bytes or not UTF-8", r.Seq, text, maxText)
		}
	}
	return nil
}

func (r *Record) checkBody() error {
	switch {
	case r.Reading != nil && len(r.Reading.Samples) > MaxProbes:
		return fmt.Errorf("%d samples, at most %d are allowed", len(r.Reading.Samples), MaxProbes)
	case r.Boot != nil && len(r.Boot.Probes) > MaxProbes:
		return fmt.Errorf("%d probes, at most %d are allowed", len(r.Boot.Probes), MaxProbes)
	case r.Boot != nil:
		for _, p := range r.Boot.Probes {
			if err := checkPoints(p.Points); err != nil {
				return fmt.Errorf("probe %d: %w", p.Number, err)
			}
		}
	case r.Device != nil:
		return r.Device.check()
	case r.Handling != nil:
		return r.Handling.check()
	case r.Battery != nil:
		return r.Battery.check()
	}
	return nil
}

// texts returns all texts in the body.
func (r *Record) texts() []string {
	switch {
	case r.Boot != nil:
		out := []string{r.Boot.Software}
		for _, p := range r.Boot.Probes {
			out = append(out, p.Place, p.Model, p.Certificate)
		}
		return out
	case r.Excursion != nil:
		return []string{r.Excursion.Rule}
	case r.Output != nil:
		return []string{r.Output.Name}
	case r.Shutdown != nil:
		return []string{r.Shutdown.Reason}
	case r.Device != nil:
		return []string{r.Device.Name, r.Device.Port}
	}
	return nil
}

// Append writes the record's canonical bytes. It returns an error for a record that Parse would not take back.
func (r *Record) Append(b []byte) ([]byte, error) {
	start := len(b)
	b, err := r.append(b)
	if err == nil && len(b)-start > MaxSize {
		return b[:start], fmt.Errorf("record %d of %d bytes, at most %d are allowed", r.Seq, len(b)-start, MaxSize)
	}
	return b, err
}

func (r *Record) append(b []byte) ([]byte, error) {
	if err := r.check(); err != nil {
		return b, err
	}
	b = cbor.AppendMap(b, 6)
	b = cbor.AppendUint(b, 1)
	b = cbor.AppendUint(b, uint64(r.Kind))
	b = cbor.AppendUint(b, 2)
	b = cbor.AppendUint(b, r.Seq)
	b = cbor.AppendUint(b, 3)
	b = cbor.AppendUint(b, r.At.MonoMS)
	b = cbor.AppendUint(b, 4)
	b = cbor.AppendInt(b, r.At.WallMS)
	b = cbor.AppendUint(b, 5)
	b = cbor.AppendUint(b, uint64(r.At.Quality))
	b = cbor.AppendUint(b, 6)
	switch {
	case r.Kind == KindReading && r.Reading != nil:
		return r.Reading.append(b), nil
	case r.Kind == KindBoot && r.Boot != nil:
		return r.Boot.append(b), nil
	case r.Kind == KindGap && r.Gap != nil:
		return appendUints(b, uint64(r.Gap.Reason), r.Gap.FromMono, r.Gap.ToMono), nil
	case (r.Kind == KindExcursionOpened || r.Kind == KindExcursionClosed) && r.Excursion != nil:
		return r.Excursion.append(b), nil
	case r.Kind == KindAct && r.Act != nil:
		return cbor.AppendBytes(b, r.Act.Bytes), nil
	case r.Kind == KindProbeChange && r.Probe != nil:
		return appendUints(b, uint64(r.Probe.Probe), uint64(r.Probe.Fault)), nil
	case r.Kind == KindOutput && r.Output != nil:
		return cbor.AppendBool(cbor.AppendText(cbor.AppendArray(b, 2), r.Output.Name), r.Output.On), nil
	case r.Kind == KindShutdown && r.Shutdown != nil:
		return cbor.AppendText(b, r.Shutdown.Reason), nil
	case r.Kind == KindDevice && r.Device != nil:
		return r.Device.append(b), nil
	case r.Kind == KindHandling && r.Handling != nil:
		return r.Handling.append(b), nil
	case r.Kind == KindBattery && r.Battery != nil:
		return r.Battery.append(b), nil
	case r.Kind > KindBattery && r.Unknown != nil:
		return append(b, r.Unknown...), nil
	}
	return b, fmt.Errorf("record %d: body does not fit kind %d", r.Seq, r.Kind)
}

func appendUints(b []byte, vs ...uint64) []byte {
	b = cbor.AppendArray(b, len(vs))
	for _, v := range vs {
		b = cbor.AppendUint(b, v)
	}
	return b
}

func (r *Reading) append(b []byte) []byte {
	n := 1
	if r.Fix != nil {
		n++
	}
	if r.FixFault != 0 {
		n++
	}
	b = cbor.AppendMap(b, n)
	b = cbor.AppendUint(b, 1)
	b = cbor.AppendArray(b, len(r.Samples))
	for _, s := range r.Samples {
		if s.Fault != 0 {
			b = appendUints(b, uint64(s.Probe), uint64(s.Fault))
			continue
		}
		b = cbor.AppendArray(b, 3)
		b = cbor.AppendUint(b, uint64(s.Probe))
		b = cbor.AppendUint(b, 0)
		b = cbor.AppendInt(b, int64(s.TempMC))
	}
	if f := r.Fix; f != nil {
		b = cbor.AppendUint(b, 2)
		b = cbor.AppendArray(b, 6)
		b = cbor.AppendInt(b, int64(f.LatE7))
		b = cbor.AppendInt(b, int64(f.LonE7))
		b = cbor.AppendUint(b, uint64(f.Quality))
		b = cbor.AppendUint(b, uint64(f.Satellites))
		b = cbor.AppendUint(b, uint64(f.HDOPx100))
		b = cbor.AppendUint(b, uint64(f.AgeMS))
	}
	if r.FixFault != 0 {
		b = cbor.AppendUint(b, 3)
		b = cbor.AppendUint(b, uint64(r.FixFault))
	}
	return b
}

func (r *Boot) append(b []byte) []byte {
	n := 7
	if r.Predecessor != nil {
		n++
	}
	b = cbor.AppendMap(b, n)
	b = cbor.AppendUint(b, 1)
	b = cbor.AppendBytes(b, r.Key)
	b = cbor.AppendUint(b, 2)
	b = cbor.AppendBytes(b, r.Incarnation[:])
	b = cbor.AppendUint(b, 3)
	b = cbor.AppendBytes(b, r.BootID[:])
	b = cbor.AppendUint(b, 4)
	b = cbor.AppendUint(b, r.BootCount)
	b = cbor.AppendUint(b, 5)
	b = cbor.AppendText(b, r.Software)
	b = cbor.AppendUint(b, 6)
	b = cbor.AppendArray(b, len(r.Probes))
	for _, p := range r.Probes {
		b = cbor.AppendArray(b, 8)
		b = cbor.AppendUint(b, uint64(p.Number))
		b = cbor.AppendText(b, p.Place)
		b = cbor.AppendText(b, p.Model)
		b = cbor.AppendText(b, p.Certificate)
		b = cbor.AppendInt(b, p.UntilMS)
		b = cbor.AppendUint(b, uint64(p.ErrorMC))
		b = cbor.AppendInt(b, p.IssuedMS)
		b = appendPoints(b, p.Points)
	}
	b = cbor.AppendUint(b, 7)
	b = cbor.AppendUint(b, uint64(r.SampleMS))
	if p := r.Predecessor; p != nil {
		b = cbor.AppendUint(b, 8)
		b = cbor.AppendArray(b, 3)
		b = cbor.AppendBytes(b, p.Incarnation[:])
		b = cbor.AppendUint(b, uint64(p.Size))
		b = cbor.AppendBytes(b, p.Root[:])
	}
	return b
}

func (r *Excursion) append(b []byte) []byte {
	b = cbor.AppendArray(b, 5)
	b = cbor.AppendText(b, r.Rule)
	b = cbor.AppendUint(b, uint64(r.Probe))
	b = cbor.AppendUint(b, r.BeganMono)
	b = cbor.AppendUint(b, r.EndedMono)
	return cbor.AppendInt(b, int64(r.ExtremeMC))
}
