package runtime

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"forge.lthn.ai/core/go-mlx/bindings"
)

// Group is a set of processes that compute together. Each has a rank, from 0 to
// the size less 1. Every process of the group must run the same operations of
// the group in the same order; one that waits for another waits for ever if that
// one never comes.
type Group struct {
	h          bindings.DistributedGroup
	rank, size int
	nccl       bool
}

// DistributedAvailable reports whether the library was built with a backend:
// ring, mpi, nccl, jaccl, or any of them.
func DistributedAvailable(t *Thread, backend string) (bool, error) {
	var there bool
	err := t.call("distributed_is_available", func(*engine) (err error) {
		there, err = bindings.DistributedIsAvailable(backend)
		return err
	})
	return there, err
}

// InitDistributed joins the group of processes that a launcher such as mlx.launch
// started this one in, and waits for the others. The backend is ring (TCP), mpi,
// nccl, jaccl or any, which takes the first that works. The launcher tells a
// process who it is by environment variables: for the ring MLX_RANK, and MLX_HOSTFILE,
// a JSON file with a list of addresses for each rank: [["10.0.0.1:5000"], ["10.0.0.2:5000"]].
//
// Without a launcher the group is this process alone, or with strict an error.
// MLX joins a backend once: calling again returns the same group. Close the Group
// inside of Do; the connections stay until the process ends.
func InitDistributed(t *Thread, backend string, strict bool) (*Group, error) {
	var g *Group
	err := t.call("distributed_init", func(*engine) error {
		h, err := bindings.DistributedInit(strict, backend)
		if err == nil {
			g, err = newGroup(h)
		}
		if err == nil && g.size > 1 {
			ignoreSIGPIPE()
			g.nccl, err = usesNCCL(backend)
		}
		return err
	})
	if err != nil {
		return nil, errors.Join(err, g.Close())
	}
	return g, nil
}

// newGroup takes over a handle, also when it fails.
func newGroup(h bindings.DistributedGroup) (*Group, error) {
	g := &Group{h: h}
	rank, err := h.Rank()
	if err != nil {
		return g, err
	}
	size, err := h.Size()
	g.rank, g.size = int(rank), int(size)
	return g, err
}

// usesNCCL reports whether a group of that backend communicates on the GPU. MLX
// tries nccl first for any, and has it from then on.
func usesNCCL(backend string) (bool, error) {
	cuda, err := bindings.CUDAIsAvailable()
	if err != nil || !cuda || backend != "any" {
		return backend == "nccl", err
	}
	h, err := bindings.DistributedInit(false, "nccl")
	if err != nil {
		return false, err
	}
	defer h.Close()
	size, err := h.Size()
	return size > 1, err
}

// Rank returns this process's number in the group.
func (g *Group) Rank() int { return g.rank }

// Size returns the number of processes.
func (g *Group) Size() int { return g.size }

// Split divides the group into one for each color, ordered by key; a negative key
// means the rank. Every process of the group must call it. The ring cannot be split.
func (g *Group) Split(t *Thread, color, key int) (*Group, error) {
	var part *Group
	err := t.call("distributed_group_split", func(*engine) error {
		if err := g.check(); err != nil {
			return err
		}
		h, err := g.h.Split(int32(color), int32(key))
		if err == nil {
			part, err = newGroup(h)
		}
		return err
	})
	if err != nil {
		return nil, errors.Join(err, part.Close())
	}
	part.nccl = g.nccl
	return part, nil
}

// Close frees the handle. A second Close does nothing.
func (g *Group) Close() error {
	if g == nil {
		return nil
	}
	return g.h.Close()
}

// ErrPeerLost is in the chain of errors of groups whose ring has broken: a process
// beside this one ended. MLX cannot mend it, and would wait for ever where the
// group is used again, so that its operations are refused from then on.
var ErrPeerLost = errors.New("the connection to a peer was lost")

// peerLost says that the ring, of which a process has one, has broken.
var peerLost atomic.Bool

// notePeerLost looks whether an error says so, and puts ErrPeerLost in its chain.
func notePeerLost(err error) error {
	if b, ok := errors.AsType[*bindings.Error](err); ok && strings.Contains(b.Message, "[ring] connection to a peer was lost") {
		peerLost.Store(true)
		return fmt.Errorf("%w: %w", ErrPeerLost, err)
	}
	return err
}

func (g *Group) check() error {
	switch {
	case g == nil || g.h == (bindings.DistributedGroup{}):
		return errors.New("the group is nil or closed")
	case g.size > 1 && !g.nccl && peerLost.Load():
		return ErrPeerLost
	}
	return nil
}

