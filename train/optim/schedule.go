package optim

import "math"

// Schedule is the learning rate of a step, which is how many updates came before.
// As mlx.optimizers has them.
type Schedule func(step int) float64

// Constant is always the same rate.
func Constant(rate float64) Schedule { return func(int) float64 { return rate } }

// Exponential multiplies the rate by decay each step.
func Exponential(start, decay float64) Schedule {
	return func(step int) float64 { return start * math.Pow(decay, float64(step)) }
}

// Step multiplies the rate by decay once every so many steps.
func Step(start, decay float64, every int) Schedule {
	return func(step int) float64 { return start * math.Pow(decay, float64(step/max(every, 1))) }
}

// Cosine falls from start to end along half a wave, and stays there.
func Cosine(start float64, steps int, end float64) Schedule {
	return func(step int) float64 {
		return end + 0.5*(1+math.Cos(math.Pi*done(step, steps)))*(start-end)
	}
}

// Linear goes from start to end along a line, and stays there.
func Linear(start, end float64, steps int) Schedule {
	return func(step int) float64 {
		return start + done(step, steps)*(end-start)
	}
}

// done is the part of steps that are behind: all of them where there are none.
func done(step, steps int) float64 {
	if step >= steps {
		return 1
	}
	return float64(step) / float64(steps)
}

// Join goes on with the next schedule at each boundary, a step that is its step 0.
func Join(first Schedule, then ...Then) Schedule {
	return func(step int) float64 {
		schedule, began := first, 0
		for _, next := range then {
			if step >= next.From {
				schedule, began = next.Schedule, next.From
			}
		}
		return schedule(step - began)
	}
}

// Then is a schedule from a step on.
type Then struct {
	From     int
	Schedule Schedule
}

// Warmup climbs from start to where the schedule begins within steps, then follows it
// from its beginning, as mlx-lm's "warmup" does: the top rate is used once more.
func Warmup(start float64, steps int, s Schedule) Schedule {
	if steps < 1 {
		return s
	}
	return Join(Linear(start, s(0), steps), Then{From: steps + 1, Schedule: s})
}
