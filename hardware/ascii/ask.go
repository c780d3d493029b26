package ascii

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"isotherm/hardware"
	"isotherm/hardware/serial"
)

// Error says why a question got no answer that can be believed.
type Error struct {
	Profile string
	Sent    string
	Fault   hardware.Fault
	Got     []byte // what came, for a person to look at
}

// Error gives the reason, what was asked, and what came.
func (e *Error) Error() string {
	text := fmt.Sprintf("thermometer %s, asked %q: %v", e.Profile, e.Sent, e.Fault)
	if len(e.Got) > 0 {
		text += ", got " + printable(e.Got)
	}
	return text + ": " + hint(e.Fault)
}

// Reason returns the fault, for hardware.FaultOf.
func (e *Error) Reason() hardware.Fault { return e.Fault }

// hint says what to do about an answer that did not come or can't be believed.
func hint(f hardware.Fault) string {
	switch f {
	case hardware.Timeout:
		return "check its power, the wiring, the speed, and that this is the right profile"
	case hardware.Noise:
		return "something talks without being asked; check that this is the right profile, and that nothing else is on the line"
	case hardware.LateReply:
		return "it answers too slowly; give it a longer timeout"
	}
	return "check the speed, the wiring, and that this is the right profile"
}

// port is what the asker needs of a serial port.
type port interface {
	Write(p []byte) (int, error)
	ReadWithin(p []byte, wait time.Duration) (int, error)
	SetWriteDeadline(t time.Time) error
}

// asker asks a device for one reading after the other. It is for one goroutine at a time.
//
// An answer does not say which question it belongs to. So when the line is dirty, because it was just opened, because an
// answer did not come or was not right, or because something came that nobody asked for, the commands of the setup are sent
// that want no answer (they silence a device that also reports), and then it must be quiet for two timeouts; then the rest
// of the setup is made, or without one the question is asked once and its answer thrown away, and the line
// must be quiet for another timeout. Only then is a reading asked for, and for the whole timeout no second answer may come.
// No answer that comes within three timeouts of its question can then be taken for the answer to another one.
type asker struct {
	parser   *Parser
	profile  Profile
	ask      string
	timeout  time.Duration
	setupDue time.Time // real time; zero: at once
	failures int       // in a row, for the monitor
	doing    error     // what is said when the caller gives up waiting; nil: nothing was tried
}

const (
	// settle is how long a line must be quiet after an answer: what comes later came too late.
	settle = 40 * time.Millisecond
	// strayWait is how long is listened before a question for what nobody asked for.
	strayWait = 5 * time.Millisecond
	// maxDrain is for how many timeouts a line may babble before a reading is given up. All of a reading has to fit into the
	// 5 s that a round of the tracker lasts.
	maxDrain = 4
	// maxAnswer bounds what a device may say to one question, in bytes.
	maxAnswer = 2048
	// setupEvery is how often the setup is made anew: somebody may change the device on the way.
	setupEvery = 10 * time.Minute
)

func newAsker(parser *Parser, cfg Config) *asker {
	return &asker{parser: parser, profile: cfg.Profile, ask: cfg.Profile.ask(cfg.Address), timeout: cfg.Timeout}
}

// answer is what a device said to a question.
type answer struct {
	verdict Verdict
	raw     []byte
}

// read gets one reading. Its error is an *Error, a *serial.Error or ctx's, and leaves the line dirty. What the device itself
// says, an open element or another unit, is no error but a verdict.
func (a *asker) read(ctx context.Context, p port, dirty bool) (answer, error) {
	a.doing = nil
	stray, err := serial.Discard(ctx, p, strayWait)
	if err != nil {
		return answer{}, err
	}
	dirty = dirty || stray
	if dirty {
		a.setupDue = time.Time{}
		if err := a.hush(ctx, p); err != nil {
			return answer{}, err
		}
		if err := a.drain(ctx, p); err != nil {
			return answer{}, err
		}
	}
	if len(a.profile.Setup) > 0 && !time.Now().Before(a.setupDue) {
		if got, err := a.setup(ctx, p); err != nil || got.verdict.Fault != hardware.None {
			return got, err
		}
	} else if dirty {
		if got, err := a.question(ctx, p, settle); err != nil {
			return got, err
		}
	}
	if dirty {
		// Were that a straggler, the true answer would still come.
		stray, err := serial.Discard(ctx, p, a.timeout)
		if err != nil {
			return answer{}, err
		}
		if stray {
			return answer{}, a.fail(a.ask, hardware.LateReply, nil)
		}
	}
	after := settle
	if dirty {
		after = a.timeout
	}
	got, err := a.question(ctx, p, after)
	if err == nil && got.verdict.Fault != hardware.None {
		a.setupDue = time.Time{} // it may have lost its settings
	}
	return got, err
}

func (a *asker) fail(sent string, fault hardware.Fault, got []byte) error {
	return &Error{Profile: a.profile.Name, Sent: sent, Fault: fault, Got: got}
}

