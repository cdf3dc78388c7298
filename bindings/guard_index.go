package bindings

// checkScatter refuses arrays that have no place to put anything, and indices
// without updates.
func checkScatter(op string, a Array, indices []Array, updates Array) error {
	none := len(indices) == 0
	for _, index := range indices {
		none = none || isEmpty(index)
	}
	switch {
	case len(indices) == 0:
		return refuse(op, "there are no indices")
	case isEmpty(updates) && !none:
		return refuse(op, "there are indices and no updates")
	}
	return checkElements(op, a)
}

func checkScatterSingle(op string, a, indices, updates Array) error {
	return checkScatter(op, a, []Array{indices}, updates)
}

// checkSource refuses a mask whose elements there is nothing for.
func checkSource(op string, mask, src Array) error {
	if isEmpty(src) && !isEmpty(mask) {
		return refuse(op, "the source has no elements")
	}
	return nil
}

// checkIntegers refuses indices that are no integers.
func checkIntegers(op string, indices Array) error {
	d, err := indices.Dtype()
	if err == nil && !indices.IsNull() && (d == Bool || d >= Float16) {
		return refuse(op, "indices are %v; they must be integers", d)
	}
	return nil
}

// checkBatches refuses indices of matrices where there are none.
func checkBatches(op string, a, b, left, right Array) error {
	if !left.IsNull() && isEmpty(a) || !right.IsNull() && isEmpty(b) {
		return refuse(op, "there are indices and no matrices")
	}
	return nil
}

// checkGroups refuses group sizes and bits that are given and not positive.
func checkGroups(op string, group, bits OptionalInt) error {
	if group.Valid && group.Value < 1 {
		return refuse(op, "the group size is %d", group.Value)
	}
	if bits.Valid && bits.Value < 1 {
		return refuse(op, "the number of bits is %d", bits.Value)
	}
	return nil
}

func checkPacked(op string, x, w, left, right Array, group, bits OptionalInt) error {
	if err := checkBatches(op, x, w, left, right); err != nil {
		return err
	}
	return checkGroups(op, group, bits)
}
