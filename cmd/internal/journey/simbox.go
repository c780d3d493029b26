package journey

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"isotherm/api/client"
	"isotherm/ledger"
	"isotherm/ledger/batch"
	"isotherm/ledger/merkle"
	"isotherm/ledger/record"
)

// simBox is a box of which only the records are simulated: it signs a journal of its own and speaks to the ledger as every
// box does. Its clock reads 'simulated', and it writes its past as fast as the ledger takes it.
type simBox struct {
	key     ed25519.PrivateKey
	inc     ledger.IncarnationID
	label   string
	tree    merkle.Frontier
	waiting [][]byte // records that the ledger has not got
	start   time.Time
	at      time.Time // its clock
	tempMC  int32     // last
	place   place
	senses  simSenses
}

// simEvery is the time between two readings of a simBox.
const simEvery = 30 * time.Second

// newSimBox switches a box on. Probe 0 lies at the place that the profile judges, probe 1 measures the air in the box.
func newSimBox(label, place string, at time.Time, battery simBattery) (*simBox, error) {
	public, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, fmt.Errorf("make box %s: %w", label, err)
	}
	b := &simBox{key: key, inc: ledger.NewIncarnationID(), label: label, start: at, at: at, senses: simSenses{battery: battery}}
	valid := at.AddDate(0, 4, 0).UnixMilli()
	err = b.add(record.Record{Kind: record.KindBoot, Boot: &record.Boot{
		Key: public, Incarnation: b.inc, BootCount: 1, Software: "simulated", SampleMS: uint32(simEvery.Milliseconds()),
		Probes: []record.Probe{
			{Number: 0, Place: place, Model: "simulated", Certificate: "SIM-" + label + "-0", UntilMS: valid, ErrorMC: 300},
			{Number: 1, Place: "box", Model: "simulated", Certificate: "SIM-" + label + "-1", UntilMS: valid, ErrorMC: 300},
		},
	}})
	if err != nil {
		return nil, err
	}
	return b, b.gauge()
}

func (b *simBox) id() ledger.BoxID { return ledger.BoxIDOf(b.key.Public().(ed25519.PublicKey)) }

// add appends a record at the box's present time.
func (b *simBox) add(r record.Record) error {
	r.Seq = uint64(b.tree.Size())
	r.At = record.Stamp{MonoMS: uint64(b.at.Sub(b.start).Milliseconds()), WallMS: b.at.UnixMilli(), Quality: record.ClockSimulated}
	raw, err := r.Append(nil)
	if err != nil {
		return fmt.Errorf("box %s: %w", b.label, err)
	}
	b.tree.Append(tlog.RecordHash(raw))
	b.waiting = append(b.waiting, raw)
	return nil
}

// read takes readings until the clock has moved on by d, while the organ goes from one temperature to another and the box
// from one place to another.
func (b *simBox) read(d time.Duration, fromMC, toMC int32, from, to place) error {
	n := int(d / simEvery)
	for i := 1; i <= n; i++ {
		b.at = b.at.Add(simEvery)
		part := func(x, y int32) int32 { return int32(int64(x) + (int64(y)-int64(x))*int64(i)/int64(n)) }
		ripple := int32(i%5) * 20
		r := &record.Reading{
			Samples: []record.Sample{{Probe: 0, TempMC: part(fromMC, toMC) + ripple}, {Probe: 1, TempMC: part(fromMC, toMC) - 900 + 2*ripple}},
			Fix:     &record.Fix{LatE7: part(from.lat, to.lat), LonE7: part(from.lon, to.lon), Quality: 1, Satellites: 9, HDOPx100: 110},
		}
		b.senses.fail(r)
		if err := b.add(record.Record{Kind: record.KindReading, Reading: r}); err != nil {
			return err
		}
		if err := b.gauge(); err != nil {
			return err
		}
	}
	b.tempMC, b.place = toMC, to
	return nil
}

// rest takes readings until now; nothing changes meanwhile.
func (b *simBox) rest(now time.Time) error {
	return b.read(now.Sub(b.at), b.tempMC, b.tempMC, b.place, b.place)
}

// head is the newest signed head of the box's journal, as its own page would show it.
func (b *simBox) head() ([]byte, error) {
	return merkle.Sign(merkle.Checkpoint{Origin: record.Origin(b.id(), b.inc), Size: b.tree.Size(), Root: b.tree.Root()}, b.key)
}

// enrol makes the box known with a one-time token of the administrator.
func (b *simBox) enrol(ctx context.Context, admin *client.Client) error {
	token, err := admin.CreateEnrolToken(ctx, b.label, 10*time.Minute)
	if err != nil {
		return err
	}
	head, err := b.head()
	if err != nil {
		return err
	}
	_, err = admin.EnrolBox(ctx, token.Token, client.Enrolment{Key: b.key.Public().(ed25519.PublicKey), Head: head})
	return err
}

// send hands all waiting records to the ledger in one batch, as a box does once it has a link.
func (b *simBox) send(ctx context.Context, c *client.Client) error {
	if len(b.waiting) == 0 {
		return nil
	}
	head, err := b.head()
	if err != nil {
		return err
	}
	from := b.tree.Size() - int64(len(b.waiting))
	wire, err := batch.Encode(record.Origin(b.id(), b.inc), from, b.waiting, head)
	if err != nil {
		return err
	}
	if _, err := c.Sync(ctx, b.id(), wire, nil); err != nil {
		return fmt.Errorf("box %s: %w", b.label, err)
	}
	b.waiting = nil
	return nil
}
