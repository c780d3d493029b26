package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"isotherm/api/contract"
	"isotherm/ledger"
	"isotherm/ledger/bundle"
	"isotherm/ledger/report"
)

// Limits of exports under way.
const (
	maxJobs      = 16              // that wait or work, on this node: each may take minutes, and nobody waits for the seventeenth
	maxJobsEach  = 4               // of one person, so that one can't keep others out
	maxJobsKnown = 256             // with those that are done or failed
	jobTime      = 2 * time.Hour   // of one: a thousand cases of a day each take minutes
	jobTries     = 4               // of one case while the ledger does not answer: an election passes
	jobPause     = 2 * time.Second // between them, growing
	listVerdicts = 10              // cases of an export whose verdicts the list has
)

// The states of an export.
const (
	jobWaiting = "waiting"
	jobWorking = "working"
	jobReady   = "ready"
	jobFailed  = "failed"
)

// exportJob is an export that somebody began. Its first fields never change; state and what follows are guarded by the queue.
type exportJob struct {
	id     string
	owner  ledger.PersonID
	token  string // as presented when it was begun: who it is of is asked anew for each case
	form   contract.ExportForm
	paper  contract.ExportRequestPaper
	reason string
	picked []ledger.ShipmentID
	begun  time.Time

	state    string
	verdicts []contract.ExportVerdict
	made     madeExport
	problem  string
	expires  time.Time
}

// exportQueue works on exports one after another: a node's time and disk belong to boxes first. What it knows is lost when
// the node restarts.
type exportQueue struct {
	h    *handler
	work chan *exportJob
	stop context.CancelFunc
	ctx  context.Context // ends with stop
	once sync.Once       // starts the worker
	done chan struct{}   // closed when the worker has ended

	mu     sync.Mutex
	jobs   []*exportJob // in the order of their beginning; guarded by mu
	closed bool         // guarded by mu
}

func newExportQueue(h *handler) *exportQueue {
	q := &exportQueue{h: h, work: make(chan *exportJob, maxJobs), done: make(chan struct{})}
	q.ctx, q.stop = context.WithCancel(context.Background())
	return q
}

// close ends the worker and waits for it: at most until the case under way is verified.
func (q *exportQueue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.stop()
	q.once.Do(func() { close(q.done) }) // it never began
	<-q.done
}

// start puts an export into the queue. The same one that is still under way is not begun twice: a client that got no answer
// asks again.
func (q *exportQueue) start(j *exportJob) (contract.ExportJob, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.forget()
	active, own := 0, 0
	for _, other := range q.jobs {
		if other.state != jobWaiting && other.state != jobWorking {
			continue
		}
		if other.same(j) {
			return other.show(true), nil
		}
		active++
		if other.owner == j.owner {
			own++
		}
	}
	switch {
	case q.closed:
		return contract.ExportJob{}, ledger.Errorf(ledger.CodeUnavailable, "the node is shutting down").WithHint("begin the export at another one")
	case own >= maxJobsEach:
		return contract.ExportJob{}, ledger.Errorf(ledger.CodeOverloaded, "%d of your exports are under way", own).WithHint("wait until one is ready")
	case active >= maxJobs || len(q.jobs) >= maxJobsKnown:
		return contract.ExportJob{}, ledger.Errorf(ledger.CodeOverloaded, "%d exports are under way on this node", active).WithHint("try again in some minutes, or at another node")
	}
	j.id, j.begun, j.state = newExportID(), q.h.now(), jobWaiting
	q.jobs = append(q.jobs, j)
	q.work <- j // it has room for all that are active
	q.once.Do(func() { go q.run() })
	return j.show(true), nil
}

// same tells whether two exports are the same request of the same person.
func (j *exportJob) same(o *exportJob) bool {
	return j.owner == o.owner && j.form == o.form && j.paper == o.paper && j.reason == o.reason && slices.Equal(j.picked, o.picked)
}

// forget drops what is over for longer than exports are kept. The caller holds mu.
func (q *exportQueue) forget() {
	now := q.h.now()
	q.jobs = slices.DeleteFunc(q.jobs, func(j *exportJob) bool {
		switch j.state {
		case jobReady:
			_, err := q.h.exports.find(j.id, j.owner)
			return err != nil
		case jobFailed:
			return !now.Before(j.expires)
		}
		return false
	})
}

// list returns a person's exports, newest first.
func (q *exportQueue) list(owner ledger.PersonID) []contract.ExportJob {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.forget()
	out := []contract.ExportJob{}
	for _, j := range slices.Backward(q.jobs) {
		if j.owner == owner {
			out = append(out, j.show(len(j.picked) <= listVerdicts))
		}
	}
	return out
}

// find returns a person's export.
func (q *exportQueue) find(id string, owner ledger.PersonID) (contract.ExportJob, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.forget()
	for _, j := range q.jobs {
		if j.id == id && j.owner == owner {
			return j.show(true), nil
		}
	}
	return contract.ExportJob{}, errNoExport(id)
}

