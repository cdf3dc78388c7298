"""The perplexity of short texts in mlx-lm: what models/perplexity_test.go and cmd/mlx's tests compare with.

usage: perplexity.py OUT     OUT/f32 and OUT/q4-f32 are SmolLM2's folders of smollm2.py convert

Writes perplexity.json: for each case the sequences that mlx_lm.perplexity.load_data chooses, by the sum and the first of
their tokens, and what its eval_ppl says of them. Beside mlx-lm's texts, which are rows of a dataset, "whole" is
all rows as one text. Needs mlx, mlx-cpu and mlx-lm 0.32.2.
"""
import json
import os
import sys

import mlx.core as mx
import numpy as np
from mlx_lm import load
from mlx_lm import perplexity
from mlx_lm.tuner.datasets import TextDataset

HERE = os.path.dirname(os.path.abspath(__file__))
CASES = [
    dict(name="rows", seed=123, num_samples=4, sequence_length=96, batch_size=3),
    dict(name="other rows", seed=7, num_samples=2, sequence_length=128, batch_size=8),
    dict(name="whole", seed=123, num_samples=3, sequence_length=150, batch_size=2),
    dict(name="packed", seed=123, num_samples=2, sequence_length=48, batch_size=2),
]


def main(out):
    with open(HERE + "/perplexity.jsonl") as f:
        rows = [json.loads(line) for line in f]
    results = []
    for case in CASES:
        model, tokenizer = load(f"{out}/{'q4-f32' if case['name'] == 'packed' else 'f32'}")
        texts = [dict(text="\n".join(r["text"] for r in rows))] if case["name"] == "whole" else rows
        perplexity.load_dataset = lambda *_: [TextDataset(texts, tokenizer)]
        np.random.seed(case["seed"])
        data = perplexity.load_data(tokenizer, "", case["num_samples"], case["sequence_length"])
        ppl, error = perplexity.eval_ppl(model, data, case["batch_size"])
        results.append(dict(case, first=[r[0] for r in data.tolist()], sum=mx.sum(data).item(), perplexity=ppl, error=error))
    seeds = {}
    for seed, n in (0, 1), (1, 2), (123, 10), (7, 1000), (4294967295, 33):
        np.random.seed(seed)
        seeds[f"{seed} {n}"] = np.random.permutation(n).tolist()[:16]
    with open(HERE + "/perplexity.json", "w") as f:
        json.dump(dict(cases=results, permutations=seeds), f, indent=1)


main(sys.argv[1])
