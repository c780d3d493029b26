package tracker_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"isotherm/ledger"
	"isotherm/ledger/custody"
	"isotherm/ledger/record"
	"isotherm/tracker"
)

func TestUplink_OutageThenBacklog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger(t)
		l.down = errors.New("no network")
		b := newBox(t, l)
		b.start()
		time.Sleep(6 * time.Hour)
		synctest.Wait()
		s := b.tracker.Status()
		if s.Link.State != tracker.LinkDown || s.Receipted != 0 || s.Link.Problem != "no network" || s.Link.WaitingSinceMS == 0 {
			t.Errorf("status without a network: got %+v", s)
		}
		if l.calls < 300 || l.calls > 6*3600/10 {
			t.Errorf("calls in 6 h without a network: got %d, want one in about 30 s", l.calls)
		}
		l.set(func(l *fakeLedger) { l.down = nil })
		time.Sleep(time.Minute + 10*time.Second)
		synctest.Wait()
		if s := b.tracker.Status(); s.Link.State != tracker.LinkUp || s.Flushed-s.Receipted > 2 {
			t.Errorf("status with a network again: got %+v, want nothing waiting", s)
		}
		for i, n := range l.sizes[:3] {
			if n != tracker.BatchRecords {
				t.Errorf("batch %d: got %d records, want %d", i, n, tracker.BatchRecords)
			}
		}
		b.stop()
	})
}

func TestUplink_ActsFromLedger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger(t)
		b := newBox(t, l)
		b.start()
		time.Sleep(time.Second)
		pack := b.packAct()
		l.set(func(l *fakeLedger) { l.acts = [][]byte{pack, []byte("junk")} })
		time.Sleep(time.Minute)
		synctest.Wait()
		if s := b.tracker.Status(); onlyShipment(t, s).Shipment != testShipment {
			t.Errorf("status: got %+v, want the shipment of the act", s)
		}
		b.stop()
		b.start()
		time.Sleep(time.Minute)
		b.stop()
		if got, want := len(ofKind(b.records(), record.KindAct)), 1; got != want {
			t.Errorf("acts: got %d records, want %d however often the ledger sends it", got, want)
		}
	})
}

func TestUplink_LedgerLostTail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger(t)
		b := newBox(t, l)
		b.start()
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		origin := record.Origin(b.tracker.Box(), b.tracker.Status().Incarnation)
		l.set(func(l *fakeLedger) { // restored from a backup
			old := l.journals[origin].records[:10]
			l.journals[origin] = &held{}
			for _, r := range old {
				l.journals[origin].records = append(l.journals[origin].records, r)
				l.journals[origin].frontier.Append(tlog.RecordHash(r))
			}
		})
		time.Sleep(time.Minute)
		synctest.Wait()
		s := b.tracker.Status()
		if got := l.heldSize(b.tracker.Box(), s.Incarnation); s.Flushed-got > 2 {
			t.Errorf("ledger: got %d records, want all %d again", got, s.Flushed)
		}
		b.stop()
	})
}

func TestUplink_LostAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger(t)
		b := newBox(t, l)
		remote := &lossy{fakeLedger: l}
		b.start()
		time.Sleep(30 * time.Second)
		b.stop()
		cfg := b.config()
		remote.lose = true
		cfg.Uplink = remote
		tr, err := tracker.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		b.tracker = tr
		b.run()
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if s := tr.Status(); s.Flushed-s.Receipted > 2 || remote.lost == 0 {
			t.Errorf("status: got %+v after %d lost answers, want all receipted", s, remote.lost)
		}
		b.stop()
	})
}

func TestUplink_Contradiction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger(t)
		b := newBox(t, l)
		b.start()
		time.Sleep(time.Minute)
		synctest.Wait()
		first := b.tracker.Status().Incarnation
		origin := record.Origin(b.tracker.Box(), first)
		l.set(func(l *fakeLedger) { // as if a clone of this box had written
			l.journals[origin].frontier.Append(tlog.RecordHash([]byte("other")))
		})
		time.Sleep(time.Minute)
		synctest.Wait()
		s := b.tracker.Status()
		if len(s.Link.Stopped) != 1 || s.Link.Stopped[0].Incarnation != first || !strings.Contains(s.Link.Stopped[0].Reason, "contradicts") {
			t.Errorf("link: got %+v, want the incarnation stopped", s.Link)
		}
		calls := l.calls
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if l.calls != calls {
			t.Errorf("calls after that: got %d more, want none", l.calls-calls)
		}
		b.stop()
		b.start() // the next incarnation is not held up
		time.Sleep(time.Minute)
		synctest.Wait()
		if s := b.tracker.Status(); s.Receipted == 0 {
			t.Errorf("next incarnation: got %+v, want it sent", s)
		}
		b.stop()
		if got := len(ofKind(b.records(), record.KindBoot)); got != 2 {
			t.Errorf("incarnations kept: got %d, want 2", got)
		}
	})
}

func TestUplink_ForgedReceipt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger(t)
		l.forge = true
		b := newBox(t, l)
		b.start()
		time.Sleep(time.Minute)
		synctest.Wait()
		if s := b.tracker.Status(); s.Receipted != 0 || s.Link.State != tracker.LinkDown {
			t.Errorf("status: got %+v, want nothing receipted", s)
		}
		b.stop()
	})
}

func TestUplink_Quarantined(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger(t)
		l.down = ledger.Errorf(ledger.CodeQuarantined, "journal has forked")
		b := newBox(t, l)
		b.start()
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if s := b.tracker.Status(); len(s.Link.Stopped) != 1 || l.calls > 2 {
			t.Errorf("link: got %+v after %d calls, want it stopped", s.Link, l.calls)
		}
		l.set(func(l *fakeLedger) { l.down = nil })
		time.Sleep(11 * time.Minute)
		synctest.Wait()
		if s := b.tracker.Status(); s.Receipted == 0 || len(s.Link.Stopped) != 0 {
			t.Errorf("status after the ruling: got %+v, want it sent again", s)
		}
		b.stop()
	})
}

func TestUplink_UrgentAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger(t)
		b := newBox(t, l)
		b.start()
		time.Sleep(10*time.Minute + 3*time.Second)
		synctest.Wait()
		b.addAct(act(t, custody.Statement{Kind: custody.Receive, Shipment: testShipment}))
		synctest.Wait()
		s := b.tracker.Status()
		if s.Receipted != s.Recorded {
			t.Errorf("an act just journaled: got %d of %d records receipted, want all", s.Receipted, s.Recorded)
		}
		b.stop()
	})
}
