"""Measures Python mlx-lm for the program beside it.

usage: peer.py FOLDER    loads the mlx-lm folder, or makes the model of a config.json with the weights of models.New, prints one line of JSON about itself, then answers each line of JSON
                         on standard input, {"prompt": ids, "tokens": n, "builds": n}, with one on standard output. newmodel.py goes before it

What is timed, as generate.Stream of go-mlx times it: the prompt until its first token is there, the tokens after
the first, and how long model(token, cache) takes to build the graph of one step, each step computed before the next.
"""
import importlib.metadata
import json
import os
import pathlib
import platform
import sys
import time

import mlx.core as mx
from mlx_lm.generate import generate_step
from mlx_lm.models.cache import make_prompt_cache
from mlx_lm.utils import load_model


def generate(model, cache, prompt, count):
    tokens, began = [], time.perf_counter()
    for token, _ in generate_step(mx.array(prompt), model, max_tokens=count, prompt_cache=cache):
        tokens.append(int(token))
        if len(tokens) == 1:
            first = time.perf_counter()
    return tokens, first - began, time.perf_counter() - first


def builds(model, cache, token, count):
    """Seconds to build a step, `count` times at growing positions."""
    times = []
    inputs = mx.array([[token]])
    mx.eval(inputs)
    for _ in range(count):
        began = time.perf_counter()
        logits = model(inputs, cache=cache)
        times.append(time.perf_counter() - began)
        mx.eval(logits, [c.state for c in cache])
    return times


def run(model, prompt, tokens, count):
    cache = make_prompt_cache(model)
    mx.reset_peak_memory()
    ids, prompt_s, decode_s = generate(model, cache, prompt, tokens)
    arrays = mx.get_peak_memory()
    return dict(tokens=ids, prompt_s=prompt_s, decode_s=decode_s, arrays=arrays, build_s=builds(model, cache, ids[-1], count))


def main(folder):
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print is no answer
    path = pathlib.Path(folder)
    model = new_model(path) if path.suffix == ".json" else load_model(path)[0]
    versions = {p: importlib.metadata.version(p) for p in ("mlx", "mlx-lm")}
    print(json.dumps(dict(python=platform.python_version(), device=str(mx.default_device()), **versions)), file=answers)
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps(run(model, request["prompt"], request["tokens"], request["builds"])), file=answers)


if __name__ == "__main__":
    main(sys.argv[1])
