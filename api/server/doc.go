// Package server is generated from ../openapi.yaml (make generated): it reads parameters and bodies for Echo, and calls the
// strict interface that package api implements. Nothing in it is written by hand.
package server
