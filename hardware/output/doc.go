// Package output switches what a box can switch: lights and buzzers as LEDs or GPIO lines of the kernel, radios through
// rfkill, and anything else through a command.
//
// It does not decide when: the tracker does, and writes each use into the journal. It does not remember either: a switch
// is where the last Set left it, also after a crash, so the tracker sets each once when it starts.
//
// What it promises: Set returns nil only when the kernel, asked again, said that it is so, or the command ended with
// success. After an error the state is not known. What hangs ends with its timeout or its context.
package output
