"""Greedy tokens by llama.cpp or mlx-lm, for the test that converted models are theirs too.

usage: peers.py llama.cpp FILE.gguf     with llama-cpp-python
       peers.py sgemm FILE.gguf         with llama-cpp-python, built with GGML_BLAS=ON
       peers.py mlx-lm FOLDER           with mlx-lm

Reads {"prompt": [ids], "tokens": number, "texts": [texts]} from standard input; answers {"tokens": [ids], "texts": [[ids]]}: the
tokens after the prompt, and the texts encoded. "sgemm" computes the prompt alone, at once, with unpacked weights and float32
activations, answers the likeliest token after each of its tokens, and adds "margins", how far the next likely is below each,
and "rounding", how far logits lie from those of fewer rows at a time, which are made with activations of 8 bits.
"""
import json
import sys

ask = json.load(sys.stdin)


def llama_cpp(path):
    from llama_cpp import Llama

    model = Llama(path, n_ctx=512, n_threads=2, verbose=False)
    out = []
    for token in model.generate(ask["prompt"], temp=0.0, top_k=1, repeat_penalty=1.0):
        out.append(token)
        if len(out) == ask["tokens"]:
            break
    return out, [model.tokenize(text.encode(), add_bos=True, special=True) for text in ask["texts"] or []]


def logits(path, rows):
    """Of every position, computed so many at a time, with keys and values as they are."""
    import llama_cpp
    import numpy as np

    defaults = llama_cpp.llama_cpp.llama_model_default_params

    def plain():
        params = defaults()
        params.use_extra_bufts = False  # weights repacked for the CPU would not go to the BLAS
        return params

    llama_cpp.llama_cpp.llama_model_default_params = plain
    model = llama_cpp.Llama(path, n_ctx=512, n_batch=rows, n_ubatch=rows, n_threads=2, type_k=0, type_v=0, logits_all=True, verbose=False)
    llama_cpp.llama_cpp.llama_model_default_params = defaults
    model.eval(ask["prompt"])
    return np.array(model.scores[: len(ask["prompt"])])


def sgemm(path):
    import numpy as np

    exact = logits(path, 512)  # from 32 rows on llama.cpp unpacks weights and calls the BLAS
    best = np.sort(exact, -1)
    answer["margins"] = (best[:, -1] - best[:, -2]).tolist()
    answer["rounding"] = float(np.abs(exact - logits(path, 16)).max())
    return exact.argmax(-1).tolist(), []


def mlx_lm(path):
    import mlx.core as mx
    from mlx_lm import load
    from mlx_lm.generate import generate_step

    model, tokenizer = load(path)
    out = [int(token) for token, _ in generate_step(mx.array(ask["prompt"]), model, max_tokens=ask["tokens"])]
    return out, [tokenizer.encode(text) for text in ask["texts"] or []]


answer = {}
answer["tokens"], answer["texts"] = {"llama.cpp": llama_cpp, "sgemm": sgemm, "mlx-lm": mlx_lm}[sys.argv[1]](sys.argv[2])
json.dump(answer, sys.stdout)
