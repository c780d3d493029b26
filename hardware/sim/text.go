package sim

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"isotherm/hardware"
)

// TextForm names a thermometer that speaks in lines of ASCII.
type TextForm string

// The thermometers, under the names that the profiles of hardware/ascii have. Where a manual was not at hand the form is that of other people's programs; hardware.md says so.
const (
	TextEZO      TextForm = "ezo-rtd"    // Atlas Scientific EZO-RTD: asked with R, or once a second; "25.104"
	TextPapouch  TextForm = "papouch-tm" // Papouch TM: each 10 s; "+025.3C"
	TextOmega    TextForm = "omega-i"    // Omega i-Series: asked with *X01; "X01025.3C"
	TextADAM     TextForm = "adam"       // ICP DAS, ADAM: asked with #01; ">+025.12"
	TextTSM125   TextForm = "tsm125"     // H-Tronic TSM 125: once a second; "  1.5"
	TextPCsensor TextForm = "temperx232" // PCsensor TEMPerX232: asked with ReadTemp; "Temp-Inner:25.50 [C],45.00 [%RH]<"
	TextArduino  TextForm = "arduino"    // a sketch of one's own: once a second; "T:4.20,C*hh"
	TextXDR      TextForm = "xdr"        // NMEA 0183 XDR: once a second; "$YXXDR,C,4.20,C,TEMP*hh"
)

// TextForms returns all of them.
func TextForms() []TextForm {
	return []TextForm{TextEZO, TextPapouch, TextOmega, TextADAM, TextTSM125, TextPCsensor, TextArduino, TextXDR}
}

// textForm is how a thermometer speaks.
type textForm struct {
	value   func(t hardware.Temperature) string // one report, with its line end
	period  time.Duration                       // simulated time between reports; zero: it is only asked
	ask     string                              // the request that value answers, without its line end
	more    string                              // sent after an answer
	answers map[string]string                   // to other requests
	other   string                              // to any request that is not known
	open    string                              // instead of a value, with an open element
	powerOn string                              // instead of a value, before it has measured
	banner  string                              // at power-up
}

const (
	ezoOn  = "C,1" // these two switch an EZO's own reports on and off
	ezoOff = "C,0"
)

// form returns how a thermometer speaks; ok is false for a name that is none.
func (f TextForm) form() (textForm, bool) {
	switch f {
	case TextEZO:
		return textForm{
			value: func(t hardware.Temperature) string { return decimal(t, 3) + "\r" }, period: time.Second, ask: "R", more: "*OK\r",
			answers: map[string]string{ezoOn: "*OK\r", ezoOff: "*OK\r", "S,?": "?S,c\r*OK\r", "S,c": "*OK\r", "C,?": "?C,1\r*OK\r"},
			other:   "*ER\r", open: "-1023.000\r", powerOn: "*RS\r*RE\r", banner: "*RS\r*RE\r",
		}, true
	case TextPapouch:
		return textForm{value: func(t hardware.Temperature) string { return fmt.Sprintf("%s%sC\r", sign(t), padded(t, 1, 5)) },
			period: 10 * time.Second, open: "+ERR\r"}, true
	case TextOmega:
		return textForm{value: func(t hardware.Temperature) string {
			return "X01" + strings.TrimPrefix(sign(t), "+") + padded(t, 1, 5) + "C\r"
		},
			ask: "*X01", other: "?43\r", open: "?46\r", powerOn: "?50\r"}, true
	case TextADAM:
		return textForm{value: func(t hardware.Temperature) string { return ">" + sign(t) + padded(t, 2, 6) + "\r" },
			ask: "#01", other: "?01\r", open: ">+9999\r", powerOn: ">-0000\r"}, true
	case TextTSM125:
		return textForm{value: func(t hardware.Temperature) string { return fmt.Sprintf("%5s\r\n", decimal(t, 1)) },
			period: time.Second, open: "Err.1\r\n", powerOn: "Err.3\r\n"}, true
	case TextPCsensor:
		return textForm{value: func(t hardware.Temperature) string {
			return "Temp-Inner:" + decimal(t, 2) + " [C],45.00 [%RH]<\r\n"
		}, ask: "ReadTemp", other: "unknow!\r\n", open: "Temp-Inner:nan [C],nan [%RH]<\r\n"}, true
	case TextArduino:
		line := func(v string) string { return fmt.Sprintf("T:%s,C*%02X\r\n", v, xorSum("T:"+v+",C")) }
		return textForm{value: func(t hardware.Temperature) string { return line(decimal(t, 2)) }, period: time.Second,
			open: line("-127.00"), powerOn: line("85.00"), banner: "Thermometer 1.0 ready\r\n"}, true
	case TextXDR:
		line := func(v string) string { return string(appendSentence(nil, "YXXDR,C,"+v+",C,TEMP")) }
		return textForm{value: func(t hardware.Temperature) string { return line(decimal(t, 2)) }, period: time.Second,
			open: line(""), powerOn: line("85.00")}, true
	}
	return textForm{}, false
}

