package hardware

import "context"

// Switch is something the box can turn on and off: a light, a buzzer, a modem. Set returns once it is done; an error
// names what, where and what to do, and says that the state is not known. It MUST return soon after ctx is done.
type Switch interface {
	Info() ProbeInfo
	Set(ctx context.Context, on bool) error
}
