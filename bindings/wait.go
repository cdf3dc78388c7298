package bindings

// Wait waits until the array is computed, and begins to compute it if that has
// not happened: of such an array mlx_array_wait would say that it is ready.
// It calls mlx_array_eval, which only waits where the array is under way.
func (arr Array) Wait() error {
	err := arr.Eval()
	if e, ok := err.(*Error); ok { //nolint:errorlint // it comes from Eval alone
		e.Op = "array_wait"
	}
	return err
}
