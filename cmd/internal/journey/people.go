package journey

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"isotherm/api/client"
	"isotherm/cmd/internal/identity"
	"isotherm/ledger"
	"isotherm/ledger/custody"
	"isotherm/ledger/keyfile"
	"isotherm/ledger/profile"
)

// people are those who act on the journey.
type people struct {
	admin, coordinator, ground, relief, air, center, auditor *identity.Me
}

// donorID is made up; the ledger only ever sees a keyed commitment to it.
const donorID = "DEMO-1042"

// demoPIN unlocks the signing keys of all people of a journey: they are not real.
const demoPIN = "314159"

// demoCost makes their PINs cheap to guess, and a journey under the race detector bearable.
var demoCost = identity.Cost{Time: 1, MemoryKiB: 8 << 10, Threads: 1}

const pinFile = "pin"

// PINFile is a file with the PIN of everybody on the journey.
func (j *Journey) PINFile() string { return filepath.Join(j.opts.Dir, pinFile) }

// writePIN writes the PIN into a file for programs, and returns its name.
func writePIN(dir string) (string, error) {
	file := filepath.Join(dir, pinFile)
	return file, keyfile.SaveSecret(file, []byte(demoPIN+"\n"))
}

// enrolPeople makes everybody's identity folder, and their keys in it.
func (j *Journey) enrolPeople(ctx context.Context) error {
	admin, err := identity.Load(filepath.Join(j.cluster.dir, "admin"))
	if err != nil {
		return err
	}
	admin.PIN = identity.FixedPIN(demoPIN)
	j.people.admin = admin
	c, err := admin.Client()
	if err != nil {
		return err
	}
	defer c.Close()
	for _, p := range []role{
		{&j.people.coordinator, "coordinator", "Coordinator on call", "River OPO", "coordinator"},
		{&j.people.ground, "courier", "Ground courier", "City Couriers", "courier"},
		{&j.people.relief, "courier-relief", "Relief courier", "City Couriers", "courier"},
		{&j.people.air, "courier-air", "Air courier", "North Air", "courier"},
		{&j.people.center, "center", "Transplant desk", "Hill Transplant Center", "center"},
		{&j.people.auditor, "auditor", "Auditor", "Transplant Authority", "auditor"},
	} {
		if err := j.enrol(ctx, c, p); err != nil {
			return err
		}
	}
	j.cast = j.people
	j.say("six people enrolled; each made a signing key that stays on their own device")
	return nil
}

// role is somebody who is to be enrolled, in a folder of that name.
type role struct {
	me                      **identity.Me
	folder, name, org, role string
}

// enrol makes a person known and keeps their identity.
func (j *Journey) enrol(ctx context.Context, c *client.Client, p role) error {
	err := patiently(ctx, func(ctx context.Context) error {
		made, err := j.people.admin.Enrol(ctx, c, identity.NewPerson{Name: p.name, Organisation: p.org, Role: p.role}, []byte(demoPIN), demoCost)
		if err == nil {
			made.PIN = identity.FixedPIN(demoPIN)
			*p.me = made
		}
		return err
	})
	if err != nil {
		return err
	}
	return (*p.me).Save(j.folder(p.folder))
}

// folder is where a person's identity lies.
func (j *Journey) folder(name string) string { return filepath.Join(j.opts.Dir, "people", name) }

// patience is how long people try again while the ledger has no majority, for example during an election.
const patience = 45 * time.Second

// patiently repeats f while the ledger is unavailable. Acts have IDs and enrolments keys, so a repeat changes nothing.
func patiently(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return poll(ctx, "the ledger", func(ctx context.Context) (bool, error) {
		err := f(ctx)
		switch ledger.CodeOf(err) {
		case "":
			return true, nil
		case ledger.CodeUnavailable, ledger.CodeOverloaded:
			return false, nil
		}
		return false, err
	})
}

// act makes one act of the driven shipment now, in simulated time, and reports it.
func (j *Journey) act(ctx context.Context, me *identity.Me, s custody.Statement, others ...*identity.Me) error {
	s.Shipment = j.shipment
	return j.actAt(ctx, j.plan, me, s, others...)
}

// actAt makes one act now by the clock of a plan, and reports it.
func (j *Journey) actAt(ctx context.Context, clock *plan, me *identity.Me, s custody.Statement, others ...*identity.Me) error {
	c, err := me.Client()
	if err != nil {
		return err
	}
	defer c.Close()
	s.ID, s.EventTimeMS = ledger.NewActID(), clock.now().UnixMilli()
	setClocks(clock.now, me, others)
	var answer client.ActAnswer
	err = patiently(ctx, func(ctx context.Context) error {
		_, answer, err = me.Act(ctx, c, s, others...)
		return err
	})
	if err != nil {
		return fmt.Errorf("%s by %s: %w", s.Kind, me.Organisation, err)
	}
	signers := "signed by " + me.Name
	for _, o := range others {
		signers += " and " + o.Name
	}
	j.sayAt(clock.now(), fmt.Sprintf("%s, %s: entry %d", s.Kind, signers, answer.Index))
	return nil
}

