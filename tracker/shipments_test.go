package tracker_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"isotherm/hardware"
	"isotherm/ledger"
	"isotherm/ledger/custody"
	"isotherm/ledger/merkle"
	"isotherm/ledger/profile"
	"isotherm/ledger/record"
	"isotherm/tracker"
)

// profileFor returns the profile of 4 to 8 °C for the probes of a place.
func profileFor(t *testing.T, place string) []byte {
	t.Helper()
	p, ok := profile.Default("chs-4-8")
	if !ok {
		t.Fatal("no profile chs-4-8")
	}
	p.ProbePlace = place
	return p.Marshal()
}

// settled runs the box for a time, until nothing more happens.
func settled(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestTracker_TwoShipments(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t, nil)
		b.start()
		settled(time.Minute)
		first, second, third := ledger.ShipmentID{1}, ledger.ShipmentID{2}, ledger.ShipmentID{3}
		pack := func(id ledger.ShipmentID, place string) []byte {
			return act(t, custody.Statement{Kind: custody.Pack, Shipment: id, Box: b.tracker.Box(), Head: b.tracker.Head(), Profile: profileFor(t, place), Space: place})
		}
		b.addAct(pack(first, "organ"))
		b.addAct(pack(second, "box"))
		settled(time.Minute)
		b.organ.set(9000, 0)
		settled(6 * time.Minute)
		s := b.tracker.Status()
		if len(s.Shipments) != 2 || !s.Alarm || !s.Shipments[0].Alarm || s.Shipments[1].Alarm || len(s.Shipments[1].Excursions) != 0 || len(s.Shipments[0].Tip) != 64 {
			t.Errorf("status: got %+v, want the alarm of the first only", s)
		}
		b.second.set(9000, 0)
		settled(6 * time.Minute)
		b.organ.set(5000, 0)
		settled(time.Minute)
		if s := b.tracker.Status(); s.Shipments[0].Alarm || !s.Shipments[1].Alarm || !s.Alarm {
			t.Errorf("status: got %+v, want the alarm of the second only", s)
		}
		b.stop() // both are found again after a restart
		b.start()
		settled(time.Minute)
		b.addAct(act(t, custody.Statement{Kind: custody.Close, Shipment: second}))
		settled(time.Minute)
		if s := b.tracker.Status(); len(s.Shipments) != 1 || s.Shipments[0].Shipment != first || s.Alarm {
			t.Errorf("status after the second was closed: got %+v", s)
		}
		b.addAct(pack(third, "organ")) // the same probe: what both find is told once
		settled(time.Minute)
		b.organ.set(3000, 0)
		settled(5 * time.Minute)
		if s := b.tracker.Status(); len(s.Shipments) != 2 || !s.Shipments[0].Alarm || !s.Shipments[1].Alarm {
			t.Errorf("status with two on one probe: got %+v, want the alarm of both", s)
		}
		b.organ.set(5000, 0)
		settled(time.Minute)
		b.stop()
		want := []string{"opened too warm of 0", "alarm true", "opened too warm of 1", "closed too warm of 0, extreme 9000", "alarm true", "alarm false",
			"opened too cold of 0", "alarm true", "closed too cold of 0, extreme 3000", "alarm false"}
		if diff := cmp.Diff(want, excursions(b.records())); diff != "" {
			t.Errorf("records (-want +got):\n%s", diff)
		}
	})
}

