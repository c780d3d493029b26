package gnss

import (
	gonmea "github.com/adrianmo/go-nmea"

	"isotherm/hardware"
)

// noGeometry is the HDOP, in hundredths, that receivers show when they have no solution to compute one from: 99, 99.9
// or 99.99. A sentence that calls a position valid beside it contradicts itself, and is believed in the worse half.
const noGeometry = 9900

// readVerdict finds what the receiver itself says about the position.
func (p *parser) readVerdict(kind string, raw []string) error {
	switch kind {
	case gonmea.TypeRMC:
		p.now.verdict = max(statusVerdict(raw[1]), p.rmcModeVerdict(raw))
		if len(raw) > 12 {
			p.now.verdict = max(p.now.verdict, navigationVerdict(raw[12]))
		}
	case gonmea.TypeGLL:
		p.now.verdict = statusVerdict(raw[5])
		if len(raw) > 6 {
			p.now.verdict = max(p.now.verdict, modeVerdict(raw[6]))
			p.now.quality = modeQuality(raw[6], 0)
		}
	case gonmea.TypeGGA:
		return p.readQuality(raw[5])
	case gonmea.TypeGNS:
		if err := p.readModes(raw[5]); err != nil {
			return err
		}
		if len(raw) > 12 {
			p.now.verdict = max(p.now.verdict, navigationVerdict(raw[12]))
		}
	}
	return nil
}

// statusVerdict takes anything but A for void: some receivers swap N and V here.
func statusVerdict(status string) hardware.Fault {
	if status == gonmea.StatusValid {
		return hardware.None
	}
	return hardware.Void
}

// rmcModeVerdict finds the mode, which NMEA 2.3 added after the magnetic variation and some receivers put in the place
// of its direction. There E is ambiguous (east).
func (p *parser) rmcModeVerdict(raw []string) hardware.Fault {
	if len(raw) > 11 {
		p.now.quality = modeQuality(raw[11], 0)
		return modeVerdict(raw[11])
	}
	if len(raw) == 11 && (raw[10] == gonmea.FAAModeDataNotValid || raw[10] == gonmea.FAAModeSimulated) {
		return modeVerdict(raw[10])
	}
	return hardware.None
}

// navigationVerdict reads the navigational status of NMEA 4.1: S safe, C caution, U unsafe, V not given (IEC 61162-1:
// "equipment is not providing navigational status information"; u-blox always sends V).
func navigationVerdict(status string) hardware.Fault {
	switch status {
	case "", "S", "C", "V":
		return hardware.None
	}
	return hardware.Void
}

func modeVerdict(mode string) hardware.Fault {
	switch mode {
	case "", gonmea.FAAModeAutonomous, gonmea.FAAModeDifferential, gonmea.FAAModePrecise, gonmea.FAAModeRTKInteger, gonmea.FAAModeRTKFloat:
		return hardware.None
	case gonmea.FAAModeEstimated:
		return hardware.DeadReckoned
	case gonmea.FAAModeSimulated, gonmea.FAAModeManualInput:
		return hardware.Simulated
	case gonmea.FAAModeDataNotValid:
		return hardware.NoFix
	}
	return hardware.Void // a letter we do not know is no promise
}

func (p *parser) readQuality(field string) error {
	switch field {
	case "0":
		p.now.verdict = hardware.NoFix
	case "1", "2", "3", "4", "5":
		p.now.quality = hardware.Quality(field[0] - '0')
	case "6":
		p.now.verdict = hardware.DeadReckoned
	case "7", "8": // typed in by hand, simulator
		p.now.verdict = hardware.Simulated
	case "":
		return refusal{hardware.FieldSyntax}
	default:
		return refusal{hardware.FieldRange}
	}
	return nil
}

// readModes reads the modes of a GNS, one letter for each satellite system. A system without a fix (N) does not matter
// while another one has one.
func (p *parser) readModes(field string) error {
	if field == "" {
		return refusal{hardware.FieldSyntax}
	}
	worst := hardware.None
	var quality hardware.Quality
	for i := range len(field) {
		mode := field[i : i+1]
		if mode != gonmea.FAAModeDataNotValid {
			worst = max(worst, modeVerdict(mode))
			quality = max(quality, modeQuality(mode, hardware.QualityGPS))
		}
	}
	if worst == hardware.None && quality == 0 {
		worst = hardware.NoFix
	}
	p.now.verdict, p.now.quality = worst, quality
	return nil
}

// modeQuality returns what a mode letter says about how the position was found, and plain for A, which in an RMC or GLL
// means no more than "valid".
func modeQuality(mode string, plain hardware.Quality) hardware.Quality {
	switch mode {
	case gonmea.AutonomousGNS:
		return plain
	case gonmea.DifferentialGNS:
		return hardware.QualityDGPS
	case gonmea.PreciseGNS:
		return hardware.QualityPPS
	case gonmea.RealTimeKinematicGNS:
		return hardware.QualityRTKFixed
	case gonmea.FloatRTKGNS:
		return hardware.QualityRTKFloat
	}
	return 0
}
