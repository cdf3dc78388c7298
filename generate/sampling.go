package generate

import (
	"fmt"
	"math"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// Sampling says how a token is drawn from the logits. The zero value takes the
// most likely one. The filters work in the order top-p, min-p, top-k on the
// log-probabilities before the temperature, as mlx_lm.sample_utils does.
type Sampling struct {
	Temperature float64 // 0, and what is as good as 0, is greedy
	TopP        float64 // keep the likeliest tokens that together have this probability; 0 and 1 keep all
	MinP        float64 // keep tokens at least this likely in proportion to the likeliest; 0 keeps all
	TopK        int     // keep this many; 0 keeps all
}

func (p Sampling) validate() error {
	switch {
	case !(p.Temperature >= 0) || math.IsInf(p.Temperature, 0):
		return fmt.Errorf("generate: temperature %v is not 0 or more", p.Temperature)
	case !(p.TopP >= 0 && p.TopP <= 1):
		return fmt.Errorf("generate: top-p %v is not between 0 and 1", p.TopP)
	case !(p.MinP >= 0 && p.MinP <= 1):
		return fmt.Errorf("generate: min-p %v is not between 0 and 1", p.MinP)
	case p.TopK < 0:
		return fmt.Errorf("generate: top-k %d is negative", p.TopK)
	}
	return nil
}

// coldest is the lowest temperature that is drawn with: tokens whose logits differ
// by 0.01 differ by e^10 in their chances there. The reciprocal of a lower one would
// overflow float16 when multiplied with log-probabilities.
const coldest = 1e-3

// Greedy reports whether sampling draws nothing.
func (p Sampling) Greedy() bool { return p.Temperature < coldest }

// Sample maps logits [B, V] to tokens [B]. key, an MLX random key, may be the
// zero Array when p is greedy.
func (p Sampling) Sample(s *mlx.Scope, logits, key mlx.Array) mlx.Array {
	if p.Greedy() {
		if s.CPUStepKernels() && s.HasCPUKernels(logits) {
			return s.CPUArgmax(logits)
		}
		return s.ArgmaxAxis(logits, -1, false)
	}
	logprobs := p.filter(s, logits)
	scale := s.Scalar(1/p.Temperature, s.DtypeOf(logprobs))
	return s.RandomCategorical(s.Multiply(logprobs, scale), -1, key)
}

// filter maps logits [B, V] to log-probabilities, minus infinity for the tokens
// that are dropped.
func (p Sampling) filter(s *mlx.Scope, logits mlx.Array) mlx.Array {
	logprobs := s.Subtract(logits, s.LogSumExpAxis(logits, -1, true))
	if p.TopP > 0 && p.TopP < 1 {
		logprobs = topP(s, logprobs, p.TopP)
	}
	if p.MinP > 0 {
		logprobs = minP(s, logprobs, p.MinP)
	}
	if p.TopK > 0 && p.TopK < s.Dim(logprobs, -1) {
		logprobs = topK(s, logprobs, p.TopK)
	}
	return logprobs
}

// topP drops a token when those likelier than it have the probability p
// already. Holtzman et al., 2020, https://arxiv.org/abs/1904.09751.
func topP(s *mlx.Scope, logprobs mlx.Array, p float64) mlx.Array {
	sorted := s.SortAxis(logprobs, -1) // ascending
	probs := s.Exp(s.AsType(sorted, mlx.Float32))
	above := s.CumsumAxis(probs, -1, true, false, mlx.OptionalDtype{})
	first := func(a mlx.Array) mlx.Array { return s.TakeAxis(a, s.Scalar(0, mlx.Int32), -1) }
	total := s.ExpandDims(s.Add(first(above), first(probs)), -1)
	dropped := s.SumAxis(s.AsType(s.GreaterEqual(above, s.Multiply(total, s.Scalar(p, mlx.Float32))), mlx.Int32), -1, true)
	threshold := s.TakeAlongAxis(sorted, dropped, -1)
	return mask(s, s.Less(logprobs, threshold), logprobs)
}

// minP drops tokens less likely than p times the likeliest. Nguyen et al.,
// 2024, https://arxiv.org/abs/2407.01082.
func minP(s *mlx.Scope, logprobs mlx.Array, p float64) mlx.Array {
	limit := s.Add(s.MaxAxis(logprobs, -1, true), s.Scalar(math.Log(p), s.DtypeOf(logprobs)))
	return mask(s, s.Less(logprobs, limit), logprobs)
}

// topK keeps the k likeliest tokens.
func topK(s *mlx.Scope, logprobs mlx.Array, k int) mlx.Array {
	order := s.ArgpartitionAxis(s.Negative(logprobs), k-1, -1)
	shape := s.Shape(order)
	if len(shape) != 2 {
		return logprobs // an error went before
	}
	rest := s.Slice(order, []int{0, k}, shape, []int{1, 1})
	return s.PutAlongAxis(logprobs, rest, negInf(s, logprobs), -1)
}

// mask sets the tokens to drop to minus infinity.
func mask(s *mlx.Scope, drop, logprobs mlx.Array) mlx.Array {
	return s.Where(drop, negInf(s, logprobs), logprobs)
}

func negInf(s *mlx.Scope, like mlx.Array) mlx.Array {
	return s.Scalar(math.Inf(-1), s.DtypeOf(like))
}
