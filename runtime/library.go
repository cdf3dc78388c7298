package runtime

import "forge.lthn.ai/core/go-mlx/bindings"

// Library tells which native library serves, and where it was looked for.
type Library = bindings.Library

// LoadLibrary loads the native library, unless that has happened, and tells what
// was loaded. Do does it by itself.
func LoadLibrary() (Library, error) { return bindings.LoadLibrary() }

// SearchPlaces lists the folders where the library is looked for, in order; ""
// stands for the system's own.
func SearchPlaces() []string { return bindings.SearchPlaces() }

// Live counts the open handles of the process by kind, such as "Array". It may
// be called from any goroutine.
func Live() map[string]int { return liveHandles() }

// TraceHandles makes every handle remember the stack that opened it, for
// LiveStacks. It is slow and meant for tests.
func TraceHandles(on bool) { bindings.TraceHandles(on) }

// LiveStacks describes the open handles that were opened under TraceHandles.
func LiveStacks() []string { return bindings.LiveStacks() }
