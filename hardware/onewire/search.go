package onewire

import (
	"context"
	"errors"

	"isotherm/hardware"
)

// maxDevices ends a search. A bus of a box has a few probes; more than 64 means that the search goes in circles.
const maxDevices = 64

// searchTries is how often one pass is made before a damaged answer ends the search.
const searchTries = 3

// search lists the devices on the bus with the bridge's search accelerator. Sources: DS2480B datasheet, "Search
// accelerator"; Maxim application note 187.
func (c *chip) search(ctx context.Context) ([]ID, error) {
	var found []ID
	var path ID // bits to take where devices differ
	for range maxDevices {
		id, next, more, err := c.searchPass(ctx, path)
		if hardware.FaultOf(err) == hardware.NoPresence && len(found) == 0 {
			return nil, nil // an empty bus is an answer
		}
		if err != nil {
			return nil, err
		}
		found = append(found, id)
		if !more {
			return found, nil
		}
		path = next
	}
	return nil, c.fail("search", hardware.Noise, nil, errors.New("more devices than a bus can have"))
}

// searchPass finds one device, and says where the next pass goes.
func (c *chip) searchPass(ctx context.Context, path ID) (id, next ID, more bool, err error) {
	for range searchTries {
		if err = c.reset(ctx); err != nil {
			return ID{}, ID{}, false, err
		}
		if _, err = c.command(ctx, "search", []byte{romSearch}, 1); err != nil {
			return ID{}, ID{}, false, err
		}
		var answer []byte
		if answer, err = c.accelerated(ctx, pathBytes(path)); err != nil {
			return ID{}, ID{}, false, err
		}
		var broken error
		if id, next, more, broken = passResult([16]byte(answer), path); broken == nil {
			return id, next, more, nil
		}
		err = c.fail("search", hardware.CRCBad, answer, broken)
	}
	return ID{}, ID{}, false, err
}

// accelerated sends the 16 bytes of a pass with the accelerator on, and turns it off again.
func (c *chip) accelerated(ctx context.Context, out [16]byte) ([]byte, error) {
	if err := c.send(ctx, []byte{cmdSearchOn}); err != nil {
		return nil, err
	}
	answer, err := c.exchange(ctx, "search", out[:])
	if err != nil {
		return nil, err
	}
	return answer, c.send(ctx, []byte{cmdNoSearch})
}

// pathBytes spreads the 64 bits of a path over 128: each odd bit is the way to take, each even one is zero.
func pathBytes(path ID) (out [16]byte) {
	for n := range 64 {
		if path.bit(n) {
			out[n/4] |= 2 << (n % 4 * 2)
		}
	}
	return out
}

// passResult reads the bridge's answer to a pass: for each bit of the ID the way that was taken, and whether there were
// devices on both. The next pass takes the other way at the highest place where this one took the zero of two.
func passResult(answer [16]byte, path ID) (id, next ID, more bool, err error) {
	last := -1
	for n := range 64 {
		pair := answer[n/4] >> (n % 4 * 2) & 3
		if pair&2 != 0 {
			id[n/8] |= 1 << (n % 8)
		}
		if pair == 1 { // both ways, and the zero was taken
			last = n
		}
		if pair == 3 && !path.bit(n) {
			return ID{}, ID{}, false, errors.New("devices stopped answering in the middle")
		}
	}
	if err := id.check(); err != nil {
		return ID{}, ID{}, false, err
	}
	if last < 0 {
		return id, ID{}, false, nil
	}
	for n := range last {
		if id.bit(n) {
			next[n/8] |= 1 << (n % 8)
		}
	}
	next[last/8] |= 1 << (last % 8)
	return id, next, true, nil
}

func (id ID) bit(n int) bool { return id[n/8]>>(n%8)&1 == 1 }
