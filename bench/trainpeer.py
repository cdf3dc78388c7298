"""Trains with Python mlx-lm for the program beside it.

usage: trainpeer.py MODEL METHOD RANK    loads the mlx-lm folder, or makes the model of a config.json with the weights of models.New; METHOD is lora, on all layers, or
                                         full. Prints one line of JSON about itself, then answers each line of JSON on standard input, {"tokens": [[id]], "iters": n},
                                         with one on standard output

A run is mlx_lm.tuner.train, as mlx_lm.lora calls it: 2n iterations on those rows, of which the second n are told: the first ones trace and compile. newmodel.py goes before it.
"""
import contextlib
import importlib.metadata
import json
import os
import pathlib
import platform
import sys
import tempfile
import types

import mlx.core as mx
import mlx.optimizers as optim
from mlx.utils import tree_flatten
from mlx_lm.tuner.trainer import TrainingArgs, TrainingCallback, train
from mlx_lm.tuner.utils import linear_to_lora_layers
from mlx_lm.utils import load_model


class Reports(TrainingCallback):
    def __init__(self):
        self.all = []

    def on_train_loss_report(self, info):
        self.all.append(info)


def prepare(model, method, rank):
    model.freeze()
    if method == "full":
        for layer in model.layers:
            layer.unfreeze()
    else:
        linear_to_lora_layers(model, len(model.layers), dict(rank=rank, scale=20.0, dropout=0.0))
    return sum(v.size for _, v in tree_flatten(model.trainable_parameters()))


def run(model, rows, n):
    batch = mx.array(rows)
    lengths = mx.array([[0, len(r)] for r in rows])

    def batches(**_):
        while True:
            yield batch, lengths

    reports = Reports()
    mx.reset_peak_memory()
    with tempfile.TemporaryDirectory() as folder:
        args = TrainingArgs(batch_size=len(rows), iters=2 * n, steps_per_report=n, steps_per_eval=10**9, steps_per_save=10**9,
                            max_seq_length=len(rows[0]), adapter_file=str(pathlib.Path(folder) / "adapters.safetensors"))
        train(model, optim.Adam(learning_rate=1e-5), types.SimpleNamespace(), None, args, iterate_batches=batches, training_callback=reports)
    last = reports.all[-1]
    return dict(tokens_per_second=last["tokens_per_second"], loss=reports.all[0]["train_loss"], peak=int(last["peak_memory"] * 1e9))


def main(folder, method, rank):
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print is no answer
    path = pathlib.Path(folder)
    model = new_model(path) if path.suffix == ".json" else load_model(path)[0]
    trained = prepare(model, method, int(rank))
    versions = {p: importlib.metadata.version(p) for p in ("mlx", "mlx-lm")}
    print(json.dumps(dict(python=platform.python_version(), device=str(mx.default_device()), trained=trained, **versions)), file=answers)
    for line in sys.stdin:
        request = json.loads(line)
        with contextlib.redirect_stdout(sys.stderr):
            print(json.dumps(run(model, request["tokens"], request["iters"])), file=answers)


if __name__ == "__main__":
    main(*sys.argv[1:])
