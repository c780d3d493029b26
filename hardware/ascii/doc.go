// Package ascii reads thermometers that speak in lines of text on a serial port: those that report by themselves, and
// those that answer a command.
//
// A Profile says how one kind of device speaks; Preset has the known ones, Custom makes one from a configuration. A
// Parser turns one line into a temperature or the reason why it holds none. A Thermometer keeps the port.
//
// It is not a terminal: it sends the profile's commands and nothing else. It guesses nothing: a line that is not, byte for
// byte, what the profile describes is no temperature, and neither is one in an unexpected unit. Text is never a float.
// Most of these devices have no checksum, so a damaged digit can't be seen; those who can choose, choose one with it.
//
// It stores nothing: after a crash the line is drained before the first question, and the first, perhaps half, line of a
// device that reports is dropped.
package ascii