// show returns what people see of it. The caller holds mu.
func (j *exportJob) show(verdicts bool) contract.ExportJob {
	out := contract.ExportJob{ID: j.id, Form: j.form, Reason: j.reason, State: j.state, Cases: len(j.picked), CasesDone: len(j.verdicts), BegunMS: j.begun.UnixMilli(),
		Name: exportForms[j.form].fileName(j.picked, j.begun), Problem: j.problem}
	if verdicts {
		out.Verdicts = slices.Clone(j.verdicts)
	}
	switch j.state {
	case jobReady:
		out.URL, out.Size, out.SHA256, out.ExpiresMS = exportURL(j.id), j.made.size, j.made.sum, j.made.expires.UnixMilli()
	case jobFailed:
		out.ExpiresMS = j.expires.UnixMilli()
	}
	return out
}

// run works until close.
func (q *exportQueue) run() {
	defer close(q.done)
	for {
		select {
		case <-q.ctx.Done():
			return
		case j := <-q.work:
			q.set(func() { j.state = jobWorking })
			ctx, cancel := context.WithTimeout(q.ctx, jobTime)
			made, err := q.make(ctx, j)
			cancel()
			q.set(func() {
				j.token = ""
				if err != nil {
					j.state, j.problem, j.expires = jobFailed, q.explain(j, err), q.h.now().Add(exportLife)
					return
				}
				j.state, j.made = jobReady, made
			})
		}
	}
}

func (q *exportQueue) set(change func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	change()
}

// make writes the file of an export.
func (q *exportQueue) make(ctx context.Context, j *exportJob) (madeExport, error) {
	select { // a place among those who write bundles
	case q.h.making <- struct{}{}:
		defer func() { <-q.h.making }()
	case <-ctx.Done():
		return madeExport{}, ctx.Err()
	}
	form := exportForms[j.form]
	m := madeExport{id: j.id, owner: j.owner, name: form.fileName(j.picked, j.begun), kind: form.kind}
	return q.h.exports.write(m, func(w io.Writer) (err error) {
		// What a case holds must not end this node, and then the next one that is asked for the same export.
		defer func() {
			if v := recover(); v != nil {
				err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
			}
		}()
		out, err := form.begin(w, j)
		if err != nil {
			return err
		}
		for i, id := range j.picked {
			c, err := q.one(ctx, j, id)
			if err == nil {
				err = out.add(c)
			}
			if err != nil {
				return fmt.Errorf("case %d of %d, %s: %w", i+1, len(j.picked), id, err)
			}
			q.set(func() { j.verdicts = append(j.verdicts, verdictOf(id, c)) })
		}
		return out.end()
	})
}

// one exports and verifies one case. While no majority answers it tries again.
func (q *exportQueue) one(ctx context.Context, j *exportJob, id ledger.ShipmentID) (*report.Case, error) {
	for try := 1; ; try++ {
		c, err := q.try(ctx, j, id)
		code := ledger.CodeOf(err)
		if err == nil || try == jobTries || code != ledger.CodeUnavailable && code != ledger.CodeOverloaded {
			return c, err
		}
		select {
		case <-time.After(time.Duration(try) * jobPause):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (q *exportQueue) try(ctx context.Context, j *exportJob, id ledger.ShipmentID) (*report.Case, error) {
	p, err := q.h.node.Authenticate(ctx, j.token) // whose session ended, or role changed, gets no more
	if err != nil {
		return nil, err
	}
	src, err := q.h.node.Export(ctx, p, id, j.reason)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := bundle.Write(&b, src); err != nil {
		return nil, err
	}
	v, contents := q.h.node.VerifyBundle(b.Bytes())
	return report.NewCase(b.Bytes(), v, contents, v.SentenceUnder("the policy of "+q.h.node.Name())), nil
}

// verdictOf shows what the verifier said of a case.
func verdictOf(id ledger.ShipmentID, c *report.Case) contract.ExportVerdict {
	out := contract.ExportVerdict{Shipment: id, Result: string(c.Verdict.Result), Sentence: c.Sentence, Checks: texts(c.Verdict.Checked), Notes: []string{}}
	for _, f := range c.Verdict.Findings {
		out.Notes = append(out.Notes, f.Where+": "+f.What)
	}
	out.Notes = append(out.Notes, c.Verdict.Flags...)
	return out
}

// explain says why an export failed and what to do.
func (q *exportQueue) explain(j *exportJob, err error) string {
	var known *ledger.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("It took longer than %d hours. Export fewer cases at a time.", int(jobTime.Hours()))
	case errors.Is(err, context.Canceled):
		return "The node was stopped. Begin the export anew, here or at another node."
	case ledger.CodeOf(err) == ledger.CodeUnauthenticated:
		return "Your session or token ended before the export was ready. Sign in and begin it anew."
	case !errors.As(err, &known) || known.Code == ledger.CodeInternal:
		q.h.log.LogAttrs(context.Background(), slog.LevelError, "an export failed", slog.String("form", string(j.form)), slog.Int("cases", len(j.picked)), slog.Any("err", err))
		return "A fault of this node; its log has the details. Begin the export at another node."
	}
	text := strings.TrimPrefix(err.Error(), "write export: ") // an Error's text ends with what to do
	return strings.ToUpper(text[:1]) + text[1:] + "."
}
