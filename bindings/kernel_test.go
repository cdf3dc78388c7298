package bindings_test

import (
	"testing"

	"forge.lthn.ai/core/go-mlx/bindings"
	"github.com/stretchr/testify/require"
)

// kernelConfig is what the configurations of both kinds of kernel can do.
type kernelConfig interface {
	AddOutputArg(shape []int32, dtype bindings.Dtype) error
	AddTemplateArgBool(name string, value bool) error
	AddTemplateArgDtype(name string, dtype bindings.Dtype) error
	AddTemplateArgInt(name string, value int32) error
	SetGrid(x, y, z int32) error
	SetInitValue(value float32) error
	SetThreadGroup(x, y, z int32) error
	SetVerbose(verbose bool) error
}

// configure asks for one output of 4 elements, a thread for each.
func (k kit) configure(c kernelConfig) {
	k.Helper()
	for _, err := range []error{
		c.AddOutputArg([]int32{4}, bindings.Float32),
		c.AddTemplateArgDtype("T", bindings.Float32),
		c.AddTemplateArgInt("N", 2),
		c.AddTemplateArgBool("FLIP", false),
		c.SetGrid(4, 1, 1),
		c.SetThreadGroup(4, 1, 1),
		c.SetInitValue(0),
		c.SetVerbose(false),
	} {
		require.NoError(k, err)
	}
}

// refusesNull requires that a null configuration refuses every setting.
func (k kit) refusesNull(c kernelConfig, op string) {
	k.Helper()
	for _, err := range []error{
		c.AddOutputArg(nil, bindings.Float32),
		c.AddTemplateArgDtype("T", bindings.Float32),
		c.AddTemplateArgInt("N", 2),
		c.AddTemplateArgBool("FLIP", false),
		c.SetGrid(1, 1, 1),
		c.SetThreadGroup(1, 1, 1),
		c.SetInitValue(0),
		c.SetVerbose(false),
	} {
		var e *bindings.Error
		require.ErrorAs(k, err, &e)
		require.Contains(k, e.Op, op)
		require.Contains(k, e.Message, "non-empty mlx_"+op)
	}
	k.fails(c.AddOutputArg(nil, 14), op+"_add_output_arg", "dtype 14 is no bindings.Dtype", 1)
	k.fails(c.AddTemplateArgDtype("T", 14), op+"_add_template_arg_dtype", "dtype 14 is no bindings.Dtype", 1)
	k.fails(c.AddTemplateArgInt("\x00", 1), op+"_add_template_arg_int", "mlx-c cannot carry", 1)
}

func TestMetalKernel(t *testing.T) {
	k := begin(t)
	config, err := bindings.NewMetalKernelConfig()
	require.NoError(t, err)
	defer config.Close()
	k.configure(config)
	k.refusesNull(bindings.MetalKernelConfig{}, "fast_metal_kernel_config")
	_, err = bindings.NewMetalKernel("\x00", []string{"x"}, []string{"y"}, "", "", true, false)
	k.fails(err, "fast_metal_kernel_new", "mlx-c cannot carry", 1)
	_, err = bindings.MetalKernel{}.Apply(nil, config, k.s)
	k.fails(err, "fast_metal_kernel_apply", "non-empty mlx_fast_metal_kernel", 1)

	const source = "uint i = thread_position_in_grid.x; y[i] = T(N) * x[i];"
	kernel, err := bindings.NewMetalKernel("twice", []string{"x"}, []string{"y"}, source, "", true, false)
	require.NoError(t, err)
	defer kernel.Close()
	out, err := kernel.Apply([]array{k.floats([]float32{1, 2, 3, 4})}, config, k.s)
	k.fails(err, "fast_metal_kernel_apply", "[metal_kernel] ", 1) // no Metal, or no GPU stream
	require.Empty(t, out)
	metal, err := bindings.MetalIsAvailable()
	require.NoError(t, err)
	if !metal {
		return
	}
	s, err := bindings.NewDefaultGPUStream()
	require.NoError(t, err)
	defer s.Close()
	out = k.list(kernel.Apply([]array{k.floats([]float32{1, 2, 3, 4})}, config, s))
	require.Equal(t, []float32{2, 4, 6, 8}, k.read(out[0]))
}

func TestCUDAKernel(t *testing.T) {
	k := begin(t)
	config, err := bindings.NewCUDAKernelConfig()
	require.NoError(t, err)
	defer config.Close()
	k.configure(config)
	k.refusesNull(bindings.CUDAKernelConfig{}, "fast_cuda_kernel_config")
	_, err = bindings.NewCUDAKernel("\x00", []string{"x"}, []string{"y"}, "", "", true, 0)
	k.fails(err, "fast_cuda_kernel_new", "mlx-c cannot carry", 1)
	_, err = bindings.CUDAKernel{}.Apply(nil, config, k.s)
	k.fails(err, "fast_cuda_kernel_apply", "non-empty mlx_fast_cuda_kernel", 1)

	const source = "auto i = cooperative_groups::this_grid().thread_rank(); y[i] = T(N) * x[i];"
	kernel, err := bindings.NewCUDAKernel("twice", []string{"x"}, []string{"y"}, source, "", true, 0)
	cuda, e := bindings.CUDAIsAvailable()
	require.NoError(t, e)
	if !cuda {
		k.fails(err, "fast_cuda_kernel_new", "[cuda_kernel] No CUDA back-end", 1)
		return
	}
	require.NoError(t, err)
	defer kernel.Close()
	s, err := bindings.NewDefaultGPUStream()
	require.NoError(t, err)
	defer s.Close()
	out := k.list(kernel.Apply([]array{k.floats([]float32{1, 2, 3, 4})}, config, s))
	require.Equal(t, []float32{2, 4, 6, 8}, k.read(out[0]))
}

func TestMetalDevice(t *testing.T) {
	k := begin(t)
	metal, err := bindings.MetalIsAvailable()
	require.NoError(t, err)
	k.fails(bindings.MetalStartCapture("\x00"), "metal_start_capture", "mlx-c cannot carry", 1)
	k.fails(bindings.MetalSetMetallibPath("a\x00"), "metal_set_metallib_path", "mlx-c cannot carry", 1)
	if metal {
		path, err := bindings.MetalGetMetallibPath()
		require.NoError(t, err)
		require.NotEmpty(t, path)
		return // a capture needs MTL_CAPTURE_ENABLED
	}
	_, err = bindings.MetalGetMetallibPath()
	k.fails(err, "metal_get_metallib_path", "without metal backend", 1)
	// Elsewhere the rest does nothing.
	require.NoError(t, bindings.MetalSetMetallibPath("x.metallib"))
	require.NoError(t, bindings.MetalStartCapture("x.gputrace"))
	require.NoError(t, bindings.MetalStopCapture())
}