// TextThermometer is a thermometer that speaks in lines of text, by itself or when asked.
type TextThermometer struct {
	Form        TextForm
	Period      time.Duration // simulated time between reports of one that reports; zero is the form's own
	Temperature func() hardware.Temperature
	Clock       Clock
	PowerOn     func() bool // it has not measured yet; nil is never
	Open        func() bool // its element is not connected; nil is never
}

// Serve speaks on line until ctx is done or the line fails, and returns that error; it closes line when ctx is done,
// because nothing else ends a blocked Read. Reports begin with the first moment after the present.
func (d TextThermometer) Serve(ctx context.Context, line io.ReadWriteCloser) error {
	if err := d.Check(); err != nil {
		return err
	}
	form, _ := d.Form.form()
	if d.Period > 0 && form.period > 0 {
		form.period = d.Period
	}
	t := &textDevice{TextThermometer: d, form: form, line: line, reports: form.period > 0}
	stop := context.AfterFunc(ctx, func() { _ = line.Close() }) // the read below reports it
	defer stop()
	reports, cancel := context.WithCancel(ctx)
	var reporter sync.WaitGroup
	defer reporter.Wait()
	defer cancel()
	if err := t.say(form.banner); err != nil {
		return ended(ctx, err)
	}
	if form.period > 0 {
		reporter.Go(func() { _ = t.report(reports) }) // ends with ctx, or the line, which the read below reports
	}
	return ended(ctx, t.answer())
}

// textDevice is a thermometer at work.
type textDevice struct {
	TextThermometer
	form textForm
	line io.ReadWriter

	mu      sync.Mutex // guards reports, and is held while writing: answers and reports don't mix
	reports bool       // an EZO's can be switched off
}

func (t *textDevice) say(text string) error {
	if text == "" {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, err := io.WriteString(t.line, text); err != nil {
		return fmt.Errorf("simulate thermometer: %w", err)
	}
	return nil
}

// now is what it has to say about the temperature.
func (t *textDevice) now() string {
	switch {
	case during(t.PowerOn).now() && t.form.powerOn != "":
		return t.form.powerOn
	case during(t.Open).now():
		return t.form.open
	}
	return t.form.value(t.Temperature())
}

// report says the temperature once a period; a report that is late by more than one is left out.
func (t *textDevice) report(ctx context.Context) error {
	period := t.form.period
	for at := nextPeriod(t.Clock(), period); ; at += period {
		if err := waitUntil(ctx, t.Clock, at); err != nil {
			return err
		}
		at = max(at, nextPeriod(t.Clock()-period, period))
		t.mu.Lock()
		on := t.reports
		t.mu.Unlock()
		if !on {
			continue
		}
		if err := t.say(t.now()); err != nil {
			return err
		}
	}
}

// nextPeriod is the first whole period after now.
func nextPeriod(now, period time.Duration) time.Duration { return (now/period + 1) * period }

// answer answers requests, each a line.
func (t *textDevice) answer() error {
	var pending []byte
	buf := make([]byte, 256)
	for {
		n, err := t.line.Read(buf)
		if err != nil {
			return fmt.Errorf("simulate thermometer: %w", err)
		}
		pending = append(pending, buf[:n]...)
		for {
			end := bytes.IndexAny(pending, "\r\n")
			if end < 0 {
				break
			}
			request := strings.TrimSpace(string(pending[:end]))
			pending = pending[end+1:]
			if err := t.handle(request); err != nil {
				return err
			}
		}
		if len(pending) > maxRequest {
			pending = nil // noise
		}
	}
}

// maxRequest bounds what is kept of a request without an end, in bytes; real ones have ten.
const maxRequest = 256

func (t *textDevice) handle(request string) error {
	if request == ezoOn || request == ezoOff {
		t.mu.Lock()
		t.reports = request == ezoOn
		t.mu.Unlock()
	}
	answer, known := t.form.answers[request]
	switch {
	case request == "":
		return nil
	case request == t.form.ask:
		return t.say(t.now() + t.form.more)
	case known:
		return t.say(answer)
	}
	return t.say(t.form.other)
}

// sign is that of a temperature; zero has a plus.
func sign(t hardware.Temperature) string {
	if t < 0 {
		return "-"
	}
	return "+"
}

// padded is the amount of a temperature in °C with some decimals, with zeros in front up to a width.
func padded(t hardware.Temperature, decimals, width int) string {
	text := strings.TrimPrefix(decimal(t, decimals), "-")
	return strings.Repeat("0", max(width-len(text), 0)) + text
}

// decimal is a temperature in °C with 1 to 3 decimals, rounded to the nearest.
func decimal(t hardware.Temperature, decimals int) string {
	step := int64(1)
	for range 3 - decimals {
		step *= 10
	}
	v, minus := int64(t), ""
	if v < 0 {
		v = -v
	}
	v = (v + step/2) / step
	if t < 0 && v != 0 {
		minus = "-"
	}
	one := 1000 / step
	return fmt.Sprintf("%s%d.%0*d", minus, v/one, decimals, v%one)
}

// Check says what is wrong with the description.
func (d TextThermometer) Check() error {
	if _, ok := d.Form.form(); !ok {
		return fmt.Errorf("simulate thermometer: no form %q: use one of %v", d.Form, TextForms())
	}
	return nil
}
