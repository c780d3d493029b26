package journey

import (
	"context"
	"time"

	"isotherm/api/client"
)

// ride keeps the boxes of the side trips reporting, where they are and as warm as they are, until stop is called: a board
// on which nothing moves looks broken. Readings that the ledger can't take wait in the box, as always.
func (j *Journey) ride(boxes []*simBox) (stop func(), err error) {
	c, err := j.people.admin.Client()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(j.ctx)
	done := make(chan struct{})
	go func() { // ends with ctx
		defer close(done)
		defer c.Close()
		tick := time.NewTicker(simEvery)
		defer tick.Stop()
		for {
			report(ctx, c, boxes)
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}, nil
}

// report brings every box to the present.
func report(ctx context.Context, c *client.Client, boxes []*simBox) {
	for _, b := range boxes {
		if b.rest(time.Now()) == nil {
			_ = b.send(ctx, c) // it waits in the box; the ledger may be without a majority, for that is what people try
		}
	}
}