// headOf returns a head of another box.
func headOf(t *testing.T, box ledger.BoxID) []byte {
	t.Helper()
	signed, err := merkle.Sign(merkle.Checkpoint{Origin: record.Origin(box, ledger.IncarnationID{9}), Size: 3}, seedKey(50))
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// TestTracker_Move has a shipment moved into this box, and on into another. Its Pack act comes with the acts that the
// ledger sends, or from a phone once the box knows of the move.
func TestTracker_Move(t *testing.T) {
	other := ledger.BoxID{2}
	for _, tt := range []struct {
		name   string
		byHand bool
	}{{"acts from the ledger", false}, {"acts from a phone", true}} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLedger(t)
				b := newBox(t, l)
				b.start()
				settled(time.Minute)
				pack := act(t, custody.Statement{Kind: custody.Pack, Shipment: testShipment, Box: other, Head: headOf(t, other), Profile: profileFor(t, "organ")})
				move := act(t, custody.Statement{Kind: custody.Move, Shipment: testShipment, Segment: custody.MovedBox, Head: headOf(t, other),
					NewBox: b.tracker.Box(), NewHead: b.tracker.Head()})
				if _, _, err := b.tracker.AddAct(pack); err == nil {
					t.Error("pack act of another box, without a move: got no error")
				}
				if tt.byHand {
					b.addAct(move)
					if c := onlyShipment(t, b.tracker.Status()); c.Watched {
						t.Errorf("moved here without its pack act: got %+v, want it not watched", c)
					}
					b.addAct(pack)
				} else {
					l.set(func(l *fakeLedger) { l.acts = [][]byte{pack, move} })
				}
				b.organ.set(9000, 0)
				settled(7 * time.Minute)
				if c := onlyShipment(t, b.tracker.Status()); !c.Alarm || c.Profile != "chs-4-8 v1" {
					t.Errorf("status in the excursion: got %+v", c)
				}
				b.stop()
				b.start()
				settled(time.Minute)
				if c := onlyShipment(t, b.tracker.Status()); !c.Alarm {
					t.Errorf("status after a restart: got %+v, want the alarm to go on", c)
				}
				on, err := custody.ParseAct(move)
				if err != nil {
					t.Fatal(err)
				}
				away := custody.Statement{Kind: custody.Move, Shipment: testShipment, Segment: custody.MovedBox, Head: b.tracker.Head(), NewBox: ledger.BoxID{3}, NewHead: headOf(t, ledger.BoxID{3})}
				b.addAct(actAfter(t, away, on.Hash()))
				settled(time.Minute)
				if s := b.tracker.Status(); len(s.Shipments) != 0 || s.Alarm {
					t.Errorf("status after it was moved away: got %+v", s)
				}
				b.stop()
			})
		})
	}
}

// TestTracker_PositionOnlyInCase has the receiver run all the time: an empty box records no position all the same.
func TestTracker_PositionOnlyInCase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t, nil)
		b.start()
		settled(time.Minute)
		if s := b.tracker.Status(); s.Reading.LatE7 != nil || s.Reading.FixFault != "" {
			t.Errorf("status of an empty box: got %+v, want no position and no fault", s.Reading)
		}
		b.addAct(b.packAct())
		settled(time.Minute)
		if s := b.tracker.Status(); s.Reading.LatE7 == nil || *s.Reading.LatE7 != 481370000 {
			t.Errorf("status with a shipment: got %+v, want its position", s.Reading)
		}
		b.addAct(act(t, custody.Statement{Kind: custody.Receive, Shipment: testShipment}))
		settled(time.Minute)
		b.stop()
		b.start()
		settled(time.Minute)
		b.stop()
		under := false // way
		with := 0
		for _, r := range b.records() {
			switch {
			case r.Kind == record.KindAct:
				under = !under // first packed, then received
			case r.Reading != nil && (r.Reading.Fix != nil || r.Reading.FixFault != 0) != under:
				t.Errorf("record %d: got fix %v, with a shipment under way %v", r.Seq, r.Reading.Fix, under)
			case r.Reading != nil && under:
				with++
			}
		}
		if with < 5 {
			t.Errorf("readings with a position: got %d", with)
		}
	})
}

