package runtime

import (
	"bytes"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// operations lists the names of the operations found in a file.
func operations(data []byte) (names []string) {
	_, start := header(data)
	for pos := range streamNames(data, start) {
		names = append(names, string(data[pos+20:pos+20+int(data[pos+12])]))
	}
	return names
}

func TestStreamsOfAFile(t *testing.T) {
	data, err := os.ReadFile("testdata/affine.mlxfn")
	require.NoError(t, err)
	require.Equal(t, []string{"Matmul", "Broadcast", "Add", "Concatenate", "Matmul", "Broadcast", "Add", "Concatenate"}, operations(data))
	shapeless, _ := header(data)
	require.False(t, shapeless)

	changed, err := placement{cpu: 7}.apply(data, 0)
	require.NoError(t, err)
	require.Equal(t, 8, changed)
	changed, err = placement{cpu: 7}.apply(data, 0)
	require.NoError(t, err)
	require.Zero(t, changed, "they are in their place")
	_, err = placement{gpu: true, gpuTaken: true}.apply(data, 0)
	require.NoError(t, err, "it has no operation on a GPU")

	data, err = os.ReadFile("testdata/named.mlxfn")
	require.NoError(t, err)
	require.Equal(t, []string{"Broadcast", "Broadcast", "Subtract"}, operations(data))
	shapeless, _ = header(data)
	require.True(t, shapeless)
	// A name of an argument is not one of an operation.
	capital := bytes.Replace(data, []byte("\x01\x00\x00\x00\x00\x00\x00\x00y"), []byte("\x04\x00\x00\x00\x00\x00\x00\x00Mask"), 1)
	require.NotEqual(t, data, capital)
	require.Equal(t, []string{"Broadcast", "Broadcast", "Subtract"}, operations(capital))
}

// TestStreamsOfAGPU are found whatever the device, and moved to the CPU, or
// refused where another thread has the GPU.
func TestStreamsOfAGPU(t *testing.T) {
	data, err := os.ReadFile("testdata/affine.mlxfn")
	require.NoError(t, err)
	cpu := bytes.Clone(data)
	_, start := header(data)
	for pos, s := range streamNames(data, start) {
		s.device = int32(GPU)
		s.put(data[pos:])
	}
	changed, err := placement{gpu: true}.apply(bytes.Clone(data), start)
	require.NoError(t, err)
	require.Zero(t, changed)
	_, err = placement{gpu: true, gpuTaken: true}.apply(bytes.Clone(data), start)
	require.ErrorIs(t, err, errTaken)
	changed, err = placement{}.apply(data, start)
	require.NoError(t, err)
	require.Equal(t, 8, changed)
	require.Equal(t, cpu, data)
}

// FuzzStreams: only the streams change, and all at once.
func FuzzStreams(f *testing.F) {
	for _, name := range []string{"affine", "named"} {
		data, err := os.ReadFile("testdata/" + name + ".mlxfn")
		require.NoError(f, err)
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		_, start := header(data)
		before := bytes.Clone(data)
		changed, err := placement{cpu: 3}.apply(data, start)
		require.NoError(t, err)
		different := 0
		for i := range data {
			if data[i] != before[i] {
				different++
			}
		}
		require.LessOrEqual(t, different, streamBytes*changed)
	})
}
