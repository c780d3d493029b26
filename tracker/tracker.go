package tracker

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"net"
	"time"

	"golang.org/x/sync/errgroup"

	"isotherm/ledger"
	"isotherm/ledger/entry"
	"isotherm/ledger/record"
	"isotherm/tracker/journal"
)

// Tracker is a running box.
type Tracker struct {
	cfg      Config
	journal  *journal.Journal
	rec      *recorder
	uplink   *uplink // nil: not enrolled
	radio    *radio
	radios   outputs // what radio switches beside the uplink
	alarms   outputs
	handling *handling
	battery  battery
	kick     chan struct{} // wakes the flusher for what must not wait; capacity 1
}

// New opens the box's key and journal, which starts a new incarnation, and makes the state of its excursions anew. The
// caller runs it with Run, or gives it up with Close.
func New(cfg Config) (*Tracker, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	key, err := journal.LoadKey(cfg.DataDir)
	if err != nil {
		return nil, err
	}
	boot := record.Boot{BootID: cfg.Clock.BootID(), Software: cfg.Software, SampleMS: uint32(cfg.Sample / time.Millisecond)}
	for i, p := range cfg.Probes {
		boot.Probes = append(boot.Probes, bootProbe(i, p))
	}
	j, err := journal.Open(journal.Options{Dir: cfg.DataDir, Key: key, Boot: boot, At: cfg.Clock.Now()})
	if err != nil {
		return nil, err
	}
	t := &Tracker{cfg: cfg, journal: j, radio: newRadio(), radios: newOutputs(cfg.Outputs, RadioOutput, cfg.Logger), alarms: newOutputs(cfg.Outputs, AlarmOutput, cfg.Logger),
		handling: newHandling(cfg.Handling), battery: battery{guard: newGuard(cfg.Logger)}, kick: make(chan struct{}, 1)}
	if len(t.radios) > 0 {
		t.radio.setProblem(errors.New("the radios were not switched yet"))
	}
	t.rec = &recorder{journal: j, write: j.Append, clock: cfg.Clock, box: ledger.BoxIDOf(key.Public().(ed25519.PublicKey)), log: cfg.Logger,
		hurry: make(chan struct{}, 1), alarmed: make(chan struct{}, 1), acts: map[[32]byte]uint64{}}
	if trust, ok := cfg.Trust.(*entry.Trust); ok {
		t.rec.origin = trust.Pin.Origin
	}
	for _, d := range j.Damage() {
		cfg.Logger.Error("journal damaged", "incarnation", d.Incarnation, "kept", d.Kept, "known", d.Known, "set_aside", d.Path, "err", d.Err)
	}
	if err := t.rec.restore(); err != nil {
		return nil, errors.Join(err, j.Close())
	}
	if cfg.Uplink != nil {
		t.uplink = &uplink{rec: t.rec, journal: j, remote: cfg.Uplink, trust: cfg.Trust, every: cfg.Sync, keep: cfg.Keep,
			log: cfg.Logger, radio: t.radio}
		t.uplink.link.State = LinkIdle
	}
	return t, nil
}

// bootProbe is what a boot record says of a probe.
func bootProbe(i int, p Probe) record.Probe {
	c := p.Calibration
	out := record.Probe{Number: uint8(i), Place: p.Place, Model: clip(p.Device.Info().Model), Certificate: c.Certificate, ErrorMC: uint32(max(c.Uncertainty, 0))}
	if !c.Issued.IsZero() {
		out.IssuedMS = c.Issued.UnixMilli()
	}
	if !c.Expires.IsZero() {
		out.UntilMS = c.Expires.UnixMilli()
	}
	for _, point := range c.Points {
		out.Points = append(out.Points, record.Point{ReferenceMC: int32(point.Reference), IndicatedMC: int32(point.Indicated)})
	}
	return out
}

// Box returns the box's name.
func (t *Tracker) Box() ledger.BoxID { return t.rec.box }

// Head returns the newest signed head: a C2SP checkpoint that people and apps pin.
func (t *Tracker) Head() []byte { return t.journal.Newest().Signed }

// AddAct journals a custody act and returns the seq of its record once it is on disk; known tells that the box had it
// before. Errors: ErrBadAct; one that wraps journal.ErrFull when the act is in memory only.
func (t *Tracker) AddAct(act []byte) (seq uint64, known bool, err error) {
	return t.rec.addAct(act, fromPerson)
}

