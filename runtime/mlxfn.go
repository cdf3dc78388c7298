package runtime

import (
	"encoding/binary"
	"errors"
	"iter"

	"forge.lthn.ai/core/go-mlx/bindings"
)

// A .mlxfn file names the device of every operation. MLX (0.32.2) runs it on the
// first stream of that device in the process, whichever thread that belongs to,
// and makes a stream of this thread only for a device that has none yet. So where
// the first stream of the CPU is another thread's, the operations are given to a
// CPU of another index, for which this thread then has a stream; to the CPU they
// are all the same. There is no such way with GPUs, whose indices matter.

// header is the start of a file: the version of MLX, the number of functions,
// whether they were exported without shapes, a text, and the names of the first
// one's arguments. It returns where that ends, 0 for a file that MLX will refuse.
func header(data []byte) (shapeless bool, end int) {
	r := fnReader{data: data}
	r.skip(r.uint64())
	r.skip(4)
	flag := r.pos
	r.skip(1)
	r.skip(r.uint64())
	for n := r.uint64(); n > 0 && !r.bad; n-- {
		r.skip(r.uint64())
	}
	if r.bad {
		return false, 0
	}
	return data[flag] != 0, r.pos
}

// fnReader walks through a file. What is beyond its end is bad.
type fnReader struct {
	data []byte
	pos  int
	bad  bool
}

func (r *fnReader) skip(n uint64) {
	if r.bad = r.bad || n > uint64(len(r.data)-r.pos); !r.bad {
		r.pos += int(n)
	}
}

func (r *fnReader) uint64() uint64 {
	at := r.pos
	if r.skip(8); r.bad {
		return 0
	}
	return binary.LittleEndian.Uint64(r.data[at:])
}

// streamName is a stream as a file has it: a number, which MLX does not look at,
// then the type and the index of its device, 4 bytes each.
type streamName struct{ number, device, index int32 }

const streamBytes = 12

// streamNames finds the streams in a file, from an offset on. An operation is
// written as a byte that is 1, the identifiers of its inputs with their count
// before them, the stream, and its name with its length: what looks like all of
// that is one.
func streamNames(data []byte, from int) iter.Seq2[int, streamName] {
	return func(yield func(int, streamName) bool) {
		for at := from + streamBytes; at+8 < len(data); at++ {
			if !operationName(data[at:]) {
				continue
			}
			pos := at - streamBytes
			s := streamName{word(data[pos:]), word(data[pos+4:]), word(data[pos+8:])}
			if s.plausible() && afterInputs(data[from:pos]) && !yield(pos, s) {
				return
			}
		}
	}
}

func (s streamName) plausible() bool {
	return s.number >= 0 && s.number < 1<<20 && s.device>>1 == 0 && s.index >= 0 && s.index < 1<<16
}

func word(b []byte) int32 { return int32(binary.LittleEndian.Uint32(b)) }

// operationName reports whether the name of an operation, such as "Matmul", begins
// here, with its length in 8 bytes.
func operationName(b []byte) bool {
	n := binary.LittleEndian.Uint64(b)
	if n == 0 || n > 64 || n > uint64(len(b)-8) || b[8] < 'A' || b[8] > 'Z' {
		return false
	}
	for _, c := range b[8 : 8+n] {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// maxInputs bounds how far back the count of inputs is looked for, maxID what is an
// identifier: an address.
const (
	maxInputs = 1 << 16
	maxID     = 1 << 56
)

// afterInputs reports whether b ends with a 1, a count and as many identifiers.
func afterInputs(b []byte) bool {
	for n := range min(maxInputs, len(b)/8) {
		at := len(b) - 8*(n+1)
		v := binary.LittleEndian.Uint64(b[at:])
		if at >= 1 && b[at-1] == 1 && v == uint64(n) {
			return true
		}
		if v == 0 || v >= maxID {
			return false
		}
	}
	return false
}

// placement says where the operations of a file are to run.
type placement struct {
	gpu      bool  // this thread computes on one
	gpuTaken bool  // whose first stream is another thread's
	cpu      int32 // the index of the CPU
}

// place looks at the streams of the process.
func (e *engine) place() (p placement, err error) {
	kind, err := e.device.GetType()
	if err != nil {
		return p, err
	}
	p.gpu = kind == GPU
	if p.gpu {
		first, err := isFirst(e.stream)
		if err != nil {
			return p, err
		}
		p.gpuTaken = !first
	}
	first, err := isFirst(e.cpu)
	if err != nil || first {
		return p, err
	}
	p.cpu, err = e.cpu.GetIndex() // no other thread has a stream of this number
	return p, err
}

// isFirst reports whether no stream of the same device comes before s.
func isFirst(s bindings.Stream) (bool, error) {
	d, err := s.GetDevice()
	if err != nil {
		return false, err
	}
	defer d.Close()
	all, err := bindings.GetStreams()
	if err != nil {
		return false, err
	}
	defer func() {
		for i := range all {
			_ = all[i].Close() // a handle that exists is freed
		}
	}()
	for _, other := range all {
		od, err := other.GetDevice()
		if err != nil {
			return false, err
		}
		same, err := od.Equal(d)
		if err = errors.Join(err, od.Close()); err != nil {
			return false, err
		}
		if same {
			return other.Equal(s)
		}
	}
	return false, nil
}

// errTaken is what an import says where there is no right stream.
var errTaken = errors.New("the function computes on a GPU, and another Worker of the process was the first to use it: import it there")

// apply places the operations of a file and returns how many had another place.
func (p placement) apply(data []byte, from int) (changed int, err error) {
	for pos, s := range streamNames(data, from) {
		want := s
		switch {
		case DeviceType(s.device) == GPU && p.gpuTaken:
			return changed, errTaken
		case DeviceType(s.device) == CPU || !p.gpu:
			want.device, want.index = int32(CPU), p.cpu
		}
		if want != s {
			want.put(data[pos:])
			changed++
		}
	}
	return changed, nil
}

func (s streamName) put(b []byte) {
	for i, v := range []int32{s.number, s.device, s.index} {
		binary.LittleEndian.PutUint32(b[4*i:], uint32(v))
	}
}
