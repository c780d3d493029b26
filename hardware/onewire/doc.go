// Package onewire reads digital thermometers on a 1-Wire bus, DS18B20 and its relatives, in two ways: through a DS2480B
// serial bridge (the DS9097U adapter and its many copies), and through the files of the kernel's w1 driver.
//
// It is not a general 1-Wire library: it knows thermometers only, and writes nothing into a device. It believes a
// temperature only when the whole scratchpad came, its checksum is right, it answers to this very request, and it is
// none of the values that these probes show when they did not measure: 85 °C, 127.94 °C, all zeros, all ones.
//
// One thing a 1-Wire bus can't tell: whether one probe of several missed the command to measure, which goes to all at
// once. It then shows its value of the time before. What the bridge drives and what it reads back are compared, so that
// needs a disturbance at that probe alone.
//
// It stores nothing. After a crash the bridge is reset before first use, and a conversion that was under way is forgotten.
package onewire
