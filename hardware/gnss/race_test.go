//go:build race

package gnss

// underRace tells whether the race detector watches.
const underRace = true
