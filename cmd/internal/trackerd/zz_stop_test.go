package trackerd_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"isotherm/cmd/internal/simulate"
)

func TestZZStop(t *testing.T) {
	bin := os.Getenv("ZZ_TRACKERD")
	if bin == "" {
		t.Skip("by hand")
	}
	dir := t.TempDir()
	start := time.Now()
	text := regexp.MustCompile(`(?s)fault = \[.*?\n\]`).ReplaceAllString(liesPlan(start), "")
	plan, err := simulate.Parse([]byte(text))
	if err != nil {
		t.Fatal(err, text)
	}
	clock := func() time.Duration { return time.Since(start) }
	devices, err := plan.Devices(dir, plan.StartAt(start), clock)
	if err != nil {
		t.Fatal(err)
	}
	simulated(t, devices)
	b := &bench{dir: dir, addr: freeAddr(t), config: filepath.Join(dir, "box.toml")}
	config := append([]byte("sample_interval = \"1s\"\nflush_interval = \"500ms\"\n"), plan.Config(dir, b.addr, start, start)...)
	config = bytes.Replace(config, []byte("[gnss]\n"), fmt.Appendf(nil, "[gnss]\nfix_max_age = %q\n", liesFixAge.String()), 1)
	if err := os.WriteFile(b.config, config, 0o600); err != nil {
		t.Fatal(err)
	}
	zero := uptime(t) - clock()
	var out strings.Builder
	cmd := exec.Command(bin, "run", "--config", b.config)
	cmd.Stderr = &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	b.pack(t)
	stop, cont := 12*time.Second, 42*time.Second
	if s := os.Getenv("ZZ_STOP"); s != "" {
		d, err := time.ParseDuration(s)
		if err != nil {
			t.Fatal(err)
		}
		cont = stop + d
	}
	<-time.After(time.Until(start.Add(stop)))
	cmd.Process.Signal(syscall.SIGSTOP)
	<-time.After(time.Until(start.Add(cont)))
	cmd.Process.Signal(syscall.SIGCONT)
	<-time.After(time.Until(start.Add(cont + 15*time.Second)))
	cmd.Process.Signal(syscall.SIGTERM)
	t.Log(cmd.Wait())
	c := &check{t: t, truth: newTruth(t, plan, devices, clock()), zero: zero, start: start}
	c.loose = true
	c.all(journaled(t, filepath.Join(dir, "data")))
	t.Log(out.String())
}
