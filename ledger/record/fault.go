package record

import "strconv"

// faultWords are the faults in words for people, by the numbers of hardware.Fault. The box's own page has the same.
var faultWords = [...]string{
	1: "not there", 2: "held by another program", 3: "no permission to open it", 4: "not a serial port", 5: "unplugged", 6: "port error",
	7: "takes no commands", 8: "sends nothing", 9: "closed by the box", 10: "unreadable at any speed", 11: "sends more than the line carries",
	12: "data lost", 13: "can't do what is configured", 14: "several devices match",
	20: "unreadable data", 21: "binary data", 22: "overlong data", 23: "cut-off data", 24: "damaged data", 25: "data without a checksum",
	26: "incomplete data", 27: "malformed data", 28: "impossible value", 29: "data that broke the reader", 30: "mixed-up data", 31: "unknown kind of data",
	40: "no position", 41: "position not valid", 42: "simulated position", 43: "estimated position", 44: "unset position", 45: "contradictory positions",
	46: "impossible date", 47: "position too old", 48: "position jumped", 49: "position and speed disagree", 50: "too few satellites",
	51: "poor satellite geometry", 52: "date off by 1,024 weeks", 53: "time ran back", 54: "positions come late",
	60: "no answer in time", 61: "another device answered", 62: "answer to another question", 63: "answer of a wrong length", 64: "refused by the device",
	65: "damaged answer", 66: "late answer", 67: "sensor not connected", 68: "beyond what it can measure", 69: "not asked to the end", 70: "short circuit",
	71: "has not measured yet", 72: "did not measure", 73: "old value shown again", 74: "wrong unit", 75: "reports an error of its own", 76: "nothing answers on the wire",
	80: "changes faster than possible", 81: "value stuck", 82: "probes disagree", 83: "internal correction changed", 84: "certificate expired",
	90: "battery low", 91: "power too weak", 92: "gauge shows the impossible", 93: "switch failed",
}

// String says what the fault is, in words for people; 'fault 4711' for a number that this version does not know.
func (f Fault) String() string {
	if int(f) < len(faultWords) && faultWords[f] != "" {
		return faultWords[f]
	}
	return "fault " + strconv.Itoa(int(f))
}

// IsDoubt tells whether there is a value that the fault only speaks against.
func (f Fault) IsDoubt() bool { return f >= 48 && f <= 51 || f >= 80 && f <= 84 || f == 90 || f == 91 }
