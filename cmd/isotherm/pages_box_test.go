package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"isotherm/cmd/internal/door"
	"isotherm/cmd/internal/trackerd"
)

// troubledPlan is a box whose receiver is unplugged, whose lid is open, and which was struck.
const troubledPlan = `
[[gnss]]
name = "gnss"
waypoint = [{lat = 60.1650, lon = 24.9500, at = "0s"}]
fault = [{kind = "unplug", at = "12s", for = "1h"}]

[[handling]]
name = "handling"
handled = [{from = "10s", blow = 3.2}, {from = "0s", to = "1h", lid = true}]

[[battery]]
name = "battery"
baud = 2400
lasts = "48h"

[[modbus]]
name = "probes"
[[modbus.probe]]
address = 1
celsius = 4.2
`

// expired is the certificate of the plan's only probe.
const expired = `
[probe.calibration]
certificate = "TEST-1"
issued      = 2020-03-31
expires     = 2021-03-31
uncertainty = 0.1
`

// startBox runs a box with the plan's devices, and returns the address of its page.
func startBox(t *testing.T, plan string) string {
	t.Helper()
	dir := t.TempDir()
	file, page := filepath.Join(dir, "plan.toml"), ""
	page, err := door.FreeAddress("127.0.0.1:0")
	if err == nil {
		err = os.WriteFile(file, []byte(plan), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	out, _ := runSim(t, "--plan", file, "--dir", filepath.Join(dir, "devices"), "--page", page)
	for out.Scan() && out.Text() != "the devices are ready until Ctrl-C" {
	}
	go func() { // ends with the devices
		for out.Scan() {
		}
	}()
	config := filepath.Join(dir, "devices", "trackerd.toml")
	text, err := os.ReadFile(config)
	if err == nil {
		err = os.WriteFile(config, append(text, expired...), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	reader, writer := io.Pipe()
	var errs bytes.Buffer
	ended := make(chan int, 1)
	go func() { // ends with ctx
		ended <- trackerd.Run(ctx, []string{"run", "--config", config}, nil, writer, &errs)
		_ = writer.Close()
	}()
	t.Cleanup(func() {
		cancel()
		if code := <-ended; code != exitOK || t.Failed() {
			t.Errorf("the box ended with %d:\n%s", code, errs.String())
		}
	})
	if says, _ := bufio.NewReader(reader).ReadString('\n'); !strings.Contains(says, "is ready") {
		t.Fatalf("the box says %q", says)
	}
	return "http://" + page
}

// TestPages_box is whoever stands beside a box that has trouble: its own page says what its senses tell, and what to do.
func TestPages_box(t *testing.T) {
	b := startBrowser(t, startBox(t, troubledPlan))
	for _, look := range []screen{phone, night, desktop} {
		d := b.device(t, look)

		d.open("/")
		d.see("Transport box", "4.2 °C", "probe: box", "doubtful: certificate expired. The value is kept.",
			"satellite receiver: not there", "Plug it in again, or press its plug home.", "saved on the box", "this box is not enrolled")
		d.until("the battery's voltage", `/box battery 1\d\.\d\sV/.test(document.body.innerText)`)
		d.check("box")
		d.press("Counts, probes and clock")
		d.see("probe 0 (box)", "Lid opened,", "Last shock shock, 3.2 g,", "handling sensor 0 live", "battery gauge live", "probe line 1 live")
		if !eval[bool](d, `[...document.querySelectorAll('main p')].every((p) => p.getBoundingClientRect().right <= innerWidth - 16)`) {
			t.Error("a text is wider than its card: paths of devices are long")
		}
		d.check("box-deeper")
	}
}
