"""Greedy tokens by llama.cpp or mlx-lm, for the test that converted models are theirs too.

usage: peers.py llama.cpp FILE.gguf     with llama-cpp-python
       peers.py mlx-lm FOLDER           with mlx-lm

Reads {"prompt": [ids], "tokens": number, "texts": [texts]} from standard input; answers {"tokens": [ids], "texts": [[ids]]}: the
tokens after the prompt, and the texts encoded.
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


def mlx_lm(path):
    import mlx.core as mx
    from mlx_lm import load
    from mlx_lm.generate import generate_step

    model, tokenizer = load(path)
    out = [int(token) for token, _ in generate_step(mx.array(ask["prompt"]), model, max_tokens=ask["tokens"])]
    return out, [tokenizer.encode(text) for text in ask["texts"] or []]


tokens, texts = {"llama.cpp": llama_cpp, "mlx-lm": mlx_lm}[sys.argv[1]](sys.argv[2])
json.dump({"tokens": tokens, "texts": texts}, sys.stdout)
