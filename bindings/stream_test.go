package bindings_test

import (
	"runtime"
	"testing"

	"forge.lthn.ai/core/go-mlx/bindings"
	"github.com/stretchr/testify/require"
)

func TestStream(t *testing.T) {
	k := begin(t)
	cpu, err := k.s.GetDevice()
	require.NoError(t, err)
	defer cpu.Close()
	kind, err := cpu.GetType()
	require.NoError(t, err)
	require.Equal(t, bindings.CPU, kind)

	fresh, err := bindings.NewStreamDevice(cpu)
	require.NoError(t, err)
	defer fresh.Close()
	equal, err := fresh.Equal(k.s)
	require.NoError(t, err)
	require.False(t, equal)
	index, err := fresh.GetIndex()
	require.NoError(t, err)
	text, err := fresh.ToString()
	require.NoError(t, err)
	require.Regexp(t, `^Stream\(Device\(cpu, 0\), \d+\)$`, text)
	require.Positive(t, index)

	sum := k.array(bindings.Add(k.some(), k.some(), fresh))
	require.NoError(t, bindings.AsyncEval([]array{sum}))
	require.NoError(t, bindings.Synchronize(fresh))
	v, err := sum.ItemFloat32()
	require.NoError(t, err)
	require.Equal(t, float32(2), v)
	require.NoError(t, bindings.SynchronizeDefault())

	var same stream
	require.NoError(t, same.Set(fresh))
	defer same.Close()
	equal, err = fresh.Equal(same)
	require.NoError(t, err)
	require.True(t, equal)
}

func TestNullStream(t *testing.T) {
	k := begin(t)
	null, err := bindings.NewStream()
	require.NoError(t, err)
	require.NoError(t, null.Close())
	var other stream
	for op, err := range map[string]error{
		"stream_get_device":  second(null.GetDevice()),
		"stream_get_index":   second(null.GetIndex()),
		"stream_tostring":    second(null.ToString()),
		"set_default_stream": bindings.SetDefaultStream(null),
		"synchronize":        bindings.Synchronize(null),
		"stream_set":         other.Set(null),
	} {
		k.fails(err, op, "non-empty mlx_stream", 1)
	}
	_, err = k.s.Equal(null) // aborts in mlx-c
	k.fails(err, "stream_equal", "is a null handle", 1)
	_, err = null.Equal(k.s)
	k.fails(err, "stream_equal", "is a null handle", 1)
}

func TestDefaultStream(t *testing.T) {
	k := begin(t)
	cpu, err := k.s.GetDevice()
	require.NoError(t, err)
	defer cpu.Close()
	was, err := bindings.GetDefaultStream(cpu)
	require.NoError(t, err)
	defer was.Close()
	equal, err := was.Equal(k.s)
	require.NoError(t, err)
	require.True(t, equal)

	fresh, err := bindings.NewStreamThreadUnsafe(cpu)
	require.NoError(t, err)
	defer fresh.Close()
	require.NoError(t, bindings.SetDefaultStream(fresh))
	now, err := bindings.GetDefaultStream(cpu)
	require.NoError(t, err)
	defer now.Close()
	equal, err = now.Equal(fresh)
	require.NoError(t, err)
	require.True(t, equal)
	require.NoError(t, bindings.SetDefaultStream(was))

	list, err := bindings.GetStreams()
	require.NoError(t, err)
	found := false
	for i := range list {
		same, err := list[i].Equal(fresh)
		require.NoError(t, err)
		found = found || same
		require.NoError(t, list[i].Close())
	}
	require.True(t, found)
}

func TestStreamThreadLocal(t *testing.T) {
	k := begin(t)
	cpu, err := k.s.GetDevice()
	require.NoError(t, err)
	defer cpu.Close()
	local, err := bindings.NewStreamThreadLocal(cpu)
	require.NoError(t, err)
	defer local.Close()
	s, err := bindings.StreamFromThreadLocal(local)
	require.NoError(t, err)
	defer s.Close()
	sum := k.array(bindings.Add(k.some(), k.some(), s))
	require.NoError(t, sum.Eval())
	require.NoError(t, bindings.SynchronizeThreadLocal(local))

	var same bindings.StreamThreadLocal
	require.NoError(t, same.Set(local))
	defer same.Close()
	again, err := bindings.StreamFromThreadLocal(same)
	require.NoError(t, err)
	defer again.Close()
	equal, err := again.Equal(s)
	require.NoError(t, err)
	require.True(t, equal, "one stream a thread")

	_, err = bindings.StreamFromThreadLocal(bindings.StreamThreadLocal{})
	k.fails(err, "stream_from_thread_local", "non-empty mlx_stream_thread_local", 1)
	k.fails(bindings.SynchronizeThreadLocal(bindings.StreamThreadLocal{}), "synchronize_thread_local", "non-empty", 1)
}

// Why one stays on one OS thread: a stream belongs to the thread that made it.
func TestAnotherThreadCannotEvaluate(t *testing.T) {
	k := begin(t)
	cpu, err := k.s.GetDevice()
	require.NoError(t, err)
	defer cpu.Close()
	fresh, err := bindings.NewStreamDevice(cpu)
	require.NoError(t, err)
	defer fresh.Close()
	sum := k.array(bindings.Add(k.some(), k.some(), fresh))
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // for good: the thread ends with the goroutine
		done <- sum.Eval()
	}()
	k.fails(<-done, "array_eval", "There is no Stream(", 1)
	require.NoError(t, sum.Eval())
}

func TestNoGPUStreamWithoutAGPU(t *testing.T) {
	k := begin(t)
	gpus, err := bindings.DeviceCount(bindings.GPU)
	require.NoError(t, err)
	s, err := bindings.NewDefaultGPUStream()
	if gpus > 0 {
		require.NoError(t, err)
		require.NoError(t, s.Close())
		return
	}
	k.fails(err, "default_gpu_stream_new", "", 1)
	require.Equal(t, stream{}, s)
}

// ClearStreams ends the streams of its thread; the test gives it a thread of
// its own.
func TestClearStreams(t *testing.T) {
	handles.Check(t)
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		done <- func() error {
			cpu, err := bindings.NewDeviceType(bindings.CPU, 0)
			if err != nil {
				return err
			}
			defer cpu.Close()
			s, err := bindings.NewStreamDevice(cpu)
			if err != nil {
				return err
			}
			defer s.Close()
			if err := bindings.ClearStreams(); err != nil {
				return err
			}
			a, err := bindings.Zeros([]int32{2}, bindings.Float32, s)
			if err != nil {
				return err
			}
			defer a.Close()
			return a.Eval()
		}()
	}()
	kit{TB: t}.fails(<-done, "array_eval", "There is no Stream(", 1)
}
