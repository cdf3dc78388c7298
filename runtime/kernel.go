package runtime

import (
	"errors"
	"fmt"
	"slices"

	"forge.lthn.ai/core/go-mlx/bindings"
)

// MetalKernel is a kernel of one's own in Metal's language: Source is the body of
// a function whose signature MLX writes from the names of inputs and outputs. For
// an input x the body may also use x_shape, x_strides and x_ndim. It is compiled
// when it first runs. See mlx.core.fast.metal_kernel.
type MetalKernel struct {
	Name            string   // an identifier, part of the function's name
	Inputs, Outputs []string // the names of the arguments
	Source          string   // the body
	Header          string   // what stands in front of the function: includes, helpers
	AnyLayout       bool     // inputs come as they lie in memory, not copied to be row-contiguous
	AtomicOutputs   bool     // outputs are declared as atomic
}

// CUDAKernel is a kernel of one's own in CUDA C++, as MetalKernel is in Metal's
// language. See mlx.core.fast.cuda_kernel.
type CUDAKernel struct {
	Name            string   // an identifier, part of the function's name
	Inputs, Outputs []string // the names of the arguments
	Source          string   // the body
	Header          string   // what stands in front of the function: includes, helpers
	AnyLayout       bool     // inputs come as they lie in memory, not copied to be row-contiguous
	SharedMemory    int      // dynamic shared memory in bytes
}

// Launch says how one application of a kernel runs.
type Launch struct {
	Grid        [3]int           // threads in each dimension, the groups' sizes included
	ThreadGroup [3]int           // threads of a group; CUDA's block
	Outputs     []KernelOutput   // one for each name in Outputs
	Template    []KernelConstant // constants and types of the body
	Init        OptionalFloat    // what outputs are filled with before; without it they are not
	Verbose     bool             // prints the source that was generated
}

// KernelOutput is the shape and dtype of an output.
type KernelOutput struct {
	Shape []int
	Dtype Dtype
}

// KernelConstant gives Name a value in the body: an int or a bool becomes a
// constant, a Dtype a type.
type KernelConstant struct {
	Name  string
	Value any
}

// Apply runs the kernel on inputs, in the order of its Inputs, and returns one
// array for each of its Outputs. Without Metal it fails and names what is there.
func (k MetalKernel) Apply(s *Scope, inputs []Array, l Launch) []Array {
	r := run{"metal_kernel", k.Name, k.Inputs, k.Outputs, inputs, l}
	if !s.kernelOK(r, "Metal", bindings.MetalIsAvailable) {
		return nil
	}
	return launch(s, r, bindings.NewMetalKernelConfig, func(c bindings.MetalKernelConfig) ([]Array, error) {
		kernel, err := bindings.NewMetalKernel(k.Name, k.Inputs, k.Outputs, k.Source, k.Header, !k.AnyLayout, k.AtomicOutputs)
		if err != nil {
			return nil, err
		}
		defer kernel.Close()
		return kernel.Apply(inputs, c, s.stream)
	})
}

// Apply runs the kernel on inputs, in the order of its Inputs, and returns one
// array for each of its Outputs. Without CUDA it fails and names what is there.
func (k CUDAKernel) Apply(s *Scope, inputs []Array, l Launch) []Array {
	r := run{"cuda_kernel", k.Name, k.Inputs, k.Outputs, inputs, l}
	if !s.kernelOK(r, "CUDA", bindings.CUDAIsAvailable) {
		return nil
	}
	return launch(s, r, bindings.NewCUDAKernelConfig, func(c bindings.CUDAKernelConfig) ([]Array, error) {
		kernel, err := bindings.NewCUDAKernel(k.Name, k.Inputs, k.Outputs, k.Source, k.Header, !k.AnyLayout, s.i32(r.op, k.SharedMemory))
		if err != nil {
			return nil, err
		}
		defer kernel.Close()
		return kernel.Apply(inputs, c, s.stream)
	})
}

// run is one application of a kernel.
type run struct {
	op, name          string
	inNames, outNames []string
	inputs            []Array
	Launch
}

