//go:build !amd64

package quant

func fastNibbles([]uint32, []byte, int, int) int { return 0 }

func fastBytes([]uint32, []byte, int) int { return 0 }
