package bindings

import (
	"io"
	"math"
	"runtime/cgo"
	"sync/atomic"
	"unsafe"
)

// #include "callback.h"
import "C"

// Source is what MLX reads arrays from: *os.File and *bytes.Reader are Sources.
// ReadAt may be called from MLX's threads, after the call that made the arrays:
// loading is lazy.
type Source interface {
	io.ReadSeeker
	io.ReaderAt
}

// stream is the Go side of a reader or a writer.
type stream struct {
	source Source
	sink   io.Writer
	value  any
	pos    atomic.Int64
	bad    atomic.Bool
	label  *C.char
}

// NewIOReader makes a reader over src; label names it in MLX's messages. MLX
// keeps the reader's own reference until the arrays read from it are evaluated,
// so src must stay open until then.
//
// C: mlx_io_reader_new.
func NewIOReader(src Source, label string) (IOReader, error) {
	if err := checkString("io_reader_new", "label", label); err != nil {
		return IOReader{}, err
	}
	if err := ensure(); err != nil {
		return IOReader{}, err
	}
	payload := cgo.NewHandle(&stream{source: src, value: src, label: C.CString(label)})
	r := C.gm_io_reader(C.uintptr_t(payload))
	if r.err != nil {
		return IOReader{}, fail("io_reader_new", r.err)
	}
	return IOReader{opened(kindIOReader, uintptr(r.w0))}, nil
}

// NewIOWriter makes a writer over dst; label names it in MLX's messages. Seeks
// need dst to be an io.Seeker.
//
// C: mlx_io_writer_new.
func NewIOWriter(dst io.Writer, label string) (IOWriter, error) {
	if err := checkString("io_writer_new", "label", label); err != nil {
		return IOWriter{}, err
	}
	if err := ensure(); err != nil {
		return IOWriter{}, err
	}
	payload := cgo.NewHandle(&stream{sink: dst, value: dst, label: C.CString(label)})
	r := C.gm_io_writer(C.uintptr_t(payload))
	if r.err != nil {
		return IOWriter{}, fail("io_writer_new", r.err)
	}
	return IOWriter{opened(kindIOWriter, uintptr(r.w0))}, nil
}

// Descriptor returns the Source that the reader was made of.
//
// C: mlx_io_reader_descriptor.
func (io_ IOReader) Descriptor() (Source, error) {
	v, err := descriptor("io_reader_descriptor", io_.h, false)
	src, _ := v.(Source)
	return src, err
}

// Descriptor returns the io.Writer that the writer was made of.
//
// C: mlx_io_writer_descriptor.
func (io_ IOWriter) Descriptor() (io.Writer, error) {
	v, err := descriptor("io_writer_descriptor", io_.h, true)
	dst, _ := v.(io.Writer)
	return dst, err
}

func descriptor(op string, h uintptr, writer bool) (any, error) {
	if err := ensure(); err != nil {
		return nil, err
	}
	r := C.gm_io_descriptor(C.uintptr_t(h), C.bool(writer))
	if r.err != nil {
		return nil, fail(op, r.err)
	}
	return cgo.Handle(r.w0).Value().(*stream).value, nil
}

func streamOf(payload C.uintptr_t) *stream { return cgo.Handle(payload).Value().(*stream) }

//export gmGoIOOpen
func gmGoIOOpen(payload C.uintptr_t) C.bool {
	s := streamOf(payload)
	return C.bool(s.source != nil || s.sink != nil)
}

//export gmGoIOGood
func gmGoIOGood(payload C.uintptr_t) C.bool { return C.bool(!streamOf(payload).bad.Load()) }

//export gmGoIOTell
func gmGoIOTell(payload C.uintptr_t) C.size_t { return C.size_t(streamOf(payload).pos.Load()) }

//export gmGoIOSeek
func gmGoIOSeek(payload C.uintptr_t, off C.int64_t, whence C.int) C.int {
	s := streamOf(payload)
	seeker, ok := any(s.source).(io.Seeker)
	if s.source == nil {
		seeker, ok = s.sink.(io.Seeker)
	}
	if !ok {
		s.bad.Store(true)
		return 1
	}
	pos, err := seeker.Seek(int64(off), int(whence))
	if err != nil {
		s.bad.Store(true)
		return 1
	}
	s.pos.Store(pos)
	return 0
}

// buffer is n bytes of C memory as a slice.
func buffer(data *C.char, n C.size_t) []byte {
	if n > math.MaxInt {
		n = 0
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(data)), int(n))
}

//export gmGoIORead
func gmGoIORead(payload C.uintptr_t, data *C.char, n C.size_t) C.size_t {
	s := streamOf(payload)
	if s.source == nil {
		s.bad.Store(true)
		return 0
	}
	got, err := io.ReadFull(s.source, buffer(data, n))
	s.pos.Add(int64(got))
	if err != nil {
		s.bad.Store(true)
	}
	return C.size_t(got)
}

//export gmGoIOReadAt
func gmGoIOReadAt(payload C.uintptr_t, data *C.char, n, off C.size_t) C.size_t {
	s := streamOf(payload)
	if s.source == nil || off > math.MaxInt64 {
		s.bad.Store(true)
		return 0
	}
	got, err := s.source.ReadAt(buffer(data, n), int64(off))
	if C.size_t(got) < n && err != nil {
		s.bad.Store(true)
	}
	return C.size_t(got)
}

//export gmGoIOWrite
func gmGoIOWrite(payload C.uintptr_t, data *C.char, n C.size_t) C.size_t {
	s := streamOf(payload)
	if s.sink == nil {
		s.bad.Store(true)
		return 0
	}
	done, err := s.sink.Write(buffer(data, n))
	s.pos.Add(int64(done))
	if err != nil {
		s.bad.Store(true)
	}
	return C.size_t(done)
}

//export gmGoIOLabel
func gmGoIOLabel(payload C.uintptr_t) *C.char { return streamOf(payload).label }

//export gmGoIORelease
func gmGoIORelease(payload unsafe.Pointer) {
	h := cgo.Handle(uintptr(payload))
	C.free(unsafe.Pointer(h.Value().(*stream).label))
	h.Delete()
}
