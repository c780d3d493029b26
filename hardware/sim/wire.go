package sim

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"sync"
	"time"
)

// maxQueue is how many writes of a device may be under way on a line that delays them: a receiver's reports of a minute.
const maxQueue = 64

// babbleEvery is the real time between the bytes of a line that babbles: often enough to fall into every quiet time that
// a driver waits for, rare enough that whole answers pass in between.
const babbleEvery = 60 * time.Millisecond

// wire is the line as the device sees it, from plugging in to unplugging: what goes over it suffers the script's faults.
// Reads and writes of the device may be from two goroutines.
type wire struct {
	pty    *PTY
	baud   int // of the device; zero is any
	script Script
	clock  Clock
	out    chan parcel // to the driver; carry empties it
	ctx    context.Context
	stop   context.CancelFunc
	done   sync.WaitGroup

	mu     sync.Mutex // guards random
	random *rand.Rand
}

// parcel is bytes on their way to the driver.
type parcel struct {
	bytes []byte
	due   time.Time // not before; zero means at once
}

// newWire connects a device to pty until ctx is done or Close is called; then it calls hangUp, which MUST close pty: that
// ends a blocked Read.
func newWire(ctx context.Context, pty *PTY, cfg LineConfig, hangUp func()) *wire {
	w := &wire{
		pty: pty, baud: cfg.Baud, script: cfg.Script, clock: cfg.Clock, out: make(chan parcel, maxQueue),
		random: rand.New(rand.NewPCG(cfg.Seed, 1)),
	}
	w.ctx, w.stop = context.WithCancel(ctx)
	context.AfterFunc(w.ctx, hangUp)
	w.done.Go(w.carry) // ends with ctx, as the next does
	w.done.Go(w.babble)
	return w
}

// Read reads what the driver sent, at the device's speed.
func (w *wire) Read(p []byte) (int, error) {
	for {
		n, err := w.pty.Read(p)
		if err != nil {
			return n, err
		}
		if _, on := w.script.find(Echo, w.clock()); on {
			w.send(parcel{bytes: bytes.Clone(p[:n])})
		}
		driver, device := w.speeds()
		got := heard(p[:n], driver, device)
		if n = copy(p, got); n > 0 {
			return n, nil
		}
	}
}

// Write sends one report or answer to the driver, with what the script does to it. It waits only when very much is under
// way, and then until Close at the latest.
func (w *wire) Write(p []byte) (int, error) {
	now := w.clock()
	b := w.damaged(p, now)
	driver, device := w.speeds()
	b = heard(b, device, driver)
	var due time.Time
	if f, on := w.script.find(Late, now); on {
		due = time.Now().Add(f.delay())
	}
	if len(b) > 0 && !w.send(parcel{bytes: bytes.Clone(b), due: due}) {
		return 0, io.ErrClosedPipe
	}
	return len(p), nil
}

func (f Fault) delay() time.Duration {
	if f.Delay == 0 {
		return defaultDelay
	}
	return f.Delay
}

// send queues a parcel; it reports whether the line still is there.
func (w *wire) send(p parcel) bool {
	select {
	case w.out <- p:
		return true
	case <-w.ctx.Done():
		return false
	}
}

// Close hangs the line up and waits for the wire's own goroutines.
func (w *wire) Close() error {
	w.stop()
	w.done.Wait()
	return nil
}

// takeTime is the real time that a driver has to read what fills the kernel's buffers. A UART would not wait for it: what
// comes after is lost, and as long as nobody reads at all nothing is waited for.
const takeTime = time.Second

// carry delivers parcels in order, each when it is due. Those that find the buffers full for takeTime are lost.
func (w *wire) carry() {
	patience := takeTime
	for {
		var p parcel
		select {
		case p = <-w.out:
		case <-w.ctx.Done():
			return
		}
		if pause(w.ctx, time.Until(p.due)) != nil {
			return
		}
		taken, err := w.deliver(p.bytes, patience)
		if err != nil {
			w.stop() // hung up; the device learns it from its next Read or Write
			return
		}
		if patience = 0; taken {
			patience = takeTime
		}
	}
}

