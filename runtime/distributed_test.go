package runtime_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/leaktest"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Rings of 2, 3 and 4 processes. One that waits keeps a core busy in MLX's ring,
// so that more processes than cores are slow: each ring is formed once.
func TestRing(t *testing.T) {
	for n := 2; n <= 4; n++ {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			if n > 2 && testing.Short() {
				t.Skip("takes seconds")
			}
			for rank, e := range ring(t, n, func(p peer) {
				p.everyDtype()
				p.everySize()
				p.gatherAndScatter()
				p.roundTheRing()
				p.inOrder()
			}) {
				require.Zero(t, e.code, "rank %d: %s", rank, e.out)
				require.Contains(t, e.out, "--- SKIP: "+t.Name(), "rank %d", rank)
			}
		})
	}
}

// Every process has [rank+1, rank+2] of each dtype.
func (p peer) everyDtype() {
	n := float64(p.n)
	sum := []float64{n * (n + 1) / 2, n * (n + 3) / 2}
	for _, dtype := range []mlx.Dtype{mlx.Uint8, mlx.Uint16, mlx.Uint32, mlx.Uint64, mlx.Int8, mlx.Int16, mlx.Int32,
		mlx.Int64, mlx.Float16, mlx.BFloat16, mlx.Float32, mlx.Float64} {
		for i, want := range [][]float64{sum, {n, n + 1}, {1, 2}} {
			got := p.eval(func(s *mlx.Scope) mlx.Array {
				reduce := []func(mlx.Array, *mlx.Group) mlx.Array{s.AllSum, s.AllMax, s.AllMin}[i]
				x := s.AsType(mlx.Const(s, []float32{float32(p.rank + 1), float32(p.rank + 2)}), dtype)
				y := reduce(x, p.g)
				require.Equal(p, dtype, s.DtypeOf(y))
				return s.AsType(y, mlx.Float64)
			})
			require.Equal(p, want, read[float64](p.T, p.th, got), "%v, reduction %d", dtype, i)
		}
	}
}

// Sizes that fit into no segment, into one, and into many.
func (p peer) everySize() {
	for _, size := range []int{0, 1, 2, 3, 5, 1000, 65_537, 700_001} {
		got := read[float32](p.T, p.th, p.eval(func(s *mlx.Scope) mlx.Array {
			x := s.Remainder(s.Arange(0, float64(size), 1, mlx.Float32), s.Scalar(251, mlx.Float32))
			return s.AllSum(s.Add(x, s.Scalar(float64(p.rank), mlx.Float32)), p.g)
		}))
		require.Len(p, got, size)
		for i, v := range got {
			if want := float32(p.n*(i%251) + p.n*(p.n-1)/2); v != want {
				require.Equal(p, want, v, "element %d of %d", i, size)
			}
		}
	}
}

func (p peer) gatherAndScatter() {
	mine := float32(10 * p.rank)
	rows := read[float32](p.T, p.th, p.eval(func(s *mlx.Scope) mlx.Array {
		y := s.AllGather(mlx.Const(s, []float32{mine, mine + 1}, 1, 2), p.g)
		require.Equal(p, []int{p.n, 2}, s.Shape(y))
		return y
	}))
	scalars := read[float32](p.T, p.th, p.eval(func(s *mlx.Scope) mlx.Array {
		return s.AllGather(s.Scalar(float64(mine), mlx.Float32), p.g)
	}))
	for rank := range p.n {
		require.Equal(p, []float32{float32(10 * rank), float32(10*rank + 1)}, rows[2*rank:2*rank+2])
		require.Equal(p, float32(10*rank), scalars[rank])
	}
	// [2n, 3] of rank r holds r + its row; the part of rank r is rows 2r and 2r+1.
	part := p.eval(func(s *mlx.Scope) mlx.Array {
		x := s.Add(s.BroadcastTo(s.Reshape(s.Arange(0, float64(2*p.n), 1, mlx.Float32), 2*p.n, 1), 2*p.n, 3), s.Scalar(float64(p.rank), mlx.Float32))
		y := s.SumScatter(x, p.g)
		require.Equal(p, []int{2, 3}, s.Shape(y))
		return y
	})
	first, ranks := float32(p.n*2*p.rank), float32(p.n*(p.n-1)/2)
	a, b := first+ranks, first+ranks+float32(p.n)
	require.Equal(p, []float32{a, a, a, b, b, b}, read[float32](p.T, p.th, part))

	_, err := p.th.Build(func(s *mlx.Scope) mlx.Array { return s.SumScatter(s.Zeros([]int{2*p.n + 1}, mlx.Float32), p.g) })
	require.ErrorContains(p, err, "mlx: sum_scatter: the first dimension of shape")
}

