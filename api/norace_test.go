//go:build !race

package api

// underRace tells whether the race detector watches.
const underRace = false