// kernelOK reports whether operations still run and the kernel's device is there.
func (s *Scope) kernelOK(r run, device string, available func() (bool, error)) bool {
	if !s.ok() {
		return false
	}
	there, err := available()
	if err == nil && !there {
		err = fmt.Errorf("kernel %q needs %s, which this library does not have: the thread computes on %v", r.name, device, s.e.main.device)
	}
	if err != nil {
		s.failOp(r.op, err)
	}
	return err == nil
}

// launch makes a configuration of the kernel's language and applies the kernel.
func launch[C kernelConfig, P interface {
	*C
	Close() error
}](s *Scope, r run, newConfig func() (C, error), apply func(C) ([]Array, error)) []Array {
	config, err := newConfig()
	if err == nil {
		defer P(&config).Close()
		err = r.configure(s, config)
	}
	if err != nil {
		s.failOp(r.op, fmt.Errorf("kernel %q: %w", r.name, err))
		return nil
	}
	out, err := apply(config)
	return s.ownAll(r.op, out, err)
}

// kernelConfig is what the bindings' configurations of both languages can do.
type kernelConfig interface {
	AddOutputArg(shape []int32, dtype Dtype) error
	AddTemplateArgBool(name string, value bool) error
	AddTemplateArgDtype(name string, dtype Dtype) error
	AddTemplateArgInt(name string, value int32) error
	SetGrid(x, y, z int32) error
	SetInitValue(value float32) error
	SetThreadGroup(x, y, z int32) error
	SetVerbose(verbose bool) error
}

// configure checks the launch and hands it to MLX.
func (r run) configure(s *Scope, c kernelConfig) error {
	if err := r.check(); err != nil {
		return err
	}
	i32 := func(n int) int32 { return s.i32(r.op, n) }
	errs := []error{
		c.SetGrid(i32(r.Grid[0]), i32(r.Grid[1]), i32(r.Grid[2])),
		c.SetThreadGroup(i32(r.ThreadGroup[0]), i32(r.ThreadGroup[1]), i32(r.ThreadGroup[2])),
		c.SetVerbose(r.Verbose),
	}
	for _, o := range r.Outputs {
		errs = append(errs, c.AddOutputArg(s.dims(r.op, o.Shape), o.Dtype))
	}
	for _, t := range r.Template {
		errs = append(errs, t.addTo(c))
	}
	if r.Init.Valid {
		errs = append(errs, c.SetInitValue(r.Init.Value))
	}
	return errors.Join(append(errs, s.err)...)
}

// check refuses what would fail on the device, where no message says why.
func (r run) check() error {
	switch {
	case len(r.inputs) != len(r.inNames):
		return fmt.Errorf("%d inputs for the %d names %q", len(r.inputs), len(r.inNames), r.inNames)
	case len(r.outNames) == 0:
		return errors.New("it has no outputs")
	case len(r.Outputs) != len(r.outNames):
		return fmt.Errorf("Launch.Outputs has %d outputs for the %d names %q", len(r.Outputs), len(r.outNames), r.outNames)
	case slices.Min(r.Grid[:]) < 1:
		return fmt.Errorf("Launch.Grid is %v: every dimension is at least 1", r.Grid)
	case slices.Min(r.ThreadGroup[:]) < 1:
		return fmt.Errorf("Launch.ThreadGroup is %v: every dimension is at least 1", r.ThreadGroup)
	}
	for i, o := range r.Outputs {
		if len(o.Shape) > 0 && slices.Min(o.Shape) < 0 {
			return fmt.Errorf("the shape of output %q is %v", r.outNames[i], o.Shape)
		}
	}
	return nil
}

func (t KernelConstant) addTo(c kernelConfig) error {
	switch v := t.Value.(type) {
	case bool:
		return c.AddTemplateArgBool(t.Name, v)
	case Dtype:
		return c.AddTemplateArgDtype(t.Name, v)
	case int:
		if int(int32(v)) != v {
			return fmt.Errorf("the constant %s is %d, which does not fit in 32 bits", t.Name, v)
		}
		return c.AddTemplateArgInt(t.Name, int32(v))
	}
	return fmt.Errorf("the constant %s is a %T, not an int, a bool or a Dtype", t.Name, t.Value)
}
