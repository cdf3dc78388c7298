//go:build !unix

package atomicfile

// syncDir does nothing where folders cannot be opened.
func syncDir(string) error { return nil }