// Close gives up a tracker that Run was not called on.
func (t *Tracker) Close() error { return t.journal.Close() }

// Run records until ctx is done, then ends the incarnation in order: shutdown record, flush, close. It returns an error
// only when the box can't go on: its disk is broken, or its local page can't be opened. Starting again is then right.
func (t *Tracker) Run(ctx context.Context) error {
	listener, err := t.listen()
	if err != nil {
		return errors.Join(err, t.journal.Close())
	}
	if t.cfg.Ready != nil {
		t.cfg.Ready()
	}
	group, ctx := errgroup.WithContext(ctx) // the first error stops them all
	s := &sampler{rec: t.rec, clock: t.cfg.Clock, doubter: newDoubter(t.cfg.Probes, t.cfg.Logger), handling: t.handling, locator: t.cfg.Locator, interval: t.cfg.Sample,
		kick: t.kick, log: t.cfg.Logger}
	group.Go(func() error { return s.run(ctx) })
	group.Go(func() error { return t.flushLoop(ctx) })
	t.runEquipment(ctx, group)
	if t.uplink != nil {
		group.Go(func() error { return t.uplink.run(ctx) })
	}
	if listener != nil {
		group.Go(func() error { return t.serve(ctx, listener) })
	}
	err = group.Wait()
	reason := "stopped"
	if err != nil {
		reason = "failed"
	}
	return errors.Join(err, t.end(reason))
}

// runEquipment starts what the box has beside probes and a receiver. None of it ever ends the box.
func (t *Tracker) runEquipment(ctx context.Context, group *errgroup.Group) {
	group.Go(func() error { return t.recordDevices(ctx) })
	if len(t.cfg.Handling) > 0 {
		group.Go(func() error { return t.recordHandling(ctx) })
	}
	for i := range t.cfg.Handling {
		group.Go(func() error { return t.runSensor(ctx, i) })
	}
	if t.cfg.Battery != nil {
		group.Go(func() error { return t.watchBattery(ctx) })
	}
	if len(t.alarms) > 0 {
		group.Go(func() error { return t.switchAlarm(ctx) })
	}
	if len(t.radios) > 0 {
		group.Go(func() error { return t.keepRadio(ctx) })
	}
}

// listen opens the local page before anything else starts, so that a wrong address is found at once.
func (t *Tracker) listen() (net.Listener, error) {
	if t.cfg.Local == "" {
		return nil, nil
	}
	l, err := net.Listen("tcp", t.cfg.Local)
	if err != nil {
		return nil, fmt.Errorf("open local page: %w", err)
	}
	return l, nil
}

// flushLoop flushes at every interval, and at once for what is urgent. A full disk is waited out; any other failure of
// the disk ends the box's run.
func (t *Tracker) flushLoop(ctx context.Context) error {
	ticker := time.NewTicker(t.cfg.Flush)
	defer ticker.Stop()
	full := false
	for {
		err := t.rec.flush()
		switch {
		case err == nil && full:
			t.cfg.Logger.Info("journal is written again")
		case err != nil && !errors.Is(err, journal.ErrFull):
			return err
		case err != nil && !full:
			t.cfg.Logger.Error("journal can't be written; readings are kept in memory", "err", err)
		}
		if full = err != nil; full {
			t.makeRoom()
		}
		if !full && t.rec.isUrgent() { // the gap record of a disk that took writes again, or what came meanwhile
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		case <-t.kick:
		}
	}
}

// makeRoom removes every incarnation that the ledger has receipted whole.
func (t *Tracker) makeRoom() {
	removed, err := t.journal.Prune(0)
	if err != nil {
		t.cfg.Logger.Error("no room could be made", "err", err)
	}
	for _, inc := range removed {
		t.cfg.Logger.Info("receipted journal removed to make room", "incarnation", inc)
	}
}

// end writes the last record and closes the journal.
func (t *Tracker) end(reason string) error {
	_, err := t.rec.add(&record.Record{Kind: record.KindShutdown, Shutdown: &record.Shutdown{Reason: reason}})
	t.rec.mu.Lock()
	t.rec.shutdown = true
	t.rec.mu.Unlock()
	if err == nil {
		err = t.rec.flush()
	}
	if err := errors.Join(err, t.journal.Close()); err != nil {
		return fmt.Errorf("end journal: %w", err)
	}
	return nil
}
