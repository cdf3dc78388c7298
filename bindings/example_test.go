package bindings_test

import (
	"errors"
	"fmt"
	"log"
	"runtime"
	"unsafe"

	"forge.lthn.ai/core/go-mlx/bindings"
)

func Example() {
	// MLX ties streams to OS threads: stay on one.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	s, err := bindings.NewDefaultCPUStream()
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()

	data := []float32{1, 2, 3, 4}
	a, err := bindings.NewArrayData(unsafe.Pointer(&data[0]), []int32{2, 2}, bindings.Float32)
	if err != nil {
		log.Fatal(err)
	}
	defer a.Close()
	sum, err := bindings.Add(a, a, s) // lazy: a node of a graph
	if err != nil {
		log.Fatal(err)
	}
	defer sum.Close()
	if err := sum.Eval(); err != nil {
		log.Fatal(err)
	}
	v, err := sum.DataFloat32()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(v)
	// Output: [2 4 6 8]
}

// Failures are values: the operation, MLX's message and mlx-c's status.
func ExampleError() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	s, err := bindings.NewDefaultCPUStream()
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	a, err := bindings.Zeros([]int32{2, 3}, bindings.Float32, s)
	if err != nil {
		log.Fatal(err)
	}
	defer a.Close()

	_, err = bindings.Reshape(a, []int32{4}, s)
	var e *bindings.Error
	if errors.As(err, &e) {
		fmt.Println(e.Op, e.Status)
		fmt.Println(e.Message)
	}
	// Output:
	// reshape 1
	// [reshape] Cannot reshape array of size 6 into shape (4).
}

// What something asked for is not there can be told from other failures.
func ExampleErrNotFound() {
	m, err := bindings.NewMapStringToString()
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	_, err = m.Get("format")
	fmt.Println(errors.Is(err, bindings.ErrNotFound), err)
	// Output: true bindings: map_string_to_string_get: not found
}

// Close zeroes the handle, so that it may be repeated; Retain makes a second
// handle on the same array.
func ExampleArray_Close() {
	open := bindings.Live()["Array"]
	a, err := bindings.NewArrayInt(7)
	if err != nil {
		log.Fatal(err)
	}
	b, err := a.Retain()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(a.Close(), a.Close(), a.IsNull())
	v, err := b.ItemInt32()
	fmt.Println(v, err)
	fmt.Println(b.Close(), bindings.Live()["Array"]-open)
	// Output:
	// <nil> <nil> true
	// 7 <nil>
	// <nil> 0
}

// A Go function becomes a function that MLX can differentiate: here x², whose
// gradient is 2x.
func ExampleNewClosure() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	s, err := bindings.NewDefaultCPUStream()
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	square, err := bindings.NewClosure(func(in []bindings.Array) ([]bindings.Array, error) {
		y, err := bindings.Square(in[0], s)
		return []bindings.Array{y}, err
	})
	if err != nil {
		log.Fatal(err)
	}
	defer square.Close()
	grad, err := bindings.ValueAndGrad(square, []int32{0})
	if err != nil {
		log.Fatal(err)
	}
	defer grad.Close()

	x, err := bindings.NewArrayFloat32(3)
	if err != nil {
		log.Fatal(err)
	}
	defer x.Close()
	values, grads, err := grad.Apply([]bindings.Array{x})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = bindings.CloseAll(append(values, grads...)) }()
	v, _ := values[0].ItemFloat32()
	g, _ := grads[0].ItemFloat32()
	fmt.Println(v, g)
	// Output: 9 6
}
