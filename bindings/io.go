package bindings

import (
	"fmt"
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
	name   string
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
	payload := cgo.NewHandle(&stream{name: label, source: src, value: src, label: C.CString(label)})
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
	payload := cgo.NewHandle(&stream{name: label, sink: dst, value: dst, label: C.CString(label)})
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

// fail notes that the stream is no longer good, and gives err to the call of MLX
// that fails on this thread because of it.
func (s *stream) fail(err error) {
	s.bad.Store(true)
	C.gm_set_callback_error(C.uintptr_t(cgo.NewHandle(fmt.Errorf("%s: %w", s.name, err))))
}

//export gmGoIOSeek
func gmGoIOSeek(payload C.uintptr_t, off C.int64_t, whence C.int) C.int {
	s := streamOf(payload)
	err := guard(func() error {
		seeker, ok := s.value.(io.Seeker)
		if !ok {
			return fmt.Errorf("seek: %T is no io.Seeker", s.value)
		}
		pos, err := seeker.Seek(int64(off), int(whence))
		s.pos.Store(pos)
		return err
	})
	if err != nil {
		s.fail(err)
		return -1
	}
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
	got := 0
	err := guard(func() (err error) {
		got, err = io.ReadFull(s.source, buffer(data, n))
		return err
	})
	s.pos.Add(int64(got))
	if err != nil {
		s.fail(err)
	}
	return C.size_t(got)
}

// MLX reads the elements on a thread of its own, where no call waits for the
// error: it says itself how much was missing.
//
//export gmGoIOReadAt
func gmGoIOReadAt(payload C.uintptr_t, data *C.char, n, off C.size_t) C.size_t {
	s := streamOf(payload)
	got := 0
	err := guard(func() (err error) {
		got, err = s.source.ReadAt(buffer(data, n), int64(off))
		return err
	})
	if err != nil && C.size_t(got) < n {
		s.bad.Store(true)
	}
	return C.size_t(got)
}

//export gmGoIOWrite
func gmGoIOWrite(payload C.uintptr_t, data *C.char, n C.size_t) C.size_t {
	s := streamOf(payload)
	if n == 0 {
		return 0
	}
	done := 0
	err := guard(func() (err error) {
		done, err = s.sink.Write(buffer(data, n))
		if err == nil && done < int(n) {
			err = io.ErrShortWrite
		}
		return err
	})
	if err != nil {
		s.fail(err)
		return 0
	}
	s.pos.Add(int64(done))
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
