package replica

import (
	"context"
	"io"
	"log/slog"

	"github.com/hashicorp/go-hclog"
)

// slogSink passes on what raft logs, warnings and errors only: raft logs every vote and append otherwise.
type slogSink struct {
	logger *slog.Logger
}

// Accept takes one log line.
func (s slogSink) Accept(name string, level hclog.Level, msg string, args ...any) {
	to := slog.LevelDebug
	switch level {
	case hclog.Error:
		to = slog.LevelError
	case hclog.Warn:
		to = slog.LevelWarn
	}
	for i := 1; i < len(args); i += 2 {
		if f, ok := args[i].(hclog.Format); ok && len(f) > 0 {
			args[i] = f[0] // the parts of a format that slog does not know
		}
	}
	s.logger.Log(context.Background(), to, "raft: "+msg, append([]any{"part", name}, args...)...)
}

func raftLogger(logger *slog.Logger) hclog.Logger {
	l := hclog.NewInterceptLogger(&hclog.LoggerOptions{Name: "raft", Output: io.Discard, Level: hclog.Warn})
	l.RegisterSink(slogSink{logger: logger})
	return l
}
