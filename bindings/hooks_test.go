package bindings

// RefusePercents makes the bindings treat the library as one whose messages are
// printf formats, until the function that it returns is called.
func RefusePercents() (undo func()) {
	was := percents.Swap(false)
	return func() { percents.Store(was) }
}
