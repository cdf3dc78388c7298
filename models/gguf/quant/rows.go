package quant

import (
	"fmt"
	"math"
	"math/bits"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"forge.lthn.ai/core/go-mlx/models/gguf"
)

// maxElements leaves room for four bytes an element within an int.
const maxElements = math.MaxInt / 4

// Option changes how [Repack] and [Dequantize] work.
type Option func(*options)

type options struct {
	order   []int
	half    bool
	fine    bool
	compact bool
	workers int
	span    *[2]int
}

func collect(opts []Option) options {
	o := options{workers: runtime.GOMAXPROCS(0)}
	for _, opt := range opts {
		opt(&o)
	}
	return o
}

// WithRowOrder makes row r of the result row order[r] of the tensor. The order must name every row once.
func WithRowOrder(order []int) Option { return func(o *options) { o.order = order } }

// WithRows restricts the result to its rows from lo up to, but without, hi: a large tensor in parts.
func WithRows(lo, hi int) Option { return func(o *options) { o.span = &[2]int{lo, hi} } }

// WithHalfScales makes [Repack] write scales and biases as float16 bits, exactly as stored, instead of float32.
func WithHalfScales() Option { return func(o *options) { o.half = true } }

// WithFineGroups makes [FormOf] and [Repack] use groups of 16 for Q2_K, Q3_K and Q6_K, which have a scale for each 16
// elements: all of them are exact then, in 2, 3 and 6 bits. MLX's own operations do not know such groups.
func WithFineGroups() Option { return func(o *options) { o.fine = true } }

// WithCompactScales makes [Repack] write no more than the file has, exactly: scales and biases of two levels where the
// form of a type is Nested, and no biases where it is Centred, which are -2^(Bits-1) times the scales. MLX's own
// operations do not know such matrices.
func WithCompactScales() Option { return func(o *options) { o.compact = true } }

// WithWorkers bounds the number of goroutines; the default is GOMAXPROCS.
func WithWorkers(n int) Option { return func(o *options) { o.workers = max(n, 1) } }

// matrix is a tensor as rows of whole blocks.
type matrix struct {
	info       gguf.TensorInfo
	data       []byte
	first      int // row of the tensor that is the result's first
	rows, cols int // of the result
	stride     int // bytes in a row
	order      []int
}

// newMatrix checks that shape, type and data agree, and that order and rows fit.
func newMatrix(info gguf.TensorInfo, data []byte, o options) (matrix, error) {
	m, err := wholeMatrix(info, data)
	if err != nil {
		return m, err
	}
	if o.order != nil {
		if err := checkOrder(o.order, m.rows); err != nil {
			return m, m.errorf("%w", err)
		}
		m.order = o.order
	}
	if o.span != nil {
		lo, hi := o.span[0], o.span[1]
		if lo < 0 || hi < lo || hi > m.rows {
			return m, m.errorf("rows %d to %d of %d", lo, hi, m.rows)
		}
		m.first, m.rows = lo, hi-lo
	}
	return m, nil
}

func wholeMatrix(info gguf.TensorInfo, data []byte) (matrix, error) {
	m := matrix{info: info, data: data, rows: 1, cols: 1}
	for i, d := range info.Shape {
		if d < 0 {
			return m, m.errorf("shape %v has a negative dimension", info.Shape)
		}
		if i == len(info.Shape)-1 {
			m.cols = d
			break
		}
		hi, rows := bits.Mul64(uint64(m.rows), uint64(d))
		if hi != 0 || rows > maxElements {
			return m, m.errorf("shape %v is too large", info.Shape)
		}
		m.rows = int(rows)
	}
	if m.cols > 0 && m.rows > maxElements/m.cols {
		return m, m.errorf("shape %v is too large", info.Shape)
	}
	block := info.Type.BlockSize()
	if m.cols%block != 0 {
		return m, m.errorf("rows of %d elements are not whole blocks of %d", m.cols, block)
	}
	m.stride = m.cols / block * info.Type.BlockBytes()
	if m.stride > 0 && m.rows > math.MaxInt/m.stride || len(data) != m.rows*m.stride {
		return m, m.errorf("%d bytes of data for shape %v", len(data), info.Shape)
	}
	return m, nil
}

func (m *matrix) errorf(format string, args ...any) error {
	return fmt.Errorf("quant: tensor %q (%s): "+format, append([]any{m.info.Name, m.info.Type}, args...)...)
}

// grain is the number of elements that one goroutine takes at a time.
const grain = 1 << 16

// each calls fn for spans of consecutive rows: n rows of the result from row lo, with the bytes they come from.
// Spans run on a bounded number of goroutines; with an order, each is one row.
func (m *matrix) each(workers int, fn func(lo, n int, src []byte) error) error {
	if m.rows == 0 || m.cols == 0 {
		return nil
	}
	chunk := max(1, grain/m.cols)
	chunks := (m.rows + chunk - 1) / chunk
	var next atomic.Int64
	var firstErr atomic.Pointer[error]
	work := func() {
		for firstErr.Load() == nil {
			lo := (int(next.Add(1)) - 1) * chunk
			if lo >= m.rows {
				return
			}
			if err := m.span(lo, min(lo+chunk, m.rows), fn); err != nil {
				firstErr.CompareAndSwap(nil, &err)
			}
		}
	}
	var wg sync.WaitGroup
	for range min(workers, chunks) - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()
	if err := firstErr.Load(); err != nil {
		return *err
	}
	return nil
}

// span handles rows lo to hi. Reading a mapping faults when the file was cut short behind it or the disk failed;
// that becomes an error here, on the goroutine that reads.
func (m *matrix) span(lo, hi int, fn func(lo, n int, src []byte) error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		switch p := recover().(type) {
		case nil:
		case interface {
			error
			Addr() uintptr
		}:
			err = m.errorf("the file could not be read, it was cut short or closed: %w", p)
		default:
			panic(p)
		}
	}()
	if m.order == nil {
		return fn(lo, hi-lo, m.data[(m.first+lo)*m.stride:(m.first+hi)*m.stride])
	}
	for r := lo; r < hi; r++ {
		from := m.order[m.first+r] * m.stride
		if err := fn(r, 1, m.data[from:from+m.stride]); err != nil {
			return err
		}
	}
	return nil
}
