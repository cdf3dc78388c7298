package nn_test

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"log"
	"os"

	"forge.lthn.ai/core/go-mlx/models/nn"
	"forge.lthn.ai/core/go-mlx/models/nn/losses"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// digitsMLP tells handwritten digits apart.
type digitsMLP struct {
	Fc1 nn.Linear `weight:"fc1"`
	Fc2 nn.Linear `weight:"fc2"`
}

// Forward maps pixels [B, 64] to logits [B, 10].
func (m *digitsMLP) Forward(s *mlx.Scope, x mlx.Array) mlx.Array {
	return m.Fc2.Forward(s, nn.ReLU(s, m.Fc1.Forward(s, x)))
}

// digitSet is images [N, 64] of pixels from 0 to 16, and the digits they show.
type digitSet struct{ images, digits []int32 }

// batch is part of a set.
func (d digitSet) batch(from, to int) digitSet {
	return digitSet{d.images[from*64 : to*64], d.digits[from:to]}
}

// pixels makes an array [N, 64] of numbers between 0 and 1.
func (d digitSet) pixels(s *mlx.Scope) mlx.Array {
	return s.Divide(mlx.Const(s, d.images, len(d.digits), 64), s.Scalar(16, mlx.Float32))
}

// step trains on a batch.
func (m *digitsMLP) step(t *mlx.Thread, params nn.Tree, batch digitSet) error {
	_, err := t.BuildAll(func(s *mlx.Scope) []mlx.Array {
		x, y := batch.pixels(s), mlx.Const(s, batch.digits)
		_, grads := nn.ValueAndGrad(s, params, func(s *mlx.Scope) mlx.Array {
			return losses.CrossEntropy(s, m.Forward(s, x), y, losses.Mean)
		})
		for i, g := range grads {
			params[i].Assign(s, s.Subtract(params[i].Array(), s.Multiply(s.Scalar(0.3, mlx.Float32), g)))
		}
		return nil
	})
	if err != nil {
		return err
	}
	return t.Eval(params.Arrays()...)
}

// accuracy is the part of a set that the model gets right.
func (m *digitsMLP) accuracy(t *mlx.Thread, set digitSet) (float32, error) {
	right, err := t.Build(func(s *mlx.Scope) mlx.Array {
		said := s.ArgmaxAxis(m.Forward(s, set.pixels(s)), -1, false)
		return s.Mean(s.Equal(said, mlx.Const(s, set.digits)), false)
	})
	if err != nil {
		return 0, err
	}
	defer right.Close()
	return mlx.Item[float32](t, right)
}

// readDigits reads the file of testdata/digits.py. Every sixth digit is kept for
// the test.
func readDigits() (train, test digitSet, err error) {
	f, err := os.Open("testdata/digits.gz")
	if err != nil {
		return train, test, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return train, test, err
	}
	row := make([]byte, 65)
	for i := 0; ; i++ {
		if _, err := io.ReadFull(z, row); err == io.EOF {
			return train, test, nil
		} else if err != nil {
			return train, test, err
		}
		set := &train
		if i%6 == 5 {
			set = &test
		}
		for _, pixel := range row[:64] {
			set.images = append(set.images, int32(pixel))
		}
		set.digits = append(set.digits, int32(row[64]))
	}
}

// An MLP learns the 1,797 handwritten digits that scikit-learn carries.
func Example_digits() {
	train, test, err := readDigits()
	if err != nil {
		log.Fatal(err)
	}
	err = mlx.Do(context.Background(), func(t *mlx.Thread) error {
		owner := t.NewOwner("model")
		defer owner.Close()
		model := &digitsMLP{Fc1: nn.Linear{In: 64, Out: 32}, Fc2: nn.Linear{In: 32, Out: 10}}
		if err := nn.Init(t, model, 7, owner); err != nil {
			return err
		}
		params := nn.Trainable(model)
		const epochs, batch = 25, 50
		for range epochs {
			for at := 0; at+batch <= len(train.digits); at += batch {
				if err := model.step(t, params, train.batch(at, at+batch)); err != nil {
					return err
				}
			}
		}
		accuracy, err := model.accuracy(t, test)
		fmt.Println(params.Names())
		fmt.Println("right of 299 that it never saw, more than 270:", accuracy*299 > 270)
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// [fc1.weight fc1.bias fc2.weight fc2.bias]
	// right of 299 that it never saw, more than 270: true
}
