package bindings_test

import (
	"slices"
	"testing"

	"forge.lthn.ai/core/go-mlx/bindings"
	"github.com/stretchr/testify/require"
)

func TestDevice(t *testing.T) {
	k := begin(t)
	d, err := bindings.NewDeviceType(bindings.CPU, 0)
	require.NoError(t, err)
	defer d.Close()
	kind, err := d.GetType()
	require.NoError(t, err)
	require.Equal(t, bindings.CPU, kind)
	index, err := d.GetIndex()
	require.NoError(t, err)
	require.Zero(t, index)
	there, err := d.IsAvailable()
	require.NoError(t, err)
	require.True(t, there)
	text, err := d.ToString()
	require.NoError(t, err)
	require.Equal(t, "Device(cpu, 0)", text) // as Python prints mx.cpu
	n, err := bindings.DeviceCount(bindings.CPU)
	require.NoError(t, err)
	require.Equal(t, int32(1), n)

	same, err := bindings.NewDeviceType(bindings.CPU, 0)
	require.NoError(t, err)
	defer same.Close()
	other, err := bindings.NewDeviceType(bindings.GPU, 1)
	require.NoError(t, err)
	defer other.Close()
	for d2, want := range map[bindings.Device]bool{same: true, other: false} {
		equal, err := d.Equal(d2)
		require.NoError(t, err)
		require.Equal(t, want, equal)
	}
	require.NoError(t, other.Set(d))
	equal, err := d.Equal(other)
	require.NoError(t, err)
	require.True(t, equal)

	null, err := bindings.NewDevice()
	require.NoError(t, err)
	require.NoError(t, null.Close())
	for op, err := range map[string]error{
		"device_get_type":     second(null.GetType()),
		"device_get_index":    second(null.GetIndex()),
		"device_is_available": second(null.IsAvailable()),
		"device_tostring":     second(null.ToString()),
		"set_default_device":  bindings.SetDefaultDevice(null),
		"device_set":          other.Set(null),
		"get_default_stream":  second(bindings.GetDefaultStream(null)),
		"stream_new_device":   second(bindings.NewStreamDevice(null)),
	} {
		k.fails(err, op, "non-empty mlx_device", 1)
	}
	for _, pair := range [][2]bindings.Device{{d, null}, {null, d}} {
		_, err = pair[0].Equal(pair[1]) // aborts in mlx-c
		k.fails(err, "device_equal", "is a null handle", 1)
	}
}

func TestDefaultDevice(t *testing.T) {
	begin(t)
	was, err := bindings.GetDefaultDevice()
	require.NoError(t, err)
	defer was.Close()
	cpu, err := bindings.NewDeviceType(bindings.CPU, 0)
	require.NoError(t, err)
	defer cpu.Close()
	require.NoError(t, bindings.SetDefaultDevice(cpu))
	defer func() { require.NoError(t, bindings.SetDefaultDevice(was)) }()
	now, err := bindings.GetDefaultDevice()
	require.NoError(t, err)
	defer now.Close()
	equal, err := now.Equal(cpu)
	require.NoError(t, err)
	require.True(t, equal)
}

func TestDeviceInfo(t *testing.T) {
	k := begin(t)
	cpu, err := bindings.NewDeviceType(bindings.CPU, 0)
	require.NoError(t, err)
	defer cpu.Close()
	info, err := bindings.GetDeviceInfo(cpu)
	require.NoError(t, err)
	defer info.Close()
	keys, err := info.GetKeys()
	require.NoError(t, err)
	slices.Sort(keys)
	require.NotEmpty(t, keys)
	for _, key := range keys {
		has, err := info.HasKey(key)
		require.NoError(t, err)
		require.True(t, has, key)
		text, err := info.IsString(key)
		require.NoError(t, err)
		if text {
			v, err := info.GetString(key)
			require.NoError(t, err)
			require.NotEmpty(t, v, key)
			_, err = info.GetSize(key)
			k.fails(err, "device_info_get_size", "", 2)
		} else {
			_, err := info.GetSize(key)
			require.NoError(t, err)
			_, err = info.GetString(key)
			k.fails(err, "device_info_get_string", "", 2)
			require.ErrorIs(t, err, bindings.ErrNotFound)
		}
	}
	has, err := info.HasKey("no such key")
	require.NoError(t, err)
	require.False(t, has)
	_, err = info.GetString("no such key")
	k.fails(err, "device_info_get_string", "", 2)
	require.ErrorIs(t, err, bindings.ErrNotFound)
	_, err = info.HasKey("\x00")
	k.fails(err, "device_info_has_key", "mlx-c cannot carry", 1)

	null, err := bindings.NewDeviceInfo()
	require.NoError(t, err)
	require.NoError(t, null.Close())
	_, err = null.GetKeys()
	k.fails(err, "device_info_get_keys", "non-empty mlx_device_info", 1)
}

func TestWhatTheLibraryWasBuiltFor(t *testing.T) {
	begin(t)
	version, err := bindings.Version()
	require.NoError(t, err)
	require.Equal(t, bindings.MLXVersion, version)
	metal, err := bindings.MetalIsAvailable()
	require.NoError(t, err)
	cuda, err := bindings.CUDAIsAvailable()
	require.NoError(t, err)
	gpus, err := bindings.DeviceCount(bindings.GPU)
	require.NoError(t, err)
	require.Equal(t, metal || cuda, gpus > 0)
}
