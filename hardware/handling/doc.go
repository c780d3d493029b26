// Package handling watches what is done to the box: its lid by a contact (GPIO), light inside of it (Light), shocks
// (Shock), and all three through a small microcontroller on a serial line (XDR).
//
// It does not judge: an open lid is a fact here, and whether it is a breach is for those who read the journal. It never
// takes a sensor that fails for a closed lid, darkness or rest: that is a condition of the sensor's Monitor, and while it
// lasts nothing is reported. When the monitor is live again, the last report holds, or a new one follows.
//
// # What is reported
//
// Run reports the state that it finds, then each change. Lid and light have to hold their new state for a moment (0.1 s
// and 0.5 s), and light has a threshold for bright and a lower one for dark. A shock is reported On once its first 0.2 s
// are over, with their peak; and Off, with the highest peak of it all, after 2 s without another. Value is how far the
// acceleration is from the 1 g of a box at rest: free fall shows as up to 1 g.
//
// # What it can miss
//
// Sensors of the kernel are polled. A lid that is open for less than a poll (50 ms) and its 0.1 s, or light for less than
// 0.75 s, is not seen. A shock against something hard lasts 2 to 20 ms, and at one look each 10 ms its peak is seen too
// low or not at all, because the three axes are read one after the other, too. So a shock that is reported happened,
// and silence does not prove that there was none. A microcontroller that samples its sensor at 1 kHz and sends the peak
// (XDR) misses little.
//
// # Limits
//
// A contact that flaps must not fill a journal. For each kind there are 10 reports at once, and one more each minute
// (a shock's On and Off count as one); that is at most 1,450 a day. A change beyond that waits: the monitor says Garbled
// with Overrun until there was none for a minute; meanwhile the newest state, and the highest peak, is told as soon as
// it may be. A contact that does not come to rest for 5 s is Garbled with Noise. The monitor goes back to live only
// after 10 s without a failure.
//
// # XDR
//
// Sentences are NMEA 0183 transducer measurements of any talker, four fields each, with a checksum:
//
//		$WIXDR,S,1,,LID,G,120,L,LIGHT,G,0.250,G,SHOCK*hh
//
//	  - S, 0 (closed) or 1 (open), no unit, LID;
//	  - G, lux, unit L, LIGHT;
//	  - G, the largest distance of the acceleration from 1 g since the sentence before, in g, unit G, SHOCK.
//
// A sentence may carry any of them. The device sends at once when something changes and at least every 2 s otherwise; it
// is Silent, or whatever came instead, after 10 s without. The units are required, so that m/s² or percent are not taken
// for what they are not. Other measurements and other sentences are passed over.
//
// # After a crash
//
// Nothing is stored: Run begins with the state that it finds.
package handling
