// Package stranger is a client that the generator makes from ../openapi.yaml alone (make generated), as somebody would who
// knows nothing of our code. Only tests use it: they drive the whole journey with it.
package stranger
