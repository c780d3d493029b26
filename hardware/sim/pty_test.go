package sim_test

import (
	"bytes"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"isotherm/hardware/serial"
	"isotherm/hardware/sim"
)

func openPTY(t *testing.T) *sim.PTY {
	t.Helper()
	tty, err := sim.OpenPTY()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tty.Close() }) // some tests unplug it themselves
	return tty
}

func openPort(t *testing.T, tty *sim.PTY) *serial.Port {
	t.Helper()
	port, err := serial.Open(tty.Path(), serial.Config{Baud: 115200})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = port.Close() })
	return port
}

// TestPTY_SlowReader pushes far more than the kernel buffers at a reader that takes
// odd bites: nothing may be lost or change places.
func TestPTY_SlowReader(t *testing.T) {
	tty := openPTY(t)
	port := openPort(t, tty)
	sent := make([]byte, 1<<20)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range sent {
		sent[i] = byte(random.Uint32())
	}
	done := make(chan error, 1)
	go func() {
		_, err := tty.Write(sent)
		done <- err
	}()
	var got bytes.Buffer
	buf := make([]byte, 3001)
	for got.Len() < len(sent) {
		if err := port.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		n, err := port.Read(buf[:1+random.IntN(len(buf))])
		if err != nil {
			t.Fatalf("after %d bytes: %v", got.Len(), err)
		}
		got.Write(buf[:n])
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if !bytes.Equal(got.Bytes(), sent) {
		t.Error("bytes were lost or reordered")
	}
}

func TestPTY_CloseEndsReadAndWrite(t *testing.T) {
	tty := openPTY(t)
	done := make(chan error, 2)
	go func() {
		_, err := io.Copy(io.Discard, tty)
		done <- err
	}()
	go func() {
		_, err := tty.Write(make([]byte, 1<<20)) // nobody reads: it blocks
		done <- err
	}()
	timer := time.NewTimer(50 * time.Millisecond)
	defer timer.Stop()
	select {
	case err := <-done:
		t.Fatalf("did not block: %v", err)
	case <-timer.C:
	}
	if err := tty.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := <-done; err == nil {
			t.Error("ended without an error")
		}
	}
}
