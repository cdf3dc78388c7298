package bindings_test

import (
	"testing"

	"forge.lthn.ai/core/go-mlx/bindings"
	"github.com/stretchr/testify/require"
)

// Without a launcher the group is this process alone: sums and gathers are the
// identity, and there is nobody to send to.
func TestDistributedAlone(t *testing.T) {
	k := begin(t)
	g, err := bindings.DistributedInit(false, "any")
	require.NoError(t, err)
	defer g.Close()
	rank, err := g.Rank()
	require.NoError(t, err)
	require.Zero(t, rank)
	size, err := g.Size()
	require.NoError(t, err)
	require.Equal(t, int32(1), size)

	x := k.floats([]float32{1, -2})
	for name, reduce := range map[string]func(array, bindings.DistributedGroup, stream) (array, error){
		"all_sum": bindings.DistributedAllSum, "all_gather": bindings.DistributedAllGather,
		"all_max": bindings.DistributedAllMax, "all_min": bindings.DistributedAllMin,
		"sum_scatter": bindings.DistributedSumScatter,
	} {
		for _, group := range []bindings.DistributedGroup{g, {}} { // null is the global group
			require.Equal(t, []float32{1, -2}, k.read(k.array(reduce(x, group, k.s))), name)
		}
		_, err := reduce(array{}, g, k.s)
		k.fails(err, "distributed_"+name, "non-empty mlx_array", 1)
	}
	for op, err := range map[string]error{
		"distributed_send":      second(bindings.DistributedSend(x, 0, g, k.s)),
		"distributed_recv":      second(bindings.DistributedRecv([]int32{2}, bindings.Float32, 0, g, k.s)),
		"distributed_recv_like": second(bindings.DistributedRecvLike(x, 0, g, k.s)),
	} {
		k.fails(err, op, "singleton group", 1)
	}
	_, err = g.Split(0, 0)
	k.fails(err, "distributed_group_split", "Cannot split the distributed group further", 1)
}

func TestDistributedGroups(t *testing.T) {
	k := begin(t)
	there, err := bindings.DistributedIsAvailable("no such backend")
	require.NoError(t, err)
	require.False(t, there)
	_, err = bindings.DistributedInit(true, "no such backend")
	k.fails(err, "distributed_init", "no such backend", 1)
	_, err = bindings.DistributedInit(false, "\x00")
	k.fails(err, "distributed_init", "mlx-c cannot carry", 1)

	null, err := bindings.NewDistributedGroup()
	require.NoError(t, err)
	require.NoError(t, null.Close())
	for op, err := range map[string]error{
		"distributed_group_rank":  second(null.Rank()),
		"distributed_group_size":  second(null.Size()),
		"distributed_group_split": second(null.Split(0, 0)),
	} {
		k.fails(err, op, "non-empty mlx_distributed_group", 1)
	}
}
