package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"syscall"
	"time"

	"isotherm/ledger/alarm"
)

// Limits of a program.
const (
	hookLimit = 15 * time.Second
	killLimit = time.Second // for its output to end after it was killed
	maxOutput = 1 << 10     // of what it says on standard error
)

// call is what the program reads on standard input.
type call struct {
	Hook     string `json:"hook"` // 'sms', 'voice'
	Phone    string `json:"phone"`
	Event    string `json:"event"`
	Severity string `json:"severity"`
	Text     string `json:"text"`
}

// run gives the message to the operator's program, without a shell, arguments or our environment. Exit code 0 means that
// the program has handed it over. After its time, it and all it started are killed.
func (n *Notifier) run(ctx context.Context, to alarm.Target, m *alarm.Message) error {
	if n.options.Hook == "" {
		return failure(alarm.ClassMissing, errors.New("no hook is configured"))
	}
	input, err := json.Marshal(call{Hook: to.Hook, Phone: to.Phone, Event: m.Event, Severity: m.Severity.String(), Text: m.Subject()})
	if err != nil {
		return failure(alarm.ClassRefused, err)
	}
	ctx, cancel := context.WithTimeout(ctx, n.hook)
	defer cancel()
	said := &bounded{limit: maxOutput}
	cmd := exec.CommandContext(ctx, n.options.Hook)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(append(input, '\n')), said
	cmd.Dir, cmd.Env = "/", []string{"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a group of its own, so that nothing else is killed with it
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = killLimit
	err = cmd.Run()
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return failure(alarm.ClassTimeout, fmt.Errorf("hook: %w", ctx.Err()))
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return failure(alarm.ClassRefused, fmt.Errorf("hook: %w: %q", err, said.b))
	}
	return failure(alarm.ClassMissing, fmt.Errorf("hook: %w", err))
}

// bounded keeps the first bytes written to it and takes the rest.
type bounded struct {
	b     []byte
	limit int
}

func (w *bounded) Write(p []byte) (int, error) {
	w.b = append(w.b, p[:min(len(p), w.limit-len(w.b))]...)
	return len(p), nil
}