// A token goes round, and everyone adds to it.
func (p peer) roundTheRing() {
	right, left := (p.rank+1)%p.n, (p.rank+p.n-1)%p.n
	send := func(x mlx.Array) {
		y := p.eval(func(s *mlx.Scope) mlx.Array { return s.Send(x, right, p.g) })
		require.NoError(p, y.Close())
	}
	recv := func() mlx.Array {
		return p.eval(func(s *mlx.Scope) mlx.Array {
			x := s.Recv([]int{2, 2}, mlx.Int32, left, p.g)
			return s.Add(x, s.Scalar(1, mlx.Int32))
		})
	}
	for round := range 10 {
		var x mlx.Array
		if p.rank == 0 {
			x = slice(p.T, p.th, []int32{int32(round), 0, -1, 7}, 2, 2)
			send(x)
			require.NoError(p, x.Close())
			x = recv()
		} else {
			x = recv()
			send(x)
		}
		n := int32(p.rank)
		if p.rank == 0 {
			n = int32(p.n)
		}
		require.Equal(p, []int32{int32(round) + n, n, n - 1, n + 7}, read[int32](p.T, p.th, x))
	}
	// All at once: the sending is started first, or everyone would wait to receive.
	x := slice(p.T, p.th, []float32{float32(p.rank)})
	defer x.Close()
	sent := build(p.T, p.th, func(s *mlx.Scope) mlx.Array { return s.Send(x, right, p.g) })
	require.NoError(p, p.th.AsyncEval(sent))
	got := p.eval(func(s *mlx.Scope) mlx.Array { return s.RecvLike(x, left, p.g) })
	require.Equal(p, []float32{float32(p.rank)}, read[float32](p.T, p.th, sent))
	require.Equal(p, []float32{float32(left)}, read[float32](p.T, p.th, got))
}

// Many rounds, the next begun before the last is read: every process sees the same order.
func (p peer) inOrder() {
	x := slice(p.T, p.th, []float32{float32(p.rank)}, 1)
	for i := range 25 {
		next := build(p.T, p.th, func(s *mlx.Scope) mlx.Array {
			sum := s.AllSum(s.Add(x, s.Scalar(float64(p.rank), mlx.Float32)), p.g)
			most := s.AllMax(s.Scalar(float64(p.rank+i), mlx.Float32), p.g)
			all := s.AllGather(sum, p.g)
			return s.Subtract(s.Divide(s.Sum(all, true), s.Scalar(float64(p.n*p.n), mlx.Float32)), most)
		})
		require.NoError(p, p.th.AsyncEval(next))
		require.NoError(p, x.Close())
		x = next
	}
	// From the second round on all have the same x: x' = x + (n-1)/2 - (n-1+i).
	half := float32(p.n-1) / 2
	want := half + half // the mean of rank + rank
	for i := range 25 {
		if i > 0 {
			want += half
		}
		want -= float32(p.n - 1 + i)
	}
	require.InDelta(p, want, read[float32](p.T, p.th, x)[0], 0.5)
}

