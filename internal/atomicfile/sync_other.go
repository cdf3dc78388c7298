//go:build !unix

package atomicfile

// SyncDir does nothing where folders cannot be opened.
func SyncDir(string) error { return nil }
