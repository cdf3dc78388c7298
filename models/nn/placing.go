package nn

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// placingElements is how many elements one goroutine takes at a time: so many that
// taking them costs nothing, and so few that all cores end together.
const placingElements = 1 << 19

// placing is rows [lo, hi) of a tensor on their way.
type placing struct {
	of     *placement
	tensor *placedTensor
	to     Room
	lo, hi int
}

// placedTensor counts the parts of a tensor that are still to be read.
type placedTensor struct {
	Placer
	left atomic.Int64
}

// startPlacing makes memory for the placements and begins to fill it, in order and on
// all cores, while the layers wait for theirs. stop ends it: nothing is written
// afterwards.
func (l *loader) startPlacing() (stop func(), err error) {
	if len(l.placements) == 0 {
		return func() {}, nil
	}
	if err := l.makeRooms(); err != nil {
		return nil, err
	}
	var jobs []placing
	for _, p := range l.placements {
		to, err := p.room(l.t)
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, p.split(to)...)
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(jobs)) {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(jobs)); i = next.Add(1) - 1 {
				jobs[i].run()
			}
		})
	}
	return func() {
		next.Store(int64(len(jobs)))
		wg.Wait()
	}, nil
}

// split cuts the matrix into parts of some rows of one tensor.
func (p *placement) split(to Room) (jobs []placing) {
	step := max(1, placingElements/max(1, p.m.in))
	at := 0
	for _, tensor := range p.tensors {
		n, t := tensor.Shape()[0], &placedTensor{Placer: tensor}
		for lo := 0; lo < n; lo += step {
			hi := min(lo+step, n)
			jobs = append(jobs, placing{p, t, to.rows(at+lo, at+hi, p.m.out), lo, hi})
			t.left.Add(1)
		}
		at += n
	}
	p.left.Store(int64(len(jobs)))
	if len(jobs) == 0 {
		close(p.done)
	}
	return jobs
}

// run reads the rows, and tells who waits when they were the last ones.
func (j *placing) run() {
	err := j.tensor.Place(j.to, j.lo, j.hi)
	if j.tensor.left.Add(-1) == 0 && err == nil {
		err = j.tensor.Placed()
	}
	if err != nil {
		j.of.err.CompareAndSwap(nil, &err)
	}
	if j.of.left.Add(-1) == 0 {
		close(j.of.done)
	}
}