func TestRingErrors(t *testing.T) {
	for rank, e := range ring(t, 4, func(p peer) {
		x := slice(p.T, p.th, []float32{1})
		defer x.Close()
		var closed mlx.Group
		for says, fn := range map[string]func(s *mlx.Scope) mlx.Array{
			"mlx: all_sum: the group is nil or closed":       func(s *mlx.Scope) mlx.Array { return s.AllSum(x, nil) },
			"mlx: recv: the group is nil or closed":          func(s *mlx.Scope) mlx.Array { return s.Recv(nil, mlx.Float32, 0, &closed) },
			"mlx: send: Invalid destination=4 for a group o": func(s *mlx.Scope) mlx.Array { return s.Send(x, 4, p.g) },
			"mlx: recv: Invalid source=-1 for a group of si": func(s *mlx.Scope) mlx.Array { return s.Recv(nil, mlx.Float32, -1, p.g) },
			"mlx: recv: 4294967296 does not fit in 32 bits":  func(s *mlx.Scope) mlx.Array { return s.Recv(nil, mlx.Float32, 1<<32, p.g) },
			"mlx: all_gather: expected a non-empty mlx_arra": func(s *mlx.Scope) mlx.Array { return s.AllGather(mlx.Array{}, p.g) },
		} {
			_, err := p.th.Build(fn)
			require.ErrorContains(p, err, says)
			require.ErrorContains(p, err, "(distributed_test.go:")
		}
		_, err := p.g.Split(p.th, p.rank%2, -1)
		require.ErrorContains(p, err, "mlx: distributed_group_split: [ring] Group split not supported")

		again, err := mlx.InitDistributed(p.th, "ring", true)
		require.NoError(p, err)
		require.Equal(p, p.g.Rank(), again.Rank())
		require.NoError(p, again.Close())

		// Nobody is beside the rank opposite: the computation fails, the ring lives on.
		far := build(p.T, p.th, func(s *mlx.Scope) mlx.Array { return s.Send(x, (p.rank+2)%4, p.g) })
		require.ErrorContains(p, p.th.Eval(far), "[ring] Send only supported to direct neighbors")
		require.NoError(p, far.Close())
		sum, err := p.sum(1)
		require.NoError(p, err)
		require.Equal(p, int32(4), sum)
	}) {
		require.Zero(t, e.code, "rank %d: %s", rank, e.out)
	}
}

// A process that dies in the middle is an error for those beside it, soon, and
// not a process that waits for ever.
func TestPeerThatDies(t *testing.T) {
	all := ring(t, 2, func(p peer) {
		sum, err := p.sum(int32(p.rank + 1))
		require.NoError(p, err)
		require.Equal(p, int32(3), sum)
		if p.rank == 1 {
			os.Exit(3)
		}
		_, err = p.sum(1)
		require.ErrorIs(p, err, mlx.ErrPeerLost)
		require.ErrorContains(p, err, "[ring] connection to a peer was lost")
		for range 3 { // MLX would hang
			_, err = p.sum(1)
			require.ErrorIs(p, err, mlx.ErrPeerLost)
			require.ErrorContains(p, err, "mlx: all_sum: ")
		}
		require.Equal(p, []int32{2}, read[int32](p.T, p.th, build(p.T, p.th, func(s *mlx.Scope) mlx.Array {
			return s.Add(mlx.Const(s, []int32{1}), mlx.Const(s, []int32{1}))
		})), "the rest works")
	})
	require.Equal(t, 3, all[1].code, all[1].out)
	require.Zero(t, all[0].code, all[0].out)
}

// Without a launcher a group is this process alone.
func TestGroupOfOne(t *testing.T) {
	out, err := child(t, nil, func() {
		leaktest.Do(t, func(th *mlx.Thread) {
			_, err := mlx.InitDistributed(th, "ring", true)
			require.ErrorContains(t, err, "mlx: distributed_init: [ring] You need to provide via environment variables both a rank (MLX_RANK)")
			_, err = mlx.InitDistributed(th, "carrier pigeon", false)
			require.ErrorContains(t, err, "'carrier pigeon' was provided")
			for backend, want := range map[string]bool{"ring": true, "any": true, "carrier pigeon": false} {
				there, err := mlx.DistributedAvailable(th, backend)
				require.NoError(t, err)
				require.Equal(t, want, there, backend)
			}
			g, err := mlx.InitDistributed(th, "any", false)
			require.NoError(t, err)
			defer g.Close()
			require.Equal(t, [2]int{0, 1}, [2]int{g.Rank(), g.Size()})
			x := slice(t, th, []float32{1, -2})
			defer x.Close()
			for _, f := range []func(s *mlx.Scope) mlx.Array{
				func(s *mlx.Scope) mlx.Array { return s.AllSum(x, g) },
				func(s *mlx.Scope) mlx.Array { return s.AllGather(x, g) },
				func(s *mlx.Scope) mlx.Array { return s.SumScatter(x, g) },
			} {
				require.Equal(t, []float32{1, -2}, read[float32](t, th, build(t, th, f)))
			}
			_, err = th.Build(func(s *mlx.Scope) mlx.Array { return s.Send(x, 0, g) })
			require.ErrorContains(t, err, "mlx: send: Cannot send to a singleton group")
			_, err = g.Split(th, 0, 0)
			require.ErrorContains(t, err, "Cannot split the distributed group further")
		})
	})
	require.NoError(t, err, out)
	var dead *mlx.Thread
	_, err = mlx.InitDistributed(dead, "any", false)
	require.ErrorIs(t, err, mlx.ErrOutsideDo)
}
