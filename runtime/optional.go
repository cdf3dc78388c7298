package runtime

// SomeInt is an OptionalInt that is there.
func SomeInt(v int) OptionalInt { return OptionalInt{Value: int32(v), Valid: true} }

// SomeFloat is an OptionalFloat that is there.
func SomeFloat(v float32) OptionalFloat { return OptionalFloat{Value: v, Valid: true} }

// SomeDtype is an OptionalDtype that is there.
func SomeDtype(d Dtype) OptionalDtype { return OptionalDtype{Value: d, Valid: true} }