// AllSum returns the sum of the arrays x of all processes. See
// mlx.core.distributed.all_sum.
func (s *Scope) AllSum(x Array, g *Group) Array {
	return s.reduce("all_sum", bindings.DistributedAllSum, x, g)
}

// AllMax returns, element by element, the largest of the arrays x of all
// processes. See mlx.core.distributed.all_max.
func (s *Scope) AllMax(x Array, g *Group) Array {
	return s.reduce("all_max", bindings.DistributedAllMax, x, g)
}

// AllMin returns, element by element, the smallest of the arrays x of all
// processes. See mlx.core.distributed.all_min.
func (s *Scope) AllMin(x Array, g *Group) Array {
	return s.reduce("all_min", bindings.DistributedAllMin, x, g)
}

// AllGather returns the arrays x of all processes joined along the first
// dimension, in the order of rank: [N, ...] becomes [size*N, ...], a scalar
// [size]. See mlx.core.distributed.all_gather.
func (s *Scope) AllGather(x Array, g *Group) Array {
	return s.reduce("all_gather", bindings.DistributedAllGather, x, g)
}

// SumScatter returns the process's own part of AllSum: [size*N, ...] becomes
// [N, ...]. NCCL has it as one operation; elsewhere it is AllSum and a slice,
// since the ring and MPI do not implement it. See mlx.core.distributed.sum_scatter.
func (s *Scope) SumScatter(x Array, g *Group) Array {
	const op = "sum_scatter"
	if !s.groupOK(op, g) {
		return Array{}
	}
	if g.nccl || g.size == 1 {
		return s.reduce(op, bindings.DistributedSumScatter, x, g)
	}
	shape := s.Shape(x)
	if s.err != nil {
		return Array{}
	}
	if len(shape) == 0 || shape[0]%g.size != 0 {
		s.failOp(op, fmt.Errorf("the first dimension of shape %v is not divisible by the group's size %d", shape, g.size))
		return Array{}
	}
	start, strides := make([]int, len(shape)), make([]int, len(shape))
	for i := range strides {
		strides[i] = 1
	}
	n := shape[0] / g.size
	start[0], shape[0] = g.rank*n, (g.rank+1)*n
	return s.Slice(s.AllSum(x, g), start, shape, strides)
}

// Send sends x to the process of rank dst, which must Recv it, and returns x: the
// sending happens when the result is evaluated. Within one evaluation MLX chooses
// the order: start a Send by itself before the Recv of an answer. The ring reaches
// the ranks beside this one only. See mlx.core.distributed.send.
func (s *Scope) Send(x Array, dst int, g *Group) Array {
	const op = "send"
	if !s.groupOK(op, g) {
		return Array{}
	}
	r, err := bindings.DistributedSend(x, s.i32(op, dst), g.h, s.groupStream(g))
	return s.own(op, r, err)
}

// Recv returns the array that the process of rank src sends, which must have that
// shape and dtype. See mlx.core.distributed.recv.
func (s *Scope) Recv(shape []int, dtype Dtype, src int, g *Group) Array {
	const op = "recv"
	if !s.groupOK(op, g) {
		return Array{}
	}
	r, err := bindings.DistributedRecv(s.dims(op, shape), dtype, s.i32(op, src), g.h, s.groupStream(g))
	return s.own(op, r, err)
}

// RecvLike is Recv with the shape and dtype of x. See
// mlx.core.distributed.recv_like.
func (s *Scope) RecvLike(x Array, src int, g *Group) Array {
	const op = "recv_like"
	if !s.groupOK(op, g) {
		return Array{}
	}
	r, err := bindings.DistributedRecvLike(x, s.i32(op, src), g.h, s.groupStream(g))
	return s.own(op, r, err)
}

func (s *Scope) reduce(op string, f func(Array, bindings.DistributedGroup, bindings.Stream) (Array, error), x Array, g *Group) Array {
	if !s.groupOK(op, g) {
		return Array{}
	}
	r, err := f(x, g.h, s.groupStream(g))
	return s.own(op, r, err)
}

// groupOK reports whether operations still run and g is a group.
func (s *Scope) groupOK(op string, g *Group) bool {
	if !s.ok() {
		return false
	}
	if err := g.check(); err != nil {
		s.failOp(op, err)
		return false
	}
	return true
}

// groupStream is where g communicates: NCCL on the GPU, the others on the CPU.
func (s *Scope) groupStream(g *Group) bindings.Stream {
	if g.nccl || s.e.main.device.Type == CPU {
		return s.stream
	}
	return s.e.cpu
}
