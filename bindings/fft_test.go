package bindings_test

import (
	"testing"

	"forge.lthn.ai/core/go-mlx/bindings"
)

func TestFFTs(t *testing.T) {
	const back, ortho, forward = bindings.FFTNormBackward, bindings.FFTNormOrtho, bindings.FFTNormForward
	table := ops{
		"FFT":       func(r refs) ([]array, error) { return one(bindings.FFT(r.v, 8, 0, ortho, r.s)) },
		"IFFT":      func(r refs) ([]array, error) { return one(bindings.IFFT(r.z, 3, 0, back, r.s)) },
		"RFFT":      func(r refs) ([]array, error) { return one(bindings.RFFT(r.v, 6, 0, back, r.s)) },
		"IRFFT":     func(r refs) ([]array, error) { return one(bindings.IRFFT(r.z, 4, 0, forward, r.s)) },
		"FFTFreq":   func(r refs) ([]array, error) { return one(bindings.FFTFreq(5, 0.5, r.s)) },
		"RFFTFreq":  func(r refs) ([]array, error) { return one(bindings.RFFTFreq(5, 0.5, r.s)) },
		"FFTShift":  func(r refs) ([]array, error) { return one(bindings.FFTShift(r.t, []int32{0, 2}, r.s)) },
		"IFFTShift": func(r refs) ([]array, error) { return one(bindings.IFFTShift(r.t, []int32{1}, r.s)) },
	}
	plane, space := []int32{0, 1}, []int32{0, 1, 2}
	for name, tt := range map[string]struct {
		f       func(a array, n, axes []int32, norm bindings.FFTNorm, s stream) (array, error)
		n, axes []int32
		norm    bindings.FFTNorm
	}{
		"FFT2":   {bindings.FFT2, []int32{2, 3}, plane, back},
		"IFFT2":  {bindings.IFFT2, []int32{2, 3}, plane, back},
		"RFFT2":  {bindings.RFFT2, []int32{2, 3}, plane, back},
		"IRFFT2": {bindings.IRFFT2, []int32{2, 4}, plane, back},
		"FFTN":   {bindings.FFTN, []int32{2, 3, 4}, space, back},
		"IFFTN":  {bindings.IFFTN, []int32{2, 3, 4}, space, ortho},
		"RFFTN":  {bindings.RFFTN, []int32{2, 3, 4}, space, back},
		"IRFFTN": {bindings.IRFFTN, []int32{2, 3, 6}, space, back},
	} {
		table[name] = func(r refs) ([]array, error) { return one(tt.f(r.t, tt.n, tt.axes, tt.norm, r.s)) }
	}
	table.compare(t)
}
