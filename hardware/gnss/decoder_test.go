package gnss

import (
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"isotherm/hardware"
)

func TestDecoder_Fix(t *testing.T) {
	still := func(f hardware.Fix) hardware.Fix {
		f.SpeedMMS, f.CourseCdeg = hardware.SpeedUnknown, hardware.CourseUnknown
		return f
	}
	noDate, autonomous, gns := still(goodFix()), goodFix(), still(goodFix())
	noDate.Date = time.Time{}
	autonomous.Quality, autonomous.Satellites, autonomous.HDOPx100, autonomous.AltitudeMM =
		hardware.QualityAutonomous, hardware.SatellitesUnknown, hardware.HDOPUnknown, hardware.AltitudeUnknown
	gllDated := still(autonomous)
	gll := gllDated
	gll.Date = time.Time{}
	gns.Satellites, gns.HDOPx100 = 12, 80
	differential := gll
	differential.Quality = hardware.QualityDGPS
	vtg := gll
	vtg.SpeedMMS, vtg.CourseCdeg = 3010, 22_444
	noSpeed, noAltitude := goodFix(), goodFix()
	noSpeed.SpeedMMS = hardware.SpeedUnknown
	noAltitude.AltitudeMM = hardware.AltitudeUnknown
	combined := goodFix()
	combined.LatE7 += 167 // 0.001 minutes
	south := goodFix()
	south.LatE7, south.LonE7 = -south.LatE7, -south.LonE7
	tests := []struct {
		name   string
		bodies []string
		want   hardware.Fix
	}{
		{"RMC and GGA", []string{goodRMC, goodGGA}, goodFix()},
		{"GGA first", []string{goodGGA, goodRMC}, goodFix()},
		{"GGA alone", []string{goodGGA}, noDate},
		{"RMC alone", []string{goodRMC}, autonomous},
		{"GLL alone", []string{goodGLL}, gll},
		{"GLL and ZDA without date", []string{"GPZDA,120000,,,,00,", goodGLL}, gll},
		{"GLL and ZDA", []string{goodZDA, goodGLL}, gllDated},
		{"GLL mode D", []string{strings.Replace(goodGLL, ",A,A", ",A,D", 1)}, differential},
		{"GLL and VTG", []string{goodGLL, "IIVTG,224.44,T,224.44,M,5.85,N,,,D"}, vtg},
		{"VTG and GLL", []string{"IIVTG,224.44,T,224.44,M,5.85,N,10.8,K", goodGLL}, vtg},
		{"GSA in between", []string{goodGGA, "GPGSA,A,3,01,02,03,,,,,,,,,,1.5,0.9,1.2", goodRMC}, goodFix()},
		{"one GSA of two", []string{"GPGSA,A,3,01,,,,,,,,,,,,,,", "BDGSA,A,1,,,,,,,,,,,,,,,", goodGGA, goodRMC}, goodFix()},
		{"GP and GL before GN", []string{goodGGA, "GLGGA" + goodGGA[5:], "GN" + strings.Replace(goodRMC[2:], "5230.0000", "5230.0010", 1)}, combined},
		{"the GGA with more satellites", []string{strings.Replace(goodGGA, ",08,", ",04,", 1), "GL" + strings.Replace(goodGGA[2:], "5230.0000", "5230.0010", 1), goodRMC}, combined},
		{"TAG block", []string{goodRMC, goodGGA}, goodFix()},
		{"no altitude", []string{goodRMC, strings.Replace(goodGGA, ",35.0,M", ",,", 1)}, noAltitude},
		{"GNS and ZDA", []string{goodGNS, goodZDA}, gns},
		{"south and west", []string{
			strings.NewReplacer(",N,", ",S,", ",E,", ",W,").Replace(goodRMC),
			strings.NewReplacer(",N,", ",S,", ",E,", ",W,").Replace(goodGGA)}, south},
		{"not needed in between", []string{goodRMC, "GPGSV,1,1,00", "GPXXX,1", "PMTK010,001", goodGGA}, goodFix()},
		{"no speed", []string{strings.Replace(goodRMC, ",0.5,", ",,", 1), goodGGA}, noSpeed},
		{"RMC without mode", []string{"GPRMC,120000,A,5230.0000,N,01315.0000,E,0.5,90.0,150326,,", goodGGA}, goodFix()},
		{"NMEA 4.1 nav status", []string{goodRMC + ",V", goodGGA}, goodFix()},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var in strings.Builder
			if tt.name == "TAG block" {
				in.WriteString(`\s:r003669945,c:1120959341*7D\`)
			}
			for _, body := range tt.bodies {
				in.WriteString(nmeaLine(body))
			}
			got := decode(in.String())
			for i := range got {
				got[i].Offset = 0 // a moment begins with the first sentence that has a time
			}
			want := []Event{{Kind: KindFix, Fix: tt.want}}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
}

// TestDecoder_Frames is about bytes that are not whole sentences. A good epoch
// follows each, and must come through.
func TestDecoder_Frames(t *testing.T) {
	const fix = "fix@12h0m0s"
	after := nmeaLine(goodRMC)
	tests := []struct{ name, in, want string }{
		{"dollar", "$\r\n", "checksum_missing"},
		{"dollar dollar", "$$", "interleaved interleaved"},
		{"empty with sum", "$*00\r\n", "unknown_type"},
		{"comma with sum", "$,*2C\r\n", "unknown_type"},
		{"wrong sum", "$" + goodGGA + "*00\r\n", "checksum_bad"},
		{"half a sum", "$" + goodGGA + "*6\r\n", "checksum_bad"},
		{"long sum", withSum(goodGGA) + "A\r\n", "checksum_bad"},
		{"letters as sum", "$" + goodGGA + "*ZZ\r\n", "checksum_bad"},
		{"text after sum", withSum(goodGGA) + " x\r\n", "checksum_bad"},
		{"two stars", withSum(goodGGA) + "*00\r\n", "checksum_bad"},
		{"no star", "$" + goodGGA + "\r\n", "checksum_missing"},
		{"cut by the next", "$GPGGA,120000.00,52", "interleaved"},
		{"glued", "$GPGGA,12$GPVTG,,T", "interleaved interleaved"},
		{"first line cut", "230.0000,N,013*4C\r\n", "noise"},
		{"login prompt", "raspberrypi login: ", "noise"},
		{"BOM", "\xEF\xBB\xBF", "binary"},
		{"NUL inside", "$GPGGA,12\x00\x00\r\n", "binary"},
		{"escape code inside", "$GPGSA,A\x1b[0m,3*11\r\n", "binary"},
		{"only line ends", "\r\n\r\r\n\n", ""},
		{"too long", "$GP" + strings.Repeat("X", 500) + "\r\n", "too_long"},
		{"commas", "$" + strings.Repeat(",", 20_000) + "\r\n", "too_long"},
		{"all FF", strings.Repeat("\xff", 1000), "binary"},
		{"encapsulated", "!AIVDM,1,1,,A,13u?etPv2;0n:dDPwUM1U1Cb069D,0*23\r\n", "checksum_bad"},
		{"encapsulated, right", "!AIVDM,1,1,,A,13u?etPv2;0n:dDPwUM1U1Cb069D,0*24\r\n", ""},
		{"encapsulated with a dollar", nmeaLine("AIVDM,1,1,,A,13u?etPv2;0n:dDPwUM1U1Cb069D,0"), ""},
		{"small letters", nmeaLine(strings.ToLower(goodRMC)), "unknown_type"},
		{"space in the address", nmeaLine("GP RMC,1"), "unknown_type"},
		{"wrong start for type", "!" + withSum(goodRMC)[1:] + "\r\n", "unknown_type"},
		{"proprietary lookalike", nmeaLine("PRMC,1,2,3"), ""},
		{"UBX with a dollar", ubx("$GPRMC,1\n\r\n"), "binary"},
		{"UBX length FFFF", "\xB5\x62\x01\x02\xFF\xFF", "binary"},
		{"UBX cut", ubx("$GPRMC,120000")[:9], "binary interleaved"},
		{"CASIC with a dollar", casic("abc$GPRM"), "binary"},
		{"RTCM with a dollar", rtcm("$GPGGA,1\r\n"), "binary"},
		{"RTCM damaged", rtcm("xxx")[:5] + "y" + rtcm("xxx")[6:], "binary"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := strings.TrimSpace(tt.want + " " + fix)
			if got := brief(decode(tt.in + after)); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			// And without anything after it, nothing but faults.
			if got := brief(decode(tt.in)); strings.Contains(got, "fix") {
				t.Errorf("alone it gives %q", got)
			}
		})
	}
}

func ubx(payload string) string {
	b := []byte{0xB5, 0x62, 0x01, 0x02}
	b = binary.LittleEndian.AppendUint16(b, uint16(len(payload)))
	b = append(b, payload...)
	var a, c byte
	for _, x := range b[2:] {
		a += x
		c += a
	}
	return string(append(b, a, c))
}

func casic(payload string) string {
	b := []byte{0xBA, 0xCE}
	b = binary.LittleEndian.AppendUint16(b, uint16(len(payload)))
	b = append(append(b, 0x04, 0x07), payload...)
	sum := uint32(0x07)<<24 + uint32(0x04)<<16 + uint32(len(payload))
	for i := 0; i < len(payload); i += 4 {
		sum += binary.LittleEndian.Uint32([]byte(payload[i:]))
	}
	return string(binary.LittleEndian.AppendUint32(b, sum))
}

func rtcm(payload string) string {
	b := append([]byte{0xD3, 0, byte(len(payload))}, payload...)
	crc := crc24q(b)
	return string(append(b, byte(crc>>16), byte(crc>>8), byte(crc)))
}

// crc24q is RTCM 3's checksum, bit by bit: the remainder of a division by 0x1864CFB.
func crc24q(p []byte) uint32 {
	var rest uint32
	for _, c := range append(p, 0, 0, 0) {
		for bit := 7; bit >= 0; bit-- {
			rest = rest<<1 | uint32(c>>bit&1)
			if rest&0x1000000 != 0 {
				rest ^= 0x1864CFB
			}
		}
	}
	return rest
}

// TestDecoder_Content is about sentences whose checksum is right.
func TestDecoder_Content(t *testing.T) {
	rmc := func(time, status, lat, ns, lon, ew, date, mode string) string {
		return strings.Join([]string{"GPRMC", time, status, lat, ns, lon, ew, "0.5", "90.0", date, "", "", mode}, ",")
	}
	good := func(lat, ns, lon, ew string) string { return rmc("120000.00", "A", lat, ns, lon, ew, "150326", "A") }
	at := func(time string) string { return rmc(time, "A", "5230.0000", "N", "01315.0000", "E", "150326", "A") }
	gga := func(quality, sats, hdop string) string {
		return "GPGGA,120000.00,5230.0000,N,01315.0000,E," + quality + "," + sats + "," + hdop + ",35.0,M,40.0,M,,"
	}
	on := func(date string) string { return rmc("120000.00", "A", "5230.0000", "N", "01315.0000", "E", date, "A") }
	const fix = "fix@12h0m0s"
	tests := []struct{ name, body, want string }{
		{"panics go-nmea: TXT", "GPTXT", ""},
		{"panics go-nmea: TXT,", "GPTXT,", ""},
		{"panics go-nmea: TXT,01", "GNTXT,01", ""},
		{"panics go-nmea: TXT,01,0", "GNTXT,01,0", ""},
		{"panics go-nmea: ALC", "GPALC", ""},
		{"A without position", good("", "", "", ""), "field_syntax"},
		{"A without a digit", good("", "N", "", "E"), "field_syntax"},
		{"V with position", rmc("120000.00", "V", "5230.0000", "N", "01315.0000", "E", "150326", "A"), "no:void"},
		{"V with nonsense", rmc("120000.00", "V", "36000.0000", "N", "72000.0000", "E", "150326", "N"), "no:void"},
		{"start-up", "GPRMC,,V,,,,,,,,,,N", "no:void"},
		{"mode N", rmc("120000.00", "A", "5230.0000", "N", "01315.0000", "E", "150326", "N"), "no:no_fix"},
		{"mode N in field 10", "GPRMC,120000.000,A,5230.0000,N,01315.0000,E,,,150326,0,N", "no:no_fix"},
		{"mode E", rmc("120000.00", "A", "5230.0000", "N", "01315.0000", "E", "150326", "E"), "no:dead_reckoned"},
		{"mode S", rmc("120000.00", "A", "5230.0000", "N", "01315.0000", "E", "150326", "S"), "no:simulated"},
		{"mode M", rmc("120000.00", "A", "5230.0000", "N", "01315.0000", "E", "150326", "M"), "no:simulated"},
		{"mode unknown", rmc("120000.00", "A", "5230.0000", "N", "01315.0000", "E", "150326", "Z"), "no:void"},
		{"GGA quality 0", gga("0", "00", "99.99"), "no:no_fix"},
		{"GGA quality 6", gga("6", "08", "1.0"), "no:dead_reckoned"},
		{"GGA quality 7", gga("7", "08", "1.0"), "no:simulated"},
		{"GGA quality 8", gga("8", "08", "1.0"), "no:simulated"},
		{"GGA quality 9", gga("9", "08", "1.0"), "field_range"},
		{"GGA quality empty", gga("", "08", "1.0"), "field_syntax"},
		{"GGA sats -8", gga("1", "-8", "1.0"), "field_syntax"},
		{"GGA sats 123", gga("1", "123", "1.0"), "field_syntax"},
		{"GGA sats empty", gga("1", "", ""), fix},
		{"GGA HDOP NaN", gga("1", "08", "NaN"), "field_syntax"},
		{"GGA HDOP 99.99", gga("1", "08", "99.99"), "no:no_fix"},
		{"GGA HDOP 99.0", gga("1", "08", "99.0"), "no:no_fix"},
		{"GGA HDOP 20.1", gga("1", "08", "20.1"), fix + "?hdop_high"},
		{"GGA HDOP 20", gga("1", "08", "20"), fix},
		{"GGA HDOP negative", gga("1", "08", "-1"), "field_syntax"},
		{"GGA HDOP empty", gga("1", "08", ""), fix},
		{"GGA sats 99", gga("1", "99", "1.0"), fix},
		{"GGA sats 02", gga("1", "02", "1.0"), fix + "?low_satellites"},
		{"GGA sats 00", gga("1", "00", "1.0"), fix + "?low_satellites"},
		{"GGA sats 03", gga("1", "03", "1.0"), fix},
		{"altitude in feet", strings.Replace(goodGGA, "35.0,M", "35.0,F", 1), "unit_mismatch " + fix},
		{"altitude without unit", strings.Replace(goodGGA, "35.0,M", "35.0,", 1), "unit_mismatch " + fix},
		{"altitude NaN", strings.Replace(goodGGA, "35.0,M", "NaN,M", 1), "field_syntax " + fix},
		{"altitude 1e9", strings.Replace(goodGGA, "35.0,M", "1e9,M", 1), "field_syntax " + fix},
		{"altitude of space", strings.Replace(goodGGA, "35.0,M", "100001,M", 1), "field_range " + fix},
		{"altitude empty", strings.Replace(goodGGA, "35.0,M", ",M", 1), fix},
		{"speed X.138", strings.Replace(goodRMC, ",0.5,", ",X.138,", 1), "field_syntax " + fix},
		{"speed negative", strings.Replace(goodRMC, ",0.5,", ",-0.5,", 1), "field_range " + fix},
		{"speed of a bullet", strings.Replace(goodRMC, ",0.5,", ",9999,", 1), "field_range " + fix},
		{"speed with 400 digits", strings.Replace(goodRMC, ",0.5,", ","+strings.Repeat("9", 40)+",", 1), "field_range " + fix},
		{"course 360", strings.Replace(goodRMC, ",90.0,", ",360.0,", 1), fix},
		{"course 361", strings.Replace(goodRMC, ",90.0,", ",361.0,", 1), "field_range " + fix},
		{"GSA no fix", "GPGSA,A,1,,,,,,,,,,,,99.99,99.99,99.99", ""},
		{"GSA mode 4", "GPGSA,A,4,,,,,,,,,,,,1,1,1", "field_syntax"},
		{"GSA too short", "GPGSA,A", "field_count"},
		{"VTG too short", "GPVTG,90.0,T,,M,0.5", "field_count"},
		{"VTG mode N", "GPVTG,,T,,M,,N,,K,N", ""},
		{"mode absent (2.x)", "GPRMC,120000.00,A,5230.0000,N,01315.0000,E,0.5,90.0,150326,1.5,E", fix},
		{"nav status V (4.1)", goodRMC + ",V", fix},
		{"nav status S (4.1)", goodRMC + ",S", fix},
		{"nav status C (4.1)", goodRMC + ",C", fix},
		{"nav status U (4.1)", goodRMC + ",U", "no:void"},
		{"nav status odd (4.1)", goodRMC + ",X", "no:void"},
		{"GNS nav status U (4.1)", strings.TrimSuffix(goodGNS, ",,") + ",,,U", "no:void"},
		{"midnight with status A and no coordinates", "GPRMC,000000.00,A,0.000,N,0.000,E,0.0,0.0,150326,,,A", "field_syntax"},
		{"null island, nearly", good("0000.0500", "S", "00000.0500", "W"), "no:null_island"},
		{"lat 90.0001 alone", good("9000.0001", "N", "01315.0000", "E"), "field_range"},
		{"year 79", on("150379"), fix},
		{"year 99", on("150399"), "date_invalid " + fix},
		{"year 00", on("150300"), "rollover " + fix},
		{"1,024 weeks back", on("300706"), "rollover " + fix},
		{"GGA truncated, sum right", "GPGGA,201019.00,3249.20458,N,1,-25.6,M,,", "field_range"},
		{"GLL mode N", "GPGLL,5230.0000,N,01315.0000,E,120000.00,A,N", "no:no_fix"},
		{"GLL N V swapped", "GPGLL,5230.0000,N,01315.0000,E,120000.00,N,V", "no:void"},
		{"GNS none", strings.Replace(goodGNS, "AAN", "NNN", 1), "no:no_fix"},
		{"GNS one of three", strings.Replace(goodGNS, "AAN", "NAN", 1), fix},
		{"GNS simulated", strings.Replace(goodGNS, "AAN", "ASN", 1), "no:simulated"},
		{"GNS odd letter", strings.Replace(goodGNS, "AAN", "A?N", 1), "no:void"},
		{"lat 90.0001", good("9000.0060", "N", "01315.0000", "E"), "field_range"},
		{"lat 90", good("9000.0000", "N", "01315.0000", "E"), fix},
		{"lon 180", good("5230.0000", "N", "18000.0000", "W"), fix},
		{"lon 181", good("5230.0000", "N", "18100.0000", "W"), "field_range"},
		{"minutes 60", good("4860.0", "N", "01315.0000", "E"), "field_range"},
		{"minutes 99", good("4899.0", "N", "01315.0000", "E"), "field_range"},
		{"NaN", good("NaN", "N", "01315.0000", "E"), "field_syntax"},
		{"Inf", good("+Inf", "N", "01315.0000", "E"), "field_syntax"},
		{"negative", good("-4807.0", "N", "01315.0000", "E"), "field_syntax"},
		{"hex float", good("0x1p5", "N", "01315.0000", "E"), "field_syntax"},
		{"exponent", good("52e2", "N", "01315.0000", "E"), "field_syntax"},
		{"degrees sign", good("52°", "N", "01315.0000", "E"), "binary"},
		{"impossible", good("36000.0000", "N", "72000.0000", "E"), "field_syntax"},
		{"swapped hemispheres", good("5230.0000", "E", "01315.0000", "N"), "field_syntax"},
		{"null island", good("0000.0000", "N", "00000.0000", "E"), "no:null_island"},
		{"equator", good("0000.0000", "N", "01315.0000", "E"), fix},
		{"time 240000", at("240000"), "field_range"},
		{"time 256199", at("256199"), "field_range"},
		{"time 235960", at("235960.00"), "fix@23h59m59.999s"},
		{"time 125960", at("125960.00"), "field_range"},
		{"time empty", at(""), "field_syntax"},
		{"time short", at("12000"), "field_syntax"},
		{"time signed", at("-12000"), "field_syntax"},
		{"time rounding", at("120000.9999"), "fix@12h0m0.999s"},
		{"date 000000", on("000000"), "date_invalid " + fix},
		{"date 320199", on("320199"), "date_invalid " + fix},
		{"date 310226", on("310226"), "date_invalid " + fix},
		{"date -1-1-1", on("-1-1-1"), "date_invalid " + fix},
		{"date 2208-1", on("2208-1"), "date_invalid " + fix},
		{"date 220899", on("220899"), "date_invalid " + fix},
		{"date 010180", on("010180"), "date_invalid " + fix},
		{"date short", on("1503"), "date_invalid " + fix},
		{"date empty", on(""), fix},
		{"date 290228", on("290228"), fix},
		{"RMC too short", "GPRMC,120000.00,A,5230.0000,N", "field_count"},
		{"RMC alone", "GPRMC", "field_count"},
		{"ZDA alone", goodZDA, ""},
		{"ZDA of 1999", "GPZDA,120000,15,03,1999,00,00", "date_invalid"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			events := decode(nmeaLine(tt.body))
			if got := brief(events); got != tt.want {
				t.Errorf("%s gives %q, want %q", tt.body, got, tt.want)
			}
			for _, e := range events {
				if e.Kind != KindFix && e.Fix != (hardware.Fix{}) {
					t.Errorf("%v carries a position", e)
				}
				if strings.HasPrefix(tt.want, "date_invalid fix") && e.Kind == KindFix && !e.Fix.Date.IsZero() {
					t.Errorf("a bad date became %v", e.Fix.Date)
				}
			}
		})
	}
}

// TestDecoder_Epochs is about which sentences belong together.
func TestDecoder_Epochs(t *testing.T) {
	at := func(body, time string) string { return nmeaLine(strings.Replace(body, "120000.00", time, 1)) }
	far := strings.NewReplacer("5230.0000", "5231.0000").Replace(goodGGA)
	void := strings.NewReplacer(",A,5230", ",V,5230").Replace(goodRMC)
	const gsa1, gsa3 = "GPGSA,A,1,,,,,,,,,,,,,,", "GPGSA,A,3,01,02,03,,,,,,,,,,1.5,0.9,1.2"
	start := nmeaLine("GPRMC,,V,,,,,,,,,,N") + nmeaLine("GPGGA,,,,,,0,00,99.99,,,,,,")
	tests := []struct{ name, in, want string }{
		{"one second apart", at(goodRMC, "120000") + at(goodGGA, "120001"), "fix@12h0m0s fix@12h0m1s"},
		{"midnight", at(goodRMC, "235959") + nmeaLine(strings.NewReplacer("120000.00", "000000.00", "150326", "160326").Replace(goodRMC)), "fix@23h59m59s fix@0s"},
		{"time runs back", at(goodRMC, "120117") + at(goodRMC, "120000"), "fix@12h1m17s time_backwards fix@12h0m0s"},
		{"midnight without a date", at(goodGGA, "235959") + at(goodGGA, "000000"), "fix@23h59m59s fix@0s"},
		{"leap second", at(goodGGA, "235959") + at(goodGGA, "235960") + at(goodGGA, "000000"), "fix@23h59m59s fix@23h59m59.999s fix@0s"},
		{"the same moment twice, another between", at(goodGGA, "120000") + at(goodGGA, "120001") + at(goodGGA, "120000"), "fix@12h0m0s fix@12h0m1s time_backwards fix@12h0m0s"},
		{"GSA without a fix", nmeaLine(goodRMC) + nmeaLine("GPGSA,A,1,,,,,,,,,,,,,,"), "no:no_fix"},
		{"GSA without a fix goes first", nmeaLine("GPGSA,A,1,,,,,,,,,,,,,,") + nmeaLine(goodRMC), "no:no_fix"},
		{"GSA goes first each time", nmeaLine(gsa3) + at(goodGGA, "120000") + nmeaLine(gsa1) + at(goodGGA, "120001") + nmeaLine(gsa3) + at(goodGGA, "120002"),
			"fix@12h0m0s no:no_fix fix@12h0m2s"},
		{"GSA goes last each time", at(goodGGA, "120000") + nmeaLine(gsa3) + at(goodGGA, "120001") + nmeaLine(gsa1) + at(goodGGA, "120002") + nmeaLine(gsa3),
			"fix@12h0m0s no:no_fix fix@12h0m2s"},
		{"VTG without a fix", nmeaLine(goodRMC) + nmeaLine("GPVTG,,T,,M,,N,,K,N"), "no:no_fix"},
		{"VTG simulated", nmeaLine(goodRMC) + nmeaLine("GPVTG,1.0,T,,M,2.0,N,3.7,K,S"), "no:simulated"},
		{"VTG estimated", nmeaLine(goodRMC) + nmeaLine("GPVTG,1.0,T,,M,2.0,N,3.7,K,E"), "no:dead_reckoned"},
		{"10 Hz", at(goodRMC, "120000.10") + at(goodRMC, "120000.20"), "fix@12h0m0.1s fix@12h0m0.2s"},
		{"same moment twice", nmeaLine(goodRMC) + nmeaLine(goodRMC), "fix@12h0m0s"},
		{"void beats valid", nmeaLine(void) + nmeaLine(goodGGA), "no:void"},
		{"valid then void", nmeaLine(goodGGA) + nmeaLine(void), "no:void"},
		{"conflict", nmeaLine(goodRMC) + nmeaLine(far), "no:conflicting"},
		{"simulated tells most", nmeaLine(void) + nmeaLine(strings.Replace(goodGGA, ",1,08", ",8,08", 1)), "no:simulated"},
		{"a bad sentence costs itself alone", nmeaLine(goodRMC) + nmeaLine("GPGGA,120000.00,,,,,1,08,0.9,,,,,,"), "field_syntax fix@12h0m0s"},
		{"starting up", start + start + nmeaLine(goodRMC), "no:void no:void fix@12h0m0s"},
		{"two dates", nmeaLine(goodRMC) + nmeaLine(strings.Replace(goodZDA, ",15,", ",16,", 1)), "fix@12h0m0s"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			events := decode(tt.in)
			if got := brief(events); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if tt.name == "two dates" && !events[0].Fix.Date.IsZero() {
				t.Errorf("date %v, want none", events[0].Fix.Date)
			}
		})
	}
}

// TestDecoder_Flush is about a moment whose sentences come before and after a pause.
func TestDecoder_Flush(t *testing.T) {
	void := strings.Replace(goodRMC, ",A,5230", ",V,5230", 1)
	tests := []struct {
		name, before, after, want string
		revoked                   bool
	}{
		{"more of the same", nmeaLine(goodRMC), nmeaLine(goodGGA), "fix@12h0m0s", false},
		{"frozen receiver", nmeaLine(goodRMC), nmeaLine(goodRMC), "fix@12h0m0s", false},
		{"taken back", nmeaLine(goodGGA), nmeaLine(void), "fix@12h0m0s no:void", true},
		{"clock first", nmeaLine(goodZDA), nmeaLine(goodGGA), "fix@12h0m0s", false},
		{"pause in a sentence", nmeaLine(goodRMC)[:20], nmeaLine(goodRMC)[20:], "fix@12h0m0s", false},
		{"no line end", withSum(goodRMC), "\r\n", "fix@12h0m0s", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var events []Event
			d := NewDecoder(func(e Event) { events = append(events, e) })
			received := time.Date(2026, 3, 15, 12, 0, 1, 0, time.UTC)
			for _, part := range []string{tt.before, tt.after} {
				d.Receive([]byte(part), received)
				d.Flush()
			}
			if got := brief(events); got != tt.want {
				t.Fatalf("got %q, want %q", got, tt.want)
			}
			last := events[len(events)-1]
			if last.Revoked != tt.revoked {
				t.Errorf("Revoked = %v, want %v", last.Revoked, tt.revoked)
			}
			if last.Kind == KindFix && !last.Fix.Received.Equal(received) {
				t.Errorf("Received = %v, want %v", last.Fix.Received, received)
			}
		})
	}
}

// mixed has one of everything, for tests about cutting.
func mixed() string {
	return "27,N*00\r\n" + nmeaLine(goodRMC) + nmeaLine(goodGGA) + ubx("a$GPRMC,\r\n") +
		nmeaLine("GPRMC,120001.00,V,,,,,,,150326,,,N") + "$GPGGA,1200" + nmeaLine(goodGLL) +
		"\xD3\x03\x10" + nmeaLine("GPGLL,5230.0000,N,01315.0000,E,120002.00,A,A") + casic("$GPGGA,\n") +
		"$" + strings.Repeat("y", 200) + "\n" + nmeaLine("GPTXT") + nmeaLine("GPGSA,A,3,01,02,03,,,,,,,,,,1.5,0.9,1.2") +
		nmeaLine("IIXDR,C,4.2,C,TEMP") + nmeaLine("IIVTG,224.44,T,224.44,M,5.85,N,,,D") + "\\s:a*28\\\t" + rtcm("$") + "\xB5\x62" + nmeaLine(goodZDA) + "end"
}

func TestDecoder_SplitEverywhere(t *testing.T) {
	in := mixed()
	want := decode(in)
	if got := strings.Count(brief(want), "fix@"); got != 3 {
		t.Fatalf("%d fixes in one piece, want 3: %s", got, brief(want))
	}
	var events []Event
	collect := func(e Event) { events = append(events, e) }
	for cut := range len(in) {
		events = nil
		d := NewDecoder(collect)
		d.Receive([]byte(in[:cut]), time.Time{})
		d.Receive([]byte(in[cut:]), time.Time{})
		d.Close()
		if diff := cmp.Diff(want, events); diff != "" {
			t.Fatalf("cut at %d (-want +got):\n%s", cut, diff)
		}
	}
	events = nil
	d := NewDecoder(collect)
	for i := range len(in) {
		d.Receive([]byte{in[i]}, time.Time{})
	}
	d.Close()
	if diff := cmp.Diff(want, events); diff != "" {
		t.Errorf("byte by byte (-want +got):\n%s", diff)
	}
}
