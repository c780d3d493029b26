// Package battery asks gauges how the box's battery stands: batteries that the kernel knows (Supply), a UPS that speaks
// Megatec's Q1 on a serial line (Megatec), and a Raspberry Pi's warning of a weak supply (Throttled), which is put
// around another gauge.
//
// It does not estimate: a charge that the gauge does not give is unknown, and is not computed from a voltage. It is not
// an alarm either; the tracker makes one from the faults.
//
// # What is a number, and what is a glitch
//
// Gauges that lose their bus show 256 %, 0 V or the end of a register (MAX17043: 0xFFFF). So a reading is taken whole or
// not at all, and none of it is a number (GaugeGlitch) when
//
//   - the charge is not between 0 and 100 %, or the voltage not between MinMilliVolts and MaxMilliVolts;
//   - it jumps: since the last reading that was taken, the charge moved by more than 5 points and 5 more for each minute,
//     or the voltage by more than a third. No battery that lasts longer than 20 minutes does that. When three readings in
//     a row say the new value, the battery was changed or the gauge has corrected itself, and it is taken;
//   - it is the first, or the first after more than ten minutes without one, and a second look half a second later, or a
//     second answer, does not confirm it.
//
// So 87 %, 3 %, 87 % is 87 %, glitch, 87 %; and a true step from 87 % to 3 % is told with the third reading.
//
// Little charge (BatteryLow) and a weak supply (Undervoltage) come with their values. When both are the case Undervoltage
// is told, because the charge shows the other. When a gauge fails while the supply is weak, Undervoltage is told without
// values and the detail names both: a weak supply is what makes gauges and USB devices drop out.
//
// # After a crash
//
// Nothing is stored: the first reading after a start is confirmed as above, and a warning of a weak supply that came since
// the computer was switched on is told once more.
package battery