// deliver gives b to the driver's end; it reports whether all of it fitted within the time.
func (w *wire) deliver(b []byte, within time.Duration) (taken bool, err error) {
	for end := time.Now().Add(within); ; {
		n, err := w.pty.offer(b)
		if b = b[n:]; err != nil || len(b) == 0 {
			return len(b) == 0, err
		}
		if !time.Now().Before(end) {
			return false, nil
		}
		if err := pause(w.ctx, pollInterval); err != nil {
			return false, err
		}
	}
}

// babble sends noise while the script says so.
func (w *wire) babble() {
	babbles := false
	for _, f := range w.script {
		babbles = babbles || f.Kind == Babble
	}
	for babbles && pause(w.ctx, babbleEvery) == nil {
		if _, on := w.script.find(Babble, w.clock()); on {
			w.send(parcel{bytes: w.noise(1)})
		}
	}
}

// pause waits for d of real time, or until ctx is done and then returns its error.
func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// speeds returns those of the driver and of the device now; zero is any.
func (w *wire) speeds() (driver, device int) {
	device = w.baud
	if f, on := w.script.find(Speed, w.clock()); on {
		device = f.Baud
	}
	if device == 0 {
		return 0, 0
	}
	driver, err := w.pty.Baud()
	if err != nil {
		return 0, 0 // hung up: the read or write that follows says so
	}
	return driver, device
}

// Baud returns the driver's speed, for devices that listen for another one than their own.
func (w *wire) Baud() (int, error) { return w.pty.Baud() }

// noise is n random bytes.
func (w *wire) noise(n int) []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(w.random.Uint32())
	}
	return b
}

// damaged is what the script makes of a report or answer at a moment.
func (w *wire) damaged(b []byte, now time.Duration) []byte {
	on := func(k Kind) bool {
		_, found := w.script.find(k, now)
		return found
	}
	if on(Silence) {
		return nil
	}
	if on(Console) {
		b = []byte("\r\nraspberrypi login: ")
	}
	if on(WrongCRC) {
		b = wrongChecksum(b)
	}
	if on(HalfLine) {
		b = halved(b)
	}
	if on(Garbage) {
		b = w.noise(len(b))
	}
	return b
}

// isText tells lines of text from binary answers: nothing but printable ASCII and line ends.
func isText(b []byte) bool {
	for _, c := range b {
		if (c < ' ' || c > '~') && c != '\r' && c != '\n' {
			return false
		}
	}
	return true
}

// lines cuts text after each line end; CR LF is one.
func lines(b []byte) [][]byte {
	var out [][]byte
	for start := 0; start < len(b); {
		end := start
		for end < len(b) && b[end] != '\r' && b[end] != '\n' {
			end++
		}
		for end < len(b) && (b[end] == '\r' || b[end] == '\n') {
			end++
		}
		out = append(out, b[start:end])
		start = end
	}
	return out
}

// wrongChecksum spoils the "*hh" of each line of text, or the last byte of a binary answer, where Modbus and 1-Wire have
// their checksums.
func wrongChecksum(b []byte) []byte {
	b = bytes.Clone(b)
	if len(b) == 0 {
		return b
	}
	if !isText(b) {
		b[len(b)-1] ^= 0x55
		return b
	}
	for _, line := range lines(b) { // they share b's bytes
		star := bytes.LastIndexByte(line, '*')
		if star < 0 || star+2 >= len(line) || !isHex(line[star+1]) || !isHex(line[star+2]) {
			continue
		}
		if line[star+1] == '0' {
			line[star+1] = '1'
		} else {
			line[star+1] = '0'
		}
	}
	return b
}

func isHex(c byte) bool { return c >= '0' && c <= '9' || c >= 'A' && c <= 'F' || c >= 'a' && c <= 'f' }

// halved keeps the first half of each line of text, without its end, or of a binary answer.
func halved(b []byte) []byte {
	if !isText(b) {
		return b[:len(b)/2]
	}
	var out []byte
	for _, line := range lines(b) {
		line = bytes.TrimRight(line, "\r\n")
		out = append(out, line[:(len(line)+1)/2]...)
	}
	return out
}