// setClocks makes people's devices tell the time of the journey: they sign when they say what happens.
func setClocks(now func() time.Time, me *identity.Me, others []*identity.Me) {
	me.Now = now
	for _, o := range others {
		o.Now = now
	}
}

// donor returns the ledger's commitment to the donor ID of the driven shipment.
func (j *Journey) donor(ctx context.Context, me *identity.Me) ([32]byte, error) {
	return j.commit(ctx, me, donorID)
}

// commit returns the ledger's commitment to a donor ID.
func (j *Journey) commit(ctx context.Context, me *identity.Me, donorID string) ([32]byte, error) {
	c, err := me.Client()
	if err != nil {
		return [32]byte{}, err
	}
	defer c.Close()
	var h client.Hash
	err = patiently(ctx, func(ctx context.Context) error {
		h, err = c.DonorCommitment(ctx, donorID)
		return err
	})
	return h, err
}

// keepDonor keeps a donor ID sealed beside the log, for those who may see it.
func (j *Journey) keepDonor(ctx context.Context, me *identity.Me, shipment ledger.ShipmentID, donorID string) error {
	c, err := me.Client()
	if err != nil {
		return err
	}
	defer c.Close()
	return patiently(ctx, func(ctx context.Context) error { return c.KeepDonorID(ctx, shipment, donorID) })
}

// head returns the newest head of the box's journal, as its own page shows it to whoever stands beside it.
func (j *Journey) head(ctx context.Context) ([]byte, ledger.BoxID, error) {
	var head []byte
	var id ledger.BoxID
	err := poll(ctx, "the box's page", func(ctx context.Context) (bool, error) {
		var err error
		head, id, err = identity.BoxHead(ctx, j.box.url)
		return err == nil, nil // it may be restarting
	})
	return head, id, err
}

// pack opens the shipment and puts the organ into the box.
func (j *Journey) pack(ctx context.Context) error {
	j.shipment = ledger.NewShipmentID()
	donor, err := j.donor(ctx, j.people.coordinator)
	if err != nil {
		return err
	}
	open := custody.Statement{Kind: custody.Open, Organ: custody.Heart, From: "Harbor Hospital", Dest: "Hill Transplant Center", Donor: donor}
	if err := j.act(ctx, j.people.coordinator, open); err != nil {
		return err
	}
	if err := j.until(ctx, lead); err != nil {
		return err
	}
	head, id, err := j.head(ctx)
	if err != nil {
		return err
	}
	p, _ := profile.Default("chs-4-8") // it is shipped
	now := j.plan.now()
	pack := custody.Statement{Kind: custody.Pack, Organ: custody.Heart, Box: id, Head: head, Profile: p.Marshal(), ColdMS: now.Add(-12 * time.Minute).UnixMilli(), Seal: "0417"}
	j.devices.pack(j.plan.elapsed())
	return j.act(ctx, j.people.ground, pack, j.people.coordinator)
}

// handoff hands the box from the ground courier to the air courier: two keys, each on its own device.
func (j *Journey) handoff(ctx context.Context) error {
	head, _, err := j.head(ctx)
	if err != nil {
		return err
	}
	release := custody.Statement{Kind: custody.Release, To: j.people.air.Party(), Head: head, Place: "Airfield", Seal: "0417",
		ValidMS: j.plan.now().Add(30 * time.Minute).UnixMilli()}
	if err := j.act(ctx, j.people.ground, release); err != nil {
		return err
	}
	if head, _, err = j.head(ctx); err != nil {
		return err
	}
	return j.act(ctx, j.people.air, custody.Statement{Kind: custody.Accept, Head: head, Place: "Airfield", Seal: "0417"})
}

// arrive has the center receive the box and open it, waits until the ledger holds all that the box recorded until then, and
// has the organ checked and reported.
func (j *Journey) arrive(ctx context.Context) error {
	for _, s := range []custody.Statement{
		{Kind: custody.Receive, Place: "Theatre 3", Seal: "0417"},
		{Kind: custody.OpenBox, Place: "Theatre 3"},
	} {
		var err error
		if s.Head, _, err = j.head(ctx); err != nil {
			return err
		}
		if err := j.act(ctx, j.people.center, s); err != nil {
			return err
		}
	}
	if err := j.box.synced(ctx); err != nil {
		return err
	}
	j.say("the ledger holds every record up to arrival; the box has receipts for all of them")
	donor, err := j.donor(ctx, j.people.center)
	if err != nil {
		return err
	}
	for _, s := range []custody.Statement{
		{Kind: custody.ArrivalCheck, Arrival: custody.Match, Organ: custody.Heart, Donor: donor},
		{Kind: custody.Preserve, Preservation: custody.OutOfCold, TimeErrorMS: 60_000},
		{Kind: custody.Outcome, Result: custody.Transplanted},
		{Kind: custody.Close},
	} {
		if err := j.act(ctx, j.people.center, s); err != nil {
			return err
		}
	}
	return nil
}
