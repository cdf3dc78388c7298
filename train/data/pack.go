package data

// pack puts rows together into lanes of the greatest length: each goes into the
// first lane with room for it.
func (c *batchConfig) pack(set Set, p *pass) {
	size := func(i int32) int32 { return int32(min(set.Row(int(i)).Tokens, c.length)) }
	room := newRooms(len(p.rows), int32(c.length))
	lane := make([]int32, len(p.rows)) // of each row
	p.lanes = []int32{0}
	for k, i := range p.rows {
		lane[k] = room.take(size(i))
		if n := int(lane[k]) + 2; n > len(p.lanes) {
			p.lanes = append(p.lanes, 0)
		}
		p.lanes[lane[k]+1]++
	}
	for l := range len(p.lanes) - 1 { // numbers of rows become places
		p.lanes[l+1] += p.lanes[l]
	}
	next, packed := append([]int32(nil), p.lanes...), make([]int32, len(p.rows))
	for k, i := range p.rows {
		packed[next[lane[k]]] = i
		next[lane[k]]++
	}
	p.rows = packed
}

// rooms finds the first of many lanes with enough room: a tree over them, each node
// of which knows the most room below it.
type rooms []int32

func newRooms(lanes int, room int32) rooms {
	n := 1
	for n < lanes {
		n *= 2
	}
	r := make(rooms, 2*n)
	for i := range r {
		r[i] = room
	}
	return r
}

// take uses the room that a row needs, and returns the lane.
func (r rooms) take(need int32) int32 {
	i, leaves := 1, len(r)/2
	for i < leaves {
		if i *= 2; r[i] < need {
			i++
		}
	}
	r[i] -= need
	lane := i - leaves
	for i /= 2; i > 0; i /= 2 {
		r[i] = max(r[2*i], r[2*i+1])
	}
	return int32(lane)
}