// hush sends the commands that want no answer.
func (a *asker) hush(ctx context.Context, p port) error {
	for _, x := range a.profile.Setup {
		if x.Want != "" {
			continue
		}
		_, _, err := a.exchange(ctx, p, command{send: x.Send, after: settle, any: true})
		if _, said := errors.AsType[*Error](err); err != nil && !said { // what comes on a dirty line matters to nobody
			return err
		}
	}
	return nil
}

// drain waits until the line has been quiet for two timeouts.
func (a *asker) drain(ctx context.Context, p port) error {
	babbles, err := serial.Drain(ctx, p, 2*a.timeout, maxDrain*a.timeout)
	if !babbles {
		return err
	}
	a.doing = a.fail("", hardware.Noise, nil)
	if err != nil {
		return err
	}
	return a.doing
}

// setup makes the exchanges of the profile. A verdict with a fault is what the device says against being used.
func (a *asker) setup(ctx context.Context, p port) (answer, error) {
	for _, x := range a.profile.Setup {
		if x.Want == "" {
			continue // sent by hush
		}
		lines, all, err := a.exchange(ctx, p, command{send: x.Send, after: settle})
		if err != nil {
			return answer{}, err
		}
		met := false
		for _, line := range lines {
			switch text := string(line); {
			case strings.EqualFold(text, x.Want):
				met = true
			case strings.HasPrefix(strings.ToLower(text), strings.ToLower(x.Prefix)):
				return answer{Verdict{Fault: x.Else, Formed: true}, line}, nil
			default:
				return answer{raw: line}, a.fail(x.Send, a.unexpected(line), all)
			}
		}
		if !met {
			return answer{raw: all}, a.fail(x.Send, hardware.Timeout, all)
		}
	}
	a.setupDue = time.Now().Add(setupEvery)
	return answer{}, nil
}

// unexpected names a line that is no answer to what was sent: a reading is one to an older question.
func (a *asker) unexpected(line []byte) hardware.Fault {
	switch v := a.parser.Parse(line); {
	case v.Fault != hardware.None:
		return v.Fault
	case v.Nothing:
		return hardware.Noise
	}
	return hardware.LateReply
}

// question asks for a reading. Exactly one line may be one; several that say why there is none are one reason.
func (a *asker) question(ctx context.Context, p port, after time.Duration) (answer, error) {
	lines, all, err := a.exchange(ctx, p, command{send: a.ask, after: after})
	if err != nil {
		return answer{raw: all}, err
	}
	var got answer
	said, temps := 0, 0
	for _, line := range lines {
		v := a.parser.Parse(line)
		if v.Nothing {
			continue
		}
		if said++; said == 1 || !v.Formed {
			got = answer{v, line}
		}
		if v.Fault == hardware.None {
			temps++
		}
	}
	switch {
	case said == 0:
		return answer{raw: all}, a.fail(a.ask, hardware.Timeout, all)
	case !got.verdict.Formed:
		return answer{raw: got.raw}, a.fail(a.ask, got.verdict.Fault, all)
	case said > 1 && temps > 0:
		return answer{raw: all}, a.fail(a.ask, hardware.LateReply, all)
	}
	return got, nil
}

// command is what is sent, and when its answer is complete.
type command struct {
	send  string
	after time.Duration // quiet after the first line of the answer; at most until the timeout is over if that is longer
	any   bool          // any line is an answer, also one that says nothing
}

// exchange sends a command and collects the lines that come, until one has come and the line is quiet, or the timeout is
// over. An echo of the command and lines that say nothing are left out.
func (a *asker) exchange(ctx context.Context, p port, c command) (lines [][]byte, all []byte, err error) {
	if err := p.SetWriteDeadline(time.Now().Add(a.timeout)); err != nil {
		return nil, nil, err
	}
	if err := ctx.Err(); err != nil { // after setting the deadline: it may have overwritten the one from the end of ctx
		return nil, nil, err
	}
	if _, err := p.Write([]byte(c.send)); err != nil {
		return nil, nil, err
	}
	a.doing = a.fail(c.send, hardware.Timeout, nil)
	broken, heard := hardware.None, false
	echo := strings.TrimRight(c.send, "\r\n")
	split := newSplitter(a.profile.End, true,
		func(line []byte) {
			keep := string(line) != echo && !a.parser.ignored(string(line))
			if keep {
				lines = append(lines, bytes.Clone(line))
			}
			heard = heard || keep || c.any
		},
		func(fault hardware.Fault, _ []byte) { broken = fault })
	var buf [256]byte
	for limit, end := time.Now().Add(a.timeout), time.Now().Add(a.timeout); len(all) < maxAnswer; {
		n, err := p.ReadWithin(buf[:], time.Until(end))
		if ctx.Err() != nil {
			return nil, all, ctx.Err()
		}
		all = append(all, buf[:n]...)
		split.write(buf[:n])
		if err != nil && hardware.FaultOf(err) != hardware.Silent {
			return nil, all, err
		}
		if err != nil {
			split.pause()
			if broken != hardware.None {
				return nil, all, a.fail(c.send, broken, all)
			}
			return lines, all, nil
		}
		if heard {
			end = time.Now().Add(c.after)
			if c.after > settle && end.After(limit) {
				end = later(limit, time.Now().Add(settle))
			}
		}
	}
	return nil, all, a.fail(c.send, hardware.TooLong, all)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
