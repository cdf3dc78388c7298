package models

// maxExperts bounds the experts of a layer, for each of which a checkpoint may
// have tensors.
const maxExperts = 1 << 12

// checkExperts refuses a mixture of experts that no model has: field names their
// number.
func checkExperts(field string, experts, perToken int) error {
	if experts < 1 || experts > maxExperts {
		return fieldError(field, "%d is not between 1 and %d", experts, maxExperts)
	}
	if perToken < 1 || perToken > experts {
		return fieldError("num_experts_per_tok", "%d is not between 1 and the %d of %s", perToken, experts, field)
	}
	return nil
}
