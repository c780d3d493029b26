package simulate

// Example is a plan to begin with. It shows each kind of device, and
// each kind of fault where a person can watch what the box makes of it.
const Example = `# A plan for isotherm sim: the devices of a box, and what goes wrong with them.
# All times count from the start. Every key but name is optional; a key that sim does not know is an error.

rate = 1        # simulated seconds in a real second
seed = 1        # of the noise: the same seed gives the same noise
# start = 2026-03-01T08:00:00Z    # what the satellites say at the start; without it, now

# The inside of the box: the cold packs hold it, and things happen to it.
[thermal]
hold = 5.5      # °C
swing = 0.4     # K, up and down in 90 minutes
disturbance = [
  {from = "2m", to = "3m", ambient = 22.0},   # the lid is open in a warm room
  {from = "20m", to = "23m", ice = true},     # the organ touches ice
]

# A satellite receiver on a route. Instead of waypoints it can repeat a file: capture = "trip.nmea"
[[gnss]]
name = "gnss"            # its path is this name in --dir; give that to trackerd
node = "ttyUSB0"         # its name of the moment, which a re-plug can change; the path follows
baud = 9600              # it only makes sense to a driver at this speed
waypoint = [
  {lat = 60.1650, lon = 24.9500, at = "0s"},
  {lat = 60.1820, lon = 24.9310, at = "5m"},
  {lat = 60.2240, lon = 24.8900, at = "15m"},
]
fault = [
  {kind = "power-on", for = "10s"},                          # a cold start: no position, and the date of its factory
  {kind = "no-fix", at = "40s", for = "15s"},                # a tunnel
  {kind = "unplug", at = "1m20s", for = "15s", as = "ttyUSB3"},
  {kind = "silence", at = "2m", for = "20s"},
  {kind = "garbage", at = "2m40s", for = "20s"},
  {kind = "wrong-crc", at = "3m20s", for = "20s"},
  {kind = "half-line", at = "4m", for = "20s"},
  {kind = "baud", at = "4m40s", for = "1m", baud = 38400},   # a reset to another speed
  {kind = "late", at = "6m20s", for = "20s", delay = "3s"},  # delay is in real time
]

# A line with temperature probes that speak Modbus RTU.
[[modbus]]
name = "probes"
fault = [
  {kind = "late", at = "30s", for = "20s", delay = "700ms"},   # the answer to the question before
  {kind = "babble", at = "1m10s", for = "15s"},                # a line without termination
  {kind = "echo", at = "1m45s", for = "15s"},                  # two wires that hear themselves
  {kind = "open", at = "3m30s", for = "20s"},                  # the sensing element comes off
  {kind = "unplug", at = "5m", for = "10s", every = "5m"},     # again and again
]

[[modbus.probe]]
address = 1
preset = "xy-md02"       # also pt100-tenth, pt100-hundredth, pt100-float, pt100-float-swapped, kincony-sht30
measures = "probe"       # a sensor on the organ; also "organ", "air", or celsius = 4.2 for always the same

[[modbus.probe]]
address = 2
preset = "pt100-float-swapped"
register = 10            # where the temperature is, if not where the preset has it
measures = "air"

# A thermometer that speaks in lines of text: ezo-rtd, papouch-tm, omega-i, adam, tsm125, temperx232, arduino or xdr.
[[text]]
name = "thermometer"
form = "ezo-rtd"
measures = "air"
fault = [
  {kind = "power-on", for = "5s"},
  {kind = "console", at = "2m30s", for = "20s"},   # the port still has a login console on it
]

# A DS2480B bridge with DS18B20 thermometers on its 1-Wire line.
[[onewire]]
name = "onewire"
fault = [
  {kind = "power-on", at = "1m", for = "20s"},     # 85 °C, and not measured
  {kind = "open", at = "3m", for = "20s"},         # off the line
]

[[onewire.probe]]
id = "28-0316a279c4ff"
measures = "organ"

# A small computer that watches the lid, the light and blows, and sends NMEA XDR sentences.
[[handling]]
name = "handling"
handled = [
  {from = "45s", blow = 3.2},                  # g
  {from = "2m", to = "3m", lid = true},
]

# The box's battery behind a supply that speaks Megatec.
[[battery]]
name = "battery"
baud = 2400
lasts = "30m"            # without this it is charged all the time
`
