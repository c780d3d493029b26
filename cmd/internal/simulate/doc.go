// Package simulate builds simulated devices with their faults from a plan in TOML, and says how trackerd opens them.
//
// It is not the devices, which are in hardware/sim, and runs nothing by itself: isotherm sim does. It keeps nothing, so there
// is nothing to promise after a crash.
package simulate
