//go:build !unix

package runtime

func ignoreSIGPIPE() {}
