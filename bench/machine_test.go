package main

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/native"
)

func TestField(t *testing.T) {
	const text = "processor\t: 0\nmodel name\t: AMD EPYC 7763 64-Core Processor\nprocessor\t: 1\nmodel name\t: another\n" +
		"MemTotal:       24503600 kB\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nno separator\n"
	require.Equal(t, "AMD EPYC 7763 64-Core Processor", field(text, "model name"), "the first one")
	require.Equal(t, "24503600 kB", field(text, "MemTotal"))
	require.Equal(t, `"Debian GNU/Linux 12 (bookworm)"`, field(text, "PRETTY_NAME"))
	require.Empty(t, field(text, "absent"))
	require.Empty(t, fieldOf(t.TempDir()+"/none", "MemTotal"))
}

func TestKilobytes(t *testing.T) {
	require.Equal(t, uint64(24503600)<<10, kilobytes("24503600 kB"))
	require.Zero(t, kilobytes(""))
	require.Zero(t, kilobytes("24 GB"))
}

func TestLines(t *testing.T) {
	m := machine{cpu: "A CPU", cores: 8, system: "An OS linux/arm64"}
	require.Equal(t, "A CPU, 8 cores; An OS linux/arm64", m.lines()[0], "unknown memory is left out")
	require.Equal(t, "cpu", m.section())
	m.gpu, m.memory = "NVIDIA H200", 64<<30
	require.Equal(t, "NVIDIA H200; A CPU, 8 cores, 64 GiB of memory; An OS linux/arm64", m.lines()[0])
	require.Equal(t, "gpu", m.section())
}

func TestDescribeThisMachine(t *testing.T) {
	m, err := describe(t.Context())
	require.NoError(t, err)
	require.Equal(t, native.MLXVersion, m.mlx)
	require.NotEmpty(t, m.cpu)
	require.Positive(t, m.cores)
	require.Greater(t, m.memory, uint64(1)<<28)
	all := strings.Join(m.lines(), "\n")
	host, err := os.Hostname()
	require.NoError(t, err)
	if len(host) > 4 { // "ARM" or "mac" may well be in a description
		require.NotContains(t, all, host)
	}
	home, err := os.UserHomeDir()
	require.NoError(t, err)
	require.NotContains(t, all, home+"/")
}