func TestTracker_SetRadio(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger(t)
		b := newBox(t, l)
		b.start()
		settled(time.Minute)
		if s := b.tracker.Status(); !s.Radio || s.Link.State != tracker.LinkUp {
			t.Errorf("status: got %+v, want the radio on", s)
		}
		for range 2 { // the second changes nothing
			if err := b.tracker.SetRadio(false); err != nil {
				t.Fatal(err)
			}
		}
		calls := l.calls
		b.addAct(act(t, custody.Statement{Kind: custody.Receive, Shipment: testShipment})) // urgent, and not sent all the same
		settled(time.Hour)
		s := b.tracker.Status()
		if l.calls != calls || s.Radio || s.Link.State != tracker.LinkOff || s.Flushed-s.Receipted < 300 {
			t.Errorf("with the radio off: got %d calls more, status %+v", l.calls-calls, s)
		}
		if err := b.tracker.SetRadio(true); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if s := b.tracker.Status(); !s.Radio || s.Link.State != tracker.LinkUp || s.Flushed != s.Receipted {
			t.Errorf("with the radio on again: got %+v, want everything sent at once", s)
		}
		if err := b.tracker.SetRadio(false); err != nil {
			t.Fatal(err)
		}
		b.stop()
		b.start() // power-on switches it on
		settled(time.Minute)
		if s := b.tracker.Status(); !s.Radio || s.Link.State != tracker.LinkUp {
			t.Errorf("after a restart: got %+v, want the radio on", s)
		}
		b.stop()
		if diff := cmp.Diff([]string{"radio false", "radio true", "radio false"}, excursions(b.records())); diff != "" {
			t.Errorf("records (-want +got):\n%s", diff)
		}
	})
}

// stuck is a ledger whose answers don't come.
type stuck struct {
	*fakeLedger
	asked, ended chan struct{}
}

func (l *stuck) Sync(ctx context.Context, _, _ []byte) (tracker.SyncAnswer, error) {
	l.asked <- struct{}{}
	<-ctx.Done()
	l.ended <- struct{}{}
	return tracker.SyncAnswer{}, ctx.Err()
}

// TestTracker_SetRadioCutsCall switches the radio off in the middle of a call.
func TestTracker_SetRadioCutsCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t, newLedger(t))
		remote := &stuck{fakeLedger: b.ledger, asked: make(chan struct{}, 9), ended: make(chan struct{}, 9)}
		cfg := b.config()
		cfg.Uplink = remote
		tr, err := tracker.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		b.tracker = tr
		b.run()
		<-remote.asked
		before := time.Now()
		if err := tr.SetRadio(false); err != nil {
			t.Fatal(err)
		}
		<-remote.ended
		if d := time.Since(before); d != 0 {
			t.Errorf("call ended after %v, want at once", d)
		}
		b.stop()
	})
}

// TestNew_BootRecord wants what the certificates say in the boot record, for whoever asks how far a reading can be trusted.
func TestNew_BootRecord(t *testing.T) {
	b := newBox(t, nil)
	cfg := b.config()
	cfg.Probes[0].Calibration = hardware.Calibration{Certificate: "K-1", Issued: time.UnixMilli(1_775_001_600_000), Expires: time.UnixMilli(1_806_537_599_999),
		Uncertainty: 150, Points: []hardware.CalibrationPoint{{Reference: 0, Indicated: 20}, {Reference: 8000, Indicated: 8060}}}
	tr, err := tracker.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := tr.Close(); err != nil {
		t.Fatal(err)
	}
	want := []record.Probe{{Number: 0, Place: "organ", Model: "fake", Certificate: "K-1", UntilMS: 1_806_537_599_999, ErrorMC: 150,
		IssuedMS: 1_775_001_600_000, Points: []record.Point{{ReferenceMC: 0, IndicatedMC: 20}, {ReferenceMC: 8000, IndicatedMC: 8060}}},
		{Number: 1, Place: "box", Model: "fake"}}
	if diff := cmp.Diff(want, b.records()[0].Boot.Probes); diff != "" {
		t.Errorf("probes (-want +got):\n%s", diff)
	}
}
